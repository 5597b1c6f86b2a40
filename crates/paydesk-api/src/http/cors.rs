//! What a page of somebody else's may call: only the few routes that browser clients use, from allowed origins.

use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
    VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use paydesk_core::tenant::Mode;

static EXPOSED: HeaderValue = HeaderValue::from_static("retry-after, x-request-id");
static TEN_MINUTES: HeaderValue = HeaderValue::from_static("600");
static VARY_ORIGIN: HeaderValue = HeaderValue::from_static("origin");
static VARY_PREFLIGHT: HeaderValue = HeaderValue::from_static(
    "origin, access-control-request-method, access-control-request-headers",
);

/// What a browser client may send to a route. Cookies are never among it: we set none.
#[derive(Clone, Debug)]
pub struct Cors {
    methods: HeaderValue,
    headers: HeaderValue,
}

impl Cors {
    /// These methods and these request headers, each as a comma-separated list.
    #[must_use]
    pub const fn new(methods: &'static str, headers: &'static str) -> Self {
        Self {
            methods: HeaderValue::from_static(methods),
            headers: HeaderValue::from_static(headers),
        }
    }

    /// The answer to a preflight. Who is not allowed is told so by what is missing from it.
    #[must_use]
    pub fn preflight(&self, origin: Option<&AllowedOrigin>) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        headers.insert(VARY, VARY_PREFLIGHT.clone());
        if let Some(AllowedOrigin(origin)) = origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.headers.clone());
            headers.insert(ACCESS_CONTROL_MAX_AGE, TEN_MINUTES.clone());
        }
        response
    }
}

/// Whether a browser asks what it may send.
#[must_use]
pub fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The origin of a request, found to be allowed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AllowedOrigin(HeaderValue);

impl AllowedOrigin {
    /// The request's origin, if it has one and `allowed` says so. It is asked about `null` too, which any
    /// sandboxed frame may send: a list of origins never holds it.
    #[must_use]
    pub fn of(request: &HeaderMap, allowed: impl FnOnce(&str) -> bool) -> Option<Self> {
        let origin = request.get(ORIGIN)?;
        allowed(origin.to_str().ok()?).then(|| Self(origin.clone()))
    }
}

/// Marks an answer, also a refusal, as readable by the origin that asked; by none if it is not allowed.
pub fn mark(response: &mut HeaderMap, origin: Option<&AllowedOrigin>) {
    // Always, or a cache could hand one origin's answer to another.
    response.append(VARY, VARY_ORIGIN.clone());
    if let Some(AllowedOrigin(origin)) = origin {
        response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        response.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED.clone());
    }
}

/// Whether this origin may read and call: one that the merchant named; in test mode any, so that a developer
/// can begin without setting anything up.
#[must_use]
pub fn may_call(named: &[String], mode: Mode, origin: &str) -> bool {
    // What a sandboxed frame sends, and anybody can make.
    if origin == "null" {
        return false;
    }
    !mode.is_live() || is_named(named, origin)
}

/// Whether the merchant named this origin.
#[must_use]
pub fn is_named(named: &[String], origin: &str) -> bool {
    named.iter().any(|allowed| allowed == origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    static CORS: Cors = Cors::new("GET, POST", "content-type");

    fn asking(origin: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, origin.parse().unwrap());
        headers
    }

    fn allowed(origin: &str) -> Option<AllowedOrigin> {
        AllowedOrigin::of(&asking(origin), |origin| origin == "https://shop.example")
    }

    #[test]
    fn an_allowed_origin_learns_what_it_may_send_and_reads_the_answer() {
        let origin = allowed("https://shop.example");
        let preflight = CORS.preflight(origin.as_ref());
        assert_eq!(preflight.status(), 204);
        assert_eq!(
            preflight.headers()[ACCESS_CONTROL_ALLOW_ORIGIN],
            "https://shop.example"
        );
        assert_eq!(
            preflight.headers()[ACCESS_CONTROL_ALLOW_METHODS],
            "GET, POST"
        );
        assert_eq!(
            preflight.headers()[ACCESS_CONTROL_ALLOW_HEADERS],
            "content-type"
        );

        let mut answer = HeaderMap::new();
        mark(&mut answer, origin.as_ref());
        assert_eq!(answer[ACCESS_CONTROL_ALLOW_ORIGIN], "https://shop.example");
        assert_eq!(answer[VARY], "origin");
    }

    #[test]
    fn another_origin_learns_nothing_and_reads_nothing() {
        for origin in [allowed("https://evil.example"), allowed("null")] {
            assert_eq!(origin, None);
            let preflight = CORS.preflight(origin.as_ref());
            assert_eq!(preflight.headers().len(), 1, "only `Vary`");
            let mut answer = HeaderMap::new();
            mark(&mut answer, None);
            assert!(!answer.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
            assert_eq!(answer[VARY], "origin");
        }
    }

    #[test]
    fn only_a_browsers_question_is_a_preflight() {
        let mut headers = asking("https://shop.example");
        assert!(!is_preflight(&Method::OPTIONS, &headers));
        headers.insert(ACCESS_CONTROL_REQUEST_METHOD, "POST".parse().unwrap());
        assert!(is_preflight(&Method::OPTIONS, &headers));
        assert!(!is_preflight(&Method::POST, &headers));
    }

    #[test]
    fn in_live_mode_only_named_origins_may_call_and_nobody_is_never_named() {
        let named = ["https://shop.example".to_owned(), "null".to_owned()];
        let may = |mode, origin| may_call(&named, mode, origin);
        assert!(may(Mode::Live, "https://shop.example"));
        assert!(may(Mode::Test, "https://other.example"));
        for other in [
            "https://other.example",
            "http://shop.example",
            "https://shop.example:8443",
            "https://shop.example.evil.example",
            "null",
            "",
        ] {
            assert!(!may(Mode::Live, other), "{other}");
        }
        assert!(!may(Mode::Test, "null"));
    }
}

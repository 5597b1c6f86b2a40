//! The headers that tell a browser what it must not do with our answers.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use paydesk_core::tenant::Mode;

static NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");
static NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
static NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
static SAME_ORIGIN: HeaderValue = HeaderValue::from_static("same-origin");
static TWO_YEARS: HeaderValue = HeaderValue::from_static("max-age=63072000");
static NO_FEATURES: HeaderValue = HeaderValue::from_static(
    "accelerometer=(), browsing-topics=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), \
     magnetometer=(), microphone=(), payment=(), usb=()",
);

static OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
static RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
static PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// For every answer, unless it says otherwise itself: its type is what it says, and it is not kept.
pub fn api_headers(headers: &mut HeaderMap) {
    if !headers.contains_key(X_CONTENT_TYPE_OPTIONS) {
        headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF.clone());
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, NO_STORE.clone());
    }
}

/// The headers of the payer's pages.
///
/// The content policy allows our own style sheet, script and pictures, and nothing else; no page of ours is ever
/// framed. One directive is wider than one would like: browsers apply `form-action` to the redirects that
/// follow a form's post too, and paying by form ends in a redirect to a wallet, to 3-D Secure, or to the
/// merchant's return address, which may be anywhere. With `form-action 'self'` that redirect would be blocked and the
/// payer left on a page that does nothing. So it is `'self' https:`: no list of hosts could be complete, and
/// what it still keeps out (a clear-text or `javascript:` target) is worth having. In test mode `http:` is added,
/// because a developer's return address is `http://localhost`. The rest of the risk, a form that somebody else
/// put into our page, is met where it would arise: pages are made by a template engine that escapes every value.
#[derive(Clone, Debug)]
pub struct PageHeaders {
    https: bool,
}

macro_rules! content_policy {
    ($forms:literal) => {
        HeaderValue::from_static(concat!(
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; ",
            "form-action 'self' ",
            $forms,
            "; base-uri 'none'; frame-ancestors 'none'"
        ))
    };
}
static LIVE_CONTENT_POLICY: HeaderValue = content_policy!("https:");
static TEST_CONTENT_POLICY: HeaderValue = content_policy!("https: http:");

impl PageHeaders {
    /// For pages under this URL: over https, browsers are told to keep to it.
    #[must_use]
    pub fn new(public_url: &url::Url) -> Self {
        Self {
            https: public_url.scheme() == "https",
        }
    }

    /// Puts them into an answer.
    pub fn apply(&self, mode: Mode, headers: &mut HeaderMap) {
        let content_policy = if mode.is_live() {
            &LIVE_CONTENT_POLICY
        } else {
            &TEST_CONTENT_POLICY
        };
        headers.reserve(9);
        headers.insert(CONTENT_SECURITY_POLICY, content_policy.clone());
        headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF.clone());
        headers.insert(CACHE_CONTROL, NO_STORE.clone());
        headers.insert(REFERRER_POLICY, NO_REFERRER.clone());
        headers.insert(&OPENER_POLICY, SAME_ORIGIN.clone());
        headers.insert(&RESOURCE_POLICY, SAME_ORIGIN.clone());
        headers.insert(&PERMISSIONS_POLICY, NO_FEATURES.clone());
        if self.https {
            headers.insert(STRICT_TRANSPORT_SECURITY, TWO_YEARS.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(url: &str, mode: Mode) -> HeaderMap {
        let mut headers = HeaderMap::new();
        PageHeaders::new(&url.parse().unwrap()).apply(mode, &mut headers);
        headers
    }

    #[test]
    fn a_page_runs_only_our_own_and_is_never_framed_kept_or_referred_to() {
        let headers = page("https://pay.example", Mode::Live);
        assert_eq!(
            headers[CONTENT_SECURITY_POLICY],
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
             form-action 'self' https:; base-uri 'none'; frame-ancestors 'none'"
        );
        assert_eq!(headers[CACHE_CONTROL], "no-store");
        assert_eq!(headers[REFERRER_POLICY], "no-referrer");
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[&OPENER_POLICY], "same-origin");
        assert_eq!(headers[&RESOURCE_POLICY], "same-origin");
        assert!(headers.contains_key(&PERMISSIONS_POLICY));
    }

    #[test]
    fn browsers_are_held_to_https_only_where_we_have_it() {
        assert!(page("https://pay.example", Mode::Test).contains_key(STRICT_TRANSPORT_SECURITY));
        assert!(!page("http://127.0.0.1:8420", Mode::Test).contains_key(STRICT_TRANSPORT_SECURITY));
    }

    #[test]
    fn a_test_payment_may_end_on_a_developers_own_machine() {
        let policy = |mode| {
            page("https://pay.example", mode)[CONTENT_SECURITY_POLICY]
                .to_str()
                .unwrap()
                .to_owned()
        };
        assert!(policy(Mode::Test).contains("form-action 'self' https: http:;"));
        assert!(!policy(Mode::Live).contains("http:;"));
    }

    #[test]
    fn an_answer_is_not_kept_unless_it_says_so_itself() {
        let mut headers = HeaderMap::new();
        api_headers(&mut headers);
        assert_eq!(headers[CACHE_CONTROL], "no-store");
        assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");

        let mut cached = HeaderMap::new();
        cached.insert(
            CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=60"),
        );
        api_headers(&mut cached);
        assert_eq!(cached[CACHE_CONTROL], "public, max-age=60");
    }
}

//! Whether a form's post came from a page of ours.

use http::header::ORIGIN;
use http::{HeaderMap, HeaderName};

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What is known of where a state-changing post comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Post {
    /// From a page of ours, from an allowed origin, or from the payer's own hand.
    Allowed,
    /// From a page of somebody else's.
    Refused,
    /// The browser does not say: the code in the form's own field decides.
    NeedsFormCode,
}

/// Judges a post by what the browser says of it. `own_origin` is that of the public URL; `allowed` tells
/// whether another origin (as `https://shop.example`) may post here.
///
/// `Sec-Fetch-Site` is written by the browser and cannot be forged by a page. Where it is absent (old browsers,
/// plain http), `Origin` decides; our own `no-referrer` makes that `null`, which says nothing.
#[must_use]
pub fn judge(headers: &HeaderMap, own_origin: &str, allowed: impl Fn(&str) -> bool) -> Post {
    // A header sent twice is no browser's.
    let one = |name: &HeaderName| {
        let mut values = headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => value.to_str().map(Some).map_err(drop),
            (Some(_), Some(_)) => Err(()),
        }
    };
    let (Ok(site), Ok(origin)) = (one(&SEC_FETCH_SITE), one(&ORIGIN)) else {
        return Post::Refused;
    };
    let origin = origin.filter(|origin| *origin != "null");
    match (site, origin) {
        (Some("same-origin" | "none"), _) => Post::Allowed,
        (Some(_), Some(origin)) if allowed(origin) => Post::Allowed,
        (None, Some(origin)) if origin == own_origin || allowed(origin) => Post::Allowed,
        (Some(_), _) | (None, Some(_)) => Post::Refused,
        (None, None) => Post::NeedsFormCode,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(site: Option<&str>, origin: Option<&str>) -> Post {
        let mut headers = HeaderMap::new();
        if let Some(site) = site {
            headers.insert(&SEC_FETCH_SITE, site.parse().unwrap());
        }
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        judge(&headers, "https://pay.example", |origin| {
            origin == "https://shop.example"
        })
    }

    #[test]
    fn our_own_pages_and_the_payers_own_hand_may_post() {
        assert_eq!(judged(Some("same-origin"), Some("null")), Post::Allowed);
        assert_eq!(judged(Some("same-origin"), None), Post::Allowed);
        assert_eq!(judged(Some("none"), None), Post::Allowed);
        assert_eq!(judged(None, Some("https://pay.example")), Post::Allowed);
    }

    #[test]
    fn other_sites_may_not_unless_they_are_allowed() {
        for site in ["cross-site", "same-site", "something-new"] {
            assert_eq!(
                judged(Some(site), Some("https://evil.example")),
                Post::Refused
            );
            assert_eq!(judged(Some(site), Some("null")), Post::Refused);
            assert_eq!(judged(Some(site), None), Post::Refused);
            assert_eq!(
                judged(Some(site), Some("https://shop.example")),
                Post::Allowed
            );
        }
        assert_eq!(judged(None, Some("https://evil.example")), Post::Refused);
        assert_eq!(
            judged(None, Some("https://pay.example.evil.example")),
            Post::Refused
        );
        assert_eq!(judged(None, Some("https://shop.example")), Post::Allowed);
    }

    #[test]
    fn a_silent_browser_is_judged_by_the_forms_code() {
        assert_eq!(judged(None, None), Post::NeedsFormCode);
        assert_eq!(judged(None, Some("null")), Post::NeedsFormCode);
    }

    #[test]
    fn a_header_sent_twice_is_no_browsers() {
        let mut headers = HeaderMap::new();
        headers.append(&SEC_FETCH_SITE, "same-origin".parse().unwrap());
        headers.append(&SEC_FETCH_SITE, "cross-site".parse().unwrap());
        assert_eq!(
            judge(&headers, "https://pay.example", |_| true),
            Post::Refused
        );
    }
}

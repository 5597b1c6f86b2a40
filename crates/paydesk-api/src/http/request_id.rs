//! The id by which one request is known: in its answer, in the log, and to who asks about it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};
use paydesk_core::id::Ids;

/// The header that carries it, both ways.
pub static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// As long as a caller's own id may be.
const LONGEST: usize = 64;

/// The id of one request: at most 64 of `A-Z a-z 0-9 _ - .`, so that it can be logged and echoed as it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The caller's own, if it sent one and it is sane.
    #[must_use]
    pub fn sent(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(&X_REQUEST_ID)?;
        let sane = (1..=LONGEST).contains(&value.len())
            && value
                .as_bytes()
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
        sane.then(|| Self(value.clone()))
    }

    /// For the answer's header.
    #[must_use]
    pub fn header(&self) -> HeaderValue {
        self.0.clone()
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Every id is ASCII: it was checked when it came in, or made by us.
        self.0.to_str().unwrap_or_default()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where fresh ids come from: a counter, mixed, from a random start.
///
/// They are unique within the process and unlikely to repeat elsewhere; they are no secret, so that one
/// addition and a few multiplications do instead of a draw from the generator.
#[derive(Debug)]
pub struct RequestIds {
    next: AtomicU64,
}

impl RequestIds {
    /// Starts somewhere at random.
    #[must_use]
    pub fn new(ids: &dyn Ids) -> Self {
        let mut start = [0; 8];
        ids.fill(&mut start);
        Self {
            next: AtomicU64::new(u64::from_le_bytes(start)),
        }
    }

    /// A fresh one: 13 characters.
    #[must_use]
    pub fn fresh(&self) -> RequestId {
        const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let mut bits = mix(self.next.fetch_add(1, Ordering::Relaxed));
        let mut text = [b'0'; 13];
        for place in text.iter_mut().rev() {
            // `& 31` keeps the index within the 32 digits.
            *place = DIGITS.get((bits & 31) as usize).copied().unwrap_or(b'0');
            bits >>= 5;
        }
        #[allow(
            clippy::expect_used,
            clippy::missing_panics_doc,
            reason = "every digit is visible ASCII"
        )]
        RequestId(HeaderValue::from_bytes(&text).expect("digits make a header value"))
    }
}

/// The finaliser of `SplitMix64` over a Weyl sequence: a bijection, so that no two counts give the same id.
const fn mix(count: u64) -> u64 {
    let mut z = count.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use paydesk_core::id::SeededIds;

    use super::*;

    fn sent(value: &[u8]) -> Option<RequestId> {
        let mut headers = HeaderMap::new();
        headers.insert(&X_REQUEST_ID, HeaderValue::from_bytes(value).unwrap());
        RequestId::sent(&headers)
    }

    #[test]
    fn a_callers_own_id_is_kept_if_it_is_sane() {
        assert_eq!(sent(b"Order-17_b.2").unwrap().as_str(), "Order-17_b.2");
        assert_eq!(sent(&[b'a'; 64]).unwrap().as_str().len(), 64);
        for insane in [&b""[..], &[b'a'; 65], b"a b", b"a\"b", b"\xc3\xa9", b"a/b"] {
            assert_eq!(sent(insane), None, "{insane:?}");
        }
        assert_eq!(RequestId::sent(&HeaderMap::new()), None);
    }

    #[test]
    fn fresh_ids_do_not_repeat_and_are_sane_themselves() {
        let ids = RequestIds::new(&SeededIds::new(1));
        let fresh: HashSet<String> = (0..10_000).map(|_| ids.fresh().to_string()).collect();
        assert_eq!(fresh.len(), 10_000);
        assert!(
            fresh
                .iter()
                .all(|id| id.len() == 13 && sent(id.as_bytes()).is_some())
        );
        let elsewhere = RequestIds::new(&SeededIds::new(2)).fresh().to_string();
        assert!(!fresh.contains(&elsewhere));
    }
}

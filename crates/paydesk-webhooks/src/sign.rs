//! Signatures, as Standard Webhooks 1.0.0 has them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use paydesk_core::id::EventId;
use paydesk_core::keys::Secret;
use paydesk_core::time::Timestamp;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use sha2::Sha256;
use zeroize::Zeroizing;

const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// Signs a message: adds to its headers what its receiver checks.
pub trait Sign: std::fmt::Debug + Send + Sync {
    /// `at` is what `webhook-timestamp` says.
    fn sign(&self, id: EventId, at: Timestamp, body: &[u8], headers: &mut HeaderMap);
}

/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// How many bytes a secret has. Source: Standard Webhooks, "between 24 bytes (192 bits) and 64 bytes (512 bits)".
const LENGTH: std::ops::RangeInclusive<usize> = 24..=64;
/// The block of SHA-256: a key up to this long is used as it is.
const BLOCK: usize = 64;

/// Why a text is no webhook secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadSecret {
    /// It does not begin as secrets do.
    #[error("the webhook secret does not begin with `whsec_`")]
    Prefix,
    /// The rest of it is not base64.
    #[error("the webhook secret is not base64 after `whsec_`")]
    Encoding,
    /// Too short to protect anything (an empty one above all), or too long.
    #[error("the webhook secret has {0} bytes; it must have 24 to 64")]
    Length(usize),
}

/// One secret, ready to sign. There is none without a secret of at least 192 bits: an empty or broken one
/// does not become a key.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

impl SigningKey {
    /// From `whsec_` and the base64 of the secret.
    pub fn from_secret(secret: &Secret) -> Result<Self, BadSecret> {
        let text = secret
            .reveal()
            .strip_prefix(PREFIX)
            .ok_or(BadSecret::Prefix)?;
        let bytes = Zeroizing::new(STANDARD.decode(text).map_err(|_| BadSecret::Encoding)?);
        if !LENGTH.contains(&bytes.len()) {
            return Err(BadSecret::Length(bytes.len()));
        }
        // HMAC pads a short key with zeros to its hash's block; doing it here leaves nothing that can fail.
        let mut block = Zeroizing::new([0; BLOCK]);
        for (to, from) in block.iter_mut().zip(bytes.iter()) {
            *to = *from;
        }
        Ok(Self(Hmac::new((&*block).into())))
    }

    fn signature(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let mut mac = self.0.clone();
        for part in [
            id.as_bytes(),
            b".",
            seconds.to_string().as_bytes(),
            b".",
            body,
        ] {
            mac.update(part);
        }
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

/// All keys that a receiver may be checking with; more than one while a secret is being replaced.
#[derive(Clone, Debug)]
pub struct SigningKeys {
    newest: SigningKey,
    older: Vec<SigningKey>,
}

impl SigningKeys {
    /// Only this one.
    #[must_use]
    pub const fn only(key: SigningKey) -> Self {
        Self {
            newest: key,
            older: Vec::new(),
        }
    }

    /// An older one is still valid too.
    #[must_use]
    pub fn and_older(mut self, key: SigningKey) -> Self {
        self.older.push(key);
        self
    }

    /// The value of `webhook-signature`: one signature per key, newest first, separated by spaces.
    /// `at` is what `webhook-timestamp` says, in whole seconds.
    #[must_use]
    pub fn sign(&self, id: &str, at: Timestamp, body: &[u8]) -> String {
        let mut signatures = self.newest.signature(id, at.as_seconds(), body);
        for key in &self.older {
            signatures.push(' ');
            signatures.push_str(&key.signature(id, at.as_seconds(), body));
        }
        signatures
    }
}

impl Sign for SigningKeys {
    fn sign(&self, id: EventId, at: Timestamp, body: &[u8], headers: &mut HeaderMap) {
        // Base64 is a header's value.
        if let Ok(signature) = HeaderValue::try_from(self.sign(&id.to_string(), at, body)) {
            headers.insert(SIGNATURE, signature);
        }
    }
}

#[cfg(test)]
mod tests {
    use paydesk_core::id::{Ids as _, SeededIds};
    use paydesk_core::merchant::Credentials;
    use paydesk_core::tenant::Mode;
    use paydesk_core::time::{Clock as _, SystemClock};
    use standardwebhooks::Webhook;

    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    fn headers(id: &str, at: Timestamp, signature: &str) -> http::HeaderMap {
        let mut headers = http::HeaderMap::new();
        headers.insert("webhook-id", id.parse().unwrap());
        headers.insert(
            "webhook-timestamp",
            at.as_seconds().to_string().parse().unwrap(),
        );
        headers.insert("webhook-signature", signature.parse().unwrap());
        headers
    }

    #[test]
    fn signs_as_the_independent_library_does() {
        let ids = SeededIds::new(1);
        for length in 24..=64 {
            let mut bytes = vec![0; length];
            ids.fill(&mut bytes);
            let text = format!("whsec_{}", STANDARD.encode(&bytes));
            let keys = SigningKeys::only(SigningKey::from_secret(&secret(&text)).unwrap());
            let theirs = Webhook::new(&text).unwrap();
            for (id, body) in [
                ("a", ""),
                ("msg_1", "{}"),
                ("0190", "{\"name\":\"Zoë 🎉\"}"),
            ] {
                let at = Timestamp::from_millis(1_700_000_000_999);
                assert_eq!(
                    keys.sign(id, at, body.as_bytes()),
                    theirs.sign(id, 1_700_000_000, body.as_bytes()).unwrap()
                );
            }
        }
    }

    #[test]
    fn is_accepted_by_the_independent_library_and_not_once_anything_is_changed() {
        let fresh = Credentials::fresh(&SeededIds::new(2), Mode::Test).webhook_secret;
        let keys = SigningKeys::only(SigningKey::from_secret(&fresh).unwrap());
        let theirs = Webhook::new(fresh.reveal()).unwrap();
        let now = SystemClock.now();
        let signature = keys.sign("id", now, b"body");
        assert!(
            theirs
                .verify(b"body", &headers("id", now, &signature))
                .is_ok()
        );
        assert!(
            theirs
                .verify(b"Body", &headers("id", now, &signature))
                .is_err()
        );
        assert!(
            theirs
                .verify(b"body", &headers("di", now, &signature))
                .is_err()
        );
        let later = Timestamp::from_millis(now.as_millis() + 1000);
        assert!(
            theirs
                .verify(b"body", &headers("id", later, &signature))
                .is_err()
        );
    }

    #[test]
    fn while_a_secret_is_replaced_both_are_accepted() {
        let ids = SeededIds::new(3);
        let [old, new, other] =
            [(); 3].map(|()| Credentials::fresh(&ids, Mode::Live).webhook_secret);
        let key = |secret| SigningKey::from_secret(secret).unwrap();
        let now = SystemClock.now();
        let signature = SigningKeys::only(key(&new))
            .and_older(key(&old))
            .sign("id", now, b"x");
        let accepted = |by: &Secret| {
            Webhook::new(by.reveal())
                .unwrap()
                .verify(b"x", &headers("id", now, &signature))
                .is_ok()
        };
        assert!(accepted(&new));
        assert!(accepted(&old));
        assert!(!accepted(&other));
    }

    #[test]
    fn an_empty_short_or_broken_secret_becomes_no_key() {
        let of = |text: &str| SigningKey::from_secret(&secret(text)).unwrap_err();
        assert_eq!(of(""), BadSecret::Prefix);
        assert_eq!(of("sk_live_x"), BadSecret::Prefix);
        assert_eq!(of("whsec_"), BadSecret::Length(0));
        assert_eq!(of("whsec_!"), BadSecret::Encoding);
        assert_eq!(of("whsec_ "), BadSecret::Encoding);
        assert_eq!(
            of(&format!("whsec_{}", STANDARD.encode([1; 23]))),
            BadSecret::Length(23)
        );
        assert_eq!(
            of(&format!("whsec_{}", STANDARD.encode([1; 65]))),
            BadSecret::Length(65)
        );
    }

    #[test]
    fn a_key_is_never_printed() {
        let fresh = Credentials::fresh(&SeededIds::new(4), Mode::Test).webhook_secret;
        let keys = SigningKeys::only(SigningKey::from_secret(&fresh).unwrap());
        assert_eq!(
            format!("{keys:?}"),
            "SigningKeys { newest: SigningKey(…), older: [] }"
        );
    }
}

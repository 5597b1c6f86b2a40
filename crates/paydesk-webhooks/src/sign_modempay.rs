//! Signatures, as Modem Pay's client checks them: the hex HMAC-SHA-512 of the exact body, under the text of the secret.

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use paydesk_core::id::EventId;
use paydesk_core::keys::Secret;
use paydesk_core::time::Timestamp;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use sha2::Sha512;
use zeroize::Zeroizing;

use crate::sign::{BadSecret, Sign};

const SIGNATURE: HeaderName = HeaderName::from_static("x-modem-signature");
/// The block of SHA-512: a key up to this long is used as it is.
const BLOCK: usize = 128;
/// How many characters a secret has: no fewer than 192 bits in base64.
const LENGTH: std::ops::RangeInclusive<usize> = 32..=BLOCK;

/// One secret, ready to sign. An empty or short one does not become a key.
#[derive(Clone)]
pub struct ModemPayKey(Hmac<Sha512>);

impl std::fmt::Debug for ModemPayKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ModemPayKey(…)")
    }
}

impl ModemPayKey {
    /// From the whole text of the secret, as it was shown.
    pub fn from_secret(secret: &Secret) -> Result<Self, BadSecret> {
        let bytes = secret.reveal().as_bytes();
        if !LENGTH.contains(&bytes.len()) {
            return Err(BadSecret::Length(bytes.len()));
        }
        // HMAC pads a short key with zeros to its hash's block; doing it here leaves nothing that can fail.
        let mut block = Zeroizing::new([0; BLOCK]);
        for (to, from) in block.iter_mut().zip(bytes) {
            *to = *from;
        }
        Ok(Self(Hmac::new((&*block).into())))
    }

    /// The value of `x-modem-signature`.
    #[must_use]
    pub fn signature(&self, body: &[u8]) -> String {
        let mut mac = self.0.clone();
        mac.update(body);
        HEXLOWER.encode(&mac.finalize().into_bytes())
    }
}

impl Sign for ModemPayKey {
    fn sign(&self, _: EventId, _: Timestamp, body: &[u8], headers: &mut HeaderMap) {
        // Hexadecimal digits are a header's value.
        if let Ok(signature) = HeaderValue::try_from(self.signature(body)) {
            headers.insert(SIGNATURE, signature);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_signed_under_the_text_of_the_secret() {
        // Made with: printf '%s' '{"event":"charge.succeeded","payload":{"amount":450}}' |
        //     openssl dgst -sha512 -hmac 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY='
        let secret = Secret::new("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=".into());
        let key = ModemPayKey::from_secret(&secret).unwrap();
        let body = br#"{"event":"charge.succeeded","payload":{"amount":450}}"#;
        assert_eq!(key.signature(body), EXPECTED);
    }

    #[test]
    fn an_empty_or_short_secret_is_no_key() {
        for text in ["", "whsec_", "whsec_MDEyMzQ1Njc4OWFi"] {
            let refused = ModemPayKey::from_secret(&Secret::new(text.into()));
            assert!(matches!(refused, Err(BadSecret::Length(_))), "{text}");
        }
    }

    const EXPECTED: &str = "059132445a4b2696dd94cbd37537d0c8bb1eefe9847d7661348940da08dd21d8\
        6141be745edc6e2aa0d3d717d548a6e54341f79ba909ad2c87279629079872f1";
}

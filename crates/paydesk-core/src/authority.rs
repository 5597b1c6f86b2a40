//! What a payer can hold: texts that open one session for one purpose and carry the proof in themselves.
//!
//! URL-safe text of key version, purpose and mode, merchant, session, for tokens their expiry, and a 128-bit
//! code under the server's key. Verified without a look-up; nothing of it is in the database to leak.

use data_encoding::BASE64URL_NOPAD;
use uuid::Uuid;

use crate::id::{MerchantId, SessionId};
use crate::keys::{KeyVersion, Purpose, ServerKeys};
use crate::tenant::{Mode, Tenant};
use crate::time::{Span, Timestamp};

/// How long a client token works.
pub const CLIENT_TOKEN_LIFETIME: Span = Span::minutes(20);

/// What a text proves: this session of this tenant, for this purpose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Authority {
    /// Whose session.
    pub tenant: Tenant,
    /// Which session.
    pub session: SessionId,
    /// What its holder may do with it.
    pub right: Right,
}

/// What the holder of an [`Authority`] may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Right {
    /// Open the payer's page: the link a merchant hands out.
    Page,
    /// Act for the payer from the merchant's own page, until it expires. The tenant's own time counts.
    ClientToken {
        /// When it stops working, in whole seconds.
        expires_at: Timestamp,
    },
    /// Act for the payer from the merchant's own page.
    ClientSecret,
}

impl Right {
    const fn purpose(self) -> Purpose {
        match self {
            Self::Page => Purpose::PublicId,
            Self::ClientToken { .. } => Purpose::ClientToken,
            Self::ClientSecret => Purpose::ClientSecret,
        }
    }
}

const LIVE: u8 = 0x80;
const HEAD: usize = 2 + 16 + 16;
const CODE: usize = 16;

impl Authority {
    /// The link's part for this session.
    #[must_use]
    pub fn page(tenant: Tenant, session: SessionId) -> Self {
        Self {
            tenant,
            session,
            right: Right::Page,
        }
    }

    /// What a merchant hands to the payer's browser at `now`, the tenant's own time. It ends by itself; fresh ones
    /// leave it as it is.
    #[must_use]
    pub fn client_token(tenant: Tenant, session: SessionId, now: Timestamp) -> Self {
        let expires_at = now.after(CLIENT_TOKEN_LIFETIME);
        Self {
            tenant,
            session,
            right: Right::ClientToken {
                // As it is written: what is reported is what works.
                expires_at: Timestamp::from_millis(expires_at.as_seconds() * 1000),
            },
        }
    }

    /// Writes the text that a payer holds.
    #[must_use]
    pub fn to_text(self, keys: &ServerKeys) -> String {
        self.to_text_by(keys, keys.current())
    }

    /// The same under an earlier version of the server's key, if it is still here: the same text as then.
    #[must_use]
    #[allow(
        clippy::indexing_slicing,
        reason = "every slice is within the fixed array by its constants"
    )]
    pub fn to_text_by(self, keys: &ServerKeys, version: KeyVersion) -> String {
        let version = keys.kept(version);
        let purpose = self.right.purpose();
        let mut bytes = [0; HEAD + 8 + CODE];
        let mut length = HEAD;
        bytes[0] = version;
        bytes[1] = purpose as u8 | if self.tenant.mode.is_live() { LIVE } else { 0 };
        bytes[2..18].copy_from_slice(self.tenant.merchant.0.as_bytes());
        bytes[18..HEAD].copy_from_slice(self.session.0.as_bytes());
        if let Right::ClientToken { expires_at } = self.right {
            bytes[HEAD..HEAD + 8].copy_from_slice(&expires_at.as_seconds().to_be_bytes());
            length += 8;
        }
        let (body, rest) = bytes.split_at_mut(length);
        let code = keys.sign_by(version, purpose, &[body]);
        rest[..CODE].copy_from_slice(&code);
        BASE64URL_NOPAD.encode(&bytes[..length + CODE])
    }

    /// Reads a text that a payer sent; nothing if it is not one that a key of ours signed, whatever is wrong
    /// with it. An expired token is still read: who asks decides what an expired one may do.
    #[must_use]
    pub fn from_text(text: &str, keys: &ServerKeys) -> Option<Self> {
        let mut bytes = [0; HEAD + 8 + CODE];
        let length = BASE64URL_NOPAD
            .decode_len(text.len())
            .ok()
            .filter(|n| *n <= bytes.len())?;
        let length = BASE64URL_NOPAD
            .decode_mut(text.as_bytes(), bytes.get_mut(..length)?)
            .ok()?;
        let (body, code) = bytes.get(..length)?.split_last_chunk::<CODE>()?;
        let (&[version, flags], rest) = body.split_first_chunk::<2>()?;
        let (merchant, rest) = rest.split_first_chunk::<16>()?;
        let (session, rest) = rest.split_first_chunk::<16>()?;
        let purpose = flags & !LIVE;
        let right = if purpose == Purpose::PublicId as u8 && rest.is_empty() {
            Right::Page
        } else if purpose == Purpose::ClientSecret as u8 && rest.is_empty() {
            Right::ClientSecret
        } else if purpose == Purpose::ClientToken as u8 {
            let seconds = i64::from_be_bytes(rest.try_into().ok()?);
            Right::ClientToken {
                expires_at: Timestamp::from_millis(seconds.saturating_mul(1000)),
            }
        } else {
            return None;
        };
        if !keys.verify(version, right.purpose(), &[body], code) {
            return None;
        }
        let mode = if flags & LIVE == 0 {
            Mode::Test
        } else {
            Mode::Live
        };
        Some(Self {
            tenant: Tenant {
                merchant: MerchantId(Uuid::from_bytes(*merchant)),
                mode,
            },
            session: SessionId(Uuid::from_bytes(*session)),
            right,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Ids as _, SeededIds};

    fn authorities() -> (ServerKeys, Vec<Authority>) {
        let ids = SeededIds::new(7);
        let at = Timestamp::from_millis(1_700_000_000_000);
        let mut all = Vec::new();
        for mode in [Mode::Test, Mode::Live] {
            for right in [
                Right::Page,
                Right::ClientSecret,
                Right::ClientToken { expires_at: at },
            ] {
                let tenant = Tenant {
                    merchant: MerchantId(ids.uuid(at)),
                    mode,
                };
                all.push(Authority {
                    tenant,
                    session: SessionId(ids.uuid(at)),
                    right,
                });
            }
        }
        (ServerKeys::generate(&ids), all)
    }

    #[test]
    fn are_read_as_they_are_written() {
        let (keys, all) = authorities();
        for authority in all {
            let text = authority.to_text(&keys);
            assert!(
                text.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            );
            assert_eq!(Authority::from_text(&text, &keys), Some(authority));
        }
    }

    #[test]
    fn a_change_of_any_bit_makes_one_worthless() {
        let (keys, all) = authorities();
        for authority in all {
            let bytes = BASE64URL_NOPAD
                .decode(authority.to_text(&keys).as_bytes())
                .unwrap();
            for bit in 0..bytes.len() * 8 {
                let mut forged = bytes.clone();
                forged[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(
                    Authority::from_text(&BASE64URL_NOPAD.encode(&forged), &keys),
                    None,
                    "bit {bit}"
                );
            }
            for length in 0..bytes.len() {
                assert_eq!(
                    Authority::from_text(&BASE64URL_NOPAD.encode(&bytes[..length]), &keys),
                    None
                );
            }
        }
    }

    #[test]
    fn what_is_no_authority_is_refused() {
        let (keys, _) = authorities();
        for text in [
            "",
            "x",
            "../../etc/passwd",
            "☃",
            &"A".repeat(67),
            &"A".repeat(10_000),
        ] {
            assert_eq!(Authority::from_text(text, &keys), None, "{text}");
        }
    }

    #[test]
    fn another_servers_authority_is_refused() {
        let (keys, all) = authorities();
        let others = ServerKeys::generate(&SeededIds::new(8));
        for authority in all {
            assert_eq!(
                Authority::from_text(&authority.to_text(&others), &keys),
                None
            );
        }
    }
}

//! What a signed-in user's program holds: texts that carry the proof in themselves.
//!
//! URL-safe text of key version, purpose and mode, merchant, sign-in, what kind of token it is, and a 128-bit code
//! under the server's key. None is in the database, not even hashed; whether it still counts, the record of
//! the [`SignIn`](super::SignIn) says.

use data_encoding::BASE64URL_NOPAD;
use uuid::Uuid;

use crate::id::{MerchantId, SignInId};
use crate::keys::{Purpose, ServerKeys};
use crate::tenant::{Mode, Tenant};
use crate::time::Timestamp;

/// A token of a signed-in user.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UserToken {
    /// Whose user.
    pub tenant: Tenant,
    /// Of which sign-in.
    pub sign_in: SignInId,
    /// For what.
    pub kind: TokenKind,
}

/// What a [`UserToken`] is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenKind {
    /// Act as the user, until it expires; wall time, in whole seconds.
    Access {
        /// When it stops working.
        expires_at: Timestamp,
    },
    /// Get further tokens.
    Refresh {
        /// Which of its family it is, from 1.
        number: u32,
    },
}

impl TokenKind {
    const fn purpose(self) -> Purpose {
        match self {
            Self::Access { .. } => Purpose::UserAccess,
            Self::Refresh { .. } => Purpose::UserRefresh,
        }
    }

    fn body(self) -> [u8; 8] {
        match self {
            Self::Access { expires_at } => expires_at.as_seconds().to_be_bytes(),
            Self::Refresh { number } => u64::from(number).to_be_bytes(),
        }
    }
}

const LIVE: u8 = 0x80;
const LENGTH: usize = 2 + 16 + 16 + 8 + 16;

impl UserToken {
    /// Writes the text that the user's program holds.
    #[must_use]
    pub fn to_text(self, keys: &ServerKeys) -> String {
        let purpose = self.kind.purpose();
        let mode = if self.tenant.mode.is_live() { LIVE } else { 0 };
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.extend_from_slice(&[keys.current(), purpose as u8 | mode]);
        bytes.extend_from_slice(self.tenant.merchant.0.as_bytes());
        bytes.extend_from_slice(self.sign_in.0.as_bytes());
        bytes.extend_from_slice(&self.kind.body());
        let code = keys.sign(purpose, &[&bytes]);
        bytes.extend_from_slice(&code);
        BASE64URL_NOPAD.encode(&bytes)
    }

    /// Reads a text that a program sent; nothing if it is not one that a key of ours signed, whatever is wrong with
    /// it. Whether it still counts is not judged here.
    #[must_use]
    pub fn from_text(text: &str, keys: &ServerKeys) -> Option<Self> {
        if text.len() > LENGTH * 2 {
            return None;
        }
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let (signed, code) = bytes.split_last_chunk::<16>()?;
        let (&[version, flags], rest) = signed.split_first_chunk::<2>()?;
        let (merchant, rest) = rest.split_first_chunk::<16>()?;
        let (sign_in, rest) = rest.split_first_chunk::<16>()?;
        let body = u64::from_be_bytes(rest.try_into().ok()?);
        let purpose = flags & !LIVE;
        let kind = if purpose == Purpose::UserAccess as u8 {
            let seconds = i64::try_from(body).ok()?;
            TokenKind::Access {
                expires_at: Timestamp::from_millis(seconds.saturating_mul(1000)),
            }
        } else if purpose == Purpose::UserRefresh as u8 {
            TokenKind::Refresh {
                number: u32::try_from(body).ok()?,
            }
        } else {
            return None;
        };
        if !keys.verify(version, kind.purpose(), &[signed], code) {
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
            sign_in: SignInId(Uuid::from_bytes(*sign_in)),
            kind,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::SeededIds;

    #[test]
    fn a_token_reads_as_it_was_written_and_any_changed_bit_makes_it_nothing() {
        let ids = SeededIds::new(7);
        let keys = ServerKeys::generate(&ids);
        let at = Timestamp::from_millis(1_700_000_000_000);
        for mode in [Mode::Test, Mode::Live] {
            for kind in [
                TokenKind::Access { expires_at: at },
                TokenKind::Refresh { number: 7 },
                TokenKind::Refresh { number: u32::MAX },
            ] {
                let token = UserToken {
                    tenant: Tenant {
                        merchant: MerchantId::fresh(&ids, at),
                        mode,
                    },
                    sign_in: SignInId::fresh(&ids, at),
                    kind,
                };
                let text = token.to_text(&keys);
                assert_eq!(UserToken::from_text(&text, &keys), Some(token));
                let other = ServerKeys::generate(&ids);
                assert_eq!(UserToken::from_text(&text, &other), None);
                let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).unwrap();
                for bit in 0..bytes.len() * 8 {
                    let mut changed = bytes.clone();
                    changed[bit / 8] ^= 1 << (bit % 8);
                    let changed = BASE64URL_NOPAD.encode(&changed);
                    assert_eq!(UserToken::from_text(&changed, &keys), None, "bit {bit}");
                }
            }
        }
        for text in ["", "x", "ä", &"A".repeat(77), &"A".repeat(1_000)] {
            assert_eq!(UserToken::from_text(text, &keys), None, "{text}");
        }
    }
}

//! Secrets in the open: those of merchants' keys, endpoints and users, between their making and the one place that must
//! have them.

use std::fmt;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::id::Ids;

/// A secret in the open: wiped when dropped, and never printed by `Debug`.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret(String);

impl Secret {
    /// Takes a text as secret.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// A fresh one: the prefix and 256 random bits.
    #[must_use]
    pub fn fresh(ids: &dyn Ids, prefix: &str) -> Self {
        let mut random = [0; 32];
        ids.fill(&mut random);
        Self(format!("{prefix}{}", BASE64URL_NOPAD.encode(&random)))
    }

    /// A fresh one that signs webhooks, written as Standard Webhooks writes them.
    #[must_use]
    pub fn for_webhooks(ids: &dyn Ids) -> Self {
        let mut random = [0; 32];
        ids.fill(&mut random);
        Self(format!("whsec_{}", BASE64.encode(&random)))
    }

    /// The text itself, for the one place that must have it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// How the store knows it: SHA-256. Enough, because our secrets are 256 random bits.
    #[must_use]
    pub fn hash(text: &str) -> [u8; 32] {
        Sha256::digest(text.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

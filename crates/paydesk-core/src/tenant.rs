//! Whose data it is: a merchant, in test or in live mode. Live and test data never meet.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::MerchantId;

/// Test money or real money.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Nothing real is charged; only sandbox rails answer.
    Test,
    /// Real money.
    Live,
}

impl Mode {
    /// Whether real money moves.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Live)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Test => "test",
            Self::Live => "live",
        })
    }
}

/// The owner of a piece of data; the first argument of every read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Tenant {
    /// The merchant.
    pub merchant: MerchantId,
    /// In which mode.
    pub mode: Mode,
}

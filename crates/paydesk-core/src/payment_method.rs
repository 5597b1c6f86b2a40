//! Stored payment methods: a rail's token and what a person recognises it by. Never a card number.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::id::{PaymentMethodId, ProviderAccountId, TransactionId};
use crate::tenant::Tenant;
use crate::time::Timestamp;

/// What a rail keeps of a card, and what may be shown of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StoredCard {
    /// The rail's token: charges the card on that rail only.
    pub token: String,
    /// The brand in lower case: `visa`.
    pub brand: String,
    /// The last four digits.
    pub last_four: String,
    /// Expiry month, 1 to 12.
    pub exp_month: u8,
    /// Expiry year, four digits.
    pub exp_year: u16,
}

/// A payer's card, kept by a rail for later charges.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PaymentMethod {
    /// Its id.
    pub id: PaymentMethodId,
    /// Whose.
    pub tenant: Tenant,
    /// Grows by one with each change.
    pub version: u64,
    /// The merchant's own code for the customer whose card it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// Which account it can be charged on.
    pub provider_account: ProviderAccountId,
    /// The card.
    pub card: StoredCard,
    /// The transaction that stored it.
    pub stored_by: TransactionId,
    /// When it was detached: it can no longer be charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detached_at: Option<Timestamp>,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A card as the payer typed it. It passes through to the rail: it cannot be serialized, is wiped when
/// dropped, and `Debug` shows nothing of it.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Card {
    /// The number, digits only.
    pub number: String,
    /// Expiry month, 1 to 12.
    pub exp_month: u8,
    /// Expiry year, four digits.
    pub exp_year: u16,
    /// The code on the back.
    pub cvc: String,
    /// The name on it.
    pub name: Option<String>,
}

impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Card(…)")
    }
}

//! What the ledger is asked to do, as values that can also travel to a sandbox in another process.

use paydesk_core::id::{ProviderAccountId, TransactionId};
use paydesk_core::method::Method;
use paydesk_core::money::Money;
use paydesk_core::payment_method::Card;
use paydesk_core::rail::{FollowUp, Operation, Source, Start};
use paydesk_core::tenant::Tenant;
use paydesk_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// What an operation does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Takes money.
    Pay,
    /// Holds money.
    Authorize,
    /// Stores a card.
    Store,
    /// Takes what is held.
    Settle,
    /// Releases what is held.
    Void,
    /// Gives money back.
    Refund,
}

/// A payment, an authorization, or the storing of a card: [`Start`] with what the ledger needs of it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Attempt {
    pub reference: TransactionId,
    pub tenant: Tenant,
    pub account: ProviderAccountId,
    pub kind: Kind,
    pub amount: Money,
    pub method: Method,
    pub paid_with: PaidWith,
    pub store: bool,
    pub merchant_name: String,
    pub return_url: String,
}

/// [`Source`].
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(super) enum PaidWith {
    Typed(TypedCard),
    Stored {
        token: String,
    },
    Push {
        nonce: String,
        expires_at: Timestamp,
    },
}

/// A test card on its way to the ledger. Unlike [`Card`] it can be serialized, for the call to a sandbox in
/// another process; it is wiped when dropped, has no `Debug`, and carries neither CVC nor name: no test card
/// looks at them.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(rename_all = "camelCase")]
pub(super) struct TypedCard {
    pub number: String,
    pub exp_month: u8,
    pub exp_year: u16,
}

/// [`FollowUp`] and what it does.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct After {
    pub reference: TransactionId,
    pub kind: Kind,
    pub original: TransactionId,
    pub original_provider_reference: Option<String>,
    pub tenant: Tenant,
    pub account: ProviderAccountId,
    pub method: Method,
    pub amount: Money,
    #[serde(default)]
    pub placed: i64,
}

impl From<&Card> for TypedCard {
    fn from(card: &Card) -> Self {
        Self {
            number: card.number.clone(),
            exp_month: card.exp_month,
            exp_year: card.exp_year,
        }
    }
}

impl From<Start> for Attempt {
    fn from(start: Start) -> Self {
        Self {
            reference: start.reference,
            tenant: start.tenant,
            account: start.account.id,
            kind: match start.operation {
                Operation::Pay => Kind::Pay,
                Operation::Authorize => Kind::Authorize,
                Operation::Store => Kind::Store,
            },
            amount: start.amount,
            method: start.method,
            paid_with: match &start.source {
                Source::Card(card) => PaidWith::Typed(card.into()),
                Source::Stored(card) => PaidWith::Stored {
                    token: card.token.clone(),
                },
                Source::Push { nonce, expires_at } => PaidWith::Push {
                    nonce: nonce.clone(),
                    expires_at: *expires_at,
                },
            },
            store: start.store,
            merchant_name: start.merchant_name,
            return_url: start.return_url,
        }
    }
}

impl After {
    pub fn new(kind: Kind, follow_up: FollowUp) -> Self {
        Self {
            reference: follow_up.reference,
            kind,
            original: follow_up.original,
            original_provider_reference: follow_up.original_provider_reference,
            tenant: follow_up.tenant,
            account: follow_up.account,
            method: follow_up.method,
            amount: follow_up.amount,
            placed: follow_up.placed,
        }
    }
}

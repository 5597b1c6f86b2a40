//! Bank transfers: money that came in on an account, whoever it was for. Each is kept for ever, whether or not a payment
//! was found for it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::directory::{Entry, EntryKind};
use crate::id::{BankTransferId, TransactionId};
use crate::money::Money;
use crate::rail::Transfer;
use crate::store::ClaimKey;
use crate::tenant::Tenant;
use crate::time::Timestamp;

/// Who told of a transfer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Origin {
    /// The rail itself.
    Rail,
    /// The merchant: its bank feed, or somebody by hand.
    Report,
}

impl Origin {
    /// The name on the native wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rail => "rail",
            Self::Report => "report",
        }
    }
}

/// How the payment was found that a transfer is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MatchedBy {
    /// By its reference.
    Reference,
    /// It had none, and one payment alone waited for this amount on the account.
    Amount,
    /// The merchant said so.
    Assignment,
}

impl MatchedBy {
    /// The name on the native wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Amount => "amount",
            Self::Assignment => "assignment",
        }
    }
}

/// Where a transfer stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum TransferState {
    /// Nobody knows yet what it is for: the merchant assigns it.
    Unmatched,
    /// It is counted for a transaction: the payment itself, or one of its own if it came late.
    Matched {
        /// Which.
        transaction: TransactionId,
        /// How it was found.
        by: MatchedBy,
        /// When.
        at: Timestamp,
    },
}

impl TransferState {
    /// The list of those that nobody knows yet what they are for.
    pub const UNMATCHED: &str = "unmatched";
    /// The list of those that are counted.
    pub const MATCHED: &str = "matched";

    /// The name on the native wire, and of the list that it is in.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Unmatched => Self::UNMATCHED,
            Self::Matched { .. } => Self::MATCHED,
        }
    }
}

/// Money that came in on an account.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BankTransfer {
    /// Its id.
    pub id: BankTransferId,
    /// Whose account.
    pub tenant: Tenant,
    /// Grows by one with each change, from 1.
    pub version: u64,
    /// The bank's id of it: counts once per account.
    pub bank_transaction_id: String,
    /// Which account.
    pub account: String,
    /// How much.
    pub amount: Money,
    /// What the payer's bank passed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// When it came, as the bank says.
    pub received_at: Timestamp,
    /// Who told of it.
    pub origin: Origin,
    /// Where it stands.
    pub state: TransferState,
    /// When it was told of.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl BankTransfer {
    /// A transfer that was just told of, not matched yet.
    #[must_use]
    pub fn told(id: BankTransferId, transfer: &Transfer, origin: Origin, at: Timestamp) -> Self {
        Self {
            id,
            tenant: transfer.tenant,
            version: 1,
            bank_transaction_id: transfer.id.clone(),
            account: transfer.account.clone(),
            amount: transfer.amount,
            reference: transfer.nonce.clone(),
            received_at: transfer.received_at,
            origin,
            state: TransferState::Unmatched,
            created_at: at,
            updated_at: at,
        }
    }

    /// What makes it count once.
    #[must_use]
    pub fn claim_key(&self) -> ClaimKey {
        ClaimKey::BankTransfer {
            account: self.account.clone(),
            id: self.bank_transaction_id.clone(),
        }
    }

    /// The transaction that it is counted for.
    #[must_use]
    pub const fn transaction(&self) -> Option<TransactionId> {
        match self.state {
            TransferState::Unmatched => None,
            TransferState::Matched { transaction, .. } => Some(transaction),
        }
    }
}

impl Entry for BankTransfer {
    const KIND: EntryKind = EntryKind::BankTransfer;
    fn tenant(&self) -> Tenant {
        self.tenant
    }
    fn id(&self) -> Uuid {
        self.id.0
    }
    fn version(&self) -> u64 {
        self.version
    }
    fn group(&self) -> Option<String> {
        Some(self.state.as_str().to_owned())
    }
}

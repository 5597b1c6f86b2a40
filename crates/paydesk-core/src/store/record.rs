//! Records, and what each is known by.

use uuid::Uuid;

use crate::delivery::Delivery;
use crate::directory::{EntryKind, StoredEntry};
use crate::id::{
    DeliveryId, MerchantId, PaymentMethodId, ProviderAccountId, SessionId, TransactionId,
};
use crate::merchant::{ApiKey, Merchant, ProviderAccount};
use crate::payment_method::PaymentMethod;
use crate::session::Session;
use crate::transaction::Transaction;

/// A record to be written. Each carries its tenant and a version: version 1 must not be there yet, and
/// version *n* replaces exactly *n* − 1.
#[derive(Clone, PartialEq, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "the large ones, sessions and transactions, are the common ones"
)]
pub enum Record {
    /// A merchant; belongs to no mode.
    Merchant(Merchant),
    /// A key, found by the hash of its secret.
    ApiKey(ApiKey),
    /// An account on a rail.
    ProviderAccount(ProviderAccount),
    /// A session.
    Session(Session),
    /// A transaction.
    Transaction(Transaction),
    /// A stored card.
    PaymentMethod(PaymentMethod),
    /// A delivery.
    Delivery(Delivery),
    /// A small record of the [directory](crate::directory).
    Entry(StoredEntry),
}

impl Record {
    /// Its version.
    #[must_use]
    pub const fn version(&self) -> u64 {
        match self {
            Self::Merchant(record) => record.version,
            Self::ApiKey(record) => record.version,
            Self::ProviderAccount(record) => record.version,
            Self::Session(record) => record.version,
            Self::Transaction(record) => record.version,
            Self::PaymentMethod(record) => record.version,
            Self::Delivery(record) => record.version,
            Self::Entry(record) => record.version,
        }
    }

    /// Which record it is.
    #[must_use]
    pub const fn key(&self) -> RecordKey {
        match self {
            Self::Merchant(record) => RecordKey::Merchant(record.id),
            Self::ApiKey(record) => RecordKey::ApiKey(record.secret_hash),
            Self::ProviderAccount(record) => RecordKey::ProviderAccount(record.id),
            Self::Session(record) => RecordKey::Session(record.id),
            Self::Transaction(record) => RecordKey::Transaction(record.id),
            Self::PaymentMethod(record) => RecordKey::PaymentMethod(record.id),
            Self::Delivery(record) => RecordKey::Delivery(record.id),
            Self::Entry(record) => RecordKey::Entry(record.kind, record.id),
        }
    }
}

/// Names a record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum RecordKey {
    /// A merchant.
    Merchant(MerchantId),
    /// A key, by the hash of its secret.
    ApiKey([u8; 32]),
    /// An account on a rail.
    ProviderAccount(ProviderAccountId),
    /// A session.
    Session(SessionId),
    /// A transaction.
    Transaction(TransactionId),
    /// A stored card.
    PaymentMethod(PaymentMethodId),
    /// A delivery.
    Delivery(DeliveryId),
    /// A small record.
    Entry(EntryKind, Uuid),
}

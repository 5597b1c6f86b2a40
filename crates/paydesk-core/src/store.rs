//! The store port: one way to change anything, and the reads that the product needs.
//!
//! A [`Change`] is a value: what must still be true, what to put, what to append. It is applied as a whole or
//! refused with a named [`Conflict`]. No transaction handle ever leaves a store.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::delivery::Delivery;
use crate::directory::{Entry as _, EntryKind, EntryPage, StoredEntry};
use crate::event::Event;
use crate::id::{
    DeliveryId, EventId, MerchantId, PaymentMethodId, ProviderAccountId, SessionId, TransactionId,
};
use crate::keys::{KeyVersion, Sealed};
use crate::list::{
    DeliveryFilter, EventFilter, Page, PaymentMethodFilter, SessionFilter, TransactionFilter,
};
use crate::merchant::{ApiKey, Merchant, ProviderAccount};
use crate::payment_method::PaymentMethod;
use crate::session::Session;
use crate::tenant::Tenant;
use crate::test_clock::TestClock;
use crate::time::Timestamp;
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

/// Something that only one may have at a time, per tenant: a uniqueness constraint of the store.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum ClaimKey {
    /// The one live or successful payment of a session; held by a transaction.
    LivePayment(SessionId),
    /// A merchant's own code, over sessions and charges of stored cards; held by either.
    Reference(String),
    /// A bank's id of a transfer, so that each counts once; held by the transfer as it is kept.
    BankTransfer {
        /// The account it came in on.
        account: String,
        /// The bank's id of it.
        id: String,
    },
    /// The reference in a QR code or a transfer's text; unique per account for ever; held by its transaction.
    PushReference {
        /// The account.
        account: String,
        /// The reference.
        nonce: String,
    },
    /// A name that means one thing within its space.
    Name {
        /// Among what.
        space: NameSpace,
        /// The name.
        name: String,
    },
}

/// Among what a [name](ClaimKey::Name) is unique, per tenant. The numbers are stored: they never change.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum NameSpace {
    /// A merchant's own code for a customer; held by the customer.
    Customer = 1,
    /// A merchant's own number of a product; held by the product.
    Product = 2,
    /// The number of an order; held by the order.
    Order = 3,
    /// The number of a session; held by the session.
    Session = 4,
    /// What a user signs in with; held by the user.
    Login = 5,
    /// The number of an account on a rail; held by the account.
    Account = 6,
    /// A dialect's own code of a session; held by the session.
    SessionCode = 7,
    /// A merchant's own name for a place where orders are kept; held by the storage.
    Storage = 8,
    /// The number of a user; held by the user.
    User = 9,
    /// The one live session of an order; held by the session.
    LiveOrder = 10,
}

impl NameSpace {
    /// The number that is stored.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }
}

/// A claim and who has it (the id of a session or a transaction).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Claim {
    /// On what.
    pub key: ClaimKey,
    /// By whom.
    pub owner: Uuid,
}

/// Totals that are kept rather than counted. Increments commute.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Counter {
    /// All sessions that the tenant has.
    Sessions,
    /// All transactions that it has.
    Transactions,
}

/// Adds to a total.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Increment {
    /// Which.
    pub counter: Counter,
    /// How much.
    pub by: i64,
}

/// What an idempotent request is known by. The scope (key id and route) is part of `scope`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct IdempotencyKey {
    /// Who called what: key id, method and route.
    pub scope: String,
    /// What the caller sent.
    pub key: String,
}

/// What is known of an idempotent request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct IdempotencyRecord {
    /// Which request.
    pub key: IdempotencyKey,
    /// SHA-256 of its body: the same key with another body is a mistake.
    pub body_hash: [u8; 32],
    /// Its answer, if it has one.
    pub answer: StoredAnswer,
    /// When it was first seen; wall time.
    pub created_at: Timestamp,
}

/// The answer to an idempotent request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "camelCase")]
pub enum StoredAnswer {
    /// Its first commit is made, its outcome is not there yet.
    Running,
    /// The first answer, byte for byte.
    Bytes {
        /// HTTP status.
        status: u16,
        /// Body.
        body: String,
    },
    /// The same, of an answer that shows a secret: its body is sealed under the server's key.
    Sealed {
        /// HTTP status.
        status: u16,
        /// Body, sealed; see [`StoredAnswer::seal_context`].
        body: Sealed,
    },
    /// The process that would have answered is gone; a reconciler found the outcome. The answer is what this
    /// transaction now says.
    Transaction {
        /// Which.
        id: TransactionId,
    },
}

impl StoredAnswer {
    /// What the body of a [sealed](Self::Sealed) answer is sealed with, so that it opens as no other's.
    #[must_use]
    pub fn seal_context(tenant: Tenant, key: &IdempotencyKey) -> Vec<u8> {
        let Tenant { merchant, mode } = tenant;
        let IdempotencyKey { scope, key } = key;
        format!("answer/{merchant}/{mode}/{scope}/{key}").into_bytes()
    }
}

/// What a change does about idempotency.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum IdempotencyWrite {
    /// The key must be new; this is what is known of it now.
    Claim(IdempotencyRecord),
    /// The key is running; this is its answer. Replaces nothing but [`StoredAnswer::Running`]: a first
    /// answer stays.
    Finish {
        /// Which.
        key: IdempotencyKey,
        /// The answer.
        answer: StoredAnswer,
    },
}

/// What is taken out for good, with all that belongs to it alone. What [may go](crate::retention) is not for a store to
/// say; it only sees to it that nothing is taken away from under something else.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Removal {
    /// A session at this version, its transactions, and the claim of its payment. Kept while it has events.
    Session {
        /// Which.
        id: SessionId,
        /// As it was read. Since each change to a transaction raises it, the transactions are as they were read, too.
        version: u64,
    },
    /// A charge without a session, at this version, and the operations on it, each of which raised that.
    Charge {
        /// Which.
        id: TransactionId,
        /// As it was read.
        version: u64,
    },
    /// A stored card at this version. Kept while a transaction names it.
    PaymentMethod {
        /// Which.
        id: PaymentMethodId,
        /// As it was read.
        version: u64,
    },
    /// An event and its deliveries. Kept while it is undispatched, and while one of its deliveries waits for its time
    /// or is with a worker.
    Event(EventId),
}

/// Everything that one step changes, applied as a whole.
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    /// Whose. Every record, claim and event in it belongs to this merchant.
    pub tenant: Tenant,
    /// What to write; no record twice.
    pub puts: Vec<Record>,
    /// Given up, before anything is taken. Releasing what another owner has does nothing.
    pub releases: Vec<Claim>,
    /// Taken; refused if anybody else has one. Taking what one already has is allowed.
    pub claims: Vec<Claim>,
    /// Appended. Each is undispatched from the start if its session's notify address hears of it, or if the tenant has
    /// an [audience](crate::endpoint::AUDIENCE) once this change is made: the store itself looks, so that no event is
    /// lost between an endpoint's making and its being known.
    pub events: Vec<Event>,
    /// Events whose deliveries are in `puts`: each must still be undispatched.
    pub dispatched: Vec<EventId>,
    /// Events to be dispatched once more, whether or not they were; unknown ones are passed over.
    pub retold: Vec<EventId>,
    /// Taken out. Each must be free to go as things stand before this change; the claims that names were given with stay,
    /// so that what was used once is used for ever.
    pub removals: Vec<Removal>,
    /// Added to totals.
    pub increments: Vec<Increment>,
    /// Written with the rest.
    pub idempotency: Option<IdempotencyWrite>,
}

impl Change {
    /// A change of nothing, for this tenant.
    #[must_use]
    pub const fn new(tenant: Tenant) -> Self {
        Self {
            tenant,
            puts: Vec::new(),
            releases: Vec::new(),
            claims: Vec::new(),
            events: Vec::new(),
            dispatched: Vec::new(),
            retold: Vec::new(),
            removals: Vec::new(),
            increments: Vec::new(),
            idempotency: None,
        }
    }

    /// Adds to it whatever another change of the same tenant would do; its idempotency record stays its own.
    pub fn absorb(&mut self, other: Self) {
        self.puts.extend(other.puts);
        self.releases.extend(other.releases);
        self.claims.extend(other.claims);
        self.events.extend(other.events);
        self.dispatched.extend(other.dispatched);
        self.retold.extend(other.retold);
        self.removals.extend(other.removals);
        self.increments.extend(other.increments);
    }
}

/// Why a change was refused; nothing of it was applied. Checked in this order: idempotency, dispatched,
/// records (in the order given), claims (in the order given), removals (in the order given).
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Conflict {
    /// The idempotency key is known.
    #[error("the idempotency key is known")]
    Idempotency(Box<IdempotencyRecord>),
    /// Another worker dispatched the event.
    #[error("event {0} is dispatched")]
    Dispatched(EventId),
    /// A record is not at the version that the change was decided on.
    #[error("{0:?} has changed")]
    Stale(RecordKey),
    /// Somebody has what the change would take.
    #[error("{key:?} is held by {owner}")]
    Claimed {
        /// What.
        key: ClaimKey,
        /// By whom.
        owner: Uuid,
    },
    /// What the change would take out is not there, has changed, or is needed.
    #[error("{0:?} cannot go")]
    Kept(Removal),
}

/// The store could not be reached or failed; what it was asked may or may not have happened.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the store is unavailable: {0}")]
pub struct Unavailable(pub Arc<str>);

impl Unavailable {
    /// For this reason, for the log; never shown to a caller.
    #[must_use]
    pub fn because(reason: impl std::fmt::Display) -> Self {
        Self(reason.to_string().into())
    }
}

/// Why a commit did not happen, or may not have.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// It did not.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// It may not have.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// What a watcher needs to know of a session to tell that it changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionPulse {
    /// Its version.
    pub version: u64,
    /// When time alone next changes it, the tenant's own time.
    pub due_at: Option<Timestamp>,
}

/// Where everything is kept. Every read takes the tenant first; only the job reads span tenants.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Applies a change as a whole, or refuses it. Returns only after it is durable.
    async fn commit(&self, change: Change) -> Result<(), CommitError>;

    /// A merchant.
    async fn merchant(&self, id: MerchantId) -> Result<Option<Merchant>, Unavailable>;
    /// All merchants' ids, oldest first; for the operator.
    async fn merchants(&self) -> Result<Vec<MerchantId>, Unavailable>;
    /// A key, by the SHA-256 of its secret. The one read that learns its tenant.
    async fn api_key(&self, secret_hash: [u8; 32]) -> Result<Option<ApiKey>, Unavailable>;
    /// The tenant's accounts on rails, oldest first.
    async fn provider_accounts(&self, tenant: Tenant) -> Result<Vec<ProviderAccount>, Unavailable>;

    /// A session.
    async fn session(&self, tenant: Tenant, id: SessionId) -> Result<Option<Session>, Unavailable>;
    /// A session and all its transactions, oldest first.
    async fn session_with_transactions(
        &self,
        tenant: Tenant,
        id: SessionId,
    ) -> Result<Option<(Session, Vec<Transaction>)>, Unavailable>;
    /// A page of the sessions that the filter shows.
    ///
    /// In a list of [searched](SessionFilter::search) ones, those opened within the same moment may stand in the order
    /// in which they were committed.
    async fn sessions(
        &self,
        tenant: Tenant,
        filter: &SessionFilter,
        page: Page,
    ) -> Result<Vec<Session>, Unavailable>;
    /// How many sessions the filter shows.
    async fn count_sessions(
        &self,
        tenant: Tenant,
        filter: &SessionFilter,
    ) -> Result<u64, Unavailable>;
    /// All transactions of many sessions at once, oldest first.
    async fn transactions_of(
        &self,
        tenant: Tenant,
        sessions: &[SessionId],
    ) -> Result<Vec<Transaction>, Unavailable>;
    /// Pulses of many sessions at once, in the order asked; nothing for an unknown one.
    async fn pulses(
        &self,
        sessions: &[(Tenant, SessionId)],
    ) -> Result<Vec<Option<SessionPulse>>, Unavailable>;

    /// A transaction.
    async fn transaction(
        &self,
        tenant: Tenant,
        id: TransactionId,
    ) -> Result<Option<Transaction>, Unavailable>;
    /// A page of the transactions that the filter shows.
    async fn transactions(
        &self,
        tenant: Tenant,
        filter: &TransactionFilter,
        page: Page,
    ) -> Result<Vec<Transaction>, Unavailable>;
    /// How many transactions the filter shows.
    async fn count_transactions(
        &self,
        tenant: Tenant,
        filter: &TransactionFilter,
    ) -> Result<u64, Unavailable>;
    /// The operations on a transaction (settle, void, refund, late money), oldest first.
    async fn children(
        &self,
        tenant: Tenant,
        parent: TransactionId,
    ) -> Result<Vec<Transaction>, Unavailable>;

    /// Transactions of many ids at once, in no order; nothing for an unknown one.
    async fn transactions_by_id(
        &self,
        tenant: Tenant,
        ids: &[TransactionId],
    ) -> Result<Vec<Transaction>, Unavailable>;
    /// The operations on many transactions at once, oldest first.
    async fn children_of(
        &self,
        tenant: Tenant,
        parents: &[TransactionId],
    ) -> Result<Vec<Transaction>, Unavailable>;

    /// Stored cards of many ids at once, in no order; nothing for an unknown one.
    async fn payment_methods_by_id(
        &self,
        tenant: Tenant,
        ids: &[PaymentMethodId],
    ) -> Result<Vec<PaymentMethod>, Unavailable>;
    /// A stored card.
    async fn payment_method(
        &self,
        tenant: Tenant,
        id: PaymentMethodId,
    ) -> Result<Option<PaymentMethod>, Unavailable>;
    /// A page of the stored cards that the filter shows.
    async fn payment_methods(
        &self,
        tenant: Tenant,
        filter: &PaymentMethodFilter,
        page: Page,
    ) -> Result<Vec<PaymentMethod>, Unavailable>;
    /// How many stored cards the filter shows.
    async fn count_payment_methods(
        &self,
        tenant: Tenant,
        filter: &PaymentMethodFilter,
    ) -> Result<u64, Unavailable>;

    /// An entry of the [directory](crate::directory), as JSON.
    async fn entry(
        &self,
        tenant: Tenant,
        kind: EntryKind,
        id: Uuid,
    ) -> Result<Option<Arc<str>>, Unavailable>;
    /// Entries of many ids at once, in no order; nothing for an unknown one.
    async fn entries_by_id(
        &self,
        tenant: Tenant,
        kind: EntryKind,
        ids: &[Uuid],
    ) -> Result<Vec<Arc<str>>, Unavailable>;
    /// A page of the entries of a kind, newest first.
    async fn entries(
        &self,
        tenant: Tenant,
        kind: EntryKind,
        page: EntryPage<'_>,
    ) -> Result<Vec<Arc<str>>, Unavailable>;
    /// How many entries there are of a kind, or in one of its groups.
    async fn count_entries(
        &self,
        tenant: Tenant,
        kind: EntryKind,
        group: Option<&str>,
    ) -> Result<u64, Unavailable>;

    /// Who has each of many claims, in the order asked.
    async fn claims(
        &self,
        tenant: Tenant,
        keys: &[ClaimKey],
    ) -> Result<Vec<Option<Uuid>>, Unavailable>;
    /// Who has a claim.
    async fn claim(&self, tenant: Tenant, key: &ClaimKey) -> Result<Option<Uuid>, Unavailable>;
    /// What is known of an idempotent request.
    async fn idempotency(
        &self,
        tenant: Tenant,
        key: &IdempotencyKey,
    ) -> Result<Option<IdempotencyRecord>, Unavailable>;
    /// A total.
    async fn count(&self, tenant: Tenant, counter: Counter) -> Result<i64, Unavailable>;
    /// An event.
    async fn event(&self, tenant: Tenant, id: EventId) -> Result<Option<Event>, Unavailable>;
    /// A session's events, in order.
    async fn events(&self, tenant: Tenant, session: SessionId) -> Result<Vec<Event>, Unavailable>;
    /// A page of the events that the filter shows; [by creation](crate::list::By::Created) only.
    async fn event_list(
        &self,
        tenant: Tenant,
        filter: &EventFilter,
        page: Page,
    ) -> Result<Vec<Event>, Unavailable>;
    /// A page of the deliveries that the filter shows; [by creation](crate::list::By::Created) only.
    async fn delivery_list(
        &self,
        tenant: Tenant,
        filter: &DeliveryFilter,
        page: Page,
    ) -> Result<Vec<Delivery>, Unavailable>;
    /// A delivery.
    async fn delivery(
        &self,
        tenant: Tenant,
        id: DeliveryId,
    ) -> Result<Option<Delivery>, Unavailable>;
    /// The deliveries of an event, oldest first.
    async fn deliveries(
        &self,
        tenant: Tenant,
        event: EventId,
    ) -> Result<Vec<Delivery>, Unavailable>;

    /// Job read: sessions whose [`Session::due_at`] has come, most overdue first.
    async fn due_sessions(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(Tenant, SessionId)>, Unavailable>;
    /// Job read: transactions whose [`Transaction::ask_at`] has come, most overdue first.
    async fn due_transactions(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(Tenant, TransactionId)>, Unavailable>;
    /// Job read: the test clocks that were moved, of all merchants.
    ///
    /// The clock of a merchant is found by its own id, so that a store may leave this to the other reads.
    async fn test_clocks(&self) -> Result<Vec<Arc<str>>, Unavailable> {
        let mut clocks = Vec::new();
        for merchant in self.merchants().await? {
            let tenant = TestClock::tenant_of(merchant);
            let clock = self.entry(tenant, TestClock::KIND, merchant.0).await?;
            clocks.extend(clock);
        }
        Ok(clocks)
    }
    /// Job read: [`Store::due_sessions`] of one tenant, whose time is ahead.
    async fn due_sessions_of(
        &self,
        tenant: Tenant,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<SessionId>, Unavailable> {
        let due = self.due_sessions(now, usize::MAX).await?.into_iter();
        let own = due.filter(|(owner, _)| *owner == tenant);
        Ok(own.map(|(_, session)| session).take(limit).collect())
    }
    /// Job read: [`Store::due_deliveries`] of one tenant, whose time is ahead.
    async fn due_deliveries_of(
        &self,
        tenant: Tenant,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Delivery>, Unavailable> {
        let due = self.due_deliveries(now, usize::MAX).await?.into_iter();
        let own = due.filter(|delivery| delivery.tenant == tenant);
        Ok(own.take(limit).collect())
    }
    /// Job read: events that somebody is to be told of and that are not dispatched yet.
    async fn undispatched(&self, limit: usize) -> Result<Vec<Event>, Unavailable>;
    /// Job read: deliveries whose [`Delivery::due_at`] has come, most overdue first.
    async fn due_deliveries(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Delivery>, Unavailable>;

    /// Job: forgets idempotent requests that were first seen before `before` and have their answer, oldest first.
    /// Answers how many, `limit` at most. One that is still running stays, however old: sent again, it would be
    /// run again.
    async fn forget_requests(&self, before: Timestamp, limit: usize) -> Result<usize, Unavailable>;

    /// The fingerprints of the server keys that this store was made for; empty in a new one.
    async fn key_fingerprints(&self) -> Result<Vec<(KeyVersion, [u8; 32])>, Unavailable>;
    /// Adds fingerprints; known ones stay.
    async fn add_key_fingerprints(
        &self,
        fingerprints: &[(KeyVersion, [u8; 32])],
    ) -> Result<(), Unavailable>;

    /// Whether it answers.
    async fn ping(&self) -> Result<(), Unavailable>;
}

/// A body to answer with, as bytes and HTTP status.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Body.
    pub body: Bytes,
}

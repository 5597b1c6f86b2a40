//! The store port: one way to change anything, and the reads that the product needs.
//!
//! A [`Change`] is a value: what must still be true, what to put, what to append. It is applied as a whole or
//! refused with a named [`Conflict`]. No transaction handle ever leaves a store.

mod change;
mod claim;
mod idempotency;
mod record;

use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use crate::delivery::Delivery;
use crate::directory::{Entry as _, EntryKind, EntryPage};
use crate::event::Event;
use crate::id::{DeliveryId, EventId, MerchantId, PaymentMethodId, SessionId, TransactionId};
use crate::keys::KeyVersion;
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

pub use change::{Change, Conflict, Counter, Increment, Removal};
pub use claim::{Claim, ClaimKey, NameSpace};
pub use idempotency::{Answer, IdempotencyKey, IdempotencyRecord, IdempotencyWrite, StoredAnswer};
pub use record::{Record, RecordKey};

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
    /// The tenant's keys of every kind, in no order. It may walk everybody's: for the operator.
    async fn api_keys(&self, tenant: Tenant) -> Result<Vec<ApiKey>, Unavailable>;
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

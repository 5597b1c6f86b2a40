//! A real store that becomes unavailable when it is told to.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use paydesk_core::delivery::Delivery;
use paydesk_core::directory::{EntryKind, EntryPage};
use paydesk_core::event::Event;
use paydesk_core::id::{
    DeliveryId, EventId, MerchantId, PaymentMethodId, SessionId, TransactionId,
};
use paydesk_core::keys::KeyVersion;
use paydesk_core::list::{
    DeliveryFilter, EventFilter, Page, PaymentMethodFilter, SessionFilter, TransactionFilter,
};
use paydesk_core::merchant::{ApiKey, Merchant, ProviderAccount};
use paydesk_core::payment_method::PaymentMethod;
use paydesk_core::session::Session;
use paydesk_core::store::{
    Change, ClaimKey, CommitError, Counter, IdempotencyKey, IdempotencyRecord, SessionPulse, Store,
    Unavailable,
};
use paydesk_core::tenant::Tenant;
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::Transaction;
use uuid::Uuid;

/// When a commit loses the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The change did not arrive.
    BeforeCommit,
    /// The change is there; the answer did not arrive.
    AfterCommit,
}

/// Fails one commit.
pub struct Faulty {
    store: Arc<dyn Store>,
    next: Mutex<Option<(usize, Fault)>>,
}

impl Faulty {
    pub fn over(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            next: Mutex::new(None),
        }
    }

    /// After this many more commits, one fails.
    pub fn fail(&self, after: usize, fault: Fault) {
        *self.next.lock() = Some((after, fault));
    }

    fn fault(&self) -> Option<Fault> {
        let mut next = self.next.lock();
        let (after, fault) = (*next)?;
        *next = after.checked_sub(1).map(|after| (after, fault));
        (after == 0).then_some(fault)
    }
}

#[async_trait]
impl Store for Faulty {
    async fn commit(&self, change: Change) -> Result<(), CommitError> {
        match self.fault() {
            None => self.store.commit(change).await,
            Some(fault) => {
                if fault == Fault::AfterCommit {
                    self.store.commit(change).await?;
                }
                Err(Unavailable::because("it was told to be").into())
            }
        }
    }

    async fn merchant(&self, id: MerchantId) -> Result<Option<Merchant>, Unavailable> {
        self.store.merchant(id).await
    }
    async fn merchants(&self) -> Result<Vec<MerchantId>, Unavailable> {
        self.store.merchants().await
    }
    async fn entry(
        &self,
        tenant: Tenant,
        kind: EntryKind,
        id: Uuid,
    ) -> Result<Option<Arc<str>>, Unavailable> {
        self.store.entry(tenant, kind, id).await
    }
    async fn entries_by_id(
        &self,
        tenant: Tenant,
        kind: EntryKind,
        ids: &[Uuid],
    ) -> Result<Vec<Arc<str>>, Unavailable> {
        self.store.entries_by_id(tenant, kind, ids).await
    }
    async fn entries(
        &self,
        tenant: Tenant,
        kind: EntryKind,
        page: EntryPage<'_>,
    ) -> Result<Vec<Arc<str>>, Unavailable> {
        self.store.entries(tenant, kind, page).await
    }
    async fn count_entries(
        &self,
        tenant: Tenant,
        kind: EntryKind,
        group: Option<&str>,
    ) -> Result<u64, Unavailable> {
        self.store.count_entries(tenant, kind, group).await
    }
    async fn claims(
        &self,
        tenant: Tenant,
        keys: &[ClaimKey],
    ) -> Result<Vec<Option<Uuid>>, Unavailable> {
        self.store.claims(tenant, keys).await
    }
    async fn api_key(&self, secret_hash: [u8; 32]) -> Result<Option<ApiKey>, Unavailable> {
        self.store.api_key(secret_hash).await
    }
    async fn api_keys(&self, tenant: Tenant) -> Result<Vec<ApiKey>, Unavailable> {
        self.store.api_keys(tenant).await
    }
    async fn provider_accounts(&self, tenant: Tenant) -> Result<Vec<ProviderAccount>, Unavailable> {
        self.store.provider_accounts(tenant).await
    }
    async fn session(&self, tenant: Tenant, id: SessionId) -> Result<Option<Session>, Unavailable> {
        self.store.session(tenant, id).await
    }
    async fn session_with_transactions(
        &self,
        tenant: Tenant,
        id: SessionId,
    ) -> Result<Option<(Session, Vec<Transaction>)>, Unavailable> {
        self.store.session_with_transactions(tenant, id).await
    }
    async fn sessions(
        &self,
        tenant: Tenant,
        filter: &SessionFilter,
        page: Page,
    ) -> Result<Vec<Session>, Unavailable> {
        self.store.sessions(tenant, filter, page).await
    }
    async fn count_sessions(
        &self,
        tenant: Tenant,
        filter: &SessionFilter,
    ) -> Result<u64, Unavailable> {
        self.store.count_sessions(tenant, filter).await
    }
    async fn transactions_of(
        &self,
        tenant: Tenant,
        sessions: &[SessionId],
    ) -> Result<Vec<Transaction>, Unavailable> {
        self.store.transactions_of(tenant, sessions).await
    }
    async fn pulses(
        &self,
        sessions: &[(Tenant, SessionId)],
    ) -> Result<Vec<Option<SessionPulse>>, Unavailable> {
        self.store.pulses(sessions).await
    }
    async fn transaction(
        &self,
        tenant: Tenant,
        id: TransactionId,
    ) -> Result<Option<Transaction>, Unavailable> {
        self.store.transaction(tenant, id).await
    }
    async fn transactions(
        &self,
        tenant: Tenant,
        filter: &TransactionFilter,
        page: Page,
    ) -> Result<Vec<Transaction>, Unavailable> {
        self.store.transactions(tenant, filter, page).await
    }
    async fn count_transactions(
        &self,
        tenant: Tenant,
        filter: &TransactionFilter,
    ) -> Result<u64, Unavailable> {
        self.store.count_transactions(tenant, filter).await
    }
    async fn payment_methods(
        &self,
        tenant: Tenant,
        filter: &PaymentMethodFilter,
        page: Page,
    ) -> Result<Vec<PaymentMethod>, Unavailable> {
        self.store.payment_methods(tenant, filter, page).await
    }
    async fn count_payment_methods(
        &self,
        tenant: Tenant,
        filter: &PaymentMethodFilter,
    ) -> Result<u64, Unavailable> {
        self.store.count_payment_methods(tenant, filter).await
    }
    async fn event_list(
        &self,
        tenant: Tenant,
        filter: &EventFilter,
        page: Page,
    ) -> Result<Vec<Event>, Unavailable> {
        self.store.event_list(tenant, filter, page).await
    }
    async fn delivery_list(
        &self,
        tenant: Tenant,
        filter: &DeliveryFilter,
        page: Page,
    ) -> Result<Vec<Delivery>, Unavailable> {
        self.store.delivery_list(tenant, filter, page).await
    }
    async fn children(
        &self,
        tenant: Tenant,
        parent: TransactionId,
    ) -> Result<Vec<Transaction>, Unavailable> {
        self.store.children(tenant, parent).await
    }
    async fn transactions_by_id(
        &self,
        tenant: Tenant,
        ids: &[TransactionId],
    ) -> Result<Vec<Transaction>, Unavailable> {
        self.store.transactions_by_id(tenant, ids).await
    }
    async fn children_of(
        &self,
        tenant: Tenant,
        parents: &[TransactionId],
    ) -> Result<Vec<Transaction>, Unavailable> {
        self.store.children_of(tenant, parents).await
    }
    async fn payment_methods_by_id(
        &self,
        tenant: Tenant,
        ids: &[PaymentMethodId],
    ) -> Result<Vec<PaymentMethod>, Unavailable> {
        self.store.payment_methods_by_id(tenant, ids).await
    }
    async fn payment_method(
        &self,
        tenant: Tenant,
        id: PaymentMethodId,
    ) -> Result<Option<PaymentMethod>, Unavailable> {
        self.store.payment_method(tenant, id).await
    }
    async fn claim(&self, tenant: Tenant, key: &ClaimKey) -> Result<Option<Uuid>, Unavailable> {
        self.store.claim(tenant, key).await
    }
    async fn idempotency(
        &self,
        tenant: Tenant,
        key: &IdempotencyKey,
    ) -> Result<Option<IdempotencyRecord>, Unavailable> {
        self.store.idempotency(tenant, key).await
    }
    async fn count(&self, tenant: Tenant, counter: Counter) -> Result<i64, Unavailable> {
        self.store.count(tenant, counter).await
    }
    async fn event(&self, tenant: Tenant, id: EventId) -> Result<Option<Event>, Unavailable> {
        self.store.event(tenant, id).await
    }
    async fn events(&self, tenant: Tenant, session: SessionId) -> Result<Vec<Event>, Unavailable> {
        self.store.events(tenant, session).await
    }
    async fn delivery(
        &self,
        tenant: Tenant,
        id: DeliveryId,
    ) -> Result<Option<Delivery>, Unavailable> {
        self.store.delivery(tenant, id).await
    }
    async fn deliveries(
        &self,
        tenant: Tenant,
        event: EventId,
    ) -> Result<Vec<Delivery>, Unavailable> {
        self.store.deliveries(tenant, event).await
    }
    async fn due_sessions(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(Tenant, SessionId)>, Unavailable> {
        self.store.due_sessions(now, limit).await
    }
    async fn due_transactions(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(Tenant, TransactionId)>, Unavailable> {
        self.store.due_transactions(now, limit).await
    }
    async fn undispatched(&self, limit: usize) -> Result<Vec<Event>, Unavailable> {
        self.store.undispatched(limit).await
    }
    async fn due_deliveries(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Delivery>, Unavailable> {
        self.store.due_deliveries(now, limit).await
    }
    async fn forget_requests(&self, before: Timestamp, limit: usize) -> Result<usize, Unavailable> {
        self.store.forget_requests(before, limit).await
    }
    async fn key_fingerprints(&self) -> Result<Vec<(KeyVersion, [u8; 32])>, Unavailable> {
        self.store.key_fingerprints().await
    }
    async fn add_key_fingerprints(
        &self,
        fingerprints: &[(KeyVersion, [u8; 32])],
    ) -> Result<(), Unavailable> {
        self.store.add_key_fingerprints(fingerprints).await
    }
    async fn ping(&self) -> Result<(), Unavailable> {
        self.store.ping().await
    }
}

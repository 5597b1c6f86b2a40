//! The real store with somebody beside it, who is told of every call before it is made and may refuse it.

use std::sync::Arc;

use async_trait::async_trait;
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

type Before = dyn Fn(&'static str) -> Result<(), Unavailable> + Send + Sync;

/// A store that asks before each call.
pub struct Watched {
    store: Arc<dyn Store>,
    before: Box<Before>,
}

impl Watched {
    /// `before` is given the call's name: to count it, or to say that the store cannot answer it now.
    pub fn new(
        store: Arc<dyn Store>,
        before: impl Fn(&'static str) -> Result<(), Unavailable> + Send + Sync + 'static,
    ) -> Self {
        let before = Box::new(before);
        Self { store, before }
    }
}

macro_rules! watched {
    ($($name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl Store for Watched {
            $(async fn $name(&self, $($arg: $type),*) -> $answer {
                (self.before)(stringify!($name))?;
                self.store.$name($($arg),*).await
            })*
        }
    };
}

watched! {
    commit(change: Change) -> Result<(), CommitError>;
    merchant(id: MerchantId) -> Result<Option<Merchant>, Unavailable>;
    merchants() -> Result<Vec<MerchantId>, Unavailable>;
    api_key(secret_hash: [u8; 32]) -> Result<Option<ApiKey>, Unavailable>;
    api_keys(tenant: Tenant) -> Result<Vec<ApiKey>, Unavailable>;
    provider_accounts(tenant: Tenant) -> Result<Vec<ProviderAccount>, Unavailable>;
    session(tenant: Tenant, id: SessionId) -> Result<Option<Session>, Unavailable>;
    session_with_transactions(tenant: Tenant, id: SessionId)
        -> Result<Option<(Session, Vec<Transaction>)>, Unavailable>;
    sessions(tenant: Tenant, filter: &SessionFilter, page: Page)
        -> Result<Vec<Session>, Unavailable>;
    count_sessions(tenant: Tenant, filter: &SessionFilter) -> Result<u64, Unavailable>;
    transactions_of(tenant: Tenant, sessions: &[SessionId])
        -> Result<Vec<Transaction>, Unavailable>;
    pulses(sessions: &[(Tenant, SessionId)]) -> Result<Vec<Option<SessionPulse>>, Unavailable>;
    transaction(tenant: Tenant, id: TransactionId) -> Result<Option<Transaction>, Unavailable>;
    transactions(tenant: Tenant, filter: &TransactionFilter, page: Page)
        -> Result<Vec<Transaction>, Unavailable>;
    count_transactions(tenant: Tenant, filter: &TransactionFilter) -> Result<u64, Unavailable>;
    children(tenant: Tenant, parent: TransactionId) -> Result<Vec<Transaction>, Unavailable>;
    transactions_by_id(tenant: Tenant, ids: &[TransactionId])
        -> Result<Vec<Transaction>, Unavailable>;
    children_of(tenant: Tenant, parents: &[TransactionId])
        -> Result<Vec<Transaction>, Unavailable>;
    payment_methods_by_id(tenant: Tenant, ids: &[PaymentMethodId])
        -> Result<Vec<PaymentMethod>, Unavailable>;
    payment_method(tenant: Tenant, id: PaymentMethodId)
        -> Result<Option<PaymentMethod>, Unavailable>;
    payment_methods(tenant: Tenant, filter: &PaymentMethodFilter, page: Page)
        -> Result<Vec<PaymentMethod>, Unavailable>;
    count_payment_methods(tenant: Tenant, filter: &PaymentMethodFilter)
        -> Result<u64, Unavailable>;
    entry(tenant: Tenant, kind: EntryKind, id: Uuid) -> Result<Option<Arc<str>>, Unavailable>;
    entries_by_id(tenant: Tenant, kind: EntryKind, ids: &[Uuid])
        -> Result<Vec<Arc<str>>, Unavailable>;
    entries(tenant: Tenant, kind: EntryKind, page: EntryPage<'_>)
        -> Result<Vec<Arc<str>>, Unavailable>;
    count_entries(tenant: Tenant, kind: EntryKind, group: Option<&str>)
        -> Result<u64, Unavailable>;
    claims(tenant: Tenant, keys: &[ClaimKey]) -> Result<Vec<Option<Uuid>>, Unavailable>;
    claim(tenant: Tenant, key: &ClaimKey) -> Result<Option<Uuid>, Unavailable>;
    idempotency(tenant: Tenant, key: &IdempotencyKey)
        -> Result<Option<IdempotencyRecord>, Unavailable>;
    count(tenant: Tenant, counter: Counter) -> Result<i64, Unavailable>;
    event(tenant: Tenant, id: EventId) -> Result<Option<Event>, Unavailable>;
    events(tenant: Tenant, session: SessionId) -> Result<Vec<Event>, Unavailable>;
    event_list(tenant: Tenant, filter: &EventFilter, page: Page)
        -> Result<Vec<Event>, Unavailable>;
    delivery_list(tenant: Tenant, filter: &DeliveryFilter, page: Page)
        -> Result<Vec<Delivery>, Unavailable>;
    delivery(tenant: Tenant, id: DeliveryId) -> Result<Option<Delivery>, Unavailable>;
    deliveries(tenant: Tenant, event: EventId) -> Result<Vec<Delivery>, Unavailable>;
    due_sessions(now: Timestamp, limit: usize) -> Result<Vec<(Tenant, SessionId)>, Unavailable>;
    due_transactions(now: Timestamp, limit: usize)
        -> Result<Vec<(Tenant, TransactionId)>, Unavailable>;
    test_clocks() -> Result<Vec<Arc<str>>, Unavailable>;
    due_sessions_of(tenant: Tenant, now: Timestamp, limit: usize)
        -> Result<Vec<SessionId>, Unavailable>;
    due_deliveries_of(tenant: Tenant, now: Timestamp, limit: usize)
        -> Result<Vec<Delivery>, Unavailable>;
    undispatched(limit: usize) -> Result<Vec<Event>, Unavailable>;
    due_deliveries(now: Timestamp, limit: usize) -> Result<Vec<Delivery>, Unavailable>;
    forget_requests(before: Timestamp, limit: usize) -> Result<usize, Unavailable>;
    key_fingerprints() -> Result<Vec<(KeyVersion, [u8; 32])>, Unavailable>;
    add_key_fingerprints(fingerprints: &[(KeyVersion, [u8; 32])]) -> Result<(), Unavailable>;
    ping() -> Result<(), Unavailable>;
}

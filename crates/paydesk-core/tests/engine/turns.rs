//! The store in memory, with somebody else's turn before and after everything that it does: as with a real
//! store, what was read may be out of date when it arrives. Its disk may be full, and one answer may take as long as a
//! test likes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

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
use paydesk_store::memory::MemoryStore;
use tokio::sync::oneshot;
use uuid::Uuid;

#[derive(Default)]
pub struct TakingTurns {
    store: MemoryStore,
    turns: AtomicU64,
    full: AtomicBool,
    too_slow: AtomicBool,
    pause: Mutex<Option<Pause>>,
}

/// A call whose answer is made, and kept back.
struct Pause {
    /// After so many others.
    after: usize,
    reached: oneshot::Sender<()>,
    go_on: oneshot::Receiver<()>,
}

impl TakingTurns {
    /// Keeps back the answer to the call after so many others. The first of the two tells when it is made; if it
    /// never will be, [`Self::pause_nowhere`] makes it fail. The second lets it go.
    pub fn pause_after(&self, calls: usize) -> (oneshot::Receiver<()>, oneshot::Sender<()>) {
        let (reached, is_reached) = oneshot::channel();
        let (let_go, go_on) = oneshot::channel();
        *self.pause.lock() = Some(Pause {
            after: calls,
            reached,
            go_on,
        });
        (is_reached, let_go)
    }

    /// No answer is kept back any more.
    pub fn pause_nowhere(&self) {
        self.pause.lock().take();
    }

    /// Whether it is this call's answer that is to be kept back.
    fn pause_here(&self) -> Option<Pause> {
        let mut pause = self.pause.lock();
        match pause.as_mut()?.after.checked_sub(1) {
            Some(left) => {
                pause.as_mut()?.after = left;
                None
            }
            None => pause.take(),
        }
    }

    async fn pause(&self) {
        if let Some(pause) = self.pause_here() {
            // Who made the pause may have gone: then nothing is kept back.
            let _ = pause.reached.send(());
            let _ = pause.go_on.await;
        }
    }

    /// Whether the disk is full: nothing is committed.
    pub fn is_full(&self, full: bool) {
        self.full.store(full, Ordering::SeqCst);
    }

    /// Whether what is due of one tenant takes too long to read.
    pub fn is_too_slow(&self, slow: bool) {
        self.too_slow.store(slow, Ordering::SeqCst);
    }

    /// None, one, two or three turns for the others.
    async fn turn(&self) {
        let turns = self
            .turns
            .fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed)
            >> 62;
        for _ in 0..turns {
            tokio::task::yield_now().await;
        }
    }
}

macro_rules! taking_turns {
    ($($name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl Store for TakingTurns {
            async fn commit(&self, change: Change) -> Result<(), CommitError> {
                self.turn().await;
                if self.full.load(Ordering::SeqCst) {
                    return Err(Unavailable::because("the disk is full").into());
                }
                let answer = self.store.commit(change).await;
                self.pause().await;
                self.turn().await;
                answer
            }
            async fn due_sessions_of(
                &self,
                tenant: Tenant,
                now: Timestamp,
                limit: usize,
            ) -> Result<Vec<SessionId>, Unavailable> {
                if self.too_slow.load(Ordering::SeqCst) {
                    return Err(Unavailable::because("it took too long"));
                }
                self.store.due_sessions_of(tenant, now, limit).await
            }
            $(async fn $name(&self, $($arg: $type),*) -> $answer {
                self.turn().await;
                let answer = self.store.$name($($arg),*).await;
                self.pause().await;
                self.turn().await;
                answer
            })*
        }
    };
}

taking_turns! {
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
    payment_methods(tenant: Tenant, filter: &PaymentMethodFilter, page: Page)
        -> Result<Vec<PaymentMethod>, Unavailable>;
    count_payment_methods(tenant: Tenant, filter: &PaymentMethodFilter)
        -> Result<u64, Unavailable>;
    event_list(tenant: Tenant, filter: &EventFilter, page: Page)
        -> Result<Vec<Event>, Unavailable>;
    delivery_list(tenant: Tenant, filter: &DeliveryFilter, page: Page)
        -> Result<Vec<Delivery>, Unavailable>;
    children(tenant: Tenant, parent: TransactionId) -> Result<Vec<Transaction>, Unavailable>;
    transactions_by_id(tenant: Tenant, ids: &[TransactionId])
        -> Result<Vec<Transaction>, Unavailable>;
    children_of(tenant: Tenant, parents: &[TransactionId])
        -> Result<Vec<Transaction>, Unavailable>;
    payment_methods_by_id(tenant: Tenant, ids: &[PaymentMethodId])
        -> Result<Vec<PaymentMethod>, Unavailable>;
    payment_method(tenant: Tenant, id: PaymentMethodId)
        -> Result<Option<PaymentMethod>, Unavailable>;
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
    delivery(tenant: Tenant, id: DeliveryId) -> Result<Option<Delivery>, Unavailable>;
    deliveries(tenant: Tenant, event: EventId) -> Result<Vec<Delivery>, Unavailable>;
    due_sessions(now: Timestamp, limit: usize) -> Result<Vec<(Tenant, SessionId)>, Unavailable>;
    due_transactions(now: Timestamp, limit: usize)
        -> Result<Vec<(Tenant, TransactionId)>, Unavailable>;
    undispatched(limit: usize) -> Result<Vec<Event>, Unavailable>;
    due_deliveries(now: Timestamp, limit: usize) -> Result<Vec<Delivery>, Unavailable>;
    forget_requests(before: Timestamp, limit: usize) -> Result<usize, Unavailable>;
    key_fingerprints() -> Result<Vec<(KeyVersion, [u8; 32])>, Unavailable>;
    add_key_fingerprints(fingerprints: &[(KeyVersion, [u8; 32])]) -> Result<(), Unavailable>;
    ping() -> Result<(), Unavailable>;
}

//! A store in memory: for model tests that take a million steps, and for trying things out. Keeps nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use paydesk_core::delivery::Delivery;
use paydesk_core::directory::{EntryKind, EntryPage, StoredEntry};
use paydesk_core::event::Event;
use paydesk_core::id::{
    DeliveryId, EventId, MerchantId, PaymentMethodId, ProviderAccountId, SessionId, TransactionId,
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
    StoredAnswer, Unavailable,
};
use paydesk_core::tenant::Tenant;
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::Transaction;
use uuid::Uuid;

mod commit;
mod lists;

/// The store. One lock over all of it: a commit is a few map operations, and nobody waits while holding it.
#[derive(Debug, Default)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
}

/// Everything, in the order in which it is read. The `*_of_*` and `due_*` sets are indexes.
#[derive(Debug, Default)]
struct Tables {
    merchants: BTreeMap<MerchantId, Merchant>,
    api_keys: BTreeMap<[u8; 32], ApiKey>,
    provider_accounts: BTreeMap<(Tenant, ProviderAccountId), ProviderAccount>,
    sessions: BTreeMap<(Tenant, SessionId), Session>,
    due_sessions: BTreeSet<(Timestamp, Tenant, SessionId)>,
    transactions: BTreeMap<(Tenant, TransactionId), Transaction>,
    transactions_of_session: BTreeSet<(Tenant, SessionId, TransactionId)>,
    transactions_of_parent: BTreeSet<(Tenant, TransactionId, TransactionId)>,
    due_transactions: BTreeSet<(Timestamp, Tenant, TransactionId)>,
    payment_methods: BTreeMap<(Tenant, PaymentMethodId), PaymentMethod>,
    deliveries: BTreeMap<(Tenant, DeliveryId), Delivery>,
    deliveries_of_event: BTreeSet<(Tenant, EventId, DeliveryId)>,
    due_deliveries: BTreeSet<(Timestamp, Tenant, DeliveryId)>,
    events: BTreeMap<(Tenant, EventId), Event>,
    events_of_session: BTreeSet<(Tenant, SessionId, u32, EventId)>,
    undispatched: BTreeSet<(Tenant, EventId)>,
    entries: BTreeMap<(Tenant, EntryKind, Uuid), StoredEntry>,
    entries_of_group: BTreeSet<(Tenant, EntryKind, String, Uuid)>,
    claims: BTreeMap<(Tenant, ClaimKey), Uuid>,
    idempotency: BTreeMap<(Tenant, IdempotencyKey), IdempotencyRecord>,
    counters: BTreeMap<(Tenant, Counter), i64>,
    fingerprints: BTreeMap<KeyVersion, [u8; 32]>,
}

impl MemoryStore {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// The smallest and the largest id: the ends of a range over one tenant.
const FIRST: Uuid = Uuid::nil();
const LAST: Uuid = Uuid::max();

impl Tables {
    fn transactions_of_session(&self, tenant: Tenant, session: SessionId) -> Vec<Transaction> {
        let ends = (tenant, session, TransactionId(FIRST))..=(tenant, session, TransactionId(LAST));
        self.transactions_of_session
            .range(ends)
            .filter_map(|&(_, _, id)| self.transactions.get(&(tenant, id)).cloned())
            .collect()
    }

    fn children(&self, tenant: Tenant, parent: TransactionId) -> Vec<Transaction> {
        let ends = (tenant, parent, TransactionId(FIRST))..=(tenant, parent, TransactionId(LAST));
        self.transactions_of_parent
            .range(ends)
            .filter_map(|&(_, _, id)| self.transactions.get(&(tenant, id)).cloned())
            .collect()
    }

    /// The keys of a session's events, in order.
    fn event_keys_of(
        &self,
        tenant: Tenant,
        session: SessionId,
    ) -> impl Iterator<Item = (Tenant, EventId)> {
        let ends =
            (tenant, session, 0, EventId(FIRST))..=(tenant, session, u32::MAX, EventId(LAST));
        let events = self.events_of_session.range(ends);
        events.map(|&(tenant, _, _, id)| (tenant, id))
    }

    /// The keys of an event's deliveries, oldest first.
    fn delivery_keys_of(
        &self,
        tenant: Tenant,
        event: EventId,
    ) -> impl Iterator<Item = (Tenant, DeliveryId)> {
        let ends = (tenant, event, DeliveryId(FIRST))..=(tenant, event, DeliveryId(LAST));
        let deliveries = self.deliveries_of_event.range(ends);
        deliveries.map(|&(tenant, _, id)| (tenant, id))
    }
}

impl Tables {
    /// The ids of a list, oldest first.
    fn entry_ids(&self, tenant: Tenant, kind: EntryKind, group: Option<&str>) -> Vec<Uuid> {
        let Some(group) = group else {
            let ends = (tenant, kind, FIRST)..=(tenant, kind, LAST);
            return self.entries.range(ends).map(|(key, _)| key.2).collect();
        };
        let end = |id| (tenant, kind, group.to_owned(), id);
        let list = self.entries_of_group.range(end(FIRST)..=end(LAST));
        list.map(|key| key.3).collect()
    }
}

/// The keys of an index whose time has come, most overdue first.
fn due<Id: Copy + Ord>(
    index: &BTreeSet<(Timestamp, Tenant, Id)>,
    now: Timestamp,
    limit: usize,
) -> impl Iterator<Item = (Tenant, Id)> {
    index
        .iter()
        .take_while(move |(at, ..)| *at <= now)
        .take(limit)
        .map(|&(_, tenant, id)| (tenant, id))
}

#[async_trait]
impl Store for MemoryStore {
    async fn commit(&self, change: Change) -> Result<(), CommitError> {
        let mut tables = self.tables.lock();
        tables.check(&change)?;
        tables.apply(change);
        Ok(())
    }

    async fn merchant(&self, id: MerchantId) -> Result<Option<Merchant>, Unavailable> {
        Ok(self.tables.lock().merchants.get(&id).cloned())
    }

    async fn merchants(&self) -> Result<Vec<MerchantId>, Unavailable> {
        Ok(self.tables.lock().merchants.keys().copied().collect())
    }

    async fn api_key(&self, secret_hash: [u8; 32]) -> Result<Option<ApiKey>, Unavailable> {
        Ok(self.tables.lock().api_keys.get(&secret_hash).cloned())
    }

    async fn api_keys(&self, tenant: Tenant) -> Result<Vec<ApiKey>, Unavailable> {
        let tables = self.tables.lock();
        let owned = tables.api_keys.values().filter(|key| key.tenant == tenant);
        Ok(owned.cloned().collect())
    }

    async fn provider_accounts(&self, tenant: Tenant) -> Result<Vec<ProviderAccount>, Unavailable> {
        let ends = (tenant, ProviderAccountId(FIRST))..=(tenant, ProviderAccountId(LAST));
        let tables = self.tables.lock();
        Ok(tables
            .provider_accounts
            .range(ends)
            .map(|(_, account)| account.clone())
            .collect())
    }

    async fn session(&self, tenant: Tenant, id: SessionId) -> Result<Option<Session>, Unavailable> {
        Ok(self.tables.lock().sessions.get(&(tenant, id)).cloned())
    }

    async fn session_with_transactions(
        &self,
        tenant: Tenant,
        id: SessionId,
    ) -> Result<Option<(Session, Vec<Transaction>)>, Unavailable> {
        let tables = self.tables.lock();
        let session = tables.sessions.get(&(tenant, id)).cloned();
        Ok(session.map(|session| (session, tables.transactions_of_session(tenant, id))))
    }

    async fn sessions(
        &self,
        tenant: Tenant,
        filter: &SessionFilter,
        page: Page,
    ) -> Result<Vec<Session>, Unavailable> {
        Ok(self.tables.lock().list_sessions(tenant, filter, page))
    }

    async fn count_sessions(
        &self,
        tenant: Tenant,
        filter: &SessionFilter,
    ) -> Result<u64, Unavailable> {
        Ok(self.tables.lock().count_sessions(tenant, filter))
    }

    async fn transactions_of(
        &self,
        tenant: Tenant,
        sessions: &[SessionId],
    ) -> Result<Vec<Transaction>, Unavailable> {
        let tables = self.tables.lock();
        let sessions: BTreeSet<_> = sessions.iter().collect();
        let mut transactions: Vec<_> = sessions
            .into_iter()
            .flat_map(|&session| tables.transactions_of_session(tenant, session))
            .collect();
        transactions.sort_unstable_by_key(|transaction| transaction.id);
        Ok(transactions)
    }

    async fn pulses(
        &self,
        sessions: &[(Tenant, SessionId)],
    ) -> Result<Vec<Option<SessionPulse>>, Unavailable> {
        let tables = self.tables.lock();
        let pulse = |session: &Session| SessionPulse {
            version: session.version,
            due_at: session.due_at(),
        };
        Ok(sessions
            .iter()
            .map(|key| tables.sessions.get(key).map(pulse))
            .collect())
    }

    async fn transaction(
        &self,
        tenant: Tenant,
        id: TransactionId,
    ) -> Result<Option<Transaction>, Unavailable> {
        Ok(self.tables.lock().transactions.get(&(tenant, id)).cloned())
    }

    async fn transactions(
        &self,
        tenant: Tenant,
        filter: &TransactionFilter,
        page: Page,
    ) -> Result<Vec<Transaction>, Unavailable> {
        Ok(self.tables.lock().list_transactions(tenant, filter, page))
    }

    async fn count_transactions(
        &self,
        tenant: Tenant,
        filter: &TransactionFilter,
    ) -> Result<u64, Unavailable> {
        Ok(self.tables.lock().count_transactions(tenant, filter))
    }

    async fn children(
        &self,
        tenant: Tenant,
        parent: TransactionId,
    ) -> Result<Vec<Transaction>, Unavailable> {
        Ok(self.tables.lock().children(tenant, parent))
    }

    async fn transactions_by_id(
        &self,
        tenant: Tenant,
        ids: &[TransactionId],
    ) -> Result<Vec<Transaction>, Unavailable> {
        let tables = self.tables.lock();
        let ids: BTreeSet<_> = ids.iter().collect();
        Ok(ids
            .into_iter()
            .filter_map(|&id| tables.transactions.get(&(tenant, id)).cloned())
            .collect())
    }

    async fn children_of(
        &self,
        tenant: Tenant,
        parents: &[TransactionId],
    ) -> Result<Vec<Transaction>, Unavailable> {
        let parents: BTreeSet<_> = parents.iter().copied().collect();
        let mut children = Vec::new();
        for parent in parents {
            children.extend(self.children(tenant, parent).await?);
        }
        children.sort_unstable_by_key(|child| child.id);
        Ok(children)
    }

    async fn payment_methods_by_id(
        &self,
        tenant: Tenant,
        ids: &[PaymentMethodId],
    ) -> Result<Vec<PaymentMethod>, Unavailable> {
        let tables = self.tables.lock();
        let ids: BTreeSet<_> = ids.iter().collect();
        Ok(ids
            .into_iter()
            .filter_map(|&id| tables.payment_methods.get(&(tenant, id)).cloned())
            .collect())
    }

    async fn payment_method(
        &self,
        tenant: Tenant,
        id: PaymentMethodId,
    ) -> Result<Option<PaymentMethod>, Unavailable> {
        Ok(self
            .tables
            .lock()
            .payment_methods
            .get(&(tenant, id))
            .cloned())
    }

    async fn payment_methods(
        &self,
        tenant: Tenant,
        filter: &PaymentMethodFilter,
        page: Page,
    ) -> Result<Vec<PaymentMethod>, Unavailable> {
        let tables = self.tables.lock();
        Ok(lists::copies(page.cut(tables.cards(tenant, filter))))
    }

    async fn count_payment_methods(
        &self,
        tenant: Tenant,
        filter: &PaymentMethodFilter,
    ) -> Result<u64, Unavailable> {
        let tables = self.tables.lock();
        Ok(tables.cards(tenant, filter).count() as u64)
    }

    async fn entry(
        &self,
        tenant: Tenant,
        kind: EntryKind,
        id: Uuid,
    ) -> Result<Option<Arc<str>>, Unavailable> {
        let tables = self.tables.lock();
        let entry = tables.entries.get(&(tenant, kind, id));
        Ok(entry.and_then(|entry| entry.doc.clone()))
    }

    async fn entries_by_id(
        &self,
        tenant: Tenant,
        kind: EntryKind,
        ids: &[Uuid],
    ) -> Result<Vec<Arc<str>>, Unavailable> {
        let tables = self.tables.lock();
        let ids: BTreeSet<_> = ids.iter().collect();
        Ok(ids
            .into_iter()
            .filter_map(|&id| tables.entries.get(&(tenant, kind, id))?.doc.clone())
            .collect())
    }

    async fn entries(
        &self,
        tenant: Tenant,
        kind: EntryKind,
        page: EntryPage<'_>,
    ) -> Result<Vec<Arc<str>>, Unavailable> {
        let tables = self.tables.lock();
        let ids = tables.entry_ids(tenant, kind, page.group);
        Ok(ids
            .into_iter()
            .rev()
            .filter(|id| page.after.is_none_or(|after| *id < after))
            .skip(page.skip)
            .take(page.limit)
            .filter_map(|id| tables.entries.get(&(tenant, kind, id))?.doc.clone())
            .collect())
    }

    async fn count_entries(
        &self,
        tenant: Tenant,
        kind: EntryKind,
        group: Option<&str>,
    ) -> Result<u64, Unavailable> {
        let ids = self.tables.lock().entry_ids(tenant, kind, group);
        Ok(ids.len() as u64)
    }

    async fn claims(
        &self,
        tenant: Tenant,
        keys: &[ClaimKey],
    ) -> Result<Vec<Option<Uuid>>, Unavailable> {
        let tables = self.tables.lock();
        let owner = |key: &ClaimKey| tables.claims.get(&(tenant, key.clone())).copied();
        Ok(keys.iter().map(owner).collect())
    }

    async fn claim(&self, tenant: Tenant, key: &ClaimKey) -> Result<Option<Uuid>, Unavailable> {
        Ok(self
            .tables
            .lock()
            .claims
            .get(&(tenant, key.clone()))
            .copied())
    }

    async fn idempotency(
        &self,
        tenant: Tenant,
        key: &IdempotencyKey,
    ) -> Result<Option<IdempotencyRecord>, Unavailable> {
        Ok(self
            .tables
            .lock()
            .idempotency
            .get(&(tenant, key.clone()))
            .cloned())
    }

    async fn count(&self, tenant: Tenant, counter: Counter) -> Result<i64, Unavailable> {
        let tables = self.tables.lock();
        Ok(tables
            .counters
            .get(&(tenant, counter))
            .copied()
            .unwrap_or(0))
    }

    async fn event(&self, tenant: Tenant, id: EventId) -> Result<Option<Event>, Unavailable> {
        Ok(self.tables.lock().events.get(&(tenant, id)).cloned())
    }

    async fn events(&self, tenant: Tenant, session: SessionId) -> Result<Vec<Event>, Unavailable> {
        let tables = self.tables.lock();
        let events = tables.event_keys_of(tenant, session);
        Ok(events
            .filter_map(|key| tables.events.get(&key).cloned())
            .collect())
    }

    async fn event_list(
        &self,
        tenant: Tenant,
        filter: &EventFilter,
        page: Page,
    ) -> Result<Vec<Event>, Unavailable> {
        let tables = self.tables.lock();
        let events = lists::of_tenant(&tables.events, tenant, EventId);
        let shown = events.filter(|event| filter.shows(event));
        Ok(lists::copies(page.cut(shown)))
    }

    async fn delivery_list(
        &self,
        tenant: Tenant,
        filter: &DeliveryFilter,
        page: Page,
    ) -> Result<Vec<Delivery>, Unavailable> {
        let tables = self.tables.lock();
        let deliveries = lists::of_tenant(&tables.deliveries, tenant, DeliveryId);
        let shown = deliveries.filter(|delivery| filter.shows(delivery));
        Ok(lists::copies(page.cut(shown)))
    }

    async fn delivery(
        &self,
        tenant: Tenant,
        id: DeliveryId,
    ) -> Result<Option<Delivery>, Unavailable> {
        Ok(self.tables.lock().deliveries.get(&(tenant, id)).cloned())
    }

    async fn deliveries(
        &self,
        tenant: Tenant,
        event: EventId,
    ) -> Result<Vec<Delivery>, Unavailable> {
        let tables = self.tables.lock();
        let deliveries = tables.delivery_keys_of(tenant, event);
        Ok(deliveries
            .filter_map(|key| tables.deliveries.get(&key).cloned())
            .collect())
    }

    async fn due_sessions(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(Tenant, SessionId)>, Unavailable> {
        Ok(due(&self.tables.lock().due_sessions, now, limit).collect())
    }

    async fn due_transactions(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(Tenant, TransactionId)>, Unavailable> {
        Ok(due(&self.tables.lock().due_transactions, now, limit).collect())
    }

    async fn undispatched(&self, limit: usize) -> Result<Vec<Event>, Unavailable> {
        let tables = self.tables.lock();
        let waiting = tables.undispatched.iter().take(limit);
        Ok(waiting
            .filter_map(|key| tables.events.get(key).cloned())
            .collect())
    }

    async fn due_deliveries(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Delivery>, Unavailable> {
        let tables = self.tables.lock();
        let keys = due(&tables.due_deliveries, now, limit);
        Ok(keys
            .filter_map(|key| tables.deliveries.get(&key).cloned())
            .collect())
    }

    async fn forget_requests(&self, before: Timestamp, limit: usize) -> Result<usize, Unavailable> {
        let mut tables = self.tables.lock();
        let is_over = |known: &&IdempotencyRecord| {
            known.created_at < before && known.answer != StoredAnswer::Running
        };
        let mut over: Vec<_> = tables
            .idempotency
            .iter()
            .filter(|(_, known)| is_over(known))
            .map(|(key, known)| (known.created_at, key.clone()))
            .collect();
        over.sort_unstable_by_key(|(created_at, _)| *created_at);
        over.truncate(limit);
        for (_, key) in &over {
            tables.idempotency.remove(key);
        }
        Ok(over.len())
    }

    async fn key_fingerprints(&self) -> Result<Vec<(KeyVersion, [u8; 32])>, Unavailable> {
        let tables = self.tables.lock();
        Ok(tables
            .fingerprints
            .iter()
            .map(|(version, print)| (*version, *print))
            .collect())
    }

    async fn add_key_fingerprints(
        &self,
        fingerprints: &[(KeyVersion, [u8; 32])],
    ) -> Result<(), Unavailable> {
        let mut tables = self.tables.lock();
        for &(version, print) in fingerprints {
            tables.fingerprints.entry(version).or_insert(print);
        }
        Ok(())
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{MemoryStore, Store};

    #[allow(clippy::unused_async, reason = "other stores wait while they are made")]
    async fn fresh() -> (Arc<dyn Store>, ()) {
        (Arc::new(MemoryStore::new()), ())
    }

    paydesk_core::store_suite!(fresh);
}

//! The port: each read of it is one query.

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
    DeliveryFilter, EventFilter, Order, Page, PaymentMethodFilter, Place, SessionFilter,
    TransactionFilter,
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
use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

use super::ask::{all, of, one, with_transactions};
use super::lists::{self, SessionList, TransactionList, limit};
use super::rows::{Prepared, place};
use super::{SqliteStore, decode, queries};
use crate::columns::{claim_name, counter_number};

/// How many sessions are looked at before others may use the connection and the thread.
const PULSES: usize = 256;

/// Before which id a page of the newest is, if it can be said so.
const fn before(place: Place) -> Option<Uuid> {
    match place {
        Place::First => Some(Uuid::max()),
        Place::After(mark) => Some(mark.id),
        Place::Before(_) | Place::Last => None,
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn commit(&self, change: Change) -> Result<(), CommitError> {
        self.writer.commit(Prepared::new(change)?).await
    }

    async fn merchant(&self, id: MerchantId) -> Result<Option<Merchant>, Unavailable> {
        // This and the next four are also written by commands that run beside the server.
        let key = params![id.0.as_bytes()];
        self.readers.read(|db| one(db, queries::MERCHANT, key))
    }

    async fn merchants(&self) -> Result<Vec<MerchantId>, Unavailable> {
        self.readers.read(|db| {
            let mut query = db.prepare_cached(queries::MERCHANTS)?;
            let rows = query.query_map([], |row| decode::id(row, 0).map(MerchantId))?;
            rows.collect()
        })
    }

    async fn api_key(&self, secret_hash: [u8; 32]) -> Result<Option<ApiKey>, Unavailable> {
        let key = params![secret_hash];
        self.readers.read(|db| one(db, queries::API_KEY, key))
    }

    async fn api_keys(&self, tenant: Tenant) -> Result<Vec<ApiKey>, Unavailable> {
        let owner = params![tenant.merchant.to_string(), tenant.mode.to_string()];
        self.readers.read(|db| all(db, queries::API_KEYS, owner))
    }

    async fn provider_accounts(&self, tenant: Tenant) -> Result<Vec<ProviderAccount>, Unavailable> {
        self.readers
            .read(|db| all(db, queries::PROVIDER_ACCOUNTS, of(&tenant)))
    }

    async fn session(&self, tenant: Tenant, id: SessionId) -> Result<Option<Session>, Unavailable> {
        let (merchant, mode) = of(&tenant);
        let (id, place) = (id.0.as_bytes(), place(id));
        self.readers.read_own(|db| {
            let key = params![merchant, mode, id, place];
            if let Some(session) = one(db, queries::SESSION_IN_PLACE, key)? {
                return Ok(Some(session));
            }
            one(db, queries::SESSION, params![merchant, mode, id])
        })
    }

    async fn session_with_transactions(
        &self,
        tenant: Tenant,
        id: SessionId,
    ) -> Result<Option<(Session, Vec<Transaction>)>, Unavailable> {
        let (merchant, mode) = of(&tenant);
        let (id, place) = (id.0.as_bytes(), place(id));
        self.readers.read_own(|db| {
            let key = params![merchant, mode, id, place];
            let found = with_transactions(db, queries::SESSION_IN_PLACE_WITH_TRANSACTIONS, key)?;
            if found.is_some() {
                return Ok(found);
            }
            let key = params![merchant, mode, id];
            with_transactions(db, queries::SESSION_WITH_TRANSACTIONS, key)
        })
    }

    async fn sessions(
        &self,
        tenant: Tenant,
        filter: &SessionFilter,
        page: Page,
    ) -> Result<Vec<Session>, Unavailable> {
        if filter.is_all()
            && page.order == Order::NEWEST
            && let (Some(before), 0) = (before(page.place), page.skip)
        {
            let (merchant, mode) = of(&tenant);
            let most = limit(page.limit);
            return self.all(
                queries::SESSIONS,
                params![merchant, mode, before.as_bytes(), most],
            );
        }
        let filter = filter.clone();
        SessionList { tenant, filter }
            .page(&self.readers, page)
            .await
    }

    async fn count_sessions(
        &self,
        tenant: Tenant,
        filter: &SessionFilter,
    ) -> Result<u64, Unavailable> {
        if filter.is_all() {
            let total = self.count(tenant, Counter::Sessions).await?;
            return Ok(total.max(0).unsigned_abs());
        }
        let filter = filter.clone();
        SessionList { tenant, filter }.count(&self.readers).await
    }

    async fn transactions_of(
        &self,
        tenant: Tenant,
        sessions: &[SessionId],
    ) -> Result<Vec<Transaction>, Unavailable> {
        let sessions = sessions.iter().map(|id| id.0).collect();
        let mut transactions: Vec<Transaction> =
            self.of_many(queries::TRANSACTIONS_OF_SESSION, tenant, sessions)?;
        transactions.sort_unstable_by_key(|transaction| transaction.id);
        Ok(transactions)
    }

    async fn pulses(
        &self,
        sessions: &[(Tenant, SessionId)],
    ) -> Result<Vec<Option<SessionPulse>>, Unavailable> {
        let mut pulses = Vec::with_capacity(sessions.len());
        for some in sessions.chunks(PULSES) {
            self.readers.read_own(|db| {
                let mut query = db.prepare_cached(queries::PULSE)?;
                for (tenant, id) in some {
                    let (merchant, mode) = of(tenant);
                    let pulse = query.query_row(params![merchant, mode, id.0.as_bytes()], |row| {
                        Ok(SessionPulse {
                            version: row.get::<_, i64>(0)?.unsigned_abs(),
                            due_at: decode::time(row, 1)?,
                        })
                    });
                    pulses.push(pulse.optional()?);
                }
                Ok(())
            })?;
            tokio::task::yield_now().await;
        }
        Ok(pulses)
    }

    async fn transaction(
        &self,
        tenant: Tenant,
        id: TransactionId,
    ) -> Result<Option<Transaction>, Unavailable> {
        let (merchant, mode) = of(&tenant);
        self.one(
            queries::TRANSACTION,
            params![merchant, mode, id.0.as_bytes()],
        )
    }

    async fn transactions(
        &self,
        tenant: Tenant,
        filter: &TransactionFilter,
        page: Page,
    ) -> Result<Vec<Transaction>, Unavailable> {
        let filter = filter.clone();
        TransactionList { tenant, filter }
            .page(&self.readers, page)
            .await
    }

    async fn count_transactions(
        &self,
        tenant: Tenant,
        filter: &TransactionFilter,
    ) -> Result<u64, Unavailable> {
        if filter.is_all() {
            let total = self.count(tenant, Counter::Transactions).await?;
            return Ok(total.max(0).unsigned_abs());
        }
        let filter = filter.clone();
        TransactionList { tenant, filter }
            .count(&self.readers)
            .await
    }

    async fn children(
        &self,
        tenant: Tenant,
        parent: TransactionId,
    ) -> Result<Vec<Transaction>, Unavailable> {
        let (merchant, mode) = of(&tenant);
        self.all(
            queries::CHILDREN,
            params![merchant, mode, parent.0.as_bytes()],
        )
    }

    async fn transactions_by_id(
        &self,
        tenant: Tenant,
        ids: &[TransactionId],
    ) -> Result<Vec<Transaction>, Unavailable> {
        let ids = ids.iter().map(|id| id.0).collect();
        self.of_many(queries::TRANSACTION, tenant, ids)
    }

    async fn children_of(
        &self,
        tenant: Tenant,
        parents: &[TransactionId],
    ) -> Result<Vec<Transaction>, Unavailable> {
        let parents = parents.iter().map(|id| id.0).collect();
        let mut children: Vec<Transaction> = self.of_many(queries::CHILDREN, tenant, parents)?;
        children.sort_unstable_by_key(|child| child.id);
        Ok(children)
    }

    async fn payment_methods_by_id(
        &self,
        tenant: Tenant,
        ids: &[PaymentMethodId],
    ) -> Result<Vec<PaymentMethod>, Unavailable> {
        let ids = ids.iter().map(|id| id.0).collect();
        self.of_many(queries::PAYMENT_METHOD, tenant, ids)
    }

    async fn payment_method(
        &self,
        tenant: Tenant,
        id: PaymentMethodId,
    ) -> Result<Option<PaymentMethod>, Unavailable> {
        let (merchant, mode) = of(&tenant);
        self.one(
            queries::PAYMENT_METHOD,
            params![merchant, mode, id.0.as_bytes()],
        )
    }

    async fn payment_methods(
        &self,
        tenant: Tenant,
        filter: &PaymentMethodFilter,
        page: Page,
    ) -> Result<Vec<PaymentMethod>, Unavailable> {
        if lists::cards_are_short(page) {
            let read = |db: &Connection| lists::cards(db, tenant, filter, page);
            return self.readers.at_once(read);
        }
        let filter = filter.clone();
        let read = move |db: &Connection| lists::cards(db, tenant, &filter, page);
        self.readers.long(read).await
    }

    async fn count_payment_methods(
        &self,
        tenant: Tenant,
        filter: &PaymentMethodFilter,
    ) -> Result<u64, Unavailable> {
        let filter = filter.clone();
        let read = move |db: &Connection| lists::count_cards(db, tenant, &filter);
        self.readers.long(read).await
    }

    async fn entry(
        &self,
        tenant: Tenant,
        kind: EntryKind,
        id: Uuid,
    ) -> Result<Option<Arc<str>>, Unavailable> {
        let (merchant, mode) = of(&tenant);
        let key = params![merchant, mode, kind.number(), id.as_bytes()];
        Ok(self.texts(queries::ENTRY, key)?.pop())
    }

    async fn entries_by_id(
        &self,
        tenant: Tenant,
        kind: EntryKind,
        ids: &[Uuid],
    ) -> Result<Vec<Arc<str>>, Unavailable> {
        let (merchant, mode) = of(&tenant);
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        self.readers.read(|db| {
            let mut query = db.prepare_cached(queries::ENTRY)?;
            let mut found = Vec::with_capacity(ids.len());
            for id in ids {
                let key = params![merchant, mode, kind.number(), id.as_bytes()];
                found.extend(query.query_row(key, |row| row.get(0)).optional()?);
            }
            Ok(found)
        })
    }

    async fn entries(
        &self,
        tenant: Tenant,
        kind: EntryKind,
        page: EntryPage<'_>,
    ) -> Result<Vec<Arc<str>>, Unavailable> {
        let (merchant, mode) = of(&tenant);
        let (kind, before) = (kind.number(), page.after.unwrap_or(Uuid::max()));
        let (before, skip, most) = (before.as_bytes(), limit(page.skip), limit(page.limit));
        match page.group {
            None => self.texts(
                queries::ENTRIES,
                params![merchant, mode, kind, before, skip, most],
            ),
            Some(list) => self.texts(
                queries::ENTRIES_OF_LIST,
                params![merchant, mode, kind, before, skip, most, list],
            ),
        }
    }

    async fn count_entries(
        &self,
        tenant: Tenant,
        kind: EntryKind,
        group: Option<&str>,
    ) -> Result<u64, Unavailable> {
        let (merchant, mode) = of(&tenant);
        let kind = kind.number();
        let total: i64 = self.readers.read(|db| match group {
            None => db
                .prepare_cached(queries::COUNT_ENTRIES)?
                .query_row(params![merchant, mode, kind], |row| row.get(0)),
            Some(list) => db
                .prepare_cached(queries::COUNT_ENTRIES_OF_LIST)?
                .query_row(params![merchant, mode, kind, list], |row| row.get(0)),
        })?;
        Ok(total.unsigned_abs())
    }

    async fn claims(
        &self,
        tenant: Tenant,
        keys: &[ClaimKey],
    ) -> Result<Vec<Option<Uuid>>, Unavailable> {
        let (merchant, mode) = of(&tenant);
        self.readers.read(|db| {
            let mut query = db.prepare_cached(queries::CLAIM)?;
            let mut owner = |key: &ClaimKey| {
                let (kind, name) = claim_name(key);
                let key = params![merchant, mode, kind, name];
                query.query_row(key, |row| decode::id(row, 0)).optional()
            };
            keys.iter().map(&mut owner).collect()
        })
    }

    async fn claim(&self, tenant: Tenant, key: &ClaimKey) -> Result<Option<Uuid>, Unavailable> {
        let (merchant, mode) = of(&tenant);
        let (kind, name) = claim_name(key);
        self.readers.read_own(|db| {
            let mut query = db.prepare_cached(queries::CLAIM)?;
            let owner = query.query_row(params![merchant, mode, kind, name], |row| {
                decode::id(row, 0)
            });
            owner.optional()
        })
    }

    async fn idempotency(
        &self,
        tenant: Tenant,
        key: &IdempotencyKey,
    ) -> Result<Option<IdempotencyRecord>, Unavailable> {
        let (merchant, mode) = of(&tenant);
        self.readers.read_own(|db| {
            let mut query = db.prepare_cached(queries::IDEMPOTENCY)?;
            let known = query.query_row(params![merchant, mode, key.scope, key.key], |row| {
                decode::idempotency(row, key)
            });
            known.optional()
        })
    }

    async fn count(&self, tenant: Tenant, counter: Counter) -> Result<i64, Unavailable> {
        let (merchant, mode) = of(&tenant);
        let total: Option<i64> = self.readers.read_own(|db| {
            let mut query = db.prepare_cached(queries::COUNT)?;
            let total = query.query_row(params![merchant, mode, counter_number(counter)], |row| {
                row.get(0)
            });
            total.optional()
        })?;
        Ok(total.unwrap_or(0))
    }

    async fn event(&self, tenant: Tenant, id: EventId) -> Result<Option<Event>, Unavailable> {
        let (merchant, mode) = of(&tenant);
        self.one(queries::EVENT, params![merchant, mode, id.0.as_bytes()])
    }

    async fn events(&self, tenant: Tenant, session: SessionId) -> Result<Vec<Event>, Unavailable> {
        let (merchant, mode) = of(&tenant);
        let mut events: Vec<(u32, Event)> = self.readers.read_own(|db| {
            let mut query = db.prepare_cached(queries::EVENTS)?;
            let rows = query.query_map(params![merchant, mode, session.0.as_bytes()], |row| {
                Ok((row.get(0)?, decode::doc(row, 1)?))
            })?;
            rows.collect()
        })?;
        events.sort_by_key(|(sequence, _)| *sequence);
        Ok(events.into_iter().map(|(_, event)| event).collect())
    }

    async fn event_list(
        &self,
        tenant: Tenant,
        filter: &EventFilter,
        page: Page,
    ) -> Result<Vec<Event>, Unavailable> {
        let Some(session) = filter.session else {
            return self
                .readers
                .at_once(|db| lists::events(db, tenant, &filter.kinds, page));
        };
        // A session has few.
        let events = self.events(tenant, session).await?.into_iter();
        Ok(page.cut(events.filter(|event| filter.shows(event))))
    }

    async fn delivery_list(
        &self,
        tenant: Tenant,
        filter: &DeliveryFilter,
        page: Page,
    ) -> Result<Vec<Delivery>, Unavailable> {
        self.readers
            .at_once(|db| lists::deliveries(db, tenant, filter, page))
    }

    async fn delivery(
        &self,
        tenant: Tenant,
        id: DeliveryId,
    ) -> Result<Option<Delivery>, Unavailable> {
        let (merchant, mode) = of(&tenant);
        self.one(queries::DELIVERY, params![merchant, mode, id.0.as_bytes()])
    }

    async fn deliveries(
        &self,
        tenant: Tenant,
        event: EventId,
    ) -> Result<Vec<Delivery>, Unavailable> {
        let (merchant, mode) = of(&tenant);
        self.all(
            queries::DELIVERIES,
            params![merchant, mode, event.0.as_bytes()],
        )
    }

    async fn due_sessions(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(Tenant, SessionId)>, Unavailable> {
        let due = self.due(queries::DUE_SESSIONS, now, limit)?;
        Ok(due
            .into_iter()
            .map(|(tenant, id)| (tenant, SessionId(id)))
            .collect())
    }

    async fn due_transactions(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(Tenant, TransactionId)>, Unavailable> {
        let due = self.due(queries::DUE_TRANSACTIONS, now, limit)?;
        Ok(due
            .into_iter()
            .map(|(tenant, id)| (tenant, TransactionId(id)))
            .collect())
    }

    async fn test_clocks(&self) -> Result<Vec<Arc<str>>, Unavailable> {
        self.texts(queries::TEST_CLOCKS, params![])
    }

    async fn due_sessions_of(
        &self,
        tenant: Tenant,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<SessionId>, Unavailable> {
        let (merchant, mode) = of(&tenant);
        self.readers.read_own(|db| {
            let mut query = db.prepare_cached(queries::DUE_SESSIONS_OF)?;
            let params = params![merchant, mode, now.as_millis(), limit(most)];
            let rows = query.query_map(params, |row| decode::id(row, 0).map(SessionId))?;
            rows.collect()
        })
    }

    async fn due_deliveries_of(
        &self,
        tenant: Tenant,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<Delivery>, Unavailable> {
        let (merchant, mode) = of(&tenant);
        self.all(
            queries::DUE_DELIVERIES_OF,
            params![merchant, mode, now.as_millis(), limit(most)],
        )
    }

    async fn undispatched(&self, most: usize) -> Result<Vec<Event>, Unavailable> {
        self.all(queries::UNDISPATCHED, params![limit(most)])
    }

    async fn due_deliveries(
        &self,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<Delivery>, Unavailable> {
        self.all(
            queries::DUE_DELIVERIES,
            params![now.as_millis(), limit(most)],
        )
    }

    async fn forget_requests(&self, before: Timestamp, most: usize) -> Result<usize, Unavailable> {
        // Looked for first: mostly there is nothing to write.
        let found = self.readers.read_own(|db| {
            let mut query = db.prepare_cached(queries::OLD_REQUESTS)?;
            let rows = query.query_map(params![before.as_millis(), limit(most)], |_| Ok(()))?;
            rows.collect::<rusqlite::Result<Vec<()>>>()
        })?;
        if !found.is_empty() {
            self.write(Prepared::forgetting(before, found.len()))
                .await?;
        }
        Ok(found.len())
    }

    async fn key_fingerprints(&self) -> Result<Vec<(KeyVersion, [u8; 32])>, Unavailable> {
        self.readers.read(|db| {
            let mut query = db.prepare_cached(queries::KEY_FINGERPRINTS)?;
            let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })
    }

    async fn add_key_fingerprints(
        &self,
        fingerprints: &[(KeyVersion, [u8; 32])],
    ) -> Result<(), Unavailable> {
        self.write(Prepared::fingerprints(fingerprints)).await
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        if self.writer.is_stopped() {
            return Err(Unavailable::because("the writer has stopped"));
        }
        self.readers
            .read(|db| db.prepare_cached("SELECT 1")?.query_row([], |_| Ok(())))
    }
}

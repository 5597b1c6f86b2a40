//! The port: each read of it is one query.

use std::sync::Arc;

use async_trait::async_trait;
use paydesk_core::delivery::Delivery;
use paydesk_core::directory::{Entry as _, EntryKind, EntryPage};
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
use paydesk_core::tenant::{Mode, Tenant};
use paydesk_core::test_clock::TestClock;
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::Transaction;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::ask::due_of;
use super::cell::{Cell, small};
use super::flight::refs;
use super::lists::{self, limit};
use super::steps::{self, Guard, Step, key, key_hash, mode};
use super::{PostgresStore, decode, queries};
use crate::columns::{counter_number, mode_number};

#[async_trait]
impl Store for PostgresStore {
    async fn commit(&self, change: Change) -> Result<(), CommitError> {
        self.apply(change).await
    }

    async fn merchant(&self, id: MerchantId) -> Result<Option<Merchant>, Unavailable> {
        self.one(queries::MERCHANT, &[Cell::Id(id.0)]).await
    }

    async fn merchants(&self) -> Result<Vec<MerchantId>, Unavailable> {
        let rows = self.rows(queries::MERCHANTS, &[]).await?;
        rows.iter()
            .map(|row| decode::get(row, 0).map(MerchantId))
            .collect()
    }

    async fn api_key(&self, secret_hash: [u8; 32]) -> Result<Option<ApiKey>, Unavailable> {
        let hash = Cell::Bytes(secret_hash.to_vec());
        self.one(queries::API_KEY, &[hash]).await
    }

    async fn api_keys(&self, tenant: Tenant) -> Result<Vec<ApiKey>, Unavailable> {
        let owner = [tenant.merchant.to_string(), tenant.mode.to_string()];
        self.all(queries::API_KEYS, &owner.map(Cell::Text)).await
    }

    async fn provider_accounts(&self, tenant: Tenant) -> Result<Vec<ProviderAccount>, Unavailable> {
        let cells = [Cell::Id(tenant.merchant.0), mode(tenant)];
        self.all(queries::PROVIDER_ACCOUNTS, &cells).await
    }

    async fn session(&self, tenant: Tenant, id: SessionId) -> Result<Option<Session>, Unavailable> {
        self.one(queries::SESSION, &key(tenant, id.0)).await
    }

    async fn session_with_transactions(
        &self,
        tenant: Tenant,
        id: SessionId,
    ) -> Result<Option<(Session, Vec<Transaction>)>, Unavailable> {
        let cells = key(tenant, id.0);
        let rows = self
            .rows(queries::SESSION_WITH_TRANSACTIONS, &refs(&cells))
            .await?;
        let Some(first) = rows.first() else {
            return Ok(None);
        };
        let session = decode::doc(first, 0)?;
        let transactions = rows
            .iter()
            .filter_map(|row| decode::optional_doc(row, 1).transpose());
        Ok(Some((session, transactions.collect::<Result<_, _>>()?)))
    }

    async fn sessions(
        &self,
        tenant: Tenant,
        filter: &SessionFilter,
        page: Page,
    ) -> Result<Vec<Session>, Unavailable> {
        self.page(lists::sessions(tenant, filter, &page.walk()), page)
            .await
    }

    async fn count_sessions(
        &self,
        tenant: Tenant,
        filter: &SessionFilter,
    ) -> Result<u64, Unavailable> {
        if filter.is_all() {
            let all = self.count(tenant, Counter::Sessions).await?;
            return Ok(all.unsigned_abs());
        }
        self.total(lists::count_sessions(tenant, filter)).await
    }

    async fn transactions_of(
        &self,
        tenant: Tenant,
        sessions: &[SessionId],
    ) -> Result<Vec<Transaction>, Unavailable> {
        let sessions = sessions.iter().map(|id| id.0).collect();
        self.of_many(queries::TRANSACTIONS_OF_SESSIONS, tenant, sessions)
            .await
    }

    async fn pulses(
        &self,
        sessions: &[(Tenant, SessionId)],
    ) -> Result<Vec<Option<SessionPulse>>, Unavailable> {
        let places: Vec<i64> = (0..).take(sessions.len()).collect();
        let merchants: Vec<Uuid> = sessions.iter().map(|(t, _)| t.merchant.0).collect();
        let modes: Vec<i16> = sessions
            .iter()
            .map(|(tenant, _)| i16::try_from(mode_number(tenant.mode)).unwrap_or(i16::MAX))
            .collect();
        let ids: Vec<Uuid> = sessions.iter().map(|(_, id)| id.0).collect();
        let parameters: [&(dyn ToSql + Sync); 4] = [&places, &merchants, &modes, &ids];
        let mut pulses = vec![None; sessions.len()];
        for row in self.rows(queries::PULSES, &parameters).await? {
            let place: i64 = decode::get(&row, 0)?;
            let slot = usize::try_from(place).ok().and_then(|n| pulses.get_mut(n));
            if let Some(slot) = slot {
                *slot = Some(SessionPulse {
                    version: decode::version(&row, 1)?,
                    due_at: decode::time(&row, 2)?,
                });
            }
        }
        Ok(pulses)
    }

    async fn transaction(
        &self,
        tenant: Tenant,
        id: TransactionId,
    ) -> Result<Option<Transaction>, Unavailable> {
        self.one(queries::TRANSACTION, &key(tenant, id.0)).await
    }

    async fn transactions(
        &self,
        tenant: Tenant,
        filter: &TransactionFilter,
        page: Page,
    ) -> Result<Vec<Transaction>, Unavailable> {
        self.page(lists::transactions(tenant, filter, &page.walk()), page)
            .await
    }

    async fn count_transactions(
        &self,
        tenant: Tenant,
        filter: &TransactionFilter,
    ) -> Result<u64, Unavailable> {
        if filter.is_all() {
            let all = self.count(tenant, Counter::Transactions).await?;
            return Ok(all.unsigned_abs());
        }
        self.total(lists::count_transactions(tenant, filter)).await
    }

    async fn children(
        &self,
        tenant: Tenant,
        parent: TransactionId,
    ) -> Result<Vec<Transaction>, Unavailable> {
        self.all(queries::CHILDREN, &key(tenant, parent.0)).await
    }

    async fn transactions_by_id(
        &self,
        tenant: Tenant,
        ids: &[TransactionId],
    ) -> Result<Vec<Transaction>, Unavailable> {
        let ids = ids.iter().map(|id| id.0).collect();
        self.of_many(queries::TRANSACTIONS_BY_ID, tenant, ids).await
    }

    async fn children_of(
        &self,
        tenant: Tenant,
        parents: &[TransactionId],
    ) -> Result<Vec<Transaction>, Unavailable> {
        let parents = parents.iter().map(|id| id.0).collect();
        self.of_many(queries::CHILDREN_OF, tenant, parents).await
    }

    async fn payment_methods_by_id(
        &self,
        tenant: Tenant,
        ids: &[PaymentMethodId],
    ) -> Result<Vec<PaymentMethod>, Unavailable> {
        let ids = ids.iter().map(|id| id.0).collect();
        self.of_many(queries::PAYMENT_METHODS_BY_ID, tenant, ids)
            .await
    }

    async fn payment_method(
        &self,
        tenant: Tenant,
        id: PaymentMethodId,
    ) -> Result<Option<PaymentMethod>, Unavailable> {
        self.one(queries::PAYMENT_METHOD, &key(tenant, id.0)).await
    }

    async fn payment_methods(
        &self,
        tenant: Tenant,
        filter: &PaymentMethodFilter,
        page: Page,
    ) -> Result<Vec<PaymentMethod>, Unavailable> {
        self.page(lists::cards(tenant, filter, &page.walk()), page)
            .await
    }

    async fn count_payment_methods(
        &self,
        tenant: Tenant,
        filter: &PaymentMethodFilter,
    ) -> Result<u64, Unavailable> {
        self.total(lists::count_cards(tenant, filter)).await
    }

    async fn entry(
        &self,
        tenant: Tenant,
        kind: EntryKind,
        id: Uuid,
    ) -> Result<Option<Arc<str>>, Unavailable> {
        let cells = steps::entry_key(tenant, kind, id);
        Ok(self.texts(queries::ENTRY, &refs(&cells)).await?.pop())
    }

    async fn entries_by_id(
        &self,
        tenant: Tenant,
        kind: EntryKind,
        ids: &[Uuid],
    ) -> Result<Vec<Arc<str>>, Unavailable> {
        let cells = steps::kind_of(tenant, kind);
        let mut parameters = refs(&cells);
        parameters.push(&ids);
        self.texts(queries::ENTRIES_BY_ID, &parameters).await
    }

    async fn entries(
        &self,
        tenant: Tenant,
        kind: EntryKind,
        page: EntryPage<'_>,
    ) -> Result<Vec<Arc<str>>, Unavailable> {
        let before = page.after.unwrap_or(Uuid::max());
        let mut cells = steps::entry_key(tenant, kind, before);
        cells.extend([limit(page.skip), limit(page.limit)]);
        let sql = match page.group {
            None => queries::ENTRIES,
            Some(group) => {
                cells.push(steps::name(Some(group)));
                queries::ENTRIES_OF_LIST
            }
        };
        self.texts(sql, &refs(&cells)).await
    }

    async fn count_entries(
        &self,
        tenant: Tenant,
        kind: EntryKind,
        group: Option<&str>,
    ) -> Result<u64, Unavailable> {
        let mut cells = steps::kind_of(tenant, kind);
        let sql = match group {
            None => queries::COUNT_ENTRIES,
            Some(group) => {
                cells.push(steps::name(Some(group)));
                queries::COUNT_ENTRIES_OF_LIST
            }
        };
        let row = self.opt(sql, &cells).await?;
        row.map_or(Ok(0), |row| decode::version(&row, 0))
    }

    async fn claims(
        &self,
        tenant: Tenant,
        keys: &[ClaimKey],
    ) -> Result<Vec<Option<Uuid>>, Unavailable> {
        let (kinds, names): (Vec<i16>, Vec<Vec<u8>>) =
            keys.iter().map(steps::kind_and_name).unzip();
        let mode = mode(tenant);
        let parameters: [&(dyn ToSql + Sync); 4] = [&tenant.merchant.0, &mode, &kinds, &names];
        let rows = self.rows(queries::CLAIMS, &parameters).await?;
        rows.iter().map(|row| decode::get(row, 0)).collect()
    }

    async fn claim(&self, tenant: Tenant, key: &ClaimKey) -> Result<Option<Uuid>, Unavailable> {
        let cells = steps::claim_key(tenant, key);
        let row = self.opt(queries::CLAIM, &cells).await?;
        row.map(|row| decode::get(&row, 0)).transpose()
    }

    async fn idempotency(
        &self,
        tenant: Tenant,
        key: &IdempotencyKey,
    ) -> Result<Option<IdempotencyRecord>, Unavailable> {
        let cells = [Cell::Id(tenant.merchant.0), mode(tenant), key_hash(key)];
        let row = self.opt(queries::IDEMPOTENCY, &cells).await?;
        row.map(|row| decode::idempotency(&row, key)).transpose()
    }

    async fn count(&self, tenant: Tenant, counter: Counter) -> Result<i64, Unavailable> {
        let cells = [
            Cell::Id(tenant.merchant.0),
            mode(tenant),
            small(counter_number(counter)),
        ];
        let row = self.opt(queries::COUNT, &cells).await?;
        row.map_or(Ok(0), |row| decode::get(&row, 0))
    }

    async fn event(&self, tenant: Tenant, id: EventId) -> Result<Option<Event>, Unavailable> {
        self.one(queries::EVENT, &key(tenant, id.0)).await
    }

    async fn events(&self, tenant: Tenant, session: SessionId) -> Result<Vec<Event>, Unavailable> {
        let cells = key(tenant, session.0);
        let rows = self.rows(queries::EVENTS, &refs(&cells)).await?;
        rows.iter().map(|row| decode::doc(row, 1)).collect()
    }

    async fn event_list(
        &self,
        tenant: Tenant,
        filter: &EventFilter,
        page: Page,
    ) -> Result<Vec<Event>, Unavailable> {
        self.page(lists::events(tenant, filter, &page.walk()), page)
            .await
    }

    async fn delivery_list(
        &self,
        tenant: Tenant,
        filter: &DeliveryFilter,
        page: Page,
    ) -> Result<Vec<Delivery>, Unavailable> {
        self.page(lists::deliveries(tenant, filter, &page.walk()), page)
            .await
    }

    async fn delivery(
        &self,
        tenant: Tenant,
        id: DeliveryId,
    ) -> Result<Option<Delivery>, Unavailable> {
        self.one(queries::DELIVERY, &key(tenant, id.0)).await
    }

    async fn deliveries(
        &self,
        tenant: Tenant,
        event: EventId,
    ) -> Result<Vec<Delivery>, Unavailable> {
        self.all(queries::DELIVERIES, &key(tenant, event.0)).await
    }

    async fn due_sessions(
        &self,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<(Tenant, SessionId)>, Unavailable> {
        let due = self
            .due(queries::DUE_SESSIONS, now, most)
            .await?
            .into_iter();
        Ok(due.map(|(tenant, id)| (tenant, SessionId(id))).collect())
    }

    async fn due_transactions(
        &self,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<(Tenant, TransactionId)>, Unavailable> {
        let due = self.due(queries::DUE_TRANSACTIONS, now, most).await?;
        let due = due.into_iter();
        Ok(due
            .map(|(tenant, id)| (tenant, TransactionId(id)))
            .collect())
    }

    async fn test_clocks(&self) -> Result<Vec<Arc<str>>, Unavailable> {
        let kind = small(TestClock::KIND.number());
        let cells = [small(mode_number(Mode::Test)), kind];
        self.texts(queries::TEST_CLOCKS, &refs(&cells)).await
    }

    async fn due_sessions_of(
        &self,
        tenant: Tenant,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<SessionId>, Unavailable> {
        let cells = due_of(tenant, now, most);
        let rows = self.rows(queries::DUE_SESSIONS_OF, &refs(&cells)).await?;
        rows.iter()
            .map(|row| decode::get(row, 0).map(SessionId))
            .collect()
    }

    async fn due_deliveries_of(
        &self,
        tenant: Tenant,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<Delivery>, Unavailable> {
        let cells = due_of(tenant, now, most);
        self.all(queries::DUE_DELIVERIES_OF, &cells).await
    }

    async fn undispatched(&self, most: usize) -> Result<Vec<Event>, Unavailable> {
        self.all(queries::UNDISPATCHED, &[limit(most)]).await
    }

    async fn due_deliveries(
        &self,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<Delivery>, Unavailable> {
        let cells = [limit(most), Cell::Integer(now.as_millis())];
        self.all(queries::DUE_DELIVERIES, &cells).await
    }

    async fn key_fingerprints(&self) -> Result<Vec<(KeyVersion, [u8; 32])>, Unavailable> {
        let rows = self.rows(queries::KEY_FINGERPRINTS, &[]).await?;
        rows.iter()
            .map(|row| {
                let version: i16 = decode::get(row, 0)?;
                let version = KeyVersion::try_from(version).map_err(Unavailable::because)?;
                Ok((version, decode::bytes(row, 1)?))
            })
            .collect()
    }

    async fn forget_requests(&self, before: Timestamp, most: usize) -> Result<usize, Unavailable> {
        // Looked for first: mostly there is nothing to write.
        let before = Cell::Integer(before.as_millis());
        let cells = [before, limit(most)];
        let found = self.rows(queries::OLD_REQUESTS, &refs(&cells)).await?.len();
        if found > 0 {
            let forget = Step {
                sql: queries::FORGET_REQUESTS,
                cells: cells.into(),
                guard: Guard::None,
            };
            self.write(vec![forget]).await?;
        }
        Ok(found)
    }

    async fn add_key_fingerprints(
        &self,
        fingerprints: &[(KeyVersion, [u8; 32])],
    ) -> Result<(), Unavailable> {
        let steps = fingerprints.iter().map(|(version, fingerprint)| Step {
            sql: queries::ADD_FINGERPRINT,
            cells: vec![
                Cell::Small(i16::from(*version)),
                Cell::Bytes(fingerprint.to_vec()),
            ],
            guard: Guard::None,
        });
        self.write(steps.collect()).await
    }

    /// One attempt: who asks wants to know how it is now.
    async fn ping(&self) -> Result<(), Unavailable> {
        match self.ask(queries::PING, &[]).await {
            Ok(_) => Ok(()),
            Err(failure) => Err(Unavailable::because(failure)),
        }
    }
}

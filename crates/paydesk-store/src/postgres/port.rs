//! The port: each read of it is one query.

use std::sync::Arc;

use async_trait::async_trait;
use deadpool_postgres::Object;
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
use serde::de::DeserializeOwned;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

use super::cell::{Cell, small};
use super::flight::{Failure, Kind, kind, refs};
use super::lists::{self, Query, limit};
use super::outage::Attempts;
use super::steps::{self, Guard, Step, key, key_hash, mode};
use super::{PostgresStore, connect, decode, queries};
use crate::sqlite::rows::{counter_number, mode_number};

impl PostgresStore {
    /// All rows of a query.
    pub(super) async fn rows(
        &self,
        sql: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Unavailable> {
        self.repeat(|| self.ask(sql, parameters)).await
    }

    /// All rows of a query that is made for the occasion: it is planned for just these values, and not kept.
    async fn rows_of(&self, query: &Query) -> Result<Vec<Row>, Unavailable> {
        let typed = query.cells.iter();
        let typed: Vec<_> = typed.map(|cell| (cell as _, cell.ty())).collect();
        let typed: &[(&(dyn ToSql + Sync), Type)] = &typed;
        self.repeat(|| {
            self.asked(async move |client: &Object| client.query_typed(&query.text, typed).await)
        })
        .await
    }

    /// Asks again while the server is away, within bounds.
    async fn repeat<T, F>(&self, ask: impl Fn() -> F) -> Result<T, Unavailable>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut attempts = Attempts::new(&self.outage);
        loop {
            let failure = match ask().await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let goes_on = match failure {
                Failure::Away(ref error) | Failure::Lost(ref error) => {
                    attempts.again_after_outage(error).await
                }
                Failure::Again(_) => attempts.again_after_others().await,
                Failure::Refused(_) | Failure::Never(_) => false,
            };
            if !goes_on {
                return Err(Unavailable::because(failure));
            }
        }
    }

    /// One attempt at a query.
    async fn ask(
        &self,
        sql: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Failure> {
        self.asked(async move |client: &Object| {
            let statement = client.prepare_cached(sql).await?;
            client.query(&statement, parameters).await
        })
        .await
    }

    /// One attempt at something, on a connection that is not used again if it broke.
    async fn asked<T>(
        &self,
        ask: impl AsyncFnOnce(&Object) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        let client = self.pool.get().await;
        let client = client.map_err(|error| connect::without_connection(&error))?;
        let failure = match tokio::time::timeout(super::commit::ATTEMPT, ask(&client)).await {
            Ok(Ok(answer)) => {
                self.outage.over();
                return Ok(answer);
            }
            Ok(Err(error)) => {
                let told = connect::told(&error);
                match kind(&error) {
                    Kind::Away => Failure::Away(told),
                    Kind::Again => Failure::Again(told),
                    Kind::Broken => Failure::Never(told),
                }
            }
            Err(_) => Failure::Away("the database did not answer in time".to_owned()),
        };
        if matches!(failure, Failure::Away(_)) {
            drop(Object::take(client));
        }
        Err(failure)
    }

    /// The row that a query finds, if it finds one.
    pub(super) async fn opt(
        &self,
        sql: &'static str,
        cells: &[Cell],
    ) -> Result<Option<Row>, Unavailable> {
        Ok(self.rows(sql, &refs(cells)).await?.pop())
    }

    /// The one record that a query finds.
    async fn one<T: DeserializeOwned>(
        &self,
        sql: &'static str,
        cells: &[Cell],
    ) -> Result<Option<T>, Unavailable> {
        let row = self.opt(sql, cells).await?;
        row.map(|row| decode::doc(&row, 0)).transpose()
    }

    /// All records that a query finds, in its order.
    async fn all<T: DeserializeOwned>(
        &self,
        sql: &'static str,
        cells: &[Cell],
    ) -> Result<Vec<T>, Unavailable> {
        let rows = self.rows(sql, &refs(cells)).await?;
        rows.iter().map(|row| decode::doc(row, 0)).collect()
    }

    /// All records that a query finds of these ids, in its order.
    async fn of_many<T: DeserializeOwned>(
        &self,
        sql: &'static str,
        tenant: Tenant,
        ids: Vec<Uuid>,
    ) -> Result<Vec<T>, Unavailable> {
        let cells = [Cell::Id(tenant.merchant.0), mode(tenant), Cell::Ids(ids)];
        self.all(sql, &cells).await
    }

    /// The first column of all rows that a query finds, in its order.
    async fn texts(
        &self,
        sql: &'static str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Arc<str>>, Unavailable> {
        let rows = self.rows(sql, parameters).await?;
        rows.iter()
            .map(|row| decode::get::<&str>(row, 0).map(Arc::from))
            .collect()
    }

    /// A page of a list, in the list's order.
    async fn page<T: DeserializeOwned>(
        &self,
        query: Query,
        page: Page,
    ) -> Result<Vec<T>, Unavailable> {
        let rows = self.rows_of(&query).await?;
        let docs = rows.iter().map(|row| decode::doc(row, 0));
        Ok(page.walk().in_order(docs.collect::<Result<_, _>>()?))
    }

    /// How many rows a list has.
    async fn total(&self, query: Query) -> Result<u64, Unavailable> {
        let row = self.rows_of(&query).await?.pop();
        row.map_or(Ok(0), |row| decode::version(&row, 0))
    }

    /// The tenant and id of what is due.
    async fn due(
        &self,
        sql: &'static str,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<(Tenant, Uuid)>, Unavailable> {
        let cells = [limit(most), Cell::Integer(now.as_millis())];
        let rows = self.rows(sql, &refs(&cells)).await?;
        rows.iter().map(decode::tenant_and_id).collect()
    }
}

/// The parameters of what is due for one tenant.
fn due_of(tenant: Tenant, now: Timestamp, most: usize) -> [Cell; 4] {
    let merchant = Cell::Id(tenant.merchant.0);
    [
        limit(most),
        Cell::Integer(now.as_millis()),
        merchant,
        mode(tenant),
    ]
}

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

//! Asking: what the reads of the [port](super::port) have in common.

use std::sync::Arc;

use deadpool_postgres::Object;
use paydesk_core::list::Page;
use paydesk_core::store::Unavailable;
use paydesk_core::tenant::Tenant;
use paydesk_core::time::Timestamp;
use serde::de::DeserializeOwned;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Row};
use uuid::Uuid;

use super::cell::Cell;
use super::flight::{Failure, Kind, kind, refs};
use super::lists::{Query, limit};
use super::outage::Attempts;
use super::steps::mode;
use super::{PostgresStore, connect, decode};

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
                Failure::Locked(_) => attempts.again_after_lock().await,
                Failure::Refused(_) | Failure::Never(_) => false,
            };
            if !goes_on {
                return Err(Unavailable::because(failure));
            }
        }
    }

    /// One attempt at a query.
    pub(super) async fn ask(
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
                    Kind::Locked => Failure::Locked(told),
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
    pub(super) async fn one<T: DeserializeOwned>(
        &self,
        sql: &'static str,
        cells: &[Cell],
    ) -> Result<Option<T>, Unavailable> {
        let row = self.opt(sql, cells).await?;
        row.map(|row| decode::doc(&row, 0)).transpose()
    }

    /// All records that a query finds, in its order.
    pub(super) async fn all<T: DeserializeOwned>(
        &self,
        sql: &'static str,
        cells: &[Cell],
    ) -> Result<Vec<T>, Unavailable> {
        let rows = self.rows(sql, &refs(cells)).await?;
        rows.iter().map(|row| decode::doc(row, 0)).collect()
    }

    /// All records that a query finds of these ids, in its order.
    pub(super) async fn of_many<T: DeserializeOwned>(
        &self,
        sql: &'static str,
        tenant: Tenant,
        ids: Vec<Uuid>,
    ) -> Result<Vec<T>, Unavailable> {
        let cells = [Cell::Id(tenant.merchant.0), mode(tenant), Cell::Ids(ids)];
        self.all(sql, &cells).await
    }

    /// The first column of all rows that a query finds, in its order.
    pub(super) async fn texts(
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
    pub(super) async fn page<T: DeserializeOwned>(
        &self,
        query: Query,
        page: Page,
    ) -> Result<Vec<T>, Unavailable> {
        let rows = self.rows_of(&query).await?;
        let docs = rows.iter().map(|row| decode::doc(row, 0));
        Ok(page.walk().in_order(docs.collect::<Result<_, _>>()?))
    }

    /// How many rows a list has.
    pub(super) async fn total(&self, query: Query) -> Result<u64, Unavailable> {
        let row = self.rows_of(&query).await?.pop();
        row.map_or(Ok(0), |row| decode::version(&row, 0))
    }

    /// The tenant and id of what is due.
    pub(super) async fn due(
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
pub(super) fn due_of(tenant: Tenant, now: Timestamp, most: usize) -> [Cell; 4] {
    let merchant = Cell::Id(tenant.merchant.0);
    [
        limit(most),
        Cell::Integer(now.as_millis()),
        merchant,
        mode(tenant),
    ]
}

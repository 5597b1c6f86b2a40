//! Asking: what the reads of the [port](super::port) have in common.

use std::sync::Arc;

use paydesk_core::session::Session;
use paydesk_core::store::{CommitError, Unavailable};
use paydesk_core::tenant::Tenant;
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::Transaction;
use rusqlite::{Connection, OptionalExtension as _, Params, params};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::lists::limit;
use super::rows::Prepared;
use super::{SqliteStore, decode};
use crate::columns::mode_number;

impl SqliteStore {
    /// The one record that the query finds, of a table that only servers write.
    pub(super) fn one<T: DeserializeOwned>(
        &self,
        sql: &str,
        params: impl Params,
    ) -> Result<Option<T>, Unavailable> {
        self.readers.read_own(|db| one(db, sql, params))
    }

    /// All records that the query finds, in its order, of a table that only servers write.
    pub(super) fn all<T: DeserializeOwned>(
        &self,
        sql: &str,
        params: impl Params,
    ) -> Result<Vec<T>, Unavailable> {
        self.readers.read_own(|db| all(db, sql, params))
    }

    /// All records that the query finds for each of these ids, each id once.
    pub(super) fn of_many<T: DeserializeOwned>(
        &self,
        sql: &str,
        tenant: Tenant,
        mut ids: Vec<Uuid>,
    ) -> Result<Vec<T>, Unavailable> {
        let (merchant, mode) = of(&tenant);
        ids.sort_unstable();
        ids.dedup();
        self.readers.read_own(|db| {
            let mut query = db.prepare_cached(sql)?;
            let mut found = Vec::new();
            for id in ids {
                let key = params![merchant, mode, id.as_bytes()];
                for record in query.query_map(key, |row| decode::doc(row, 0))? {
                    found.push(record?);
                }
            }
            Ok(found)
        })
    }

    /// The first column of all rows that the query finds, in its order.
    pub(super) fn texts(
        &self,
        sql: &str,
        params: impl Params,
    ) -> Result<Vec<Arc<str>>, Unavailable> {
        self.readers.read(|db| {
            let mut query = db.prepare_cached(sql)?;
            query.query_map(params, |row| row.get(0))?.collect()
        })
    }

    /// Writes what depends on nothing.
    pub(super) async fn write(&self, change: Prepared) -> Result<(), Unavailable> {
        match self.writer.commit(change).await {
            Ok(()) => Ok(()),
            Err(CommitError::Unavailable(unavailable)) => Err(unavailable),
            // Not reachable, as it depends on nothing.
            Err(CommitError::Conflict(conflict)) => Err(Unavailable::because(conflict)),
        }
    }

    /// The tenant and id of what is due.
    pub(super) fn due(
        &self,
        sql: &str,
        now: Timestamp,
        most: usize,
    ) -> Result<Vec<(Tenant, Uuid)>, Unavailable> {
        self.readers.read_own(|db| {
            let mut query = db.prepare_cached(sql)?;
            let rows = query.query_map(params![now.as_millis(), limit(most)], |row| {
                Ok((decode::tenant(row, 0)?, decode::id(row, 2)?))
            })?;
            rows.collect()
        })
    }
}

/// The one record that the query finds.
pub(super) fn one<T: DeserializeOwned>(
    db: &Connection,
    sql: &str,
    params: impl Params,
) -> rusqlite::Result<Option<T>> {
    let mut query = db.prepare_cached(sql)?;
    query
        .query_row(params, |row| decode::doc(row, 0))
        .optional()
}

/// All records that the query finds, in its order.
pub(super) fn all<T: DeserializeOwned>(
    db: &Connection,
    sql: &str,
    params: impl Params,
) -> rusqlite::Result<Vec<T>> {
    let mut query = db.prepare_cached(sql)?;
    let rows = query.query_map(params, |row| decode::doc(row, 0))?;
    rows.collect()
}

/// The session that the query finds, and its transactions.
pub(super) fn with_transactions(
    db: &Connection,
    sql: &str,
    params: impl Params,
) -> rusqlite::Result<Option<(Session, Vec<Transaction>)>> {
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query(params)?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let session = decode::doc(row, 0)?;
    let mut transactions: Vec<_> = decode::optional_doc(row, 1)?.into_iter().collect();
    while let Some(row) = rows.next()? {
        transactions.push(decode::doc(row, 1)?);
    }
    Ok(Some((session, transactions)))
}

/// A tenant as the two first parameters of nearly every query.
pub(super) fn of(tenant: &Tenant) -> (&[u8; 16], i64) {
    (tenant.merchant.0.as_bytes(), mode_number(tenant.mode))
}

//! Rows as records.

use paydesk_core::store::{IdempotencyKey, IdempotencyRecord, StoredAnswer};
use paydesk_core::tenant::Tenant;
use paydesk_core::time::Timestamp;
use rusqlite::Row;
use rusqlite::types::{FromSqlError, FromSqlResult, Type, ValueRef};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::rows::Cell;
use crate::columns::mode_of;

/// Reads JSON.
fn json<T: DeserializeOwned>(column: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
    })
}

/// A record from its document.
pub(super) fn doc<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    json(column, row.get_ref(column)?.as_str()?)
}

/// A record from its document, if there is one.
pub(super) fn optional_doc<T: DeserializeOwned>(
    row: &Row<'_>,
    column: usize,
) -> rusqlite::Result<Option<T>> {
    let text = row.get_ref(column)?.as_str_or_null()?;
    text.map(|text| json(column, text)).transpose()
}

/// An id.
pub(super) fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    let bytes = blob(row.get_ref(column)?)?;
    Ok(Uuid::from_bytes(bytes))
}

/// A value of an index, as it was written.
pub(super) fn cell(row: &Row<'_>, column: usize) -> rusqlite::Result<Cell> {
    Ok(match row.get_ref(column)? {
        ValueRef::Integer(n) => Cell::Integer(n),
        text @ ValueRef::Text(_) => Cell::Text(text.as_str()?.to_owned()),
        blob @ ValueRef::Blob(_) => Cell::Id(Uuid::from_bytes(self::blob(blob)?)),
        ValueRef::Null | ValueRef::Real(_) => Cell::Null,
    })
}

/// Bytes of a fixed length.
pub(super) fn blob<const N: usize>(value: ValueRef<'_>) -> FromSqlResult<[u8; N]> {
    let bytes = value.as_blob()?;
    bytes.try_into().map_err(|_| FromSqlError::InvalidBlobSize {
        expected_size: N,
        blob_size: bytes.len(),
    })
}

/// A tenant from two columns, the first of them this one.
pub(super) fn tenant(row: &Row<'_>, column: usize) -> rusqlite::Result<Tenant> {
    let mode = row.get(column + 1)?;
    Ok(Tenant {
        merchant: paydesk_core::id::MerchantId(id(row, column)?),
        mode: mode_of(mode).ok_or(rusqlite::Error::IntegralValueOutOfRange(column + 1, mode))?,
    })
}

/// A time, if there is one.
pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    let at: Option<i64> = row.get(column)?;
    Ok(at.map(Timestamp::from_millis))
}

/// What is known of an idempotent request: body hash, time, answer.
pub(super) fn idempotency(
    row: &Row<'_>,
    key: &IdempotencyKey,
) -> rusqlite::Result<IdempotencyRecord> {
    Ok(IdempotencyRecord {
        key: key.clone(),
        body_hash: blob(row.get_ref(0)?)?,
        created_at: Timestamp::from_millis(row.get(1)?),
        answer: optional_doc(row, 2)?.unwrap_or(StoredAnswer::Running),
    })
}

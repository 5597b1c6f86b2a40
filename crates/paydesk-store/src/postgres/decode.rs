//! Rows as records.

use paydesk_core::id::MerchantId;
use paydesk_core::store::{IdempotencyKey, IdempotencyRecord, StoredAnswer, Unavailable};
use paydesk_core::tenant::Tenant;
use paydesk_core::time::Timestamp;
use serde::de::DeserializeOwned;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;
use uuid::Uuid;

use crate::columns::mode_of;

/// A column.
pub(super) fn get<'r, T: FromSql<'r>>(row: &'r Row, column: usize) -> Result<T, Unavailable> {
    row.try_get(column).map_err(Unavailable::because)
}

/// A record from its document.
pub(super) fn doc<T: DeserializeOwned>(row: &Row, column: usize) -> Result<T, Unavailable> {
    json(get(row, column)?)
}

/// A record from its document, if there is one.
pub(super) fn optional_doc<T: DeserializeOwned>(
    row: &Row,
    column: usize,
) -> Result<Option<T>, Unavailable> {
    get::<Option<&str>>(row, column)?.map(json).transpose()
}

fn json<T: DeserializeOwned>(text: &str) -> Result<T, Unavailable> {
    serde_json::from_str(text).map_err(Unavailable::because)
}

/// Bytes of a fixed length.
pub(super) fn bytes<const N: usize>(row: &Row, column: usize) -> Result<[u8; N], Unavailable> {
    let bytes: &[u8] = get(row, column)?;
    bytes.try_into().map_err(Unavailable::because)
}

/// A tenant and an id, from the first three columns.
pub(super) fn tenant_and_id(row: &Row) -> Result<(Tenant, Uuid), Unavailable> {
    let mode: i16 = get(row, 1)?;
    let mode = mode_of(mode.into());
    let tenant = Tenant {
        merchant: MerchantId(get(row, 0)?),
        mode: mode.ok_or_else(|| Unavailable::because("a row is of no mode"))?,
    };
    Ok((tenant, get(row, 2)?))
}

/// A number that is never negative: a version, a count.
pub(super) fn version(row: &Row, column: usize) -> Result<u64, Unavailable> {
    get::<i64>(row, column).map(i64::unsigned_abs)
}

/// A time, if there is one.
pub(super) fn time(row: &Row, column: usize) -> Result<Option<Timestamp>, Unavailable> {
    let at: Option<i64> = get(row, column)?;
    Ok(at.map(Timestamp::from_millis))
}

/// What is known of an idempotent request: body hash, time, answer.
pub(super) fn idempotency(
    row: &Row,
    key: &IdempotencyKey,
) -> Result<IdempotencyRecord, Unavailable> {
    Ok(IdempotencyRecord {
        key: key.clone(),
        body_hash: bytes(row, 0)?,
        created_at: Timestamp::from_millis(get(row, 1)?),
        answer: optional_doc(row, 2)?.unwrap_or(StoredAnswer::Running),
    })
}

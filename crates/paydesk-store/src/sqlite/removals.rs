//! Taking out what may go: whether it is as it was read and needed by nothing, and then the rows of it and of what belongs
//! to it alone.

use paydesk_core::store::{ClaimKey, Removal};
use paydesk_core::tenant::Tenant;
use rusqlite::types::ToSql;
use rusqlite::{Connection, params};

use crate::columns::{claim_name, mode_number};

/// Whether it may go. Nothing is written.
pub(super) fn may_go(db: &Connection, tenant: Tenant, removal: Removal) -> rusqlite::Result<bool> {
    let merchant = tenant.merchant.0.as_bytes();
    let mode = mode_number(tenant.mode);
    let exists = |sql, params: &[&dyn ToSql]| db.prepare_cached(sql)?.exists(params);
    match removal {
        Removal::Session { id, version } => exists(
            FREE_SESSION,
            params![merchant, mode, id.0.as_bytes(), stored(version)],
        ),
        Removal::Charge { id, version } => exists(
            FREE_CHARGE,
            params![merchant, mode, id.0.as_bytes(), stored(version)],
        ),
        Removal::PaymentMethod { id, version } => exists(
            FREE_PAYMENT_METHOD,
            params![merchant, mode, id.0.as_bytes(), stored(version)],
        ),
        Removal::Event(id) => exists(FREE_EVENT, params![merchant, mode, id.0.as_bytes()]),
    }
}

/// Takes it out.
pub(super) fn remove(db: &Connection, tenant: Tenant, removal: Removal) -> rusqlite::Result<()> {
    let merchant = tenant.merchant.0.as_bytes();
    let mode = mode_number(tenant.mode);
    let (statements, id): (&[&str], _) = match removal {
        Removal::Session { id, .. } => (&[TRANSACTIONS_OF_SESSION, SESSION], id.0),
        Removal::Charge { id, .. } => (&[OPERATIONS, TRANSACTION], id.0),
        Removal::PaymentMethod { id, .. } => (&[PAYMENT_METHOD], id.0),
        Removal::Event(id) => (&[DELIVERIES_OF_EVENT, EVENT], id.0),
    };
    for sql in statements {
        db.prepare_cached(sql)?
            .execute(params![merchant, mode, id.as_bytes()])?;
    }
    if let Removal::Session { id, .. } = removal {
        let (kind, name) = claim_name(&ClaimKey::LivePayment(id));
        db.prepare_cached(CLAIM)?
            .execute(params![merchant, mode, kind, name])?;
    }
    Ok(())
}

/// A version as it is stored. One that is too large for that is nowhere.
fn stored(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(-1)
}

// Its first event is not in the index of events by session: its own row names that.
pub(super) const FREE_SESSION: &str = "SELECT 1 FROM sessions AS it
    WHERE merchant = ?1 AND mode = ?2 AND id = ?3 AND version = ?4
        AND NOT EXISTS (SELECT 1 FROM events WHERE merchant = ?1 AND mode = ?2 AND session = ?3)
        AND NOT EXISTS (SELECT 1 FROM events WHERE merchant = ?1 AND mode = ?2 AND id = it.first_event)";
pub(super) const FREE_CHARGE: &str = "SELECT 1 FROM transactions
    WHERE merchant = ?1 AND mode = ?2 AND id = ?3 AND version = ?4 AND session IS NULL";
pub(super) const FREE_PAYMENT_METHOD: &str = "SELECT 1 FROM payment_methods
    WHERE merchant = ?1 AND mode = ?2 AND id = ?3 AND version = ?4 AND NOT EXISTS
        (SELECT 1 FROM transactions WHERE merchant = ?1 AND mode = ?2 AND payment_method = ?3)";
// 0: a delivery that waits for its time, or is with a worker. An event has few; of those that wait there may be many.
pub(super) const FREE_EVENT: &str = "SELECT 1 FROM events
    WHERE merchant = ?1 AND mode = ?2 AND id = ?3 AND undispatched IS NULL AND NOT EXISTS
        (SELECT 1 FROM deliveries INDEXED BY deliveries_by_event
            WHERE merchant = ?1 AND mode = ?2 AND event = ?3 AND state = 0)";

// A trigger of the table takes its words out of their index.
pub(super) const SESSION: &str =
    "DELETE FROM sessions WHERE merchant = ?1 AND mode = ?2 AND id = ?3";
pub(super) const TRANSACTIONS_OF_SESSION: &str =
    "DELETE FROM transactions WHERE merchant = ?1 AND mode = ?2 AND session = ?3";
pub(super) const TRANSACTION: &str =
    "DELETE FROM transactions WHERE merchant = ?1 AND mode = ?2 AND id = ?3";
pub(super) const OPERATIONS: &str =
    "DELETE FROM transactions WHERE merchant = ?1 AND mode = ?2 AND parent = ?3";
pub(super) const PAYMENT_METHOD: &str =
    "DELETE FROM payment_methods WHERE merchant = ?1 AND mode = ?2 AND id = ?3";
pub(super) const EVENT: &str = "DELETE FROM events WHERE merchant = ?1 AND mode = ?2 AND id = ?3";
pub(super) const DELIVERIES_OF_EVENT: &str =
    "DELETE FROM deliveries WHERE merchant = ?1 AND mode = ?2 AND event = ?3";
const CLAIM: &str =
    "DELETE FROM claims WHERE merchant = ?1 AND mode = ?2 AND kind = ?3 AND name = ?4";

//! Taking out what may go, as statements: the guarded one first, which also keeps everybody else off until the commit.

use paydesk_core::store::{ClaimKey, Removal, Unavailable};
use paydesk_core::tenant::Tenant;

use super::cell::Cell;
use super::steps::{Guard, Step, claim_key, key};
use super::tables::exactly_one;

/// The statements of one removal.
pub(super) fn steps(
    tenant: Tenant,
    removal: Removal,
    guard: Guard,
) -> Result<Vec<Step>, Unavailable> {
    let as_read = |id, version: u64| {
        let version = i64::try_from(version).map_err(Unavailable::because)?;
        let mut cells = key(tenant, id).to_vec();
        cells.push(Cell::Integer(version));
        Ok::<_, Unavailable>(cells)
    };
    let after = |sql, id| Step::new(Guard::None, sql, key(tenant, id).to_vec());
    Ok(match removal {
        Removal::Session { id, version } => vec![
            Step::new(guard, SESSION, as_read(id.0, version)?),
            after(TRANSACTIONS_OF_SESSION, id.0),
            Step::new(
                Guard::None,
                CLAIM,
                claim_key(tenant, &ClaimKey::LivePayment(id)).to_vec(),
            ),
        ],
        Removal::Charge { id, version } => vec![
            Step::new(guard, CHARGE, as_read(id.0, version)?),
            after(OPERATIONS, id.0),
        ],
        Removal::PaymentMethod { id, version } => {
            vec![Step::new(guard, PAYMENT_METHOD, as_read(id.0, version)?)]
        }
        Removal::Event(id) => {
            let of_it = || key(tenant, id.0).to_vec();
            vec![
                // Locked first: whoever would send it once more waits from here on, and then finds it gone.
                Step::new(guard, LOCK_EVENT, of_it()),
                Step::new(Guard::None, DELIVERIES, of_it()),
                Step::new(guard, EVENT, of_it()),
            ]
        }
    })
}

/// The statement that tells whether it is still there, and its key.
pub(super) fn stored(tenant: Tenant, removal: Removal) -> (&'static str, Vec<Cell>) {
    let (sql, id) = match removal {
        Removal::Session { id, .. } => (IS_SESSION, id.0),
        Removal::Charge { id, .. } => (IS_TRANSACTION, id.0),
        Removal::PaymentMethod { id, .. } => (IS_PAYMENT_METHOD, id.0),
        Removal::Event(id) => (IS_EVENT, id.0),
    };
    (sql, key(tenant, id).to_vec())
}

// Its first event is not in the index of events by session: its own row names that.
const SESSION: &str = exactly_one!(
    "DELETE FROM sessions AS it WHERE merchant = $1 AND mode = $2 AND id = $3 AND version = $4
        AND NOT EXISTS (SELECT FROM events WHERE merchant = $1 AND mode = $2 AND session = $3)
        AND NOT EXISTS (SELECT FROM events WHERE merchant = $1 AND mode = $2 AND id = it.first_event)"
);
const CHARGE: &str = exactly_one!(
    "DELETE FROM transactions
     WHERE merchant = $1 AND mode = $2 AND id = $3 AND version = $4 AND session IS NULL"
);
const PAYMENT_METHOD: &str = exactly_one!(
    "DELETE FROM payment_methods WHERE merchant = $1 AND mode = $2 AND id = $3 AND version = $4
        AND NOT EXISTS (SELECT FROM transactions WHERE merchant = $1 AND mode = $2 AND payment_method = $3)"
);
// As `exactly_one` does, but for a lock.
const LOCK_EVENT: &str = "WITH locked AS (SELECT FROM events
        WHERE merchant = $1 AND mode = $2 AND id = $3 AND NOT undispatched FOR UPDATE)
    SELECT ('paydesk: nothing was changed, another was faster; rows ' || count(*)::text)::integer
    FROM locked HAVING count(*) <> 1";
// 0: one that waits for its time, or is with a worker.
const DELIVERIES: &str =
    "DELETE FROM deliveries WHERE merchant = $1 AND mode = $2 AND event = $3 AND state <> 0";
const EVENT: &str = exactly_one!(
    "DELETE FROM events WHERE merchant = $1 AND mode = $2 AND id = $3
        AND NOT EXISTS (SELECT FROM deliveries WHERE merchant = $1 AND mode = $2 AND event = $3)"
);
const TRANSACTIONS_OF_SESSION: &str =
    "DELETE FROM transactions WHERE merchant = $1 AND mode = $2 AND session = $3";
const OPERATIONS: &str =
    "DELETE FROM transactions WHERE merchant = $1 AND mode = $2 AND parent = $3";
const CLAIM: &str =
    "DELETE FROM claims WHERE merchant = $1 AND mode = $2 AND kind = $3 AND name = $4";

const IS_SESSION: &str = "SELECT 1 FROM sessions WHERE merchant = $1 AND mode = $2 AND id = $3";
const IS_TRANSACTION: &str =
    "SELECT 1 FROM transactions WHERE merchant = $1 AND mode = $2 AND id = $3";
const IS_PAYMENT_METHOD: &str =
    "SELECT 1 FROM payment_methods WHERE merchant = $1 AND mode = $2 AND id = $3";
const IS_EVENT: &str = "SELECT 1 FROM events WHERE merchant = $1 AND mode = $2 AND id = $3";

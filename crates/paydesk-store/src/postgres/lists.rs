//! Lists of sessions by state, where time counts, and of transactions by what they are.
//!
//! A session's state at a moment is what is stored and what time has made of it since, so that a late sweeper
//! changes nothing. So a page by state is the first of: those that stand as they are stored, by the index of their
//! state; and those that time has moved, which are what a sweeper is late with, by when they fell due.

use paydesk_core::session::StateName;
use paydesk_core::store::{SessionFilter, TransactionFilter};
use paydesk_core::tenant::Tenant;
use uuid::Uuid;

use super::cell::{Cell, small};
use super::steps::mode;
use crate::sqlite::rows::{action_number, state_number};

/// Which page of a list: the tenant, ids before this one, and how many.
fn page(tenant: Tenant, before: Option<Uuid>, most: usize) -> Vec<Cell> {
    vec![
        Cell::Id(tenant.merchant.0),
        mode(tenant),
        Cell::Id(before.unwrap_or(Uuid::max())),
        limit(most),
    ]
}

/// A limit as the database counts.
pub(super) fn limit(most: usize) -> Cell {
    Cell::Integer(i64::try_from(most).unwrap_or(i64::MAX))
}

/// All sessions before $3.
const SESSIONS: &str = "SELECT id, doc FROM sessions
    WHERE merchant = $1 AND mode = $2 AND id < $3 ORDER BY id DESC LIMIT $4";

/// Whether time has moved a session since it was stored: as `Session::state_at` tells, at $5.
macro_rules! is_moved {
    () => {
        "(state IN (0, 1) AND expires_at <= $5 OR state = 2 AND lapses_at <= $5)"
    };
}

/// Those stored in this state that time has not moved.
macro_rules! stored_as {
    ($state:literal) => {
        concat!(
            "(SELECT id, doc FROM sessions WHERE merchant = $1 AND mode = $2 AND state = ",
            $state,
            " AND id < $3 AND ($6::bigint >> ",
            $state,
            ") & 1 = 1 AND ",
            is_moved!(),
            " IS NOT TRUE ORDER BY id DESC LIMIT $4)"
        )
    };
}

/// Those that time has moved, to expired, or, where a pushed payment ran out before its session, to initiated.
macro_rules! moved {
    () => {
        concat!(
            "(SELECT id, doc FROM sessions
            WHERE bucket = ANY('{0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15}'::smallint[])
                AND due_at <= $5 AND merchant = $1 AND mode = $2 AND id < $3 AND ",
            is_moved!(),
            " AND ($6::bigint >> CASE WHEN expires_at <= $5 THEN 5 ELSE 1 END) & 1 = 1
            ORDER BY id DESC LIMIT $4)"
        )
    };
}

/// Those in one of the states $6, as bits, at $5. A state that is not among them is never looked for: the server
/// sees that its part is empty before it touches a row.
const SESSIONS_BY_STATE: &str = concat!(
    "SELECT id, doc FROM (",
    stored_as!("0"),
    " UNION ALL ",
    stored_as!("1"),
    " UNION ALL ",
    stored_as!("2"),
    " UNION ALL ",
    stored_as!("3"),
    " UNION ALL ",
    stored_as!("4"),
    " UNION ALL ",
    stored_as!("5"),
    " UNION ALL ",
    moved!(),
    ") AS shown ORDER BY id DESC LIMIT $4"
);

/// The query for a page of sessions, and its parameters. The document is the second column.
pub(super) fn sessions(
    tenant: Tenant,
    filter: &SessionFilter,
    before: Option<Uuid>,
    most: usize,
) -> (&'static str, Vec<Cell>) {
    let mut cells = page(tenant, before, most);
    if filter.states.is_empty() {
        return (SESSIONS, cells);
    }
    let bit = |state: &StateName| 1_i64 << state_number(*state);
    let states = filter.states.iter().map(bit).fold(0, |set, bit| set | bit);
    cells.extend([Cell::Integer(filter.now.as_millis()), Cell::Integer(states)]);
    (SESSIONS_BY_STATE, cells)
}

/// All transactions before $3.
const TRANSACTIONS: &str = "SELECT doc FROM transactions
    WHERE merchant = $1 AND mode = $2 AND id < $3 ORDER BY id DESC LIMIT $4";
/// Those that do $5.
const TRANSACTIONS_BY_ACTION: &str = "SELECT doc FROM transactions
    WHERE merchant = $1 AND mode = $2 AND action = $5 AND id < $3 ORDER BY id DESC LIMIT $4";
/// Those of session $6, and if it is given, those that do $5. A session has few: they are sorted after they are found.
const TRANSACTIONS_BY_SESSION: &str = "SELECT doc FROM (SELECT id, doc FROM transactions
        WHERE merchant = $1 AND mode = $2 AND session = $6 AND id < $3
            AND ($5::smallint IS NULL OR action = $5) OFFSET 0) AS of_it
    ORDER BY id DESC LIMIT $4";
/// Those with parent $7, and if they are given, of session $6 and that do $5. A transaction has few.
const TRANSACTIONS_BY_PARENT: &str = "SELECT doc FROM (SELECT id, doc FROM transactions
        WHERE merchant = $1 AND mode = $2 AND parent = $7 AND id < $3
            AND ($5::smallint IS NULL OR action = $5) AND ($6::uuid IS NULL OR session = $6)
        OFFSET 0) AS of_it
    ORDER BY id DESC LIMIT $4";

/// The query for a page of transactions, and its parameters. The document is the first column.
pub(super) fn transactions(
    tenant: Tenant,
    filter: &TransactionFilter,
    before: Option<Uuid>,
    most: usize,
) -> (&'static str, Vec<Cell>) {
    let mut cells = page(tenant, before, most);
    let action = filter
        .action
        .map_or(Cell::Null, |it| small(action_number(it)));
    let session = Cell::from(filter.session.map(|id| id.0));
    let sql = match (filter.parent, filter.session, filter.action) {
        (Some(parent), ..) => {
            cells.extend([action, session, Cell::Id(parent.0)]);
            TRANSACTIONS_BY_PARENT
        }
        (None, Some(_), _) => {
            cells.extend([action, session]);
            TRANSACTIONS_BY_SESSION
        }
        (None, None, Some(_)) => {
            cells.push(action);
            TRANSACTIONS_BY_ACTION
        }
        (None, None, None) => TRANSACTIONS,
    };
    (sql, cells)
}

//! How SQLite goes about each read: by its index, and without sorting.

use rusqlite::Connection;

use super::super::tables::{self, Table};
use super::super::{apply, queries, removals, schema};
use super::*;

fn database() -> (TempDir, Connection) {
    let directory = tempfile::tempdir().unwrap();
    let db = schema::open_writer(&directory.path().join("paydesk.db")).unwrap();
    (directory, db)
}

/// The steps of a statement's plan.
fn plan(db: &Connection, sql: &str) -> Vec<String> {
    let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let steps = plan.raw_query().mapped(|row| row.get("detail"));
    steps.map(Result::unwrap).collect()
}

#[test]
fn every_read_goes_by_its_index_and_sorts_nothing() {
    let (_directory, db) = database();
    let by_key = "PRIMARY KEY";
    let by_place = "INTEGER PRIMARY KEY (rowid=?)";
    for (sql, indexes) in [
        (queries::MERCHANT, &[by_key][..]),
        (queries::API_KEY, &[by_key]),
        (queries::PROVIDER_ACCOUNTS, &[by_key]),
        (queries::SESSION_IN_PLACE, &[by_place]),
        (queries::SESSION, &["sessions_by_id"]),
        (
            queries::SESSION_IN_PLACE_WITH_TRANSACTIONS,
            &[by_place, "transactions_by_session"],
        ),
        (
            queries::SESSION_WITH_TRANSACTIONS,
            &["sessions_by_id", "transactions_by_session"],
        ),
        (queries::SESSIONS, &["sessions_by_id"]),
        (queries::SESSIONS_OF_REFERENCE, &["sessions_by_reference"]),
        (queries::SESSIONS_DUE_UNTIL, &["sessions_due"]),
        (queries::PULSE, &["sessions_by_id"]),
        (queries::TRANSACTION, &["transactions_by_id"]),
        (
            queries::TRANSACTIONS_OF_SESSION,
            &["transactions_by_session"],
        ),
        (queries::CHILDREN, &["transactions_by_parent"]),
        (queries::SESSION_AND_ROW, &["sessions_by_id"]),
        (queries::ROW_UP_TO, &["sessions_by_id"]),
        (queries::SESSION_AT, &["INTEGER PRIMARY KEY (rowid=?)"]),
        (queries::TRANSACTION_AND_ROW, &["transactions_by_id"]),
        (
            queries::TRANSACTIONS_AND_ROWS_OF_SESSION,
            &["transactions_by_session"],
        ),
        (queries::PAYMENT_METHOD, &["payment_methods_by_id"]),
        (queries::ENTRY, &["entries_by_id"]),
        (queries::ENTRIES, &["entries_by_id"]),
        (queries::ENTRIES_OF_LIST, &["entries_by_list"]),
        (queries::COUNT_ENTRIES, &["entries_by_id"]),
        (queries::COUNT_ENTRIES_OF_LIST, &["entries_by_list"]),
        (queries::CLAIM, &[by_key]),
        (queries::IDEMPOTENCY, &["idempotency_by_key"]),
        (queries::COUNT, &[by_key]),
        (queries::EVENT, &["events_by_id"]),
        (
            queries::EVENTS,
            &["events_by_id", "sessions_by_id", "events_by_session"],
        ),
        (queries::DELIVERY, &["deliveries_by_id"]),
        (queries::DELIVERIES, &["deliveries_by_event"]),
        (queries::DUE_SESSIONS, &["sessions_due"]),
        (queries::DUE_TRANSACTIONS, &["transactions_due"]),
        (queries::DUE_DELIVERIES, &["deliveries_due"]),
        (queries::TEST_CLOCKS, &["entries_test_clocks"]),
        (queries::UNDISPATCHED, &["events_undispatched"]),
        (queries::OLD_REQUESTS, &["idempotency_by_age"]),
        (
            removals::FREE_SESSION,
            &["sessions_by_id", "events_by_session", "events_by_id"],
        ),
        (removals::FREE_CHARGE, &["transactions_by_id"]),
        (
            removals::FREE_PAYMENT_METHOD,
            &["payment_methods_by_id", "transactions_by_card"],
        ),
        (
            removals::FREE_EVENT,
            &["events_by_id", "deliveries_by_event"],
        ),
        (removals::SESSION, &["sessions_by_id"]),
        (
            removals::TRANSACTIONS_OF_SESSION,
            &["transactions_by_session"],
        ),
        (removals::TRANSACTION, &["transactions_by_id"]),
        (removals::OPERATIONS, &["transactions_by_parent"]),
        (removals::PAYMENT_METHOD, &["payment_methods_by_id"]),
        (removals::EVENT, &["events_by_id"]),
        (removals::DELIVERIES_OF_EVENT, &["deliveries_by_event"]),
    ] {
        let steps = plan(&db, sql);
        let found: Vec<_> = steps.iter().filter(|step| step.contains("USING")).collect();
        assert_eq!(found.len(), indexes.len(), "{sql}\n{steps:#?}");
        for (step, index) in found.iter().zip(indexes) {
            let by_index = step.starts_with("SEARCH") && step.contains(index);
            assert!(by_index, "{sql}\n{steps:#?}");
        }
        let is_costly = |step: &String| step.contains("SCAN") || step.contains("TEMP B-TREE");
        assert!(!steps.iter().any(is_costly), "{sql}\n{steps:#?}");
    }
}

#[test]
fn whether_anybody_hears_of_an_event_is_one_look_into_a_small_index() {
    let (_directory, db) = database();
    let steps = plan(&db, apply::APPEND_EVENT);
    let looks: Vec<_> = steps
        .iter()
        .filter(|step| step.contains("entries"))
        .collect();
    assert_eq!(looks.len(), 1, "{steps:#?}");
    let by_list = "entries_by_list (merchant=? AND mode=? AND kind=? AND list=?)";
    assert!(
        looks[0].starts_with("SEARCH") && looks[0].contains(by_list),
        "{steps:#?}"
    );
}

#[test]
fn every_write_finds_its_row_by_key() {
    let (_directory, db) = database();
    let all: [&Table; 9] = [
        &tables::MERCHANTS,
        &tables::API_KEYS,
        &tables::PROVIDER_ACCOUNTS,
        &tables::SESSIONS,
        &tables::TRANSACTIONS,
        &tables::PAYMENT_METHODS,
        &tables::DELIVERIES,
        &tables::ENTRIES,
        &tables::ENTRY_REMOVALS,
    ];
    for table in all {
        for sql in [table.version, table.update] {
            let steps = plan(&db, sql);
            assert_eq!(steps.len(), 1, "{sql}\n{steps:#?}");
            assert!(steps[0].starts_with("SEARCH"), "{sql}\n{steps:#?}");
        }
    }
}

#[tokio::test]
async fn opening_a_session_touches_only_the_trees_that_it_must() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("paydesk.db");
    let store = SqliteStore::open(&path).unwrap();
    let samples = Samples::new(1);
    let session = samples.session(samples.tenant());
    store.commit(opening(&samples, &session)).await.unwrap();
    let db = Connection::open(&path).unwrap();
    let entries = |sql: &str| -> i64 { db.query_row(sql, [], |row| row.get(0)).unwrap() };
    for (entry, sql) in [
        (1, "SELECT count(*) FROM sessions"),
        (
            1,
            "SELECT count(*) FROM sessions INDEXED BY sessions_due WHERE due_at IS NOT NULL",
        ),
        (
            0,
            "SELECT count(*) FROM sessions INDEXED BY sessions_by_reference WHERE reference IS NOT NULL",
        ),
        (
            0,
            "SELECT count(*) FROM sessions INDEXED BY sessions_by_customer WHERE customer IS NOT NULL",
        ),
        (
            0,
            "SELECT count(*) FROM sessions INDEXED BY sessions_by_card WHERE payment_method IS NOT NULL",
        ),
        (1, "SELECT count(*) FROM events"),
        (
            0,
            "SELECT count(*) FROM events INDEXED BY events_by_session WHERE session IS NOT NULL",
        ),
        (
            0,
            "SELECT count(*) FROM events INDEXED BY events_undispatched WHERE undispatched IS NOT NULL",
        ),
    ] {
        assert_eq!(entries(sql), entry, "{sql}");
    }
}

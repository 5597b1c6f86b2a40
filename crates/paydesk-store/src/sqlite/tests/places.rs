//! Where sessions lie: in the place that their id names, or anywhere if another is there.

use paydesk_core::id::SessionId;
use rusqlite::Connection;
use uuid::Uuid;

use super::super::rows::place;
use super::*;

/// The same id but for its last byte, which its place does not depend on.
fn neighbour(id: SessionId, last: u8) -> SessionId {
    let mut bytes = id.0.into_bytes();
    bytes[15] = last;
    SessionId(Uuid::from_bytes(bytes))
}

#[test]
fn a_place_is_made_of_time_and_randomness() {
    let id = |text: &str| SessionId(text.parse().unwrap());
    let first = id("018bcfe5-6800-7000-8000-000000000000");
    assert_eq!(place(first), 1_700_000_000_000 << 21);
    let random = id("018bcfe5-6800-7001-8020-000000000000");
    assert_eq!(place(random) - place(first), 1 << 9 | 1);
    let last_of_it = id("018bcfe5-6800-7fff-bfff-ffffffffffff");
    let next = id("018bcfe5-6801-7000-8000-000000000000");
    assert_eq!(place(last_of_it) + 1, place(next));
    // Beyond what 42 bits hold it is some place, too.
    let far = id("ffffffff-ffff-7fff-bfff-ffffffffffff");
    assert_eq!(place(far), i64::MAX);
}

#[tokio::test]
async fn sessions_that_want_the_same_place_are_all_stored_found_and_changed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("paydesk.db");
    let store = SqliteStore::open(&path).unwrap();
    let samples = Samples::new(1);
    let tenants = [samples.tenant(), samples.tenant()];
    let first = samples.session(tenants[0]);
    let mut all = Vec::new();
    for (last, tenant) in [(1, tenants[0]), (2, tenants[0]), (3, tenants[1])] {
        let session = Session {
            id: neighbour(first.id, last),
            tenant,
            ..first.clone()
        };
        assert_eq!(place(session.id), place(first.id));
        store.commit(opening(&samples, &session)).await.unwrap();
        all.push(session);
    }
    // The same id again is still refused, wherever the first of it lies.
    for session in &all {
        let again = store.commit(opening(&samples, session)).await.unwrap_err();
        assert!(again.to_string().contains("has changed"), "{again}");
    }
    for session in &mut all {
        let payment = samples.transaction(session);
        session.version = 2;
        let change = Change {
            puts: vec![
                Record::Session(session.clone()),
                Record::Transaction(payment.clone()),
            ],
            ..Change::new(session.tenant)
        };
        store.commit(change).await.unwrap();
        let (tenant, id) = (session.tenant, session.id);
        let found = store.session(tenant, id).await.unwrap();
        assert_eq!(found.as_ref(), Some(&*session));
        let found = store.session_with_transactions(tenant, id).await.unwrap();
        assert_eq!(found, Some((session.clone(), vec![payment])));
    }
    let db = Connection::open(&path).unwrap();
    let in_place = "SELECT count(*) FROM sessions WHERE place = ?1";
    let count: i64 = db
        .query_row(in_place, [place(first.id)], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 1);
}

#[tokio::test]
async fn another_session_in_the_place_is_not_taken_for_the_one_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&directory.path().join("paydesk.db")).unwrap();
    let samples = Samples::new(1);
    let session = samples.session(samples.tenant());
    store.commit(opening(&samples, &session)).await.unwrap();
    let unknown = neighbour(session.id, 0);
    let stranger = samples.tenant();
    for (tenant, id) in [(session.tenant, unknown), (stranger, session.id)] {
        assert_eq!(store.session(tenant, id).await.unwrap(), None);
        let found = store.session_with_transactions(tenant, id).await.unwrap();
        assert_eq!(found, None);
    }
}

//! The index of words: that it comes after, catches up, and forgets what is deleted.

use std::path::Path;
use std::time::Duration;

use paydesk_core::list::{Page, SessionFilter};
use paydesk_core::search::Search;
use paydesk_core::store_suite::samples::Chance;
use paydesk_core::store_suite::search::assert_found;
use paydesk_core::tenant::Tenant;
use rusqlite::Connection;

use super::*;

/// How many groups are noted and not indexed.
fn noted(path: &Path) -> i64 {
    let db = Connection::open(path).unwrap();
    db.busy_timeout(Duration::from_secs(5)).unwrap();
    let noted = "SELECT count(*) FROM words_waiting";
    db.query_row(noted, [], |row| row.get(0)).unwrap()
}

/// Waits until everything is indexed.
async fn caught_up(path: &Path) {
    for _ in 0..2_000 {
        if noted(path) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the index stays behind: {}", noted(path));
}

async fn fill(
    store: &SqliteStore,
    samples: &Samples,
    tenant: Tenant,
    count: usize,
) -> Vec<Session> {
    let mut all = Vec::new();
    for _ in 0..count {
        let session = samples.session(tenant);
        store.commit(opening(samples, &session)).await.unwrap();
        all.push(session);
    }
    all
}

fn looked_for(text: &str, session: &Session) -> SessionFilter {
    SessionFilter {
        search: Search::parse(text).unwrap(),
        ..SessionFilter::at(session.created_at)
    }
}

/// How many documents of the index have a word.
fn indexed(path: &Path, word: &str) -> i64 {
    let db = Connection::open(path).unwrap();
    let question = "SELECT count(*) FROM words WHERE words MATCH ?1";
    db.query_row(question, [format!("\"1·{word}\"")], |row| row.get(0))
        .unwrap()
}

#[tokio::test]
async fn what_is_behind_the_index_is_found_and_then_indexed_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("paydesk.db");
    let store = SqliteStore::open(&path).unwrap();
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let all = fill(&store, &samples, tenant, 3).await;
    let beans = looked_for("beans grind", &all[0]);
    assert_eq!(store.count_sessions(tenant, &beans).await.unwrap(), 3);
    caught_up(&path).await;
    assert_eq!(indexed(&path, "grinder"), 3);
    assert_eq!(store.count_sessions(tenant, &beans).await.unwrap(), 3);
    // Nothing changed about it is indexed again.
    let mut changed = all[0].clone();
    changed.version = 2;
    let put = Record::Session(changed.clone());
    let change = Change {
        puts: vec![put],
        ..Change::new(tenant)
    };
    store.commit(change).await.unwrap();
    let found = store
        .sessions(tenant, &beans, Page::first(9))
        .await
        .unwrap();
    assert_eq!(found.last(), Some(&changed));
}

#[tokio::test]
async fn an_index_that_was_left_behind_catches_up_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("paydesk.db");
    let (samples, chance) = (Samples::new(1), Chance::new(1));
    let tenant = samples.tenant();
    let store = SqliteStore::open(&path).unwrap();
    let all = fill(&store, &samples, tenant, 1_300).await;
    store.close().await;
    drop(store);
    // As if the process had died before any of it was indexed.
    let db = Connection::open(&path).unwrap();
    db.execute_batch("INSERT INTO words (words) VALUES ('delete-all'); DELETE FROM words_waiting;")
        .unwrap();
    let mut all_places = db
        .prepare("SELECT place FROM sessions ORDER BY random()")
        .unwrap();
    let places = all_places
        .query_map([], |row| row.get::<_, i64>(0))
        .unwrap();
    for place in places {
        let note = place.unwrap().to_be_bytes();
        db.execute("INSERT INTO words_waiting (places) VALUES (?1)", [note])
            .unwrap();
    }
    drop(all_places);
    drop(db);
    let store = SqliteStore::open(&path).unwrap();
    let beans = looked_for("beans", &all[0]);
    assert_eq!(store.count_sessions(tenant, &beans).await.unwrap(), 1_300);
    // More come meanwhile.
    let more = fill(&store, &samples, tenant, 20).await;
    caught_up(&path).await;
    assert_eq!(indexed(&path, "beans"), 1_320);
    let all: Vec<_> = all.into_iter().chain(more).collect();
    assert_found(&store, &chance, tenant, &all).await;
}

#[tokio::test]
async fn what_two_processes_write_in_turn_is_all_indexed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("paydesk.db");
    let stores = [(); 2].map(|()| SqliteStore::open(&path).unwrap());
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let mut all = Vec::new();
    for _ in 0..30 {
        for store in &stores {
            all.extend(fill(store, &samples, tenant, 1).await);
        }
    }
    caught_up(&path).await;
    assert_eq!(indexed(&path, "beans"), 60);
    let beans = looked_for("beans", &all[0]);
    for store in &stores {
        assert_eq!(store.count_sessions(tenant, &beans).await.unwrap(), 60);
    }
}

#[tokio::test]
async fn a_deleted_session_takes_its_words_with_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("paydesk.db");
    let store = SqliteStore::open(&path).unwrap();
    let samples = Samples::new(1);
    let (tenant, other) = (samples.tenant(), samples.tenant());
    let all = fill(&store, &samples, tenant, 4).await;
    caught_up(&path).await;
    let db = Connection::open(&path).unwrap();
    for session in &all[2..] {
        let deleted = db.execute(
            "DELETE FROM sessions WHERE id = ?1",
            [session.id.0.as_bytes()],
        );
        assert_eq!(deleted.unwrap(), 1);
    }
    drop(db);
    let beans = looked_for("beans", &all[0]);
    assert_eq!(store.count_sessions(tenant, &beans).await.unwrap(), 2);
    fill(&store, &samples, other, 1).await;
    for _ in 0..2 {
        assert_eq!(store.count_sessions(tenant, &beans).await.unwrap(), 2);
        assert_eq!(store.count_sessions(other, &beans).await.unwrap(), 1);
        caught_up(&path).await;
    }
}

#[tokio::test]
async fn an_index_that_fails_hinders_no_commit() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("paydesk.db");
    let store = SqliteStore::open(&path).unwrap();
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let db = Connection::open(&path).unwrap();
    db.execute_batch("ALTER TABLE words_tenants RENAME TO lost")
        .unwrap();
    let all = fill(&store, &samples, tenant, 600).await;
    db.execute_batch("ALTER TABLE lost RENAME TO words_tenants")
        .unwrap();
    caught_up(&path).await;
    let beans = looked_for("beans", &all[0]);
    assert_eq!(store.count_sessions(tenant, &beans).await.unwrap(), 600);
    assert_eq!(indexed(&path, "beans"), 600);
}

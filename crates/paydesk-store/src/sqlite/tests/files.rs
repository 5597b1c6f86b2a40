//! The file: what is kept in it, and who may open it.

use std::path::Path;

use paydesk_core::store::{Claim, ClaimKey, Conflict, IdempotencyWrite};
use rusqlite::Connection;

use super::super::{LockError, OpenError, ServerLock, export};
use super::*;

fn database() -> (TempDir, std::path::PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("paydesk.db");
    (directory, path)
}

/// All that is in a table, as text.
fn dump(path: &Path) -> Vec<String> {
    let db = Connection::open(path).unwrap();
    let mut schema = db
        .prepare("SELECT coalesce(sql, name) FROM sqlite_schema ORDER BY name")
        .unwrap();
    let rows = schema.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[tokio::test]
async fn everything_answered_is_there_after_a_restart_that_nobody_prepared() {
    let (_directory, path) = database();
    let samples = Samples::new(1);
    let session = samples.session(samples.tenant());
    let tenant = session.tenant;
    let claim = Claim {
        key: ClaimKey::Reference("order-1".to_owned()),
        owner: session.id.0,
    };
    let running = samples.running("key-1");
    let change = Change {
        claims: vec![claim.clone()],
        idempotency: Some(IdempotencyWrite::Claim(running.clone())),
        ..opening(&samples, &session)
    };
    let store = SqliteStore::open(&path).unwrap();
    store.commit(change.clone()).await.unwrap();
    store.add_key_fingerprints(&[(1, [7; 32])]).await.unwrap();
    drop(store);

    let store = SqliteStore::open(&path).unwrap();
    let there = store.session(tenant, session.id).await.unwrap();
    assert_eq!(there, Some(session.clone()));
    let there = store.events(tenant, session.id).await.unwrap();
    assert_eq!(there, change.events);
    let owner = store.claim(tenant, &claim.key).await.unwrap();
    assert_eq!(owner, Some(claim.owner));
    assert_eq!(store.count(tenant, Counter::Sessions).await.unwrap(), 1);
    assert_eq!(store.key_fingerprints().await.unwrap(), [(1, [7; 32])]);
    let again = store.commit(change).await.unwrap_err();
    let known = Conflict::Idempotency(Box::new(running));
    assert_eq!(again.to_string(), known.to_string());
}

#[tokio::test]
async fn a_database_is_migrated_once_whoever_opens_it_first() {
    let (_directory, path) = database();
    let openers = [(); 4].map(|()| {
        let path = path.clone();
        std::thread::spawn(move || SqliteStore::open(&path).unwrap())
    });
    let stores = openers.map(|opener| opener.join().unwrap());
    let schema = dump(&path);
    // All of them may write, and each sees what the others wrote.
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    for store in &stores {
        let session = samples.session(tenant);
        store.commit(opening(&samples, &session)).await.unwrap();
        for other in &stores {
            assert!(other.session(tenant, session.id).await.unwrap().is_some());
        }
    }
    drop(stores);
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.count(tenant, Counter::Sessions).await.unwrap(), 4);
    assert_eq!(dump(&path), schema);
}

#[test]
fn a_database_of_a_newer_version_is_refused_untouched() {
    let (_directory, path) = database();
    drop(SqliteStore::open(&path).unwrap());
    let db = Connection::open(&path).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    let schema = dump(&path);
    let refused = SqliteStore::open(&path).unwrap_err();
    assert!(
        matches!(refused, OpenError::Newer { found: 99, .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("schema version 99"));
    assert_eq!(dump(&path), schema);
}

#[test]
fn a_database_of_another_program_is_refused_untouched() {
    let (_directory, path) = database();
    let db = Connection::open(&path).unwrap();
    db.execute_batch("CREATE TABLE theirs (it TEXT)").unwrap();
    drop(db);
    let before = std::fs::read(&path).unwrap();
    let refused = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(refused, OpenError::NotOurs { .. }), "{refused}");
    assert_eq!(std::fs::read(&path).unwrap(), before);

    std::fs::write(&path, "A letter, and no database at all.\n".repeat(100)).unwrap();
    let refused = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(refused, OpenError::Database { .. }), "{refused}");
    let missing = path.join("no/such/folder/paydesk.db");
    let refused = SqliteStore::open(&missing).unwrap_err();
    assert!(refused.to_string().contains("no/such/folder"), "{refused}");
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_may_read_the_database() {
    use std::os::unix::fs::PermissionsExt as _;
    let (directory, path) = database();
    let samples = Samples::new(1);
    for _ in 0..2 {
        let store = SqliteStore::open(&path).unwrap();
        let _lock = ServerLock::take(&path).unwrap();
        let session = samples.session(samples.tenant());
        store.commit(opening(&samples, &session)).await.unwrap();
        let mut files = 0;
        for file in std::fs::read_dir(directory.path()).unwrap() {
            let file = file.unwrap();
            let mode = file.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", file.path().display());
            files += 1;
        }
        assert_eq!(files, 4, "database, log, its index, lock");
        store.close().await;
        drop(store);
        // As a restored backup may be.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    }
}

#[tokio::test]
async fn one_server_serves_a_database_and_commands_run_beside_it() {
    let (_directory, path) = database();
    let server = SqliteStore::open(&path).unwrap();
    let lock = ServerLock::take(&path).unwrap();

    let other = SqliteStore::open(&path).unwrap();
    let refused = ServerLock::take(&path).unwrap_err();
    assert!(matches!(refused, LockError::Held { .. }), "{refused}");
    assert!(refused.to_string().contains("paydesk.db.lock"), "{refused}");
    let samples = Samples::new(1);
    let session = samples.session(samples.tenant());
    other.commit(opening(&samples, &session)).await.unwrap();
    let there = server.session(session.tenant, session.id).await.unwrap();
    assert_eq!(there, Some(session));

    server.close().await;
    drop(lock);
    ServerLock::take(&path).unwrap();
}

#[tokio::test]
async fn the_log_stays_short_while_commits_go_on() {
    let (_directory, path) = database();
    let store = SqliteStore::open(&path).unwrap();
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let written = || std::fs::metadata(&path).unwrap().len();
    let log = || {
        std::fs::metadata(path.with_extension("db-wal"))
            .unwrap()
            .len()
    };
    for _ in 0..60 {
        let some = (0..400).map(|_| Record::Session(samples.session(tenant)));
        let change = Change {
            puts: some.collect(),
            ..Change::new(tenant)
        };
        store.commit(change).await.unwrap();
        assert!(log() < 48 << 20, "the log has {} bytes", log());
    }
    // 24 000 sessions are some 30 MB, of which the log may hold a part.
    let copy = async {
        while written() < 8 << 20 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    let patience = std::time::Duration::from_secs(20);
    tokio::time::timeout(patience, copy)
        .await
        .expect("the log is copied into the database");
}

/// What a move makes anew at the other side: the index of words.
const NOT_MOVED: &str = "words";

#[test]
fn a_move_to_another_store_takes_every_table_along() {
    let (_directory, path) = database();
    drop(SqliteStore::open(&path).unwrap());
    let db = Connection::open(&path).unwrap();
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'";
    let mut tables = db.prepare(tables).unwrap();
    let tables = tables.query_map([], |row| row.get(0)).unwrap();
    let mut tables: Vec<String> = tables.map(Result::unwrap).collect();
    tables.retain(|name| !name.starts_with(NOT_MOVED));
    tables.sort_unstable();
    let mut moved: Vec<_> = export::TABLES.iter().map(|table| table.name).collect();
    moved.sort_unstable();
    assert_eq!(tables, moved);
}

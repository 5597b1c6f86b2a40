//! What a server reads through views that it keeps: never less than what was answered, nor at the log's expense.

use std::path::PathBuf;
use std::time::Duration;

use paydesk_core::id::SessionId;
use paydesk_core::tenant::Tenant;
use rusqlite::Connection;

use super::super::writer::Hooks;
use super::*;

struct Scene {
    store: Arc<SqliteStore>,
    samples: Samples,
    tenant: Tenant,
    path: PathBuf,
    _directory: TempDir,
}

impl Scene {
    fn new() -> Self {
        Self::with(Hooks::default())
    }

    fn with(hooks: Hooks) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("paydesk.db");
        let lock = ServerLock::take(&path).unwrap();
        let samples = Samples::new(1);
        Self {
            store: Arc::new(SqliteStore::start(&path, Some(lock), hooks).unwrap()),
            tenant: samples.tenant(),
            samples,
            path,
            _directory: directory,
        }
    }

    /// Commits the opening of a session.
    async fn open(&self) -> Session {
        let session = self.samples.session(self.tenant);
        let change = opening(&self.samples, &session);
        self.store.commit(change).await.unwrap();
        session
    }

    /// The version that is read.
    async fn version(&self, id: SessionId) -> Option<u64> {
        let read = self.store.session(self.tenant, id).await.unwrap();
        read.map(|session| session.version)
    }

    fn log(&self) -> u64 {
        let log = std::fs::metadata(self.path.with_extension("db-wal"));
        log.map_or(0, |log| log.len())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_read_sees_every_commit_that_was_answered_before_it() {
    let scene = Arc::new(Scene::new());
    // Readers keep every connection's view alive all the time.
    let busy = scene.open().await.id;
    let readers = [(); 3].map(|()| {
        let scene = Arc::clone(&scene);
        tokio::spawn(async move {
            loop {
                assert!(scene.version(busy).await.is_some());
                tokio::task::yield_now().await;
            }
        })
    });
    let writers = [(); 4].map(|()| {
        let scene = Arc::clone(&scene);
        tokio::spawn(async move {
            let mut session = scene.open().await;
            for version in 2..200 {
                session.version = version;
                let change = Change {
                    puts: vec![Record::Session(session.clone())],
                    ..Change::new(scene.tenant)
                };
                scene.store.commit(change).await.unwrap();
                // On whatever thread, with whatever connection.
                tokio::task::yield_now().await;
                assert_eq!(scene.version(session.id).await, Some(version));
            }
        })
    });
    for writer in writers {
        writer.await.unwrap();
    }
    for reader in readers {
        reader.abort();
    }
}

/// A commit is seen by SQLite's readers a moment before it has returned. Who reads a session as it is then, and the
/// rest as it was, would decide on what never was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_reads_less_than_what_was_seen_of_a_commit_before_it_returned() {
    let (seen, watch) = std::sync::mpsc::channel();
    let (go_on, going) = std::sync::mpsc::channel();
    let scene = Scene::with(Hooks {
        after_commit: Some(Box::new(move |_| {
            if seen.send(()).is_ok() {
                let _ = going.recv_timeout(Duration::from_secs(20));
            }
        })),
        ..Hooks::default()
    });
    // More threads than connections, so that each connection is somebody's.
    let everybody_reads = |id| {
        std::thread::scope(|scope| {
            let read = || {
                let runtime = tokio::runtime::Builder::new_current_thread().build();
                runtime.unwrap().block_on(scene.version(id))
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(read)).collect();
            let all = threads.into_iter().map(|thread| thread.join().unwrap());
            all.collect::<Vec<_>>()
        })
    };
    let commit = |session: &Session| {
        let change = Change {
            puts: vec![Record::Session(session.clone())],
            ..Change::new(scene.tenant)
        };
        let store = Arc::clone(&scene.store);
        tokio::spawn(async move { store.commit(change).await.unwrap() })
    };
    let mut session = scene.samples.session(scene.tenant);
    for version in 1..30 {
        session.version = version;
        let committing = commit(&session);
        watch.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(everybody_reads(session.id), [Some(version); 8]);
        go_on.send(()).unwrap();
        committing.await.unwrap();
        // All connections have a view now.
        assert_eq!(everybody_reads(session.id), [Some(version); 8]);
    }
}

#[tokio::test]
async fn a_view_is_kept_over_reads_and_given_up_by_the_next_commit() {
    let scene = Scene::new();
    let session = scene.open().await;
    let by_hand = Connection::open(&scene.path).unwrap();
    // A disk takes longer than a view is kept.
    by_hand.pragma_update(None, "synchronous", "OFF").unwrap();
    let delete = || by_hand.execute("DELETE FROM sessions", []).unwrap();
    // Nobody may write behind a server's back: that it is not seen at once is how one sees a view.
    let mut kept = false;
    for n in 0..2_000 {
        if kept && n >= 100 {
            break;
        }
        let session = scene.open().await;
        assert!(scene.version(session.id).await.is_some());
        delete();
        kept |= scene.version(session.id).await.is_some();
        // It is seen after the next commit at the latest.
        scene.open().await;
        assert_eq!(scene.version(session.id).await, None);
    }
    assert!(kept, "no view was ever kept");
    assert_eq!(scene.version(session.id).await, None);
}

#[tokio::test]
async fn a_view_ends_by_itself() {
    let scene = Scene::new();
    let session = scene.open().await;
    assert!(scene.version(session.id).await.is_some());
    let by_hand = Connection::open(&scene.path).unwrap();
    by_hand.execute("DELETE FROM sessions", []).unwrap();
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(scene.version(session.id).await, None);
}

#[tokio::test]
async fn what_a_command_writes_beside_the_server_is_seen_at_once() {
    let scene = Scene::new();
    let command = SqliteStore::open(&scene.path).unwrap();
    let session = scene.open().await;
    for _ in 0..100 {
        // A view is there.
        assert!(scene.version(session.id).await.is_some());
        let merchant = scene.samples.merchant();
        let tenant = Tenant {
            merchant: merchant.id,
            ..scene.tenant
        };
        let key = scene.samples.api_key(tenant);
        let (id, hash) = (merchant.id, key.secret_hash);
        let change = Change {
            puts: vec![Record::Merchant(merchant), Record::ApiKey(key)],
            ..Change::new(tenant)
        };
        command.commit(change).await.unwrap();
        assert!(scene.store.api_key(hash).await.unwrap().is_some());
        assert!(scene.store.merchant(id).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn the_log_stays_short_though_a_reader_has_stopped_reading() {
    let scene = Scene::new();
    let first = scene.open().await;
    // A view is begun, and nobody comes back to end it.
    assert!(scene.version(first.id).await.is_some());
    for _ in 0..80 {
        let some = (0..400).map(|_| Record::Session(scene.samples.session(scene.tenant)));
        let change = Change {
            puts: some.collect(),
            ..Change::new(scene.tenant)
        };
        scene.store.commit(change).await.unwrap();
        assert!(scene.log() < 48 << 20, "the log has {} bytes", scene.log());
    }
}

#[tokio::test]
async fn a_server_that_rests_keeps_no_view() {
    let scene = Scene::new();
    let session = scene.open().await;
    assert!(scene.version(session.id).await.is_some());
    // The log can be started over only when nobody reads from it.
    let by_hand = Connection::open(&scene.path).unwrap();
    by_hand.busy_timeout(Duration::ZERO).unwrap();
    let truncate = || {
        let truncate = "PRAGMA wal_checkpoint(TRUNCATE)";
        by_hand.query_row(truncate, [], |row| row.get::<_, bool>(0))
    };
    let rests = async {
        while truncate().unwrap_or(true) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let patience = Duration::from_secs(20);
    tokio::time::timeout(patience, rests).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_ends_keeps_nobody_from_writing_although_somebody_reads() {
    let scene = Scene::new();
    let reader = Connection::open(&scene.path).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    let count = "SELECT count(*) FROM sessions";
    let count = reader.query_row(count, [], |row| row.get::<_, i64>(0));
    assert_eq!(count, Ok(0));
    let session = scene.open().await;
    // Would a payer's commit come through within the time that a store waits for others?
    let payer = Connection::open(&scene.path).unwrap();
    payer.busy_timeout(Duration::from_secs(2)).unwrap();
    let command = SqliteStore::open(&scene.path).unwrap();
    let closing = tokio::spawn(async move { command.close().await });
    loop {
        let is_closed = closing.is_finished();
        payer.execute_batch("BEGIN IMMEDIATE; ROLLBACK").unwrap();
        if is_closed {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    closing.await.unwrap();
    assert!(scene.version(session.id).await.is_some());
}

#[tokio::test]
async fn a_closed_store_leaves_no_log_and_is_still_read() {
    let scene = Scene::new();
    let session = scene.open().await;
    assert!(scene.version(session.id).await.is_some());
    scene.store.close().await;
    assert_eq!(scene.log(), 0);
    assert!(scene.version(session.id).await.is_some());
    // Nothing is kept open any more: everybody else's log is copied, too.
    let by_hand = Connection::open(&scene.path).unwrap();
    by_hand.execute("DELETE FROM sessions", []).unwrap();
    assert_eq!(scene.version(session.id).await, None);
}

#[test]
fn long_reads_that_wait_for_each_other_hold_no_thread() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(2)
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let scene = Scene::new();
        let (end, ends) = std::sync::mpsc::channel::<()>();
        let mut reads = tokio::task::JoinSet::new();
        let store = scene.store.clone();
        reads.spawn(async move {
            let read = move |_: &Connection| {
                ends.recv().unwrap();
                Ok(())
            };
            store.readers.long(read).await.unwrap();
        });
        for _ in 0..8 {
            let store = scene.store.clone();
            reads.spawn(async move { store.readers.long(|_| Ok(())).await.unwrap() });
        }
        tokio::task::yield_now().await;
        let other = tokio::task::spawn_blocking(|| "done");
        let other = tokio::time::timeout(Duration::from_secs(20), other).await;
        end.send(()).unwrap();
        assert_eq!(other.unwrap().unwrap(), "done");
        reads.join_all().await;
    });
}

//! The writer: when it answers, what it puts together, and what it does when the disk fails.
//!
//! The tests hold it at the moment before a commit, and at the moment after it.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use paydesk_core::store::{CommitError, Unavailable};
use paydesk_core::tenant::Tenant;
use rusqlite::Connection;
use tokio::task::JoinHandle;

use super::super::writer::{Hook, Hooks};
use super::*;

/// Longer than anything here takes: a test that waits for it has failed.
const TOO_LONG: Duration = Duration::from_secs(20);

/// A place in the writer where it waits for the test.
struct Gate {
    reached: Receiver<()>,
    open: Sender<()>,
}

impl Gate {
    /// The gate, and what the writer does there: `look`, and wait until the gate is opened.
    fn new(mut look: impl FnMut(&Connection) + Send + 'static) -> (Self, Hook) {
        let (reaching, reached) = channel();
        let (open, opened) = channel();
        let hook = move |db: &Connection| {
            look(db);
            // Once the test has let the gate go, everything passes.
            if reaching.send(()).is_ok() {
                let _ = opened.recv_timeout(TOO_LONG);
            }
        };
        (Self { reached, open }, Some(Box::new(hook)))
    }

    fn wait_until_reached(&self) {
        self.reached
            .recv_timeout(TOO_LONG)
            .expect("the writer comes here");
    }

    fn let_pass(&self) {
        self.open.send(()).unwrap();
    }
}

struct Scene {
    store: Arc<SqliteStore>,
    samples: Samples,
    tenant: Tenant,
    path: PathBuf,
    _directory: TempDir,
}

impl Scene {
    fn new(hooks: Hooks) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("paydesk.db");
        let samples = Samples::new(1);
        Self {
            store: Arc::new(SqliteStore::start(&path, None, hooks).unwrap()),
            tenant: samples.tenant(),
            samples,
            path,
            _directory: directory,
        }
    }

    /// Hands over the opening of a session.
    fn open(&self) -> (Session, JoinHandle<Result<(), CommitError>>) {
        let session = self.samples.session(self.tenant);
        let change = opening(&self.samples, &session);
        let store = Arc::clone(&self.store);
        (
            session,
            tokio::spawn(async move { store.commit(change).await }),
        )
    }

    /// Hands over the opening of many, and returns once all of them wait for the writer.
    async fn open_many(&self, count: usize) -> Vec<(Session, JoinHandle<Result<(), CommitError>>)> {
        let many = (0..count).map(|_| self.open()).collect();
        let all_wait = async {
            while self.store.stats().waiting < count {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(TOO_LONG, all_wait).await.unwrap();
        many
    }

    async fn is_there(&self, session: &Session) -> bool {
        self.store
            .session(self.tenant, session.id)
            .await
            .unwrap()
            .is_some()
    }

    /// Whether another program that opens the file finds the session.
    fn is_in_file(&self, session: &Session) -> bool {
        let db = Connection::open(&self.path).unwrap();
        let mut query = db.prepare("SELECT 1 FROM sessions WHERE id = ?1").unwrap();
        query.exists([session.id.0.as_bytes()]).unwrap()
    }
}

fn unavailable(outcome: Result<(), CommitError>) -> Unavailable {
    match outcome {
        Err(CommitError::Unavailable(unavailable)) => unavailable,
        other => panic!("the store should be unavailable, but: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_leaves_before_its_commit_has_returned() {
    // The commit waits for the disk because of these two: they are asked of the very connection that commits.
    let (before, before_commit) = Gate::new(|db| {
        let synchronous: i64 = db
            .pragma_query_value(None, "synchronous", |row| row.get(0))
            .unwrap();
        assert_eq!(synchronous, 2, "FULL");
        let mode: String = db
            .pragma_query_value(None, "journal_mode", |row| row.get(0))
            .unwrap();
        assert_eq!(mode, "wal");
        assert!(!db.is_autocommit(), "the transaction is open");
    });
    let (after, after_commit) =
        Gate::new(|db| assert!(db.is_autocommit(), "the transaction is over"));
    let scene = Scene::new(Hooks {
        before_commit,
        after_commit,
    });
    let pause = || tokio::time::sleep(Duration::from_millis(50));

    let (session, answer) = scene.open();
    before.wait_until_reached();
    pause().await;
    assert!(!answer.is_finished(), "answered before the commit");
    assert!(!scene.is_there(&session).await);
    assert!(!scene.is_in_file(&session));

    before.let_pass();
    after.wait_until_reached();
    pause().await;
    assert!(
        !answer.is_finished(),
        "answered before the commit had returned"
    );
    assert!(scene.is_in_file(&session));

    after.let_pass();
    answer.await.unwrap().unwrap();
    assert!(scene.is_there(&session).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_not_answered_before_the_commit_that_it_is_refused_for() {
    let (gate, before_commit) = Gate::new(|_| {});
    let hooks = Hooks {
        before_commit,
        ..Hooks::default()
    };
    let scene = Scene::new(hooks);
    let (_, first) = scene.open();
    gate.wait_until_reached();
    // Both in one group: the second is refused for what the first has not brought to the disk yet.
    let session = scene.samples.session(scene.tenant);
    let twins = [(); 2].map(|()| {
        let change = opening(&scene.samples, &session);
        let store = Arc::clone(&scene.store);
        tokio::spawn(async move { store.commit(change).await })
    });
    while scene.store.stats().waiting < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    gate.let_pass();
    first.await.unwrap().unwrap();
    gate.wait_until_reached();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(twins.iter().all(|twin| !twin.is_finished()));
    gate.let_pass();
    let mut applied = 0;
    for twin in twins {
        applied += usize::from(twin.await.unwrap().is_ok());
    }
    assert_eq!(applied, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_that_wait_together_are_committed_together() {
    let (gate, before_commit) = Gate::new(|_| {});
    let hooks = Hooks {
        before_commit,
        ..Hooks::default()
    };
    let scene = Scene::new(hooks);
    let (_, first) = scene.open();
    gate.wait_until_reached();
    let many = scene.open_many(200).await;
    gate.let_pass();
    drop(gate);
    first.await.unwrap().unwrap();
    for (session, answer) in many {
        answer.await.unwrap().unwrap();
        assert!(scene.is_there(&session).await);
    }
    let stats = scene.store.stats();
    assert_eq!((stats.groups, stats.changes), (2, 201));
    let count = scene.store.count(scene.tenant, Counter::Sessions).await;
    assert_eq!(count.unwrap(), 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_commit_fails_its_whole_group_and_nothing_else() {
    // The second group cannot be committed: what was put into its transaction breaks a rule that SQLite
    // checks at the commit itself.
    let mut group = 0;
    let (gate, before_commit) = Gate::new(move |db| {
        group += 1;
        if group == 2 {
            db.execute_batch(
                "PRAGMA defer_foreign_keys = ON;
                 CREATE TABLE parent (id INTEGER PRIMARY KEY);
                 CREATE TABLE child (parent INTEGER REFERENCES parent);
                 INSERT INTO child VALUES (1);",
            )
            .unwrap();
        }
    });
    let hooks = Hooks {
        before_commit,
        ..Hooks::default()
    };
    let scene = Scene::new(hooks);
    let (first, answered) = scene.open();
    gate.wait_until_reached();
    let many = scene.open_many(20).await;
    gate.let_pass();
    drop(gate);
    answered.await.unwrap().unwrap();
    for (session, answer) in many {
        let unavailable = unavailable(answer.await.unwrap());
        assert!(unavailable.0.contains("FOREIGN KEY"), "{unavailable}");
        assert!(!scene.is_there(&session).await);
        // It did not happen, and so can be made again.
        let again = opening(&scene.samples, &session);
        scene.store.commit(again).await.unwrap();
    }
    assert!(scene.is_there(&first).await);
    assert_eq!(scene.store.stats().failed, 20);
    let count = scene.store.count(scene.tenant, Counter::Sessions).await;
    assert_eq!(count.unwrap(), 21);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_no_success_and_passes() {
    // The file may not grow between the second group and the hundredth attempt.
    let mut group = 0;
    let (limit, limits) = channel::<&str>();
    let before_commit: Hook = Some(Box::new(move |db: &Connection| {
        group += 1;
        if group == 2 {
            db.execute_batch("PRAGMA max_page_count = 1").unwrap();
        }
        if limits.try_recv().is_ok() {
            db.execute_batch("PRAGMA max_page_count = 4294967294")
                .unwrap();
        }
    }));
    let hooks = Hooks {
        before_commit,
        ..Hooks::default()
    };
    let scene = Scene::new(hooks);
    let (mut made, mut failed) = (Vec::new(), Vec::new());
    while failed.len() < 3 {
        let (session, answer) = scene.open();
        match answer.await.unwrap() {
            Ok(()) => made.push(session),
            Err(error) => {
                let unavailable = unavailable(Err(error));
                assert!(unavailable.0.contains("full"), "{unavailable}");
                failed.push(session);
            }
        }
        assert!(made.len() < 1_000, "the file does not grow");
    }
    for session in &made {
        assert!(scene.is_there(session).await);
    }
    for session in &failed {
        assert!(!scene.is_there(session).await);
    }
    // There is room again; a change that needs none tells the hook so.
    limit.send("none").unwrap();
    scene.store.commit(Change::new(scene.tenant)).await.unwrap();
    let (session, answer) = scene.open();
    answer.await.unwrap().unwrap();
    assert!(scene.is_there(&session).await);
    let count = scene.store.count(scene.tenant, Counter::Sessions).await;
    assert_eq!(count.unwrap(), 1 + i64::try_from(made.len()).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_is_bad_in_itself_fails_alone() {
    let (gate, before_commit) = Gate::new(|_| {});
    let hooks = Hooks {
        before_commit,
        ..Hooks::default()
    };
    let scene = Scene::new(hooks);
    let (_, first) = scene.open();
    gate.wait_until_reached();
    let many = scene.open_many(5).await;
    // It puts one record twice.
    let twice = scene.samples.session(scene.tenant);
    let mut change = opening(&scene.samples, &twice);
    change.puts.push(Record::Session(twice.clone()));
    let bad = {
        let store = Arc::clone(&scene.store);
        tokio::spawn(async move { store.commit(change).await })
    };
    while scene.store.stats().waiting < 6 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    gate.let_pass();
    drop(gate);
    first.await.unwrap().unwrap();
    unavailable(bad.await.unwrap());
    assert!(!scene.is_there(&twice).await);
    for (session, answer) in many {
        answer.await.unwrap().unwrap();
        assert!(scene.is_there(&session).await);
    }
    let count = scene.store.count(scene.tenant, Counter::Sessions).await;
    assert_eq!(count.unwrap(), 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_died_makes_the_store_unavailable_for_commits() {
    let mut group = 0;
    let before_commit: Hook = Some(Box::new(move |_: &Connection| {
        group += 1;
        assert!(group < 2, "the writer dies here, as this test wants it");
    }));
    let hooks = Hooks {
        before_commit,
        ..Hooks::default()
    };
    let scene = Scene::new(hooks);
    let (kept, answer) = scene.open();
    answer.await.unwrap().unwrap();
    for _ in 0..3 {
        let (lost, answer) = scene.open();
        unavailable(answer.await.unwrap());
        assert!(!scene.is_there(&lost).await);
    }
    scene.store.ping().await.unwrap_err();
    assert!(scene.is_there(&kept).await, "reads go on");
    // Closing does not wait for who is gone.
    tokio::time::timeout(TOO_LONG, scene.store.close())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_commits_what_was_handed_over_and_leaves_no_log() {
    let (gate, before_commit) = Gate::new(|_| {});
    let hooks = Hooks {
        before_commit,
        ..Hooks::default()
    };
    let scene = Scene::new(hooks);
    let (_, first) = scene.open();
    gate.wait_until_reached();
    let many = scene.open_many(300).await;
    let closing = {
        let store = Arc::clone(&scene.store);
        tokio::spawn(async move { store.close().await })
    };
    gate.let_pass();
    drop(gate);
    tokio::time::timeout(TOO_LONG, closing)
        .await
        .unwrap()
        .unwrap();
    first.await.unwrap().unwrap();
    for (session, answer) in many {
        answer.await.unwrap().unwrap();
        assert!(scene.is_there(&session).await, "reads go on");
    }
    let (_, late) = scene.open();
    unavailable(late.await.unwrap());
    scene.store.ping().await.unwrap_err();
    let log = std::fs::metadata(scene.path.with_extension("db-wal"));
    assert_eq!(log.map_or(0, |log| log.len()), 0);
    scene.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_made_though_nobody_waits_for_the_answer_any_more() {
    let (gate, before_commit) = Gate::new(|_| {});
    let hooks = Hooks {
        before_commit,
        ..Hooks::default()
    };
    let scene = Scene::new(hooks);
    let (session, answer) = scene.open();
    gate.wait_until_reached();
    answer.abort();
    gate.let_pass();
    drop(gate);
    scene.store.close().await;
    assert!(scene.is_there(&session).await);
}

//! What is left after a process that was killed while it wrote: all that it had answered, and nothing half.
//!
//! The test starts itself as the process that is killed. That the operating system goes on writing after such a
//! death hides a missing sync; the unit tests of the writer see to that.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use paydesk_core::id::{MerchantId, SessionId};
use paydesk_core::list::{Page, SessionFilter};
use paydesk_core::store::{Change, Counter, Increment, Record, Store};
use paydesk_core::store_suite::samples::Samples;
use paydesk_core::tenant::{Mode, Tenant};
use paydesk_core::time::Timestamp;
use paydesk_store::SqliteStore;
use uuid::Uuid;

const DATABASE: &str = "PAYDESK_CRASH_DATABASE";
const SEED: &str = "PAYDESK_CRASH_SEED";
const TASKS: &str = "PAYDESK_CRASH_TASKS";
#[cfg(feature = "failpoints")]
const POINT: &str = "PAYDESK_CRASH_POINT";
/// How many answers the victim gives before it dies.
const ANSWERS: usize = 500;

const TENANT: Tenant = Tenant {
    merchant: MerchantId(Uuid::max()),
    mode: Mode::Test,
};

/// Not a test unless it is started by one: opens sessions for ever, and says which are answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn victim() {
    let Ok(path) = std::env::var(DATABASE) else {
        return;
    };
    let seed = std::env::var(SEED).unwrap().parse().unwrap();
    let store = Arc::new(SqliteStore::open(Path::new(&path)).unwrap());
    let samples = Arc::new(Samples::new(seed));
    #[cfg(feature = "failpoints")]
    if let Ok(point) = std::env::var(POINT) {
        let groups = std::sync::atomic::AtomicUsize::new(0);
        let die_at_last = move || {
            if groups.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == ANSWERS {
                std::process::abort();
            }
        };
        fail::cfg_callback(point, die_at_last).unwrap();
    }
    let tasks: usize = std::env::var(TASKS).unwrap().parse().unwrap();
    let tasks = (0..tasks).map(|_| {
        let (store, samples) = (Arc::clone(&store), Arc::clone(&samples));
        tokio::spawn(async move {
            while store.ping().await.is_ok() {
                let session = samples.session(TENANT);
                let id = session.id;
                let change = Change {
                    events: vec![samples.event(&session, 1, true)],
                    puts: vec![Record::Session(session)],
                    increments: vec![Increment {
                        counter: Counter::Sessions,
                        by: 1,
                    }],
                    ..Change::new(TENANT)
                };
                writeln!(std::io::stdout(), "asked {id}").unwrap();
                store.commit(change).await.unwrap();
                writeln!(std::io::stdout(), "answered {id}").unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

fn start(database: &Path, seed: u64, tasks: usize) -> Command {
    let mut victim = Command::new(std::env::current_exe().unwrap());
    victim
        .args(["--exact", "victim", "--nocapture"])
        .env(DATABASE, database)
        .env(SEED, seed.to_string())
        .env(TASKS, tasks.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    victim
}

/// The ids of all lines with this word, up to the victim's end; calls `seen` with how many there are so far.
fn listen(
    victim: &mut Child,
    mut seen: impl FnMut(&mut Child, usize),
) -> (Vec<SessionId>, Vec<SessionId>) {
    let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let (mut asked, mut answered) = (Vec::new(), Vec::new());
    for line in lines.map_while(Result::ok) {
        // The last line may be cut short by the end.
        let id = |word: &str| {
            let (_, id) = line.split_once(word)?;
            id.parse().ok().filter(|_| id.len() == 36)
        };
        asked.extend(id("asked "));
        if let Some(id) = id("answered ") {
            answered.push(id);
            seen(victim, answered.len());
        }
    }
    victim.wait().unwrap();
    (asked, answered)
}

/// Everything answered is there, and whatever is there is there as a whole. Answers what is there.
async fn assert_whole(database: &Path, answered: &[SessionId]) -> Vec<SessionId> {
    let store = SqliteStore::open(database).unwrap();
    for &id in answered {
        assert!(
            store.session(TENANT, id).await.unwrap().is_some(),
            "{id} was answered"
        );
    }
    let filter = SessionFilter::at(Timestamp::EPOCH);
    let there = store
        .sessions(TENANT, &filter, Page::first(usize::MAX))
        .await
        .unwrap();
    for session in &there {
        assert_eq!(store.events(TENANT, session.id).await.unwrap().len(), 1);
    }
    let count = store.count(TENANT, Counter::Sessions).await.unwrap();
    assert_eq!(usize::try_from(count).unwrap(), there.len());
    let waiting = store.undispatched(usize::MAX).await.unwrap();
    assert_eq!(waiting.len(), there.len());
    there.into_iter().map(|session| session.id).collect()
}

#[tokio::test]
async fn a_killed_process_leaves_all_that_it_answered_and_nothing_half() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("paydesk.db");
    let mut answered = Vec::new();
    for seed in 1..=3 {
        let mut victim = start(&database, seed, 16).spawn().unwrap();
        let (_, more) = listen(&mut victim, |victim, count| {
            if count == ANSWERS {
                victim.kill().unwrap();
            }
        });
        assert!(more.len() >= ANSWERS, "it died before it was killed");
        answered.extend(more);
        assert_whole(&database, &answered).await;
    }
}

#[cfg(feature = "failpoints")]
#[tokio::test]
async fn a_death_before_the_commit_leaves_nothing_and_one_after_it_everything() {
    for (point, leaves) in [("before-commit", false), ("after-commit", true)] {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("paydesk.db");
        // One task, so that whatever was committed before is answered before the last is asked.
        let mut victim = start(&database, 1, 1).env(POINT, point).spawn().unwrap();
        let (asked, answered) = listen(&mut victim, |_, _| {});
        let there = assert_whole(&database, &answered).await;
        assert_eq!((asked.len(), answered.len()), (ANSWERS + 1, ANSWERS));
        assert_eq!(
            asked.last().is_some_and(|id| there.contains(id)),
            leaves,
            "{point}"
        );
    }
}

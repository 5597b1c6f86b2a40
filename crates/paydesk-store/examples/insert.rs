//! How many sessions a second the embedded store opens, as many tasks wait for each other's commits.
//!
//! ```text
//! cargo run -p paydesk-store --example insert -- [tasks] [sessions] [merchants] [already there]
//! ```
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a tool for whoever works on the store"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use paydesk_core::list::{Page, SessionFilter};
use paydesk_core::session::StateName;
use paydesk_core::store::{Change, Counter, Increment, Record, Store};
use paydesk_core::store_suite::samples::Samples;
use paydesk_core::tenant::Tenant;
use paydesk_store::SqliteStore;

/// What opening a session commits.
fn opening(samples: &Samples, tenant: Tenant) -> Change {
    let session = samples.session(tenant);
    Change {
        events: vec![samples.event(&session, 1, false)],
        puts: vec![Record::Session(session)],
        increments: vec![Increment {
            counter: Counter::Sessions,
            by: 1,
        }],
        ..Change::new(tenant)
    }
}

/// Opens so many sessions from so many tasks; answers how long each commit took, sorted.
async fn open(
    store: &Arc<SqliteStore>,
    samples: &Arc<Samples>,
    tenants: &[Tenant],
    tasks: usize,
    sessions: usize,
) -> Vec<Duration> {
    let tasks = (0..tasks).map(|task| {
        let (store, samples) = (Arc::clone(store), Arc::clone(samples));
        let tenant = tenants[task % tenants.len()];
        tokio::spawn(async move {
            let mut took = Vec::new();
            for _ in 0..sessions / tasks {
                let change = opening(&samples, tenant);
                let start = Instant::now();
                store.commit(change).await.unwrap();
                took.push(start.elapsed());
            }
            took
        })
    });
    let mut took = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        took.extend(task.await.unwrap());
    }
    took.sort_unstable();
    took
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args()
        .skip(1)
        .map(|argument| argument.parse().unwrap());
    let mut next = |or| arguments.next().unwrap_or(or);
    let (tasks, sessions, merchants, before) = (next(64), next(200_000), next(1), next(0));

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("paydesk.db");
    let store = Arc::new(SqliteStore::open(&path).unwrap());
    let samples = Arc::new(Samples::new(1));
    let tenants: Vec<_> = (0..merchants).map(|_| samples.tenant()).collect();
    if before > 0 {
        open(&store, &samples, &tenants, 512, before).await;
    }

    let earlier = store.stats();
    let start = Instant::now();
    let took = open(&store, &samples, &tenants, tasks, sessions).await;
    let elapsed = start.elapsed().as_secs_f64();
    let stats = store.stats();
    let part = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    println!(
        "{tasks} tasks: {:.0} sessions a second in groups of {:.1}; half within {:?}, 99% within {:?}, all within {:?}",
        took.len() as f64 / elapsed,
        (stats.changes - earlier.changes) as f64 / (stats.groups - earlier.groups) as f64,
        part(0.5),
        part(0.99),
        part(1.0),
    );

    let tenant = tenants[0];
    for states in [
        vec![],
        vec![StateName::Created],
        vec![StateName::Completed],
        vec![StateName::Expired],
    ] {
        let filter = SessionFilter {
            states: states.clone(),
            ..SessionFilter::at(samples.tick())
        };
        let start = Instant::now();
        let found = store
            .sessions(tenant, &filter, Page::first(30))
            .await
            .unwrap();
        println!(
            "list of {states:?}: {} in {:?}",
            found.len(),
            start.elapsed()
        );
        if states.is_empty() {
            let start = Instant::now();
            for session in found.iter().cycle().take(30_000) {
                store.session(tenant, session.id).await.unwrap().unwrap();
            }
            println!("reading one: {:?}", start.elapsed() / 30_000);
        }
    }

    let file = |ending: &str| {
        let path = directory.path().join(format!("paydesk.db{ending}"));
        std::fs::metadata(path).map_or(0, |file| file.len() / 1_000_000)
    };
    let process = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let memory = process
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap_or_default();
    println!("file: {} MB, log: {} MB, {memory}", file(""), file("-wal"));
    let start = Instant::now();
    store.close().await;
    println!("closing: {:?}", start.elapsed());
    drop(store);
    let start = Instant::now();
    let _again = SqliteStore::open(&path).unwrap();
    println!("opening: {:?}", start.elapsed());
}

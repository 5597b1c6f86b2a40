//! What lists and totals cost among many sessions, beside the same among few: one tenant of each in one database, asked
//! in turn.
//!
//! ```text
//! cargo run --release -p paydesk-store --example lists -- [many] [few]
//! ```
#![allow(
    clippy::too_many_lines,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a tool for whoever works on the store"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use paydesk_core::list::{By, Mark, Order, Page, Place, SessionFilter, Within};
use paydesk_core::money::Currency;
use paydesk_core::search::Search;
use paydesk_core::session::{Amount, Kind, Session, State, StateName, Terms};
use paydesk_core::store::{Change, Counter, Increment, Record, Store};
use paydesk_core::store_suite::samples::Samples;
use paydesk_core::tenant::Tenant;
use paydesk_store::SqliteStore;

/// One in a thousand sessions is rare in everything: its currency, its state and a word.
fn session(samples: &Samples, tenant: Tenant, n: usize) -> Session {
    let mut session = samples.session(tenant);
    let rare = n % 1_000 == 500;
    let currency = Currency::from_code(if rare { "JPY" } else { "SGD" }).unwrap();
    let minor = i64::try_from(n * 7_919 % 100_000).unwrap();
    let amount = paydesk_core::money::Money::from_minor(minor, currency).unwrap();
    session.terms = Arc::new(Terms {
        amount: Amount::Fixed(amount),
        title: Some(if rare {
            "Teapot".to_owned()
        } else {
            format!("Order {n}")
        }),
        ..(*session.terms).clone()
    });
    let at = session.created_at;
    if rare || n.is_multiple_of(2) {
        session.state = State::Expired { at };
    }
    session
}

async fn fill(store: &SqliteStore, samples: &Samples, tenant: Tenant, count: usize) -> Vec<Mark> {
    let mut marks = Vec::with_capacity(count);
    for start in (0..count).step_by(500) {
        let some: Vec<_> = (start..count.min(start + 500))
            .map(|n| session(samples, tenant, n))
            .collect();
        marks.extend(some.iter().map(|one| Mark::of(one.id.0)));
        let by = i64::try_from(some.len()).unwrap();
        let counter = Counter::Sessions;
        let change = Change {
            puts: some.into_iter().map(Record::Session).collect(),
            increments: vec![Increment { counter, by }],
            ..Change::new(tenant)
        };
        store.commit(change).await.unwrap();
    }
    marks
}

/// The median of some runs.
async fn took<F: Future<Output = usize>>(run: impl Fn() -> F) -> (Duration, usize) {
    let mut times = Vec::new();
    let mut found = run().await;
    for _ in 0..7 {
        let start = Instant::now();
        found = run().await;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    (times[3], found)
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args()
        .skip(1)
        .map(|argument| argument.parse().unwrap());
    let many = arguments.next().unwrap_or(1_000_000);
    let few = arguments.next().unwrap_or(1_000);
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&directory.path().join("paydesk.db")).unwrap();
    let samples = Samples::new(1);
    let tenants = [samples.tenant(), samples.tenant()];
    let marks = [
        fill(&store, &samples, tenants[0], few).await,
        fill(&store, &samples, tenants[1], many).await,
    ];
    tokio::time::sleep(Duration::from_secs(2)).await;

    let every = SessionFilter::at(samples.tick());
    let filters = [
        ("everything", every.clone()),
        (
            "half of them, by state",
            SessionFilter {
                states: vec![StateName::Expired],
                ..every.clone()
            },
        ),
        (
            "1 in 1,000, by currency",
            SessionFilter {
                currency: Currency::from_code("JPY"),
                ..every.clone()
            },
        ),
        (
            "none, by kind",
            SessionFilter {
                kind: Some(Kind::Authorization),
                ..every.clone()
            },
        ),
        (
            "1 in 1,000, by a word",
            SessionFilter {
                search: Search::parse("teap").unwrap(),
                ..every.clone()
            },
        ),
        (
            "all, by two words",
            SessionFilter {
                search: Search::parse("bean grind").unwrap(),
                ..every.clone()
            },
        ),
        (
            "half, by amount",
            SessionFilter {
                amount: Within {
                    least: Some(50_000),
                    most: None,
                },
                ..every
            },
        ),
    ];
    let by = |by| Order {
        by,
        descending: true,
    };
    println!("| shown | asked | {few} | {many} | ratio |\n|---|---|---:|---:|---:|");
    for (shown, filter) in &filters {
        let pages = [
            ("first page", Page::first(30), false),
            ("page in the middle", Page::first(30), true),
            (
                "first page by amount",
                Page::first(30).ordered(by(By::Amount)),
                false,
            ),
            (
                "first page by last change",
                Page::first(30).ordered(by(By::Updated)),
                false,
            ),
        ];
        for (asked, page, is_deep) in pages {
            let mut times = Vec::new();
            for (tenant, marks) in tenants.iter().zip(&marks) {
                let place = if is_deep {
                    Place::After(marks[marks.len() / 2])
                } else {
                    Place::First
                };
                let page = page.at(place);
                let read = || async { store.sessions(*tenant, filter, page).await.unwrap().len() };
                times.push(took(read).await);
            }
            print_row(shown, asked, &times);
        }
        let mut times = Vec::new();
        for tenant in tenants {
            let count = || async {
                let total = store.count_sessions(tenant, filter).await.unwrap();
                usize::try_from(total).unwrap()
            };
            times.push(took(count).await);
        }
        print_row(shown, "total", &times);
    }
    store.close().await;
}

fn print_row(shown: &str, asked: &str, times: &[(Duration, usize)]) {
    let ratio = times[1].0.as_secs_f64() / times[0].0.as_secs_f64();
    let cell = |(time, found): (Duration, usize)| format!("{found} in {time:.1?}");
    println!(
        "| {shown} | {asked} | {} | {} | {ratio:.1} |",
        cell(times[0]),
        cell(times[1])
    );
}

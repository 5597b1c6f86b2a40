//! Many nodes on one PostgreSQL, and what may fall: a node, a connection, the server, the machine under it.
//!
//! The sandbox's ledger, in a process that lives on, is the witness of what was charged. The servers are real, and
//! started by these tests. Each test does a little of everything in every run; `bench/soak` has them do much more.

mod away;
mod commands;
mod contention;
mod falls;
mod fleet;
mod keys;
mod kills;
mod load;
mod moving;
mod promotion;
mod races;
mod shared;

use std::sync::Arc;
use std::time::{Duration, Instant};

use paydesk_testing_postgres::Server as Postgres;

/// How many of something: these, unless the environment says otherwise.
fn count(name: &str, usually: usize) -> usize {
    let wanted = std::env::var(format!("SOAK_{name}"));
    wanted.map_or(usually, |wanted| wanted.parse().expect("a number"))
}

/// Says what a test has shown; `bench/soak` keeps it.
#[allow(clippy::print_stdout, reason = "the test runner shows or hides it")]
fn report(what: &str) {
    println!("SHOWN {what}");
}

/// Does something to a server without holding up the others.
async fn blocking<T: Send + 'static>(
    server: &Arc<Postgres>,
    act: impl FnOnce(&Postgres) -> T + Send + 'static,
) -> T {
    let server = server.clone();
    tokio::task::spawn_blocking(move || act(&server))
        .await
        .unwrap()
}

/// Has a server fail and waits until there is one again. Answers with how long there was none.
async fn outage(server: &Arc<Postgres>, act: impl FnOnce(&Postgres) + Send + 'static) -> Duration {
    let fell = Instant::now();
    blocking(server, act).await;
    fell.elapsed()
}

/// A server of its own, with an empty database, and the database's URL.
async fn postgres(settings: &'static [(&'static str, &'static str)]) -> (Arc<Postgres>, String) {
    let started = tokio::task::spawn_blocking(move || Postgres::start(settings)).await;
    let server = Arc::new(started.unwrap());
    blocking(&server, |server| server.create_database("paydesk")).await;
    let url = server.url("paydesk");
    (server, url)
}

//! The machine under the server fails while people shop: what no process had written to a file is gone.
//!
//! Killing the postmaster alone loses nothing, whatever is set: the system still has what was written, and the others
//! write the rest as they end. Here all of them go at once, and the process that writes the log for commits that do
//! not wait for it is held before, so that it is not a matter of luck what was in memory only.

use std::sync::Arc;
use std::time::Duration;

use paydesk_testing_postgres::Server as Postgres;

use super::fleet::Fleet;
use super::load::{Acknowledged, Load, missing, nothing_is_lost, settled};
use super::{blocking, outage, postgres, report};

/// Nothing but a commit that waits has the log written: none of the server's housekeeping, no full buffer.
const ONLY_COMMITS_WRITE: &[(&str, &str)] = &[
    ("wal_buffers", "'64MB'"),
    ("bgwriter_lru_maxpages", "0"),
    ("autovacuum", "off"),
    ("checkpoint_timeout", "'1h'"),
];
/// How many purchases begin before it falls.
const BEFORE: usize = 60;
/// How many begin afterwards.
const AFTER: usize = 20;

/// Shops on two nodes, with the server falling meanwhile. Answers with what was acknowledged, and how long there was
/// no server.
async fn shop_through_a_fall(
    server: &Arc<Postgres>,
    url: &str,
) -> (Arc<Fleet>, Acknowledged, Duration) {
    let fleet = Arc::new(Fleet::start(url, 2, &[]).await);
    blocking(server, Postgres::hold_log_writer).await;
    let load = Load::start(&fleet);
    load.goes_on(BEFORE).await;
    let away = outage(server, |server| {
        server.fall();
        server.go();
    })
    .await;
    load.goes_on(AFTER).await;
    (fleet, load.stop().await, away)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_fails_takes_nothing_acknowledged_with_it() {
    let (server, url) = postgres(ONLY_COMMITS_WRITE).await;
    let (fleet, acknowledged, away) = shop_through_a_fall(&server, &url).await;
    let found = nothing_is_lost(&fleet, &acknowledged).await;
    let seen = fleet.bridged(away);
    report(&format!(
        "a fall of all the server's processes: {found}; {seen}"
    ));
    Arc::into_inner(fleet).unwrap().stop().await;
}

/// The same with commits that are acknowledged too early: were this not noticed, the tests of this folder would show
/// nothing.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_before_it_is_written_is_lost_and_the_books_show_it() {
    let (server, _) = postgres(ONLY_COMMITS_WRITE).await;
    let careless = server.careless_url("paydesk");
    let (fleet, acknowledged, _) = shop_through_a_fall(&server, &careless).await;
    let caller = fleet.caller();
    let sessions = settled(&caller).await;
    let (opened, paid) = missing(&acknowledged, &sessions);
    assert!(opened > 0 && paid > 0, "{opened} sessions, {paid} payments");
    let completed = sessions.iter().filter(|it| it["status"] == "completed");
    let completed = completed.count();
    let charges = fleet
        .sandbox
        .charges(fleet.installation.merchant_id())
        .await;
    assert!(
        charges.len() >= completed + paid,
        "{} charges, {completed} that we know of, {paid} missing",
        charges.len()
    );
    report(&format!(
        "control, synchronous_commit=off: of what was acknowledged {opened} sessions and {paid} payments are missing, and \
         the ledger has {} charges that nobody knows of",
        charges.len() - completed
    ));
    Arc::into_inner(fleet).unwrap().stop().await;
}

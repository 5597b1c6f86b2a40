//! A database that stays away.

use std::time::{Duration, Instant};

use super::fleet::Fleet;
use super::{blocking, postgres};
use crate::support::{Caller, SOON, send, wait_for};

/// Longer than nodes wait, which is for ten seconds.
const LONG: Duration = Duration::from_secs(25);
/// Shorter than that by far.
const SHORT: Duration = Duration::from_secs(6);

async fn is_ready(operator: &Caller, wanted: bool) {
    let look = async || {
        let ready = operator.get("/readyz").await;
        (ready.status == if wanted { 200 } else { 503 }).then_some(())
    };
    wait_for("readiness changes", SOON, look).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_stays_away_nodes_say_so_and_come_back_by_themselves() {
    let (server, url) = postgres(&[]).await;
    let fleet = Fleet::start(&url, 1, &[]).await;
    let (caller, operator) = (fleet.caller(), fleet.operators().remove(0));
    is_ready(&operator, true).await;

    blocking(&server, paydesk_testing_postgres::Server::stop).await;
    is_ready(&operator, false).await;
    assert_eq!(operator.get("/healthz").await.status, 200, "it is alive");
    // Whoever comes first waits for a fail-over; whoever comes later does not.
    for within in [LONG, SHORT] {
        let began = Instant::now();
        let refused = caller.open_session("first").send().await.unwrap();
        assert_eq!(refused.status(), 503);
        let again: u64 = refused.headers()["retry-after"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!((1..=60).contains(&again), "{again}");
        assert!(began.elapsed() < within, "{:?}", began.elapsed());
    }

    blocking(&server, paydesk_testing_postgres::Server::go).await;
    is_ready(&operator, true).await;
    // Connections that broke are found out one by one: within the promised ten seconds.
    wait_for("sessions are opened again", LONG, async || {
        let opened = send(caller.open_session("second")).await.unwrap();
        (opened.status == 201).then_some(())
    })
    .await;
    fleet.abandon();
}

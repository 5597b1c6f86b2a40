//! Kills under load: of nodes, of connections, of the server.

use std::sync::Arc;
use std::time::Duration;

use super::fleet::Fleet;
use super::load::{Load, nothing_is_lost};
use super::{blocking, count, outage, postgres, report};

/// How many purchases lie between two kills.
const BETWEEN: usize = 15;

/// Ends one connection of a node, whatever it is doing.
const KILL_A_BACKEND: &str = "SELECT pg_terminate_backend(pid) FROM (
    SELECT pid FROM pg_stat_activity WHERE application_name = 'paydesk' ORDER BY random() LIMIT 1) AS one";

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_killed_nothing_acknowledged_is_lost_and_nothing_is_charged_twice() {
    let (server, url) = postgres(&[]).await;
    let fleet = Arc::new(Fleet::start(&url, 3, &[]).await);
    let load = Load::start(&fleet);
    let (nodes, backends) = (count("NODE_KILLS", 5), count("BACKEND_KILLS", 10));
    let servers = count("SERVER_KILLS", 2);
    let rounds = nodes.max(backends).max(servers);
    // Spread evenly over the rounds.
    let falls = |kills: usize, round: usize| kills * (round + 1) / rounds > kills * round / rounds;
    let mut away = Duration::ZERO;
    for round in 0..rounds {
        load.goes_on(BETWEEN).await;
        if falls(backends, round) {
            blocking(&server, |server| server.sql("paydesk", KILL_A_BACKEND)).await;
        }
        if falls(nodes, round) {
            fleet.kill_node(round % 3).await;
        }
        if falls(servers, round) {
            let this = outage(&server, |server| {
                server.kill();
                server.go();
            });
            away = this.await.max(away);
        }
    }
    load.goes_on(BETWEEN).await;
    let acknowledged = load.stop().await;
    let found = nothing_is_lost(&fleet, &acknowledged).await;
    let seen = fleet.bridged(away);
    report(&format!(
        "kills: {nodes} nodes, {servers} servers, {backends} backends: {found}; {seen}"
    ));
    let fleet = Arc::into_inner(fleet).unwrap();
    fleet.stop().await;
}

//! The primary falls under load, and its synchronous standby takes over.

use std::sync::Arc;
use std::time::Instant;

use super::fleet::Fleet;
use super::load::{Load, nothing_is_lost};
use super::{blocking, postgres, report};
use crate::support::{SOON, wait_for};

#[tokio::test(flavor = "multi_thread")]
async fn a_promoted_standby_has_all_that_was_acknowledged() {
    let (primary, _) = postgres(&[]).await;
    let standby = Arc::new(blocking(&primary, |primary| primary.standby("one")).await);
    blocking(&primary, |primary| {
        primary.configure(&[("synchronous_standby_names", "'one'")]);
        primary.reload();
    })
    .await;
    wait_for("the standby is synchronous", SOON, async || {
        let state = "SELECT sync_state FROM pg_stat_replication WHERE application_name = 'one'";
        let state = blocking(&primary, move |primary| primary.sql("postgres", state)).await;
        (state == "sync").then_some(())
    })
    .await;

    let url = primary.url_of_pair(&standby, "paydesk");
    let fleet = Arc::new(Fleet::start(&url, 3, &[]).await);
    let load = Load::start(&fleet);
    load.goes_on(100).await;
    let fell = Instant::now();
    blocking(&primary, paydesk_testing_postgres::Server::kill).await;
    blocking(&standby, paydesk_testing_postgres::Server::promote).await;
    let away = fell.elapsed();
    load.goes_on(30).await;
    let back = fell.elapsed();
    load.goes_on(100).await;
    let acknowledged = load.stop().await;
    let found = nothing_is_lost(&fleet, &acknowledged).await;
    let seen = fleet.bridged(away);
    report(&format!(
        "promotion of a synchronous standby: {found}; {seen}, shopping went on after {back:.1?}"
    ));
    Arc::into_inner(fleet).unwrap().stop().await;
}

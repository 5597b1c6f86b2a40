//! That what these tests look for is seen when it is there: a server that acknowledges too early loses something.

use std::sync::Arc;

use super::fleet::Fleet;
use super::load::{Load, missing};
use super::{blocking, postgres, report};
use crate::crash::shop;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_acknowledges_before_it_writes_is_found_out() {
    // It writes its log only now and then.
    let (server, url) = postgres(&[("wal_writer_delay", "'10s'")]).await;
    let url = format!("{url}&options=-c%20synchronous_commit%3Doff");
    let fleet = Arc::new(Fleet::start(&url, 2, &[]).await);
    let load = Load::start(&fleet);
    load.goes_on(100).await;
    blocking(&server, |server| {
        server.kill();
        server.go();
    })
    .await;
    let acknowledged = load.stop().await;
    let sessions = shop::all_sessions(&fleet.caller()).await;
    let (opened, paid) = missing(&acknowledged, &sessions);
    assert!(
        opened > 0 && paid > 0,
        "nothing was lost: these tests would not see it"
    );
    report(&format!(
        "negative control, synchronous_commit=off and a kill: {opened} sessions and {paid} payments found missing"
    ));
    Arc::into_inner(fleet).unwrap().abandon();
}

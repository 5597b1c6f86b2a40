//! One session, paid on three nodes at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};

use super::fleet::Fleet;
use super::{count, postgres, report};
use crate::crash::shop;
use crate::support::{GOOD_CARD, send};

/// Races under way at once.
const AT_ONCE: usize = 8;

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_paid_on_three_nodes_at_once_is_charged_once() {
    let (_server, url) = postgres(&[]).await;
    let fleet = Arc::new(Fleet::start(&url, 3, &[]).await);
    let callers = fleet.callers();
    let races = count("RACES", 1_000);
    let told_paid = AtomicUsize::new(0);
    stream::iter(0..races)
        .for_each_concurrent(AT_ONCE, |race| {
            let (callers, told_paid) = (&callers, &told_paid);
            async move {
                let open = callers[race % 3].open_session(&format!("race {race}"));
                let session = send(open).await.unwrap().ok();
                let public_id = shop::text(&session["publicId"]);
                let payers = callers
                    .iter()
                    .map(|node| send(node.pay(&public_id, GOOD_CARD)));
                for paid in join_all(payers).await {
                    let paid = paid.unwrap();
                    assert!(paid.status < 500, "{} {}", paid.status, paid.body);
                    let succeeded = paid.status == 200 && paid.ok()["status"] == "succeeded";
                    told_paid.fetch_add(usize::from(succeeded), Ordering::Relaxed);
                }
                // Whoever was told that it is under way asks again.
                shop::settled(&callers[(race + 1) % 3], &shop::text(&session["id"])).await;
            }
        })
        .await;
    let merchant = fleet.installation.merchant_id();
    let charged = shop::books_agree(&callers[0], &fleet.sandbox, merchant).await;
    assert_eq!(charged, races, "each was charged once");
    assert!(told_paid.into_inner() >= races);
    report(&format!(
        "double-pay races: {races} sessions, each paid on three nodes at once: {charged} charges in the ledger"
    ));
    Arc::into_inner(fleet).unwrap().stop().await;
}

//! Cards, as canaries: a thousand payments through every path there is, with everything logged that can be, and then no
//! number and no code of any of them is found in anything that was written or sent.

mod inbox;
mod search;
mod walk;

use std::fs;

use crate::support::{Installation, SOON, Server, send, wait_for};

use inbox::Inbox;
use search::Search;
use walk::{PATHS, walk};

/// So many times each path is walked.
const ROUNDS: usize = 1_000usize.div_ceil(PATHS);
/// So many at once.
const ABREAST: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_card_is_found_anywhere_after_a_thousand_payments() {
    let (installation, inbox) = (Installation::new(), Inbox::open().await);
    let settings = [("RUST_LOG", "trace")];
    let process = installation.start_serving(&["--allow-private-webhooks"], &settings);
    let server = Server::started(process, &installation.credentials)
        .await
        .unwrap();

    let mut walkers = tokio::task::JoinSet::new();
    for walker in 0..ABREAST {
        let (caller, inbox) = (server.caller.clone(), inbox.url.clone());
        walkers.spawn(async move {
            let mut walked = 0;
            for index in (walker..ROUNDS * PATHS).step_by(ABREAST) {
                walk(&caller, &inbox, index).await;
                walked += 1;
            }
            walked
        });
    }
    let walked: usize = walkers.join_all().await.into_iter().sum();
    assert!(walked >= 1_000);

    let metrics = server.admin.get("/metrics").await.body;
    let listed = send(
        server
            .caller
            .native(reqwest::Method::GET, "/sessions?limit=100"),
    );
    let listed = listed.await.unwrap().body;
    wait_for("the merchant is told", SOON, async || {
        (inbox.received().len() >= ROUNDS).then_some(())
    })
    .await;
    // While it runs, the write-ahead logs are there.
    let search = Search::for_cards();
    let mut files = search.in_folder(&installation.path("."));
    let out = server.process.out.text();
    let log = server.stop().await;
    files += search.in_folder(&installation.path("."));

    assert!(
        files >= 6,
        "database, ledger and their logs are searched: {files}"
    );
    assert!(log.len() > 1_000_000, "everything is logged: {}", log.len());
    search.in_bytes("the notifications", &inbox.received().concat());
    search.in_bytes("the log", log.as_bytes());
    search.in_bytes("the output", out.as_bytes());
    search.in_bytes("the metrics", metrics.as_bytes());
    search.in_bytes("the list of sessions", listed.as_bytes());
}

#[test]
fn what_is_looked_for_is_found_in_every_form() {
    let search = Search::for_cards();
    let folder = tempfile::tempdir().unwrap();
    for (what, leak) in search::leaks() {
        let text = format!("{{\"at\":\"2026-01-01\",\"what\":\"{leak}\"}}\n");
        assert!(search.found(text.as_bytes()).is_some(), "{what}: {leak}");
        let file = folder.path().join("log");
        fs::write(&file, &text).unwrap();
        assert!(search.found_in(&file).is_some(), "{what} in a file");
    }
    for innocent in [
        "4242 of 4000 sessions",
        "019d9417-9417-7941-9417-941794179417",
        "\"createdAt\":1794179417941",
        "visa 4242, 12/2040",
        "answered after 9417 µs, 9417 bytes",
    ] {
        assert_eq!(search.found(innocent.as_bytes()), None, "{innocent}");
    }
}

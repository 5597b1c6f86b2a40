//! An installation that moves from SQLite to PostgreSQL, and one that is dumped and restored.

use std::fs;

use paydesk_testing_postgres::{fresh_database, program};

use crate::crash::shop;
use crate::support::{GOOD_CARD, Installation, Sandbox, send};

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_installation_goes_on_with_its_sessions_links_and_secrets() {
    let (sandbox, mut installation) = (Sandbox::start().await, Installation::new());
    let options = ["--sandbox-url", sandbox.url.as_str()];
    let server = installation.serve(&options).await;
    let open = send(server.caller.open_session("open")).await.unwrap();
    let open_answer = open.body.clone();
    let paid = send(server.caller.open_session("paid")).await.unwrap().ok();
    let link = shop::text(&paid["publicId"]);
    let answer = send(server.caller.pay(&link, GOOD_CARD)).await.unwrap();
    assert_eq!(answer.ok()["status"], "succeeded");

    let new = tokio::task::spawn_blocking(fresh_database).await.unwrap();
    let moving = ["migrate-store", "--from", "sqlite:paydesk.db", "--to", &new];
    let refused = installation.run(&moving);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("stop the server"), "{refused:?}");
    server.stop().await;
    for _ in 0..2 {
        let moved = installation.run(&moving);
        assert_eq!(moved.code, Some(0), "{moved:?}");
        assert!(moved.out.contains("sessions"), "{moved:?}");
    }

    let keys = fs::read_to_string(installation.keys()).unwrap();
    installation.set("PAYDESK_DATABASE_URL", new);
    installation.set("PAYDESK_KEYS", keys);
    let server = installation.serve(&options).await;
    let session = send(server.caller.session(&shop::text(&paid["id"]))).await;
    assert_eq!(session.unwrap().ok()["status"], "completed");
    assert_eq!(server.caller.get(&format!("/pay/{link}")).await.status, 200);
    let again = send(server.caller.open_session("open")).await.unwrap();
    assert_eq!(again.body, open_answer, "the same key, the same answer");
    let link = shop::text(&open.ok()["publicId"]);
    let answer = send(server.caller.pay(&link, GOOD_CARD)).await.unwrap();
    assert_eq!(answer.ok()["status"], "succeeded");
    let merchant = installation.merchant_id();
    assert_eq!(
        shop::books_agree(&server.caller, &sandbox, merchant).await,
        2
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_dump_can_be_served() {
    let sandbox = Sandbox::start().await;
    let options = ["--sandbox-url", sandbox.url.as_str()];
    let (old, new) = (fresh_database(), fresh_database());
    let mut installation = Installation::on(&old);
    let server = installation.serve(&options).await;
    let opened = send(server.caller.open_session("one")).await.unwrap().ok();

    // As the operator's guide says.
    let dump = program("pg_dump")
        .args(["--format=custom", &old])
        .output()
        .unwrap();
    assert!(
        dump.status.success(),
        "{}",
        String::from_utf8_lossy(&dump.stderr)
    );
    let mut restore = program("pg_restore");
    restore.args(["--no-owner", "--dbname", &new]);
    let mut restore = restore.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let mut input = restore.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, &dump.stdout).unwrap();
    drop(input);
    assert!(restore.wait().unwrap().success());
    server.stop().await;

    installation.set("PAYDESK_DATABASE_URL", new);
    let server = installation.serve(&options).await;
    let session = send(server.caller.session(&shop::text(&opened["id"]))).await;
    assert_eq!(session.unwrap().ok()["status"], "created");
    let link = shop::text(&opened["publicId"]);
    let paid = send(server.caller.pay(&link, GOOD_CARD)).await.unwrap();
    assert_eq!(paid.ok()["status"], "succeeded");
    server.stop().await;
}

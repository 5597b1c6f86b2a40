//! `paydesk export`, beside a running server.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::support::{Caller, Installation, send};

async fn post(caller: &Caller, path: &str, body: Value) -> Value {
    let request = caller.native(Method::POST, path);
    let request = request.header(CONTENT_TYPE, "application/json");
    send(request.body(body.to_string())).await.unwrap().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchants_test_time_bounds_what_is_exported() {
    let installation = Installation::new();
    let server = installation.serve(&[]).await;
    let open = async || {
        let session = json!({"amount": 3_500, "currency": "SGD"});
        post(&server.caller, "/sessions", session).await
    };
    let early = open().await;
    let day = json!({"seconds": 86_400});
    post(&server.caller, "/test/clock/advance", day).await;
    let late = open().await;

    let exported = |bound: &str| {
        let from = late["createdAt"].as_str().unwrap();
        let ran = installation.run(&[
            "export", "sessions", "--test", "--format", "jsonl", bound, from,
        ]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let rows = ran.out.lines();
        let rows = rows.map(|row| serde_json::from_str::<Value>(row).unwrap()["id"].clone());
        rows.collect::<Vec<_>>()
    };
    assert_eq!(exported("--from"), [late["id"].clone()]);
    assert_eq!(exported("--to"), [early["id"].clone()]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_replaced_as_a_whole_and_is_nobody_elses() {
    let installation = Installation::new();
    let server = installation.serve(&[]).await;
    post(
        &server.caller,
        "/sessions",
        json!({"amount": 3_500, "currency": "SGD"}),
    )
    .await;
    server.stop().await;
    let folder = tempfile::tempdir().unwrap();
    let [file, yesterday] = ["sessions.csv", "yesterday.csv"].map(|name| folder.path().join(name));
    std::fs::write(&file, "yesterday").unwrap();
    // Another name of the same file: what is written into the file shows here, what takes its place does not.
    std::fs::hard_link(&file, &yesterday).unwrap();
    let output = file.to_str().unwrap();
    let ran = installation.run(&["export", "sessions", "--test", "--output", output]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 2);
    assert_eq!(std::fs::read_to_string(&yesterday).unwrap(), "yesterday");
    let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(
        folder.path().read_dir().unwrap().count(),
        2,
        "nothing else is left"
    );
}

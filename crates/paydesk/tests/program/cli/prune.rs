//! `paydesk prune`: beside a running server, on either database, and killed in the middle.

use std::collections::BTreeMap;

use paydesk_testing_postgres::fresh_database;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::support::{Caller, GOOD_CARD, Installation, Ran, send};

const DAY: u64 = 86_400;

async fn post(caller: &Caller, path: &str, body: Value) -> crate::support::Answer {
    let request = caller.native(Method::POST, path);
    let request = request.header(CONTENT_TYPE, "application/json");
    send(request.body(body.to_string())).await.unwrap()
}

async fn open(caller: &Caller, reference: &str) -> crate::support::Answer {
    let session = json!({"amount": 3_500, "currency": "SGD", "reference": reference});
    post(caller, "/sessions", session).await
}

/// Test time moves on by so many days, and what it ends is written down.
async fn pass(caller: &Caller, days: u64) {
    let seconds = json!({"seconds": days * DAY});
    post(caller, "/test/clock/advance", seconds).await.ok();
}

/// The kept total of sessions, which must be the number of those that are there.
async fn total(caller: &Caller) -> usize {
    let listed = caller.request(Method::GET, "/v1/sessions?limit=100");
    let secret = caller.native(Method::GET, "").build().unwrap().headers()["authorization"].clone();
    let listed = send(listed.header("authorization", secret))
        .await
        .unwrap()
        .ok();
    let there = listed["data"].as_array().unwrap().len();
    assert_eq!(listed["meta"]["total"], there);
    there
}

/// What a run printed: counts by what they count.
fn counts(ran: &Ran) -> BTreeMap<String, u64> {
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let line = |line: &str| {
        let (count, what) = line.trim().split_once("  ")?;
        Some((what.to_owned(), count.parse().ok()?))
    };
    ran.out.lines().filter_map(line).collect()
}

/// Forty sessions that ended long ago, one that was paid then, and one that is open.
async fn busy(caller: &Caller) -> Value {
    for n in 0..40 {
        let session = open(caller, &format!("left {n}")).await.ok();
        if n % 4 == 0 {
            let path = format!("/sessions/{}/cancel", session["id"].as_str().unwrap());
            post(caller, &path, json!({})).await.ok();
        }
    }
    let paid = open(caller, "paid").await.ok();
    let public_id = paid["publicId"].as_str().unwrap();
    send(caller.pay(public_id, GOOD_CARD)).await.unwrap().ok();
    pass(caller, 8).await;
    pass(caller, 60).await;
    open(caller, "young").await.ok();
    paid
}

async fn removes_what_is_finished(installation: &Installation, options: &[&str]) {
    let server = installation.serve(options).await;
    let caller = &server.caller;
    let paid = busy(caller).await;
    assert_eq!(total(caller).await, 42);
    let run = |more: &[&str]| installation.run(&[&["prune", "--older-than", "50d"], more].concat());
    let live = counts(&run(&["--mode", "live"]));
    assert_eq!(live["sessions"], 0, "other modes are untouched");
    let told = counts(&run(&["--dry-run"]));
    assert_eq!(total(caller).await, 42);
    let done = counts(&run(&["--mode", "test"]));
    assert_eq!(told, done);
    assert_eq!((done["sessions"], done["transactions"]), (40, 0));
    assert_eq!(done["can be refunded"], 1);
    assert!(done["events"] >= 80, "{done:?}");
    assert_eq!(total(caller).await, 2);

    // The server that went on meanwhile knows nothing of them any more, and goes on.
    let path = format!("/sessions/{}", paid["id"].as_str().unwrap());
    let there = send(caller.native(Method::GET, &path)).await.unwrap().ok();
    let payment = there["transactions"][0]["id"].as_str().unwrap().to_owned();
    let found = caller.native(Method::GET, "/sessions?q=left");
    assert_eq!(send(found).await.unwrap().ok()["data"], json!([]));
    assert_eq!(
        open(caller, "left 1").await.status,
        201,
        "it was never paid"
    );
    let again = counts(&run(&[]));
    assert_eq!((again["sessions"], again["events"]), (0, 0));
    let refund = format!("/transactions/{payment}/refund");
    assert_eq!(
        post(caller, &refund, json!({"amount": 1})).await.ok()["status"],
        "succeeded"
    );

    // It changed just now; later it goes, when the operator says so, and its reference stays used.
    let with_paid = ["--paid-older-than", "60d"];
    assert_eq!(counts(&run(&with_paid))["sessions"], 0);
    pass(caller, 8).await;
    pass(caller, 61).await;
    let done = counts(&run(&with_paid));
    assert_eq!((done["sessions"], done["transactions"]), (3, 2), "{done:?}");
    assert_eq!(
        send(caller.native(Method::GET, &path))
            .await
            .unwrap()
            .status,
        404
    );
    let taken = open(caller, "paid").await;
    assert_eq!(
        (taken.status, &taken.json()["code"]),
        (409, &json!("reference_taken"))
    );
    assert_eq!(total(caller).await, 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn finished_data_goes_beside_a_running_server() {
    removes_what_is_finished(&Installation::new(), &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn finished_data_goes_from_postgresql() {
    let sandbox = crate::support::Sandbox::start().await;
    let installation = Installation::on(&fresh_database());
    let options = ["--sandbox-url", &sandbox.url];
    removes_what_is_finished(&installation, &options).await;
}

/// Wherever a run ends, what is left is whole, and the next run goes on.
#[cfg(feature = "failpoints")]
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_is_simply_started_again() {
    let installation = Installation::new();
    let server = installation.serve(&[]).await;
    busy(&server.caller).await;
    let mut removed = 0;
    for commits in 0.. {
        let before = total(&server.caller).await;
        let mut command = installation.command(&["prune", "--older-than", "50d"]);
        command.env("FAILPOINTS", format!("after-commit={commits}*off->return"));
        let ended = command.output().unwrap();
        removed += before - total(&server.caller).await;
        if ended.status.success() {
            break;
        }
        assert!(commits < 40, "{ended:?}");
    }
    assert_eq!(removed, 40);
    assert_eq!(total(&server.caller).await, 2);
    server.stop().await;
}

#[test]
fn a_wrong_retention_is_refused_before_anything_is_opened() {
    let installation = Installation::empty();
    for (arguments, words) in [
        (&["--older-than", "29d"][..], "at least 30 days"),
        (&["--older-than", "soon"], "90d"),
        (
            &["--older-than", "90d", "--paid-older-than", "60d"],
            "at least as long",
        ),
        (&[], "--older-than"),
    ] {
        let ran = installation.run(&[&["prune"], arguments].concat());
        assert!(
            ran.code != Some(0) && ran.err.contains(words),
            "{arguments:?}: {ran:?}"
        );
    }
    assert!(!installation.path("paydesk.db").exists());
}

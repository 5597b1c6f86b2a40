//! A process that dies while a merchant's test time is moved: the step is made whole by whoever comes after it.

use std::time::Duration;

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::support::{Caller, Installation, Server, send, wait_for};

const SESSIONS: usize = 5;
/// Longer than two attempts take, which are five seconds apart.
const WITHIN: Duration = Duration::from_secs(40);

fn post(caller: &Caller, path: &str, body: &Value) -> reqwest::RequestBuilder {
    caller
        .native(Method::POST, path)
        .header(CONTENT_TYPE, "application/json")
        .body(body.to_string())
}

/// How many attempts were made at each delivery.
async fn attempts(caller: &Caller) -> Vec<u64> {
    let listed = send(caller.native(Method::GET, "/deliveries?limit=100")).await;
    let listed = listed.unwrap().ok();
    let deliveries = listed["data"].as_array().unwrap().iter();
    deliveries
        .map(|it| it["attempts"].as_u64().unwrap())
        .collect()
}

/// Has every delivery failed twice, so that none is due for minutes; moves the clock by an hour, which the server does
/// not survive; and waits until another one has tried them all again.
async fn dies_at(failpoint: &str) {
    let installation = Installation::new();
    let options = ["--allow-private-webhooks"];
    let process = installation.start_serving(&options, &[("FAILPOINTS", failpoint)]);
    let server = Server::started(process, &installation.credentials).await;
    let mut server = server.expect("the server starts");
    // Nobody listens there.
    let endpoint = json!({"url": "http://127.0.0.1:9/"});
    send(post(&server.caller, "/webhookEndpoints", &endpoint))
        .await
        .unwrap()
        .ok();
    for n in 0..SESSIONS {
        send(server.caller.open_session(&format!("session {n}")))
            .await
            .unwrap()
            .ok();
    }
    let caller = server.caller.clone();
    wait_for("every delivery failed twice", WITHIN, async || {
        let attempts = attempts(&caller).await;
        (attempts == [2; SESSIONS]).then_some(())
    })
    .await;

    let advance = json!({"seconds": 3_600});
    let died = send(post(&caller, "/test/clock/advance", &advance)).await;
    died.expect_err("it dies in the middle");
    assert!(!server.process.ended().await.success());

    let server = installation.serve(&options).await;
    let clock = send(server.caller.native(Method::GET, "/test/clock"))
        .await
        .unwrap()
        .ok();
    assert_eq!(clock["secondsAhead"], 3_600, "the clock itself is moved");
    wait_for("every delivery is tried again", WITHIN, async || {
        let attempts = attempts(&server.caller).await;
        attempts.iter().all(|count| *count >= 3).then_some(())
    })
    .await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_before_any_delivery_is_moved_leaves_none_behind() {
    dies_at("clock-moved=return").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_between_two_deliveries_leaves_none_behind() {
    dies_at("delivery-brought-forward=1*off->return").await;
}

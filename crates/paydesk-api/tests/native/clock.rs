//! A merchant's own test time: what it moves, and what it does not.

use http::{Method, StatusCode};
use paydesk_core::tenant::Mode;
use paydesk_core::time::Span;
use paydesk_testing::{Receiver, TestServer};
use serde_json::{Value, json};

use super::{a_session, call_as, get, is_problem, open, post};

const DAY: i64 = 86_400;

async fn advance(server: &TestServer, seconds: i64) -> Value {
    let body = json!({"seconds": seconds});
    post(server, "/test/clock/advance", body).await.ok()
}

#[tokio::test]
async fn sessions_expire_and_are_told_of_when_test_time_says_so() {
    let server = TestServer::start().await;
    let session = open(&server, a_session()).await;
    let path = format!("/sessions/{}", session["id"].as_str().unwrap());
    advance(&server, 7 * DAY - 1).await;
    assert_eq!(get(&server, &path).await.ok()["status"], "created");
    let moved = advance(&server, 1).await;
    assert_eq!(moved["secondsAhead"], 7 * DAY);
    let expired = get(&server, &path).await.ok();
    assert_eq!(expired["status"], "expired");
    assert_eq!(expired["expiredAt"], session["expiresAt"]);
    // It is written down, not only seen so: its event is there.
    assert_eq!(expired["version"], 2);
    let listed = get(&server, "/sessions?status=expired").await.ok();
    assert_eq!(listed["data"][0]["id"], session["id"]);
}

#[tokio::test]
async fn what_comes_due_later_is_swept_at_test_time() {
    let server = TestServer::start().await;
    advance(&server, 30 * DAY).await;
    let session = open(
        &server,
        json!({"amount": 1, "currency": "SGD", "expiresIn": 60}),
    )
    .await;
    assert!(session["createdAt"].as_str() > Some(&*server.engine.wall().to_string()));
    let path = format!("/sessions/{}", session["id"].as_str().unwrap());
    server.advance(Span::seconds(59)).await;
    assert_eq!(get(&server, &path).await.ok()["version"], 1);
    server.advance(Span::seconds(1)).await;
    let swept = get(&server, &path).await.ok();
    assert_eq!(
        (&swept["status"], &swept["version"]),
        (&json!("expired"), &json!(2))
    );
}

#[tokio::test]
async fn others_and_live_mode_are_untouched() {
    let server = TestServer::start().await;
    let other = server.engine.create_merchant("Other").await.unwrap();
    let body = a_session().to_string();
    let secret = other.test.secret.reveal();
    let theirs = call_as(&server, secret, Method::POST, "/sessions", &body)
        .await
        .ok();
    let wall = server.engine.wall();
    advance(&server, 300 * DAY).await;
    let path = format!("/sessions/{}", theirs["id"].as_str().unwrap());
    let theirs = call_as(&server, secret, Method::GET, &path, "").await.ok();
    assert_eq!(theirs["status"], "created");
    // Each request took a millisecond.
    let wall = wall.after(Span::millis(2));
    assert_eq!(server.engine.now(server.tenant(Mode::Live)), wall);
    assert_eq!(server.engine.wall(), wall);
    let clock = call_as(&server, secret, Method::GET, "/test/clock", "")
        .await
        .ok();
    assert_eq!(clock["secondsAhead"], 0);
    server.run_jobs().await;
    let theirs = call_as(&server, secret, Method::GET, &path, "").await.ok();
    assert_eq!(theirs["version"], 1);
}

#[tokio::test]
async fn live_mode_has_no_clock() {
    let server = TestServer::start().await;
    let live = server.merchant.live.secret.reveal();
    let read = call_as(&server, live, Method::GET, "/test/clock", "").await;
    is_problem(&read, 422, "test_mode_only", None);
    let body = r#"{"seconds": 60}"#;
    let moved = call_as(&server, live, Method::POST, "/test/clock/advance", body).await;
    is_problem(&moved, 422, "test_mode_only", None);
}

#[tokio::test]
async fn test_time_outlives_a_restart() {
    let server = TestServer::start().await;
    advance(&server, DAY).await;
    let server = server.restarted().await;
    server.run_jobs().await;
    let ahead = server.engine.ahead(server.tenant(Mode::Test));
    assert_eq!(ahead, Span::days(1));
    assert_eq!(advance(&server, DAY).await["secondsAhead"], 2 * DAY);
}

#[tokio::test]
async fn a_failed_delivery_is_tried_again_when_test_time_says_so() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    receiver.answer_with(&[StatusCode::INTERNAL_SERVER_ERROR; 3]);
    let session = json!({"amount": 3500, "currency": "SGD", "notifyUrl": receiver.url});
    let session = open(&server, session).await;
    super::pay(&server, &session, super::GOOD).await;
    server.run_jobs().await;
    let first = receiver.received().len();
    assert!(first > 0);
    server.run_jobs().await;
    assert_eq!(receiver.received().len(), first, "it is not yet time");
    advance(&server, 60).await;
    server.run_jobs().await;
    assert!(receiver.received().len() > first);
}

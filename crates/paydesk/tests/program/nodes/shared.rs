//! What nodes share: the answers to repeated requests, the sessions that run out, the deliveries.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use super::fleet::Fleet;
use super::{blocking, count, postgres, report};
use crate::crash::shop;
use crate::support::{GOOD_CARD, none_left, send, wait_for};

const SOON: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_gets_the_first_answer_on_any_node() {
    let (_server, url) = postgres(&[]).await;
    let fleet = Fleet::start(&url, 3, &[]).await;
    let callers = fleet.callers();
    let requests = count("REPEATED", 100);
    for n in 0..requests {
        let key = format!("request {n}");
        let racing = callers.iter().map(|node| send(node.open_session(&key)));
        let mut first = None;
        let later = callers.iter().map(|node| send(node.open_session(&key)));
        let racing: Vec<_> = join_all(racing).await;
        for answer in racing.into_iter().chain(join_all(later).await) {
            let answer = answer.unwrap();
            // Of those that come together, some may be told to come again.
            if answer.status == 409 {
                continue;
            }
            assert_eq!(answer.status, 201, "{}", answer.body);
            let first = first.get_or_insert_with(|| answer.body.clone());
            assert_eq!(&answer.body, first, "byte for byte");
        }
        assert!(first.is_some());
    }
    let opened = shop::all_sessions(&callers[0]).await.len();
    assert_eq!(opened, requests);
    report(&format!(
        "idempotency: {requests} requests, each sent six times to three nodes, opened {opened} sessions"
    ));
    fleet.stop().await;
}

/// A minute is the shortest lifetime: this makes it pass for all sessions at once.
const LET_TIME_PASS: &str = "UPDATE sessions SET due_at = 1, expires_at = 1,
    doc = jsonb_set(doc::jsonb, '{state,expiresAt}', '1')::text";
/// How often each number of expiry events was written for one session.
const EXPIRY_EVENTS: &str = "SELECT string_agg(times || ':' || sessions, ' ') FROM (
    SELECT times, count(*) AS sessions FROM (
        SELECT count(*) FILTER (WHERE doc::jsonb ->> 'kind' = 'session.expired') AS times
        FROM events GROUP BY doc::jsonb ->> 'session') AS each GROUP BY times) AS all_of_them";

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_runs_out_is_told_of_once_whoever_sweeps_it() {
    let (server, url) = postgres(&[]).await;
    let fleet = Fleet::start(&url, 3, &[]).await;
    let sessions = count("EXPIRED", 300);
    let callers = fleet.callers();
    for n in 0..sessions {
        let opened = send(callers[n % 3].open_session(&format!("session {n}"))).await;
        opened.unwrap().ok();
    }
    blocking(&server, |server| server.sql("paydesk", LET_TIME_PASS)).await;
    none_left("all are swept", SOON, async || {
        let left = "SELECT count(*) FROM sessions WHERE due_at IS NOT NULL";
        let left = blocking(&server, move |server| server.sql("paydesk", left)).await;
        left.parse().unwrap()
    })
    .await;
    let told = blocking(&server, |server| server.sql("paydesk", EXPIRY_EVENTS)).await;
    assert_eq!(told, format!("1:{sessions}"), "expiry events: sessions");
    report(&format!(
        "expiry: {sessions} sessions ran out under three sweepers, each has one event"
    ));
    fleet.stop().await;
}

/// When each notification was being received.
type Seen = Arc<Mutex<BTreeMap<String, Vec<(Instant, Instant)>>>>;

/// Takes its time, so that two who send the same are seen.
async fn receive(State(seen): State<Seen>, headers: HeaderMap) {
    let began = Instant::now();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let id = headers["webhook-id"].to_str().unwrap().to_owned();
    let mut seen = seen.lock().unwrap();
    seen.entry(id).or_default().push((began, Instant::now()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_never_held_by_two_nodes() {
    let (_server, url) = postgres(&[]).await;
    let fleet = Fleet::start(&url, 3, &["--allow-private-webhooks"]).await;
    let seen = Seen::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hook = format!("http://{}/hook", listener.local_addr().unwrap());
    let router = Router::new()
        .route("/hook", post(receive))
        .with_state(seen.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });

    let (callers, sessions) = (fleet.callers(), count("DELIVERED", 100));
    for n in 0..sessions {
        let node = &callers[n % 3];
        let body =
            json!({"amount": 3500, "currency": "SGD", "methods": ["card"], "notifyUrl": hook});
        let open = node.native(Method::POST, "/sessions");
        let open = open
            .header("content-type", "application/json")
            .body(body.to_string());
        let session = send(open).await.unwrap().ok();
        let paid = send(node.pay(&shop::text(&session["publicId"]), GOOD_CARD)).await;
        assert_eq!(paid.unwrap().ok()["status"], "succeeded");
    }
    let told = || seen.lock().unwrap().len();
    none_left("all are told", SOON, async || {
        sessions.saturating_sub(told())
    })
    .await;
    let mut before = told();
    wait_for("nobody is told twice", SOON, async || {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let now = told();
        (now == std::mem::replace(&mut before, now)).then_some(())
    })
    .await;
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    for (id, times) in &seen {
        assert_eq!(times.len(), 1, "{id} was sent {} times", times.len());
    }
    report(&format!(
        "deliveries: {} notifications of {sessions} sessions, each sent once by one of three nodes",
        seen.len()
    ));
    drop(seen);
    fleet.stop().await;
}

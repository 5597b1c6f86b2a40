//! A create that is sent twice under one key opens one session.

use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use paydesk_testing::{Answer, TestServer};

use super::{open, pay, seed, stored};

async fn send(server: &TestServer, path: &str, key: &str, body: String) -> Answer {
    let key = (
        HeaderName::from_static("idempotency-key"),
        HeaderValue::from_str(key).unwrap(),
    );
    let headers = [
        (AUTHORIZATION, TestServer::basic(&server.merchant.test)),
        key,
    ];
    server.request(Method::POST, path, &headers, body).await
}

#[tokio::test]
async fn the_same_key_and_body_get_the_first_answer_byte_for_byte() {
    let server = TestServer::start().await;
    let first = send(&server, "/sessions", "a", seed().to_string()).await;
    first.ok();
    let again = send(&server, "/sessions", "a", seed().to_string()).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    send(&server, "/sessions", "b", seed().to_string())
        .await
        .ok();
    assert_eq!(stored(&server).await, 2);
}

#[tokio::test]
async fn the_same_key_with_another_body_is_refused() {
    let server = TestServer::start().await;
    send(&server, "/sessions", "a", seed().to_string())
        .await
        .ok();
    let mut other = seed();
    other["amount"] = "36".into();
    let answer = send(&server, "/sessions", "a", other.to_string()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(
        answer.text().contains("idempotency key"),
        "{}",
        answer.text()
    );
    assert_eq!(stored(&server).await, 1);
}

#[tokio::test]
async fn a_hundred_sends_of_one_key_at_once_open_one_session() {
    let server = TestServer::start().await;
    let sent = (0..100).map(|_| send(&server, "/sessions", "a", seed().to_string()));
    let answers = futures_util::future::join_all(sent).await;
    answers[0].ok();
    for answer in &answers {
        assert_eq!(answer.text(), answers[0].text(), "{}", answer.status);
    }
    assert_eq!(stored(&server).await, 1);
}

#[tokio::test]
async fn without_a_key_equal_bodies_open_two_sessions() {
    let server = TestServer::start().await;
    let one = open(&server, &seed()).await;
    assert_ne!(
        one,
        open(&server, &seed()).await,
        "two customers may buy the same thing"
    );
}

#[tokio::test]
async fn a_refund_that_is_sent_twice_gives_back_once() {
    let server = TestServer::start().await;
    let id = open(&server, &seed()).await;
    let charge = pay(&server, &id).await;
    let path = format!("/charges/{}/refunds", charge["id"].as_str().unwrap());
    let first = send(&server, &path, "r", r#"{"amount":5}"#.into()).await;
    assert_eq!(first.ok()["status"], "completed");
    let again = send(&server, &path, "r", r#"{"amount":5}"#.into()).await;
    assert_eq!((again.status, again.body), (first.status, first.body));
    let refunds = super::charge(&server, &id).await["refunds"].clone();
    assert_eq!(refunds.as_array().unwrap().len(), 1);
}

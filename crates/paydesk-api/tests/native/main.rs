//! The native API over real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "a test fails by panicking"
)]

mod bad_input;
mod clock;
mod customers;
mod document;
mod events;
mod idempotency;
mod keys;
mod lists;
mod pages;
mod sessions;
mod settings;
mod transactions;
mod webhooks;

use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use paydesk_testing::{Answer, TestServer};
use serde_json::{Value, json};

/// A call of the merchant's, in test mode; null sends no body.
async fn call(server: &TestServer, method: Method, path: &str, body: Value) -> Answer {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    server.native(method, &format!("/api/v1{path}"), body).await
}

async fn get(server: &TestServer, path: &str) -> Answer {
    call(server, Method::GET, path, Value::Null).await
}

async fn post(server: &TestServer, path: &str, body: Value) -> Answer {
    call(server, Method::POST, path, body).await
}

/// A call with another secret.
async fn call_as(
    server: &TestServer,
    secret: &str,
    method: Method,
    path: &str,
    body: &str,
) -> Answer {
    let bearer = HeaderValue::from_str(&format!("Bearer {secret}")).unwrap();
    let headers = [(AUTHORIZATION, bearer)];
    server
        .request(method, &format!("/api/v1{path}"), &headers, body.to_owned())
        .await
}

/// A post under an idempotency key.
async fn post_under(server: &TestServer, key: &str, path: &str, body: &str) -> Answer {
    let headers = [
        (AUTHORIZATION, TestServer::bearer(&server.merchant.test)),
        (
            HeaderName::from_static("idempotency-key"),
            HeaderValue::from_str(key).unwrap(),
        ),
    ];
    let path = format!("/api/v1{path}");
    server
        .request(Method::POST, &path, &headers, body.to_owned())
        .await
}

fn a_session() -> Value {
    json!({"amount": 3500, "currency": "SGD"})
}

async fn open(server: &TestServer, session: Value) -> Value {
    post(server, "/sessions", session).await.ok()
}

/// Has the payer pay a session by a test card; answers the session as it then stands.
async fn pay(server: &TestServer, session: &Value, number: &str) -> Value {
    let path = format!("/pay/{}/payments", session["publicId"].as_str().unwrap());
    let card = json!({"number": number, "expMonth": 12, "expYear": 2035, "cvc": "123"});
    let body = json!({"method": "card", "card": card}).to_string();
    let paid = server.payer(Method::POST, &path, body).await;
    assert!(paid.status.is_success(), "{}", paid.text());
    let id = session["id"].as_str().unwrap();
    get(server, &format!("/sessions/{id}")).await.ok()
}

const GOOD: &str = "4242424242424242";

/// The id of the transaction of a new session of this kind that was paid by card.
async fn paid(server: &TestServer, kind: &str) -> String {
    let session = open(
        server,
        json!({"kind": kind, "amount": 3500, "currency": "SGD"}),
    )
    .await;
    let session = pay(server, &session, GOOD).await;
    assert_eq!(session["status"], "completed");
    session["transactions"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// The id of a stored card.
async fn stored_card(server: &TestServer) -> String {
    let session = json!({
        "kind": "addPaymentMethod", "currency": "SGD", "customer": {"code": "c-1"}
    });
    let session = pay(server, &open(server, session).await, GOOD).await;
    let stored = &session["transactions"][0]["paymentMethod"];
    stored.as_str().unwrap().to_owned()
}

/// Asserts that an answer is a problem of this status, code and field.
#[track_caller]
fn is_problem(answer: &Answer, status: u16, code: &str, field: Option<&str>) {
    let said = answer.text();
    assert_eq!(
        answer.status,
        StatusCode::from_u16(status).unwrap(),
        "{said}"
    );
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    let problem = answer.json();
    assert_eq!(problem["code"], code, "{said}");
    assert_eq!(problem["field"].as_str(), field, "{said}");
    assert_eq!(problem["status"], status);
    let id = answer.headers["x-request-id"].to_str().unwrap();
    assert_eq!(problem["requestId"], id);
}

//! The Modem Pay dialect against a running server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "a test fails by panicking"
)]

mod bad_input;
mod expiry;
mod lists;
mod sessions;
mod transactions;
mod webhooks;

use http::{HeaderName, HeaderValue, Method};
use paydesk_core::store::Counter;
use paydesk_core::tenant::Mode;
use paydesk_testing::{Answer, TestServer};
use serde_json::{Value, json};

/// A card that pays.
const CARD: &str =
    r#"{"number":"4242424242424242","expMonth":12,"expYear":2040,"cvc":"123","name":"A. Payer"}"#;

/// A Modem Pay request of the merchant's, in test mode.
async fn call(server: &TestServer, method: Method, path: &str, body: impl ToString) -> Answer {
    server.native(method, path, body.to_string()).await
}

/// The same with more headers.
async fn call_with(
    server: &TestServer,
    method: Method,
    path: &str,
    header: (&'static str, &str),
    body: impl ToString,
) -> Answer {
    let headers = [
        (
            http::header::AUTHORIZATION,
            TestServer::bearer(&server.merchant.test),
        ),
        (
            HeaderName::from_static(header.0),
            HeaderValue::from_str(header.1).unwrap(),
        ),
    ];
    server
        .request(method, path, &headers, body.to_string())
        .await
}

/// Opens a session as the client does.
async fn open(server: &TestServer, params: Value) -> Value {
    let body = json!({ "data": params });
    call(server, Method::POST, "/v1/sessions", body).await.ok()
}

async fn retrieve(server: &TestServer, session: &Value) -> Value {
    let id = session["id"].as_str().unwrap();
    call(
        server,
        Method::GET,
        &format!("/v1/sessions/single/{id}"),
        "",
    )
    .await
    .ok()
}

async fn expire(server: &TestServer, session: &Value) -> Answer {
    let id = session["id"].as_str().unwrap();
    let body = json!({"data": {"expired": true}});
    call(
        server,
        Method::PUT,
        &format!("/v1/sessions/single/{id}"),
        body,
    )
    .await
}

/// The address of a session's link on this server.
fn link(session: &Value) -> &str {
    let link = session["payment_link"].as_str().unwrap();
    let at = link.find("/pay/").unwrap();
    &link[at..]
}

/// A payer pays by card; `more` is added to what is sent.
async fn pay(server: &TestServer, session: &Value, more: Value) -> Answer {
    let mut body = json!({"method": "card"});
    body["card"] = serde_json::from_str(CARD).unwrap();
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    server
        .payer(
            Method::POST,
            &format!("{}/payments", link(session)),
            body.to_string(),
        )
        .await
}

/// The id of the payment that completed a session.
async fn payment_of(server: &TestServer, session: &Value) -> String {
    let id = session["id"].as_str().unwrap().parse().unwrap();
    let tenant = server.tenant(Mode::Test);
    let (_, transactions) = server.engine.session(tenant, id).await.unwrap();
    transactions.last().unwrap().id.to_string()
}

/// How many sessions the store counts.
async fn stored(server: &TestServer) -> i64 {
    let store = server.engine.store();
    let tenant = server.tenant(Mode::Test);
    store.count(tenant, Counter::Sessions).await.unwrap()
}

//! XanPay's API against a running server: its documentation as written, and everything that can be wrong.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    clippy::similar_names,
    reason = "a test fails by panicking"
)]

mod bad_input;
mod charges;
mod foreign;
mod idempotency;
mod keys;
mod notifications;
mod sessions;

use paydesk_testing::TestServer;
use serde_json::{Value, json};

/// The request of XanPay's documentation.
fn seed() -> Value {
    json!({
        "amount": "35",
        "currency": "SGD",
        "redirectUrl": "https://google.com",
        "notifyUrl": "https://google.com/api/notify",
        "notifyPayload": "eyJvcmRlcklkIjogIjI1MSJ9",
        "orders": [{"id": "58109ds9a01", "name": "iPhone case", "quantity": 1, "amount": 35}],
        "customer": {"email": "customer@gmail.com", "phone": {"code": "+65", "phone": "12345678901"}}
    })
}

/// Opens a session and answers with its id.
async fn open(server: &TestServer, request: &Value) -> String {
    let answer = server
        .xanpay(http::Method::POST, "/sessions", request.to_string())
        .await;
    answer.ok()["id"].as_str().unwrap().to_owned()
}

/// A payer pays by PayNow and the bank sends the money; answers with the charge.
async fn pay(server: &TestServer, id: &str) -> Value {
    let paid = server
        .payer(
            http::Method::POST,
            &format!("/pay/{id}/payments"),
            r#"{"method":"paynow"}"#,
        )
        .await;
    paid.ok();
    let charge = charge(server, id).await;
    let transfer = json!({"reference": charge["destination"]["nonce"]});
    server
        .payer(
            http::Method::POST,
            "/sandbox/bank/transfers",
            transfer.to_string(),
        )
        .await
        .ok();
    server.run_jobs().await;
    self::charge(server, id).await
}

async fn charge(server: &TestServer, id: &str) -> Value {
    server
        .xanpay(http::Method::GET, &format!("/sessions/{id}/charge"), "")
        .await
        .ok()
}

/// How many sessions the store counts.
async fn stored(server: &TestServer) -> i64 {
    let tenant = server.tenant(paydesk_core::tenant::Mode::Test);
    server
        .engine
        .store()
        .count(tenant, paydesk_core::store::Counter::Sessions)
        .await
        .unwrap()
}

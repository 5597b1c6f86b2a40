//! Bank transfers over the wire: reported, matched, assigned, listed, and never dropped; and the merchants' own accounts that
//! they come in on.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod accounts;
mod bank;
mod live;
mod random;
mod refunds;
mod reports;

use http::{Method, StatusCode};
use paydesk_testing::{Answer, TestServer};
use serde_json::{Value, json};

const TRANSFERS: &str = "/api/v1/bankTransfers";

/// A session of the merchant's, whose payer is to send money by this method; with its transaction.
async fn waiting(server: &TestServer, amount: i64, currency: &str, method: &str) -> Value {
    let request = json!({"amount": amount, "currency": currency, "methods": [method]});
    let session = server
        .native(Method::POST, "/api/v1/sessions", request.to_string())
        .await
        .ok();
    let path = format!("/pay/{}/payments", session["publicId"].as_str().unwrap());
    let body = json!({ "method": method }).to_string();
    server.payer(Method::POST, &path, body).await.ok();
    session_of(server, &session).await
}

async fn session_of(server: &TestServer, session: &Value) -> Value {
    let path = format!("/api/v1/sessions/{}", session["id"].as_str().unwrap());
    server.native(Method::GET, &path, "").await.ok()
}

/// What a bank says of money for a session's first payment.
fn said(session: &Value, id: &str, amount: i64) -> Value {
    let transaction = &session["transactions"][0];
    json!({
        "bankTransactionId": id,
        "account": transaction["destination"]["account"],
        "amount": amount,
        "currency": transaction["currency"],
        "reference": transaction["destination"]["nonce"],
        "receivedAt": transaction["createdAt"],
    })
}

async fn report(server: &TestServer, body: &Value) -> Answer {
    server
        .native(Method::POST, TRANSFERS, body.to_string())
        .await
}

/// All of a list, page by page.
async fn listed(server: &TestServer, path: &str) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let between = if path.contains('?') { '&' } else { '?' };
        let page = format!("{path}{between}limit=100{after}");
        let page = server.native(Method::GET, &page, "").await.ok();
        all.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["nextCursor"].as_str() {
            Some(cursor) => after = format!("&after={cursor}"),
            None => return all,
        }
    }
}

fn assert_problem(answer: &Answer, status: u16, code: &str, field: &str) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
    let problem = answer.json();
    assert_eq!(
        (&problem["code"], problem["field"].as_str().unwrap_or("")),
        (&json!(code), field),
        "{problem}"
    );
    assert!(answer.status != StatusCode::INTERNAL_SERVER_ERROR);
}

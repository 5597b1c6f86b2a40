//! A live payer is about to be shown where to push money, and the process dies. Whatever was lost of it, the payer was told
//! nothing that does not count, and pays once.

use std::os::unix::process::ExitStatusExt as _;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::shop::{PRICE, SETTLED_WITHIN, text};
use crate::support::{Caller, Credentials, Installation, Server, send, wait_for};

/// `SIGABRT`: a failpoint ended it.
const ABORTED: i32 = 6;
/// Live mode needs no sandbox.
const OPTIONS: [&str; 1] = ["--no-sandbox"];

fn pay(caller: &Caller, public_id: &str) -> RequestBuilder {
    caller
        .request(Method::POST, &format!("/pay/{public_id}/payments"))
        .header("sec-fetch-site", "same-origin")
        .json(&json!({"method": "paynow"}))
}

async fn ask(caller: &Caller, path: &str, body: &Value) -> Value {
    let answer = send(caller.native(Method::POST, path).json(body)).await;
    answer.unwrap().ok()
}

/// Tells the story with a death at this step, and answers with the statuses of the payments, oldest first.
async fn dies_at(failpoint: &str) -> Vec<String> {
    let mut installation = Installation::new();
    installation.credentials = Credentials::read(&installation.merchant["live"]);
    let action = format!("{failpoint}=return");
    let process = installation.start_serving(&OPTIONS, &[("FAILPOINTS", &action)]);
    let server = Server::started(process, &installation.credentials).await;
    let mut server = server.unwrap();
    let account = json!({"provider": "BANK", "name": "Our bank", "receives": [
        {"method": "paynow", "account": "201403121W", "accountName": "A Shop Pte Ltd"},
    ]});
    ask(&server.caller, "/providerAccounts", &account).await;
    let order = json!({"amount": PRICE, "currency": "SGD"});
    let session = ask(&server.caller, "/sessions", &order).await;
    let (id, public_id) = (text(&session["id"]), text(&session["publicId"]));
    assert!(send(pay(&server.caller, &public_id)).await.is_err());
    let status = server.process.ended().await;
    assert_eq!(status.signal(), Some(ABORTED), "{}", server.log());

    let server = installation.serve(&OPTIONS).await;
    // It is known what came of it: nothing, or that the payer is waited for.
    let session = wait_for("the outcome is known", SETTLED_WITHIN, async || {
        let session = send(server.caller.session(&id)).await.unwrap().ok();
        let first = &session["transactions"][0];
        let known = first["status"] == "failed" || first["destination"].is_object();
        known.then_some(session)
    })
    .await;
    let first = &session["transactions"][0];
    assert!(
        first["status"] != "failed" || first["destination"].is_null(),
        "half begun: {first}"
    );
    send(pay(&server.caller, &public_id)).await.unwrap().ok();
    let session = send(server.caller.session(&id)).await.unwrap().ok();
    assert_eq!(session["status"], "processing");
    let payments = session["transactions"].as_array().unwrap();
    let payment = payments.last().unwrap();
    let money = json!({
        "bankTransactionId": "bank 1", "account": "201403121W", "amount": PRICE, "currency": "SGD",
        "reference": payment["destination"]["nonce"], "receivedAt": payment["createdAt"],
    });
    let transfer = ask(&server.caller, "/bankTransfers", &money).await;
    assert_eq!(transfer["transactionId"], payment["id"]);
    let session = send(server.caller.session(&id)).await.unwrap().ok();
    assert_eq!(session["status"], "completed", "{session}");
    server.stop().await;
    let payments = session["transactions"].as_array().unwrap();
    payments
        .iter()
        .map(|payment| text(&payment["status"]))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_was_lost_before_anybody_saw_it_comes_to_nothing_and_another_is_paid() {
    for failpoint in ["after-intent", "after-call"] {
        assert_eq!(
            dies_at(failpoint).await,
            ["failed", "succeeded"],
            "{failpoint}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_was_committed_is_shown_again_and_paid() {
    assert_eq!(dies_at("after-outcome").await, ["succeeded"]);
}

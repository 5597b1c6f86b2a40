//! Settle, void, refund, charge: what becomes of money that was taken.

use paydesk_testing::TestServer;
use serde_json::{Value, json};

use super::{get, is_problem, open, paid, pay, post, stored_card};

#[tokio::test]
async fn an_authorization_is_settled_in_part_and_the_rest_is_released() {
    let server = TestServer::start().await;
    let id = paid(&server, "authorization").await;
    let settle = format!("/transactions/{id}/settle");
    let settled = post(&server, &settle, json!({"amount": 2000})).await;
    assert_eq!(settled.status, 201);
    let settled = settled.json();
    assert_eq!(settled["status"], "succeeded");
    assert_eq!(settled["action"], "settle");
    assert_eq!(settled["relatedTransactionId"], *id);
    let held = get(&server, &format!("/transactions/{id}")).await.ok();
    assert_eq!(
        (&held["hold"], &held["settledAmount"]),
        (&json!("settled"), &json!(2000))
    );
    let again = post(&server, &settle, Value::Null).await;
    is_problem(&again, 422, "already_settled", None);
    let void = post(&server, &format!("/transactions/{id}/void"), Value::Null).await;
    is_problem(&void, 422, "already_settled", None);
    // What was settled can be given back.
    let settle = settled["id"].as_str().unwrap();
    let refund = post(
        &server,
        &format!("/transactions/{settle}/refund"),
        Value::Null,
    )
    .await;
    assert_eq!(refund.ok()["amount"], 2000);
}

#[tokio::test]
async fn an_authorization_is_voided_once() {
    let server = TestServer::start().await;
    let id = paid(&server, "authorization").await;
    let void = format!("/transactions/{id}/void");
    assert_eq!(
        post(&server, &void, Value::Null).await.ok()["status"],
        "succeeded"
    );
    let again = post(&server, &void, Value::Null).await;
    is_problem(&again, 422, "already_voided", None);
    let refund = post(&server, &format!("/transactions/{id}/refund"), Value::Null).await;
    is_problem(&refund, 422, "not_refundable", None);
}

#[tokio::test]
async fn refunds_never_exceed_what_was_taken() {
    let server = TestServer::start().await;
    let id = paid(&server, "payment").await;
    let refund = format!("/transactions/{id}/refund");
    let first = post(&server, &refund, json!({"amount": 1000, "currency": "SGD"})).await;
    assert_eq!(first.ok()["action"], "refund");
    let too_much = post(&server, &refund, json!({"amount": 2501})).await;
    is_problem(&too_much, 400, "amount_too_large", Some("amount"));
    let rest = post(&server, &refund, Value::Null).await.ok();
    assert_eq!(rest["amount"], 2500);
    let paid = get(&server, &format!("/transactions/{id}")).await.ok();
    assert_eq!(paid["refundedAmount"], 3500);
    let more = post(&server, &refund, Value::Null).await;
    is_problem(&more, 400, "amount_too_large", Some("amount"));
    let settle = post(&server, &format!("/transactions/{id}/settle"), Value::Null).await;
    is_problem(&settle, 422, "not_settleable", None);
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_at_once_by_sync() {
    let server = TestServer::start().await;
    let session = open(&server, json!({"amount": 3500, "currency": "SGD"})).await;
    let session = pay(&server, &session, "4000000000005126").await;
    let unknown = &session["transactions"][0];
    assert_eq!(unknown["status"], "unknown");
    let id = unknown["id"].as_str().unwrap();
    let synced = post(&server, &format!("/transactions/{id}/sync"), Value::Null)
        .await
        .ok();
    assert_eq!(synced["status"], "succeeded");
    let session = session["id"].as_str().unwrap();
    let session = get(&server, &format!("/sessions/{session}")).await.ok();
    assert_eq!(session["status"], "completed");
}

#[tokio::test]
async fn a_stored_card_is_charged_until_it_is_detached() {
    let server = TestServer::start().await;
    let card = stored_card(&server).await;
    let charge = format!("/paymentMethods/{card}/charge");
    let body = json!({"amount": 900, "currency": "SGD", "reference": "sub-1"});
    let charged = post(&server, &charge, body.clone()).await;
    assert_eq!(charged.status, 201);
    assert_eq!(charged.json()["paymentMethod"], *card);
    let taken = post(&server, &charge, body.clone()).await;
    is_problem(&taken, 409, "reference_taken", Some("reference"));

    for reference in [String::new(), " ".into(), "x".repeat(60_000)] {
        let wrong = json!({"amount": 900, "currency": "SGD", "reference": reference});
        let refused = post(&server, &charge, wrong).await;
        is_problem(&refused, 400, "invalid_field", Some("reference"));
    }

    let listed = get(&server, "/paymentMethods?customer=c-1").await.ok();
    assert_eq!(listed["data"][0]["id"], *card);
    let nobodys = get(&server, "/paymentMethods?customer=c-2").await.ok();
    assert_eq!(nobodys["data"], json!([]));

    let detached = post(
        &server,
        &format!("/paymentMethods/{card}/detach"),
        Value::Null,
    )
    .await;
    assert!(detached.ok()["detachedAt"].is_string());
    let gone = post(&server, &charge, json!({"amount": 900, "currency": "SGD"})).await;
    is_problem(&gone, 404, "payment_method_not_found", None);
}

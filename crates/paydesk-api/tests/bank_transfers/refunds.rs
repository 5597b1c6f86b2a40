//! Money that goes back from a merchant's own bank: never said before the merchant names the transfer that took it there.

use http::{Method, StatusCode};
use paydesk_testing::TestServer;
use serde_json::{Value, json};

use super::bank::{Desk, payment_of};
use super::{assert_problem, said};

fn refund(session: &Value) -> String {
    format!("/api/v1/transactions/{}/refund", payment_of(session))
}

async fn refunded(desk: &Desk<'_>, session: &Value) -> i64 {
    let path = format!("/api/v1/transactions/{}", payment_of(session));
    desk.get(&path).await["refundedAmount"].as_i64().unwrap()
}

#[tokio::test]
async fn it_is_recorded_with_the_banks_id_and_never_beyond_what_came() {
    let server = TestServer::start().await;
    let desk = Desk::live(&server).await;
    let session = desk.paid("in 1").await;
    let sent = json!({"amount": 1_000, "providerReference": " out 1 "});
    let answer = desk.post(&refund(&session), &sent).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let recorded = answer.json();
    assert_eq!(
        (
            &recorded["action"],
            &recorded["status"],
            &recorded["amount"],
            &recorded["providerReference"]
        ),
        (
            &json!("refund"),
            &json!("succeeded"),
            &json!(1_000),
            &json!("out 1")
        )
    );
    let beyond = json!({"amount": 2_501, "providerReference": "out 2"});
    let answer = desk.post(&refund(&session), &beyond).await;
    assert_problem(&answer, 400, "amount_too_large", "amount");
    let rest = json!({"providerReference": "out 2"});
    assert_eq!(
        desk.post(&refund(&session), &rest).await.ok()["amount"],
        2_500
    );
    assert_eq!(refunded(&desk, &session).await, 3_500);
    let told = desk.get("/api/v1/events").await;
    let kinds = told["data"].as_array().unwrap().iter();
    let told = kinds
        .filter(|event| event["type"] == "refund.succeeded")
        .count();
    assert_eq!(told, 2);
}

#[tokio::test]
async fn without_a_reference_nothing_is_claimed_whoever_asks() {
    let server = TestServer::start().await;
    let desk = Desk::live(&server).await;
    let session = desk.paid("in 1").await;
    let id = payment_of(&session);
    let answer = desk.post(&refund(&session), &json!({})).await;
    assert_problem(&answer, 422, "refund_at_bank", "");
    let answer = desk.post(&refund(&session), &json!({"amount": 1})).await;
    assert_problem(&answer, 422, "refund_at_bank", "");
    let answer = desk
        .post(&refund(&session), &json!({"providerReference": "  "}))
        .await;
    assert_problem(&answer, 400, "invalid_field", "providerReference");

    let says = "send it back from your bank";
    let authorization = (
        http::header::AUTHORIZATION,
        TestServer::basic(&desk.credentials),
    );
    let path = format!("/charges/{id}/refunds");
    let xanpay = server
        .request(Method::POST, &path, &[authorization], "")
        .await;
    assert!(
        xanpay.status.is_client_error() && xanpay.text().contains(says),
        "{}",
        xanpay.text()
    );
    let body = json!({ "reference": id });
    let modempay = desk.post("/v1/transactions/refund", &body).await;
    assert_eq!(
        modempay.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        modempay.text()
    );
    assert!(modempay.text().contains(says), "{}", modempay.text());
    let secret = desk.credentials.secret.reveal().parse().unwrap();
    let headers = [
        (http::HeaderName::from_static("accrupay-api-secret"), secret),
        (
            http::header::CONTENT_TYPE,
            "application/json".parse().unwrap(),
        ),
    ];
    let query = json!({
        "query": "mutation($id: String) { merchantApiTransactionRefund(amount: 3500, id: $id) { id } }",
        "variables": {"id": id},
    });
    let accrupay = server
        .request(Method::POST, "/graphql", &headers, query.to_string())
        .await;
    let error = &accrupay.json()["errors"][0];
    assert_eq!(
        error["extensions"]["code"],
        "VALIDATION_ERROR",
        "{}",
        accrupay.text()
    );
    assert!(error["message"].as_str().unwrap().contains(says), "{error}");

    let now = desk.now(&session).await;
    assert_eq!(now["transactions"].as_array().unwrap().len(), 1, "{now}");
    assert_eq!(refunded(&desk, &session).await, 0);
}

#[tokio::test]
async fn one_transfer_counts_once_however_often_and_for_whatever_it_is_named() {
    let server = TestServer::start().await;
    let desk = Desk::live(&server).await;
    let (session, other) = (desk.paid("in 1").await, desk.paid("in 2").await);
    let sent = json!({"amount": 1_000, "providerReference": "out 1"});
    let first = desk.post(&refund(&session), &sent).await;
    assert_eq!(first.status, StatusCode::CREATED);
    let again = desk.post(&refund(&session), &sent).await;
    assert_eq!((again.status, &again.body), (StatusCode::OK, &first.body));
    let all = json!({"providerReference": "out 1"});
    assert_eq!(desk.post(&refund(&session), &all).await.body, first.body);
    let more = json!({"amount": 1_001, "providerReference": "out 1"});
    for (session, body) in [(&session, &more), (&other, &sent), (&other, &all)] {
        let answer = desk.post(&refund(session), body).await;
        assert_problem(&answer, 400, "invalid_field", "providerReference");
    }
    // Nor is what came in what went out.
    let came = json!({"amount": 1_000, "providerReference": "in 2"});
    let answer = desk.post(&refund(&session), &came).await;
    assert_problem(&answer, 400, "invalid_field", "providerReference");
    assert_eq!(refunded(&desk, &session).await, 1_000);
    assert_eq!(refunded(&desk, &other).await, 0);
}

#[tokio::test]
async fn many_at_once_record_it_once() {
    let server = TestServer::start().await;
    let desk = Desk::live(&server).await;
    let session = desk.paid("in 1").await;
    let (path, sent) = (
        refund(&session),
        json!({"amount": 100, "providerReference": "out 1"}),
    );
    let at_once = (0..20).map(|_| desk.post(&path, &sent));
    let answers = futures_util::future::join_all(at_once).await;
    let made = answers
        .iter()
        .filter(|answer| answer.status == StatusCode::CREATED)
        .count();
    assert_eq!(made, 1);
    let ids: std::collections::BTreeSet<String> = answers
        .iter()
        .map(|answer| answer.ok()["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(refunded(&desk, &session).await, 100);
}

#[tokio::test]
async fn a_key_is_answered_byte_for_byte_and_a_restart_forgets_nothing() {
    let server = TestServer::start().await;
    let desk = Desk::live(&server).await;
    let session = desk.paid("in 1").await;
    let sent = json!({"amount": 1_000, "providerReference": "out 1"});
    let first = desk.post_once(&refund(&session), "key 1", &sent).await;
    let server = server.restarted().await;
    let desk = Desk::of(&server, paydesk_core::tenant::Mode::Live);
    let again = desk.post_once(&refund(&session), "key 1", &sent).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    let other_key = desk.post_once(&refund(&session), "key 2", &sent).await;
    assert_eq!(
        (other_key.status, &other_key.body),
        (StatusCode::OK, &first.body)
    );
    assert_eq!(refunded(&desk, &session).await, 1_000);
}

#[tokio::test]
async fn late_money_goes_back_too() {
    let server = TestServer::start().await;
    let desk = Desk::live(&server).await;
    let session = desk.waiting().await;
    server.advance(paydesk_core::time::Span::hours(2)).await;
    let late = desk.report(&said(&session, "in 1", 3_500)).await.ok();
    let id = late["transactionId"].as_str().unwrap();
    let path = format!("/api/v1/transactions/{id}/refund");
    desk.post(&path, &json!({"providerReference": "out 1"}))
        .await
        .ok();
    let now = desk.get(&format!("/api/v1/transactions/{id}")).await;
    assert_eq!(
        (&now["status"], &now["refundedAmount"]),
        (&json!("cancelled"), &json!(3_500))
    );
}

#[tokio::test]
async fn where_paydesk_moves_the_money_a_reference_is_refused() {
    let server = TestServer::start().await;
    let session = super::waiting(&server, 10_000, "HKD", "hk-bank-transfer").await;
    super::report(&server, &said(&session, "in 1", 10_000))
        .await
        .ok();
    let body = r#"{"providerReference": "out 1"}"#;
    let answer = server.native(Method::POST, &refund(&session), body).await;
    assert_problem(&answer, 400, "invalid_field", "providerReference");
    let answer = server
        .native(Method::POST, &refund(&session), "{}")
        .await
        .ok();
    assert_eq!(answer["status"], "succeeded");
}

//! Sessions as XanPay documents them.

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use paydesk_core::time::Span;
use paydesk_testing::TestServer;
use serde_json::{Value, json};

use super::{charge, open, pay, seed};

/// What differs from run to run, by name.
fn redacted(mut value: Value) -> Value {
    for field in ["id", "createdAt", "updatedAt"] {
        if let Some(text) = value.get_mut(field) {
            *text = json!(format!("[{field}]"));
        }
    }
    value
}

#[tokio::test]
async fn the_documented_request_gets_the_documented_answer() {
    let server = TestServer::start().await;
    // As the documented curl sends it: JSON under curl's default content type.
    let form = (
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    let headers = [
        (AUTHORIZATION, TestServer::basic(&server.merchant.test)),
        form,
    ];
    let answer = server
        .request(Method::POST, "/sessions/", &headers, seed().to_string())
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers[CONTENT_TYPE], "application/json");
    insta::assert_json_snapshot!(redacted(answer.json()));

    let id = answer.json()["id"].as_str().unwrap().to_owned();
    let again = server
        .xanpay(Method::GET, &format!("/sessions/{id}"), "")
        .await;
    assert_eq!(again.body, answer.body);
}

#[tokio::test]
async fn what_is_absent_is_left_out() {
    let server = TestServer::start().await;
    let answer = server
        .xanpay(
            Method::POST,
            "/sessions",
            r#"{"amount":1.5,"currency":"SGD"}"#,
        )
        .await;
    insta::assert_json_snapshot!(redacted(answer.ok()));
}

#[tokio::test]
async fn amounts_are_numbers_with_the_currencys_decimals() {
    let server = TestServer::start().await;
    for (amount, currency, out) in [
        ("\"35.50\"", "SGD", "35.5"),
        ("1000", "IDR", "1000"),
        ("\"0.05\"", "SGD", "0.05"),
        ("12e2", "THB", "1200"),
    ] {
        let body = format!(r#"{{"amount":{amount},"currency":"{currency}"}}"#);
        let answer = server.xanpay(Method::POST, "/sessions", body).await;
        assert!(
            answer.text().contains(&format!("\"amount\":{out},")),
            "{}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn the_merchant_chooses_among_the_methods_that_settle() {
    let server = TestServer::start().await;
    let request =
        json!({"amount": 35, "currency": "HKD", "methods": ["hk-bank-transfer", "fps", "fps"]});
    let answer = server
        .xanpay(Method::POST, "/sessions", request.to_string())
        .await;
    assert_eq!(answer.ok()["methods"], json!(["hk-bank-transfer", "fps"]));
}

#[tokio::test]
async fn a_session_that_nobody_starts_expires_after_seven_days() {
    let server = TestServer::start().await;
    let id = open(&server, &seed()).await;
    let status = async || {
        server
            .xanpay(Method::GET, &format!("/sessions/{id}"), "")
            .await
            .ok()["status"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    server.clock.advance(Span::seconds(7 * 86_400 - 1));
    assert_eq!(status().await, "created");
    server.clock.advance(Span::seconds(1));
    assert_eq!(status().await, "expired", "before any sweeper came by");
    server.run_jobs().await;
    assert_eq!(status().await, "expired");
}

#[tokio::test]
async fn an_initiated_session_expires_after_an_hour() {
    let server = TestServer::start().await;
    let id = open(&server, &seed()).await;
    server.clock.advance(Span::days(6));
    server
        .payer(Method::POST, &format!("/pay/{id}/initiate"), "{}")
        .await
        .ok();
    let status = async || {
        server
            .xanpay(Method::GET, &format!("/sessions/{id}"), "")
            .await
            .ok()["status"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(status().await, "initiated");
    server.advance(Span::minutes(59)).await;
    assert_eq!(status().await, "initiated");
    server.advance(Span::minutes(1)).await;
    assert_eq!(status().await, "expired");
}

#[tokio::test]
async fn once_a_charge_exists_the_session_stays_charged() {
    let server = TestServer::start().await;
    let id = open(&server, &seed()).await;
    server
        .payer(
            Method::POST,
            &format!("/pay/{id}/payments"),
            r#"{"method":"paynow"}"#,
        )
        .await
        .ok();
    let status = async || {
        server
            .xanpay(Method::GET, &format!("/sessions/{id}"), "")
            .await
            .ok()["status"]
            .clone()
    };
    assert_eq!(status().await, "charged");
    assert_eq!(charge(&server, &id).await["status"], "pending");
    server.advance(Span::hours(3)).await;
    assert_eq!(status().await, "charged");
    assert_eq!(charge(&server, &id).await["status"], "expired");
}

#[tokio::test]
async fn a_declined_card_leaves_no_charge_and_another_may_be_tried() {
    let server = TestServer::start().await;
    let id = open(&server, &seed()).await;
    let card = |number: &str| {
        json!({"method": "card", "card": {"number": number, "expMonth": 12, "expYear": 2040, "cvc": "123", "name": "A"}})
            .to_string()
    };
    let path = format!("/pay/{id}/payments");
    let declined = server
        .payer(Method::POST, &path, card("4000000000000002"))
        .await;
    assert_eq!(declined.ok()["declineReason"], "declined");
    let session = server
        .xanpay(Method::GET, &format!("/sessions/{id}"), "")
        .await
        .ok();
    assert_eq!(session["status"], "initiated");
    let none = server
        .xanpay(Method::GET, &format!("/sessions/{id}/charge"), "")
        .await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    server
        .payer(Method::POST, &path, card("4242424242424242"))
        .await
        .ok();
    let charge = charge(&server, &id).await;
    assert_eq!(
        (charge["status"].as_str(), charge["method"].as_str()),
        (Some("completed"), Some("card"))
    );
}

#[tokio::test]
async fn a_paid_session_is_paid_once() {
    let server = TestServer::start().await;
    let id = open(&server, &seed()).await;
    let first = pay(&server, &id).await;
    assert_eq!(first["status"], "completed");
    let again = server
        .payer(
            Method::POST,
            &format!("/pay/{id}/payments"),
            r#"{"method":"paynow"}"#,
        )
        .await;
    assert_eq!(
        again.ok()["status"],
        "succeeded",
        "the second answer says what happened"
    );
    assert_eq!(charge(&server, &id).await, first);
}

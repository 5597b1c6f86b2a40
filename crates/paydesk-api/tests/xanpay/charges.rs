//! Charges and refunds.

use http::{Method, StatusCode};
use paydesk_core::time::Span;
use paydesk_testing::TestServer;
use serde_json::{Value, json};

use super::{charge, open, pay, seed};

#[tokio::test]
async fn a_charge_has_every_field_of_the_documented_one() {
    let server = TestServer::start().await;
    let id = open(&server, &seed()).await;
    let none = server
        .xanpay(Method::GET, &format!("/sessions/{id}/charge"), "")
        .await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);

    let path = format!("/pay/{id}/payments");
    server
        .payer(Method::POST, &path, r#"{"method":"paynow"}"#)
        .await
        .ok();
    let mut charge = charge(&server, &id).await;
    assert_eq!(charge["sessionId"], json!(id));
    let code = charge["destination"]["qrCode"].as_str().unwrap();
    let nonce = charge["destination"]["nonce"].as_str().unwrap();
    assert!(code.contains(nonce) && nonce.len() == 10, "{code}");
    for field in ["id", "sessionId", "createdAt", "updatedAt"] {
        charge[field] = json!(format!("[{field}]"));
    }
    charge["customer"]["id"] = json!("[customer]");
    charge["destination"]["qrCode"] = json!("[qrCode]");
    charge["destination"]["nonce"] = json!("[nonce]");
    insta::assert_json_snapshot!(charge);
}

#[tokio::test]
async fn a_charge_names_the_customer_as_the_payer_corrected_it() {
    let server = TestServer::start().await;
    for (written, email, phone) in [
        (json!({}), "customer@gmail.com", "+6512345678901"),
        // As the page shows it.
        (
            json!({"email": "customer@gmail.com", "phone": "+65 12345678901"}),
            "customer@gmail.com",
            "+6512345678901",
        ),
        (
            json!({"email": "other@gmail.com", "phone": "+65 87654321"}),
            "other@gmail.com",
            "+65 87654321",
        ),
    ] {
        let id = open(&server, &seed()).await;
        let mut body = written;
        body["method"] = json!("paynow");
        let path = format!("/pay/{id}/payments");
        server
            .payer(Method::POST, &path, body.to_string())
            .await
            .ok();
        let customer = charge(&server, &id).await["customer"].clone();
        assert_eq!(customer["email"], email);
        assert_eq!(customer["phone"], phone);

        let path = format!("/api/v1/sessions/{}", native_id(&server, &id));
        let session = server.native(Method::GET, &path, "").await.ok();
        let contact = session["transactions"][0]["contact"].clone();
        body.as_object_mut().unwrap().remove("method");
        let expected = if body == json!({}) { Value::Null } else { body };
        assert_eq!(contact, expected, "the native API tells what was written");
    }
}

/// The native id of a session that is known by what XanPay calls its id.
fn native_id(server: &TestServer, id: &str) -> String {
    let authority = paydesk_core::authority::Authority::from_text(id, server.engine.keys());
    authority.unwrap().session.to_string()
}

#[tokio::test]
async fn a_charge_is_refunded_in_parts_and_never_beyond_the_whole() {
    let server = TestServer::start().await;
    let id = open(&server, &seed()).await;
    let paid = pay(&server, &id).await;
    let path = format!("/charges/{}/refunds", paid["id"].as_str().unwrap());
    let refund = async |body: Value| server.xanpay(Method::POST, &path, body.to_string()).await;
    assert_eq!(
        refund(json!({"amount": "10.50"})).await.ok()["status"],
        "completed"
    );
    assert_eq!(
        refund(json!({"amount": 25})).await.status,
        StatusCode::BAD_REQUEST
    );
    // Ids of one millisecond have no order.
    server.clock.advance(Span::millis(1));
    let rest = server.xanpay(Method::POST, &path, "").await.ok();
    assert_eq!(
        rest["amount"],
        json!(24.5),
        "no body gives back what is left"
    );
    assert_eq!(
        refund(json!({"amount": "0.01"})).await.status,
        StatusCode::BAD_REQUEST
    );

    let refunds = charge(&server, &id).await["refunds"].clone();
    assert_eq!(refunds.as_array().unwrap().len(), 2);
    let query = format!("/refunds?chargeId={}", paid["id"].as_str().unwrap());
    let listed = server.xanpay(Method::GET, &query, "").await.ok();
    assert_eq!(listed["data"].as_array().unwrap().len(), 2);
    let second = server
        .xanpay(
            Method::GET,
            &format!("{query}&page=2&limit=1&status=completed"),
            "",
        )
        .await
        .ok();
    assert_eq!(second["data"][0]["amount"], json!(10.5), "newest first");
}

#[tokio::test]
async fn many_refunds_at_once_never_give_back_more_than_was_paid() {
    let server = TestServer::start().await;
    let id = open(&server, &seed()).await;
    let paid = pay(&server, &id).await;
    let path = format!("/charges/{}/refunds", paid["id"].as_str().unwrap());
    let sent = (0..20).map(|_| server.xanpay(Method::POST, &path, r#"{"amount":10}"#));
    let answers = futures_util::future::join_all(sent).await;
    assert_eq!(
        answers
            .iter()
            .filter(|answer| answer.status == StatusCode::OK)
            .count(),
        3
    );
    assert!(answers.iter().all(|answer| answer.status.as_u16() < 500));
}

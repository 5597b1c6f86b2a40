//! Creating and retrieving.

use http::{Method, StatusCode};
use paydesk_core::time::Span;
use paydesk_testing::TestServer;
use serde_json::{Value, json};

use super::{call, call_with, open, pay, retrieve, stored};

#[tokio::test]
async fn a_session_comes_back_with_everything_that_was_given() {
    let server = TestServer::start().await;
    let given = json!({
        "title": "Coffee",
        "description": "Two pounds",
        "amount": 450.5,
        "currency": "GMD",
        "redirect_url": "https://shop.example/thanks?a=1",
        "cancel_url": "https://shop.example/cart",
        "custom_fields": ["Size", "Delivery address"],
        "expires_in": 3600,
        "customer": "c-17",
        "customer_name": "Awa Jallow",
        "customer_email": "awa@example.com",
        "customer_phone": "+2207000000",
        "metadata": {"order": {"id": 7, "tags": ["a", null, true]}, "10": 0.5, "9": "x", "": {}}
    });
    let session = open(&server, given.clone()).await;
    for (field, value) in given.as_object().unwrap() {
        assert_eq!(&session[field], value, "{field}");
    }
    assert_eq!(session["type"], "single-charge");
    assert_eq!(session["status"], "active");
    assert_eq!(session["expired"], false);
    assert_eq!(session["test_mode"], true);
    assert_eq!(session["unique_code"].as_str().unwrap().len(), 26);
    let link = session["payment_link"].as_str().unwrap();
    assert!(link.starts_with(&format!("{}/pay/", server.url)), "{link}");
    assert_eq!(retrieve(&server, &session).await, session);
}

#[tokio::test]
async fn metadata_is_any_object_and_comes_back_as_given() {
    let server = TestServer::start().await;
    let many: Value = (0..200).map(|n| (format!("key {n}"), json!(n))).collect();
    for metadata in [
        json!({}),
        json!({"a": [[[]], {"b": null}], "🎉": -0.25}),
        many,
    ] {
        let session = open(&server, json!({"amount": 1, "metadata": metadata})).await;
        assert_eq!(retrieve(&server, &session).await["metadata"], metadata);
    }
}

#[tokio::test]
async fn metadata_keeps_its_digits_and_the_order_of_its_keys() {
    let server = TestServer::start().await;
    // Nothing of it is a double's, or in the order of an index.
    let metadata = r#"{"z":12345678901234567890.123,"a":1e400,"zero":-0,"price":0.10,"10":"ten","9":["\/",{"":null}],"z":2}"#;
    let spaced = metadata.replace(',', " ,\n\t");
    for given in [metadata, &spaced] {
        let body = format!(r#"{{"data": {{"amount": 450, "metadata": {given}}}}}"#);
        let made = call(&server, Method::POST, "/v1/sessions", body).await;
        assert_eq!(made.status, StatusCode::CREATED);
        // The library that reads answers here would refuse 1e400.
        let said = made.text();
        let id = said.split('"').nth(3).unwrap();
        let written = format!(r#""metadata":{metadata}"#);
        assert!(made.text().contains(&written), "{}", made.text());
        for path in [
            format!("/v1/sessions/single/{id}"),
            "/v1/sessions".to_owned(),
            format!("/api/v1/sessions/{id}"),
        ] {
            let read = call(&server, Method::GET, &path, "").await;
            assert!(read.text().contains(&written), "{path}: {}", read.text());
        }
    }
}

#[tokio::test]
async fn the_currency_is_gambian_dalasi_unless_another_is_named() {
    let server = TestServer::start().await;
    let session = open(&server, json!({"amount": "450"})).await;
    assert_eq!(session["currency"], "GMD");
    assert_eq!(session["amount"], 450);
    let session = open(&server, json!({"amount": 5000, "currency": "XOF"})).await;
    assert_eq!(
        (&session["amount"], &session["currency"]),
        (&json!(5000), &json!("XOF"))
    );
}

#[tokio::test]
async fn a_session_without_a_lifetime_of_its_own_has_seven_days() {
    let server = TestServer::start().await;
    let long = open(&server, json!({"amount": 1})).await;
    let short = open(&server, json!({"amount": 1, "expires_in": 60})).await;
    server.advance(Span::seconds(59)).await;
    assert_eq!(retrieve(&server, &short).await["status"], "active");
    server.clock.advance(Span::seconds(1));
    let expired = retrieve(&server, &short).await;
    assert_eq!(
        (&expired["status"], &expired["expired"]),
        (&json!("expired"), &json!(true))
    );
    assert_eq!(expired["expires_at"], short["expires_at"]);
    // Each request takes a millisecond.
    server.clock.advance(Span::millis(7 * 86_400_000 - 60_010));
    assert_eq!(retrieve(&server, &long).await["status"], "active");
    server.clock.advance(Span::millis(10));
    assert_eq!(retrieve(&server, &long).await["status"], "expired");
}

#[tokio::test]
async fn a_session_says_what_became_of_it() {
    let server = TestServer::start().await;
    let paid = open(&server, json!({"amount": 450})).await;
    pay(&server, &paid, json!({})).await.ok();
    let paid = retrieve(&server, &paid).await;
    assert_eq!(
        (&paid["status"], &paid["expired"]),
        (&json!("completed"), &json!(false))
    );

    let left = open(&server, json!({"amount": 450})).await;
    let cancel = format!("{}/cancel", super::link(&left));
    server.payer(Method::POST, &cancel, "{}").await.ok();
    assert_eq!(retrieve(&server, &left).await["status"], "cancelled");
}

#[tokio::test]
async fn a_session_of_another_dialect_can_be_read_and_expired() {
    let server = TestServer::start().await;
    let native = json!({"amount": 45_050, "currency": "GMD", "title": "Tea"});
    let opened = server
        .native(Method::POST, "/api/v1/sessions", native.to_string())
        .await
        .ok();
    let read = retrieve(&server, &opened).await;
    assert_eq!(read["amount"], 450.5);
    assert_eq!(read["title"], "Tea");
    assert_eq!(
        super::expire(&server, &opened).await.ok()["status"],
        "expired"
    );
}

#[tokio::test]
async fn two_requests_with_one_body_are_two_sessions_and_with_one_key_are_one() {
    let server = TestServer::start().await;
    let body = json!({"data": {"amount": 450, "title": "Coffee"}}).to_string();
    let one = call(&server, Method::POST, "/v1/sessions", &body)
        .await
        .ok();
    let two = call(&server, Method::POST, "/v1/sessions", &body)
        .await
        .ok();
    assert_ne!(one["id"], two["id"]);
    assert_eq!(stored(&server).await, 2);

    let key = ("idempotency-key", "order-7");
    let first = call_with(&server, Method::POST, "/v1/sessions", key, &body).await;
    let again = call_with(&server, Method::POST, "/v1/sessions", key, &body).await;
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    assert_eq!(stored(&server).await, 3);
    let other = call_with(
        &server,
        Method::POST,
        "/v1/sessions",
        key,
        r#"{"data":{"amount":1}}"#,
    )
    .await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(stored(&server).await, 3);
}

#[tokio::test]
async fn a_hundred_sends_of_one_key_at_once_open_one_session_and_are_all_told_of_it() {
    let server = TestServer::start().await;
    let body = json!({"data": {"amount": 450}}).to_string();
    let key = ("idempotency-key", "order-7");
    let sent = (0..100).map(|_| call_with(&server, Method::POST, "/v1/sessions", key, &body));
    let answers = futures_util::future::join_all(sent).await;
    // The published client takes a 422 for final: it would give up a session that is open.
    answers[0].ok();
    for answer in &answers {
        assert_eq!(answer.text(), answers[0].text(), "{}", answer.status);
    }
    assert_eq!(stored(&server).await, 1);
}

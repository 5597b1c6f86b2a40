//! Customers, and the sessions that name them.

use http::Method;
use paydesk_testing::TestServer;
use serde_json::{Value, json};

use super::{GOOD, call, get, is_problem, open, pay, post};

async fn with_code(server: &TestServer, code: &str) -> Vec<Value> {
    let page = get(server, &format!("/customers?code={code}")).await.ok();
    page["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_session_that_names_an_unknown_code_makes_the_customer_once() {
    let server = TestServer::start().await;
    let customer = json!({"code": "c-7", "name": "Ada", "phone": "+6591234567"});
    let session = json!({"amount": 3500, "currency": "SGD", "customer": customer});
    open(&server, session.clone()).await;
    let made = with_code(&server, "c-7").await;
    assert_eq!(made.len(), 1);
    assert_eq!(
        (&made[0]["name"], &made[0]["phone"]),
        (&json!("Ada"), &json!("+6591234567"))
    );
    open(&server, session).await;
    assert_eq!(with_code(&server, "c-7").await, made);
    assert!(with_code(&server, "c-8").await.is_empty());
}

#[tokio::test]
async fn a_hundred_sessions_of_one_new_customer_make_one() {
    let server = TestServer::start().await;
    let session = json!({"amount": 3500, "currency": "SGD", "customer": {"code": "crowd"}});
    let opened = (0..100).map(|_| open(&server, session.clone()));
    futures_util::future::join_all(opened).await;
    let all = get(&server, "/customers").await.ok();
    assert_eq!(all["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_code_is_one_customers() {
    let server = TestServer::start().await;
    let made = post(
        &server,
        "/customers",
        json!({"code": "c-1", "email": "a@b.example"}),
    )
    .await;
    assert_eq!(made.status, 201);
    let taken = post(&server, "/customers", json!({"code": "c-1"})).await;
    is_problem(&taken, 409, "customer_code_taken", Some("code"));
    let other = post(&server, "/customers", json!({})).await.ok();
    assert!(other["code"].as_str().unwrap().starts_with("cus_"));
}

#[tokio::test]
async fn what_is_given_changes_and_null_takes_away() {
    let server = TestServer::start().await;
    let made = post(
        &server,
        "/customers",
        json!({"name": "Ada", "email": "a@b.example"}),
    )
    .await;
    let made = made.ok();
    let path = format!("/customers/{}", made["id"].as_str().unwrap());
    let change = json!({"name": "Bea", "email": null});
    let changed = call(&server, Method::PATCH, &path, change).await.ok();
    assert_eq!(changed["name"], "Bea");
    assert!(changed["email"].is_null());
    assert_eq!(get(&server, &path).await.ok(), changed);
    let refused = call(&server, Method::PATCH, &path, json!({"code": "x"})).await;
    is_problem(&refused, 400, "invalid_json", Some("code"));
}

#[tokio::test]
async fn a_deleted_customer_is_gone_with_its_cards_and_its_code_is_free() {
    let server = TestServer::start().await;
    let customer = json!({"code": "c-9", "name": "Ada"});
    let session = json!({"kind": "addPaymentMethod", "currency": "SGD", "customer": customer});
    let session = pay(&server, &open(&server, session).await, GOOD).await;
    let card = session["transactions"][0]["paymentMethod"]
        .as_str()
        .unwrap();
    let made = with_code(&server, "c-9").await[0].clone();
    let path = format!("/customers/{}", made["id"].as_str().unwrap());

    let deleted = call(&server, Method::DELETE, &path, Value::Null).await.ok();
    assert_eq!(deleted, made, "it is answered as it was");
    for gone in [
        get(&server, &path).await,
        call(&server, Method::DELETE, &path, Value::Null).await,
        call(&server, Method::PATCH, &path, json!({"name": "x"})).await,
    ] {
        is_problem(&gone, 404, "customer_not_found", None);
    }
    assert!(with_code(&server, "c-9").await.is_empty());
    let read = get(&server, &format!("/paymentMethods/{card}")).await.ok();
    assert!(read["detachedAt"].is_string(), "{read}");
    let charge = json!({"amount": 3500, "currency": "SGD"});
    let charge = post(&server, &format!("/paymentMethods/{card}/charge"), charge).await;
    assert!(charge.status.is_client_error(), "{}", charge.text());

    let again = post(&server, "/customers", json!({"code": "c-9"}))
        .await
        .ok();
    assert_ne!(again["id"], made["id"]);
}

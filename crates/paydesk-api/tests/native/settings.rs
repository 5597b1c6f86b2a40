//! The merchant's settings and its accounts on rails.

use http::Method;
use paydesk_testing::TestServer;
use serde_json::{Value, json};

use super::{a_session, call, call_as, get, is_problem, open, post};

#[tokio::test]
async fn settings_are_the_modes_own() {
    let server = TestServer::start().await;
    let wanted = json!({
        "name": "Tea House", "allowedOrigins": ["https://Shop.example/"], "locale": "de",
        "accentColour": "#1A2B3C"
    });
    let set = call(&server, Method::PATCH, "/merchant", wanted).await.ok();
    assert_eq!(set["name"], "Tea House");
    assert_eq!(set["allowedOrigins"], json!(["https://shop.example"]));
    assert_eq!(set["accentColour"], "#1a2b3c");
    assert_eq!(get(&server, "/merchant").await.ok(), set);
    let live = server.merchant.live.secret.reveal();
    let live = call_as(&server, live, Method::GET, "/merchant", "")
        .await
        .ok();
    assert_eq!(live["name"], "Test Shop");
    assert_eq!(live["allowedOrigins"], json!([]));

    let session = open(&server, a_session()).await;
    let path = format!("/pay/{}", session["publicId"].as_str().unwrap());
    let page = server.payer(Method::GET, &path, "").await;
    assert!(page.text().contains("Tea House"));

    let taken = json!({"name": null, "logo": null});
    let set = call(&server, Method::PATCH, "/merchant", taken).await.ok();
    assert_eq!(
        (&set["name"], &set["logo"]),
        (&json!("Test Shop"), &Value::Null)
    );
    assert_eq!(set["locale"], "de");
}

#[tokio::test]
async fn the_default_is_meant_where_several_are_enabled_and_none_is_named() {
    let server = TestServer::start().await;
    let account = json!({"provider": "SANDBOX", "name": "Second", "methods": ["card"]});
    let made = post(&server, "/providerAccounts", account).await;
    assert_eq!(made.status, 201);
    let second = made.json()["id"].as_str().unwrap().to_owned();
    let refused = post(&server, "/sessions", a_session()).await;
    is_problem(&refused, 400, "provider_account_ambiguous", None);

    let path = format!("/providerAccounts/{second}");
    let chosen = call(&server, Method::PATCH, &path, json!({"default": true})).await;
    assert_eq!(chosen.ok()["default"], true);
    let session = open(&server, a_session()).await;
    assert_eq!(session["providerAccount"], *second);

    post(&server, &format!("{path}/disable"), Value::Null)
        .await
        .ok();
    let session = open(&server, a_session()).await;
    assert_ne!(
        session["providerAccount"], *second,
        "a disabled account is none"
    );
    let named = json!({"amount": 1, "currency": "SGD", "providerAccount": second});
    let refused = post(&server, "/sessions", named).await;
    is_problem(&refused, 422, "provider_account_disabled", None);
    post(&server, &format!("{path}/enable"), Value::Null)
        .await
        .ok();
    let session = open(&server, a_session()).await;
    assert_eq!(session["providerAccount"], *second);
}

#[tokio::test]
async fn live_mode_has_no_sandbox() {
    let server = TestServer::start().await;
    let live = server.merchant.live.secret.reveal();
    let body = r#"{"provider": "SANDBOX", "name": "x"}"#;
    let refused = call_as(&server, live, Method::POST, "/providerAccounts", body).await;
    is_problem(&refused, 400, "invalid_field", Some("provider"));
}

#[tokio::test]
async fn a_client_token_acts_for_the_payer_until_it_runs_out() {
    let server = TestServer::start().await;
    let session = open(&server, a_session()).await;
    let id = session["id"].as_str().unwrap();
    let path = format!("/sessions/{id}/clientToken");
    let made = post(&server, &path, Value::Null).await.ok();
    let state = format!("/pay/{}/initiate", made["clientToken"].as_str().unwrap());
    let act = || server.payer(Method::POST, &state, r#"{"method": "card"}"#);
    act().await.ok();
    post(&server, "/test/clock/advance", json!({"seconds": 1201}))
        .await
        .ok();
    assert!(act().await.status.is_client_error());
    post(&server, &format!("/sessions/{id}/expire"), Value::Null)
        .await
        .ok();
    let refused = post(&server, &path, Value::Null).await;
    is_problem(&refused, 422, "session_expired", None);
}

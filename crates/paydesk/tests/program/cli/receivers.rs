//! Which addresses a merchant may be notified at.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::support::{Answer, Caller, Credentials, Installation, send};

async fn endpoint(caller: &Caller, url: &str) -> Answer {
    let request = caller.native(Method::POST, "/webhookEndpoints");
    let request = request.header(CONTENT_TYPE, "application/json");
    send(request.body(json!({"url": url}).to_string()))
        .await
        .unwrap()
}

/// XanPay's own request, with another notifyUrl.
async fn session(caller: &Caller, url: &str) -> Answer {
    let session = json!({"amount": "35", "currency": "SGD", "redirectUrl": "https://google.com", "notifyUrl": url});
    let request = caller.xanpay(Method::POST, "/sessions/");
    let request = request.header(CONTENT_TYPE, "application/json");
    send(request.body(session.to_string())).await.unwrap()
}

fn names(answer: &Answer, field: &str) {
    assert_eq!(answer.status, 400, "{answer:?}");
    let said: Value = answer.json();
    assert!(said.to_string().contains(field), "{said}");
}

/// What nothing is ever delivered to, unless the operator allows it.
const PRIVATE: [&str; 4] = [
    "http://127.0.0.1:3000/hook",
    "https://192.168.1.9/hook",
    "http://localhost:3000/hook",
    "https://[::1]/hook",
];

#[tokio::test]
async fn an_address_that_nothing_can_be_delivered_to_is_refused_when_it_is_given() {
    let installation = Installation::new();
    let server = installation.serve(&[]).await;
    let test = &server.caller;
    let live = Credentials::read(&installation.merchant["live"]);
    let live = Caller::new(&server.url, &live);
    for url in PRIVATE.iter().chain(&["https://a:b@shop.example/hook"]) {
        names(&endpoint(test, url).await, "url");
        names(&session(test, url).await, "notifyUrl");
    }
    names(&endpoint(&live, "http://shop.example/hook").await, "url");
    names(
        &session(&live, "http://shop.example/hook").await,
        "notifyUrl",
    );

    // The session first: nothing is to be sent by this test.
    let opened = session(test, "https://google.com/api/notify").await;
    assert_eq!(opened.status, 200);
    let made = endpoint(test, "http://shop.example/hook").await.ok();
    let secure = endpoint(&live, "https://shop.example/hook").await;
    assert_eq!(secure.status, 201);
    let path = format!("/webhookEndpoints/{}", made["id"].as_str().unwrap());
    let moved = test.native(Method::PATCH, &path);
    let moved = moved.header(CONTENT_TYPE, "application/json");
    let moved = moved.body(json!({"url": PRIVATE[0]}).to_string());
    names(&send(moved).await.unwrap(), "url");
    server.stop().await;
}

#[tokio::test]
async fn where_the_operator_allows_private_addresses_they_are_taken() {
    let installation = Installation::new();
    let server = installation.serve(&["--allow-private-webhooks"]).await;
    let live = Credentials::read(&installation.merchant["live"]);
    let live = Caller::new(&server.url, &live);
    for url in PRIVATE {
        assert_eq!(session(&server.caller, url).await.status, 200, "{url}");
    }
    for url in PRIVATE {
        for caller in [&server.caller, &live] {
            assert_eq!(endpoint(caller, url).await.status, 201, "{url}");
        }
    }
    let named = endpoint(&server.caller, "http://a@127.0.0.1/hook").await;
    names(&named, "url");
    server.stop().await;
}

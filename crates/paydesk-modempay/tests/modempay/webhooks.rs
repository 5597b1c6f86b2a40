//! Webhooks in this dialect's words.

use http::Method;
use paydesk_core::keys::Secret;
use paydesk_testing::{Receiver, TestServer};
use paydesk_webhooks::ModemPayKey;
use serde_json::{Value, json};

use super::{call, expire, open, pay, payment_of};

/// Makes an endpoint; its secret.
async fn listen(server: &TestServer, receiver: &Receiver) -> Secret {
    let endpoint = json!({"url": receiver.url, "format": "modempay"}).to_string();
    let made = server
        .native(Method::POST, "/api/v1/webhookEndpoints", endpoint)
        .await
        .ok();
    Secret::new(made["secret"].as_str().unwrap().to_owned())
}

fn told(receiver: &Receiver) -> Vec<(String, Value)> {
    let received = receiver.received().into_iter();
    let mut told: Vec<_> = received
        .map(|it| {
            let json = it.json();
            (
                json["event"].as_str().unwrap().to_owned(),
                json["payload"].clone(),
            )
        })
        .collect();
    told.sort_by_key(|(event, _)| event.clone());
    told
}

#[tokio::test]
async fn a_payment_is_told_from_its_beginning_to_its_refund() {
    let (server, receiver) = (TestServer::start().await, Receiver::start().await);
    let secret = listen(&server, &receiver).await;
    let session = open(
        &server,
        json!({"min_amount": 100, "custom_fields": ["Size"], "metadata": {"10": 1, "9": [0.5, 1e21], "z": "ü\u{2028}"}}),
    )
    .await;
    pay(
        &server,
        &session,
        json!({"amount": 45_000, "customFields": {"Size": "XL"}}),
    )
    .await
    .ok();
    let id = payment_of(&server, &session).await;
    server.run_jobs().await;
    let events = told(&receiver);
    let names: Vec<_> = events.iter().map(|(event, _)| event.as_str()).collect();
    assert_eq!(
        names,
        [
            "charge.created",
            "charge.succeeded",
            "payment_intent.created"
        ]
    );
    assert_eq!(events[2].1["id"], session["id"]);
    let succeeded = &events[1].1;
    assert_eq!(succeeded["id"], id.as_str());
    assert_eq!(succeeded["status"], "completed");
    assert_eq!(succeeded["custom_fields_values"], json!({"Size": "XL"}));
    let read = call(&server, Method::GET, &format!("/v1/transactions/{id}"), "")
        .await
        .ok();
    assert_eq!(*succeeded, read, "what is told is what is read");

    let body = json!({"reference": id});
    call(&server, Method::POST, "/v1/transactions/refund", body)
        .await
        .ok();
    server.run_jobs().await;
    let events = told(&receiver);
    let updated: Vec<_> = events
        .iter()
        .filter(|(event, _)| event == "charge.updated")
        .collect();
    assert_eq!(updated.len(), 1);
    assert_eq!(
        (&updated[0].1["id"], &updated[0].1["status"]),
        (&json!(id), &json!("refunded"))
    );

    let key = ModemPayKey::from_secret(&secret).unwrap();
    for received in receiver.received() {
        let signature = received.headers["x-modem-signature"].to_str().unwrap();
        assert_eq!(signature, key.signature(&received.body));
        let text = std::str::from_utf8(&received.body).unwrap();
        assert!(!text.contains("450.0"), "numbers are JavaScript's: {text}");
        if text.contains("payment_intent.created") {
            assert!(
                text.contains(r#""metadata":{"9":[0.5,1e+21],"10":1,"z":"ü"#),
                "{text}"
            );
        }
    }
}

#[tokio::test]
async fn ends_are_told_each_by_its_name() {
    let (server, receiver) = (TestServer::start().await, Receiver::start().await);
    listen(&server, &receiver).await;
    let expired = open(&server, json!({"amount": 450})).await;
    expire(&server, &expired).await.ok();
    let left = open(&server, json!({"amount": 450})).await;
    server
        .payer(
            Method::POST,
            &format!("{}/cancel", super::link(&left)),
            "{}",
        )
        .await
        .ok();
    let declined = open(&server, json!({"amount": 450})).await;
    let card = json!({"number": "4000000000000002", "expMonth": 12, "expYear": 2040, "cvc": "123"});
    pay(&server, &declined, json!({"card": card})).await;
    server.run_jobs().await;
    let events = told(&receiver);
    let names: Vec<_> = events.iter().map(|(event, _)| event.as_str()).collect();
    assert_eq!(
        names,
        [
            "charge.created",
            "charge.failed",
            "payment_intent.cancelled",
            "payment_intent.created",
            "payment_intent.created",
            "payment_intent.created",
            "session.expired"
        ]
    );
    let (_, payload) = events.last().unwrap();
    assert_eq!(
        (&payload["id"], &payload["expired"]),
        (&expired["id"], &json!(true))
    );
    assert_eq!(events[2].1["status"], "cancelled");
    assert_eq!(events[1].1["status"], "failed");
}

//! Webhooks in this dialect's words.

use http::Method;
use paydesk_core::keys::Secret;
use paydesk_core::transaction::HOLD_LIFETIME;
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
async fn a_charge_of_a_stored_card_is_told_until_its_refund() {
    let (server, receiver) = (TestServer::start().await, Receiver::start().await);
    let native = async |path: &str, body: Value| {
        let path = format!("/api/v1{path}");
        server
            .native(Method::POST, &path, body.to_string())
            .await
            .ok()
    };
    let storing =
        json!({"kind": "addPaymentMethod", "currency": "GMD", "customer": {"code": "c-1"}});
    let session = native("/sessions", storing).await;
    let mut card = json!({"method": "card"});
    card["card"] = serde_json::from_str(super::CARD).unwrap();
    let pay = format!("/pay/{}/payments", session["publicId"].as_str().unwrap());
    server
        .payer(Method::POST, &pay, card.to_string())
        .await
        .ok();
    let cards = server
        .native(Method::GET, "/api/v1/paymentMethods", "")
        .await
        .ok();
    let card = cards["data"][0]["id"].as_str().unwrap();

    listen(&server, &receiver).await;
    let charge = json!({"amount": 45_000, "currency": "GMD"});
    let charged = native(&format!("/paymentMethods/{card}/charge"), charge).await;
    let id = &charged["id"];
    server.run_jobs().await;
    let body = json!({"reference": id});
    call(&server, Method::POST, "/v1/transactions/refund", body)
        .await
        .ok();
    server.run_jobs().await;
    let told: Vec<_> = told(&receiver)
        .into_iter()
        .map(|(event, payload)| (event, payload["id"].clone(), payload["status"].clone()))
        .collect();
    let of = |event: &str, status: &str| (event.to_owned(), id.clone(), json!(status));
    assert_eq!(
        told,
        [
            of("charge.created", "pending"),
            of("charge.succeeded", "completed"),
            of("charge.updated", "refunded"),
        ]
    );
}

#[tokio::test]
async fn metadata_is_told_as_javascript_reads_it() {
    let (server, receiver) = (TestServer::start().await, Receiver::start().await);
    listen(&server, &receiver).await;
    let metadata = r#"{"b":12345678901234567890.123,"10":-0,"9":1e400,"a":0.10,"b":450.00}"#;
    let body = format!(r#"{{"data":{{"amount":450,"metadata":{metadata}}}}}"#);
    let opened = call(&server, Method::POST, "/v1/sessions", body).await;
    assert_eq!(opened.status, 201, "{}", opened.text());
    server.run_jobs().await;
    let received = receiver.received();
    let text = std::str::from_utf8(&received[0].body).unwrap();
    let told = r#""metadata":{"9":null,"10":0,"b":450,"a":0.1}"#;
    assert!(text.contains(told), "{text}");
}

#[tokio::test]
async fn customers_are_told_of_from_their_making_to_their_end() {
    let (server, receiver) = (TestServer::start().await, Receiver::start().await);
    listen(&server, &receiver).await;
    let customer = |event: &str, id: &str, name: &str| {
        let payload = json!({"id": id, "name": name, "email": "", "phone": "+2207000000"});
        (event.to_owned(), payload)
    };
    // A session that names an unknown one makes it; the next does not.
    for _ in 0..2 {
        let session = json!({"amount": 450, "customer": "c-17", "customer_name": "Awa", "customer_phone": "+2207000000"});
        open(&server, session).await;
    }
    let made = json!({"code": "c-18", "name": "Binta", "phone": "+2207000000"}).to_string();
    let made = server
        .native(Method::POST, "/api/v1/customers", made)
        .await
        .ok();
    let path = format!("/api/v1/customers/{}", made["id"].as_str().unwrap());
    // What changes nothing is not told.
    for name in ["Bintou", "Bintou"] {
        let change = json!({ "name": name }).to_string();
        server.native(Method::PATCH, &path, change).await.ok();
    }
    let last = server.native(Method::DELETE, &path, "").await.ok();
    assert_eq!(last["name"], "Bintou");
    assert_eq!(server.native(Method::DELETE, &path, "").await.status, 404);
    server.run_jobs().await;
    let told: Vec<_> = told(&receiver)
        .into_iter()
        .filter(|(event, _)| event.starts_with("customer."))
        .collect();
    let mut created = told[..2].to_vec();
    created.sort_by_key(|(_, payload)| payload["id"].to_string());
    assert_eq!(
        created,
        [
            customer("customer.created", "c-17", "Awa"),
            customer("customer.created", "c-18", "Binta"),
        ]
    );
    assert_eq!(
        told[2..],
        [
            customer("customer.deleted", "c-18", "Bintou"),
            customer("customer.updated", "c-18", "Bintou"),
        ]
    );
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

#[tokio::test]
async fn a_hold_that_ran_out_is_told_as_what_it_then_is() {
    let (server, receiver) = (TestServer::start().await, Receiver::start().await);
    listen(&server, &receiver).await;
    let held = json!({"kind": "authorization", "amount": 45_000, "currency": "GMD"}).to_string();
    let held = server.native(Method::POST, "/api/v1/sessions", held).await;
    let held = json!({"payment_link": held.ok()["url"]});
    pay(&server, &held, json!({})).await.ok();
    server.advance(HOLD_LIFETIME).await;
    let events = told(&receiver);
    let names: Vec<_> = events.iter().map(|(event, _)| event.as_str()).collect();
    let expected = [
        "charge.cancelled",
        "charge.created",
        "charge.succeeded",
        "payment_intent.created",
    ];
    assert_eq!(names, expected);
    assert_eq!(events[0].1["status"], "cancelled");
}

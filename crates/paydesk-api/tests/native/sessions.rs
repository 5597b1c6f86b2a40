//! The session object: all that goes in comes out, and each state has its own time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::Method;
use paydesk_core::id::{ProviderAccountId, SystemIds};
use paydesk_core::time::{Clock as _, Span};
use paydesk_testing::{TestServer, Watched};
use serde_json::{Value, json};

use super::{a_session, call, get, is_problem, open, post};

/// A request that says everything that can be said.
async fn whole(server: &TestServer) -> Value {
    let accounts = get(server, "/providerAccounts").await.json();
    json!({
        "kind": "payment", "amount": 7_100, "currency": "SGD", "reference": "order 8731",
        "title": "Order 8731", "description": "Two bags of beans",
        "lineItems": [
            {"id": "beans-1kg", "name": "Beans, 1 kg", "quantity": 2, "amount": 3_550},
            {"name": "Bag", "quantity": 1, "amount": 0},
        ],
        "methods": ["card", "paynow"],
        "customer": {"code": "c-77", "name": "Zoë Tan", "email": "zoe@example.com", "phone": "+6591234567"},
        "billing": {
            "firstName": "Zoë", "lastName": "Tan", "email": "zoe@example.com", "phone": "+6591234567",
            "country": "US", "state": "US-NY", "city": "New York", "line1": "1 Main St", "line2": "Floor 2",
            "postalCode": "10001",
        },
        "shipping": {"firstName": "Zoë", "country": "SG", "city": "Singapore", "postalCode": "238801"},
        "user": {
            "firstName": "Zoë", "lastName": "Tan", "email": "zoe@example.com", "phone": "+6591234567",
            "country": "SG", "city": "Singapore", "line1": "2 Orchard Rd", "line2": "#04-02", "postalCode": "238801",
            "birthDate": "1990-12-31", "legalIdentifier": "S1234567D", "legalIdentifierType": "NRIC", "locale": "en-SG",
        },
        "device": {
            "id": "d-1", "name": "Zoë's phone", "kind": "smartphone", "os": "Android 16", "browser": "Firefox 140",
            "ip": "2001:db8::7",
        },
        "customFields": [{"name": "gift", "label": "A word with it?", "required": false}],
        "metadata": {"cart": {"id": 8731, "notes": ["größer", null, 1.5]}},
        "successUrl": "https://shop.example/thanks", "cancelUrl": "https://shop.example/cart",
        "notifyUrl": "https://shop.example/hook", "notifyPayload": "{\"mine\":1}",
        "expiresIn": 3_600, "locale": "en", "storePaymentMethod": true,
        "providerAccount": accounts["data"][0]["id"],
    })
}

#[tokio::test]
async fn all_that_goes_in_comes_out_wherever_a_session_is_shown() {
    let server = TestServer::start().await;
    let asked = whole(&server).await;
    let made = post(&server, "/sessions", asked.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    let id = made["id"].as_str().unwrap();
    let read = get(&server, &format!("/sessions/{id}")).await.json();
    let listed = get(&server, "/sessions").await.json()["data"][0].clone();
    for (place, shown) in [("made", &made), ("read", &read), ("listed", &listed)] {
        for (field, value) in asked.as_object().unwrap() {
            assert_eq!(&shown[field], value, "{field}, {place}");
        }
    }
    assert_eq!(
        (&made["status"], &made["version"]),
        (&json!("created"), &json!(1))
    );
    assert_eq!(
        (&made["livemode"], &made["attempts"]),
        (&json!(false), &json!(0))
    );
    assert_eq!(made["transactions"], json!([]));
    let url = made["url"].as_str().unwrap();
    assert!(url.ends_with(&format!("/pay/{}", made["publicId"].as_str().unwrap())));

    // An amount that the payer chooses is the one thing that stands in another's place.
    let mut open = asked;
    open.as_object_mut().unwrap().remove("amount");
    (open["minAmount"], open["reference"]) = (json!(100), json!("order 8732"));
    let made = post(&server, "/sessions", open).await.json();
    assert_eq!(
        (&made["minAmount"], &made["amount"]),
        (&json!(100), &Value::Null)
    );
}

#[tokio::test]
async fn what_was_not_said_is_left_out() {
    let server = TestServer::start().await;
    let made = post(&server, "/sessions", a_session()).await.json();
    for field in [
        "minAmount",
        "customer",
        "billing",
        "shipping",
        "user",
        "device",
        "customFields",
        "metadata",
        "successUrl",
        "notifyPayload",
        "expiresIn",
        "initiatedAt",
        "processingAt",
        "completedAt",
        "cancelledAt",
        "expiredAt",
    ] {
        assert!(made.get(field).is_none(), "{field}: {made}");
    }
}

#[tokio::test]
async fn each_state_has_its_own_time() {
    let server = TestServer::start().await;
    let times = [
        "initiatedAt",
        "processingAt",
        "completedAt",
        "cancelledAt",
        "expiredAt",
    ];
    let is_at = |session: &Value, status: &str, time: &str| {
        assert_eq!(session["status"], status);
        let shown: Vec<_> = times
            .iter()
            .filter(|name| session.get(**name).is_some())
            .collect();
        assert_eq!(shown, [&time], "{session}");
        // ISO 8601, UTC, with milliseconds.
        let text = session[time].as_str().unwrap();
        assert!(
            text.len() == 24 && text.ends_with('Z') && text.as_bytes()[19] == b'.',
            "{text}"
        );
    };
    let read = async |made: &Value| {
        get(
            &server,
            &format!("/sessions/{}", made["id"].as_str().unwrap()),
        )
        .await
        .json()
    };
    let open = async || post(&server, "/sessions", a_session()).await.json();
    let pay = async |made: &Value, call: &str, body: Value| {
        let path = format!("/pay/{}/{call}", made["publicId"].as_str().unwrap());
        let answer = server.payer(Method::POST, &path, body.to_string()).await;
        assert!(answer.status.is_success(), "{}", answer.text());
    };

    let made = open().await;
    assert!(made.get("expiresAt").is_some());
    pay(&made, "initiate", json!({"method": "card"})).await;
    let initiated = read(&made).await;
    is_at(&initiated, "initiated", "initiatedAt");
    assert!(initiated.get("expiresAt").is_some());

    pay(&made, "payments", json!({"method": "paynow"})).await;
    is_at(&read(&made).await, "processing", "processingAt");

    let paid = open().await;
    let card = json!({"number": "4242424242424242", "expMonth": 12, "expYear": 2040, "cvc": "123", "name": "Zoë"});
    pay(&paid, "payments", json!({"method": "card", "card": card})).await;
    let paid = read(&paid).await;
    is_at(&paid, "completed", "completedAt");
    assert!(paid.get("expiresAt").is_none());
    assert_eq!(paid["transactions"][0]["status"], "succeeded");

    let cancelled = open().await;
    let path = format!("/sessions/{}/cancel", cancelled["id"].as_str().unwrap());
    is_at(
        &call(&server, Method::POST, &path, Value::Null).await.json(),
        "cancelled",
        "cancelledAt",
    );

    let late = open().await;
    server.clock.advance(Span::days(8));
    is_at(&read(&late).await, "expired", "expiredAt");
}

#[tokio::test]
async fn an_account_that_is_not_there_costs_one_more_look_and_no_more() {
    let looks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&looks);
    let server = TestServer::start_over(|store| {
        Arc::new(Watched::new(store, move |call| {
            if call == "provider_accounts" {
                counted.fetch_add(1, Ordering::SeqCst);
            }
            Ok(())
        }))
    })
    .await;
    let mut asked = json!({"amount": 3500, "currency": "SGD"});
    let known = open(&server, asked.clone()).await["providerAccount"].clone();
    let before = looks.load(Ordering::SeqCst);
    for _ in 0..10 {
        asked["providerAccount"] = json!(ProviderAccountId::fresh(&SystemIds, server.clock.now()));
        let refused = post(&server, "/sessions", asked.clone()).await;
        is_problem(&refused, 404, "provider_account_not_found", None);
    }
    assert_eq!(looks.load(Ordering::SeqCst) - before, 10);
    asked["providerAccount"] = known;
    open(&server, asked).await;
    assert_eq!(looks.load(Ordering::SeqCst) - before, 10);
}

//! Every kind of event: told once by what causes it, with what it is about.

use http::{Method, StatusCode};
use paydesk_core::event::EventKind;
use paydesk_core::id::{Ids as _, SystemIds, TransactionId};
use paydesk_core::method::Method as PayBy;
use paydesk_core::money::{Currency, Money};
use paydesk_core::rail::{FollowUp, Rail as _, RailAnswer};
use paydesk_core::tenant::Mode;
use paydesk_core::time::{Clock as _, Span};
use paydesk_rails::sandbox::SandboxRail;
use paydesk_testing::{Receiver, TestServer};
use serde_json::{Value, json};

use super::{GOOD, a_session, call, get, open, paid, pay, post, stored_card};

/// A session whose payer was shown a code and has not paid it; as it then stands.
async fn shown_a_code(server: &TestServer) -> Value {
    let session = open(server, a_session()).await;
    let path = format!("/pay/{}/payments", session["publicId"].as_str().unwrap());
    let paynow = r#"{"method": "paynow"}"#;
    server.payer(Method::POST, &path, paynow).await.ok();
    read(server, &session).await
}

async fn read(server: &TestServer, session: &Value) -> Value {
    let path = format!("/sessions/{}", session["id"].as_str().unwrap());
    get(server, &path).await.ok()
}

/// A session that the merchant ended by this call.
async fn ended(server: &TestServer, call: &str) -> Value {
    let session = open(server, a_session()).await;
    let path = format!("/sessions/{}/{call}", session["id"].as_str().unwrap());
    post(server, &path, Value::Null).await.ok()
}

/// What is told of the payment of a session that was tried with this card.
async fn tried(server: &TestServer, card: &str, status: &str) -> Value {
    let session = pay(server, &open(server, a_session()).await, card).await;
    json!({
        "id": session["transactions"][0]["id"], "sessionId": session["id"], "action": "payment", "method": "card",
        "amount": 3500, "currency": "SGD", "status": status,
    })
}

/// What is told of a session.
fn of_session(session: &Value, status: &str, version: u64) -> Value {
    json!({
        "id": session["id"], "publicId": session["publicId"], "url": session["url"], "status": status,
        "version": version, "kind": "payment", "amount": 3500, "currency": "SGD", "livemode": false,
    })
}

/// All of a payment is given back at the bank itself, behind the server's back.
async fn given_back_at_the_bank(server: &TestServer, payment: &str) {
    let known = get(server, &format!("/transactions/{payment}")).await.ok();
    let currency = Currency::from_code("SGD").unwrap();
    let back = FollowUp {
        reference: TransactionId(SystemIds.uuid(server.clock.now())),
        original: payment.parse().unwrap(),
        original_provider_reference: None,
        tenant: server.tenant(Mode::Test),
        account: known["providerAccount"].as_str().unwrap().parse().unwrap(),
        method: PayBy::Card,
        amount: Money::from_minor(3500, currency).unwrap(),
        placed: 0,
    };
    let bank = SandboxRail::new(server.ledger.clone(), &server.url);
    let answer = bank.refund(back).await;
    assert!(matches!(answer, RailAnswer::Succeeded(_)), "{answer:?}");
}

async fn refund(server: &TestServer, payment: &str, amount: i64) -> Value {
    let path = format!("/transactions/{payment}/refund");
    post(server, &path, json!({"amount": amount})).await.ok()
}

async fn new_customer(server: &TestServer) -> Value {
    let customer = json!({"code": "c-7", "name": "Ada", "email": "ada@example.com"});
    post(server, "/customers", customer).await.ok()
}

fn path_of(customer: &Value) -> String {
    format!("/customers/{}", customer["id"].as_str().unwrap())
}

/// Brings an event about, and answers what it must tell.
async fn bring_about(server: &TestServer, kind: EventKind) -> Value {
    match kind {
        EventKind::SessionCreated => of_session(&open(server, a_session()).await, "created", 1),
        EventKind::SessionInitiated => {
            let session = open(server, a_session()).await;
            let path = format!("/pay/{}/initiate", session["publicId"].as_str().unwrap());
            let begun = server.payer(Method::POST, &path, r#"{"method": "card"}"#);
            begun.await.ok();
            of_session(&session, "initiated", 2)
        }
        EventKind::SessionCompleted => {
            let session = pay(server, &open(server, a_session()).await, GOOD).await;
            let mut told = of_session(&session, "completed", 3);
            told["completedAt"] = session["completedAt"].clone();
            told
        }
        EventKind::SessionCancelled => {
            let session = ended(server, "cancel").await;
            let mut told = of_session(&session, "cancelled", 2);
            told["cancelledAt"] = session["cancelledAt"].clone();
            told
        }
        EventKind::SessionExpired => {
            let session = ended(server, "expire").await;
            let mut told = of_session(&session, "expired", 2);
            told["expiredAt"] = session["expiredAt"].clone();
            told
        }
        EventKind::TransactionPending => tried(server, GOOD, "pending").await,
        EventKind::TransactionSucceeded => tried(server, GOOD, "succeeded").await,
        EventKind::TransactionDeclined => {
            let mut told = tried(server, "4000000000009995", "declined").await;
            told["declineReason"] = json!("insufficient_funds");
            told
        }
        EventKind::TransactionFailed => {
            let mut told = tried(server, "4000000000000119", "failed").await;
            told["failureReason"] = json!("processing_error");
            told
        }
        EventKind::TransactionUnknown => tried(server, "4000000000005126", "unknown").await,
        EventKind::TransactionExpired => {
            let session = shown_a_code(server).await;
            server.advance(Span::hours(1)).await;
            json!({"id": session["transactions"][0]["id"], "sessionId": session["id"], "status": "expired"})
        }
        EventKind::TransactionCancelled => {
            let session = shown_a_code(server).await;
            pay(server, &session, GOOD).await;
            json!({"id": session["transactions"][0]["id"], "sessionId": session["id"], "status": "cancelled"})
        }
        EventKind::TransactionException => {
            let session = shown_a_code(server).await;
            let payment = &session["transactions"][0];
            let nonce = &payment["destination"]["nonce"];
            let part = json!({"reference": nonce, "amount": "10.00"}).to_string();
            let sent = server.payer(Method::POST, "/sandbox/bank/transfers", part);
            sent.await.ok();
            json!({
                "id": payment["id"], "status": "pending", "amount": 3500,
                "exception": {"kind": "partial", "receivedAmount": 1000},
            })
        }
        EventKind::RefundSucceeded => {
            let payment = paid(server, "payment").await;
            let refund = refund(server, &payment, 1000).await;
            json!({
                "id": refund["id"], "relatedTransactionId": payment, "action": "refund", "status": "succeeded",
                "amount": 1000, "currency": "SGD",
            })
        }
        EventKind::RefundFailed => {
            let payment = paid(server, "payment").await;
            given_back_at_the_bank(server, &payment).await;
            let refund = refund(server, &payment, 1000).await;
            json!({
                "id": refund["id"], "relatedTransactionId": payment, "action": "refund", "status": "declined",
                "amount": 1000, "declineReason": "declined",
            })
        }
        EventKind::PaymentMethodStored => {
            let card = stored_card(server).await;
            json!({
                "id": card, "customer": "c-1", "brand": "visa", "lastFour": "4242", "expMonth": 12, "expYear": 2035,
            })
        }
        EventKind::EndpointDisabled => {
            let gone = Receiver::start().await;
            gone.answer_with(&[StatusCode::GONE]);
            let only = json!({"url": gone.url, "events": ["session.created"]});
            let endpoint = post(server, "/webhookEndpoints", only).await.ok();
            open(server, a_session()).await;
            server.run_jobs().await;
            json!({"id": endpoint["id"], "url": gone.url, "reason": "gone"})
        }
        EventKind::BankTransferUnmatched => {
            let at = server.engine.wall().to_string();
            let transfer = json!({
                "bankTransactionId": "b-1", "account": "nobody's", "amount": 700, "currency": "SGD", "receivedAt": at,
            });
            post(server, "/bankTransfers", transfer).await.ok()
        }
        EventKind::CustomerCreated => new_customer(server).await,
        EventKind::CustomerUpdated => {
            let customer = new_customer(server).await;
            let change = json!({"name": "Ada L.", "email": null});
            let changed = call(server, Method::PATCH, &path_of(&customer), change).await;
            changed.ok()
        }
        EventKind::CustomerDeleted => {
            let customer = new_customer(server).await;
            let deleted = call(server, Method::DELETE, &path_of(&customer), Value::Null).await;
            deleted.ok()
        }
    }
}

/// Asserts that all of `part` is in `whole`, which may say more.
fn assert_in(part: &Value, whole: &Value, of: &str) {
    match part {
        Value::Object(fields) => {
            for (name, value) in fields {
                assert_in(value, &whole[name], &format!("{of} {name}"));
            }
        }
        value => assert_eq!(whole, value, "{of}"),
    }
}

#[tokio::test]
async fn every_event_is_told_once_by_its_cause_with_what_it_is_about() {
    for &kind in EventKind::ALL {
        let (server, receiver) = (TestServer::start().await, Receiver::start().await);
        let name = kind.name();
        let only = json!({"url": receiver.url, "events": [name]});
        post(&server, "/webhookEndpoints", only).await.ok();
        let began = server.engine.wall().to_string();
        let told = bring_about(&server, kind).await;
        let ended = server.engine.wall().to_string();

        let events = get(&server, &format!("/events?type={name}")).await.ok();
        let [event] = events["data"].as_array().unwrap().as_slice() else {
            panic!("{name} once: {events}")
        };
        assert_in(&told, &event["data"], name);
        let envelope = event.as_object().unwrap().keys();
        let mut envelope: Vec<_> = envelope.map(String::as_str).collect();
        envelope.sort_unstable();
        let documented = ["createdAt", "data", "id", "livemode", "sequence", "type"];
        assert_eq!(envelope, documented, "{name}");
        assert_eq!(
            (&event["type"], &event["livemode"]),
            (&json!(name), &json!(false))
        );
        let at = event["createdAt"].as_str().unwrap();
        assert!(
            *began <= *at && *at <= *ended,
            "{name} at {at}, not from {began} to {ended}"
        );
        assert!(event["sequence"].as_u64().unwrap() > 0, "{name}");

        server.run_jobs().await;
        let received = receiver.received();
        assert_eq!(received.len(), 1, "{name}");
        assert_eq!(received[0].json(), *event, "what is told is what is read");
    }
}

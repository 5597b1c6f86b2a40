//! `notifyUrl` "receives notifications with notifyPayload when charges is completed".

use std::sync::Arc;

use http::{Method, StatusCode};
use paydesk_core::id::SystemIds;
use paydesk_core::keys::ServerKeys;
use paydesk_core::time::Span;
use paydesk_testing::{Receiver, TestServer};
use serde_json::json;
use standardwebhooks::Webhook;

use super::{charge, open, pay, seed};

#[tokio::test]
async fn a_completed_charge_is_told_once_and_signed() {
    let (server, receiver) = (TestServer::start().await, Receiver::start().await);
    let mut request = seed();
    request["notifyUrl"] = json!(receiver.url);
    let id = open(&server, &request).await;
    server
        .payer(
            Method::POST,
            &format!("/pay/{id}/payments"),
            r#"{"method":"paynow"}"#,
        )
        .await
        .ok();
    server.run_jobs().await;
    assert!(
        receiver.received().is_empty(),
        "a charge that is not complete is not told"
    );

    let paid = pay(&server, &id).await;
    server.run_jobs().await;
    let received = receiver.received();
    let [notification] = received.as_slice() else {
        panic!("{} notifications", received.len())
    };
    let secret = server.merchant.test.webhook_secret.reveal();
    let headers: http::HeaderMap = notification.headers.clone();
    Webhook::new(secret)
        .unwrap()
        .verify(&notification.body, &headers)
        .unwrap();
    let told = notification.json();
    assert_eq!(told["notifyPayload"], "eyJvcmRlcklkIjogIjI1MSJ9");
    assert_eq!(told, paid, "what is told is the charge");
    assert_eq!(told["status"], "completed");
}

#[tokio::test]
async fn a_notification_that_is_not_taken_is_sent_again_the_same() {
    let (server, receiver) = (TestServer::start().await, Receiver::start().await);
    receiver.answer_with(&[StatusCode::INTERNAL_SERVER_ERROR, StatusCode::BAD_GATEWAY]);
    let mut request = seed();
    request["notifyUrl"] = json!(receiver.url);
    let id = open(&server, &request).await;
    pay(&server, &id).await;
    server.run_jobs().await;
    assert_eq!(receiver.received().len(), 1);
    server.advance(Span::seconds(6)).await;
    assert_eq!(receiver.received().len(), 2);
    server.advance(Span::minutes(6)).await;
    let received = receiver.received();
    assert_eq!(received.len(), 3);
    server.advance(Span::days(4)).await;
    assert_eq!(
        receiver.received().len(),
        3,
        "once taken it is not sent again"
    );
    for notification in &received {
        assert_eq!(notification.body, received[0].body);
        assert_eq!(
            notification.headers["webhook-id"],
            received[0].headers["webhook-id"]
        );
    }
    assert_eq!(charge(&server, &id).await["status"], "completed");
}

#[tokio::test]
async fn while_the_webhook_secret_is_replaced_a_notification_is_signed_with_both() {
    let (server, receiver) = (TestServer::start().await, Receiver::start().await);
    let tenant = server.tenant(paydesk_core::tenant::Mode::Test);
    let engine = &server.engine;
    let old = server.merchant.test.webhook_secret.reveal();
    let new = engine.rotate_webhook_secret(tenant, Span::minutes(2)).await;
    let new = new.unwrap().secret;
    let good_for = async |told: usize| {
        let mut request = seed();
        request["notifyUrl"] = json!(receiver.url);
        let id = open(&server, &request).await;
        pay(&server, &id).await;
        server.run_jobs().await;
        let received = receiver.received();
        assert_eq!(received.len(), told);
        let (body, headers) = (&received[told - 1].body, &received[told - 1].headers);
        [old, new.reveal()].map(|secret| {
            let webhook = Webhook::new(secret).unwrap();
            webhook.verify(body, headers).is_ok()
        })
    };
    assert_eq!(good_for(1).await, [true, true]);
    server.advance(Span::minutes(2)).await;
    assert_eq!(good_for(2).await, [false, true]);
}

#[tokio::test]
async fn a_session_keeps_its_id_when_the_key_of_the_server_is_rotated() {
    let (server, receiver) = (TestServer::start().await, Receiver::start().await);
    let mut request = seed();
    request["notifyUrl"] = json!(receiver.url);
    let id = open(&server, &request).await;
    let keys = ServerKeys::from_text(&server.engine.keys().to_text()).unwrap();
    let rotated = Arc::new(keys.rotated(&SystemIds).unwrap());
    let server = server.restarted_with(rotated).await;
    let paid = pay(&server, &id).await;
    assert_eq!(paid["sessionId"], id.as_str());
    server.run_jobs().await;
    assert_eq!(receiver.received()[0].json()["sessionId"], id.as_str());
    // What is opened from now on is signed by the new key.
    let next = open(&server, &seed()).await;
    assert_ne!(next[..2], id[..2]);
}

#[tokio::test]
async fn a_part_that_the_merchant_accepts_is_told_as_the_part_that_it_is() {
    let (server, receiver) = (TestServer::start().await, Receiver::start().await);
    let mut request = seed();
    request["notifyUrl"] = json!(receiver.url);
    let id = open(&server, &request).await;
    let path = format!("/pay/{id}/payments");
    let asked = r#"{"method":"paynow"}"#;
    let asked = server.payer(Method::POST, &path, asked).await.ok();
    let part = json!({"qrCode": asked["nextAction"]["qrCode"], "amount": "15.00"}).to_string();
    let bank = "/sandbox/bank/transfers";
    server.payer(Method::POST, bank, part).await.ok();
    server.run_jobs().await;
    let charged = charge(&server, &id).await;
    assert_eq!(charged["customerAmount"], 35, "it is still asked for");
    let accept = format!(
        "/api/v1/transactions/{}/accept",
        charged["id"].as_str().unwrap()
    );
    server.native(Method::POST, &accept, "").await.ok();
    server.run_jobs().await;
    let charged = charge(&server, &id).await;
    let told = receiver.received()[0].json();
    for said in [charged, told] {
        assert_eq!(said["status"], "completed");
        assert_eq!(
            (&said["customerAmount"], &said["merchantAmount"]),
            (&json!(15), &json!(15))
        );
    }
}

//! Methods of another currency than the session's.

use http::{Method, StatusCode};
use paydesk_testing::TestServer;
use serde_json::{Value, json};

use super::{charge, open, seed};

/// The documented session, whose payer chooses `DuitNow`; answers with its id and the charge.
async fn chosen(server: &TestServer) -> (String, Value) {
    let id = open(server, &seed()).await;
    let path = format!("/pay/{id}/payments");
    let paid = server.payer(Method::POST, &path, r#"{"method":"duit-now"}"#);
    paid.await.ok();
    let charge = charge(server, &id).await;
    (id, charge)
}

async fn send(server: &TestServer, charge: &Value, amount: &str) {
    let transfer = json!({"reference": charge["destination"]["nonce"], "amount": amount});
    let path = "/sandbox/bank/transfers";
    let sent = server.payer(Method::POST, path, transfer.to_string()).await;
    assert_eq!(sent.ok()["currency"], "MYR");
    server.run_jobs().await;
}

#[tokio::test]
async fn the_documented_session_offers_what_its_documentation_says() {
    let server = TestServer::start().await;
    let answer = server
        .xanpay(Method::POST, "/sessions", seed().to_string())
        .await;
    let methods = answer.ok()["methods"].clone();
    assert_eq!(methods, json!(["paynow", "duit-now", "fps"]));
}

#[tokio::test]
async fn the_charge_says_what_the_merchant_asks_and_what_the_customer_pays() {
    let server = TestServer::start().await;
    let (id, asked) = chosen(&server).await;
    for (field, value) in [
        ("merchantAmount", json!(35)),
        ("merchantCurrency", json!("SGD")),
        ("customerAmount", json!(119)),
        ("customerCurrency", json!("MYR")),
        ("exchangeRate", json!("3.4")),
        ("status", json!("pending")),
    ] {
        assert_eq!(asked[field], value, "{field}");
    }
    let code = asked["destination"]["qrCode"].as_str().unwrap();
    assert!(code.contains("5303458") && code.contains("5406119.00"));

    send(&server, &asked, "100").await;
    assert_eq!(charge(&server, &id).await["status"], "pending");
    send(&server, &asked, "19").await;
    assert_eq!(charge(&server, &id).await["status"], "completed");
}

#[tokio::test]
async fn a_part_of_such_a_charge_is_refunded_only_in_the_customers_currency() {
    let server = TestServer::start().await;
    let (id, asked) = chosen(&server).await;
    send(&server, &asked, "119").await;
    let path = format!("/charges/{}/refunds", asked["id"].as_str().unwrap());
    let refund = async |body: Value| server.xanpay(Method::POST, &path, body.to_string()).await;
    for body in [
        json!({"amount": 35}),
        json!({"amount": 35, "currency": "SGD"}),
        json!({"amount": "119.01", "currency": "MYR"}),
    ] {
        let refused = refund(body).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        let message = refused.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains("MYR"), "{message}");
    }
    let part = refund(json!({"amount": "0.01", "currency": "MYR"})).await;
    assert_eq!(part.ok()["currency"], "MYR");
    let rest = server.xanpay(Method::POST, &path, "").await.ok();
    assert_eq!(
        (&rest["amount"], &rest["currency"]),
        (&json!(118.99), &json!("MYR"))
    );
    assert_eq!(rest["status"], "completed");
    assert_eq!(
        charge(&server, &id).await["refunds"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn the_page_shows_both_amounts() {
    let server = TestServer::start().await;
    let id = open(&server, &seed()).await;
    let path = format!("/pay/{id}");
    let choosing = server.payer(Method::GET, &path, "").await;
    let text = choosing.text();
    for shown in ["$35.00", "RM\u{a0}119.00", "HK$203.00"] {
        assert!(text.contains(shown), "{shown} in {text}");
    }
    let payments = format!("{path}/payments");
    let paid = server.payer(Method::POST, &payments, r#"{"method":"duit-now"}"#);
    paid.await.ok();
    let waiting = server.payer(Method::GET, &path, "").await;
    assert!(
        waiting.text().contains("RM\u{a0}119.00"),
        "{}",
        waiting.text()
    );
}

//! Real money on a merchant's own accounts: each way in which it comes, and to whom it never counts.

use http::{Method, StatusCode};
use paydesk_core::tenant::Mode;
use paydesk_core::time::Span;
use paydesk_testing::TestServer;
use serde_json::{Value, json};

use super::bank::{Desk, UEN, payment_of};
use super::{TRANSFERS, said};

#[tokio::test]
async fn it_comes_exact_short_over_and_twice() {
    let server = TestServer::start().await;
    let desk = Desk::live(&server).await;
    let exact = desk.paid("exact").await;
    assert_eq!(exact["status"], "completed");
    assert_eq!(exact["transactions"][0]["exception"], Value::Null);

    let short = desk.waiting().await;
    desk.report(&said(&short, "part", 1_000)).await.ok();
    let now = desk.now(&short).await;
    assert_eq!(
        (&now["status"], &now["transactions"][0]["exception"]["kind"]),
        (&json!("processing"), &json!("partial"))
    );
    desk.report(&said(&short, "rest", 2_500)).await.ok();
    let now = desk.now(&short).await;
    assert_eq!(
        (&now["status"], &now["transactions"][0]["exception"]),
        (&json!("completed"), &Value::Null)
    );

    desk.report(&said(&short, "twice", 3_500)).await.ok();
    let over = &desk.now(&short).await["transactions"][0]["exception"].clone();
    assert_eq!(
        (&over["kind"], &over["receivedAmount"]),
        (&json!("over"), &json!(7_000))
    );
    let accept = format!("/api/v1/transactions/{}/accept", payment_of(&short));
    let accepted = desk.post(&accept, &json!({})).await.ok();
    assert!(accepted["exception"]["acceptedAt"].is_string());
}

#[tokio::test]
async fn it_comes_without_a_reference_for_nobody_knows_what_and_late() {
    let server = TestServer::start().await;
    let desk = Desk::live(&server).await;
    let session = desk.waiting().await;
    let mut without = said(&session, "without", 3_500);
    without.as_object_mut().unwrap().remove("reference");
    // The same amount on another account is for nobody.
    let mut elsewhere = without.clone();
    elsewhere["account"] = json!("+6585867834");
    assert_eq!(desk.report(&elsewhere).await.ok()["state"], "unmatched");
    assert_eq!(desk.report(&without).await.ok()["matchedBy"], "amount");
    assert_eq!(desk.now(&session).await["status"], "completed");

    let session = desk.waiting().await;
    let mut unknown = said(&session, "unknown", 3_500);
    unknown["reference"] = json!("WHATISTHIS");
    let kept = desk.report(&unknown).await.ok();
    assert_eq!(kept["state"], "unmatched");
    let assign = format!("{TRANSFERS}/{}/assign", kept["id"].as_str().unwrap());
    let target = json!({"transactionId": payment_of(&session)});
    assert_eq!(
        desk.post(&assign, &target).await.ok()["matchedBy"],
        "assignment"
    );
    assert_eq!(desk.now(&session).await["status"], "completed");

    let session = desk.waiting().await;
    server.advance(Span::hours(2)).await;
    let late = desk.report(&said(&session, "late", 3_500)).await.ok();
    assert_ne!(late["transactionId"], session["transactions"][0]["id"]);
    let accept = format!(
        "/api/v1/transactions/{}/accept",
        late["transactionId"].as_str().unwrap()
    );
    let accepted = desk.post(&accept, &json!({})).await.ok();
    assert_eq!(accepted["status"], "succeeded");
}

#[tokio::test]
async fn it_never_counts_for_a_test_payment_nor_for_another_merchants() {
    let server = TestServer::start().await;
    let live = Desk::live(&server).await;
    let test = Desk::of(&server, Mode::Test);
    let at_bank = super::bank::account();
    let id = test.post(super::bank::ACCOUNTS, &at_bank).await.ok()["id"].clone();
    let order = json!({"amount": 3_500, "currency": "SGD", "providerAccount": id});
    let test_session = test.post("/api/v1/sessions", &order).await.ok();
    test.begin(&test_session, "paynow").await.ok();
    let test_session = test.now(&test_session).await;
    let other = server.engine.create_merchant("Another shop").await.unwrap();
    let other = Desk {
        server: &server,
        credentials: other.live,
    };
    let other = other.with_account().await;
    let others = other.waiting().await;

    // The very same account, amount and reference, and also without one.
    for (id, session) in [("a", &test_session), ("b", &others)] {
        let destination = &session["transactions"][0]["destination"];
        assert_eq!(destination["account"], UEN);
        let with = said(session, id, 3_500);
        let mut without = said(session, &format!("{id} without"), 3_500);
        without.as_object_mut().unwrap().remove("reference");
        for body in [with, without] {
            let kept = live.report(&body).await.ok();
            assert_eq!(kept["state"], "unmatched", "{kept}");
            let assign = format!("{TRANSFERS}/{}/assign", kept["id"].as_str().unwrap());
            let target = json!({"transactionId": payment_of(session)});
            let refused = live.post(&assign, &target).await;
            super::assert_problem(&refused, 404, "transaction_not_found", "");
        }
    }
    for (desk, session) in [(&test, &test_session), (&other, &others)] {
        let now = desk.now(session).await;
        assert_eq!(now["status"], "processing");
        assert_eq!(now["transactions"][0]["exception"], Value::Null);
    }
    // The same bank's id is other money for each of them.
    desk_completes(&test, &test_session, "a").await;
    desk_completes(&other, &others, "b").await;
}

async fn desk_completes(desk: &Desk<'_>, session: &Value, id: &str) {
    let taken = desk.report(&said(session, id, 3_500)).await;
    assert_eq!(taken.status, StatusCode::CREATED);
    assert_eq!(desk.now(session).await["status"], "completed");
}

#[tokio::test]
async fn the_sandboxs_bank_finds_no_payment_of_a_real_account() {
    let server = TestServer::start().await;
    let live = Desk::live(&server).await;
    let test = Desk::of(&server, Mode::Test);
    let id = test
        .post(super::bank::ACCOUNTS, &super::bank::account())
        .await
        .ok()["id"]
        .clone();
    let order = json!({"amount": 3_500, "currency": "SGD", "providerAccount": id});
    let at_bank_in_test = test.post("/api/v1/sessions", &order).await.ok();
    test.begin(&at_bank_in_test, "paynow").await.ok();
    for (desk, session) in [
        (&live, live.waiting().await),
        (&test, test.now(&at_bank_in_test).await),
    ] {
        let destination = &session["transactions"][0]["destination"];
        for order in [
            json!({"qrCode": destination["qrCode"]}),
            json!({"reference": destination["nonce"]}),
            json!({"reference": destination["nonce"], "amount": "1"}),
        ] {
            let path = "/sandbox/bank/transfers";
            let answer = server.payer(Method::POST, path, order.to_string()).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.text());
        }
        server.run_jobs().await;
        let now = desk.now(&session).await;
        assert_eq!(now["status"], "processing");
        // And its page leads nobody there.
        let path = format!("/pay/{}", session["publicId"].as_str().unwrap());
        let page = server.payer(Method::GET, &path, "").await;
        assert!(page.text().contains("Tea House Pte Ltd") || page.text().contains("<svg"));
        assert!(!page.text().contains("/sandbox/bank"), "{}", page.text());
    }
}

/// The amount in a code's field 54, by its place after the currency.
fn amount_in(code: &str) -> &str {
    let (_, after) = code.split_once("5303702").unwrap();
    let (length, value) = after.strip_prefix("54").unwrap().split_at(2);
    &value[..length.parse().unwrap()]
}

#[tokio::test]
async fn after_a_part_the_payer_is_asked_for_the_rest_under_the_same_reference() {
    let server = TestServer::start().await;
    let desk = Desk::live(&server).await;
    let session = desk.waiting().await;
    let destination = &session["transactions"][0]["destination"];
    let nonce = destination["nonce"].as_str().unwrap();
    let path = format!("/pay/{}", session["publicId"].as_str().unwrap());
    let action = async || {
        let state = server
            .payer(Method::GET, &format!("{path}/state"), "")
            .await;
        state.ok()["nextAction"].clone()
    };
    assert_eq!(action().await["qrCode"], destination["qrCode"]);
    desk.report(&said(&session, "part", 1_000)).await.ok();
    let rest = action().await;
    let code = rest["qrCode"].as_str().unwrap();
    assert_eq!((amount_in(code), code.contains(nonce)), ("25.00", true));
    let page = server.payer(Method::GET, &path, "").await;
    let page = page.text();
    assert!(page.contains("10.00") && page.contains("25.00"), "{page}");
    assert!(page.contains(code), "{page}");
    desk.report(&said(&session, "rest", 2_500)).await.ok();
    assert_eq!(desk.now(&session).await["status"], "completed");

    let hk = desk.open(10_000, "HKD").await;
    desk.begin(&hk, "hk-bank-transfer").await.ok();
    let hk = desk.now(&hk).await;
    desk.report(&said(&hk, "hk part", 9_999)).await.ok();
    let path = format!("/pay/{}/state", hk["publicId"].as_str().unwrap());
    let state = server.payer(Method::GET, &path, "").await.ok();
    assert_eq!(state["nextAction"]["amount"], 1);
}

#[tokio::test]
async fn the_sandboxs_bank_pays_the_rest_by_the_code_that_asks_for_it() {
    let server = TestServer::start().await;
    let test = Desk::of(&server, Mode::Test);
    let order = json!({"amount": 3_500, "currency": "SGD", "methods": ["paynow"]});
    let session = test.post("/api/v1/sessions", &order).await.ok();
    test.begin(&session, "paynow").await.ok();
    let path = format!("/pay/{}/state", session["publicId"].as_str().unwrap());
    let pay = async |amount: Value| {
        let state = server.payer(Method::GET, &path, "").await.ok();
        let mut order = json!({"qrCode": state["nextAction"]["qrCode"]});
        if !amount.is_null() {
            order["amount"] = amount;
        }
        let bank = "/sandbox/bank/transfers";
        let sent = server
            .payer(Method::POST, bank, order.to_string())
            .await
            .ok();
        server.run_jobs().await;
        sent["amount"].as_str().unwrap().to_owned()
    };
    assert_eq!(pay(json!("10")).await, "10.00");
    assert_eq!(
        pay(Value::Null).await,
        "25.00",
        "what the new code asks for"
    );
    let now = test.now(&session).await;
    assert_eq!(
        (&now["status"], &now["transactions"][0]["exception"]),
        (&json!("completed"), &Value::Null)
    );
}

#[tokio::test]
async fn a_key_for_the_bank_feed_reports_and_does_nothing_else() {
    let server = TestServer::start().await;
    let desk = Desk::live(&server).await;
    let session = desk.waiting().await;
    let made = desk
        .post("/api/v1/keys", &json!({"scopes": ["bank"]}))
        .await
        .ok();
    let secret = format!("Bearer {}", made["secret"].as_str().unwrap());
    let feed = [(http::header::AUTHORIZATION, secret.parse().unwrap())];
    let body = said(&session, "bank 1", 3_500).to_string();
    server
        .request(Method::POST, TRANSFERS, &feed, body)
        .await
        .ok();
    assert_eq!(desk.now(&session).await["status"], "completed");
    let path = format!("/api/v1/transactions/{}/refund", payment_of(&session));
    let refused = server
        .request(
            Method::POST,
            &path,
            &feed,
            r#"{"providerReference": "out 1"}"#,
        )
        .await;
    super::assert_problem(&refused, 403, "insufficient_scope", "");
}

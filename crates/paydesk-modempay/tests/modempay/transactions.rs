//! Transactions in this client's shape.

use http::{Method, StatusCode};
use paydesk_testing::TestServer;
use serde_json::{Value, json};

use super::{call, call_with, open, pay, payment_of, retrieve};

async fn transaction(server: &TestServer, id: &str) -> Value {
    call(server, Method::GET, &format!("/v1/transactions/{id}"), "")
        .await
        .ok()
}

#[tokio::test]
async fn a_payment_tells_who_paid_what_and_the_answers_to_the_questions() {
    let server = TestServer::start().await;
    let session = open(
        &server,
        json!({
            "min_amount": 100,
            "custom_fields": ["Size", "Delivery address"],
            "metadata": {"order": 7},
            "customer": "c-17", "customer_name": "Awa", "customer_email": "awa@example.com", "customer_phone": "+2207000000"
        }),
    )
    .await;
    for (more, names) in [
        (
            json!({"customFields": {"Size": "XL", "Delivery address": "1 Road"}}),
            "amount",
        ),
        (
            json!({"amount": 9_999, "customFields": {"Size": "XL", "Delivery address": "1 Road"}}),
            "amount",
        ),
        (
            json!({"amount": 45_050, "customFields": {"Size": "XL"}}),
            "Delivery address",
        ),
        (
            json!({"amount": 45_050, "customFields": {"Size": "XL", "Delivery address": " "}}),
            "Delivery address",
        ),
        (
            json!({"amount": 45_050, "customFields": {"Size": "XL", "Delivery address": "1 Road", "x": "y"}}),
            "x",
        ),
    ] {
        let refused = pay(&server, &session, more).await;
        assert!(refused.status.is_client_error());
        assert!(refused.text().contains(names), "{}", refused.text());
    }
    let answers = json!({"Size": "XL", "Delivery address": "1 Road"});
    pay(
        &server,
        &session,
        json!({"amount": 45_050, "customFields": answers}),
    )
    .await
    .ok();

    let id = payment_of(&server, &session).await;
    let paid = transaction(&server, &id).await;
    assert_eq!(paid["id"], id.as_str());
    assert_eq!(paid["transaction_reference"], id.as_str());
    assert_eq!(paid["payment_intent_id"], session["id"]);
    assert_eq!(
        (&paid["amount"], &paid["currency"]),
        (&json!(450.5), &json!("GMD"))
    );
    assert_eq!(
        (&paid["status"], &paid["type"]),
        (&json!("completed"), &json!("payment"))
    );
    assert_eq!(paid["custom_fields_values"], answers);
    assert_eq!(paid["metadata"], json!({"order": 7}));
    assert_eq!(paid["customer_name"], "Awa");
    assert_eq!(paid["customer_email"], "awa@example.com");
    assert_eq!(paid["customer_phone"], "+2207000000");
    assert_eq!(paid["Customer"]["id"], "c-17");
    assert_eq!(
        (&paid["payment_method"], &paid["PaymentGateway"]["group"]),
        (&json!("card"), &json!("card"))
    );
    for field in [
        "payment_account",
        "account_id",
        "business_id",
        "createdAt",
        "updatedAt",
    ] {
        assert!(paid[field].is_string(), "{field}");
    }
}

#[tokio::test]
async fn a_payment_is_reversed_once_however_often_it_is_asked_for() {
    let server = TestServer::start().await;
    let session = open(&server, json!({"amount": 450})).await;
    pay(&server, &session, json!({})).await.ok();
    let id = payment_of(&server, &session).await;
    let path = "/v1/transactions/refund";
    let body = json!({"reference": id});
    let key = ("idempotency-key", "r-1");
    let first = call_with(&server, Method::POST, path, key, &body).await;
    assert_eq!(first.ok()["status"], "refunded");
    assert_eq!(first.json()["id"], id.as_str());
    let again = call_with(&server, Method::POST, path, key, &body).await;
    assert_eq!(again.body, first.body, "the first answer, byte for byte");
    let without = call(&server, Method::POST, path, &body).await.ok();
    assert_eq!(without["status"], "refunded");
    assert_eq!(transaction(&server, &id).await["status"], "refunded");
    assert_eq!(retrieve(&server, &session).await["status"], "completed");

    let session = session["id"].as_str().unwrap().parse().unwrap();
    let tenant = server.tenant(paydesk_core::tenant::Mode::Test);
    let (_, transactions) = server.engine.session(tenant, session).await.unwrap();
    assert_eq!(transactions.len(), 2, "one payment, one refund");
    let charged = server
        .ledger
        .charge(transactions[0].id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(charged.refunded, 45_000);
}

#[tokio::test]
async fn a_reversal_that_is_sent_many_times_at_once_is_refused_to_nobody() {
    let server = TestServer::start().await;
    let session = open(&server, json!({"amount": 450})).await;
    pay(&server, &session, json!({})).await.ok();
    let id = payment_of(&server, &session).await;
    let body = json!({"reference": id});
    let key = ("idempotency-key", "r-1");
    let path = "/v1/transactions/refund";
    let sent = (0..20).map(|_| call_with(&server, Method::POST, path, key, &body));
    for answer in futures_util::future::join_all(sent).await {
        assert_eq!(answer.ok()["id"], id.as_str());
    }
    assert_eq!(transaction(&server, &id).await["status"], "refunded");
}

#[tokio::test]
async fn what_took_no_money_cannot_be_reversed() {
    let server = TestServer::start().await;
    let session = open(&server, json!({"amount": 450})).await;
    let declined =
        json!({"number": "4000000000000002", "expMonth": 12, "expYear": 2040, "cvc": "123"});
    pay(&server, &session, json!({"card": declined})).await;
    let id = payment_of(&server, &session).await;
    assert_eq!(transaction(&server, &id).await["status"], "failed");
    let body = json!({"reference": id});
    let answer = call(&server, Method::POST, "/v1/transactions/refund", body).await;
    assert_eq!(
        answer.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        answer.text()
    );
    assert!(
        answer.json()["message"]
            .as_str()
            .unwrap()
            .contains("refunded")
    );
}

//! How a session went: one transaction, whatever happened.

use futures_util::future::join_all;
use paydesk_core::time::Span;

use super::*;

#[tokio::test]
async fn before_the_payer_did_anything_there_is_a_started_transaction_with_the_id_it_will_keep() {
    let shop = Shop::open().await;
    let session = shop.start("Payment", payment("order-1")).await;
    let before = shop.verify("Payment", &session).await;
    assert_eq!(before["status"], "STARTED");
    assert_eq!(before["amount"], "10000");
    assert_eq!(shop.verify("Payment", &session).await, before);
    shop.pay(&session, GOOD).await;
    let after = shop.verify("Payment", &session).await;
    assert_eq!(
        (&after["status"], &after["id"]),
        (&json!("SUCCEEDED"), &before["id"])
    );
    assert_eq!(after["providerCode"], before["providerCode"]);
    assert_eq!(after["merchantInternalCustomerCode"], "customer-4421");
}

#[tokio::test]
async fn the_transaction_to_come_is_found_by_its_own_names_before_and_after() {
    let shop = Shop::open().await;
    let session = shop.start("Payment", payment("order-1")).await;
    let started = shop.verify("Payment", &session).await;
    let (id, code) = (started["id"].clone(), started["providerCode"].clone());
    let get = format!(
        "query($id: String, $code: String, $provider: String) {{ it: merchantApiTransaction(id: $id, code: $code, providerCode: $provider) \
            {{ ...Transaction }} }} {TRANSACTION}"
    );
    let names = [
        json!({"id": id}),
        json!({"code": id}),
        json!({"provider": code}),
    ];
    for name in &names {
        assert_eq!(shop.ask(&get, name.clone()).await["it"], started, "{name}");
    }
    assert_eq!(shop.verify_by("Payment", "code", id.clone()).await, started);
    let sync = "mutation($id: String, $account: String!) { it: merchantApiTransactionSyncOne(id: $id, merchantTransactionProviderId: $account) { id status } }";
    let synced = json!({"id": id, "account": session["transactionProviderId"]});
    assert_eq!(
        shop.ask(sync, synced).await["it"],
        json!({"id": id, "status": "STARTED"})
    );
    let void = "mutation($id: String) { merchantApiTransactionVoid(id: $id) { id } }";
    let error = shop.refused(void, json!({"id": id})).await;
    assert!(
        error["message"].as_str().unwrap().contains("has not acted"),
        "{error}"
    );
    // Nobody else finds it, and nothing else is found by it.
    let stranger = shop.server.engine.create_merchant("Stranger").await;
    for credentials in [
        &shop.server.merchant.live,
        &stranger.expect("a merchant").test,
    ] {
        let answer = shop.ask_as(credentials, &get, json!({"id": id})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "NOT_FOUND");
    }
    let error = shop.refused(&get, json!({"id": session["id"]})).await;
    assert_eq!(error["extensions"]["code"], "NOT_FOUND");
    shop.pay(&session, GOOD).await.ok();
    for name in names {
        let it = shop.ask(&get, name.clone()).await["it"].clone();
        assert_eq!(
            (&it["id"], &it["status"]),
            (&id, &json!("SUCCEEDED")),
            "{name}"
        );
    }
}

#[tokio::test]
async fn of_several_attempts_in_vain_the_latest_counts() {
    let shop = Shop::open().await;
    let session = shop.start("Payment", payment("order-1")).await;
    shop.pay(&session, DECLINED).await;
    let first = shop.verify("Payment", &session).await;
    shop.pay(&session, FAILS).await;
    let latest = shop.verify("Payment", &session).await;
    assert_eq!(
        (&first["status"], &latest["status"]),
        (&json!("DECLINED"), &json!("FAILED"))
    );
    assert_ne!(first["id"], latest["id"]);
    assert_eq!(shop.verify("Payment", &session).await, latest);
}

#[tokio::test]
async fn a_session_is_named_by_exactly_one_of_its_names() {
    let shop = Shop::open().await;
    let session = shop.paid("Payment", payment("order-1")).await;
    let seen = shop.verify("Payment", &session).await;
    for (name, value) in [
        ("token", &session["token"]),
        ("providerCode", &session["providerCode"]),
        ("merchantInternalTransactionCode", &json!("order-1")),
        ("code", &seen["id"]),
    ] {
        assert_eq!(
            shop.verify_by("Payment", name, value.clone()).await,
            seen,
            "{name}"
        );
    }
    let verify = "merchantApiClientTransactionPaymentSessionVerify";
    for arguments in [
        "",
        "(id: \"a\", token: \"b\")",
        "(id: \"a\", merchantInternalTransactionCode: \"order-1\")",
    ] {
        let error = shop
            .refused(
                &format!("mutation {{ {verify}{arguments} {{ id }} }}"),
                json!({}),
            )
            .await;
        assert_eq!(error["extensions"]["code"], "VALIDATION_ERROR", "{error}");
    }
    for (name, value) in [
        ("id", "x"),
        ("token", "x"),
        ("providerCode", "cts_x"),
        ("merchantInternalTransactionCode", "x"),
    ] {
        let query = format!("mutation {{ {verify}({name}: \"{value}\") {{ id }} }}");
        let error = shop.refused(&query, json!({})).await;
        assert_eq!(error["extensions"]["code"], "NOT_FOUND", "{error}");
    }
}

#[tokio::test]
async fn a_decline_and_a_failure_are_answers_and_no_errors() {
    let shop = Shop::open().await;
    for (card, status, error) in [
        (DECLINED, "DECLINED", "insufficient_funds"),
        (FAILS, "FAILED", "processing_error"),
    ] {
        let session = shop.start("Payment", payment(status)).await;
        shop.pay(&session, card).await;
        let transaction = shop.verify("Payment", &session).await;
        assert_eq!(transaction["status"], status);
        assert_eq!(transaction["providerError"], error);
    }
}

#[tokio::test]
async fn a_success_after_a_decline_is_what_counts() {
    let shop = Shop::open().await;
    let session = shop.start("Payment", payment("order-1")).await;
    shop.pay(&session, DECLINED).await;
    shop.pay(&session, GOOD).await;
    assert_eq!(
        shop.verify("Payment", &session).await["status"],
        "SUCCEEDED"
    );
}

#[tokio::test]
async fn a_payer_who_leaves_the_banks_page_ends_as_failed() {
    let shop = Shop::open().await;
    let session = shop.start("Payment", payment("order-1")).await;
    let answer = shop.pay(&session, CHALLENGED).await.ok();
    assert_eq!(answer["nextAction"]["type"], "threeDS");
    assert_eq!(shop.verify("Payment", &session).await["status"], "PENDING");
    let query =
        "query($id: String!) { it: merchantApiClientTransactionSession(id: $id) { status } }";
    let pending = shop.ask(query, json!({"id": session["id"]})).await;
    assert_eq!(pending["it"]["status"], "PENDING");
    shop.server.clock.advance(Span::minutes(16));
    // Nobody's job came by: verifying asks by itself.
    assert_eq!(shop.verify("Payment", &session).await["status"], "FAILED");
}

#[tokio::test]
async fn a_session_out_of_time_says_so_with_and_without_an_attempt() {
    let shop = Shop::open().await;
    let untouched = shop.start("Payment", payment("order-1")).await;
    let declined = shop.start("Payment", payment("order-2")).await;
    shop.pay(&declined, DECLINED).await;
    shop.server.clock.advance(Span::days(8));
    assert_eq!(
        shop.verify("Payment", &untouched).await["status"],
        "EXPIRED"
    );
    assert_eq!(
        shop.verify("Payment", &declined).await["status"],
        "DECLINED"
    );
    let by_code = "merchantInternalTransactionCode";
    let expired = shop.verify_by("Payment", by_code, json!("order-1")).await;
    assert_eq!(expired["status"], "EXPIRED");
}

#[tokio::test]
async fn an_unknown_outcome_is_asked_of_the_rail_by_many_at_once() {
    let shop = Shop::open().await;
    let session = shop.start("Payment", payment("order-1")).await;
    shop.pay(&session, UNKNOWN).await;
    let all = join_all((0..50).map(|_| shop.verify("Payment", &session))).await;
    assert!(
        all.iter()
            .all(|it| ["UNKNOWN", "SUCCEEDED"].contains(&it["status"].as_str().unwrap())),
        "{all:?}"
    );
    assert_eq!(
        shop.verify("Payment", &session).await["status"],
        "SUCCEEDED"
    );
    let charged = shop.server.ledger.charges(None, 9).await.unwrap();
    assert_eq!(charged.charges.len(), 1);
}

#[tokio::test]
async fn a_session_of_another_kind_is_refused() {
    let shop = Shop::open().await;
    let session = shop.start("Authorization", payment("auth-1")).await;
    let query = "mutation($it: String!) { merchantApiClientTransactionPaymentSessionVerify(id: $it) { id } }";
    let error = shop.refused(query, json!({"it": session["id"]})).await;
    assert_eq!(error["extensions"]["code"], "VALIDATION_ERROR");
    assert!(
        error["message"].as_str().unwrap().contains("authorization"),
        "{error}"
    );
}

#[tokio::test]
async fn verifying_works_after_the_token_has_expired() {
    let shop = Shop::open().await;
    let session = shop.start("Payment", payment("order-1")).await;
    shop.server.clock.advance(Span::minutes(21));
    let by_token = shop
        .verify_by("Payment", "token", session["token"].clone())
        .await;
    assert_eq!(by_token["status"], "STARTED");
}

#[tokio::test]
async fn the_first_start_answers_with_the_started_transaction() {
    let shop = Shop::open().await;
    let query = format!(
        "mutation($data: MerchantApiClientTransactionPaymentStartSchema!) \
            {{ it: merchantApiClientTransactionPaymentSessionStart(data: $data) {{ ...Transaction code token }} }} {TRANSACTION}"
    );
    let data = json!({"data": payment("order-1")});
    let started = shop.ask(&query, data.clone()).await["it"].clone();
    assert_eq!(
        (&started["status"], &started["code"]),
        (&json!("STARTED"), &started["id"])
    );
    assert_eq!(shop.ask(&query, data).await["it"]["id"], started["id"]);
    let verified = shop
        .verify_by("Payment", "token", started["token"].clone())
        .await;
    assert_eq!(verified["id"], started["id"]);
}

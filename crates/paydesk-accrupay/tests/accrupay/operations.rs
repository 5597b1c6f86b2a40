//! What is done to a transaction after it succeeded: settle, void, refund.

use paydesk_core::time::Span;

use super::*;

impl Shop {
    /// Does something to a transaction; the whole answer.
    async fn operate(&self, operation: &str, arguments: &str) -> Value {
        let query = format!(
            "mutation {{ it: merchantApiTransaction{operation}({arguments}) \
                {{ ...Transaction relatedTransaction {{ id status refundedAmount }} }} }} {TRANSACTION}"
        );
        self.ask_as(&self.server.merchant.test, &query, json!({}))
            .await
    }

    async fn done(&self, operation: &str, arguments: &str) -> Value {
        let answer = self.operate(operation, arguments).await;
        assert_eq!(answer.get("errors"), None, "{answer}");
        answer["data"]["it"].clone()
    }

    async fn not_done(&self, operation: &str, arguments: &str) -> String {
        let answer = self.operate(operation, arguments).await;
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "VALIDATION_ERROR", "{answer}");
        error["message"].as_str().unwrap().to_owned()
    }

    async fn authorized(&self, code: &str) -> Value {
        let session = self.paid("Authorization", payment(code)).await;
        let held = self.verify("Authorization", &session).await;
        assert_eq!(
            (&held["status"], &held["action"]),
            (&json!("SUCCEEDED"), &json!("AUTHORIZATION"))
        );
        held
    }

    async fn read(&self, transaction: &Value) -> Value {
        let query = format!(
            "query($id: String!) {{ it: merchantApiTransaction(id: $id) {{ ...Transaction \
                transactionsRelated {{ id action }} }} }} {TRANSACTION}"
        );
        self.ask(&query, json!({"id": transaction["id"]})).await["it"].clone()
    }
}

fn by_id(transaction: &Value) -> String {
    format!("id: {}", transaction["id"])
}

#[tokio::test]
async fn a_part_of_a_hold_is_settled_and_the_rest_released() {
    let shop = Shop::open().await;
    let held = shop.authorized("auth-1").await;
    let id = by_id(&held);
    let too_much = shop
        .not_done("AuthorizationSettle", &format!("{id}, amount: 10001"))
        .await;
    assert!(too_much.contains("more than what is left"), "{too_much}");
    let settled = shop
        .done("AuthorizationSettle", &format!("{id}, amount: \"4000\""))
        .await;
    assert_eq!(
        (&settled["action"], &settled["amount"]),
        (&json!("SETTLE"), &json!("4000"))
    );
    assert_eq!(settled["relatedTransactionId"], held["id"]);
    assert_eq!(settled["relatedTransaction"]["id"], held["id"]);
    assert_ne!(settled["id"], held["id"]);
    let again = shop
        .not_done("AuthorizationSettle", &format!("{id}, amount: 1"))
        .await;
    assert!(again.contains("already settled"), "{again}");
    assert!(
        shop.not_done("AuthorizationVoid", &id)
            .await
            .contains("already settled")
    );
    let read = shop.read(&held).await;
    assert_eq!(
        read["transactionsRelated"],
        json!([{"id": settled["id"], "action": "SETTLE"}])
    );
    // What was settled can be given back.
    let refund = shop
        .done("Refund", &format!("{}, amount: 4000", by_id(&settled)))
        .await;
    assert_eq!(
        (&refund["action"], &refund["status"]),
        (&json!("REFUND"), &json!("SUCCEEDED"))
    );
}

impl Shop {
    /// What the sandbox has of it: held, settled, released, captured.
    async fn balance(&self, transaction: &Value) -> [i64; 4] {
        let id = transaction["id"].as_str().unwrap().parse().unwrap();
        let charge = self.server.ledger.charge(id).await.unwrap().unwrap();
        [
            charge.held,
            charge.settled,
            charge.released,
            charge.captured,
        ]
    }
}

#[tokio::test]
async fn the_rail_holds_settles_and_releases_what_the_answers_say() {
    let shop = Shop::open().await;
    let held = shop.authorized("auth-1").await;
    let held_only = shop.balance(&held).await;
    assert_eq!(held_only[1..], [0, 0, 0], "{held_only:?}");
    // Whole, by many at once: one settles.
    let settle = format!("{}, amount: 7000", by_id(&held));
    let all = (0..20).map(|_| shop.operate("AuthorizationSettle", &settle));
    let all = futures_util::future::join_all(all).await;
    let done = all.iter().filter(|it| it.get("errors").is_none());
    assert_eq!(done.count(), 1);
    let [_, settled, released, _] = shop.balance(&held).await;
    assert_eq!((settled, released), (7_000, 3_000));
    let voided = shop.authorized("auth-2").await;
    shop.done("AuthorizationVoid", &by_id(&voided)).await;
    let [_, settled, released, _] = shop.balance(&voided).await;
    assert_eq!((settled, released), (0, 10_000));
    let settled_whole = shop.authorized("auth-3").await;
    let arguments = format!("{}, amount: 10000", by_id(&settled_whole));
    shop.done("AuthorizationSettle", &arguments).await;
    let [_, settled, released, _] = shop.balance(&settled_whole).await;
    assert_eq!((settled, released), (10_000, 0));
}

#[tokio::test]
async fn a_hold_is_voided_by_either_name() {
    let shop = Shop::open().await;
    for (code, operation) in [("auth-1", "AuthorizationVoid"), ("auth-2", "Void")] {
        let held = shop.authorized(code).await;
        let arguments = format!("merchantInternalTransactionCode: \"{code}\"");
        let voided = shop.done(operation, &arguments).await;
        assert_eq!(
            (&voided["action"], &voided["relatedTransactionId"]),
            (&json!("VOID"), &held["id"])
        );
        let read = shop.read(&held).await;
        assert_ne!(read["voidedAt"], Value::Null);
        assert!(
            shop.not_done(operation, &by_id(&held))
                .await
                .contains("already voided")
        );
    }
}

#[tokio::test]
async fn a_hold_runs_out_after_seven_days() {
    let shop = Shop::open().await;
    let held = shop.authorized("auth-1").await;
    let kept = shop.authorized("auth-2").await;
    shop.server.clock.advance(Span::minutes(7 * 24 * 60 - 1));
    let settle = format!("{}, amount: 1", by_id(&kept));
    shop.done("AuthorizationSettle", &settle).await;
    shop.server.clock.advance(Span::minutes(1));
    let late = shop
        .not_done(
            "AuthorizationSettle",
            &format!("{}, amount: 1", by_id(&held)),
        )
        .await;
    assert!(late.contains("run out"), "{late}");
}

#[tokio::test]
async fn refunds_never_exceed_what_was_taken() {
    let shop = Shop::open().await;
    let session = shop.paid("Payment", payment("order-1")).await;
    let paid = shop.verify("Payment", &session).await;
    let first = shop
        .done("Refund", &format!("{}, amount: 6000", by_id(&paid)))
        .await;
    assert_eq!(first["relatedTransaction"]["refundedAmount"], "6000");
    let too_much = shop
        .not_done(
            "Refund",
            "merchantInternalTransactionCode: \"order-1\", amount: 4001",
        )
        .await;
    assert!(
        too_much.contains("USD 40.00") || too_much.contains("40.00"),
        "{too_much}"
    );
    let code = paid["providerCode"].as_str().unwrap();
    shop.done("Refund", &format!("providerCode: \"{code}\", amount: 4000"))
        .await;
    assert_eq!(shop.read(&paid).await["refundedAmount"], "10000");
    for (amount, says) in [("0", "zero"), ("-1", "negative")] {
        let refused = shop
            .not_done("Refund", &format!("{}, amount: {amount}", by_id(&paid)))
            .await;
        assert!(
            refused.starts_with("amount ") && refused.contains(says),
            "{refused}"
        );
    }
    assert!(
        shop.not_done("Void", &by_id(&paid))
            .await
            .contains("refund a payment instead")
    );
}

#[tokio::test]
async fn late_money_that_was_accepted_is_verified_and_refunded_by_its_sessions_names() {
    let shop = Shop::open().await;
    // Opened at another door: here, sessions are for cards.
    let native = json!({"amount": 10_000, "currency": "SGD", "reference": "order-1"}).to_string();
    let sessions = "/api/v1/sessions";
    let session = shop
        .server
        .native(Method::POST, sessions, native)
        .await
        .ok();
    let pay = format!("/pay/{}/payments", session["publicId"].as_str().unwrap());
    let body = json!({"method": "paynow"}).to_string();
    let begun = shop.server.payer(Method::POST, &pay, body).await.ok();
    let code = &begun["nextAction"]["qrCode"];
    shop.server.advance(Span::days(8)).await;
    assert_eq!(shop.verify("Payment", &session).await["status"], "EXPIRED");
    let transfer = json!({ "qrCode": code }).to_string();
    let bank = "/sandbox/bank/transfers";
    shop.server.payer(Method::POST, bank, transfer).await.ok();
    shop.server.run_jobs().await;
    let expired = shop.verify("Payment", &session).await;
    assert_eq!(expired["status"], "EXPIRED", "nobody accepted it yet");

    let tenant = shop.server.tenant(paydesk_core::tenant::Mode::Test);
    let id = session["id"].as_str().unwrap().parse().unwrap();
    let (_, transactions) = shop.server.engine.session(tenant, id).await.unwrap();
    let late = transactions.last().unwrap().id.to_string();
    let accept = format!("/api/v1/transactions/{late}/accept");
    shop.server.native(Method::POST, &accept, "").await.ok();
    let paid = shop.verify("Payment", &session).await;
    assert_eq!(
        (&paid["id"], &paid["status"], &paid["amount"]),
        (&json!(late), &json!("SUCCEEDED"), &json!("10000"))
    );
    let by_code = "merchantInternalTransactionCode";
    let named = shop.verify_by("Payment", by_code, json!("order-1")).await;
    assert_eq!(named, paid);

    let refund = format!("{by_code}: \"order-1\", amount: 4000");
    let refund = shop.done("Refund", &refund).await;
    assert_eq!(
        (&refund["status"], &refund["relatedTransactionId"]),
        (&json!("SUCCEEDED"), &json!(late))
    );
    let after = shop.verify("Payment", &session).await;
    assert_eq!(after["refundedAmount"], "4000");
}

#[tokio::test]
async fn a_session_that_nobody_paid_has_nothing_to_refund() {
    let shop = Shop::open().await;
    shop.start("Payment", payment("order-1")).await;
    let refused = shop
        .not_done(
            "Refund",
            "merchantInternalTransactionCode: \"order-1\", amount: 1",
        )
        .await;
    assert!(refused.contains("has not acted"), "{refused}");
}

#[tokio::test]
async fn syncing_asks_the_rail() {
    let shop = Shop::open().await;
    let session = shop.start("Payment", payment("order-1")).await;
    shop.pay(&session, UNKNOWN).await;
    let account = session["transactionProviderId"].as_str().unwrap();
    let synced = shop
        .done("SyncOne", &format!("merchantInternalTransactionCode: \"order-1\", merchantTransactionProviderId: \"{account}\""))
        .await;
    assert_eq!(synced["status"], "SUCCEEDED");
}

#[tokio::test]
async fn payment_plans_and_direct_debits_are_refused() {
    let shop = Shop::open().await;
    for query in [
        "{ merchantApiPaymentPlan(merchantPaymentPlanId: \"x\") { id } }",
        "{ merchantApiPaymentPlans { totalCount } }",
        "{ merchantApiPaymentPlanTemplate(merchantPaymentPlanTemplateId: \"x\") { id } }",
        "{ merchantApiPaymentPlanTemplates { totalCount } }",
        "mutation { merchantApiPaymentPlanCancel(merchantPaymentPlanId: \"x\", merchantTransactionProviderId: \"x\") { id } }",
    ] {
        let error = shop.refused(query, json!({})).await;
        assert_eq!(error["extensions"]["code"], "VALIDATION_ERROR");
        assert!(
            error["message"].as_str().unwrap().contains("not supported"),
            "{error}"
        );
    }
    let ach = "mutation($data: MerchantApiServerAchPaymentTransactionCreateSchema!) { merchantApiServerAchPaymentTransactionCreate(data: $data) { id } }";
    let data = with(
        payment("order-1"),
        json!({"ach": {"accountNumber": "1", "routingNumber": "1"}}),
    );
    assert!(
        shop.refused(ach, json!({"data": data})).await["message"]
            .as_str()
            .unwrap()
            .contains("not supported")
    );
}

#[tokio::test]
async fn what_a_payer_may_choose_is_asked_for_at_its_least() {
    let shop = Shop::open().await;
    let native = json!({"minAmount": 500, "currency": "USD", "reference": "choice-1"});
    let made = shop
        .server
        .native(Method::POST, "/api/v1/sessions", native.to_string())
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let query = format!(
        "{{ it: merchantApiClientTransactionSession(merchantInternalTransactionCode: \"choice-1\") {{ ...Session }} }} {SESSION}"
    );
    let session = shop.ask(&query, json!({})).await["it"].clone();
    assert_eq!(session["amount"], "500");
    assert_eq!(session["kind"], "payment");
    let started = shop.verify("Payment", &session).await;
    assert_eq!(
        (&started["amount"], &started["status"]),
        (&json!("500"), &json!("STARTED"))
    );
}

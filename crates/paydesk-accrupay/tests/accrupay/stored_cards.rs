//! Stored cards: charged later, without the payer; kept only when asked, and each its customer's own.

use paydesk_core::time::Span;

use super::*;

const CHARGE: &str = "merchantApiServerPaymentMethodTransactionCreate";

fn charge(card: &Value, code: &str) -> Value {
    json!({"data": {
        "merchantCustomerPaymentMethodId": card,
        "merchantInternalCustomerCode": "customer-4421",
        "merchantInternalTransactionCode": code,
        "amount": "500", "currency": "USD", "billing": billing(),
    }})
}

fn charge_query() -> String {
    format!(
        "mutation($data: MerchantApiServerPaymentMethodTransactionCreateSchema!) \
            {{ it: {CHARGE}(data: $data) {{ ...Transaction }} }} {TRANSACTION}"
    )
}

#[tokio::test]
async fn a_stored_card_is_charged_later_and_refuses_once_it_is_detached() {
    let shop = Shop::open().await;
    let session = shop.paid("AddPaymentMethod", storing("add-1")).await;
    assert_eq!(
        (&session["amount"], &session["action"]),
        (&json!("0"), &json!("AUTHENTICATION"))
    );
    let stored = shop.verify("AddPaymentMethod", &session).await;
    assert_eq!(stored["status"], "SUCCEEDED");
    let charged = shop.server.ledger.charges(None, 9).await.unwrap();
    assert_eq!(charged.charges, [], "nothing is charged");
    let card = &stored["paymentMethod"]["id"];
    let charged = shop.ask(&charge_query(), charge(card, "charge-1")).await["it"].clone();
    assert_eq!(
        (&charged["status"], &charged["amount"]),
        (&json!("SUCCEEDED"), &json!("500"))
    );
    assert_eq!(charged["merchantInternalTransactionCode"], "charge-1");
    assert_eq!(charged["clientTransactionSessionId"], Value::Null);
    assert_eq!(&charged["paymentMethod"]["id"], card);

    // Codes are one namespace over sessions and charges, and as long as a session's may be.
    for code in ["charge-1", "add-1", "", &"x".repeat(256)] {
        let error = shop.refused(&charge_query(), charge(card, code)).await;
        assert_eq!(
            error["extensions"]["argument"], "data.merchantInternalTransactionCode",
            "{error}"
        );
    }
    let error = shop.start_refused("Payment", payment("charge-1")).await;
    assert_eq!(
        error["extensions"]["argument"],
        "data.merchantInternalTransactionCode"
    );
    // The native references are the same namespace.
    let native = json!({"amount": 100, "currency": "USD", "reference": "native-1"});
    shop.server
        .native(Method::POST, "/api/v1/sessions", native.to_string())
        .await
        .ok();
    for refused in [
        shop.start_refused("Payment", payment("native-1")).await,
        shop.refused(&charge_query(), charge(card, "native-1"))
            .await,
    ] {
        assert_eq!(
            refused["extensions"]["argument"], "data.merchantInternalTransactionCode",
            "{refused}"
        );
    }

    let by_code = "query { it: merchantApiTransaction(merchantInternalTransactionCode: \"charge-1\") { id } }";
    assert_eq!(
        shop.ask(by_code, json!({})).await["it"]["id"],
        charged["id"]
    );

    let tenant = shop.server.tenant(paydesk_core::tenant::Mode::Test);
    let id = card.as_str().unwrap().parse().unwrap();
    shop.server
        .engine
        .detach_payment_method(tenant, id, None)
        .await
        .unwrap();
    let error = shop
        .refused(&charge_query(), charge(card, "charge-2"))
        .await;
    assert_eq!(error["extensions"]["code"], "NOT_FOUND", "{error}");
    let read = "query($id: String!) { it: merchantApiCustomerPaymentMethod(merchantCustomerPaymentMethodId: $id) { status isEnabled } }";
    assert_eq!(
        shop.ask(read, json!({"id": card})).await["it"],
        json!({"status": "DISABLED", "isEnabled": false})
    );
}

#[tokio::test]
async fn a_card_that_stores_but_does_not_pay_fails_clearly() {
    let shop = Shop::open().await;
    let session = shop.start("AddPaymentMethod", storing("add-1")).await;
    shop.pay(&session, STORES_ONLY).await.ok();
    let stored = shop.verify("AddPaymentMethod", &session).await;
    let card = &stored["paymentMethod"]["id"];
    let charged = shop.ask(&charge_query(), charge(card, "charge-1")).await["it"].clone();
    assert!(
        ["FAILED", "DECLINED"].contains(&charged["status"].as_str().unwrap()),
        "{charged}"
    );
    assert_ne!(charged["providerError"], Value::Null);
    // It gave its code up, and is found by it all the same, also where a session had the code before.
    let session = shop.start("Payment", payment("charge-2")).await;
    let expire = format!(
        "/api/v1/sessions/{}/expire",
        session["id"].as_str().unwrap()
    );
    shop.server.native(Method::POST, &expire, "").await.ok();
    shop.server.clock.advance(Span::millis(1));
    let again = shop.ask(&charge_query(), charge(card, "charge-2")).await["it"].clone();
    let by_code = "query($code: String!) { it: merchantApiTransaction(merchantInternalTransactionCode: $code) { id } }";
    for (code, charged) in [("charge-1", &charged), ("charge-2", &again)] {
        let found = shop.ask(by_code, json!({"code": code})).await;
        assert_eq!(found["it"]["id"], charged["id"], "{code}");
    }
    // Until another session has it.
    shop.server.clock.advance(Span::millis(1));
    let session = shop.paid("Payment", payment("charge-1")).await;
    let found = shop.ask(by_code, json!({"code": "charge-1"})).await;
    let paid = shop.verify("Payment", &session).await;
    assert_eq!(found["it"]["id"], paid["id"]);
}

#[tokio::test]
async fn a_card_is_stored_only_when_asked_and_belongs_to_its_customer() {
    let shop = Shop::open().await;
    let kept_by = async |paid: &Value| {
        let payment = paid["id"].as_str().unwrap().parse().unwrap();
        shop.server.ledger.card_kept_by(payment).await.unwrap()
    };
    let session = shop.paid("Payment", payment("order-1")).await;
    let paid = shop.verify("Payment", &session).await;
    assert_eq!(paid["paymentMethod"], Value::Null);
    assert_eq!(kept_by(&paid).await, None, "nor does the bank keep it");
    let stored = "{ merchantApiCustomerPaymentMethods { totalCount } }";
    let stored = async || {
        let answer = shop.ask(stored, json!({})).await;
        answer["merchantApiCustomerPaymentMethods"]["totalCount"].clone()
    };
    assert_eq!(stored().await, 0);
    let keep = with(payment("order-2"), json!({"storePaymentMethod": true}));
    let session = shop.paid("Payment", keep).await;
    let paid = shop.verify("Payment", &session).await;
    let card = &paid["paymentMethod"]["id"];
    assert_ne!(*card, Value::Null);
    assert!(kept_by(&paid).await.is_some());
    assert_eq!(stored().await, 1);
    let mut other = charge(card, "charge-1");
    other["data"]["merchantInternalCustomerCode"] = json!("customer-1");
    let error = shop.refused(&charge_query(), other).await;
    assert_eq!(error["extensions"]["code"], "NOT_FOUND", "{error}");
}

#[tokio::test]
async fn a_card_that_is_kept_without_a_customer_is_given_one() {
    let shop = Shop::open().await;
    let nobodys = with(storing("add-1"), json!({"customer": null}));
    let session = shop.start("AddPaymentMethod", nobodys.clone()).await;
    let code = session["merchantInternalCustomerCode"].as_str().unwrap();
    assert!(code.starts_with("customer-"), "{code}");
    assert_eq!(
        shop.start("AddPaymentMethod", nobodys).await["id"],
        session["id"]
    );
    let unkept = with(payment("order-1"), json!({"customer": null}));
    assert_eq!(
        shop.start("Payment", unkept).await["merchantInternalCustomerCode"],
        Value::Null
    );
}

//! What is wrong with a request is said of the argument, and nothing is stored.

use super::*;

fn changed(path: &str, value: Value) -> Value {
    let mut data = payment("order-1");
    match path.split_once('.') {
        Some((group, field)) => data[group][field] = value,
        None => data[path] = value,
    }
    data
}

#[tokio::test]
async fn every_wrong_argument_is_named_and_nothing_is_stored() {
    let shop = Shop::open().await;
    let long = "x".repeat(501);
    for (path, value, argument) in [
        (
            "billing.billingEmail",
            json!("jane"),
            "data.billing.billingEmail",
        ),
        (
            "billing.billingPhone",
            json!("2125550100"),
            "data.billing.billingPhone",
        ),
        (
            "billing.billingAddressState",
            json!("ZZ"),
            "data.billing.billingAddressState",
        ),
        (
            "billing.billingAddressState",
            json!("CA-ON"),
            "data.billing.billingAddressState",
        ),
        (
            "billing.billingAddressCountry",
            json!("XX"),
            "data.billing.billingAddressCountry",
        ),
        (
            "billing.billingAddressCountry",
            json!("us"),
            "data.billing.billingAddressCountry",
        ),
        (
            "billing.billingFirstName",
            json!(""),
            "data.billing.billingFirstName",
        ),
        (
            "billing.billingLastName",
            json!(long),
            "data.billing.billingLastName",
        ),
        (
            "shipping",
            json!({"shippingFirstName": "J", "shippingLastName": "S", "shippingEmail": "no", "shippingAddressCountry": "SG"}),
            "data.shipping.shippingEmail",
        ),
        (
            "shipping",
            json!({"shippingFirstName": "J", "shippingLastName": "S", "shippingEmail": "a@b.co", "shippingAddressCountry": "SG", "shippingPhone": "1"}),
            "data.shipping.shippingPhone",
        ),
        (
            "shipping",
            json!({"shippingFirstName": "J", "shippingLastName": "S", "shippingEmail": "a@b.co", "shippingAddressCountry": "SG", "shippingAddressState": "NY"}),
            "data.shipping.shippingAddressState",
        ),
        (
            "shipping",
            json!({"shippingFirstName": "J", "shippingLastName": "S", "shippingEmail": "a@b.co", "shippingAddressCountry": "ZZ"}),
            "data.shipping.shippingAddressCountry",
        ),
        (
            "user",
            json!({"userFirstName": "J", "userLastName": "S", "userEmail": "no", "userAddressCountry": "SG"}),
            "data.user.userEmail",
        ),
        (
            "user",
            json!({"userFirstName": "J", "userLastName": "S", "userEmail": "a@b.co", "userAddressCountry": "SG", "userPhone": "+0"}),
            "data.user.userPhone",
        ),
        (
            "user",
            json!({"userFirstName": "J", "userLastName": "S", "userEmail": "a@b.co", "userAddressCountry": "SG", "userAddressState": "US-NY"}),
            "data.user.userAddressState",
        ),
        (
            "user",
            json!({"userFirstName": "J", "userLastName": "S", "userEmail": "a@b.co", "userAddressCountry": "SG", "userBirthDate": "yesterday"}),
            "data.user.userBirthDate",
        ),
        (
            "billing.billingEmail",
            Value::Null,
            "data.billing.billingEmail",
        ),
        ("storePaymentMethod", Value::Null, "data.storePaymentMethod"),
        ("storePaymentMethod", json!("no"), "data.storePaymentMethod"),
        ("billing", Value::Null, "data.billing"),
        (
            "device",
            json!({"deviceIp": "1.2.3"}),
            "data.device.deviceIp",
        ),
        ("amount", json!("0"), "data.amount"),
        ("amount", json!("-1"), "data.amount"),
        ("amount", json!("1.5"), "data.amount"),
        ("amount", json!("01"), "data.amount"),
        ("amount", json!(1.5), "data.amount"),
        ("amount", json!("1000000000000000"), "data.amount"),
        ("amount", json!("99999999999999999999"), "data.amount"),
        ("amount", Value::Null, "data.amount"),
        ("currency", json!("XAU"), "data.currency"),
        ("currency", json!("XYZ"), "data.currency"),
        (
            "merchantInternalTransactionCode",
            json!(""),
            "data.merchantInternalTransactionCode",
        ),
        (
            "merchantInternalTransactionCode",
            json!("a\u{0}b"),
            "data.merchantInternalTransactionCode",
        ),
        (
            "merchantInternalCustomerCode",
            json!("another"),
            "data.customer.merchantInternalCustomerCode",
        ),
    ] {
        let error = shop
            .start_refused("Payment", changed(path, value.clone()))
            .await;
        assert_eq!(
            error["extensions"]["code"], "VALIDATION_ERROR",
            "{path} {value}: {error}"
        );
        assert_eq!(
            error["extensions"]["argument"], argument,
            "{path} {value}: {error}"
        );
    }
    let sessions = shop
        .ask(
            "{ merchantApiClientTransactionSessions { totalCount } }",
            json!({}),
        )
        .await;
    assert_eq!(
        sessions["merchantApiClientTransactionSessions"]["totalCount"],
        0
    );
}

#[tokio::test]
async fn states_come_with_and_without_their_country_and_amounts_as_text_and_number() {
    let shop = Shop::open().await;
    let session = shop
        .start(
            "Payment",
            changed("billing.billingAddressState", json!("NY")),
        )
        .await;
    assert_eq!(session["billingAddressState"], "US-NY");
    let again = with(payment("order-1"), json!({"amount": 10000}));
    assert_eq!(shop.start("Payment", again).await["id"], session["id"]);
    assert_eq!(session["amount"], "10000");
    assert_eq!(session["kind"], "payment");
    assert_eq!(session["payload"]["provider"], "SANDBOX");
}

#[tokio::test]
async fn the_same_start_again_is_the_same_session_and_another_one_is_refused() {
    let shop = Shop::open().await;
    let session = shop.start("Payment", payment("order-1")).await;
    assert_eq!(
        shop.start("Payment", payment("order-1")).await["id"],
        session["id"]
    );
    for other in [
        with(payment("order-1"), json!({"amount": "10001"})),
        with(payment("order-1"), json!({"currency": "EUR"})),
        with(payment("order-1"), json!({"storePaymentMethod": true})),
        with(
            payment("order-1"),
            json!({"customer": {"merchantInternalCustomerCode": "x"}}),
        ),
        changed("billing.billingFirstName", json!("Joan")),
    ] {
        let error = shop.start_refused("Payment", other).await;
        assert_eq!(
            error["extensions"]["argument"], "data.merchantInternalTransactionCode",
            "{error}"
        );
    }
    let error = shop
        .start_refused("Authorization", payment("order-1"))
        .await;
    assert_eq!(error["extensions"]["code"], "VALIDATION_ERROR");
}

#[tokio::test]
async fn a_hundred_starts_at_once_open_one_session() {
    let shop = Shop::open().await;
    let all =
        futures_util::future::join_all((0..100).map(|_| shop.start("Payment", payment("order-1"))))
            .await;
    let mut ids: Vec<_> = all
        .iter()
        .map(|session| session["id"].to_string())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 1);
}

#[tokio::test]
async fn an_account_is_named_in_one_way() {
    let shop = Shop::open().await;
    let account = shop.start("Payment", payment("order-1")).await["transactionProviderId"].clone();
    let config = "query($id: String, $of: TRANSACTION_PROVIDER) { it: merchantApiClientTransactionSessionBaseConfig(merchantTransactionProviderId: $id, transactionProvider: $of) \
        { provider data { ... on MerchantClientTransactionSessionGenericBaseConfig { publicKey } } } }";
    let key = shop.server.merchant.test.publishable_key.clone();
    let right = json!({"provider": "SANDBOX", "data": {"publicKey": key}});
    for variables in [
        json!({}),
        json!({"id": account}),
        json!({"of": "NUVEI"}),
        json!({"of": "EXAMPLE"}),
        json!({"of": "SANDBOX"}),
    ] {
        assert_eq!(
            shop.ask(config, variables.clone()).await["it"],
            right,
            "{variables}"
        );
    }
    let error = shop
        .refused(config, json!({"id": account, "of": "NUVEI"}))
        .await;
    assert_eq!(error["extensions"]["argument"], "transactionProvider");
    for unknown in ["x", "0190163d-8694-7398-9f1c-123456789abc"] {
        let error = shop.refused(config, json!({"id": unknown})).await;
        assert_eq!(error["extensions"]["code"], "NOT_FOUND");
    }
    // Nothing is enabled in live mode.
    let live = shop
        .ask_as(&shop.server.merchant.live, config, json!({}))
        .await;
    assert_eq!(
        live["errors"][0]["extensions"]["code"], "VALIDATION_ERROR",
        "{live}"
    );
}

#[tokio::test]
async fn without_a_valid_secret_nothing_is_answered_and_the_status_is_200() {
    let shop = Shop::open().await;
    let session = shop.start("Payment", payment("order-1")).await;
    let query = json!({"query": "query($id: String) { merchantApiClientTransactionSession(id: $id) { id } }", "variables": {"id": session["id"]}});
    let wrong = |text: &str| {
        vec![(
            HeaderName::from_static("accrupay-api-secret"),
            HeaderValue::from_str(text).unwrap(),
        )]
    };
    for headers in [
        vec![],
        wrong(""),
        wrong("x"),
        wrong(&shop.server.merchant.test.publishable_key),
    ] {
        let answer = shop.post(&headers, &query).await;
        assert_eq!(answer.status, StatusCode::OK);
        let answer = answer.json();
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED",
            "{answer}"
        );
        assert_eq!(answer["data"], Value::Null);
    }
    // The other mode's secret opens the other mode.
    let live = shop
        .ask_as(
            &shop.server.merchant.live,
            query["query"].as_str().unwrap(),
            query["variables"].clone(),
        )
        .await;
    assert_eq!(live["errors"][0]["extensions"]["code"], "NOT_FOUND");
    let stranger = shop
        .server
        .engine
        .create_merchant("Stranger")
        .await
        .unwrap();
    let theirs = shop
        .ask_as(
            &stranger.test,
            query["query"].as_str().unwrap(),
            query["variables"].clone(),
        )
        .await;
    assert_eq!(theirs["errors"], live["errors"]);
}

//! Lists: filters, pages by counting and by places, sorting, totals.

use paydesk_core::time::Span;

use super::*;

/// Asks for sessions; their codes.
async fn sessions(shop: &Shop, arguments: &str) -> (Vec<String>, Value) {
    let query = format!(
        "{{ it: merchantApiClientTransactionSessions{arguments} {{ totalCount total pageInfo {{ hasNextPage hasPreviousPage \
            startCursor endCursor }} data {{ id }} edges {{ cursor node {{ id merchantInternalTransactionCode }} }} }} }}"
    );
    let list = shop.ask(&query, json!({})).await["it"].clone();
    assert_eq!(list["total"], list["totalCount"]);
    let edges = list["edges"].as_array().unwrap();
    let codes = edges
        .iter()
        .map(|edge| {
            edge["node"]["merchantInternalTransactionCode"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    let ids: Vec<_> = edges
        .iter()
        .map(|edge| json!({"id": edge["node"]["id"]}))
        .collect();
    assert_eq!(list["data"], json!(ids));
    (codes, list)
}

async fn codes(shop: &Shop, arguments: &str) -> String {
    let (codes, list) = sessions(shop, arguments).await;
    if !arguments.contains("take") && !arguments.contains("first") && !arguments.contains("last") {
        assert_eq!(list["totalCount"], codes.len(), "{arguments}");
    }
    codes.join(" ")
}

/// Five sessions: `a` untouched, `b` paid, `c` declined and cancelled, `d` held, `e` storing a card.
async fn five() -> (Shop, Vec<Value>) {
    let shop = Shop::open().await;
    let tick = || shop.server.clock.advance(Span::seconds(1));
    let a = shop
        .start("Payment", with(payment("a"), json!({"amount": "300"})))
        .await;
    tick();
    let b = shop
        .paid(
            "Payment",
            with(payment("b"), json!({"amount": "100", "currency": "EUR"})),
        )
        .await;
    tick();
    let c = shop
        .start(
            "Payment",
            with(
                payment("c"),
                json!({"amount": "200", "customer": {"merchantInternalCustomerCode": "other"}}),
            ),
        )
        .await;
    shop.pay(&c, DECLINED).await.ok();
    shop.server
        .payer(
            Method::POST,
            &format!("/pay/{}/cancel", c["token"].as_str().unwrap()),
            "{}",
        )
        .await
        .ok();
    tick();
    let d = shop
        .paid(
            "Authorization",
            with(payment("d"), json!({"amount": "500"})),
        )
        .await;
    tick();
    let e = shop.paid("AddPaymentMethod", storing("e")).await;
    (shop, vec![a, b, c, d, e])
}

#[tokio::test]
async fn every_filter_shows_what_it_says_with_an_exact_total() {
    let (shop, all) = five().await;
    let card = shop.verify("AddPaymentMethod", &all[4]).await["paymentMethod"]["id"].clone();
    let name = |field: &str| all[1][field].as_str().unwrap().to_owned();
    let account = name("transactionProviderId");
    for (arguments, shown) in [
        (String::new(), "e d c b a"),
        ("(action: PAYMENT)".into(), "c b a"),
        ("(action: AUTHORIZATION)".into(), "d"),
        ("(action: AUTHENTICATION)".into(), "e"),
        ("(action: REFUND)".into(), ""),
        ("(amount: \"100\")".into(), "b"),
        ("(amount: 0)".into(), "e"),
        ("(canceled: true)".into(), "c"),
        ("(canceled: false)".into(), "e d b a"),
        ("(completed: true)".into(), "e d b"),
        ("(completed: false)".into(), "c a"),
        ("(currency: EUR)".into(), "b"),
        ("(hasProviderError: true)".into(), ""),
        ("(hasProviderError: false)".into(), "e d c b a"),
        (format!("(id: \"{}\")", name("id")), "b"),
        ("(id: \"x\")".into(), ""),
        (format!("(id: \"{}\", completed: false)", name("id")), ""),
        ("(merchantInternalCustomerCode: \"other\")".into(), "c"),
        ("(merchantInternalTransactionCode: \"a\")".into(), "a"),
        (format!("(paymentMethodId: {card})"), "e"),
        ("(paymentPlanId: \"x\")".into(), ""),
        (format!("(providerCode: \"{}\")", name("providerCode")), "b"),
        ("(providerStatus: ACTIVE)".into(), "a"),
        ("(providerStatus: COMPLETED)".into(), "e d b"),
        ("(providerStatus: CANCELED)".into(), "c"),
        ("(providerStatus: EXPIRED)".into(), ""),
        ("(started: true)".into(), "e d c b a"),
        ("(started: false)".into(), ""),
        (format!("(token: \"{}\")", name("token")), "b"),
        (
            format!("(transactionProviderId: \"{account}\")"),
            "e d c b a",
        ),
        ("(transactionProviderId: \"x\")".into(), ""),
        (
            "(sorting: [{field: \"createdAt\", order: ASC}])".into(),
            "a b c d e",
        ),
        (
            "(sorting: [{field: \"amount\", order: DESC}])".into(),
            "d a c b e",
        ),
        (
            "(sorting: [{field: \"updatedAt\", order: ASC}])".into(),
            "a b c d e",
        ),
        (
            "(completed: true, sorting: [{field: \"amount\", order: ASC}])".into(),
            "e b d",
        ),
    ] {
        assert_eq!(codes(&shop, &arguments).await, shown, "{arguments}");
    }
    // Time counts, whether or not anybody wrote it down.
    shop.server.clock.advance(Span::days(8));
    assert_eq!(codes(&shop, "(providerStatus: EXPIRED)").await, "a");
    assert_eq!(codes(&shop, "(providerStatus: ACTIVE)").await, "");
}

#[tokio::test]
async fn nobody_elses_lists_show_or_count_any_of_it() {
    let (shop, all) = five().await;
    let stranger = shop.server.engine.create_merchant("Stranger").await;
    let stranger = stranger.unwrap();
    let session = &all[1]["id"];
    for credentials in [&shop.server.merchant.live, &stranger.test, &stranger.live] {
        for list in [
            "merchantApiClientTransactionSessions".to_owned(),
            "merchantApiClientTransactionSessions(completed: true)".to_owned(),
            format!("merchantApiClientTransactionSessions(id: {session})"),
            "merchantApiClientTransactionSessions(merchantInternalTransactionCode: \"b\")"
                .to_owned(),
            "merchantApiClientTransactionSessions(merchantInternalCustomerCode: \"customer-4421\")"
                .to_owned(),
            "merchantApiTransactions".to_owned(),
            "merchantApiTransactions(succeeded: true)".to_owned(),
            format!("merchantApiTransactions(clientTransactionSessionId: {session})"),
            "merchantApiTransactions(merchantInternalTransactionCode: \"b\")".to_owned(),
            "merchantApiCustomerPaymentMethods".to_owned(),
            "merchantApiCustomerPaymentMethods(merchantInternalCustomerCode: \"customer-4421\")"
                .to_owned(),
        ] {
            let query = format!("{{ it: {list} {{ totalCount data {{ id }} }} }}");
            let answer = shop.ask_as(credentials, &query, json!({})).await;
            let nothing = json!({"totalCount": 0, "data": []});
            assert_eq!(answer["data"]["it"], nothing, "{list}: {answer}");
        }
    }
}

#[tokio::test]
async fn pages_go_both_ways_and_meet() {
    let (shop, _) = five().await;
    for sorting in ["", ", sorting: [{field: \"amount\", order: ASC}]"] {
        let (whole, _) = sessions(&shop, &format!("(take: 100{sorting})")).await;
        let mut forward = Vec::new();
        let mut after = String::new();
        loop {
            let (codes, list) = sessions(&shop, &format!("(first: 2{after}{sorting})")).await;
            assert_eq!(list["totalCount"], 5);
            assert_eq!(list["pageInfo"]["hasPreviousPage"], !forward.is_empty());
            forward.extend(codes);
            if list["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = format!(", after: {}", list["pageInfo"]["endCursor"]);
        }
        assert_eq!(forward, whole);
        let mut backward = Vec::new();
        let mut before = String::new();
        loop {
            let (codes, list) = sessions(&shop, &format!("(last: 2{before}{sorting})")).await;
            assert_eq!(list["pageInfo"]["hasNextPage"], !backward.is_empty());
            backward.splice(0..0, codes);
            if list["pageInfo"]["hasPreviousPage"] == false {
                break;
            }
            before = format!(", before: {}", list["pageInfo"]["startCursor"]);
        }
        assert_eq!(backward, whole);
        let mut counted = Vec::new();
        for skip in [0, 2, 4, 6] {
            let (codes, list) = sessions(&shop, &format!("(skip: {skip}, take: 2{sorting})")).await;
            assert_eq!(list["pageInfo"]["hasNextPage"], skip < 3);
            assert_eq!(list["pageInfo"]["hasPreviousPage"], skip > 0);
            counted.extend(codes);
        }
        assert_eq!(counted, whole);
    }
}

#[tokio::test]
async fn transactions_are_filtered_by_every_argument() {
    let (shop, all) = five().await;
    let paid = shop.verify("Payment", &all[1]).await;
    let stored = shop.verify("AddPaymentMethod", &all[4]).await;
    // Those of one millisecond come in any order.
    shop.server.clock.advance(Span::seconds(1));
    let refund = "mutation($id: String) { it: merchantApiTransactionRefund(id: $id, amount: 40) { id providerCode } }";
    shop.ask(refund, json!({"id": paid["id"]})).await;
    shop.server.clock.advance(Span::seconds(1));
    let void =
        "mutation { merchantApiTransactionVoid(merchantInternalTransactionCode: \"d\") { id } }";
    shop.ask(void, json!({})).await;
    let text = |value: &Value, field: &str| value[field].as_str().unwrap().to_owned();
    let card = text(&stored["paymentMethod"], "id");
    // Each by what it does and its status: P payment, A authorization, S storing, R refund, V void.
    for (arguments, shown) in [
        (
            String::new(),
            "VOID REFUND AUTHENTICATION AUTHORIZATION PAYMENT PAYMENT",
        ),
        ("(action: PAYMENT)".into(), "PAYMENT PAYMENT"),
        ("(actions: [REFUND, VOID])".into(), "VOID REFUND"),
        ("(action: REFUND, actions: [VOID])".into(), ""),
        ("(actions: [CHARGEBACK])".into(), ""),
        ("(canceled: true)".into(), ""),
        (
            format!("(clientTransactionSessionId: \"{}\")", text(&all[1], "id")),
            "REFUND PAYMENT",
        ),
        (format!("(code: \"{}\")", text(&paid, "id")), "PAYMENT"),
        ("(currency: EUR)".into(), "REFUND PAYMENT"),
        ("(disputed: true)".into(), ""),
        ("(disputed: false, action: VOID)".into(), "VOID"),
        ("(failed: true)".into(), "PAYMENT"),
        (
            "(failed: false)".into(),
            "VOID REFUND AUTHENTICATION AUTHORIZATION PAYMENT",
        ),
        ("(hasProviderError: true)".into(), "PAYMENT"),
        (format!("(id: \"{}\")", text(&paid, "id")), "PAYMENT"),
        (
            format!("(id: \"{}\", status: DECLINED)", text(&paid, "id")),
            "",
        ),
        (
            "(merchantInternalCustomerCode: \"other\")".into(),
            "PAYMENT",
        ),
        ("(merchantInternalTransactionCode: \"b\")".into(), "PAYMENT"),
        ("(merchantInternalTransactionCode: \"nobody's\")".into(), ""),
        (format!("(paymentMethodId: \"{card}\")"), "AUTHENTICATION"),
        ("(paymentMethodCode: \"x\")".into(), ""),
        ("(paymentMethodType: CARD, action: VOID)".into(), "VOID"),
        ("(paymentMethodType: ACH)".into(), ""),
        ("(paymentMethodType: OTHER)".into(), ""),
        ("(paymentPlanId: \"x\")".into(), ""),
        (
            format!("(providerCode: \"{}\")", text(&paid, "providerCode")),
            "PAYMENT",
        ),
        (
            format!("(providerRelatedCode: \"{}\")", text(&paid, "providerCode")),
            "REFUND",
        ),
        (
            format!("(relatedTransactionId: \"{}\")", text(&paid, "id")),
            "REFUND",
        ),
        ("(reverted: true)".into(), "AUTHORIZATION PAYMENT"),
        (
            "(reverted: false)".into(),
            "VOID REFUND AUTHENTICATION PAYMENT",
        ),
        ("(started: false)".into(), ""),
        ("(status: DECLINED)".into(), "PAYMENT"),
        ("(statuses: [DECLINED, PENDING])".into(), "PAYMENT"),
        ("(status: STARTED)".into(), ""),
        ("(succeeded: false)".into(), "PAYMENT"),
        (
            format!("(token: \"{}\")", text(&all[1], "token")),
            "REFUND PAYMENT",
        ),
        ("(transactionDateTo: \"2020-01-01T00:00:00Z\")".into(), ""),
        (
            "(transactionDateFrom: \"2020-01-01T00:00:00Z\", action: VOID)".into(),
            "VOID",
        ),
        (
            "(transactionProvider: SANDBOX, action: VOID)".into(),
            "VOID",
        ),
        (
            format!(
                "(transactionProviderId: \"{}\", action: VOID)",
                text(&all[1], "transactionProviderId")
            ),
            "VOID",
        ),
        (
            "(sorting: [{field: \"amount\", order: DESC}], succeeded: true)".into(),
            "VOID AUTHORIZATION PAYMENT REFUND AUTHENTICATION",
        ),
    ] {
        let query = format!(
            "{{ it: merchantApiTransactions{arguments} {{ totalCount data {{ action }} }} }}"
        );
        let list = shop.ask(&query, json!({})).await["it"].clone();
        let data = list["data"].as_array().unwrap();
        let actions: Vec<_> = data
            .iter()
            .map(|it| it["action"].as_str().unwrap())
            .collect();
        assert_eq!(actions.join(" "), shown, "{arguments}");
        assert_eq!(list["totalCount"], actions.len(), "{arguments}");
    }
}

#[tokio::test]
async fn cards_and_accounts_are_listed() {
    let (shop, all) = five().await;
    let stored = shop.verify("AddPaymentMethod", &all[4]).await;
    let (by, account) = (&stored["id"], &all[0]["transactionProviderId"]);
    for (arguments, count) in [
        (String::new(), 1),
        (
            "(merchantInternalCustomerCode: \"customer-4421\")".into(),
            1,
        ),
        ("(merchantInternalCustomerCode: \"other\")".into(), 0),
        (format!("(initialTransactionId: {by})"), 1),
        (format!("(transactionProviderId: {account})"), 1),
        (
            format!("(transactionProviderId: {account}, transactionProvider: SANDBOX)"),
            1,
        ),
        ("(methodType: CARD)".into(), 1),
        ("(methodType: ACH)".into(), 0),
        ("(isDefault: true)".into(), 0),
        ("(hasProviderError: true)".into(), 0),
        (format!("(id: {})", stored["paymentMethod"]["id"]), 1),
        ("(id: \"x\")".into(), 0),
        ("(providerCode: \"x\")".into(), 0),
    ] {
        let query = format!(
            "{{ it: merchantApiCustomerPaymentMethods{arguments} {{ totalCount data {{ id providerCode paymentMethodInfo {{ ... on MerchantCustomerPaymentMethodCreditCardInfo {{ cardBrand cardNumberMasked }} }} }} }} }}"
        );
        let list = shop.ask(&query, json!({})).await["it"].clone();
        assert_eq!(list["totalCount"], count, "{arguments}");
        assert_eq!(list["data"].as_array().unwrap().len(), count, "{arguments}");
        if count == 1 {
            assert_eq!(
                list["data"][0]["paymentMethodInfo"],
                json!({"cardBrand": "visa", "cardNumberMasked": "**** **** **** 4242"})
            );
        }
    }
    for (arguments, count) in [
        ("", 1),
        ("(provider: SANDBOX)", 1),
        ("(status: DISABLED)", 0),
        ("(status: ENABLED)", 1),
        ("(id: \"x\")", 0),
    ] {
        let query = format!(
            "{{ it: merchantApiTransactionProviders{arguments} {{ totalCount edges {{ node {{ id status provider }} }} }} }}"
        );
        assert_eq!(
            shop.ask(&query, json!({})).await["it"]["totalCount"],
            count,
            "{arguments}"
        );
    }
}

#[tokio::test]
async fn a_wrong_page_is_refused_by_its_argument() {
    let shop = Shop::open().await;
    for (arguments, argument) in [
        ("take: 101", "take"),
        ("take: -1", "take"),
        ("skip: -1", "skip"),
        ("first: 1, take: 1", "take"),
        ("after: \"x\"", "after"),
        (
            "sorting: [{field: \"token\", order: ASC}]",
            "sorting[0].field",
        ),
    ] {
        let error = shop
            .refused(
                &format!("{{ merchantApiTransactions({arguments}) {{ total }} }}"),
                json!({}),
            )
            .await;
        assert_eq!(error["extensions"]["argument"], argument, "{error}");
    }
}

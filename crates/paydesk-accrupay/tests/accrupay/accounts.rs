//! A merchant with several accounts on rails: which one is meant, and what is found by them.

use std::sync::Arc;

use paydesk_core::id::{
    Ids as _, PaymentMethodId, ProviderAccountId, SessionId, SystemIds, TransactionId,
};
use paydesk_core::method::Method as Pays;
use paydesk_core::money::{Currency, Money};
use paydesk_core::session::{Session, State};
use paydesk_core::store::{Change, Counter, Increment, Record};
use paydesk_core::tenant::Mode;
use paydesk_core::time::{Clock as _, Span, Timestamp};
use paydesk_core::transaction::{Action, Begin, Status, Transaction};

use super::*;

impl Shop {
    /// Makes another account for these methods; its id.
    async fn account(&self, name: &str, methods: &[&str]) -> String {
        let body = json!({"provider": "SANDBOX", "name": name, "methods": methods});
        let made = self
            .server
            .native(Method::POST, "/api/v1/providerAccounts", body.to_string())
            .await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        made.json()["id"].as_str().unwrap().to_owned()
    }

    async fn change_account(&self, id: &str, change: Value) {
        let path = format!("/api/v1/providerAccounts/{id}");
        self.server
            .native(Method::PATCH, &path, change.to_string())
            .await
            .ok();
    }

    async fn first_account(&self) -> String {
        let query = "{ it: merchantApiTransactionProviders { data { id } } }";
        let all = self.ask(query, json!({})).await;
        all["it"]["data"][0]["id"].as_str().unwrap().to_owned()
    }

    /// How many transactions a list shows in all.
    async fn transactions(&self, arguments: &str) -> Value {
        let query = format!("{{ it: merchantApiTransactions{arguments} {{ totalCount }} }}");
        self.ask(&query, json!({})).await["it"]["totalCount"].clone()
    }
}

#[tokio::test]
async fn a_provider_is_the_default_of_the_accounts_that_it_names() {
    let shop = Shop::open().await;
    let first = shop.first_account().await;
    let second = shop.account("Second", &["card"]).await;
    let codes = shop.account("Codes", &["paynow"]).await;
    let query = format!(
        "mutation($data: MerchantApiClientTransactionPaymentSessionStartSchema!, $of: TRANSACTION_PROVIDER, $id: String) \
            {{ it: merchantApiClientTransactionPaymentSessionStartV2(data: $data, transactionProvider: $of, \
            merchantTransactionProviderId: $id) {{ ...Session }} }} {SESSION}"
    );
    let started = async |code: &str, variables: Value| {
        let variables = with(variables, json!({"data": payment(code)}));
        shop.ask(&query, variables).await["it"]["transactionProviderId"].clone()
    };
    assert_eq!(started("order-1", json!({"of": "NUVEI"})).await, first);
    assert_eq!(started("order-2", json!({"id": second})).await, second);
    // Neither is named, and there are several.
    let error = shop.start_refused("Payment", payment("order-3")).await;
    assert_eq!(
        (
            &error["extensions"]["code"],
            &error["extensions"]["argument"]
        ),
        (
            &json!("VALIDATION_ERROR"),
            &json!("merchantTransactionProviderId")
        )
    );
    // Both are.
    let both = json!({"of": "NUVEI", "id": second, "data": payment("order-4")});
    let error = shop.refused(&query, both).await;
    assert_eq!(error["extensions"]["argument"], "transactionProvider");
    shop.change_account(&second, json!({"default": true})).await;
    for of in ["NUVEI", "EXAMPLE", "SANDBOX"] {
        assert_eq!(started(of, json!({"of": of})).await, second);
    }
    // The default takes no cards, so it is not what NUVEI names.
    shop.change_account(&codes, json!({"default": true})).await;
    assert_eq!(started("order-5", json!({"of": "NUVEI"})).await, first);
    shop.change_account(&first, json!({"enabled": false})).await;
    assert_eq!(started("order-6", json!({"of": "EXAMPLE"})).await, second);
    let query = "query($id: String!) { it: merchantApiTransactionProvider(merchantTransactionProviderId: $id) { status } }";
    assert_eq!(
        shop.ask(query, json!({"id": first})).await["it"]["status"],
        "DISABLED"
    );
}

#[tokio::test]
async fn a_session_is_unavailable_while_its_account_is_disabled() {
    let shop = Shop::open().await;
    let session = shop.start("Payment", payment("order-1")).await;
    let account = session["transactionProviderId"].as_str().unwrap();
    let query = "query($id: String!) { it: merchantApiClientTransactionSession(id: $id) { status providerStatus } }";
    let seen = async || shop.ask(query, json!({"id": session["id"]})).await["it"].clone();
    let active = json!({"status": "ACTIVE", "providerStatus": "ACTIVE"});
    assert_eq!(seen().await, active);
    shop.change_account(account, json!({"enabled": false}))
        .await;
    assert_eq!(
        seen().await,
        json!({"status": "UNAVAILABLE", "providerStatus": "ACTIVE"})
    );
    assert!(shop.pay(&session, GOOD).await.status.is_client_error());
    shop.change_account(account, json!({"enabled": true})).await;
    assert_eq!(seen().await, active);
    shop.pay(&session, GOOD).await.ok();
    let completed = json!({"status": "COMPLETED", "providerStatus": "COMPLETED"});
    assert_eq!(seen().await, completed);
    // It is over, whatever becomes of its account.
    shop.change_account(account, json!({"enabled": false}))
        .await;
    assert_eq!(seen().await, completed);
}

/// Puts records as they are, past all rules: so many that no test would make them one by one.
async fn put(shop: &Shop, records: Vec<Record>) {
    let tenant = shop.server.tenant(Mode::Test);
    for some in records.chunks(500) {
        let count = |of: fn(&Record) -> bool| some.iter().filter(|it| of(it)).count();
        let increments = [
            (
                Counter::Sessions,
                count(|it| matches!(it, Record::Session(_))),
            ),
            (
                Counter::Transactions,
                count(|it| matches!(it, Record::Transaction(_))),
            ),
        ];
        let increments = increments.map(|(counter, by)| Increment {
            counter,
            by: i64::try_from(by).unwrap(),
        });
        let change = Change {
            puts: some.to_vec(),
            increments: increments.to_vec(),
            ..Change::new(tenant)
        };
        shop.server.engine.store().commit(change).await.unwrap();
    }
}

fn paid(shop: &Shop, at: Timestamp, method: Pays, account: &str, cents: i64) -> Transaction {
    Transaction::begin(Begin {
        id: TransactionId(SystemIds.uuid(at)),
        tenant: shop.server.tenant(Mode::Test),
        session: None,
        action: Action::Payment,
        amount: Money::from_minor(cents, Currency::from_code("SGD").unwrap()).unwrap(),
        method,
        provider_account: account.parse().unwrap(),
        status: Status::Succeeded { at },
        at,
    })
}

#[tokio::test]
async fn no_filter_of_transactions_refuses_however_many_there_are() {
    /// More than anybody would look through one by one.
    const MANY: u32 = 10_500;
    let shop = Shop::open().await;
    let accounts = [
        shop.first_account().await,
        shop.account("Codes", &["paynow"]).await,
        shop.account("Second", &["card"]).await,
    ];
    let start = shop.server.clock.now();
    let records = (0..MANY).map(|n| {
        let (account, method) = match n % 3 {
            0 => (0, Pays::Card),
            1 => (1, Pays::PayNow),
            _ => (2, Pays::Card),
        };
        let at = start.after(Span::millis(n));
        let mut it = paid(&shop, at, method, &accounts[account], i64::from(n) + 1);
        it.done = i64::from(n % 7 == 0);
        Record::Transaction(it)
    });
    put(&shop, records.collect()).await;
    shop.server.clock.advance(Span::millis(MANY));
    for (arguments, total) in [
        (String::new(), MANY),
        ("(reverted: true)".into(), MANY / 7),
        ("(reverted: false)".into(), MANY - MANY / 7),
        ("(paymentMethodType: OTHER)".into(), MANY / 3),
        ("(paymentMethodType: CARD)".into(), MANY / 3 * 2),
        ("(transactionProvider: NUVEI)".into(), MANY / 3 * 2),
        ("(transactionProvider: SANDBOX)".into(), MANY),
        (
            "(transactionProvider: EXAMPLE, reverted: true)".into(),
            MANY / 21 * 2,
        ),
        (
            format!(
                "(transactionProvider: NUVEI, transactionProviderId: \"{}\")",
                accounts[2]
            ),
            MANY / 3,
        ),
        (
            format!(
                "(transactionProvider: NUVEI, transactionProviderId: \"{}\")",
                accounts[1]
            ),
            0,
        ),
    ] {
        assert_eq!(shop.transactions(&arguments).await, total, "{arguments}");
    }
    // And pages of them, from either end and far down.
    let page = async |arguments: &str| {
        let query = format!(
            "{{ it: merchantApiTransactions({arguments}) {{ totalCount data {{ amount }} pageInfo {{ hasNextPage hasPreviousPage }} }} }}"
        );
        let it = shop.ask(&query, json!({})).await["it"].clone();
        let amounts = it["data"].as_array().unwrap().iter();
        let amounts: Vec<_> = amounts
            .map(|one| one["amount"].as_str().unwrap().to_owned())
            .collect();
        amounts.join(" ")
    };
    for (arguments, amounts) in [
        ("reverted: true, take: 3", "10494 10487 10480"),
        ("reverted: true, last: 2", "8 1"),
        ("reverted: true, skip: 1490, take: 2", "64 57"),
        ("paymentMethodType: OTHER, take: 2", "10499 10496"),
        (
            "transactionProvider: NUVEI, reverted: true, take: 3, sorting: [{field: \"amount\", order: ASC}]",
            "1 15 22",
        ),
    ] {
        assert_eq!(page(arguments).await, amounts, "{arguments}");
    }
}

/// A session that ended, like this one.
fn another(of: &Session, at: Timestamp, state: State) -> Session {
    Session {
        id: SessionId(SystemIds.uuid(at)),
        first_transaction: TransactionId(SystemIds.uuid(at)),
        attempted: true,
        state,
        version: 1,
        created_at: at,
        updated_at: at,
        ..of.clone()
    }
}

#[tokio::test]
async fn a_code_and_a_card_that_were_used_again_and_again_are_found_every_time() {
    const MANY: u32 = 1_100;
    let shop = Shop::open().await;
    let open = shop.start("Payment", payment("again")).await;
    let tenant = shop.server.tenant(Mode::Test);
    let store = shop.server.engine.store();
    let open = store
        .session(tenant, open["id"].as_str().unwrap().parse().unwrap())
        .await;
    let open = open.unwrap().unwrap();
    let card = PaymentMethodId(SystemIds.uuid(open.created_at));
    let account: ProviderAccountId = open.terms.provider_account;
    let mut records = Vec::new();
    for n in 0..MANY {
        let at = open.created_at.after(Span::millis(n + 1));
        // Each gave the code up when it expired; and as many were paid with one card under codes of their own.
        let expired = another(&open, at, State::Expired { at });
        let mut declined = paid(&shop, at, Pays::Card, &account.to_string(), 100);
        (declined.id, declined.session) = (expired.first_transaction, Some(expired.id));
        let completed = State::Completed {
            at,
            transaction: open.first_transaction,
            payment_method: Some(card),
        };
        let mut charged = another(&open, at, completed);
        charged.terms = Arc::new(paydesk_core::session::Terms {
            reference: Some(format!("charge-{n}")),
            ..(*open.terms).clone()
        });
        records.extend([
            Record::Session(expired),
            Record::Transaction(declined),
            Record::Session(charged),
        ]);
    }
    put(&shop, records).await;
    shop.server.clock.advance(Span::millis(MANY + 1));
    let by_code = "(merchantInternalTransactionCode: \"again\")";
    assert_eq!(shop.transactions(by_code).await, MANY);
    assert_eq!(
        shop.transactions("(merchantInternalTransactionCode: \"again\", failed: true)")
            .await,
        0
    );
    let query = format!(
        "{{ it: merchantApiClientTransactionSessions(paymentMethodId: \"{card}\", take: 2) {{ totalCount data {{ paymentMethodId merchantInternalTransactionCode }} }} }}"
    );
    let it = shop.ask(&query, json!({})).await["it"].clone();
    assert_eq!(
        it,
        json!({"totalCount": MANY, "data": [
            {"paymentMethodId": card, "merchantInternalTransactionCode": format!("charge-{}", MANY - 1)},
            {"paymentMethodId": card, "merchantInternalTransactionCode": format!("charge-{}", MANY - 2)},
        ]})
    );
}

/// Makes an account past the engine, as another node does it, which knows of the others already.
async fn made_elsewhere(shop: &Shop) -> ProviderAccountId {
    shop.first_account().await;
    let store = shop.server.engine.store();
    let tenant = shop.server.tenant(Mode::Test);
    let known = store.provider_accounts(tenant).await.unwrap();
    let mut made = known[0].clone();
    made.id = ProviderAccountId::fresh(&SystemIds, shop.server.clock.now());
    let id = made.id;
    let mut change = Change::new(tenant);
    change.puts.push(Record::ProviderAccount(made));
    store.commit(change).await.unwrap();
    id
}

#[tokio::test]
async fn an_account_that_another_node_just_made_may_be_named_at_once() {
    let shop = Shop::open().await;
    let id = made_elsewhere(&shop).await.to_string();
    let query = format!(
        "mutation($data: MerchantApiClientTransactionPaymentSessionStartSchema!, $id: String) \
            {{ it: merchantApiClientTransactionPaymentSessionStartV2(data: $data, \
            merchantTransactionProviderId: $id) {{ ...Session }} }} {SESSION}"
    );
    let data = json!({"data": payment("order-1"), "id": id});
    let session = shop.ask(&query, data).await["it"].clone();
    assert_eq!(session["transactionProviderId"], id);
    assert_eq!(shop.pay(&session, GOOD).await.ok()["status"], "succeeded");
}

#[tokio::test]
async fn what_was_done_on_an_account_that_another_node_just_made_is_answered() {
    let shop = Shop::open().await;
    let id = made_elsewhere(&shop).await.to_string();
    let at = shop.server.clock.now();
    let payment = paid(&shop, at, Pays::Card, &id, 3_500);
    put(&shop, vec![Record::Transaction(payment.clone())]).await;

    // An error would have the caller do it again, and this dialect has no key that tells.
    let refund = "mutation($id: String!) { it: merchantApiTransactionRefund(id: $id, amount: \"1000\") { amount } }";
    let refunded = shop
        .ask(refund, json!({"id": payment.id.to_string()}))
        .await;
    assert_eq!(refunded["it"]["amount"], "1000");
}

//! How often the store is read, and what is said when it does not answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use paydesk_core::store::Unavailable;
use paydesk_core::time::Span;
use paydesk_testing::Watched;

use super::*;

/// What was read, and whether the store answers at all.
#[derive(Default)]
struct Reads {
    made: Mutex<Vec<&'static str>>,
    down: AtomicBool,
}

impl Reads {
    /// All that were made since it was asked last.
    fn made(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.made.lock())
    }
}

impl Shop {
    /// One whose reads of its store are noted, and can be made to fail.
    async fn counted() -> (Self, Arc<Reads>) {
        let reads = Arc::new(Reads::default());
        let noted = Arc::clone(&reads);
        let server = TestServer::start_over(|store| {
            Arc::new(Watched::new(store, move |call| {
                if !["commit", "key_fingerprints"].contains(&call) {
                    noted.made.lock().push(call);
                }
                if noted.down.load(Ordering::Relaxed) {
                    return Err(Unavailable::because("it is down"));
                }
                Ok(())
            }))
        });
        let server = server.await;
        (Self { server }, reads)
    }
}

const LIST: &str = "query($take: Int) { it: merchantApiClientTransactionSessions(take: $take) { \
    totalCount edges { node { ...Session paymentMethod { id status } transactionProvider { id } \
    transactions { ...Transaction transactionProvider { id } relatedTransaction { id } } } } } }";

#[tokio::test]
async fn a_page_of_thirty_sessions_with_all_that_belongs_to_them_is_five_reads() {
    let (shop, reads) = Shop::counted().await;
    for number in 0..30 {
        let data = with(
            payment(&format!("order-{number}")),
            json!({"storePaymentMethod": number % 2 == 0}),
        );
        let session = shop.start("Payment", data).await;
        if number % 3 == 0 {
            shop.pay(&session, DECLINED).await.ok();
        }
        shop.pay(&session, GOOD).await.ok();
    }
    let query = format!("{LIST} {SESSION} {TRANSACTION}");
    // What is in hand for some seconds is not in hand any more.
    shop.server.clock.advance(Span::minutes(1));
    reads.made();
    let page = shop.ask(&query, json!({"take": 30})).await["it"].clone();
    let mut made = reads.made();
    assert_eq!(page["totalCount"], 30);
    let nodes: Vec<&Value> = page["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edge| &edge["node"])
        .collect();
    assert_eq!(nodes.len(), 30);
    let transactions: usize = nodes
        .iter()
        .map(|node| node["transactions"].as_array().unwrap().len())
        .sum();
    assert_eq!(transactions, 40);
    let stored = nodes
        .iter()
        .filter(|node| node["paymentMethod"] != Value::Null);
    assert_eq!(stored.count(), 15);
    made.retain(|read| *read != "api_key");
    made.sort_unstable();
    assert_eq!(
        made,
        [
            "count_sessions",
            "payment_methods_by_id",
            "provider_accounts",
            "sessions",
            "transactions_of",
        ]
    );
}

#[tokio::test]
async fn a_token_is_judged_without_the_store() {
    let (shop, reads) = Shop::counted().await;
    let session = shop.start("Payment", payment("order-1")).await;
    let token = session["token"].as_str().unwrap();
    let flipped = |at: usize| {
        let mut bytes = token.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    reads.made();
    let mut wrong: Vec<_> = (0..token.len()).map(flipped).collect();
    wrong.extend([
        token[..token.len() - 2].to_owned(),
        format!("{token}A"),
        "x".to_owned(),
    ]);
    for token in wrong {
        let answer = shop.pay(&json!({"token": token}), GOOD).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.text());
    }
    assert_eq!(reads.made(), [""; 0]);
    shop.pay(&session, GOOD).await.ok();
    assert!(!reads.made().is_empty());
}

#[tokio::test]
async fn a_page_of_transactions_with_their_sessions_and_operations_is_a_few_reads() {
    let (shop, reads) = Shop::counted().await;
    for number in 0..10 {
        let session = shop
            .paid("Payment", payment(&format!("order-{number}")))
            .await;
        let paid = shop.verify("Payment", &session).await;
        let refund =
            "mutation($id: String) { merchantApiTransactionRefund(id: $id, amount: 1) { id } }";
        shop.ask(refund, json!({"id": paid["id"]})).await;
    }
    let query = format!(
        "{{ it: merchantApiTransactions(take: 30) {{ totalCount data {{ ...Transaction \
            clientTransactionSession {{ id }} relatedTransaction {{ id merchantInternalTransactionCode }} \
            transactionsRelated {{ id }} }} }} }} {TRANSACTION}"
    );
    reads.made();
    let page = shop.ask(&query, json!({})).await["it"].clone();
    let mut made = reads.made();
    assert_eq!(
        (&page["totalCount"], page["data"].as_array().unwrap().len()),
        (&json!(20), 20)
    );
    made.sort_unstable();
    made.retain(|read| !["api_key", "provider_accounts"].contains(read));
    // Sessions three times: of the page, as asked for, and of the related ones.
    assert!(made.len() <= 8, "{made:?}");
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_told_by_the_status_and_so_is_its_return() {
    let (shop, reads) = Shop::counted().await;
    let secret = [Shop::secret(&shop.server.merchant.test)];
    let query = json!({"query": "{ merchantApiTransactions { total } }"});
    shop.post(&secret, &query).await.ok();
    reads.down.store(true, Ordering::Relaxed);
    for body in [&query, &json!([query])] {
        let answer = shop.post(&secret, body).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_ne!(answer.headers["retry-after"], "0");
        let answer = answer.json();
        let answer = answer.get(0).unwrap_or(&answer);
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "SERVICE_UNAVAILABLE");
        assert!(
            !error["message"].as_str().unwrap().contains("down"),
            "{error}"
        );
    }
    reads.down.store(false, Ordering::Relaxed);
    let answer = shop.post(&secret, &query).await.ok();
    assert_eq!(answer["data"]["merchantApiTransactions"]["total"], 0);
}

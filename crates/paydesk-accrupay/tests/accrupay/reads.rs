//! How often the store is read.

use std::sync::Arc;

use parking_lot::Mutex;
use paydesk_core::time::Span;
use paydesk_testing::Watched;

use super::*;

type Reads = Arc<Mutex<Vec<&'static str>>>;

/// The real server, and a list of what it reads of its store.
async fn counting(reads: &Reads) -> Shop {
    let counted = Arc::clone(reads);
    let server = TestServer::start_over(|store| {
        Arc::new(Watched::new(store, move |call| {
            if !["commit", "key_fingerprints"].contains(&call) {
                counted.lock().push(call);
            }
            Ok(())
        }))
    });
    Shop {
        server: server.await,
    }
}

const LIST: &str = "query($take: Int) { it: merchantApiClientTransactionSessions(take: $take) { \
    totalCount edges { node { ...Session paymentMethod { id status } transactionProvider { id } \
    transactions { ...Transaction transactionProvider { id } relatedTransaction { id } } } } } }";

#[tokio::test]
async fn a_page_of_thirty_sessions_with_all_that_belongs_to_them_is_five_reads() {
    let reads = Reads::default();
    let shop = counting(&reads).await;
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
    reads.lock().clear();
    let page = shop.ask(&query, json!({"take": 30})).await["it"].clone();
    let mut made = std::mem::take(&mut *reads.lock());
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
async fn a_page_of_transactions_with_their_sessions_and_operations_is_a_few_reads() {
    let reads = Reads::default();
    let shop = counting(&reads).await;
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
    reads.lock().clear();
    let page = shop.ask(&query, json!({})).await["it"].clone();
    let mut made = std::mem::take(&mut *reads.lock());
    assert_eq!(
        (&page["totalCount"], page["data"].as_array().unwrap().len()),
        (&json!(20), 20)
    );
    made.sort_unstable();
    made.retain(|read| !["api_key", "provider_accounts"].contains(read));
    // Sessions three times: of the page, as asked for, and of the related ones.
    assert!(made.len() <= 8, "{made:?}");
}

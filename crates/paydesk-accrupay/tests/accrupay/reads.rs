//! How often the store is read, and what is said when it does not answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;
use paydesk_core::delivery::Delivery;
use paydesk_core::directory::{EntryKind, EntryPage};
use paydesk_core::event::Event;
use paydesk_core::id::{
    DeliveryId, EventId, MerchantId, PaymentMethodId, SessionId, TransactionId,
};
use paydesk_core::keys::KeyVersion;
use paydesk_core::list::{
    DeliveryFilter, EventFilter, Page, PaymentMethodFilter, SessionFilter, TransactionFilter,
};
use paydesk_core::merchant::{ApiKey, Merchant, ProviderAccount};
use paydesk_core::payment_method::PaymentMethod;
use paydesk_core::session::Session;
use paydesk_core::store::{
    Change, ClaimKey, CommitError, Counter, IdempotencyKey, IdempotencyRecord, SessionPulse, Store,
    Unavailable,
};
use paydesk_core::tenant::Tenant;
use paydesk_core::time::{Span, Timestamp};
use paydesk_core::transaction::Transaction;
use uuid::Uuid;

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

/// The real store, and a list of what was read.
struct Counting {
    store: Arc<dyn Store>,
    reads: Arc<Reads>,
}

impl Shop {
    async fn counted() -> (Self, Arc<Reads>) {
        let reads = Arc::new(Reads::default());
        let counted = Arc::clone(&reads);
        let server = TestServer::start_over(|store| {
            Arc::new(Counting {
                store,
                reads: counted,
            })
        });
        let server = server.await;
        (Self { server }, reads)
    }
}

macro_rules! counting {
    ($($read:ident($($name:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl Store for Counting {
            async fn commit(&self, change: Change) -> Result<(), CommitError> {
                self.store.commit(change).await
            }
            async fn key_fingerprints(&self) -> Result<Vec<(KeyVersion, [u8; 32])>, Unavailable> {
                self.store.key_fingerprints().await
            }
            $(async fn $read(&self, $($name: $type),*) -> $answer {
                self.reads.made.lock().push(stringify!($read));
                if self.reads.down.load(Ordering::Relaxed) {
                    return Err(Unavailable::because("it is down"));
                }
                self.store.$read($($name),*).await
            })*
        }
    };
}

counting! {
    merchant(id: MerchantId) -> Result<Option<Merchant>, Unavailable>;
    forget_requests(before: Timestamp, limit: usize) -> Result<usize, Unavailable>;
    merchants() -> Result<Vec<MerchantId>, Unavailable>;
    api_key(secret_hash: [u8; 32]) -> Result<Option<ApiKey>, Unavailable>;
    provider_accounts(tenant: Tenant) -> Result<Vec<ProviderAccount>, Unavailable>;
    session(tenant: Tenant, id: SessionId) -> Result<Option<Session>, Unavailable>;
    session_with_transactions(tenant: Tenant, id: SessionId) -> Result<Option<(Session, Vec<Transaction>)>, Unavailable>;
    sessions(tenant: Tenant, filter: &SessionFilter, page: Page) -> Result<Vec<Session>, Unavailable>;
    count_sessions(tenant: Tenant, filter: &SessionFilter) -> Result<u64, Unavailable>;
    transactions_of(tenant: Tenant, sessions: &[SessionId]) -> Result<Vec<Transaction>, Unavailable>;
    pulses(sessions: &[(Tenant, SessionId)]) -> Result<Vec<Option<SessionPulse>>, Unavailable>;
    transaction(tenant: Tenant, id: TransactionId) -> Result<Option<Transaction>, Unavailable>;
    transactions(tenant: Tenant, filter: &TransactionFilter, page: Page) -> Result<Vec<Transaction>, Unavailable>;
    count_transactions(tenant: Tenant, filter: &TransactionFilter) -> Result<u64, Unavailable>;
    children(tenant: Tenant, parent: TransactionId) -> Result<Vec<Transaction>, Unavailable>;
    transactions_by_id(tenant: Tenant, ids: &[TransactionId]) -> Result<Vec<Transaction>, Unavailable>;
    children_of(tenant: Tenant, parents: &[TransactionId]) -> Result<Vec<Transaction>, Unavailable>;
    payment_methods_by_id(tenant: Tenant, ids: &[PaymentMethodId]) -> Result<Vec<PaymentMethod>, Unavailable>;
    payment_method(tenant: Tenant, id: PaymentMethodId) -> Result<Option<PaymentMethod>, Unavailable>;
    payment_methods(tenant: Tenant, filter: &PaymentMethodFilter, page: Page) -> Result<Vec<PaymentMethod>, Unavailable>;
    count_payment_methods(tenant: Tenant, filter: &PaymentMethodFilter) -> Result<u64, Unavailable>;
    entry(tenant: Tenant, kind: EntryKind, id: Uuid) -> Result<Option<Arc<str>>, Unavailable>;
    entries_by_id(tenant: Tenant, kind: EntryKind, ids: &[Uuid]) -> Result<Vec<Arc<str>>, Unavailable>;
    entries(tenant: Tenant, kind: EntryKind, page: EntryPage<'_>) -> Result<Vec<Arc<str>>, Unavailable>;
    count_entries(tenant: Tenant, kind: EntryKind, group: Option<&str>) -> Result<u64, Unavailable>;
    claims(tenant: Tenant, keys: &[ClaimKey]) -> Result<Vec<Option<Uuid>>, Unavailable>;
    claim(tenant: Tenant, key: &ClaimKey) -> Result<Option<Uuid>, Unavailable>;
    idempotency(tenant: Tenant, key: &IdempotencyKey) -> Result<Option<IdempotencyRecord>, Unavailable>;
    count(tenant: Tenant, counter: Counter) -> Result<i64, Unavailable>;
    event(tenant: Tenant, id: EventId) -> Result<Option<Event>, Unavailable>;
    events(tenant: Tenant, session: SessionId) -> Result<Vec<Event>, Unavailable>;
    delivery(tenant: Tenant, id: DeliveryId) -> Result<Option<Delivery>, Unavailable>;
    event_list(tenant: Tenant, filter: &EventFilter, page: Page) -> Result<Vec<Event>, Unavailable>;
    delivery_list(tenant: Tenant, filter: &DeliveryFilter, page: Page) -> Result<Vec<Delivery>, Unavailable>;
    deliveries(tenant: Tenant, event: EventId) -> Result<Vec<Delivery>, Unavailable>;
    due_sessions(now: Timestamp, limit: usize) -> Result<Vec<(Tenant, SessionId)>, Unavailable>;
    due_transactions(now: Timestamp, limit: usize) -> Result<Vec<(Tenant, TransactionId)>, Unavailable>;
    undispatched(limit: usize) -> Result<Vec<Event>, Unavailable>;
    due_deliveries(now: Timestamp, limit: usize) -> Result<Vec<Delivery>, Unavailable>;
    add_key_fingerprints(fingerprints: &[(KeyVersion, [u8; 32])]) -> Result<(), Unavailable>;
    ping() -> Result<(), Unavailable>;
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

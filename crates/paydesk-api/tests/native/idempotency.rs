//! The same key and body get the first answer, byte for byte, whatever is posted.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use http::Method;
use paydesk_api::native::calls;
use paydesk_testing::{Answer, Receiver, TestServer, Watched};
use serde_json::{Value, json};

use super::{a_session, call, get, is_problem, open, paid, post, post_under, stored_card};

/// A post that does something: the call that it is, its address, and its body.
type Post = (&'static str, String, Value);

/// One of every post of the API, each of which does something.
async fn every_post(server: &TestServer) -> Vec<Post> {
    let mut posts: Vec<Post> = vec![
        ("/sessions", "/sessions".into(), a_session()),
        ("/customers", "/customers".into(), json!({"name": "Ada"})),
        (
            "/keys",
            "/keys".into(),
            json!({"scopes": ["sessions:read"]}),
        ),
        (
            "/test/clock/advance",
            "/test/clock/advance".into(),
            json!({"seconds": 5}),
        ),
        (
            "/providerAccounts",
            "/providerAccounts".into(),
            json!({"provider": "SANDBOX", "name": "Second", "enabled": false}),
        ),
    ];
    for (call, action) in [
        ("/sessions/{id}/expire", "expire"),
        ("/sessions/{id}/cancel", "cancel"),
        ("/sessions/{id}/clientToken", "clientToken"),
    ] {
        let session = open(server, a_session()).await;
        let id = session["id"].as_str().unwrap();
        posts.push((call, format!("/sessions/{id}/{action}"), Value::Null));
    }
    for (call, kind, action) in [
        ("/transactions/{id}/settle", "authorization", "settle"),
        ("/transactions/{id}/void", "authorization", "void"),
        ("/transactions/{id}/refund", "payment", "refund"),
        ("/transactions/{id}/sync", "payment", "sync"),
    ] {
        let id = paid(server, kind).await;
        posts.push((call, format!("/transactions/{id}/{action}"), Value::Null));
    }
    let card = stored_card(server).await;
    posts.push((
        "/paymentMethods/{id}/charge",
        format!("/paymentMethods/{card}/charge"),
        json!({"amount": 700, "currency": "SGD"}),
    ));
    let card = stored_card(server).await;
    posts.push((
        "/paymentMethods/{id}/detach",
        format!("/paymentMethods/{card}/detach"),
        Value::Null,
    ));
    let account = json!({"provider": "SANDBOX", "name": "Third", "enabled": false});
    let account = post(server, "/providerAccounts", account).await.ok();
    let id = account["id"].as_str().unwrap();
    for (call, action) in [
        ("/providerAccounts/{id}/enable", "enable"),
        ("/providerAccounts/{id}/disable", "disable"),
    ] {
        posts.push((
            call,
            format!("/providerAccounts/{id}/{action}"),
            Value::Null,
        ));
    }
    posts.extend(shop_posts(server).await);
    posts.extend(bank_posts(server).await);
    posts.extend(webhook_posts(server).await);
    posts
}

async fn shop_posts(server: &TestServer) -> Vec<Post> {
    let product = json!({"title": "Tea", "price": "17.50", "currency": "SGD"});
    call(server, Method::PUT, "/products/7", product).await.ok();
    let order = json!({"products": [{"productId": 7, "quantity": 2}]});
    let known = post(server, "/orders", order.clone()).await.ok();
    let id = known["id"].as_str().unwrap();
    vec![
        ("/orders", "/orders".into(), order),
        (
            "/orders/{id}/session",
            format!("/orders/{id}/session"),
            Value::Null,
        ),
    ]
}

/// A payment that waits for its money to be pushed.
async fn awaited(server: &TestServer) -> Value {
    let waiting = json!({"amount": 3500, "currency": "SGD", "methods": ["paynow"]});
    let session = open(server, waiting).await;
    let path = format!("/pay/{}/payments", session["publicId"].as_str().unwrap());
    let body = r#"{"method": "paynow"}"#;
    server.payer(Method::POST, &path, body).await.ok();
    let path = format!("/sessions/{}", session["id"].as_str().unwrap());
    get(server, &path).await.ok()["transactions"][0].clone()
}

async fn bank_posts(server: &TestServer) -> Vec<Post> {
    let transaction = awaited(server).await;
    let short = awaited(server).await;
    let part = json!({
        "bankTransactionId": "b-0", "account": short["destination"]["account"], "amount": 100, "currency": "SGD",
        "reference": short["destination"]["nonce"], "receivedAt": short["createdAt"]
    });
    post(server, "/bankTransfers", part).await.ok();
    let transfer = |id: &str| {
        json!({
            "bankTransactionId": id, "account": transaction["destination"]["account"], "amount": 100,
            "currency": "SGD", "receivedAt": transaction["createdAt"]
        })
    };
    let unmatched = post(server, "/bankTransfers", transfer("b-1")).await.ok();
    assert_eq!(unmatched["state"], "unmatched");
    let id = unmatched["id"].as_str().unwrap();
    let short = short["id"].as_str().unwrap();
    vec![
        (
            "/transactions/{id}/accept",
            format!("/transactions/{short}/accept"),
            Value::Null,
        ),
        ("/bankTransfers", "/bankTransfers".into(), transfer("b-2")),
        (
            "/bankTransfers/{id}/assign",
            format!("/bankTransfers/{id}/assign"),
            json!({"transactionId": transaction["id"]}),
        ),
    ]
}

async fn webhook_posts(server: &TestServer) -> Vec<Post> {
    let receiver = Receiver::start().await;
    let endpoint = json!({"url": receiver.url});
    let known = post(server, "/webhookEndpoints", endpoint.clone())
        .await
        .ok();
    let id = known["id"].as_str().unwrap();
    open(server, a_session()).await;
    server.run_jobs().await;
    let first = |page: Value| page["data"][0]["id"].as_str().unwrap().to_owned();
    let event = first(get(server, "/events").await.ok());
    let delivery = first(get(server, "/deliveries").await.ok());
    vec![
        ("/webhookEndpoints", "/webhookEndpoints".into(), endpoint),
        (
            "/webhookEndpoints/{id}/rotate",
            format!("/webhookEndpoints/{id}/rotate"),
            Value::Null,
        ),
        (
            "/events/{id}/replay",
            format!("/events/{event}/replay"),
            Value::Null,
        ),
        (
            "/deliveries/{id}/retry",
            format!("/deliveries/{delivery}/retry"),
            Value::Null,
        ),
    ]
}

fn text(body: &Value) -> String {
    if body.is_null() {
        String::new()
    } else {
        body.to_string()
    }
}

#[tokio::test]
async fn every_post_is_done_once_under_a_key_also_after_a_restart() {
    let server = TestServer::start().await;
    let posts = every_post(&server).await;
    let covered: BTreeSet<&str> = posts.iter().map(|(call, ..)| *call).collect();
    let declared: BTreeSet<&str> = calls()
        .iter()
        .filter(|call| call.method == Method::POST)
        .map(|call| call.path)
        .collect();
    let left_out: Vec<_> = declared.difference(&covered).collect();
    assert!(
        left_out.is_empty(),
        "add one of each to `every_post`: {left_out:?}"
    );

    let mut firsts: Vec<Answer> = Vec::new();
    for (index, (name, path, body)) in posts.iter().enumerate() {
        let first = post_under(&server, &format!("key-{index}"), path, &text(body)).await;
        assert!(first.status.is_success(), "{name}: {}", first.text());
        firsts.push(first);
    }
    let server = server.restarted().await;
    for (index, (name, path, body)) in posts.iter().enumerate() {
        let key = format!("key-{index}");
        let again = post_under(&server, &key, path, &text(body)).await;
        let first = &firsts[index];
        assert_eq!(
            (again.status, again.text()),
            (first.status, first.text()),
            "{name}"
        );
        let other = post_under(&server, &key, path, r#"{"another": "body"}"#).await;
        is_problem(&other, 422, "idempotency_key_reused", None);
    }
}

#[tokio::test]
async fn a_hundred_sends_of_one_key_open_one_session() {
    let server = TestServer::start().await;
    let body = a_session().to_string();
    let sends = (0..100).map(|_| post_under(&server, "one", "/sessions", &body));
    let answers = futures_util::future::join_all(sends).await;
    let mut ids = BTreeSet::new();
    for answer in &answers {
        match answer.status.as_u16() {
            201 => {
                ids.insert(answer.json()["id"].as_str().unwrap().to_owned());
            }
            _ => is_problem(answer, 409, "idempotency_key_in_use", None),
        }
    }
    assert_eq!(ids.len(), 1);
    let sessions = get(&server, "/sessions").await.ok();
    assert_eq!(sessions["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_hundred_refunds_under_one_key_give_the_money_back_once() {
    let server = TestServer::start().await;
    let payment = paid(&server, "payment").await;
    let path = format!("/transactions/{payment}/refund");
    let sends = (0..100).map(|_| post_under(&server, "one", &path, r#"{"amount": 100}"#));
    let answers = futures_util::future::join_all(sends).await;
    let mut ids = BTreeSet::new();
    for answer in &answers {
        match answer.status.as_u16() {
            201 => {
                ids.insert(answer.json()["id"].as_str().unwrap().to_owned());
            }
            _ => is_problem(answer, 409, "idempotency_key_in_use", None),
        }
    }
    assert_eq!(ids.len(), 1);
    let payment = get(&server, &format!("/transactions/{payment}")).await.ok();
    assert_eq!(payment["refundedAmount"], 100);
}

/// A server on which one commit is held back, the one after so many others, once [`Held::arm`] is called.
struct Held {
    server: TestServer,
    commits_left: Arc<AtomicUsize>,
    reached: mpsc::Receiver<()>,
    go_on: mpsc::Sender<()>,
}

impl Held {
    async fn start() -> Self {
        let commits_left = Arc::new(AtomicUsize::new(usize::MAX));
        let (at_gate, reached) = mpsc::channel();
        let (go_on, gate) = mpsc::channel();
        let (left, gate) = (Arc::clone(&commits_left), Mutex::new(gate));
        let server = TestServer::start_over(|store| {
            Arc::new(Watched::new(store, move |call| {
                if call == "commit" && left.fetch_sub(1, Ordering::SeqCst) == 0 {
                    at_gate.send(()).unwrap();
                    // The other threads go on serving meanwhile.
                    tokio::task::block_in_place(|| gate.lock().unwrap().recv().unwrap());
                }
                Ok(())
            }))
        })
        .await;
        Self {
            server,
            commits_left,
            reached,
            go_on,
        }
    }

    /// Sends a request whose commit after `before` others is held back, and asks `meanwhile` while it is.
    async fn send<M>(
        &self,
        before: usize,
        request: impl Future<Output = Answer>,
        meanwhile: impl Future<Output = M>,
    ) -> (Answer, M) {
        self.commits_left.store(before, Ordering::SeqCst);
        tokio::join!(request, async {
            while self.reached.try_recv().is_err() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let seen = meanwhile.await;
            self.go_on.send(()).unwrap();
            seen
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn while_a_request_runs_its_key_is_in_use_and_then_has_its_answer() {
    let held = Held::start().await;
    let server = &held.server;
    let payment = paid(server, "payment").await;
    let path = format!("/transactions/{payment}/refund");
    let body = r#"{"amount": 100}"#;
    let refund = |key: &'static str, body: &'static str| post_under(server, key, &path, body);

    // The intent is committed, and the outcome is not: the money may be on its way.
    let (first, (again, other, another_key)) = held
        .send(1, refund("k", body), async {
            (
                refund("k", body).await,
                refund("k", r#"{"amount": 200}"#).await,
                refund("another", r#"{"amount": 200}"#).await,
            )
        })
        .await;
    is_problem(&again, 409, "idempotency_key_in_use", None);
    is_problem(&other, 422, "idempotency_key_reused", None);
    assert_eq!(another_key.status, 201, "{}", another_key.text());
    assert_eq!(first.status, 201, "{}", first.text());
    let later = refund("k", body).await;
    assert_eq!((later.status, later.text()), (first.status, first.text()));
    let payment = get(server, &format!("/transactions/{payment}")).await.ok();
    assert_eq!(payment["refundedAmount"], 300, "each once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_is_overtaken_under_its_own_key_gets_the_answer_of_who_was_faster() {
    let held = Held::start().await;
    let server = &held.server;
    let body = a_session().to_string();
    let send = || post_under(server, "k", "/sessions", &body);
    // Both found the key unknown; the second commits first.
    let (overtaken, faster) = held.send(0, send(), send()).await;
    assert_eq!(faster.status, 201, "{}", faster.text());
    assert_eq!(
        (overtaken.status, overtaken.text()),
        (faster.status, faster.text())
    );
    let sessions = get(server, "/sessions").await.ok();
    assert_eq!(sessions["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_was_refused_may_be_sent_again_under_its_key() {
    let server = TestServer::start().await;
    let wrong = post_under(&server, "k", "/sessions", r#"{"currency": "SGD"}"#).await;
    is_problem(&wrong, 400, "invalid_field", Some("amount"));
    post_under(&server, "k", "/sessions", &a_session().to_string())
        .await
        .ok();
}

#[tokio::test]
async fn a_key_belongs_to_its_address() {
    let server = TestServer::start().await;
    let [one, other] = [
        open(&server, a_session()).await,
        open(&server, a_session()).await,
    ];
    for session in [one, other] {
        let id = session["id"].as_str().unwrap();
        let path = format!("/sessions/{id}/expire");
        let answer = post_under(&server, "k", &path, "").await.ok();
        assert_eq!(answer["id"], id);
        // An id is the same in capitals.
        let path = format!("/sessions/{}/expire", id.to_uppercase());
        let again = post_under(&server, "k", &path, "").await.ok();
        assert_eq!(again, answer);
    }
}

#[tokio::test]
async fn a_key_is_printable_and_not_too_long() {
    let server = TestServer::start().await;
    let body = a_session().to_string();
    for key in ["", &"k".repeat(256)] {
        let refused = post_under(&server, key, "/sessions", &body).await;
        is_problem(&refused, 400, "invalid_field", Some("Idempotency-Key"));
    }
    post_under(&server, &"k".repeat(255), "/sessions", &body)
        .await
        .ok();
}

#[tokio::test]
async fn a_stored_secret_is_sealed() {
    let server = TestServer::start().await;
    let body = r#"{"scopes": ["sessions:read"]}"#;
    let made = post_under(&server, "k", "/keys", body).await.ok();
    let secret = made["secret"].as_str().unwrap().as_bytes();
    for file in std::fs::read_dir(server.folder()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let found = bytes.windows(secret.len()).any(|window| window == secret);
        assert!(!found, "the secret is on the disk");
    }
}

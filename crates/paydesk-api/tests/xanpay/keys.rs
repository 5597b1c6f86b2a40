//! What proving who asks costs the store.

use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderName, Method};
use parking_lot::Mutex;
use paydesk_core::time::Span;
use paydesk_testing::{TestServer, Watched};

use super::{open, seed};

/// What was read of the store, in its order.
#[derive(Clone, Default)]
struct Reads(Arc<Mutex<Vec<&'static str>>>);

impl Reads {
    /// A server whose reads are noted.
    async fn watched() -> (TestServer, Self) {
        let reads = Self::default();
        let noted = reads.clone();
        let server = TestServer::start_over(|store| {
            Arc::new(Watched::new(store, move |call| {
                if call != "commit" {
                    noted.0.lock().push(call);
                }
                Ok(())
            }))
        });
        (server.await, reads)
    }

    /// Those since the last time.
    fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.0.lock())
    }
}

#[tokio::test]
async fn a_request_with_a_warm_key_reads_what_it_asks_for_and_nothing_else() {
    let (server, reads) = Reads::watched().await;
    let id = open(&server, &seed()).await;
    let path = format!("/sessions/{id}");
    assert!(reads.take().contains(&"api_key"), "it was cold");
    for _ in 0..20 {
        server.xanpay(Method::GET, &path, "").await.ok();
    }
    assert_eq!(reads.take(), ["session"; 20]);
    for _ in 0..20 {
        open(&server, &seed()).await;
    }
    assert_eq!(reads.take(), [""; 0], "opening reads nothing at all");
    // A revoked key ends within five seconds, so it is looked up again.
    server.clock.advance(Span::seconds(5));
    server.xanpay(Method::GET, &path, "").await.ok();
    assert_eq!(reads.take(), ["api_key", "session"]);
}

#[tokio::test]
async fn a_warm_key_is_not_looked_up_through_any_door() {
    let (server, reads) = Reads::watched().await;
    let key = &server.merchant.test;
    let named = |name: &'static str, key: &str| {
        let name = HeaderName::from_static(name);
        (name, key.parse().unwrap())
    };
    let graphql = r#"{"query":"{ it: merchantApiTransactions(take: 1) { totalCount } }"}"#;
    let doors = [
        (
            Method::GET,
            "/refunds",
            (AUTHORIZATION, TestServer::basic(key)),
            "",
            200,
        ),
        (
            Method::GET,
            "/api/v1/sessions",
            (AUTHORIZATION, TestServer::bearer(key)),
            "",
            200,
        ),
        (
            Method::GET,
            "/v1/transactions",
            (AUTHORIZATION, TestServer::bearer(key)),
            "",
            200,
        ),
        (
            Method::POST,
            "/graphql",
            named("accrupay-api-secret", key.secret.reveal()),
            graphql,
            200,
        ),
        (
            Method::GET,
            "/api/content/payments/accounts",
            named("x-app-token", &key.publishable_key),
            "",
            // The shop is known, the user is not signed in.
            401,
        ),
    ];
    for (method, path, header, body, status) in doors {
        let ask = || server.request(method.clone(), path, std::slice::from_ref(&header), body);
        // What was learnt at the door before is forgotten.
        server.clock.advance(Span::seconds(5));
        ask().await;
        let cold = reads.take();
        let lookups = cold.iter().filter(|read| **read == "api_key");
        assert_eq!(lookups.count(), 1, "{path}: {cold:?}");
        for _ in 0..10 {
            let answer = ask().await;
            assert_eq!(answer.status, status, "{path}: {}", answer.text());
        }
        let warm = reads.take();
        assert!(!warm.contains(&"api_key"), "{path}: {warm:?}");
    }
}

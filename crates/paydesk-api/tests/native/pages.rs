//! Lists come newest first in pages, and a cursor counts only where it came from.

use http::Method;
use paydesk_testing::TestServer;
use serde_json::{Value, json};

use super::{a_session, call_as, get, is_problem, open, post};

async fn walk(server: &TestServer, list: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let page = get(server, &format!("/{list}?limit=2{after}")).await.ok();
        found.extend(page["data"].as_array().unwrap().clone());
        match page["nextCursor"].as_str() {
            Some(cursor) => after = format!("&after={cursor}"),
            None => return found,
        }
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat() {
    let server = TestServer::start().await;
    for count in 0..5 {
        server.clock.advance(paydesk_core::time::Span::millis(1));
        open(&server, a_session()).await;
        post(&server, "/customers", json!({"name": count.to_string()}))
            .await
            .ok();
        post(&server, "/keys", json!({"scopes": ["bank"]}))
            .await
            .ok();
    }
    for list in ["sessions", "customers", "keys"] {
        let found = walk(&server, list).await;
        let ids: Vec<&str> = found
            .iter()
            .map(|one| one["id"].as_str().unwrap())
            .collect();
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        sorted.reverse();
        sorted.dedup();
        assert_eq!(ids, sorted, "{list}");
        assert_eq!(ids.len(), 5, "{list}");
    }
}

#[tokio::test]
async fn a_cursor_of_another_list_merchant_or_mode_is_refused() {
    let server = TestServer::start().await;
    for _ in 0..2 {
        open(&server, a_session()).await;
        post(&server, "/customers", json!({})).await.ok();
    }
    let page = get(&server, "/customers?limit=1").await.ok();
    let cursor = page["nextCursor"].as_str().unwrap();
    let path = format!("/sessions?after={cursor}");
    is_problem(
        &get(&server, &path).await,
        400,
        "invalid_field",
        Some("after"),
    );

    let other = server.engine.create_merchant("Other").await.unwrap();
    let path = format!("/customers?after={cursor}");
    get(&server, &path).await.ok();
    for secret in [&other.test.secret, &server.merchant.live.secret] {
        let refused = call_as(&server, secret.reveal(), Method::GET, &path, "").await;
        is_problem(&refused, 400, "invalid_field", Some("after"));
    }
}

//! Restricted keys open what their scopes name, here, and nothing anywhere else.

use http::{Method, StatusCode};
use paydesk_api::native::calls;
use paydesk_api::native::frame::{Access, Scope};
use paydesk_core::time::Span;
use paydesk_testing::TestServer;
use serde_json::{Value, json};

use super::{a_session, call, call_as, get, is_problem, open, post};

async fn key(server: &TestServer, scopes: Value) -> Value {
    post(server, "/keys", json!({"scopes": scopes})).await.ok()
}

fn secret(key: &Value) -> &str {
    key["secret"].as_str().unwrap()
}

#[tokio::test]
async fn every_call_is_open_to_exactly_the_scopes_that_cover_it() {
    let server = TestServer::start().await;
    let nowhere = "01900000-0000-7000-8000-000000000000";
    let calls = calls();
    for &scope in Scope::ALL {
        let key = key(&server, json!([scope.name()])).await;
        for call in &calls {
            let path = call.path.replace("{id}", nowhere);
            let answer = call_as(&server, secret(&key), call.method.clone(), &path, "").await;
            let allowed = match call.access {
                Access::Scope(needed) => scope.covers(needed),
                Access::Unrestricted => false,
            };
            let refused = answer.status == StatusCode::FORBIDDEN;
            assert_ne!(answer.status, StatusCode::UNAUTHORIZED);
            assert_eq!(
                refused,
                !allowed,
                "{} {} with {}: {}",
                call.method,
                call.path,
                scope.name(),
                answer.text()
            );
        }
    }
}

#[tokio::test]
async fn no_other_dialect_takes_a_restricted_key() {
    let server = TestServer::start().await;
    let all: Vec<&str> = Scope::ALL.iter().map(|scope| scope.name()).collect();
    let key = key(&server, json!(all)).await;
    let credentials = paydesk_core::merchant::Credentials {
        secret: paydesk_core::keys::Secret::new(secret(&key).to_owned()),
        ..server.merchant.test.clone()
    };
    let basic = [(http::header::AUTHORIZATION, TestServer::basic(&credentials))];
    let answer = server
        .request(Method::POST, "/sessions", &basic, a_session().to_string())
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_secret_is_shown_once() {
    let server = TestServer::start().await;
    let made = key(&server, json!(["sessions:read", "sessions:read"])).await;
    assert_eq!(made["scopes"], json!(["sessions:read"]));
    assert!(secret(&made).starts_with("rk_test_"));
    let listed = get(&server, "/keys").await;
    assert!(!listed.text().contains(secret(&made)));
    let path = format!("/keys/{}", made["id"].as_str().unwrap());
    let shown = get(&server, &path).await;
    assert!(shown.ok()["secret"].is_null());
    assert_eq!(listed.ok()["data"][0], shown.json());
}

#[tokio::test]
async fn a_deleted_key_opens_nothing() {
    let server = TestServer::start().await;
    let made = key(&server, json!(["sessions:read"])).await;
    let path = format!("/keys/{}", made["id"].as_str().unwrap());
    let list = || call_as(&server, secret(&made), Method::GET, "/sessions", "");
    list().await.ok();
    call(&server, Method::DELETE, &path, Value::Null).await.ok();
    is_problem(&list().await, 401, "unauthorized", None);
    is_problem(&get(&server, &path).await, 404, "key_not_found", None);
    assert_eq!(get(&server, "/keys").await.ok()["data"], json!([]));
}

#[tokio::test]
async fn a_key_ends_at_its_time_by_the_wall() {
    let server = TestServer::start().await;
    let at = server.engine.wall().after(Span::minutes(1)).to_string();
    let body = json!({"scopes": ["sessions:read"], "expiresAt": at});
    let made = post(&server, "/keys", body).await.ok();
    assert_eq!(made["expiresAt"], at);
    let list = || call_as(&server, secret(&made), Method::GET, "/sessions", "");
    // Test time is no time for keys.
    post(&server, "/test/clock/advance", json!({"seconds": 600}))
        .await
        .ok();
    list().await.ok();
    server.clock.advance(Span::minutes(1));
    is_problem(&list().await, 401, "unauthorized", None);
}

#[tokio::test]
async fn a_restricted_key_says_what_it_would_need() {
    let server = TestServer::start().await;
    let made = key(&server, json!(["sessions:read"])).await;
    open(&server, a_session()).await;
    let refused = call_as(&server, secret(&made), Method::POST, "/sessions", "{}").await;
    is_problem(&refused, 403, "insufficient_scope", None);
    assert!(refused.text().contains("sessions:write"));
}

#[tokio::test]
async fn a_main_secret_that_is_being_replaced_opens_until_its_overlap_is_over() {
    let server = TestServer::start().await;
    let tenant = server.tenant(paydesk_core::tenant::Mode::Test);
    let old = server.merchant.test.secret.reveal();
    let rotated = server.engine.rotate_key(tenant, Span::hours(2)).await;
    let (_, new) = rotated.unwrap();
    let opens = async |secret: &str| {
        let answer = call_as(&server, secret, Method::GET, "/sessions", "").await;
        answer.status != StatusCode::UNAUTHORIZED
    };
    assert!(opens(old).await && opens(new.secret.reveal()).await);
    server.advance(Span::minutes(119)).await;
    assert!(opens(old).await && opens(new.secret.reveal()).await);
    server.advance(Span::minutes(1)).await;
    assert!(!opens(old).await, "to the moment, whatever is remembered");
    assert!(opens(new.secret.reveal()).await);
}

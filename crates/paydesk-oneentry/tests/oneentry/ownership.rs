use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Method};
use paydesk_core::time::Span;
use paydesk_testing::{Answer, TestServer};
use serde_json::{Value, json};

use crate::world::{SESSIONS, TICKETS, USERS, User, app_token, auth_data, pay, shop, text};

/// Every route that needs a user: what is asked, and what the owner is answered.
fn routes(order: &Value, session: &Value, account: &Value) -> Vec<(Method, String, Value, u16)> {
    let get = |path: String, status| (Method::GET, path, Value::Null, status);
    vec![
        get(SESSIONS.to_owned(), 200),
        get(format!("{SESSIONS}/?offset=0&limit=30"), 200),
        get(format!("{SESSIONS}/{}", session["id"]), 200),
        get(format!("{SESSIONS}/order/{}", order["id"]), 200),
        get("/api/content/payments/accounts".to_owned(), 200),
        get(
            format!("/api/content/payments/accounts/{}", account["id"]),
            200,
        ),
        get(TICKETS.to_owned(), 200),
        get(format!("{TICKETS}/{}", order["id"]), 200),
        (
            Method::POST,
            TICKETS.to_owned(),
            json!({"products": [{"productId": 1, "quantity": 1}]}),
            201,
        ),
        (
            Method::POST,
            SESSIONS.to_owned(),
            json!({"orderId": order["id"], "type": "session"}),
            201,
        ),
        (
            Method::POST,
            format!("{USERS}/logout-all"),
            Value::Null,
            200,
        ),
    ]
}

async fn ask(
    server: &TestServer,
    app: Option<&str>,
    access: Option<&str>,
    (method, path, body, _): &(Method, String, Value, u16),
) -> Answer {
    let mut headers: Vec<(HeaderName, HeaderValue)> = Vec::new();
    headers.extend(app.map(app_token));
    headers.extend(access.map(|token| {
        let value = format!("Bearer {token}").parse().unwrap();
        (AUTHORIZATION, value)
    }));
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    server.request(method.clone(), path, &headers, body).await
}

/// The answer without what differs from call to call.
fn words(answer: &Answer) -> Value {
    let mut body = answer.json();
    assert_eq!(body["pageData"], Value::Null, "{body}");
    assert!(body["timestamp"].is_string(), "{body}");
    body["timestamp"] = Value::Null;
    body
}

#[tokio::test]
async fn nobody_is_let_in_by_a_token_that_is_not_theirs() {
    let server = shop().await;
    let owner = User::new(&server, "a@example.com").await;
    let order = owner.order().await;
    let session = owner.session(&order, "session").await.ok();
    let account = owner.get("/api/content/payments/accounts").await.ok()[0].clone();
    let routes = routes(&order, &session, &account);

    let old = User::sign_in(&server, "a@example.com").await.access;
    server.clock.advance(Span::hours(1));
    let owner = User::sign_in(&server, "a@example.com").await;
    let test = &server.merchant.test;
    let other = server.engine.create_merchant("Other").await.unwrap();
    let mut changed = owner.access.clone();
    let last = if changed.ends_with('A') { 'B' } else { 'A' };
    changed.pop();
    changed.push(last);
    for route in &routes {
        for (why, app, access) in [
            ("no app token", None, Some(owner.access.as_str())),
            (
                "a wrong app token",
                Some("pk_test_x"),
                Some(owner.access.as_str()),
            ),
            (
                "a secret for an app token",
                Some(test.secret.reveal()),
                Some(owner.access.as_str()),
            ),
            (
                "another merchant's app token",
                Some(other.test.publishable_key.as_str()),
                Some(owner.access.as_str()),
            ),
            (
                "the live app token",
                Some(server.merchant.live.publishable_key.as_str()),
                Some(owner.access.as_str()),
            ),
            ("no access token", Some(test.publishable_key.as_str()), None),
            (
                "an expired access token",
                Some(test.publishable_key.as_str()),
                Some(old.as_str()),
            ),
            (
                "a changed access token",
                Some(test.publishable_key.as_str()),
                Some(changed.as_str()),
            ),
            (
                "a refresh token",
                Some(test.publishable_key.as_str()),
                Some(owner.refresh.as_str()),
            ),
            (
                "the merchant's secret",
                Some(test.publishable_key.as_str()),
                Some(test.secret.reveal()),
            ),
            ("nonsense", Some(test.publishable_key.as_str()), Some("x")),
        ] {
            let answer = ask(&server, app, access, route).await;
            assert_eq!(answer.status, 401, "{why}: {} {}", route.0, route.1);
            assert_eq!(words(&answer)["statusCode"], 401);
        }
    }
    // The same calls, by the owner, are answered: the table tests something.
    for route in &routes {
        let app = Some(test.publishable_key.as_str());
        let answer = ask(&server, app, Some(&owner.access), route).await;
        assert_eq!(
            answer.status,
            route.3,
            "{} {}: {}",
            route.0,
            route.1,
            answer.text()
        );
    }
}

#[tokio::test]
async fn what_is_anothers_is_as_if_it_were_not_there() {
    let server = shop().await;
    let owner = User::new(&server, "a@example.com").await;
    let order = owner.order().await;
    let session = owner.session(&order, "session").await.ok();
    let paid = owner.order().await;
    let paid_session = owner.session(&paid, "session").await.ok();
    pay(&server, &paid_session).await.ok();

    let nothing = json!({"id": 123_456_789_012_345_u64});
    let stranger = User::new(&server, "b@example.com").await;
    let other = server.engine.create_merchant("Other").await.unwrap();
    let foreign_app = other.test.publishable_key.clone();
    let foreigner = foreign_user(&server, &foreign_app).await;
    let callers = [
        (
            server.merchant.test.publishable_key.clone(),
            stranger.access.clone(),
        ),
        (foreign_app, foreigner),
    ];
    for (app, access) in &callers {
        let get = |path: String| (Method::GET, path, Value::Null, 0);
        let create = |order: &Value| {
            let body = json!({"orderId": order["id"], "type": "session"});
            (Method::POST, SESSIONS.to_owned(), body, 0)
        };
        for (theirs, nowhere) in [
            (
                get(format!("{SESSIONS}/{}", session["id"])),
                get(format!("{SESSIONS}/{}", nothing["id"])),
            ),
            (
                get(format!("{SESSIONS}/{}", paid_session["id"])),
                get(format!("{SESSIONS}/{}", nothing["id"])),
            ),
            (
                get(format!("{SESSIONS}/order/{}", order["id"])),
                get(format!("{SESSIONS}/order/{}", nothing["id"])),
            ),
            (
                get(format!("{SESSIONS}/order/{}", paid["id"])),
                get(format!("{SESSIONS}/order/{}", nothing["id"])),
            ),
            (
                get(format!("{TICKETS}/{}", order["id"])),
                get(format!("{TICKETS}/{}", nothing["id"])),
            ),
            (create(&order), create(&nothing)),
            (create(&paid), create(&nothing)),
        ] {
            let seen = ask(&server, Some(app), Some(access), &theirs).await;
            let absent = ask(&server, Some(app), Some(access), &nowhere).await;
            assert_eq!(seen.status, 404, "{} {}", theirs.0, theirs.1);
            assert_eq!(words(&seen), words(&absent), "{} {}", theirs.0, theirs.1);
        }
        for list in [SESSIONS, TICKETS] {
            let answer = ask(&server, Some(app), Some(access), &get(list.to_owned())).await;
            assert_eq!(answer.ok(), json!({"total": 0, "items": []}));
        }
    }
    // Nothing was changed by any of it.
    let path = format!("{SESSIONS}/{}", session["id"]);
    assert_eq!(owner.get(&path).await.ok()["version"], session["version"]);
}

/// The access token of a user of another merchant's, with the same login.
async fn foreign_user(server: &TestServer, app: &str) -> String {
    let post = |path: &str| {
        (
            Method::POST,
            format!("{USERS}/{path}"),
            json!({"authData": auth_data("a@example.com", "opensesame")}),
            0,
        )
    };
    ask(server, Some(app), None, &post("sign-up")).await.ok();
    let tokens = ask(server, Some(app), None, &post("auth")).await.ok();
    text(&tokens, "accessToken")
}

#[tokio::test]
async fn a_shops_users_sign_in_at_that_shop_only() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    let other = server.engine.create_merchant("Other").await.unwrap();
    for app in [
        &other.test.publishable_key,
        &server.merchant.live.publishable_key,
    ] {
        for (path, body) in [
            (
                "auth",
                json!({"authData": auth_data("a@example.com", "opensesame")}),
            ),
            ("refresh", json!({"refreshToken": user.refresh})),
            ("logout", json!({"refreshToken": user.refresh})),
        ] {
            let route = (Method::POST, format!("{USERS}/{path}"), body, 0);
            assert_eq!(
                ask(&server, Some(app), None, &route).await.status,
                401,
                "{path}"
            );
        }
    }
    assert_eq!(
        user.get(SESSIONS).await.status,
        200,
        "and nobody logged them out"
    );
}

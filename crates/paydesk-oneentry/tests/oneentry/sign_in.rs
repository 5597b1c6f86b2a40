use std::time::Duration;

use futures_util::future::join_all;
use http::Method;
use paydesk_core::time::Span;
use paydesk_testing::{Answer, TestServer};
use serde_json::{Value, json};

use crate::world::{SESSIONS, USERS, User, auth_data, call, shop, text};

async fn refresh(server: &TestServer, token: &str) -> Answer {
    let path = format!("{USERS}/refresh");
    call(server, Method::POST, &path, json!({"refreshToken": token})).await
}

async fn auth(server: &TestServer, login: &str, password: &str) -> Answer {
    let body = json!({"authData": auth_data(login, password)});
    call(server, Method::POST, &format!("{USERS}/auth"), body).await
}

/// Whether an access token opens anything.
async fn works(server: &TestServer, access: &str) -> bool {
    let path = format!("{SESSIONS}/");
    let answer = crate::world::call_as(server, Some(access), Method::GET, &path, Value::Null).await;
    assert!(
        matches!(answer.status.as_u16(), 200 | 401),
        "{}",
        answer.text()
    );
    answer.status == 200
}

#[tokio::test]
async fn a_user_signs_up_and_in() {
    let server = shop().await;
    let sign_up = json!({
        "formIdentifier": "reg",
        "langCode": "en_US",
        "authData": auth_data("A@Example.com", "12345"),
        "formData": {"en_US": [{"marker": "last_name", "type": "string", "value": "Doe"}]},
        "notificationData": {"email": "a@example.com", "phonePush": ["+6591234567"], "phoneSMS": "+6591234567"},
    });
    let path = format!("{USERS}/sign-up");
    let made = call(&server, Method::POST, &path, sign_up.clone()).await;
    assert_eq!(made.status, 201);
    let made = made.json();
    assert_eq!(made["identifier"], "A@Example.com");
    assert_eq!(
        (&made["isActive"], &made["isGuest"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        made["notificationData"]["phonePush"],
        json!(["+6591234567"])
    );
    assert!(
        !made.to_string().contains("12345\""),
        "no password comes back"
    );

    // The same login in another case is the same login.
    let taken = call(&server, Method::POST, &path, sign_up).await;
    assert_eq!(taken.status, 409, "{}", taken.text());
    for login in ["A@Example.com", "a@example.com ", " A@EXAMPLE.COM"] {
        let tokens = auth(&server, login, "12345").await.ok();
        assert_eq!(tokens["userIdentifier"], "A@Example.com");
        assert_eq!(tokens["authProviderIdentifier"], "email");
        assert!(works(&server, &text(&tokens, "accessToken")).await);
    }
}

#[tokio::test]
async fn an_unknown_login_and_a_wrong_password_are_the_same() {
    let server = shop().await;
    User::new(&server, "a@example.com").await;
    let mut answers = Vec::new();
    for (login, password) in [
        ("a@example.com", "wrong-one"),
        ("b@example.com", "opensesame"),
    ] {
        let answer = auth(&server, login, password).await;
        assert_eq!(answer.status, 401);
        let mut body = answer.json();
        body["timestamp"] = Value::Null;
        answers.push(body);
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn a_guest_signs_in_with_a_password_like_everybody() {
    let server = shop().await;
    let guest = json!({
        "authData": auth_data("guest-7f3a", "made-up-by-the-shop"),
        "isGuest": true,
    });
    let path = format!("{USERS}/sign-up");
    let made = call(&server, Method::POST, &path, guest).await.ok();
    assert_eq!(made["isGuest"], true);
    assert_eq!(made["formData"], json!([]));
    assert_eq!(
        auth(&server, "guest-7f3a", "made-up-by-the-shop")
            .await
            .status,
        200
    );
    for data in [
        json!([{"marker": "login", "value": "guest-7f3a"}]),
        auth_data("guest-7f3a", ""),
    ] {
        let path = format!("{USERS}/auth");
        let refused = call(&server, Method::POST, &path, json!({"authData": data})).await;
        assert_eq!(refused.status, 400, "{}", refused.text());
    }
}

#[tokio::test]
async fn an_access_token_works_for_an_hour() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    server.clock.advance(Span::minutes(59));
    assert!(works(&server, &user.access).await);
    server.clock.advance(Span::minutes(1));
    assert!(!works(&server, &user.access).await);
    let next = refresh(&server, &user.refresh).await.ok();
    assert!(works(&server, &text(&next, "accessToken")).await);
    // One kind of token is not the other.
    assert!(!works(&server, &text(&next, "refreshToken")).await);
    assert_eq!(
        refresh(&server, &text(&next, "accessToken")).await.status,
        401
    );
}

#[tokio::test]
async fn a_refresh_token_is_answered_the_same_for_30_seconds_and_then_ends_its_family() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    let elsewhere = User::sign_in(&server, "a@example.com").await;
    let second = text(&refresh(&server, &user.refresh).await.ok(), "refreshToken");
    assert_ne!(second, user.refresh);
    server.clock.advance(Span::seconds(29));
    let again = text(&refresh(&server, &user.refresh).await.ok(), "refreshToken");
    assert_eq!(again, second);
    server.clock.advance(Span::seconds(1));
    assert!(works(&server, &user.access).await);
    assert_eq!(refresh(&server, &user.refresh).await.status, 401);
    // Whoever has the successor is out, too, and so is every access token; other devices stay.
    assert_eq!(refresh(&server, &second).await.status, 401);
    assert!(!works(&server, &user.access).await);
    assert!(works(&server, &elsewhere.access).await);
}

#[tokio::test]
async fn each_refresh_token_has_30_seconds_of_its_own() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    let next = async |token: &str| text(&refresh(&server, token).await.ok(), "refreshToken");
    let second = next(&user.refresh).await;
    server.clock.advance(Span::seconds(20));
    let third = next(&second).await;
    assert_ne!(third, second);
    server.clock.advance(Span::seconds(20));
    assert_eq!(next(&second).await, third, "20 seconds after its first use");
    server.clock.advance(Span::seconds(10));
    // Nobody crossed anybody: it was used 30 seconds ago, and whoever sends it now stole it.
    assert_eq!(refresh(&server, &second).await.status, 401);
    assert_eq!(refresh(&server, &third).await.status, 401);
}

#[tokio::test]
async fn a_client_that_keeps_an_answer_which_came_late_is_not_out_an_hour_later() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    let next = async |token: &str| text(&refresh(&server, token).await.ok(), "refreshToken");
    // Two calls send the first token. A third is given the second by the one, and uses it; then the other's answer
    // comes, and the second is what the client keeps.
    let second = next(&user.refresh).await;
    let third = next(&second).await;
    assert_eq!(next(&user.refresh).await, second);
    server.clock.advance(Span::hours(1));
    let fourth = next(&second).await;
    assert!(fourth != second && fourth != third);
    assert_eq!(next(&third).await, fourth);
    server.clock.advance(Span::seconds(30));
    assert_eq!(refresh(&server, &second).await.status, 401);
}

#[tokio::test]
async fn calls_that_expire_together_all_refresh_and_nobody_is_out_an_hour_later() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    let mut held = user.refresh.clone();
    for _ in 0..4 {
        server.clock.advance(Span::hours(1));
        // The client has no lock: some calls send the old token, some already one that another call was given.
        let first = join_all((0..20).map(|_| refresh(&server, &held))).await;
        let first: Vec<Value> = first.iter().map(Answer::ok).collect();
        assert!(
            first
                .iter()
                .all(|one| one["refreshToken"] == first[0]["refreshToken"])
        );
        let fresh = text(&first[0], "refreshToken");
        let mixed =
            join_all((0..20).map(|n| refresh(&server, if n % 2 == 0 { &held } else { &fresh })))
                .await;
        let mixed: Vec<Value> = mixed.iter().map(Answer::ok).collect();
        for tokens in &mixed {
            assert!(works(&server, &text(tokens, "accessToken")).await);
        }
        // Whichever answer came last is what it keeps.
        held = text(&mixed[7], "refreshToken");
    }
}

#[tokio::test]
async fn an_unused_sign_in_ends_after_30_days() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    server.clock.advance(Span::days(30));
    assert_eq!(refresh(&server, &user.refresh).await.status, 401);
}

#[tokio::test]
async fn logging_out_ends_the_tokens_at_once() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    let other = User::sign_in(&server, "a@example.com").await;
    let body = json!({"refreshToken": user.refresh});
    for _ in 0..2 {
        // Twice is no mistake.
        let path = format!("{USERS}/logout");
        assert_eq!(user.post(&path, body.clone()).await.ok(), json!(true));
    }
    assert!(!works(&server, &user.access).await);
    assert_eq!(refresh(&server, &user.refresh).await.status, 401);
    assert!(works(&server, &other.access).await, "another device stays");
}

#[tokio::test]
async fn logging_out_everywhere_ends_all_tokens_of_the_user_only() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    let second = User::sign_in(&server, "a@example.com").await;
    let stranger = User::new(&server, "b@example.com").await;
    let path = format!("{USERS}/logout-all");
    assert_eq!(user.post(&path, Value::Null).await.ok(), json!(true));
    for gone in [&user, &second] {
        assert!(!works(&server, &gone.access).await);
        assert_eq!(refresh(&server, &gone.refresh).await.status, 401);
    }
    assert!(works(&server, &stranger.access).await);
    assert_eq!(user.post(&path, Value::Null).await.status, 401);
}

#[tokio::test]
async fn signing_in_to_one_account_is_limited() {
    let server = shop().await;
    User::new(&server, "a@example.com").await;
    let mut limited = None;
    for _ in 0..60 {
        let answer = auth(&server, "a@example.com", "wrong-one").await;
        if answer.status != 429 {
            assert_eq!(answer.status, 401);
            continue;
        }
        let retry_after = answer.headers["retry-after"].to_str().unwrap();
        let retry_after: u64 = retry_after.parse().unwrap();
        if retry_after >= 3 {
            limited = Some(answer);
            break;
        }
        // One more is let in so soon that it might be the next. It is used up here.
        tokio::time::sleep(Duration::from_secs(retry_after)).await;
    }
    let limited = limited.expect("guessing comes to an end");
    assert_eq!(limited.json()["statusCode"], 429);
    // The right password does not get around it; another account is not touched.
    assert_eq!(
        auth(&server, "a@example.com", "opensesame").await.status,
        429
    );
    User::new(&server, "b@example.com").await;
}

#[tokio::test]
async fn signing_in_from_one_address_is_limited() {
    let server = shop().await;
    User::new(&server, "a@example.com").await;
    // One account's limit is soon reached; from then on its attempts cost no time, only those of the address.
    let mut limited = None;
    for _ in 0..20 {
        let attempts = (0..100).map(|_| auth(&server, "a@example.com", "wrong-one"));
        join_all(attempts).await;
        let other = auth(&server, "b@example.com", "wrong-one").await;
        if other.status == 429 && !other.text().contains("signing in") {
            limited = Some(other);
            break;
        }
    }
    let limited = limited.expect("an address comes to an end, too");
    assert!(limited.headers.contains_key("retry-after"));
    assert_eq!(limited.json()["statusCode"], 429);
    let path = format!("{USERS}/sign-up");
    let sign_up = json!({"authData": auth_data("c@example.com", "opensesame")});
    let signing_up =
        join_all((0..100).map(|_| call(&server, Method::POST, &path, sign_up.clone())));
    let statuses: Vec<_> = signing_up.await.iter().map(|it| it.status).collect();
    assert!(statuses.contains(&http::StatusCode::TOO_MANY_REQUESTS));
}

#[tokio::test]
async fn no_token_and_no_password_is_in_the_database() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    let next = refresh(&server, &user.refresh).await.ok();
    let secrets = [
        user.access.clone(),
        user.refresh.clone(),
        text(&next, "accessToken"),
        text(&next, "refreshToken"),
        "opensesame".to_owned(),
    ];
    for file in std::fs::read_dir(server.folder()).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for secret in &secrets {
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found, "a secret is in {}", path.display());
        }
    }
}

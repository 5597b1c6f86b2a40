use http::Method;
use serde_json::{Value, json};

use crate::world::{SESSIONS, TICKETS, USERS, User, auth_data, call, shop, text};

#[tokio::test]
async fn whatever_is_wrong_is_answered_400_with_the_field_and_stores_nothing() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    let order = user.order().await;
    let id = &order["id"];
    let good = json!([{"productId": 1, "quantity": 1}]);
    let sign_up = format!("{USERS}/sign-up");
    let [auth, refresh, logout] = ["auth", "refresh", "logout"].map(|act| format!("{USERS}/{act}"));
    let credentials = auth_data("new@example.com", "opensesame");
    let bad_marker = TICKETS.replace("tickets", "a%20b");
    for (path, body, field) in [
        (SESSIONS, json!({"type": "session"}), "orderId"),
        (SESSIONS, json!({"orderId": id}), "type"),
        (SESSIONS, json!({"orderId": id, "type": "gift"}), "type"),
        (
            SESSIONS,
            json!({"orderId": "1", "type": "session"}),
            "orderId",
        ),
        (
            SESSIONS,
            json!({"orderId": -1, "type": "session"}),
            "orderId",
        ),
        (
            SESSIONS,
            json!({"orderId": 1.5, "type": "session"}),
            "orderId",
        ),
        (
            SESSIONS,
            json!({"orderId": id, "type": "session", "automaticTaxEnabled": "yes"}),
            "automaticTaxEnabled",
        ),
        (TICKETS, json!({}), "products"),
        (TICKETS, json!({"products": []}), "products"),
        (
            TICKETS,
            json!({"products": [{"productId": 1}]}),
            "products[0]",
        ),
        (
            TICKETS,
            json!({"products": [{"productId": 1, "quantity": 0}]}),
            "products[0].quantity",
        ),
        (
            TICKETS,
            json!({"products": [{"productId": 1, "quantity": -1}]}),
            "products[0].quantity",
        ),
        (
            TICKETS,
            json!({"products": [{"productId": 1, "quantity": 1.5}]}),
            "products[0].quantity",
        ),
        (
            TICKETS,
            json!({"products": [{"productId": 99, "quantity": 1}]}),
            "products[0].productId",
        ),
        (
            TICKETS,
            json!({"products": good, "currency": "EUR"}),
            "currency",
        ),
        (
            TICKETS,
            json!({"products": good, "currency": "dollars"}),
            "currency",
        ),
        (bad_marker.as_str(), json!({"products": good}), "marker"),
        (sign_up.as_str(), json!({}), "authData"),
        (sign_up.as_str(), json!({"authData": []}), "authData.login"),
        (auth.as_str(), json!({}), "authData"),
        (
            auth.as_str(),
            json!({"authData": [{"marker": "login"}]}),
            "authData[0]",
        ),
        (
            auth.as_str(),
            json!({"authData": [{"marker": "login", "value": 7}]}),
            "authData[0].value",
        ),
        (
            auth.as_str(),
            json!({"authData": [{"marker": "login", "value": "a@example.com"}]}),
            "authData.password",
        ),
        (refresh.as_str(), json!({"refreshToken": 7}), "refreshToken"),
        (logout.as_str(), json!({"refreshToken": {}}), "refreshToken"),
        (
            TICKETS,
            json!({"formIdentifier": "f", "paymentAccountIdentifier": "stripe", "formData": "x".repeat(16 * 1024), "products": [{"productId": 1, "quantity": 1}]}),
            "formData",
        ),
        (
            sign_up.as_str(),
            json!({"authData": credentials, "formData": ["x".repeat(16 * 1024)]}),
            "formData",
        ),
        (
            sign_up.as_str(),
            json!({"authData": auth_data("x@example.com", "1234")}),
            "authData.password",
        ),
        (
            sign_up.as_str(),
            json!({"authData": auth_data("x@example.com", &"x".repeat(257))}),
            "authData.password",
        ),
        (
            sign_up.as_str(),
            json!({"authData": auth_data(&"x".repeat(256), "opensesame")}),
            "authData.login",
        ),
        (
            sign_up.as_str(),
            json!({"authData": credentials, "notificationData": {"phonePush": vec!["1"; 11]}}),
            "notificationData.phonePush",
        ),
    ] {
        let refused = user.post(path, body.clone()).await;
        assert_eq!(refused.status, 400, "{path} {body}: {}", refused.text());
        let message = text(&refused.json(), "message");
        let missing = format!("missing field `{field}`");
        let named = message.starts_with(field) || message.starts_with(&missing);
        assert!(named, "{path} {body}: {message}");
    }
    assert_eq!(user.get(TICKETS).await.ok()["total"], 1);
    assert_eq!(user.get(SESSIONS).await.ok()["total"], 0);
    for login in ["x@example.com", "new@example.com"] {
        let auth = json!({"authData": auth_data(login, "opensesame")});
        assert_eq!(
            call(&server, Method::POST, &format!("{USERS}/auth"), auth)
                .await
                .status,
            401
        );
    }
}

#[tokio::test]
async fn no_body_makes_it_fail() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    let headers = |access: &str| {
        vec![
            crate::world::app_token(&server.merchant.test.publishable_key),
            (
                http::header::AUTHORIZATION,
                format!("Bearer {access}").parse().unwrap(),
            ),
        ]
    };
    let nested = "[".repeat(2_000);
    for path in [
        SESSIONS.to_owned(),
        TICKETS.to_owned(),
        format!("{USERS}/sign-up"),
        format!("{USERS}/auth"),
        format!("{USERS}/refresh"),
    ] {
        for body in [
            "",
            "{",
            "[]",
            "null",
            "1",
            "\u{0}",
            &nested,
            "{\"authData\": 7, \"refreshToken\": 7}",
        ] {
            let answer = server
                .request(Method::POST, &path, &headers(&user.access), body.to_owned())
                .await;
            assert_eq!(answer.status, 400, "{path} {body:.20}: {}", answer.text());
            assert_eq!(answer.json()["statusCode"], 400);
        }
    }
    let large = format!("{{\"formData\": \"{}\"}}", "x".repeat(70_000));
    let answer = server
        .request(Method::POST, TICKETS, &headers(&user.access), large)
        .await;
    assert_eq!(answer.status, 413);
}

#[tokio::test]
async fn ids_and_pages_that_are_none_are_refused() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    for id in [
        "x",
        "-1",
        "1.5",
        "9007199254740993",
        "18446744073709551616",
        "%00",
        "%FF",
    ] {
        for path in [SESSIONS, TICKETS] {
            assert_eq!(
                user.get(&format!("{path}/{id}")).await.status,
                404,
                "{path}/{id}"
            );
        }
        let path = format!("{SESSIONS}/order/{id}");
        assert_eq!(user.get(&path).await.status, 404, "{path}");
    }
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=x", "limit"),
        ("offset=-1", "offset"),
    ] {
        for path in [SESSIONS, TICKETS] {
            let refused = user.get(&format!("{path}?{query}")).await;
            assert_eq!(refused.status, 400);
            assert!(text(&refused.json(), "message").starts_with(field));
        }
    }
}

#[tokio::test]
async fn every_other_address_and_method_is_answered_in_the_same_form() {
    let server = shop().await;
    for (method, path, status) in [
        (Method::GET, "/api/content/menus/marker/main", 404),
        (Method::GET, "/api/content/", 404),
        (Method::GET, "/api/content", 404),
        (Method::POST, "/api/content/payments/sessions/order", 405),
        (Method::GET, "/api/content/payments/sessions/1/2/3", 404),
        (Method::DELETE, SESSIONS, 405),
        (Method::PUT, "/api/content/payments/sessions/", 405),
        (Method::POST, "/api/content/payments/sessions/1", 405),
        (Method::POST, "/api/content/payments/sessions/order/1", 405),
        (Method::POST, "/api/content/payments/accounts", 405),
        (Method::DELETE, "/api/content/payments/accounts/1", 405),
        (Method::PUT, TICKETS, 405),
        (Method::DELETE, &format!("{TICKETS}/1"), 405),
        (Method::GET, &format!("{USERS}/auth"), 405),
        (Method::GET, &format!("{USERS}/sign-up"), 405),
        (Method::GET, &format!("{USERS}/refresh"), 405),
        (Method::GET, &format!("{USERS}/logout"), 405),
        (Method::GET, &format!("{USERS}/logout-all"), 405),
    ] {
        let answer = call(&server, method, path, Value::Null).await;
        let body = answer.json();
        assert_eq!(answer.status, status, "{path}");
        let fields: Vec<_> = body.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["message", "pageData", "statusCode", "timestamp"]);
        assert_eq!(body["statusCode"], status);
        assert_eq!(body["pageData"], Value::Null);
    }
}

//! Wrong requests: each is told what is wrong, where, and stores nothing.

use http::{Method, StatusCode};
use paydesk_testing::TestServer;
use serde_json::{Value, json};

use super::{a_session, call, call_as, get, is_problem, open, paid, post};

/// A session's request with one thing changed.
fn with(field: &str, value: Value) -> Value {
    let mut session = a_session();
    session[field] = value;
    session
}

#[tokio::test]
async fn a_wrong_session_is_refused_by_the_field_that_is_wrong() {
    let server = TestServer::start().await;
    let long = "x".repeat(6_000);
    let many: serde_json::Map<String, Value> =
        (0..51).map(|n| (format!("k{n}"), json!(n))).collect();
    let json_error = "invalid_json";
    let field_error = "invalid_field";
    for (body, code, field) in [
        (with("amout", json!(1)), json_error, "amout"),
        (
            with("customer", json!({"mail": "a"})),
            json_error,
            "customer.mail",
        ),
        (
            with("billing", json!({"street": "a"})),
            json_error,
            "billing.street",
        ),
        (with("user", json!({"name": "a"})), json_error, "user.name"),
        (
            with("user", json!({"birthDate": "31.12.1990"})),
            field_error,
            "user.birthDate",
        ),
        (
            with("user", json!({"country": "sg"})),
            field_error,
            "user.country",
        ),
        (
            with("device", json!({"type": "tv"})),
            json_error,
            "device.type",
        ),
        (
            with("device", json!({"kind": "fridge"})),
            json_error,
            "device.kind",
        ),
        (
            with("device", json!({"ip": "300.1.1.1"})),
            field_error,
            "device.ip",
        ),
        (
            with("lineItems", json!([{"name": "Tea"}])),
            json_error,
            "lineItems[0].quantity",
        ),
        (
            with(
                "lineItems",
                json!([{"name": "a", "quantity": 1, "amount": 1, "x": 1}]),
            ),
            json_error,
            "lineItems[0].x",
        ),
        (
            with(
                "customFields",
                json!([{"name": "a", "label": "A", "required": true, "x": 1}]),
            ),
            json_error,
            "customFields[0].x",
        ),
        (with("amount", json!("35")), json_error, "amount"),
        (with("amount", json!(35.5)), json_error, "amount"),
        (with("amount", json!(-1)), "invalid_amount", "amount"),
        (with("amount", json!(0)), "invalid_amount", "amount"),
        (
            with("amount", json!(1_000_000_000_000_000_i64)),
            "invalid_amount",
            "amount",
        ),
        (with("minAmount", json!(100)), field_error, "minAmount"),
        (with("kind", json!("gift")), json_error, "kind"),
        (
            with("kind", json!("addPaymentMethod")),
            field_error,
            "amount",
        ),
        (with("currency", json!("XXZ")), field_error, "currency"),
        (with("currency", json!(702)), json_error, "currency"),
        (json!({"amount": 1}), json_error, "currency"),
        (json!({"currency": "SGD"}), field_error, "amount"),
        (
            with("methods", json!(["cheque"])),
            field_error,
            "methods[0]",
        ),
        (with("reference", json!("")), field_error, "reference"),
        (
            with("reference", json!("x".repeat(256))),
            field_error,
            "reference",
        ),
        (with("title", json!("a\u{0}b")), field_error, "title"),
        (with("description", json!(long)), field_error, "description"),
        (
            with("notifyPayload", json!(long)),
            field_error,
            "notifyPayload",
        ),
        (
            with("metadata", Value::Object(many)),
            field_error,
            "metadata",
        ),
        (with("metadata", json!([])), json_error, "metadata"),
        (
            with("successUrl", json!("javascript:alert(1)")),
            field_error,
            "successUrl",
        ),
        (with("cancelUrl", json!("shop")), field_error, "cancelUrl"),
        (
            with("notifyUrl", json!("ftp://shop.example")),
            field_error,
            "notifyUrl",
        ),
        (with("expiresIn", json!(59)), field_error, "expiresIn"),
        (
            with("expiresIn", json!(2_592_001)),
            field_error,
            "expiresIn",
        ),
        (with("expiresIn", json!(-1)), json_error, "expiresIn"),
        (
            with("providerAccount", json!("mine")),
            field_error,
            "providerAccount",
        ),
        (
            with("storePaymentMethod", json!("yes")),
            json_error,
            "storePaymentMethod",
        ),
    ] {
        let refused = post(&server, "/sessions", body).await;
        is_problem(&refused, 400, code, Some(field));
    }
    assert_eq!(get(&server, "/sessions").await.ok()["data"], json!([]));
}

#[tokio::test]
async fn what_is_no_json_object_is_refused() {
    let server = TestServer::start().await;
    let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
    for body in [
        "",
        "null",
        "[]",
        "7",
        "\"x\"",
        "{",
        "{}}",
        "{\"amount\": 1,}",
        &deep,
        "\u{feff}{}",
    ] {
        let refused = server
            .native(Method::POST, "/api/v1/sessions", body.to_owned())
            .await;
        assert_eq!(
            refused.status,
            StatusCode::BAD_REQUEST,
            "{body}: {}",
            refused.text()
        );
        assert!(
            ["invalid_json", "invalid_field"].contains(&refused.json()["code"].as_str().unwrap())
        );
    }
    let bytes = vec![b'{', 0xff, b'}'];
    let refused = server.native(Method::POST, "/api/v1/sessions", bytes).await;
    is_problem(&refused, 400, "invalid_json", None);
    let large = format!("{{\"title\": \"{}\"}}", "x".repeat(70_000));
    let refused = server.native(Method::POST, "/api/v1/sessions", large).await;
    is_problem(&refused, 413, "invalid_body", None);
    let twice = r#"{"amount": 1, "amount": 2, "currency": "SGD"}"#;
    let refused = server.native(Method::POST, "/api/v1/sessions", twice).await;
    is_problem(&refused, 400, "invalid_json", Some("amount"));
}

#[tokio::test]
async fn a_wrong_request_of_another_resource_is_refused_by_the_field_that_is_wrong() {
    let server = TestServer::start().await;
    let payment = paid(&server, "payment").await;
    let refund = format!("/transactions/{payment}/refund");
    let accounts = "/providerAccounts";
    let json_error = "invalid_json";
    let field_error = "invalid_field";
    for (path, body, status, code, field) in [
        (
            &*refund,
            json!({"amount": 0}),
            400,
            "invalid_amount",
            Some("amount"),
        ),
        (
            &refund,
            json!({"amount": -5}),
            400,
            "invalid_amount",
            Some("amount"),
        ),
        (
            &refund,
            json!({"amount": 3501}),
            400,
            "amount_too_large",
            Some("amount"),
        ),
        (
            &refund,
            json!({"amount": "5"}),
            400,
            json_error,
            Some("amount"),
        ),
        (
            &refund,
            json!({"currency": "USD"}),
            400,
            "currency_differs",
            Some("currency"),
        ),
        (&refund, json!({"sum": 5}), 400, json_error, Some("sum")),
        ("/keys", json!({}), 400, json_error, Some("scopes")),
        (
            "/keys",
            json!({"scopes": []}),
            400,
            field_error,
            Some("scopes"),
        ),
        (
            "/keys",
            json!({"scopes": ["sessions:read", "all"]}),
            400,
            field_error,
            Some("scopes[1]"),
        ),
        (
            "/keys",
            json!({"scopes": ["bank"], "expiresAt": "tomorrow"}),
            400,
            field_error,
            Some("expiresAt"),
        ),
        (
            "/keys",
            json!({"scopes": ["bank"], "expiresAt": "2001-01-01T00:00:00Z"}),
            400,
            field_error,
            Some("expiresAt"),
        ),
        (
            "/keys",
            json!({"scopes": ["bank"], "name": " "}),
            400,
            field_error,
            Some("name"),
        ),
        (
            "/customers",
            json!({"code": ""}),
            400,
            field_error,
            Some("code"),
        ),
        (
            "/customers",
            json!({"phone": "1".repeat(41)}),
            400,
            field_error,
            Some("phone"),
        ),
        (
            "/customers",
            json!({"age": 7}),
            400,
            json_error,
            Some("age"),
        ),
        (
            accounts,
            json!({"provider": "STRIPE", "name": "x"}),
            400,
            json_error,
            Some("provider"),
        ),
        (
            accounts,
            json!({"provider": "SANDBOX"}),
            400,
            json_error,
            Some("name"),
        ),
        (
            accounts,
            json!({"provider": "SANDBOX", "name": ""}),
            400,
            field_error,
            Some("name"),
        ),
        (
            accounts,
            json!({"provider": "SANDBOX", "name": "x", "methods": ["cheque"]}),
            400,
            json_error,
            Some("methods[0]"),
        ),
        (
            "/test/clock/advance",
            json!({}),
            400,
            json_error,
            Some("seconds"),
        ),
        (
            "/test/clock/advance",
            json!({"seconds": 0}),
            400,
            field_error,
            Some("seconds"),
        ),
        (
            "/test/clock/advance",
            json!({"seconds": -60}),
            400,
            field_error,
            Some("seconds"),
        ),
        (
            "/test/clock/advance",
            json!({"seconds": 31_622_401}),
            400,
            field_error,
            Some("seconds"),
        ),
        (
            "/test/clock/advance",
            json!({"seconds": 1.5}),
            400,
            json_error,
            Some("seconds"),
        ),
    ] {
        let refused = post(&server, path, body).await;
        is_problem(&refused, status, code, field);
    }
    for (body, field) in [
        (json!({"allowedOrigins": ["*"]}), "allowedOrigins[0]"),
        (
            json!({"allowedOrigins": ["https://a.example", "null"]}),
            "allowedOrigins[1]",
        ),
        (json!({"logo": "https://a.example/logo.png"}), "logo"),
        (json!({"accentColour": "blue"}), "accentColour"),
        (json!({"locale": "e n"}), "locale"),
        (json!({"name": ""}), "name"),
    ] {
        let refused = call(&server, Method::PATCH, "/merchant", body).await;
        is_problem(&refused, 400, "invalid_field", Some(field));
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found_whatever_is_done_to_it() {
    let server = TestServer::start().await;
    let other = TestServer::start().await;
    let foreign = open(&other, a_session()).await;
    let foreign = foreign["id"].as_str().unwrap();
    for id in [
        foreign,
        "01900000-0000-7000-8000-000000000000",
        "x",
        "%00",
        "%ff",
        "..%2f",
        "%F0%9F%92%B3",
    ] {
        for call in paydesk_api::native::calls() {
            if !call.path.contains("{id}") {
                continue;
            }
            let path = call.path.replace("{id}", id);
            let body = match call.name {
                "chargePaymentMethod" => json!({"amount": 1, "currency": "SGD"}),
                _ => Value::Null,
            };
            let body = if call.method == Method::PATCH {
                json!({})
            } else {
                body
            };
            let answer = super::call(&server, call.method.clone(), &path, body).await;
            assert!(
                matches!(answer.status.as_u16(), 400 | 404),
                "{} {path}: {} {}",
                call.method,
                answer.status,
                answer.text()
            );
        }
    }
}

#[tokio::test]
async fn addresses_methods_and_queries_that_are_not_there_are_refused() {
    let server = TestServer::start().await;
    is_problem(
        &get(&server, "/session").await,
        404,
        "no_such_address",
        None,
    );
    is_problem(&get(&server, "").await, 404, "no_such_address", None);
    let wrong = call(&server, Method::PUT, "/sessions", Value::Null).await;
    is_problem(&wrong, 405, "method_not_allowed", None);
    for (path, field) in [
        ("/sessions?colour=red", "colour"),
        ("/sessions?limit=0", "limit"),
        ("/sessions?limit=101", "limit"),
        ("/sessions?limit=ten", "limit"),
        ("/sessions?limit=1&limit=2", "limit"),
        ("/sessions?status=lost", "status"),
        ("/sessions?after=x", "after"),
        ("/sessions?after=", "after"),
        ("/customers?code=%00", "code"),
        ("/merchant?x=1", "x"),
    ] {
        is_problem(&get(&server, path).await, 400, "invalid_field", Some(field));
    }
    let refused = post(&server, "/sessions?x=1", a_session()).await;
    is_problem(&refused, 400, "invalid_field", Some("x"));
}

#[tokio::test]
async fn who_has_no_secret_is_told_how_to_show_one() {
    let server = TestServer::start().await;
    let publishable = server.merchant.test.publishable_key.clone();
    for secret in ["", "sk_test_nobody", &publishable, "é"] {
        let refused = call_as(&server, secret, Method::GET, "/sessions", "").await;
        is_problem(&refused, 401, "unauthorized", None);
        assert!(
            refused.headers["www-authenticate"]
                .to_str()
                .unwrap()
                .starts_with("Bearer")
        );
    }
}

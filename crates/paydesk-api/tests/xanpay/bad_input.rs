//! Whatever is wrong gets a 400 (or the right 4xx) that names the field; nothing is stored, nothing fails.

use http::header::AUTHORIZATION;
use http::{HeaderValue, Method, StatusCode};
use paydesk_core::tenant::Mode;
use paydesk_testing::TestServer;
use serde_json::{Value, json};

use super::{open, seed, stored};

/// The seed's request with one field changed to this JSON.
fn with(field: &str, json: &str) -> String {
    let mut request = seed();
    request.as_object_mut().unwrap().remove(field);
    let rest = request.to_string();
    // Written by hand, since some of these are no JSON that a library would write.
    format!("{{\"{field}\":{json},{}", rest.strip_prefix('{').unwrap())
}

fn without(field: &str) -> String {
    let mut request = seed();
    request.as_object_mut().unwrap().remove(field);
    request.to_string()
}

#[tokio::test]
async fn what_is_wrong_is_named_and_nothing_is_stored() {
    let server = TestServer::start().await;
    let long = format!("\"{}\"", "x".repeat(6_000));
    let deep = format!("{}{}", "[".repeat(64), "]".repeat(64));
    let cases: Vec<(&str, String, &str)> = vec![
        ("amount missing", without("amount"), "amount"),
        ("amount empty", with("amount", "\"\""), "amount"),
        ("amount zero", with("amount", "0"), "amount"),
        ("amount zero text", with("amount", "\"0.00\""), "amount"),
        ("amount negative", with("amount", "-1"), "amount"),
        ("amount negative text", with("amount", "\"-1\""), "amount"),
        ("too many decimals", with("amount", "35.555"), "amount"),
        (
            "too many decimals text",
            with("amount", "\"35.555\""),
            "amount",
        ),
        ("huge exponent", with("amount", "1e400"), "amount"),
        ("not a number", with("amount", "\"NaN\""), "amount"),
        ("infinity", with("amount", "\"Infinity\""), "amount"),
        ("forty digits", with("amount", &"9".repeat(40)), "amount"),
        ("boolean amount", with("amount", "true"), "amount"),
        ("array amount", with("amount", "[35]"), "amount"),
        ("object amount", with("amount", "{\"value\":35}"), "amount"),
        ("null amount", with("amount", "null"), "amount"),
        ("amount with a comma", with("amount", "\"35,00\""), "amount"),
        ("amount twice", with("amount", "35,\"amount\":36"), "amount"),
        ("bare NaN", with("amount", "NaN"), ""),
        ("currency missing", without("currency"), "currency"),
        ("currency unknown", with("currency", "\"ABC\""), "currency"),
        (
            "currency in small letters",
            with("currency", "\"sgd\""),
            "currency",
        ),
        ("currency a number", with("currency", "702"), "currency"),
        (
            "currency without minor units",
            with("currency", "\"XAU\""),
            "currency",
        ),
        (
            "unknown method",
            with("methods", "[\"bitcoin\"]"),
            "methods[0]",
        ),
        (
            "card is no method of XanPay's",
            with("methods", "[\"paynow\",\"card\"]"),
            "methods[1]",
        ),
        (
            "method that cannot settle",
            with("methods", "[\"prompt-pay\"]"),
            "methods",
        ),
        ("methods a text", with("methods", "\"paynow\""), "methods"),
        (
            "ftp redirect",
            with("redirectUrl", "\"ftp://example.com\""),
            "redirectUrl",
        ),
        (
            "script redirect",
            with("redirectUrl", "\"javascript:alert(1)\""),
            "redirectUrl",
        ),
        (
            "data redirect",
            with("redirectUrl", "\"data:text/html,x\""),
            "redirectUrl",
        ),
        (
            "relative redirect",
            with("redirectUrl", "\"/thanks\""),
            "redirectUrl",
        ),
        ("redirect a number", with("redirectUrl", "1"), "redirectUrl"),
        (
            "notifyUrl not http",
            with("notifyUrl", "\"mailto:x@example.com\""),
            "notifyUrl",
        ),
        ("notifyUrl empty", with("notifyUrl", "\"\""), "notifyUrl"),
        (
            "notifyPayload an object",
            with("notifyPayload", "{\"a\":1}"),
            "notifyPayload",
        ),
        (
            "notifyPayload a number",
            with("notifyPayload", "5"),
            "notifyPayload",
        ),
        (
            "notifyPayload too long",
            with("notifyPayload", &long),
            "notifyPayload",
        ),
        ("orders an object", with("orders", "{}"), "orders"),
        (
            "order without a name",
            with("orders", "[{\"quantity\":1,\"amount\":35}]"),
            "name",
        ),
        (
            "order with half a thing",
            with(
                "orders",
                "[{\"name\":\"x\",\"quantity\":0.5,\"amount\":35}]",
            ),
            "quantity",
        ),
        (
            "order amount",
            with(
                "orders",
                "[{\"name\":\"x\",\"quantity\":1,\"amount\":\"x\"}]",
            ),
            "orders[0].amount",
        ),
        (
            "order name empty",
            with("orders", "[{\"name\":\" \",\"quantity\":1,\"amount\":1}]"),
            "orders[0].name",
        ),
        ("customer a text", with("customer", "\"me\""), "customer"),
        (
            "phone a text",
            with("customer", "{\"phone\":\"+65\"}"),
            "phone",
        ),
        ("deeply nested", with("metadata", &deep), "32"),
        ("empty body", String::new(), "empty"),
        ("white space", "  \n".into(), "empty"),
        ("no JSON", "amount=35&currency=SGD".into(), ""),
        ("an array", "[]".into(), ""),
        ("a text", "\"35\"".into(), ""),
        ("cut short", seed().to_string()[..60].to_owned(), ""),
        ("two values", format!("{}{}", seed(), seed()), ""),
    ];
    for (case, body, names) in cases {
        let answer = server.xanpay(Method::POST, "/sessions", body).await;
        assert_eq!(
            answer.status,
            StatusCode::BAD_REQUEST,
            "{case}: {}",
            answer.text()
        );
        let error = answer.json();
        assert_eq!(error["statusCode"], 400, "{case}");
        assert_eq!(error["error"], "Bad Request", "{case}");
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains(names) && !message.is_empty(),
            "{case}: {message}"
        );
        assert!(message.len() < 400, "{case}: {message}");
    }
    assert_eq!(stored(&server).await, 0);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let server = TestServer::start().await;
    let mut request = seed();
    request["notifyPayload"] = Value::String("x".repeat(70_000));
    let answer = server
        .xanpay(Method::POST, "/sessions", request.to_string())
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(stored(&server).await, 0);
}

#[tokio::test]
async fn without_the_right_key_nothing_is_answered() {
    let server = TestServer::start().await;
    let id = open(&server, &seed()).await;
    let (test, live) = (&server.merchant.test, &server.merchant.live);
    let basic = |text: &str| {
        use base64::Engine as _;
        let encoded = base64::engine::general_purpose::STANDARD.encode(text);
        HeaderValue::from_str(&format!("Basic {encoded}")).unwrap()
    };
    let wrong = [
        ("none", None),
        ("not base64", Some(HeaderValue::from_static("Basic %%%"))),
        ("another scheme", Some(TestServer::bearer(test))),
        ("no colon", Some(basic("key"))),
        (
            "unknown secret",
            Some(basic(&format!("{}:sk_test_x", test.key_id))),
        ),
        ("empty secret", Some(basic(&format!("{}:", test.key_id)))),
        (
            "another key's id",
            Some(basic(&format!("{}:{}", live.key_id, test.secret.reveal()))),
        ),
    ];
    for (case, header) in wrong {
        for (method, path) in [
            (Method::POST, "/sessions".to_owned()),
            (Method::GET, format!("/sessions/{id}")),
            (Method::GET, format!("/sessions/{id}/charge")),
            (Method::GET, "/refunds".to_owned()),
        ] {
            let headers: Vec<_> = header
                .clone()
                .map(|value| (AUTHORIZATION, value))
                .into_iter()
                .collect();
            let answer = server
                .request(method, &path, &headers, seed().to_string())
                .await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{case} {path}");
            assert!(
                answer.headers["www-authenticate"]
                    .to_str()
                    .unwrap()
                    .starts_with("Basic"),
                "{case} {path}"
            );
        }
    }
    assert_eq!(stored(&server).await, 1);
}

#[tokio::test]
async fn another_modes_or_merchants_session_is_not_there() {
    let server = TestServer::start().await;
    let id = open(&server, &seed()).await;
    let stranger = server.engine.create_merchant("Stranger").await.unwrap();
    let nothing = server.xanpay(Method::GET, "/sessions/nothing", "").await;
    assert_eq!(nothing.status, StatusCode::NOT_FOUND);
    for credentials in [&server.merchant.live, &stranger.test, &stranger.live] {
        for path in [format!("/sessions/{id}"), format!("/sessions/{id}/charge")] {
            let headers = [(AUTHORIZATION, TestServer::basic(credentials))];
            let answer = server.request(Method::GET, &path, &headers, "").await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
            assert_eq!(
                answer.body, nothing.body,
                "indistinguishable from nothing there"
            );
        }
    }
}

#[tokio::test]
async fn a_forged_id_opens_nothing() {
    let server = TestServer::start().await;
    let id = open(&server, &seed()).await;
    let mut forged = id.clone().into_bytes();
    for place in 0..forged.len() {
        let honest = forged[place];
        forged[place] = if honest == b'A' { b'B' } else { b'A' };
        let path = format!("/sessions/{}", std::str::from_utf8(&forged).unwrap());
        let answer = server.xanpay(Method::GET, &path, "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        forged[place] = honest;
    }
}

#[tokio::test]
async fn an_address_that_is_no_text_is_answered_as_every_other() {
    let server = TestServer::start().await;
    for (path, status) in [
        ("/sessions/%FF", StatusCode::NOT_FOUND),
        ("/sessions/%FF/charge", StatusCode::NOT_FOUND),
        ("/refunds?page=1&page=2", StatusCode::BAD_REQUEST),
    ] {
        let answer = server.xanpay(Method::GET, path, "").await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert!(
            answer.json()["message"].is_string(),
            "{path}: {}",
            answer.text()
        );
        let nobody = server.request(Method::GET, path, &[], "").await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn a_method_that_an_address_does_not_take_is_405() {
    let server = TestServer::start().await;
    for (method, path) in [
        (Method::GET, "/sessions"),
        (Method::DELETE, "/sessions/x"),
        (Method::PUT, "/refunds"),
    ] {
        let answer = server.xanpay(method, path, "").await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(answer.json()["statusCode"], 405);
    }
}

#[tokio::test]
async fn live_mode_refuses_what_it_has_no_account_for() {
    let server = TestServer::start().await;
    let headers = [(AUTHORIZATION, TestServer::basic(&server.merchant.live))];
    let answer = server
        .request(Method::POST, "/sessions", &headers, seed().to_string())
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
    let tenant = server.tenant(Mode::Live);
    let count = server
        .engine
        .store()
        .count(tenant, paydesk_core::store::Counter::Sessions)
        .await
        .unwrap();
    assert_eq!(count, 0);
}

#[tokio::test]
async fn refunds_say_what_is_wrong_with_them() {
    let server = TestServer::start().await;
    let id = open(&server, &seed()).await;
    let charge = super::pay(&server, &id).await;
    let path = format!("/charges/{}/refunds", charge["id"].as_str().unwrap());
    for (body, names) in [
        (json!({"amount": 36}), "35.00"),
        (json!({"amount": 0}), "amount"),
        (json!({"amount": "1.001"}), "amount"),
        (json!({"amount": -1}), "amount"),
        (json!({"amount": {}}), "amount"),
    ] {
        let answer = server.xanpay(Method::POST, &path, body.to_string()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(answer.text().contains(names), "{}", answer.text());
    }
    for path in [
        "/charges/x/refunds",
        "/charges/01890000-0000-7000-8000-000000000000/refunds",
    ] {
        let answer = server.xanpay(Method::POST, path, "").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
    for query in ["limit=0", "limit=51", "limit=x", "page=0", "status=x"] {
        let answer = server
            .xanpay(Method::GET, &format!("/refunds?{query}"), "")
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn refusals_are_told_in_xanpays_words() {
    let server = TestServer::start().await;
    let mut told = serde_json::Map::new();
    for (case, method, path, body) in [
        ("no amount", Method::POST, "/sessions", without("amount")),
        (
            "three decimals",
            Method::POST,
            "/sessions",
            with("amount", "35.555"),
        ),
        (
            "unknown currency",
            Method::POST,
            "/sessions",
            with("currency", "\"ABC\""),
        ),
        (
            "foreign method",
            Method::POST,
            "/sessions",
            with("methods", "[\"toss\"]"),
        ),
        (
            "unknown method",
            Method::POST,
            "/sessions",
            with("methods", "[\"cash\"]"),
        ),
        (
            "bad link",
            Method::POST,
            "/sessions",
            with("redirectUrl", "\"ftp://x\""),
        ),
        (
            "payload",
            Method::POST,
            "/sessions",
            with("notifyPayload", "5"),
        ),
        ("no session", Method::GET, "/sessions/x", String::new()),
        (
            "no charge",
            Method::POST,
            "/charges/x/refunds",
            String::new(),
        ),
        ("wrong method", Method::DELETE, "/refunds", String::new()),
    ] {
        let answer = server.xanpay(method, path, body).await;
        told.insert(case.to_owned(), answer.json());
    }
    insta::assert_json_snapshot!(told);
}

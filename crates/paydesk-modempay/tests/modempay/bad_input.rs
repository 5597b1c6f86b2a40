//! Whatever is wrong gets the right 4xx with a message that names the field; nothing is stored, nothing fails.

use http::header::AUTHORIZATION;
use http::{HeaderValue, Method, StatusCode};
use paydesk_testing::{Answer, TestServer};
use serde_json::{Value, json};

use super::{call, open, stored};

const UNKNOWN: &str = "01890000-0000-7000-8000-000000000000";

/// The answer is an error in this dialect's shape; its message.
fn refused(answer: &Answer, status: u16, case: &str) -> String {
    assert_eq!(answer.status, status, "{case}: {}", answer.text());
    let body = answer.json();
    let fields: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["message", "statusCode"], "{case}");
    assert_eq!(body["statusCode"], status, "{case}");
    body["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_wrong_is_named_and_nothing_is_stored() {
    let server = TestServer::start().await;
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(64), "]".repeat(64));
    let long = "x".repeat(6_000);
    // The fields as JSON, what the message names.
    let cases: Vec<(String, &str)> = [
        ("", "amount"),
        (r#""amount":null"#, "amount"),
        (r#""amount":0"#, "amount"),
        (r#""amount":-450"#, "amount"),
        (r#""amount":"""#, "amount"),
        (r#""amount":"450,00""#, "amount"),
        (r#""amount":450.555"#, "amount"),
        (r#""amount":0.5,"currency":"XOF""#, "amount"),
        (r#""amount":1e400"#, "amount"),
        (r#""amount":1000000000000000000000"#, "amount"),
        (r#""amount":true"#, "amount"),
        (r#""amount":[450]"#, "amount"),
        (r#""amount":450,"amount":451"#, "amount"),
        (r#""amount":450,"min_amount":100"#, "min_amount"),
        (r#""min_amount":0"#, "min_amount"),
        (r#""min_amount":-1"#, "min_amount"),
        (r#""min_amount":"much""#, "min_amount"),
        (r#""amount":450,"currency":"ABC""#, "currency"),
        (r#""amount":450,"currency":"gmd""#, "currency"),
        (r#""amount":450,"currency":270"#, "currency"),
        (
            r#""amount":450,"redirect_url":"javascript:alert(1)""#,
            "redirect_url",
        ),
        (r#""amount":450,"redirect_url":"/thanks""#, "redirect_url"),
        (r#""amount":450,"redirect_url":7"#, "redirect_url"),
        (
            r#""amount":450,"cancel_url":"data:text/html,x""#,
            "cancel_url",
        ),
        (
            r#""amount":450,"cancel_url":"ftp://shop.example""#,
            "cancel_url",
        ),
        (r#""amount":450,"custom_fields":"Size""#, "custom_fields"),
        (r#""amount":450,"custom_fields":[""]"#, "custom_fields[0]"),
        (
            r#""amount":450,"custom_fields":["Size",7]"#,
            "custom_fields[1]",
        ),
        (
            r#""amount":450,"custom_fields":["Size","Size"]"#,
            "custom_fields[1]",
        ),
        (r#""amount":450,"custom_fields":{"a":1}"#, "custom_fields"),
        (r#""amount":450,"expires_in":59"#, "expires_in"),
        (r#""amount":450,"expires_in":2592001"#, "expires_in"),
        (r#""amount":450,"expires_in":-60"#, "expires_in"),
        (r#""amount":450,"expires_in":60.5"#, "expires_in"),
        (r#""amount":450,"expires_in":99999999999"#, "expires_in"),
        (r#""amount":450,"expires_in":"60""#, "expires_in"),
        (r#""amount":450,"metadata":[1]"#, "metadata"),
        (r#""amount":450,"metadata":"text""#, "metadata"),
        (r#""amount":450,"metadata":7"#, "metadata"),
        (r#""amount":450,"metadata":{"a":"\ud800"}"#, "metadata"),
        (r#""amount":450,"title":" ""#, "title"),
        (r#""amount":450,"title":{"en":"Coffee"}"#, "title"),
        (r#""amount":450,"customer":7"#, "customer"),
        (r#""amount":450,"customer_email":"""#, "customer_email"),
        (r#""amount":450,"customer_name":" ""#, "customer_name"),
        (
            r#""amount":450,"customer_phone":["+220"]"#,
            "customer_phone",
        ),
    ]
    .map(|(fields, names)| (fields.to_owned(), names))
    .into_iter()
    .chain([
        (format!(r#""amount":450,"metadata":{deep}"#), "32"),
        (format!(r#""amount":450,"title":"{long}""#), "title"),
        (
            format!(r#""amount":450,"description":"{long}""#),
            "description",
        ),
        (
            format!(r#""amount":450,"customer_phone":"{long}""#),
            "customer_phone",
        ),
        (
            format!(r#""amount":450,"redirect_url":"https://shop.example/{long}""#),
            "redirect_url",
        ),
        (
            format!(r#""amount":450,"custom_fields":["{long}"]"#),
            "custom_fields[0]",
        ),
        (
            format!(
                r#""amount":450,"custom_fields":{}"#,
                json!((0..21).map(|n| n.to_string()).collect::<Vec<_>>())
            ),
            "custom_fields",
        ),
    ])
    .collect();
    for (fields, names) in cases {
        let body = format!("{{\"data\":{{{fields}}}}}");
        let answer = call(&server, Method::POST, "/v1/sessions", body).await;
        let message = refused(&answer, 400, &fields);
        assert!(message.contains(names), "{fields}: {message}");
        assert!(!message.contains("struct"), "{fields}: {message}");
    }
    for (body, names) in [
        (String::new(), "empty"),
        ("{}".into(), "data"),
        (r#"{"amount":450}"#.into(), "data"),
        (r#"{"data":null}"#.into(), "data"),
        (r#"{"data":"x"}"#.into(), "data"),
        (r#"{"data":[450]}"#.into(), "data"),
        ("[]".into(), ""),
        ("null".into(), ""),
        ("{\"data\":{\"amount\":450}} x".into(), "trailing"),
        ("{\"data\":".into(), "EOF"),
        ("amount=450".into(), ""),
        (
            format!("{{\"data\":{{\"title\":\"{}\"}}}}", "x".repeat(70_000)),
            "65536",
        ),
    ] {
        let answer = call(&server, Method::POST, "/v1/sessions", &body).await;
        let message = refused(&answer, 400, &body);
        assert!(message.contains(names), "{message}");
    }
    assert_eq!(stored(&server).await, 0);
}

#[tokio::test]
async fn a_session_can_be_changed_in_no_way_but_by_being_expired() {
    let server = TestServer::start().await;
    let session = open(&server, json!({"amount": 450})).await;
    let path = format!("/v1/sessions/single/{}", session["id"].as_str().unwrap());
    for body in [
        json!({}),
        json!({"expired": true}),
        json!({"data": {}}),
        json!({"data": null}),
        json!({"data": {"expired": false}}),
        json!({"data": {"amount": 1}}),
    ] {
        let answer = call(&server, Method::PUT, &path, &body).await;
        let message = refused(&answer, 400, &body.to_string());
        assert!(message.contains("expired"), "{message}");
    }
    for body in ["", "{", r#"{"data":{"expired":"true"}}"#] {
        refused(&call(&server, Method::PUT, &path, body).await, 400, body);
    }
    assert_eq!(super::retrieve(&server, &session).await, session);
}

#[tokio::test]
async fn what_is_not_there_is_404_and_a_wrong_method_405() {
    let server = TestServer::start().await;
    let session = open(&server, json!({"amount": 450})).await;
    let id = session["id"].as_str().unwrap();
    let expired = json!({"data": {"expired": true}});
    for (method, path, body) in [
        (
            Method::GET,
            format!("/v1/sessions/single/{UNKNOWN}"),
            Value::Null,
        ),
        (Method::GET, "/v1/sessions/single/x".into(), Value::Null),
        (
            Method::PUT,
            format!("/v1/sessions/single/{UNKNOWN}"),
            expired.clone(),
        ),
        (Method::PUT, "/v1/sessions/single/x".into(), expired),
        (
            Method::GET,
            format!("/v1/transactions/{UNKNOWN}"),
            Value::Null,
        ),
        (Method::GET, "/v1/transactions/x".into(), Value::Null),
        (Method::GET, format!("/v1/transactions/{id}"), Value::Null),
        (
            Method::POST,
            "/v1/transactions/refund".into(),
            json!({"reference": UNKNOWN}),
        ),
        (
            Method::POST,
            "/v1/transactions/refund".into(),
            json!({"reference": "x"}),
        ),
        (Method::GET, "/v1".into(), Value::Null),
        (Method::GET, "/v1/".into(), Value::Null),
        (Method::POST, "/v1/payments".into(), json!({})),
        (Method::GET, format!("/v1/sessions/{id}"), Value::Null),
        (Method::DELETE, "/v1/coupons/x".into(), Value::Null),
    ] {
        refused(&call(&server, method, &path, body).await, 404, &path);
    }
    for (method, path) in [
        (Method::DELETE, "/v1/sessions".to_owned()),
        (Method::PUT, "/v1/sessions".into()),
        (Method::POST, format!("/v1/sessions/single/{id}")),
        (Method::DELETE, format!("/v1/sessions/single/{id}")),
        (Method::GET, "/v1/transactions/refund".into()),
        (Method::POST, format!("/v1/transactions/{id}")),
    ] {
        refused(&call(&server, method, &path, "").await, 405, &path);
    }
    let answer = call(&server, Method::POST, "/v1/transactions/refund", "{}").await;
    assert!(refused(&answer, 400, "no reference").contains("reference"));
}

#[tokio::test]
async fn without_a_key_of_the_same_tenant_nothing_is_answered() {
    let server = TestServer::start().await;
    let session = open(&server, json!({"amount": 450})).await;
    let path = format!("/v1/sessions/single/{}", session["id"].as_str().unwrap());
    let test = &server.merchant.test;
    for authorization in [
        None,
        Some("Bearer".to_owned()),
        Some("Bearer ".to_owned()),
        Some(format!("Bearer {}x", test.secret.reveal())),
        Some(format!("Bearer {}", test.publishable_key)),
        Some(test.secret.reveal().to_owned()),
    ] {
        let headers: Vec<_> = authorization
            .iter()
            .map(|value| (AUTHORIZATION, HeaderValue::from_str(value).unwrap()))
            .collect();
        for (method, path) in [(Method::POST, "/v1/sessions"), (Method::GET, &path)] {
            let answer = server.request(method, path, &headers, "{}").await;
            refused(&answer, 401, &format!("{authorization:?}"));
            assert!(
                answer.headers["www-authenticate"]
                    .to_str()
                    .unwrap()
                    .starts_with("Bearer")
            );
        }
    }
    let live = [(AUTHORIZATION, TestServer::bearer(&server.merchant.live))];
    let answer = server.request(Method::GET, &path, &live, "").await;
    refused(&answer, 404, "a test session with the live key");
    let body = json!({"data": {"amount": 450}}).to_string();
    let answer = server
        .request(Method::POST, "/v1/sessions", &live, body)
        .await;
    assert_eq!(
        answer.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "live mode has no account"
    );
}

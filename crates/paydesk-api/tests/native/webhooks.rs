//! Webhook endpoints, events and deliveries.

use http::{Method, StatusCode};
use paydesk_core::time::Span;
use paydesk_testing::{Receiver, TestServer};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::{a_session, call, get, open, post, post_under};

async fn listen(server: &TestServer, receiver: &Receiver) -> Value {
    post(server, "/webhookEndpoints", json!({"url": receiver.url}))
        .await
        .ok()
}

fn path(of: &Value) -> String {
    format!("/webhookEndpoints/{}", of["id"].as_str().unwrap())
}

#[tokio::test]
async fn an_endpoint_hears_of_everything_that_happens_after_it_was_made() {
    let (server, receiver) = (TestServer::start().await, Receiver::start().await);
    open(&server, a_session()).await;
    let endpoint = listen(&server, &receiver).await;
    let session = open(&server, a_session()).await;
    server.run_jobs().await;
    let received = receiver.received();
    assert_eq!(received.len(), 1, "nothing of before");
    let secret = endpoint["secret"].as_str().unwrap();
    let webhook = Webhook::new(secret).unwrap();
    webhook
        .verify(&received[0].body, &received[0].headers)
        .unwrap();
    let event = received[0].json();
    assert_eq!(event["type"], "session.created");
    assert_eq!(event["data"]["id"], session["id"]);
    let id = event["id"].as_str().unwrap();
    assert_eq!(get(&server, &format!("/events/{id}")).await.ok(), event);
}

#[tokio::test]
async fn a_secret_is_shown_when_it_is_made_and_never_again() {
    let (server, receiver) = (TestServer::start().await, Receiver::start().await);
    let endpoint = listen(&server, &receiver).await;
    let secret = endpoint["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_"));
    let rotated = post(&server, &format!("{}/rotate", path(&endpoint)), Value::Null)
        .await
        .ok();
    let fresh = rotated["secret"].as_str().unwrap();
    assert_ne!(secret, fresh);
    assert!(rotated["previousSecretValidUntil"].is_string());
    let off = json!({"enabled": false, "events": ["session.expired"], "description": "later"});
    let changed = call(&server, Method::PATCH, &path(&endpoint), off)
        .await
        .ok();
    assert_eq!(changed["enabled"], false);
    assert_eq!(changed["disabledReason"], "merchant");
    assert_eq!(changed["events"], json!(["session.expired"]));
    for shown in [
        get(&server, "/webhookEndpoints").await,
        get(&server, &path(&endpoint)).await,
        call(
            &server,
            Method::PATCH,
            &path(&endpoint),
            json!({"enabled": true}),
        )
        .await,
        call(&server, Method::DELETE, &path(&endpoint), Value::Null).await,
    ] {
        assert!(shown.status.is_success());
        assert!(!shown.text().contains(secret) && !shown.text().contains(fresh));
        assert!(!shown.text().contains("whsec_"));
    }
    assert_eq!(
        get(&server, &path(&endpoint)).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn every_post_is_answered_twice_the_same_under_one_key() {
    let (server, receiver) = (TestServer::start().await, Receiver::start().await);
    let body = json!({"url": receiver.url}).to_string();
    let first = post_under(&server, "k-1", "/webhookEndpoints", &body).await;
    let again = post_under(&server, "k-1", "/webhookEndpoints", &body).await;
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    let endpoint = first.ok();
    assert_eq!(
        get(&server, "/webhookEndpoints").await.ok()["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    open(&server, a_session()).await;
    server.run_jobs().await;
    let event = get(&server, "/events").await.ok()["data"][0]["id"].clone();
    let delivery = get(&server, "/deliveries").await.ok()["data"][0]["id"].clone();
    for path in [
        format!("{}/rotate", path(&endpoint)),
        format!("/events/{}/replay", event.as_str().unwrap()),
        format!("/deliveries/{}/retry", delivery.as_str().unwrap()),
    ] {
        let first = post_under(&server, "k-2", &path, "").await;
        assert!(first.status.is_success(), "{path}: {}", first.text());
        server.advance(Span::seconds(1)).await;
        let again = post_under(&server, "k-2", &path, "").await;
        assert_eq!(
            (first.status, &first.body),
            (again.status, &again.body),
            "{path}"
        );
    }
    server.run_jobs().await;
    assert_eq!(
        receiver.received().len(),
        3,
        "the first, the replay and the retry"
    );
}

#[tokio::test]
async fn the_log_tells_what_came_of_each_delivery() {
    let (server, receiver) = (TestServer::start().await, Receiver::start().await);
    receiver.answer_with(&[StatusCode::BAD_GATEWAY, StatusCode::OK, StatusCode::GONE]);
    let endpoint = listen(&server, &receiver).await;
    open(&server, a_session()).await;
    server.run_jobs().await;
    let deliveries = |query: &'static str| {
        let server = &server;
        async move { get(server, &format!("/deliveries?{query}")).await.ok()["data"].clone() }
    };
    let delivery = deliveries("status=pending").await[0].clone();
    assert_eq!(delivery["endpointId"], endpoint["id"]);
    assert_eq!(
        (&delivery["attempts"], &delivery["lastAttempt"]["status"]),
        (&json!(1), &json!(502))
    );
    assert_eq!(delivery["lastAttempt"]["answer"], "Bad Gateway");
    assert!(delivery["lastAttempt"]["latency"].is_u64() && delivery["nextAttemptAt"].is_string());
    assert!(get(&server, &path(&endpoint)).await.ok()["failingSince"].is_string());

    let retry = format!("/deliveries/{}/retry", delivery["id"].as_str().unwrap());
    post(&server, &retry, Value::Null).await.ok();
    server.run_jobs().await;
    let delivered = deliveries("status=delivered").await;
    assert_eq!(
        (&delivered[0]["id"], &delivered[0]["attempts"]),
        (&delivery["id"], &json!(2))
    );
    assert!(
        get(&server, &path(&endpoint))
            .await
            .ok()
            .get("failingSince")
            .is_none()
    );

    // Another endpoint hears that the first one is gone.
    let witness = Receiver::start().await;
    let only = json!({"url": witness.url, "events": ["webhookEndpoint.disabled"]});
    post(&server, "/webhookEndpoints", only).await.ok();
    open(&server, a_session()).await;
    server.run_jobs().await;
    assert_eq!(
        deliveries("status=failed").await.as_array().unwrap().len(),
        1
    );
    let gone = get(&server, &path(&endpoint)).await.ok();
    assert_eq!(
        (&gone["enabled"], &gone["disabledReason"]),
        (&json!(false), &json!("gone"))
    );
    let told = witness.received();
    assert_eq!(told.len(), 1);
    assert_eq!(
        told[0].json()["data"],
        json!({"id": endpoint["id"], "url": receiver.url, "reason": "gone"})
    );
}

#[tokio::test]
async fn events_are_listed_newest_first_by_type_and_session_in_pages() {
    let server = TestServer::start().await;
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(open(&server, a_session()).await);
        server.clock.advance(Span::millis(1));
    }
    let id = sessions[0]["id"].as_str().unwrap().to_owned();
    post(&server, &format!("/sessions/{id}/expire"), Value::Null)
        .await
        .ok();
    let all = get(&server, "/events").await.ok();
    let types: Vec<_> = all["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["type"].clone())
        .collect();
    assert_eq!(
        types,
        [
            "session.expired",
            "session.created",
            "session.created",
            "session.created"
        ]
    );
    let of_one = get(&server, &format!("/events?session={id}")).await.ok();
    assert_eq!(of_one["data"].as_array().unwrap().len(), 2);
    let first = get(&server, "/events?type=session.created&limit=2")
        .await
        .ok();
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = get(
        &server,
        &format!("/events?type=session.created&limit=2&after={cursor}"),
    )
    .await
    .ok();
    assert_eq!(first["data"][0]["data"]["id"], sessions[2]["id"]);
    assert_eq!(second["data"][0]["data"]["id"], sessions[0]["id"]);
    assert_eq!(second["nextCursor"], Value::Null);
}

#[tokio::test]
async fn what_is_wrong_is_named_and_nothing_is_stored() {
    let server = TestServer::start().await;
    let url = "https://shop.example/hook";
    for (body, field) in [
        (json!({}), "url"),
        (json!({"url": ""}), "url"),
        (json!({"url": "ftp://shop.example"}), "url"),
        (json!({"url": 7}), "url"),
        (json!({"url": url, "format": "soap"}), "format"),
        (json!({"url": url, "events": ["session.paid"]}), "events[0]"),
        (json!({"url": url, "events": "session.created"}), "events"),
        (json!({"url": url, "secret": "mine"}), "secret"),
        (
            json!({"url": url, "description": "x".repeat(501)}),
            "description",
        ),
    ] {
        let answer = post(&server, "/webhookEndpoints", body.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(answer.text().contains(field), "{body}: {}", answer.text());
    }
    assert_eq!(
        get(&server, "/webhookEndpoints").await.ok()["data"],
        json!([])
    );
    let unknown = "01890000-0000-7000-8000-000000000000";
    for (method, path) in [
        (Method::GET, format!("/webhookEndpoints/{unknown}")),
        (Method::DELETE, "/webhookEndpoints/x".into()),
        (Method::POST, format!("/webhookEndpoints/{unknown}/rotate")),
        (Method::GET, format!("/events/{unknown}")),
        (Method::POST, format!("/events/{unknown}/replay")),
        (Method::GET, format!("/deliveries/{unknown}")),
        (Method::POST, format!("/deliveries/{unknown}/retry")),
    ] {
        let answer = call(&server, method, &path, Value::Null).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    for query in [
        "events?type=x",
        "events?session=x",
        "deliveries?event=x",
        "deliveries?endpoint=x",
        "deliveries?status=x",
    ] {
        let answer = get(&server, &format!("/{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
    }
    for _ in 0..16 {
        post(&server, "/webhookEndpoints", json!({"url": url}))
            .await
            .ok();
    }
    let answer = post(&server, "/webhookEndpoints", json!({"url": url})).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.json()["code"], "too_many_endpoints");
}

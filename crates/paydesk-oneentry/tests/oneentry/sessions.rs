use futures_util::future::join_all;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Method};
use paydesk_core::engine::shop::open_order_session::OpenOrderSession;
use paydesk_core::id::OrderId;
use paydesk_core::session::{Door, Flow};
use paydesk_core::tenant::Mode;
use paydesk_core::time::Span;
use paydesk_testing::Answer;
use serde_json::{Value, json};

use crate::world::{SESSIONS, TICKETS, User, app_token, call_as, pay, shop, text};

#[tokio::test]
async fn an_order_is_paid_by_its_session() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    let order = user.order().await;
    assert_eq!(order["totalSum"], 35);
    assert!(order.get("paymentUrl").is_none());

    let answer = user.session(&order, "session").await;
    assert_eq!(answer.status, 201);
    let session = answer.json();
    assert_eq!(session["status"], "waiting");
    assert_eq!(session["orderId"], order["id"]);
    assert_eq!(session["amount"], 35);
    pay(&server, &session).await.ok();

    let path = format!("{SESSIONS}/{}", session["id"]);
    let paid = user.get(&path).await.ok();
    assert_eq!(paid["status"], "completed");
    assert!(paid["sessionId"].is_string(), "the rail's own name: {paid}");
    let order = user.get(&format!("{TICKETS}/{}", order["id"])).await.ok();
    assert_eq!(order["isCompleted"], true);
    assert_eq!(order["statusIdentifier"], "paid");
    assert_eq!(order["totalSum"], "35.00");
    assert_eq!(order["paymentUrl"], session["paymentUrl"]);

    let again = user.session(&order, "session").await;
    assert_eq!(again.status, 409, "{}", again.text());
    assert_eq!(again.json()["statusCode"], 409);
}

#[tokio::test]
async fn a_session_has_every_field_of_the_document() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    let order = user.order().await;
    let session = user.session(&order, "intent").await.ok();
    let fields: Vec<&str> = session
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    for field in [
        "id",
        "createdDate",
        "updatedDate",
        "version",
        "identifier",
        "type",
        "status",
        "orderId",
        "paymentAccountId",
        "amount",
        "paymentUrl",
        "clientSecret",
        "intent",
        "intentId",
        "lineItems",
    ] {
        assert!(fields.contains(&field), "{field} is missing in {session}");
    }
    for absent in ["sessionId", "successUrl", "cancelUrl"] {
        assert!(
            !fields.contains(&absent),
            "{absent} is not null but left out"
        );
    }
    assert_eq!(session["type"], "intent");
    assert_eq!(session["intent"], json!({"amount": 35, "currency": "usd"}));
    assert_eq!(
        session["lineItems"],
        json!([{"id": "1", "name": "Ticket", "quantity": 2, "price": 17.5}])
    );
    for id in ["id", "orderId", "paymentAccountId", "intentId"] {
        let number = session[id].as_u64().unwrap();
        assert!(number < 1 << 53, "{id} is {number}");
    }
    // The client secret acts for the payer as the page's link does.
    let path = format!("/pay/{}/state", text(&session, "clientSecret"));
    let state = server.request(Method::GET, &path, &[], "").await.ok();
    assert_eq!(state["status"], "created");
}

#[tokio::test]
async fn asking_again_gives_the_live_session_back_in_the_other_way() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    let order = user.order().await;
    let first = user.session(&order, "session").await.ok();
    let second = user.session(&order, "intent").await.ok();
    assert_eq!(second["id"], first["id"]);
    assert_eq!(
        (&first["type"], &second["type"]),
        (&json!("session"), &json!("intent"))
    );
    let path = format!("{SESSIONS}/order/{}", order["id"]);
    let all = user.get(&path).await.ok();
    assert_eq!(all.as_array().unwrap().len(), 1);
    assert_eq!(all[0]["type"], "intent");
}

#[tokio::test]
async fn an_expired_session_is_followed_by_another_and_both_are_listed() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    let order = user.order().await;
    let path = format!("{SESSIONS}/order/{}", order["id"]);
    assert_eq!(user.get(&path).await.ok(), json!([]));
    let first = user.session(&order, "session").await.ok();
    // No job runs: whoever comes sees to it.
    server.clock.advance(Span::days(7));
    let user = User::sign_in(&server, "a@example.com").await;
    assert_eq!(user.get(&path).await.ok()[0]["status"], "expired");
    let second = user.session(&order, "session").await.ok();
    assert_ne!(second["id"], first["id"]);
    let all = user.get(&path).await.ok();
    let seen: Vec<(&Value, &Value)> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|session| (&session["id"], &session["status"]))
        .collect();
    assert_eq!(
        seen,
        [
            (&second["id"], &json!("waiting")),
            (&first["id"], &json!("expired"))
        ]
    );
}

#[tokio::test]
async fn a_cancelled_session_is_canceled_as_oneentry_spells_it() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    let order = user.order().await;
    let first = user.session(&order, "session").await.ok();
    let url = text(&first, "paymentUrl");
    let path = format!("{}/cancel", url.strip_prefix(&server.url).unwrap());
    server.payer(Method::POST, &path, "{}").await.ok();
    let path = format!("{SESSIONS}/{}", first["id"]);
    assert_eq!(user.get(&path).await.ok()["status"], "canceled");
    let second = user.session(&order, "session").await.ok();
    assert_ne!(second["id"], first["id"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_calls_at_once_open_one_session() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    let order = user.order().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        // As many sockets at a time as a test may open.
        let calls = (0..200).map(|n| {
            let kind = if n % 2 == 0 { "session" } else { "intent" };
            user.session(&order, kind)
        });
        for answer in join_all(calls).await {
            assert_eq!(answer.status, 201, "{}", answer.text());
            ids.push(answer.json()["id"].as_u64().unwrap());
        }
    }
    assert_eq!(ids.len(), 1_000);
    ids.dedup();
    assert_eq!(ids.len(), 1, "one live session");
    let list = user.get(&format!("{SESSIONS}/")).await.ok();
    assert_eq!(list["total"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_at_the_very_same_time_open_one_session_too() {
    let server = shop().await;
    let order = json!({"products": [{"productId": 1, "quantity": 1}]});
    let path = "/api/v1/orders";
    let order = server.native(Method::POST, path, order.to_string()).await;
    let order: OrderId = text(&order.ok(), "id").parse().unwrap();
    // Past the sockets, of which one process has not so many.
    let calls = (0..1_000).map(|n| {
        let engine = server.engine.clone();
        let tenant = server.tenant(Mode::Test);
        let asked = OpenOrderSession {
            door: Door::OneEntry,
            flow: if n % 2 == 0 {
                Flow::Session
            } else {
                Flow::Intent
            },
            automatic_tax: false,
            device: None,
        };
        tokio::spawn(async move { engine.open_order_session(tenant, order, asked, None).await })
    });
    let mut ids = Vec::new();
    for call in join_all(calls).await {
        ids.push(call.unwrap().unwrap().id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "one live session");
    let all = server
        .native(Method::GET, "/api/v1/sessions", "")
        .await
        .ok();
    assert_eq!(all["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_the_client_says_of_its_device_is_kept_with_the_session() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    let order = user.order().await;
    let asked = json!({"orderId": order["id"], "type": "session"});
    let device = r#"{"fingerprint":"x","deviceInfo":{"os":"Linux"}}"#;
    let headers = [
        app_token(&server.merchant.test.publishable_key),
        (
            AUTHORIZATION,
            format!("Bearer {}", user.access).parse().unwrap(),
        ),
        (
            HeaderName::from_static("x-device-metadata"),
            HeaderValue::from_static(device),
        ),
    ];
    let answer = server
        .request(Method::POST, SESSIONS, &headers, asked.to_string())
        .await
        .ok();
    let id = text(&answer, "identifier").parse().unwrap();
    let stored = server.engine.session(server.tenant(Mode::Test), id).await;
    let ordered = stored.unwrap().0.ordered.unwrap();
    assert_eq!(ordered.device.as_deref(), Some(device));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tabs_that_pay_at_once_charge_once() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    let order = user.order().await;
    let tabs = join_all([
        user.session(&order, "session"),
        user.session(&order, "intent"),
    ])
    .await;
    let tabs: Vec<Value> = tabs.iter().map(Answer::ok).collect();
    join_all(tabs.iter().map(|tab| pay(&server, tab))).await;
    server.run_jobs().await;
    let charges = server.ledger.charges(None, 10).await.unwrap();
    assert_eq!(charges.charges.len(), 1, "{charges:?}");
    let order = user.get(&format!("{TICKETS}/{}", order["id"])).await.ok();
    assert_eq!(order["isCompleted"], true);
}

#[tokio::test]
async fn lists_have_any_page_and_the_total() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    let other = User::new(&server, "b@example.com").await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        // Of one millisecond's, neither is the newer.
        server.clock.advance(Span::millis(1));
        let order = user.order().await;
        ids.insert(0, user.session(&order, "session").await.ok()["id"].clone());
        let order = other.order().await;
        other.session(&order, "session").await.ok();
    }
    for (query, expected) in [
        ("", &ids[..]),
        ("?offset=0&limit=30", &ids[..]),
        ("?offset=0&limit=2", &ids[..2]),
        ("?offset=3&limit=2", &ids[3..]),
        ("?offset=5&limit=2", &[]),
        ("?offset=1000000", &[]),
    ] {
        for slash in ["", "/"] {
            let page = user.get(&format!("{SESSIONS}{slash}{query}")).await.ok();
            assert_eq!(page["total"], 5);
            let seen: Vec<Value> = page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|session| session["id"].clone())
                .collect();
            assert_eq!(seen, expected, "{query}");
        }
    }
}

#[tokio::test]
async fn tax_left_to_the_rail_is_paid_on_top() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    let order = user.order().await;
    let asked = json!({"orderId": order["id"], "type": "session", "automaticTaxEnabled": true});
    let session = user.post(SESSIONS, asked).await.ok();
    assert_eq!(session["amount"], 38.5);
    assert_eq!(session["automaticTaxEnabled"], true);
    assert_eq!(session["lineItems"][1]["name"], "Tax");
    pay(&server, &session).await.ok();
    let charges = server.ledger.charges(None, 10).await.unwrap();
    assert_eq!(charges.charges[0].captured, 3_850);
    let order = user.get(&format!("{TICKETS}/{}", order["id"])).await.ok();
    assert_eq!(
        (&order["totalSum"], &order["isCompleted"]),
        (&json!("35.00"), &json!(true))
    );
}

#[tokio::test]
async fn a_session_opened_by_order_can_be_read_and_ended_through_the_native_api() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    let order = user.order().await;
    let session = user.session(&order, "session").await.ok();
    let path = format!("/api/v1/sessions/{}", text(&session, "identifier"));
    let native = server.native(Method::GET, &path, "").await.ok();
    assert_eq!(
        (&native["amount"], &native["status"]),
        (&json!(3_500), &json!("created"))
    );
    server
        .native(Method::POST, &format!("{path}/expire"), "")
        .await
        .ok();
    let path = format!("{SESSIONS}/{}", session["id"]);
    assert_eq!(user.get(&path).await.ok()["status"], "expired");
}

#[tokio::test]
async fn a_declined_card_leaves_the_order_open() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    let order = user.order().await;
    let session = user.session(&order, "session").await.ok();
    let url = text(&session, "paymentUrl");
    let path = format!("{}/payments", url.strip_prefix(&server.url).unwrap());
    let card = json!({"number": "4000000000000002", "expMonth": 12, "expYear": 2040, "cvc": "123", "name": "A"});
    let payment = json!({"method": "card", "card": card});
    server.payer(Method::POST, &path, payment.to_string()).await;
    let path = format!("{TICKETS}/{}", order["id"]);
    let read = call_as(&server, Some(&user.access), Method::GET, &path, Value::Null).await;
    assert_eq!(read.ok()["isCompleted"], false);
    assert_eq!(
        user.session(&order, "session").await.ok()["status"],
        "waiting"
    );
}

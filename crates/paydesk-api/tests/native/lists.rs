//! Lists: what they are narrowed to, what a search finds, and which cursors and parameters are refused.

use paydesk_api::native::frame::Parameter;
use paydesk_core::time::Span;
use paydesk_testing::TestServer;
use serde_json::{Value, json};

use super::{GOOD, get, is_problem, open, paid, pay, post};

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The titles of the sessions that a list shows.
async fn titles(server: &TestServer, query: &str) -> Vec<String> {
    let page = get(server, &format!("/sessions?{query}")).await.ok();
    let data = page["data"].as_array().unwrap().iter();
    data.map(|session| session["title"].as_str().unwrap_or("-").to_owned())
        .collect()
}

/// Three sessions that differ in everything that a list can be narrowed to.
async fn three(server: &TestServer) -> [Value; 3] {
    let beans = json!({
        "amount": 3500, "currency": "SGD", "title": "Beans", "reference": "ORD-2024-17",
        "customer": {"code": "c-1", "name": "Zoë Müller", "email": "zoe@example.com", "phone": "+65 9123 4567"},
    });
    let hold = json!({
        "kind": "authorization", "amount": 90_000, "currency": "JPY", "title": "Hold",
        "description": "咖啡店 two nights", "customer": {"code": "c-2"},
    });
    let tea = json!({
        "amount": 500, "currency": "SGD", "title": "Tea", "methods": ["paynow"], "description": "Größe M",
    });
    let beans = open(server, beans).await;
    server.advance(paydesk_core::time::Span::minutes(10)).await;
    let hold = open(server, hold).await;
    server.advance(paydesk_core::time::Span::minutes(10)).await;
    [beans, hold, open(server, tea).await]
}

#[tokio::test]
async fn sessions_are_narrowed_to_what_is_asked_for() {
    let server = TestServer::start().await;
    let [beans, hold, tea] = three(&server).await;
    pay(&server, &beans, GOOD).await;
    let at = |session: &Value| session["createdAt"].as_str().unwrap().to_owned();
    for (query, expected) in [
        (String::new(), &["Tea", "Hold", "Beans"][..]),
        ("status=completed".to_owned(), &["Beans"]),
        (
            "status=completed&status=created".to_owned(),
            &["Tea", "Hold", "Beans"],
        ),
        ("kind=authorization".to_owned(), &["Hold"]),
        ("reference=ORD-2024-17".to_owned(), &["Beans"]),
        ("reference=ORD-2024".to_owned(), &[]),
        ("customer=c-2".to_owned(), &["Hold"]),
        ("currency=SGD".to_owned(), &["Tea", "Beans"]),
        ("minAmount=500&maxAmount=3500".to_owned(), &["Tea", "Beans"]),
        ("minAmount=501".to_owned(), &["Hold", "Beans"]),
        ("method=paynow".to_owned(), &["Tea", "Beans"]),
        ("method=card".to_owned(), &["Hold", "Beans"]),
        (format!("createdFrom={}", at(&hold)), &["Tea", "Hold"]),
        (format!("createdTo={}", at(&hold)), &["Hold", "Beans"]),
        (format!("createdFrom={0}&createdTo={0}", at(&tea)), &["Tea"]),
        ("currency=SGD&status=created".to_owned(), &["Tea"]),
    ] {
        assert_eq!(titles(&server, &query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn a_search_finds_words_by_their_beginning_and_ids_as_they_are() {
    let server = TestServer::start().await;
    let [beans, hold, tea] = three(&server).await;
    let beans = pay(&server, &beans, GOOD).await;
    let of_beans = [
        "bea",
        "BEANS",
        "zoe",
        "Zo%C3%AB+mul",
        "zoe@exa",
        "ord-2024",
        "2024+17",
        "6591234567",
        "9123",
        "%2B65",
    ];
    let ids = [
        text(&beans["id"]),
        text(&beans["publicId"]),
        text(&beans["transactions"][0]["id"]),
        format!("{}+zoe", text(&beans["id"])),
    ];
    let of_beans = of_beans.iter().map(ToString::to_string).chain(ids);
    for question in of_beans {
        assert_eq!(
            titles(&server, &format!("q={question}")).await,
            ["Beans"],
            "{question}"
        );
    }
    for (question, expected) in [
        ("%E5%92%96%E5%95%A1", &["Hold"][..]),
        ("grosse", &["Tea"]),
        ("eans", &[]),
        ("zoe+tea", &[]),
        ("%21%21", &[]),
        ("+", &["Tea", "Hold", "Beans"]),
        ("t", &["Tea", "Hold"]),
        ("t&currency=JPY", &["Hold"]),
        ("t&status=expired", &[]),
    ] {
        assert_eq!(
            titles(&server, &format!("q={question}")).await,
            expected,
            "{question}"
        );
    }
    for session in [hold, tea] {
        let found = titles(&server, &format!("q={}", text(&session["id"]))).await;
        assert_eq!(found, [text(&session["title"])]);
    }
    // Another merchant finds nothing of it.
    let other = server.engine.create_merchant("Other").await.unwrap();
    for question in ["bea", &text(&beans["id"]), &text(&beans["publicId"])] {
        let path = format!("/sessions?q={question}");
        let secret = other.test.secret.reveal();
        let found = super::call_as(&server, secret, http::Method::GET, &path, "").await;
        assert_eq!(found.ok()["data"], json!([]), "{question}");
    }
}

#[tokio::test]
async fn transactions_are_narrowed_to_what_is_asked_for() {
    let server = TestServer::start().await;
    let session = json!({
        "amount": 3500, "currency": "SGD", "title": "Beans", "customer": {"code": "c-1"}
    });
    let session = pay(&server, &open(&server, session).await, GOOD).await;
    let payment = session["transactions"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let refund = format!("/transactions/{payment}/refund");
    let refund = post(&server, &refund, json!({"amount": 1000})).await.ok();
    let refund = refund["id"].as_str().unwrap().to_owned();
    let hold = paid(&server, "authorization").await;
    let session = session["id"].as_str().unwrap();
    for (query, expected) in [
        (String::new(), &[&hold, &refund, &payment][..]),
        (format!("session={session}"), &[&refund, &payment]),
        ("action=refund".to_owned(), &[&refund]),
        (
            "action=refund&action=authorization".to_owned(),
            &[&hold, &refund],
        ),
        ("status=succeeded".to_owned(), &[&hold, &refund, &payment]),
        ("status=pending&status=declined".to_owned(), &[]),
        ("customer=c-1".to_owned(), &[&refund, &payment]),
        ("maxAmount=1000".to_owned(), &[&refund]),
        (
            "method=card&currency=SGD".to_owned(),
            &[&hold, &refund, &payment],
        ),
        ("currency=JPY".to_owned(), &[]),
        ("q=bean".to_owned(), &[&refund, &payment]),
        (format!("q={refund}"), &[&refund]),
        (format!("q={session}"), &[&refund, &payment]),
    ] {
        let page = get(&server, &format!("/transactions?{query}")).await.ok();
        let data = page["data"].as_array().unwrap().iter();
        let found: Vec<_> = data.map(|one| one["id"].as_str().unwrap()).collect();
        assert_eq!(found, expected, "{query}");
    }
}

#[tokio::test]
async fn filtered_pages_follow_each_other_and_a_cursor_counts_for_its_filters_only() {
    let server = TestServer::start().await;
    for n in 0..5 {
        open(
            &server,
            json!({"amount": 100 + n, "currency": "SGD", "title": "Beans"}),
        )
        .await;
        open(
            &server,
            json!({"amount": 100 + n, "currency": "JPY", "title": "Tea"}),
        )
        .await;
        // Those of one millisecond come in any order.
        server.clock.advance(Span::millis(1));
    }
    for narrowed in [
        "currency=SGD",
        "q=bea",
        "status=created&currency=SGD",
        "minAmount=100&q=beans",
    ] {
        let mut amounts = Vec::new();
        let mut after = String::new();
        loop {
            let page = get(&server, &format!("/sessions?limit=2&{narrowed}{after}"))
                .await
                .ok();
            let data = page["data"].as_array().unwrap().iter();
            amounts.extend(data.map(|session| session["amount"].as_i64().unwrap()));
            let Some(cursor) = page["nextCursor"].as_str() else {
                break;
            };
            after = format!("&after={cursor}");
            if narrowed == "q=bea" {
                for other in ["q=be", "currency=SGD", "q=bea&status=created", ""] {
                    let path = format!("/sessions?{other}{after}");
                    let refused = get(&server, &path).await;
                    is_problem(&refused, 400, "invalid_field", Some("after"));
                }
            }
        }
        assert_eq!(amounts, [104, 103, 102, 101, 100], "{narrowed}");
    }
}

#[tokio::test]
async fn a_cursor_leads_nowhere_in_another_list_or_for_another_merchant_or_mode() {
    let server = TestServer::start().await;
    for _ in 0..2 {
        paid(&server, "payment").await;
        post(&server, "/customers", json!({})).await.ok();
    }
    let page = get(&server, "/sessions?limit=1").await.ok();
    let cursor = text(&page["nextCursor"]);
    let next = get(&server, &format!("/sessions?limit=1&after={cursor}")).await;
    assert_eq!(next.ok()["data"].as_array().unwrap().len(), 1);
    let lists = paydesk_api::native::calls().into_iter().filter(|call| {
        let is_paged = |parameter: &Parameter| parameter.name == "after";
        call.parameters.iter().any(is_paged) && call.path != "/sessions"
    });
    let lists: Vec<_> = lists.map(|call| call.path).collect();
    assert!(lists.len() > 8, "{lists:?}");
    for list in lists {
        let refused = get(&server, &format!("{list}?after={cursor}")).await;
        is_problem(&refused, 400, "invalid_field", Some("after"));
    }
    let other = server.engine.create_merchant("Other").await.unwrap();
    for key in [&other.test, &server.merchant.live] {
        let path = format!("/sessions?after={cursor}");
        let secret = key.secret.reveal();
        let refused = super::call_as(&server, secret, http::Method::GET, &path, "").await;
        is_problem(&refused, 400, "invalid_field", Some("after"));
    }
}

#[tokio::test]
async fn a_wrong_parameter_is_refused_by_name() {
    let server = TestServer::start().await;
    let long = "x".repeat(257);
    let many = "x+".repeat(17);
    for (list, query, field) in [
        ("sessions", "status=paid", "status"),
        ("sessions", "kind=refund", "kind"),
        ("sessions", "kind=payment&kind=payment", "kind"),
        ("sessions", "currency=sgd", "currency"),
        ("sessions", "method=cash", "method"),
        ("sessions", "minAmount=-1", "minAmount"),
        ("sessions", "maxAmount=1.5", "maxAmount"),
        ("sessions", "maxAmount=1000000000000000", "maxAmount"),
        ("sessions", "createdFrom=2026-01-31", "createdFrom"),
        ("sessions", "createdTo=yesterday", "createdTo"),
        ("sessions", &format!("q={long}"), "q"),
        ("sessions", &format!("q={many}"), "q"),
        ("sessions", "action=refund", "action"),
        ("transactions", "status=completed", "status"),
        ("transactions", "action=pay", "action"),
        ("transactions", "session=7", "session"),
        ("transactions", "paymentMethod=visa", "paymentMethod"),
        ("transactions", &format!("q={many}"), "q"),
    ] {
        let refused = get(&server, &format!("/{list}?{query}")).await;
        is_problem(&refused, 400, "invalid_field", Some(field));
    }
}

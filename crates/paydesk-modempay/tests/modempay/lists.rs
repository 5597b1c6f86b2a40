//! Lists: pages by offset, exact totals, search.

use http::{Method, StatusCode};
use paydesk_core::time::Span;
use paydesk_testing::TestServer;
use serde_json::{Value, json};

use super::{call, expire, open, pay, payment_of};

async fn list(server: &TestServer, path: &str) -> Value {
    call(server, Method::GET, path, "").await.ok()
}

fn ids(list: &Value) -> Vec<&str> {
    let data = list["data"].as_array().unwrap().iter();
    data.map(|it| it["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn sessions_come_newest_first_by_offset_with_their_total() {
    let server = TestServer::start().await;
    let mut opened = Vec::new();
    for n in 0..25 {
        opened.push(open(&server, json!({"amount": n + 1})).await);
        server.clock.advance(Span::millis(1));
    }
    opened.reverse();
    for (query, from, to) in [
        ("", 0, 10),
        ("?offset=0&limit=10", 0, 10),
        ("?offset=10", 10, 20),
        ("?offset=20&limit=10", 20, 25),
        ("?offset=25", 25, 25),
        ("?offset=3&limit=1", 3, 4),
        ("?limit=100&search=", 0, 25),
    ] {
        let page = list(&server, &format!("/v1/sessions{query}")).await;
        assert_eq!(page["meta"]["total"], 25, "{query}");
        assert_eq!(page["data"], json!(opened[from..to]), "{query}");
    }
}

#[tokio::test]
async fn sessions_are_found_by_words_by_id_and_by_unique_code() {
    let server = TestServer::start().await;
    let coffee = open(
        &server,
        json!({"amount": 1, "title": "Two pounds of Kaffee"}),
    )
    .await;
    let tea = open(
        &server,
        json!({"amount": 1, "title": "Tea", "customer_name": "Zoë Kaffesson", "customer_email": "zoe@shop.example", "customer": "c-17"}),
    )
    .await;
    let paid = open(&server, json!({"amount": 1, "title": "Cake"})).await;
    pay(&server, &paid, json!({})).await.ok();
    let text = |session: &Value, field: &str| session[field].as_str().unwrap().to_owned();
    let native = format!("/api/v1/sessions/{}", text(&coffee, "id"));
    let native = server.native(Method::GET, &native, "").await.ok();
    for (words, found) in [
        ("kaff".to_owned(), vec![&tea, &coffee]),
        ("KAFFEE".into(), vec![&coffee]),
        ("zoe%20kaff".into(), vec![&tea]),
        ("zoe@shop.example".into(), vec![&tea]),
        ("affee".into(), vec![]),
        (text(&tea, "id"), vec![&tea]),
        (text(&coffee, "unique_code"), vec![&coffee]),
        (text(&coffee, "unique_code").to_lowercase(), vec![&coffee]),
        (format!("{}%20tea", text(&coffee, "unique_code")), vec![]),
        (text(&native, "publicId"), vec![&coffee]),
        (payment_of(&server, &paid).await, vec![&paid]),
    ] {
        let page = list(&server, &format!("/v1/sessions?search={words}")).await;
        let mut expected: Vec<_> = found.iter().map(|it| it["id"].as_str().unwrap()).collect();
        let mut got = ids(&page);
        expected.sort_unstable();
        got.sort_unstable();
        assert_eq!(got, expected, "{words}");
        assert_eq!(page["meta"]["total"], found.len(), "{words}");
    }
}

#[tokio::test]
async fn a_list_says_what_became_of_each() {
    let server = TestServer::start().await;
    let session = open(&server, json!({"amount": 450})).await;
    expire(&server, &session).await.ok();
    let page = list(&server, "/v1/sessions").await;
    assert_eq!(page["data"][0]["status"], "expired");
}

#[tokio::test]
async fn transactions_are_listed_and_found() {
    let server = TestServer::start().await;
    let mut payments = Vec::new();
    for (amount, currency, title) in [
        (450, "GMD", "Coffee"),
        (5_000, "XOF", "Tea"),
        (45, "GMD", "Cocoa"),
    ] {
        let session = open(
            &server,
            json!({"amount": amount, "currency": currency, "title": title, "customer_name": "Awa"}),
        )
        .await;
        pay(&server, &session, json!({})).await.ok();
        payments.push(payment_of(&server, &session).await);
        server.clock.advance(Span::minutes(10));
    }
    let body = json!({"reference": payments[0]});
    call(&server, Method::POST, "/v1/transactions/refund", body)
        .await
        .ok();
    payments.reverse();
    let [cocoa, tea, coffee] = [0, 1, 2].map(|n| payments[n].as_str());
    for (query, total, found) in [
        ("", 3, vec![cocoa, tea, coffee]),
        ("offset=1&limit=1&term=", 3, vec![tea]),
        ("timeframe=15&term=", 1, vec![cocoa]),
        ("timeframe=25", 2, vec![cocoa, tea]),
        ("search=GMD&term=GMD", 2, vec![cocoa, coffee]),
        ("term=card", 3, vec![cocoa, tea, coffee]),
        ("term=paynow", 0, vec![]),
        ("term=awa%20tea", 1, vec![tea]),
        (&*format!("term={coffee}"), 1, vec![coffee]),
    ] {
        let page = list(&server, &format!("/v1/transactions?{query}")).await;
        assert_eq!(ids(&page), found, "{query}");
        assert_eq!(page["meta"]["total"], total, "{query}");
    }
    let page = list(&server, "/v1/transactions").await;
    assert_eq!(page["data"][2]["status"], "refunded");
    assert_eq!(page["data"][0]["customer_name"], "Awa");
}

#[tokio::test]
async fn what_is_wrong_with_a_query_is_named() {
    let server = TestServer::start().await;
    let long = "x".repeat(257);
    for (query, names) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        ("limit=%2B5", "limit"),
        ("offset=-1", "offset"),
        ("offset=1.5", "offset"),
        ("offset=99999999999", "offset"),
        (&*format!("search={long}"), "search"),
        ("timeframe=0", "timeframe"),
        ("timeframe=x", "timeframe"),
    ] {
        for path in ["/v1/sessions", "/v1/transactions"] {
            let answer = call(&server, Method::GET, &format!("{path}?{query}"), "").await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}?{query}");
            assert!(
                answer.json()["message"]
                    .as_str()
                    .unwrap()
                    .starts_with(names),
                "{}",
                answer.text()
            );
        }
    }
}

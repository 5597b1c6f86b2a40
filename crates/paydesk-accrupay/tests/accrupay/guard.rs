//! Hostile queries are refused quickly, by a GraphQL error, and the server lives on.

use std::time::{Duration, Instant};

use super::*;

#[tokio::test]
async fn hostile_queries_are_refused_at_once() {
    let shop = Shop::open().await;
    let fragments: String = (0..200)
        .map(|n| format!("fragment F{n} on Query {{ ...F{} ...F{} }} ", n + 1, n + 1))
        .collect();
    let related = |depth: usize| {
        format!(
            "{}{}{}",
            "relatedTransaction { ".repeat(depth),
            "id",
            " }".repeat(depth)
        )
    };
    let aliases: String = (0..500)
        .map(|n| format!("a{n}: merchantApi {{ id }} "))
        .collect();
    let directives = "@include(if: true) ".repeat(1_000);
    let fields = "id ".repeat(15_000);
    for (what, query) in [
        ("fragments that double", format!("{{ ...F0 }} {fragments}")),
        ("a fragment in a circle", "{ ...A } fragment A on Query { ...A ...A ...A }".to_owned()),
        ("depth", format!("{{ merchantApiTransaction(id: \"x\") {{ {} }} }}", related(14))),
        ("brackets", format!("{}{}", "{a".repeat(15_000), "}".repeat(15_000))),
        ("lists in values", format!("{{ merchantApiTransaction(id: {}) {{ id }} }}", "[".repeat(30_000))),
        ("aliases", format!("{{ {aliases} }}")),
        ("directives", format!("{{ merchantApi {{ id {directives} }} }}")),
        ("fields", format!("{{ merchantApi {{ {fields} }} }}")),
        ("cost", "{ merchantApiTransactions(take: 100) { data { transactionsRelated { transactionsRelated { transactionsRelated { id } } } } } }".to_owned()),
        ("no query", String::new()),
        ("a string without an end", format!("{{ a(b: \"{}", "x".repeat(50_000))),
        ("only quotes", "\"".repeat(30_000)),
        ("a subscription", "subscription { merchantApi { id } }".to_owned()),
        ("an unknown field", "{ merchants { id } }".to_owned()),
        ("many operations", "query A { merchantApi { id } } ".repeat(1_000)),
    ] {
        let began = Instant::now();
        let answer = shop.ask_as(&shop.server.merchant.test, &query, json!({})).await;
        assert!(began.elapsed() < Duration::from_secs(2), "{what}: {:?}", began.elapsed());
        assert_eq!(answer["errors"][0]["extensions"]["code"], "VALIDATION_ERROR", "{what}: {answer}");
        assert!(answer["data"].is_null(), "{what}");
    }
    shop.start("Payment", payment("order-1")).await;
}

#[tokio::test]
async fn a_body_is_bounded_and_a_batch_too() {
    let shop = Shop::open().await;
    let secret = [Shop::secret(&shop.server.merchant.test)];
    let one = json!({"query": "{ merchantApi { name } }"});
    let batch = |n: usize| Value::Array(vec![one.clone(); n]);
    let answer = shop.post(&secret, &batch(10)).await.ok();
    assert_eq!(answer.as_array().unwrap().len(), 10);
    assert_eq!(answer[9]["data"]["merchantApi"]["name"], "Test Shop");
    for n in [0, 11] {
        let answer = shop.post(&secret, &batch(n)).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(
            answer.json()["errors"][0]["extensions"]["code"],
            "VALIDATION_ERROR"
        );
    }
    let large = json!({"query": "#".repeat(70_000)});
    assert_eq!(
        shop.post(&secret, &large).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    for body in [
        "",
        "{",
        "null",
        "[]",
        "[1]",
        "{\"query\": 1}",
        "{\"variables\": {}}",
        "{\"query\": \"{ a }\", \"variables\": []}",
        &"[".repeat(60_000),
    ] {
        let answer = shop
            .server
            .request(Method::POST, "/graphql", &secret, body.to_owned())
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{body}");
        assert_eq!(
            answer.json()["errors"][0]["extensions"]["code"],
            "VALIDATION_ERROR",
            "{body}"
        );
    }
    let get = shop
        .server
        .request(Method::GET, "/graphql", &secret, "")
        .await;
    assert_eq!(
        get.json()["errors"][0]["extensions"]["code"],
        "VALIDATION_ERROR"
    );
}

#[tokio::test]
async fn the_schema_may_be_asked_for() {
    let shop = Shop::open().await;
    let query = "{ __schema { queryType { name } } }";
    let answer = shop.post(&[], &json!({"query": query})).await.json();
    assert_eq!(answer["data"]["__schema"]["queryType"]["name"], "Query");
}

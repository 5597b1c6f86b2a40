//! Hostile queries are refused quickly, by a GraphQL error, and the server lives on.

use std::time::{Duration, Instant};

use super::*;

/// At once, as far as a busy machine can. What is walked to its end takes minutes, or for ever.
const AT_ONCE: Duration = Duration::from_secs(30);

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
    // Brackets that the parser sees, behind something that looks as if it hid them: so many nested values would end the
    // process.
    let hidden = |by: &str| {
        let (open, close) = ("[".repeat(2_500), "]".repeat(2_500));
        format!("{{ merchantApiTransaction(id: {by} {open}{close}) {{ id }} }}")
    };
    // What our own guard says: the library refuses much of it too, but only once it has walked it.
    let (depth, cycle) = ("nested more than 15 deep", "contains itself");
    let (many_fields, many_aliases) = ("more than 2000 fields", "more than 30 aliases");
    let not_ours = "";
    for (what, says, query) in [
        ("fragments that double", depth, format!("{{ ...F0 }} {fragments}")),
        ("a fragment in a circle", cycle, "{ ...A } fragment A on Query { ...A ...A ...A }".to_owned()),
        ("depth", depth, format!("{{ merchantApiTransaction(id: \"x\") {{ {} }} }}", related(14))),
        ("brackets", depth, format!("{}{}", "{a".repeat(15_000), "}".repeat(15_000))),
        ("lists in values", depth, format!("{{ merchantApiTransaction(id: {}) {{ id }} }}", "[".repeat(30_000))),
        ("lists after a comment that a carriage return ends", depth, hidden("#\r")),
        ("lists after a comment that ends in a backslash", depth, hidden("#\\\n")),
        ("lists after a block string with an escaped end", depth, hidden(r#"["""\"""" """"#)),
        ("lists after three quotes that open nothing", "does not end", hidden("[\"\"\"\"")),
        ("lists after a string", depth, hidden("[\"\\\"\"")),
        ("aliases", many_aliases, format!("{{ {aliases} }}")),
        ("directives", "number of directives on the field", format!("{{ merchantApi {{ id {directives} }} }}")),
        ("fields", many_fields, format!("{{ merchantApi {{ {fields} }} }}")),
        ("cost", not_ours, "{ merchantApiTransactions(take: 100) { data { transactionsRelated { transactionsRelated { transactionsRelated { id } } } } } }".to_owned()),
        ("no query", not_ours, String::new()),
        ("a string without an end", not_ours, format!("{{ a(b: \"{}", "x".repeat(50_000))),
        ("only quotes", not_ours, "\"".repeat(30_000)),
        ("a subscription", not_ours, "subscription { merchantApi { id } }".to_owned()),
        ("an unknown field", not_ours, "{ merchants { id } }".to_owned()),
        ("many operations", not_ours, "query A { merchantApi { id } } ".repeat(1_000)),
    ] {
        let began = Instant::now();
        let answer = shop.ask_as(&shop.server.merchant.test, &query, json!({})).await;
        assert!(began.elapsed() < AT_ONCE, "{what}: {:?}", began.elapsed());
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "VALIDATION_ERROR", "{what}: {answer}");
        let said = error["message"].as_str().unwrap();
        assert!(said.contains(says), "{what}: {said}");
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

//! How often one address may ask, and who counts as one.

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::json;

use crate::support::{Installation, Process, Server, send};

/// A server with these options only.
async fn serve(installation: &Installation, options: &[&str]) -> Server {
    let mut command = installation.command(&["serve"]);
    command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    command.args(options);
    let server = Server::started(Process::start(&mut command), &installation.credentials).await;
    server.expect("the server starts")
}

/// How many of `tries` requests to a payer's page are let in, that a proxy sends for this client.
async fn pages(server: &Server, client: &str, tries: usize) -> usize {
    let mut let_in = 0;
    for _ in 0..tries {
        let page = server.caller.request(Method::GET, "/pay/nothing");
        let answer = send(page.header("x-forwarded-for", client)).await.unwrap();
        let_in += usize::from(answer.status != 429);
    }
    let_in
}

#[tokio::test]
async fn payers_behind_a_trusted_proxy_each_have_their_own_limit() {
    let installation = Installation::new();
    let proxy = ["--trusted-proxy", "127.0.0.0/8"];
    let server = serve(&installation, &[&["--page-rate", "1"], &proxy[..]].concat()).await;
    let first = pages(&server, "192.0.2.1", 30).await;
    assert!((6..30).contains(&first), "{first} of 30");
    assert!(pages(&server, "192.0.2.2", 6).await == 6);
    server.stop().await;

    let server = serve(&installation, &["--page-rate", "1"]).await;
    let all = pages(&server, "192.0.2.1", 30).await + pages(&server, "192.0.2.2", 30).await;
    assert!((6..30).contains(&all), "{all} of 60: all are one address");
    server.stop().await;
}

#[tokio::test]
async fn signing_in_and_asking_without_a_secret_are_limited_as_the_operator_says() {
    let installation = Installation::new();
    let options = ["--sign-in-address-rate", "1", "--public-query-rate", "2"];
    let server = serve(&installation, &options).await;
    let shop = installation.merchant["test"]["publishableKey"].as_str();
    let shop = shop.unwrap();

    // All at once: each takes its time over the password.
    let mut attempts = Vec::new();
    for account in 0..40 {
        let login = format!("{account}@example.com");
        let data = json!([{"marker": "login", "value": login}, {"marker": "password", "value": "opensesame"}]);
        let path = "/api/content/users-auth-providers/marker/email/users/auth";
        let sign_in = server
            .caller
            .request(Method::POST, path)
            .header("x-app-token", shop)
            .header(CONTENT_TYPE, "application/json")
            .body(json!({"authData": data}).to_string());
        attempts.push(tokio::spawn(send(sign_in)));
    }
    let mut let_in = 0;
    for attempt in attempts {
        let_in += usize::from(attempt.await.unwrap().unwrap().status != 429);
    }
    // Of those whom the address's limit lets in, a busy server may send some away to come again.
    assert!((1..40).contains(&let_in), "{let_in} of 40");

    let query = format!(
        "{{ clientPublicTransactionSessionBaseConfig(merchantPublicId: \"{shop}\") {{ __typename }} }}"
    );
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let asked = server
            .caller
            .request(Method::POST, "/graphql")
            .header(CONTENT_TYPE, "application/json")
            .body(json!({"query": query}).to_string());
        statuses.push(send(asked).await.unwrap().status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 2);
    server.stop().await;
}

#[tokio::test]
async fn a_shops_page_counts_once_against_the_keys_rate_and_beyond_it_no_origin_reads() {
    let installation = Installation::new();
    let server = serve(&installation, &["--key-rate", "1"]).await;
    let shop = installation.merchant["live"]["publishableKey"].as_str();
    let mut statuses = Vec::new();
    while statuses.last() != Some(&429) {
        let list = server
            .caller
            .request(Method::GET, "/api/content/payments/sessions")
            .header("x-app-token", shop.unwrap())
            .header("origin", "https://not-allowed.example");
        let answer = list.send().await.unwrap();
        let readable = answer.headers().get("access-control-allow-origin");
        assert_eq!(readable, None, "{}", answer.status());
        statuses.push(answer.status().as_u16());
    }
    assert!(statuses.len() > 2, "two may come at once: {statuses:?}");
    server.stop().await;
}

use std::time::Duration;

use paydesk_core::keys::Secret;
use paydesk_core::method::Method;
use paydesk_core::rail::{Found, Rail as _, RailAnswer};
use paydesk_rails::sandbox::{ChargePage, PushName, SandboxBank as _, SandboxClient, SandboxError};

use crate::harness::{PAGES, Sandbox, fresh, money};

/// What everything looks like to a server that cannot reach the sandbox.
async fn nothing_gets_through(client: &SandboxClient, sandbox: &Sandbox) {
    let start = sandbox.by_card(fresh(), "4242 4242 4242 4242");
    let reference = start.reference;
    assert_eq!(client.start(start).await, RailAnswer::Unknown);
    let follow_up = sandbox.after(reference, money(1, "SGD"));
    assert_eq!(client.settle(follow_up.clone()).await, RailAnswer::Unknown);
    assert_eq!(client.void(follow_up.clone()).await, RailAnswer::Unknown);
    assert_eq!(client.refund(follow_up).await, RailAnswer::Unknown);
    assert_eq!(client.query(reference).await, Found::Unreachable);
    assert_eq!(client.abandon(reference).await, Found::Unreachable);
    assert!(client.transfers(None, 10).await.is_err());
    assert!(client.acknowledge(&[]).await.is_err());
    let named = PushName::Reference("ABCDEFGHIJ".to_owned());
    let sent = client.bank_transfer(named, None).await;
    assert!(
        matches!(sent, Err(SandboxError::Unreachable(_))),
        "{sent:?}"
    );
}

#[tokio::test]
async fn without_a_sandbox_every_outcome_is_unknown() {
    let sandbox = Sandbox::in_process();
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    nothing_gets_through(&SandboxClient::new(&url, None, PAGES).unwrap(), &sandbox).await;
}

#[tokio::test]
async fn without_its_token_every_outcome_is_unknown_and_nothing_is_charged() {
    let sandbox = Sandbox::over_a_socket().await;
    let url = sandbox.url.clone().unwrap();
    for token in [None, Some(Secret::new("another token".to_owned()))] {
        nothing_gets_through(&SandboxClient::new(&url, token, PAGES).unwrap(), &sandbox).await;
    }
    let charges = sandbox.ledger.charges(None, 10).await.unwrap().charges;
    assert_eq!(charges, []);
    let http = reqwest::Client::new();
    let charges = http.get(format!("{url}/charges")).send().await.unwrap();
    assert_eq!(charges.status(), 401);
    assert!(
        http.get(format!("{url}/healthz"))
            .send()
            .await
            .unwrap()
            .status()
            .is_success()
    );
}

#[tokio::test]
async fn an_answer_that_breaks_off_or_is_no_answer_is_unknown() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let sandbox = Sandbox::in_process();
    for answer in [
        "",
        "garbage\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{\"succeeded\":",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
        "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        let client = SandboxClient::new(&url, None, PAGES).unwrap();
        let patience = Duration::from_secs(20);
        tokio::time::timeout(patience, nothing_gets_through(&client, &sandbox))
            .await
            .unwrap();
    }
}

#[test]
fn an_address_that_is_none_is_refused() {
    for url in ["", "localhost:9", "ftp://localhost"] {
        assert!(SandboxClient::new(url, None, PAGES).is_err(), "{url}");
    }
}

#[tokio::test]
async fn the_service_lists_what_was_really_charged() {
    let sandbox = Sandbox::over_a_socket().await;
    let url = sandbox.url.clone().unwrap();
    let get = |path: String| {
        let request = reqwest::Client::new().get(format!("{url}{path}"));
        async move {
            request
                .bearer_auth("a token of the sandbox")
                .send()
                .await
                .unwrap()
        }
    };
    let mut paid = Vec::new();
    for _ in 0..3 {
        paid.push(sandbox.pay("4242 4242 4242 4242").await.0);
    }
    let (declined, _) = sandbox.pay("4000 0000 0000 0002").await;
    sandbox
        .bank
        .refund(sandbox.after(paid[0], money(1000, "SGD")))
        .await;
    paid.sort_unstable();

    let first: ChargePage = get("/charges?limit=2".to_owned())
        .await
        .json()
        .await
        .unwrap();
    let after = first.next_after.unwrap();
    let second: ChargePage = get(format!("/charges?limit=2&after={after}"))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(second.next_after, None);
    let charges = [first.charges, second.charges].concat();
    assert_eq!(
        charges
            .iter()
            .map(|charge| charge.reference)
            .collect::<Vec<_>>(),
        paid
    );
    assert_eq!(
        charges.iter().map(|charge| charge.captured).sum::<i64>(),
        3 * 3500
    );
    assert_eq!(
        charges.iter().map(|charge| charge.refunded).sum::<i64>(),
        1000
    );
    assert!(charges.iter().all(|charge| charge.method == Method::Card));

    let one: serde_json::Value = get(format!("/charges/{}", paid[0]))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(one["captured"], 3500);
    assert_eq!(one["currency"], "SGD");
    assert_eq!(get(format!("/charges/{declined}")).await.status(), 404);
    assert_eq!(get("/charges/nonsense".to_owned()).await.status(), 400);
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused_without_repeating_it() {
    let sandbox = Sandbox::over_a_socket().await;
    let answer = reqwest::Client::new()
        .post(format!("{}/rail/start", sandbox.url.as_ref().unwrap()))
        .bearer_auth("a token of the sandbox")
        .header("content-type", "application/json")
        .body("{\"paidWith\":{\"typed\":{\"number\":4242424242424242}}}")
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_client_error());
    assert!(!answer.text().await.unwrap().contains("4242"));
}

#[tokio::test]
async fn a_card_is_not_sent_where_a_redirect_points() {
    use axum::Router;
    use axum::response::Redirect;
    let sandbox = Sandbox::in_process();
    let elsewhere = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}/", elsewhere.local_addr().unwrap());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let service = Router::new().fallback(move || async move { Redirect::temporary(&target) });
    tokio::spawn(axum::serve(listener, service).into_future());

    let client = SandboxClient::new(&url, None, PAGES).unwrap();
    let start = sandbox.by_card(fresh(), "4242 4242 4242 4242");
    let answered = tokio::select! {
        answer = client.start(start) => answer,
        _ = elsewhere.accept() => panic!("the redirect was followed"),
    };
    assert_eq!(answered, RailAnswer::Unknown);
}

//! What comes of requests, good and bad.

use super::*;

#[tokio::test]
async fn requests_are_answered_one_after_another_and_pipelined() {
    let server = Server::start(FAR, EdgeConfig::default()).await;
    let client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let answer = client.until("hello").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(
        answer.contains("x-request-id: ") && answer.contains("cache-control: no-store"),
        "{answer}"
    );

    client
        .send("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabcGET / HTTP/1.1\r\nhost: x\r\n\r\nGE")
        .await;
    let both = client.until("hello").await;
    assert!(
        both.find("abc").unwrap() < both.find("hello").unwrap(),
        "{both}"
    );
    client
        .send("T / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await;
    assert!(client.rest().await.ends_with("hello"));
    assert_eq!(server.stop().await, Drained { cut: 0 });
}

#[tokio::test]
async fn a_body_announced_too_large_is_answered_413_before_it_is_sent() {
    let server = Server::start(FAR, EdgeConfig::default()).await;
    let client = server.connect().await;
    client
        .send(
            "POST /echo HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 11\r\n\r\n",
        )
        .await;
    let answer = client.until("10 bytes").await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");

    let client = server.connect().await;
    client
        .send("POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nb\r\n0123456789a\r\n")
        .await;
    assert!(client.until("10 bytes").await.starts_with("HTTP/1.1 413"));
}

#[tokio::test]
async fn a_head_beyond_all_measure_is_refused() {
    let server = Server::start(FAR, EdgeConfig::default()).await;
    let client = server.connect().await;
    client
        .send(&format!(
            "GET / HTTP/1.1\r\na: {}\r\n\r\n",
            "b".repeat(LARGEST_HEAD * 3)
        ))
        .await;
    assert!(client.rest().await.starts_with("HTTP/1.1 431"));
}

#[tokio::test]
async fn a_panic_is_answered_500_and_the_connection_lives_on() {
    let server = Server::start(FAR, EdgeConfig::default()).await;
    let client = server.connect().await;
    client
        .send("GET /panic/1 HTTP/1.1\r\nhost: x\r\n\r\n")
        .await;
    let answer = client.until("operator where\"}").await;
    assert!(
        answer.starts_with("HTTP/1.1 500") && answer.contains("x-request-id: "),
        "{answer}"
    );
    assert!(!answer.contains("hunter2"), "{answer}");
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    client.until("hello").await;
    assert_eq!(server.metric("paydesk_http_panics_total"), 1);
    server.in_flight(0).await;
}

#[tokio::test]
async fn requests_are_counted_under_their_routes_template() {
    let server = Server::start(FAR, EdgeConfig::default()).await;
    let client = server.connect().await;
    client
        .send("GET /panic/secret1 HTTP/1.1\r\nhost: x\r\n\r\n")
        .await;
    client.until("operator where\"}").await;
    client
        .send("GET /nowhere/secret2 HTTP/1.1\r\nhost: x\r\n\r\n")
        .await;
    client.until("content-length: 0").await;
    client.send("PUT /echo HTTP/1.1\r\nhost: x\r\n\r\n").await;
    client.until("HTTP/1.1 405").await;
    let counted = |labels: &str| server.metric(&format!("paydesk_http_requests_total{{{labels}}}"));
    assert_eq!(
        counted(r#"route="/panic/{token}",method="GET",status="5xx""#),
        1
    );
    assert_eq!(counted(r#"route="unmatched",method="GET",status="4xx""#), 1);
    assert_eq!(counted(r#"route="/echo",method="PUT",status="4xx""#), 1);
    assert!(!server.edge.metrics().text().unwrap().contains("secret"));
}

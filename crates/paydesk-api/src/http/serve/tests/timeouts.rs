//! Every kind of waiting has its end.

use super::*;

/// The short limit was kept, and no long one was waited for.
fn in_time(started: Instant) {
    let took = started.elapsed();
    assert!((SHORT..LONG / 2).contains(&took), "{took:?}");
}

#[tokio::test]
async fn a_head_that_dribbles_is_cut_off_in_total_time() {
    let server = Server::start(
        ConnectionLimits { head: SHORT, ..FAR },
        EdgeConfig::default(),
    )
    .await;
    let client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    client.until("hello").await;

    // Between requests it is the idle limit that counts.
    sleep(SHORT * 3).await;
    let started = Instant::now();
    client.send("GET / HTTP/1.1\r\n").await;
    let dribbling = async {
        while client.try_send("a: b\r\n").await.is_ok() {
            sleep(Duration::from_millis(10)).await;
        }
        std::future::pending::<()>().await;
    };
    let said = tokio::select! {
        () = dribbling => String::new(),
        said = client.rest() => said,
    };
    assert_eq!(said, "");
    in_time(started);
    let counted =
        r#"paydesk_http_connections_timed_out_total{listener="public",waiting_for="head"}"#;
    assert_eq!(server.metric(counted), 1);
}

#[tokio::test]
async fn a_connection_that_never_says_anything_is_cut_off() {
    let server = Server::start(
        ConnectionLimits { head: SHORT, ..FAR },
        EdgeConfig::default(),
    )
    .await;
    let started = Instant::now();
    assert_eq!(server.connect().await.rest().await, "");
    in_time(started);
}

#[tokio::test]
async fn a_body_that_dribbles_is_answered_408_and_its_connection_closed() {
    let server = Server::start(FAR, EdgeConfig::default()).await;
    let client = server.connect().await;
    client
        .send("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\na")
        .await;
    let started = Instant::now();
    let answer = client.rest().await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    in_time(started);
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_a_busy_one_is_not() {
    let limits = ConnectionLimits {
        idle: SHORT,
        head: SHORT,
        ..FAR
    };
    let server = Server::start(limits, EdgeConfig::default()).await;
    let idle = server.connect().await;
    idle.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    idle.until("hello").await;
    let busy = server.connect().await;
    busy.send("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;

    let started = Instant::now();
    assert_eq!(idle.rest().await, "");
    in_time(started);
    server.go_on.notify_one();
    busy.until("done").await;
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answer_is_cut_off() {
    let server = Server::start(
        ConnectionLimits { idle: SHORT, ..FAR },
        EdgeConfig::default(),
    )
    .await;
    let client = server.connect().await;
    client.send("GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let counted =
        r#"paydesk_http_connections_timed_out_total{listener="public",waiting_for="write"}"#;
    server.until(counted, 1).await;
    assert_eq!(server.stop().await, Drained { cut: 0 });
}

#[tokio::test]
async fn an_answer_that_never_comes_is_given_up() {
    let server = Server::start(
        ConnectionLimits {
            answer: SHORT,
            ..FAR
        },
        EdgeConfig::default(),
    )
    .await;
    let client = server.connect().await;
    client.send("GET /never HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(client.rest().await, "");
    server.in_flight(0).await;
    let counted = r#"paydesk_http_requests_total{route="/never",method="GET",status="abandoned"}"#;
    assert_eq!(server.metric(counted), 1);
}

//! More than there is room for.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

#[tokio::test]
async fn requests_beyond_the_limit_are_turned_away_and_the_connection_lives_on() {
    let config = EdgeConfig {
        max_in_flight: 1,
        ..EdgeConfig::default()
    };
    let server = Server::start(FAR, config).await;
    let busy = server.connect().await;
    busy.send("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.in_flight(1).await;

    let turned_away = server.connect().await;
    turned_away
        .send("GET / HTTP/1.1\r\nhost: x\r\nx-request-id: mine\r\n\r\n")
        .await;
    let answer = turned_away.until("again in a second\"}").await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(
        answer.contains("retry-after: 1") && answer.contains("x-request-id: mine"),
        "{answer}"
    );
    assert_eq!(server.metric("paydesk_http_requests_shed_total"), 1);

    server.go_on.notify_one();
    busy.until("done").await;
    turned_away.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    turned_away.until("hello").await;
}

#[tokio::test]
async fn who_waits_for_news_turns_nobody_away() {
    let config = EdgeConfig {
        max_in_flight: 1,
        ..EdgeConfig::default()
    };
    let server = Server::start(FAR, config).await;
    let waiting = server.connect().await;
    waiting.send("GET /wait HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.until("paydesk_http_requests_waiting", 1).await;
    let other = server.connect().await;
    other.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    other.until("hello").await;
    server.go_on.notify_one();
    waiting.until("news").await;
    server.in_flight(0).await;
    assert_eq!(server.metric("paydesk_http_requests_waiting"), 0);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_place() {
    let server = Server::start(
        ConnectionLimits {
            connections: 1,
            ..FAR
        },
        EdgeConfig::default(),
    )
    .await;
    let first = server.connect().await;
    first.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    first.until("hello").await;
    let second = server.connect().await;
    second.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(
        timeout(SHORT, second.0.readable()).await.is_err(),
        "it is not served yet"
    );
    drop(first);
    second.until("hello").await;
}

#[tokio::test]
async fn a_listener_that_fails_for_a_while_is_tried_again() {
    /// Out of file descriptors for the first three times.
    struct Exhausted(TcpListener, AtomicUsize);
    impl Accept for Exhausted {
        async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
            match self.1.fetch_add(1, Ordering::SeqCst) {
                0..3 => Err(io::Error::from_raw_os_error(24)),
                3..9 => Err(io::ErrorKind::ConnectionAborted.into()),
                _ => Accept::accept(&self.0).await,
            }
        }
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let started = Instant::now();
    let server = Server::on(
        Exhausted(listener, AtomicUsize::new(0)),
        address,
        FAR,
        EdgeConfig::default(),
    );
    let client = server.connect().await;
    client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    client.until("hello").await;
    assert!(
        started.elapsed() >= Duration::from_millis(20 + 40 + 80),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(
        server.metric(r#"paydesk_http_accept_errors_total{listener="public"}"#),
        3
    );
}

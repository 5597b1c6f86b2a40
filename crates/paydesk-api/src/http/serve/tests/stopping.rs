//! Stopping.

use super::*;

#[tokio::test]
async fn a_server_that_stops_finishes_what_it_began_and_takes_no_more() {
    let server = Server::start(FAR, EdgeConfig::default()).await;
    let idle = server.connect().await;
    idle.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    idle.until("hello").await;
    let silent = server.connect().await;
    let busy = server.connect().await;
    busy.send("GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.in_flight(1).await;

    let (address, go_on) = (server.address, server.go_on.clone());
    let stopped = tokio::spawn(server.stop());
    assert_eq!(idle.rest().await, "");
    assert_eq!(silent.rest().await, "");
    assert!(
        TcpStream::connect(address).await.is_err(),
        "the listener is closed"
    );
    go_on.notify_one();
    let answer = busy.rest().await;
    assert!(
        answer.ends_with("done") && answer.contains("connection: close"),
        "{answer}"
    );
    assert_eq!(stopped.await.unwrap(), Drained { cut: 0 });
}

#[tokio::test]
async fn what_is_not_finished_within_the_grace_period_is_cut_and_counted() {
    let server = Server::start(
        ConnectionLimits {
            grace: SHORT,
            ..FAR
        },
        EdgeConfig::default(),
    )
    .await;
    let never = server.connect().await;
    never.send("GET /never HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.in_flight(1).await;
    assert_eq!(server.stop().await, Drained { cut: 1 });
    assert_eq!(never.rest().await, "");
}

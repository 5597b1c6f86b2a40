//! One attempt over a real socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use paydesk_core::id::{EventId, SeededIds};
use paydesk_core::keys::Secret;
use paydesk_core::merchant::Credentials;
use paydesk_core::tenant::Mode;
use paydesk_core::time::{Clock as _, Span, SystemClock};
use paydesk_webhooks::{
    Guard, Message, NoAnswer, Policy, Sender, Sent, SigningKey, SigningKeys, Timeouts,
};
use standardwebhooks::Webhook;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::receiver::{Receiver, plain, with_headers};

const OPEN: Policy = Policy {
    allow_private: true,
};
const BODY: &str = "{\"name\":\"Zoë 🎉\",  \"odd spacing\" : [1,2 ,3]}\n";

fn secret() -> Secret {
    Credentials::fresh(&SeededIds::new(9), Mode::Test).webhook_secret
}

fn sender(total: Duration) -> Sender {
    Sender::new(
        Guard::new(OPEN),
        Timeouts {
            connect: total,
            total,
        },
    )
    .unwrap()
}

async fn send_within(url: &str, total: Duration) -> Sent {
    let keys = SigningKeys::only(SigningKey::from_secret(&secret()).unwrap());
    let at = SystemClock.now();
    let message = Message {
        url,
        mode: Mode::Test,
        id: EventId::fresh(&SeededIds::new(4), at),
        at,
        body: BODY,
        keys: &keys,
    };
    sender(total).send(message).await
}

async fn send(url: &str) -> Sent {
    send_within(url, Duration::from_secs(10)).await
}

/// Hands every connection, its request read to the end of the body, to `talk`.
async fn raw<F>(talk: impl Fn(TcpStream) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(BODY.as_bytes()) {
                let mut buffer = [0; 4096];
                let n = stream.read(&mut buffer).await.unwrap();
                assert_ne!(n, 0, "the request broke off");
                request.extend_from_slice(&buffer[..n]);
            }
            tokio::spawn(talk(stream));
        }
    });
    url
}

#[tokio::test]
async fn the_exact_bytes_arrive_signed() {
    let receiver = Receiver::with_statuses(&[204]).await;
    let sent = send(&receiver.url()).await;
    assert_eq!(sent.result.unwrap().status, 204);
    let hits = receiver.hits();
    assert_eq!(hits.len(), 1);
    let hit = &hits[0];
    assert_eq!(hit.method, "POST");
    assert_eq!(hit.uri, "/hook?shop=1");
    assert_eq!(hit.body, BODY.as_bytes());
    assert_eq!(hit.header("content-type"), "application/json");
    assert!(hit.header("user-agent").starts_with("Paydesk/"));
    assert_eq!(hit.header("content-length"), BODY.len().to_string());
    Webhook::new(secret().reveal())
        .unwrap()
        .verify(&hit.body, &hit.headers)
        .unwrap();
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let elsewhere = Receiver::with_statuses(&[200]).await;
    for status in [301, 302, 303, 307, 308] {
        let target = elsewhere.url();
        let receiver = Receiver::answering(move |_, _| {
            let target = target.clone();
            async move { with_headers(status, &[("location", &target)]) }
        })
        .await;
        assert_eq!(send(&receiver.url()).await.result.unwrap().status, status);
        assert_eq!(receiver.count(), 1);
    }
    assert_eq!(elsewhere.count(), 0);
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let written = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&written);
    let url = raw(move |mut stream| {
        let counter = Arc::clone(&counter);
        async move {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n")
                .await
                .unwrap();
            let chunk = [b'x'; 16 * 1024];
            while let Ok(n) = stream.write(&chunk).await {
                counter.fetch_add(n, Ordering::SeqCst);
            }
        }
    })
    .await;
    let begun = Instant::now();
    let answer = send(&url).await.result.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.head, "x".repeat(512));
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    tokio::time::sleep(Duration::from_millis(200)).await;
    let after = written.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(
        written.load(Ordering::SeqCst),
        after,
        "nobody reads any more"
    );
}

#[tokio::test]
async fn headers_without_end_are_no_answer() {
    let url = raw(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\n").await.unwrap();
        while stream
            .write_all(b"x-more: and more of it\r\n")
            .await
            .is_ok()
        {}
    })
    .await;
    let begun = Instant::now();
    let sent = send(&url).await;
    assert!(matches!(sent.result, Err(NoAnswer::Failed(_))), "{sent:?}");
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn what_is_kept_of_an_answer_is_short_and_printable() {
    let receiver = Receiver::answering(|_, _| async {
        let mut body = b"no\0 \x1b[31m\xff line\n".to_vec();
        body.extend("é".repeat(2_000).as_bytes());
        let mut answer = plain(500);
        *answer.body_mut() = body.into();
        answer
    })
    .await;
    let answer = send(&receiver.url()).await.result.unwrap();
    assert!(
        answer
            .head
            .starts_with("no\u{fffd} \u{fffd}[31m\u{fffd} line\né"),
        "{:?}",
        answer.head
    );
    assert!(answer.head.chars().count() <= 512);
    assert!(answer.head.chars().all(|c| c == '\n' || !c.is_control()));
}

#[tokio::test]
async fn silence_ends_after_the_time_allowed() {
    let url = raw(|stream| async move {
        tokio::time::sleep(Duration::from_mins(1)).await;
        drop(stream);
    })
    .await;
    let sent = send_within(&url, Duration::from_millis(300)).await;
    assert_eq!(
        sent.result,
        Err(NoAnswer::TimedOut(Duration::from_millis(300)))
    );
    assert!(
        (Span::millis(300)..Span::seconds(30)).contains(&sent.latency),
        "{sent:?}"
    );
}

#[tokio::test]
async fn a_dawdling_body_ends_after_the_time_allowed_and_its_status_counts() {
    let url = raw(|mut stream| async move {
        stream
            .write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 1000\r\n\r\n")
            .await
            .unwrap();
        while stream.write_all(b".").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    // The body would take 50 seconds.
    let begun = Instant::now();
    let answer = send_within(&url, Duration::from_secs(3))
        .await
        .result
        .unwrap();
    assert_eq!(answer.status, 202);
    assert!(answer.head.starts_with("..."), "{answer:?}");
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn a_refused_or_broken_connection_says_so() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/secret-path", nobody.local_addr().unwrap());
    drop(nobody);
    let Err(NoAnswer::Failed(why)) = send(&url).await.result else {
        panic!("nobody listens");
    };
    assert!(why.contains("refused"), "{why}");
    assert!(!why.contains("secret-path"), "{why}");

    let url = raw(|stream| async move { drop(stream) }).await;
    assert!(matches!(send(&url).await.result, Err(NoAnswer::Failed(_))));

    let url =
        raw(|mut stream| async move { stream.write_all(b"SSH-2.0-OpenSSH\r\n").await.unwrap() })
            .await;
    assert!(matches!(send(&url).await.result, Err(NoAnswer::Failed(_))));
}

#[tokio::test]
async fn retry_after_is_read_from_an_answer() {
    let receiver =
        Receiver::answering(|_, _| async { with_headers(503, &[("retry-after", "120")]) }).await;
    let answer = send(&receiver.url()).await.result.unwrap();
    assert_eq!(answer.retry_after, Some(Span::seconds(120)));
}

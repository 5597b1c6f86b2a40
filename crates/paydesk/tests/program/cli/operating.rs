//! A server in operation: its listeners, its lock, its end.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use reqwest::Method;
use rustix::process::Signal;

use crate::support::{
    Answer, Caller, GOOD_CARD, Installation, SOON, Sandbox, Server, send, wait_for,
};

#[tokio::test]
async fn the_operators_listener_tells_how_the_server_is_and_the_public_one_does_not() {
    let installation = Installation::new();
    let server = installation.serve(&[]).await;
    let opened = send(server.caller.open_session("session")).await.unwrap();
    assert_eq!(opened.status, 201);
    for (path, words) in [
        ("/healthz", "ok"),
        ("/readyz", "ready"),
        ("/metrics", "paydesk_build_info"),
    ] {
        let answer = server.admin.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.body.contains(words), "{path}: {}", answer.body);
        assert_eq!(server.caller.get(path).await.status, 404, "{path}");
    }
    let counted = server.admin.get("/metrics").await.body;
    assert!(counted.contains("/api/v1/sessions"), "{counted}");
    assert!(!counted.contains(&installation.credentials.secret));
    server.stop().await;
}

#[tokio::test]
async fn links_begin_with_the_public_url_or_else_with_the_address_that_was_bound() {
    let installation = Installation::new();
    for public_url in [None, Some("https://pay.example.com/")] {
        let options: Vec<&str> = public_url
            .iter()
            .flat_map(|url| ["--public-url", *url])
            .collect();
        let server = installation.serve(&options).await;
        let beginning =
            public_url.map_or(format!("{}/pay/", server.url), |url| format!("{url}pay/"));
        let key = format!("{public_url:?}");
        let opened = send(server.caller.open_session(&key)).await.unwrap().ok();
        let url = opened["url"].as_str().unwrap();
        assert!(url.starts_with(&beginning), "{url} with {public_url:?}");
        server.stop().await;
    }
}

#[tokio::test]
async fn a_database_is_served_by_one_server_at_a_time() {
    let installation = Installation::new();
    let mut first = installation.serve(&[]).await;
    let arguments = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
    ];
    let second = installation.run(&arguments);
    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(
        second
            .err
            .contains("another server is running on this database"),
        "{second:?}"
    );
    let opened = send(first.caller.open_session("session")).await.unwrap();
    assert_eq!(opened.status, 201, "the first goes on");
    // However the first ends, it leaves no lock behind.
    first.process.kill();
    installation.serve(&[]).await.stop().await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let (installation, other) = (Installation::new(), Installation::new());
    let server = installation.serve(&[]).await;
    let address = server.url.trim_start_matches("http://");
    let ran = other.run(&[
        "serve",
        "--listen",
        address,
        "--admin-listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.err.contains(&format!("cannot listen on {address}")),
        "{ran:?}"
    );
    server.stop().await;
}

/// The bank is given this long to answer.
const GIVEN: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn asked_to_end_a_server_finishes_what_is_under_way_and_takes_nothing_new() {
    for again in [true, true, false] {
        let began = Instant::now();
        let scene = AssertUnwindSafe(ends_with_a_payment_under_way());
        match scene.catch_unwind().await {
            Ok(()) => return,
            // A bank that took longer was given up, and then nothing was under way any more.
            Err(_) if again && began.elapsed() > GIVEN => {}
            Err(failed) => resume_unwind(failed),
        }
    }
}

async fn ends_with_a_payment_under_way() {
    let (sandbox, installation) = (Sandbox::start().await, Installation::new());
    let mut server = installation.serve(&["--sandbox-url", &sandbox.url]).await;
    let opened = send(server.caller.open_session("session"))
        .await
        .unwrap()
        .ok();
    let (id, public_id) = (
        opened["id"].as_str().unwrap(),
        opened["publicId"].as_str().unwrap(),
    );
    let watched = send(server.caller.open_session("another"))
        .await
        .unwrap()
        .ok();

    // A bank that takes its time, and a page that waits for news.
    sandbox.process.signal(Signal::STOP);
    let payer = tokio::spawn(send(server.caller.pay(public_id, GOOD_CARD)));
    let waiting = format!(
        "/pay/{}/state?wait=4",
        watched["publicId"].as_str().unwrap()
    );
    let page = tokio::spawn(send(server.caller.request(Method::GET, &waiting)));
    wait_for("the bank is called", SOON, async || {
        let session = send(server.caller.session(id)).await.unwrap().ok();
        (session["status"] == "processing").then_some(())
    })
    .await;

    server.process.signal(Signal::TERM);
    unready(&server).await;
    wait_for("nobody new is let in", SOON, async || {
        send(server.caller.session(id)).await.err()
    })
    .await;
    unready(&server).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(
        server.process.status().is_none(),
        "it waits for what is under way"
    );
    assert!(!payer.is_finished());

    sandbox.process.signal(Signal::CONT);
    let paid: Answer = payer.await.unwrap().unwrap();
    assert_eq!(paid.ok()["status"], "succeeded");
    assert_eq!(page.await.unwrap().unwrap().ok()["status"], "created");
    let status = server.process.ended().await;
    assert_eq!(status.code(), Some(0), "{}", server.log());
    assert_eq!(sandbox.charges(installation.merchant_id()).await.len(), 1);
}

/// Waits until the operator is told that no more requests should be sent here.
async fn unready(server: &Server) {
    wait_for("it says that it drains", SOON, async || {
        let ready = send(server.admin.request(Method::GET, "/readyz"));
        let answer = ready.await.expect("the operator is answered to the end");
        (answer.status == 503 && answer.body.contains("draining")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn with_a_drain_delay_a_server_that_is_to_end_serves_on_until_it_is_asked_again() {
    let installation = Installation::new();
    let server = installation.serve(&["--drain-delay", "3600"]).await;
    server.process.signal(Signal::TERM);
    unready(&server).await;
    // A caller of its own: a new connection, as from a load balancer that has not noticed yet.
    let late = Caller::new(&server.url, &installation.credentials);
    let opened = send(late.open_session("late")).await.unwrap();
    assert_eq!(opened.status, 201);
    assert_eq!(server.admin.get("/healthz").await.status, 200);
    server.stop().await;
}

#[tokio::test]
async fn a_flag_is_turned_on_and_off_by_the_environment_in_the_usual_words() {
    for (value, sandbox) in [("1", false), ("on", false), ("0", true), ("no", true)] {
        let installation = Installation::new();
        let process = installation.start_serving(&[], &[("PAYDESK_NO_SANDBOX", value)]);
        let server = Server::started(process, &installation.credentials).await;
        let server = server.unwrap_or_else(|| panic!("it does not start with {value}"));
        let ledger = installation.path("paydesk.db.sandbox");
        assert_eq!(ledger.exists(), sandbox, "{value}");
        server.stop().await;
    }
}

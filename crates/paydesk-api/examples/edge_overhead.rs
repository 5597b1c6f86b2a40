//! What the edge costs: bare axum against the same router behind it.
//!
//! First without sockets, in nanoseconds a request; then, if `wrk` is installed, through both servers by turns, in
//! requests a second and in microseconds of this process's own CPU time a request.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement, not part of the product"
)]

use std::future::Future;
use std::hint::black_box;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use axum::routing::post;
use paydesk_api::http::metrics::Metrics;
use paydesk_api::http::serve::{ConnectionLimits, serve};
use paydesk_api::http::{Edge, EdgeConfig, wrap};
use paydesk_core::id::SystemIds;
use tokio::net::TcpListener;

const BODY: &str =
    r#"{"amount":"25.00","currency":"SGD","description":"An order of no great length"}"#;

fn router() -> Router {
    Router::new()
        .route("/echo", post(async |body: Bytes| body))
        .route("/api/v1/sessions/{id}", post(async |body: Bytes| body))
}

fn edge() -> Arc<Edge> {
    Edge::new(
        EdgeConfig::default(),
        Arc::new(Metrics::new("0")),
        &SystemIds,
    )
}

#[tokio::main]
async fn main() {
    let peer = SocketAddr::from(([127, 0, 0, 1], 1));
    let bare = router();
    let behind = wrap(router(), edge()).for_peer(peer);
    for round in 1..=3 {
        let bare = nanoseconds(|request| tower::Service::call(&mut bare.clone(), request)).await;
        let behind = nanoseconds(|request| behind.answer(request)).await;
        println!(
            "{round}: bare {bare:.0} ns, behind the edge {behind:.0} ns, difference {:.0} ns",
            behind - bare
        );
    }

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bare = listener.local_addr().unwrap();
    let serving = axum::serve(
        axum::serve::ListenerExt::tap_io(listener, |tcp| drop(tcp.set_nodelay(true))),
        router(),
    );
    tokio::spawn(serving.into_future());

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let accepting_only = listener.local_addr().unwrap();
    let metrics = edge().metrics().connections("public");
    let plain = |_| hyper_util::service::TowerToHyperService::new(router());
    tokio::spawn(serve(
        listener,
        plain,
        ConnectionLimits::default(),
        metrics,
        std::future::pending(),
    ));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let whole = listener.local_addr().unwrap();
    let (edge, limits) = (edge(), ConnectionLimits::default());
    let metrics = edge.metrics().connections("public");
    let services = wrap(router(), edge);
    tokio::spawn(serve(
        listener,
        move |peer| services.for_peer(peer),
        limits,
        metrics,
        std::future::pending(),
    ));

    for round in 1..=5 {
        for (name, address) in [
            ("bare axum::serve", bare),
            ("our accept loop", accepting_only),
            ("the whole edge", whole),
        ] {
            let Some((per_second, cpu)) = load(address).await else {
                println!("wrk is not installed: no figures with sockets");
                return;
            };
            println!("{round}: {name:<18} {per_second:>8.0} requests/s {cpu:>6.2} us CPU/request");
        }
    }
}

async fn nanoseconds<F>(call: impl Fn(Request) -> F) -> f64
where
    F: Future<Output = Result<Response, std::convert::Infallible>>,
{
    const REQUESTS: u32 = 500_000;
    let started = Instant::now();
    for _ in 0..REQUESTS {
        let request = Request::post("/api/v1/sessions/1")
            .body(Body::from(BODY))
            .unwrap();
        black_box(call(request).await.unwrap());
    }
    started.elapsed().as_secs_f64() * 1e9 / f64::from(REQUESTS)
}

/// Requests a second and microseconds of our CPU time a request.
async fn load(address: SocketAddr) -> Option<(f64, f64)> {
    let script = std::env::temp_dir().join("edge_overhead.lua");
    std::fs::write(
        &script,
        format!("wrk.method = \"POST\"\nwrk.body = '{BODY}'\n"),
    )
    .unwrap();
    let url = format!("http://{address}/api/v1/sessions/1");
    let (before, started) = (cpu_time(), Instant::now());
    let output = tokio::task::spawn_blocking(move || {
        Command::new("wrk")
            .args(["-t1", "-c32", "-d4s", "-s"])
            .arg(script)
            .arg(url)
            .output()
    });
    let output = output.await.unwrap().ok()?;
    let (cpu, took) = (cpu_time().saturating_sub(before), started.elapsed());
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!said.contains("Non-2xx"), "{said}");
    let requests: f64 = said
        .lines()
        .find_map(|line| line.split_once(" requests in")?.0.trim().parse().ok())?;
    Some((
        requests / took.as_secs_f64(),
        cpu.as_secs_f64() * 1e6 / requests,
    ))
}

/// What all threads of this process have used.
fn cpu_time() -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let nanoseconds = threads.filter_map(|thread| {
        let used = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        used.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}

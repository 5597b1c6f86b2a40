use std::fmt::{Debug, Write as _};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use axum::extract::Path;
use axum::routing::get;
use parking_lot::Mutex;
use paydesk_core::id::SeededIds;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

use super::*;
use crate::http::body::{BodyLimits, read};
use crate::http::client_address::TrustedProxies;
use crate::http::edge::EdgeConfig;
use crate::http::metrics::Metrics;

/// Keeps every line that is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<(Level, String)>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, "{}={value:?} ", field.name());
    }
}

impl Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().push((*event.metadata().level(), line.0));
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// Who asks here: a proxy.
const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 1, 1, 1)), 1);

/// Whose requests are never slow, however busy the machine.
fn service() -> EdgeService {
    services(Duration::MAX).for_peer(PEER)
}

fn services(slow: Duration) -> EdgeServices {
    let who = async |context: RequestContext| format!("{} {}", context.id(), context.client());
    let wait = async |context: RequestContext, Path(millis): Path<u64>| {
        let waiting = context.wait_aside();
        tokio::time::sleep(Duration::from_millis(millis)).await;
        drop(waiting);
        context.waited().as_micros().to_string()
    };
    // As if it had waited for longer than anything here can take.
    let patient = async |context: RequestContext| context.has_waited(Duration::from_hours(1));
    let router = Router::new()
        .route("/who", get(who))
        .route("/wait/{millis}", get(wait))
        .route("/patient", get(patient))
        .route("/pay/{public_id}", get(async || StatusCode::OK))
        .route(
            "/status/{status}",
            get(async |Path(status): Path<u16>| StatusCode::from_u16(status).unwrap()),
        )
        .route("/panic", get(async || -> &str { panic!("hunter2") }));
    let config = EdgeConfig {
        trusted_proxies: TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap()]),
        slow,
        ..EdgeConfig::default()
    };
    let edge = Edge::new(config, Arc::new(Metrics::new("0")), &SeededIds::new(1));
    wrap(router, edge)
}

async fn logged(path: &str) -> (Level, String) {
    logged_by(&service(), path).await
}

async fn logged_by(service: &EdgeService, path: &str) -> (Level, String) {
    let lines = Lines::default();
    let request = Request::get(path)
        .header("x-request-id", "the-id")
        .header("authorization", "Bearer hunter2")
        .header("x-forwarded-for", "203.0.113.1")
        .body(Body::from("hunter2"))
        .unwrap();
    let guard = tracing::subscriber::set_default(lines.clone());
    service.answer(request).await.unwrap();
    drop(guard);
    let mut lines = lines.0.lock();
    lines.retain(|(_, line)| line.contains("request_id"));
    lines.pop().expect("something was logged")
}

#[tokio::test]
async fn a_handler_learns_who_asks_and_under_which_id() {
    let request = Request::get("/who")
        .header("x-forwarded-for", "203.0.113.1")
        .body(Body::empty())
        .unwrap();
    let response = service().answer(request).await.unwrap();
    let id = response.headers()[&X_REQUEST_ID]
        .to_str()
        .unwrap()
        .to_owned();
    let body = read(response.into_body(), &BodyLimits::default())
        .await
        .unwrap();
    assert_eq!(body, format!("{id} {}", IpAddr::from([203, 0, 113, 1])));
}

#[tokio::test]
async fn a_line_tells_what_happened_and_no_secret() {
    let public_id = "AQEBk3mIcYZyfrCzXhOqk0bcAZN5iHGGcn6ws14TqpNG3Jq1ZvX0m8u2kQm3Yw5tH8A";
    let (level, line) = logged(&format!("/pay/{public_id}?token=hunter2")).await;
    assert_eq!(level, Level::DEBUG);
    for part in [
        r#"method="GET""#,
        r#"route="/pay/{public_id}""#,
        "path=/pay/AQEBk3mI… ",
        "status=200",
        "latency_us=",
        r#"request_id="the-id""#,
        "client=203.0.113.1",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(
        !line.contains("hunter2") && !line.contains(&public_id[..9]),
        "{line}"
    );
}

#[tokio::test]
async fn the_worse_it_went_the_louder_it_is_told() {
    assert_eq!(logged("/status/200").await.0, Level::DEBUG);
    assert_eq!(logged("/status/303").await.0, Level::DEBUG);
    assert_eq!(logged("/status/404").await.0, Level::INFO);
    assert_eq!(logged("/nowhere").await.0, Level::INFO);
    assert_eq!(logged("/status/503").await.0, Level::WARN);
    assert_eq!(logged("/status/500").await.0, Level::ERROR);
    let (level, line) = logged("/panic").await;
    assert!(
        level == Level::ERROR && line.contains("status=500") && !line.contains("hunter2"),
        "{line}"
    );
}

#[tokio::test]
async fn slow_is_what_kept_us_busy_and_not_what_the_caller_waited_for() {
    let strict = services(Duration::ZERO).for_peer(PEER);
    assert_eq!(logged_by(&strict, "/status/200").await.0, Level::WARN);
    assert_eq!(logged_by(&strict, "/patient").await.0, Level::DEBUG);
    let request = Request::get("/wait/30").body(Body::empty()).unwrap();
    let response = strict.answer(request).await.unwrap();
    let waited = read(response.into_body(), &BodyLimits::default()).await;
    let waited = String::from_utf8(waited.unwrap().to_vec()).unwrap();
    assert!(waited.parse::<u32>().unwrap() >= 30_000, "{waited}");
}

#[tokio::test]
async fn a_person_whose_request_failed_reads_a_page_and_a_program_json() {
    let apology = Apology::new(|reader, target, status| {
        let path = target.map(PathAndQuery::path).unwrap_or_default();
        let text = format!("{status} {path} {}", reader.languages());
        Response::new(Body::from(text))
    });
    let service = services(Duration::MAX).with_apology(apology).for_peer(PEER);
    for (accepts, told) in [
        ("text/html,*/*;q=0.8", "500 Internal Server Error /panic fr"),
        ("*/*", FAILED),
        ("application/json", FAILED),
    ] {
        let request = Request::get("/panic")
            .header("accept", accepts)
            .header("accept-language", "fr")
            .body(Body::empty())
            .unwrap();
        let response = service.answer(request).await.unwrap();
        assert!(response.headers().contains_key(&X_REQUEST_ID));
        let body = read(response.into_body(), &BodyLimits::default()).await;
        assert_eq!(body.unwrap(), told, "{accepts}");
    }
}

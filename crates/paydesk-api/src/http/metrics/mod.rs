//! What is counted, and how it is told.
//!
//! On the way of a request a counter is an addition to a number that is already at hand. Names, labels and
//! formats are met only when somebody asks for `/metrics`.

mod connections;
mod traffic;

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

pub use connections::{ConnectionMetrics, TimedOut};
pub(super) use traffic::{RouteMetrics, Traffic};

/// The content type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything that is counted; names start with `paydesk_`.
pub struct Metrics {
    registry: Mutex<Registry>,
    traffic: Arc<Traffic>,
}

impl Metrics {
    /// Nothing counted yet, by the build with this version.
    #[must_use]
    pub fn new(version: &str) -> Self {
        let mut registry = Registry::with_prefix("paydesk");
        registry.register(
            "build",
            "What is running",
            Info::new([("version", version.to_owned())]),
        );
        let traffic = Arc::new(Traffic::default());
        registry.register_collector(Box::new(traffic.clone()));
        Self {
            registry: Mutex::new(registry),
            traffic,
        }
    }

    /// Registers what others count: the store's commits, deliveries, rails.
    pub fn register(&self, with: impl FnOnce(&mut Registry)) {
        with(&mut self.registry.lock());
    }

    /// The counters of a listener's connections, under this name.
    #[must_use]
    pub fn connections(&self, listener: &'static str) -> Arc<ConnectionMetrics> {
        self.traffic.add_listener(listener)
    }

    /// Everything in the text format that Prometheus reads.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::with_capacity(16 * 1024);
        prometheus_client::encoding::text::encode(&mut text, &self.registry.lock())?;
        Ok(text)
    }

    pub(super) fn traffic(&self) -> &Traffic {
        &self.traffic
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{Method, StatusCode};
    use prometheus_client::metrics::counter::Counter;

    use super::*;

    fn lines(metrics: &Metrics, about: &str) -> Vec<String> {
        let text = metrics.text().unwrap();
        text.lines()
            .filter(|line| line.starts_with(about))
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn requests_are_counted_by_route_method_and_kind_of_status() {
        let metrics = Metrics::new("1.2.3");
        let route = metrics.traffic().route("/api/v1/sessions/{id}");
        route.answered(&Method::GET, StatusCode::OK, Duration::from_micros(30));
        route.answered(
            &Method::GET,
            StatusCode::NO_CONTENT,
            Duration::from_millis(3),
        );
        route.answered(&Method::GET, StatusCode::NOT_FOUND, Duration::from_secs(99));
        route.abandoned(&Method::POST);
        assert_eq!(
            lines(&metrics, "paydesk_http_requests_total"),
            [
                r#"paydesk_http_requests_total{route="/api/v1/sessions/{id}",method="GET",status="2xx"} 2"#,
                r#"paydesk_http_requests_total{route="/api/v1/sessions/{id}",method="GET",status="4xx"} 1"#,
                r#"paydesk_http_requests_total{route="/api/v1/sessions/{id}",method="POST",status="abandoned"} 1"#,
            ]
        );
        let labels = r#"route="/api/v1/sessions/{id}",method="GET""#;
        let seconds = lines(&metrics, "paydesk_http_request_duration_seconds");
        assert!(
            seconds.iter().all(|line| !line.contains("POST")),
            "what was never answered took no time"
        );
        let has = |line: String| assert!(seconds.contains(&line), "{line} in {seconds:#?}");
        has(format!(
            "paydesk_http_request_duration_seconds_count{{{labels}}} 3"
        ));
        has(format!(
            "paydesk_http_request_duration_seconds_sum{{{labels}}} 99.00303"
        ));
        has(format!(
            r#"paydesk_http_request_duration_seconds_bucket{{le="0.0001",{labels}}} 1"#
        ));
        has(format!(
            r#"paydesk_http_request_duration_seconds_bucket{{le="0.005",{labels}}} 2"#
        ));
        has(format!(
            r#"paydesk_http_request_duration_seconds_bucket{{le="30.0",{labels}}} 2"#
        ));
        has(format!(
            r#"paydesk_http_request_duration_seconds_bucket{{le="+Inf",{labels}}} 3"#
        ));
    }

    #[test]
    fn one_routes_counters_are_found_again_and_their_number_is_bounded() {
        let metrics = Metrics::new("1.2.3");
        let first = metrics.traffic().route("/a");
        assert!(Arc::ptr_eq(&first, &metrics.traffic().route("/a")));
        for n in 0..10_000 {
            metrics.traffic().route(&format!("/{n}"));
        }
        assert!(Arc::ptr_eq(&first, &metrics.traffic().route("/a")));
        let beyond = metrics.traffic().route("/beyond");
        assert!(Arc::ptr_eq(&beyond, metrics.traffic().unmatched()));
    }

    #[test]
    fn others_may_register_theirs() {
        let metrics = Metrics::new("1.2.3");
        let commits = Counter::<u64>::default();
        metrics.register(|registry| registry.register("store_commits", "Commits", commits.clone()));
        commits.inc();
        assert_eq!(
            lines(&metrics, "paydesk_store_commits_total"),
            ["paydesk_store_commits_total 1"]
        );
        assert_eq!(
            lines(&metrics, "paydesk_build_info"),
            [r#"paydesk_build_info{version="1.2.3"} 1"#]
        );
    }

    #[test]
    fn connections_are_counted_by_listener() {
        let metrics = Metrics::new("1.2.3");
        let public = metrics.connections("public");
        let _admin = metrics.connections("admin");
        public.opened();
        public.opened();
        public.closed();
        public.timed_out(TimedOut::Idle);
        assert_eq!(
            lines(&metrics, "paydesk_http_connections{"),
            [
                r#"paydesk_http_connections{listener="public"} 1"#,
                r#"paydesk_http_connections{listener="admin"} 0"#
            ]
        );
        let timed_out = lines(&metrics, "paydesk_http_connections_timed_out_total");
        let line = r#"paydesk_http_connections_timed_out_total{listener="public",waiting_for="next_request"} 1"#;
        assert!(timed_out.contains(&line.to_owned()), "{timed_out:#?}");
    }
}

//! The counters of requests.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use http::{Method, StatusCode};
use parking_lot::Mutex;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use super::connections::ConnectionMetrics;

/// The label of a request that no route matched.
const UNMATCHED: &str = "unmatched";
/// More routes than a router of ours has; whatever comes beyond is counted as unmatched.
const MOST_ROUTES: usize = 1_000;

const METHODS: [&str; 8] = [
    "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "other",
];
/// The first stands in for 1xx, which is never an answer, and counts requests whose client went away.
const STATUSES: [&str; 6] = ["abandoned", "2xx", "3xx", "4xx", "5xx", "other"];
/// Upper bounds in microseconds; what is beyond the last has a bucket of its own.
const BOUNDS: [u64; 16] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 10_000_000, 30_000_000,
];

/// The counters of all requests.
#[derive(Debug)]
pub(in crate::http) struct Traffic {
    /// By the route's template. Read on every request, written once for each route.
    routes: ArcSwap<HashMap<Arc<str>, Arc<RouteMetrics>>>,
    unmatched: Arc<RouteMetrics>,
    listeners: Mutex<Vec<Arc<ConnectionMetrics>>>,
    /// Requests that are being worked on.
    pub(in crate::http) in_flight: AtomicUsize,
    /// Requests that wait on their caller's own wish.
    pub(in crate::http) waiting: AtomicUsize,
    pub(in crate::http) shed: AtomicU64,
    pub(in crate::http) panics: AtomicU64,
}

impl Default for Traffic {
    fn default() -> Self {
        let unmatched = Arc::new(RouteMetrics::new(UNMATCHED.into()));
        Self {
            routes: ArcSwap::from_pointee(HashMap::new()),
            unmatched,
            listeners: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            shed: AtomicU64::new(0),
            panics: AtomicU64::new(0),
        }
    }
}

impl Traffic {
    /// The counters of the route with this template.
    pub(in crate::http) fn route(&self, template: &str) -> Arc<RouteMetrics> {
        if let Some(known) = self.routes.load().get(template) {
            return known.clone();
        }
        let fresh = Arc::new(RouteMetrics::new(template.into()));
        self.routes.rcu(|routes| {
            let mut routes = HashMap::clone(routes);
            if routes.len() < MOST_ROUTES {
                routes
                    .entry(fresh.template.clone())
                    .or_insert_with(|| fresh.clone());
            }
            routes
        });
        self.routes
            .load()
            .get(template)
            .unwrap_or(&self.unmatched)
            .clone()
    }

    pub(in crate::http) const fn unmatched(&self) -> &Arc<RouteMetrics> {
        &self.unmatched
    }

    pub(super) fn add_listener(&self, name: &'static str) -> Arc<ConnectionMetrics> {
        let listener = Arc::new(ConnectionMetrics::new(name));
        self.listeners.lock().push(listener.clone());
        listener
    }

    fn all_routes(&self) -> Vec<Arc<RouteMetrics>> {
        let mut routes: Vec<_> = self.routes.load().values().cloned().collect();
        routes.push(self.unmatched.clone());
        routes.sort_by(|a, b| a.template.cmp(&b.template));
        routes
    }
}

/// The counters of one route.
#[derive(Debug)]
pub(in crate::http) struct RouteMetrics {
    template: Arc<str>,
    methods: [MethodMetrics; METHODS.len()],
}

/// On cache lines of its own: two busy routes must not slow each other down.
#[derive(Debug, Default)]
#[repr(align(128))]
struct MethodMetrics {
    statuses: [AtomicU64; STATUSES.len()],
    buckets: [AtomicU64; BOUNDS.len()],
    beyond: AtomicU64,
    microseconds: AtomicU64,
}

impl RouteMetrics {
    fn new(template: Arc<str>) -> Self {
        Self {
            template,
            methods: Default::default(),
        }
    }

    /// The route's template; empty for requests that none matched.
    pub(in crate::http) fn label(&self) -> &str {
        &self.template
    }

    /// A request was answered after this much work.
    pub(in crate::http) fn answered(&self, method: &Method, status: StatusCode, busy: Duration) {
        let metrics = self.method(method);
        let class = match status.as_u16() / 100 {
            class @ 2..=5 => usize::from(class) - 1,
            _ => STATUSES.len() - 1,
        };
        if let Some(counter) = metrics.statuses.get(class) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        let microseconds = u64::try_from(busy.as_micros()).unwrap_or(u64::MAX);
        // Most answers are found in the first buckets.
        let bucket = BOUNDS
            .iter()
            .zip(&metrics.buckets)
            .find(|(bound, _)| microseconds <= **bound);
        bucket
            .map_or(&metrics.beyond, |(_, bucket)| bucket)
            .fetch_add(1, Ordering::Relaxed);
        metrics
            .microseconds
            .fetch_add(microseconds, Ordering::Relaxed);
    }

    /// A request's client went away before it was answered.
    pub(in crate::http) fn abandoned(&self, method: &Method) {
        let [abandoned, ..] = &self.method(method).statuses;
        abandoned.fetch_add(1, Ordering::Relaxed);
    }

    fn method(&self, method: &Method) -> &MethodMetrics {
        let [get, post, put, patch, delete, head, options, other] = &self.methods;
        match *method {
            Method::GET => get,
            Method::POST => post,
            Method::PUT => put,
            Method::PATCH => patch,
            Method::DELETE => delete,
            Method::HEAD => head,
            Method::OPTIONS => options,
            _ => other,
        }
    }

    /// Those methods that were ever used: a scrape is not filled with zeros.
    fn used_methods(&self) -> impl Iterator<Item = (&'static str, &MethodMetrics)> {
        METHODS
            .into_iter()
            .zip(&self.methods)
            .filter(|(_, metrics)| {
                metrics
                    .statuses
                    .iter()
                    .any(|counter| counter.load(Ordering::Relaxed) > 0)
            })
    }
}

impl Collector for Traffic {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let routes = self.all_routes();
        encode_requests(&mut encoder, &routes)?;
        encode_durations(&mut encoder, &routes)?;
        for (name, help, value) in [
            (
                "http_requests_in_flight",
                "Requests that are being worked on",
                &self.in_flight,
            ),
            (
                "http_requests_waiting",
                "Requests that wait for news, as their caller asked",
                &self.waiting,
            ),
        ] {
            let mut gauge = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            gauge.encode_gauge(&value.load(Ordering::Relaxed))?;
        }
        for (name, help, value) in [
            (
                "http_requests_shed",
                "Requests turned away because too many were in flight",
                &self.shed,
            ),
            ("http_panics", "Handlers that panicked", &self.panics),
        ] {
            let mut counter = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            counter.encode_counter::<NoLabelSet, _, u64>(&value.load(Ordering::Relaxed), None)?;
        }
        encode_connections(&mut encoder, &self.listeners.lock())
    }
}

fn encode_requests(
    encoder: &mut DescriptorEncoder<'_>,
    routes: &[Arc<RouteMetrics>],
) -> Result<(), fmt::Error> {
    let mut family =
        encoder.encode_descriptor("http_requests", "Requests", None, MetricType::Counter)?;
    for route in routes {
        for (method, metrics) in route.used_methods() {
            for (status, counter) in STATUSES.iter().zip(&metrics.statuses) {
                let count = counter.load(Ordering::Relaxed);
                if count > 0 {
                    family
                        .encode_family(&[
                            ("route", &*route.template),
                            ("method", method),
                            ("status", status),
                        ])?
                        .encode_counter::<NoLabelSet, _, u64>(&count, None)?;
                }
            }
        }
    }
    Ok(())
}

#[allow(
    clippy::cast_precision_loss,
    reason = "seconds are told, not reckoned with"
)]
fn encode_durations(
    encoder: &mut DescriptorEncoder<'_>,
    routes: &[Arc<RouteMetrics>],
) -> Result<(), fmt::Error> {
    let help =
        "From a request's head to its answer's, without what was waited on the caller's wish";
    let mut family = encoder.encode_descriptor(
        "http_request_duration",
        help,
        Some(&Unit::Seconds),
        MetricType::Histogram,
    )?;
    for route in routes {
        for (method, metrics) in route.used_methods() {
            let bounds = BOUNDS
                .iter()
                .map(|bound| *bound as f64 / 1e6)
                .chain([f64::INFINITY]);
            let counters = metrics.buckets.iter().chain([&metrics.beyond]);
            let buckets: Vec<(f64, u64)> = bounds
                .zip(counters.map(|counter| counter.load(Ordering::Relaxed)))
                .collect();
            let count: u64 = buckets.iter().map(|(_, count)| count).sum();
            if count == 0 {
                // Its clients all went away.
                continue;
            }
            family
                .encode_family(&[("route", &*route.template), ("method", method)])?
                .encode_histogram::<NoLabelSet>(
                    metrics.microseconds.load(Ordering::Relaxed) as f64 / 1e6,
                    count,
                    &buckets,
                    None,
                )?;
        }
    }
    Ok(())
}

type Count = fn(&ConnectionMetrics) -> u64;

fn encode_connections(
    encoder: &mut DescriptorEncoder<'_>,
    listeners: &[Arc<ConnectionMetrics>],
) -> Result<(), fmt::Error> {
    let mut open = encoder.encode_descriptor(
        "http_connections",
        "Open connections",
        None,
        MetricType::Gauge,
    )?;
    for listener in listeners {
        open.encode_family(&[("listener", listener.listener)])?
            .encode_gauge(&listener.open())?;
    }
    for (name, help, count) in [
        (
            "http_connections_accepted",
            "Connections accepted",
            ConnectionMetrics::accepted as Count,
        ),
        (
            "http_accept_errors",
            "Connections that could not be accepted",
            ConnectionMetrics::accept_errors,
        ),
    ] {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for listener in listeners {
            family
                .encode_family(&[("listener", listener.listener)])?
                .encode_counter::<NoLabelSet, _, u64>(&count(listener), None)?;
        }
    }
    let help = "Connections that took too long";
    let mut family = encoder.encode_descriptor(
        "http_connections_timed_out",
        help,
        None,
        MetricType::Counter,
    )?;
    for listener in listeners {
        for (waiting_for, count) in listener.timeouts() {
            family
                .encode_family(&[
                    ("listener", listener.listener),
                    ("waiting_for", waiting_for),
                ])?
                .encode_counter::<NoLabelSet, _, u64>(&count, None)?;
        }
    }
    Ok(())
}

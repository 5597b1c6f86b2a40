//! What a handler may ask about the request that it answers.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;

use super::edge::Edge;
use super::metrics::RouteMetrics;
use super::request_id::RequestId;

/// One request, as the edge knows it. Every request that came through [`super::wrap`] has one, as an extension and
/// as an extractor.
#[derive(Clone, Debug)]
pub struct RequestContext(Arc<Known>);

#[derive(Debug)]
struct Known {
    id: RequestId,
    client: IpAddr,
    edge: Arc<Edge>,
    /// Set once the router has found it.
    route: OnceLock<Arc<RouteMetrics>>,
    /// How long was waited on the caller's wish, in microseconds.
    waited: AtomicU64,
}

impl RequestContext {
    pub(super) fn new(id: RequestId, client: IpAddr, edge: Arc<Edge>) -> Self {
        Self(Arc::new(Known {
            id,
            client,
            edge,
            route: OnceLock::new(),
            waited: AtomicU64::new(0),
        }))
    }

    /// The request's id, as it stands in the answer and the log.
    #[must_use]
    pub fn id(&self) -> &RequestId {
        &self.0.id
    }

    /// Where it comes from, as far as that can be believed.
    #[must_use]
    pub fn client(&self) -> IpAddr {
        self.0.client
    }

    /// Steps out of the count of requests that are worked on, for as long as the guard lives: a request that waits
    /// for news on its caller's wish uses nothing up, must not make others be turned away, and is not slow.
    pub fn wait_aside(&self) -> Waiting {
        let traffic = self.edge().metrics().traffic();
        traffic.in_flight.fetch_sub(1, Ordering::Relaxed);
        traffic.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting {
            request: self.clone(),
            since: Instant::now(),
        }
    }

    pub(super) fn matched(&self, template: &str) {
        // Told once: there is one layer that tells it.
        let _ = self
            .0
            .route
            .set(self.edge().metrics().traffic().route(template));
    }

    pub(super) fn route(&self) -> &Arc<RouteMetrics> {
        self.0
            .route
            .get()
            .unwrap_or_else(|| self.edge().metrics().traffic().unmatched())
    }

    pub(super) fn waited(&self) -> Duration {
        Duration::from_micros(self.0.waited.load(Ordering::Relaxed))
    }

    /// Adds to that.
    pub(super) fn has_waited(&self, time: Duration) {
        let waited = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.0.waited.fetch_add(waited, Ordering::Relaxed);
    }

    pub(super) fn edge(&self) -> &Arc<Edge> {
        &self.0.edge
    }
}

impl<S: Sync> FromRequestParts<S> for RequestContext {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        // Only a router that is served without the edge has none: a mistake of ours, not of the caller.
        parts
            .extensions
            .get()
            .cloned()
            .ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// A request that waits on its caller's wish; dropped, it is worked on again.
#[derive(Debug)]
#[must_use = "the request waits for as long as this lives"]
pub struct Waiting {
    request: RequestContext,
    since: Instant,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.request.has_waited(self.since.elapsed());
        let traffic = self.request.edge().metrics().traffic();
        traffic.waiting.fetch_sub(1, Ordering::Relaxed);
        traffic.in_flight.fetch_add(1, Ordering::Relaxed);
    }
}

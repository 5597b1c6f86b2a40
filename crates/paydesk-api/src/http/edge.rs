//! What all requests share at the server's edge: its limits, its counters, and whether it is closing.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::HeaderMap;
use paydesk_core::id::Ids;

use super::client_address::TrustedProxies;
use super::metrics::Metrics;
use super::request_id::{RequestId, RequestIds};

/// How the edge is set up.
#[derive(Clone, Debug)]
pub struct EdgeConfig {
    /// As many requests as are worked on at once; those beyond are answered 503. Requests that only wait for news
    /// ([`super::RequestContext::wait_aside`]) do not count.
    pub max_in_flight: usize,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// A request that keeps us busy for longer is worth a warning.
    pub slow: Duration,
}

impl Default for EdgeConfig {
    fn default() -> Self {
        Self {
            max_in_flight: 2_048,
            trusted_proxies: TrustedProxies::default(),
            slow: Duration::from_secs(1),
        }
    }
}

/// The server's edge; one for all connections.
#[derive(Debug)]
pub struct Edge {
    pub(super) config: EdgeConfig,
    metrics: Arc<Metrics>,
    ids: RequestIds,
    draining: AtomicBool,
}

impl Edge {
    /// Open.
    #[must_use]
    pub fn new(config: EdgeConfig, metrics: Arc<Metrics>, ids: &dyn Ids) -> Arc<Self> {
        Arc::new(Self {
            config,
            metrics,
            ids: RequestIds::new(ids),
            draining: AtomicBool::new(false),
        })
    }

    /// What is counted.
    #[must_use]
    pub const fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// From now on `/readyz` says that no more requests should be sent here. To be called before the listener is
    /// closed, so that a load balancer can notice.
    pub fn start_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether [`Self::start_draining`] was called.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub(super) fn request_id(&self, headers: &HeaderMap) -> RequestId {
        RequestId::sent(headers).unwrap_or_else(|| self.ids.fresh())
    }

    pub(super) fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        self.config.trusted_proxies.client(peer, headers)
    }
}

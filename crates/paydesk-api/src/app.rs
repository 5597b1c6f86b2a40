//! What every handler is given.

use std::sync::Arc;

use paydesk_core::engine::Engine;
use paydesk_core::merchant::ApiKey;
use paydesk_core::store::Unavailable;
use paydesk_core::time::Clock;
use paydesk_rails::sandbox::SandboxBank;

use crate::http::auth_cache::{KeyCache, KeyCacheLimits};
use crate::http::body::BodyLimits;
use crate::http::headers::PageHeaders;
use crate::http::rate_limit::{Limiters, RateLimits};

/// The engine and what stands between it and the network.
pub struct App {
    /// All rules.
    pub engine: Arc<Engine>,
    /// The payer's bank of the sandbox, if this installation has one.
    pub sandbox: Option<Arc<dyn SandboxBank>>,
    /// Known keys.
    pub keys: KeyCache<Arc<ApiKey>, Unavailable>,
    /// Who may call how often.
    pub limiters: Limiters,
    /// How large and how slow a body may be.
    pub body_limits: BodyLimits,
    /// What every page carries.
    pub page_headers: PageHeaders,
}

impl App {
    /// Puts one together.
    #[must_use]
    pub fn new(
        engine: Arc<Engine>,
        sandbox: Option<Arc<dyn SandboxBank>>,
        clock: Arc<dyn Clock>,
        limits: RateLimits,
        public_url: &url::Url,
    ) -> Self {
        Self {
            engine,
            sandbox,
            keys: KeyCache::new(KeyCacheLimits::default(), clock),
            limiters: Limiters::new(limits),
            body_limits: BodyLimits::default(),
            page_headers: PageHeaders::new(public_url),
        }
    }
}

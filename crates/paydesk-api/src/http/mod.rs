//! What lies between the socket and a dialect: connections, limits, who is asking, and what is told about it.
//!
//! ```text
//! socket ─> serve (accept, timeouts, drain) ─> service (shed, id, panic, metrics, log) ─> router ─> dialect
//! ```
//!
//! Everything here is on the way of every request, so it is one service and not a stack of layers, its counters
//! are found without a look-up by name, and its timeouts cost no timer per request.

pub mod admin;
pub mod apology;
pub mod auth_cache;
pub mod body;
pub mod client_address;
pub mod context;
pub mod cors;
pub mod cross_site;
pub mod edge;
pub mod headers;
pub mod json;
pub mod log;
pub mod metrics;
pub mod rate_limit;
pub mod request_id;
mod route;
pub mod serve;
pub mod service;

pub use context::RequestContext;
pub use edge::{Edge, EdgeConfig};
pub use service::wrap;

//! Our own API, under `/api/v1`: JSON, amounts in integer minor units, RFC 9457 problems.
//!
//! Each resource declares its calls; the [frame] makes routes of them, and the document that describes them.

mod event;
pub mod frame;
pub mod problem;
pub mod schema;
mod session;
mod sessions;
pub mod transaction;
mod transactions;

use std::sync::Arc;

use axum::Router;
use axum::routing::any;

use crate::app::App;
use frame::Call;

pub use event::EventWords;

/// Every call of the API.
#[must_use]
pub fn calls() -> Vec<Call> {
    [sessions::calls(), transactions::calls()]
        .into_iter()
        .flatten()
        .collect()
}

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    frame::routes(calls()).route("/api/v1/{*rest}", any(problem::no_such_address))
}

//! Our own API, under `/api/v1`: JSON, amounts in integer minor units, RFC 9457 problems.

mod bank_transfers;
mod event;
pub mod problem;
mod session;
mod sessions;
mod transaction;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

pub use event::EventWords;

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(
            "/api/v1/bankTransfers",
            post(bank_transfers::report)
                .get(bank_transfers::list)
                .fallback(problem::method_not_allowed),
        )
        .route(
            "/api/v1/bankTransfers/{id}",
            get(bank_transfers::get).fallback(problem::method_not_allowed),
        )
        .route(
            "/api/v1/bankTransfers/{id}/assign",
            post(bank_transfers::assign).fallback(problem::method_not_allowed),
        )
        .route(
            "/api/v1/sessions",
            post(sessions::create)
                .get(sessions::list)
                .fallback(problem::method_not_allowed),
        )
        .route(
            "/api/v1/sessions/{id}",
            get(sessions::get).fallback(problem::method_not_allowed),
        )
        .route(
            "/api/v1/sessions/{id}/expire",
            post(sessions::expire).fallback(problem::method_not_allowed),
        )
        .route(
            "/api/v1/sessions/{id}/cancel",
            post(sessions::cancel).fallback(problem::method_not_allowed),
        )
}

//! Our own API, under `/api/v1`: JSON, amounts in integer minor units, RFC 9457 problems.

mod account_settings;
mod event;
mod orders;
pub mod problem;
mod products;
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
        .merge(shop())
}

/// What a merchant says of its shop, and the orders of it.
fn shop() -> Router<Arc<App>> {
    Router::new()
        .route(
            "/api/v1/products/{id}",
            get(products::get)
                .put(products::put)
                .delete(products::delete)
                .fallback(problem::method_not_allowed),
        )
        .route(
            "/api/v1/orders",
            post(orders::create)
                .get(orders::list)
                .fallback(problem::method_not_allowed),
        )
        .route(
            "/api/v1/orders/{id}",
            get(orders::get).fallback(problem::method_not_allowed),
        )
        .route(
            "/api/v1/orders/{id}/session",
            post(orders::session).fallback(problem::method_not_allowed),
        )
        .route(
            "/api/v1/providerAccounts/{id}/settings",
            get(account_settings::get)
                .put(account_settings::put)
                .fallback(problem::method_not_allowed),
        )
}

//! The Modem Pay dialect: payment sessions over REST, under `/v1`. A crate of its own, because no dialect knows
//! another.
//!
//! Sources: Modem Pay's "Manage sessions", and its published client `modem-pay` 1.1.1, which shows only an error's
//! `message` and sends a request again when no answer, or a 5xx, came. Nothing tells a retry from a new request, so two
//! requests with one body are two sessions, unless they carry one `Idempotency-Key`.

mod code;
mod create_session;
mod customer;
mod error;
mod js_json;
mod lists;
mod notification;
mod session;
mod single_session;
mod transaction;
mod transactions;

use std::sync::Arc;

use axum::Router;
use axum::routing::{any, get, post};
use paydesk_api::App;

pub use notification::ModemPayWords;

/// The routes. Whatever else begins with `/v1` is answered in this dialect's shape, too.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(
            "/v1/sessions",
            post(create_session::handle)
                .get(lists::sessions)
                .fallback(error::method_not_allowed),
        )
        .route(
            "/v1/sessions/single/{id}",
            get(single_session::retrieve)
                .put(single_session::expire)
                .fallback(error::method_not_allowed),
        )
        .route(
            "/v1/transactions",
            get(lists::transactions).fallback(error::method_not_allowed),
        )
        .route(
            "/v1/transactions/refund",
            post(transactions::refund).fallback(error::method_not_allowed),
        )
        .route(
            "/v1/transactions/{id}",
            get(transactions::retrieve).fallback(error::method_not_allowed),
        )
        .route("/v1", any(error::not_found))
        .route("/v1/", any(error::not_found))
        .route("/v1/{*rest}", any(error::not_found))
}

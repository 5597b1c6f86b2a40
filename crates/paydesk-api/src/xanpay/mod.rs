//! XanPay's REST API, at the root.
//!
//! Source: XanPay's "Sessions (beta)". A session can be used exactly once; its id is what payers may hold.

mod charge;
mod create_session;
mod error;
mod get_session;
mod notification;
mod refunds;
mod session;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

pub use notification::ChargeNotification;

/// The routes, under no prefix. The payer's page at `/` is the checkout's.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(
            "/sessions",
            post(create_session::handle).fallback(error::method_not_allowed),
        )
        .route(
            "/sessions/",
            post(create_session::handle).fallback(error::method_not_allowed),
        )
        .route(
            "/sessions/{id}",
            get(get_session::handle).fallback(error::method_not_allowed),
        )
        .route(
            "/sessions/{id}/charge",
            get(charge::handle).fallback(error::method_not_allowed),
        )
        .route(
            "/charges/{id}/refunds",
            post(refunds::create).fallback(error::method_not_allowed),
        )
        .route(
            "/refunds",
            get(refunds::list).fallback(error::method_not_allowed),
        )
}

//! The AccruPay dialect: client sessions over GraphQL. A crate of its own, because no dialect knows another.

use std::sync::Arc;

use axum::Router;
use paydesk_api::App;

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
}

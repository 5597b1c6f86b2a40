//! The OneEntry dialect: payment sessions by order. A crate of its own, because no dialect knows another.

use std::sync::Arc;

use axum::Router;
use paydesk_api::App;

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
}

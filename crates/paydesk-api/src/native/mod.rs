//! Our own API, under `/api/v1`: JSON, amounts in integer minor units, RFC 9457 problems.

mod event;
pub mod problem;
mod session;
mod sessions;
mod transaction;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use paydesk_core::engine::Engine;
use paydesk_core::session::Session;
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::Transaction;
use serde_json::Value;

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
}

/// Records as the native API writes them, for files.
pub struct Rows<'e>(pub &'e Engine);

impl Rows<'_> {
    /// A session, without its transactions.
    #[must_use]
    pub fn session(&self, session: &Session, now: Timestamp) -> Value {
        let mut row = json(&session::SessionOut::new(session, [], self.0, now));
        if let Some(row) = row.as_object_mut() {
            row.remove("transactions");
        }
        row
    }

    /// A transaction.
    #[must_use]
    pub fn transaction(&self, transaction: &Transaction, now: Timestamp) -> Value {
        json(&transaction::TransactionOut::new(transaction, now))
    }
}

/// Ours are written without fail.
fn json(out: &impl serde::Serialize) -> Value {
    serde_json::to_value(out).unwrap_or(Value::Null)
}

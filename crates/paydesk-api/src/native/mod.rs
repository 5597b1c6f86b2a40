//! Our own API, under `/api/v1`: JSON, amounts in integer minor units, RFC 9457 problems.
//!
//! Each resource declares its calls; the [frame] makes routes of them, and the document that describes them.

mod account_settings;
mod bank_transfers;
mod customers;
mod deliveries;
pub mod errors;
mod event;
mod events;
pub mod frame;
mod keys;
mod merchant;
pub mod openapi;
mod orders;
mod payment_methods;
mod people;
pub mod problem;
mod products;
mod provider_accounts;
mod reference;
pub mod schema;
mod session;
mod sessions;
mod test_clock;
pub mod transaction;
mod transactions;
mod webhook_endpoints;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::routing::{any, get};
use paydesk_core::engine::Engine;
use paydesk_core::session::Session;
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::Transaction;
use serde_json::value::RawValue;

use crate::app::App;
use frame::Call;

pub use event::EventWords;

/// Every call of the API.
#[must_use]
pub fn calls() -> Vec<Call> {
    [
        sessions::calls(),
        transactions::calls(),
        payment_methods::calls(),
        customers::calls(),
        provider_accounts::calls(),
        account_settings::calls(),
        bank_transfers::calls(),
        products::calls(),
        orders::calls(),
        merchant::calls(),
        keys::calls(),
        test_clock::calls(),
        webhook_endpoints::calls(),
        events::calls(),
        deliveries::calls(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The routes.
pub fn routes() -> Router<Arc<App>> {
    frame::routes(calls())
        .route("/api/v1/openapi.json", get(openapi::handle))
        .route("/api/v1/docs", get(reference::handle))
        .route("/api/v1/docs/reference.css", get(reference::style))
        .route("/api/v1", any(problem::no_such_address))
        .route("/api/v1/{*rest}", any(problem::no_such_address))
}

/// Records as the native API writes them, for files.
pub struct Rows<'e>(pub &'e Engine);

/// A record, field by field: each as JSON.
pub type Row = BTreeMap<String, Box<RawValue>>;

impl Rows<'_> {
    /// A session, without its transactions.
    #[must_use]
    pub fn session(&self, session: &Session, now: Timestamp) -> Row {
        let mut row = row(&session::SessionOut::new(session, [], self.0, now));
        row.remove("transactions");
        row
    }

    /// A transaction.
    #[must_use]
    pub fn transaction(&self, transaction: &Transaction, now: Timestamp) -> Row {
        row(&transaction::TransactionOut::new(transaction, now))
    }
}

/// Ours are objects, and are written without fail.
fn row(out: &impl serde::Serialize) -> Row {
    let text = serde_json::to_string(out).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

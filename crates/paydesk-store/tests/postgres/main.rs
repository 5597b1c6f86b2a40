//! The PostgreSQL store, on a real server that these tests start.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;

use paydesk_core::store::Store;
use paydesk_store::PostgresStore;
use paydesk_store::postgres::{Address, Settings};
use paydesk_testing_postgres::fresh_database;

/// An empty store in a database of its own. Few connections: many of these run at once.
async fn fresh() -> (Arc<dyn Store>, ()) {
    let url = tokio::task::spawn_blocking(fresh_database).await.unwrap();
    let address = Address::parse(&url).unwrap();
    let settings = Settings {
        connections: 8,
        ..Settings::default()
    };
    let store = PostgresStore::migrate(&address, settings).await.unwrap();
    (Arc::new(store), ())
}

mod conformance {
    use super::fresh;

    paydesk_core::store_suite!(fresh);
}

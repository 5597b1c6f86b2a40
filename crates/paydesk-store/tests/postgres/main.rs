//! The PostgreSQL store, on a real server that these tests start.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use std::sync::Arc;

use paydesk_core::store::Store;
use paydesk_store::PostgresStore;
use paydesk_store::postgres::{Address, Settings};
use paydesk_testing_postgres::fresh_database;

mod hosts;
mod locks;
mod lost_answers;
mod moving;

/// An empty store in a database of its own.
async fn fresh() -> (Arc<dyn Store>, ()) {
    let url = tokio::task::spawn_blocking(fresh_database).await.unwrap();
    (store_on(&url).await, ())
}

/// A store on this database. Few connections: many of these run at once.
async fn store_on(url: &str) -> Arc<PostgresStore> {
    let settings = Settings {
        connections: 8,
        ..Settings::default()
    };
    let address = Address::parse(url).unwrap();
    let store = PostgresStore::migrate(&address, settings).await;
    Arc::new(store.unwrap())
}

mod conformance {
    use super::fresh;

    paydesk_core::store_suite!(fresh);
}

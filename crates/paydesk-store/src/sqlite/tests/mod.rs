//! What this store promises beyond the port.

use std::sync::Arc;

use paydesk_core::store::Store;
use tempfile::TempDir;

use super::SqliteStore;

mod suite {
    use super::*;

    #[allow(clippy::unused_async, reason = "other stores wait while they are made")]
    async fn fresh() -> (Arc<dyn Store>, TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&directory.path().join("paydesk.db")).unwrap();
        (Arc::new(store), directory)
    }

    paydesk_core::store_suite!(fresh);
}

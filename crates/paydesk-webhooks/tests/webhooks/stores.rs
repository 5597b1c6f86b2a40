//! The real stores.

use std::path::Path;
use std::sync::Arc;

use paydesk_core::store::Store;
use paydesk_store::memory::MemoryStore;
use paydesk_store::sqlite::SqliteStore;

/// Fresh and empty.
pub fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

/// What is in this file.
pub fn sqlite(path: &Path) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(path).unwrap())
}

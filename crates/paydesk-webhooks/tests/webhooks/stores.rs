//! The real stores, fresh and empty.

use std::sync::Arc;

use paydesk_core::store::Store;
use paydesk_store::memory::MemoryStore;

pub fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

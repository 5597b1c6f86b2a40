//! What this store promises beyond the port.

use std::sync::Arc;

use paydesk_core::session::Session;
use paydesk_core::store::{Change, Counter, Increment, Record, Store};
use paydesk_core::store_suite::samples::Samples;
use tempfile::TempDir;

use super::{ServerLock, SqliteStore};

mod files;
mod places;
mod plans;
mod reading;
mod words;
mod writing;

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

/// As a server has it.
mod serving {
    use super::*;

    #[allow(clippy::unused_async, reason = "other stores wait while they are made")]
    async fn fresh() -> (Arc<dyn Store>, TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let lock = ServerLock::take(&directory.path().join("paydesk.db")).unwrap();
        let store = SqliteStore::open_to_serve(lock).unwrap();
        (Arc::new(store), directory)
    }

    paydesk_core::store_suite!(fresh);
}

/// What opening a session commits.
fn opening(samples: &Samples, session: &Session) -> Change {
    Change {
        events: vec![samples.event(session, 1, false)],
        puts: vec![Record::Session(session.clone())],
        increments: vec![Increment {
            counter: Counter::Sessions,
            by: 1,
        }],
        ..Change::new(session.tenant)
    }
}

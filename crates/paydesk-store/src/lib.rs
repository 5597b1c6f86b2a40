//! Where Paydesk keeps what it knows.
//!
//! Each module is one implementation of the port [`paydesk_core::store::Store`]; all of them pass the same
//! conformance suite, [`paydesk_core::store_suite`] (behind core's feature `store-suite`).

mod columns;
pub mod memory;
pub mod postgres;
pub mod sqlite;

pub use memory::MemoryStore;
pub use postgres::PostgresStore;
pub use sqlite::SqliteStore;

/// A named place where a test may end the process as if it had been killed (`return`), or slow it down (`sleep(ms)`,
/// `pause`); nothing at all unless the `failpoints` feature is on.
macro_rules! failpoint {
    ($name:literal) => {
        #[cfg(feature = "failpoints")]
        fail::fail_point!($name, |_| std::process::abort());
    };
}
pub(crate) use failpoint;

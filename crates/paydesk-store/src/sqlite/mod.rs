//! The embedded store: one SQLite file.
//!
//! - Whoever commits turns the change into rows on its own thread (`rows`), and hands them to the one thread
//!   that writes (`writer`). That one applies all that is waiting as one transaction (`apply`, `tables`),
//!   and answers after the commit has returned: then it is on the disk.
//! - Whoever reads does so on its own thread, with a connection of its own (`readers`, `queries`).
//! - What the tables are and why each index exists stands in the migrations (`schema`).
//! - The write-ahead log is copied into the database beside the commits (`checkpoint`).

use std::path::Path;

pub use lock::{LockError, ServerLock};
pub use schema::OpenError;
pub use writer::Stats;

mod apply;
mod checkpoint;
mod decode;
mod lists;
mod lock;
mod port;
mod queries;
mod readers;
pub(crate) mod rows;
mod schema;
mod tables;
#[cfg(test)]
mod tests;
mod writer;

use checkpoint::Checkpointer;
use readers::Readers;
use writer::Writer;

/// A store in one SQLite file, with its write-ahead log beside it. Other processes may open the same file
/// at the same time; [`ServerLock`] sees to it that only one of them is a server.
///
/// Dropping it ends it as [`SqliteStore::close`] does, but does not wait.
pub struct SqliteStore {
    readers: Readers,
    writer: Writer,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens a database, making it if it is not there (readable for its owner only) and bringing its schema up
    /// to date.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::start(
            path,
            #[cfg(test)]
            writer::Hooks::default(),
        )
    }

    fn start(path: &Path, #[cfg(test)] hooks: writer::Hooks) -> Result<Self, OpenError> {
        // First the connection that makes the file and its log; the others need both.
        let db = schema::open_writer(path)?;
        let checkpointer = Checkpointer::start(schema::open_checkpointer(path)?);
        let checkpointer = checkpointer.map_err(OpenError::Thread)?;
        let readers = Readers::open(path)?;
        let writer = Writer::start(
            db,
            checkpointer,
            #[cfg(test)]
            hooks,
        );
        let writer = writer.map_err(OpenError::Thread)?;
        Ok(Self { readers, writer })
    }

    /// Commits what has been handed over so far, copies the log into the database, and ends the writer. Every later
    /// commit is [`Unavailable`](paydesk_core::store::Unavailable); reads go on.
    pub async fn close(&self) {
        self.writer.close().await;
    }

    /// What the writer has done since the store was opened.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.writer.stats()
    }
}

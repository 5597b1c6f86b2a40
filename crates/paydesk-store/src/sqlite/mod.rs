//! The embedded store: one SQLite file.
//!
//! - Whoever commits turns the change into rows on its own thread (`rows`), and hands them to the one thread
//!   that writes (`writer`). That one applies all that is waiting as one transaction (`apply`, `tables`, `removals`),
//!   and answers after the commit has returned: then it is on the disk.
//! - Whoever reads does so on its own thread, with a connection of its own (`readers`, `queries`); a server's
//!   connections keep their read transactions for as long as nothing was committed.
//! - What the tables are and why each index exists stands in the migrations (`schema`).
//! - What sessions are searched by is indexed a little later, many at once (`words`).
//! - The write-ahead log is copied into the database beside the commits (`checkpoint`).

use std::path::Path;
use std::sync::Arc;

pub use backup::{BackupError, back_up};
pub use lock::{LockError, ServerLock};
pub use schema::{OpenError, SchemaVersion};
pub use writer::Stats;

mod apply;
mod ask;
mod backup;
mod checkpoint;
mod decode;
pub(crate) mod export;
mod lists;
mod lock;
mod port;
mod queries;
mod readers;
mod removals;
pub(crate) mod rows;
mod schema;
mod tables;
#[cfg(test)]
mod tests;
mod words;
mod writer;

use checkpoint::Checkpointer;
use readers::{Commits, Readers};
use writer::Writer;

/// A store in one SQLite file, with its write-ahead log beside it. Other processes may open the same file
/// at the same time; [`ServerLock`] sees to it that only one of them is a server.
///
/// Dropping it ends it as [`SqliteStore::close`] does, but does not wait.
pub struct SqliteStore {
    readers: Arc<Readers>,
    writer: Writer,
    /// Given up last, when nothing is written any more.
    _lock: Option<ServerLock>,
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
            None,
            #[cfg(test)]
            writer::Hooks::default(),
        )
    }

    /// The same for a server, whose lock shows that no other process writes what servers write: everything but
    /// merchants, their keys and accounts, and key fingerprints, which commands write, too. Reads are cheaper
    /// then. The lock is kept for as long as the store.
    pub fn open_to_serve(lock: ServerLock) -> Result<Self, OpenError> {
        let path = lock.database().to_owned();
        Self::start(
            &path,
            Some(lock),
            #[cfg(test)]
            writer::Hooks::default(),
        )
    }

    /// Which schema a database has; it is not changed.
    pub fn schema(path: &Path) -> Result<SchemaVersion, OpenError> {
        schema::look(path)
    }

    fn start(
        path: &Path,
        lock: Option<ServerLock>,
        #[cfg(test)] hooks: writer::Hooks,
    ) -> Result<Self, OpenError> {
        // First the connection that makes the file and its log; the others need both.
        let db = schema::open_writer(path)?;
        let commits = Arc::new(Commits::default());
        let readers = Readers::open(path, Arc::clone(&commits), lock.is_some())?;
        let readers = Arc::new(readers);
        let copier = schema::open_checkpointer(path)?;
        let checkpointer = Checkpointer::start(copier, Arc::clone(&readers));
        let checkpointer = checkpointer.map_err(OpenError::Thread)?;
        let writer = Writer::start(
            db,
            checkpointer,
            commits,
            #[cfg(test)]
            hooks,
        );
        let writer = writer.map_err(OpenError::Thread)?;
        Ok(Self {
            readers,
            writer,
            _lock: lock,
        })
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

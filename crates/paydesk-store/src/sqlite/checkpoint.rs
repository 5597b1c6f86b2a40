//! Copying the write-ahead log into the database.
//!
//! Left alone, SQLite does this inside a commit: every thousand pages one unlucky group waits until the pages
//! are copied and the database is synced. Here a thread of its own does it while commits go on. What was
//! appended meanwhile is little; the writer copies that between two groups, and as the log is then copied to its
//! end, the next commit starts it over. So the log stays short and nobody waits long.
//!
//! A log that somebody reads from is copied only as far as that reader sees, and is not started over. So views that
//! readers keep are ended first, and again when all is copied: who begins to read then does not need the log. The views of a
//! server that rests are ended, too: another process may have much to write beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use super::readers::Readers;

/// When the thread is woken: so many pages of the log are not in the database (8 MiB).
const AT: i64 = 2_000;
/// When a commit copies them itself after all, because the thread does not keep up: pages (32 MiB).
pub(super) const AT_THE_LATEST: i64 = 8_000;

/// How often views that nobody reads through any more are looked for.
const ROUND: Duration = Duration::from_millis(100);

/// Asks a thread to copy the log.
pub(super) struct Checkpointer {
    wake: SyncSender<()>,
    copied: Arc<AtomicBool>,
    readers: Arc<Readers>,
    thread: JoinHandle<()>,
}

impl Checkpointer {
    /// Starts the thread, which has this connection to itself.
    pub(super) fn start(db: Connection, readers: Arc<Readers>) -> std::io::Result<Self> {
        let (wake, woken) = sync_channel(1);
        let copied = Arc::new(AtomicBool::new(false));
        let thread = {
            let copied = Arc::clone(&copied);
            let readers = Arc::clone(&readers);
            std::thread::Builder::new()
                .name("paydesk-copy".to_owned())
                .spawn(move || copy(&db, &readers, &woken, &copied))?
        };
        Ok(Self {
            wake,
            copied,
            readers,
            thread,
        })
    }

    /// Between two groups: copies the rest of what the thread has copied, or wakes the thread if it is time.
    pub(super) fn tend(&self, writer: &Connection) -> rusqlite::Result<()> {
        if self.copied.swap(false, Ordering::AcqRel) {
            self.readers.end_views()?;
            run(writer, "PRAGMA wal_checkpoint(PASSIVE)")?;
            self.readers.end_views()?;
        } else if run(writer, "PRAGMA wal_checkpoint(NOOP)")? >= AT {
            // Full: it is awake already.
            let _ = self.wake.try_send(());
        }
        Ok(())
    }

    /// Ends the thread, and with it its connection. From then on no view is kept, as nobody would end it.
    pub(super) fn stop(self) {
        if let Err(error) = self.readers.keep_no_views() {
            tracing::warn!(%error, "a reader could not be ended; the log may not be copied to its end");
        }
        drop(self.wake);
        if self.thread.join().is_err() {
            tracing::error!("the thread that copies the log had panicked");
        }
    }
}

fn copy(db: &Connection, readers: &Readers, woken: &Receiver<()>, copied: &AtomicBool) {
    loop {
        match woken.recv_timeout(ROUND) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout) => {
                if let Err(error) = readers.end_old_views() {
                    tracing::warn!(%error, "a reader could not be ended; it is tried again");
                }
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let ended = readers.end_views();
        match ended.and_then(|()| run(db, "PRAGMA wal_checkpoint(PASSIVE)")) {
            Ok(_) => copied.store(true, Ordering::Release),
            // Nothing is lost: all of it is in the log, and is copied by a later attempt.
            Err(error) => tracing::warn!(%error, "the log could not be copied; it is tried again"),
        }
    }
}

/// Runs a checkpoint; answers how many pages of the log are not copied after it.
fn run(db: &Connection, checkpoint: &str) -> rusqlite::Result<i64> {
    db.prepare_cached(checkpoint)?.query_row([], |row| {
        let (pages, copied): (i64, i64) = (row.get(1)?, row.get(2)?);
        Ok(pages - copied)
    })
}

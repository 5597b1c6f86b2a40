//! The index of words: how it is kept.
//!
//! Indexing a session in its own commit would write a small segment of the index with each group, and SQLite would merge
//! them again and again. So the writer remembers the words of what it has committed and writes them for many at once,
//! inside the transaction of a later group, or by itself when nothing else comes. Rows are numbered in the order of
//! their commits: up to which row the index goes is kept with it, so that nothing is lost with the process, and whoever
//! searches looks through the rows behind it one by one (`lists/search`).

use std::fmt::Write as _;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use paydesk_core::search::words_of;
use paydesk_core::session::Session;
use paydesk_core::tenant::Tenant;
use rusqlite::{Connection, params};
use tokio::sync::mpsc;

use super::decode;
use super::rows::mode_number;
use super::writer::Job;

/// How many sessions are indexed at once.
const BATCH: usize = 512;
/// How long the words of a session wait for others to come. A second is what a search may trail; it trails nothing,
/// but what is not in the index costs each search time.
const DELAY: Duration = Duration::from_millis(400);
/// Between two batches of a backlog, for others to commit.
const PAUSE: Duration = Duration::from_millis(5);

const GOES_TO: &str = "SELECT goes_to FROM words_progress";
const GO_TO: &str = "UPDATE words_progress SET goes_to = ?1";
const INSERT: &str = "INSERT INTO words (rowid, text) VALUES (?1, ?2)";
const BACKLOG: &str = "SELECT rowid, doc FROM sessions WHERE rowid > ?1 ORDER BY rowid LIMIT ?2";
/// As many rows as the backlog has, up to one.
const IS_BEHIND: &str =
    "SELECT 1 FROM sessions WHERE rowid > (SELECT goes_to FROM words_progress) LIMIT 1";

/// What every word of a tenant begins with in the index: no search of one tenant ever looks at another's words.
pub(super) fn tag(tenant: Tenant) -> String {
    let mode = mode_number(tenant.mode);
    format!("{}{mode}", tenant.merchant.0.simple())
}

/// The words of a session as the index takes them.
pub(super) fn text_of(session: &Session) -> String {
    let tag = tag(session.tenant);
    let words = words_of(session);
    let mut text = String::with_capacity(words.len() * (tag.len() + 8));
    for word in words {
        // Writing to a string cannot fail.
        let _ = write!(text, "{tag}{word} ");
    }
    text
}

/// What the writer knows of the index.
pub(super) struct Indexer {
    /// The words of committed rows that follow what is indexed, without a gap.
    waiting: Vec<(i64, String)>,
    /// Whether there are rows to be indexed that are not in `waiting`.
    is_behind: bool,
    /// Up to which row everything is indexed.
    goes_to: i64,
    alarm: Alarm,
    is_set: bool,
    is_due: bool,
}

/// What was written into the index, once it is committed.
pub(super) struct Written {
    rows: usize,
    goes_to: i64,
    is_behind: bool,
}

impl Indexer {
    /// Begins where the index ends.
    pub(super) fn start(db: &Connection, jobs: mpsc::WeakSender<Job>) -> std::io::Result<Self> {
        let mut indexer = Self {
            waiting: Vec::new(),
            // Found out with the first batch.
            is_behind: true,
            goes_to: 0,
            alarm: Alarm::start(jobs)?,
            is_set: false,
            is_due: false,
        };
        match db.prepare(IS_BEHIND).and_then(|mut any| any.exists([])) {
            Ok(false) => indexer.refresh(db),
            Ok(true) => indexer.set_alarm(),
            Err(error) => tracing::error!(%error, "the index of words could not be read"),
        }
        Ok(indexer)
    }

    fn refresh(&mut self, db: &Connection) {
        if let Ok(goes_to) = db.query_row(GOES_TO, [], |row| row.get(0)) {
            (self.goes_to, self.is_behind) = (goes_to, false);
        }
    }

    /// The alarm went off.
    pub(super) const fn wake(&mut self) {
        (self.is_set, self.is_due) = (false, true);
    }

    /// Whether it is time to write.
    pub(super) fn is_due(&self) -> bool {
        (self.is_due && (self.is_behind || !self.waiting.is_empty())) || self.waiting.len() >= BATCH
    }

    /// Writes what is waiting, inside a transaction. What goes wrong here does not hinder the transaction.
    pub(super) fn write(&mut self, db: &Connection) -> Option<Written> {
        self.is_due = false;
        let write = || -> rusqlite::Result<Written> {
            db.prepare_cached("SAVEPOINT words")?.execute([])?;
            let written = self.write_batch(db)?;
            db.prepare_cached("RELEASE words")?.execute([])?;
            Ok(written)
        };
        match write() {
            Ok(written) => Some(written),
            Err(error) => {
                tracing::error!(%error, "words could not be indexed; it is tried again");
                let back = "ROLLBACK TO words; RELEASE words";
                if !db.is_autocommit()
                    && let Err(error) = db.execute_batch(back)
                {
                    tracing::error!(%error, "the index of words could not be rolled back");
                }
                self.waiting.clear();
                self.is_behind = true;
                None
            }
        }
    }

    fn write_batch(&self, db: &Connection) -> rusqlite::Result<Written> {
        let goes_to: i64 = db
            .prepare_cached(GOES_TO)?
            .query_row([], |row| row.get(0))?;
        // Another process may have written too.
        let first = self.waiting.first().map(|(row, _)| *row);
        let mut insert = db.prepare_cached(INSERT)?;
        if !self.is_behind && first == Some(goes_to + 1) {
            for (row, text) in &self.waiting {
                insert.execute(params![row, text])?;
            }
            let goes_to = self.waiting.last().map_or(goes_to, |(row, _)| *row);
            db.prepare_cached(GO_TO)?.execute([goes_to])?;
            return Ok(Written {
                rows: self.waiting.len(),
                goes_to,
                is_behind: false,
            });
        }
        let mut backlog = db.prepare_cached(BACKLOG)?;
        let batch = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let mut rows = backlog.query(params![goes_to, batch])?;
        let (mut count, mut last) = (0, goes_to);
        while let Some(row) = rows.next()? {
            last = row.get(0)?;
            let session: Session = decode::doc(row, 1)?;
            insert.execute(params![last, text_of(&session)])?;
            count += 1;
        }
        db.prepare_cached(GO_TO)?.execute([last])?;
        Ok(Written {
            rows: self.waiting.len(),
            goes_to: last,
            is_behind: count == BATCH,
        })
    }

    /// A group is committed: what was written into the index with it, and which rows are new.
    pub(super) fn committed(&mut self, written: Option<Written>, new: Vec<(i64, String)>) {
        if let Some(written) = written {
            self.waiting.drain(..written.rows.min(self.waiting.len()));
            (self.goes_to, self.is_behind) = (written.goes_to, written.is_behind);
        }
        if !self.is_behind {
            for (row, text) in new {
                let last = self.waiting.last().map_or(self.goes_to, |(row, _)| *row);
                if row == last + 1 {
                    self.waiting.push((row, text));
                } else if row > last {
                    // Another process wrote in between.
                    self.waiting.clear();
                    self.is_behind = true;
                    break;
                }
            }
        }
        self.set_alarm();
    }

    fn set_alarm(&mut self) {
        if !self.is_set && (self.is_behind || !self.waiting.is_empty()) {
            self.is_set = true;
            self.alarm.set(if self.is_behind { PAUSE } else { DELAY });
        }
    }

    /// Ends the alarm.
    pub(super) fn stop(self) {
        self.alarm.stop();
    }
}

/// A thread that wakes the writer after a while.
struct Alarm {
    set: SyncSender<Duration>,
    thread: JoinHandle<()>,
}

impl Alarm {
    fn start(jobs: mpsc::WeakSender<Job>) -> std::io::Result<Self> {
        let (set, wanted) = sync_channel::<Duration>(1);
        let ring = move || {
            while let Ok(after) = wanted.recv() {
                if wanted.recv_timeout(after) == Err(RecvTimeoutError::Disconnected) {
                    break;
                }
                // The writer ends when nobody can hand over anything any more: this thread does not count.
                let Some(jobs) = jobs.upgrade() else { break };
                if jobs.blocking_send(Job::Index).is_err() {
                    break;
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("paydesk-words".to_owned())
            .spawn(ring)?;
        Ok(Self { set, thread })
    }

    fn set(&self, after: Duration) {
        // Full: it goes off at once.
        let _ = self.set.try_send(after);
    }

    fn stop(self) {
        drop(self.set);
        if self.thread.join().is_err() {
            tracing::error!("the thread that wakes the index of words had panicked");
        }
    }
}

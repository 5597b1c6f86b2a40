//! The index of words: how it is kept.
//!
//! Indexing a session in its own commit would write a small segment of the index with each group, and SQLite would merge
//! them again and again. So the writer remembers the words of what it has committed and writes them for many at once,
//! inside the transaction of a later group, or by itself when nothing else comes. Rows are numbered in the order of
//! their commits: up to which row the index goes is kept with it, so that nothing is lost with the process, and whoever
//! searches looks through the rows behind it one by one (`lists/search`).

use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use paydesk_core::search::words_of;
use paydesk_core::session::Session;
use paydesk_core::tenant::Tenant;
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params};
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

/// Before it is tried again when it failed.
const RETRY: Duration = Duration::from_secs(2);

const NUMBER: &str = "SELECT number FROM words_tenants WHERE merchant = ?1 AND mode = ?2";
const ADD_TENANT: &str = "INSERT INTO words_tenants (merchant, mode) VALUES (?1, ?2)";
const GOES_TO: &str = "SELECT goes_to FROM words_progress";
const GO_TO: &str = "UPDATE words_progress SET goes_to = ?1";
const INSERT: &str = "INSERT INTO words (rowid, text) VALUES (?1, ?2)";
const BACKLOG: &str = "SELECT rowid, doc FROM sessions WHERE rowid > ?1 ORDER BY rowid LIMIT ?2";
/// As many rows as the backlog has, up to one.
const IS_BEHIND: &str =
    "SELECT 1 FROM sessions WHERE rowid > (SELECT goes_to FROM words_progress) LIMIT 1";

/// What every word of a tenant begins with in the index, so that no search of one tenant ever looks at another's words:
/// its number, and a sign that is in no word. Nothing if the tenant has no words.
pub(super) fn tag(db: &Connection, tenant: Tenant) -> rusqlite::Result<Option<String>> {
    let key = params![tenant.merchant.0.as_bytes(), mode_number(tenant.mode)];
    let mut number = db.prepare_cached(NUMBER)?;
    let number: Option<i64> = number.query_row(key, |row| row.get(0)).optional()?;
    Ok(number.map(|number| format!("{number}·")))
}

/// The words of a new session, and whose they are.
#[derive(Clone)]
pub(super) struct Words {
    tenant: Tenant,
    words: String,
}

impl Words {
    /// Those that a session is found by.
    pub(super) fn of(session: &Session) -> Self {
        Self {
            tenant: session.tenant,
            words: words_of(session),
        }
    }

    /// As the index takes them.
    fn write_to(&self, text: &mut String, tag: &str) {
        text.clear();
        for word in self.words.split_ascii_whitespace() {
            text.push_str(tag);
            text.push_str(word);
            text.push(' ');
        }
    }
}

/// What the writer knows of the index.
pub(super) struct Indexer {
    /// The words of committed rows that follow what is indexed, without a gap.
    waiting: Vec<(i64, Words)>,
    /// Whether there are rows to be indexed that are not in `waiting`.
    is_behind: bool,
    /// Up to which row everything is indexed.
    goes_to: i64,
    alarm: Alarm,
    is_set: bool,
    is_due: bool,
    has_failed: bool,
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
            has_failed: false,
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
            Ok(written) => {
                self.has_failed = false;
                Some(written)
            }
            Err(error) => {
                tracing::error!(%error, "words could not be indexed; it is tried again");
                let back = "ROLLBACK TO words; RELEASE words";
                if !db.is_autocommit()
                    && let Err(error) = db.execute_batch(back)
                {
                    tracing::error!(%error, "the index of words could not be rolled back");
                }
                self.waiting.clear();
                (self.is_behind, self.has_failed) = (true, true);
                None
            }
        }
    }

    fn write_batch(&self, db: &Connection) -> rusqlite::Result<Written> {
        let goes_to: i64 = db
            .prepare_cached(GOES_TO)?
            .query_row([], |row| row.get(0))?;
        let mut index = Writing::new(db)?;
        // Another process may have written too.
        let first = self.waiting.first().map(|(row, _)| *row);
        let rows = self.waiting.len();
        if !self.is_behind && first == Some(goes_to + 1) {
            for (row, words) in &self.waiting {
                index.add(*row, words)?;
            }
            let goes_to = self.waiting.last().map_or(goes_to, |(row, _)| *row);
            db.prepare_cached(GO_TO)?.execute([goes_to])?;
            return Ok(Written {
                rows,
                goes_to,
                is_behind: false,
            });
        }
        let mut backlog = db.prepare_cached(BACKLOG)?;
        let batch = i64::try_from(BATCH).unwrap_or(i64::MAX);
        let mut found = backlog.query(params![goes_to, batch])?;
        let (mut count, mut goes_to) = (0, goes_to);
        while let Some(row) = found.next()? {
            goes_to = row.get(0)?;
            index.add(goes_to, &Words::of(&decode::doc(row, 1)?))?;
            count += 1;
        }
        db.prepare_cached(GO_TO)?.execute([goes_to])?;
        Ok(Written {
            rows,
            goes_to,
            is_behind: count == BATCH,
        })
    }

    /// A group is committed: what was written into the index with it, and which rows are new.
    pub(super) fn committed(&mut self, written: Option<Written>, new: Vec<(i64, Words)>) {
        let mut indexed = 0;
        if let Some(written) = written {
            self.waiting.drain(..written.rows.min(self.waiting.len()));
            (self.goes_to, self.is_behind) = (written.goes_to, written.is_behind);
            // A backlog is read with what is new in the same group.
            indexed = written.goes_to;
        }
        for (row, words) in new.into_iter().filter(|(row, _)| *row > indexed) {
            let last = self.waiting.last().map_or(self.goes_to, |(row, _)| *row);
            if self.is_behind || row != last + 1 {
                // Another process wrote in between, or deleted the last rows.
                self.waiting.clear();
                self.is_behind = true;
                break;
            }
            self.waiting.push((row, words));
        }
        self.set_alarm();
    }

    fn set_alarm(&mut self) {
        if !self.is_set && (self.is_behind || !self.waiting.is_empty()) {
            self.is_set = true;
            self.alarm.set(match (self.has_failed, self.is_behind) {
                (true, _) => RETRY,
                (false, true) => PAUSE,
                (false, false) => DELAY,
            });
        }
    }

    /// Ends the alarm.
    pub(super) fn stop(self) {
        self.alarm.stop();
    }
}

/// A batch that is being written.
struct Writing<'db> {
    db: &'db Connection,
    insert: CachedStatement<'db>,
    /// The tag of the tenant before: one often comes several times in a row.
    tag: Option<(Tenant, String)>,
    text: String,
}

impl<'db> Writing<'db> {
    fn new(db: &'db Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            db,
            insert: db.prepare_cached(INSERT)?,
            tag: None,
            text: String::new(),
        })
    }

    fn add(&mut self, row: i64, words: &Words) -> rusqlite::Result<()> {
        let tag = match self.tag.take() {
            Some((tenant, tag)) if tenant == words.tenant => tag,
            _ => self.tag_of(words.tenant)?,
        };
        words.write_to(&mut self.text, &tag);
        self.insert.execute(params![row, self.text])?;
        self.tag = Some((words.tenant, tag));
        Ok(())
    }

    /// The tenant's tag; a new tenant is given one.
    fn tag_of(&self, tenant: Tenant) -> rusqlite::Result<String> {
        if let Some(tag) = tag(self.db, tenant)? {
            return Ok(tag);
        }
        let key = params![tenant.merchant.0.as_bytes(), mode_number(tenant.mode)];
        self.db.prepare_cached(ADD_TENANT)?.execute(key)?;
        // It is there now.
        Ok(tag(self.db, tenant)?.unwrap_or_default())
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

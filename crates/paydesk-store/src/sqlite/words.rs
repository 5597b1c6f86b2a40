//! The index of words: how it is kept.
//!
//! Indexing a session in its own commit would write a small segment of the index with each group, and SQLite would merge
//! them again and again. So each group only notes, in one row, which sessions it opened; the writer remembers their
//! words, and writes them for many groups at once, inside the transaction of a later one, or by itself when nothing else
//! comes. What is noted is not lost with the process, and whoever searches looks through it one by one
//! (`lists/search`).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use paydesk_core::search::words_of;
use paydesk_core::session::Session;
use paydesk_core::tenant::Tenant;
use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params};
use tokio::sync::mpsc;

use super::decode;
use super::writer::Job;
use crate::columns::mode_number;

/// How many sessions are indexed at once. More would cost each of them less, and keep others waiting for longer.
const BATCH: usize = 1024;
/// How long the words of a session wait for others to come. A second is what a search may trail; it trails nothing,
/// but what is not in the index costs each search time.
const DELAY: Duration = Duration::from_millis(400);
/// Between two batches of a backlog, for others to commit.
const PAUSE: Duration = Duration::from_millis(5);

/// Before it is tried again when it failed.
const RETRY: Duration = Duration::from_secs(2);

const NUMBER: &str = "SELECT number FROM words_tenants WHERE merchant = ?1 AND mode = ?2";
const ADD_TENANT: &str = "INSERT INTO words_tenants (merchant, mode) VALUES (?1, ?2)";
const INSERT: &str = "INSERT INTO words (rowid, text) VALUES (?1, ?2)";
const NOTE: &str = "INSERT INTO words_waiting (places) VALUES (?1)";
const NOTED: &str = "SELECT number, places FROM words_waiting ORDER BY number";
const DONE: &str = "DELETE FROM words_waiting WHERE number <= ?1";
/// A number that changes with what other connections commit, and not with what this one does.
const SEEN: &str = "PRAGMA data_version";
const SESSION: &str = "SELECT doc FROM sessions WHERE place = ?1";

/// The places that a note tells.
pub(super) fn places(note: &[u8]) -> impl Iterator<Item = i64> {
    let (places, _) = note.as_chunks::<8>();
    places.iter().map(|place| i64::from_be_bytes(*place))
}

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
    /// Those that a session is found by; nothing if it has none, and so no place in the index.
    pub(super) fn of(session: &Session) -> Option<Self> {
        let words = words_of(session);
        (!words.is_empty()).then_some(Self {
            tenant: session.tenant,
            words,
        })
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

/// Sessions by their places, and their words.
type Batch = Vec<(i64, Words)>;

/// What the writer knows of the index.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each may be so or not whatever the others are"
)]
pub(super) struct Indexer {
    /// The words of committed sessions that are not indexed, by the number of their note.
    waiting: BTreeMap<i64, Batch>,
    /// How many those are.
    count: usize,
    /// Whether there may be notes that are not in `waiting`: of an earlier process, or of another one.
    is_behind: bool,
    /// [What other processes had done](SEEN) when it was last written.
    seen: i64,
    alarm: Alarm,
    is_set: bool,
    is_due: bool,
    has_failed: bool,
}

/// What was written into the index, once it is committed.
pub(super) struct Written {
    /// The last note that is done.
    up_to: i64,
    is_behind: bool,
}

/// What a group has noted, once it is committed.
pub(super) struct Noted {
    number: i64,
    batch: Batch,
}

impl Indexer {
    /// Begins with what was left to do.
    pub(super) fn start(db: &Connection, jobs: mpsc::WeakSender<Job>) -> std::io::Result<Self> {
        let mut indexer = Self {
            waiting: BTreeMap::new(),
            count: 0,
            is_behind: false,
            seen: 0,
            alarm: Alarm::start(jobs)?,
            is_set: false,
            is_due: false,
            has_failed: false,
        };
        match db.prepare(NOTED).and_then(|mut any| any.exists([])) {
            Ok(is_behind) => indexer.is_behind = is_behind,
            Err(error) => tracing::error!(%error, "the index of words could not be read"),
        }
        indexer.set_alarm();
        Ok(indexer)
    }

    /// The alarm went off.
    pub(super) const fn wake(&mut self) {
        (self.is_set, self.is_due) = (false, true);
    }

    /// Whether it is time to write.
    pub(super) const fn is_due(&self) -> bool {
        (self.is_due && (self.is_behind || self.count > 0)) || self.count >= BATCH
    }

    /// Notes what a group opened, inside its transaction.
    pub(super) fn note(db: &Connection, batch: Batch) -> rusqlite::Result<Option<Noted>> {
        if batch.is_empty() {
            return Ok(None);
        }
        let places = batch.iter().flat_map(|(place, _)| place.to_be_bytes());
        let places: Vec<u8> = places.collect();
        db.prepare_cached(NOTE)?.execute([places])?;
        let number = db.last_insert_rowid();
        Ok(Some(Noted { number, batch }))
    }

    /// Something was taken out, here or by another process: what is noted is read again, so that nothing is indexed that
    /// is gone.
    pub(super) fn forget(&mut self) {
        self.is_behind |= self.count > 0;
        self.waiting.clear();
        self.count = 0;
    }

    /// Writes what is waiting, inside a transaction. What goes wrong here does not hinder the transaction.
    pub(super) fn write(&mut self, db: &Connection) -> Option<Written> {
        self.is_due = false;
        let mut write = || -> rusqlite::Result<Written> {
            db.prepare_cached("SAVEPOINT words")?.execute([])?;
            let seen = db.prepare_cached(SEEN)?.query_row([], |row| row.get(0))?;
            if std::mem::replace(&mut self.seen, seen) != seen {
                self.forget();
            }
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
                self.forget();
                (self.is_behind, self.has_failed) = (true, true);
                None
            }
        }
    }

    /// Indexes what is noted, up to about a batch.
    fn write_batch(&self, db: &Connection) -> rusqlite::Result<Written> {
        let mut noted = db.prepare_cached(NOTED)?;
        let mut notes = noted.query([])?;
        let mut read = db.prepare_cached(SESSION)?;
        let mut batch: Vec<(i64, Cow<'_, Words>)> = Vec::new();
        let (mut up_to, mut is_behind) = (0, false);
        while let Some(note) = notes.next()? {
            if batch.len() >= 2 * BATCH {
                is_behind = true;
                break;
            }
            up_to = note.get(0)?;
            if let Some(known) = self.waiting.get(&up_to) {
                let known = known.iter();
                batch.extend(known.map(|(place, words)| (*place, Cow::Borrowed(words))));
                continue;
            }
            for place in places(note.get_ref(1)?.as_blob()?) {
                let session = read.query_row([place], |row| decode::doc(row, 0));
                let words = session.optional()?.and_then(|it| Words::of(&it));
                batch.extend(words.map(|words| (place, Cow::Owned(words))));
            }
        }
        drop(notes);
        // The index takes them in this order, or writes a segment for each that is not.
        batch.sort_unstable_by_key(|(place, _)| *place);
        let mut index = Writing::new(db)?;
        for (place, words) in &batch {
            index.add(*place, words)?;
        }
        db.prepare_cached(DONE)?.execute([up_to])?;
        Ok(Written { up_to, is_behind })
    }

    /// A transaction is committed: what was written into the index with it, and what it noted.
    pub(super) fn committed(&mut self, written: Option<Written>, noted: Option<Noted>) {
        let mut up_to = 0;
        if let Some(written) = written {
            (up_to, self.is_behind) = (written.up_to, written.is_behind);
            if self.is_behind {
                self.waiting = self.waiting.split_off(&(up_to + 1));
            } else {
                // All that was noted is done; another process may have done some of it.
                self.waiting.clear();
            }
            self.count = self.waiting.values().map(Vec::len).sum();
        }
        if let Some(noted) = noted.filter(|noted| noted.number > up_to) {
            self.count += noted.batch.len();
            self.waiting.insert(noted.number, noted.batch);
        }
        self.set_alarm();
    }

    fn set_alarm(&mut self) {
        if !self.is_set && (self.is_behind || self.count > 0) {
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

    fn add(&mut self, place: i64, words: &Words) -> rusqlite::Result<()> {
        let tag = match self.tag.take() {
            Some((tenant, tag)) if tenant == words.tenant => tag,
            _ => self.tag_of(words.tenant)?,
        };
        words.write_to(&mut self.text, &tag);
        self.insert.execute(params![place, self.text])?;
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

//! Reading: on the thread that asks, because a read costs less than handing it to another one.
//!
//! Beginning and ending a read costs SQLite two locks on the log's index, each a system call under a mutex that all
//! connections share: as much as looking a session up. So where only a server writes, a connection keeps its read
//! transaction, a *view*, over many reads. A view is given up as soon as this store has begun to commit anything since,
//! by a read a few milliseconds later, and after a tenth of a second in any case; while a commit is under way, nobody reads
//! through a view. So a read sees every commit that was answered before it began, and everything that an earlier read
//! saw.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};
use paydesk_core::store::Unavailable;
use rusqlite::Connection;

use super::schema::{self, OpenError};

/// How long a view is kept at most. Nobody but this store should have written what is read through it; if somebody
/// did, by hand, it is seen this much later.
const KEPT: Duration = Duration::from_millis(5);

/// Counts the beginnings and the ends of this store's commits: odd while one is under way.
#[derive(Default)]
pub(super) struct Commits(AtomicU64);

impl Commits {
    /// Before a commit: from now on some may see it and others not.
    pub(super) fn begin(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    /// After it, whether or not it succeeded, and before anybody is told of it: all see it.
    pub(super) fn end(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    /// The count; nothing while a commit is under way.
    fn settled(&self) -> Option<u64> {
        let count = self.0.load(Ordering::SeqCst);
        count.is_multiple_of(2).then_some(count)
    }
}

/// The read-only connections. Each thread has one that it uses first; as no read is held across an `await`,
/// it nearly always finds that one free.
pub(super) struct Readers {
    lanes: Box<[Mutex<Lane>]>,
    commits: Arc<Commits>,
    keep_views: AtomicBool,
    /// For what takes long: it runs on a thread where nobody else waits, one after the other.
    long: Arc<tokio::sync::Mutex<Connection>>,
}

struct Lane {
    db: Connection,
    view: Option<View>,
}

/// A read transaction that is kept.
struct View {
    /// The count of commits just before it began.
    commits: u64,
    began: Instant,
}

/// Numbers the threads that read, over all stores of the process.
static NEXT: AtomicUsize = AtomicUsize::new(0);
thread_local! {
    static LANE: Cell<usize> = Cell::new(NEXT.fetch_add(1, Ordering::Relaxed));
}

impl Readers {
    /// Opens as many connections as threads can run at once, within bounds: each has a page cache of its own.
    /// Views may be kept only if no other process writes what is read with [`Self::read_own`].
    pub(super) fn open(
        path: &Path,
        commits: Arc<Commits>,
        keep_views: bool,
    ) -> Result<Self, OpenError> {
        let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let count = threads.clamp(2, 8);
        let lanes = (0..count).map(|_| {
            let db = schema::open_reader(path, count)?;
            Ok(Mutex::new(Lane { db, view: None }))
        });
        let lanes = lanes.collect::<Result<_, _>>()?;
        let long = schema::open_reader(path, count)?;
        Ok(Self {
            lanes,
            commits,
            keep_views: AtomicBool::new(keep_views),
            long: Arc::new(tokio::sync::Mutex::new(long)),
        })
    }

    /// Reads with one of the connections. It sees every commit of any process that is done.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Unavailable> {
        let mut lane = self.lane()?;
        lane.end_view().map_err(Unavailable::because)?;
        read(&lane.db).map_err(Unavailable::because)
    }

    /// Reads what only this store writes, if it is a server's. It sees every commit that was answered before it
    /// began, and everything that an earlier read saw.
    pub(super) fn read_own<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Unavailable> {
        let commits = self.commits.settled();
        let Some(commits) = commits.filter(|_| self.keep_views.load(Ordering::SeqCst)) else {
            return self.read(read);
        };
        let mut lane = self.lane()?;
        let found = lane.look(commits).and_then(|()| read(&lane.db));
        if found.is_err() {
            lane.view = None;
        }
        found.map_err(Unavailable::because)
    }

    /// Ends all views: nobody keeps the log's end from being copied, or the log from being started over.
    pub(super) fn end_views(&self) -> rusqlite::Result<()> {
        for lane in &self.lanes {
            lane.lock().end_view()?;
        }
        Ok(())
    }

    /// Ends the views that were kept long enough. Who reads just now ends its own.
    pub(super) fn end_old_views(&self) -> rusqlite::Result<()> {
        let now = Instant::now();
        for mut lane in self.lanes.iter().filter_map(Mutex::try_lock) {
            if lane
                .view
                .as_ref()
                .is_some_and(|view| now - view.began >= KEPT)
            {
                lane.end_view()?;
            }
        }
        Ok(())
    }

    /// Ends all views, and keeps none any more.
    pub(super) fn keep_no_views(&self) -> rusqlite::Result<()> {
        self.keep_views.store(false, Ordering::SeqCst);
        self.end_views()
    }

    fn lane(&self) -> Result<MutexGuard<'_, Lane>, Unavailable> {
        let first = LANE.get();
        let count = self.lanes.len();
        let lane = |n: usize| self.lanes.get((first + n) % count);
        let free = (0..count).filter_map(lane).find_map(Mutex::try_lock);
        free.or_else(|| lane(0).map(Mutex::lock))
            // Not reachable: there are always at least two.
            .ok_or_else(|| Unavailable::because("there are no readers"))
    }

    /// Reads several things as they are at one moment.
    pub(super) fn at_once<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Unavailable> {
        self.read(|db| in_one_moment(db, read))
    }

    /// Reads several things as they are at one moment, where that may take long.
    pub(super) async fn long<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Unavailable> {
        // Whoever waits holds no thread, of which all the program has a bounded number, and stops waiting when nobody
        // wants the answer any more.
        let long = Arc::clone(&self.long).lock_owned().await;
        let reading = tokio::task::spawn_blocking(move || in_one_moment(&long, read));
        let read = reading.await.map_err(Unavailable::because)?;
        read.map_err(Unavailable::because)
    }
}

impl Lane {
    /// Has the view of these commits, if it is there and fresh, or begins one.
    fn look(&mut self, commits: u64) -> rusqlite::Result<()> {
        let now = Instant::now();
        let is_fresh = |view: &View| view.commits == commits && now - view.began < KEPT;
        if self.view.as_ref().is_some_and(is_fresh) {
            return Ok(());
        }
        self.end_view()?;
        // What is seen is what is there at the first read in it: later than the count was taken.
        self.db.prepare_cached("BEGIN")?.execute([])?;
        self.view = Some(View {
            commits,
            began: now,
        });
        Ok(())
    }

    fn end_view(&mut self) -> rusqlite::Result<()> {
        self.view = None;
        // The connection itself knows: after some errors it has ended the transaction by itself.
        if !self.db.is_autocommit() {
            self.db.prepare_cached("COMMIT")?.execute([])?;
        }
        Ok(())
    }
}

/// What several statements read is of one moment only within a transaction.
fn in_one_moment<T>(
    db: &Connection,
    read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let moment = db.unchecked_transaction()?;
    let found = read(&moment)?;
    moment.commit()?;
    Ok(found)
}

//! Reading: on the thread that asks, because a read costs less than handing it to another one.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use paydesk_core::store::Unavailable;
use rusqlite::Connection;

use super::schema::{self, OpenError};

/// The read-only connections. Each thread has one that it uses first; as no read is held across an `await`,
/// it nearly always finds that one free.
pub(super) struct Readers {
    lanes: Box<[Mutex<Connection>]>,
    /// For what takes long: it runs on a thread where nobody else waits, one after the other.
    long: Arc<Mutex<Connection>>,
}

/// Numbers the threads that read, over all stores of the process.
static NEXT: AtomicUsize = AtomicUsize::new(0);
thread_local! {
    static LANE: Cell<usize> = Cell::new(NEXT.fetch_add(1, Ordering::Relaxed));
}

impl Readers {
    /// Opens as many connections as threads can run at once, within bounds: each has a page cache of its own.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let count = threads.clamp(2, 8);
        let lanes = (0..count).map(|_| schema::open_reader(path, count).map(Mutex::new));
        let lanes = lanes.collect::<Result<_, _>>()?;
        let long = Arc::new(Mutex::new(schema::open_reader(path, count)?));
        Ok(Self { lanes, long })
    }

    /// Reads with one of the connections. It sees every commit that was answered.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Unavailable> {
        let first = LANE.get();
        let count = self.lanes.len();
        let lane = |n: usize| self.lanes.get((first + n) % count);
        let free = (0..count).filter_map(lane).find_map(Mutex::try_lock);
        let Some(db) = free.or_else(|| lane(0).map(Mutex::lock)) else {
            // Not reachable: there are always at least two.
            return Err(Unavailable::because("there are no readers"));
        };
        read(&db).map_err(Unavailable::because)
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
        let long = Arc::clone(&self.long);
        let reading = tokio::task::spawn_blocking(move || in_one_moment(&long.lock(), read));
        let read = reading.await.map_err(Unavailable::because)?;
        read.map_err(Unavailable::because)
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

//! Reading: on the thread that asks, because a read costs less than handing it to another one.

use std::cell::Cell;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use paydesk_core::store::Unavailable;
use rusqlite::Connection;

use super::schema::{self, OpenError};

/// The read-only connections. Each thread has one that it uses first; as no read is held across an `await`,
/// it nearly always finds that one free.
pub(super) struct Readers {
    lanes: Box<[Mutex<Connection>]>,
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
        let lanes = (0..threads.clamp(2, 8)).map(|_| schema::open_reader(path).map(Mutex::new));
        let lanes = lanes.collect::<Result<_, _>>()?;
        Ok(Self { lanes })
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
}

//! Who waits for changes of sessions: open pages that poll, and streams of events.
//!
//! A change made by this process wakes its waiters at once. Changes made by other processes, and by time, are
//! found by one batched read of all watched sessions per tick ([`super::Jobs`]), not by one read per waiter.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::id::SessionId;
use crate::store::SessionPulse;
use crate::tenant::Tenant;

struct Watched {
    waiters: usize,
    wake: Arc<Notify>,
    /// What the last tick saw.
    pulse: Option<SessionPulse>,
}

/// The sessions that somebody waits for.
#[derive(Default)]
pub struct Watch {
    sessions: Mutex<HashMap<(Tenant, SessionId), Watched>>,
    count: AtomicUsize,
}

/// One waiter; dropping it ends the waiting.
pub struct Waiter<'w> {
    watch: &'w Watch,
    key: (Tenant, SessionId),
    wake: Arc<Notify>,
}

impl Watch {
    /// Begins to wait. Look at the session after this, then wait: no change falls between.
    #[must_use]
    pub fn join(&self, tenant: Tenant, session: SessionId) -> Waiter<'_> {
        let key = (tenant, session);
        let mut sessions = self.sessions.lock();
        let watched = sessions.entry(key).or_insert_with(|| Watched {
            waiters: 0,
            wake: Arc::new(Notify::new()),
            pulse: None,
        });
        watched.waiters += 1;
        let wake = Arc::clone(&watched.wake);
        self.count.store(sessions.len(), Ordering::Release);
        Waiter {
            watch: self,
            key,
            wake,
        }
    }

    /// How many wait for this session.
    #[must_use]
    pub fn waiters(&self, tenant: Tenant, session: SessionId) -> usize {
        self.sessions
            .lock()
            .get(&(tenant, session))
            .map_or(0, |watched| watched.waiters)
    }

    /// Whether nobody waits for anything.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// Wakes who waits for this session.
    pub fn changed(&self, tenant: Tenant, session: SessionId) {
        if let Some(watched) = self.sessions.lock().get(&(tenant, session)) {
            watched.wake.notify_waiters();
        }
    }

    /// All sessions that somebody waits for.
    #[must_use]
    pub fn watched(&self) -> Vec<(Tenant, SessionId)> {
        self.sessions.lock().keys().copied().collect()
    }

    /// What a tick saw of a session: wakes its waiters if that differs from what the last one saw, or if time
    /// has changed it since. The first look wakes them too: what they read may be older than what it saw.
    pub fn saw(&self, tenant: Tenant, session: SessionId, pulse: SessionPulse, lapsed: bool) {
        if let Some(watched) = self.sessions.lock().get_mut(&(tenant, session)) {
            let changed = watched.pulse.is_none_or(|last| last != pulse);
            watched.pulse = Some(pulse);
            if changed || lapsed {
                watched.wake.notify_waiters();
            }
        }
    }
}

impl Waiter<'_> {
    /// Resolves at the next change. Create the future before looking at the session.
    pub fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.wake.notified()
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut sessions = self.watch.sessions.lock();
        if let Some(watched) = sessions.get_mut(&self.key) {
            watched.waiters -= 1;
            if watched.waiters == 0 {
                sessions.remove(&self.key);
            }
        }
        self.watch.count.store(sessions.len(), Ordering::Release);
    }
}

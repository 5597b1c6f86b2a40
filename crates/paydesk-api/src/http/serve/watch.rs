//! The watch over all connections: what each waits for, and since when.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Waker;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::ConnectionLimits;
use crate::http::metrics::{ConnectionMetrics, TimedOut};

/// What a connection waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Phase {
    /// For another request.
    Idle = 0,
    /// For the rest of a request's head.
    Head = 1,
    /// For our own answer.
    Answer = 2,
    /// For the client to take the answer.
    Write = 3,
}

/// What a connection is told. Only ever raised.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub(super) enum Order {
    /// Nothing.
    Stay = 0,
    /// Answer what you have begun, then close.
    Finish = 1,
    /// Close.
    Cut = 2,
}

/// What the watch knows of one connection. Written by the connection's own task at every turn, so nothing here
/// takes a lock or reads the clock.
#[derive(Debug)]
pub(super) struct Watched {
    phase: AtomicU8,
    /// On the watch's own coarse clock.
    since: AtomicU64,
    order: AtomicU8,
    /// Wakes the connection's task to hear its order.
    waker: OnceLock<Waker>,
    clock: Arc<AtomicU64>,
}

impl Watched {
    pub(super) fn enters(&self, phase: Phase) {
        self.since
            .store(self.clock.load(Ordering::Relaxed), Ordering::Relaxed);
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    pub(super) fn is_in(&self, phase: Phase) -> bool {
        self.phase.load(Ordering::Relaxed) == phase as u8
    }

    /// To be called by the connection's task before it asks for its order for the first time.
    pub(super) fn wake_by(&self, waker: &Waker) {
        self.waker.get_or_init(|| waker.clone());
    }

    pub(super) fn order(&self) -> Order {
        match self.order.load(Ordering::Acquire) {
            0 => Order::Stay,
            1 => Order::Finish,
            _ => Order::Cut,
        }
    }

    /// Whether that was news.
    fn tell(&self, order: Order) -> bool {
        let news = self.order.fetch_max(order as u8, Ordering::AcqRel) < order as u8;
        if news && let Some(waker) = self.waker.get() {
            waker.wake_by_ref();
        }
        news
    }

    /// What is due, at `now`, of a connection under these limits.
    fn due(
        &self,
        now: u64,
        limits: &ConnectionLimits,
        tick: Duration,
    ) -> Option<(TimedOut, Order)> {
        // The phase may change while this is read; then it is judged by the moment before, within one tick.
        let (what, limit, order) = match self.phase.load(Ordering::Relaxed) {
            0 => (TimedOut::Idle, limits.idle, Order::Finish),
            1 => (TimedOut::Head, limits.head, Order::Cut),
            2 => (TimedOut::Answer, limits.answer, Order::Cut),
            _ => (TimedOut::Write, limits.idle, Order::Cut),
        };
        let waited = now.saturating_sub(self.since.load(Ordering::Relaxed));
        // The coarse clock may be one tick behind, and nobody is to get less time than the limit says.
        (u128::from(waited) > (limit + tick).as_millis()).then_some((what, order))
    }
}

/// All connections of one listener.
pub(super) struct Watch {
    limits: ConnectionLimits,
    metrics: Arc<ConnectionMetrics>,
    tick: Duration,
    /// Milliseconds that it has watched, as of the last tick.
    clock: Arc<AtomicU64>,
    members: Arc<Members>,
}

#[derive(Default)]
struct Members {
    all: Mutex<(u64, HashMap<u64, Arc<Watched>>)>,
    one_left: Notify,
}

impl Watch {
    pub(super) fn new(limits: ConnectionLimits, metrics: Arc<ConnectionMetrics>) -> Self {
        let shortest = limits.head.min(limits.idle).min(limits.answer);
        Self {
            limits,
            metrics,
            tick: (shortest / 10).clamp(Duration::from_millis(5), Duration::from_millis(500)),
            clock: Arc::default(),
            members: Arc::default(),
        }
    }

    /// A new connection. It is a member for as long as the pass lives.
    pub(super) fn enter(&self) -> Pass {
        let watched = Arc::new(Watched {
            phase: AtomicU8::new(Phase::Head as u8),
            since: AtomicU64::new(self.clock.load(Ordering::Relaxed)),
            order: AtomicU8::new(Order::Stay as u8),
            waker: OnceLock::new(),
            clock: self.clock.clone(),
        });
        self.metrics.opened();
        let mut all = self.members.all.lock();
        all.0 += 1;
        let number = all.0;
        all.1.insert(number, watched.clone());
        Pass {
            watched,
            number,
            members: self.members.clone(),
            metrics: self.metrics.clone(),
        }
    }

    /// Looks at all connections, again and again.
    pub(super) async fn watch(&self) {
        let mut ticks = tokio::time::interval(self.tick);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut watched_for, mut looked) = (Duration::ZERO, Instant::now());
        loop {
            ticks.tick().await;
            // What the process itself slept through (no processor to run on, a machine that was halted) is no client's
            // delay: what came meanwhile is still to be read.
            let before = std::mem::replace(&mut looked, Instant::now());
            watched_for += (looked - before).min(self.tick * 2);
            let now = u64::try_from(watched_for.as_millis()).unwrap_or(u64::MAX);
            self.clock.store(now, Ordering::Relaxed);
            for watched in self.members.all.lock().1.values() {
                if let Some((what, order)) = watched.due(now, &self.limits, self.tick)
                    && watched.tell(order)
                {
                    self.metrics.timed_out(what);
                }
            }
        }
    }

    pub(super) fn finish_all(&self) {
        for watched in self.members.all.lock().1.values() {
            watched.tell(Order::Finish);
        }
    }

    /// Tells all to close, and how many there were.
    pub(super) fn cut_all(&self) -> usize {
        let all = self.members.all.lock();
        for watched in all.1.values() {
            watched.tell(Order::Cut);
        }
        all.1.len()
    }

    /// Resolves once there is no connection left.
    pub(super) async fn all_gone(&self) {
        // A permit is kept for the one who leaves between the look and the wait.
        while !self.members.all.lock().1.is_empty() {
            self.members.one_left.notified().await;
        }
    }
}

/// A connection's membership.
pub(super) struct Pass {
    watched: Arc<Watched>,
    number: u64,
    members: Arc<Members>,
    metrics: Arc<ConnectionMetrics>,
}

impl Pass {
    pub(super) const fn watched(&self) -> &Arc<Watched> {
        &self.watched
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.members.all.lock().1.remove(&self.number);
        self.members.one_left.notify_one();
        self.metrics.closed();
    }
}

//! The counters of one listener's connections.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a connection was waiting for when its time was over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimedOut {
    /// For another request.
    Idle,
    /// For the rest of a request's head.
    Head,
    /// For our own answer.
    Answer,
    /// For the client to take our answer.
    Write,
}

impl TimedOut {
    const ALL: [Self; 4] = [Self::Idle, Self::Head, Self::Answer, Self::Write];

    const fn label(self) -> &'static str {
        match self {
            Self::Idle => "next_request",
            Self::Head => "head",
            Self::Answer => "answer",
            Self::Write => "write",
        }
    }
}

/// What is counted of a listener's connections.
#[derive(Debug)]
pub struct ConnectionMetrics {
    pub(super) listener: &'static str,
    accepted: AtomicU64,
    closed: AtomicU64,
    accept_errors: AtomicU64,
    timed_out: [AtomicU64; 4],
}

impl ConnectionMetrics {
    pub(super) const fn new(listener: &'static str) -> Self {
        Self {
            listener,
            accepted: AtomicU64::new(0),
            closed: AtomicU64::new(0),
            accept_errors: AtomicU64::new(0),
            timed_out: [const { AtomicU64::new(0) }; 4],
        }
    }

    /// A connection was accepted.
    pub fn opened(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    /// An accepted connection is over.
    pub fn closed(&self) {
        self.closed.fetch_add(1, Ordering::Relaxed);
    }

    /// None could be accepted.
    pub fn accept_failed(&self) {
        self.accept_errors.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection took too long.
    pub fn timed_out(&self, what: TimedOut) {
        if let Some(counter) = self.timed_out.get(what as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn open(&self) -> u64 {
        // Closed first: read the other way round, one that opens and closes in between would be missing.
        let closed = self.closed.load(Ordering::Relaxed);
        self.accepted.load(Ordering::Relaxed).saturating_sub(closed)
    }

    pub(super) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    pub(super) fn accept_errors(&self) -> u64 {
        self.accept_errors.load(Ordering::Relaxed)
    }

    pub(super) fn timeouts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        TimedOut::ALL
            .iter()
            .zip(&self.timed_out)
            .map(|(what, counter)| (what.label(), counter.load(Ordering::Relaxed)))
    }
}

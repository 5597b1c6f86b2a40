//! How long to wait for a server that is away.

use std::time::Duration;

use parking_lot::Mutex;
use paydesk_core::id::{Ids as _, SystemIds};
use tokio::time::Instant;

/// The first pause before another attempt; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_millis(400);
/// How often a change is tried again that others were in the way of.
const TURNS: u32 = 60;

/// Since when the server is away, if it is. Patience is counted from there: what is asked for during a long outage
/// is not made to wait as well.
#[derive(Debug)]
pub(super) struct Outage {
    since: Mutex<Option<Instant>>,
    patience: Duration,
}

impl Outage {
    pub(super) const fn new(patience: Duration) -> Self {
        Self {
            since: Mutex::new(None),
            patience,
        }
    }

    /// The server answered.
    pub(super) fn over(&self) {
        let mut since = self.since.lock();
        if let Some(began) = since.take() {
            tracing::info!(
                seconds = began.elapsed().as_secs_f32(),
                "the database is back"
            );
        }
    }

    /// The server did not answer. Answers whether to wait for it.
    fn goes_on(&self, error: &str) -> bool {
        let mut since = self.since.lock();
        let began = since.unwrap_or_else(|| {
            tracing::warn!(error, "the database is away");
            Instant::now()
        });
        *since = Some(began);
        began.elapsed() < self.patience
    }
}

/// The attempts at one thing.
pub(super) struct Attempts<'o> {
    outage: &'o Outage,
    began: Instant,
    pause: Duration,
    turns: u32,
}

impl<'o> Attempts<'o> {
    pub(super) fn new(outage: &'o Outage) -> Self {
        Self {
            outage,
            began: Instant::now(),
            pause: FIRST_PAUSE,
            turns: 0,
        }
    }

    /// Waits for a server that is away; answers whether there is a point in asking again.
    pub(super) async fn again_after_outage(&mut self, error: &str) -> bool {
        let waits = self.outage.goes_on(error);
        if waits {
            self.rest().await;
        }
        waits
    }

    /// Waits for others to be done; answers whether there is a point in asking again.
    pub(super) async fn again_after_others(&mut self) -> bool {
        self.turns += 1;
        if self.turns > TURNS {
            return false;
        }
        self.rest().await;
        true
    }

    /// Lets others have their turn with a lock; answers whether there is a point in waiting for it again. Each wait is
    /// seconds long, so that it is their time which is bounded: whoever keeps it may be at lunch.
    pub(super) async fn again_after_lock(&mut self) -> bool {
        self.began.elapsed() < self.outage.patience && self.again_after_others().await
    }

    /// Those who met once would meet again if they all waited equally long.
    async fn rest(&mut self) {
        let mut uneven = [0];
        SystemIds.fill(&mut uneven);
        let [uneven] = uneven;
        let pause = self.pause / 2 + self.pause * u32::from(uneven) / 256;
        tokio::time::sleep(pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}

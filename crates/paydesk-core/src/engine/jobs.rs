//! What the engine does by itself: writes down what time has done, asks about unknown outcomes, counts money
//! that came in, and wakes pages that wait. All state is in the store: a job that dies is taken up by the next
//! tick, here or on another node.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use tokio::sync::watch;

use super::record_transfer::Recorded;
use super::{Engine, EngineError};
use crate::id::SessionId;
use crate::rail::Transfer;
use crate::refusal::Refusal;
use crate::store::Unavailable;
use crate::tenant::Tenant;
use crate::test_clock::TestClock;
use crate::time::Span;

/// How many of a kind a tick takes up at once; more are taken by the next.
const BATCH: usize = 200;
/// How long an answered request is remembered, for who sends it again; vendors promise a day.
const REMEMBERED: Span = Span::hours(48);
/// How many rails are asked at the same time.
const ASKING: usize = 16;
/// How many sessions are swept at the same time. Payers and merchants are served beside it.
const SWEEPING: usize = 16;

/// How often what is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Jobs {
    /// Sessions whose time has come, and test clocks that were moved.
    pub sweep: Duration,
    /// Transactions whose outcome is not known.
    pub reconcile: Duration,
    /// Money that came in. In between, the rail itself may wake the job.
    pub collect: Duration,
    /// Sessions that pages wait for.
    pub pulse: Duration,
    /// Answered requests that nobody sends again any more.
    pub forget: Duration,
}

impl Default for Jobs {
    fn default() -> Self {
        Self {
            sweep: Duration::from_millis(500),
            reconcile: Duration::from_millis(500),
            collect: Duration::from_millis(500),
            pulse: Duration::from_millis(500),
            forget: Duration::from_mins(1),
        }
    }
}

impl Jobs {
    /// Runs all jobs until `shutdown` says so. `money_came` wakes the collecting job before its time.
    pub async fn run(
        self,
        engine: Arc<Engine>,
        money_came: Arc<tokio::sync::Notify>,
        shutdown: watch::Receiver<bool>,
    ) {
        let never = tokio::sync::Notify::new();
        tokio::join!(
            every(self.sweep, &never, shutdown.clone(), || engine.sweep()),
            every(self.sweep, &never, shutdown.clone(), || engine
                .finish_clock_steps()),
            every(self.reconcile, &never, shutdown.clone(), || engine
                .reconcile_due()),
            every(self.collect, &money_came, shutdown.clone(), || engine
                .collect_transfers()),
            every(self.pulse, &never, shutdown.clone(), || engine.pulse()),
            every(self.forget, &never, shutdown, || engine.forget_requests()),
        );
    }
}

/// Runs a job again and again: at once while it finds a whole batch, otherwise after a pause or when woken.
async fn every<F>(
    pause: Duration,
    wake: &tokio::sync::Notify,
    mut shutdown: watch::Receiver<bool>,
    job: impl Fn() -> F,
) where
    F: Future<Output = Result<usize, Unavailable>>,
{
    while !*shutdown.borrow() {
        match job().await {
            Ok(found) if found >= BATCH => continue,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "a job could not read the store; it is tried again");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = wake.notified() => {}
            stopped = shutdown.changed() => if stopped.is_err() { return },
        }
    }
}

impl Engine {
    /// Writes down what time has done to sessions. Answers to how many: a job that fails does not go on at once.
    pub async fn sweep(&self) -> Result<usize, Unavailable> {
        // What is moving is another job's: one merchant's deliveries hold up nobody's sessions.
        self.read_clocks().await?;
        let due = self.store.due_sessions(self.wall(), BATCH).await?;
        let mut swept = self.lapse(due).await;
        for merchant in self.clocks.moved() {
            let tenant = TestClock::tenant_of(merchant);
            match self.sweep_of(tenant).await {
                Ok(lapsed) => swept += lapsed,
                Err(error) => {
                    tracing::warn!(%error, %merchant, "a test clock's sessions could not be swept; it is tried again");
                }
            }
        }
        Ok(swept)
    }

    /// Goes on with steps of test clocks whose process may be gone. If it is at it still, each delivery is brought forward
    /// once all the same. Answers 0: nothing is left over for a next time.
    pub async fn finish_clock_steps(&self) -> Result<usize, Unavailable> {
        stream::iter(self.read_clocks().await?)
            .map(|clock| async move {
                if let Err(error) = self.finish_moving(&clock).await {
                    tracing::warn!(%error, merchant = %clock.merchant, "a step of a test clock could not be finished; it is tried again");
                }
            })
            .buffer_unordered(SWEEPING)
            .collect::<()>()
            .await;
        Ok(0)
    }

    /// Writes down what time has done to these sessions, of some at the same time: they share the store's commits.
    /// Answers to how many.
    pub(super) async fn lapse(&self, due: Vec<(Tenant, SessionId)>) -> usize {
        stream::iter(due)
            .map(|(tenant, session)| async move {
                let lapsed = self.lapse_session(tenant, session).await;
                if let Err(error) = &lapsed {
                    tracing::warn!(%error, %session, "a session could not be swept; it is tried again");
                }
                usize::from(lapsed.is_ok())
            })
            .buffer_unordered(SWEEPING)
            .fold(0, |sum, swept| async move { sum + swept })
            .await
    }

    /// Asks about transactions whose outcome is not known. Answers about how many.
    pub async fn reconcile_due(&self) -> Result<usize, Unavailable> {
        let due = self.store.due_transactions(self.wall(), BATCH).await?;
        let asked = stream::iter(due)
            .map(|(tenant, transaction)| async move {
                let asked = self.reconcile(tenant, transaction).await;
                if let Err(error) = &asked {
                    tracing::warn!(%error, %transaction, "an outcome could not be asked for; it is tried again");
                }
                usize::from(asked.is_ok())
            })
            .buffer_unordered(ASKING)
            .fold(0, |sum, asked| async move { sum + asked })
            .await;
        Ok(asked)
    }

    /// Makes everything due now that another process had in flight: for a start-up that knows that no other
    /// process is running on this store.
    pub async fn take_over(&self) -> Result<usize, EngineError> {
        let horizon = self.wall().after(self.timing.lease);
        let mut taken = 0;
        for (tenant, id) in self.store.due_transactions(horizon, usize::MAX).await? {
            taken += usize::from(self.take_over_one(tenant, id).await?);
        }
        Ok(taken)
    }

    /// Takes in money that came. Answers how many transfers that were not known before.
    pub async fn collect_transfers(&self) -> Result<usize, Unavailable> {
        let Some(rail) = &self.sandbox else {
            return Ok(0);
        };
        let (mut taken, mut after) = (0, None);
        loop {
            let transfers = match rail.transfers(after.as_deref(), BATCH).await {
                Ok(transfers) => transfers,
                Err(error) => {
                    tracing::warn!(%error, "transfers could not be read; they are asked for again");
                    return Ok(taken);
                }
            };
            let mut recorded = Vec::with_capacity(transfers.len());
            for transfer in &transfers {
                if self.is_taken_in(transfer).await {
                    recorded.push(transfer.id.clone());
                }
            }
            taken += recorded.len();
            if !recorded.is_empty()
                && let Err(error) = rail.acknowledge(&recorded).await
            {
                tracing::warn!(%error, "transfers could not be acknowledged; they are told again and counted once");
                return Ok(taken);
            }
            // Those that must wait are told again the next time, and hold up none that came after them.
            match transfers.last() {
                Some(last) if transfers.len() >= BATCH => after = Some(last.id.clone()),
                _ => return Ok(taken),
            }
        }
    }

    /// Whether a transfer is taken in and need not be told again.
    async fn is_taken_in(&self, transfer: &Transfer) -> bool {
        match self.record_transfer(transfer).await {
            Ok(Recorded::Counted(_) | Recorded::Known) => true,
            Ok(Recorded::Unmatched) => {
                tracing::warn!(transfer = %transfer.id, "a transfer matches no payment; it is kept to be assigned");
                true
            }
            Err(EngineError::Refused(Refusal::PaymentInProgress)) => false,
            Err(error) => {
                tracing::warn!(%error, transfer = %transfer.id, "a transfer could not be taken in; it is asked for again");
                false
            }
        }
    }

    /// Forgets idempotent requests that were answered long ago. Answers how many.
    pub async fn forget_requests(&self) -> Result<usize, Unavailable> {
        let before = self.wall().before(REMEMBERED);
        self.store.forget_requests(before, BATCH).await
    }

    /// One batched look at all sessions that pages wait for.
    pub async fn pulse(&self) -> Result<usize, Unavailable> {
        let watched = self.watch.watched();
        if watched.is_empty() {
            return Ok(0);
        }
        let pulses = self.store.pulses(&watched).await?;
        for ((tenant, session), pulse) in watched.into_iter().zip(pulses) {
            if let Some(pulse) = pulse {
                let lapsed = pulse
                    .due_at
                    .is_some_and(|due_at| due_at <= self.now(tenant));
                self.watch.saw(tenant, session, pulse, lapsed);
            }
        }
        Ok(0)
    }
}

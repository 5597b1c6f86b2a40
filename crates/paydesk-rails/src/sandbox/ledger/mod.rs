//! The sandbox's books: what was asked under which reference, what came of it, and every movement of (test)
//! money. Durable, in a file of its own, so that it can be held against what the server believes.
//!
//! One thread owns the file. It applies what has queued up in one transaction, each piece of work within its own
//! savepoint, and answers after the commit: many payments share one fsync and the runtime never blocks.

mod balance;
mod challenge;
mod charge;
mod follow_up;
mod operation;
mod push;
mod schema;
mod start;

use std::path::Path;
use std::sync::Arc;

use paydesk_core::id::{Ids, TransactionId};
use paydesk_core::money::Money;
use paydesk_core::payment_method::StoredCard;
use paydesk_core::rail::{Found, RailAnswer, Transfer};
use paydesk_core::time::{Clock, Timestamp};
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot, watch};

pub use charge::{Charge, ChargePage};
pub use operation::Outcome;

use super::attempt::{After, Attempt};
use super::bank::{Challenge, Choice, PushName, PushPayment, SandboxError, Wakeups};

/// How many pieces of work may share one commit.
const BATCH: usize = 256;
/// How many may wait; more wait to be let in.
const QUEUE: usize = 1024;

/// The ledger could not do or say it; what it was asked may or may not have happened.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the sandbox's ledger is unavailable: {0}")]
pub struct LedgerError(Arc<str>);

impl LedgerError {
    fn because(reason: impl std::fmt::Display) -> Self {
        Self(reason.to_string().into())
    }
}

impl From<rusqlite::Error> for LedgerError {
    fn from(error: rusqlite::Error) -> Self {
        Self::because(error)
    }
}

impl From<LedgerError> for SandboxError {
    fn from(error: LedgerError) -> Self {
        Self::Unreachable(error.to_string())
    }
}

/// The books. Clones share them.
#[derive(Clone)]
pub struct Ledger {
    jobs: mpsc::Sender<Job>,
    moved: watch::Sender<u64>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ledger")
    }
}

/// A piece of work, and how its caller is told after the commit.
type Job = Box<dyn FnOnce(&Connection) -> Done + Send>;
type Tell = Box<dyn FnOnce(Result<(), LedgerError>) + Send>;
struct Done {
    keep: bool,
    tell: Tell,
}

/// The books opened for one piece of work.
struct Book<'a> {
    db: &'a Connection,
    ids: &'a dyn Ids,
    now: Timestamp,
}

impl Ledger {
    /// Whether a ledger's file is whole, and of a version that is known; it is not changed.
    pub fn check(path: &Path) -> Result<(), LedgerError> {
        schema::check(path)
    }

    /// Opens the ledger's file, or begins it. Blocks while it does.
    pub fn open(
        path: &Path,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Result<Self, LedgerError> {
        let db = schema::open(path)?;
        let (jobs, waiting) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name("sandbox-ledger".to_owned())
            .spawn(move || work_through(db, waiting))
            .map_err(LedgerError::because)?;
        Ok(Self {
            jobs,
            moved: watch::Sender::new(0),
            clock,
            ids,
        })
    }

    pub(super) async fn start(&self, attempt: Attempt) -> Result<RailAnswer, LedgerError> {
        let answer = self.with(move |book| book.start(&attempt)).await?;
        // The charge is on disk; whoever asked never hears of it.
        fail::fail_point!("sandbox-charged", |_| Ok(RailAnswer::Unknown));
        Ok(answer)
    }

    pub(super) async fn follow_up(&self, after: After) -> Result<RailAnswer, LedgerError> {
        self.with(move |book| book.follow_up(&after)).await
    }

    pub(super) async fn query(&self, reference: TransactionId) -> Result<Found, LedgerError> {
        self.with(move |book| book.query(reference)).await
    }

    pub(super) async fn abandon(&self, reference: TransactionId) -> Result<Found, LedgerError> {
        self.with(move |book| book.abandon(reference)).await
    }

    pub(super) async fn transfers(
        &self,
        after: Option<String>,
        limit: usize,
    ) -> Result<Vec<Transfer>, LedgerError> {
        self.with(move |book| book.transfers(after.as_deref(), limit))
            .await
    }

    pub(super) async fn acknowledge(&self, transfers: Vec<String>) -> Result<(), LedgerError> {
        self.with(move |book| book.acknowledge(&transfers)).await
    }

    pub(super) async fn push(&self, named: PushName) -> Result<PushPayment, SandboxError> {
        self.with(move |book| book.push(&named)).await?
    }

    pub(super) async fn bank_transfer(
        &self,
        named: PushName,
        amount: Option<Money>,
        written: Option<String>,
    ) -> Result<Transfer, SandboxError> {
        let transfer = self
            .with(move |book| book.bank_transfer(&named, amount, written.as_deref()))
            .await??;
        self.moved();
        Ok(transfer)
    }

    pub(super) async fn challenge(&self, token: &str) -> Result<Challenge, SandboxError> {
        let token = token.to_owned();
        self.with(move |book| book.challenge(&token)).await?
    }

    pub(super) async fn choose(
        &self,
        token: &str,
        choice: Choice,
    ) -> Result<Challenge, SandboxError> {
        let token = token.to_owned();
        let challenge = self.with(move |book| book.choose(&token, choice)).await??;
        self.moved();
        Ok(challenge)
    }

    pub(super) fn wakeups(&self) -> Wakeups {
        Wakeups::watched(self.moved.subscribe())
    }

    /// What was really held, taken and given back under a reference; nothing if no money moved under it.
    pub async fn charge(&self, reference: TransactionId) -> Result<Option<Charge>, LedgerError> {
        self.with(move |book| book.charge(reference)).await
    }

    /// Everything under which money really moved, by reference, after `after`.
    pub async fn charges(
        &self,
        after: Option<TransactionId>,
        limit: usize,
    ) -> Result<ChargePage, LedgerError> {
        self.with(move |book| book.charges(after, limit)).await
    }

    /// The card that was kept with this operation, whatever its caller made of it.
    pub async fn card_kept_by(
        &self,
        reference: TransactionId,
    ) -> Result<Option<StoredCard>, LedgerError> {
        self.with(move |book| book.card_stored_by(reference)).await
    }

    fn moved(&self) {
        self.moved.send_modify(|count| *count += 1);
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Book<'_>) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let silent = || LedgerError::because("it did not answer");
        let (answer, answered) = oneshot::channel();
        let (ids, now) = (Arc::clone(&self.ids), self.clock.now());
        let job: Job = Box::new(move |db| {
            let result = work(&Book {
                db,
                ids: &*ids,
                now,
            });
            Done {
                keep: result.is_ok(),
                // Whoever asked may have gone away.
                tell: Box::new(move |committed| drop(answer.send(committed.and(result)))),
            }
        });
        self.jobs.send(job).await.map_err(|_| silent())?;
        answered.await.map_err(|_| silent())?
    }
}

fn work_through(mut db: Connection, mut waiting: mpsc::Receiver<Job>) {
    while let Some(first) = waiting.blocking_recv() {
        let mut done = Vec::new();
        let committed = commit_together(&mut db, first, &mut waiting, &mut done);
        if let Err(error) = &committed {
            tracing::error!(%error, "a commit of the sandbox's ledger failed");
        }
        for tell in done {
            tell(committed.clone());
        }
    }
}

fn commit_together(
    db: &mut Connection,
    first: Job,
    waiting: &mut mpsc::Receiver<Job>,
    done: &mut Vec<Tell>,
) -> Result<(), LedgerError> {
    let mut together = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut next = Some(first);
    while let Some(job) = next {
        // Dropped without a commit, a savepoint undoes its own work and no other's.
        let savepoint = together.savepoint()?;
        let Done { keep, tell } = job(&savepoint);
        done.push(tell);
        if keep {
            savepoint.commit()?;
        }
        next = if done.len() < BATCH {
            waiting.try_recv().ok()
        } else {
            None
        };
    }
    together.commit()?;
    Ok(())
}

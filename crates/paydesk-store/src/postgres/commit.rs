//! A change, brought to an end: applied, refused by name, or given up.
//!
//! What makes an attempt fail decides what comes next. A conflict is named. Where others were in the way (a
//! serialization failure, a deadlock, a lock) or the server is away, the attempt is repeated, within bounds.
//!
//! **An answer that never came.** When the connection breaks after the commit was sent, the change may have been
//! applied, may be applied in a moment (the server has not noticed yet that nobody listens), or not. So the same change
//! is sent again, and its own guards decide: a change that was applied refuses itself the second time, since its
//! records are there, its events are there, its key is known. Before such a refusal is believed, the store looks
//! whether what is there is the change itself. Nothing is lost, and nothing is applied twice.

use std::sync::atomic::Ordering;
use std::time::Duration;

use deadpool_postgres::Object;
use paydesk_core::id::TransactionId;
use paydesk_core::store::{
    Change, Claim, CommitError, Conflict, IdempotencyRecord, IdempotencyWrite, Record, Unavailable,
};
use tokio_postgres::Row;
use uuid::Uuid;

use super::cell::Cell;
use super::flight::{Failure, fly};
use super::outage::Attempts;
use super::steps::{self, Guard, Step};
use super::{PostgresStore, connect, decode, queries, removals};

/// How long an attempt may take, all in all. The server ends each statement before that; a server that has vanished
/// without a word does not.
pub(super) const ATTEMPT: Duration = Duration::from_secs(12);
/// Over how many rows those who wait for a barrier are spread.
const BARRIERS: u16 = 8;

impl PostgresStore {
    /// Applies a change as a whole, or refuses it.
    pub(super) async fn apply(&self, change: Change) -> Result<(), CommitError> {
        let steps = steps::steps(&change, self.turn.fetch_add(1, Ordering::Relaxed))?;
        if steps.is_empty() {
            return Ok(());
        }
        let mut attempts = Attempts::new(&self.outage);
        // Whether an attempt may have been applied whose answer never came.
        let mut in_doubt = false;
        loop {
            let failure = match self.attempt(&steps).await {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            };
            let goes_on = match failure {
                Failure::Refused(guard) => {
                    if in_doubt && self.is_applied(&change).await? {
                        return Ok(());
                    }
                    if let Some(conflict) = self.conflict(&change, guard).await? {
                        return Err(conflict.into());
                    }
                    // What was in the way is gone already.
                    attempts.again_after_others().await
                }
                Failure::Again(_) => attempts.again_after_others().await,
                Failure::Locked(_) => attempts.again_after_lock().await,
                Failure::Away(ref error) => attempts.again_after_outage(error).await,
                Failure::Lost(ref error) => {
                    if !is_guarded(&change) {
                        // It would not refuse itself.
                        return Err(Unavailable::because(error).into());
                    }
                    in_doubt = true;
                    attempts.again_after_outage(error).await
                }
                Failure::Never(ref error) => {
                    // An event that is there already is no conflict, but it may be this change's own.
                    if in_doubt && self.is_applied(&change).await? {
                        return Ok(());
                    }
                    tracing::error!(error, "a change could not be committed");
                    false
                }
            };
            if !goes_on {
                return Err(Unavailable::because(failure).into());
            }
        }
    }

    /// One attempt, on a connection that is not used again if it broke.
    async fn attempt(&self, steps: &[Step]) -> Result<(), Failure> {
        let client = self.pool.get().await;
        let client = client.map_err(|error| connect::without_connection(&error))?;
        let outcome = match tokio::time::timeout(ATTEMPT, fly(&client, steps)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::Lost(
                "the database did not answer in time".to_owned(),
            )),
        };
        match &outcome {
            Err(Failure::Away(_) | Failure::Lost(_)) => drop(Object::take(client)),
            // Perhaps what keeps it is a commit that the server does not bring to an end: that is no sign of health.
            Err(Failure::Locked(_)) => {}
            _ => self.outage.over(),
        }
        outcome
    }

    /// Why the change is refused, where this guard refused it. Nothing if what it met is gone by now.
    async fn conflict(
        &self,
        change: &Change,
        guard: Guard,
    ) -> Result<Option<Conflict>, Unavailable> {
        Ok(match guard {
            Guard::Idempotency => self
                .known(change)
                .await?
                .map(|known| Conflict::Idempotency(Box::new(known))),
            Guard::Dispatched(n) => change.dispatched.get(n).copied().map(Conflict::Dispatched),
            Guard::Put(n) => change.puts.get(n).map(|it| Conflict::Stale(it.key())),
            Guard::Claim(n) => match change.claims.get(n) {
                Some(wanted) => self.holder(change, n, wanted).await?,
                None => None,
            },
            Guard::Removal(n) => change.removals.get(n).copied().map(Conflict::Kept),
            Guard::None => None,
        })
    }

    /// What is known of the request whose key the change claims.
    async fn known(&self, change: &Change) -> Result<Option<IdempotencyRecord>, Unavailable> {
        let Some(IdempotencyWrite::Claim(record)) = &change.idempotency else {
            return Ok(None);
        };
        let cells = [
            Cell::Id(change.tenant.merchant.0),
            steps::mode(change.tenant),
            steps::key_hash(&record.key),
        ];
        let row = self.opt(queries::IDEMPOTENCY, &cells).await?;
        row.map(|row| decode::idempotency(&row, &record.key))
            .transpose()
    }

    /// Who else has the `n`th of the change's claims, once the change has released and taken all before it.
    async fn holder(
        &self,
        change: &Change,
        n: usize,
        wanted: &Claim,
    ) -> Result<Option<Conflict>, Unavailable> {
        let cells = steps::claim_key(change.tenant, &wanted.key);
        let row = self.opt(queries::CLAIM, &cells).await?;
        let held: Option<Uuid> = row.map(|row| decode::get(&row, 0)).transpose()?;
        let is_released = |owner| {
            let mut releases = change.releases.iter();
            releases.any(|release| release.key == wanted.key && release.owner == owner)
        };
        let mut earlier = change.claims.iter().take(n);
        let owner = held
            .filter(|&owner| !is_released(owner))
            .or_else(|| Some(earlier.find(|earlier| earlier.key == wanted.key)?.owner));
        Ok(owner
            .filter(|&owner| owner != wanted.owner)
            .map(|owner| Conflict::Claimed {
                key: wanted.key.clone(),
                owner,
            }))
    }

    /// Whether the change itself is what is there. If it is, waits until it is as safe as the answer that never came
    /// would have said: a commit whose connection breaks while it waits for a standby is there, but perhaps only here.
    async fn is_applied(&self, change: &Change) -> Result<bool, Unavailable> {
        let applied = self.is_there(change).await?;
        if applied {
            self.pass_barrier().await?;
        }
        Ok(applied)
    }

    /// What the change is known again by, the surest first. What only it can have written, under an id that was drawn
    /// for it, decides alone. Where it drew none, another change may be the same in all that it writes; then it also does
    /// the same.
    async fn is_there(&self, change: &Change) -> Result<bool, Unavailable> {
        if let Some(event) = change.events.first() {
            let cells = steps::key(event.tenant, event.id.0);
            return Ok(self.opt(queries::EVENT, &cells).await?.is_some());
        }
        if let Some(made) = made_by(change) {
            return Ok(self.doc(made).await?.is_some());
        }
        if !change.puts.is_empty() && self.are_there(&change.puts).await? {
            return Ok(true);
        }
        if let Some(IdempotencyWrite::Claim(record)) = &change.idempotency {
            let known = self.known(change).await?;
            return Ok(known.is_some_and(|known| {
                (known.body_hash, known.created_at) == (record.body_hash, record.created_at)
            }));
        }
        if let Some(removal) = change.removals.first() {
            // Gone, by this change or by another that took it out: then that one counted it.
            let (sql, cells) = removals::stored(change.tenant, *removal);
            return Ok(self.opt(sql, &cells).await?.is_none());
        }
        Ok(false)
    }

    /// Whether all of these are stored, word for word.
    async fn are_there(&self, records: &[Record]) -> Result<bool, Unavailable> {
        for record in records {
            if self.doc(record).await? != steps::written_doc(record)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What is stored under a record's key.
    async fn doc(&self, record: &Record) -> Result<Option<String>, Unavailable> {
        let (sql, cells) = steps::stored_doc(record)?;
        let row: Option<Row> = self.opt(sql, &cells).await?;
        row.map(|row| decode::get(&row, 0)).transpose()
    }

    /// Waits until everything that was written before is where the server's settings want it. A commit of its own
    /// is, and whatever was written before lies before it in the log.
    async fn pass_barrier(&self) -> Result<(), Unavailable> {
        let slot = self.turn.fetch_add(1, Ordering::Relaxed) % BARRIERS;
        let cells = vec![Cell::Small(i16::try_from(slot).unwrap_or(0))];
        self.write(vec![Step {
            sql: PASS_BARRIER,
            cells,
            guard: Guard::None,
        }])
        .await
    }

    /// Writes what may be written twice.
    pub(super) async fn write(&self, steps: Vec<Step>) -> Result<(), Unavailable> {
        let mut attempts = Attempts::new(&self.outage);
        loop {
            let failure = match self.attempt(&steps).await {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            };
            let goes_on = match failure {
                Failure::Refused(_) | Failure::Never(_) => false,
                Failure::Again(_) => attempts.again_after_others().await,
                Failure::Locked(_) => attempts.again_after_lock().await,
                Failure::Away(ref error) | Failure::Lost(ref error) => {
                    attempts.again_after_outage(error).await
                }
            };
            if !goes_on {
                return Err(Unavailable::because(failure));
            }
        }
    }
}

/// A record that the change makes under an id that was drawn for it: whoever finds one there, whatever became of it
/// since, has found the change.
fn made_by(change: &Change) -> Option<&Record> {
    // Whoever makes a session's first attempt makes it under the id that was drawn when the session was opened.
    let is_first_attempt = |id: TransactionId| {
        let mut puts = change.puts.iter();
        puts.any(|put| matches!(put, Record::Session(it) if it.first_transaction == id))
    };
    let mut new = change.puts.iter().filter(|record| record.version() == 1);
    new.find(|record| match record {
        Record::Session(_) | Record::PaymentMethod(_) | Record::Delivery(_) => true,
        Record::Transaction(it) => !is_first_attempt(it.id),
        // Of these, some have ids or names that anybody else would give them, too.
        Record::Merchant(_) | Record::ApiKey(_) | Record::ProviderAccount(_) | Record::Entry(_) => {
            false
        }
    })
}

/// Whether a change that was applied refuses itself the second time, or does nothing more.
fn is_guarded(change: &Change) -> bool {
    let refuses = !change.puts.is_empty()
        || !change.events.is_empty()
        || !change.dispatched.is_empty()
        || !change.removals.is_empty()
        || matches!(change.idempotency, Some(IdempotencyWrite::Claim(_)));
    refuses || change.increments.is_empty()
}

const PASS_BARRIER: &str = "INSERT INTO barriers AS here (slot, passed) VALUES ($1, 1)
    ON CONFLICT (slot) DO UPDATE SET passed = here.passed + 1";

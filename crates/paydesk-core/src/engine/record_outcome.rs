//! What a rail answered becomes what is so. The first outcome counts: a later one changes nothing.

use std::sync::Arc;

use super::idempotency::Idempotent;
use super::{Draft, Engine, EngineError, Env, SessionSnapshot};
use crate::event::EventKind;
use crate::id::TransactionId;
use crate::method::Family;
use crate::rail::{RailAnswer, Receipt, Waiting};
use crate::session::{Kind, Session, State};
use crate::store::{Change, ClaimKey, IdempotencyWrite, StoredAnswer, Unavailable};
use crate::tenant::Tenant;
use crate::transaction::{Action, HOLD_LIFETIME, Hold, Status, Transaction};

use super::charge_payment_method;
use super::start_payment::push_expiry;

/// What the decision looks at.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The transaction that the rail answered about.
    pub transaction: Transaction,
    /// What it settles, voids or refunds.
    pub parent: Option<Transaction>,
    /// Its session; none for a stored card charged without one.
    pub session: Option<Session>,
}

/// Decides what an answer changes: nothing, if the transaction has its outcome.
#[must_use]
pub fn decide(
    answer: RailAnswer,
    snapshot: Snapshot,
    env: Env<'_>,
) -> (Option<Change>, Transaction, Option<Session>) {
    let Snapshot {
        transaction,
        parent,
        session,
    } = snapshot;
    let open = matches!(
        transaction.status,
        Status::InFlight { .. } | Status::Unknown { .. } | Status::AwaitingPayer { .. }
    );
    if !open {
        return (None, transaction, session);
    }
    let Some(session) = session else {
        let (change, transaction) =
            charge_payment_method::decide_outcome(answer, transaction, parent, env);
        return (Some(change), transaction, None);
    };

    let (mut transaction, mut parent) = (transaction, parent);
    let live = SessionSnapshot::watched(&session)
        .filter(|watched| *watched == transaction.id)
        .map(|_| transaction.clone());
    let mut draft = Draft::new(SessionSnapshot { session, live }, env);
    if let Some(ended) = draft.live.clone().filter(|live| live.status.is_terminal()) {
        // Its time was over before the answer came: that was its outcome, and the first counts.
        let (change, snapshot) = draft.finish();
        return (change, ended, Some(snapshot.session));
    }
    // From here on it is changed in `transaction`.
    draft.live = None;
    if transaction.action.is_attempt() {
        attempt_outcome(&mut draft, &mut transaction, answer);
    } else {
        let concluded = conclude_operation(&mut transaction, parent.as_mut(), answer, env);
        draft.update(&mut transaction, concluded.event);
        if let Some(parent) = parent.as_mut().filter(|_| transaction.status.is_terminal()) {
            draft.update(parent, None);
        }
        if concluded.hold_closed {
            draft.session.hold_expires_at = None;
        }
    }
    let (mut change, snapshot) = draft.finish();
    if let Some(change) = &mut change {
        change.idempotency = answered_by(&transaction);
    }
    (change, transaction, Some(snapshot.session))
}

/// What becomes of the idempotency record that waits for this outcome: whoever is still there to write the
/// caller's own bytes has replaced this by them before it is committed.
pub(super) fn answered_by(transaction: &Transaction) -> Option<IdempotencyWrite> {
    let key = transaction
        .idempotency
        .as_ref()
        .filter(|_| transaction.status.is_terminal())?;
    Some(IdempotencyWrite::Finish {
        key: key.clone(),
        answer: StoredAnswer::Transaction { id: transaction.id },
    })
}

fn attempt_outcome(draft: &mut Draft<'_>, transaction: &mut Transaction, answer: RailAnswer) {
    let env = draft.env();
    if !matches!(answer, RailAnswer::Unknown | RailAnswer::AwaitingPayer(_)) {
        draft.no_longer_awaited(transaction);
    }
    match answer {
        RailAnswer::Succeeded(receipt) => attempt_succeeded(draft, transaction, receipt),
        RailAnswer::AwaitingPayer(waiting) => attempt_awaits_payer(draft, transaction, waiting),
        RailAnswer::Declined(reason) => {
            transaction.status = Status::Declined {
                at: env.now,
                reason,
            };
            attempt_came_to_nothing(draft, transaction, EventKind::TransactionDeclined);
        }
        RailAnswer::Failed(reason) => {
            transaction.status = Status::Failed {
                at: env.now,
                reason,
            };
            attempt_came_to_nothing(draft, transaction, EventKind::TransactionFailed);
        }
        // A transfer that is waited for comes or does not: the rail need not know.
        RailAnswer::Unknown if waits_for_transfer(transaction) => {}
        RailAnswer::Unknown => {
            let news = outcome_unknown(transaction, env);
            draft.update(transaction, news);
        }
    }
}

const fn waits_for_transfer(transaction: &Transaction) -> bool {
    matches!(
        transaction.status,
        Status::AwaitingPayer { ask_at: None, .. }
    )
}

fn attempt_succeeded(draft: &mut Draft<'_>, transaction: &mut Transaction, receipt: Receipt) {
    let env = draft.env();
    transaction.status = Status::Succeeded { at: env.now };
    if receipt.provider_reference.is_some() {
        transaction.provider_reference = receipt.provider_reference;
    }
    if transaction.action == Action::Authorization {
        let expires_at = env.now.after(HOLD_LIFETIME);
        transaction.hold = Some(Hold::Open { expires_at });
        draft.session.hold_expires_at = Some(expires_at);
    }
    let wanted = draft.session.terms.store_payment_method
        || draft.session.terms.kind == Kind::AddPaymentMethod;
    if let Some(card) = receipt.stored_card.filter(|_| wanted) {
        transaction.payment_method = Some(draft.store_card(card, transaction));
    }
    draft.session.charge = Some(transaction.id);
    draft.update(transaction, Some(EventKind::TransactionSucceeded));
    draft.enter(State::Completed {
        at: env.now,
        transaction: transaction.id,
        payment_method: transaction.payment_method,
    });
}

fn attempt_awaits_payer(draft: &mut Draft<'_>, transaction: &mut Transaction, waiting: Waiting) {
    let env = draft.env();
    if waits_for_transfer(transaction) {
        return;
    }
    let is_push = transaction.method.family().is_pushed();
    let (expires_at, ask_at) = if is_push {
        // Counted from the beginning: it is what the code and the details themselves say.
        (
            push_expiry(&draft.session, transaction.method, transaction.created_at),
            None,
        )
    } else {
        let again = env.wall.after(env.timing.pause(2));
        (
            transaction.created_at.after(env.timing.challenge_lifetime),
            Some(again),
        )
    };
    transaction.status = Status::AwaitingPayer {
        redirect_url: waiting.redirect_url,
        expires_at,
        ask_at,
    };
    if waiting.provider_reference.is_some() {
        transaction.provider_reference = waiting.provider_reference;
    }
    if let Some(destination) = waiting.destination {
        let key = ClaimKey::PushReference {
            account: destination.account.clone(),
            nonce: destination.nonce.clone(),
        };
        draft.claim(key, transaction.id.0);
        transaction.destination = Some(destination);
    }
    if transaction.method.family() != Family::Card {
        draft.session.charge = Some(transaction.id);
    }
    if is_push {
        let since = transaction.created_at;
        draft.enter(State::Processing {
            since,
            transaction: transaction.id,
            lapses_at: Some(expires_at),
        });
        draft.awaited(transaction);
    }
    draft.update(transaction, None);
}

fn attempt_came_to_nothing(draft: &mut Draft<'_>, transaction: &mut Transaction, kind: EventKind) {
    let now = draft.env().now;
    draft.update(transaction, Some(kind));
    draft.release(ClaimKey::LivePayment(draft.session.id), transaction.id.0);
    let back = draft.session.initiated_at(now);
    draft.enter(back);
}

/// The outcome is not known (yet): when is it asked about next? Answers with the event, if that is news.
pub(super) fn outcome_unknown(transaction: &mut Transaction, env: Env<'_>) -> Option<EventKind> {
    match &mut transaction.status {
        Status::Unknown { asked, ask_at, .. } => {
            *ask_at = env.wall.after(env.timing.pause(*asked));
            None
        }
        // A payer at a bank's page: not knowing is what was expected.
        Status::AwaitingPayer {
            ask_at, expires_at, ..
        } if *expires_at > env.now => {
            *ask_at = Some(env.wall.after(env.timing.pause(2)));
            None
        }
        status => {
            *status = Status::Unknown {
                since: env.now,
                asked: 0,
                ask_at: env.wall.after(env.timing.pause(0)),
            };
            Some(EventKind::TransactionUnknown)
        }
    }
}

/// What an answer made of an operation.
pub(super) struct Concluded {
    /// What is told.
    pub event: Option<EventKind>,
    /// Whether the authorization holds nothing any more.
    pub hold_closed: bool,
}

/// Applies an answer to a settle, a void or a refund, and to what it operates on.
pub(super) fn conclude_operation(
    transaction: &mut Transaction,
    parent: Option<&mut Transaction>,
    answer: RailAnswer,
    env: Env<'_>,
) -> Concluded {
    let mut hold_closed = false;
    transaction.status = match answer {
        RailAnswer::Succeeded(receipt) => {
            transaction.provider_reference = receipt.provider_reference;
            Status::Succeeded { at: env.now }
        }
        RailAnswer::Declined(reason) => Status::Declined {
            at: env.now,
            reason,
        },
        RailAnswer::Failed(reason) => Status::Failed {
            at: env.now,
            reason,
        },
        // No payer is there to act on an operation: a rail that waits has not decided.
        RailAnswer::Unknown | RailAnswer::AwaitingPayer(_) => {
            return Concluded {
                event: outcome_unknown(transaction, env),
                hold_closed,
            };
        }
    };
    if let Some(parent) = parent {
        let amount = transaction.amount.minor();
        parent.reserved -= amount;
        if matches!(transaction.status, Status::Succeeded { .. }) {
            match transaction.action {
                Action::Settle => {
                    parent.done += amount;
                    parent.hold = Some(Hold::Settled);
                    hold_closed = true;
                }
                Action::Void => {
                    parent.hold = Some(Hold::Voided);
                    hold_closed = true;
                }
                Action::Refund => {
                    parent.done += amount;
                    let is_empty = parent.remaining() == 0 && parent.reserved == 0;
                    if matches!(parent.status, Status::Received { .. }) && is_empty {
                        // Unasked money that is given back whole is over.
                        parent.status = Status::Cancelled { at: env.now };
                    }
                }
                Action::Payment | Action::Authorization | Action::AddPaymentMethod => {}
            }
        }
    }
    Concluded {
        event: Some(operation_event(transaction.action, &transaction.status)),
        hold_closed,
    }
}

/// Which event tells the outcome of an operation.
const fn operation_event(action: Action, status: &Status) -> EventKind {
    match (action, status) {
        (Action::Refund, Status::Succeeded { .. }) => EventKind::RefundSucceeded,
        (Action::Refund, _) => EventKind::RefundFailed,
        (_, Status::Succeeded { .. }) => EventKind::TransactionSucceeded,
        (_, Status::Declined { .. }) => EventKind::TransactionDeclined,
        (_, _) => EventKind::TransactionFailed,
    }
}

/// Does something to its end in a task of its own, even if whoever asked for it goes away: a payer who closes the page
/// must not stop the call between its intent and its outcome.
pub(super) fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, EngineError>> + Send + 'static,
) -> impl Future<Output = Result<T, EngineError>> {
    let task = tokio::spawn(work);
    async move { task.await.map_err(Unavailable::because)? }
}

impl Engine {
    /// Calls the rail and commits its answer. If the process dies here, or cannot write down what became of it, the
    /// reconciler asks the rail: until then the transaction stays as it was committed, in flight, and that is the
    /// answer. An error would tell the caller to try again what may have happened.
    pub(super) async fn call_and_record(
        self: &Arc<Self>,
        transaction: Transaction,
        call: impl Future<Output = RailAnswer> + Send + 'static,
        idempotent: Option<Idempotent<Transaction>>,
    ) -> Result<(Option<Session>, Transaction), EngineError> {
        let engine = Arc::clone(self);
        let (tenant, id) = (transaction.tenant, transaction.id);
        let recorded = to_the_end(async move {
            let timeout = engine.timing.rail_timeout.to_std();
            let answer = tokio::time::timeout(timeout, call)
                .await
                .unwrap_or(RailAnswer::Unknown);
            crate::failpoint!("after-call");
            engine
                .record_and_answer(tenant, id, answer, idempotent)
                .await
        })
        .await;
        match recorded {
            Err(EngineError::Unavailable(error)) => {
                tracing::warn!(transaction = %id, %error, "an outcome could not be recorded: it will be asked for");
                Ok((None, transaction))
            }
            recorded => recorded,
        }
    }

    /// Commits what a rail answered about a transaction. Answers with the session and transaction as they
    /// then stand, whoever's outcome was first.
    pub async fn record_outcome(
        &self,
        tenant: Tenant,
        id: TransactionId,
        answer: RailAnswer,
    ) -> Result<(Option<Session>, Transaction), EngineError> {
        self.record_and_answer(tenant, id, answer, None).await
    }

    /// The same, and stores the caller's own answer in the same commit, if this outcome is the first.
    pub(super) async fn record_and_answer(
        &self,
        tenant: Tenant,
        id: TransactionId,
        answer: RailAnswer,
        idempotent: Option<Idempotent<Transaction>>,
    ) -> Result<(Option<Session>, Transaction), EngineError> {
        let recorded = self
            .repeat(|_| {
                let (answer, idempotent) = (answer.clone(), idempotent.as_ref());
                async move {
                    let snapshot = self.outcome_snapshot(tenant, id).await?;
                    let (mut change, transaction, session) =
                        decide(answer, snapshot, self.env(tenant));
                    if let (Some(change), Some(idempotent)) = (&mut change, idempotent)
                        && change.idempotency.is_some()
                    {
                        change.idempotency = Some(idempotent.finished(&transaction));
                    }
                    Ok((change, (session, transaction)))
                }
            })
            .await?;
        crate::failpoint!("after-outcome");
        Ok(recorded)
    }

    pub(super) async fn outcome_snapshot(
        &self,
        tenant: Tenant,
        id: TransactionId,
    ) -> Result<Snapshot, EngineError> {
        let transaction = self.transaction(tenant, id).await?;
        let session = self.its_session(&transaction).await?;
        let parent = match transaction.parent {
            Some(parent) => Some(self.transaction(tenant, parent).await?),
            None => None,
        };
        Ok(Snapshot {
            transaction,
            parent,
            session,
        })
    }
}

#[cfg(test)]
mod tests;

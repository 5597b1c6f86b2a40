//! An outcome that is not known is asked for: never charged again blindly, never given up.
//!
//! "Not found" becomes a failure only after the rail has been told to refuse that reference from now on: a
//! charge that lands late must not surprise.

use super::{Draft, Engine, EngineError, Env, SessionSnapshot};
use crate::event::EventKind;
use crate::id::TransactionId;
use crate::rail::{Found, RailAnswer};
use crate::session::Session;
use crate::store::{Change, Record};
use crate::tenant::Tenant;
use crate::transaction::{FailureReason, Status, Transaction};

use super::operate::lone_event;

/// Decides who asks: takes the right to ask about a transaction for the length of a lease. Nothing, if it is
/// not due, has its outcome, or somebody else has the right.
#[must_use]
pub fn decide(
    transaction: Transaction,
    session: Option<Session>,
    env: Env<'_>,
) -> (Option<Change>, Transaction) {
    let mut transaction = transaction;
    if transaction.ask_at().is_none_or(|ask_at| ask_at > env.wall) {
        return (None, transaction);
    }
    let until = env.wall.after(env.timing.lease);
    let news = match &mut transaction.status {
        // Whoever called the rail is gone, or its answer is.
        status @ Status::InFlight { .. } => {
            *status = Status::Unknown {
                since: env.now,
                asked: 1,
                ask_at: until,
            };
            Some(EventKind::TransactionUnknown)
        }
        Status::Unknown { asked, ask_at, .. } => {
            *asked += 1;
            *ask_at = until;
            None
        }
        Status::AwaitingPayer { ask_at, .. } => {
            *ask_at = Some(until);
            None
        }
        _ => return (None, transaction),
    };
    if let Some(session) = session {
        let mut draft = Draft::new(
            SessionSnapshot {
                session,
                live: None,
            },
            env,
        );
        draft.update(&mut transaction, news);
        return (draft.finish().0, transaction);
    }
    transaction.version += 1;
    transaction.updated_at = env.now;
    let mut change = Change::new(transaction.tenant);
    change
        .events
        .extend(news.map(|kind| lone_event(kind, &transaction, env)));
    change.puts.push(Record::Transaction(transaction.clone()));
    (Some(change), transaction)
}

/// Whether the payer is at a wallet's or a bank's page, of which only the rail knows how it went.
pub(super) const fn is_at_a_page(transaction: &Transaction) -> bool {
    matches!(
        transaction.status,
        Status::AwaitingPayer {
            ask_at: Some(_),
            ..
        }
    )
}

/// Whether a payer at a bank's page has had time enough, so that the rail is told to let nothing more happen.
fn is_abandoned(transaction: &Transaction, env: Env<'_>) -> bool {
    match transaction.status {
        Status::AwaitingPayer { expires_at, .. } => expires_at <= env.now,
        // No one can act on a page that nobody was shown.
        _ => {
            transaction.session.is_none()
                || transaction.created_at.after(env.timing.challenge_lifetime) <= env.now
        }
    }
}

impl Engine {
    /// Asks the rail about a transaction if it is due, and records what it says.
    pub async fn reconcile(
        &self,
        tenant: Tenant,
        id: TransactionId,
    ) -> Result<Transaction, EngineError> {
        self.ask(tenant, id, false).await
    }

    /// Asks the rail about a transaction now, if its outcome is not known; for a merchant or a payer who
    /// wants to know. A rail that is being called is not asked.
    pub async fn sync(
        &self,
        tenant: Tenant,
        id: TransactionId,
    ) -> Result<Transaction, EngineError> {
        self.ask(tenant, id, true).await
    }

    async fn ask(
        &self,
        tenant: Tenant,
        id: TransactionId,
        at_once: bool,
    ) -> Result<Transaction, EngineError> {
        let (asking, transaction) = self
            .repeat(|_| async move {
                let mut snapshot = self.outcome_snapshot(tenant, id).await?;
                if at_once {
                    bring_forward(&mut snapshot.transaction, self.wall());
                }
                let (change, transaction) =
                    decide(snapshot.transaction, snapshot.session, self.env(tenant));
                let asking = change.is_some();
                Ok((change, (asking, transaction)))
            })
            .await?;
        if !asking {
            return Ok(transaction);
        }
        let account = self.provider_account(tenant, transaction.provider_account);
        let rail = self.rail(&account.await?)?;
        let timeout = self.timing.rail_timeout.to_std();
        let query = async |found: std::pin::Pin<Box<dyn Future<Output = Found> + Send + '_>>| {
            tokio::time::timeout(timeout, found)
                .await
                .unwrap_or(Found::Unreachable)
        };

        let is_pushed = transaction.method.family().is_pushed() && transaction.action.is_attempt();
        let mut found = query(rail.query(id)).await;
        let waits_too_long = matches!(found, Found::Known(RailAnswer::AwaitingPayer(_)))
            && !is_pushed
            && is_abandoned(&transaction, self.env(tenant));
        if found == Found::NotFound || waits_too_long {
            found = match query(rail.abandon(id)).await {
                Found::NotFound => Found::Known(RailAnswer::Failed(FailureReason::NeverArrived)),
                other => other,
            };
        }
        let answer = match found {
            Found::Known(answer) => answer,
            Found::NotFound | Found::Unreachable => RailAnswer::Unknown,
        };
        Ok(self.record_outcome(tenant, id, answer).await?.1)
    }
}

impl Engine {
    /// Gives up a payment whose payer is at a wallet's or a bank's page: the rail is told to let nothing more
    /// happen, and what it says counts. Answers whether anything was recorded.
    pub(super) async fn give_up_redirect(&self, live: &Transaction) -> Result<bool, EngineError> {
        let tenant = live.tenant;
        if !is_at_a_page(live) {
            return Ok(false);
        }
        let account = self.provider_account(tenant, live.provider_account);
        let rail = self.rail(&account.await?)?;
        let timeout = self.timing.rail_timeout.to_std();
        let answer = match tokio::time::timeout(timeout, rail.abandon(live.id)).await {
            Ok(Found::NotFound) => RailAnswer::Failed(FailureReason::NeverArrived),
            Ok(Found::Known(answer)) => answer,
            Ok(Found::Unreachable) | Err(_) => return Ok(false),
        };
        self.record_outcome(tenant, live.id, answer).await?;
        Ok(true)
    }

    /// Ends what a process that is known to be gone had a right to: to call the rail, or to ask it. Answers whether
    /// there was any such thing.
    pub(super) async fn take_over_one(
        &self,
        tenant: Tenant,
        id: TransactionId,
    ) -> Result<bool, EngineError> {
        self.repeat(|_| async move {
            let mut snapshot = self.outcome_snapshot(tenant, id).await?;
            match &mut snapshot.transaction.status {
                Status::InFlight { lease } => lease.until = self.wall(),
                // It may have died while it asked.
                Status::Unknown { ask_at, .. } => *ask_at = self.wall(),
                _ => return Ok((None, false)),
            }
            let asked_at = self.env(tenant);
            let (change, _) = decide(snapshot.transaction, snapshot.session, asked_at);
            // Due at once: the asking itself is the reconciler's.
            Ok((change.map(|change| due_now(change, asked_at)), true))
        })
        .await
    }
}

/// Takes back the right to ask that [`decide`] took.
fn due_now(mut change: Change, env: Env<'_>) -> Change {
    for record in &mut change.puts {
        if let Record::Transaction(Transaction {
            status: Status::Unknown { ask_at, .. },
            ..
        }) = record
        {
            *ask_at = env.wall;
        }
    }
    change
}

/// Makes an unknown outcome due now. What is in flight stays with whoever is calling.
const fn bring_forward(transaction: &mut Transaction, wall: crate::time::Timestamp) {
    match &mut transaction.status {
        Status::Unknown { ask_at, .. }
        | Status::AwaitingPayer {
            ask_at: Some(ask_at),
            ..
        } => *ask_at = wall,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::method::Method;
    use crate::time::Span;

    #[test]
    fn nobody_asks_while_the_lease_holds() {
        let mut desk = Desk::new();
        let (session, live) = desk.in_flight(Method::Card);
        desk.now = crate::time::Timestamp::from_millis(START.as_millis() + 29_999);
        let asked = decide(live.clone(), Some(session.clone()), desk.env());
        assert_eq!(asked, (None, live.clone()));
        desk.now = START.after(Span::seconds(30));
        let (change, asked) = decide(live, Some(session), desk.env());
        assert_eq!(
            told(&change.unwrap()),
            [EventKind::TransactionUnknown],
            "whoever called is gone, or its answer is"
        );
        assert!(matches!(asked.status, Status::Unknown { asked: 1, .. }));
    }

    #[test]
    fn one_asks_at_a_time() {
        let mut desk = Desk::new();
        let (session, live) = desk.answer(desk.in_flight(Method::Card), RailAnswer::Unknown);
        desk.pass(Span::seconds(2));
        let (change, asked) = decide(live, Some(session.clone()), desk.env());
        assert_eq!(told(&change.unwrap()), []);
        assert_eq!(asked.ask_at(), Some(desk.now.after(Span::seconds(30))));
        desk.pass(Span::seconds(29));
        assert_eq!(
            decide(asked.clone(), Some(session), desk.env()),
            (None, asked)
        );
    }

    #[test]
    fn what_has_its_outcome_or_waits_for_a_transfer_is_not_asked_about() {
        let mut desk = Desk::new();
        let cases = [desk.paid(), desk.waiting()];
        desk.pass(Span::days(30));
        for (session, transaction) in cases {
            let asked = decide(transaction.clone(), Some(session), desk.env());
            assert_eq!(asked, (None, transaction));
        }
    }

    #[test]
    fn a_payer_at_a_banks_page_is_given_up_when_the_time_is_over() {
        let mut desk = Desk::new();
        let (_, live) = desk.answer(desk.in_flight(Method::Card), to_be_confirmed());
        desk.now = crate::time::Timestamp::from_millis(START.as_millis() + 15 * 60_000 - 1);
        assert!(!is_abandoned(&live, desk.env()));
        desk.now = START.after(Span::minutes(15));
        assert!(is_abandoned(&live, desk.env()));
        let lone = Transaction {
            session: None,
            ..desk.in_flight(Method::Card).1
        };
        assert!(is_abandoned(&lone, desk.env()), "no payer is there to act");
    }

    #[test]
    fn asking_at_once_leaves_alone_what_is_in_flight() {
        let desk = Desk::new();
        let (session, mut live) = desk.in_flight(Method::Card);
        bring_forward(&mut live, desk.now);
        assert!(live.ask_at() > Some(desk.now));
        let (_, mut live) = desk.answer((session, live), RailAnswer::Unknown);
        bring_forward(&mut live, desk.now);
        assert_eq!(live.ask_at(), Some(desk.now));
    }

    #[test]
    fn a_lease_taken_over_is_due_at_once() {
        let desk = Desk::new();
        let (session, mut live) = desk.in_flight(Method::Card);
        live.status = Status::InFlight {
            lease: crate::transaction::Lease {
                node: crate::id::NodeId(uuid::Uuid::nil()),
                until: desk.now,
            },
        };
        let id = live.id;
        let (change, _) = decide(live, Some(session), desk.env());
        let change = due_now(change.unwrap(), desk.env());
        assert_eq!(put(&change, id).ask_at(), Some(desk.now));
    }
}

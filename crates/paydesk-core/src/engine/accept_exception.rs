//! The merchant takes money that came late, short or over as it is.

use super::end_session::{self, End};
use super::idempotency::Idempotent;
use super::record_transfer::complete;
use super::{Draft, Engine, EngineError, Env, SessionSnapshot};
use crate::event::EventKind;
use crate::id::{SessionId, TransactionId};
use crate::refusal::Refusal;
use crate::session::{Session, State};
use crate::shop::{Order, ShopRefusal};
use crate::store::{Change, ClaimKey, Conflict, NameSpace};
use crate::tenant::Tenant;
use crate::transaction::{Exception, ExceptionKind, Status, Transaction};

/// Decides what accepting an exception does.
///
/// Late: the money is a payment, unless the session has another; it pays the session's order too, whose claim an ended
/// session had given up and takes again. Partial: what came is enough, and the session is completed. Over: the surplus
/// is kept; it can still be refunded.
pub fn decide(
    transaction: Transaction,
    snapshot: SessionSnapshot,
    env: Env<'_>,
) -> Result<(Option<Change>, Transaction), Refusal> {
    let mut draft = Draft::new(snapshot, env);
    let mut transaction = match &draft.live {
        Some(live) if live.id == transaction.id => live.clone(),
        _ => transaction,
    };
    let Some(Exception {
        kind,
        accepted_at: None,
    }) = transaction.exception
    else {
        return Err(Refusal::NoException);
    };
    if transaction.reserved > 0 {
        return Err(Refusal::OperationInProgress);
    }
    let accepted = Some(Exception {
        kind,
        accepted_at: Some(env.now),
    });
    match (kind, &transaction.status) {
        (ExceptionKind::Late, Status::Received { .. }) => {
            if matches!(draft.session.state, State::Completed { .. }) {
                return Err(Refusal::AlreadyPaid);
            }
            if matches!(draft.session.state, State::Processing { .. }) {
                return Err(Refusal::PaymentInProgress);
            }
            transaction.exception = accepted;
            // What was given back before it was accepted is not part of the payment.
            transaction.status = Status::Succeeded { at: env.now };
            draft.claim(ClaimKey::LivePayment(draft.session.id), transaction.id.0);
            draft.session.charge = Some(transaction.id);
            draft.update(&mut transaction, Some(EventKind::TransactionSucceeded));
            if !draft.session.state.is_terminal() {
                // The session is still open (its push ran out, or the payer left it): now it is paid.
                draft.enter(State::Completed {
                    at: env.now,
                    transaction: transaction.id,
                    payment_method: transaction.payment_method,
                });
            } else if let Some(ordered) = &draft.session.ordered {
                let (live, owner) = (Order::live_session(ordered.order), draft.session.id.0);
                draft.claim(live, owner);
            }
        }
        (ExceptionKind::Partial, Status::AwaitingPayer { .. }) => {
            transaction.exception = accepted;
            complete(&mut draft, &mut transaction);
        }
        (ExceptionKind::Over, Status::Succeeded { .. }) => {
            transaction.exception = accepted;
            draft.update(&mut transaction, None);
        }
        // Part of a payment that ended otherwise: it can only be given back.
        _ => return Err(Refusal::NoException),
    }
    Ok((draft.finish().0, transaction))
}

/// The other session of an order that accepted money pays expires, so that nobody pays twice. Refused while a payment
/// is under way there whose outcome only the rail knows, or of which a part has come.
fn give_way(other: SessionSnapshot, env: Env<'_>) -> Result<Option<Change>, Refusal> {
    let has_come = |live: &Transaction| {
        matches!(live.status_at(env.now), Status::AwaitingPayer { .. })
            && live.captured().minor() > 0
    };
    if other.live.as_ref().is_some_and(has_come) {
        return Err(Refusal::PaymentInProgress);
    }
    match end_session::decide(End::Expire, other, env) {
        Ok((change, _)) => Ok(change),
        // Meanwhile it was given up, and the order's claim with it.
        Err(Refusal::SessionCancelled) => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

impl Engine {
    /// Accepts an exception. If that pays an order which has another session by now, that one expires.
    ///
    /// With an idempotency key, the answer that `idempotent` renders is stored in the same commit.
    pub async fn accept_exception(
        &self,
        tenant: Tenant,
        id: TransactionId,
        idempotent: Option<Idempotent<Transaction>>,
    ) -> Result<Transaction, EngineError> {
        self.once(tenant, idempotent.as_ref(), |conflict| async move {
            let holder = match conflict {
                Some(Conflict::Claimed {
                    key: ClaimKey::LivePayment(_),
                    ..
                }) => return Err(Refusal::AlreadyPaid.into()),
                Some(Conflict::Claimed {
                    key:
                        ClaimKey::Name {
                            space: NameSpace::LiveOrder,
                            ..
                        },
                    owner,
                }) => Some(SessionId(owner)),
                _ => None,
            };
            let transaction = self.transaction(tenant, id).await?;
            let session = transaction.session.ok_or(Refusal::NoException)?;
            let snapshot = self.session_with_live(tenant, session).await?;
            let other = match holder {
                Some(holder) => Some(self.unpaid_holder(&snapshot.session, holder).await?),
                None => None,
            };
            let (mut change, accepted) = decide(transaction, snapshot, self.env(tenant))?;
            if let (Some(change), Some(other)) = (&mut change, other)
                && let Some(ended) = give_way(other, self.env(tenant))?
            {
                change.absorb(ended);
            }
            Ok((change, accepted))
        })
        .await
    }

    /// The session that holds the claim on another's order, unless the order is paid.
    async fn unpaid_holder(
        &self,
        session: &Session,
        holder: SessionId,
    ) -> Result<SessionSnapshot, EngineError> {
        // Before the holder: who paid the order may be gone, and its claim stays.
        if let Some(ordered) = &session.ordered
            && self
                .order(session.tenant, ordered.order)
                .await?
                .paid
                .is_some()
        {
            return Err(Refusal::from(ShopRefusal::OrderPaid).into());
        }
        self.session_with_live(session.tenant, holder).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::end_session;
    use super::super::fixtures::*;
    use super::super::operate::Operate;
    use super::*;
    use crate::method::Method;
    use crate::session::{Canceller, StateName};
    use crate::store::Record;
    use crate::time::Span;

    fn session_of(change: &Change) -> Session {
        match change.puts.first() {
            Some(Record::Session(session)) => session.clone(),
            other => panic!("the session first: {other:?}"),
        }
    }

    fn receive(
        desk: &Desk,
        (session, target): (&Session, &Transaction),
        live: Option<&Transaction>,
        minor: i64,
    ) -> (Session, Transaction) {
        let id = format!("bank {}", session.version);
        let money = transfer(target, &id, cents(minor));
        let snapshot = snapshot(session, live);
        let (change, counted) = desk.count(&money, target.clone(), snapshot).unwrap();
        (session_of(&change), counted)
    }

    /// Late money of a session that is still open.
    fn late(desk: &mut Desk) -> (Session, Transaction) {
        let (session, target) = desk.run_out();
        receive(desk, (&session, &target), None, 3_500)
    }

    fn accept(
        desk: &Desk,
        session: &Session,
        transaction: &Transaction,
        live: Option<&Transaction>,
    ) -> Result<(Change, Transaction, Session), Refusal> {
        let snapshot = snapshot(session, live);
        let (change, accepted) = decide(transaction.clone(), snapshot, desk.env())?;
        let change = change.unwrap();
        let session = session_of(&change);
        assert_eq!(put(&change, accepted.id), accepted);
        Ok((change, accepted, session))
    }

    #[test]
    fn late_money_pays_a_session_that_is_still_open() {
        let mut desk = Desk::new();
        let (session, late) = late(&mut desk);
        let (change, paid, session) = accept(&desk, &session, &late, None).unwrap();
        assert_eq!(
            told(&change),
            [EventKind::TransactionSucceeded, EventKind::SessionCompleted]
        );
        assert_eq!(paid.status, Status::Succeeded { at: desk.now });
        assert_eq!(session.charge, Some(paid.id));
        assert_eq!(change.claims.len(), 1);
        assert_eq!(change.claims[0].key, ClaimKey::LivePayment(session.id));
    }

    #[test]
    fn an_ended_session_stays_ended_and_the_money_is_a_payment() {
        let mut desk = Desk::new();
        let (session, money) = late(&mut desk);
        desk.pass(Span::days(1));
        let (change, paid, session) = accept(&desk, &session, &money, None).unwrap();
        assert_eq!(
            told(&change),
            [EventKind::SessionExpired, EventKind::TransactionSucceeded]
        );
        assert_eq!(session.state.name(), StateName::Expired);
        assert_eq!(session.charge, Some(paid.id));
        // The claim keeps a second one out; see `Engine::accept_exception`.
        assert_eq!(change.claims[0].owner, paid.id.0);
    }

    #[test]
    fn a_paid_session_refuses_a_second_payment() {
        let mut desk = Desk::new();
        let (session, late) = late(&mut desk);
        let (session, live) = desk.start(session, Method::Card);
        let refused = accept(&desk, &session, &late, Some(&live));
        assert_eq!(refused.unwrap_err(), Refusal::PaymentInProgress);
        let (session, _) = desk.answer((session, live), succeeded());
        let refused = accept(&desk, &session, &late, None);
        assert_eq!(refused.unwrap_err(), Refusal::AlreadyPaid);
    }

    #[test]
    fn part_of_the_money_is_enough_if_the_merchant_says_so() {
        let desk = Desk::new();
        let (session, live) = desk.waiting();
        let (session, part) = receive(&desk, (&session, &live), Some(&live), 1_500);
        let (change, paid, session) = accept(&desk, &session, &part, Some(&part)).unwrap();
        assert_eq!(
            told(&change),
            [EventKind::TransactionSucceeded, EventKind::SessionCompleted]
        );
        assert_eq!((paid.captured(), paid.remaining()), (cents(1_500), 1_500));
        assert_eq!(session.state.name(), StateName::Completed);
    }

    #[test]
    fn a_surplus_is_kept_and_can_still_be_given_back() {
        let desk = Desk::new();
        let (session, live) = desk.waiting();
        let (session, over) = receive(&desk, (&session, &live), Some(&live), 4_000);
        let (change, kept, session) = accept(&desk, &session, &over, None).unwrap();
        assert_eq!(told(&change), []);
        assert_eq!(kept.remaining(), 4_000);
        let twice = accept(&desk, &session, &kept, None);
        assert_eq!(twice.unwrap_err(), Refusal::NoException);
    }

    #[test]
    fn there_is_nothing_to_accept_where_nothing_is_odd() {
        let desk = Desk::new();
        let (session, paid) = desk.paid();
        let refused = accept(&desk, &session, &paid, None);
        assert_eq!(refused.unwrap_err(), Refusal::NoException);
        // Part of a payment that was given up can only be given back.
        let (session, live) = desk.waiting();
        let (session, part) = receive(&desk, (&session, &live), Some(&live), 1_500);
        let (change, session) = end_session::decide(
            end_session::End::Cancel(Canceller::Payer),
            snapshot(&session, Some(&part)),
            desk.env(),
        )
        .unwrap();
        let left = put(&change.unwrap(), part.id);
        let refused = accept(&desk, &session, &left, None);
        assert_eq!(refused.unwrap_err(), Refusal::NoException);
        let (_, left, _) = desk.operate(Operate::Refund(None), (session, left));
        assert_eq!((left.reserved, left.remaining()), (1_500, 0));
    }

    #[test]
    fn what_is_being_given_back_is_not_accepted() {
        let mut desk = Desk::new();
        let late = late(&mut desk);
        let (session, late, _) = desk.operate(Operate::Refund(Some(cents(1))), late);
        let refused = accept(&desk, &session, &late, None);
        assert_eq!(refused.unwrap_err(), Refusal::OperationInProgress);
    }
}

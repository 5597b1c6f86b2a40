//! Money came in on an account by itself: it is counted once, for the payment whose reference it carries.
//!
//! Nothing that came is ever dropped. Short: the payment waits for the rest. Over, or paid twice: completed,
//! and the surplus can be refunded. Late: a transaction of its own, for the merchant to accept or refund.

use super::{Draft, Engine, EngineError, Env, SessionSnapshot};
use crate::event::EventKind;
use crate::id::TransactionId;
use crate::money::Money;
use crate::rail::Transfer;
use crate::refusal::Refusal;
use crate::session::State;
use crate::store::{Change, ClaimKey, Conflict};
use crate::transaction::{Begin, Exception, ExceptionKind, Status, Transaction};

/// What became of a transfer.
#[derive(Clone, PartialEq, Debug)]
pub enum Recorded {
    /// Counted for this transaction, which is as it now stands.
    Counted(Box<Transaction>),
    /// Counted before.
    Known,
    /// No payment has its reference.
    Unmatched,
}

/// Decides what a transfer does to the payment whose reference it carries. `target` is that payment;
/// `snapshot` its session, with the session's live transaction, which may or may not be the same.
pub fn decide(
    transfer: &Transfer,
    target: Transaction,
    snapshot: SessionSnapshot,
    env: Env<'_>,
) -> Result<(Option<Change>, Transaction), Refusal> {
    if transfer.amount.currency() != target.amount.currency() {
        return Err(Refusal::CurrencyDiffers {
            expected: target.amount.currency(),
        });
    }
    transfer
        .amount
        .positive()
        .map_err(|error| Refusal::InvalidAmount {
            field: "amount".into(),
            error,
        })?;
    let mut draft = Draft::new(snapshot, env);
    // Time may just have ended it, in this very draft.
    let (mut target, is_live) = match &draft.live {
        Some(live) if live.id == target.id => (live.clone(), true),
        _ => (target, false),
    };
    let transaction = match target.status {
        Status::AwaitingPayer { .. } if is_live => {
            let before = target
                .received
                .unwrap_or_else(|| Money::zero(target.amount.currency()));
            let received = sum(before, transfer.amount)?;
            target.received = Some(received);
            arrived_in_time(&mut draft, &mut target, received);
            target
        }
        Status::Succeeded { .. } => {
            // Paid again: what was asked for counts as received before, however it was settled.
            let received = sum(target.received.unwrap_or(target.amount), transfer.amount)?;
            target.received = Some(received);
            target.exception = Some(Exception {
                kind: ExceptionKind::Over,
                accepted_at: None,
            });
            draft.update(&mut target, Some(EventKind::TransactionException));
            target
        }
        // Still being begun at the rail: the code is out already, the money was quicker. Not refused for
        // good: it is told again.
        Status::InFlight { .. } | Status::Unknown { .. } => return Err(Refusal::PaymentInProgress),
        _ => arrived_late(&mut draft, &target, transfer, env),
    };
    let key = ClaimKey::BankTransfer {
        account: transfer.account.clone(),
        id: transfer.id.clone(),
    };
    draft.claim(key, transaction.id.0);
    Ok((draft.finish().0, transaction))
}

fn sum(one: Money, other: Money) -> Result<Money, Refusal> {
    let too_large = Refusal::InvalidAmount {
        field: "amount".into(),
        error: crate::money::AmountError::TooLarge,
    };
    one.checked_add(other).ok_or(too_large)
}

fn arrived_in_time(draft: &mut Draft<'_>, target: &mut Transaction, received: Money) {
    if received.minor() < target.amount.minor() {
        target.exception = Some(Exception {
            kind: ExceptionKind::Partial,
            accepted_at: None,
        });
        draft.update(target, Some(EventKind::TransactionException));
        draft.live = None;
        return;
    }
    let over = received.minor() > target.amount.minor();
    target.exception = over.then_some(Exception {
        kind: ExceptionKind::Over,
        accepted_at: None,
    });
    complete(draft, target);
    if over {
        draft.exception_event(target);
    }
}

/// The payment is made: what is received is captured.
pub(super) fn complete(draft: &mut Draft<'_>, target: &mut Transaction) {
    let now = draft.env().now;
    target.status = Status::Succeeded { at: now };
    draft.live = None;
    draft.session.charge = Some(target.id);
    draft.update(target, Some(EventKind::TransactionSucceeded));
    draft.enter(State::Completed {
        at: now,
        transaction: target.id,
    });
}

fn arrived_late(
    draft: &mut Draft<'_>,
    target: &Transaction,
    transfer: &Transfer,
    env: Env<'_>,
) -> Transaction {
    let late = Transaction {
        parent: Some(target.id),
        provider_reference: Some(transfer.id.clone()),
        destination: target.destination.clone(),
        exchange: target.exchange.and_then(|exchange| {
            if transfer.amount == target.amount {
                Some(exchange)
            } else {
                exchange.of_paid(transfer.amount)
            }
        }),
        custom_field_values: target.custom_field_values.clone(),
        customer: target.customer.clone(),
        received: Some(transfer.amount),
        exception: Some(Exception {
            kind: ExceptionKind::Late,
            accepted_at: None,
        }),
        ..Transaction::begin(Begin {
            id: TransactionId::fresh(env.ids, env.wall),
            tenant: target.tenant,
            session: target.session,
            action: target.action,
            amount: transfer.amount,
            method: target.method,
            provider_account: target.provider_account,
            status: Status::Received { at: env.now },
            at: env.now,
        })
    };
    draft.begin(late.clone(), Some(EventKind::TransactionException));
    late
}

impl Engine {
    /// Counts a transfer for the payment whose reference it carries; once, however often it is told.
    pub async fn record_transfer(&self, transfer: &Transfer) -> Result<Recorded, EngineError> {
        let tenant = transfer.tenant;
        let Some(nonce) = &transfer.nonce else {
            return Ok(Recorded::Unmatched);
        };
        let reference = ClaimKey::PushReference {
            account: transfer.account.clone(),
            nonce: nonce.clone(),
        };
        let Some(owner) = self.store().claim(tenant, &reference).await? else {
            return Ok(Recorded::Unmatched);
        };
        let target = TransactionId(owner);
        let session = self.transaction(tenant, target).await?.session;
        let session = session.ok_or(Refusal::SessionNotFound)?;
        self.repeat(|conflict| async move {
            if let Some(Conflict::Claimed {
                key: ClaimKey::BankTransfer { .. },
                ..
            }) = conflict
            {
                return Ok((None, Recorded::Known));
            }
            let snapshot = self.session_with_live(tenant, session).await?;
            // After the session: if the payment changes in between, the session has too, and the commit is
            // refused. The other way round, a payment that was just made would look like one that ended.
            let target = self.transaction(tenant, target).await?;
            // After the session too: the claim lets its own transaction take it again, so that a transfer that
            // was counted between the two would be counted for that one a second time.
            let key = ClaimKey::BankTransfer {
                account: transfer.account.clone(),
                id: transfer.id.clone(),
            };
            if self.store().claim(tenant, &key).await?.is_some() {
                return Ok((None, Recorded::Known));
            }
            let (change, transaction) = decide(transfer, target, snapshot, self.env(tenant))?;
            Ok((change, Recorded::Counted(Box::new(transaction))))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::money::AmountError;
    use crate::session::{Session, StateName};
    use crate::store::Record;
    use crate::time::Span;

    fn counted(
        desk: &Desk,
        (session, target): (&Session, &Transaction),
        live: Option<&Transaction>,
        money: &Transfer,
    ) -> (Change, Transaction, Session) {
        let snapshot = snapshot(session, live);
        let (change, transaction) = decide(money, target.clone(), snapshot, desk.env()).unwrap();
        let change = change.unwrap();
        let claimed = change.claims.last().map(|claim| claim.key.clone());
        let key = ClaimKey::BankTransfer {
            account: money.account.clone(),
            id: money.id.clone(),
        };
        assert_eq!(claimed, Some(key), "each transfer is counted once");
        let Some(Record::Session(session)) = change.puts.first().cloned() else {
            panic!("the session first")
        };
        (change, transaction, session)
    }

    fn exception(transaction: &Transaction) -> Option<ExceptionKind> {
        transaction.exception.map(|exception| exception.kind)
    }

    #[test]
    fn what_is_asked_for_completes_the_session() {
        let desk = Desk::new();
        let (session, target) = desk.waiting();
        let money = transfer(&target, "bank 1", cents(3_500));
        let (change, paid, session) = counted(&desk, (&session, &target), Some(&target), &money);
        assert_eq!(
            told(&change),
            [EventKind::TransactionSucceeded, EventKind::SessionCompleted]
        );
        assert_eq!((paid.captured(), exception(&paid)), (cents(3_500), None));
        assert_eq!(session.state.name(), StateName::Completed);
        assert_eq!(change.releases, [], "the session stays taken");
    }

    #[test]
    fn too_little_waits_for_the_rest() {
        let desk = Desk::new();
        let (session, target) = desk.waiting();
        let money = transfer(&target, "bank 1", cents(1_500));
        let (change, part, session) = counted(&desk, (&session, &target), Some(&target), &money);
        assert_eq!(told(&change), [EventKind::TransactionException]);
        assert_eq!(exception(&part), Some(ExceptionKind::Partial));
        assert_eq!(session.state.name(), StateName::Processing);
        let rest = transfer(&target, "bank 2", cents(2_000));
        let (change, paid, _) = counted(&desk, (&session, &part), Some(&part), &rest);
        assert_eq!(
            told(&change),
            [EventKind::TransactionSucceeded, EventKind::SessionCompleted]
        );
        assert_eq!(
            (paid.received, exception(&paid)),
            (Some(cents(3_500)), None)
        );
    }

    #[test]
    fn too_much_completes_the_session_and_is_told() {
        let desk = Desk::new();
        let (session, target) = desk.waiting();
        let money = transfer(&target, "bank 1", cents(3_501));
        let (change, paid, _) = counted(&desk, (&session, &target), Some(&target), &money);
        assert_eq!(
            told(&change),
            [
                EventKind::TransactionSucceeded,
                EventKind::SessionCompleted,
                EventKind::TransactionException
            ]
        );
        assert_eq!(
            (paid.captured(), exception(&paid)),
            (cents(3_501), Some(ExceptionKind::Over))
        );
    }

    #[test]
    fn paying_twice_is_over_and_the_second_can_be_given_back() {
        let desk = Desk::new();
        let (session, target) = desk.waiting();
        let money = transfer(&target, "bank 1", cents(3_500));
        let (_, paid, session) = counted(&desk, (&session, &target), Some(&target), &money);
        let again = transfer(&paid, "bank 2", cents(3_500));
        let (change, paid, session) = counted(&desk, (&session, &paid), None, &again);
        assert_eq!(told(&change), [EventKind::TransactionException]);
        assert_eq!(
            (paid.remaining(), exception(&paid)),
            (7_000, Some(ExceptionKind::Over))
        );
        assert_eq!(session.state.name(), StateName::Completed);
    }

    #[test]
    fn late_money_is_a_transaction_of_its_own() {
        let mut desk = Desk::new();
        let (session, target) = desk.waiting();
        desk.pass(Span::hours(1));
        // Nobody has swept: the transfer itself finds the time over.
        let money = transfer(&target, "bank 1", cents(3_500));
        let (change, late, session) = counted(&desk, (&session, &target), Some(&target), &money);
        assert_eq!(
            told(&change),
            [
                EventKind::TransactionExpired,
                EventKind::TransactionException
            ]
        );
        assert_eq!(late.parent, Some(target.id));
        assert_eq!(exception(&late), Some(ExceptionKind::Late));
        assert!(matches!(late.status, Status::Received { .. }));
        assert_eq!((late.captured(), late.remaining()), (cents(3_500), 3_500));
        assert_eq!(session.state.name(), StateName::Initiated);
        let ended = put(&change, target.id);
        assert!(matches!(ended.status, Status::Expired { .. }));
        assert_eq!(ended.received, None);
    }

    #[test]
    fn money_for_a_payment_that_was_left_is_late_whatever_pays_now() {
        let desk = Desk::new();
        let (session, left) = desk.waiting();
        let (change, _) = desk
            .try_start(
                snapshot(&session, Some(&left)),
                paying(crate::method::Method::Card),
            )
            .unwrap();
        let change = change.unwrap();
        let left = put(&change, left.id);
        let Some(Record::Session(session)) = change.puts.first().cloned() else {
            panic!("the session first")
        };
        let live = put(&change, TransactionId(change.claims[0].owner));
        let money = transfer(&left, "bank 1", cents(3_500));
        let (change, late, session) = counted(&desk, (&session, &left), Some(&live), &money);
        assert_eq!(told(&change), [EventKind::TransactionException]);
        assert_eq!(exception(&late), Some(ExceptionKind::Late));
        assert_eq!(session.state.name(), StateName::Processing);
    }

    #[test]
    fn it_refuses_what_is_no_money_of_this_payment() {
        let desk = Desk::new();
        let (session, target) = desk.waiting();
        let yen = Money::from_minor(3_500, currency("JPY")).unwrap();
        for (amount, refusal) in [
            (
                yen,
                Refusal::CurrencyDiffers {
                    expected: currency("SGD"),
                },
            ),
            (
                cents(0),
                Refusal::InvalidAmount {
                    field: "amount".into(),
                    error: AmountError::Zero,
                },
            ),
        ] {
            let money = transfer(&target, "bank 1", amount);
            let snapshot = snapshot(&session, Some(&target));
            let decided = decide(&money, target.clone(), snapshot, desk.env());
            assert_eq!(decided.unwrap_err(), refusal);
        }
    }

    #[test]
    fn money_that_is_quicker_than_the_rails_answer_is_told_again() {
        let desk = Desk::new();
        let (session, mut target) = desk.in_flight(crate::method::Method::PayNow);
        target.destination = desk.waiting().1.destination;
        let money = transfer(&target, "bank 1", cents(3_500));
        let snapshot = snapshot(&session, Some(&target));
        assert_eq!(
            decide(&money, target, snapshot, desk.env()).unwrap_err(),
            Refusal::PaymentInProgress
        );
    }

    #[test]
    fn sums_beyond_all_bounds_are_refused_and_nothing_is_counted() {
        let desk = Desk::new();
        let (session, target) = desk.waiting();
        let most = transfer(&target, "bank 1", cents(crate::money::MAX_MINOR));
        let (_, paid, session) = counted(&desk, (&session, &target), Some(&target), &most);
        let again = transfer(&paid, "bank 2", cents(1));
        let decided = decide(&again, paid, snapshot(&session, None), desk.env());
        assert_eq!(
            decided.unwrap_err(),
            Refusal::InvalidAmount {
                field: "amount".into(),
                error: AmountError::TooLarge,
            }
        );
    }
}

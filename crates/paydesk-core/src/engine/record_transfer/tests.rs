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
    let (change, transaction) = desk.count(money, target.clone(), snapshot).unwrap();
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
fn by_its_amount_money_is_for_a_payment_that_waits_and_for_no_other() {
    let mut desk = Desk::new();
    let (session, target) = desk.waiting();
    let money = transfer(&target, "bank 1", cents(3_500));
    let decided = |desk: &Desk, by, target: &Transaction, snapshot| {
        let told = desk.told(&money, Origin::Report);
        decide(&told, by, target.clone(), snapshot, desk.env())
    };
    let waiting = snapshot(&session, Some(&target));
    let (_, counted, kept) = decided(&desk, MatchedBy::Amount, &target, waiting.clone()).unwrap();
    assert_eq!(kept.transaction(), Some(counted.id));

    let first = transfer(&target, "bank 0", cents(3_500));
    let (_, paid, completed) = self::counted(&desk, (&session, &target), Some(&target), &first);
    let paid_since = (paid, snapshot(&completed, None));
    desk.pass(Span::hours(1));
    // Nobody has swept.
    for (target, snapshot) in [paid_since, (target, waiting)] {
        let by_amount = decided(&desk, MatchedBy::Amount, &target, snapshot.clone());
        assert_eq!(by_amount, Err(Refusal::TransactionNotFound));
        assert!(decided(&desk, MatchedBy::Reference, &target, snapshot).is_ok());
    }
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
        let decided = desk.count(&money, target.clone(), snapshot);
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
        desk.count(&money, target, snapshot).unwrap_err(),
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
    let decided = desk.count(&again, paid, snapshot(&session, None));
    assert_eq!(
        decided.unwrap_err(),
        Refusal::InvalidAmount {
            field: "amount".into(),
            error: AmountError::TooLarge,
        }
    );
}

use super::super::fixtures::*;
use super::*;
use crate::money::AmountError;
use crate::rail::RailAnswer;
use crate::store::Record;
use crate::time::Span;
use crate::transaction::FailureReason;

struct Scene {
    desk: Desk,
    operate: Operate,
    session: Session,
    parent: Transaction,
}

fn decided(scene: &Scene) -> Result<(Change, Transaction, Option<Session>), Refusal> {
    decide(
        scene.operate,
        scene.parent.clone(),
        Some(scene.session.clone()),
        None,
        scene.desk.env(),
    )
}

fn on_a_hold(operate: Operate) -> Scene {
    let desk = Desk::new();
    let (session, parent) = desk.held();
    Scene {
        desk,
        operate,
        session,
        parent,
    }
}

fn on_a_payment(operate: Operate) -> Scene {
    let desk = Desk::new();
    let (session, parent) = desk.paid();
    Scene {
        desk,
        operate,
        session,
        parent,
    }
}

#[test]
fn settling_refuses_in_its_documented_order() {
    assert_ladder(
        || on_a_hold(Operate::Settle(Some(cents(1_000)))),
        &[
            (
                |scene: &mut Scene| scene.parent.action = Action::Payment,
                Refusal::NotSettleable,
            ),
            (
                |scene| scene.parent.status = Status::Expired { at: START },
                Refusal::NotSettleable,
            ),
            (|scene| scene.parent.hold = None, Refusal::NotSettleable),
            (
                |scene| scene.parent.hold = Some(Hold::Settled),
                Refusal::AlreadySettled,
            ),
            (
                |scene| scene.parent.hold = Some(Hold::Voided),
                Refusal::AlreadyVoided,
            ),
            (
                |scene| scene.parent.hold = Some(Hold::Lapsed),
                Refusal::HoldExpired,
            ),
            (
                |scene| scene.parent.hold = Some(Hold::Open { expires_at: START }),
                Refusal::HoldExpired,
            ),
            (
                |scene| scene.parent.reserved = 1,
                Refusal::OperationInProgress,
            ),
            (
                |scene| {
                    let yen = Money::from_minor(1, currency("JPY")).unwrap();
                    scene.operate = Operate::Settle(Some(yen));
                },
                Refusal::CurrencyDiffers {
                    expected: currency("SGD"),
                },
            ),
            (
                |scene| scene.operate = Operate::Settle(Some(cents(0))),
                Refusal::InvalidAmount {
                    field: "amount".into(),
                    error: AmountError::Zero,
                },
            ),
            (
                |scene| scene.operate = Operate::Settle(Some(cents(3_501))),
                Refusal::AmountTooLarge {
                    remaining: cents(3_500),
                },
            ),
        ],
        |scene| decided(&scene).map(|_| ()),
    );
}

#[test]
fn voiding_refuses_in_its_documented_order() {
    assert_ladder(
        || on_a_hold(Operate::Void),
        &[
            (
                |scene: &mut Scene| scene.parent.action = Action::Payment,
                Refusal::NotVoidable,
            ),
            (
                |scene| scene.parent.hold = Some(Hold::Settled),
                Refusal::AlreadySettled,
            ),
            (
                |scene| scene.parent.hold = Some(Hold::Voided),
                Refusal::AlreadyVoided,
            ),
            (|scene| scene.desk.pass(Span::days(7)), Refusal::HoldExpired),
            (
                |scene| scene.parent.reserved = 1,
                Refusal::OperationInProgress,
            ),
        ],
        |scene| decided(&scene).map(|_| ()),
    );
}

#[test]
fn refunding_refuses_in_its_documented_order() {
    assert_ladder(
        || on_a_payment(Operate::Refund(Some(cents(1_000)))),
        &[
            (
                |scene: &mut Scene| scene.parent.action = Action::Authorization,
                Refusal::NotRefundable,
            ),
            (
                |scene| scene.parent.status = scene.desk.env().in_flight(),
                Refusal::NotRefundable,
            ),
            (
                |scene| {
                    scene.parent.status = Status::Failed {
                        at: START,
                        reason: FailureReason::ProcessingError,
                    };
                },
                Refusal::NotRefundable,
            ),
            (
                |scene| {
                    let yen = Money::from_minor(1, currency("JPY")).unwrap();
                    scene.operate = Operate::Refund(Some(yen));
                },
                Refusal::CurrencyDiffers {
                    expected: currency("SGD"),
                },
            ),
            (
                |scene| scene.operate = Operate::Refund(Some(cents(0))),
                Refusal::InvalidAmount {
                    field: "amount".into(),
                    error: AmountError::Zero,
                },
            ),
            (
                |scene| scene.operate = Operate::Refund(Some(cents(3_501))),
                Refusal::AmountTooLarge {
                    remaining: cents(3_500),
                },
            ),
        ],
        |scene| decided(&scene).map(|_| ()),
    );
}

#[test]
fn refunds_together_take_no_more_than_was_taken() {
    let mut scene = on_a_payment(Operate::Refund(Some(cents(2_000))));
    let (change, _, session) = decided(&scene).unwrap();
    scene.parent = put(&change, scene.parent.id);
    scene.session = session.unwrap();
    let remaining = cents(1_500);
    assert_eq!(
        decided(&scene).unwrap_err(),
        Refusal::AmountTooLarge { remaining }
    );
    scene.operate = Operate::Refund(None);
    let (change, rest, _) = decided(&scene).unwrap();
    assert_eq!(rest.amount, remaining);
    scene.parent = put(&change, scene.parent.id);
    let remaining = cents(0);
    assert_eq!(
        decided(&scene).unwrap_err(),
        Refusal::AmountTooLarge { remaining },
        "nothing is left"
    );
}

#[test]
fn an_intent_reserves_and_is_told_if_it_changes_a_hold() {
    for (scene, action, amount, events) in [
        (
            on_a_hold(Operate::Settle(None)),
            Action::Settle,
            3_500,
            vec![EventKind::TransactionPending],
        ),
        (
            on_a_hold(Operate::Void),
            Action::Void,
            3_500,
            vec![EventKind::TransactionPending],
        ),
        (
            on_a_payment(Operate::Refund(Some(cents(1_000)))),
            Action::Refund,
            1_000,
            vec![],
        ),
    ] {
        let (change, child, session) = decided(&scene).unwrap();
        let parent = put(&change, scene.parent.id);
        assert_eq!(told(&change), events);
        assert_eq!((child.action, child.amount), (action, cents(amount)));
        assert_eq!(child.parent, Some(parent.id));
        assert!(matches!(child.status, Status::InFlight { .. }));
        assert_eq!((parent.reserved, parent.done), (amount, 0));
        assert_eq!(parent.version, scene.parent.version + 1);
        assert_eq!(session.unwrap().version, scene.session.version + 1);
    }
}

#[test]
fn what_was_settled_can_be_refunded_and_the_authorization_cannot() {
    let desk = Desk::new();
    let (session, held, settle) = desk.operate(Operate::Settle(Some(cents(1_000))), desk.held());
    let (change, settle, session) =
        desk.try_answer(session, settle, Some(held.clone()), succeeded());
    let (held, session) = (put(&change.unwrap(), held.id), session.unwrap());
    let refund = |parent: &Transaction| {
        decide(
            Operate::Refund(None),
            parent.clone(),
            Some(session.clone()),
            None,
            desk.env(),
        )
    };
    assert_eq!(refund(&held).unwrap_err(), Refusal::NotRefundable);
    assert_eq!(refund(&settle).unwrap().1.amount, cents(1_000));
}

#[test]
fn money_that_was_pushed_can_be_given_back_whatever_the_payment_came_to() {
    let desk = Desk::new();
    let (_, waiting) = desk.waiting();
    let part = Transaction {
        received: Some(cents(500)),
        ..waiting
    };
    let (session, _) = desk.paid();
    let at = START;
    for (status, given_back) in [
        (part.status.clone(), false),
        (Status::Expired { at }, true),
        (Status::Cancelled { at }, true),
        (
            Status::Failed {
                at,
                reason: FailureReason::ProcessingError,
            },
            true,
        ),
        (Status::Received { at }, true),
        (Status::Succeeded { at }, true),
    ] {
        let parent = Transaction {
            status: status.clone(),
            ..part.clone()
        };
        let refund = decide(
            Operate::Refund(None),
            parent,
            Some(session.clone()),
            None,
            desk.env(),
        );
        assert_eq!(refund.is_ok(), given_back, "{status:?}: {refund:?}");
    }
}

#[test]
fn a_charge_without_a_session_is_refunded_by_the_same_rules() {
    let desk = Desk::new();
    let (_, mut payment) = desk.paid();
    payment.session = None;
    let (change, refund, session) = decide(
        Operate::Refund(Some(cents(1_000))),
        payment.clone(),
        None,
        None,
        desk.env(),
    )
    .unwrap();
    assert_eq!(session, None);
    assert_eq!(told(&change), []);
    assert_eq!(change.puts.len(), 2);
    assert!(matches!(&change.puts[0], Record::Transaction(first) if first.id == refund.id));
    let parent = put(&change, payment.id);
    assert_eq!(
        (parent.remaining(), parent.version),
        (2_500, payment.version + 1)
    );
    let snapshot = super::super::record_outcome::Snapshot {
        transaction: refund,
        parent: Some(parent),
        session: None,
    };
    let failed = RailAnswer::Failed(FailureReason::ProcessingError);
    let (change, refund, _) = super::super::record_outcome::decide(failed, snapshot, desk.env());
    let change = change.unwrap();
    assert_eq!(told(&change), [EventKind::RefundFailed]);
    assert_eq!(change.events[0].sequence, 2);
    assert_eq!(change.events[0].session, None);
    assert_eq!(put(&change, payment.id).remaining(), 3_500);
    assert!(refund.status.is_terminal());
}

use super::super::fixtures::*;
use super::super::operate::{self, Operate};
use super::*;
use crate::event::EventKind;
use crate::merchant::Provider;
use crate::money::AmountError;
use crate::transaction::{ExceptionKind, Status};

struct Scene {
    desk: Desk,
    request: RecordRefund,
    session: Session,
    payment: Transaction,
    known: KnownAs,
}

/// A payment of 35 dollars that came in on the merchant's own account.
fn scene() -> Scene {
    let mut desk = Desk::new();
    let (session, waiting) = desk.waiting();
    desk.account.provider = Provider::Bank;
    let money = transfer(&waiting, "bank 1", cents(3_500));
    let with = snapshot(&session, Some(&waiting));
    let (change, payment) = desk.count(&money, waiting, with).unwrap();
    let session = session_in(&change);
    let request = RecordRefund {
        amount: Some(cents(1_000)),
        provider_reference: "out 1".to_owned(),
    };
    Scene {
        desk,
        request,
        session,
        payment,
        known: KnownAs::default(),
    }
}

fn session_in(change: &Change) -> Session {
    match change.puts.first() {
        Some(crate::store::Record::Session(session)) => session.clone(),
        other => panic!("the session first: {other:?}"),
    }
}

fn decided(scene: &Scene) -> Result<(Option<Change>, RefundRecorded), Refusal> {
    decide(
        &scene.request,
        scene.payment.clone(),
        Some(scene.session.clone()),
        &scene.desk.account,
        scene.known.clone(),
        scene.desk.env(),
    )
}

#[test]
fn it_refuses_in_its_documented_order() {
    let of = |problem: &str| Refusal::field("providerReference", problem);
    assert_ladder(
        scene,
        &[
            (
                |scene: &mut Scene| scene.desk.account.provider = Provider::Sandbox,
                of("is given, but the money on this account is sent back by Paydesk: leave it out"),
            ),
            (
                |scene| scene.request.provider_reference = " \t".into(),
                of("is not a text of 1 to 200 characters"),
            ),
            (
                |scene| scene.known.came_in = true,
                of("is the id of a transfer that came in: give that of the one that you sent back"),
            ),
            (
                |scene| scene.known.sent_back = Some(None),
                of("is recorded for another refund already: each transfer counts once"),
            ),
            (
                |scene| {
                    scene.payment.received = None;
                    scene.payment.status = Status::Expired { at: START };
                },
                Refusal::NotRefundable,
            ),
            (
                |scene| scene.request.amount = Some(cents(0)),
                Refusal::InvalidAmount {
                    field: "amount".into(),
                    error: AmountError::Zero,
                },
            ),
            (
                |scene| scene.request.amount = Some(cents(3_501)),
                Refusal::AmountTooLarge {
                    remaining: cents(3_500),
                },
            ),
        ],
        |scene| decided(&scene).map(|_| ()),
    );
}

#[test]
fn what_was_sent_back_is_a_refund_that_succeeded_and_no_more_than_came_in() {
    let mut scene = scene();
    let (change, recorded) = decided(&scene).unwrap();
    let change = change.unwrap();
    assert_eq!(told(&change), [EventKind::RefundSucceeded]);
    let refund = recorded.refund;
    assert!(matches!(refund.status, Status::Succeeded { .. }));
    assert_eq!(refund.provider_reference.as_deref(), Some("out 1"));
    assert_eq!(change.claims.len(), 1, "its transfer counts once");
    scene.payment = put(&change, scene.payment.id);
    scene.session = session_in(&change);
    assert_eq!((scene.payment.done, scene.payment.reserved), (1_000, 0));
    scene.request.provider_reference = "out 2".into();
    scene.request.amount = Some(cents(2_501));
    assert_eq!(
        decided(&scene).unwrap_err(),
        Refusal::AmountTooLarge {
            remaining: cents(2_500)
        }
    );
    scene.request.amount = None;
    let (_, rest) = decided(&scene).unwrap();
    assert_eq!(rest.refund.amount, cents(2_500));
}

#[test]
fn the_same_transfer_again_is_the_same_refund() {
    let mut scene = scene();
    let first = decided(&scene).unwrap().1.refund;
    scene.known.sent_back = Some(Some(first.clone()));
    for amount in [Some(cents(1_000)), None] {
        scene.request.amount = amount;
        let (change, again) = decided(&scene).unwrap();
        assert_eq!(change, None);
        assert_eq!((&again.refund, again.known), (&first, true));
    }
    scene.request.amount = Some(cents(999));
    assert!(decided(&scene).is_err(), "one of the two amounts is wrong");
    scene.request.amount = None;
    scene.payment.id = first.id;
    assert!(decided(&scene).is_err(), "it paid something else back");
}

#[test]
fn late_money_that_goes_back_whole_is_over() {
    let mut scene = scene();
    scene.payment.status = Status::Received { at: START };
    scene.payment.exception = Some(crate::transaction::Exception {
        kind: ExceptionKind::Late,
        accepted_at: None,
    });
    scene.request.amount = None;
    let (change, _) = decided(&scene).unwrap();
    let payment = put(&change.unwrap(), scene.payment.id);
    assert!(matches!(payment.status, Status::Cancelled { .. }));
}

#[test]
fn nothing_is_given_back_where_no_rail_moves_money() {
    let scene = scene();
    let (account, refund) = (&scene.desk.account, Operate::Refund(None));
    assert_eq!(
        operate::check_account(refund, account),
        Err(Refusal::RefundAtBank)
    );
    let sandbox = Desk::new().account;
    assert_eq!(operate::check_account(refund, &sandbox), Ok(()));
}

use super::super::fixtures::*;
use super::super::open_session::OpenSession;
use super::*;
use crate::money::AmountError;
use crate::time::Span;
use crate::transaction::{DeclineReason, FailureReason};

struct Scene {
    desk: Desk,
    request: ChargePaymentMethod,
    stored: Option<PaymentMethod>,
    account: Option<ProviderAccount>,
    holder: Option<ReferenceHolder>,
}

fn sound() -> Scene {
    let desk = Desk::new();
    let stored = desk.stored_card();
    Scene {
        request: ChargePaymentMethod {
            payment_method: stored.id,
            amount: cents(900),
            reference: Some("order 7".into()),
        },
        stored: Some(stored),
        account: Some(desk.account.clone()),
        holder: None,
        desk,
    }
}

fn decided(scene: &Scene) -> Result<(Change, Transaction), Refusal> {
    decide(
        &scene.request,
        scene.stored.as_ref(),
        scene.account.as_ref(),
        scene.holder.clone(),
        None,
        scene.desk.env(),
    )
}

#[test]
fn it_refuses_in_its_documented_order() {
    assert_ladder(
        sound,
        &[
            (|scene| scene.stored = None, Refusal::PaymentMethodNotFound),
            (
                |scene| {
                    let stored = scene.stored.as_mut();
                    stored.unwrap().detached_at = Some(START);
                },
                Refusal::PaymentMethodNotFound,
            ),
            (
                |scene| scene.account = None,
                Refusal::ProviderAccountNotFound,
            ),
            (
                |scene| scene.account.as_mut().unwrap().enabled = false,
                Refusal::ProviderAccountDisabled,
            ),
            (
                |scene| scene.request.amount = cents(0),
                Refusal::InvalidAmount {
                    field: "amount".into(),
                    error: AmountError::Zero,
                },
            ),
            (
                |scene| scene.request.reference = Some(String::new()),
                Refusal::field("reference", "is empty; leave it out instead"),
            ),
            (
                |scene| {
                    let payment = TransactionId(uuid::Uuid::nil());
                    scene.holder = Some(ReferenceHolder::Charge(payment));
                },
                Refusal::ReferenceTaken { session: None },
            ),
        ],
        |scene| decided(&scene).map(|_| ()),
    );
}

#[test]
fn a_reference_is_as_long_as_a_sessions_may_be() {
    for (length, is_taken) in [(255, true), (256, false), (60_000, false)] {
        let mut scene = sound();
        scene.request.reference = Some("ü".repeat(length));
        let refused = decided(&scene).map(|_| ());
        let too_long = Refusal::field("reference", "is longer than 255 characters");
        assert_eq!(refused, if is_taken { Ok(()) } else { Err(too_long) });
    }
}

#[test]
fn a_charge_takes_its_reference_and_is_told() {
    let scene = sound();
    let (change, payment) = decided(&scene).unwrap();
    assert_eq!(told(&change), [EventKind::TransactionPending]);
    assert_eq!(
        (change.events[0].session, change.events[0].sequence),
        (None, 1)
    );
    let stored = scene.stored.unwrap();
    assert_eq!(payment.payment_method, Some(stored.id));
    let seen = crate::payment_method::PaymentMethod {
        version: stored.version + 1,
        ..stored
    };
    assert_eq!(
        change.puts,
        [
            Record::PaymentMethod(seen),
            Record::Transaction(payment.clone())
        ],
        "a detachment meets the charge"
    );
    assert_eq!(change.claims.len(), 1);
    assert_eq!(change.claims[0].owner, payment.id.0);
}

#[test]
fn a_reference_is_one_namespace_with_the_sessions() {
    let mut scene = sound();
    let session = scene.desk.open(OpenSession {
        reference: Some("order 7".into()),
        ..request()
    });
    let holder = ReferenceHolder::Session(Box::new(snapshot(&session, None)));
    scene.holder = Some(holder);
    assert_eq!(
        decided(&scene).unwrap_err(),
        Refusal::ReferenceTaken {
            session: Some(session.id)
        }
    );
    // A session whose time is over gives it up in the same change.
    scene.desk.pass(Span::days(7));
    let (change, payment) = decided(&scene).unwrap();
    assert_eq!(
        told(&change),
        [EventKind::SessionExpired, EventKind::TransactionPending]
    );
    assert_eq!(change.releases[0].owner, session.id.0);
    assert_eq!(change.claims[0].owner, payment.id.0);
}

#[test]
fn each_answer_has_its_status_and_its_events_and_a_failure_frees_the_reference() {
    let scene = sound();
    for (answer, status, events, frees) in [
        (
            succeeded(),
            "succeeded",
            vec![EventKind::TransactionSucceeded],
            false,
        ),
        (
            RailAnswer::Declined(DeclineReason::ExpiredCard),
            "declined",
            vec![EventKind::TransactionDeclined],
            true,
        ),
        (
            RailAnswer::Failed(FailureReason::NeverArrived),
            "failed",
            vec![EventKind::TransactionFailed],
            true,
        ),
        (
            RailAnswer::Unknown,
            "unknown",
            vec![EventKind::TransactionUnknown],
            false,
        ),
        (
            to_be_confirmed(),
            "unknown",
            vec![EventKind::TransactionUnknown],
            false,
        ),
    ] {
        let payment = decided(&scene).unwrap().1;
        let (change, payment) = decide_outcome(answer, payment, None, scene.desk.env());
        assert_eq!(payment.status.name(), status);
        assert_eq!(told(&change), events);
        assert_eq!(!change.releases.is_empty(), frees, "{status}");
        assert_eq!(payment.version, 2);
        assert_eq!(put(&change, payment.id), payment);
    }
}

#[test]
fn a_waiting_idempotent_charge_is_answered_with_its_outcome() {
    let scene = sound();
    let key = IdempotencyKey {
        scope: "key_1 payment".into(),
        key: "a".into(),
    };
    let (_, payment) = decide(
        &scene.request,
        scene.stored.as_ref(),
        scene.account.as_ref(),
        None,
        Some(key.clone()),
        scene.desk.env(),
    )
    .unwrap();
    let (change, payment) = decide_outcome(RailAnswer::Unknown, payment, None, scene.desk.env());
    assert_eq!(change.idempotency, None);
    let (change, payment) = decide_outcome(succeeded(), payment, None, scene.desk.env());
    let answer = crate::store::StoredAnswer::Transaction { id: payment.id };
    assert_eq!(
        change.idempotency,
        Some(crate::store::IdempotencyWrite::Finish { key, answer })
    );
}

use super::super::fixtures::*;
use super::super::lapse_session;
use super::super::operate::Operate;
use super::*;
use crate::engine::open_session::OpenSession;
use crate::method::Method;
use crate::money::Money;
use crate::rail::RailAnswer;
use crate::session::Amount;
use crate::time::Span;
use crate::transaction::{DeclineReason, FailureReason};

fn declined() -> RailAnswer {
    RailAnswer::Declined(DeclineReason::InsufficientFunds)
}

fn failed() -> RailAnswer {
    RailAnswer::Failed(FailureReason::ProcessingError)
}

#[test]
fn each_answer_about_an_attempt_has_its_status_its_state_and_its_events() {
    use crate::session::StateName::{Completed, Initiated, Processing};
    let desk = Desk::new();
    for (method, answer, status, state, events) in [
        (
            Method::Card,
            succeeded(),
            "succeeded",
            Completed,
            vec![EventKind::TransactionSucceeded, EventKind::SessionCompleted],
        ),
        (
            Method::Card,
            declined(),
            "declined",
            Initiated,
            vec![EventKind::TransactionDeclined],
        ),
        (
            Method::Card,
            failed(),
            "failed",
            Initiated,
            vec![EventKind::TransactionFailed],
        ),
        (
            Method::Card,
            RailAnswer::Unknown,
            "unknown",
            Processing,
            vec![EventKind::TransactionUnknown],
        ),
        (
            Method::Card,
            to_be_confirmed(),
            "pending",
            Processing,
            vec![],
        ),
        (
            Method::PayNow,
            to_be_pushed(),
            "pending",
            Processing,
            vec![],
        ),
    ] {
        let (session, transaction) = desk.in_flight(method);
        let before = (session.version, transaction.version);
        let (change, transaction, session) = desk.try_answer(session, transaction, None, answer);
        let (change, session) = (change.unwrap(), session.unwrap());
        assert_eq!(transaction.status.name(), status);
        assert_eq!(session.state.name(), state);
        assert_eq!(told(&change), events);
        assert_eq!(put(&change, transaction.id), transaction);
        let raised = (session.version - before.0, transaction.version - before.1);
        assert_eq!(raised, (1, 1), "{status}");
        // The session is free for another payment exactly if this one came to nothing.
        let releases = usize::from(state == Initiated);
        assert_eq!(change.releases.len(), releases, "{status}");
    }
}

#[test]
fn the_first_outcome_counts() {
    let desk = Desk::new();
    for first in [succeeded(), declined(), failed()] {
        let (session, transaction) = desk.answer(desk.in_flight(Method::Card), first);
        for second in [
            succeeded(),
            declined(),
            failed(),
            RailAnswer::Unknown,
            to_be_confirmed(),
        ] {
            let answered =
                desk.try_answer(session.clone(), transaction.clone(), None, second.clone());
            let same = (None, transaction.clone(), Some(session.clone()));
            assert_eq!(answered, same, "{second:?}");
        }
    }
}

#[test]
fn an_unknown_outcome_is_told_once_and_asked_about_ever_more_rarely() {
    let mut desk = Desk::new();
    let (mut session, mut transaction) =
        desk.answer(desk.in_flight(Method::Card), RailAnswer::Unknown);
    assert_eq!(
        transaction.ask_at(),
        Some(START.after(Span::seconds(2))),
        "within five seconds"
    );
    let mut pauses = Vec::new();
    for _ in 0..12 {
        desk.now = transaction.ask_at().unwrap();
        let (change, asked) =
            super::super::reconcile::decide(transaction, Some(session), desk.env());
        let change = change.unwrap();
        assert_eq!(told(&change), []);
        let Some(crate::store::Record::Session(stored)) = change.puts.first() else {
            panic!("the session first")
        };
        let answered = desk.try_answer(stored.clone(), asked, None, RailAnswer::Unknown);
        assert_eq!(told(&answered.0.unwrap()), []);
        (transaction, session) = (answered.1, answered.2.unwrap());
        pauses.push(transaction.ask_at().unwrap().since(desk.now));
    }
    assert!(pauses.is_sorted(), "{pauses:?}");
    assert_eq!(pauses[0], Span::seconds(4));
    assert_eq!(pauses.last(), Some(&Span::minutes(10)));
    let (session, transaction) = desk.answer((session, transaction), succeeded());
    assert_eq!(transaction.status, Status::Succeeded { at: desk.now });
    assert!(session.state.is_terminal());
}

#[test]
fn a_declined_card_leaves_no_charge_and_a_waiting_push_is_one() {
    let desk = Desk::new();
    let (session, _) = desk.answer(desk.in_flight(Method::Card), declined());
    assert_eq!(session.charge, None);
    let (session, transaction) = desk.waiting();
    assert_eq!(session.charge, Some(transaction.id));
    let claimed = desk.try_answer(
        desk.in_flight(Method::PayNow).0,
        desk.in_flight(Method::PayNow).1,
        None,
        to_be_pushed(),
    );
    let keys: Vec<ClaimKey> = claimed
        .0
        .unwrap()
        .claims
        .into_iter()
        .map(|one| one.key)
        .collect();
    let reference = ClaimKey::PushReference {
        account: "+6585867834".into(),
        nonce: "ABCDEFGHIJ".into(),
    };
    assert_eq!(keys, [reference]);
}

#[test]
fn a_push_counts_its_time_from_its_beginning() {
    let mut desk = Desk::new();
    let (session, transaction) = desk.answer(desk.in_flight(Method::PayNow), RailAnswer::Unknown);
    desk.pass(Span::minutes(40));
    let (session, _) = desk.answer((session, transaction), to_be_pushed());
    let State::Processing {
        since, lapses_at, ..
    } = session.state
    else {
        panic!("{:?}", session.state)
    };
    assert_eq!(since, START);
    assert_eq!(lapses_at, Some(START.after(Span::hours(1))));
}

#[test]
fn what_a_rail_says_of_a_push_that_waits_is_no_news() {
    let desk = Desk::new();
    let (session, live) = desk.waiting();
    for answer in [RailAnswer::Unknown, to_be_pushed()] {
        let answered = desk.try_answer(session.clone(), live.clone(), None, answer);
        assert_eq!(answered, (None, live.clone(), Some(session.clone())));
    }
}

#[test]
fn an_answer_after_the_time_of_a_push_finds_it_expired() {
    for answer in [succeeded(), declined(), RailAnswer::Unknown] {
        let mut desk = Desk::new();
        let (session, live) = desk.waiting();
        desk.pass(Span::hours(3));
        assert_eq!(
            session.state_at(desk.now).name(),
            crate::session::StateName::Expired
        );
        let (change, transaction, session) = desk.try_answer(session, live, None, answer);
        assert_eq!(
            told(&change.unwrap()),
            [EventKind::TransactionExpired, EventKind::SessionExpired]
        );
        let at = START.after(Span::hours(1));
        assert_eq!(transaction.status, Status::Expired { at });
        let at = START.after(Span::hours(2));
        assert_eq!(session.unwrap().state, State::Expired { at });
    }
}

#[test]
fn a_session_never_expires_around_a_payment_that_still_waits() {
    // Late money of a first code is being given back while a second code waits, and runs out.
    let mut desk = Desk::new();
    let (session, first) = desk.run_out();
    let late = transfer(&first, "bank 1", cents(3_500));
    let (change, late) = desk.count(&late, first, snapshot(&session, None)).unwrap();
    let Some(crate::store::Record::Session(session)) = change.puts.into_iter().next() else {
        panic!("the session first")
    };
    let (session, live) = desk.start(session, Method::PayNow);
    let (session, live) = desk.answer((session, live), to_be_pushed());
    desk.pass(Span::days(1));
    let (session, late, refund) = desk.operate(Operate::Refund(None), (session, late));
    assert!(matches!(session.state, State::Processing { .. }));
    let (change, _, session) = desk.try_answer(session, refund, Some(late), succeeded());
    assert_eq!(told(&change.unwrap()), [EventKind::RefundSucceeded]);
    // Whoever has the payment in hand writes both ends, in their order.
    let (change, session) =
        lapse_session::decide(snapshot(&session.unwrap(), Some(&live)), desk.env());
    let change = change.unwrap();
    assert_eq!(
        told(&change),
        [EventKind::TransactionExpired, EventKind::SessionExpired]
    );
    assert!(session.state.is_terminal());
    let released: Vec<_> = change.releases.iter().map(|one| one.owner).collect();
    assert_eq!(released, [live.id.0]);
}

#[test]
fn a_card_at_its_banks_page_is_asked_about_until_its_time_is_over() {
    let mut desk = Desk::new();
    let (session, live) = desk.answer(desk.in_flight(Method::Card), to_be_confirmed());
    assert_eq!(live.ask_at(), Some(START.after(Span::seconds(8))));
    let (session, live) = desk.answer((session, live), RailAnswer::Unknown);
    assert!(matches!(live.status, Status::AwaitingPayer { .. }));
    desk.pass(Span::minutes(15));
    let (change, live, _) = desk.try_answer(session, live, None, RailAnswer::Unknown);
    assert!(matches!(live.status, Status::Unknown { .. }));
    assert_eq!(told(&change.unwrap()), [EventKind::TransactionUnknown]);
}

#[test]
fn a_confirmed_wallet_pays() {
    let desk = Desk::new();
    let session = desk.open(OpenSession {
        amount: Amount::Fixed(Money::from_minor(35_000, currency("KRW")).unwrap()),
        ..request()
    });
    let (session, live) = desk.answer(desk.start(session, Method::Toss), to_be_confirmed());
    assert_eq!(session.charge, Some(live.id));
    let (session, live) = desk.answer((session, live), succeeded());
    assert_eq!(live.captured().minor(), 35_000);
    assert_eq!(session.state.name(), crate::session::StateName::Completed);
}

#[test]
fn a_card_is_stored_if_that_was_wanted() {
    let desk = Desk::new();
    let receipt = || {
        RailAnswer::Succeeded(Receipt {
            provider_reference: Some("sbx_1".into()),
            stored_card: Some(card_on_file()),
        })
    };
    for (wanted, kind, stored) in [
        (false, Kind::Payment, false),
        (true, Kind::Payment, true),
        (false, Kind::AddPaymentMethod, true),
    ] {
        let session = desk.open(OpenSession {
            kind,
            store_payment_method: wanted,
            amount: match kind {
                Kind::AddPaymentMethod => Amount::Nothing(currency("SGD")),
                _ => Amount::Fixed(cents(3_500)),
            },
            ..request()
        });
        let (session, transaction) = desk.start(session, Method::Card);
        let (change, transaction, _) = desk.try_answer(session, transaction, None, receipt());
        let change = change.unwrap();
        assert_eq!(transaction.provider_reference.as_deref(), Some("sbx_1"));
        assert_eq!(transaction.payment_method.is_some(), stored);
        let mut events = vec![EventKind::TransactionSucceeded, EventKind::SessionCompleted];
        if stored {
            events.insert(0, EventKind::PaymentMethodStored);
        }
        assert_eq!(told(&change), events);
    }
}

#[test]
fn an_authorization_holds_for_seven_days() {
    let desk = Desk::new();
    let (session, held) = desk.held();
    let expires_at = START.after(HOLD_LIFETIME);
    assert_eq!(held.hold, Some(Hold::Open { expires_at }));
    assert_eq!(session.hold_expires_at, Some(expires_at));
    assert_eq!(session.due_at(), Some(expires_at));
    assert_eq!((held.captured().minor(), held.remaining()), (0, 3_500));
}

#[test]
fn an_operation_that_came_to_nothing_gives_its_reservation_back() {
    let desk = Desk::new();
    for (operate, told_of) in [
        (
            Operate::Settle(Some(cents(1_000))),
            EventKind::TransactionDeclined,
        ),
        (Operate::Void, EventKind::TransactionDeclined),
    ] {
        let (session, held, child) = desk.operate(operate, desk.held());
        assert_eq!(held.reserved, child.amount.minor());
        let (change, _, session) = desk.try_answer(session, child, Some(held.clone()), declined());
        let change = change.unwrap();
        assert_eq!(told(&change), [told_of]);
        let held = put(&change, held.id);
        assert_eq!((held.reserved, held.done), (0, 0));
        assert!(matches!(held.hold, Some(Hold::Open { .. })));
        assert!(session.unwrap().hold_expires_at.is_some());
    }
    let (session, paid, refund) = desk.operate(Operate::Refund(None), desk.paid());
    assert_eq!(paid.remaining(), 0);
    let (change, _, _) = desk.try_answer(session, refund, Some(paid.clone()), failed());
    let change = change.unwrap();
    assert_eq!(told(&change), [EventKind::RefundFailed]);
    assert_eq!(put(&change, paid.id).remaining(), 3_500);
}

#[test]
fn an_operation_of_unknown_outcome_keeps_its_reservation() {
    let desk = Desk::new();
    let (session, paid, refund) = desk.operate(Operate::Refund(Some(cents(500))), desk.paid());
    let (change, _, _) = desk.try_answer(session, refund, Some(paid.clone()), RailAnswer::Unknown);
    let change = change.unwrap();
    assert_eq!(told(&change), [EventKind::TransactionUnknown]);
    assert_eq!(change.puts.len(), 2, "the parent is as it was");
    assert_eq!(paid.remaining(), 3_000);
}

#[test]
fn a_settle_takes_its_part_and_closes_the_hold() {
    let desk = Desk::new();
    let (session, held, settle) = desk.operate(Operate::Settle(Some(cents(1_000))), desk.held());
    let (change, settle, session) =
        desk.try_answer(session, settle, Some(held.clone()), succeeded());
    let change = change.unwrap();
    assert_eq!(told(&change), [EventKind::TransactionSucceeded]);
    let held = put(&change, held.id);
    assert_eq!(held.hold, Some(Hold::Settled));
    assert_eq!((held.reserved, held.done, held.remaining()), (0, 1_000, 0));
    assert_eq!(
        (settle.captured().minor(), settle.remaining()),
        (1_000, 1_000)
    );
    assert_eq!(session.unwrap().hold_expires_at, None);
}

#[test]
fn a_void_closes_the_hold_and_takes_nothing() {
    let desk = Desk::new();
    let (session, held, void) = desk.operate(Operate::Void, desk.held());
    let (change, _, session) = desk.try_answer(session, void, Some(held.clone()), succeeded());
    let held = put(&change.unwrap(), held.id);
    assert_eq!(held.hold, Some(Hold::Voided));
    assert_eq!((held.reserved, held.done, held.remaining()), (0, 0, 0));
    assert_eq!(session.unwrap().hold_expires_at, None);
}

#[test]
fn unasked_money_is_over_only_when_all_of_it_is_given_back() {
    let mut desk = Desk::new();
    let (session, target) = desk.run_out();
    let money = transfer(&target, "bank 1", cents(3_500));
    let (change, late) = desk
        .count(&money, target, snapshot(&session, None))
        .unwrap();
    let Some(crate::store::Record::Session(session)) = change.puts.into_iter().next() else {
        panic!("the session first")
    };
    let (session, late, first) = desk.operate(Operate::Refund(Some(cents(1_500))), (session, late));
    let (session, late, second) = desk.operate(Operate::Refund(None), (session, late));
    let (change, _, session) = desk.try_answer(session, first, Some(late.clone()), succeeded());
    let late = put(&change.unwrap(), late.id);
    assert!(
        matches!(late.status, Status::Received { .. }),
        "the second refund may still fail, and then the rest can be accepted"
    );
    let (change, _, _) = desk.try_answer(session.unwrap(), second, Some(late.clone()), succeeded());
    let late = put(&change.unwrap(), late.id);
    assert!(matches!(late.status, Status::Cancelled { .. }));
    assert_eq!(late.remaining(), 0);
}

#[test]
fn a_waiting_idempotent_request_is_answered_with_the_outcome_and_not_before() {
    let desk = Desk::new();
    let (session, paid) = desk.paid();
    let key = crate::store::IdempotencyKey {
        scope: "key_1 refund".into(),
        key: "a".into(),
    };
    let (change, refund, session) = super::super::operate::decide(
        Operate::Refund(None),
        paid.clone(),
        Some(session),
        Some(key.clone()),
        desk.env(),
    )
    .unwrap();
    let paid = put(&change, paid.id);
    let (change, refund, session) = desk.try_answer(
        session.unwrap(),
        refund,
        Some(paid.clone()),
        RailAnswer::Unknown,
    );
    assert_eq!(change.unwrap().idempotency, None);
    let (change, refund, _) = desk.try_answer(session.unwrap(), refund, Some(paid), succeeded());
    let answer = StoredAnswer::Transaction { id: refund.id };
    assert_eq!(
        change.unwrap().idempotency,
        Some(IdempotencyWrite::Finish { key, answer })
    );
}

//! What may go and what stays: the rules of `retention`, over sessions as the engine makes them.

use std::collections::HashSet;

use super::super::end_session::{self, End};
use super::super::fixtures::*;
use super::super::operate::Operate;
use super::super::{accept_exception, lapse_session};
use super::*;
use crate::method::Method;
use crate::rail::RailAnswer;
use crate::retention::{SHORTEST, TooShort};
use crate::session::{Canceller, Flow, Ordered, Session, StateName};
use crate::store::Record;
use crate::time::Span;
use crate::transaction::DeclineReason;

const MONTH: Span = Span::days(31);

fn retention(paid: Option<Span>) -> Retention {
    Retention {
        finished: MONTH,
        paid,
    }
}

/// Whether it goes, so long after everything that happened to it; never refunded payments after a year.
fn judge(
    desk: &Desk,
    after: Span,
    session: &Session,
    transactions: &[&Transaction],
) -> Result<(), Kept> {
    let horizon = retention(Some(Span::days(365))).horizon(desk.now.after(after));
    let transactions: Vec<_> = transactions.iter().map(|it| (*it).clone()).collect();
    horizon.session(session, &transactions, &HashSet::new())
}

fn ended(desk: &Desk, session: &Session, live: Option<&Transaction>) -> (Change, Session) {
    let cancel = End::Cancel(Canceller::Merchant);
    let (change, session) =
        end_session::decide(cancel, snapshot(session, live), desk.env()).unwrap();
    (change.unwrap(), session)
}

#[test]
fn what_ended_unpaid_goes_once_it_is_old() {
    let desk = Desk::new();
    let (_, cancelled) = ended(&desk, &desk.session(), None);
    let declined = RailAnswer::Declined(DeclineReason::Declined);
    let (session, declined) = desk.answer(desk.in_flight(Method::Card), declined);
    let (_, after_decline) = ended(&desk, &session, None);
    let (session, waiting) = desk.waiting();
    let (change, left) = ended(&desk, &session, Some(&waiting));
    let waiting = put(&change, waiting.id);
    for (session, transactions) in [
        (&cancelled, vec![]),
        (&after_decline, vec![&declined]),
        (&left, vec![&waiting]),
    ] {
        assert_eq!(
            judge(&desk, MONTH, session, &transactions),
            Err(Kept::Changed)
        );
        let later = MONTH.plus(Span::millis(1));
        assert_eq!(judge(&desk, later, session, &transactions), Ok(()));
    }
}

#[test]
fn what_is_open_under_way_or_held_stays_however_old_it_is() {
    let desk = Desk::new();
    let (flying, in_flight) = desk.in_flight(Method::Card);
    let (unknown, not_known) = desk.answer(desk.in_flight(Method::Card), RailAnswer::Unknown);
    let (waiting, awaited) = desk.waiting();
    let (held, hold) = desk.held();
    let (settling, parent, settle) = desk.operate(Operate::Settle(None), desk.held());
    let (refunding, paid, refund) = desk.operate(Operate::Refund(Some(cents(1))), desk.paid());
    for (session, transactions, why) in [
        (&desk.session(), vec![], Kept::Open),
        (&flying, vec![&in_flight], Kept::Open),
        (&unknown, vec![&not_known], Kept::Open),
        (&waiting, vec![&awaited], Kept::Open),
        (&held, vec![&hold], Kept::Held),
        (&settling, vec![&parent, &settle], Kept::Held),
        (&refunding, vec![&paid, &refund], Kept::UnderWay),
    ] {
        for after in [MONTH.plus(MONTH), Span::days(3_660)] {
            assert_eq!(judge(&desk, after, session, &transactions), Err(why));
        }
    }
    // Whatever a session says of itself: its transactions are asked, too.
    let (_, ended) = ended(&desk, &desk.session(), None);
    for (one, why) in [
        (&in_flight, Kept::UnderWay),
        (&not_known, Kept::UnderWay),
        (&awaited, Kept::UnderWay),
        (&hold, Kept::Held),
        (&refund, Kept::UnderWay),
    ] {
        assert_eq!(judge(&desk, Span::days(3_660), &ended, &[one]), Err(why));
    }
}

#[test]
fn money_that_can_be_given_back_stays_for_its_own_time() {
    let desk = Desk::new();
    let (session, paid) = desk.paid();
    let year = Span::days(366);
    assert_eq!(
        judge(&desk, Span::days(364), &session, &[&paid]),
        Err(Kept::Refundable)
    );
    assert_eq!(judge(&desk, year, &session, &[&paid]), Ok(()));
    let for_ever = retention(None).horizon(desk.now.after(Span::days(36_600)));
    let kept = for_ever.session(&session, std::slice::from_ref(&paid), &HashSet::new());
    assert_eq!(kept, Err(Kept::Refundable));

    // All of it is given back, or only a part.
    for (part, goes) in [(None, Ok(())), (Some(cents(3_499)), Err(Kept::Refundable))] {
        let (session, parent, refund) = desk.operate(Operate::Refund(part), desk.paid());
        let (change, refund, session) =
            desk.try_answer(session, refund, Some(parent.clone()), succeeded());
        let parent = put(&change.unwrap(), parent.id);
        let judged = judge(
            &desk,
            Span::days(32),
            &session.unwrap(),
            &[&parent, &refund],
        );
        assert_eq!(judged, goes);
    }
    // Of a settled hold, what was settled.
    let (session, parent, settle) = desk.operate(Operate::Settle(Some(cents(100))), desk.held());
    let (change, settle, session) =
        desk.try_answer(session, settle, Some(parent.clone()), succeeded());
    let (parent, session) = (put(&change.unwrap(), parent.id), session.unwrap());
    let judged = judge(&desk, Span::days(32), &session, &[&parent, &settle]);
    assert_eq!(judged, Err(Kept::Refundable));
    // Nothing was settled of a released one.
    let (session, parent, void) = desk.operate(Operate::Void, desk.held());
    let (change, void, session) = desk.try_answer(session, void, Some(parent.clone()), succeeded());
    let (parent, session) = (put(&change.unwrap(), parent.id), session.unwrap());
    assert_eq!(
        judge(&desk, Span::days(32), &session, &[&parent, &void]),
        Ok(())
    );
}

#[test]
fn money_that_nobody_decided_about_stays_whatever_the_time() {
    let mut desk = Desk::new();
    let for_ever = Span::days(36_600);
    // Late: of a session that expired.
    let (session, target) = desk.run_out();
    desk.pass(Span::days(1));
    let (_, session) = lapse_session::decide(snapshot(&session, None), desk.env());
    let money = transfer(&target, "bank 1", cents(3_500));
    let (change, late) = desk
        .count(&money, target.clone(), snapshot(&session, None))
        .unwrap();
    let session = session_of(&change);
    assert_eq!(
        judge(&desk, for_ever, &session, &[&target, &late]),
        Err(Kept::Undecided)
    );
    let (change, accepted) =
        accept_exception::decide(late.clone(), snapshot(&session, None), desk.env()).unwrap();
    let session = session_of(&change.unwrap());
    assert_eq!(
        judge(&desk, Span::days(32), &session, &[&target, &accepted]),
        Err(Kept::Refundable)
    );
    assert_eq!(
        judge(&desk, for_ever, &session, &[&target, &accepted]),
        Ok(())
    );

    // Over.
    let (session, target) = desk.waiting();
    let money = transfer(&target, "bank 2", cents(4_000));
    let live = snapshot(&session, Some(&target));
    let (change, over) = desk.count(&money, target, live).unwrap();
    let session = session_of(&change);
    assert_eq!(
        judge(&desk, for_ever, &session, &[&over]),
        Err(Kept::Undecided)
    );
    // Part of a payment that was given up.
    let (session, target) = desk.waiting();
    let money = transfer(&target, "bank 3", cents(1_000));
    let live = snapshot(&session, Some(&target));
    let (change, part) = desk.count(&money, target, live).unwrap();
    let (change, session) = ended(&desk, &session_of(&change), Some(&part));
    let part = put(&change, part.id);
    assert_eq!(
        judge(&desk, for_ever, &session, &[&part]),
        Err(Kept::Undecided)
    );
}

fn session_of(change: &Change) -> Session {
    let session = change.puts.iter().find_map(|record| match record {
        Record::Session(session) => Some(session.clone()),
        _ => None,
    });
    session.unwrap()
}

#[test]
fn what_stored_an_attached_card_or_paid_an_order_stays() {
    let desk = Desk::new();
    let for_ever = Span::days(36_600);
    let (session, paid) = desk.paid();
    let horizon = retention(Some(MONTH)).horizon(desk.now.after(for_ever));
    let stored = HashSet::from([paid.id]);
    let all = std::slice::from_ref(&paid);
    assert_eq!(
        horizon.session(&session, all, &stored),
        Err(Kept::StoredCard)
    );
    assert_eq!(horizon.session(&session, all, &HashSet::new()), Ok(()));

    assert_eq!(
        judge(&desk, for_ever, &ordered(&desk, session), &[&paid]),
        Err(Kept::PaidOrder)
    );
    let (_, unpaid) = ended(&desk, &desk.session(), None);
    let unpaid = ordered(&desk, unpaid);
    assert_eq!(judge(&desk, for_ever, &unpaid, &[]), Ok(()));
}

#[test]
fn a_session_that_had_ended_and_whose_late_money_paid_an_order_stays() {
    let mut desk = Desk::new();
    let (session, target) = desk.run_out();
    let session = ordered(&desk, session);
    desk.pass(Span::days(1));
    let (_, session) = lapse_session::decide(snapshot(&session, None), desk.env());
    let money = transfer(&target, "bank 1", cents(3_500));
    let (change, late) = desk
        .count(&money, target.clone(), snapshot(&session, None))
        .unwrap();
    let session = session_of(&change);
    let (change, accepted) =
        accept_exception::decide(late, snapshot(&session, None), desk.env()).unwrap();
    let session = session_of(&change.unwrap());
    assert_eq!(session.state.name(), StateName::Expired);
    assert_eq!(
        judge(&desk, Span::days(36_600), &session, &[&target, &accepted]),
        Err(Kept::PaidOrder)
    );
}

fn ordered(desk: &Desk, session: Session) -> Session {
    Session {
        ordered: Some(Ordered {
            order: crate::id::OrderId::fresh(&desk.ids, desk.now),
            flow: Flow::Session,
            automatic_tax: false,
            device: None,
        }),
        ..session
    }
}

#[test]
fn the_first_reason_is_named_in_whatever_order_transactions_come() {
    let desk = Desk::new();
    let (_, paid) = desk.paid();
    let (_, waiting) = desk.waiting();
    let horizon = retention(None).horizon(desk.now.after(Span::days(99)));
    for both in [[paid.clone(), waiting.clone()], [waiting, paid]] {
        let kept = horizon.transactions(&both, &HashSet::new());
        assert_eq!(kept, Err(Kept::UnderWay));
    }
}

#[test]
fn a_card_goes_when_it_is_detached_and_old() {
    let desk = Desk::new();
    let horizon = |days| retention(None).horizon(desk.now.after(Span::days(days)));
    let card = desk.stored_card();
    assert!(!horizon(9_999).payment_method(&card), "it is attached");
    let card = crate::payment_method::PaymentMethod {
        detached_at: Some(desk.now),
        ..card
    };
    assert!(!horizon(31).payment_method(&card));
    assert!(horizon(32).payment_method(&card));
}

#[test]
fn nothing_is_kept_for_too_short() {
    let less = Span::millis(u32::try_from(SHORTEST.as_millis() - 1).unwrap());
    for (finished, paid, checked) in [
        (SHORTEST, None, Ok(())),
        (SHORTEST, Some(SHORTEST), Ok(())),
        (less, None, Err(TooShort::Finished)),
        (MONTH, Some(SHORTEST), Err(TooShort::Paid)),
    ] {
        let retention = Retention { finished, paid };
        assert_eq!(retention.checked().map(|_| ()), checked);
    }
}

//! Tests of payments in another currency than the merchant asks in, from the opening of the session to the refund.

use super::SessionSnapshot;
use super::fixtures::*;
use super::open_session::OpenSession;
use super::operate::{self, Operate};
use super::start_payment::Intent;
use crate::event::EventKind;
use crate::method::Method;
use crate::money::{AmountError, MAX_MINOR, Money};
use crate::rates::{Exchange, Rates};
use crate::refusal::Refusal;
use crate::session::{Amount, Door, Kind, Session, StateName};
use crate::store::Record;
use crate::time::Span;
use crate::transaction::{ExceptionKind, Transaction};

fn desk() -> Desk {
    let mut desk = Desk::new();
    desk.rates = Rates::test();
    desk
}

fn of(minor: i64, code: &str) -> Money {
    Money::from_minor(minor, currency(code)).unwrap()
}

fn ringgit(minor: i64) -> Money {
    of(minor, "MYR")
}

fn asking(amount: Amount, methods: &[Method]) -> OpenSession {
    OpenSession {
        methods: methods.to_vec(),
        ..OpenSession::new(Door::Native, Kind::Payment, amount)
    }
}

fn offered(desk: &Desk, amount: Amount, methods: &[Method]) -> Result<Vec<Method>, Refusal> {
    let snapshot = super::open_session::Snapshot {
        tenant: desk.tenant,
        accounts: desk.accounts(),
        holder: None,
    };
    super::open_session::decide(asking(amount, methods), snapshot, desk.env())
        .map(|(_, session)| session.terms.methods.clone())
}

/// A session of 35 Singapore dollars whose payer is to push ringgit.
fn waiting(desk: &Desk) -> (Session, Transaction) {
    desk.answer(desk.in_flight(Method::DuitNow), to_be_pushed())
}

#[test]
fn scanned_methods_of_other_currencies_come_after_the_sessions_own() {
    let desk = desk();
    let dollars = Amount::Fixed(cents(3_500));
    assert_eq!(
        offered(&desk, dollars, &[]),
        Ok(vec![
            Method::Card,
            Method::PayNow,
            Method::DuitNow,
            Method::Fps
        ])
    );
    // Without a rate there are none.
    assert_eq!(
        offered(&Desk::new(), dollars, &[]),
        Ok(vec![Method::Card, Method::PayNow])
    );
    // No rate is made up from the one the other way round.
    assert_eq!(
        offered(&desk, Amount::Fixed(ringgit(100)), &[]),
        Ok(vec![Method::Card, Method::DuitNow])
    );
}

#[test]
fn what_is_asked_for_by_name_is_offered_wherever_there_is_a_rate() {
    let desk = desk();
    let dollars = Amount::Fixed(cents(3_500));
    let asked = [Method::HkBankTransfer, Method::DuitNow, Method::PayNow];
    assert_eq!(offered(&desk, dollars, &asked), Ok(asked.to_vec()));
    for method in [Method::PromptPay, Method::Toss, Method::NzBankTransfer] {
        let currency = currency("SGD");
        assert_eq!(
            offered(&desk, dollars, &[method]),
            Err(Refusal::MethodCannotSettle { method, currency })
        );
    }
}

#[test]
fn a_method_is_not_offered_whose_amount_would_be_nothing_or_too_much() {
    let mut desk = desk();
    let quote = |rate: &str| {
        let json = format!(r#"[{{"from": "SGD", "to": "MYR", "rate": "{rate}"}}]"#);
        Rates::from_json(&json).unwrap()
    };
    let method = Method::DuitNow;
    let refused = Err(Refusal::MethodCannotSettle {
        method,
        currency: currency("SGD"),
    });
    for (rate, minor, result) in [
        ("0.4", 1, refused.clone()),
        ("0.5", 1, Ok(vec![method])),
        ("1.01", MAX_MINOR, refused),
    ] {
        desk.rates = quote(rate);
        let amount = Amount::Fixed(cents(minor));
        assert_eq!(offered(&desk, amount, &[method]), result, "{rate}");
    }
}

#[test]
fn the_payer_is_asked_for_the_methods_own_currency_and_the_rate_is_kept() {
    let desk = desk();
    let (session, charge) = desk.in_flight(Method::DuitNow);
    assert_eq!(charge.amount, ringgit(11_900));
    assert_eq!(charge.merchant_amount(), cents(3_500));
    assert_eq!(
        charge.exchange,
        Some(Exchange {
            merchant_amount: cents(3_500),
            rate: "3.4".parse().unwrap(),
        })
    );
    assert_eq!(session.terms.amount, Amount::Fixed(cents(3_500)));
    let (_, own) = desk.in_flight(Method::PayNow);
    assert_eq!((own.amount, own.exchange), (cents(3_500), None));
}

#[test]
fn a_payer_who_chooses_the_amount_chooses_it_in_the_merchants_currency() {
    let desk = desk();
    let session = desk.open(asking(Amount::AtLeast(cents(100)), &[]));
    let start = |amount| {
        let mut request = paying(Method::DuitNow);
        request.amount = Some(amount);
        desk.try_start(snapshot(&session, None), request)
    };
    let Ok((_, Intent::Call { transaction, .. })) = start(cents(105)) else {
        panic!("it is started");
    };
    assert_eq!(transaction.amount, ringgit(357));
    assert_eq!(
        start(ringgit(357)).unwrap_err(),
        Refusal::CurrencyDiffers {
            expected: currency("SGD")
        }
    );
    assert_eq!(
        start(cents(MAX_MINOR)).unwrap_err(),
        Refusal::InvalidAmount {
            field: "amount".into(),
            error: AmountError::TooLarge,
        }
    );
}

#[test]
fn a_rate_that_is_gone_refuses_and_ends_nothing_and_what_waits_keeps_its_own() {
    let mut desk = desk();
    let (session, live) = waiting(&desk);
    desk.rates = Rates::from_json(r#"[{"from": "SGD", "to": "MYR", "rate": "9"}]"#).unwrap();
    let snapshot = snapshot(&session, Some(&live));
    let again = desk.try_start(snapshot.clone(), paying(Method::DuitNow));
    let Ok((None, Intent::Waiting { transaction, .. })) = again else {
        panic!("the code that waits goes on: {again:?}");
    };
    assert_eq!(*transaction, live);
    let refused = desk.try_start(snapshot, paying(Method::Fps)).unwrap_err();
    assert_eq!(
        refused,
        Refusal::MethodCannotSettle {
            method: Method::Fps,
            currency: currency("SGD")
        }
    );
}

#[test]
fn exact_short_and_over_are_judged_in_what_the_payer_pays() {
    let desk = desk();
    for (sent, state, exception) in [
        (11_900, StateName::Completed, None),
        (3_500, StateName::Processing, Some(ExceptionKind::Partial)),
        (11_899, StateName::Processing, Some(ExceptionKind::Partial)),
        (11_901, StateName::Completed, Some(ExceptionKind::Over)),
    ] {
        let (session, live) = waiting(&desk);
        let money = transfer(&live, "bank 1", ringgit(sent));
        let at = snapshot(&session, Some(&live));
        let (change, after) = desk.count(&money, live, at).unwrap();
        assert_eq!(after.received, Some(ringgit(sent)));
        assert_eq!(after.merchant_amount(), cents(3_500));
        assert_eq!(after.exception.map(|one| one.kind), exception, "{sent}");
        let Some(Record::Session(session)) = change.puts.first().cloned() else {
            panic!("the session first");
        };
        assert_eq!(session.state.name(), state, "{sent}");
    }
}

#[test]
fn money_of_the_merchants_currency_is_not_counted_for_a_payment_in_another() {
    let desk = desk();
    let (session, live) = waiting(&desk);
    let money = transfer(&live, "bank 1", cents(3_500));
    let at = snapshot(&session, Some(&live));
    let refused = desk.count(&money, live, at).unwrap_err();
    let expected = currency("MYR");
    assert_eq!(refused, Refusal::CurrencyDiffers { expected });
}

#[test]
fn late_money_says_what_it_is_worth_to_the_merchant() {
    for (sent, worth) in [(11_900, 3_500), (5_950, 1_750), (100, 29), (1, 0)] {
        let mut desk = desk();
        let (session, live) = waiting(&desk);
        desk.pass(Span::hours(1));
        let money = transfer(&live, "bank 1", ringgit(sent));
        let at = snapshot(&session, Some(&live));
        let (_, late) = desk.count(&money, live, at).unwrap();
        assert_eq!(late.amount, ringgit(sent));
        assert_eq!(late.merchant_amount(), cents(worth));
        assert_eq!(late.exception.unwrap().kind, ExceptionKind::Late);
    }
}

#[test]
fn a_refund_goes_back_in_the_currency_that_came_to_the_last_cent() {
    let desk = desk();
    let (session, live) = waiting(&desk);
    let money = transfer(&live, "bank 1", ringgit(12_345));
    let at = snapshot(&session, Some(&live));
    let id = live.id;
    let (change, paid) = desk.count(&money, live, at).unwrap();
    let Some(Record::Session(session)) = change.puts.first().cloned() else {
        panic!("the session first");
    };
    let refund = |amount| {
        let (parent, session) = (paid.clone(), Some(session.clone()));
        operate::decide(Operate::Refund(amount), parent, session, None, desk.env())
    };
    let expected = currency("MYR");
    assert_eq!(
        refund(Some(cents(3_500))).unwrap_err(),
        Refusal::CurrencyDiffers { expected }
    );
    let remaining = ringgit(12_345);
    assert_eq!(
        refund(Some(ringgit(12_346))).unwrap_err(),
        Refusal::AmountTooLarge { remaining }
    );
    let (_, child, _) = refund(None).unwrap();
    assert_eq!(child.amount, ringgit(12_345), "all of it, the surplus too");
    assert_eq!(put(&change, id).remaining(), 12_345);
}

#[test]
fn accepting_late_money_makes_it_the_charge_with_its_own_worth() {
    let mut desk = desk();
    let (session, live) = waiting(&desk);
    desk.pass(Span::hours(1));
    let money = transfer(&live, "bank 1", ringgit(11_900));
    let at = snapshot(&session, Some(&live));
    let (change, late) = desk.count(&money, live, at).unwrap();
    let Some(Record::Session(session)) = change.puts.first().cloned() else {
        panic!("the session first");
    };
    let at = SessionSnapshot {
        session,
        live: None,
    };
    let (change, accepted) = super::accept_exception::decide(late, at, desk.env()).unwrap();
    let change = change.unwrap();
    assert!(told(&change).contains(&EventKind::SessionCompleted));
    assert_eq!(accepted.merchant_amount(), cents(3_500));
    assert_eq!(accepted.captured(), ringgit(11_900));
}

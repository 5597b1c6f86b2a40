use super::super::fixtures::*;
use super::*;
use crate::money::AmountError;
use crate::rail::RailAnswer;
use crate::session::{Amount, Contact, CustomField, CustomFieldValue, MAX_CARD_ATTEMPTS};
use crate::store::Record;
use crate::tenant::Mode;
use crate::time::Span;
use crate::transaction::DeclineReason;

struct Scene {
    desk: Desk,
    request: StartPayment,
    session: Session,
}

fn seat(required: bool) -> CustomField {
    CustomField {
        name: "seat".into(),
        label: "Seat".into(),
        required,
    }
}

fn says(name: &str, value: &str) -> CustomFieldValue {
    CustomFieldValue {
        name: name.into(),
        value: value.into(),
    }
}

fn sound() -> Scene {
    let desk = Desk::new();
    let session = desk.open(crate::engine::open_session::OpenSession {
        custom_fields: vec![seat(true)],
        ..request()
    });
    let mut request = paying(Method::Card);
    request.custom_field_values = vec![says("seat", "7A")];
    Scene {
        desk,
        request,
        session,
    }
}

fn decided(scene: &Scene) -> Result<(Option<Change>, Intent), Refusal> {
    scene
        .desk
        .try_start(snapshot(&scene.session, None), scene.request.clone())
}

fn typed(scene: &mut Scene) -> &mut Card {
    scene.request.card.as_mut().unwrap()
}

#[test]
fn it_refuses_in_its_documented_order() {
    assert_ladder(
        sound,
        &[
            (
                |scene| scene.session.state = State::Expired { at: START },
                Refusal::SessionExpired,
            ),
            (
                |scene| {
                    scene.session.state = State::Processing {
                        since: START,
                        transaction: scene.session.first_transaction,
                        lapses_at: None,
                    };
                },
                Refusal::PaymentInProgress,
            ),
            (
                |scene| scene.request.method = Method::PromptPay,
                Refusal::MethodNotOffered {
                    method: Method::PromptPay,
                },
            ),
            (
                |scene| scene.desk.account.enabled = false,
                Refusal::ProviderAccountDisabled,
            ),
            (
                |scene| {
                    scene.request.method = Method::PayNow;
                    scene.request.card = Some(card());
                },
                Refusal::CardNotExpected,
            ),
            (
                |scene| {
                    scene.request.method = Method::Card;
                    scene.request.card = None;
                },
                Refusal::CardRequired,
            ),
            (
                |scene| {
                    scene.request.card.get_or_insert_with(card);
                    scene.desk.account.tenant.mode = Mode::Live;
                },
                Refusal::LiveCard,
            ),
            (
                |scene| typed(scene).number = "4242 4242 4242 4242".into(),
                Refusal::field("card.number", "is not a card number of 12 to 19 digits"),
            ),
            (
                |scene| typed(scene).cvc = "12".into(),
                Refusal::field("card.cvc", "is not a code of 3 or 4 digits"),
            ),
            (
                |scene| typed(scene).exp_month = 13,
                Refusal::field("card.expMonth", "is not a month from 1 to 12"),
            ),
            (
                |scene| {
                    let card = typed(scene);
                    (card.exp_month, card.exp_year) = (1, 2020);
                },
                Refusal::field(
                    "card.expYear",
                    "is in the past or too far ahead: the card has expired",
                ),
            ),
            (
                |scene| scene.session.card_attempts = MAX_CARD_ATTEMPTS,
                Refusal::TooManyCardAttempts {
                    limit: MAX_CARD_ATTEMPTS,
                },
            ),
            (
                |scene| scene.request.amount = Some(cents(3_499)),
                Refusal::AmountDiffers {
                    expected: cents(3_500),
                },
            ),
            (
                |scene| scene.request.custom_field_values = Vec::new(),
                Refusal::field("customFields.seat", "is missing: the merchant asks for it"),
            ),
            (
                |scene| {
                    scene.request.contact = Some(Contact {
                        email: None,
                        phone: Some("1".repeat(41)),
                    });
                },
                Refusal::field("phone", "is longer than 40 characters"),
            ),
        ],
        |scene| decided(&scene).map(|_| ()),
    );
}

#[test]
fn each_end_of_a_session_has_its_own_refusal() {
    let at = START;
    for (state, refusal) in [
        (State::Expired { at }, Refusal::SessionExpired),
        (
            State::Cancelled {
                at,
                by: crate::session::Canceller::Payer,
            },
            Refusal::SessionCancelled,
        ),
        (
            State::Completed {
                at,
                transaction: TransactionId(uuid::Uuid::nil()),
                payment_method: None,
            },
            Refusal::SessionCompleted,
        ),
    ] {
        let mut scene = sound();
        scene.session.state = state;
        assert_eq!(decided(&scene).unwrap_err(), refusal);
    }
}

#[test]
fn a_stored_card_pays_on_its_own_account_until_it_is_detached() {
    let mut scene = sound();
    scene.session = scene.desk.open(crate::engine::open_session::OpenSession {
        customer: Some(crate::session::CustomerDetails {
            code: Some("customer 1".into()),
            ..Default::default()
        }),
        ..request()
    });
    scene.request.custom_field_values = Vec::new();
    scene.request.card = None;
    let stored = PaymentMethod {
        customer: Some("customer 1".into()),
        ..scene.desk.stored_card()
    };
    scene.request.saved = Some(stored.clone());
    let Intent::Call {
        source,
        transaction,
        ..
    } = decided(&scene).unwrap().1
    else {
        panic!("nothing waits here")
    };
    assert!(matches!(source, Source::Stored(card) if card == stored.card));
    assert_eq!(transaction.payment_method, Some(stored.id));

    scene.request.saved = Some(PaymentMethod {
        detached_at: Some(START),
        ..stored.clone()
    });
    assert_eq!(decided(&scene).unwrap_err(), Refusal::PaymentMethodNotFound);
    scene.request.saved = Some(PaymentMethod {
        provider_account: crate::id::ProviderAccountId(uuid::Uuid::nil()),
        ..stored.clone()
    });
    assert_eq!(decided(&scene).unwrap_err(), Refusal::PaymentMethodNotFound);
    for customer in [None, Some("customer 2".to_owned())] {
        scene.request.saved = Some(PaymentMethod {
            customer,
            ..stored.clone()
        });
        assert_eq!(decided(&scene).unwrap_err(), Refusal::PaymentMethodNotFound);
    }

    // A typed card beside it would slip past every check of typed cards.
    scene.request.saved = Some(stored.clone());
    scene.request.card = Some(card());
    scene.desk.account.tenant.mode = Mode::Live;
    assert!(matches!(
        decided(&scene).unwrap_err(),
        Refusal::InvalidField { field, .. } if field == "card"
    ));

    scene.request.card = None;
    scene.request.method = Method::PayNow;
    assert_eq!(decided(&scene).unwrap_err(), Refusal::CardNotExpected);
}

#[test]
fn the_payer_pays_what_is_asked_or_at_least_the_least() {
    let usd = |minor| Money::from_minor(minor, currency("USD")).unwrap();
    let sgd = currency("SGD");
    let fixed = Amount::Fixed(cents(100));
    let least = Amount::AtLeast(cents(100));
    let nothing = Amount::Nothing(sgd);
    let differs = |minor| {
        Err(Refusal::AmountDiffers {
            expected: cents(minor),
        })
    };
    for (asked, given, pays) in [
        (fixed, None, Ok(cents(100))),
        (fixed, Some(cents(100)), Ok(cents(100))),
        (fixed, Some(cents(101)), differs(100)),
        (fixed, Some(usd(100)), differs(100)),
        (least, Some(cents(100)), Ok(cents(100))),
        (least, Some(cents(9_999)), Ok(cents(9_999))),
        (
            least,
            None,
            Err(Refusal::AmountRequired {
                minimum: cents(100),
            }),
        ),
        (
            least,
            Some(cents(99)),
            Err(Refusal::AmountTooSmall {
                minimum: cents(100),
            }),
        ),
        (
            least,
            Some(usd(100)),
            Err(Refusal::CurrencyDiffers { expected: sgd }),
        ),
        (nothing, None, Ok(cents(0))),
        (nothing, Some(cents(1)), differs(0)),
    ] {
        let paid = checks::amount_to_pay(&asked, given);
        assert_eq!(paid, pays, "{asked:?} {given:?}");
    }
    // Zero is refused when the session is opened; here it could only be less than the least.
    assert_eq!(cents(0).positive(), Err(AmountError::Zero));
}

#[test]
fn answers_fit_the_questions() {
    let problem = |fields: Vec<CustomField>, values: &[CustomFieldValue]| {
        let desk = Desk::new();
        let session = desk.open(crate::engine::open_session::OpenSession {
            custom_fields: fields,
            ..request()
        });
        match checks::check_custom_fields(&session, values) {
            Ok(()) => None,
            Err(Refusal::InvalidField { field, problem }) => Some(format!("{field} {problem}")),
            Err(other) => panic!("{other:?}"),
        }
    };
    let optional = || vec![seat(false)];
    assert_eq!(problem(optional(), &[]), None);
    assert_eq!(problem(vec![seat(true)], &[says("seat", "7A")]), None);
    for (fields, values, starts) in [
        (vec![seat(true)], vec![], "customFields.seat is missing"),
        (
            vec![seat(true)],
            vec![says("seat", " ")],
            "customFields.seat is missing",
        ),
        (
            optional(),
            vec![says("row", "1")],
            "customFields.row is not a field",
        ),
        (
            optional(),
            vec![says("seat", "1"), says("seat", "2")],
            "customFields.seat is given twice",
        ),
        (
            optional(),
            vec![says("seat", &"x".repeat(501))],
            "customFields.seat is longer",
        ),
    ] {
        let problem = problem(fields, &values).unwrap();
        assert!(problem.starts_with(starts), "{problem}");
    }
}

#[test]
fn a_card_is_good_until_its_month_is_over_everywhere() {
    // 2025-06-30T23:30 at UTC-12.
    let last_minutes = Timestamp::from_millis(1_751_369_400_000);
    for (month, year, at, good) in [
        (6, 2025, START, true),
        (5, 2025, START, false),
        (6, 2025, last_minutes, true),
        (6, 2025, last_minutes.after(Span::minutes(30)), false),
        (6, 2055, START, true),
        (12, 2055, START, true),
        (1, 2056, START, false),
    ] {
        assert_eq!(
            checks::is_valid_through(month, year, at),
            good,
            "{month}/{year} at {at}"
        );
    }
}

#[test]
fn the_first_attempt_has_the_id_that_was_fixed_at_opening() {
    let desk = Desk::new();
    let session = desk.session();
    let first = session.first_transaction;
    let (session, transaction) = desk.start(session, Method::Card);
    assert_eq!(transaction.id, first);
    let (session, _) = desk.answer(
        (session, transaction),
        RailAnswer::Declined(DeclineReason::Declined),
    );
    let (_, second) = desk.start(session, Method::Card);
    assert_ne!(second.id, first);
}

#[test]
fn the_payers_first_act_is_told_and_then_the_attempt() {
    let scene = sound();
    let (change, intent) = decided(&scene).unwrap();
    let change = change.unwrap();
    assert_eq!(
        told(&change),
        [EventKind::SessionInitiated, EventKind::TransactionPending]
    );
    let sequences: Vec<u32> = change.events.iter().map(|event| event.sequence).collect();
    assert_eq!(sequences, [2, 3]);
    let Intent::Call {
        session,
        transaction,
        ..
    } = intent
    else {
        panic!("nothing waits here")
    };
    assert_eq!(session.version, scene.session.version + 1);
    assert_eq!(change.claims.len(), 1);
    assert_eq!(change.claims[0].key, ClaimKey::LivePayment(session.id));
    assert_eq!(change.claims[0].owner, transaction.id.0);
    assert!(matches!(transaction.status, Status::InFlight { .. }));
}

#[test]
fn ten_cards_may_be_tried_and_then_only_pushing_remains() {
    let desk = Desk::new();
    let mut session = desk.session();
    for _ in 0..MAX_CARD_ATTEMPTS {
        let started = desk.start(session, Method::Card);
        session = desk
            .answer(started, RailAnswer::Declined(DeclineReason::Declined))
            .0;
    }
    let refused = desk.try_start(snapshot(&session, None), paying(Method::Card));
    assert_eq!(
        refused.unwrap_err(),
        Refusal::TooManyCardAttempts { limit: 10 }
    );
    assert!(
        desk.try_start(snapshot(&session, None), paying(Method::PayNow))
            .is_ok()
    );
}

#[test]
fn the_same_push_again_is_the_one_that_waits() {
    let desk = Desk::new();
    let (session, live) = desk.waiting();
    let (change, intent) = desk
        .try_start(snapshot(&session, Some(&live)), paying(Method::PayNow))
        .unwrap();
    assert_eq!(change, None);
    assert!(matches!(intent, Intent::Waiting { transaction, .. } if *transaction == live));
}

#[test]
fn a_payer_may_leave_a_push_for_a_card() {
    let desk = Desk::new();
    let (session, live) = desk.waiting();
    let (change, intent) = desk
        .try_start(snapshot(&session, Some(&live)), paying(Method::Card))
        .unwrap();
    let change = change.unwrap();
    assert_eq!(
        told(&change),
        [
            EventKind::TransactionCancelled,
            EventKind::TransactionPending
        ]
    );
    let Intent::Call { transaction, .. } = intent else {
        panic!("nothing waits any more")
    };
    assert!(matches!(
        put(&change, live.id).status,
        Status::Cancelled { .. }
    ));
    let key = ClaimKey::LivePayment(session.id);
    let released: Vec<_> = change
        .releases
        .iter()
        .map(|one| (&one.key, one.owner))
        .collect();
    let claimed: Vec<_> = change
        .claims
        .iter()
        .map(|one| (&one.key, one.owner))
        .collect();
    assert_eq!(released, [(&key, live.id.0)]);
    assert_eq!(claimed, [(&key, transaction.id.0)]);
}

#[test]
fn a_fresh_code_replaces_one_that_ran_out() {
    let mut desk = Desk::new();
    let (session, live) = desk.waiting();
    desk.pass(Span::hours(1));
    let (change, intent) = desk
        .try_start(snapshot(&session, Some(&live)), paying(Method::PayNow))
        .unwrap();
    let change = change.unwrap();
    assert_eq!(
        told(&change),
        [EventKind::TransactionExpired, EventKind::TransactionPending]
    );
    assert!(matches!(intent, Intent::Call { .. }));
    assert!(matches!(
        put(&change, live.id).status,
        Status::Expired { at } if at == desk.now
    ));
}

#[test]
fn a_wallet_cannot_be_left_while_the_payer_may_still_confirm_it() {
    let mut desk = Desk::new();
    let session = desk.open(crate::engine::open_session::OpenSession {
        amount: Amount::Fixed(Money::from_minor(35_000, currency("KRW")).unwrap()),
        ..request()
    });
    let started = desk.start(session, Method::Toss);
    let (session, live) = desk.answer(started, to_be_confirmed());
    assert!(
        live.ask_at().is_some(),
        "the rail is asked: no transfer will tell"
    );
    desk.pass(Span::hours(2));
    let refused = desk.try_start(snapshot(&session, Some(&live)), paying(Method::Card));
    assert_eq!(refused.unwrap_err(), Refusal::PaymentInProgress);
}

#[test]
fn a_push_waits_for_its_familys_time_but_never_past_the_merchants() {
    let desk = Desk::new();
    for (lifetime, method, waits) in [
        (None, Method::PayNow, Span::hours(1)),
        (None, Method::InstaPay, Span::days(3)),
        (Some(Span::minutes(5)), Method::PayNow, Span::minutes(5)),
        (Some(Span::days(30)), Method::PayNow, Span::hours(1)),
    ] {
        let session = desk.open(crate::engine::open_session::OpenSession {
            lifetime,
            ..request()
        });
        assert_eq!(push_expiry(&session, method, START), START.after(waits));
    }
}

#[test]
fn a_commit_writes_the_session_first_and_nothing_twice() {
    let desk = Desk::new();
    let (session, live) = desk.waiting();
    let (change, _) = desk
        .try_start(snapshot(&session, Some(&live)), paying(Method::Card))
        .unwrap();
    let change = change.unwrap();
    assert!(matches!(&change.puts[0], Record::Session(first) if first.id == session.id));
    let keys: std::collections::BTreeSet<_> = change.puts.iter().map(Record::key).collect();
    assert_eq!(keys.len(), change.puts.len());
}

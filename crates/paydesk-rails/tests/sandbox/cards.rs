use std::sync::Arc;

use paydesk_core::id::MerchantId;
use paydesk_core::method::Method;
use paydesk_core::rail::{Found, Operation, RailAnswer};
use paydesk_core::tenant::Mode;
use paydesk_core::transaction::{DeclineReason, FailureReason};
use paydesk_rails::sandbox::Choice;

use crate::harness::{Sandbox, account_of, card, fresh, money, push, receipt, token, waiting};

on_both! {
    each_test_card_does_what_its_row_says,
    a_charge_whose_answer_is_lost_is_found_by_asking,
    the_same_reference_charges_once,
    the_same_reference_charges_once_when_calls_race,
    a_reference_used_for_something_else_answers_nothing,
    a_card_is_stored_and_charged_later,
    a_card_that_stores_fails_when_it_is_charged_later,
    a_stored_card_is_charged_for_its_own_merchant_only,
    a_card_is_stored_without_a_charge,
    an_expired_card_is_declined,
    live_mode_is_refused_everywhere,
    what_a_card_cannot_do_is_refused,
}

async fn each_test_card_does_what_its_row_says(sandbox: Sandbox) {
    use DeclineReason::{Declined, ExpiredCard, IncorrectCvc, InsufficientFunds};
    for (number, expected) in [
        ("4000 0000 0000 0002", RailAnswer::Declined(Declined)),
        (
            "4000 0000 0000 9995",
            RailAnswer::Declined(InsufficientFunds),
        ),
        ("4000 0000 0000 0069", RailAnswer::Declined(ExpiredCard)),
        ("4000 0000 0000 0127", RailAnswer::Declined(IncorrectCvc)),
        (
            "4000 0000 0000 0119",
            RailAnswer::Failed(FailureReason::ProcessingError),
        ),
        ("4111 1111 1111 1111", RailAnswer::Declined(Declined)),
    ] {
        let (reference, answer) = sandbox.pay(number).await;
        assert_eq!(answer, expected, "{number}");
        assert_eq!(sandbox.bank.query(reference).await, Found::Known(expected));
        assert_eq!(
            sandbox.charge(reference).await,
            None,
            "{number} moved money"
        );
    }
    for number in ["4242 4242 4242 4242", "4000 0000 0000 0341"] {
        let (reference, answer) = sandbox.pay(number).await;
        assert!(receipt(answer.clone()).provider_reference.is_some());
        assert_eq!(receipt(answer.clone()).stored_card, None);
        assert_eq!(sandbox.bank.query(reference).await, Found::Known(answer));
        assert_eq!(sandbox.captured(reference).await, 3500, "{number}");
    }
}

async fn a_charge_whose_answer_is_lost_is_found_by_asking(sandbox: Sandbox) {
    let (reference, answer) = sandbox.pay("4000 0000 0000 5126").await;
    assert_eq!(answer, RailAnswer::Unknown);
    assert_eq!(sandbox.captured(reference).await, 3500);
    let Found::Known(found) = sandbox.bank.query(reference).await else {
        panic!("the rail does not know its own charge");
    };
    receipt(found);
    assert_eq!(sandbox.bank.query(fresh()).await, Found::NotFound);
}

async fn the_same_reference_charges_once(sandbox: Sandbox) {
    let start = sandbox.by_card(fresh(), "4242 4242 4242 4242");
    let first = sandbox.bank.start(start.clone()).await;
    assert_eq!(sandbox.bank.start(start.clone()).await, first);
    assert_eq!(sandbox.captured(start.reference).await, 3500);
}

async fn the_same_reference_charges_once_when_calls_race(sandbox: Sandbox) {
    let start = sandbox.by_card(fresh(), "4242 4242 4242 4242");
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let (bank, start) = (Arc::clone(&sandbox.bank), start.clone());
            tokio::spawn(async move { bank.start(start).await })
        })
        .collect();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(receipt(call.await.unwrap()));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "all got the same answer");
    assert_eq!(sandbox.captured(start.reference).await, 3500);
}

async fn a_reference_used_for_something_else_answers_nothing(sandbox: Sandbox) {
    let (reference, _) = sandbox.pay("4242 4242 4242 4242").await;
    let mut other = sandbox.by_card(reference, "4242 4242 4242 4242");
    other.amount = money(9900, "SGD");
    assert_eq!(sandbox.bank.start(other).await, RailAnswer::Unknown);
    assert_eq!(sandbox.captured(reference).await, 3500);
}

async fn a_card_is_stored_and_charged_later(sandbox: Sandbox) {
    let mut start = sandbox.by_card(fresh(), "4242 4242 4242 4242");
    start.store = true;
    let stored = receipt(sandbox.bank.start(start.clone()).await)
        .stored_card
        .unwrap();
    assert_eq!(
        (stored.brand.as_str(), stored.last_four.as_str()),
        ("visa", "4242")
    );
    assert_eq!((stored.exp_month, stored.exp_year), (12, 2030));
    // Asked again, it is the same card and not another one.
    assert_eq!(
        receipt(sandbox.bank.start(start).await).stored_card,
        Some(stored.clone())
    );

    let later = sandbox.by_stored(fresh(), stored);
    receipt(sandbox.bank.start(later.clone()).await);
    assert_eq!(sandbox.captured(later.reference).await, 3500);
}

async fn a_card_that_stores_fails_when_it_is_charged_later(sandbox: Sandbox) {
    let mut start = sandbox.by_card(fresh(), "4000 0000 0000 0341");
    start.store = true;
    let stored = receipt(sandbox.bank.start(start).await)
        .stored_card
        .unwrap();
    let later = sandbox.by_stored(fresh(), stored);
    let failed = RailAnswer::Failed(FailureReason::ProcessingError);
    assert_eq!(sandbox.bank.start(later.clone()).await, failed);
    assert_eq!(sandbox.captured(later.reference).await, 0);
}

async fn a_stored_card_is_charged_for_its_own_merchant_only(sandbox: Sandbox) {
    let mut start = sandbox.by_card(fresh(), "4242 4242 4242 4242");
    start.store = true;
    let stored = receipt(sandbox.bank.start(start).await)
        .stored_card
        .unwrap();

    let mut stranger = sandbox.by_stored(fresh(), stored.clone());
    stranger.tenant.merchant = MerchantId(fresh().0);
    let mut elsewhere = sandbox.by_stored(fresh(), stored.clone());
    elsewhere.account = account_of(sandbox.account.tenant.merchant, Mode::Test);
    let mut made_up = sandbox.by_stored(fresh(), stored);
    if let paydesk_core::rail::Source::Stored(card) = &mut made_up.source {
        card.token.push('x');
    }
    for start in [stranger, elsewhere, made_up] {
        let reference = start.reference;
        let declined = RailAnswer::Declined(DeclineReason::Declined);
        assert_eq!(sandbox.bank.start(start).await, declined);
        assert_eq!(sandbox.captured(reference).await, 0);
    }
}

async fn a_card_is_stored_without_a_charge(sandbox: Sandbox) {
    let store = |number: &str| {
        let mut start = sandbox.start(fresh(), Method::Card, money(0, "SGD"), card(number));
        start.operation = Operation::Store;
        start
    };
    for number in ["4242 4242 4242 4242", "4000 0000 0000 0341"] {
        let start = store(number);
        assert!(
            receipt(sandbox.bank.start(start.clone()).await)
                .stored_card
                .is_some()
        );
        assert_eq!(sandbox.charge(start.reference).await, None);
    }

    let declined = sandbox.bank.start(store("4000 0000 0000 0002")).await;
    assert_eq!(declined, RailAnswer::Declined(DeclineReason::Declined));

    // A card that is stored behind a challenge is there once the payer has approved it.
    let challenged = store("4000 0000 0000 3220");
    let page = waiting(sandbox.bank.start(challenged.clone()).await);
    sandbox
        .bank
        .choose(&token(&page), Choice::Approve)
        .await
        .unwrap();
    let Found::Known(answer) = sandbox.bank.query(challenged.reference).await else {
        panic!("the rail does not know what it stored");
    };
    let later = sandbox.by_stored(fresh(), receipt(answer).stored_card.unwrap());
    receipt(sandbox.bank.start(later).await);
}

async fn an_expired_card_is_declined(sandbox: Sandbox) {
    let mut start = sandbox.by_card(fresh(), "4242 4242 4242 4242");
    if let paydesk_core::rail::Source::Card(card) = &mut start.source {
        (card.exp_month, card.exp_year) = (12, 2025);
    }
    let answer = sandbox.bank.start(start).await;
    assert_eq!(answer, RailAnswer::Declined(DeclineReason::ExpiredCard));
}

async fn live_mode_is_refused_everywhere(sandbox: Sandbox) {
    let not_supported = RailAnswer::Failed(FailureReason::NotSupported);
    for mut start in [
        sandbox.by_card(fresh(), "4242 4242 4242 4242"),
        sandbox.by_paynow(fresh(), "LIVELIVE22"),
    ] {
        start.tenant.mode = Mode::Live;
        let reference = start.reference;
        assert_eq!(sandbox.bank.start(start).await, not_supported);
        assert_eq!(sandbox.bank.query(reference).await, Found::NotFound);
    }
    let (paid, _) = sandbox.pay("4242 4242 4242 4242").await;
    let mut follow_up = sandbox.after(paid, money(1, "SGD"));
    follow_up.tenant.mode = Mode::Live;
    assert_eq!(sandbox.bank.settle(follow_up.clone()).await, not_supported);
    assert_eq!(sandbox.bank.void(follow_up.clone()).await, not_supported);
    assert_eq!(sandbox.bank.refund(follow_up).await, not_supported);
}

async fn what_a_card_cannot_do_is_refused(sandbox: Sandbox) {
    let nothing = sandbox.start(
        fresh(),
        Method::Card,
        money(0, "SGD"),
        card("4242 4242 4242 4242"),
    );
    let by_qr = sandbox.start(
        fresh(),
        Method::PayNow,
        money(1, "SGD"),
        card("4242 4242 4242 4242"),
    );
    let pushed = sandbox.start(fresh(), Method::Card, money(1, "SGD"), push("ABCDEFGHIJ"));
    let dollars = sandbox.start(fresh(), Method::PayNow, money(1, "USD"), push("ABCDEFGHIJ"));
    let mut held_by_qr = sandbox.by_paynow(fresh(), "ABCDEFGHIJ");
    held_by_qr.operation = Operation::Authorize;
    for start in [nothing, by_qr, pushed, dollars, held_by_qr] {
        let shown = format!("{start:?}");
        let answer = sandbox.bank.start(start).await;
        assert_eq!(
            answer,
            RailAnswer::Failed(FailureReason::NotSupported),
            "{shown}"
        );
    }
}

//! Money that comes with a reference, with a wrong one or with none, told by the rail or reported by the merchant:
//! whatever came is kept, and counted for the payment that it is for.

use std::sync::Arc;

use paydesk_core::bank_transfer::{BankTransfer, MatchedBy, Origin, TransferState};
use paydesk_core::directory::EntryPage;
use paydesk_core::engine::operate::Operate;
use paydesk_core::engine::record_transfer::TakenIn;
use paydesk_core::engine::report_transfer::ReportTransfer;
use paydesk_core::id::TransactionId;
use paydesk_core::method::Method;
use paydesk_core::money::{Currency, Money};
use paydesk_core::refusal::Refusal;
use paydesk_core::session::{Kind, StateName};
use paydesk_core::store::Store;
use paydesk_core::time::Span;
use paydesk_core::transaction::{ExceptionKind, Status, Transaction};

use super::desk::{Desk, cents, refusal, transfer};
use super::pushes::waiting;
use super::rail::Behaviour;

async fn kept(desk: &Desk, list: Option<&str>) -> Vec<BankTransfer> {
    let store: Arc<dyn Store> = desk.store.clone();
    let page = EntryPage {
        group: list,
        ..EntryPage::first(1_000)
    };
    store.list(desk.tenant, page).await.unwrap()
}

fn said(target: &Transaction, id: &str, amount: Money, reference: Option<&str>) -> ReportTransfer {
    ReportTransfer {
        bank_transaction_id: id.into(),
        account: target.destination.as_ref().unwrap().account.clone(),
        amount,
        reference: reference.map(str::to_owned),
        received_at: target.created_at,
    }
}

async fn report(desk: &Desk, report: ReportTransfer) -> TakenIn {
    let taken = desk.engine.report_transfer(desk.tenant, report, None).await;
    taken.unwrap()
}

fn nonce(target: &Transaction) -> &str {
    &target.destination.as_ref().unwrap().nonce
}

#[tokio::test]
async fn what_came_is_acknowledged_once_it_is_kept_whether_or_not_it_is_matched() {
    let desk = Desk::new().await;
    let (_, target) = waiting(&desk).await;
    desk.rail.tell(transfer(&target, "bank 1", 1_000));
    let mut stray = transfer(&target, "bank 2", 500);
    (stray.nonce, stray.payment) = (Some("ZZZZZZZZZZ".into()), None);
    desk.rail.tell(stray);
    assert_eq!(desk.engine.collect_transfers().await.unwrap(), 2);
    assert_eq!(desk.rail.untold(), 0);
    let unmatched = kept(&desk, Some(TransferState::UNMATCHED)).await;
    assert_eq!(unmatched.len(), 1);
    assert_eq!(unmatched[0].bank_transaction_id, "bank 2");
    desk.rail.tell(transfer(&target, "bank 1", 1_000));
    desk.rail.tell(transfer(&target, "bank 3", 2_500));
    assert_eq!(desk.engine.collect_transfers().await.unwrap(), 2);
    let paid = desk.transaction(&target).await;
    assert_eq!(paid.received, Some(cents(3_500)));
    assert!(matches!(paid.status, Status::Succeeded { .. }));
    assert_eq!(kept(&desk, None).await.len(), 3);
}

#[tokio::test]
async fn transfers_that_must_wait_hold_up_none_that_came_after_them() {
    let desk = Desk::new().await;
    desk.rail.behave(Behaviour::LosesTheAnswer);
    let session = desk.open(Kind::Payment).await;
    let (_, begun) = desk.pay(&session, Method::PayNow).await.unwrap();
    let (_, target) = waiting(&desk).await;
    // Two batches of money for a payment whose code is not known to us yet, and one of another payment after them.
    for index in 0..450 {
        let mut early = transfer(&target, &format!("early {index:03}"), 1);
        (early.nonce, early.payment) = (Some("NOTYETHERE".into()), Some(begun.id));
        desk.rail.tell(early);
    }
    desk.rail.tell(transfer(&target, "newer", 3_500));
    assert_eq!(desk.engine.collect_transfers().await.unwrap(), 1);
    assert_eq!(desk.rail.untold(), 450, "they are told again");
    let paid = desk.transaction(&target).await;
    assert!(matches!(paid.status, Status::Succeeded { .. }));
    // It came to nothing: now they are nobody's.
    desk.clock.advance(Span::minutes(20));
    desk.rail.behave(Behaviour::Declines);
    desk.engine.reconcile_due().await.unwrap();
    while desk.engine.collect_transfers().await.unwrap() > 0 {}
    assert_eq!(desk.rail.untold(), 0);
    assert_eq!(kept(&desk, None).await.len(), 451);
}

#[tokio::test]
async fn a_transfer_without_a_reference_finds_the_only_payment_of_its_amount() {
    let desk = Desk::new().await;
    let (_, target) = waiting(&desk).await;
    let other_amount = report(&desk, said(&target, "bank 1", cents(3_499), None)).await;
    assert_eq!(other_amount.transaction, None);
    let mut elsewhere = said(&target, "bank 2", cents(3_500), None);
    elsewhere.account = "account 2".into();
    assert_eq!(report(&desk, elsewhere).await.transaction, None);
    let (_, second) = waiting(&desk).await;
    let which = report(&desk, said(&target, "bank 3", cents(3_500), None)).await;
    assert_eq!(which.transaction, None, "two wait for it");
    let by_reference = said(&target, "bank 4", cents(3_500), Some(nonce(&second)));
    assert!(report(&desk, by_reference).await.transaction.is_some());

    let only = report(&desk, said(&target, "bank 5", cents(3_500), Some("  "))).await;
    let TransferState::Matched {
        transaction, by, ..
    } = only.bank_transfer.state
    else {
        panic!("{only:?}");
    };
    assert_eq!((transaction, by), (target.id, MatchedBy::Amount));
    let paid = desk.transaction(&target).await;
    assert!(matches!(paid.status, Status::Succeeded { .. }));
    let none_waits = report(&desk, said(&target, "bank 6", cents(3_500), None)).await;
    assert_eq!(none_waits.transaction, None);
}

#[tokio::test]
async fn a_payment_that_is_paid_between_any_two_steps_is_not_found_by_its_amount() {
    let desk = Desk::new().await;
    let mut steps = 0;
    loop {
        let (_, target) = waiting(&desk).await;
        let paying = |payer: u32| {
            let money = said(&target, &format!("{steps}.{payer}"), cents(3_500), None);
            let (engine, tenant) = (desk.another(true), desk.tenant);
            async move { engine.report_transfer(tenant, money, None).await.unwrap() }
        };
        let (reached, go_on) = desk.store.pause_after(steps);
        let mut first = tokio::spawn(paying(1));
        let is_paused = tokio::select! {
            reached = reached => reached.is_ok(),
            _ = &mut first => false,
        };
        if !is_paused {
            break;
        }
        let second = paying(2).await;
        go_on.send(()).unwrap();
        let taken = [first.await.unwrap(), second];
        let matched = taken.iter().filter(|one| one.transaction.is_some()).count();
        assert_eq!(matched, 1, "step {steps}: {taken:?}");
        let paid = desk.transaction(&target).await;
        assert_eq!(
            (paid.received, paid.exception),
            (Some(cents(3_500)), None),
            "step {steps}"
        );
        steps += 1;
    }
    desk.store.pause_nowhere();
    assert!(steps >= 4, "it has only {steps} steps");
}

#[tokio::test]
async fn a_payment_whose_time_is_over_is_found_by_its_reference_only() {
    let desk = Desk::new().await;
    let (_, target) = waiting(&desk).await;
    desk.clock.advance(Span::hours(1));
    // Nobody has swept.
    let without = report(&desk, said(&target, "bank 1", cents(3_500), None)).await;
    assert_eq!(without.transaction, None);
    let named = said(&target, "bank 2", cents(3_500), Some(nonce(&target)));
    let late = report(&desk, named).await.transaction.unwrap();
    assert_eq!(late.exception.unwrap().kind, ExceptionKind::Late);
    assert_eq!(late.parent, Some(target.id));
}

#[tokio::test]
async fn a_wrong_reference_is_not_guessed_away() {
    let desk = Desk::new().await;
    let (_, target) = waiting(&desk).await;
    for (id, reference) in [("bank 1", "ZZZZZZZZZZ"), ("bank 2", "order 7")] {
        let wrong = said(&target, id, cents(3_500), Some(reference));
        assert_eq!(report(&desk, wrong).await.transaction, None, "{reference}");
    }
}

#[tokio::test]
async fn a_reference_is_found_among_other_words_and_in_any_case() {
    let desk = Desk::new().await;
    for words in ["{}", "{lower}", "Invoice/{} thanks", "REF:{lower}."] {
        let (_, target) = waiting(&desk).await;
        let text = words
            .replace("{lower}", &nonce(&target).to_lowercase())
            .replace("{}", nonce(&target));
        let named = said(&target, &text, cents(3_500), Some(&text));
        let counted = report(&desk, named).await.transaction;
        assert_eq!(counted.map(|one| one.id), Some(target.id), "{text}");
    }
    let (_, one) = waiting(&desk).await;
    let (_, other) = waiting(&desk).await;
    let both = format!("{} {}", nonce(&one), nonce(&other));
    let unclear = said(&one, "bank 9", cents(3_500), Some(&both));
    assert_eq!(
        report(&desk, unclear).await.transaction,
        None,
        "it names two"
    );
}

#[tokio::test]
async fn a_transfer_is_taken_in_once_however_often_it_is_reported() {
    let desk = Desk::new().await;
    let (_, target) = waiting(&desk).await;
    let once = said(&target, "bank 1", cents(1_000), Some(nonce(&target)));
    let first = report(&desk, once.clone()).await;
    let again = report(&desk, once.clone()).await;
    assert!(again.known && !first.known);
    assert_eq!(again.bank_transfer, first.bank_transfer);
    let mut other = once.clone();
    other.amount = cents(1_001);
    let refused = desk.engine.report_transfer(desk.tenant, other, None).await;
    let Refusal::InvalidField { field, problem } = refusal(refused) else {
        panic!("another refusal");
    };
    assert_eq!(field, "bankTransactionId");
    assert!(problem.contains("SGD 10.00"), "{problem}");
    // The same id is another transfer on another account.
    let mut elsewhere = once;
    elsewhere.account = "account 2".into();
    assert!(!report(&desk, elsewhere).await.known);
    assert_eq!(desk.transaction(&target).await.received, Some(cents(1_000)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_transfer_that_is_reported_by_many_at_once_is_taken_in_once() {
    let desk = Desk::new().await;
    let (_, target) = waiting(&desk).await;
    let mut tellers = tokio::task::JoinSet::new();
    for _ in 0..30 {
        let (engine, tenant) = (Arc::clone(&desk.engine), desk.tenant);
        let once = said(&target, "bank 1", cents(3_500), Some(nonce(&target)));
        tellers.spawn(async move { engine.report_transfer(tenant, once, None).await.unwrap() });
    }
    let taken = tellers.join_all().await;
    assert_eq!(taken.iter().filter(|one| !one.known).count(), 1);
    assert_eq!(kept(&desk, None).await.len(), 1);
    assert_eq!(desk.transaction(&target).await.received, Some(cents(3_500)));
}

#[tokio::test]
async fn money_that_does_not_fit_the_payment_that_it_names_is_kept_all_the_same() {
    let desk = Desk::new().await;
    let (_, target) = waiting(&desk).await;
    let yen = Money::from_minor(3_500, Currency::from_code("JPY").unwrap()).unwrap();
    let odd = report(&desk, said(&target, "bank 1", yen, Some(nonce(&target)))).await;
    assert_eq!(odd.bank_transfer.state, TransferState::Unmatched);
    let assigned = desk
        .engine
        .assign_transfer(desk.tenant, odd.bank_transfer.id, target.id, None)
        .await;
    let expected = Currency::from_code("SGD").unwrap();
    assert_eq!(refusal(assigned), Refusal::CurrencyDiffers { expected });

    let most = cents(paydesk_core::money::MAX_MINOR);
    let named = |id| said(&target, id, most, Some(nonce(&target)));
    assert!(report(&desk, named("bank 2")).await.transaction.is_some());
    let beyond = report(&desk, named("bank 3")).await;
    assert_eq!(beyond.bank_transfer.state, TransferState::Unmatched);
}

#[tokio::test]
async fn an_unmatched_transfer_is_assigned_once_and_counts_like_any_other() {
    let desk = Desk::new().await;
    let (session, target) = waiting(&desk).await;
    let stray = report(&desk, said(&target, "bank 1", cents(3_600), Some("tea"))).await;
    let id = stray.bank_transfer.id;
    let assign = |target: TransactionId| desk.engine.assign_transfer(desk.tenant, id, target, None);
    let taken = assign(target.id).await.unwrap().unwrap();
    let paid = taken.transaction.unwrap();
    assert_eq!(paid.exception.unwrap().kind, ExceptionKind::Over);
    assert_eq!(
        desk.session(&session).await.state.name(),
        StateName::Completed
    );
    let again = assign(target.id).await.unwrap().unwrap();
    assert!(again.known);
    assert_eq!(again.bank_transfer, taken.bank_transfer);
    assert_eq!(desk.transaction(&target).await.received, Some(cents(3_600)));

    let (_, other) = waiting(&desk).await;
    let Refusal::InvalidField { field, .. } = refusal(assign(other.id).await) else {
        panic!("another refusal");
    };
    assert_eq!(field, "transactionId");
    let nobody = paydesk_core::id::BankTransferId(uuid::Uuid::nil());
    let unknown = desk
        .engine
        .assign_transfer(desk.tenant, nobody, other.id, None);
    assert_eq!(unknown.await.unwrap(), None);
    assert_eq!(kept(&desk, Some(TransferState::UNMATCHED)).await, []);
}

#[tokio::test]
async fn a_transfer_is_assigned_to_payments_that_money_is_pushed_for_and_to_nothing_else() {
    let desk = Desk::new().await;
    let (_, target) = waiting(&desk).await;
    let stray = report(&desk, said(&target, "bank 1", cents(3_500), Some("tea"))).await;
    desk.rail.behave(Behaviour::Succeeds);
    let (_, by_card) = desk.paid().await;
    let refund = desk
        .engine
        .operate(desk.tenant, by_card.id, Operate::Refund(None), None);
    let refund = refund.await.unwrap();
    for wrong in [by_card.id, refund.id] {
        let id = stray.bank_transfer.id;
        let refused = desk
            .engine
            .assign_transfer(desk.tenant, id, wrong, None)
            .await;
        let Refusal::InvalidField { field, .. } = refusal(refused) else {
            panic!("another refusal");
        };
        assert_eq!(field, "transactionId");
    }
}

#[tokio::test]
async fn late_money_may_be_assigned_and_stays_below_its_payment() {
    let desk = Desk::new().await;
    let (_, target) = waiting(&desk).await;
    desk.clock.advance(Span::days(1));
    desk.engine.sweep().await.unwrap();
    let stray = report(&desk, said(&target, "bank 1", cents(3_500), None)).await;
    let id = stray.bank_transfer.id;
    let assign = || {
        desk.engine
            .assign_transfer(desk.tenant, id, target.id, None)
    };
    let late = assign().await.unwrap().unwrap().transaction.unwrap();
    assert_eq!(late.exception.unwrap().kind, ExceptionKind::Late);
    assert!(
        assign().await.unwrap().unwrap().known,
        "it is where it should be"
    );
    let below = desk.store.children(desk.tenant, target.id).await;
    assert_eq!(below.unwrap().len(), 1);
}

#[tokio::test]
async fn a_refund_tells_the_rail_what_it_cannot_know() {
    let desk = Desk::new().await;
    let (_, target) = waiting(&desk).await;
    let told = transfer(&target, "bank 1", 1_000);
    desk.engine.record_transfer(&told).await.unwrap();
    let named = said(&target, "bank 2", cents(2_600), Some(nonce(&target)));
    let over = report(&desk, named).await;
    assert_eq!(over.bank_transfer.origin, Origin::Report);
    desk.rail.behave(Behaviour::Succeeds);
    let surplus = Operate::Refund(Some(cents(100)));
    let refund = desk.engine.operate(desk.tenant, target.id, surplus, None);
    assert!(matches!(
        refund.await.unwrap().status,
        Status::Succeeded { .. }
    ));
    assert_eq!(desk.rail.placed(), [2_600]);
    let left = desk.transaction(&target).await.remaining();
    assert_eq!(left, 3_500);
}

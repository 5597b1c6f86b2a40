//! Money that comes by itself, told more than once and by several at once.

use std::sync::Arc;

use paydesk_core::engine::record_transfer::Recorded;
use paydesk_core::method::Method;
use paydesk_core::refusal::Refusal;
use paydesk_core::session::{Kind, MAX_PUSHED_ATTEMPTS, Session, StateName};
use paydesk_core::store::Store as _;
use paydesk_core::time::Span;
use paydesk_core::transaction::{ExceptionKind, Status, Transaction};
use tokio::sync::Barrier;

use super::desk::{Desk, cents, refusal, transfer};
use super::rail::Behaviour;

pub async fn waiting(desk: &Desk) -> (Session, Transaction) {
    let session = desk.open(Kind::Payment).await;
    desk.rail.behave(Behaviour::Waits);
    desk.pay(&session, Method::PayNow).await.unwrap()
}

#[tokio::test]
async fn whoever_has_the_link_leaves_only_so_many_payments() {
    let desk = Desk::new().await;
    let session = desk.open(Kind::Payment).await;
    desk.rail.behave(Behaviour::Waits);
    let mut methods = [Method::PayNow, Method::DuitNow].into_iter().cycle();
    for _ in 0..MAX_PUSHED_ATTEMPTS {
        desk.pay(&session, methods.next().unwrap()).await.unwrap();
    }
    let (waits, another) = (Method::DuitNow, Method::PayNow);
    let refused = refusal(desk.pay(&session, another).await);
    let limit = MAX_PUSHED_ATTEMPTS;
    assert_eq!(refused, Refusal::TooManyPushedAttempts { limit });
    // What waits goes on waiting, and a card may still be used.
    let (_, live) = desk.pay(&session, waits).await.unwrap();
    assert!(matches!(live.status, Status::AwaitingPayer { .. }));
    let transactions = desk.store.transactions_of(desk.tenant, &[session.id]).await;
    assert_eq!(transactions.unwrap().len(), limit as usize);
    desk.rail.behave(Behaviour::Succeeds);
    let (session, _) = desk.pay(&session, Method::Card).await.unwrap();
    assert_eq!(session.state.name(), StateName::Completed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_transfer_that_is_told_by_many_counts_once() {
    let desk = Desk::new().await;
    let (_, target) = waiting(&desk).await;
    let told = Arc::new(transfer(&target, "bank 1", 3_500));
    let mut tellers = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (engine, told) = (Arc::clone(&desk.engine), Arc::clone(&told));
        tellers.spawn(async move { engine.record_transfer(&told).await.unwrap() });
    }
    let recorded = tellers.join_all().await;
    let counted = recorded
        .iter()
        .filter(|one| matches!(one, Recorded::Counted(_)));
    assert_eq!(counted.count(), 1, "{recorded:?}");
    let paid = desk.transaction(&target).await;
    assert_eq!((paid.received, paid.exception), (Some(cents(3_500)), None));
}

#[tokio::test]
async fn a_transfer_that_another_counts_between_any_two_steps_counts_once() {
    let desk = Desk::new().await;
    // In part or in full: the payment then still waits, or is over.
    for amount in [1_000, 3_500] {
        let mut steps = 0;
        loop {
            let (_, target) = waiting(&desk).await;
            let told = Arc::new(transfer(&target, &format!("{amount} {steps}"), amount));
            let (reached, go_on) = desk.store.pause_after(steps);
            let mut first = {
                let (engine, told) = (Arc::clone(&desk.engine), Arc::clone(&told));
                tokio::spawn(async move { engine.record_transfer(&told).await.unwrap() })
            };
            let is_paused = tokio::select! {
                reached = reached => reached.is_ok(),
                _ = &mut first => false,
            };
            if !is_paused {
                break;
            }
            let second = desk.another(true).record_transfer(&told).await.unwrap();
            go_on.send(()).unwrap();
            let first = first.await.unwrap();
            let counted = [&first, &second].map(|one| matches!(one, Recorded::Counted(_)));
            assert_ne!(
                counted[0], counted[1],
                "step {steps}: {first:?}, {second:?}"
            );
            let counted = desk.transaction(&target).await;
            assert_eq!(counted.received, Some(cents(amount)), "step {steps}");
            steps += 1;
        }
        desk.store.pause_nowhere();
        assert!(steps >= 4, "it has only {steps} steps");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn paying_twice_at_once_is_over_and_never_late() {
    let desk = Desk::new().await;
    for round in 0..300 {
        let (_, target) = waiting(&desk).await;
        let together = Arc::new(Barrier::new(2));
        let pays = |payer: u32| {
            let (engine, together) = (Arc::clone(&desk.engine), Arc::clone(&together));
            let money = transfer(&target, &format!("bank {round}.{payer}"), 3_500);
            tokio::spawn(async move {
                together.wait().await;
                engine.record_transfer(&money).await.unwrap()
            })
        };
        let (one, two) = (pays(1), pays(2));
        let recorded = (one.await.unwrap(), two.await.unwrap());
        let paid = desk.transaction(&target).await;
        assert_eq!(paid.received, Some(cents(7_000)), "{recorded:?}");
        let over = paid.exception.map(|exception| exception.kind);
        assert_eq!(over, Some(ExceptionKind::Over));
        let late = desk.store.children(desk.tenant, target.id).await.unwrap();
        assert_eq!(late, [], "{recorded:?}");
    }
}

#[tokio::test]
async fn late_money_waits_for_the_merchant_and_pays_once() {
    let desk = Desk::new().await;
    let (session, target) = waiting(&desk).await;
    desk.clock.advance(Span::days(1));
    assert_eq!(desk.engine.sweep().await.unwrap(), 1);
    let session = desk.session(&session).await;
    assert_eq!(session.state.name(), StateName::Expired);
    let mut late = Vec::new();
    for id in ["bank 1", "bank 2"] {
        let money = transfer(&target, id, 3_500);
        match desk.engine.record_transfer(&money).await.unwrap() {
            Recorded::Counted(counted) => late.push(counted),
            other => panic!("{other:?}"),
        }
    }
    let accept = |one: usize| {
        desk.engine
            .accept_exception(desk.tenant, late[one].id, None)
    };
    let paid = accept(0).await.unwrap();
    assert!(matches!(paid.status, Status::Succeeded { .. }));
    assert_eq!(refusal(accept(1).await), Refusal::AlreadyPaid);
    assert_eq!(refusal(accept(0).await), Refusal::NoException);
    let session = desk.session(&session).await;
    assert_eq!(session.state.name(), StateName::Expired);
}

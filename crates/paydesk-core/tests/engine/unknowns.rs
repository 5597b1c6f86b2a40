//! Outcomes that are not known: asked for, never charged again, never given up.

use std::sync::Arc;
use std::time::Duration;

use paydesk_core::engine::end_session::End;
use paydesk_core::engine::operate::Operate;
use paydesk_core::method::Method;
use paydesk_core::refusal::Refusal;
use paydesk_core::session::{Canceller, Kind, Session, StateName};
use paydesk_core::time::Span;
use paydesk_core::transaction::{FailureReason, Status, Transaction};

use super::desk::{Desk, card, cents, paying, refusal};
use super::rail::{Behaviour, Call};

#[tokio::test]
async fn a_lost_answer_is_asked_for_and_charged_once() {
    let desk = Desk::new().await;
    let session = desk.open(Kind::Payment).await;
    desk.rail.behave(Behaviour::LosesTheAnswer);
    let (session, unknown) = desk.pay(&session, Method::Card).await.unwrap();
    assert!(matches!(unknown.status, Status::Unknown { .. }));
    let again = desk.pay(&session, Method::Card).await;
    assert_eq!(refusal(again), Refusal::PaymentInProgress);
    assert_eq!(desk.engine.reconcile_due().await.unwrap(), 0, "not yet");
    desk.clock.advance(Span::seconds(5));
    assert_eq!(desk.engine.reconcile_due().await.unwrap(), 1);
    let paid = desk.transaction(&unknown).await;
    assert!(matches!(paid.status, Status::Succeeded { .. }));
    let session = desk.session(&session).await;
    assert_eq!(session.state.name(), StateName::Completed);
    let calls = [Call::Start, Call::Query, Call::Abandon].map(|call| desk.rail.count(call));
    assert_eq!((calls, desk.rail.moved()), ([1, 1, 0], (3_500, 0)));
}

#[tokio::test]
async fn what_never_arrived_has_failed_only_when_the_rail_will_refuse_it() {
    let desk = Desk::new().await;
    let session = desk.open(Kind::Payment).await;
    desk.rail.behave(Behaviour::NeverArrives);
    let (session, unknown) = desk.pay(&session, Method::Card).await.unwrap();
    desk.clock.advance(Span::seconds(5));
    let failed = desk
        .engine
        .reconcile(desk.tenant, unknown.id)
        .await
        .unwrap();
    let reason = FailureReason::NeverArrived;
    assert!(matches!(failed.status, Status::Failed { reason: why, .. } if why == reason));
    let calls = [Call::Query, Call::Abandon].map(|call| desk.rail.count(call));
    assert_eq!(calls, [1, 1]);
    // The session is free for another attempt, under another reference.
    desk.rail.behave(Behaviour::Succeeds);
    let (_, paid) = desk.pay(&session, Method::Card).await.unwrap();
    assert_ne!(paid.id, unknown.id);
    assert_eq!(desk.rail.moved(), (3_500, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_reconcilers_ask_once() {
    let desk = Desk::new().await;
    let session = desk.open(Kind::Payment).await;
    desk.rail.behave(Behaviour::LosesTheAnswer);
    let (_, unknown) = desk.pay(&session, Method::Card).await.unwrap();
    desk.clock.advance(Span::seconds(5));
    let other = desk.another(true);
    let (one, two) = tokio::join!(desk.engine.reconcile_due(), other.reconcile_due());
    one.unwrap();
    two.unwrap();
    assert_eq!(desk.rail.count(Call::Query), 1);
    let paid = desk.transaction(&unknown).await;
    assert!(matches!(paid.status, Status::Succeeded { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_client_that_goes_away_stops_neither_the_call_nor_its_record() {
    let desk = Desk::new().await;
    let session = desk.open(Kind::Payment).await;
    desk.rail.shut();
    let (engine, tenant, id) = (Arc::clone(&desk.engine), desk.tenant, session.id);
    let client =
        tokio::spawn(async move { engine.start_payment(tenant, id, paying(Method::Card)).await });
    while desk.rail.count(Call::Start) == 0 {
        tokio::task::yield_now().await;
    }
    client.abort();
    assert!(client.await.unwrap_err().is_cancelled());
    let processing = desk.session(&session).await;
    assert_eq!(processing.state.name(), StateName::Processing);
    desk.rail.open();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while desk.session(&session).await.state.name() != StateName::Completed {
        assert!(tokio::time::Instant::now() < deadline, "it is recorded");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(desk.rail.moved(), (3_500, 0));
}

#[tokio::test]
async fn a_rail_that_hangs_is_unknown_and_then_asked() {
    let desk = Desk::impatient().await;
    let session = desk.open(Kind::Payment).await;
    desk.rail.shut();
    let (_, unknown) = desk.pay(&session, Method::Card).await.unwrap();
    assert!(matches!(unknown.status, Status::Unknown { .. }));
    desk.rail.open();
    desk.clock.advance(Span::seconds(5));
    let failed = desk
        .engine
        .reconcile(desk.tenant, unknown.id)
        .await
        .unwrap();
    assert!(matches!(failed.status, Status::Failed { .. }));
    assert_eq!(desk.rail.moved(), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_process_that_died_in_a_call_is_taken_over() {
    let desk = Desk::new().await;
    let (_, paid) = desk.paid().await;
    desk.rail.shut();
    let (engine, tenant, id) = (Arc::clone(&desk.engine), desk.tenant, paid.id);
    let refund = Operate::Refund(None);
    let _dying = tokio::spawn(async move { engine.operate(tenant, id, refund, None).await });
    while desk.rail.count(Call::Refund) == 0 {
        tokio::task::yield_now().await;
    }
    let heir = desk.another(true);
    assert_eq!(heir.reconcile_due().await.unwrap(), 0, "its lease holds");
    assert_eq!(heir.take_over().await.unwrap(), 1);
    assert_eq!(heir.reconcile_due().await.unwrap(), 1);
    let paid = desk.transaction(&paid).await;
    assert_eq!((paid.reserved, paid.remaining()), (0, 3_500));
    // The call that was still on its way is refused by the rail, and changes nothing here.
    desk.rail.open();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(desk.rail.moved(), (3_500, 0));
    assert_eq!(desk.transaction(&paid).await, paid);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_outcome_that_cannot_be_recorded_is_asked_for_when_it_can() {
    let desk = Desk::new().await;
    let session = desk.open(Kind::Payment).await;
    desk.rail.shut();
    let (engine, tenant, id) = (Arc::clone(&desk.engine), desk.tenant, session.id);
    let pays =
        tokio::spawn(async move { engine.start_payment(tenant, id, paying(Method::Card)).await });
    while desk.rail.count(Call::Start) == 0 {
        tokio::task::yield_now().await;
    }
    desk.store.is_full(true);
    desk.rail.open();
    // An error would have the payer try again what has happened.
    let (_, pays) = pays.await.unwrap().unwrap();
    assert!(matches!(pays.status, Status::InFlight { .. }));
    desk.clock.advance(Span::seconds(31));
    let asked = desk.engine.reconcile_due().await.unwrap();
    assert_eq!(
        asked, 0,
        "nobody may ask who cannot write down that he does"
    );
    assert_eq!(desk.rail.count(Call::Query), 0);
    desk.store.is_full(false);
    assert_eq!(desk.engine.reconcile_due().await.unwrap(), 1);
    let session = desk.session(&session).await;
    assert_eq!(session.state.name(), StateName::Completed);
    assert_eq!(
        (desk.rail.count(Call::Start), desk.rail.moved()),
        (1, (3_500, 0))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refund_that_cannot_be_recorded_is_not_answered_as_one_to_try_again() {
    let desk = Desk::new().await;
    let (_, paid) = desk.paid().await;
    desk.rail.shut();
    let part = Operate::Refund(Some(cents(500)));
    let (engine, tenant) = (Arc::clone(&desk.engine), desk.tenant);
    let refunds = tokio::spawn(async move { engine.operate(tenant, paid.id, part, None).await });
    while desk.rail.count(Call::Refund) == 0 {
        tokio::task::yield_now().await;
    }
    desk.store.is_full(true);
    desk.rail.open();
    let refund = refunds.await.unwrap().unwrap();
    assert!(matches!(refund.status, Status::InFlight { .. }));
    desk.store.is_full(false);
    desk.clock.advance(Span::seconds(31));
    assert_eq!(desk.engine.reconcile_due().await.unwrap(), 1);
    let refund = desk.transaction(&refund).await;
    assert!(matches!(refund.status, Status::Succeeded { .. }));
    assert_eq!(desk.rail.moved(), (3_500, 500));
}

/// Drives `work` of a client that goes away while the answer to the store's call after `step` others is kept back;
/// whether there is such a call.
async fn goes_away_at<T: Send + 'static>(
    desk: &Desk,
    step: usize,
    work: impl Future<Output = T> + Send + 'static,
) -> bool {
    let (reached, go_on) = desk.store.pause_after(step);
    let mut client = tokio::spawn(work);
    let is_paused = tokio::select! {
        reached = reached => reached.is_ok(),
        _ = &mut client => false,
    };
    desk.store.pause_nowhere();
    if is_paused {
        client.abort();
        assert!(client.await.is_err_and(|error| error.is_cancelled()));
    }
    // Whoever waited for the answer may be gone with the client.
    let _ = go_on.send(());
    is_paused
}

async fn soon<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
    while !is_so().await {
        assert!(tokio::time::Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_client_that_goes_away_at_any_step_leaves_nothing_half_done() {
    let desk = Desk::new().await;
    let mut steps = 0;
    loop {
        let session = desk.open(Kind::Payment).await;
        let (engine, tenant, id) = (Arc::clone(&desk.engine), desk.tenant, session.id);
        let pays = async move { engine.start_payment(tenant, id, paying(Method::Card)).await };
        let is_paused = goes_away_at(&desk, steps, pays).await;
        // No time passes: nobody but the engine that began it goes on with it.
        soon(&format!("the payment, step {steps}"), || async {
            desk.session(&session).await.state.name() == StateName::Completed
        })
        .await;
        if !is_paused {
            break;
        }
        steps += 1;
    }
    assert!(steps >= 4, "it has only {steps} steps");

    let mut steps = 0;
    loop {
        let (_, paid) = desk.paid().await;
        let (engine, tenant, id) = (Arc::clone(&desk.engine), desk.tenant, paid.id);
        let refund = Operate::Refund(None);
        let refunds = async move { engine.operate(tenant, id, refund, None).await };
        let is_paused = goes_away_at(&desk, steps, refunds).await;
        soon(&format!("the refund, step {steps}"), || async {
            desk.transaction(&paid).await.remaining() == 0
        })
        .await;
        if !is_paused {
            break;
        }
        steps += 1;
    }
    assert!(steps >= 4, "it has only {steps} steps");
    assert_eq!(desk.rail.count(Call::Query), 0);
}

#[tokio::test]
async fn what_could_not_be_swept_does_not_count_as_swept() {
    // A job that finds a whole batch goes on at once: it must not spin on what fails.
    let desk = Desk::new().await;
    let session = desk.open(Kind::Payment).await;
    desk.clock.advance(Span::days(8));
    desk.store.is_full(true);
    assert_eq!(desk.engine.sweep().await.unwrap(), 0);
    desk.store.is_full(false);
    assert_eq!(desk.engine.sweep().await.unwrap(), 1);
    let session = desk.session(&session).await;
    assert_eq!(session.state.name(), StateName::Expired);
}

/// A session whose payer is at a bank's page.
async fn at_a_page(desk: &Desk) -> (Session, Transaction) {
    let session = desk.open(Kind::Payment).await;
    desk.rail.behave(Behaviour::Waits);
    let (session, live) = desk.pay(&session, Method::Card).await.unwrap();
    assert!(matches!(live.status, Status::AwaitingPayer { .. }));
    (session, live)
}

#[tokio::test]
async fn a_page_is_asked_about_and_given_up_when_its_time_is_over() {
    let desk = Desk::new().await;
    let (session, live) = at_a_page(&desk).await;
    desk.clock.advance(Span::seconds(10));
    let still = desk.engine.reconcile(desk.tenant, live.id).await.unwrap();
    assert!(matches!(still.status, Status::AwaitingPayer { .. }));
    assert_eq!(desk.rail.count(Call::Abandon), 0);
    desk.clock.advance(Span::minutes(15));
    let failed = desk.engine.reconcile(desk.tenant, live.id).await.unwrap();
    assert!(matches!(failed.status, Status::Failed { .. }));
    desk.rail.confirm(live.id, 3_500);
    assert_eq!(desk.rail.moved(), (0, 0), "the page is dead");
    let session = desk.session(&session).await;
    assert_eq!(session.state.name(), StateName::Initiated);
}

#[tokio::test]
async fn a_payer_may_leave_a_page_and_pays_once() {
    let desk = Desk::new().await;
    let (session, left) = at_a_page(&desk).await;
    desk.rail.behave(Behaviour::Succeeds);
    let (session, paid) = desk.pay(&session, Method::Card).await.unwrap();
    assert_ne!(paid.id, left.id);
    desk.rail.confirm(left.id, 3_500);
    assert_eq!(desk.rail.moved(), (3_500, 0), "the first page is dead");
    assert_eq!(session.state.name(), StateName::Completed);
}

#[tokio::test]
async fn a_payer_who_had_confirmed_is_not_charged_again() {
    let desk = Desk::new().await;
    let (session, live) = at_a_page(&desk).await;
    desk.rail.confirm(live.id, 3_500);
    desk.rail.behave(Behaviour::Succeeds);
    let again = desk.pay(&session, Method::Card).await;
    assert_eq!(refusal(again), Refusal::SessionCompleted);
    let (session, other) = at_a_page(&desk).await;
    desk.rail.confirm(other.id, 3_500);
    let end = End::Cancel(Canceller::Payer);
    let cancels = desk.engine.end_session(desk.tenant, session.id, end, None);
    assert_eq!(refusal(cancels.await), Refusal::SessionCompleted);
    assert_eq!(desk.rail.moved(), (7_000, 0), "two sessions, one each");
}

#[tokio::test]
async fn a_request_that_is_refused_anyway_leaves_the_page_open() {
    let desk = Desk::new().await;
    let (session, live) = at_a_page(&desk).await;
    let mut mistyped = paying(Method::Card);
    let mut bad = card();
    bad.cvc = "1".into();
    mistyped.card = Some(bad);
    let pays = desk
        .engine
        .start_payment(desk.tenant, session.id, mistyped)
        .await;
    assert!(matches!(refusal(pays), Refusal::InvalidField { .. }));
    let pays = desk.pay(&session, Method::PromptPay).await;
    assert!(matches!(refusal(pays), Refusal::MethodNotOffered { .. }));
    assert_eq!(desk.rail.count(Call::Abandon), 0);
    desk.rail.confirm(live.id, 3_500);
    let paid = desk.engine.sync(desk.tenant, live.id).await.unwrap();
    assert!(matches!(paid.status, Status::Succeeded { .. }));
}

#[tokio::test]
async fn cancelling_closes_the_page_first() {
    let desk = Desk::new().await;
    let (session, live) = at_a_page(&desk).await;
    let end = End::Cancel(Canceller::Payer);
    let ended = desk.engine.end_session(desk.tenant, session.id, end, None);
    let ended = ended.await.unwrap();
    assert_eq!(ended.session.state.name(), StateName::Cancelled);
    desk.rail.confirm(live.id, 3_500);
    assert_eq!(desk.rail.moved(), (0, 0));
}

//! Many at once: one payment, and no more given back than was taken.

use std::sync::Arc;

use paydesk_core::engine::end_session::End;
use paydesk_core::engine::open_session::OpenSession;
use paydesk_core::engine::operate::Operate;
use paydesk_core::engine::{Engine, EngineError};
use paydesk_core::id::{MerchantId, SessionId, TransactionId};
use paydesk_core::method::Method;
use paydesk_core::refusal::Refusal;
use paydesk_core::session::{Amount, Canceller, Door, Kind, StateName};
use paydesk_core::store::Store as _;
use paydesk_core::tenant::{Mode, Tenant};
use paydesk_core::time::Span;
use paydesk_core::transaction::{Hold, Status};
use tokio::task::JoinSet;

use super::desk::{Desk, card, cents, paying, refusal};
use super::rail::{Behaviour, Call};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_hundred_payments_at_once_on_two_nodes_charge_once() {
    let desk = Desk::new().await;
    let session = desk.open(Kind::Payment).await;
    let nodes = [Arc::clone(&desk.engine), desk.another(true)];
    // Until all have decided, nobody has an outcome.
    desk.rail.shut();
    let mut payers = JoinSet::new();
    for payer in 0..200 {
        let (engine, tenant, id) = (Arc::clone(&nodes[payer % 2]), desk.tenant, session.id);
        payers.spawn(async move { engine.start_payment(tenant, id, paying(Method::Card)).await });
    }
    let mut refused = 0;
    while refused < 199 {
        match payers.join_next().await.unwrap().unwrap() {
            Err(EngineError::Refused(Refusal::PaymentInProgress)) => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    desk.rail.open();
    let (session, paid) = payers.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(session.state.name(), StateName::Completed);
    assert!(matches!(paid.status, Status::Succeeded { .. }));
    assert_eq!(desk.rail.count(Call::Start), 1);
    assert_eq!(desk.rail.moved(), (3_500, 0));
    let all = desk
        .engine
        .session(desk.tenant, session.id)
        .await
        .unwrap()
        .1;
    assert_eq!(all, [paid]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn refunds_at_once_never_give_back_more_than_was_taken() {
    let desk = Desk::new().await;
    let (_, paid) = desk.paid().await;
    let mut refunds = JoinSet::new();
    for _ in 0..20 {
        let (engine, tenant, id) = (Arc::clone(&desk.engine), desk.tenant, paid.id);
        let refund = Operate::Refund(Some(cents(300)));
        refunds.spawn(async move { engine.operate(tenant, id, refund, None).await });
    }
    let mut given_back = 0;
    while let Some(refund) = refunds.join_next().await {
        match refund.unwrap() {
            Ok(refund) => given_back += refund.amount.minor(),
            Err(EngineError::Refused(Refusal::AmountTooLarge { .. })) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(given_back, 3_300, "eleven of 300 are in 3500");
    assert_eq!(desk.rail.moved(), (3_500, 3_300));
    let paid = desk.transaction(&paid).await;
    assert_eq!(
        (paid.reserved, paid.done, paid.remaining()),
        (0, 3_300, 200)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_settle_and_a_void_at_once_do_one_of_both() {
    for _ in 0..20 {
        let desk = Desk::new().await;
        let session = desk.open(Kind::Authorization).await;
        let (_, held) = desk.pay(&session, Method::Card).await.unwrap();
        let one = |operate| {
            let (engine, tenant, id) = (Arc::clone(&desk.engine), desk.tenant, held.id);
            tokio::spawn(async move { engine.operate(tenant, id, operate, None).await })
        };
        let (settle, void) = (one(Operate::Settle(None)), one(Operate::Void));
        let done = [settle.await.unwrap(), void.await.unwrap()];
        assert_eq!(done.iter().filter(|one| one.is_ok()).count(), 1, "{done:?}");
        let held = desk.transaction(&held).await;
        let right = if done[0].is_ok() {
            Hold::Settled
        } else {
            Hold::Voided
        };
        assert_eq!(held.hold, Some(right));
        let calls = desk.rail.count(Call::Settle) + desk.rail.count(Call::Void);
        assert_eq!(calls, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_reference_opens_one_session() {
    let desk = Desk::new().await;
    let mut merchants = JoinSet::new();
    for _ in 0..50 {
        let (engine, tenant) = (Arc::clone(&desk.engine), desk.tenant);
        let request = OpenSession {
            reference: Some("order 7".into()),
            ..OpenSession::new(Door::Native, Kind::Payment, Amount::Fixed(cents(3_500)))
        };
        merchants.spawn(async move { engine.open_session(tenant, request, None).await });
    }
    let (mut opened, mut named) = (Vec::new(), Vec::new());
    while let Some(answer) = merchants.join_next().await {
        match answer.unwrap() {
            Ok(session) => opened.push(session.id),
            Err(EngineError::Refused(Refusal::ReferenceTaken { session })) => {
                named.push(session.unwrap());
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(opened.len(), 1);
    assert!(named.iter().all(|id| *id == opened[0]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_payer_who_pays_while_the_merchant_cancels_has_one_of_both() {
    for _ in 0..50 {
        let desk = Desk::new().await;
        let session = desk.open(Kind::Payment).await;
        let (engine, tenant, id) = (Arc::clone(&desk.engine), desk.tenant, session.id);
        let cancels = tokio::spawn(async move {
            let end = End::Cancel(Canceller::Merchant);
            engine.end_session(tenant, id, end, None).await
        });
        let pays = desk.pay(&session, Method::Card).await;
        let cancelled = cancels.await.unwrap();
        assert_ne!(pays.is_ok(), cancelled.is_ok(), "{pays:?} {cancelled:?}");
        let taken = if pays.is_ok() { 3_500 } else { 0 };
        assert_eq!(desk.rail.moved(), (taken, 0));
    }
}

#[tokio::test]
async fn no_other_card_than_a_test_card_is_stored_or_called_for() {
    let desk = Desk::new().await;
    let session = desk.open(Kind::Payment).await;
    let mut request = paying(Method::Card);
    let mut real = card();
    real.number = "4111111111111111".into();
    request.card = Some(real);
    let pay = || {
        let request = request.clone();
        desk.engine.start_payment(desk.tenant, session.id, request)
    };
    assert_eq!(refusal(pay().await), Refusal::NotATestCard);
    assert_eq!(desk.session(&session).await, session);
    assert_eq!(desk.rail.count(Call::Start), 0);
    // An ended session says that it has ended, whatever the card.
    let expired = desk
        .engine
        .end_session(desk.tenant, session.id, End::Expire, None);
    expired.await.unwrap();
    assert_eq!(refusal(pay().await), Refusal::SessionExpired);
}

#[tokio::test]
async fn what_belongs_to_another_merchant_is_not_there() {
    let desk = Desk::new().await;
    let (session, paid) = desk.paid().await;
    let stranger = desk.engine.create_merchant("Cake House").await.unwrap();
    let tenant = Tenant {
        merchant: stranger.merchant.id,
        ..desk.tenant
    };
    let pays = desk
        .engine
        .start_payment(tenant, session.id, paying(Method::Card));
    assert_eq!(refusal(pays.await), Refusal::SessionNotFound);
    let refunds = desk
        .engine
        .operate(tenant, paid.id, Operate::Refund(None), None);
    assert_eq!(refusal(refunds.await), Refusal::TransactionNotFound);
    let nobody = Tenant {
        merchant: MerchantId(uuid::Uuid::nil()),
        ..desk.tenant
    };
    let unknown = SessionId(uuid::Uuid::nil());
    assert_eq!(
        refusal(desk.engine.session(nobody, unknown).await),
        Refusal::SessionNotFound
    );
    let unknown = TransactionId(uuid::Uuid::nil());
    assert_eq!(
        refusal(desk.engine.sync(desk.tenant, unknown).await),
        Refusal::TransactionNotFound
    );
}

#[tokio::test]
async fn a_refusal_changes_nothing_not_even_where_the_rail_is_missing() {
    let desk = Desk::new().await;
    let (session, paid) = desk.paid().await;
    let before = desk.session(&session).await;
    let without: Arc<Engine> = desk.another(false);
    let refund = without.operate(desk.tenant, paid.id, Operate::Refund(None), None);
    assert_eq!(refusal(refund.await), Refusal::ProviderAccountDisabled);
    assert_eq!(desk.session(&session).await, before);
    assert_eq!(desk.transaction(&paid).await, paid);
    let children = desk.store.children(desk.tenant, paid.id).await.unwrap();
    assert_eq!(children, []);
}

#[tokio::test]
async fn a_declined_card_leaves_room_for_another() {
    let desk = Desk::new().await;
    let session = desk.open(Kind::Payment).await;
    desk.rail.behave(Behaviour::Declines);
    let (session, _) = desk.pay(&session, Method::Card).await.unwrap();
    assert_eq!(session.state.name(), StateName::Initiated);
    desk.rail.behave(Behaviour::Succeeds);
    let (session, _) = desk.pay(&session, Method::Card).await.unwrap();
    assert_eq!(session.state.name(), StateName::Completed);
    assert_eq!(desk.rail.moved(), (3_500, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_session_is_found_by_the_id_that_its_first_attempt_will_have() {
    let desk = Desk::new().await;
    // All in one millisecond: the clock stands still.
    let mut opening = JoinSet::new();
    for _ in 0..250 {
        let (engine, tenant) = (Arc::clone(&desk.engine), desk.tenant);
        let request = OpenSession::new(Door::Native, Kind::Payment, Amount::Fixed(cents(100)));
        opening.spawn(async move { engine.open_session(tenant, request, None).await.unwrap() });
    }
    let mut opened = opening.join_all().await;
    desk.clock.advance(Span::millis(1));
    opened.push(desk.open(Kind::Payment).await);
    let first_tried_as = async |tenant, id| {
        let found = desk
            .engine
            .session_first_tried_as(tenant, id)
            .await
            .unwrap();
        found.map(|session| session.id)
    };
    for session in &opened {
        let found = first_tried_as(desk.tenant, session.first_transaction).await;
        assert_eq!(found, Some(session.id));
    }
    let [first, ..] = opened.as_slice() else {
        panic!("some were opened");
    };
    // Of the same millisecond, and nobody's; of no time at all; somebody else's.
    let next = TransactionId(uuid::Uuid::from_u128(
        first.first_transaction.0.as_u128() ^ 1,
    ));
    for id in [
        next,
        TransactionId(uuid::Uuid::nil()),
        TransactionId(uuid::Uuid::max()),
        TransactionId(first.id.0),
    ] {
        assert_eq!(first_tried_as(desk.tenant, id).await, None);
    }
    let live = Tenant {
        mode: Mode::Live,
        ..desk.tenant
    };
    assert_eq!(first_tried_as(live, first.first_transaction).await, None);
    // Once it was made it is still the first one's.
    let (session, paid) = desk.pay(first, Method::Card).await.unwrap();
    assert_eq!(paid.id, first.first_transaction);
    assert_eq!(first_tried_as(desk.tenant, paid.id).await, Some(session.id));
}

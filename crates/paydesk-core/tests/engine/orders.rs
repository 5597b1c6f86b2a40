//! Money that comes late for a shop's order: once it is accepted the order is paid, and nobody pays it twice.

use paydesk_core::engine::EngineError;
use paydesk_core::engine::operate::Operate;
use paydesk_core::engine::record_transfer::Recorded;
use paydesk_core::engine::shop::create_order::CreateOrder;
use paydesk_core::engine::shop::open_order_session::OpenOrderSession;
use paydesk_core::engine::shop::products::PutProduct;
use paydesk_core::given::Given;
use paydesk_core::method::Method;
use paydesk_core::refusal::Refusal;
use paydesk_core::retention::Kept;
use paydesk_core::session::{Door, Flow, Session, StateName};
use paydesk_core::shop::{Order, ShopRefusal};
use paydesk_core::store::{Change, Removal, Store as _};
use paydesk_core::time::Span;
use paydesk_core::transaction::{ExceptionKind, Status, Transaction};

use super::desk::{Desk, cents, refusal, transfer};
use super::pruning::prune;
use super::rail::Behaviour;

async fn order(desk: &Desk) -> Order {
    let product = PutProduct {
        number: 7,
        title: "Tea".into(),
        price: cents(3_500),
    };
    desk.engine.put_product(desk.tenant, product).await.unwrap();
    let asked = CreateOrder {
        user: None,
        storage: "orders".into(),
        form: None,
        form_data: Given::default(),
        account: None,
        products: vec![(7, 1)],
        currency: None,
    };
    let order = desk.engine.create_order(desk.tenant, asked, None).await;
    order.unwrap()
}

async fn open(desk: &Desk, order: &Order) -> Result<Session, EngineError> {
    let asked = OpenOrderSession {
        door: Door::OneEntry,
        flow: Flow::Session,
        automatic_tax: false,
        device: None,
    };
    let opening = desk
        .engine
        .open_order_session(desk.tenant, order.id, asked, None);
    opening.await
}

/// A session of the order that has expired, and money that came for it afterwards.
async fn late(desk: &Desk, order: &Order) -> (Session, Transaction) {
    let session = open(desk, order).await.unwrap();
    desk.rail.behave(Behaviour::Waits);
    let (_, target) = desk.pay(&session, Method::PayNow).await.unwrap();
    desk.clock.advance(Span::days(1));
    desk.engine.sweep().await.unwrap();
    let session = desk.session(&session).await;
    assert_eq!(session.state.name(), StateName::Expired);
    let money = transfer(&target, &format!("bank {}", target.id), 3_500);
    match desk.engine.record_transfer(&money).await.unwrap() {
        Recorded::Counted(late) => {
            assert_eq!(late.exception.as_ref().unwrap().kind, ExceptionKind::Late);
            (session, *late)
        }
        other => panic!("{other:?}"),
    }
}

async fn accept(desk: &Desk, late: &Transaction) -> Result<Transaction, EngineError> {
    let accepting = desk.engine.accept_exception(desk.tenant, late.id, None);
    accepting.await
}

async fn paid_by(desk: &Desk, order: &Order) -> Option<paydesk_core::id::SessionId> {
    let order = desk.engine.order(desk.tenant, order.id).await.unwrap();
    order.paid.map(|paid| paid.session)
}

fn is_paid_already<T: std::fmt::Debug>(answer: Result<T, EngineError>) {
    assert_eq!(refusal(answer), ShopRefusal::OrderPaid.into());
}

#[tokio::test]
async fn late_money_that_is_accepted_pays_the_order_of_a_session_that_has_ended() {
    let desk = Desk::new().await;
    let order = order(&desk).await;
    let (session, money) = late(&desk, &order).await;
    assert_eq!(paid_by(&desk, &order).await, None, "nobody accepted it yet");
    let accepted = accept(&desk, &money).await.unwrap();
    assert!(matches!(accepted.status, Status::Succeeded { .. }));
    assert_eq!(paid_by(&desk, &order).await, Some(session.id));
    let session = desk.session(&session).await;
    assert_eq!(
        session.state.name(),
        StateName::Expired,
        "it stays as it is"
    );
    is_paid_already(open(&desk, &order).await);
}

#[tokio::test]
async fn the_orders_other_session_expires_when_late_money_is_accepted() {
    let desk = Desk::new().await;
    // Untouched, or with a code that nobody has paid yet.
    for waits in [false, true] {
        let order = order(&desk).await;
        let (first, money) = late(&desk, &order).await;
        let second = open(&desk, &order).await.unwrap();
        assert_ne!(second.id, first.id);
        let mut pending = None;
        if waits {
            pending = Some(desk.pay(&second, Method::PayNow).await.unwrap().1);
        }
        accept(&desk, &money).await.unwrap();
        assert_eq!(paid_by(&desk, &order).await, Some(first.id));
        let second = desk.session(&second).await;
        assert_eq!(second.state.name(), StateName::Expired);
        if let Some(pending) = pending {
            // Who pays that code all the same loses nothing: it is there to be given back.
            let money = transfer(&pending, "too late", 3_500);
            let Recorded::Counted(late) = desk.engine.record_transfer(&money).await.unwrap() else {
                panic!("it is known whose it is");
            };
            assert_eq!(late.exception.as_ref().unwrap().kind, ExceptionKind::Late);
            is_paid_already(accept(&desk, &late).await);
        }
        is_paid_already(open(&desk, &order).await);
    }
}

#[tokio::test]
async fn late_money_is_not_accepted_for_an_order_that_is_paid_or_being_paid() {
    let desk = Desk::new().await;
    let order = order(&desk).await;
    let (_, money) = late(&desk, &order).await;
    let second = open(&desk, &order).await.unwrap();
    desk.rail.behave(Behaviour::LosesTheAnswer);
    let (_, flying) = desk.pay(&second, Method::Card).await.unwrap();
    assert_eq!(
        refusal(accept(&desk, &money).await),
        Refusal::PaymentInProgress
    );
    assert_eq!(paid_by(&desk, &order).await, None);
    desk.rail.behave(Behaviour::Succeeds);
    desk.clock.advance(Span::minutes(20));
    desk.engine.reconcile_due().await.unwrap();
    let flying = desk.transaction(&flying).await;
    assert!(
        matches!(flying.status, Status::Succeeded { .. }),
        "{flying:?}"
    );
    is_paid_already(accept(&desk, &money).await);
    assert_eq!(paid_by(&desk, &order).await, Some(second.id));
    let money = desk.transaction(&money).await;
    assert_eq!(money.remaining(), 3_500, "all of it can be given back");
}

#[tokio::test]
async fn of_late_money_for_two_sessions_of_an_order_one_is_accepted() {
    let desk = Desk::new().await;
    let order = order(&desk).await;
    let (first, money) = late(&desk, &order).await;
    let (_, more) = late(&desk, &order).await;
    accept(&desk, &money).await.unwrap();
    is_paid_already(accept(&desk, &more).await);
    assert_eq!(paid_by(&desk, &order).await, Some(first.id));
}

#[tokio::test]
async fn late_money_is_not_accepted_while_a_part_has_come_for_the_orders_other_session() {
    let desk = Desk::new().await;
    let order = order(&desk).await;
    let (first, money) = late(&desk, &order).await;
    let second = open(&desk, &order).await.unwrap();
    let (_, pending) = desk.pay(&second, Method::PayNow).await.unwrap();
    let part = transfer(&pending, "a part", 1_000);
    desk.engine.record_transfer(&part).await.unwrap();
    assert_eq!(
        refusal(accept(&desk, &money).await),
        Refusal::PaymentInProgress
    );
    assert_eq!(paid_by(&desk, &order).await, None);
    let waiting = desk.session(&second).await;
    assert_eq!(waiting.state.name(), StateName::Processing);

    // Its time is over, and nobody has swept: the part can only be given back.
    desk.clock.advance(Span::hours(1));
    accept(&desk, &money).await.unwrap();
    assert_eq!(paid_by(&desk, &order).await, Some(first.id));
    let second = desk.session(&second).await;
    assert_eq!(second.state.name(), StateName::Expired);
    let part = desk.transaction(&pending).await;
    assert_eq!(part.remaining(), 1_000);
}

#[tokio::test]
async fn an_order_that_late_money_paid_keeps_the_session_that_it_came_for() {
    let desk = Desk::new().await;
    let order = order(&desk).await;
    let (_, money) = late(&desk, &order).await;
    accept(&desk, &money).await.unwrap();
    desk.rail.behave(Behaviour::Succeeds);
    let whole = Operate::Refund(None);
    let refund = desk.engine.operate(desk.tenant, money.id, whole, None);
    refund.await.unwrap();
    desk.clock.advance(Span::days(400));
    let done = prune(&desk, 30, Some(30), false).await;
    assert_eq!(done.kept.get(&Kept::PaidOrder), Some(&1), "{done:?}");
    is_paid_already(open(&desk, &order).await);
}

#[tokio::test]
async fn an_order_stays_paid_when_the_session_that_paid_it_is_gone() {
    let desk = Desk::new().await;
    let order = order(&desk).await;
    let (first, money) = late(&desk, &order).await;
    let (_, more) = late(&desk, &order).await;
    accept(&desk, &money).await.unwrap();
    // As earlier versions did, when it was old.
    let first = desk.session(&first).await;
    let events = desk.store.events(desk.tenant, first.id).await.unwrap();
    let events = events.iter().map(|event| Removal::Event(event.id));
    let session = Removal::Session {
        id: first.id,
        version: first.version,
    };
    for removal in events.chain([session]) {
        let mut change = Change::new(desk.tenant);
        change.removals.push(removal);
        desk.store.commit(change).await.unwrap();
    }
    is_paid_already(open(&desk, &order).await);
    is_paid_already(accept(&desk, &more).await);
}

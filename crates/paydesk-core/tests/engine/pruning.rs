//! Old data is removed: what that leaves behind, and that what was used once stays used.

use paydesk_core::engine::charge_payment_method::ChargePaymentMethod;
use paydesk_core::engine::end_session::End;
use paydesk_core::engine::open_session::OpenSession;
use paydesk_core::engine::operate::Operate;
use paydesk_core::engine::prune::Pruned;
use paydesk_core::engine::record_transfer::Recorded;
use paydesk_core::list::{Page, SessionFilter, TransactionFilter};
use paydesk_core::method::Method;
use paydesk_core::refusal::Refusal;
use paydesk_core::retention::{Kept, Retention};
use paydesk_core::session::{Amount, Canceller, Door, Kind, Session};
use paydesk_core::store::{Change, Counter, Record, Store as _};
use paydesk_core::time::Span;
use paydesk_core::transaction::Transaction;

use super::desk::{Desk, cents, refusal, transfer};
use super::pushes::waiting;
use super::stored_cards::kept_card;

const DAYS: fn(u32) -> Span = Span::days;

pub async fn prune(desk: &Desk, finished: u32, paid: Option<u32>, dry: bool) -> Pruned {
    let retention = Retention {
        finished: DAYS(finished),
        paid: paid.map(DAYS),
    };
    let mut run = desk
        .engine
        .prune(desk.tenant, retention, dry)
        .await
        .unwrap();
    while desk.engine.prune_step(&mut run).await.unwrap() {}
    run.done().clone()
}

async fn open(desk: &Desk, reference: &str) -> Result<Session, paydesk_core::engine::EngineError> {
    let mut request = OpenSession::new(Door::Native, Kind::Payment, Amount::Fixed(cents(3_500)));
    request.reference = Some(reference.into());
    desk.engine.open_session(desk.tenant, request, None).await
}

/// The kept totals, which must be what is there.
async fn totals(desk: &Desk) -> (u64, u64) {
    let now = desk.engine.now(desk.tenant);
    let all = Page::first(10_000);
    let sessions = desk
        .store
        .sessions(desk.tenant, &SessionFilter::at(now), all)
        .await
        .unwrap();
    let transactions = desk
        .store
        .transactions(desk.tenant, &TransactionFilter::at(now), all)
        .await
        .unwrap();
    let kept = |counter| desk.store.count(desk.tenant, counter);
    let count = i64::try_from(sessions.len()).unwrap();
    assert_eq!(kept(Counter::Sessions).await.unwrap(), count);
    let count = i64::try_from(transactions.len()).unwrap();
    assert_eq!(kept(Counter::Transactions).await.unwrap(), count);
    (sessions.len() as u64, transactions.len() as u64)
}

#[tokio::test]
async fn what_is_finished_goes_and_a_dry_run_says_so_before() {
    let desk = Desk::new().await;
    for n in 0..250 {
        let session = open(&desk, &format!("left {n}")).await.unwrap();
        if n % 2 == 0 {
            let cancel = End::Cancel(Canceller::Payer);
            desk.engine
                .end_session(desk.tenant, session.id, cancel, None)
                .await
                .unwrap();
        }
    }
    let (paid, _) = desk.paid().await;
    let (refunded, whole) = desk.paid().await;
    let refund = Operate::Refund(None);
    desk.engine
        .operate(desk.tenant, whole.id, refund, None)
        .await
        .unwrap();
    // The rest expires, and is old 40 days later.
    desk.clock.advance(DAYS(8));
    while desk.engine.sweep().await.unwrap() > 0 {}
    desk.clock.advance(DAYS(40));
    let young = desk.open(Kind::Payment).await;
    let before = totals(&desk).await;

    let told = prune(&desk, 39, None, true).await;
    assert_eq!(totals(&desk).await, before, "a dry run changes nothing");
    let done = prune(&desk, 39, None, false).await;
    assert_eq!(told, done);
    assert_eq!((done.sessions, done.transactions), (251, 2));
    assert!(done.events > 500, "{done:?}");
    assert_eq!(done.kept.get(&Kept::Refundable), Some(&1));
    assert_eq!(totals(&desk).await, (2, 1));
    for (session, is_there) in [(&paid, true), (&refunded, false), (&young, true)] {
        let found = desk.store.session(desk.tenant, session.id).await.unwrap();
        assert_eq!(found.is_some(), is_there);
    }
    // What stays has lost only what was told long ago.
    assert_eq!(desk.store.events(desk.tenant, paid.id).await.unwrap(), []);
    assert_eq!(
        desk.store
            .events(desk.tenant, young.id)
            .await
            .unwrap()
            .len(),
        1
    );
    let again = prune(&desk, 39, None, false).await;
    assert_eq!(
        (again.sessions, again.transactions, again.events),
        (0, 0, 0)
    );
    desk.engine
        .operate(
            desk.tenant,
            desk.session(&paid).await.charge.unwrap(),
            refund,
            None,
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn a_reference_that_was_used_stays_used() {
    let desk = Desk::new().await;
    let paid = open(&desk, "order 7").await.unwrap();
    desk.pay(&paid, Method::Card).await.unwrap();
    let card = kept_card(&desk).await;
    // As the rail's answer would have it.
    let stored = desk
        .store
        .transaction(desk.tenant, card.stored_by)
        .await
        .unwrap()
        .unwrap();
    let mut change = Change::new(desk.tenant);
    change.puts.push(Record::Transaction(Transaction {
        version: stored.version + 1,
        payment_method: Some(card.id),
        ..stored
    }));
    desk.store.commit(change).await.unwrap();
    let charge = |reference: &str| ChargePaymentMethod {
        payment_method: card.id,
        amount: cents(900),
        reference: Some(reference.into()),
    };
    desk.engine
        .charge_payment_method(desk.tenant, charge("order 8"), None)
        .await
        .unwrap();
    let left = open(&desk, "order 9").await.unwrap();
    desk.engine
        .end_session(desk.tenant, left.id, End::Expire, None)
        .await
        .unwrap();
    desk.clock.advance(DAYS(400));
    let done = prune(&desk, 30, Some(30), false).await;
    // The session that stored the card stays with it.
    assert_eq!((done.sessions, done.transactions), (2, 2), "{done:?}");
    assert_eq!(done.kept.get(&Kept::StoredCard), Some(&1));
    assert_eq!(totals(&desk).await, (1, 1));
    for reference in ["order 7", "order 8"] {
        let taken = Refusal::ReferenceTaken { session: None };
        assert_eq!(refusal(open(&desk, reference).await), taken);
        let charged = desk
            .engine
            .charge_payment_method(desk.tenant, charge(reference), None)
            .await;
        assert_eq!(refusal(charged), taken);
    }
    open(&desk, "order 9").await.unwrap();

    // Once it is let go, and what it stored is gone, the card goes.
    desk.engine
        .detach_payment_method(desk.tenant, card.id, None)
        .await
        .unwrap();
    desk.clock.advance(DAYS(31));
    let told = prune(&desk, 30, Some(30), true).await;
    let done = prune(&desk, 30, Some(30), false).await;
    assert_eq!(told, done);
    assert_eq!((done.sessions, done.payment_methods), (1, 1), "{done:?}");
    assert_eq!(
        desk.store
            .payment_method(desk.tenant, card.id)
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn money_for_a_payment_that_is_gone_is_kept_and_told_once() {
    let desk = Desk::new().await;
    let (session, target) = waiting(&desk).await;
    let first = transfer(&target, "bank 1", 3_500);
    let counted = desk.engine.record_transfer(&first).await.unwrap();
    assert!(matches!(counted, Recorded::Counted(_)));
    let (_, left) = waiting(&desk).await;
    desk.clock.advance(DAYS(8));
    desk.engine.sweep().await.unwrap();
    desk.clock.advance(DAYS(100));
    let done = prune(&desk, 30, Some(60), false).await;
    assert_eq!((done.sessions, done.transactions), (2, 2), "{done:?}");
    assert_eq!(
        desk.store.session(desk.tenant, session.id).await.unwrap(),
        None
    );
    // The bank tells the first once more, and of money for both.
    assert_eq!(
        desk.engine.record_transfer(&first).await.unwrap(),
        Recorded::Known
    );
    for (target, id) in [(&target, "bank 2"), (&left, "bank 3")] {
        let late = transfer(target, id, 3_500);
        for recorded in [Recorded::Unmatched, Recorded::Known] {
            assert_eq!(desk.engine.record_transfer(&late).await.unwrap(), recorded);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn payments_and_removals_at_once_lose_nothing() {
    let desk = Desk::new().await;
    let mut old = Vec::new();
    for n in 0..120 {
        let session = open(&desk, &format!("order {n}")).await.unwrap();
        let (_, paid) = desk.pay(&session, Method::Card).await.unwrap();
        old.push(paid.id);
    }
    desk.clock.advance(DAYS(31));
    // Half of the payments are refunded while they are removed.
    let (engine, tenant) = (desk.engine.clone(), desk.tenant);
    let refunds = tokio::spawn(async move {
        let mut refunded = Vec::new();
        for id in old.into_iter().step_by(2) {
            let refund = Operate::Refund(Some(cents(1)));
            match engine.operate(tenant, id, refund, None).await {
                Ok(refund) => refunded.push((id, refund.id)),
                refused => assert!(matches!(
                    refusal(refused),
                    Refusal::TransactionNotFound | Refusal::SessionNotFound
                )),
            }
        }
        refunded
    });
    let done = prune(&desk, 30, Some(30), false).await;
    let refunded = refunds.await.unwrap();
    assert_eq!(done.sessions + refunded.len() as u64, 120, "{done:?}");
    for (paid, refund) in refunded {
        for id in [paid, refund] {
            assert!(
                desk.store
                    .transaction(desk.tenant, id)
                    .await
                    .unwrap()
                    .is_some()
            );
        }
    }
    totals(&desk).await;
}

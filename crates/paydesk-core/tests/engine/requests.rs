//! Requests with an idempotency key.

use std::sync::Arc;

use paydesk_core::engine::charge_payment_method::ChargePaymentMethod;
use paydesk_core::engine::idempotency::Idempotent;
use paydesk_core::engine::open_session::OpenSession;
use paydesk_core::engine::operate::Operate;
use paydesk_core::id::{PaymentMethodId, TransactionId};
use paydesk_core::payment_method::{PaymentMethod, StoredCard};
use paydesk_core::refusal::Refusal;
use paydesk_core::session::{Amount, Door, Kind, Session};
use paydesk_core::store::{Change, Record, Store as _, StoredAnswer};
use paydesk_core::time::Span;
use paydesk_core::transaction::{Status, Transaction};

use super::desk::{Desk, cents, idempotent, refusal};
use super::rail::{Behaviour, Call};

async fn replay(
    desk: &Desk,
    request: &Idempotent<Transaction>,
) -> Result<Option<StoredAnswer>, Refusal> {
    let replayed = desk
        .engine
        .replay(desk.tenant, &request.key, request.body_hash)
        .await;
    replayed.map_err(|error| refusal(Err::<(), _>(error)))
}

fn bytes(transaction: &Transaction) -> StoredAnswer {
    StoredAnswer::Bytes {
        status: 201,
        body: format!("{} {}", transaction.id, transaction.status.name()),
    }
}

#[tokio::test]
async fn the_same_request_again_has_the_first_answer_and_moves_nothing() {
    let desk = Desk::new().await;
    let (_, paid) = desk.paid().await;
    let request = idempotent("a", 1);
    assert_eq!(replay(&desk, &request).await, Ok(None));
    let refund = |request| {
        let part = Operate::Refund(Some(cents(500)));
        desk.engine
            .operate(desk.tenant, paid.id, part, Some(request))
    };
    let first = refund(request.clone()).await.unwrap();
    assert_eq!(replay(&desk, &request).await, Ok(Some(bytes(&first))));
    // A caller that did not look first is refused, and looks then.
    let again = refund(request.clone()).await;
    assert_eq!(refusal(again), Refusal::IdempotencyKeyInUse);
    let other_body = idempotent("a", 2);
    assert_eq!(
        replay(&desk, &other_body).await,
        Err(Refusal::IdempotencyKeyReused)
    );
    let reused = refund(other_body).await;
    assert_eq!(refusal(reused), Refusal::IdempotencyKeyReused);
    assert_eq!(desk.rail.moved(), (3_500, 500));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_request_that_is_sent_by_many_at_once_is_done_once() {
    let desk = Desk::new().await;
    let (_, paid) = desk.paid().await;
    desk.rail.shut();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (engine, tenant, id) = (Arc::clone(&desk.engine), desk.tenant, paid.id);
        callers.spawn(async move {
            let part = Operate::Refund(Some(cents(100)));
            engine
                .operate(tenant, id, part, Some(idempotent("a", 1)))
                .await
        });
    }
    for _ in 0..19 {
        let refused = callers.join_next().await.unwrap().unwrap();
        assert_eq!(refusal(refused), Refusal::IdempotencyKeyInUse);
    }
    let running = replay(&desk, &idempotent("a", 1)).await;
    assert_eq!(running, Err(Refusal::IdempotencyKeyInUse));
    desk.rail.open();
    let done = callers.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(desk.rail.moved(), (3_500, 100));
    let known = replay(&desk, &idempotent("a", 1)).await;
    assert_eq!(known, Ok(Some(bytes(&done))));
}

#[tokio::test]
async fn an_outcome_that_was_found_later_answers_the_request() {
    let desk = Desk::new().await;
    let (_, paid) = desk.paid().await;
    let request = idempotent("a", 1);
    desk.rail.behave(Behaviour::LosesTheAnswer);
    let unknown = desk
        .engine
        .operate(
            desk.tenant,
            paid.id,
            Operate::Refund(None),
            Some(request.clone()),
        )
        .await
        .unwrap();
    assert!(matches!(unknown.status, Status::Unknown { .. }));
    assert_eq!(
        replay(&desk, &request).await,
        Err(Refusal::IdempotencyKeyInUse)
    );
    desk.clock.advance(Span::seconds(5));
    desk.engine.reconcile_due().await.unwrap();
    let answer = StoredAnswer::Transaction { id: unknown.id };
    assert_eq!(replay(&desk, &request).await, Ok(Some(answer)));
    assert_eq!(desk.rail.moved(), (3_500, 3_500));
}

#[tokio::test]
async fn a_session_that_is_opened_twice_with_one_key_is_one() {
    let desk = Desk::new().await;
    let key = idempotent("a", 1).key;
    let request = || Idempotent::<Session> {
        key: key.clone(),
        body_hash: [1; 32],
        render: Arc::new(|session| StoredAnswer::Bytes {
            status: 201,
            body: session.id.to_string(),
        }),
    };
    let open = |idempotent| {
        let request = OpenSession::new(Door::Native, Kind::Payment, Amount::Fixed(cents(3_500)));
        desk.engine
            .open_session(desk.tenant, request, Some(idempotent))
    };
    let first = open(request()).await.unwrap();
    assert_eq!(refusal(open(request()).await), Refusal::IdempotencyKeyInUse);
    let known = desk
        .engine
        .replay(desk.tenant, &key, [1; 32])
        .await
        .unwrap();
    let answer = StoredAnswer::Bytes {
        status: 201,
        body: first.id.to_string(),
    };
    assert_eq!(known, Some(answer));
    let mut changed = request();
    changed.body_hash = [2; 32];
    assert_eq!(refusal(open(changed).await), Refusal::IdempotencyKeyReused);
}

#[tokio::test]
async fn a_stored_card_is_charged_once_for_one_key_and_never_after_it_is_detached() {
    let desk = Desk::new().await;
    let (_, paid) = desk.paid().await;
    let now = desk.engine.wall();
    let stored = PaymentMethod {
        id: PaymentMethodId(uuid::Uuid::from_u128(7)),
        tenant: desk.tenant,
        version: 1,
        customer: None,
        provider_account: paid.provider_account,
        card: StoredCard {
            token: "tok_1".into(),
            brand: "visa".into(),
            last_four: "4242".into(),
            exp_month: 12,
            exp_year: 2040,
        },
        stored_by: paid.id,
        detached_at: None,
        created_at: now,
        updated_at: now,
    };
    let mut change = Change::new(desk.tenant);
    change.puts.push(Record::PaymentMethod(stored.clone()));
    desk.store.commit(change).await.unwrap();
    let pay = |key: Option<Idempotent<Transaction>>, reference: Option<&str>| {
        let request = ChargePaymentMethod {
            payment_method: stored.id,
            amount: cents(900),
            reference: reference.map(str::to_owned),
        };
        desk.engine.charge_payment_method(desk.tenant, request, key)
    };
    let request = idempotent("a", 1);
    let first = pay(Some(request.clone()), Some("order 7")).await.unwrap();
    assert!(matches!(first.status, Status::Succeeded { .. }));
    assert_eq!(replay(&desk, &request).await, Ok(Some(bytes(&first))));
    assert_eq!(
        refusal(pay(Some(request), None).await),
        Refusal::IdempotencyKeyInUse
    );
    assert_eq!(
        refusal(pay(None, Some("order 7")).await),
        Refusal::ReferenceTaken { session: None }
    );
    assert_eq!(
        desk.rail.count(Call::Start),
        2,
        "the payment and the charge"
    );
    desk.engine
        .detach_payment_method(desk.tenant, stored.id, None)
        .await
        .unwrap();
    assert_eq!(
        refusal(pay(None, None).await),
        Refusal::PaymentMethodNotFound
    );
    let nobody = PaymentMethodId(uuid::Uuid::nil());
    let detach = desk.engine.detach_payment_method(desk.tenant, nobody, None);
    assert_eq!(refusal(detach.await), Refusal::PaymentMethodNotFound);
    assert_ne!(first.id, TransactionId(stored.id.0));
}

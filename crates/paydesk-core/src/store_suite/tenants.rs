//! Tenants: what one has, no other sees.

use std::sync::Arc;

use super::samples::{Samples, reference};
use super::{apply, puts};
use crate::list::{
    DeliveryFilter, EventFilter, Page, PaymentMethodFilter, SessionFilter, TransactionFilter,
};
use crate::store::{Change, Counter, IdempotencyWrite, Increment, Record, Store};
use crate::tenant::{Mode, Tenant};

/// Writes one of everything for a tenant and asserts that the stranger, who knows all ids, reads none of it.
async fn assert_hidden(store: &Arc<dyn Store>, mine: Tenant, samples: &Samples, stranger: Tenant) {
    let session = samples.session(mine);
    let payment = samples.transaction(&session);
    let refund = samples.refund(&session, &payment);
    let account = samples.provider_account(mine);
    let card = samples.payment_method(mine);
    let event = samples.event(&session, 1, true);
    let later = samples.event(&session, 2, true);
    let delivery = samples.delivery(&event);
    let claim = reference("order-1", session.id.0);
    let running = samples.running("key-1");
    let change = Change {
        tenant: mine,
        puts: vec![
            Record::Session(session.clone()),
            Record::Transaction(payment.clone()),
            Record::Transaction(refund.clone()),
            Record::ProviderAccount(account.clone()),
            Record::PaymentMethod(card.clone()),
            Record::Delivery(delivery.clone()),
        ],
        releases: vec![],
        claims: vec![claim.clone()],
        events: vec![event.clone(), later.clone()],
        dispatched: vec![],
        retold: vec![],
        removals: vec![],
        increments: vec![Increment {
            counter: Counter::Sessions,
            by: 1,
        }],
        idempotency: Some(IdempotencyWrite::Claim(running.clone())),
    };
    apply(store, change).await;

    // Each read finds it for its owner, so that finding nothing for the stranger says something.
    for (tenant, seen) in [(mine, true), (stranger, false)] {
        let n = usize::from(seen);
        let s = store.as_ref();
        let page = Page::first(9);
        let there = s.provider_accounts(tenant).await.unwrap();
        assert_eq!(there.len(), n);
        let there = s.session(tenant, session.id).await.unwrap();
        assert_eq!(there.is_some(), seen);
        let there = s.session_with_transactions(tenant, session.id).await;
        assert_eq!(there.unwrap().map(|(_, all)| all.len()), seen.then_some(2));
        for states in [vec![], vec![session.state.name()]] {
            let filter = SessionFilter {
                states,
                ..SessionFilter::at(session.created_at)
            };
            let there = s.sessions(tenant, &filter, page).await.unwrap();
            assert_eq!(there.len(), n);
            let there = s.count_sessions(tenant, &filter).await.unwrap();
            assert_eq!(there, n as u64);
        }
        let there = s.transactions_of(tenant, &[session.id]).await.unwrap();
        assert_eq!(there.len(), 2 * n);
        let there = s.pulses(&[(tenant, session.id)]).await.unwrap();
        assert_eq!(there[0].is_some(), seen);
        let there = s.transaction(tenant, payment.id).await.unwrap();
        assert_eq!(there.is_some(), seen);
        let every = TransactionFilter::at(session.created_at);
        for filter in [
            every.clone(),
            TransactionFilter {
                session: Some(session.id),
                ..every.clone()
            },
            TransactionFilter {
                parent: Some(payment.id),
                ..every.clone()
            },
            TransactionFilter {
                actions: vec![refund.action],
                ..every
            },
        ] {
            let there = s.transactions(tenant, &filter, page).await.unwrap();
            assert_eq!(!there.is_empty(), seen, "{filter:?}");
        }
        let there = s.children(tenant, payment.id).await.unwrap();
        assert_eq!(there.len(), n);
        let there = s.children_of(tenant, &[payment.id]).await.unwrap();
        assert_eq!(there.len(), n);
        let there = s.transactions_by_id(tenant, &[payment.id]).await.unwrap();
        assert_eq!(there.len(), n);
        let there = s.payment_methods_by_id(tenant, &[card.id]).await.unwrap();
        assert_eq!(there.len(), n);
        let there = s.payment_method(tenant, card.id).await.unwrap();
        assert_eq!(there.is_some(), seen);
        let filter = PaymentMethodFilter::default();
        let there = s.payment_methods(tenant, &filter, page).await.unwrap();
        assert_eq!(there.len(), n);
        let there = s.count_payment_methods(tenant, &filter).await.unwrap();
        assert_eq!(there, n as u64);
        let there = s.claim(tenant, &claim.key).await.unwrap();
        assert_eq!(there.is_some(), seen);
        let there = s.idempotency(tenant, &running.key).await.unwrap();
        assert_eq!(there.is_some(), seen);
        let there = s.count(tenant, Counter::Sessions).await.unwrap();
        assert_eq!(there, i64::from(seen));
        for id in [event.id, later.id] {
            let there = s.event(tenant, id).await.unwrap();
            assert_eq!(there.is_some(), seen);
        }
        let there = s.events(tenant, session.id).await.unwrap();
        assert_eq!(there.len(), 2 * n);
        let filter = EventFilter::default();
        let there = s.event_list(tenant, &filter, page).await.unwrap();
        assert_eq!(there.len(), 2 * n);
        let filter = DeliveryFilter::default();
        let there = s.delivery_list(tenant, &filter, page).await.unwrap();
        assert_eq!(there.len(), n);
        let there = s.deliveries(tenant, event.id).await.unwrap();
        assert_eq!(there.len(), n);
    }
}

pub async fn another_merchant_sees_nothing(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let (mine, stranger) = (samples.tenant(), samples.tenant());
    assert_hidden(&store, mine, &samples, stranger).await;
}

pub async fn the_other_mode_sees_nothing(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let test = samples.tenant();
    let live = Tenant {
        mode: Mode::Live,
        ..test
    };
    assert_hidden(&store, test, &samples, live).await;
    let test = samples.tenant();
    let live = Tenant {
        mode: Mode::Live,
        ..test
    };
    assert_hidden(&store, live, &samples, test).await;
}

pub async fn a_change_may_write_both_modes_of_its_merchant(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let merchant = samples.merchant();
    let [test, live] = [Mode::Test, Mode::Live].map(|mode| Tenant {
        merchant: merchant.id,
        mode,
    });
    let account = samples.provider_account(test);
    let keys = [samples.api_key(test), samples.api_key(live)];
    let change = puts(
        live,
        [
            Record::Merchant(merchant),
            Record::ProviderAccount(account.clone()),
            Record::ApiKey(keys[0].clone()),
            Record::ApiKey(keys[1].clone()),
        ],
    );
    apply(&store, change).await;
    assert_eq!(store.provider_accounts(test).await.unwrap(), [account]);
    assert_eq!(store.provider_accounts(live).await.unwrap(), []);
    for key in keys {
        let found = store.api_key(key.secret_hash).await.unwrap();
        assert_eq!(found, Some(key));
    }
}

//! Single records, totals, pulses and fingerprints.

use std::sync::Arc;

use super::samples::{Samples, moved};
use super::{apply, puts};
use crate::id::{EventId, MerchantId, PaymentMethodId, SessionId, TransactionId};
use crate::merchant::ApiKey;
use crate::session::{Canceller, State};
use crate::store::{Change, Counter, Increment, Record, SessionPulse, Store};
use crate::tenant::{Mode, Tenant};
use crate::time::Timestamp;

pub async fn what_is_not_there_is_nothing(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let id = samples.uuid();
    let session = SessionId(id);
    let transaction = TransactionId(id);
    let event = EventId(id);
    assert_eq!(store.merchant(MerchantId(id)).await.unwrap(), None);
    assert_eq!(store.merchants().await.unwrap(), []);
    assert_eq!(store.api_key([0; 32]).await.unwrap(), None);
    assert_eq!(store.api_keys(tenant).await.unwrap(), []);
    assert_eq!(store.provider_accounts(tenant).await.unwrap(), []);
    assert_eq!(store.session(tenant, session).await.unwrap(), None);
    let with = store.session_with_transactions(tenant, session).await;
    assert_eq!(with.unwrap(), None);
    assert_eq!(store.transaction(tenant, transaction).await.unwrap(), None);
    assert_eq!(store.children(tenant, transaction).await.unwrap(), []);
    let card = store.payment_method(tenant, PaymentMethodId(id)).await;
    assert_eq!(card.unwrap(), None);
    assert_eq!(store.event(tenant, event).await.unwrap(), None);
    assert_eq!(store.events(tenant, session).await.unwrap(), []);
    assert_eq!(store.deliveries(tenant, event).await.unwrap(), []);
    assert_eq!(store.count(tenant, Counter::Sessions).await.unwrap(), 0);
    assert_eq!(store.undispatched(9).await.unwrap(), []);
    let far = Timestamp::FAR_FUTURE;
    assert_eq!(store.due_sessions(far, 9).await.unwrap(), []);
    assert_eq!(store.due_transactions(far, 9).await.unwrap(), []);
    assert_eq!(store.due_deliveries(far, 9).await.unwrap(), []);
    assert_eq!(store.key_fingerprints().await.unwrap(), []);
}

pub async fn a_key_is_found_by_the_hash_of_its_secret(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let live = Tenant {
        mode: Mode::Live,
        ..tenant
    };
    let keys = [samples.api_key(tenant), samples.api_key(live)];
    apply(
        &store,
        puts(tenant, keys.iter().cloned().map(Record::ApiKey)),
    )
    .await;
    for key in &keys {
        let found = store.api_key(key.secret_hash).await.unwrap();
        assert_eq!(found.as_ref(), Some(key));
        let owned = store.api_keys(key.tenant).await.unwrap();
        assert_eq!(&owned, std::slice::from_ref(key));
    }
    let [key, _] = keys;
    let revoked = ApiKey {
        version: 2,
        revoked_at: Some(samples.tick()),
        ..key
    };
    apply(&store, puts(tenant, [Record::ApiKey(revoked.clone())])).await;
    let found = store.api_key(revoked.secret_hash).await.unwrap();
    assert_eq!(found.as_ref(), Some(&revoked));
    let another = samples.api_key(tenant);
    apply(&store, puts(tenant, [Record::ApiKey(another.clone())])).await;
    let owned = store.api_keys(tenant).await.unwrap();
    assert!(owned.len() == 2 && owned.contains(&revoked) && owned.contains(&another));
}

pub async fn merchants_come_oldest_first(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let merchants: Vec<_> = (0..4).map(|_| samples.merchant()).collect();
    for merchant in merchants.iter().rev() {
        let tenant = Tenant {
            merchant: merchant.id,
            mode: Mode::Live,
        };
        apply(&store, puts(tenant, [Record::Merchant(merchant.clone())])).await;
    }
    let ids: Vec<_> = merchants.iter().map(|merchant| merchant.id).collect();
    assert_eq!(store.merchants().await.unwrap(), ids);
    for merchant in merchants {
        let found = store.merchant(merchant.id).await.unwrap();
        assert_eq!(found, Some(merchant));
    }
}

pub async fn provider_accounts_come_oldest_first(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let accounts: Vec<_> = (0..4).map(|_| samples.provider_account(tenant)).collect();
    for account in accounts.iter().rev() {
        let put = Record::ProviderAccount(account.clone());
        apply(&store, puts(tenant, [put])).await;
    }
    assert_eq!(store.provider_accounts(tenant).await.unwrap(), accounts);
}

pub async fn pulses_come_in_the_order_asked(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let mut sessions: Vec<_> = (0..3).map(|_| samples.session(samples.tenant())).collect();
    for session in &sessions {
        let put = Record::Session(session.clone());
        apply(&store, puts(session.tenant, [put])).await;
    }
    let cancelled = State::Cancelled {
        at: samples.tick(),
        by: Canceller::Payer,
    };
    sessions[1] = moved(&sessions[1], cancelled);
    let put = Record::Session(sessions[1].clone());
    apply(&store, puts(sessions[1].tenant, [put])).await;

    let key = |n: usize| (sessions[n].tenant, sessions[n].id);
    let pulse = |n: usize| {
        Some(SessionPulse {
            version: sessions[n].version,
            due_at: sessions[n].due_at(),
        })
    };
    let unknown = (sessions[0].tenant, SessionId(samples.uuid()));
    // Known to another tenant only.
    let strange = (sessions[0].tenant, sessions[2].id);
    let asked = [key(2), unknown, key(0), key(1), strange, key(0)];
    assert_eq!(
        store.pulses(&asked).await.unwrap(),
        [pulse(2), None, pulse(0), pulse(1), None, pulse(0)]
    );
    assert_eq!(store.pulses(&[]).await.unwrap(), []);
}

pub async fn totals_count_what_was_added(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let add = |counter, by| Increment { counter, by };
    let change = Change {
        increments: vec![
            add(Counter::Sessions, 3),
            add(Counter::Transactions, 5),
            add(Counter::Sessions, -1),
        ],
        ..Change::new(tenant)
    };
    apply(&store, change.clone()).await;
    apply(&store, change).await;
    let count = |counter| store.count(tenant, counter);
    assert_eq!(count(Counter::Sessions).await.unwrap(), 4);
    assert_eq!(count(Counter::Transactions).await.unwrap(), 10);
}

pub async fn known_key_fingerprints_stay(store: Arc<dyn Store>) {
    let first = [(1, [1; 32]), (2, [2; 32])];
    store.add_key_fingerprints(&first).await.unwrap();
    // Two processes may start at once; a version never changes its key.
    let second = [(3, [3; 32]), (2, [9; 32]), (1, [1; 32])];
    store.add_key_fingerprints(&second).await.unwrap();
    store.add_key_fingerprints(&[]).await.unwrap();
    let mut known = store.key_fingerprints().await.unwrap();
    known.sort_unstable();
    assert_eq!(known, [(1, [1; 32]), (2, [2; 32]), (3, [3; 32])]);
}

pub async fn it_answers(store: Arc<dyn Store>) {
    store.ping().await.unwrap();
}

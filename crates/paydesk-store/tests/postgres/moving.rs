//! Moving from SQLite.

use std::path::Path;

use paydesk_core::list::{Page, SessionFilter};
use paydesk_core::store::{
    Change, Counter, IdempotencyWrite, Increment, Record, Store, StoredAnswer,
};
use paydesk_core::store_suite::samples::{Samples, reference};
use paydesk_core::tenant::Tenant;
use paydesk_core::time::Timestamp;
use paydesk_store::postgres::{Address, ImportError, Moving, Settings};
use paydesk_store::{PostgresStore, SqliteStore};
use tokio::sync::Notify;

use super::store_on;

const SESSIONS: usize = 1_500;

/// A store with something of everything.
async fn filled(path: &Path) -> (SqliteStore, Tenant) {
    let store = SqliteStore::open(path).unwrap();
    let samples = Samples::new(7);
    let merchant = samples.merchant();
    let tenant = Tenant {
        merchant: merchant.id,
        mode: paydesk_core::tenant::Mode::Test,
    };
    let mut first = Change::new(tenant);
    first.puts = vec![
        Record::Merchant(merchant),
        Record::ApiKey(samples.api_key(tenant)),
        Record::ProviderAccount(samples.provider_account(tenant)),
        Record::PaymentMethod(samples.payment_method(tenant)),
    ];
    let mut answered = samples.running("answered");
    answered.answer = StoredAnswer::Bytes {
        status: 201,
        body: "{\"a\":\"\u{0}é\"}".to_owned(),
    };
    first.idempotency = Some(IdempotencyWrite::Claim(answered));
    store.commit(first).await.unwrap();
    store.add_key_fingerprints(&[(1, [7; 32])]).await.unwrap();
    for n in 0..SESSIONS {
        let session = samples.session(tenant);
        let payment = samples.transaction(&session);
        let event = samples.event(&session, 1, n % 2 == 0);
        let mut change = Change::new(tenant);
        change.claims = vec![reference(&"x".repeat(n), session.id.0)];
        change.events = vec![event.clone(), samples.event(&session, 2, false)];
        change.increments = vec![Increment {
            counter: Counter::Sessions,
            by: 1,
        }];
        change.puts = vec![
            Record::Delivery(samples.delivery(&event)),
            Record::Session(session),
            Record::Transaction(payment),
        ];
        store.commit(change).await.unwrap();
    }
    (store, tenant)
}

/// All that is compared by reading through the port.
async fn sessions(store: &dyn Store, tenant: Tenant) -> Vec<paydesk_core::session::Session> {
    let all = SessionFilter::at(Timestamp::EPOCH);
    let page = Page::first(usize::MAX);
    store.sessions(tenant, &all, page).await.unwrap()
}

/// Begins a move, and cuts it off where some of the sessions are moved.
async fn move_half(new: &PostgresStore, path: &Path) {
    let half = Notify::new();
    let moving = new.move_from(path, |step| {
        if let Moving::Rows {
            table: "sessions",
            moved: 1..,
            ..
        } = step
        {
            half.notify_one();
        }
    });
    tokio::select! {
        // Looked at first: it comes no further than to the next thing that it waits for.
        biased;
        () = half.notified() => {}
        moved = moving => panic!("nobody cut it off: {moved:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_interrupted_goes_on_and_ends_with_the_same_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("paydesk.db");
    let (old, tenant) = filled(&path).await;
    let new = store_on(&paydesk_testing_postgres::fresh_database()).await;
    move_half(&new, &path).await;
    assert!(
        new.key_fingerprints().await.unwrap().is_empty(),
        "nothing serves it yet"
    );

    let mut went_on_at = None;
    let moved = new
        .move_from(&path, |step| {
            if let Moving::Rows {
                table: "sessions",
                moved,
                ..
            } = step
            {
                went_on_at.get_or_insert(moved);
            }
        })
        .await
        .unwrap();
    let went_on_at = usize::try_from(went_on_at.unwrap()).unwrap();
    assert!(
        went_on_at > 0 && went_on_at < SESSIONS,
        "it went on at {went_on_at}"
    );
    let rows = |name: &str| {
        let moved = moved.iter().find(|moved| moved.table == name);
        usize::try_from(moved.unwrap().rows).unwrap()
    };
    assert_eq!(rows("sessions"), SESSIONS);
    assert_eq!(rows("events"), 2 * SESSIONS);
    assert_eq!(rows("claims"), SESSIONS);
    assert_eq!(rows("idempotency"), 1);

    let there = sessions(new.as_ref(), tenant).await;
    assert_eq!(there, sessions(&old, tenant).await);
    for session in there.iter().take(50) {
        let events = new.events(tenant, session.id).await.unwrap();
        assert_eq!(events, old.events(tenant, session.id).await.unwrap());
        assert_eq!(events.len(), 2);
    }
    for n in [0, 1, 511, 512, 513, SESSIONS - 1] {
        let key = reference(&"x".repeat(n), uuid::Uuid::nil()).key;
        let held = new.claim(tenant, &key).await.unwrap();
        assert!(held.is_some());
        assert_eq!(held, old.claim(tenant, &key).await.unwrap());
    }
    let known = Samples::new(7).running("answered").key;
    let answer = new.idempotency(tenant, &known).await.unwrap();
    assert_eq!(answer, old.idempotency(tenant, &known).await.unwrap());
    assert_eq!(new.count(tenant, Counter::Sessions).await.unwrap(), 1_500);
    assert_eq!(new.key_fingerprints().await.unwrap(), [(1, [7; 32])]);
    // Once more: nothing is left to do, and it is compared again.
    assert_eq!(
        new.move_from(&path, |_| {}).await.unwrap().len(),
        moved.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_and_what_is_in_use_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("paydesk.db");
    let (old, tenant) = filled(&path).await;
    let new = store_on(&paydesk_testing_postgres::fresh_database()).await;
    new.move_from(&path, |_| {}).await.unwrap();
    let session = sessions(&old, tenant).await.remove(0);
    let state = session.initiated_at(session.created_at);
    let changed = paydesk_core::store_suite::samples::moved(&session, state);
    let mut change = Change::new(tenant);
    change.puts = vec![Record::Session(changed)];
    new.commit(change).await.unwrap();
    let found = new.move_from(&path, |_| {}).await;
    assert!(
        matches!(found, Err(ImportError::DiffersSince { table: "sessions" })),
        "{found:?}"
    );

    let other = folder.path().join("other.db");
    SqliteStore::open(&other).unwrap();
    let found = new.move_from(&other, |_| {}).await;
    assert!(matches!(found, Err(ImportError::Another)), "{found:?}");

    let used = store_on(&paydesk_testing_postgres::fresh_database()).await;
    let mut change = Change::new(tenant);
    change.puts = vec![Record::Session(session)];
    used.commit(change).await.unwrap();
    let found = used.move_from(&path, |_| {}).await;
    assert!(
        matches!(found, Err(ImportError::InUse("sessions"))),
        "{found:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_while_it_was_half_moved_is_not_served() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("paydesk.db");
    let (old, tenant) = filled(&path).await;
    let new = store_on(&paydesk_testing_postgres::fresh_database()).await;
    move_half(&new, &path).await;
    // The old server goes on for a while; the first session was moved as it was.
    let session = sessions(&old, tenant).await.pop().unwrap();
    let state = session.initiated_at(session.created_at);
    let changed = paydesk_core::store_suite::samples::moved(&session, state);
    let mut change = Change::new(tenant);
    change.puts = vec![Record::Session(changed)];
    old.commit(change).await.unwrap();

    let found = new.move_from(&path, |_| {}).await;
    assert!(
        matches!(
            found,
            Err(ImportError::Differs {
                table: "sessions",
                ..
            })
        ),
        "{found:?}"
    );
    assert_eq!(
        new.key_fingerprints().await.unwrap(),
        [],
        "nothing serves it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_half_moved_is_not_opened_before_the_move_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("paydesk.db");
    filled(&path).await;
    let url = paydesk_testing_postgres::fresh_database();
    let new = store_on(&url).await;
    move_half(&new, &path).await;

    let (address, settings) = (Address::parse(&url).unwrap(), Settings::default());
    let opened = PostgresStore::open(&address, settings).await;
    let migrated = PostgresStore::migrate(&address, settings).await;
    for refused in [opened, migrated] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains("move"), "{error}");
    }
    new.move_from(&path, |_| {}).await.unwrap();
    PostgresStore::open(&address, settings).await.unwrap();
    PostgresStore::migrate(&address, settings).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_moved_into_a_database_that_has_keys_or_anything_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("paydesk.db");
    let old = SqliteStore::open(&path).unwrap();
    old.add_key_fingerprints(&[(1, [7; 32])]).await.unwrap();
    let samples = Samples::new(7);
    let mut first = Change::new(samples.tenant());
    first.puts = vec![Record::Merchant(samples.merchant())];
    old.commit(first).await.unwrap();

    let with_keys = store_on(&paydesk_testing_postgres::fresh_database()).await;
    // The same keys, as `paydesk migrate` writes them that is given the old file.
    let keys = old.key_fingerprints().await.unwrap();
    with_keys.add_key_fingerprints(&keys).await.unwrap();
    let with_a_total = store_on(&paydesk_testing_postgres::fresh_database()).await;
    let mut change = Change::new(samples.tenant());
    change.increments = vec![Increment {
        counter: Counter::Sessions,
        by: 1,
    }];
    with_a_total.commit(change).await.unwrap();
    for (used, by) in [(with_keys, "key_fingerprints"), (with_a_total, "counters")] {
        let found = used.move_from(&path, |_| {}).await;
        assert!(
            matches!(found, Err(ImportError::InUse(table)) if table == by),
            "{found:?}"
        );
        assert!(used.merchants().await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_old_database_gains_after_the_move_is_not_moved_into_one_that_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("paydesk.db");
    let old = SqliteStore::open(&path).unwrap();
    old.add_key_fingerprints(&[(1, [7; 32])]).await.unwrap();
    let new = store_on(&paydesk_testing_postgres::fresh_database()).await;
    new.move_from(&path, |_| {}).await.unwrap();

    let samples = Samples::new(7);
    let mut change = Change::new(samples.tenant());
    change.puts = vec![Record::Merchant(samples.merchant())];
    old.commit(change).await.unwrap();
    let found = new.move_from(&path, |_| {}).await;
    assert!(
        matches!(found, Err(ImportError::DiffersSince { table: "merchants" })),
        "{found:?}"
    );
    assert!(new.merchants().await.unwrap().is_empty());
}

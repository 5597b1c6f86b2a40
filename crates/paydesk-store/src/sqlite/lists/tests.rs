//! How SQLite goes about lists: what it looks through is what it shows.

use std::sync::Arc;

use paydesk_core::id::{PaymentMethodId, ProviderAccountId, SessionId};
use paydesk_core::list::{Order, Page, Place, SessionFilter, TransactionFilter};
use paydesk_core::method::Method;
use paydesk_core::money::Currency;
use paydesk_core::session::{Kind, StateName, Terms};
use paydesk_core::store::{Change, Record, Store as _};
use paydesk_core::store_suite::samples::Samples;
use paydesk_core::transaction::{Action, StatusName};
use tempfile::TempDir;

use super::super::SqliteStore;
use super::*;

/// A database with a few sessions and transactions, and whose.
async fn database() -> (TempDir, Connection, Tenant) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("paydesk.db");
    let store = SqliteStore::open(&path).unwrap();
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let mut session = samples.session(tenant);
    session.terms = Arc::new(Terms {
        reference: Some("order-1".to_owned()),
        ..(*session.terms).clone()
    });
    let payment = samples.transaction(&session);
    let mut ended = samples.session(tenant);
    let at = ended.created_at;
    ended.state = paydesk_core::session::State::Expired { at };
    let change = Change {
        puts: vec![
            Record::Session(session),
            Record::Session(ended),
            Record::Transaction(payment),
        ],
        ..Change::new(tenant)
    };
    store.commit(change).await.unwrap();
    store.close().await;
    let db = Connection::open(&path).unwrap();
    (directory, db, tenant)
}

fn plan(db: &Connection, sql: &str) -> Vec<String> {
    let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let steps = plan.raw_query().mapped(|row| row.get("detail"));
    steps.map(Result::unwrap).collect()
}

/// Asserts that each source is walked through and counted by its index alone, from a place within it.
fn assert_by_index(db: &Connection, table: &str, sources: &[Source], index: &str, covers: bool) {
    assert!(!sources.is_empty(), "{index}");
    let mark = Mark::of(Uuid::max());
    for source in sources {
        for place in [Place::First, Place::After(mark), Place::Before(mark)] {
            let walk = Page::first(30).at(place).walk();
            let ids = narrowed(0..=u128::MAX, &walk);
            let (sql, _) = steps(table, source, &ids, &walk);
            let steps = plan(db, &sql);
            assert_eq!(steps.len(), 1, "{sql}\n{steps:#?}");
            let using = if covers {
                "USING COVERING INDEX"
            } else {
                "USING"
            };
            let by_index = steps[0].starts_with(&format!("SEARCH {table} {using}"));
            assert!(by_index && steps[0].contains(index), "{sql}\n{steps:#?}");
            // The range of ids ends the key: a page far down costs what the first costs.
            assert!(steps[0].contains("id>? AND id<?"), "{sql}\n{steps:#?}");
        }
        let (sql, _) = sum(table, source, &(0..=u128::MAX));
        let steps = plan(db, &sql);
        assert_eq!(steps.len(), 1, "{sql}\n{steps:#?}");
        assert!(steps[0].contains(index), "{sql}\n{steps:#?}");
    }
}

#[tokio::test]
async fn a_filtered_page_of_sessions_is_a_stretch_of_its_index() {
    let (_directory, db, tenant) = database().await;
    let every = SessionFilter::at(Timestamp::EPOCH);
    let name = || Some("x".to_owned());
    let sgd = Currency::from_code("SGD");
    for (filter, index, covers) in [
        (every.clone(), "sessions_by_id", true),
        (
            SessionFilter {
                states: vec![StateName::Created],
                ..every.clone()
            },
            "sessions_by_class",
            true,
        ),
        (
            SessionFilter {
                kind: Some(Kind::Payment),
                currency: sgd,
                method: Some(Method::PayNow),
                provider_account: Some(ProviderAccountId(tenant.merchant.0)),
                amount: Within {
                    least: Some(1),
                    most: None,
                },
                created: Within {
                    least: Some(Timestamp::EPOCH),
                    most: None,
                },
                states: vec![StateName::Created, StateName::Expired],
                ..every.clone()
            },
            "sessions_by_class",
            true,
        ),
        (
            SessionFilter {
                reference: name(),
                ..every.clone()
            },
            "sessions_by_reference",
            true,
        ),
        (
            SessionFilter {
                customer: name(),
                currency: sgd,
                ..every.clone()
            },
            "sessions_by_customer",
            false,
        ),
        (
            SessionFilter {
                owner: name(),
                ..every.clone()
            },
            "sessions_by_owner",
            true,
        ),
        (
            SessionFilter {
                order: name(),
                ..every.clone()
            },
            "sessions_by_order",
            true,
        ),
        (
            SessionFilter {
                payment_method: Some(PaymentMethodId(Uuid::nil())),
                ..every
            },
            "sessions_by_card",
            true,
        ),
    ] {
        let list = SessionList { tenant, filter };
        let sources = list.sources(&db).unwrap();
        // What is overdue is sorted: it is few (see `sessions`).
        let sources = sources
            .into_iter()
            .filter(|source| !source.by.contains("due"));
        let sources: Vec<_> = sources.collect();
        assert_by_index(&db, "sessions", &sources, index, covers);
    }
}

#[tokio::test]
async fn a_filtered_page_of_transactions_is_a_stretch_of_its_index() {
    let (_directory, db, tenant) = database().await;
    let every = TransactionFilter::at(Timestamp::EPOCH);
    let account = ProviderAccountId(tenant.merchant.0);
    for (filter, index) in [
        (every.clone(), "transactions_by_id"),
        (
            TransactionFilter {
                actions: vec![Action::Payment],
                statuses: vec![StatusName::InFlight],
                currency: Currency::from_code("SGD"),
                methods: vec![Method::Card, Method::PayNow],
                provider_accounts: vec![account, ProviderAccountId(Uuid::nil())],
                reverted: Some(false),
                ..every.clone()
            },
            "transactions_by_class",
        ),
        (
            TransactionFilter {
                session: Some(SessionId(Uuid::nil())),
                ..every.clone()
            },
            "transactions_by_session",
        ),
        (
            TransactionFilter {
                provider_reference: Some("x".to_owned()),
                ..every.clone()
            },
            "transactions_by_provider_reference",
        ),
        (
            TransactionFilter {
                customer: Some("x".to_owned()),
                ..every
            },
            "transactions_by_customer",
        ),
    ] {
        let list = TransactionList { tenant, filter };
        let sources = list.sources(&db).unwrap();
        assert_by_index(&db, "transactions", &sources, index, true);
    }
}

#[tokio::test]
async fn a_code_is_found_by_two_indexes() {
    let (_directory, db, tenant) = database().await;
    let filter = TransactionFilter {
        code: Some("order-1".to_owned()),
        ..TransactionFilter::at(Timestamp::EPOCH)
    };
    let list = TransactionList { tenant, filter };
    let sources = list.sources(&db).unwrap();
    let by: Vec<_> = sources.iter().map(|source| source.by).collect();
    assert_eq!(
        by,
        [
            "INDEXED BY transactions_by_reference",
            "INDEXED BY transactions_by_session"
        ]
    );
    for source in &sources {
        let (sql, _) = sum("transactions", source, &(0..=u128::MAX));
        let steps = plan(&db, &sql);
        assert!(!steps.iter().any(|it| it.contains("SCAN")), "{steps:#?}");
    }
}

#[tokio::test]
async fn sorting_looks_at_no_document() {
    let (_directory, db, tenant) = database().await;
    for by in [By::Amount, By::Updated] {
        let order = Order {
            by,
            descending: true,
        };
        let walk = Page::first(30).ordered(order).walk();
        let filter = SessionFilter {
            kind: Some(Kind::Payment),
            ..SessionFilter::at(Timestamp::EPOCH)
        };
        let list = SessionList { tenant, filter };
        for source in list.sources(&db).unwrap() {
            let (sql, _) = steps("sessions", &source, &(0..=u128::MAX), &walk);
            let steps = plan(&db, &sql);
            assert!(
                steps[0].contains("USING COVERING INDEX sessions_by_class"),
                "{sql}\n{steps:#?}"
            );
        }
    }
}

#[tokio::test]
async fn classes_are_found_by_leaping_from_one_to_the_next() {
    let (_directory, db, tenant) = database().await;
    assert_leaps(&db, tenant, &sessions::CLASSES, 2);
    assert_leaps(&db, tenant, &transactions::CLASSES, 1);
}

fn assert_leaps<const N: usize>(
    db: &Connection,
    tenant: Tenant,
    classes: &Classes<N>,
    count: usize,
) {
    assert_eq!(classes.of(db, tenant).unwrap().len(), count);
    let steps = plan(db, &classes.next());
    assert_eq!(steps.len(), 1, "{steps:#?}");
    assert!(steps[0].starts_with("SEARCH"), "{steps:#?}");
    let leaps = format!("({},", classes.columns[0]);
    assert!(steps[0].contains(&leaps), "{steps:#?}");
}

#[tokio::test]
async fn beyond_a_class_nothing_of_it_is_looked_at() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("paydesk.db");
    let store = SqliteStore::open(&path).unwrap();
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let many = (0..1_000).map(|_| Record::Session(samples.session(tenant)));
    let change = Change {
        puts: many.collect(),
        ..Change::new(tenant)
    };
    store.commit(change).await.unwrap();
    store.close().await;
    let db = Connection::open(&path).unwrap();
    let found = sessions::CLASSES.of(&db, tenant).unwrap();
    assert_eq!(found.len(), 1);
    let mut next = db.prepare(&sessions::CLASSES.next()).unwrap();
    let cells = Where::of(tenant).cells;
    let is_there = next.exists(params_from_iter(cells.iter().chain(&found[0])));
    assert!(!is_there.unwrap());
    let steps = next.get_status(rusqlite::StatementStatus::VmStep);
    assert!(steps < 100, "{steps} steps");
}

#[tokio::test]
async fn a_search_is_led_by_the_index_of_words() {
    let (_directory, db, tenant) = database().await;
    let search = paydesk_core::search::Search::parse("bean")
        .unwrap()
        .unwrap();
    let sought = search::Sought {
        tenant,
        search: &search,
    };
    let rest = Where::of(tenant);
    for sql in sought.statements(&rest, &Page::first(30).walk()) {
        let steps = plan(&db, &sql);
        let first = steps.iter().find(|step| step.contains("words")).unwrap();
        assert!(first.contains("VIRTUAL TABLE INDEX"), "{sql}\n{steps:#?}");
        let scans = steps
            .iter()
            .filter(|step| step.contains("SCAN") && !step.contains("words"));
        assert_eq!(scans.count(), 0, "{sql}\n{steps:#?}");
        let sorted = steps.iter().any(|step| step.contains("TEMP B-TREE"));
        assert!(!sorted, "{sql}\n{steps:#?}");
    }
}

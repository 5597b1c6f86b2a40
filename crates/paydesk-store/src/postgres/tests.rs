//! What reads cost, by the server's own account.

use paydesk_core::id::SessionId;
use paydesk_core::list::{Mark, Page, Place, SessionFilter, TransactionFilter};
use paydesk_core::search::Search;
use paydesk_core::session::StateName;
use paydesk_core::store::{Change, Record, Store as _};
use paydesk_core::store_suite::samples::Samples;
use paydesk_core::tenant::Tenant;
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::Action;
use tokio_postgres::types::ToSql;

use super::lists::{self, Query};
use super::{Address, PostgresStore, Settings, queries};

const SESSIONS: usize = 4_000;
/// How many pages of the server's cache ten rows may need: some ways down an index, and the rows.
const FEW: u64 = 150;

async fn store() -> (PostgresStore, Tenant, Vec<SessionId>) {
    let url = tokio::task::spawn_blocking(paydesk_testing_postgres::fresh_database);
    let address = Address::parse(&url.await.unwrap()).unwrap();
    let store = PostgresStore::migrate(&address, Settings::default()).await;
    let (store, samples) = (store.unwrap(), Samples::new(1));
    let tenant = samples.tenant();
    let mut ids = Vec::new();
    while ids.len() < SESSIONS {
        let mut change = Change::new(tenant);
        for _ in 0..100 {
            let session = samples.session(tenant);
            ids.push(session.id);
            change.events.push(samples.event(&session, 1, false));
            let payment = samples.transaction(&session);
            change.puts.push(Record::Transaction(payment));
            change.puts.push(Record::Session(session));
        }
        store.commit(change).await.unwrap();
    }
    let client = store.pool.get().await.unwrap();
    client
        .batch_execute("SET default_transaction_read_only = off; SET statement_timeout = 0")
        .await
        .unwrap();
    // As the server's own housekeeping does, however long it takes; it also takes new words into their index.
    client.batch_execute("VACUUM ANALYZE").await.unwrap();
    (store, tenant, ids)
}

/// The server's plan of a query that it has run, and how many pages of its cache that took.
async fn cost(store: &PostgresStore, query: &Query) -> (u64, String) {
    let client = store.pool.get().await.unwrap();
    let sql = format!("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) {}", query.text);
    let typed: Vec<(&(dyn ToSql + Sync), _)> = query
        .cells
        .iter()
        .map(|cell| (cell as &(dyn ToSql + Sync), cell.ty()))
        .collect();
    let rows = client.query_typed(&sql, &typed).await.unwrap();
    let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    // The first line about buffers is that of the whole.
    let buffers = lines.iter().find(|line| line.contains("Buffers: shared"));
    let words = buffers.map_or("", |line| line.as_str()).split_whitespace();
    let numbers = words.filter_map(|word| word.split_once('=')?.1.parse::<u64>().ok());
    (numbers.sum(), lines.join("\n"))
}

#[tokio::test]
async fn a_page_costs_the_same_deep_in_a_list() {
    let (store, tenant, ids) = store().await;
    let now = Timestamp::EPOCH;
    let states = |states: &[StateName]| SessionFilter {
        states: states.to_vec(),
        ..SessionFilter::at(now)
    };
    let searched = SessionFilter {
        search: Search::parse("nosuchword").unwrap(),
        ..SessionFilter::at(now)
    };
    let sessions = [
        SessionFilter::at(now),
        states(&[StateName::Created]),
        states(&[StateName::Completed, StateName::Cancelled]),
        states(&[StateName::Expired]),
        searched,
    ];
    let refunds = TransactionFilter {
        actions: vec![Action::Refund],
        ..TransactionFilter::at(now)
    };
    for place in [SESSIONS - 1, SESSIONS / 2, 20] {
        let page = Page::first(10).at(Place::After(Mark::of(ids[place].0)));
        let walk = page.walk();
        let transactions = [TransactionFilter::at(now), refunds.clone()];
        let all = sessions
            .iter()
            .map(|filter| lists::sessions(tenant, filter, &walk));
        let more = transactions
            .iter()
            .map(|filter| lists::transactions(tenant, filter, &walk));
        for query in all.chain(more) {
            let (pages, plan) = cost(&store, &query).await;
            assert!(
                pages < FEW,
                "{pages} pages after {place}:\n{}\n{plan}",
                query.text
            );
        }
    }
    // Otherwise nothing was shown: all of them are many more.
    let all = lists::sessions(tenant, &sessions[0], &Page::first(SESSIONS).walk());
    assert!(cost(&store, &all).await.0 > 3 * FEW);
}

#[tokio::test]
async fn what_is_looked_up_is_found_by_an_index() {
    let (store, tenant, ids) = store().await;
    let key = super::steps::key(tenant, ids[7].0).to_vec();
    let claim = paydesk_core::store::ClaimKey::Reference("one".to_owned());
    let now = super::cell::Cell::Integer(i64::MAX);
    for (sql, cells) in [
        (queries::SESSION, key.clone()),
        (queries::SESSION_WITH_TRANSACTIONS, key.clone()),
        (queries::EVENTS, key.clone()),
        (queries::CHILDREN, key),
        (
            queries::CLAIM,
            super::steps::claim_key(tenant, &claim).to_vec(),
        ),
        (queries::DUE_SESSIONS, vec![lists::limit(5), now.clone()]),
        (
            queries::DUE_TRANSACTIONS,
            vec![lists::limit(5), now.clone()],
        ),
        (queries::DUE_DELIVERIES, vec![lists::limit(5), now]),
        (queries::UNDISPATCHED, vec![lists::limit(5)]),
    ] {
        let text = sql.to_owned();
        let (pages, plan) = cost(&store, &Query { text, cells }).await;
        assert!(pages < FEW, "{pages} pages: {sql}\n{plan}");
    }
}

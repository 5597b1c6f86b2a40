//! Rows and tables that somebody else keeps locked, by hand or in a commit that does not end.

use std::time::Duration;

use paydesk_core::store::{Change, CommitError, Record, Store as _};
use paydesk_core::store_suite::samples::{Samples, moved};
use paydesk_testing_postgres::Server;
use tokio_postgres::NoTls;

use super::store_on;

/// Far more than the ten seconds that are waited, and far less than all the turns of one who tries on and on.
const GIVEN_UP: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_lock_that_another_keeps_is_given_up_and_works_once_it_is_free() {
    let url = tokio::task::spawn_blocking(paydesk_testing_postgres::fresh_database);
    let url = url.await.unwrap();
    let (store, samples) = (store_on(&url).await, Samples::new(5));
    let merchant = samples.merchant();
    let session = samples.session(samples.tenant());
    let mut first = Change::new(samples.tenant());
    first.puts = vec![
        Record::Merchant(merchant.clone()),
        Record::Session(session.clone()),
    ];
    store.commit(first).await.unwrap();

    // As somebody does who looks after something by hand, and goes to lunch.
    let (other, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let hold = "BEGIN; UPDATE sessions SET version = version; LOCK TABLE merchants";
    other.batch_execute(hold).await.unwrap();
    let mut change = Change::new(samples.tenant());
    let state = session.initiated_at(session.created_at);
    change.puts = vec![Record::Session(moved(&session, state))];
    let (commit, read) = tokio::join!(
        tokio::time::timeout(GIVEN_UP, store.commit(change.clone())),
        tokio::time::timeout(GIVEN_UP, store.merchant(merchant.id)),
    );
    assert!(
        matches!(commit, Ok(Err(CommitError::Unavailable(_)))),
        "{commit:?}"
    );
    assert!(matches!(read, Ok(Err(_))), "{read:?}");

    other.batch_execute("ROLLBACK").await.unwrap();
    store.commit(change).await.unwrap();
    assert!(store.merchant(merchant.id).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_no_standby_confirms_is_given_up_and_found_once_one_does() {
    let server = tokio::task::spawn_blocking(|| Server::start(&[]));
    let server = server.await.unwrap();
    server.create_database("paydesk");
    let (store, samples) = (store_on(&server.url("paydesk")).await, Samples::new(6));
    let session = samples.session(samples.tenant());
    let mut first = Change::new(samples.tenant());
    first.puts = vec![Record::Session(session.clone())];
    store.commit(first).await.unwrap();

    // The only standby is gone: commits are made here, are not answered, and keep what they have locked.
    server.configure(&[("synchronous_standby_names", "'gone'")]);
    server.reload();
    let mut change = Change::new(samples.tenant());
    let state = session.initiated_at(session.created_at);
    let session = moved(&session, state);
    change.puts = vec![Record::Session(session.clone())];
    let commit = tokio::time::timeout(GIVEN_UP, store.commit(change)).await;
    assert!(
        matches!(commit, Ok(Err(CommitError::Unavailable(_)))),
        "{commit:?}"
    );
    store.ping().await.unwrap();

    server.configure(&[("synchronous_standby_names", "''")]);
    server.reload();
    let confirmed = async || {
        while store.session(session.tenant, session.id).await.unwrap() != Some(session.clone()) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(GIVEN_UP, confirmed()).await.unwrap();
}

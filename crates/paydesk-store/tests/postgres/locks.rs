//! Rows and tables that somebody else keeps locked.

use std::time::Duration;

use paydesk_core::store::{Change, CommitError, Record, Store as _};
use paydesk_core::store_suite::samples::{Samples, moved};
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

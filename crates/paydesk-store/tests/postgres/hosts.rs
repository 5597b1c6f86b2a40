//! A URL that names many hosts.

use paydesk_store::PostgresStore;
use paydesk_store::postgres::{Address, Settings};
use tokio::net::TcpListener;

/// A host that accepts connections and never says a word, as one whose processes are stopped does.
async fn silent() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[tokio::test]
async fn hosts_that_are_silent_do_not_keep_a_store_from_the_one_that_answers() {
    let url = tokio::task::spawn_blocking(paydesk_testing_postgres::fresh_database);
    let url = url.await.unwrap();
    let ((_one, one), (_two, two)) = (silent().await, silent().await);
    let hosts = format!("@127.0.0.1:{one},127.0.0.1:{two},127.0.0.1:");
    let address = Address::parse(&url.replace("@127.0.0.1:", &hosts)).unwrap();
    let store = PostgresStore::migrate(&address, Settings::default()).await;
    store.unwrap();
}

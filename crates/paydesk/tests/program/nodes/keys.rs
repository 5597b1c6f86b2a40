//! Another key for all nodes, one node after the other.

use std::fs;

use paydesk_testing_postgres::fresh_database;

use crate::support::{Installation, Sandbox, Server, send};

/// The nodes' installation, and the file from which they are given their keys.
struct Fleet(Installation, Sandbox);

impl Fleet {
    async fn new() -> Self {
        let sandbox = Sandbox::start().await;
        Self(Installation::on(&fresh_database()), sandbox)
    }

    /// Starts a node with the keys of this moment.
    async fn node(&self) -> Server {
        let keys = fs::read_to_string(self.0.keys()).unwrap();
        let sandbox = ["--sandbox-url", &self.1.url];
        let process = self.0.start_serving(&sandbox, &[("PAYDESK_KEYS", &keys)]);
        let server = Server::started(process, &self.0.credentials).await;
        server.expect("the node starts")
    }

    fn rotate(&self, more: &[&str]) -> String {
        let keys = self.0.keys();
        let key_file = ["key", "rotate", "--key-file", keys.to_str().unwrap()];
        let ran = self.0.run(&[&key_file, more].concat());
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
        ran.out
    }
}

/// Whether a node shows the page of a payer's link.
async fn knows(node: &Server, link: &str) -> bool {
    node.caller.get(&format!("/pay/{link}")).await.status == 200
}

/// A payer's link that this node makes.
async fn link(node: &Server, idempotency_key: &str) -> String {
    let opened = send(node.caller.open_session(idempotency_key)).await;
    let opened = opened.unwrap().ok();
    opened["publicId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_key_that_is_prepared_first_is_rolled_out_without_a_link_that_a_node_does_not_know() {
    let fleet = Fleet::new().await;
    let (one, two) = (fleet.node().await, fleet.node().await);

    let said = fleet.rotate(&["--prepare"]);
    assert!(said.contains("signs nothing yet"), "{said}");
    two.stop().await;
    let two = fleet.node().await;
    let made = link(&two, "prepared").await;
    assert!(knows(&one, &made).await, "which has not learnt the key yet");
    one.stop().await;
    let one = fleet.node().await;

    let said = fleet.rotate(&[]);
    assert!(said.contains("Version 2") && !said.contains("not prepared"));
    two.stop().await;
    let two = fleet.node().await;
    let by_the_new_key = link(&two, "rotated").await;
    let old = link(&one, "not yet").await;
    for node in [&one, &two] {
        for link in [&made, &by_the_new_key, &old] {
            assert!(knows(node, link).await);
        }
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn where_a_key_was_not_prepared_that_is_said() {
    let fleet = Fleet::new().await;
    let said = fleet.rotate(&[]);
    assert!(said.contains("stop all nodes"), "{said}");
}

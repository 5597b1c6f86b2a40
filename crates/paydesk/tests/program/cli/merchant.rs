//! `paydesk merchant create`.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use crate::support::{Installation, send};

fn names(object: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn a_script_gets_exactly_the_contracted_json() {
    let installation = Installation::empty();
    let ran = installation.run(&["merchant", "create", "--name", "A Shop", "--json"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert_eq!(ran.out.matches('\n').count(), 1, "one line: {}", ran.out);
    let merchant: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(names(&merchant), ["live", "merchantId", "test"]);
    let mut values = BTreeSet::new();
    for mode in ["test", "live"] {
        let credentials = &merchant[mode];
        let keys = ["keyId", "publishableKey", "secret", "webhookSecret"];
        assert_eq!(names(credentials), keys);
        for key in keys {
            assert!(
                values.insert(credentials[key].as_str().unwrap()),
                "{key} is one's own"
            );
        }
    }
}

#[test]
fn a_person_is_shown_the_same() {
    let ran = Installation::empty().run(&["merchant", "create", "--name", "Café Müller"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    for words in [
        "Café Müller",
        "shown once",
        "test\n",
        "live\n",
        "sk_test_",
        "sk_live_",
    ] {
        assert!(ran.out.contains(words), "{words} in {}", ran.out);
    }
}

#[tokio::test]
async fn a_merchant_made_beside_a_running_server_is_served_at_once() {
    let installation = Installation::new();
    let server = installation.serve(&[]).await;
    let ran = installation.run(&["merchant", "create", "--name", "Another", "--json"]);
    let merchant: Value = serde_json::from_str(&ran.out).unwrap();
    let secret = merchant["test"]["secret"].as_str().unwrap();
    let request = server
        .caller
        .request(Method::GET, "/api/v1/sessions")
        .bearer_auth(secret);
    assert_eq!(send(request).await.unwrap().status, 200);
    server.stop().await;
}

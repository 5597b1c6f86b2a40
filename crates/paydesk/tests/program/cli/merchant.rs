//! `paydesk merchant`.

use std::collections::BTreeSet;

use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::support::{Answer, Caller, Credentials, Installation, SOON, Server, send, wait_for};

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

/// Every door that the merchant's secret opens, by the dialect's name, and whether it opens it now.
async fn doors(server: &Server, credentials: &Credentials) -> Vec<(&'static str, bool)> {
    let caller = Caller::new(&server.url, credentials);
    let secret = &credentials.secret;
    let nowhere = "/sessions/01900000-0000-7000-8000-000000000000";
    let graphql = caller
        .request(Method::POST, "/graphql")
        .header("accrupay-api-secret", secret)
        .header(CONTENT_TYPE, "application/json")
        .body(r#"{"query":"{ __typename }"}"#);
    let modempay = caller.request(Method::GET, "/v1/transactions");
    let [xanpay, native, graphql, modempay] = [
        caller.xanpay(Method::GET, nowhere),
        caller.native(Method::GET, "/sessions"),
        graphql,
        modempay.bearer_auth(secret),
    ]
    .map(send);
    let let_in = |answer: reqwest::Result<Answer>| answer.unwrap().status != 401;
    vec![
        ("XanPay", let_in(xanpay.await)),
        ("native", let_in(native.await)),
        (
            "AccruPay",
            graphql.await.unwrap().json().get("errors").is_none(),
        ),
        ("Modem Pay", let_in(modempay.await)),
    ]
}

/// Whether a shop's page is known by the publishable key.
async fn shop_is_known(server: &Server, publishable_key: &str, login: &str) -> bool {
    let path = "/api/content/users-auth-providers/marker/email/users/sign-up";
    let data =
        json!([{"marker": "login", "value": login}, {"marker": "password", "value": "opensesame"}]);
    let sign_up = server
        .caller
        .request(Method::POST, path)
        .header("x-app-token", publishable_key)
        .header(CONTENT_TYPE, "application/json")
        .body(json!({"formIdentifier": "reg", "authData": data, "formData": {}}).to_string());
    send(sign_up).await.unwrap().status == 201
}

fn rotated(installation: &Installation, more: &[&str]) -> Value {
    let mut arguments = vec!["merchant", "rotate-secret", "--mode", "test", "--json"];
    arguments.extend(["--merchant", installation.merchant_id()]);
    arguments.extend(more);
    let ran = installation.run(&arguments);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    serde_json::from_str(&ran.out).unwrap()
}

#[tokio::test]
async fn a_secret_that_was_replaced_opens_no_door_and_the_new_one_opens_all() {
    let installation = Installation::new();
    let server = installation.serve(&[]).await;
    let old = installation.credentials.clone();
    let all = |open| ["XanPay", "native", "AccruPay", "Modem Pay"].map(|door| (door, open));
    assert_eq!(doors(&server, &old).await, all(true));

    let new = rotated(&installation, &[]);
    assert_eq!(
        names(&new),
        [
            "keyId",
            "merchantId",
            "mode",
            "previousValidUntil",
            "secret"
        ]
    );
    let new = Credentials::read(&new);
    assert_eq!(new.key_id, old.key_id);
    assert_eq!(doors(&server, &new).await, all(true), "at once");
    wait_for("no door takes the old one", SOON, async || {
        (doors(&server, &old).await == all(false)).then_some(())
    })
    .await;
    assert_eq!(doors(&server, &new).await, all(true));
    // What names a shop is no secret, and the other mode's is another's.
    let publishable = installation.merchant["test"]["publishableKey"].as_str();
    assert!(shop_is_known(&server, publishable.unwrap(), "a@example.com").await);
    let live = Credentials::read(&installation.merchant["live"]);
    assert_eq!(doors(&server, &live).await, all(true));
    server.stop().await;
}

#[tokio::test]
async fn with_an_overlap_both_secrets_open_until_it_is_cut_short() {
    let installation = Installation::new();
    let server = installation.serve(&[]).await;
    let old = installation.credentials.clone();
    let second = Credentials::read(&rotated(&installation, &["--overlap", "24"]));
    // A server that remembers nothing.
    server.stop().await;
    let server = installation.serve(&[]).await;
    for credentials in [&old, &second] {
        assert!(doors(&server, credentials).await.iter().all(|door| door.1));
    }
    let third = Credentials::read(&rotated(&installation, &[]));
    wait_for("both before it ended", SOON, async || {
        let mut open = doors(&server, &old).await;
        open.extend(doors(&server, &second).await);
        open.iter().all(|door| !door.1).then_some(())
    })
    .await;
    assert!(doors(&server, &third).await.iter().all(|door| door.1));
    server.stop().await;
}

#[test]
fn a_person_who_replaces_a_secret_is_told_what_to_look_at() {
    let installation = Installation::new();
    let merchant = ["--merchant", installation.merchant_id(), "--mode", "live"];
    for (command, said) in [
        ("rotate-secret", ["sk_live_", "opens nothing any more"]),
        ("rotate-webhook-secret", ["whsec_", "signs beside it until"]),
    ] {
        let ran = installation.run(&[&["merchant", command], &merchant[..]].concat());
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
        for words in said {
            assert!(ran.out.contains(words), "{words} in {}", ran.out);
        }
        let nobody = ["--merchant", "01900000-0000-7000-8000-000000000000"];
        let arguments = [&["merchant", command, "--mode", "live"], &nobody[..]].concat();
        let ran = installation.run(&arguments);
        assert_eq!(ran.code, Some(1));
        assert!(ran.err.contains("there is no merchant"), "{ran:?}");
    }
}

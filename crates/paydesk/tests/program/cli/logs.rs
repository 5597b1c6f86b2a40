//! What must never be written down.

use std::fs;

use paydesk_testing_postgres::fresh_database;
use serde_json::json;

use crate::support::{
    GOOD_CARD, Installation, LOST_ANSWER_CARD, SOON, Sandbox, Server, send, wait_for,
};

#[tokio::test]
async fn no_secret_no_card_and_nothing_a_payer_holds_is_logged() {
    nothing_is_logged(&Installation::new(), "trace").await;
}

#[tokio::test]
async fn nor_is_it_where_all_of_that_is_sent_to_a_database_on_a_server() {
    let database = tokio::task::spawn_blocking(fresh_database).await.unwrap();
    // Whoever looks for trouble with the database asks for just this.
    let most = "trace,tokio_postgres::query=trace,deadpool.postgres=trace";
    nothing_is_logged(&Installation::on(&database), most).await;
}

async fn nothing_is_logged(installation: &Installation, level: &str) {
    let sandbox = Sandbox::start().await;
    let options = ["--sandbox-url", &sandbox.url, "--allow-private-webhooks"];
    let process = installation.start_serving(&options, &[("RUST_LOG", level)]);
    let server = Server::started(process, &installation.credentials)
        .await
        .unwrap();
    let caller = &server.caller;

    let opened = send(caller.open_session("a session")).await.unwrap().ok();
    let public_id = opened["publicId"].as_str().unwrap();
    let body = json!({
        "amount": 700, "currency": "SGD",
        "customer": {"code": "c-1", "name": "Zoë Müller", "email": "zoe@example.com"},
    });
    let of_a_customer = caller.native(reqwest::Method::POST, "/sessions");
    let of_a_customer = of_a_customer.header("idempotency-key", "a customer's session");
    let of_a_customer = of_a_customer.json(&body);
    let of_a_customer = send(of_a_customer).await.unwrap().ok();
    send(caller.pay(public_id, "4000 0000 0000 0002"))
        .await
        .unwrap()
        .ok();
    send(caller.pay(public_id, "5555 5555 5555 4444"))
        .await
        .unwrap();
    send(caller.pay(public_id, LOST_ANSWER_CARD))
        .await
        .unwrap()
        .ok();
    let state = format!("/pay/{public_id}/state");
    wait_for("it is paid", SOON, async || {
        (caller.get(&state).await.ok()["status"] == "completed").then_some(())
    })
    .await;
    // Requests that go wrong are where logs say too much.
    caller.get(&format!("/pay/{public_id}/no-such-page")).await;
    caller
        .get(&format!(
            "/{public_id}?secret={}",
            installation.credentials.secret
        ))
        .await;
    for body in [
        json!({"card": {"number": GOOD_CARD}}).to_string(),
        format!("{{\"card\": {GOOD_CARD}"),
    ] {
        let wrong = caller.pay(public_id, GOOD_CARD).body(body);
        let refused = send(wrong).await.unwrap();
        assert_eq!(refused.status / 100, 4, "{refused:?}");
        assert!(!refused.body.contains("4242"), "{refused:?}");
    }
    let stolen = caller.request(reqwest::Method::GET, "/api/v1/sessions");
    let stolen = stolen.bearer_auth("sk_test_somebody_guesses_a_secret");
    assert_eq!(send(stolen).await.unwrap().status, 401);

    let log = server.stop().await;
    assert!(
        log.contains(&format!("/pay/{}", &public_id[..8])),
        "requests are logged"
    );
    let mut secrets = vec![
        public_id.to_owned(),
        of_a_customer["publicId"].as_str().unwrap().to_owned(),
        "Zoë Müller".to_owned(),
        "zoe@example.com".to_owned(),
        "sk_test_somebody_guesses_a_secret".to_owned(),
        // The name on the card.
        "A Payer".to_owned(),
    ];
    for mode in ["test", "live"] {
        let credentials = installation.merchant[mode].as_object().unwrap();
        for name in ["secret", "webhookSecret"] {
            secrets.push(credentials[name].as_str().unwrap().to_owned());
        }
    }
    let keys = fs::read_to_string(installation.keys()).unwrap();
    secrets.extend(
        keys.split_whitespace()
            .filter(|word| word.len() > 16)
            .map(str::to_owned),
    );
    for card in [
        GOOD_CARD,
        LOST_ANSWER_CARD,
        "4000 0000 0000 0002",
        "5555 5555 5555 4444",
    ] {
        secrets.push(card.to_owned());
        secrets.push(card.replace(' ', ""));
    }
    let sandboxs = sandbox.process.err.text();
    for secret in &secrets {
        for log in [&log, &sandboxs] {
            let line = log.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret} is in the log");
        }
    }
}

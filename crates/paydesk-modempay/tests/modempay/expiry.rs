//! Expiring is immediate and final.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http::{Method, StatusCode};
use paydesk_core::session::StateName;
use paydesk_core::tenant::Mode;
use paydesk_core::transaction::{Action, Status};
use paydesk_testing::TestServer;
use serde_json::{Value, json};

use super::{expire, link, open, pay, retrieve};

#[tokio::test]
async fn an_expired_session_offers_no_way_to_pay_and_refuses_every_request() {
    let server = TestServer::start().await;
    let session = open(&server, json!({"amount": 450, "currency": "SGD"})).await;
    let expired = expire(&server, &session).await.ok();
    assert_eq!(
        (&expired["status"], &expired["expired"]),
        (&json!("expired"), &json!(true))
    );

    for (language, words) in [
        ("en", "no longer available"),
        ("fr", "n’est plus disponible"),
        ("es", "no está disponible"),
    ] {
        let header = (http::header::ACCEPT_LANGUAGE, language.parse().unwrap());
        let page = server
            .request(Method::GET, link(&session), &[header], "")
            .await;
        assert!(page.text().contains(words), "{language}: {}", page.text());
        assert!(!page.text().contains("<form class=\"pay\""), "{language}");
        assert!(!page.text().contains("name=\"method\""), "{language}");
    }
    for (act, body) in [
        ("initiate", json!({"method": "card"})),
        ("payments", json!({"method": "paynow"})),
        (
            "payments",
            json!({"method": "card", "card": {"number": "4242424242424242", "expMonth": 12, "expYear": 2040, "cvc": "123"}}),
        ),
        ("cancel", json!({})),
    ] {
        let path = format!("{}/{act}", link(&session));
        let answer = server.payer(Method::POST, &path, body.to_string()).await;
        assert!(answer.status.is_client_error(), "{act}: {}", answer.text());
        assert!(
            answer.text().contains("session_expired"),
            "{act}: {}",
            answer.text()
        );
    }
    let again = expire(&server, &session).await.ok();
    assert_eq!(again, expired, "expiring twice answers the expired session");
    assert_eq!(retrieve(&server, &session).await, expired);
}

#[tokio::test]
async fn what_browsers_held_before_the_end_pays_nothing_after_it() {
    let server = TestServer::start().await;
    let session = open(&server, json!({"amount": 450})).await;
    let path = format!(
        "/api/v1/sessions/{}/clientToken",
        session["id"].as_str().unwrap()
    );
    let token = server.native(Method::POST, &path, "{}").await.ok();
    let token = token["clientToken"].as_str().unwrap();
    expire(&server, &session).await.ok();
    let card: Value = serde_json::from_str(super::CARD).unwrap();
    for (act, body) in [
        ("initiate", json!({"method": "card"})),
        ("payments", json!({"method": "card", "card": card})),
        ("cancel", json!({})),
    ] {
        let path = format!("/pay/{token}/{act}");
        let refused = server.payer(Method::POST, &path, body.to_string()).await;
        assert!(
            refused.status.is_client_error(),
            "{act}: {}",
            refused.text()
        );
        assert!(refused.text().contains("session_expired"), "{act}");
    }
    let charges = server.ledger.charges(None, 10).await.unwrap();
    assert!(charges.charges.is_empty(), "{charges:?}");
    assert_eq!(retrieve(&server, &session).await["status"], "expired");
}

#[tokio::test]
async fn a_finished_session_is_not_expired_and_the_reason_is_told() {
    let server = TestServer::start().await;
    let paid = open(&server, json!({"amount": 450})).await;
    pay(&server, &paid, json!({})).await.ok();
    let left = open(&server, json!({"amount": 450})).await;
    server
        .payer(Method::POST, &format!("{}/cancel", link(&left)), "{}")
        .await
        .ok();
    for (session, status, reason) in [
        (&paid, "completed", "already completed"),
        (&left, "cancelled", "was cancelled"),
    ] {
        let answer = expire(&server, session).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text().contains(reason), "{}", answer.text());
        assert_eq!(retrieve(&server, session).await["status"], status);
    }
}

#[tokio::test]
async fn an_open_page_finds_out_at_once() {
    let server = TestServer::start().await;
    let session = open(&server, json!({"amount": 450})).await;
    let state = format!("{}/state", link(&session));
    let seen = server.payer(Method::GET, &state, "").await;
    let version = seen.headers.get("etag").cloned();
    let path = format!("{state}?wait=25");
    let waiting = async {
        let headers: Vec<_> = version
            .map(|tag| (http::header::IF_NONE_MATCH, tag))
            .into_iter()
            .collect();
        server.request(Method::GET, &path, &headers, "").await
    };
    let expiring = async {
        let id = session["id"].as_str().unwrap().parse().unwrap();
        while server.engine.watch().waiters(server.tenant(Mode::Test), id) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // It looks once more before it waits.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let at = Instant::now();
        expire(&server, &session).await.ok();
        at
    };
    let (told, expired_at) = tokio::join!(waiting, expiring);
    // If it did not, it would wait for 25 seconds.
    assert!(expired_at.elapsed() < Duration::from_secs(12));
    assert_eq!(told.ok()["status"], "expired");
}

/// By how much those begin later who do not begin at once, as a multiple of the least: so much that both sides win
/// sometimes, however fast the machine is and however far the store.
struct Leads {
    payer: u32,
    merchant: u32,
}

/// No lead gets longer than ten seconds.
const LONGEST_LEAD: u32 = 200;

/// One race, and what each side was told.
async fn race(server: &TestServer, n: usize, leads: &Leads) -> (Value, bool, bool) {
    let session = open(
        server,
        json!({"amount": 450, "currency": "SGD", "title": n.to_string()}),
    )
    .await;
    let paying = async {
        // Who begins is up to the scheduler, and a little to us.
        if n.is_multiple_of(3) {
            tokio::time::sleep(Duration::from_micros(n as u64 % 7 * 300) * leads.merchant).await;
        }
        pay(server, &session, json!({})).await
    };
    let expiring = async {
        // A payment is two commits and a call of the rail: it needs a lead.
        if n % 3 == 1 {
            tokio::time::sleep(Duration::from_millis(n as u64 % 11 * 5) * leads.payer).await;
        }
        expire(server, &session).await
    };
    let (paid, expired) = tokio::join!(paying, expiring);
    assert!(!paid.status.is_server_error(), "{}", paid.text());
    assert!(!expired.status.is_server_error(), "{}", expired.text());
    let paid = paid.status.is_success() && paid.json()["status"] == "succeeded";
    (session, paid, expired.status.is_success())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_races_of_pay_against_expire_end_in_one_truth_each() {
    let server = TestServer::start().await;
    let (mut completed, mut expired) = (0, 0);
    let mut leads = Leads {
        payer: 1,
        merchant: 1,
    };
    for batch in 0..50 {
        let races = join_all((0..20).map(|n| race(&server, batch * 20 + n, &leads))).await;
        for (session, told_paid, told_expired) in races {
            let id = session["id"].as_str().unwrap().parse().unwrap();
            let tenant = server.tenant(Mode::Test);
            let (stored, transactions) = server.engine.session(tenant, id).await.unwrap();
            let state = stored.state.name();
            let succeeded = transactions.iter().any(|it| {
                it.action == Action::Payment && matches!(it.status, Status::Succeeded { .. })
            });
            let charged = server
                .ledger
                .charge(stored.first_transaction)
                .await
                .unwrap()
                .is_some();
            assert_eq!(succeeded, state == StateName::Completed, "{stored:?}");
            assert_eq!(
                charged, succeeded,
                "money moved if and only if the session is completed: {stored:?}"
            );
            assert_eq!(told_paid, succeeded, "what the payer was told: {stored:?}");
            assert_eq!(
                told_expired,
                state == StateName::Expired,
                "what the merchant was told: {stored:?}"
            );
            assert!(
                matches!(state, StateName::Completed | StateName::Expired),
                "{stored:?}"
            );
            completed += usize::from(succeeded);
            expired += usize::from(told_expired);
        }
        if completed == 0 {
            leads.payer = (leads.payer * 2).min(LONGEST_LEAD);
        }
        if expired == 0 {
            leads.merchant = (leads.merchant * 2).min(LONGEST_LEAD);
        }
    }
    assert_eq!(completed + expired, 1_000);
    assert!(
        completed > 0 && expired > 0,
        "both sides win sometimes: {completed} paid, {expired} expired"
    );
}

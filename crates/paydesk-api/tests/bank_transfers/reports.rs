//! Each way in which money comes, as the contract says.

use http::{HeaderName, HeaderValue, Method, StatusCode};
use paydesk_core::time::Span;
use paydesk_testing::{Receiver, TestServer};
use serde_json::{Value, json};

use super::{TRANSFERS, assert_problem, listed, report, said, session_of, waiting};

async fn hk(server: &TestServer) -> Value {
    waiting(server, 10_000, "HKD", "hk-bank-transfer").await
}

#[tokio::test]
async fn the_exact_amount_completes_the_session_and_a_short_one_waits_for_the_rest() {
    let server = TestServer::start().await;
    let session = hk(&server).await;
    let part = report(&server, &said(&session, "bank 1", 4_000)).await;
    assert_eq!(part.status, StatusCode::CREATED);
    let part = part.json();
    assert_eq!(
        (&part["state"], &part["matchedBy"]),
        (&json!("matched"), &json!("reference"))
    );
    let now = session_of(&server, &session).await;
    assert_eq!(now["status"], "processing");
    let exception = &now["transactions"][0]["exception"];
    assert_eq!(
        (&exception["kind"], &exception["receivedAmount"]),
        (&json!("partial"), &json!(4_000))
    );
    report(&server, &said(&session, "bank 2", 6_000)).await.ok();
    let now = session_of(&server, &session).await;
    assert_eq!(now["status"], "completed");
    assert_eq!(now["transactions"][0]["exception"], Value::Null);
}

#[tokio::test]
async fn too_much_and_twice_complete_it_once_and_the_surplus_goes_back() {
    let server = TestServer::start().await;
    let session = hk(&server).await;
    report(&server, &said(&session, "bank 1", 10_500))
        .await
        .ok();
    report(&server, &said(&session, "bank 2", 10_000))
        .await
        .ok();
    let now = session_of(&server, &session).await;
    let transaction = &now["transactions"][0];
    assert_eq!(
        (
            &transaction["exception"]["kind"],
            &transaction["exception"]["receivedAmount"]
        ),
        (&json!("over"), &json!(20_500))
    );
    let path = format!("/charges/{}/refunds", transaction["id"].as_str().unwrap());
    let surplus = server
        .xanpay(Method::POST, &path, r#"{"amount": "105"}"#)
        .await;
    assert_eq!(surplus.ok()["status"], "completed");
    let beyond = server
        .xanpay(Method::POST, &path, r#"{"amount": "100.01"}"#)
        .await;
    assert_eq!(beyond.status, StatusCode::BAD_REQUEST);
    let rest = server.xanpay(Method::POST, &path, "").await.ok();
    assert_eq!(
        (&rest["status"], &rest["amount"]),
        (&json!("completed"), &json!(100))
    );
}

#[tokio::test]
async fn late_money_is_its_own_and_goes_back_or_is_accepted() {
    let server = TestServer::start().await;
    let session = hk(&server).await;
    server.advance(Span::days(4)).await;
    for (id, amount) in [("bank 1", 10_000), ("bank 2", 700)] {
        let late = report(&server, &said(&session, id, amount)).await.ok();
        assert_ne!(late["transactionId"], session["transactions"][0]["id"]);
        // Two of one millisecond come in any order.
        server.clock.advance(Span::millis(1));
    }
    let now = session_of(&server, &session).await;
    assert_eq!(now["status"], "expired");
    let late: Vec<&Value> = now["transactions"].as_array().unwrap()[1..]
        .iter()
        .collect();
    assert!(late.iter().all(|one| one["exception"]["kind"] == "late"));
    let accept = format!(
        "/api/v1/transactions/{}/accept",
        late[0]["id"].as_str().unwrap()
    );
    let accepted = server.native(Method::POST, &accept, "").await.ok();
    assert_eq!(accepted["status"], "succeeded");
    assert!(accepted["exception"]["acceptedAt"].is_string());
    let again = server.native(Method::POST, &accept, "").await;
    assert_problem(&again, 422, "no_exception", "");
    let path = format!("/charges/{}/refunds", late[1]["id"].as_str().unwrap());
    let back = server.xanpay(Method::POST, &path, "").await.ok();
    assert_eq!(
        (&back["status"], &back["amount"]),
        (&json!("completed"), &json!(7))
    );
}

#[tokio::test]
async fn money_for_nobody_knows_what_is_listed_until_it_is_assigned() {
    let server = TestServer::start().await;
    let (session, second) = (hk(&server).await, hk(&server).await);
    let mut unknown = said(&session, "bank 1", 10_000);
    unknown["reference"] = json!("WHATISTHIS");
    let mut without = said(&session, "bank 2", 10_000);
    without.as_object_mut().unwrap().remove("reference");
    let mut ids = Vec::new();
    for body in [&unknown, &without] {
        let kept = report(&server, body).await.ok();
        assert_eq!(kept["state"], "unmatched", "two wait for this amount");
        ids.push(kept["id"].as_str().unwrap().to_owned());
    }
    let unmatched = format!("{TRANSFERS}?state=unmatched");
    assert_eq!(listed(&server, &unmatched).await.len(), 2);

    let target = json!({"transactionId": second["transactions"][0]["id"]}).to_string();
    let path = format!("{TRANSFERS}/{}/assign", ids[0]);
    let assigned = server
        .native(Method::POST, &path, target.clone())
        .await
        .ok();
    assert_eq!(
        (&assigned["state"], &assigned["matchedBy"]),
        (&json!("matched"), &json!("assignment"))
    );
    assert_eq!(session_of(&server, &second).await["status"], "completed");
    let again = server.native(Method::POST, &path, target).await;
    assert_eq!(again.ok(), assigned, "again changes nothing");
    let elsewhere = json!({"transactionId": session["transactions"][0]["id"]}).to_string();
    let refused = server.native(Method::POST, &path, elsewhere).await;
    assert_problem(&refused, 400, "invalid_field", "transactionId");

    // Now only one waits for the amount: the next without a reference is for that one.
    without["bankTransactionId"] = json!("bank 3");
    let only = report(&server, &without).await.ok();
    assert_eq!(only["matchedBy"], "amount");
    assert_eq!(session_of(&server, &session).await["status"], "completed");
    let left = listed(&server, &unmatched).await;
    assert_eq!(left.len(), 1);
    let read = server
        .native(Method::GET, &format!("{TRANSFERS}/{}", ids[1]), "")
        .await;
    assert_eq!(read.ok(), left[0]);
    assert_eq!(listed(&server, TRANSFERS).await.len(), 3);
}

#[tokio::test]
async fn a_transfer_is_taken_in_once_and_says_so() {
    let server = TestServer::start().await;
    let session = hk(&server).await;
    let body = said(&session, "bank 1", 4_000);
    let first = report(&server, &body).await;
    let again = report(&server, &body).await;
    assert_eq!(
        (first.status, again.status),
        (StatusCode::CREATED, StatusCode::OK)
    );
    assert_eq!(first.body, again.body);
    let other = report(&server, &said(&session, "bank 1", 5_000)).await;
    assert_problem(&other, 400, "invalid_field", "bankTransactionId");
    let transaction = session_of(&server, &session).await["transactions"][0].clone();
    assert_eq!(transaction["exception"]["receivedAmount"], 4_000);
}

#[tokio::test]
async fn an_idempotency_key_has_the_first_answer_byte_for_byte() {
    let server = TestServer::start().await;
    let session = hk(&server).await;
    let mut stray = said(&session, "bank 1", 10_000);
    stray["reference"] = json!("tea");
    let authorization = TestServer::bearer(&server.merchant.test);
    let key = |key: &'static str| {
        [
            (http::header::AUTHORIZATION, authorization.clone()),
            (
                HeaderName::from_static("idempotency-key"),
                HeaderValue::from_static(key),
            ),
        ]
    };
    let send = async |path: &str, with: &'static str, body: &Value| {
        server
            .request(Method::POST, path, &key(with), body.to_string())
            .await
    };
    let first = send(TRANSFERS, "one", &stray).await;
    let path = format!(
        "{TRANSFERS}/{}/assign",
        first.json()["id"].as_str().unwrap()
    );
    let target = json!({"transactionId": session["transactions"][0]["id"]});
    let assigned = send(&path, "two", &target).await;
    let again = send(TRANSFERS, "one", &stray).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(send(&path, "two", &target).await.body, assigned.body);
    // Another key learns what has become of it since.
    let other = send(TRANSFERS, "three", &stray).await;
    assert_eq!(
        (other.status, &other.body),
        (StatusCode::OK, &assigned.body)
    );
    stray["amount"] = json!(1);
    let reused = send(TRANSFERS, "one", &stray).await;
    assert_problem(&reused, 422, "idempotency_key_reused", "");
}

#[tokio::test]
async fn bad_input_is_refused_by_name_and_nothing_is_kept() {
    let server = TestServer::start().await;
    let session = hk(&server).await;
    let good = said(&session, "bank 1", 10_000);
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    for (field, code, body) in [
        (
            "bankTransactionId",
            "invalid_field",
            with("bankTransactionId", json!("")),
        ),
        (
            "bankTransactionId",
            "invalid_json",
            with("bankTransactionId", json!(7)),
        ),
        (
            "account",
            "invalid_field",
            with("account", json!("a".repeat(101))),
        ),
        ("amount", "invalid_amount", with("amount", json!(0))),
        ("amount", "invalid_amount", with("amount", json!(-1))),
        (
            "amount",
            "invalid_amount",
            with("amount", json!(1_000_000_000_000_000_i64)),
        ),
        ("amount", "invalid_json", with("amount", json!("100"))),
        ("currency", "invalid_field", with("currency", json!("XXX"))),
        (
            "receivedAt",
            "invalid_field",
            with("receivedAt", json!("yesterday")),
        ),
        (
            "receivedAt",
            "invalid_field",
            with("receivedAt", json!("2999-01-01T00:00:00Z")),
        ),
        (
            "reference",
            "invalid_field",
            with("reference", json!("a".repeat(301))),
        ),
        ("state", "invalid_json", with("state", json!("matched"))),
    ] {
        assert_problem(&report(&server, &body).await, 400, code, field);
    }
    for query in ["?state=lost", "?limit=0", "?after=x", "?account=1"] {
        let refused = server
            .native(Method::GET, &format!("{TRANSFERS}{query}"), "")
            .await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
    }
    assert_eq!(listed(&server, TRANSFERS).await, [] as [Value; 0]);

    let kept = report(&server, &with("reference", json!("tea"))).await.ok();
    let assign = async |id: &str, body: Value| {
        let path = format!("{TRANSFERS}/{id}/assign");
        server.native(Method::POST, &path, body.to_string()).await
    };
    let id = kept["id"].as_str().unwrap();
    let known = json!({"transactionId": session["transactions"][0]["id"]});
    let unknown = json!({"transactionId": session["id"]});
    assert_problem(&assign(id, unknown).await, 404, "transaction_not_found", "");
    assert_problem(
        &assign("x", known.clone()).await,
        404,
        "bank_transfer_not_found",
        "",
    );
    let session_id = session["id"].as_str().unwrap();
    assert_problem(
        &assign(session_id, known).await,
        404,
        "bank_transfer_not_found",
        "",
    );
}

#[tokio::test]
async fn a_tenant_sees_its_own_transfers_only() {
    let server = TestServer::start().await;
    let session = hk(&server).await;
    let kept = report(&server, &said(&session, "bank 1", 10_000))
        .await
        .ok();
    let live = (
        http::header::AUTHORIZATION,
        TestServer::bearer(&server.merchant.live),
    );
    let path = format!("{TRANSFERS}/{}", kept["id"].as_str().unwrap());
    let read = server
        .request(Method::GET, &path, std::slice::from_ref(&live), "")
        .await;
    assert_problem(&read, 404, "bank_transfer_not_found", "");
    // The same bank's id and reference in another mode is other money.
    let body = said(&session, "bank 1", 10_000).to_string();
    let other = server
        .request(
            Method::POST,
            TRANSFERS,
            std::slice::from_ref(&live),
            body.clone(),
        )
        .await;
    assert_eq!(other.ok()["state"], "unmatched");
    let nobody = server.request(Method::POST, TRANSFERS, &[], body).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_sandboxs_bank_sends_what_payers_write() {
    let server = TestServer::start().await;
    for (written, by) in [
        (json!(""), Some("amount")),
        (json!("tea"), None),
        (Value::Null, Some("reference")),
    ] {
        let session = hk(&server).await;
        let order = json!({
            "reference": session["transactions"][0]["destination"]["nonce"],
            "sentReference": written,
        });
        let path = "/sandbox/bank/transfers";
        let sent = server
            .payer(Method::POST, path, order.to_string())
            .await
            .ok();
        server.run_jobs().await;
        let kept = listed(&server, TRANSFERS).await;
        let kept = kept
            .iter()
            .find(|one| one["bankTransactionId"] == sent["id"])
            .unwrap();
        assert_eq!(kept["matchedBy"].as_str(), by, "{kept}");
        assert_eq!(kept["origin"], "rail");
        let status = if by.is_some() {
            "completed"
        } else {
            "processing"
        };
        assert_eq!(session_of(&server, &session).await["status"], status);
        // What is given back was not known to the sandbox to be of this payment.
        if by.is_some() {
            let id = session["transactions"][0]["id"].as_str().unwrap();
            let back = server
                .xanpay(Method::POST, &format!("/charges/{id}/refunds"), "")
                .await;
            assert_eq!(back.ok()["status"], "completed");
        } else {
            let cancel = format!(
                "/api/v1/sessions/{}/cancel",
                session["id"].as_str().unwrap()
            );
            server.native(Method::POST, &cancel, "").await.ok();
        }
    }
    let long = json!({"reference": "ABCDEFGHIJ", "sentReference": "a".repeat(141)});
    let refused = server
        .payer(Method::POST, "/sandbox/bank/transfers", long.to_string())
        .await;
    assert_problem(&refused, 400, "invalid_field", "sentReference");
}

#[tokio::test]
async fn each_way_is_told_with_its_event() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    let request = json!({
        "amount": 10_000, "currency": "HKD", "methods": ["hk-bank-transfer"], "notifyUrl": receiver.url,
    });
    let opened = server
        .native(Method::POST, "/api/v1/sessions", request.to_string())
        .await
        .ok();
    let path = format!("/pay/{}/payments", opened["publicId"].as_str().unwrap());
    let begun = server.payer(Method::POST, &path, r#"{"method":"hk-bank-transfer"}"#);
    begun.await.ok();
    let session = session_of(&server, &opened).await;
    for (id, amount) in [
        ("short", 4_000),
        ("rest and more", 7_000),
        ("twice", 10_000),
    ] {
        report(&server, &said(&session, id, amount)).await.ok();
    }
    server.run_jobs().await;
    let mut told: Vec<(u64, String, Value)> = receiver
        .received()
        .iter()
        .map(|one| {
            let event = one.json();
            let kind = event["type"].as_str().unwrap().to_owned();
            (
                event["sequence"].as_u64().unwrap(),
                kind,
                event["data"]["exception"].clone(),
            )
        })
        .collect();
    told.sort_by_key(|one| one.0);
    let told: Vec<(&str, &str, u64)> = told
        .iter()
        .map(|(_, kind, exception)| {
            let what = exception["kind"].as_str().unwrap_or("");
            (
                kind.as_str(),
                what,
                exception["receivedAmount"].as_u64().unwrap_or(0),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("transaction.pending", "", 0),
            ("transaction.exception", "partial", 4_000),
            ("transaction.succeeded", "over", 11_000),
            ("session.completed", "", 0),
            ("transaction.exception", "over", 11_000),
            ("transaction.exception", "over", 21_000),
        ]
    );
}

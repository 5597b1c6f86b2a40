//! Accounts at banks: what may be configured, and which methods follow from it.

use http::{Method, StatusCode};
use paydesk_core::tenant::Mode;
use paydesk_testing::TestServer;
use serde_json::{Value, json};

use super::assert_problem;
use super::bank::{ACCOUNTS, Desk, UEN, account};

#[tokio::test]
async fn it_is_made_read_and_changed_in_either_mode_and_is_there_after_a_restart() {
    let server = TestServer::start().await;
    let mut made = Vec::new();
    for mode in [Mode::Live, Mode::Test] {
        let desk = Desk::of(&server, mode);
        let answer = desk.post(ACCOUNTS, &account()).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        let one = answer.json();
        assert_eq!(
            (&one["provider"], &one["livemode"], &one["methods"]),
            (
                &json!("BANK"),
                &json!(mode.is_live()),
                &json!(["paynow", "hk-bank-transfer"])
            )
        );
        assert_eq!(
            one["receives"][0],
            json!({"method": "paynow", "account": UEN, "accountName": "Tea House Pte Ltd", "bank": ""})
        );
        made.push((mode, one));
    }
    let server = server.restarted().await;
    for (mode, one) in made {
        let desk = Desk::of(&server, mode);
        let path = format!("{ACCOUNTS}/{}", one["id"].as_str().unwrap());
        assert_eq!(desk.get(&path).await, one);
        let fps = json!({"receives": [
            {"method": "duit-now", "account": "Q001", "acquirer": "501664", "accountName": "Tea House"},
        ]});
        let changed = desk.send(Method::PATCH, &path, fps.to_string()).await.ok();
        assert_eq!(changed["methods"], json!(["duit-now"]));
        assert_eq!(changed["receives"][0]["acquirer"], "501664");
        let renamed = json!({"name": "Another name"}).to_string();
        let renamed = desk.send(Method::PATCH, &path, renamed).await.ok();
        assert_eq!(renamed["receives"], changed["receives"]);
        let switch = format!("{path}/disable");
        assert_eq!(desk.post(&switch, &json!({})).await.ok()["enabled"], false);
    }
}

#[tokio::test]
async fn what_is_wrong_with_it_is_named_and_nothing_is_stored() {
    let server = TestServer::start().await;
    let desk = Desk::of(&server, Mode::Live);
    let with =
        |receives: Value| json!({"provider": "BANK", "name": "Our bank", "receives": receives});
    let place = |method: &str, account: &str| json!({"method": method, "account": account, "accountName": "Tea House", "bank": "Bank of Tea"});
    let mut unnamed = place("paynow", UEN);
    unnamed["accountName"] = json!(" ");
    let mut unknown = place("paynow", UEN);
    unknown["iban"] = json!("x");
    let mut misplaced = place("paynow", UEN);
    misplaced["acquirer"] = json!("501664");
    let mut bankless = place("id-bank-transfer", "1234567890");
    bankless["bank"] = json!("");
    let field = "invalid_field";
    for (code, named, body) in [
        (field, "receives", with(json!([]))),
        (
            field,
            "receives",
            json!({"provider": "BANK", "name": "Our bank"}),
        ),
        (
            field,
            "receives[0].method",
            with(json!([place("viettel-pay", UEN)])),
        ),
        (
            field,
            "receives[0].method",
            with(json!([place("gojek-id", UEN)])),
        ),
        (
            field,
            "receives[1].method",
            with(json!([place("paynow", UEN), place("toss", UEN)])),
        ),
        (
            field,
            "receives[0].method",
            with(json!([place("card", UEN)])),
        ),
        (
            "invalid_json",
            "receives[0].method",
            with(json!([place("paypal", UEN)])),
        ),
        (
            field,
            "receives[1].method",
            with(json!([place("paynow", UEN), place("paynow", UEN)])),
        ),
        (
            field,
            "receives[0].account",
            with(json!([place("paynow", "85867834")])),
        ),
        (
            field,
            "receives[0].account",
            with(json!([place("prompt-pay", "0812345678")])),
        ),
        (
            field,
            "receives[0].account",
            with(json!([place("fps", "+85291234567")])),
        ),
        (
            field,
            "receives[0].account",
            with(json!([place("instapay", "none")])),
        ),
        (
            field,
            "receives[0].acquirer",
            with(json!([place("duit-now", "Q001")])),
        ),
        (field, "receives[0].acquirer", with(json!([misplaced]))),
        (field, "receives[0].accountName", with(json!([unnamed]))),
        (field, "receives[0].bank", with(json!([bankless]))),
        ("invalid_json", "receives[0].iban", with(json!([unknown]))),
        (
            field,
            "methods",
            json!({"provider": "BANK", "name": "Our bank", "methods": ["paynow"], "receives": [place("paynow", UEN)]}),
        ),
        (
            field,
            "provider",
            json!({"provider": "SANDBOX", "name": "No sandbox in live mode"}),
        ),
    ] {
        let answer = desk.post(ACCOUNTS, &body).await;
        assert_problem(&answer, 400, code, named);
    }
    assert_eq!(desk.get(ACCOUNTS).await["data"], json!([]));
    // The sandbox has accounts of its own.
    let body = json!({"provider": "SANDBOX", "name": "Second", "receives": [place("paynow", UEN)]});
    let answer = Desk::of(&server, Mode::Test).post(ACCOUNTS, &body).await;
    assert_problem(&answer, 400, field, "receives");
}

#[tokio::test]
async fn a_live_session_offers_what_the_account_receives_and_no_more() {
    let server = TestServer::start().await;
    let desk = Desk::of(&server, Mode::Live);
    let order = json!({"amount": 3_500, "currency": "SGD"});
    let without = desk.post("/api/v1/sessions", &order).await;
    assert_problem(&without, 422, "no_provider_account", "");
    let desk = desk.with_account().await;
    let session = desk.open(3_500, "SGD").await;
    assert_eq!(session["methods"], json!(["paynow"]));
    assert_eq!(session["livemode"], true);
    let hk = desk.open(10_000, "HKD").await;
    assert_eq!(hk["methods"], json!(["hk-bank-transfer"]));
    let baht = json!({"amount": 3_500, "currency": "THB"});
    let refused = desk.post("/api/v1/sessions", &baht).await;
    assert_problem(&refused, 400, "no_method_settles", "currency");
    let hold = json!({"kind": "authorization", "amount": 3_500, "currency": "SGD"});
    let refused = desk.post("/api/v1/sessions", &hold).await;
    assert_problem(&refused, 400, "no_method_settles", "currency");
    for body in [r#"{"method": "fps"}"#, r#"{"method": "card"}"#] {
        let path = format!("/pay/{}/payments", session["publicId"].as_str().unwrap());
        let refused = server.payer(Method::POST, &path, body).await;
        assert_eq!(
            refused.status,
            StatusCode::BAD_REQUEST,
            "{}",
            refused.text()
        );
    }
}

#[tokio::test]
async fn what_a_payer_is_told_is_the_accounts_own_and_stays_so() {
    let server = TestServer::start().await;
    let desk = Desk::live(&server).await;
    let waiting = desk.waiting().await;
    let told = &waiting["transactions"][0]["destination"];
    assert_eq!(
        (&told["account"], &told["accountName"], &told["bank"]),
        (&json!(UEN), &json!("Tea House Pte Ltd"), &json!(""))
    );
    let code = told["qrCode"].as_str().unwrap();
    assert!(
        code.contains(&format!("0210{UEN}")) && code.contains("540535.00"),
        "{code}"
    );
    // Taken away: who waits already is still waited for, who comes now is refused before anything is begun.
    let open = desk.open(3_500, "SGD").await;
    let id = desk.get(ACCOUNTS).await["data"][0]["id"].clone();
    let path = format!("{ACCOUNTS}/{}", id.as_str().unwrap());
    let only = json!({"receives": [
        {"method": "fps", "account": "1234567", "accountName": "Tea House (HK) Ltd"},
    ]});
    desk.send(Method::PATCH, &path, only.to_string()).await.ok();
    let refused = desk.begin(&open, "paynow").await;
    assert_eq!(
        refused.status,
        StatusCode::BAD_REQUEST,
        "{}",
        refused.text()
    );
    assert_eq!(desk.now(&open).await["transactions"], json!([]));
    desk.report(&super::said(&waiting, "bank 1", 3_500))
        .await
        .ok();
    assert_eq!(desk.now(&waiting).await["status"], "completed");
}

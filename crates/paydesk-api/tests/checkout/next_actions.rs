//! What the payer must do next, as each way to pay has it.

use paydesk_core::transaction::Status;
use serde_json::{Value, json};

use super::*;

/// A payment that waits for its payer: what it is answered, and the transaction as it is stored.
async fn waiting(
    checkout: &Checkout,
    minor: i64,
    currency: &str,
    body: &str,
) -> (Value, Transaction) {
    let link = checkout.open(asking(minor, currency)).await;
    let answer = checkout.post(&link.at("payments"), body).await.ok();
    assert_eq!(answer["status"], "pending", "{answer}");
    let state = checkout.get(&link.at("state")).await.ok();
    assert_eq!(state["nextAction"], answer["nextAction"], "at both places");
    let (_, mut transactions) = checkout.stored(&link).await;
    (
        answer["nextAction"].clone(),
        transactions.pop().expect("one"),
    )
}

/// Which page, if any, and until when.
fn awaited(transaction: &Transaction) -> (Option<&str>, String) {
    match &transaction.status {
        Status::AwaitingPayer {
            redirect_url,
            expires_at,
            ..
        } => (redirect_url.as_deref(), expires_at.to_string()),
        other => panic!("it waits for nobody: {other:?}"),
    }
}

#[tokio::test]
async fn a_code_is_shown_as_text_and_as_a_picture() {
    let checkout = Checkout::start().await;
    for (currency, method) in [
        ("SGD", "paynow"),
        ("THB", "prompt-pay"),
        ("MYR", "duit-now"),
        ("HKD", "fps"),
    ] {
        let body = json!({ "method": method }).to_string();
        let (mut next, transaction) = waiting(&checkout, 42_000, currency, &body).await;
        let svg = next["svg"].take();
        let svg = svg.as_str().expect("a picture");
        assert!(
            svg.starts_with("<svg") && svg.ends_with("</svg>"),
            "{method}: {svg}"
        );
        let destination = transaction.destination.as_ref().expect("a destination");
        let code = destination.qr_code.as_ref().expect("a code");
        assert!(code.starts_with("0002"), "{method}: {code}");
        let (page, until) = awaited(&transaction);
        assert_eq!(page, None);
        assert_eq!(
            next,
            json!({
                "type": "showQr", "qrCode": code, "svg": null, "reference": destination.nonce, "expiresAt": until,
            })
        );
    }
}

#[tokio::test]
async fn a_transfer_says_to_whom_how_much_and_under_which_reference() {
    let checkout = Checkout::start().await;
    for (currency, method) in [
        ("PHP", "instapay"),
        ("HKD", "hk-bank-transfer"),
        ("INR", "in-bank-transfer"),
        ("IDR", "id-bank-transfer"),
        ("AUD", "au-bank-transfer"),
        ("NZD", "nz-bank-transfer"),
    ] {
        let body = json!({ "method": method }).to_string();
        let (next, transaction) = waiting(&checkout, 1_234_500, currency, &body).await;
        let destination = transaction.destination.as_ref().expect("a destination");
        for text in [
            &destination.account,
            &destination.account_name,
            &destination.nonce,
        ] {
            assert!(!text.is_empty(), "{method}: {destination:?}");
        }
        let (page, until) = awaited(&transaction);
        assert_eq!(page, None);
        assert_eq!(
            next,
            json!({
                "type": "bankTransfer", "account": destination.account, "accountName": destination.account_name,
                "bank": destination.bank, "reference": destination.nonce, "amount": 1_234_500, "currency": currency,
                "expiresAt": until,
            })
        );
    }
}

#[tokio::test]
async fn a_wallet_and_a_banks_own_check_are_pages_to_go_to() {
    let checkout = Checkout::start().await;
    let challenged = card_json("4000000000003220");
    for (currency, body, kind, below) in [
        (
            "VND",
            r#"{"method":"viettel-pay"}"#,
            "redirect",
            "/sandbox/wallet/",
        ),
        (
            "IDR",
            r#"{"method":"gojek-id"}"#,
            "redirect",
            "/sandbox/wallet/",
        ),
        (
            "KRW",
            r#"{"method":"toss"}"#,
            "redirect",
            "/sandbox/wallet/",
        ),
        ("SGD", &*challenged, "threeDS", "/sandbox/3ds/"),
    ] {
        let (next, transaction) = waiting(&checkout, 42_000, currency, body).await;
        let (page, _) = awaited(&transaction);
        let page = page.expect("a page");
        assert!(path(page).starts_with(below), "{body}: {page}");
        assert_eq!(next, json!({"type": kind, "url": page}), "{body}");
        assert_eq!(checkout.get(&path(page)).await.status, StatusCode::OK);
    }
}

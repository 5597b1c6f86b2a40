//! The payer's bank of the sandbox.

use http::StatusCode;
use paydesk_core::session::StateName;

use super::*;

const TRANSFERS: &str = "/sandbox/bank/transfers";

async fn paying(checkout: &Checkout) -> (Link, serde_json::Value) {
    let link = checkout.open(asking(3500, "SGD")).await;
    let begun = checkout
        .post(&link.at("payments"), r#"{"method":"paynow"}"#)
        .await
        .ok();
    (link, begun["nextAction"].clone())
}

#[tokio::test]
async fn the_exact_amount_is_sent_by_code_or_by_reference() {
    let checkout = Checkout::start().await;
    for name in ["qrCode", "reference"] {
        let (link, next) = paying(&checkout).await;
        let order = serde_json::json!({ name: next[name] }).to_string();
        let sent = checkout.post(TRANSFERS, &order).await;
        assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.text());
        assert_eq!(sent.json()["amount"], "35.00");
        assert_eq!(sent.json()["reference"], next["reference"]);
        assert_eq!(
            checkout.stored(&link).await.0.state.name(),
            StateName::Completed
        );
    }
}

#[tokio::test]
async fn a_short_amount_waits_for_the_rest_and_the_page_says_so() {
    let checkout = Checkout::start().await;
    let (link, next) = paying(&checkout).await;
    let order = |amount: &str| {
        serde_json::json!({"reference": next["reference"], "amount": amount}).to_string()
    };
    checkout.post(TRANSFERS, &order("10")).await;
    let page = checkout.get(&link.page()).await;
    assert!(
        page.text()
            .contains("S$10.00 has arrived. Please send the missing S$25.00"),
        "{}",
        page.text()
    );
    checkout.post(TRANSFERS, &order("30.00")).await;
    let page = checkout.get(&link.page()).await;
    assert!(
        page.text().contains("S$5.00 more than asked has arrived"),
        "{}",
        page.text()
    );
}

#[tokio::test]
async fn what_the_bank_cannot_do_it_says() {
    let checkout = Checkout::start().await;
    let (_, next) = paying(&checkout).await;
    let reference = next["reference"].as_str().unwrap();
    for (order, status, code) in [
        (
            r#"{"reference":"AAAAAAAAAA"}"#.to_owned(),
            404,
            "payment_not_found",
        ),
        (r#"{"qrCode":"nothing"}"#.to_owned(), 400, "not_a_code"),
        ("{}".to_owned(), 400, "invalid_field"),
        (
            format!(r#"{{"reference":"{reference}","qrCode":"x"}}"#),
            400,
            "invalid_field",
        ),
        (
            format!(r#"{{"reference":"{reference}","amount":"35.001"}}"#),
            400,
            "invalid_amount",
        ),
        (
            format!(r#"{{"reference":"{reference}","amount":"0"}}"#),
            400,
            "invalid_amount",
        ),
        (
            format!(r#"{{"reference":"{reference}","sum":"1"}}"#),
            400,
            "invalid_json",
        ),
    ] {
        let answer = checkout.post(TRANSFERS, &order).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["code"]),
            (status, &code.into()),
            "{order}"
        );
    }
    let elsewhere = [FORM, header("sec-fetch-site", "cross-site")];
    let form = format!("reference={reference}");
    let refused = checkout
        .server
        .request(Verb::POST, TRANSFERS, &elsewhere, form)
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}

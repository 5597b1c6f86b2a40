//! Attempts that came to nothing, and those that are used up.

use http::StatusCode;
use paydesk_core::method::Method;
use paydesk_core::session::MAX_PUSHED_ATTEMPTS;
use paydesk_core::time::Span;

use super::*;

#[tokio::test]
async fn cards_are_closed_after_ten_and_other_methods_stay() {
    let checkout = Checkout::start().await;
    let link = checkout.open(asking(3500, "SGD")).await;
    for _ in 0..10 {
        checkout
            .post(&link.at("payments"), &card_json("4000000000000002"))
            .await;
    }
    let refused = checkout
        .post(&link.at("payments"), &card_json("4242424242424242"))
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.json()["code"], "too_many_card_attempts");
    assert_eq!(
        checkout.get(&link.at("state")).await.ok()["attemptsLeft"],
        0
    );
    let page = checkout.get(&link.page()).await;
    assert!(page.text().contains("Too many card attempts"));
    // Who can try no other card is not told to.
    assert!(
        !page.text().contains("Try another card")
            && page.text().contains("You have not been charged")
    );
    assert!(!page.text().contains("card.number") && page.text().contains("value=\"paynow\""));
}

#[tokio::test]
async fn an_eleventh_card_is_refused_also_while_a_code_is_shown() {
    let checkout = Checkout::start().await;
    let link = checkout.open(asking(3500, "SGD")).await;
    let pay = link.at("payments");
    for _ in 0..10 {
        checkout.post(&pay, &card_json("4000000000000002")).await;
    }
    checkout.post(&pay, r#"{"method":"paynow"}"#).await.ok();
    let refused = checkout.post(&pay, &card_json("4242424242424242")).await;
    assert_eq!(
        refused.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        refused.text()
    );
    assert_eq!(refused.json()["code"], "too_many_card_attempts");
    // A form that was left open in another tab is answered, too; the code waits on.
    let refused = checkout.submit(&pay, CARD).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    for said in ["This way to pay is not available", "Too many card attempts"] {
        assert!(refused.text().contains(said), "{said}: {}", refused.text());
    }
    assert!(!refused.text().contains("card.number"));
    let page = checkout.get(&link.page()).await;
    assert!(page.text().contains("Scan to pay"), "{}", page.text());
}

/// Begins a hundred codes on a session, by two methods in turn; the last is PayNow's.
async fn use_up_codes(checkout: &Checkout, link: &Link) {
    for number in 1..=MAX_PUSHED_ATTEMPTS {
        let method = if number % 2 == 0 { "paynow" } else { "fps" };
        let asks = format!(r#"{{"method":"{method}"}}"#);
        checkout.post(&link.at("payments"), &asks).await.ok();
    }
}

#[tokio::test]
async fn after_a_hundred_codes_another_is_refused_and_a_card_still_pays() {
    let checkout = Checkout::start().await;
    let link = checkout.open(asking(3500, "SGD")).await;
    use_up_codes(&checkout, &link).await;
    let pay = link.at("payments");
    let refused = checkout.post(&pay, r#"{"method":"duit-now"}"#).await;
    assert_eq!(
        refused.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        refused.text()
    );
    assert_eq!(refused.json()["code"], "too_many_attempts");
    let shown = checkout.post(&pay, r#"{"method":"paynow"}"#).await.ok();
    assert_eq!(
        shown["nextAction"]["type"], "showQr",
        "the last still waits"
    );

    let refused = checkout.submit(&pay, "method=duit-now").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let change = checkout.get(&format!("{}?change=", link.page())).await;
    checkout.server.clock.advance(Span::minutes(61));
    let again = checkout.submit(&pay, "method=paynow").await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = checkout.get(&link.page()).await;
    for answer in [&refused, &change, &again, &page] {
        let html = answer.text();
        for said in [
            "Too many attempts",
            "no longer offered",
            "You can still pay another way",
        ] {
            assert!(html.contains(said), "{said}: {html}");
        }
        assert!(
            !html.contains("value=\"paynow\"") && html.contains("value=\"card\""),
            "{html}"
        );
        // Nobody is told to begin again what cannot be begun.
        assert!(!html.contains("start again"), "{html}");
    }
    checkout.submit(&pay, CARD).await;
    let page = checkout.get(&link.page()).await;
    assert!(
        page.text().contains("Payment successful"),
        "{}",
        page.text()
    );
}

#[tokio::test]
async fn where_codes_were_the_only_way_the_payer_is_sent_to_the_merchant() {
    let checkout = Checkout::start().await;
    let mut request = asking(3500, "SGD");
    request.methods = vec![Method::PayNow, Method::Fps];
    let link = checkout.open(request).await;
    use_up_codes(&checkout, &link).await;
    let page = checkout.get(&link.page()).await;
    assert!(page.text().contains("Scan to pay"), "{}", page.text());
    assert!(!page.text().contains("Pay another way"), "{}", page.text());
    checkout.server.clock.advance(Span::minutes(61));
    let page = checkout.get(&link.page()).await;
    let again = checkout.submit(&link.at("payments"), "method=paynow").await;
    for html in [page.text(), again.text()] {
        for said in [
            "<h1>Too many attempts</h1>",
            "Please ask Test Shop for a new link",
        ] {
            assert!(html.contains(said), "{said}: {html}");
        }
        assert!(
            !html.contains("class=\"pay\"") && !html.contains("#field-method"),
            "{html}"
        );
    }
}

#[tokio::test]
async fn a_wallet_that_refuses_is_no_card_that_was_declined() {
    let checkout = Checkout::start().await;
    let mut request = asking(3_500_000, "IDR");
    request.methods = vec![Method::GojekId];
    let link = checkout.open(request).await;
    let sent = checkout
        .submit(&link.at("payments"), "method=gojek-id")
        .await;
    let back = checkout
        .submit(&path(&location(&sent)), "choice=refuse")
        .await;
    assert_eq!(path(&location(&back)), link.page());
    let page = checkout.get(&link.page()).await;
    let html = page.text();
    for said in [
        "The payment did not go through",
        "It was not confirmed",
        "You have not been charged",
    ] {
        assert!(html.contains(said), "{said}: {html}");
    }
    let notice = html
        .split("role=\"alert\"")
        .nth(1)
        .and_then(|rest| rest.split("</div></div>").next());
    let notice = notice.expect("a notice").to_lowercase();
    assert!(
        !notice.contains("card") && !notice.contains("bank"),
        "{notice}"
    );
}

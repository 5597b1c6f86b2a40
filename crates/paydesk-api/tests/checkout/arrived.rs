//! Money that came otherwise than it was asked for, and what the page then says: never that it is not there.

use http::StatusCode;
use paydesk_core::time::Span;
use paydesk_core::transaction::ExceptionKind;

use super::*;

/// A payer who was shown a code for 35 Singapore dollars, and the reference in it.
async fn shown_a_code(checkout: &Checkout) -> (Link, String) {
    let link = checkout.open(asking(3500, "SGD")).await;
    let reference = code_for(checkout, &link, "paynow").await;
    (link, reference)
}

/// The reference of the code that the payer asks for.
async fn code_for(checkout: &Checkout, link: &Link, method: &str) -> String {
    let asks = format!(r#"{{"method":"{method}"}}"#);
    let begun = checkout.post(&link.at("payments"), &asks).await.ok();
    let reference = begun["nextAction"]["reference"].as_str();
    reference.expect("a reference").to_owned()
}

async fn send(checkout: &Checkout, reference: &str, amount: &str) {
    let order = serde_json::json!({"reference": reference, "amount": amount}).to_string();
    let sent = checkout.post("/sandbox/bank/transfers", &order).await;
    assert_eq!(sent.status, StatusCode::CREATED, "{}", sent.text());
}

async fn pay_by_card(checkout: &Checkout, link: &Link, number: &str) -> String {
    let pay = link.at("payments");
    let paid = checkout.post(&pay, &card_json(number)).await.ok();
    paid["status"].as_str().expect("a status").to_owned()
}

/// What the merchant does with the money that came as this exception.
async fn merchant_does(checkout: &Checkout, link: &Link, kind: ExceptionKind, act: &str) {
    let (_, transactions) = checkout.stored(link).await;
    let is_it = |transaction: &&Transaction| {
        transaction
            .exception
            .is_some_and(|found| found.kind == kind)
    };
    let found = transactions.iter().find(is_it).expect("an exception");
    let path = format!("/api/v1/transactions/{}/{act}", found.id);
    let done = checkout.server.native(Verb::POST, &path, "{}").await;
    assert!(done.status.is_success(), "{act}: {}", done.text());
}

async fn page(checkout: &Checkout, link: &Link) -> String {
    checkout.get(&link.page()).await.text().to_owned()
}

/// Asserts that the page names the money, says neither that nothing was charged nor that all begins anew, and says it
/// once, where a screen reader hears of it.
fn assert_told(html: &str, words: &str) {
    assert_eq!(html.matches(words).count(), 1, "{words}: {html}");
    let notice = html.split("<div class=\"notice\" role=\"status\">").skip(1);
    assert!(
        notice
            .map(|rest| rest.split("</div>").next())
            .any(|notice| { notice.is_some_and(|notice| notice.contains(words)) }),
        "{words}: {html}"
    );
    for untrue in ["not been charged", "start again"] {
        assert!(!html.contains(untrue), "{untrue}: {html}");
    }
}

const WHOLE: &str = "S$35.00 has arrived. Test Shop knows and will accept or return it.";
const PART: &str = "S$10.00 has arrived. Test Shop knows and will accept or return it.";
const ASK_FIRST: &str = "Ask Test Shop before you pay again.";

#[tokio::test]
async fn who_paid_after_the_code_had_run_out_is_not_asked_again_without_a_word() {
    let checkout = Checkout::start().await;
    let (link, reference) = shown_a_code(&checkout).await;
    checkout.server.clock.advance(Span::minutes(61));
    send(&checkout, &reference, "35").await;
    let html = page(&checkout, &link).await;
    assert_told(&html, WHOLE);
    assert!(
        html.contains(ASK_FIRST) && html.contains("Pay S$35.00"),
        "{html}"
    );
    // All of it that came, however often.
    send(&checkout, &reference, "1.50").await;
    assert_told(&page(&checkout, &link).await, "S$36.50 has arrived.");
    // What was given back is not there any more, and only then is nothing charged.
    merchant_does(&checkout, &link, ExceptionKind::Late, "refund").await;
    let html = page(&checkout, &link).await;
    assert!(html.contains("S$1.50 has arrived."), "{html}");
}

#[tokio::test]
async fn a_part_whose_code_ran_out_is_not_forgotten() {
    let checkout = Checkout::start().await;
    let (link, reference) = shown_a_code(&checkout).await;
    send(&checkout, &reference, "10").await;
    checkout.server.clock.advance(Span::minutes(61));
    assert_told(&page(&checkout, &link).await, PART);
    // Nor while another code is shown, which asks for the whole.
    let other = code_for(&checkout, &link, "fps").await;
    let html = page(&checkout, &link).await;
    assert!(html.contains("Scan to pay"), "{html}");
    assert_told(&html, PART);
    // Money of two currencies is not one sum.
    send(&checkout, &other, "20").await;
    let html = page(&checkout, &link).await;
    assert!(
        html.contains("HK$20.00 has arrived. Please send the missing"),
        "{html}"
    );
    checkout.server.clock.advance(Span::minutes(61));
    let html = page(&checkout, &link).await;
    assert_told(&html, PART);
    assert_told(&html, "HK$20.00 has arrived. Test Shop knows");
}

#[tokio::test]
async fn a_payer_who_would_rather_pay_otherwise_is_told_that_a_part_has_come() {
    let checkout = Checkout::start().await;
    let (link, reference) = shown_a_code(&checkout).await;
    send(&checkout, &reference, "10").await;
    let change = checkout.get(&format!("{}?change=", link.page())).await;
    assert_told(change.text(), PART);
    // Beside the code itself it is said already.
    let html = page(&checkout, &link).await;
    assert!(
        html.contains("S$10.00 has arrived. Please send the missing S$25.00"),
        "{html}"
    );
    assert!(!html.contains("will accept or return it"), "{html}");
}

#[tokio::test]
async fn who_gave_up_after_paying_a_part_reads_what_has_become_of_it() {
    let checkout = Checkout::start().await;
    let (link, reference) = shown_a_code(&checkout).await;
    send(&checkout, &reference, "10").await;
    checkout.submit(&link.at("cancel"), "").await;
    let html = page(&checkout, &link).await;
    assert!(html.contains("You cancelled this payment."), "{html}");
    assert_told(&html, PART);
    send(&checkout, &reference, "35").await;
    assert_told(&page(&checkout, &link).await, "S$45.00 has arrived.");
}

#[tokio::test]
async fn money_that_comes_after_the_end_is_told_of_until_it_is_given_back() {
    let checkout = Checkout::start().await;
    let (link, reference) = shown_a_code(&checkout).await;
    checkout.submit(&link.at("cancel"), "").await;
    let html = page(&checkout, &link).await;
    assert!(html.contains("You have not been charged."), "{html}");
    send(&checkout, &reference, "35").await;
    assert_told(&page(&checkout, &link).await, WHOLE);
    merchant_does(&checkout, &link, ExceptionKind::Late, "refund").await;
    let html = page(&checkout, &link).await;
    assert!(html.contains("You have not been charged."), "{html}");
    assert!(!html.contains("has arrived"), "{html}");
}

#[tokio::test]
async fn late_money_that_was_accepted_is_a_payment_like_any_other() {
    let checkout = Checkout::start().await;
    let mut request = asking(3500, "SGD");
    request.lifetime = Some(Span::minutes(30));
    let link = checkout.open(request).await;
    let reference = code_for(&checkout, &link, "paynow").await;
    checkout.server.clock.advance(Span::minutes(31));
    send(&checkout, &reference, "35").await;
    let html = page(&checkout, &link).await;
    assert!(html.contains("This payment link has expired"), "{html}");
    assert_told(&html, WHOLE);

    merchant_does(&checkout, &link, ExceptionKind::Late, "accept").await;
    let html = page(&checkout, &link).await;
    for said in ["Payment successful", "Test Shop has been paid", "PayNow"] {
        assert!(html.contains(said), "{said}: {html}");
    }
    assert_eq!(total(&html), "S$35.00");
    for over in ["has expired", "ask for a new one", "accept or return"] {
        assert!(!html.contains(over), "{over}: {html}");
    }
    // And whoever would pay it once more hears that it is paid.
    assert_eq!(
        pay_by_card(&checkout, &link, "4242424242424242").await,
        "succeeded"
    );
    assert_eq!(checkout.stored(&link).await.1.len(), 2);
    checkout.server.clock.advance(Span::minutes(10));
    let html = page(&checkout, &link).await;
    assert!(html.contains("This link has already been used"), "{html}");
}

#[tokio::test]
async fn a_part_stays_in_view_when_a_card_pays_or_is_declined() {
    let checkout = Checkout::start().await;
    let (link, reference) = shown_a_code(&checkout).await;
    send(&checkout, &reference, "10").await;
    assert_eq!(
        pay_by_card(&checkout, &link, "4000000000000002").await,
        "declined"
    );
    let html = page(&checkout, &link).await;
    assert!(html.contains("Your card was declined"), "{html}");
    assert_told(&html, PART);

    // The transfer of the whole comes too, and then the card pays: the receipt is of the card's payment alone.
    assert_eq!(
        pay_by_card(&checkout, &link, "4242424242424242").await,
        "succeeded"
    );
    send(&checkout, &reference, "35").await;
    let html = page(&checkout, &link).await;
    assert!(html.contains("Payment successful"), "{html}");
    assert_eq!(total(&html), "S$35.00");
    assert_told(
        &html,
        "S$45.00 more than asked has arrived. Test Shop knows and can return it.",
    );
}

#[tokio::test]
async fn a_part_is_not_denied_where_no_card_may_be_tried_any_more() {
    let checkout = Checkout::start().await;
    let (link, reference) = shown_a_code(&checkout).await;
    send(&checkout, &reference, "10").await;
    for _ in 0..10 {
        pay_by_card(&checkout, &link, "4000000000000002").await;
    }
    let html = page(&checkout, &link).await;
    assert!(html.contains("Too many card attempts"), "{html}");
    assert_told(&html, PART);
}

/// The sum on the receipt.
fn total(html: &str) -> &str {
    let row = html.split("<div class=\"total\">").nth(1).expect("a total");
    let sum = row
        .split("<bdi>")
        .nth(1)
        .and_then(|sum| sum.split("</bdi>").next());
    sum.expect("a sum")
}

#[tokio::test]
async fn a_receipt_is_of_what_was_accepted() {
    let checkout = Checkout::start().await;
    let (link, reference) = shown_a_code(&checkout).await;
    send(&checkout, &reference, "15").await;
    merchant_does(&checkout, &link, ExceptionKind::Partial, "accept").await;
    let html = page(&checkout, &link).await;
    assert!(html.contains("Payment successful"), "{html}");
    assert_eq!(total(&html), "S$15.00");
    assert!(!html.contains("more than asked"), "{html}");

    let (link, reference) = shown_a_code(&checkout).await;
    send(&checkout, &reference, "40").await;
    let html = page(&checkout, &link).await;
    assert_eq!(total(&html), "S$35.00", "the rest is the payer's still");
    assert_told(&html, "S$5.00 more than asked has arrived.");
    merchant_does(&checkout, &link, ExceptionKind::Over, "accept").await;
    let html = page(&checkout, &link).await;
    assert_eq!(total(&html), "S$40.00");
    assert!(!html.contains("more than asked"), "{html}");
}

#[tokio::test]
async fn a_surplus_that_was_given_back_is_no_surplus() {
    let checkout = Checkout::start().await;
    let (link, reference) = shown_a_code(&checkout).await;
    send(&checkout, &reference, "40").await;
    for (back, told) in [(200, Some("S$3.00 more than asked")), (300, None)] {
        let (_, transactions) = checkout.stored(&link).await;
        let path = format!("/api/v1/transactions/{}/refund", transactions[0].id);
        let refund = format!(r#"{{"amount":{back}}}"#);
        let done = checkout.server.native(Verb::POST, &path, refund).await;
        assert!(done.status.is_success(), "{}", done.text());
        let html = page(&checkout, &link).await;
        match told {
            Some(told) => assert_told(&html, told),
            None => assert!(!html.contains("more than asked"), "{html}"),
        }
    }
}

/// What the page's head says of the amount, as a screen reader reads it.
fn amount_read_out(html: &str) -> String {
    let line = html.split("<p class=\"due").nth(1).expect("an amount");
    let line = line.split("</p>").next().expect("its end");
    let texts = line
        .split('<')
        .skip(1)
        .filter_map(|tag| tag.split_once('>'));
    texts.map(|(_, text)| text).collect()
}

#[tokio::test]
async fn the_amount_is_read_out_as_what_it_is() {
    let checkout = Checkout::start().await;
    let read_out = async |link: &Link| amount_read_out(&page(&checkout, link).await);

    let (link, reference) = shown_a_code(&checkout).await;
    assert_eq!(read_out(&link).await, "Amount due: S$35.00");
    send(&checkout, &reference, "10").await;
    assert_eq!(read_out(&link).await, "Amount due: S$25.00");
    // Another method would ask for the whole.
    let change = checkout.get(&format!("{}?change=", link.page())).await;
    assert_eq!(amount_read_out(change.text()), "Amount due: S$35.00");
    merchant_does(&checkout, &link, ExceptionKind::Partial, "accept").await;
    assert_eq!(read_out(&link).await, "Total: S$10.00");

    // What is missing of a payment in another currency is told in the order's own.
    let link = checkout.open(asking(3500, "SGD")).await;
    assert_eq!(read_out(&link).await, "Amount due: S$35.00");
    let reference = code_for(&checkout, &link, "fps").await;
    let (_, transactions) = checkout.stored(&link).await;
    let half = transactions[0].amount.minor() / 2;
    send(
        &checkout,
        &reference,
        &format!("{}.{:02}", half / 100, half % 100),
    )
    .await;
    assert_eq!(read_out(&link).await, "Amount due: S$17.50");
    merchant_does(&checkout, &link, ExceptionKind::Partial, "accept").await;
    assert_eq!(read_out(&link).await, "Total: S$17.50");

    let link = checkout.open(asking(3500, "SGD")).await;
    checkout.submit(&link.at("payments"), CARD).await;
    assert_eq!(read_out(&link).await, "Total: S$35.00");
    let link = checkout.open(asking(3500, "SGD")).await;
    checkout.submit(&link.at("cancel"), "").await;
    assert_eq!(read_out(&link).await, "S$35.00");

    let mut open = asking(1, "SGD");
    open.amount = Amount::AtLeast(money(500, "SGD"));
    let link = checkout.open(open).await;
    assert_eq!(read_out(&link).await, "Amount due: You choose the amount");
    let form = format!("{CARD}&amount=12.50");
    checkout.submit(&link.at("payments"), &form).await;
    assert_eq!(read_out(&link).await, "Total: S$12.50");

    let mut storing = asking(1, "SGD");
    let currency = money(1, "SGD").currency();
    (storing.kind, storing.amount) = (Kind::AddPaymentMethod, Amount::Nothing(currency));
    let link = checkout.open(storing).await;
    checkout.submit(&link.at("payments"), CARD).await;
    assert_eq!(read_out(&link).await, "Nothing is charged now");
}

//! Paying, with and without a script.

use http::StatusCode;
use paydesk_core::session::{Amount, CustomField, CustomerDetails, StateName};
use paydesk_core::time::Span;
use paydesk_core::transaction::Status;

use super::*;

#[tokio::test]
async fn a_payer_without_a_script_pays_by_qr_code() {
    let checkout = Checkout::start().await;
    let link = checkout.open(asking(3500, "SGD")).await;
    let page = checkout.get(&link.page()).await;
    // An old browser: it does not say where it comes from, so the form's own code must.
    let code = attribute(page.text(), "name=\"formCode\"", "value");
    let form = format!("formCode={code}&method=paynow&card.number=&card.expiry=&card.cvc=");
    let action = attribute(page.text(), "class=\"pay\"", "action");
    let answer = checkout
        .server
        .request(Verb::POST, &action, &[FORM], form)
        .await;
    assert_eq!(location(&answer), link.page());

    let waiting = checkout.get(&link.page()).await;
    assert!(waiting.text().contains("Scan to pay"));
    assert!(
        waiting
            .text()
            .contains("<noscript><meta http-equiv=\"refresh\"")
    );
    let png = checkout.get(&link.at("qr.png")).await;
    assert_eq!(png.headers["content-type"], "image/png");
    assert!(png.body.starts_with(b"\x89PNG"));

    let bank = checkout
        .get(&attribute(waiting.text(), "/sandbox/bank?", "href"))
        .await;
    let qr_code = attribute(bank.text(), "name=\"qrCode\"", "value");
    let order: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("qrCode", &qr_code)
        .append_pair(
            "amount",
            &attribute(bank.text(), "name=\"amount\"", "value"),
        )
        .finish();
    let sent = checkout
        .submit(&attribute(bank.text(), "class=\"pay\"", "action"), &order)
        .await;
    assert_eq!(location(&sent), link.page());
    assert!(
        checkout
            .get(&link.page())
            .await
            .text()
            .contains("Payment successful")
    );
}

#[tokio::test]
async fn a_declined_payer_reads_why_and_tries_again() {
    let checkout = Checkout::start().await;
    let link = checkout.open(asking(3500, "SGD")).await;
    for (number, words) in [
        ("4000000000000002", "Your bank did not say why"),
        ("4000000000009995", "not enough money"),
        ("4000000000000069", "This card has expired"),
        ("4000000000000127", "The security code is wrong"),
        ("4000000000000119", "Something went wrong on the way"),
    ] {
        checkout.server.clock.advance(Span::seconds(30));
        let declined = CARD.replace("4242+4242+4242+4242", number);
        assert_eq!(
            location(&checkout.submit(&link.at("payments"), &declined).await),
            link.page()
        );
        let page = checkout.get(&link.page()).await;
        assert!(page.text().contains(words), "{words}: {}", page.text());
        assert!(page.text().contains("You have not been charged"));
        assert!(page.text().contains("name=\"card.number\""));
        assert!(!page.text().contains(number));
    }
    checkout.submit(&link.at("payments"), CARD).await;
    assert!(
        checkout
            .get(&link.page())
            .await
            .text()
            .contains("Payment successful")
    );
}

#[tokio::test]
async fn a_form_comes_back_with_what_is_wrong_and_without_the_card() {
    let checkout = Checkout::start().await;
    let mut request = asking(3500, "SGD");
    request.custom_fields = vec![CustomField {
        name: "size".to_owned(),
        label: "T-shirt size".to_owned(),
        required: true,
    }];
    let link = checkout.open(request).await;
    let empty = checkout
        .submit(
            &link.at("payments"),
            "method=card&card.number=&customFields.size=",
        )
        .await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    // Each is named where they are listed.
    for listed in [
        "#field-customFields-size\">T-shirt size: Please fill this in.",
        "#field-card-number\">Card number: Enter the 12 to 19 digits",
        "#field-card-expiry\">Expiry date: Enter month and year",
        "#field-card-cvc\">Security code: Enter the 3 or 4 digits",
    ] {
        assert!(empty.text().contains(listed), "{listed}: {}", empty.text());
    }
    // All mistakes at once.
    for field in [
        "card.number",
        "card.expiry",
        "card.cvc",
        "customFields.size",
    ] {
        let wrong = format!("name=\"{field}\"");
        assert!(
            empty
                .text()
                .split('<')
                .any(|tag| tag.contains(&wrong) && tag.contains("aria-invalid")),
            "{field}"
        );
    }
    for (number, expiry, cvc, words) in [
        ("4111111111111111", "12/40", "987", "use a test card"),
        ("4242424242424242", "12/20", "987", "in the past"),
        ("4242424242424242", "13/40", "987", "month and year"),
        ("4242424242424242", "12/40", "98", "3 or 4 digits"),
        ("42", "12/40", "987", "12 to 19 digits"),
    ] {
        let form = format!(
            "method=card&card.number={number}&card.expiry={expiry}&card.cvc={cvc}&customFields.size=XL"
        );
        let back = checkout.submit(&link.at("payments"), &form).await;
        assert_eq!(back.status, StatusCode::UNPROCESSABLE_ENTITY);
        let html = back.text();
        assert!(html.contains(words), "{words}");
        assert_eq!(attribute(html, "name=\"customFields.size\"", "value"), "XL");
        for name in ["card.number", "card.expiry", "card.cvc"] {
            let input = html
                .split('<')
                .find(|tag| tag.contains(&format!("name=\"{name}\"")))
                .unwrap();
            assert!(!input.contains("value="), "{input}");
        }
    }
    let (session, _) = checkout.stored(&link).await;
    assert_eq!(
        session.state.name(),
        StateName::Created,
        "nothing was begun"
    );
}

#[tokio::test]
async fn the_payer_chooses_an_amount_in_the_words_of_the_language() {
    let checkout = Checkout::start().await;
    let mut request = asking(1, "EUR");
    request.amount = Amount::AtLeast(money(500, "EUR"));
    let link = checkout.open(request).await;
    let pay = format!("{}?lang=fr", link.at("payments"));
    let card = "&card.number=4242424242424242&card.expiry=12%2F40&card.cvc=123";
    for (typed, words) in [
        ("4,99", "Saisissez au moins 5,00\u{a0}€"),
        ("abc", "Saisissez un montant"),
        ("", "Veuillez remplir"),
    ] {
        let back = checkout
            .submit(&pay, &format!("method=card&amount={typed}{card}"))
            .await;
        assert_eq!(back.status, StatusCode::UNPROCESSABLE_ENTITY, "{typed}");
        assert!(back.text().contains(words), "{typed}: {}", back.text());
        assert_eq!(attribute(back.text(), "name=\"amount\"", "value"), typed);
        assert!(
            back.text()
                .contains(&format!("#field-amount\">Montant\u{a0}: {words}"))
        );
    }
    let paid = checkout
        .submit(&pay, &format!("method=card&amount=1+234%2C50{card}"))
        .await;
    assert_eq!(location(&paid), format!("{}?lang=fr", link.page()));
    let (_, transactions) = checkout.stored(&link).await;
    assert_eq!(transactions[0].amount, money(123_450, "EUR"));
}

#[tokio::test]
async fn a_payer_confirms_with_the_bank_and_comes_back() {
    let checkout = Checkout::start().await;
    let card = CARD.replace("4242+4242+4242+4242", "4000000000003220");
    for (choice, words) in [
        ("approve", "Payment successful"),
        ("refuse", "could not confirm that it is you"),
    ] {
        let link = checkout.open(asking(3500, "SGD")).await;
        let away = path(&location(
            &checkout.submit(&link.at("payments"), &card).await,
        ));
        assert!(away.starts_with("/sandbox/3ds/"), "{away}");
        let waiting = checkout.get(&link.page()).await;
        assert!(waiting.text().contains("Continue to your bank"));
        let asked = checkout.get(&away).await;
        assert!(asked.text().contains("S$35.00") && asked.text().contains("Test Shop"));
        let code = attribute(asked.text(), "name=\"formCode\"", "value");
        let form = format!("formCode={code}&choice={choice}");
        let back = checkout
            .server
            .request(Verb::POST, &away, &[FORM], form)
            .await;
        assert_eq!(path(&location(&back)), link.page());
        let page = checkout.get(&link.page()).await;
        assert!(page.text().contains(words), "{}", page.text());
    }
}

#[tokio::test]
async fn a_payer_confirms_in_a_wallet_and_comes_back() {
    let checkout = Checkout::start().await;
    let link = checkout.open(asking(35_000, "KRW")).await;
    let away = path(&location(
        &checkout.submit(&link.at("payments"), "method=toss").await,
    ));
    assert!(away.starts_with("/sandbox/wallet/"), "{away}");
    let back = checkout.submit(&away, "choice=approve").await;
    assert_eq!(path(&location(&back)), link.page());
    assert!(
        checkout
            .get(&link.page())
            .await
            .text()
            .contains("Payment successful")
    );
}

#[tokio::test]
async fn paying_twice_at_once_charges_once_and_both_are_told_so() {
    let checkout = Checkout::start().await;
    let link = checkout.open(asking(3500, "SGD")).await;
    let json = card_json("4242424242424242");
    let pay = link.at("payments");
    let (one, two, three) = tokio::join!(
        checkout.post(&pay, &json),
        checkout.post(&pay, &json),
        checkout.submit(&pay, CARD),
    );
    for answer in [one, two] {
        let status = answer.ok()["status"].as_str().unwrap().to_owned();
        assert!(status == "succeeded" || status == "pending", "{status}");
    }
    assert_eq!(location(&three), link.page());
    // And once more, when it is long done.
    assert_eq!(checkout.post(&pay, &json).await.ok()["status"], "succeeded");
    assert_eq!(location(&checkout.submit(&pay, CARD).await), link.page());
    let charges = checkout
        .server
        .ledger
        .charges(None, 10)
        .await
        .unwrap()
        .charges;
    assert_eq!(charges.len(), 1);
    let (_, transactions) = checkout.stored(&link).await;
    assert_eq!(transactions.len(), 1);
}

#[tokio::test]
async fn a_payer_changes_from_a_code_to_a_card() {
    let checkout = Checkout::start().await;
    let link = checkout.open(asking(3500, "SGD")).await;
    checkout.submit(&link.at("payments"), "method=paynow").await;
    let waiting = checkout.get(&link.page()).await;
    let change = attribute(waiting.text(), "?change=", "href");
    let again = checkout.get(&change).await;
    assert!(again.text().contains("name=\"card.number\""));
    assert_eq!(
        checkout.stored(&link).await.1.len(),
        1,
        "looking changed nothing"
    );
    checkout.submit(&link.at("payments"), CARD).await;
    let (session, transactions) = checkout.stored(&link).await;
    assert_eq!(session.state.name(), StateName::Completed);
    let left = |transaction: &Transaction| matches!(transaction.status, Status::Cancelled { .. });
    assert!(transactions.iter().any(left));
}

#[tokio::test]
async fn a_code_that_ran_out_is_asked_for_afresh() {
    let checkout = Checkout::start().await;
    let link = checkout.open(asking(3500, "SGD")).await;
    checkout.submit(&link.at("payments"), "method=paynow").await;
    checkout.server.clock.advance(Span::minutes(61));
    let page = checkout.get(&link.page()).await;
    assert!(
        page.text().contains("Your time to pay ran out"),
        "{}",
        page.text()
    );
    checkout.submit(&link.at("payments"), "method=paynow").await;
    assert!(
        checkout
            .get(&link.page())
            .await
            .text()
            .contains("Scan to pay")
    );
}

#[tokio::test]
async fn giving_up_leads_back_to_the_page_and_to_the_merchant() {
    let checkout = Checkout::start().await;
    let mut request = asking(3500, "SGD");
    request.cancel_url = Some("https://shop.example/basket".to_owned());
    let link = checkout.open(request).await;
    checkout.submit(&link.at("payments"), "method=paynow").await;
    assert_eq!(
        location(&checkout.submit(&link.at("cancel"), "").await),
        link.page()
    );
    let page = checkout.get(&link.page()).await;
    assert!(page.text().contains("You cancelled this payment"));
    assert!(page.text().contains("href=\"https://shop.example/basket\""));
    assert_eq!(
        checkout.post(&link.at("cancel"), "").await.ok()["status"],
        "cancelled"
    );
}

#[tokio::test]
async fn json_answers_say_what_the_payer_must_do_next() {
    let checkout = Checkout::start().await;
    let link = checkout.open(asking(3500, "SGD")).await;
    assert_eq!(
        checkout
            .post(&link.at("initiate"), r#"{"method":"card"}"#)
            .await
            .ok()["status"],
        "initiated"
    );
    let declined = checkout
        .post(&link.at("payments"), &card_json("4000000000009995"))
        .await
        .ok();
    assert_eq!(
        declined,
        serde_json::json!({"status": "declined", "declineReason": "insufficient_funds"})
    );
    let failed = checkout
        .post(&link.at("payments"), &card_json("4000000000000119"))
        .await
        .ok();
    assert_eq!(
        failed,
        serde_json::json!({"status": "failed", "failureReason": "processing_error"})
    );
    let asked = checkout
        .post(&link.at("payments"), &card_json("4000000000003220"))
        .await
        .ok();
    assert_eq!(
        (&asked["status"], &asked["nextAction"]["type"]),
        (&"pending".into(), &"threeDS".into())
    );
    let scan = checkout
        .post(&link.at("payments"), r#"{"method":"paynow"}"#)
        .await
        .ok();
    assert_eq!(scan["nextAction"]["type"], "showQr");
    assert!(
        scan["nextAction"]["qrCode"]
            .as_str()
            .unwrap()
            .starts_with("000201")
    );
    assert!(
        scan["nextAction"]["svg"]
            .as_str()
            .unwrap()
            .starts_with("<svg")
    );
    let link = checkout.open(asking(42_000, "HKD")).await;
    let transfer = checkout
        .post(
            &link.at("payments"),
            r#"{"method":"hk-bank-transfer","amount":42000}"#,
        )
        .await
        .ok();
    assert_eq!(transfer["nextAction"]["type"], "bankTransfer");
    assert_eq!(
        transfer["nextAction"]["reference"].as_str().unwrap().len(),
        10
    );
    let wrong = checkout
        .post(
            &link.at("payments"),
            r#"{"method":"hk-bank-transfer","amount":42001}"#,
        )
        .await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert_eq!(wrong.headers["content-type"], "application/problem+json");
    assert_eq!(
        (&wrong.json()["code"], &wrong.json()["field"]),
        (&"amount_differs".into(), &"amount".into())
    );
}

#[tokio::test]
async fn whoever_reloads_a_form_that_came_back_gets_the_page() {
    let checkout = Checkout::start().await;
    let link = checkout.open(asking(3500, "SGD")).await;
    for act in ["payments", "initiate", "cancel"] {
        let reloaded = checkout.get(&format!("{}?lang=th", link.at(act))).await;
        assert_eq!(location(&reloaded), format!("{}?lang=th", link.page()));
    }
    assert_eq!(checkout.stored(&link).await.0.version, 1);
}

#[tokio::test]
async fn a_stored_card_pays_for_its_own_customer_only() {
    let checkout = Checkout::start().await;
    let customer = |code: &str| {
        Some(CustomerDetails {
            code: Some(code.to_owned()),
            ..CustomerDetails::default()
        })
    };
    let currency = money(1, "SGD").currency();
    let mut storing = asking(1, "SGD");
    (storing.kind, storing.amount) = (Kind::AddPaymentMethod, Amount::Nothing(currency));
    storing.customer = customer("mei-ling");
    let link = checkout.open(storing).await;
    checkout
        .post(&link.at("payments"), &card_json("4242424242424242"))
        .await;
    let stored = checkout.stored(&link).await.1[0]
        .payment_method
        .expect("a stored card");

    let json = format!(r#"{{"method":"card","savedMethod":"{stored}"}}"#);
    for (code, right, status, answer) in [
        ("mei-ling", Right::ClientSecret, 200, "succeeded"),
        (
            "somebody",
            Right::ClientSecret,
            404,
            "payment_method_not_found",
        ),
        // A link may be in many hands.
        ("mei-ling", Right::Page, 400, "invalid_field"),
    ] {
        let mut paying = asking(3500, "SGD");
        paying.customer = customer(code);
        let page = checkout.open(paying).await;
        let link = checkout.link(&checkout.stored(&page).await.0, right);
        let paid = checkout.post(&link.at("payments"), &json).await;
        assert_eq!(paid.status.as_u16(), status, "{}", paid.text());
        let said = if status == 200 { "status" } else { "code" };
        assert_eq!(paid.json()[said], answer);
    }
}

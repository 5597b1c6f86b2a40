//! What the page shows.

use http::{Method as Verb, StatusCode};
use paydesk_api::checkout::proof;
use paydesk_core::engine::end_session::End;
use paydesk_core::session::{
    Amount, Canceller, CustomField, CustomerDetails, LineItem, Phone, StateName,
};
use paydesk_core::time::Span;

use super::*;

#[tokio::test]
async fn a_page_says_who_is_paid_how_much_and_for_what() {
    let checkout = Checkout::start().await;
    let mut request = asking(3500, "SGD");
    request.title = Some("Order 58109".to_owned());
    request.line_items = vec![LineItem {
        id: Some("secret-sku".to_owned()),
        name: "Kaya jam".to_owned(),
        quantity: 2,
        amount: money(1750, "SGD"),
    }];
    let link = checkout.open(request).await;
    let page = checkout.get(&link.page()).await;
    assert_eq!(page.status, StatusCode::OK);
    let html = page.text();
    for text in [
        "Test Shop",
        "S$35.00",
        "Order 58109",
        "Kaya jam",
        "× 2",
        "S$17.50",
        "PayNow",
        "Pay S$35.00",
    ] {
        assert!(html.contains(text), "{text} is not on the page");
    }
    assert!(!html.contains("secret-sku"));
}

#[tokio::test]
async fn one_thing_alone_needs_no_list() {
    let checkout = Checkout::start().await;
    let mut request = asking(3500, "SGD");
    let item = |quantity, amount| LineItem {
        id: None,
        name: "Kaya jam".to_owned(),
        quantity,
        amount: money(amount, "SGD"),
    };
    for (items, title, is_listed) in [
        (vec![item(1, 3500)], None, false),
        (vec![item(1, 3500)], Some("Kaya jam"), false),
        (vec![item(1, 3500)], Some("Order 58109"), true),
        (vec![item(2, 1750)], None, true),
        (vec![item(1, 3000)], None, true),
        (vec![item(1, 3000), item(1, 500)], None, true),
    ] {
        request.line_items = items;
        request.title = title.map(str::to_owned);
        let link = checkout.open(request.clone()).await;
        let page = checkout.get(&link.page()).await;
        let listed = page.text().contains("class=\"items\"");
        assert_eq!(listed, is_listed, "{:?}", request.line_items);
        assert!(page.text().contains("Kaya jam"));
    }
}

#[tokio::test]
async fn a_stored_cards_receipt_speaks_of_no_payment() {
    let checkout = Checkout::start().await;
    let mut request = asking(1, "SGD");
    let currency = money(1, "SGD").currency();
    (request.kind, request.amount) = (Kind::AddPaymentMethod, Amount::Nothing(currency));
    let link = checkout.open(request).await;
    checkout.submit(&link.at("payments"), CARD).await;
    let page = checkout.get(&link.page()).await;
    assert!(page.text().contains("Card saved"), "{}", page.text());
    for label in ["Paid to", "Paid with", "Total"] {
        assert!(!page.text().contains(label), "{label}");
    }
}

#[tokio::test]
async fn fields_say_what_may_be_filled_in_and_which_keyboard_suits() {
    let checkout = Checkout::start().await;
    let mut request = asking(3500, "SGD");
    request.amount = Amount::AtLeast(money(500, "SGD"));
    request.customer = Some(CustomerDetails {
        email: Some("a@b.example".to_owned()),
        phone: Some(Phone {
            code: "+65".to_owned(),
            number: "81234567".to_owned(),
        }),
        ..CustomerDetails::default()
    });
    let link = checkout.open(request).await;
    let page = checkout.get(&link.page()).await;
    for (name, autocomplete, inputmode) in [
        ("email", "email", "email"),
        ("phone", "tel", "tel"),
        ("amount", "transaction-amount", "decimal"),
        ("card.number", "cc-number", "numeric"),
        ("card.expiry", "cc-exp", "numeric"),
        ("card.cvc", "cc-csc", "numeric"),
    ] {
        let within = format!("name=\"{name}\"");
        let has = |attribute_name| attribute(page.text(), &within, attribute_name);
        assert_eq!(has("autocomplete"), autocomplete, "{name}");
        assert_eq!(has("inputmode"), inputmode, "{name}");
    }
    let name = attribute(page.text(), "name=\"card.name\"", "autocomplete");
    assert_eq!(name, "cc-name");
}

#[tokio::test]
async fn looking_never_begins_a_session() {
    let checkout = Checkout::start().await;
    let link = checkout.open(asking(3500, "SGD")).await;
    let entry = format!("/?sessionId={}&isSandbox=true", link.text);
    for path in [
        link.page(),
        link.at("state"),
        link.at("qr.png"),
        entry,
        format!("{}?change=&lang=fr", link.page()),
    ] {
        checkout.get(&path).await;
        checkout.server.request(Verb::HEAD, &path, &[], "").await;
    }
    let (session, transactions) = checkout.stored(&link).await;
    assert_eq!(session.state.name(), StateName::Created);
    assert_eq!((session.version, transactions.len()), (1, 0));
}

#[tokio::test]
async fn a_page_and_what_it_loads_is_small_and_all_from_here() {
    let checkout = Checkout::start().await;
    let link = checkout.open(asking(3500, "SGD")).await;
    checkout
        .post(&link.at("payments"), r#"{"method":"paynow"}"#)
        .await;
    // The page with a QR code in it is the largest.
    let page = checkout.get(&link.page()).await;
    let html = page.text();
    assert!(html.contains("<svg") && html.contains("data-countdown"));
    let mut size = html.len();
    let mut loaded = 0;
    for part in html.split(['<', '>']) {
        assert!(
            !part.contains(" style=") && !part.contains(" onclick="),
            "inline: {part}"
        );
        let is_loaded =
            part.starts_with("link ") || part.starts_with("script ") || part.starts_with("img ");
        if !is_loaded {
            continue;
        }
        let address = part
            .split([' ', '"'])
            .find(|word| word.starts_with('/') || word.contains("//"))
            .expect("an address")
            .to_owned();
        assert!(address.starts_with("/pay/assets/"), "{address}");
        let asset = checkout.get(&address).await;
        assert_eq!(asset.status, StatusCode::OK, "{address}");
        assert_eq!(
            asset.headers["cache-control"],
            "public, max-age=31536000, immutable"
        );
        assert_eq!(asset.headers["x-content-type-options"], "nosniff");
        size += asset.body.len();
        loaded += 1;
        // The same file under another hash is served too, while versions change, but is not kept.
        let other = address.replace("/assets/", "/assets/0");
        let other = checkout.get(&other).await;
        assert_eq!(other.headers["cache-control"], "no-store");
    }
    assert_eq!(loaded, 3);
    assert!(size <= 60 * 1024, "{size} bytes");
}

#[tokio::test]
async fn what_merchants_write_is_text_and_never_markup() {
    let checkout = Checkout::start().await;
    let mut request = asking(3500, "SGD");
    let attack = "\"><script>alert(1)</script>";
    request.title = Some(attack.to_owned());
    request.description = Some(attack.to_owned());
    request.custom_fields = vec![CustomField {
        name: attack.to_owned(),
        label: attack.to_owned(),
        required: false,
    }];
    request.line_items = vec![LineItem {
        id: None,
        name: attack.to_owned(),
        quantity: 1,
        amount: money(1, "SGD"),
    }];
    request.customer = Some(CustomerDetails {
        email: Some(attack.to_owned()),
        ..CustomerDetails::default()
    });
    let link = checkout.open(request).await;
    let page = checkout.get(&link.page()).await;
    assert!(!page.text().contains("<script>alert"));
    // What a payer writes neither.
    let form = format!(
        "method=card&email={}",
        "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E"
    );
    let returned = checkout.submit(&link.at("payments"), &form).await;
    assert_eq!(returned.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!returned.text().contains("<script>alert"));
}

#[tokio::test]
async fn every_page_has_one_heading_and_a_name_for_each_input() {
    let checkout = Checkout::start().await;
    let mut pages = vec![checkout.get("/pay/nothing").await];
    let mut request = asking(3500, "SGD");
    request.customer = Some(CustomerDetails {
        email: Some("a@b.c".to_owned()),
        ..CustomerDetails::default()
    });
    request.amount = Amount::AtLeast(money(500, "SGD"));
    let link = checkout.open(request).await;
    pages.push(checkout.get(&link.page()).await);
    pages.push(checkout.submit(&link.at("payments"), "method=card").await);
    let link = checkout.open(asking(3500, "SGD")).await;
    checkout.submit(&link.at("payments"), "method=paynow").await;
    pages.push(checkout.get(&link.page()).await);
    checkout.submit(&link.at("payments"), CARD).await;
    pages.push(checkout.get(&link.page()).await);
    for page in &pages {
        let html = page.text();
        assert_eq!(proof::foreign_markup(html, ""), [] as [&str; 0], "{html}");
        assert_eq!(html.matches("<h1").count(), 1, "{html}");
        assert!(html.starts_with("<!doctype html>\n<html lang=\"en\" dir=\"ltr\">"));
        for input in html
            .split("<input ")
            .skip(1)
            .filter(|input| !input.contains("type=\"hidden\""))
        {
            let input = input.split('>').next().unwrap();
            if input.contains("type=\"radio\"") {
                continue;
            }
            let id = input
                .split("id=\"")
                .nth(1)
                .and_then(|rest| rest.split('"').next())
                .expect("an id");
            assert!(
                html.contains(&format!("<label for=\"{id}\"")),
                "{id} has no label"
            );
            for about in input
                .split("aria-describedby=\"")
                .nth(1)
                .and_then(|ids| ids.split('"').next())
                .unwrap_or("")
                .split(' ')
            {
                assert!(
                    about.is_empty() || html.contains(&format!("id=\"{about}\"")),
                    "{about} is nowhere"
                );
            }
        }
    }
}

#[tokio::test]
async fn what_the_merchant_knows_is_filled_in_and_what_the_payer_writes_is_kept() {
    let checkout = Checkout::start().await;
    let mut request = asking(3500, "SGD");
    request.customer = Some(CustomerDetails {
        email: Some("customer@gmail.com".to_owned()),
        phone: Some(Phone {
            code: "+65".to_owned(),
            number: "12345678901".to_owned(),
        }),
        ..CustomerDetails::default()
    });
    let link = checkout.open(request).await;
    let page = checkout.get(&link.page()).await;
    let value = |id| attribute(page.text(), id, "value");
    assert_eq!(value("id=\"field-email\""), "customer@gmail.com");
    assert_eq!(value("id=\"field-phone\""), "+65 12345678901");
    let form = "method=paynow&email=other%40gmail.com&phone=";
    checkout.submit(&link.at("payments"), form).await;
    let (_, transactions) = checkout.stored(&link).await;
    let contact = transactions[0].contact.clone().unwrap();
    assert_eq!(
        (contact.email.as_deref(), contact.phone),
        (Some("other@gmail.com"), None)
    );
}

#[tokio::test]
async fn an_ended_session_offers_no_way_to_pay() {
    let checkout = Checkout::start().await;
    let expired = checkout.open(asking(3500, "SGD")).await;
    let cancelled = checkout.open(asking(3500, "SGD")).await;
    let end = End::Cancel(Canceller::Merchant);
    checkout
        .server
        .engine
        .end_session(checkout.tenant, cancelled.authority.session, end, None)
        .await
        .unwrap();
    // Nobody swept: time alone has ended it.
    checkout.server.clock.advance(Span::days(7));
    for (link, title) in [
        (&expired, "This payment link has expired"),
        (&cancelled, "Payment cancelled"),
    ] {
        let page = checkout.get(&link.page()).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text().contains(title), "{}", page.text());
        assert!(!page.text().contains("<form") && !page.text().contains("<input"));
        // No request of any kind pays it.
        assert_eq!(
            location(&checkout.submit(&link.at("payments"), CARD).await),
            link.page()
        );
        let refused = checkout
            .post(&link.at("payments"), &card_json("4242424242424242"))
            .await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(checkout.stored(link).await.1.is_empty());
    }
    assert_eq!(
        checkout
            .server
            .ledger
            .charges(None, 10)
            .await
            .unwrap()
            .charges
            .len(),
        0
    );
}

#[tokio::test]
async fn a_receipt_turns_into_a_used_link() {
    let checkout = Checkout::start().await;
    let mut request = asking(3500, "SGD");
    request.success_url = Some("https://shop.example/thanks?a=1&b=2".to_owned());
    let link = checkout.open(request).await;
    checkout.submit(&link.at("payments"), CARD).await;
    let receipt = checkout.get(&link.page()).await;
    assert!(receipt.text().contains("Payment successful"));
    assert_eq!(
        attribute(receipt.text(), "data-go", "href"),
        "https://shop.example/thanks?a=1&b=2"
    );
    let (_, transactions) = checkout.stored(&link).await;
    assert!(receipt.text().contains(&transactions[0].id.to_string()));
    checkout.server.clock.advance(Span::minutes(10));
    let used = checkout.get(&link.page()).await;
    assert!(used.text().contains("This link has already been used"));
    assert!(!used.text().contains("data-go") && !used.text().contains("<form"));
}

#[tokio::test]
async fn xanpays_address_opens_the_page_of_its_own_mode_only() {
    let checkout = Checkout::start().await;
    let link = checkout.open(asking(3500, "SGD")).await;
    for begin in ["/", "/checkout"] {
        let page = checkout
            .get(&format!("{begin}?sessionId={}&isSandbox=true", link.text))
            .await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text().contains("S$35.00"));
        assert_eq!(
            attribute(page.text(), "class=\"pay\"", "action"),
            link.at("payments")
        );
        for wrong in ["", "&isSandbox=false", "&isSandbox=1"] {
            let page = checkout
                .get(&format!("{begin}?sessionId={}{wrong}", link.text))
                .await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{wrong}");
        }
    }
    let mut live = link.authority;
    live.tenant.mode = Mode::Live;
    let live = live.to_text(checkout.server.engine.keys());
    let page = checkout
        .get(&format!("/?sessionId={live}&isSandbox=true"))
        .await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert_eq!(checkout.get("/").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn xanpays_one_address_leads_back_whatever_happened() {
    let checkout = Checkout::start().await;
    for (door, leads_back) in [(Door::XanPay, true), (Door::Native, false)] {
        let mut request = asking(3500, "SGD");
        request.door = door;
        request.success_url = Some("https://shop.example/".to_owned());
        let link = checkout.open(request).await;
        checkout.submit(&link.at("cancel"), "").await;
        let page = checkout.get(&link.page()).await;
        let back = page.text().contains("href=\"https://shop.example/\"");
        assert_eq!(back, leads_back, "{door:?}");
    }
}

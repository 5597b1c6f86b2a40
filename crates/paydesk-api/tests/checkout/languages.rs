//! In which language the page speaks.

use paydesk_core::id::{OrderId, SystemIds};
use paydesk_core::session::{Flow, LineItem, Ordered};

use super::*;

#[tokio::test]
async fn the_payers_language_is_spoken() {
    let checkout = Checkout::start().await;
    let mut request = asking(3500, "SGD");
    request.locale = Some("th-TH".to_owned());
    let thai = checkout.open(request).await;
    let plain = checkout.open(asking(3500, "SGD")).await;
    let accepts = |value| [header("accept-language", value)];
    let read = async |path: String, accepted| {
        let answer = checkout
            .server
            .request(Verb::GET, &path, &accepts(accepted), "")
            .await;
        let html = answer.text().to_owned();
        (
            attribute(&html, "html lang", "lang"),
            attribute(&html, "html lang", "dir"),
            html,
        )
    };
    let (lang, dir, html) = read(format!("{}?lang=ar", thai.page()), "fr").await;
    assert_eq!((lang.as_str(), dir.as_str()), ("ar", "rtl"));
    // The choice stays with the payer: the form's answer speaks the same language.
    assert_eq!(
        attribute(
            &html,
            "<form class=\"pay\"".trim_start_matches('<'),
            "action"
        ),
        format!("{}?lang=ar", thai.at("payments"))
    );
    assert_eq!(read(thai.page(), "fr").await.0, "th");
    let (lang, _, html) = read(plain.page(), "de, fr-CA;q=0.8, en;q=0.5").await;
    assert_eq!(lang, "fr");
    assert!(html.contains("Payer 35,00\u{a0}S$"), "{html}");
    assert_eq!(read(plain.page(), "tlh").await.0, "en");
    assert_eq!(read("/pay/nothing?lang=ko".to_owned(), "").await.0, "ko");
}

#[tokio::test]
async fn the_merchants_language_is_for_sessions_that_name_none_that_is_spoken() {
    let checkout = Checkout::start().await;
    let set = r#"{"locale":"th-TH"}"#;
    let set = checkout
        .server
        .native(Verb::PATCH, "/api/v1/merchant", set)
        .await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.text());
    let spoken = async |sessions: Option<&str>, query: &str| {
        let mut request = asking(3500, "SGD");
        request.locale = sessions.map(str::to_owned);
        let link = checkout.open(request).await;
        let french = [
            FORM,
            header("accept-language", "fr"),
            header("sec-fetch-site", "same-origin"),
        ];
        let (page, pay) = (link.page() + query, link.at("payments") + query);
        let page = checkout.server.request(Verb::GET, &page, &french, "").await;
        let back = checkout.server.request(Verb::POST, &pay, &french, "").await;
        assert_eq!(back.status, StatusCode::UNPROCESSABLE_ENTITY);
        [page, back].map(|answer| attribute(answer.text(), "html lang", "lang"))
    };
    assert_eq!(spoken(None, "").await, ["th", "th"]);
    assert_eq!(spoken(Some("ko-KR"), "").await, ["ko", "ko"]);
    assert_eq!(spoken(Some("de"), "").await, ["th", "th"]);
    assert_eq!(spoken(None, "?lang=es").await, ["es", "es"]);
}

#[tokio::test]
async fn the_tax_that_was_added_is_called_so_in_the_payers_language() {
    let checkout = Checkout::start().await;
    let mut request = asking(3500, "SGD");
    let item = |id: Option<&str>, name: &str, amount| LineItem {
        id: id.map(str::to_owned),
        name: name.to_owned(),
        quantity: 1,
        amount: money(amount, "SGD"),
    };
    // As an order's session has them: what is bought by its product, and the tax, which is no product.
    request.line_items = vec![item(Some("1"), "Tax", 3200), item(None, "Tax", 300)];
    for (automatic_tax, names) in [(true, ["Tax", "Taxes"]), (false, ["Tax", "Tax"])] {
        request.ordered = Some(Ordered {
            order: OrderId::fresh(&SystemIds, checkout.server.engine.now(checkout.tenant)),
            flow: Flow::Session,
            automatic_tax,
            device: None,
        });
        let link = checkout.open(request.clone()).await;
        let page = checkout.get(&format!("{}?lang=fr", link.page())).await;
        let items = page.text().split("class=\"what\"><bdi>").skip(1);
        let listed: Vec<_> = items.filter_map(|item| item.split('<').next()).collect();
        assert_eq!(listed, names);
    }
}

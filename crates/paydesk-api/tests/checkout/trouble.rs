//! A server in trouble: its store does not answer, there is no room, or a handler failed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::extract::Request;
use http::StatusCode;
use paydesk_api::checkout::{self, proof};
use paydesk_api::http::body::{BodyLimits, read};
use paydesk_api::http::metrics::Metrics;
use paydesk_api::http::{Edge, EdgeConfig, wrap};
use paydesk_core::id::SystemIds;
use paydesk_core::session::StateName;
use paydesk_core::store::Unavailable;
use paydesk_testing::Watched;

use super::*;

/// A server whose store can be taken away.
async fn with_a_switch() -> (Checkout, Arc<AtomicBool>) {
    let gone = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&gone);
    let server = TestServer::start_over(|store| {
        Arc::new(Watched::new(store, move |_| {
            if switch.load(Ordering::SeqCst) {
                return Err(Unavailable::because("it was taken away"));
            }
            Ok(())
        }))
    });
    let server = server.await;
    let tenant = server.tenant(Mode::Test);
    (Checkout { server, tenant }, gone)
}

/// A page that says, in this language, that it is our fault.
fn assert_trouble_page(html: &str, lang: &str, title: &str) {
    assert_eq!(attribute(html, "html lang", "lang"), lang);
    assert!(html.contains(&format!("<h1>{title}</h1>")), "{html}");
    assert_eq!(proof::foreign_markup(html, ""), [] as [&str; 0], "{html}");
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_told_on_every_page_and_nothing_is_lost() {
    let (checkout, gone) = with_a_switch().await;
    let link = checkout.open(asking(3500, "SGD")).await;
    let code = checkout.open(asking(3500, "SGD")).await;
    checkout.submit(&code.at("payments"), "method=paynow").await;
    gone.store(true, Ordering::SeqCst);

    let thai = format!("{}?lang=th", link.page());
    for (what, answer) in [
        ("the page", checkout.get(&link.page()).await),
        ("a card", checkout.submit(&link.at("payments"), CARD).await),
        ("giving up", checkout.submit(&link.at("cancel"), "").await),
        ("the picture", checkout.get(&code.at("qr.png")).await),
        ("in Thai", checkout.get(&thai).await),
    ] {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{what}");
        assert_eq!(answer.headers["retry-after"], "1", "{what}");
        assert_strict(what, answer.status, &answer.headers);
        let (lang, title) = match what {
            "in Thai" => ("th", "เกิดข้อผิดพลาดทางฝั่งเรา"),
            _ => ("en", "Something went wrong on our side"),
        };
        assert_trouble_page(answer.text(), lang, title);
        // What a payer fears most: to pay twice.
        if lang == "en" {
            assert!(answer.text().contains("do not pay twice"), "{what}");
        }
    }
    for (what, answer) in [
        ("the state", checkout.get(&link.at("state")).await),
        (
            "a payment",
            checkout
                .post(&link.at("payments"), &card_json("4242424242424242"))
                .await,
        ),
    ] {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{what}");
        assert_eq!(answer.json()["code"], "unavailable", "{what}");
        assert_strict(what, answer.status, &answer.headers);
    }

    gone.store(false, Ordering::SeqCst);
    assert_eq!(checkout.get(&link.page()).await.status, StatusCode::OK);
    let (session, transactions) = checkout.stored(&link).await;
    assert_eq!(session.state.name(), StateName::Created);
    assert!(transactions.is_empty(), "nothing was begun");
    let charges = checkout.server.ledger.charges(None, 10).await;
    assert_eq!(charges.expect("the ledger").charges.len(), 0);
}

#[tokio::test]
async fn who_is_turned_away_at_the_edge_reads_a_page_and_programs_get_json() {
    let checkout = Checkout::start().await;
    let app = &checkout.server.app;
    let full = EdgeConfig {
        max_in_flight: 0,
        ..EdgeConfig::default()
    };
    let edge = Edge::new(full, Arc::new(Metrics::new("0")), &SystemIds);
    let router = paydesk_api::router(app.clone(), axum::Router::new());
    let services = wrap(router, edge).with_apology(checkout::apology(app.clone()));
    let service = services.for_peer(SocketAddr::from(([127, 0, 0, 1], 1)));
    let link = checkout.open(asking(3500, "SGD")).await;
    let browser = "text/html,application/xhtml+xml,*/*;q=0.8";
    for (path, accepts, languages, expected) in [
        (
            link.page(),
            browser,
            "",
            Some(("en", "Something went wrong on our side")),
        ),
        (
            link.page(),
            browser,
            "fr-CA, en;q=0.5",
            Some(("fr", "Un problème est survenu de notre côté")),
        ),
        (
            format!("{}?lang=ar", link.page()),
            browser,
            "fr",
            Some(("ar", "حدث خطأ من جانبنا")),
        ),
        (link.at("state"), "*/*", "fr", None),
        ("/api/v1/sessions".to_owned(), "application/json", "", None),
    ] {
        let request = Request::get(&path)
            .header("accept", accepts)
            .header("accept-language", languages)
            .body(Body::empty())
            .expect("a request");
        let Ok(answer) = service.answer(request).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(answer.headers()["retry-after"], "1", "{path}");
        assert!(answer.headers().contains_key("x-request-id"));
        let headers = answer.headers().clone();
        let body = read(answer.into_body(), &BodyLimits::default()).await;
        let body = String::from_utf8(body.expect("a body").to_vec()).expect("text");
        if let Some((lang, title)) = expected {
            assert_strict(&path, StatusCode::SERVICE_UNAVAILABLE, &headers);
            assert_trouble_page(&body, lang, title);
        } else {
            assert_eq!(headers["content-type"], "application/json", "{path}");
            assert!(body.starts_with('{'), "{body}");
        }
    }
}

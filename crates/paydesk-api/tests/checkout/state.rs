//! The session's state as JSON, and waiting for its change.

use std::time::{Duration, Instant};

use http::StatusCode;
use paydesk_core::session::{CustomField, CustomerDetails, LineItem, Notify, NotifyFormat, Party};
use paydesk_core::time::Span;

use super::*;

#[tokio::test]
async fn the_state_tells_what_the_payer_may_know_and_nothing_else() {
    let checkout = Checkout::start().await;
    let secret = |name: &str| Some(format!("secret-{name}"));
    let mut request = asking(3500, "SGD");
    request.title = Some("Order 58109".to_owned());
    request.reference = secret("reference");
    request.line_items = vec![LineItem {
        id: secret("sku"),
        name: "Kaya jam".to_owned(),
        quantity: 2,
        amount: money(1750, "SGD"),
    }];
    request.custom_fields = vec![CustomField {
        name: "size".to_owned(),
        label: "Size".to_owned(),
        required: true,
    }];
    request.customer = Some(CustomerDetails {
        code: secret("code"),
        name: secret("name"),
        email: secret("email"),
        phone: None,
    });
    request.billing = Some(Party {
        first_name: secret("billing"),
        ..Party::default()
    });
    request.shipping = request.billing.clone();
    request.metadata = serde_json::from_str(r#"{"key":"secret-metadata"}"#).unwrap();
    request.notify = Some(Notify {
        url: "https://secret-notify.example".to_owned(),
        format: NotifyFormat::Event,
    });
    request.notify_payload = secret("payload");
    request.success_url = Some("https://secret-success.example".to_owned());
    let link = checkout.open(request).await;
    let state = checkout.get(&link.at("state")).await;
    assert!(!state.text().contains("secret"), "{}", state.text());
    let mut state = state.ok();
    let expires_at = state["expiresAt"].take();
    assert!(expires_at.as_str().unwrap().ends_with('Z'));
    assert_eq!(
        state,
        serde_json::json!({
            "status": "created",
            "amount": 3500,
            "currency": "SGD",
            "title": "Order 58109",
            "lineItems": [{"name": "Kaya jam", "quantity": 2, "amount": 1750}],
            "methods": ["card", "paynow", "duit-now", "fps"],
            "customFields": [{"name": "size", "label": "Size", "required": true}],
            "expiresAt": null,
            "attemptsLeft": 10,
        })
    );
}

fn tag(answer: &Answer) -> HeaderValue {
    answer.headers["etag"].clone()
}

/// At once, as far as a busy machine can: a page that hears of nothing waits for 25 seconds.
const AT_ONCE: Duration = Duration::from_secs(12);

/// Returns when so many wait for the session.
async fn waiting(checkout: &Checkout, link: &Link, pages: usize) {
    let Authority {
        tenant, session, ..
    } = link.authority;
    while checkout.server.engine.watch().waiters(tenant, session) < pages {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn wait(checkout: &Checkout, link: &Link, seconds: u32, seen: &HeaderValue) -> Answer {
    let headers = [(http::header::IF_NONE_MATCH, seen.clone())];
    let path = link.at(&format!("state?wait={seconds}"));
    checkout
        .server
        .request(Verb::GET, &path, &headers, "")
        .await
}

#[tokio::test]
async fn a_waiting_page_hears_of_a_payment_at_once() {
    let checkout = Checkout::start().await;
    let link = checkout.open(asking(3500, "SGD")).await;
    let seen = tag(&checkout.get(&link.at("state")).await);
    let began = Instant::now();
    let (news, ()) = tokio::join!(wait(&checkout, &link, 25, &seen), async {
        waiting(&checkout, &link, 1).await;
        // It looks once more before it waits.
        tokio::time::sleep(Duration::from_millis(200)).await;
        checkout
            .post(&link.at("payments"), r#"{"method":"paynow"}"#)
            .await;
    });
    assert_eq!(news.ok()["status"], "processing");
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    // What happened before the question is news too: it is not waited for.
    let began = Instant::now();
    let missed = wait(&checkout, &link, 25, &seen).await;
    assert_eq!(missed.ok()["status"], "processing");
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_waiting_page_hears_when_time_alone_ends_the_session() {
    let checkout = Checkout::start().await;
    let mut request = asking(3500, "SGD");
    request.lifetime = Some(Span::seconds(60));
    let link = checkout.open(request).await;
    let seen = tag(&checkout.get(&link.at("state")).await);
    // Time goes on where nobody tells it: the page has waited for the moment itself.
    checkout.server.clock.advance(Span::millis(59_500));
    let began = Instant::now();
    let (news, ()) = tokio::join!(wait(&checkout, &link, 25, &seen), async {
        waiting(&checkout, &link, 1).await;
        tokio::time::sleep(Duration::from_millis(400)).await;
        checkout.server.clock.advance(Span::millis(500));
    });
    assert_eq!(news.ok()["status"], "expired");
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
}

#[tokio::test]
async fn nothing_new_is_told_as_nothing_new() {
    let checkout = Checkout::start().await;
    let link = checkout.open(asking(3500, "SGD")).await;
    let seen = tag(&checkout.get(&link.at("state")).await);
    let began = Instant::now();
    let quiet = wait(&checkout, &link, 1, &seen).await;
    assert_eq!(quiet.status, StatusCode::NOT_MODIFIED);
    assert!(quiet.body.is_empty());
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(
        wait(&checkout, &link, 0, &seen).await.status,
        StatusCode::NOT_MODIFIED
    );
    let wrong = checkout.get(&link.at("state?wait=soon")).await;
    assert_eq!(
        (wrong.status, &wrong.json()["field"]),
        (StatusCode::BAD_REQUEST, &"wait".into())
    );
}

#[tokio::test]
async fn four_may_wait_for_a_session_and_a_fifth_is_sent_away() {
    let checkout = Checkout::start().await;
    let link = checkout.open(asking(3500, "SGD")).await;
    let seen = tag(&checkout.get(&link.at("state")).await);
    let (a, b, c, d, fifth) = tokio::join!(
        wait(&checkout, &link, 25, &seen),
        wait(&checkout, &link, 25, &seen),
        wait(&checkout, &link, 25, &seen),
        wait(&checkout, &link, 25, &seen),
        async {
            waiting(&checkout, &link, 4).await;
            let fifth = wait(&checkout, &link, 25, &seen).await;
            // Then something happens, so that the four need wait no longer.
            checkout
                .post(&link.at("payments"), r#"{"method":"paynow"}"#)
                .await;
            fifth
        },
    );
    for waiter in [a, b, c, d] {
        assert_eq!(waiter.ok()["status"], "processing");
    }
    assert_eq!(fifth.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(fifth.json()["code"], "too_many_waiting");
    assert!(fifth.headers.contains_key("retry-after"));
    // Places become free again.
    let seen = tag(&checkout.get(&link.at("state")).await);
    assert_eq!(
        wait(&checkout, &link, 1, &seen).await.status,
        StatusCode::NOT_MODIFIED
    );
}

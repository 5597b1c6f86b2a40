//! Who is kept out.

use futures_util::future::join_all;
use http::StatusCode;
use paydesk_core::session::StateName;
use paydesk_core::time::Span;

use super::*;

#[tokio::test]
async fn every_answer_is_strict_errors_too() {
    let checkout = Checkout::start().await;
    let link = checkout.open(asking(3500, "SGD")).await;
    let elsewhere = [FORM, header("sec-fetch-site", "cross-site")];
    let mut answers = Vec::new();
    for path in [
        link.page(),
        link.at("state"),
        link.at("state?wait=x"),
        link.at("qr.png"),
        link.at("payments"),
        "/pay".to_owned(),
        "/pay/".to_owned(),
        link.at("nothing"),
        link.at("nothing/at/all"),
        "/pay/assets/nothing".to_owned(),
        "/pay/nothing".to_owned(),
        "/pay/nothing/state".to_owned(),
        "/pay/%FF".to_owned(),
        format!("/pay/{}", "A".repeat(5_000)),
        "/".to_owned(),
        "/checkout?sessionId=nothing".to_owned(),
        "/sandbox/bank".to_owned(),
        "/sandbox/bank?reference=NOTHING".to_owned(),
        "/sandbox/wallet/nothing".to_owned(),
        "/sandbox/3ds/nothing".to_owned(),
    ] {
        answers.push((path.clone(), checkout.get(&path).await));
    }
    for act in ["payments", "initiate", "cancel"] {
        let at = link.at(act);
        let refused = checkout
            .server
            .request(Verb::POST, &at, &elsewhere, "")
            .await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        answers.push((at.clone(), refused));
        answers.push((at.clone(), checkout.post(&at, "{").await));
        answers.push((
            at.clone(),
            checkout.server.request(Verb::DELETE, &at, &[], "").await,
        ));
        let text = [header("content-type", "text/plain")];
        let refused = checkout.server.request(Verb::POST, &at, &text, "{}").await;
        assert_eq!(refused.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        answers.push((at.clone(), refused));
        let large = checkout.submit(&at, &"x".repeat(70_000)).await;
        assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
        answers.push((at, large));
    }
    let at = link.at("payments");
    answers.push((at.clone(), checkout.submit(&at, "method=card").await));
    answers.push((at.clone(), checkout.submit(&at, "method=paynow").await));
    answers.push((
        at.clone(),
        checkout.post(&at, r#"{"method":"paynow"}"#).await,
    ));
    let sandbox = "/sandbox/bank/transfers".to_owned();
    answers.push((
        sandbox.clone(),
        checkout.post(&sandbox, r#"{"reference":"NOTHING"}"#).await,
    ));
    answers.push((
        sandbox.clone(),
        checkout.submit(&sandbox, "reference=NOTHING").await,
    ));
    for (path, answer) in answers {
        assert_strict(&path, answer.status, &answer.headers);
    }
}

#[tokio::test]
async fn another_sites_form_does_nothing() {
    let checkout = Checkout::start().await;
    let link = checkout.open(asking(3500, "SGD")).await;
    let page = checkout.get(&link.page()).await;
    let code = attribute(page.text(), "name=\"formCode\"", "value");
    let with_code = format!("method=paynow&formCode={code}");
    let other = checkout.open(asking(100, "SGD")).await;
    let others_page = checkout.get(&other.page()).await;
    let others_code = attribute(others_page.text(), "name=\"formCode\"", "value");
    for (headers, form) in [
        // A browser that says so; the code does not help.
        (
            vec![FORM, header("sec-fetch-site", "cross-site")],
            with_code.as_str(),
        ),
        (
            vec![FORM, header("sec-fetch-site", "same-site")],
            &with_code,
        ),
        (
            vec![
                FORM,
                header("sec-fetch-site", "cross-site"),
                header("origin", "https://evil.example"),
            ],
            &with_code,
        ),
        (
            vec![FORM, header("origin", "https://evil.example")],
            &with_code,
        ),
        // One that says nothing, and a form without our code, or with another session's.
        (vec![FORM], "method=paynow"),
        (vec![FORM, header("origin", "null")], "method=paynow"),
        (vec![FORM], &format!("method=paynow&formCode={others_code}")),
        (
            vec![FORM],
            "method=paynow&formCode=1.AAAAAAAAAAAAAAAAAAAAAA",
        ),
    ] {
        let refused = checkout
            .server
            .request(Verb::POST, &link.at("payments"), &headers, form.to_owned())
            .await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{headers:?} {form}");
    }
    let (session, _) = checkout.stored(&link).await;
    assert_eq!(session.state.name(), StateName::Created);
    // The same form from a silent browser, with its code, is let in.
    let silent = [FORM, header("origin", "null")];
    let let_in = checkout
        .server
        .request(Verb::POST, &link.at("payments"), &silent, with_code)
        .await;
    assert_eq!(location(&let_in), link.page());
}

#[tokio::test]
async fn a_shops_own_script_may_call_in_test_mode_after_a_preflight() {
    let checkout = Checkout::start().await;
    let link = checkout.open(asking(3500, "SGD")).await;
    let shop = header("origin", "https://shop.example");
    let asks = [
        shop.clone(),
        header("access-control-request-method", "POST"),
    ];
    let preflight = checkout
        .server
        .request(Verb::OPTIONS, &link.at("payments"), &asks, "")
        .await;
    assert_eq!(preflight.status, StatusCode::NO_CONTENT);
    assert_eq!(
        preflight.headers["access-control-allow-origin"],
        "https://shop.example"
    );
    let calls = [
        shop,
        header("sec-fetch-site", "cross-site"),
        header("content-type", "application/json"),
    ];
    let paid = checkout
        .server
        .request(
            Verb::POST,
            &link.at("payments"),
            &calls,
            r#"{"method":"paynow"}"#,
        )
        .await;
    assert_eq!(paid.ok()["status"], "pending");
    assert_eq!(
        paid.headers["access-control-allow-origin"],
        "https://shop.example"
    );
    // A sandboxed frame may be anybody's; the page itself is for no other origin.
    let nobody = [
        header("origin", "null"),
        header("access-control-request-method", "POST"),
    ];
    let preflight = checkout
        .server
        .request(Verb::OPTIONS, &link.at("payments"), &nobody, "")
        .await;
    assert!(
        !preflight
            .headers
            .contains_key("access-control-allow-origin")
    );
    let page = checkout
        .server
        .request(Verb::GET, &link.page(), &asks, "")
        .await;
    assert!(!page.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn a_forged_link_opens_nothing() {
    let checkout = Checkout::start().await;
    let link = checkout.open(asking(3500, "SGD")).await;
    let (rest, last) = link.text.split_at(link.text.len() - 1);
    // One link in a few ends so by itself.
    let forged = format!("{rest}{}", if last == "A" { "B" } else { "A" });
    let session = link.authority.session.to_string();
    for text in [forged.as_str(), &session, "", "null", "☃"] {
        let path = format!("/pay/{text}");
        assert_eq!(
            checkout.get(&path).await.status,
            StatusCode::NOT_FOUND,
            "{text}"
        );
        if !text.is_empty() {
            assert_eq!(
                checkout.get(&format!("{path}/state")).await.status,
                StatusCode::NOT_FOUND
            );
            let paid = checkout
                .post(&format!("{path}/payments"), r#"{"method":"paynow"}"#)
                .await;
            assert_eq!(paid.status, StatusCode::NOT_FOUND);
        }
    }
}

#[tokio::test]
async fn an_expired_client_token_still_looks_but_does_not_pay() {
    let checkout = Checkout::start().await;
    let link = checkout.open(asking(3500, "SGD")).await;
    let (session, _) = checkout.stored(&link).await;
    let now = checkout.server.engine.now(checkout.tenant);
    let token = checkout.link(
        &session,
        Right::ClientToken {
            expires_at: now.after(Span::minutes(5)),
        },
    );
    assert_eq!(
        checkout.post(&token.at("initiate"), "").await.ok()["status"],
        "initiated"
    );
    checkout.server.clock.advance(Span::minutes(6));
    assert_eq!(
        checkout.get(&token.at("state")).await.ok()["status"],
        "initiated"
    );
    for act in ["initiate", "payments", "cancel"] {
        let refused = checkout
            .post(&token.at(act), r#"{"method":"paynow"}"#)
            .await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{act}");
        assert_eq!(refused.json()["code"], "client_token_expired");
    }
    assert!(
        !checkout
            .get(&token.page())
            .await
            .text()
            .contains("<form class=\"pay\"")
    );
    assert_eq!(
        checkout.get(&link.at("state")).await.ok()["status"],
        "initiated"
    );
}

#[tokio::test]
async fn a_client_token_that_runs_out_hides_no_payment_that_is_under_way() {
    let checkout = Checkout::start().await;
    let with_token = async || {
        let link = checkout.open(asking(3500, "SGD")).await;
        let (session, _) = checkout.stored(&link).await;
        let now = checkout.server.engine.now(checkout.tenant);
        let expires_at = now.after(Span::minutes(5));
        checkout.link(&session, Right::ClientToken { expires_at })
    };
    let waiting = with_token().await;
    let asked = with_token().await;
    let unknown = with_token().await;
    checkout
        .submit(&waiting.at("payments"), "method=paynow")
        .await;
    let secure = card_json("4000000000003220");
    checkout.post(&asked.at("payments"), &secure).await.ok();
    checkout.server.clock.advance(Span::minutes(6));
    // Of a card whose answer is lost, it is not known for a while whether it was charged.
    let lost = card_json("4000000000005126");
    let link = checkout.link(&checkout.stored(&unknown).await.0, Right::Page);
    checkout.post(&link.at("payments"), &lost).await.ok();
    for (token, words) in [
        (&waiting, "Scan to pay"),
        (&asked, "Continue to your bank"),
        (&unknown, "do not pay again"),
    ] {
        for path in [token.page(), format!("{}?change=", token.page())] {
            let page = checkout.get(&path).await;
            assert!(page.text().contains(words), "{words}: {}", page.text());
            // What would be refused is not offered.
            for act in ["<form", "?change="] {
                assert!(!page.text().contains(act), "{words} {act}: {}", page.text());
            }
            assert!(!page.text().contains("data-final"), "{words}");
        }
    }
    // A code that then runs out leaves nothing to do.
    checkout.server.clock.advance(Span::minutes(60));
    let page = checkout.get(&waiting.page()).await;
    assert!(
        page.text().contains("This payment link has expired"),
        "{}",
        page.text()
    );
}

#[tokio::test]
async fn one_address_that_asks_too_often_is_told_when_to_come_back() {
    let checkout = Checkout::start().await;
    let mut refused = None;
    // Many at once: one after the other may be slower than what an address is given back.
    for _ in 0..200 {
        let answers = join_all((0..50).map(|_| checkout.get("/pay/nothing"))).await;
        let mut answers = answers.into_iter();
        refused = answers.find(|answer| answer.status == StatusCode::TOO_MANY_REQUESTS);
        if refused.is_some() {
            break;
        }
    }
    let refused = refused.expect("a limit");
    assert_eq!(refused.headers["retry-after"], "1");
    assert!(refused.text().contains("Too many requests"));
    assert_eq!(refused.headers["content-type"], "text/html; charset=utf-8");
}

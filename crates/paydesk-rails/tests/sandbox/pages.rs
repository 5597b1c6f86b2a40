use std::time::Duration;

use paydesk_core::method::Method;
use paydesk_core::rail::{Found, Operation, RailAnswer};
use paydesk_core::transaction::DeclineReason;
use paydesk_rails::sandbox::{Choice, Decision, SandboxError};

use crate::harness::{PAGES, Sandbox, fresh, money, push, receipt, token, waiting};

on_both! {
    a_challenged_payment_succeeds_when_its_payer_approves,
    a_challenged_payment_is_declined_when_its_payer_refuses,
    a_challenged_hold_is_held_when_its_payer_approves,
    a_wallet_pays_when_its_payer_approves,
    a_wallet_that_refuses_is_declined,
    the_first_choice_stands,
    an_unknown_page_is_not_found,
    a_choice_wakes_the_poller,
}

async fn a_challenged_payment_succeeds_when_its_payer_approves(sandbox: Sandbox) {
    let start = sandbox.by_card(fresh(), "4000 0000 0000 3220");
    let answer = sandbox.bank.start(start.clone()).await;
    let page = waiting(answer.clone());
    assert!(
        page.redirect_url
            .as_ref()
            .unwrap()
            .starts_with(&format!("{PAGES}/sandbox/3ds/"))
    );
    assert_eq!(
        sandbox.bank.query(start.reference).await,
        Found::Known(answer)
    );
    assert_eq!(sandbox.captured(start.reference).await, 0);

    let shown = sandbox.bank.challenge(&token(&page)).await.unwrap();
    assert_eq!(
        (shown.reference, shown.tenant),
        (start.reference, start.tenant)
    );
    assert_eq!((shown.method, shown.amount), (Method::Card, start.amount));
    assert_eq!(
        (shown.merchant_name, shown.return_url),
        (start.merchant_name, start.return_url)
    );
    assert_eq!(shown.decision, Decision::Open);

    let chosen = sandbox
        .bank
        .choose(&token(&page), Choice::Approve)
        .await
        .unwrap();
    assert_eq!(chosen.decision, Decision::Approved);
    let Found::Known(answer) = sandbox.bank.query(start.reference).await else {
        panic!("the rail does not know its own charge");
    };
    receipt(answer);
    assert_eq!(sandbox.captured(start.reference).await, 3500);
}

async fn a_challenged_payment_is_declined_when_its_payer_refuses(sandbox: Sandbox) {
    let mut start = sandbox.by_card(fresh(), "4000 0000 0000 3220");
    start.store = true;
    let page = waiting(sandbox.bank.start(start.clone()).await);
    let chosen = sandbox
        .bank
        .choose(&token(&page), Choice::Refuse)
        .await
        .unwrap();
    assert_eq!(chosen.decision, Decision::Refused);
    let declined = RailAnswer::Declined(DeclineReason::AuthenticationFailed);
    assert_eq!(
        sandbox.bank.query(start.reference).await,
        Found::Known(declined)
    );
    assert_eq!(sandbox.captured(start.reference).await, 0);
}

async fn a_challenged_hold_is_held_when_its_payer_approves(sandbox: Sandbox) {
    let mut start = sandbox.by_card(fresh(), "4000 0000 0000 3220");
    start.operation = Operation::Authorize;
    let page = waiting(sandbox.bank.start(start.clone()).await);
    sandbox
        .bank
        .choose(&token(&page), Choice::Approve)
        .await
        .unwrap();
    let charge = sandbox.charge(start.reference).await.unwrap();
    assert_eq!((charge.held, charge.captured), (3500, 0));
}

async fn a_wallet_pays_when_its_payer_approves(sandbox: Sandbox) {
    let start = sandbox.start(
        fresh(),
        Method::Toss,
        money(45_000, "KRW"),
        push("ABCDEFGHIJ"),
    );
    let page = waiting(sandbox.bank.start(start.clone()).await);
    sandbox
        .bank
        .choose(&token(&page), Choice::Approve)
        .await
        .unwrap();
    assert!(matches!(
        sandbox.bank.query(start.reference).await,
        Found::Known(RailAnswer::Succeeded(_))
    ));
    assert_eq!(sandbox.captured(start.reference).await, 45_000);
}

async fn a_wallet_that_refuses_is_declined(sandbox: Sandbox) {
    let start = sandbox.start(
        fresh(),
        Method::GojekId,
        money(45_000, "IDR"),
        push("ABCDEFGHIJ"),
    );
    let page = waiting(sandbox.bank.start(start.clone()).await);
    sandbox
        .bank
        .choose(&token(&page), Choice::Refuse)
        .await
        .unwrap();
    let declined = RailAnswer::Declined(DeclineReason::Declined);
    assert_eq!(
        sandbox.bank.query(start.reference).await,
        Found::Known(declined)
    );
}

async fn the_first_choice_stands(sandbox: Sandbox) {
    let start = sandbox.by_card(fresh(), "4000 0000 0000 3220");
    let page = token(&waiting(sandbox.bank.start(start.clone()).await));
    for choice in [Choice::Approve, Choice::Approve, Choice::Refuse] {
        let chosen = sandbox.bank.choose(&page, choice).await.unwrap();
        assert_eq!(chosen.decision, Decision::Approved);
    }
    assert_eq!(sandbox.captured(start.reference).await, 3500);
}

async fn an_unknown_page_is_not_found(sandbox: Sandbox) {
    assert_eq!(
        sandbox.bank.challenge("nothing").await,
        Err(SandboxError::UnknownPayment)
    );
    let chosen = sandbox.bank.choose("nothing", Choice::Approve).await;
    assert_eq!(chosen, Err(SandboxError::UnknownPayment));
}

async fn a_choice_wakes_the_poller(sandbox: Sandbox) {
    let start = sandbox.by_card(fresh(), "4000 0000 0000 3220");
    let page = token(&waiting(sandbox.bank.start(start).await));
    let mut wakeups = sandbox.bank.wakeups();
    sandbox.bank.choose(&page, Choice::Approve).await.unwrap();
    tokio::time::timeout(Duration::from_secs(5), wakeups.next())
        .await
        .unwrap();
}

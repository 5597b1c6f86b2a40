use paydesk_core::rail::{Found, RailAnswer};
use paydesk_core::transaction::FailureReason;
use paydesk_rails::sandbox::{Choice, Decision};

use crate::harness::{Sandbox, fresh, money, receipt, token, waiting};

on_both! {
    an_abandoned_reference_is_refused_from_then_on,
    what_did_arrive_is_told_when_it_is_abandoned,
    a_payer_cannot_approve_what_was_abandoned,
    an_abandoned_refund_is_refused_when_it_comes,
}

const NEVER_ARRIVED: RailAnswer = RailAnswer::Failed(FailureReason::NeverArrived);

async fn an_abandoned_reference_is_refused_from_then_on(sandbox: Sandbox) {
    let start = sandbox.by_card(fresh(), "4242 4242 4242 4242");
    assert_eq!(sandbox.bank.abandon(start.reference).await, Found::NotFound);
    assert_eq!(sandbox.bank.abandon(start.reference).await, Found::NotFound);
    assert_eq!(sandbox.bank.start(start.clone()).await, NEVER_ARRIVED);
    assert_eq!(
        sandbox.bank.query(start.reference).await,
        Found::Known(NEVER_ARRIVED)
    );
    assert_eq!(sandbox.captured(start.reference).await, 0);
}

async fn what_did_arrive_is_told_when_it_is_abandoned(sandbox: Sandbox) {
    let (lost, answer) = sandbox.pay("4000 0000 0000 5126").await;
    assert_eq!(answer, RailAnswer::Unknown);
    let Found::Known(answer) = sandbox.bank.abandon(lost).await else {
        panic!("the rail has forgotten a charge");
    };
    receipt(answer);
    assert_eq!(sandbox.captured(lost).await, 3500);
}

async fn a_payer_cannot_approve_what_was_abandoned(sandbox: Sandbox) {
    let start = sandbox.by_card(fresh(), "4000 0000 0000 3220");
    let page = token(&waiting(sandbox.bank.start(start.clone()).await));
    assert_eq!(sandbox.bank.abandon(start.reference).await, Found::NotFound);
    assert_eq!(sandbox.bank.abandon(start.reference).await, Found::NotFound);
    let challenge = sandbox.bank.choose(&page, Choice::Approve).await.unwrap();
    assert_eq!(challenge.decision, Decision::Closed);
    assert_eq!(sandbox.bank.start(start.clone()).await, NEVER_ARRIVED);
    assert_eq!(
        sandbox.bank.query(start.reference).await,
        Found::Known(NEVER_ARRIVED)
    );
    assert_eq!(sandbox.captured(start.reference).await, 0);
}

async fn an_abandoned_refund_is_refused_when_it_comes(sandbox: Sandbox) {
    let (paid, _) = sandbox.pay("4242 4242 4242 4242").await;
    let refund = sandbox.after(paid, money(3500, "SGD"));
    assert_eq!(
        sandbox.bank.abandon(refund.reference).await,
        Found::NotFound
    );
    assert_eq!(sandbox.bank.refund(refund).await, NEVER_ARRIVED);
    assert_eq!(sandbox.charge(paid).await.unwrap().refunded, 0);
}

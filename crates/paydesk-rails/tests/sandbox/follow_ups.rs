use paydesk_core::id::{MerchantId, TransactionId};
use paydesk_core::merchant::ProviderAccount;
use paydesk_core::rail::{Operation, RailAnswer};
use paydesk_core::transaction::{DeclineReason, FailureReason};
use paydesk_rails::sandbox::PushName;

use crate::harness::{Sandbox, fresh, money, receipt, waiting};

on_both! {
    a_settle_takes_a_part_and_releases_the_rest,
    a_settle_never_takes_more_than_is_held,
    a_void_releases_everything_once,
    refunds_never_exceed_what_was_captured,
    refunds_that_race_never_exceed_what_was_captured,
    what_was_settled_can_be_refunded_and_the_hold_cannot,
    pushed_money_is_refunded_by_payment_or_by_transfer,
    a_stranger_cannot_touch_a_payment,
    a_follow_up_in_another_currency_or_on_nothing_fails,
}

const DECLINED: RailAnswer = RailAnswer::Declined(DeclineReason::Declined);
const PROCESSING_ERROR: RailAnswer = RailAnswer::Failed(FailureReason::ProcessingError);

async fn hold(sandbox: &Sandbox) -> TransactionId {
    let mut start = sandbox.by_card(fresh(), "4242 4242 4242 4242");
    start.operation = Operation::Authorize;
    receipt(sandbox.bank.start(start.clone()).await);
    start.reference
}

async fn a_settle_takes_a_part_and_releases_the_rest(sandbox: Sandbox) {
    let held = hold(&sandbox).await;
    let charge = sandbox.charge(held).await.unwrap();
    assert_eq!((charge.held, charge.captured), (3500, 0));

    let settle = sandbox.after(held, money(3000, "SGD"));
    let answer = sandbox.bank.settle(settle.clone()).await;
    receipt(answer.clone());
    assert_eq!(
        sandbox.bank.settle(settle.clone()).await,
        answer,
        "made twice, it is done once"
    );
    let charge = sandbox.charge(held).await.unwrap();
    assert_eq!(
        (charge.settled, charge.released, charge.captured),
        (3000, 500, 0)
    );
    assert_eq!(sandbox.captured(settle.reference).await, 3000);

    let again = sandbox.after(held, money(500, "SGD"));
    assert_eq!(sandbox.bank.settle(again.clone()).await, DECLINED);
    assert_eq!(
        sandbox
            .bank
            .void(sandbox.after(held, money(3500, "SGD")))
            .await,
        DECLINED
    );
}

async fn a_settle_never_takes_more_than_is_held(sandbox: Sandbox) {
    let held = hold(&sandbox).await;
    let too_much = sandbox.after(held, money(3501, "SGD"));
    assert_eq!(sandbox.bank.settle(too_much.clone()).await, DECLINED);
    assert_eq!(
        sandbox
            .bank
            .settle(sandbox.after(held, money(0, "SGD")))
            .await,
        DECLINED
    );
    assert_eq!(sandbox.captured(too_much.reference).await, 0);
    receipt(
        sandbox
            .bank
            .settle(sandbox.after(held, money(3500, "SGD")))
            .await,
    );
    assert_eq!(sandbox.charge(held).await.unwrap().released, 0);

    // A payment holds nothing.
    let (paid, _) = sandbox.pay("4242 4242 4242 4242").await;
    assert_eq!(
        sandbox
            .bank
            .settle(sandbox.after(paid, money(1, "SGD")))
            .await,
        DECLINED
    );
}

async fn a_void_releases_everything_once(sandbox: Sandbox) {
    let held = hold(&sandbox).await;
    receipt(
        sandbox
            .bank
            .void(sandbox.after(held, money(3500, "SGD")))
            .await,
    );
    assert_eq!(
        sandbox
            .bank
            .void(sandbox.after(held, money(3500, "SGD")))
            .await,
        DECLINED
    );
    assert_eq!(
        sandbox
            .bank
            .settle(sandbox.after(held, money(1, "SGD")))
            .await,
        DECLINED
    );
    let charge = sandbox.charge(held).await.unwrap();
    assert_eq!(
        (charge.held, charge.released, charge.settled),
        (3500, 3500, 0)
    );
}

async fn refunds_never_exceed_what_was_captured(sandbox: Sandbox) {
    let (paid, _) = sandbox.pay("4242 4242 4242 4242").await;
    for (minor, done) in [
        (0, false),
        (3501, false),
        (2000, true),
        (1501, false),
        (1500, true),
        (1, false),
    ] {
        let answer = sandbox
            .bank
            .refund(sandbox.after(paid, money(minor, "SGD")))
            .await;
        assert_eq!(
            matches!(answer, RailAnswer::Succeeded(_)),
            done,
            "{minor}: {answer:?}"
        );
    }
    assert_eq!(sandbox.charge(paid).await.unwrap().refunded, 3500);
}

async fn refunds_that_race_never_exceed_what_was_captured(sandbox: Sandbox) {
    let (paid, _) = sandbox.pay("4242 4242 4242 4242").await;
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let (bank, refund) = (
                sandbox.bank.clone(),
                sandbox.after(paid, money(1000, "SGD")),
            );
            tokio::spawn(async move { bank.refund(refund).await })
        })
        .collect();
    let mut done = 0;
    for call in calls {
        done += usize::from(matches!(call.await.unwrap(), RailAnswer::Succeeded(_)));
    }
    assert_eq!(done, 3);
    assert_eq!(sandbox.charge(paid).await.unwrap().refunded, 3000);
}

async fn what_was_settled_can_be_refunded_and_the_hold_cannot(sandbox: Sandbox) {
    let held = hold(&sandbox).await;
    assert_eq!(
        sandbox
            .bank
            .refund(sandbox.after(held, money(1, "SGD")))
            .await,
        DECLINED
    );
    let settle = sandbox.after(held, money(3000, "SGD"));
    receipt(sandbox.bank.settle(settle.clone()).await);
    assert_eq!(
        sandbox
            .bank
            .refund(sandbox.after(held, money(1, "SGD")))
            .await,
        DECLINED
    );
    assert_eq!(
        sandbox
            .bank
            .refund(sandbox.after(settle.reference, money(3001, "SGD")))
            .await,
        DECLINED
    );
    receipt(
        sandbox
            .bank
            .refund(sandbox.after(settle.reference, money(3000, "SGD")))
            .await,
    );
}

async fn pushed_money_is_refunded_by_payment_or_by_transfer(sandbox: Sandbox) {
    let start = sandbox.by_paynow(fresh(), "ABCDEFGHIJ");
    waiting(sandbox.bank.start(start.clone()).await);
    let paid = start.reference;
    assert_eq!(
        sandbox
            .bank
            .refund(sandbox.after(paid, money(1, "SGD")))
            .await,
        DECLINED
    );

    let named = PushName::Reference("ABCDEFGHIJ".to_owned());
    sandbox
        .bank
        .bank_transfer(named.clone(), None)
        .await
        .unwrap();
    let late = sandbox
        .bank
        .bank_transfer(named, Some(money(500, "SGD")))
        .await
        .unwrap();
    receipt(
        sandbox
            .bank
            .refund(sandbox.after(paid, money(3500, "SGD")))
            .await,
    );

    // Late money is a transaction of the server's own; the ledger knows its transfer.
    let mut refund = sandbox.after(fresh(), money(500, "SGD"));
    refund.original_provider_reference = Some(late.id);
    receipt(sandbox.bank.refund(refund.clone()).await);
    refund.reference = fresh();
    assert_eq!(sandbox.bank.refund(refund).await, DECLINED);
    let charge = sandbox.charge(paid).await.unwrap();
    assert_eq!((charge.captured, charge.refunded), (4000, 4000));
}

async fn a_stranger_cannot_touch_a_payment(sandbox: Sandbox) {
    let (paid, _) = sandbox.pay("4242 4242 4242 4242").await;
    let mut stranger = sandbox.after(paid, money(1, "SGD"));
    stranger.tenant.merchant = MerchantId(fresh().0);
    assert_eq!(sandbox.bank.refund(stranger).await, PROCESSING_ERROR);
    let mut elsewhere = sandbox.after(paid, money(1, "SGD"));
    elsewhere.account = other_account(&sandbox).id;
    assert_eq!(sandbox.bank.refund(elsewhere).await, PROCESSING_ERROR);
    assert_eq!(sandbox.charge(paid).await.unwrap().refunded, 0);
}

fn other_account(sandbox: &Sandbox) -> std::sync::Arc<ProviderAccount> {
    crate::harness::account_of(
        sandbox.account.tenant.merchant,
        paydesk_core::tenant::Mode::Test,
    )
}

async fn a_follow_up_in_another_currency_or_on_nothing_fails(sandbox: Sandbox) {
    let (paid, _) = sandbox.pay("4242 4242 4242 4242").await;
    for follow_up in [
        sandbox.after(paid, money(1, "USD")),
        sandbox.after(fresh(), money(1, "SGD")),
    ] {
        assert_eq!(sandbox.bank.refund(follow_up).await, PROCESSING_ERROR);
    }
    let (declined, _) = sandbox.pay("4000 0000 0000 0002").await;
    assert_eq!(
        sandbox
            .bank
            .refund(sandbox.after(declined, money(1, "SGD")))
            .await,
        DECLINED
    );
}

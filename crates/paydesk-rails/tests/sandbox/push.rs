use std::time::Duration;

use paydesk_core::method::{Family, Method};
use paydesk_core::rail::{Found, RailAnswer};
use paydesk_core::time::Span;
use paydesk_core::transaction::{DeclineReason, FailureReason};
use paydesk_rails::emvqr::Code;
use paydesk_rails::sandbox::{PushName, SandboxError};

use crate::harness::{NOW, PAGES, Sandbox, fresh, money, push, receipt, waiting};

on_both! {
    every_method_starts_with_what_its_payer_needs,
    a_transfer_is_told_until_it_is_acknowledged,
    a_payer_pays_by_code_or_by_reference_short_over_twice_and_late,
    the_banks_refusals_have_names,
    a_changed_code_pays_nothing,
    a_reference_is_used_once_on_an_account,
    abandoned_push_payments_still_take_money,
    a_transfer_wakes_the_poller,
    a_payer_may_write_nothing_or_something_else,
    money_that_was_placed_by_the_server_can_be_given_back_and_no_more,
}

fn by_reference(nonce: &str) -> PushName {
    PushName::Reference(nonce.to_owned())
}

async fn every_method_starts_with_what_its_payer_needs(sandbox: Sandbox) {
    for (at, &method) in Method::ALL.iter().enumerate().skip(1) {
        let nonce = format!("NONCE{at:05}");
        let start = sandbox.start(
            fresh(),
            method,
            money(10_00, method.currency_code().unwrap()),
            push(&nonce),
        );
        let answer = sandbox.bank.start(start.clone()).await;
        assert_eq!(sandbox.bank.start(start.clone()).await, answer, "{method}");
        assert_eq!(
            sandbox.bank.query(start.reference).await,
            Found::Known(answer.clone())
        );
        let waiting = waiting(answer);
        assert!(waiting.provider_reference.is_some());
        if method.family() == Family::Wallet {
            let page = waiting.redirect_url.unwrap();
            assert!(
                page.starts_with(&format!("{PAGES}/sandbox/wallet/")),
                "{page}"
            );
            assert_eq!(waiting.destination, None);
            continue;
        }
        assert_eq!(waiting.redirect_url, None);
        let destination = waiting.destination.unwrap();
        assert_eq!(destination.nonce, nonce);
        assert_eq!(destination.account_name, "Kopi & Co");
        assert!(!destination.account.is_empty());
        assert_eq!(
            destination.bank.is_empty(),
            method.family() == Family::Qr,
            "{method}"
        );
        if method.family() == Family::Qr {
            let code = Code::parse(&destination.qr_code.unwrap()).unwrap();
            assert_eq!(code.bill_number(), Some(nonce));
            assert_eq!(code.fields().get(1), Some("12"));
            assert_eq!(code.fields().get(59), Some("Kopi & Co"));
        }
    }
}

async fn a_transfer_is_told_until_it_is_acknowledged(sandbox: Sandbox) {
    waiting(
        sandbox
            .bank
            .start(sandbox.by_paynow(fresh(), "ABCDEFGHIJ"))
            .await,
    );
    assert_eq!(sandbox.bank.transfers(None, 10).await.unwrap(), []);
    let sent = sandbox
        .bank
        .bank_transfer(by_reference("ABCDEFGHIJ"), None)
        .await
        .unwrap();
    assert_eq!(sent.amount, money(3500, "SGD"));
    assert_eq!(
        (sent.account.as_str(), sent.nonce.as_deref()),
        ("+6585867834", Some("ABCDEFGHIJ"))
    );
    assert_eq!(
        (sent.tenant, sent.received_at),
        (sandbox.account.tenant, NOW)
    );
    sandbox.clock.advance(Span::seconds(1));
    let second = sandbox
        .bank
        .bank_transfer(by_reference("ABCDEFGHIJ"), None)
        .await
        .unwrap();
    assert_ne!(sent.id, second.id);

    assert_eq!(
        sandbox.bank.transfers(None, 10).await.unwrap(),
        [sent.clone(), second.clone()]
    );
    assert_eq!(
        sandbox.bank.transfers(None, 10).await.unwrap(),
        [sent.clone(), second.clone()]
    );
    assert_eq!(
        sandbox.bank.transfers(None, 1).await.unwrap(),
        std::slice::from_ref(&sent)
    );
    sandbox
        .bank
        .acknowledge(&[sent.id.clone(), "unknown".to_owned()])
        .await
        .unwrap();
    assert_eq!(
        sandbox.bank.transfers(None, 10).await.unwrap(),
        std::slice::from_ref(&second)
    );
    sandbox
        .bank
        .acknowledge(&[sent.id, second.id])
        .await
        .unwrap();
    assert_eq!(sandbox.bank.transfers(None, 10).await.unwrap(), []);
}

async fn a_payer_pays_by_code_or_by_reference_short_over_twice_and_late(sandbox: Sandbox) {
    let start = sandbox.by_paynow(fresh(), "abcdefghij");
    let destination = waiting(sandbox.bank.start(start.clone()).await)
        .destination
        .unwrap();
    let code = PushName::QrCode(format!(" {}\n", destination.qr_code.clone().unwrap()));

    let known = sandbox.bank.push(code.clone()).await.unwrap();
    assert_eq!(
        (known.reference, known.tenant),
        (start.reference, sandbox.account.tenant)
    );
    assert_eq!(
        (known.amount, known.received),
        (money(3500, "SGD"), money(0, "SGD"))
    );
    assert_eq!(
        (known.method, known.destination),
        (Method::PayNow, destination)
    );

    let short = sandbox
        .bank
        .bank_transfer(code.clone(), Some(money(1, "SGD")))
        .await
        .unwrap();
    assert_eq!(short.amount, money(1, "SGD"));
    // A payer types a reference as it comes.
    let over = sandbox
        .bank
        .bank_transfer(by_reference(" ABCDEFGHIJ "), Some(money(9900, "SGD")))
        .await
        .unwrap();
    assert_eq!(over.nonce.as_deref(), Some("abcdefghij"));
    sandbox.clock.advance(Span::days(30));
    let late = sandbox
        .bank
        .bank_transfer(code.clone(), None)
        .await
        .unwrap();
    assert_eq!(late.received_at, NOW.after(Span::days(30)));
    let received = money(1 + 9900 + 3500, "SGD");
    assert_eq!(sandbox.bank.push(code).await.unwrap().received, received);
    assert_eq!(sandbox.captured(start.reference).await, received.minor());
}

async fn the_banks_refusals_have_names(sandbox: Sandbox) {
    let start = sandbox.by_paynow(fresh(), "ABCDEFGHIJ");
    waiting(sandbox.bank.start(start).await);
    let send = |named: PushName, amount| sandbox.bank.bank_transfer(named, amount);
    let unknown = by_reference("KLMNOPQRST");
    assert_eq!(
        send(unknown.clone(), None).await,
        Err(SandboxError::UnknownPayment)
    );
    assert_eq!(
        sandbox.bank.push(unknown).await,
        Err(SandboxError::UnknownPayment)
    );
    let not_a_code = send(PushName::QrCode("https://example.com".to_owned()), None).await;
    assert!(
        matches!(not_a_code, Err(SandboxError::NotACode(_))),
        "{not_a_code:?}"
    );
    let strange = "00020101021126380009SG.PAYNOW010100211+658586783403010520400005303702540535.005802SG5902NA6009Singapore62080104ztt16304CE6D";
    assert_eq!(
        send(PushName::QrCode(strange.to_owned()), None).await,
        Err(SandboxError::UnknownPayment)
    );

    let known = by_reference("ABCDEFGHIJ");
    let expected = money(1, "SGD").currency();
    let dollars = send(known.clone(), Some(money(1, "USD"))).await;
    assert_eq!(dollars, Err(SandboxError::WrongCurrency { expected }));
    assert_eq!(
        send(known.clone(), Some(money(0, "SGD"))).await,
        Err(SandboxError::Amount)
    );
    let most = money(paydesk_core::money::MAX_MINOR, "SGD");
    send(known.clone(), Some(most)).await.unwrap();
    assert_eq!(
        send(known, Some(money(1, "SGD"))).await,
        Err(SandboxError::Amount),
        "more than there can be"
    );

    // The same reference on two accounts: the bank asks which.
    waiting(
        sandbox
            .bank
            .start(sandbox.start(fresh(), Method::Fps, money(1, "HKD"), push("ABCDEFGHIJ")))
            .await,
    );
    assert_eq!(
        send(by_reference("ABCDEFGHIJ"), None).await,
        Err(SandboxError::Ambiguous)
    );
}

async fn a_changed_code_pays_nothing(sandbox: Sandbox) {
    let start = sandbox.by_paynow(fresh(), "ABCDEFGHIJ");
    waiting(sandbox.bank.start(start.clone()).await);
    // The same payment with another amount, and a checksum that is right.
    let mut cheaper = sandbox.by_paynow(fresh(), "ABCDEFGHIJ");
    cheaper.amount = money(100, "SGD");
    let elsewhere = Sandbox::in_process();
    cheaper.account = elsewhere.account.clone();
    cheaper.tenant = elsewhere.account.tenant;
    let forged = waiting(elsewhere.bank.start(cheaper).await)
        .destination
        .unwrap()
        .qr_code
        .unwrap();
    let paid = sandbox
        .bank
        .bank_transfer(PushName::QrCode(forged), None)
        .await;
    assert_eq!(paid, Err(SandboxError::UnknownPayment));
    assert_eq!(sandbox.captured(start.reference).await, 0);
}

async fn a_reference_is_used_once_on_an_account(sandbox: Sandbox) {
    waiting(
        sandbox
            .bank
            .start(sandbox.by_paynow(fresh(), "ABCDEFGHIJ"))
            .await,
    );
    let again = sandbox
        .bank
        .start(sandbox.by_paynow(fresh(), "ABCDEFGHIJ"))
        .await;
    assert_eq!(again, RailAnswer::Failed(FailureReason::ProcessingError));
    // What no code can say comes to nothing too.
    let mut huge = sandbox.by_paynow(fresh(), "KLMNOPQRST");
    huge.amount = money(paydesk_core::money::MAX_MINOR, "SGD");
    let failed = sandbox.bank.start(huge).await;
    assert_eq!(failed, RailAnswer::Failed(FailureReason::ProcessingError));
}

async fn abandoned_push_payments_still_take_money(sandbox: Sandbox) {
    let start = sandbox.by_paynow(fresh(), "ABCDEFGHIJ");
    waiting(sandbox.bank.start(start.clone()).await);
    assert_eq!(sandbox.bank.abandon(start.reference).await, Found::NotFound);
    let sent = sandbox
        .bank
        .bank_transfer(by_reference("ABCDEFGHIJ"), None)
        .await
        .unwrap();
    assert_eq!(sandbox.bank.transfers(None, 10).await.unwrap(), [sent]);
}

async fn a_transfer_wakes_the_poller(sandbox: Sandbox) {
    waiting(
        sandbox
            .bank
            .start(sandbox.by_paynow(fresh(), "ABCDEFGHIJ"))
            .await,
    );
    let mut wakeups = sandbox.bank.wakeups();
    // It happens while nobody waits, and is not missed.
    sandbox
        .bank
        .bank_transfer(by_reference("ABCDEFGHIJ"), None)
        .await
        .unwrap();
    tokio::time::timeout(Duration::from_secs(5), wakeups.next())
        .await
        .unwrap();
    assert_eq!(sandbox.bank.transfers(None, 10).await.unwrap().len(), 1);
}

async fn a_payer_may_write_nothing_or_something_else(sandbox: Sandbox) {
    let payment = fresh();
    let begun = sandbox.bank.start(sandbox.by_paynow(payment, "ABCDEFGHIJ"));
    waiting(begun.await);
    for (written, passed_on, known) in [
        (None, Some("ABCDEFGHIJ"), true),
        (Some(" abcdefghij "), Some("ABCDEFGHIJ"), true),
        (Some(""), None, false),
        (Some("for tea"), Some("for tea"), false),
    ] {
        let named = by_reference("ABCDEFGHIJ");
        let written = written.map(str::to_owned);
        let sent = sandbox
            .bank
            .bank_transfer_with(named, Some(money(100, "SGD")), written)
            .await
            .unwrap();
        assert_eq!(sent.account, "+6585867834");
        assert_eq!(sent.nonce.as_deref(), passed_on);
        assert_eq!(sent.payment, known.then_some(payment));
        let told = sandbox.bank.transfers(None, 10).await.unwrap();
        assert_eq!(told, std::slice::from_ref(&sent));
        let after = sandbox.bank.transfers(Some(&sent.id), 10).await.unwrap();
        assert_eq!(after, []);
        sandbox.bank.acknowledge(&[sent.id]).await.unwrap();
    }
    assert_eq!(
        sandbox.captured(payment).await,
        200,
        "what does not say what it is for is of no payment"
    );
}

async fn money_that_was_placed_by_the_server_can_be_given_back_and_no_more(sandbox: Sandbox) {
    let payment = fresh();
    let begun = sandbox.bank.start(sandbox.by_paynow(payment, "ABCDEFGHIJ"));
    waiting(begun.await);
    let sent = sandbox
        .bank
        .bank_transfer(by_reference("ABCDEFGHIJ"), Some(money(1000, "SGD")));
    sent.await.unwrap();
    let refund = async |original, minor, placed| {
        let mut refund = sandbox.after(original, money(minor, "SGD"));
        (refund.method, refund.placed) = (Method::PayNow, placed);
        sandbox.bank.refund(refund).await
    };
    let declined = RailAnswer::Declined(DeclineReason::Declined);
    assert_eq!(refund(payment, 1_001, 0).await, declined);
    receipt(refund(payment, 1_500, 2_500).await);
    receipt(refund(payment, 2_000, 2_500).await);
    assert_eq!(
        refund(payment, 1, 2_500).await,
        declined,
        "it is noted once"
    );
    receipt(refund(payment, 1, 2_501).await);
    let charge = sandbox.charge(payment).await.unwrap();
    assert_eq!((charge.captured, charge.refunded), (3_501, 3_501));

    // A payment of the server's own, for money that came late and was reported.
    let late = fresh();
    receipt(refund(late, 700, 700).await);
    assert_eq!(refund(late, 1, 700).await, declined);
    // What it gave back there is no charge, and ends no page of them before its end.
    let later = fresh();
    let begun = sandbox.bank.start(sandbox.by_paynow(later, "ABCDEFGHIK"));
    waiting(begun.await);
    let sent = sandbox
        .bank
        .bank_transfer(by_reference("ABCDEFGHIK"), Some(money(1, "SGD")));
    sent.await.unwrap();
    let (mut after, mut walked) = (None, Vec::new());
    loop {
        let page = sandbox.ledger.charges(after, 1).await.unwrap();
        walked.extend(page.charges.into_iter().map(|charge| charge.reference));
        after = page.next_after;
        if after.is_none() {
            break;
        }
    }
    walked.sort_unstable();
    let mut charges = [payment, later];
    charges.sort_unstable();
    assert_eq!(walked, charges);
    let unknown = refund(fresh(), 1, 0).await;
    assert_eq!(unknown, RailAnswer::Failed(FailureReason::ProcessingError));
}

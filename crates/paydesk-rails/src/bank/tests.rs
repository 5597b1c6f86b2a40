use std::sync::Arc;

use paydesk_core::id::{MerchantId, ProviderAccountId};
use paydesk_core::merchant::{Provider, ProviderAccount};
use paydesk_core::method::{Family, Method};
use paydesk_core::money::{Currency, Money};
use paydesk_core::receiver::Receiver;
use paydesk_core::tenant::{Mode, Tenant};
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::Destination;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::emvqr::{Code, id};

fn start(receiver: Receiver, minor: i64) -> Start {
    let tenant = Tenant {
        merchant: MerchantId(Uuid::nil()),
        mode: Mode::Live,
    };
    let method = receiver.method;
    let currency = Currency::from_code(method.currency_code().unwrap()).unwrap();
    Start {
        reference: TransactionId(Uuid::nil()),
        tenant,
        account: Arc::new(ProviderAccount {
            id: ProviderAccountId(Uuid::nil()),
            tenant,
            version: 1,
            provider: Provider::Bank,
            name: "Our bank".to_owned(),
            enabled: true,
            is_default: false,
            methods: vec![method],
            receives: vec![receiver],
            created_at: Timestamp::EPOCH,
            updated_at: Timestamp::EPOCH,
        }),
        operation: Operation::Pay,
        amount: Money::from_minor(minor, currency).unwrap(),
        method,
        source: Source::Push {
            nonce: "ABCDEFGHIJ".to_owned(),
            expires_at: Timestamp::from_millis(1_750_000_000_000),
        },
        store: false,
        merchant_name: "What the page says".to_owned(),
        return_url: String::new(),
    }
}

fn told(start: Start) -> Option<Destination> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    match runtime.block_on(BankRail.start(start)) {
        RailAnswer::AwaitingPayer(waiting) => waiting.destination,
        RailAnswer::Failed(FailureReason::ProcessingError) => None,
        other => panic!("{other:?}"),
    }
}

/// Any place that may be configured.
fn receivers() -> impl Strategy<Value = Receiver> {
    let account = prop_oneof![
        "\\+65[0-9]{8}".prop_map(|account| (Method::PayNow, account)),
        "[0-9]{9}[A-Z]([A-Z0-9]{3})?".prop_map(|account| (Method::PayNow, account)),
        "\\+66[0-9]{9}".prop_map(|account| (Method::PromptPay, account)),
        "[0-9]{13}".prop_map(|account| (Method::PromptPay, account)),
        "[0-9]{15}".prop_map(|account| (Method::PromptPay, account)),
        "[A-Za-z0-9]{1,28}".prop_map(|account| (Method::DuitNow, account)),
        "[0-9]{7}([0-9]{2})?".prop_map(|account| (Method::Fps, account)),
        "\\+852-[0-9]{8}".prop_map(|account| (Method::Fps, account)),
        "[!-~]{1,40}@[!-?A-~]{1,40}".prop_map(|account| (Method::Fps, account)),
        "[0-9]{3}-[0-9]{6}-[0-9]{3}".prop_map(|account| (Method::HkBankTransfer, account)),
        "[0-9]{3}-[0-9]{3} [0-9]{6,9}".prop_map(|account| (Method::AuBankTransfer, account)),
        "[0-9]{6,19}".prop_map(|account| (Method::InstaPay, account)),
    ];
    let name = "\\PC{1,100}";
    (account, name, "[0-9]{6}").prop_map(|((method, account), account_name, acquirer)| Receiver {
        method,
        account,
        account_name,
        bank: "Bank of Tea".to_owned(),
        acquirer: (method == Method::DuitNow).then_some(acquirer),
    })
}

proptest! {
    #[test]
    fn whatever_may_be_configured_and_asked_for_makes_a_code_that_can_be_read(
        receiver in receivers(),
        minor in 1..=999_999_999_999_999_i64,
    ) {
        prop_assume!(receiver.check(str::to_owned).is_ok());
        let (is_scanned, account) = (receiver.method.family() == Family::Qr, receiver.account.clone());
        let asked = start(receiver.clone(), minor);
        let amount = asked.amount;
        let Some(told_once) = told(asked) else {
            // No scheme's codes have room for more.
            prop_assert!(is_scanned && amount.to_major().len() > 13, "{amount}");
            return Ok(());
        };
        prop_assert_eq!(&told_once, &told(start(receiver.clone(), minor)).unwrap(), "the same each time");
        prop_assert_eq!(&told_once.account, &account);
        prop_assert_eq!(&told_once.account_name, &receiver.account_name, "not what the page calls the shop");
        prop_assert_eq!(told_once.qr_code.is_some(), is_scanned);
        if let Some(text) = told_once.qr_code {
            prop_assert!(text.is_ascii() && crate::qr_svg::qr_svg(&text).is_ok());
            let code = Code::parse(&text).unwrap();
            prop_assert_eq!(code.bill_number(), Some("ABCDEFGHIJ".to_owned()));
            let asks_for = code.fields().get(id::AMOUNT).unwrap();
            prop_assert_eq!(Money::from_major(asks_for, amount.currency()), Ok(amount));
            prop_assert!(code.fields().get(id::NAME).unwrap().len() <= 25);
        }
    }
}

#[tokio::test]
async fn it_does_nothing_but_wait_for_money() {
    let receiver = Receiver {
        method: Method::PayNow,
        account: "201403121W".to_owned(),
        account_name: "Tea House".to_owned(),
        bank: String::new(),
        acquirer: None,
    };
    let sound = start(receiver, 3_500);
    let hold = Start {
        operation: Operation::Authorize,
        ..sound.clone()
    };
    let elsewhere = Start {
        method: Method::Fps,
        ..sound.clone()
    };
    for other in [hold, elsewhere] {
        assert_eq!(BankRail.start(other).await, NOT_SUPPORTED);
    }
    let reference = sound.reference;
    assert!(matches!(
        BankRail.start(sound).await,
        RailAnswer::AwaitingPayer(_)
    ));
    assert_eq!(BankRail.query(reference).await, Found::NotFound);
    assert_eq!(BankRail.abandon(reference).await, Found::NotFound);
    assert!(BankRail.transfers(None, 10).await.unwrap().is_empty());
}

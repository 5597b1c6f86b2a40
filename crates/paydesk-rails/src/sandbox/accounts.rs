//! The sandbox's own accounts, one per push method: where a payer is told to send money in test mode.
//!
//! They have the form that each country's accounts have, at banks that do not exist.

use paydesk_core::method::Method;
use paydesk_core::money::Money;
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::Destination;

use crate::emvqr::{
    BuildError, Code, FpsProxy, Initiation, PayNowProxy, Payee, Payment, PromptPayProxy,
};

/// What a payer is to be told.
pub(super) struct Push<'a> {
    pub method: Method,
    pub amount: Money,
    pub nonce: &'a str,
    pub expires_at: Timestamp,
    pub merchant_name: &'a str,
}

/// Where the payer sends the money; nothing if the method is not one of pushing it to an account.
pub(super) fn destination(push: &Push<'_>) -> Result<Option<Destination>, BuildError> {
    let scanned = |account: &str, payee: Payee, city: &str| {
        let code = Code::for_payment(&Payment {
            payee: &payee,
            amount: push.amount,
            name: push.merchant_name,
            city,
            bill_number: push.nonce,
            initiation: Some(Initiation::OneTime),
            expires_at: Some(push.expires_at),
        })?;
        Ok(Some(filled(push, account, "", Some(code.to_string()))))
    };
    let transferred = |account: &str, bank: &str| Ok(Some(filled(push, account, bank, None)));
    match push.method {
        // The account of XanPay's published example.
        Method::PayNow => scanned(
            "+6585867834",
            Payee::PayNow(PayNowProxy::Mobile("+6585867834".to_owned())),
            "Singapore",
        ),
        Method::PromptPay => scanned(
            "+66812345678",
            Payee::PromptPay(PromptPayProxy::Mobile("+66812345678".to_owned())),
            "Bangkok",
        ),
        Method::DuitNow => scanned(
            "PAYDESK0001",
            Payee::DuitNow {
                acquirer: "999999".to_owned(),
                merchant: "PAYDESK0001".to_owned(),
            },
            "Kuala Lumpur",
        ),
        Method::Fps => scanned(
            "199900018",
            Payee::Fps(FpsProxy::Id("199900018".to_owned())),
            "Hong Kong",
        ),
        Method::InstaPay => transferred("001234567890", "Sandbox Bank Philippines"),
        Method::HkBankTransfer => transferred("999-001-123456789", "Sandbox Bank Hong Kong"),
        Method::InBankTransfer => {
            transferred("000123456789012", "Sandbox Bank India, IFSC SBXB0000001")
        }
        Method::IdBankTransfer => transferred("1234567890", "Sandbox Bank Indonesia"),
        Method::AuBankTransfer => transferred("999-999 123456789", "Sandbox Bank Australia"),
        Method::NzBankTransfer => transferred("99-9999-1234567-000", "Sandbox Bank New Zealand"),
        Method::Card | Method::ViettelPay | Method::GojekId | Method::Toss => Ok(None),
    }
}

fn filled(push: &Push<'_>, account: &str, bank: &str, qr_code: Option<String>) -> Destination {
    Destination {
        account: account.to_owned(),
        nonce: push.nonce.to_owned(),
        qr_code,
        account_name: push.merchant_name.to_owned(),
        bank: bank.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use paydesk_core::method::Family;
    use paydesk_core::money::Currency;

    use super::*;

    #[test]
    fn every_method_that_pushes_has_an_account_and_every_scanned_one_a_code() {
        for &method in Method::ALL {
            let currency = Currency::from_code(method.currency_code().unwrap_or("USD")).unwrap();
            let push = Push {
                method,
                amount: Money::from_minor(1050, currency).unwrap(),
                nonce: "ABCDEFGHIJ",
                expires_at: Timestamp::EPOCH,
                merchant_name: "Café",
            };
            let found = destination(&push).unwrap();
            match method.family() {
                Family::Card | Family::Wallet => assert_eq!(found, None),
                Family::BankTransfer => assert_eq!(found.unwrap().qr_code, None),
                Family::Qr => {
                    let found = found.unwrap();
                    let code = Code::parse(&found.qr_code.unwrap()).unwrap();
                    assert_eq!(code.bill_number().as_deref(), Some("ABCDEFGHIJ"));
                    assert_eq!(found.account_name, "Café");
                }
            }
        }
    }
}

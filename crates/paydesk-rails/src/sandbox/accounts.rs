//! The sandbox's own accounts, one per push method: where a payer is told to send money in test mode.
//!
//! They have the form that each country's accounts have, at banks that do not exist.

use paydesk_core::method::Method;
use paydesk_core::receiver::Receiver;

/// The sandbox's account for a method, in the name of the merchant; nothing if the method is not one of pushing money to
/// an account.
pub(super) fn receiver(method: Method, merchant_name: &str) -> Option<Receiver> {
    let (account, bank) = match method {
        // The account of XanPay's published example.
        Method::PayNow => ("+6585867834", ""),
        Method::PromptPay => ("+66812345678", ""),
        Method::DuitNow => ("PAYDESK0001", ""),
        Method::Fps => ("199900018", ""),
        Method::InstaPay => ("001234567890", "Sandbox Bank Philippines"),
        Method::HkBankTransfer => ("999-001-123456789", "Sandbox Bank Hong Kong"),
        Method::InBankTransfer => ("000123456789012", "Sandbox Bank India, IFSC SBXB0000001"),
        Method::IdBankTransfer => ("1234567890", "Sandbox Bank Indonesia"),
        Method::AuBankTransfer => ("999-999 123456789", "Sandbox Bank Australia"),
        Method::NzBankTransfer => ("99-9999-1234567-000", "Sandbox Bank New Zealand"),
        Method::Card | Method::ViettelPay | Method::GojekId | Method::Toss => return None,
    };
    Some(Receiver {
        method,
        account: account.to_owned(),
        account_name: merchant_name.to_owned(),
        bank: bank.to_owned(),
        acquirer: (method == Method::DuitNow).then(|| "999999".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_that_pushes_has_an_account_as_a_merchant_could_have_it() {
        for &method in Method::ALL {
            let found = receiver(method, "Café");
            assert_eq!(found.is_some(), method.family().is_pushed(), "{method}");
            if let Some(found) = found {
                assert_eq!(found.check(str::to_owned), Ok(()));
            }
        }
    }
}

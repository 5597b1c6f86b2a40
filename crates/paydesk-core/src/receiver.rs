//! A merchant's own account at a bank, where payers push money to by one method.

use serde::{Deserialize, Serialize};

use crate::method::{Family, Method};
use crate::payee::{FpsProxy, PayNowProxy, Payee, PromptPayProxy, is_digits};
use crate::refusal::Refusal;

const LONGEST_NAME: usize = 100;
/// The longest number of an account that is written anywhere: an IBAN's.
const LONGEST_ACCOUNT: usize = 34;
const SHORTEST_ACCOUNT: usize = 4;

/// Where a merchant receives money that is pushed by a method: what a code or the details on a page say.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receiver {
    /// By which method.
    pub method: Method,
    /// What the payer's bank finds the account by: its number, or what stands for it in the method's scheme
    /// (`PayNow`: mobile or UEN; `PromptPay`: mobile, tax id or e-wallet; FPS: id, mobile or email; `DuitNow`: the merchant's
    /// id with its acquirer). Whoever reports money names it the same way.
    pub account: String,
    /// Whose account it is, as its bank knows them.
    pub account_name: String,
    /// At which bank; empty where a proxy needs none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub bank: String,
    /// For `DuitNow`: the acquirer that gave the merchant its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acquirer: Option<String>,
}

impl Receiver {
    /// Whom its codes pay; nothing where a method is paid without a code.
    #[must_use]
    pub fn payee(&self) -> Option<Payee> {
        match self.method {
            Method::PayNow => Some(Payee::PayNow(PayNowProxy::of(&self.account))),
            Method::PromptPay => Some(Payee::PromptPay(PromptPayProxy::of(&self.account))),
            Method::DuitNow => Some(Payee::DuitNow {
                acquirer: self.acquirer.clone().unwrap_or_default(),
                merchant: self.account.clone(),
            }),
            Method::Fps => Some(Payee::Fps(FpsProxy::of(&self.account))),
            Method::Card
            | Method::InstaPay
            | Method::HkBankTransfer
            | Method::InBankTransfer
            | Method::IdBankTransfer
            | Method::AuBankTransfer
            | Method::NzBankTransfer
            | Method::ViettelPay
            | Method::GojekId
            | Method::Toss => None,
        }
    }

    /// Whether payers can push money there. Refuses, in this order: the method, the acquirer, the account, the account's
    /// name, the bank; `of` gives a field the name that it has in the request.
    pub fn check(&self, of: impl Fn(&str) -> String) -> Result<(), Refusal> {
        let wrong = |field: &str, problem: String| Err(Refusal::field(of(field), problem));
        let method = self.method;
        if !method.family().is_pushed() {
            let why = match method.family() {
                Family::Card => "cards are charged by a card processor",
                _ => "the wallet's own company takes its money",
            };
            return wrong(
                "method",
                format!("is {method}, which no account at a bank can receive: {why}"),
            );
        }
        self.check_account(&wrong)?;
        check_line("accountName", &self.account_name, &wrong)?;
        // A proxy leads to its bank by itself; a number does not.
        if method.family() == Family::BankTransfer || !self.bank.is_empty() {
            check_line("bank", &self.bank, &wrong)?;
        }
        Ok(())
    }

    fn check_account(
        &self,
        wrong: &impl Fn(&str, String) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        if self.method != Method::DuitNow && self.acquirer.is_some() {
            return wrong(
                "acquirer",
                format!("is for duit-now, and not for {}", self.method),
            );
        }
        let account = &self.account;
        match self.payee() {
            Some(Payee::DuitNow { acquirer, .. }) if !is_digits(&acquirer, &[6]) => wrong(
                "acquirer",
                "is not the six digits of the acquirer that gave you your id".to_owned(),
            ),
            Some(payee) => payee
                .check()
                .or_else(|_| wrong("account", format!("is not {}", expected_of(self.method)))),
            None if is_account_number(account) => Ok(()),
            None => wrong(
                "account",
                format!(
                    "is not the number of an account: {SHORTEST_ACCOUNT} to {LONGEST_ACCOUNT} digits, letters, single \
                     spaces and hyphens, of which at least {SHORTEST_ACCOUNT} are digits"
                ),
            ),
        }
    }
}

/// What stands for an account in a method's scheme, in words.
const fn expected_of(method: Method) -> &'static str {
    match method {
        Method::PayNow => {
            "a PayNow proxy: +65 and eight digits (a mobile), or 9 to 13 digits and capital letters (a UEN)"
        }
        Method::PromptPay => {
            "a PromptPay proxy: +66 and nine digits (a mobile), 13 digits (a national or tax id), or 15 digits (an \
             e-wallet)"
        }
        Method::DuitNow => "a DuitNow merchant's id: 1 to 28 letters and digits",
        _ => {
            "an FPS proxy: seven or nine digits (an id), +852- and eight digits (a mobile), or an email address of at most \
             75 ASCII characters"
        }
    }
}

/// Account numbers are written in many ways; what no bank writes is refused, and so is what a payer could not type.
fn is_account_number(text: &str) -> bool {
    let is_within = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-');
    let ends = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    (SHORTEST_ACCOUNT..=LONGEST_ACCOUNT).contains(&text.len())
        && text.bytes().all(is_within)
        && ends(text.bytes().next())
        && ends(text.bytes().last())
        && !text.contains("  ")
        && digits >= SHORTEST_ACCOUNT
}

/// A line of text for people.
fn check_line(
    field: &str,
    text: &str,
    wrong: &impl Fn(&str, String) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    if text.trim().is_empty() {
        return wrong(
            field,
            "is missing: payers compare it with what their bank shows".to_owned(),
        );
    }
    if text.chars().count() > LONGEST_NAME || text.chars().any(char::is_control) {
        return wrong(
            field,
            format!("is not one line of 1 to {LONGEST_NAME} characters"),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receiver(method: Method, account: &str) -> Receiver {
        Receiver {
            method,
            account: account.to_owned(),
            account_name: "Tea House Pte Ltd".to_owned(),
            bank: "Bank of Tea".to_owned(),
            acquirer: (method == Method::DuitNow).then(|| "501664".to_owned()),
        }
    }

    fn refused(receiver: &Receiver) -> Option<String> {
        let found = receiver.check(|field| format!("receives[0].{field}"));
        found.err().map(|refusal| match refusal {
            Refusal::InvalidField { field, .. } => field,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn each_scheme_takes_what_stands_for_an_account_in_it_and_nothing_else() {
        for (method, sound, wrong) in [
            (
                Method::PayNow,
                &["+6585867834", "201403121W", "201403121WABC"][..],
                &[
                    "85867834",
                    "+65 8586 7834",
                    "+658586783",
                    "201403121w",
                    "+6685867834",
                    "",
                ][..],
            ),
            (
                Method::PromptPay,
                &["+66812345678", "1234567890123", "123456789012345"],
                &["0812345678", "12345678901234", "1234567890123456", ""],
            ),
            (
                Method::DuitNow,
                &["Q001", "0123456789012345678901234567"],
                &["", "Q-001", "01234567890123456789012345678"],
            ),
            (
                Method::Fps,
                &["1234567", "199900018", "+852-91234567", "tea@house.hk"],
                &["12345678", "+85291234567", "@house.hk", "tea@", ""],
            ),
            (
                Method::HkBankTransfer,
                &["999-001-123456789", "1234"],
                &[
                    "",
                    "123",
                    "12 ",
                    "-1234",
                    "12  34",
                    "1234567890123456789012345678901234x",
                    "acct",
                    "1234/5",
                ],
            ),
        ] {
            for account in sound {
                assert_eq!(
                    refused(&receiver(method, account)),
                    None,
                    "{method} {account}"
                );
            }
            for account in wrong {
                let field = refused(&receiver(method, account));
                assert_eq!(
                    field.as_deref(),
                    Some("receives[0].account"),
                    "{method} {account}"
                );
            }
        }
    }

    #[test]
    fn every_pushed_method_can_be_received_and_no_other() {
        for &method in Method::ALL {
            let known = refused(&receiver(method, "1234567")) != Some("receives[0].method".into());
            assert_eq!(known, method.family().is_pushed(), "{method}");
        }
    }

    type Fault = fn(&mut Receiver);

    #[test]
    fn it_refuses_in_its_documented_order() {
        let sound = || receiver(Method::DuitNow, "Q001");
        let faults: [(Fault, &str); 5] = [
            (|one| one.method = Method::Toss, "receives[0].method"),
            (
                |one| one.acquirer = Some("50166".into()),
                "receives[0].acquirer",
            ),
            (|one| one.account = "?".into(), "receives[0].account"),
            (
                |one| one.account_name = " ".into(),
                "receives[0].accountName",
            ),
            (|one| one.bank = "two\nlines".into(), "receives[0].bank"),
        ];
        for (rung, (fault, field)) in faults.iter().enumerate() {
            let mut one = sound();
            for (later, _) in faults.iter().skip(rung).rev() {
                later(&mut one);
            }
            fault(&mut one);
            assert_eq!(refused(&one).as_deref(), Some(*field));
        }
    }

    #[test]
    fn a_number_needs_its_bank_and_a_proxy_does_not() {
        let without = |method, account| Receiver {
            bank: String::new(),
            ..receiver(method, account)
        };
        assert_eq!(refused(&without(Method::PayNow, "201403121W")), None);
        let field = refused(&without(Method::AuBankTransfer, "999-999 123456789"));
        assert_eq!(field.as_deref(), Some("receives[0].bank"));
    }

    #[test]
    fn an_acquirer_is_for_duitnow_only() {
        let other = Receiver {
            acquirer: Some("501664".into()),
            ..receiver(Method::Fps, "1234567")
        };
        assert_eq!(refused(&other).as_deref(), Some("receives[0].acquirer"));
        let without = Receiver {
            acquirer: None,
            ..receiver(Method::DuitNow, "Q001")
        };
        assert_eq!(refused(&without).as_deref(), Some("receives[0].acquirer"));
    }
}

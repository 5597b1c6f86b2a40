//! The payer is to push the money: by scanning a code, or by a transfer with a reference.

use paydesk_core::money::Money;
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::{Destination, Transaction};
use paydesk_rails::qr_svg::qr_svg;

use super::{Time, method_label};
use crate::checkout::locale::{Language, money};
use crate::checkout::still_to_pay::StillToPay;
use crate::checkout::visit::Visit;

/// Where the payer sends the money, and until when.
#[derive(Debug)]
pub struct Push {
    /// The heading.
    pub title: String,
    /// The method's name for people.
    pub method: String,
    /// How much still.
    pub still: Money,
    /// The same in words.
    pub amount: String,
    /// The code, if it is scanned.
    pub code: Option<Code>,
    /// Account, name, bank, reference: each can be copied.
    pub details: Vec<Detail>,
    /// What has come, and what is missing.
    pub part: Option<String>,
    /// Until when.
    pub expires_at: Time,
    /// The query of the test bank's page; none where the money is real, or is to be.
    pub test_bank: Option<String>,
}

/// A code to scan.
#[derive(Debug)]
pub struct Code {
    /// Its text.
    pub text: String,
    /// Its picture.
    pub svg: String,
    /// What the picture is, for who cannot see it.
    pub description: String,
}

/// Something that the payer copies into a bank's form.
#[derive(Debug)]
pub struct Detail {
    /// What it is.
    pub label: String,
    /// As it is shown.
    pub shown: String,
    /// As it is copied.
    pub copied: String,
    /// What the button that copies it says.
    pub copy: String,
    /// Whether it is what the payment is found by.
    pub is_key: bool,
}

impl Push {
    /// Of a transaction that waits for its payer.
    #[must_use]
    pub fn new(
        visit: &Visit,
        transaction: &Transaction,
        destination: &Destination,
        expires_at: Timestamp,
        language: Language,
    ) -> Self {
        let t = language.texts();
        let still = StillToPay::of(transaction, destination);
        let amount = money(still.amount, language);
        let code = still.code.and_then(|text| {
            Some(Code {
                svg: qr_svg(&text).ok()?,
                text: text.into_owned(),
                description: t.qr_picture.with(&[("amount", &amount)]),
            })
        });
        let title = if code.is_some() {
            t.scan_title.to_string()
        } else {
            t.transfer_title.to_string()
        };
        let detail = |label: &str, shown: &str, copied: &str, is_key| Detail {
            label: label.to_owned(),
            shown: shown.to_owned(),
            copied: copied.to_owned(),
            copy: t.copy.with(&[("what", label)]),
            is_key,
        };
        let mut details = Vec::new();
        if code.is_none() {
            details.push(detail(
                t.amount.as_str(),
                &amount,
                &still.amount.to_major(),
                false,
            ));
            if !destination.bank.is_empty() {
                details.push(detail(
                    t.bank.as_str(),
                    &destination.bank,
                    &destination.bank,
                    false,
                ));
            }
            details.push(detail(
                t.account.as_str(),
                &destination.account,
                &destination.account,
                false,
            ));
            if !destination.account_name.is_empty() {
                let name = &destination.account_name;
                details.push(detail(t.account_name.as_str(), name, name, false));
            }
        }
        let nonce = &destination.nonce;
        // A code has it within; only who types a transfer has to take care of it.
        details.push(detail(t.reference.as_str(), nonce, nonce, code.is_none()));
        Self {
            title,
            method: method_label(transaction.method, t),
            code,
            details,
            part: part(transaction, language),
            expires_at: Time::new(expires_at, language),
            test_bank: visit.at_sandbox.then(|| {
                let mut query = url::form_urlencoded::Serializer::new(String::new());
                match &destination.qr_code {
                    Some(code) => query.append_pair("qrCode", code),
                    None => query.append_pair("reference", nonce),
                };
                query.finish()
            }),
            still: still.amount,
            amount,
        }
    }
}

/// What is said when less came than is asked for.
fn part(transaction: &Transaction, language: Language) -> Option<String> {
    let received = transaction
        .received
        .filter(|received| !received.is_zero())?;
    let missing = transaction
        .amount
        .checked_sub(received)
        .unwrap_or_else(|| Money::zero(received.currency()));
    Some(language.texts().part_received.with(&[
        ("received", &money(received, language)),
        ("missing", &money(missing, language)),
    ]))
}

//! What the page shows: one screen for each state that a session can be in, in the payer's language. Built
//! from the session alone; the templates only lay it out.

pub mod arrived;
pub mod choose;
mod fields;
pub mod mistakes;
pub mod push;
pub mod receipt;

use paydesk_core::method::{Family, Method};
use paydesk_core::session::{Amount, Canceller, Door, State};
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::{Status, Transaction};

use super::locale::{Language, Texts, date, iso};
use super::visit::Visit;
use choose::Choose;
use mistakes::Returned;
use push::Push;
use receipt::Receipt;

/// The screens.
#[derive(Debug)]
pub enum Screen {
    /// The payer chooses how to pay; also after an attempt that came to nothing.
    Choose(Box<Choose>),
    /// The outcome is not known yet.
    Confirming,
    /// The payer is to scan a code or to send a transfer.
    Push(Box<Push>),
    /// The payer is to confirm on a wallet's or a bank's page.
    Away(Away),
    /// Done.
    Receipt(Box<Receipt>),
    /// Over, without a payment.
    Ended(Ended),
}

/// A page elsewhere that the payer must go to.
#[derive(Debug)]
pub struct Away {
    /// Its address.
    pub url: String,
    /// The heading.
    pub title: String,
    /// What will happen there.
    pub text: String,
    /// What the button says.
    pub button: String,
}

/// A session that is over without a payment.
#[derive(Debug)]
pub struct Ended {
    /// Whether the payer gave it up, rather than that its time was over.
    pub is_cancelled: bool,
    /// The heading.
    pub title: String,
    /// Why, and what the payer can do.
    pub text: String,
    /// What the payer fears most, if it is not so.
    pub reassurance: Option<String>,
    /// The merchant's address to go back to.
    pub back: Option<String>,
}

/// A time for people and for machines.
#[derive(Debug)]
pub struct Time {
    /// In words, in UTC.
    pub text: String,
    /// ISO 8601.
    pub iso: String,
}

impl Time {
    /// In this language.
    #[must_use]
    pub fn new(time: Timestamp, language: Language) -> Self {
        Self {
            text: date(time, language),
            iso: iso(time),
        }
    }
}

impl Screen {
    /// The screen of a session. `returned` is a form that is to be corrected; `changes` says that a payer who is
    /// asked to push or to confirm a payment would rather choose again, which by itself changes nothing.
    #[must_use]
    pub fn of(
        visit: &Visit,
        language: Language,
        returned: Option<&Returned<'_>>,
        changes: bool,
    ) -> Self {
        if let Some(at) = visit.paid_at() {
            return Self::Receipt(Box::new(Receipt::new(visit, at, language)));
        }
        let choose = || {
            if visit.may_act().is_ok() {
                Self::Choose(Box::new(Choose::new(visit, language, returned)))
            } else {
                // A client token that has run out still shows what is under way, but begins nothing.
                Self::Ended(Ended::expired(visit, language))
            }
        };
        match visit.state() {
            State::Created { .. } | State::Initiated { .. } => choose(),
            State::Processing { .. } if (changes || returned.is_some()) && can_change(visit) => {
                choose()
            }
            State::Processing { .. } => match visit.current() {
                Some(transaction) => Self::processing(visit, transaction, language),
                None => Self::Confirming,
            },
            State::Cancelled { by, .. } => Self::Ended(Ended::cancelled(visit, by, language)),
            // What was completed was paid, and has its receipt.
            State::Completed { .. } | State::Expired { .. } => {
                Self::Ended(Ended::expired(visit, language))
            }
        }
    }

    fn processing(visit: &Visit, transaction: &Transaction, language: Language) -> Self {
        match transaction.status_at(visit.now) {
            Status::AwaitingPayer {
                redirect_url: Some(url),
                ..
            } => Self::Away(Away::new(transaction, url, language)),
            Status::AwaitingPayer { expires_at, .. } => match &transaction.destination {
                Some(destination) => {
                    let push = Push::new(visit, transaction, destination, expires_at, language);
                    Self::Push(Box::new(push))
                }
                None => Self::Confirming,
            },
            _ => Self::Confirming,
        }
    }

    /// Its name: what the script compares to tell whether the page must be laid out anew.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Choose(_) => "choose",
            Self::Confirming => "confirming",
            Self::Push(_) => "push",
            Self::Away(_) => "away",
            Self::Receipt(_) => "receipt",
            Self::Ended(_) => "ended",
        }
    }

    /// The page's heading, which its tab shows too.
    #[must_use]
    pub fn title<'s>(&'s self, t: &'s Texts) -> &'s str {
        match self {
            Self::Choose(choose) => &choose.title,
            Self::Confirming => t.confirming_title.as_str(),
            Self::Push(push) => &push.title,
            Self::Away(away) => &away.title,
            Self::Receipt(receipt) => &receipt.title,
            Self::Ended(ended) => &ended.title,
        }
    }

    /// Whether nothing will change any more.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Receipt(_) | Self::Ended(_))
    }

    /// After how many seconds to look again, where no script waits for news.
    #[must_use]
    pub const fn reload(&self) -> Option<u32> {
        match self {
            Self::Confirming => Some(3),
            Self::Push(_) | Self::Away(_) => Some(10),
            // A payer may be typing.
            Self::Choose(_) | Self::Receipt(_) | Self::Ended(_) => None,
        }
    }
}

impl Away {
    fn new(transaction: &Transaction, url: String, language: Language) -> Self {
        let t = language.texts();
        if transaction.method.family() == Family::Card {
            return Self {
                url,
                title: t.bank_check_title.to_string(),
                text: t.bank_check_text.to_string(),
                button: t.bank_check_button.to_string(),
            };
        }
        let wallet = method_label(transaction.method, t);
        Self {
            url,
            title: t.wallet_title.with(&[("wallet", &wallet)]),
            text: t.wallet_text.to_string(),
            button: t.wallet_button.with(&[("wallet", &wallet)]),
        }
    }
}

impl Ended {
    fn cancelled(visit: &Visit, by: Canceller, language: Language) -> Self {
        let t = language.texts();
        let merchant = visit.shop();
        Self {
            is_cancelled: true,
            title: t.cancelled_title.to_string(),
            text: match by {
                Canceller::Payer => t.cancelled_text.to_string(),
                Canceller::Merchant => t.cancelled_by_merchant.with(&[("merchant", merchant)]),
            },
            reassurance: (!arrived::has_arrived(visit)).then(|| t.not_charged.to_string()),
            back: back_url(visit),
        }
    }

    fn expired(visit: &Visit, language: Language) -> Self {
        let t = language.texts();
        Self {
            is_cancelled: false,
            title: t.expired_title.to_string(),
            text: t.expired_text.with(&[("merchant", visit.shop())]),
            reassurance: None,
            back: back_url(visit),
        }
    }
}

/// Where a payer who has not paid goes back to.
fn back_url(visit: &Visit) -> Option<String> {
    let terms = &visit.session.terms;
    match terms.door {
        // Its one address "takes the customer back", whatever happened.
        Door::XanPay => terms.success_url.clone(),
        Door::Native | Door::ModemPay | Door::AccruPay | Door::OneEntry => terms.cancel_url.clone(),
    }
}

/// Whether a payer whose payment is under way can still choose another way: as long as it waits for the payer.
#[must_use]
pub fn can_change(visit: &Visit) -> bool {
    let Some(waiting) = visit.current() else {
        return false;
    };
    let is_waiting = matches!(waiting.status_at(visit.now), Status::AwaitingPayer { .. });
    if visit.may_act().is_err() || !is_waiting {
        return false;
    }
    // The same method again would lead to the same code; another amount, or a page elsewhere, would not.
    let again = !waiting.method.family().is_pushed()
        || matches!(visit.session.terms.amount, Amount::AtLeast(_));
    visit
        .open_methods()
        .any(|method| again || method != waiting.method)
}

/// What a method is called: schemes and wallets by their own names, in every language.
#[must_use]
pub fn method_label(method: Method, t: &Texts) -> String {
    let name = match method {
        Method::Card => t.card.as_str(),
        Method::PayNow => "PayNow",
        Method::PromptPay => "PromptPay",
        Method::DuitNow => "DuitNow QR",
        Method::Fps => "FPS",
        Method::InstaPay => "InstaPay",
        Method::HkBankTransfer
        | Method::InBankTransfer
        | Method::IdBankTransfer
        | Method::AuBankTransfer
        | Method::NzBankTransfer => t.bank_transfer.as_str(),
        Method::ViettelPay => "Viettel Money",
        Method::GojekId => "GoPay",
        Method::Toss => "Toss",
    };
    name.to_owned()
}

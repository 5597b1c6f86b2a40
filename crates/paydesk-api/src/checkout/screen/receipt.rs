//! The payment is done: what the payer keeps.

use paydesk_core::session::Kind;
use paydesk_core::time::{Span, Timestamp};

use super::arrived::taken;
use super::{Time, method_label};
use crate::checkout::locale::{Language, money};
use crate::checkout::visit::Visit;

/// How long after the payment its payer is still taken for the one who just paid.
const JUST_NOW: Span = Span::minutes(10);

/// A receipt.
#[derive(Debug)]
pub struct Receipt {
    /// The heading.
    pub title: String,
    /// What it means.
    pub text: String,
    /// Whether the payer is coming back to a link that is used up.
    pub is_used: bool,
    /// Who was paid.
    pub merchant: String,
    /// Whether money went to somebody; not where a card was only stored.
    pub is_paid: bool,
    /// How much, if any.
    pub amount: Option<String>,
    /// When.
    pub at: Time,
    /// How.
    pub method: Option<String>,
    /// What both sides can name it by.
    pub number: String,
    /// The merchant's address to go on to.
    pub next: Option<String>,
    /// Whether the payer is taken there without asking.
    pub goes_on: bool,
}

impl Receipt {
    /// Of a session that was paid then.
    #[must_use]
    pub fn new(visit: &Visit, at: Timestamp, language: Language) -> Self {
        let t = language.texts();
        let terms = &visit.session.terms;
        let merchant = visit.shop();
        let places = [("merchant", merchant)];
        let transaction = visit.current();
        let is_paid = terms.kind != Kind::AddPaymentMethod;
        let is_used = at.after(JUST_NOW) <= visit.now;
        let (title, text) = match terms.kind {
            _ if is_used => (&t.used_title, t.used_text.to_string()),
            Kind::Payment => (&t.paid_title, t.paid_text.with(&places)),
            Kind::Authorization => (&t.held_title, t.held_text.with(&places)),
            Kind::AddPaymentMethod => (&t.saved_title, t.saved_text.with(&places)),
        };
        Self {
            title: title.to_string(),
            text,
            is_used,
            merchant: merchant.to_owned(),
            is_paid,
            amount: transaction
                .map(taken)
                .filter(|amount| !amount.is_zero())
                .map(|amount| money(amount, language)),
            at: Time::new(at, language),
            method: transaction
                .filter(|_| is_paid)
                .map(|transaction| method_label(transaction.method, t)),
            number: transaction.map_or_else(
                || visit.session.id.to_string(),
                |transaction| transaction.id.to_string(),
            ),
            next: terms.success_url.clone(),
            goes_on: !is_used && terms.success_url.is_some(),
        }
    }
}

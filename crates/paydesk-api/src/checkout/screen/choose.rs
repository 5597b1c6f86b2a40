//! The payer chooses how to pay.

use paydesk_core::method::{Family, Method};
use paydesk_core::session::{Amount, Kind, MAX_CARD_ATTEMPTS};
use paydesk_core::transaction::{DeclineReason, Status};

use super::arrived::has_arrived;
use super::fields::{Field, amount_field, field_id, fields, mistake};
use super::method_label;
use super::mistakes::Returned;
use crate::checkout::locale::{Language, Phrase, Texts, money};
use crate::checkout::visit::Visit;

/// The form with which a payer pays.
#[derive(Debug)]
pub struct Choose {
    /// The heading.
    pub title: String,
    /// What became of the last attempt.
    pub notice: Option<Notice>,
    /// What the payer must correct before anything else.
    pub mistakes: Vec<Mistake>,
    /// The amount, where the payer chooses it.
    pub amount: Option<Field>,
    /// The currency beside it.
    pub currency: &'static str,
    /// Contact and the merchant's questions.
    pub fields: Vec<Field>,
    /// The methods, in the order in which the merchant offers them.
    pub methods: Vec<MethodChoice>,
    /// The card form, if a card may be tried.
    pub card: Option<CardForm>,
    /// Some methods were tried too often: what is said beside the others.
    pub closed: Vec<Notice>,
    /// What is said where there is no method at all.
    pub nothing_left: Vec<String>,
    /// The merchant's address to go back to from there.
    pub back: Option<String>,
    /// What the button says.
    pub button: String,
    /// What happens to the money or the card, if that is not plain.
    pub note: Option<String>,
}

/// Something that the payer should know first.
#[derive(Debug)]
pub struct Notice {
    /// In a few words.
    pub title: String,
    /// In a sentence.
    pub text: String,
    /// What the payer fears most, if it is not so.
    pub reassurance: Option<String>,
}

/// A mistake in the form, with the field that it is about.
#[derive(Debug)]
pub struct Mistake {
    /// The field's id.
    pub field: String,
    /// What is wrong.
    pub text: String,
}

/// A method to choose.
#[derive(Debug)]
pub struct MethodChoice {
    /// Its name on the wire.
    pub name: &'static str,
    /// Its name for people.
    pub label: String,
    /// How one pays with it.
    pub note: &'static str,
    /// What is paid with it, where that is in another currency than the session's.
    pub amount: Option<String>,
    /// Which picture stands beside it.
    pub icon: &'static str,
    /// Whether it is chosen at first.
    pub chosen: bool,
}

/// The card's part of the form. It never has anything in it but what the payer types.
#[derive(Debug)]
pub struct CardForm {
    /// What is wrong with the number.
    pub number: Option<String>,
    /// What is wrong with the expiry.
    pub expiry: Option<String>,
    /// What is wrong with the code.
    pub cvc: Option<String>,
    /// The name on the card, if the merchant knows it.
    pub name: String,
    /// How many more cards may be tried, once one was.
    pub attempts_left: Option<String>,
    /// Whether test cards are listed.
    pub is_test: bool,
}

impl Choose {
    /// The form as it stands, or comes back to be corrected.
    #[must_use]
    pub fn new(visit: &Visit, language: Language, returned: Option<&Returned<'_>>) -> Self {
        let t = language.texts();
        let session = &visit.session;
        let terms = &session.terms;
        let methods: Vec<Method> = visit.open_methods().collect();
        let takes_card = methods.contains(&Method::Card);
        let closed = closed(visit, t);
        let title = if !methods.is_empty() {
            t.page_title.with(&[("merchant", visit.shop())])
        } else if let Some(last) = closed.last() {
            last.title.clone()
        } else {
            t.no_method_title.to_string()
        };
        let fields = fields(visit, t, returned);
        Self {
            title,
            notice: returned.is_none().then(|| last_attempt(visit, t)).flatten(),
            // Where there is nothing to choose, nothing can be put right.
            mistakes: mistakes(returned.filter(|_| !methods.is_empty()), &fields, t),
            amount: amount_field(visit, language, returned),
            currency: terms.amount.currency().code(),
            fields,
            methods: choices(&methods, visit, language, returned),
            card: takes_card.then(|| CardForm {
                number: mistake(returned, "card.number"),
                expiry: mistake(returned, "card.expiry"),
                cvc: mistake(returned, "card.cvc"),
                name: terms
                    .customer
                    .as_ref()
                    .and_then(|customer| customer.name.clone())
                    .unwrap_or_default(),
                attempts_left: (session.card_attempts > 0).then(|| {
                    let left = MAX_CARD_ATTEMPTS - session.card_attempts;
                    t.attempts_left.with(&[("count", &left.to_string())])
                }),
                is_test: !session.tenant.mode.is_live(),
            }),
            nothing_left: nothing_left(visit, t, &methods),
            closed,
            back: super::back_url(visit),
            button: button(terms.kind, &terms.amount, language),
            note: note(visit, t),
        }
    }

    /// Whether there is nothing to choose.
    #[must_use]
    pub const fn is_single(&self) -> bool {
        self.methods.len() == 1
    }
}

/// All mistakes, for the list above the form, where each names the field that it is about.
fn mistakes(returned: Option<&Returned<'_>>, fields: &[Field], t: &Texts) -> Vec<Mistake> {
    let Some(returned) = returned else {
        return Vec::new();
    };
    let label = |name: &str| match name {
        "amount" => Some(t.amount.as_str()),
        "card.number" => Some(t.card_number.as_str()),
        "card.expiry" => Some(t.card_expiry.as_str()),
        "card.cvc" => Some(t.card_cvc.as_str()),
        // What is said of the methods is about them and nothing else.
        name => {
            let asked = fields.iter().find(|field| field.name == name);
            asked.map(|field| field.label.as_str())
        }
    };
    let listed = |(name, text): &(String, String)| Mistake {
        field: field_id(name),
        text: label(name).map_or_else(
            || text.clone(),
            |label| t.mistake_of.with(&[("field", label), ("mistake", text)]),
        ),
    };
    returned.mistakes.iter().map(listed).collect()
}

fn button(kind: Kind, amount: &Amount, language: Language) -> String {
    let t = language.texts();
    let with_amount =
        |phrase: &Phrase, amount| phrase.with(&[("amount", &money(amount, language))]);
    match (kind, amount) {
        (Kind::AddPaymentMethod, _) | (_, Amount::Nothing(_)) => t.save_button.to_string(),
        (Kind::Payment, Amount::Fixed(amount)) => with_amount(&t.pay_button, *amount),
        (Kind::Payment, Amount::AtLeast(_)) => t.pay_button_open.to_string(),
        (Kind::Authorization, Amount::Fixed(amount)) => with_amount(&t.hold_button, *amount),
        (Kind::Authorization, Amount::AtLeast(_)) => t.hold_button_open.to_string(),
    }
}

fn note(visit: &Visit, t: &Texts) -> Option<String> {
    let terms = &visit.session.terms;
    match terms.kind {
        Kind::AddPaymentMethod => Some(t.save_note.to_string()),
        Kind::Authorization => Some(t.hold_note.to_string()),
        Kind::Payment if terms.store_payment_method && terms.methods.contains(&Method::Card) => {
            Some(t.store_note.with(&[("merchant", visit.shop())]))
        }
        Kind::Payment => None,
    }
}

/// What was tried too often, and why it is not offered any more.
fn too_many<'t>(visit: &Visit, t: &'t Texts) -> Vec<(&'t Phrase, &'t Phrase)> {
    let is_closed = |are_cards| {
        visit.methods().any(|method| {
            let family = method.family();
            (family == Family::Card) == are_cards && visit.is_used_up(family)
        })
    };
    let cards = is_closed(true).then_some((&t.too_many_cards_title, &t.too_many_cards));
    let others = is_closed(false).then_some((&t.too_many_tries_title, &t.too_many_tries));
    cards.into_iter().chain(others).collect()
}

/// That nothing was charged, if that is so.
fn reassurance(visit: &Visit, t: &Texts) -> Option<String> {
    (!has_arrived(visit)).then(|| t.not_charged.to_string())
}

fn closed(visit: &Visit, t: &Texts) -> Vec<Notice> {
    too_many(visit, t)
        .into_iter()
        .map(|(title, text)| Notice {
            title: title.to_string(),
            text: format!("{text} {}", t.too_many_cards_other),
            reassurance: reassurance(visit, t),
        })
        .collect()
}

/// What is said where there is no method at all.
fn nothing_left(visit: &Visit, t: &Texts, methods: &[Method]) -> Vec<String> {
    if !methods.is_empty() {
        return Vec::new();
    }
    let places = [("merchant", visit.shop())];
    let closed = too_many(visit, t);
    if closed.is_empty() {
        return vec![t.no_method.with(&places)];
    }
    let mut lines: Vec<String> = closed.iter().map(|(_, text)| text.to_string()).collect();
    lines.push(t.too_many_cards_none.with(&places));
    lines.extend(reassurance(visit, t));
    lines
}

/// What became of the last attempt, if the payer should know. Nobody who can try no other card is told to.
fn last_attempt(visit: &Visit, t: &Texts) -> Option<Notice> {
    let last = visit
        .last_attempt()
        .filter(|last| !visit.is_used_up(last.method.family()))?;
    let is_card = last.method.family() == Family::Card;
    let (title, text) = match last.status_at(visit.now) {
        Status::Declined { reason, .. } if is_card => (&t.declined_title, decline_text(reason, t)),
        // A wallet's refusal has nothing to do with a card; most often the payer did not confirm.
        Status::Declined { .. } => (&t.failed_title, &t.not_confirmed),
        Status::Failed { .. } => (&t.failed_title, &t.failed),
        // What came all the same is told of instead.
        Status::Expired { .. } if has_arrived(visit) => return None,
        Status::Expired { .. } => {
            return Some(Notice {
                title: t.push_expired_title.to_string(),
                text: t.push_expired.to_string(),
                reassurance: None,
            });
        }
        Status::InFlight { .. }
        | Status::AwaitingPayer { .. }
        | Status::Unknown { .. }
        | Status::Succeeded { .. }
        | Status::Cancelled { .. }
        | Status::Received { .. } => return None,
    };
    Some(Notice {
        title: title.to_string(),
        text: text.to_string(),
        reassurance: reassurance(visit, t),
    })
}

/// Why a card was declined, in plain words.
#[must_use]
pub const fn decline_text(reason: DeclineReason, t: &Texts) -> &Phrase {
    match reason {
        DeclineReason::Declined => &t.declined,
        DeclineReason::InsufficientFunds => &t.insufficient_funds,
        DeclineReason::ExpiredCard => &t.expired_card,
        DeclineReason::IncorrectCvc => &t.incorrect_cvc,
        DeclineReason::AuthenticationFailed => &t.authentication_failed,
    }
}

fn choices(
    methods: &[Method],
    visit: &Visit,
    language: Language,
    returned: Option<&Returned<'_>>,
) -> Vec<MethodChoice> {
    let t = language.texts();
    let in_its_currency = |method| match visit.session.terms.amount {
        Amount::Fixed(asked) => {
            let (amount, _) = visit.rates.exchange(asked, method).ok()??;
            Some(money(amount, language))
        }
        _ => None,
    };
    // What the payer chose last stays chosen.
    let chosen = returned
        .and_then(|returned| returned.submission.method.as_deref()?.parse().ok())
        .or_else(|| visit.last_attempt().map(|last| last.method))
        .filter(|method| methods.contains(method))
        .or_else(|| methods.first().copied());
    methods
        .iter()
        .map(|&method| {
            let (note, icon) = match method.family() {
                Family::Card => ("", "card"),
                Family::Qr => (t.qr_note.as_str(), "qr"),
                Family::BankTransfer => (t.transfer_note.as_str(), "bank"),
                Family::Wallet => (t.wallet_note.as_str(), "wallet"),
            };
            MethodChoice {
                name: method.name(),
                label: method_label(method, t),
                note,
                amount: in_its_currency(method),
                icon,
                chosen: Some(method) == chosen,
            }
        })
        .collect()
}

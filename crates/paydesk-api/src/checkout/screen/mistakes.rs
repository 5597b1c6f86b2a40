//! What a payer must correct, in the payer's words, beside the field that it is about.

use paydesk_core::money::Money;
use paydesk_core::refusal::Refusal;
use paydesk_core::session::Amount;

use crate::checkout::locale::{Language, Phrase, decimal, money};
use crate::checkout::submission::Submission;
use crate::checkout::visit::Visit;

/// Fields, as the forms name them, and what is wrong with each.
pub type Mistakes = Vec<(String, String)>;

/// A form that comes back.
#[derive(Debug)]
pub struct Returned<'r> {
    /// What was sent. Nothing of its card is ever shown again.
    pub submission: &'r Submission,
    /// What is wrong with it.
    pub mistakes: Mistakes,
}

impl Returned<'_> {
    /// What is wrong with a field, if anything is.
    #[must_use]
    pub fn mistake(&self, field: &str) -> Option<&str> {
        self.mistakes
            .iter()
            .find_map(|(name, mistake)| (name == field).then_some(mistake.as_str()))
    }
}

/// What is missing from a form. Whether what is there is right, the engine says.
#[must_use]
pub fn missing(visit: &Visit, submission: &Submission, language: Language) -> Mistakes {
    let t = language.texts();
    let mut missing = Vec::new();
    let mut need = |is_there: bool, field: String, phrase: &Phrase| {
        if !is_there {
            missing.push((field, phrase.to_string()));
        }
    };
    need(
        submission.method.is_some(),
        "method".to_owned(),
        &t.choose_title,
    );
    if matches!(visit.session.terms.amount, Amount::AtLeast(_)) {
        need(
            submission.amount.is_some(),
            "amount".to_owned(),
            &t.error_required,
        );
    }
    for field in &visit.session.terms.custom_fields {
        let is_there = submission
            .custom_fields
            .iter()
            .any(|(name, _)| *name == field.name);
        need(
            is_there || !field.required,
            format!("customFields.{}", field.name),
            &t.error_required,
        );
    }
    if let Some(card) = &submission.card {
        need(
            !card.number.is_empty(),
            "card.number".to_owned(),
            &t.error_card_number,
        );
        need(
            card.expires().is_some(),
            "card.expiry".to_owned(),
            &t.error_card_expiry,
        );
        need(
            !card.cvc.is_empty(),
            "card.cvc".to_owned(),
            &t.error_card_cvc,
        );
    }
    missing
}

/// What is done about a refusal.
#[derive(Debug)]
pub enum Reaction {
    /// Something has happened to the session: the page shows what.
    Look(Refusal),
    /// The payer can put it right.
    Correct(Refusal, Mistakes),
    /// Nobody here can.
    Refuse(Refusal),
}

/// Sorts a refusal of a payment.
#[must_use]
pub fn reaction(refusal: Refusal, language: Language) -> Reaction {
    let t = language.texts();
    let (field, mistake) = match &refusal {
        Refusal::SessionExpired
        | Refusal::SessionCancelled
        | Refusal::SessionCompleted
        | Refusal::PaymentInProgress
        | Refusal::AlreadyPaid => return Reaction::Look(refusal),
        Refusal::InvalidField { field, .. } => match field.as_str() {
            "card.number" => ("card.number", t.error_card_number.to_string()),
            "card.cvc" => ("card.cvc", t.error_card_cvc.to_string()),
            "card.expMonth" => ("card.expiry", t.error_card_expiry.to_string()),
            "card.expYear" => ("card.expiry", t.error_card_expired.to_string()),
            "method" => ("method", t.error_method.to_string()),
            // What is left to be wrong with a text that is there is its length.
            field => (field, t.error_too_long.to_string()),
        },
        Refusal::InvalidAmount { error, .. } => {
            use paydesk_core::money::AmountError;
            let example = match error {
                AmountError::TooManyDecimals { currency } => {
                    Money::from_minor(35 * 10_i64.pow(u32::from(currency.exponent())), *currency)
                        .map_or_else(|_| "35".to_owned(), |example| decimal(example, language))
                }
                AmountError::NotANumber
                | AmountError::Negative
                | AmountError::Zero
                | AmountError::TooLarge => "35".to_owned(),
            };
            ("amount", t.error_amount.with(&[("example", &example)]))
        }
        Refusal::NotATestCard => ("card.number", t.error_test_card.to_string()),
        Refusal::CardRequired => ("card.number", t.error_card_number.to_string()),
        Refusal::AmountRequired { minimum } | Refusal::AmountTooSmall { minimum } => (
            "amount",
            t.error_amount_small
                .with(&[("amount", &money(*minimum, language))]),
        ),
        Refusal::AmountDiffers { .. } | Refusal::CurrencyDiffers { .. } => {
            ("amount", t.error_amount_other.to_string())
        }
        // What waits meanwhile is of another method: it is no answer to this one.
        Refusal::TooManyCardAttempts { .. }
        | Refusal::TooManyPushedAttempts { .. }
        | Refusal::MethodNotOffered { .. }
        | Refusal::MethodCannotSettle { .. }
        | Refusal::CardNotExpected
        | Refusal::LiveCard
        | Refusal::CardsOnly
        | Refusal::PaymentMethodNotFound
        | Refusal::NoProviderAccount
        | Refusal::ProviderAccountAmbiguous
        | Refusal::ProviderAccountDisabled
        | Refusal::ProviderAccountNotFound
        | Refusal::NoMethodSettles { .. } => ("method", t.error_method.to_string()),
        Refusal::SessionNotFound
        | Refusal::TransactionNotFound
        | Refusal::ReferenceTaken { .. }
        | Refusal::AmountTooLarge { .. }
        | Refusal::NotSettleable
        | Refusal::NotVoidable
        | Refusal::NotRefundable
        | Refusal::RefundAtBank
        | Refusal::AlreadySettled
        | Refusal::AlreadyVoided
        | Refusal::HoldExpired
        | Refusal::OperationInProgress
        | Refusal::NoException
        | Refusal::CustomerNotFound
        | Refusal::CustomerCodeTaken
        | Refusal::KeyNotFound
        | Refusal::TestModeOnly
        | Refusal::IdempotencyKeyReused
        | Refusal::EndpointNotFound
        | Refusal::TooManyEndpoints { .. }
        | Refusal::EventNotFound
        | Refusal::DeliveryNotFound
        | Refusal::IdempotencyKeyInUse
        | Refusal::Shop(_) => return Reaction::Refuse(refusal),
    };
    let mistakes = vec![(field.to_owned(), mistake)];
    Reaction::Correct(refusal, mistakes)
}

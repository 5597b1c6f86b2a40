//! What may be wrong with what a payer sends: one attempt too many, the card, the amount, the answers.

use super::StartPayment;
use crate::merchant::ProviderAccount;
use crate::method::Method;
use crate::money::Money;
use crate::rates::{Exchange, Rates};
use crate::refusal::Refusal;
use crate::session::{
    Amount, Contact, CustomFieldValue, MAX_CARD_ATTEMPTS, MAX_PUSHED_ATTEMPTS, Session,
};
use crate::time::Timestamp;

const MAX_FIELD_VALUE: usize = 500;
const MAX_PHONE: usize = 40;

pub(super) const fn check_card_attempts(session: &Session) -> Result<(), Refusal> {
    let limit = MAX_CARD_ATTEMPTS;
    if session.card_attempts >= limit {
        return Err(Refusal::TooManyCardAttempts { limit });
    }
    Ok(())
}

pub(super) const fn check_pushed_attempts(session: &Session) -> Result<(), Refusal> {
    let limit = MAX_PUSHED_ATTEMPTS;
    if session.pushed_attempts >= limit {
        return Err(Refusal::TooManyPushedAttempts { limit });
    }
    Ok(())
}

pub(super) fn check_card(
    request: &StartPayment,
    session: &Session,
    is_card: bool,
    account: &ProviderAccount,
    now: Timestamp,
) -> Result<(), Refusal> {
    if !is_card {
        return if request.card.is_some() || request.saved.is_some() {
            Err(Refusal::CardNotExpected)
        } else {
            Ok(())
        };
    }
    if let Some(saved) = &request.saved {
        if request.card.is_some() {
            return Err(Refusal::field(
                "card",
                "is given beside a saved one: give one of the two",
            ));
        }
        // A rail's token charges the card on that rail only; and whoever asks, a card pays for its own customer only.
        let customer = session.terms.customer.as_ref();
        let theirs = customer.and_then(|customer| customer.code.as_deref());
        let may = saved.detached_at.is_none()
            && saved.tenant == session.tenant
            && saved.provider_account == account.id
            && theirs.is_some()
            && saved.customer.as_deref() == theirs;
        return if may {
            Ok(())
        } else {
            Err(Refusal::PaymentMethodNotFound)
        };
    }
    let card = request.card.as_ref().ok_or(Refusal::CardRequired)?;
    if account.tenant.mode.is_live() {
        return Err(Refusal::LiveCard);
    }
    let digits = |text: &str, least: usize, most: usize| {
        (least..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
    };
    if !digits(&card.number, 12, 19) {
        return Err(Refusal::field(
            "card.number",
            "is not a card number of 12 to 19 digits",
        ));
    }
    if !digits(&card.cvc, 3, 4) {
        return Err(Refusal::field("card.cvc", "is not a code of 3 or 4 digits"));
    }
    if !(1..=12).contains(&card.exp_month) {
        return Err(Refusal::field(
            "card.expMonth",
            "is not a month from 1 to 12",
        ));
    }
    if !is_valid_through(card.exp_month, card.exp_year, now) {
        return Err(Refusal::field(
            "card.expYear",
            "is in the past or too far ahead: the card has expired",
        ));
    }
    Ok(())
}

/// A card is good until the last day of its month, anywhere on earth.
pub(super) fn is_valid_through(month: u8, year: u16, now: Timestamp) -> bool {
    // The year and month at UTC-12, where the day ends last.
    let text = Timestamp::from_millis(now.as_millis() - 12 * 3_600_000).to_string();
    let part = |range: std::ops::Range<usize>| {
        text.get(range)
            .and_then(|digits| digits.parse::<u32>().ok())
    };
    let (Some(this_year), Some(this_month)) = (part(0..4), part(5..7)) else {
        return false;
    };
    let (month, year) = (u32::from(month), u32::from(year));
    (year, month) >= (this_year, this_month) && year <= this_year + 30
}

pub(super) fn amount_to_pay(asked: &Amount, given: Option<Money>) -> Result<Money, Refusal> {
    match (*asked, given) {
        (Amount::Fixed(expected), None) => Ok(expected),
        (Amount::Fixed(expected), Some(given)) if given == expected => Ok(expected),
        (Amount::Fixed(expected), Some(_)) => Err(Refusal::AmountDiffers { expected }),
        (Amount::AtLeast(minimum), None) => Err(Refusal::AmountRequired { minimum }),
        (Amount::AtLeast(minimum), Some(given)) if given.currency() != minimum.currency() => {
            Err(Refusal::CurrencyDiffers {
                expected: minimum.currency(),
            })
        }
        (Amount::AtLeast(minimum), Some(given)) if given.minor() < minimum.minor() => {
            Err(Refusal::AmountTooSmall { minimum })
        }
        (Amount::AtLeast(_), Some(given)) => Ok(given),
        (Amount::Nothing(currency), None) => Ok(Money::zero(currency)),
        (Amount::Nothing(currency), Some(_)) => Err(Refusal::AmountDiffers {
            expected: Money::zero(currency),
        }),
    }
}

/// What the payer pays with a method: what is asked for, or what that is in the method's own currency, and at which
/// rate. A method that was offered at a rate which is no longer configured cannot settle any more.
pub(super) fn amount_in_method(
    asked: Money,
    method: Method,
    rates: &Rates,
) -> Result<(Money, Option<Exchange>), Refusal> {
    let currency = asked.currency();
    if method
        .currency_code()
        .is_none_or(|code| code == currency.code())
    {
        return Ok((asked, None));
    }
    match rates.exchange(asked, method) {
        Ok(Some((amount, exchange))) => Ok((amount, Some(exchange))),
        Ok(None) => Err(Refusal::MethodCannotSettle { method, currency }),
        Err(error) => Err(Refusal::InvalidAmount {
            field: "amount".into(),
            error,
        }),
    }
}

/// What the payer wrote: the answers to the merchant's questions, and how to be reached.
pub(super) fn check_answers(session: &Session, request: &StartPayment) -> Result<(), Refusal> {
    check_custom_fields(session, &request.custom_field_values)?;
    check_contact(request.contact.as_ref())
}

pub(super) fn check_custom_fields(
    session: &Session,
    values: &[CustomFieldValue],
) -> Result<(), Refusal> {
    let asked = &session.terms.custom_fields;
    for value in values {
        let field = || format!("customFields.{}", value.name);
        if !asked.iter().any(|field| field.name == value.name) {
            return Err(Refusal::field(field(), "is not a field of this session"));
        }
        if value.value.chars().count() > MAX_FIELD_VALUE {
            return Err(Refusal::field(
                field(),
                format!("is longer than {MAX_FIELD_VALUE} characters"),
            ));
        }
        if values
            .iter()
            .filter(|other| other.name == value.name)
            .count()
            > 1
        {
            return Err(Refusal::field(field(), "is given twice"));
        }
    }
    let missing = asked.iter().find(|field| {
        field.required
            && !values
                .iter()
                .any(|value| value.name == field.name && !value.value.trim().is_empty())
    });
    missing.map_or(Ok(()), |field| {
        Err(Refusal::field(
            format!("customFields.{}", field.name),
            "is missing: the merchant asks for it",
        ))
    })
}

fn check_contact(contact: Option<&Contact>) -> Result<(), Refusal> {
    let Some(contact) = contact else {
        return Ok(());
    };
    for (field, text, limit) in [
        ("email", &contact.email, MAX_FIELD_VALUE),
        ("phone", &contact.phone, MAX_PHONE),
    ] {
        if text
            .as_ref()
            .is_some_and(|text| text.chars().count() > limit)
        {
            return Err(Refusal::field(
                field,
                format!("is longer than {limit} characters"),
            ));
        }
    }
    Ok(())
}

//! What a payer sends to pay: JSON, or one of the page's own forms. Both become one thing.

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use paydesk_core::id::PaymentMethodId;
use paydesk_core::refusal::Refusal;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::form_code;
use super::trouble::Trouble;
use crate::http::json::parse_json;

/// In which of the two ways a body is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Written {
    /// `application/json`: the answer is JSON too.
    Json,
    /// `application/x-www-form-urlencoded`: the answer is a redirect or a page.
    Form,
}

impl Written {
    /// As the content type says; nothing if it is neither. A post without one counts as a form: there is nothing
    /// in it to read.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let Some(kind) = headers.get(CONTENT_TYPE) else {
            return Some(Self::Form);
        };
        let kind = kind.to_str().unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if kind.eq_ignore_ascii_case("application/json") {
            Some(Self::Json)
        } else if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            Some(Self::Form)
        } else {
            None
        }
    }
}

/// A payment, an initiation or a cancellation as it was sent.
#[derive(Debug, Default)]
pub struct Submission {
    /// The method's name.
    pub method: Option<String>,
    /// How much, where the payer chooses.
    pub amount: Option<WrittenAmount>,
    /// Answers to the merchant's questions, by name.
    pub custom_fields: Vec<(String, String)>,
    /// Email address.
    pub email: Option<String>,
    /// Telephone.
    pub phone: Option<String>,
    /// The card.
    pub card: Option<WrittenCard>,
    /// A stored card, instead.
    pub saved: Option<PaymentMethodId>,
    /// The code of our own form.
    pub form_code: Option<String>,
}

/// An amount as it was sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WrittenAmount {
    /// JSON: minor units.
    Minor(i64),
    /// A form: major units, as people write them.
    Typed(String),
}

/// A card as it was typed; wiped when dropped, never printed.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub struct WrittenCard {
    /// With or without spaces and dashes.
    pub number: String,
    /// `MM/YY`, or in two fields.
    pub expiry: String,
    /// Month.
    pub exp_month: String,
    /// Year, two or four digits.
    pub exp_year: String,
    /// The code on the back.
    pub cvc: String,
    /// The name on it.
    pub name: String,
}

impl fmt::Debug for WrittenCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WrittenCard(…)")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct JsonIn {
    method: Option<String>,
    amount: Option<i64>,
    #[serde(default)]
    custom_fields: BTreeMap<String, String>,
    email: Option<String>,
    phone: Option<String>,
    card: Option<JsonCard>,
    saved_method: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct JsonCard {
    number: String,
    #[serde(default)]
    exp_month: Option<Number>,
    #[serde(default)]
    exp_year: Option<Number>,
    #[serde(default)]
    expiry: String,
    #[serde(default)]
    cvc: String,
    #[serde(default)]
    name: Option<String>,
}

/// A number, or digits in a string: clients write months both ways.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Figure(u16),
    Digits(String),
    // What it was is not repeated: it may be anything.
    Neither(IgnoredAny),
}

impl Number {
    fn text(self) -> String {
        match self {
            Self::Figure(number) => number.to_string(),
            Self::Digits(digits) => digits,
            Self::Neither(_) => String::new(),
        }
    }
}

impl Submission {
    /// Reads a body.
    pub fn read(written: Written, body: &Bytes) -> Result<Self, Trouble> {
        match written {
            // Nothing to say is said by nothing at all, too.
            Written::Json if body.is_empty() => Ok(Self::default()),
            Written::Json => Self::from_json(body),
            Written::Form => Ok(Self::from_form(body)),
        }
    }

    fn from_json(body: &Bytes) -> Result<Self, Trouble> {
        let json: JsonIn = parse_json(body)?;
        let saved = json.saved_method.map(|id| {
            id.parse()
                .map_err(|_| Refusal::field("savedMethod", "is not the id of a payment method"))
        });
        Ok(Self {
            method: json.method,
            amount: json.amount.map(WrittenAmount::Minor),
            custom_fields: json.custom_fields.into_iter().collect(),
            email: json.email,
            phone: json.phone,
            card: json.card.map(|card| WrittenCard {
                number: card.number,
                expiry: card.expiry,
                exp_month: card.exp_month.map(Number::text).unwrap_or_default(),
                exp_year: card.exp_year.map(Number::text).unwrap_or_default(),
                cvc: card.cvc,
                name: card.name.unwrap_or_default(),
            }),
            saved: saved.transpose()?,
            form_code: None,
        })
    }

    /// A form has a field for everything, and most of them empty: what is empty was not said.
    fn from_form(body: &Bytes) -> Self {
        let mut read = Self::default();
        let mut card = WrittenCard::default();
        for (name, value) in url::form_urlencoded::parse(body) {
            let mut value = value.into_owned();
            if value.trim().is_empty() {
                continue;
            }
            match &*name {
                "method" => read.method = Some(value),
                "amount" => read.amount = Some(WrittenAmount::Typed(value)),
                "email" => read.email = Some(value),
                "phone" => read.phone = Some(value),
                form_code::FIELD => read.form_code = Some(value),
                "card.number" => card.number = std::mem::take(&mut value),
                "card.expiry" => card.expiry = std::mem::take(&mut value),
                "card.expMonth" => card.exp_month = std::mem::take(&mut value),
                "card.expYear" => card.exp_year = std::mem::take(&mut value),
                "card.cvc" => card.cvc = std::mem::take(&mut value),
                "card.name" => card.name = std::mem::take(&mut value),
                name => {
                    if let Some(field) = name.strip_prefix("customFields.") {
                        read.custom_fields.push((field.to_owned(), value));
                    }
                }
            }
        }
        // The page's form has the card's fields whatever method is chosen.
        if read.method.as_deref() == Some("card") {
            read.card = Some(card);
        }
        read
    }
}

impl WrittenCard {
    /// The number without the spaces and dashes that people put into it.
    #[must_use]
    pub fn digits(&self) -> String {
        self.number
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .collect()
    }

    /// Month and year, from whichever fields they came in; nothing if they cannot be read.
    #[must_use]
    pub fn expires(&self) -> Option<(u8, u16)> {
        let (month, year) = if self.exp_month.is_empty() && self.exp_year.is_empty() {
            split_expiry(&self.expiry)?
        } else {
            (
                self.exp_month.trim().to_owned(),
                self.exp_year.trim().to_owned(),
            )
        };
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !is_number(&month) || !is_number(&year) {
            return None;
        }
        let short = year.len() == 2;
        let year: u16 = year.parse().ok()?;
        Some((month.parse().ok()?, if short { 2000 + year } else { year }))
    }
}

/// `08/30`, `08 / 2030`, `8-30`, `0830`, and `2030-08`, which some browsers fill in.
fn split_expiry(text: &str) -> Option<(String, String)> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if let Some((first, second)) = text.split_once(['/', '-', '.']) {
        return Some(if first.len() == 4 {
            (second.to_owned(), first.to_owned())
        } else {
            (first.to_owned(), second.to_owned())
        });
    }
    if !matches!(text.len(), 4 | 6) || !text.is_ascii() {
        return None;
    }
    let (month, year) = text.split_at(2);
    Some((month.to_owned(), year.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(body: &str) -> Submission {
        Submission::read(Written::Form, &Bytes::copy_from_slice(body.as_bytes())).unwrap()
    }

    fn json(body: &str) -> Result<Submission, Trouble> {
        Submission::read(Written::Json, &Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn an_expiry_is_read_however_people_and_browsers_write_it() {
        for text in [
            "08/30", "8/30", "08 / 30", "08/2030", "0830", "082030", "08-30", "2030-08",
        ] {
            let mut card = WrittenCard::default();
            card.expiry.push_str(text);
            assert_eq!(card.expires(), Some((8, 2030)), "{text}");
        }
        for text in ["", "08", "08/", "/30", "ab/cd", "٠٨/٣٠", "830", "08/30/01"] {
            let mut card = WrittenCard::default();
            card.expiry.push_str(text);
            assert_eq!(card.expires(), None, "{text}");
        }
    }

    #[test]
    fn the_form_and_json_say_the_same() {
        let typed = form(
            "method=card&card.number=4242+4242-4242%C2%A04242&card.expiry=08%2F30&card.cvc=123&card.name=A+B\
             &customFields.size=XL&email=a%40b.c&amount=&unknown=1",
        );
        let card = typed.card.unwrap();
        assert_eq!(card.digits(), "4242424242424242");
        assert_eq!(card.expires(), Some((8, 2030)));
        assert_eq!(typed.custom_fields, [("size".to_owned(), "XL".to_owned())]);
        assert_eq!(typed.amount, None);

        for (month, year) in [("8", "2030"), ("\"08\"", "\"30\"")] {
            let sent = json(&format!(
                r#"{{"method":"card","customFields":{{"size":"XL"}},"email":"a@b.c",
                    "card":{{"number":"4242 4242 4242 4242","expMonth":{month},"expYear":{year},"cvc":"123"}}}}"#
            ))
            .unwrap();
            assert_eq!(sent.card.unwrap().expires(), Some((8, 2030)));
            assert_eq!(sent.custom_fields, [("size".to_owned(), "XL".to_owned())]);
        }
    }

    #[test]
    fn a_forms_card_fields_count_only_if_a_card_is_chosen() {
        assert!(form("method=paynow&card.number=4242").card.is_none());
    }

    #[test]
    fn an_unknown_field_of_json_is_refused_by_name_and_no_value_is_repeated() {
        let refused = format!("{:?}", json(r#"{"method":"card","cart":1}"#).unwrap_err());
        assert!(refused.contains("cart"), "{refused}");
        let refused = json(r#"{"card":{"number":4242424242424242}}"#).unwrap_err();
        assert!(!format!("{refused:?}").contains("4242"));
    }

    #[test]
    fn a_card_is_never_printed() {
        let typed = form("method=card&card.number=4242424242424242&card.cvc=987");
        let printed = format!("{typed:?}");
        assert!(
            !printed.contains("4242") && !printed.contains("987"),
            "{printed}"
        );
    }
}

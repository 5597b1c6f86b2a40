//! The inputs of the payer's form: the amount, how the payer may be reached, the merchant's questions.

use paydesk_core::session::{Amount, CustomField, CustomerDetails};

use super::mistakes::Returned;
use crate::checkout::locale::{Language, Texts, money};
use crate::checkout::submission::WrittenAmount;
use crate::checkout::visit::Visit;

/// An input.
#[derive(Debug)]
pub struct Field {
    /// Its id in the page.
    pub id: String,
    /// Its name in the form.
    pub name: String,
    /// What it is called.
    pub label: String,
    /// What else to know of it.
    pub hint: Option<String>,
    /// What is in it.
    pub value: String,
    /// Whether paying needs it.
    pub required: bool,
    /// What is wrong with it.
    pub mistake: Option<String>,
    /// What a browser may fill in.
    pub autocomplete: &'static str,
    /// `type`.
    pub kind: &'static str,
    /// Which keyboard suits.
    pub inputmode: &'static str,
}

/// What is wrong with a field, if anything is.
pub(super) fn mistake(returned: Option<&Returned<'_>>, field: &str) -> Option<String> {
    returned?.mistake(field).map(str::to_owned)
}

/// The id of a field in the page; `customFields.size` is `field-customFields-size`.
pub(super) fn field_id(name: &str) -> String {
    let safe: String = name
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .collect();
    format!("field-{safe}")
}

/// The amount, where the payer chooses it.
pub(super) fn amount_field(
    visit: &Visit,
    language: Language,
    returned: Option<&Returned<'_>>,
) -> Option<Field> {
    let Amount::AtLeast(minimum) = visit.session.terms.amount else {
        return None;
    };
    let t = language.texts();
    let typed = returned.and_then(|returned| match &returned.submission.amount {
        Some(WrittenAmount::Typed(typed)) => Some(typed.clone()),
        _ => None,
    });
    Some(Field {
        id: field_id("amount"),
        name: "amount".to_owned(),
        label: t.amount.to_string(),
        hint: Some(
            t.amount_minimum
                .with(&[("amount", &money(minimum, language))]),
        ),
        value: typed.unwrap_or_default(),
        required: true,
        mistake: mistake(returned, "amount"),
        autocomplete: "transaction-amount",
        kind: "text",
        inputmode: if minimum.currency().exponent() == 0 {
            "numeric"
        } else {
            "decimal"
        },
    })
}

/// How the payer may be reached, if the merchant began to say so, and the merchant's questions.
pub(super) fn fields(visit: &Visit, t: &Texts, returned: Option<&Returned<'_>>) -> Vec<Field> {
    let terms = &visit.session.terms;
    let mut fields = Vec::new();
    if let Some(customer) = &terms.customer {
        let sent = returned.map(|returned| returned.submission);
        let mut contact = |name: &str, label: &str, known: Option<String>, sort: Sort| {
            let Some(known) = known else { return };
            fields.push(Field {
                id: field_id(name),
                name: name.to_owned(),
                label: label.to_owned(),
                hint: None,
                value: known,
                required: false,
                mistake: mistake(returned, name),
                autocomplete: sort.autocomplete,
                kind: sort.kind,
                inputmode: sort.inputmode,
            });
        };
        let email = customer.email.clone();
        let phone = phone(customer);
        // What the payer wrote stays, also if that is nothing.
        let kept = |known: Option<String>, written: Option<&String>| match (known, sent) {
            (Some(_), Some(_)) => Some(written.cloned().unwrap_or_default()),
            (known, _) => known,
        };
        let email = kept(email, sent.and_then(|sent| sent.email.as_ref()));
        let phone = kept(phone, sent.and_then(|sent| sent.phone.as_ref()));
        contact("email", t.email.as_str(), email, EMAIL);
        contact("phone", t.phone.as_str(), phone, PHONE);
    }
    for asked in &terms.custom_fields {
        let sort = sort(asked);
        let name = format!("customFields.{}", asked.name);
        let value = match returned {
            Some(returned) => returned
                .submission
                .custom_fields
                .iter()
                .find_map(|(name, value)| (*name == asked.name).then(|| value.clone())),
            None => terms
                .customer
                .as_ref()
                .and_then(|customer| (sort.known)(customer)),
        };
        fields.push(Field {
            id: field_id(&name),
            label: asked.label.clone(),
            hint: None,
            value: value.unwrap_or_default(),
            required: asked.required,
            mistake: mistake(returned, &name),
            autocomplete: sort.autocomplete,
            kind: sort.kind,
            inputmode: sort.inputmode,
            name,
        });
    }
    fields
}

/// What a question asks for, as far as its name tells: what a browser fills in, which keyboard it gets, and
/// what the merchant knows already.
#[derive(Clone, Copy)]
struct Sort {
    autocomplete: &'static str,
    kind: &'static str,
    inputmode: &'static str,
    known: fn(&CustomerDetails) -> Option<String>,
}

const EMAIL: Sort = Sort {
    autocomplete: "email",
    kind: "email",
    inputmode: "email",
    known: |customer| customer.email.clone(),
};
const PHONE: Sort = Sort {
    autocomplete: "tel",
    kind: "tel",
    inputmode: "tel",
    known: phone,
};
const NAME: Sort = Sort {
    autocomplete: "name",
    kind: "text",
    inputmode: "text",
    known: |customer| customer.name.clone(),
};
const OTHER: Sort = Sort {
    autocomplete: "on",
    kind: "text",
    inputmode: "text",
    known: |_| None,
};

fn sort(field: &CustomField) -> Sort {
    let name: String = field
        .name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    if name.contains("email") {
        EMAIL
    } else if name.contains("phone") || name.contains("mobile") || name == "tel" {
        PHONE
    } else if matches!(&*name, "name" | "fullname" | "customername" | "yourname") {
        NAME
    } else {
        OTHER
    }
}

fn phone(customer: &CustomerDetails) -> Option<String> {
    let phone = customer.phone.as_ref()?;
    Some(if phone.code.is_empty() {
        phone.number.clone()
    } else {
        format!("{} {}", phone.code, phone.number)
    })
}

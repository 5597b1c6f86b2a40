//! Which fields of a request for a session are wrong in themselves.

use super::OpenSession;
use super::parties::{check_device, check_party, check_user};
use crate::given::Given;
use crate::money::AmountError;
use crate::outgoing::Policy;
use crate::refusal::Refusal;
use crate::session::{Amount, CustomField, CustomerDetails, Kind, LONGEST_LIFETIME, LineItem};
use crate::tenant::Mode;
use crate::time::Span;

/// The longest code of a merchant's for a session or a charge, in characters.
pub(in crate::engine) const LONGEST_REFERENCE: usize = 255;
const MAX_TEXT: usize = 500;
const MAX_LONG_TEXT: usize = 5_000;
const MAX_URL: usize = 2_048;
const MAX_LINE_ITEMS: usize = 200;
const MAX_CUSTOM_FIELDS: usize = 20;
/// A bound, and no more: Modem Pay takes any object. What a dialect promises less of, it refuses itself.
const MAX_METADATA_KEYS: usize = 5_000;
/// The shortest and the longest lifetime that a merchant may set.
pub(crate) const LIFETIME: (Span, Span) = (Span::seconds(60), LONGEST_LIFETIME);

/// Refuses the first field that is wrong in itself.
pub(super) fn check(request: &OpenSession, mode: Mode, outgoing: Policy) -> Result<(), Refusal> {
    check_amount(request.kind, request.amount)?;
    text("reference", request.reference.as_deref(), LONGEST_REFERENCE)?;
    text("title", request.title.as_deref(), MAX_TEXT)?;
    text("description", request.description.as_deref(), MAX_LONG_TEXT)?;
    text("locale", request.locale.as_deref(), 35)?;
    url("successUrl", request.success_url.as_deref(), mode)?;
    url("cancelUrl", request.cancel_url.as_deref(), mode)?;
    if let Some(notify) = &request.notify {
        outgoing.check("notifyUrl", &notify.url, mode)?;
    }
    if request
        .notify_payload
        .as_ref()
        .is_some_and(|payload| payload.len() > MAX_LONG_TEXT)
    {
        return Err(Refusal::field(
            "notifyPayload",
            format!("is longer than {MAX_LONG_TEXT} bytes"),
        ));
    }
    check_line_items(&request.line_items, request.amount)?;
    if let Some(customer) = &request.customer {
        check_customer(customer)?;
    }
    for (name, party) in [
        ("billing", &request.billing),
        ("shipping", &request.shipping),
    ] {
        if let Some(party) = party {
            check_party(name, party)?;
        }
    }
    request.user.as_ref().map_or(Ok(()), check_user)?;
    request.device.as_ref().map_or(Ok(()), check_device)?;
    check_custom_fields(&request.custom_fields)?;
    at_most("metadata", request.metadata.len(), MAX_METADATA_KEYS)?;
    match request.lifetime {
        Some(lifetime) if !(LIFETIME.0..=LIFETIME.1).contains(&lifetime) => Err(Refusal::field(
            "expiresIn",
            "is not between 60 seconds and 30 days (2592000)",
        )),
        _ => Ok(()),
    }
}

fn check_amount(kind: Kind, amount: Amount) -> Result<(), Refusal> {
    let invalid = |error: AmountError| Refusal::InvalidAmount {
        field: "amount".into(),
        error,
    };
    match (kind, amount) {
        (Kind::AddPaymentMethod, Amount::Nothing(_)) => Ok(()),
        (Kind::AddPaymentMethod, _) => Err(Refusal::field(
            "amount",
            "is given, but a session that stores a card charges nothing",
        )),
        (_, Amount::Nothing(_)) => Err(Refusal::field("amount", "is missing")),
        (_, Amount::Fixed(money) | Amount::AtLeast(money)) => {
            money.positive().map(|_| ()).map_err(invalid)
        }
    }
}

fn check_line_items(items: &[LineItem], amount: Amount) -> Result<(), Refusal> {
    at_most("lineItems", items.len(), MAX_LINE_ITEMS)?;
    for (index, item) in items.iter().enumerate() {
        let within = |refusal| nested(refusal, || format!("lineItems[{index}]"));
        text("name", Some(&item.name), MAX_TEXT).map_err(within)?;
        text("id", item.id.as_deref(), MAX_TEXT).map_err(within)?;
        if item.amount.currency() != amount.currency() {
            return Err(within(Refusal::field(
                "amount",
                "is not in the session's currency",
            )));
        }
    }
    Ok(())
}

fn check_customer(customer: &CustomerDetails) -> Result<(), Refusal> {
    text("customer.code", customer.code.as_deref(), MAX_TEXT)?;
    text("customer.name", customer.name.as_deref(), MAX_TEXT)?;
    text("customer.email", customer.email.as_deref(), MAX_TEXT)?;
    match &customer.phone {
        Some(phone) => {
            let code = Some(phone.code.as_str()).filter(|code| !code.is_empty());
            text("customer.phone.code", code, 10)?;
            text("customer.phone", Some(&phone.number), 40)
        }
        None => Ok(()),
    }
}

fn check_custom_fields(fields: &[CustomField]) -> Result<(), Refusal> {
    at_most("customFields", fields.len(), MAX_CUSTOM_FIELDS)?;
    for (index, field) in fields.iter().enumerate() {
        let within = |refusal| nested(refusal, || format!("customFields[{index}]"));
        text("name", Some(&field.name), 100).map_err(within)?;
        text("label", Some(&field.label), MAX_TEXT).map_err(within)?;
        if fields
            .iter()
            .take(index)
            .any(|earlier| earlier.name == field.name)
        {
            return Err(within(Refusal::field(
                "name",
                "repeats an earlier field's name",
            )));
        }
    }
    Ok(())
}

/// The same refusal, of a field within another; the path is written only when it is needed.
fn nested(refusal: Refusal, path: impl Fn() -> String) -> Refusal {
    match refusal {
        Refusal::InvalidField { field, problem } => Refusal::InvalidField {
            field: format!("{}.{field}", path()),
            problem,
        },
        other => other,
    }
}

fn at_most(field: &str, count: usize, limit: usize) -> Result<(), Refusal> {
    if count > limit {
        return Err(Refusal::field(
            field,
            format!("has more than {limit} entries"),
        ));
    }
    Ok(())
}

pub(crate) fn text(field: &str, text: Option<&str>, limit: usize) -> Result<(), Refusal> {
    match text {
        Some(text) if text.trim().is_empty() => {
            Err(Refusal::field(field, "is empty; leave it out instead"))
        }
        // No text has more characters than bytes: most are done with the first comparison.
        Some(text) if text.len() > limit && text.chars().count() > limit => Err(Refusal::field(
            field,
            format!("is longer than {limit} characters"),
        )),
        Some(text) if text.contains('\0') => Err(Refusal::field(field, "contains a NUL character")),
        _ => Ok(()),
    }
}

/// What a shop's forms hold, in bytes: it is given back in every list.
const LONGEST_FORM_DATA: usize = 16 * 1024;

/// The data of a shop's form.
pub(in crate::engine) fn form_data(given: &Given) -> Result<(), Refusal> {
    if given.as_json().len() > LONGEST_FORM_DATA {
        let problem = format!("is longer than {LONGEST_FORM_DATA} bytes of JSON");
        return Err(Refusal::field("formData", problem));
    }
    Ok(())
}

/// Links that payers follow: `https`; `http` too on this machine or in test mode.
pub(crate) fn url(field: &str, text: Option<&str>, mode: Mode) -> Result<(), Refusal> {
    let Some(text) = text else { return Ok(()) };
    if text.len() > MAX_URL {
        return Err(Refusal::field(
            field,
            format!("is longer than {MAX_URL} characters"),
        ));
    }
    let right = "is not a URL such as https://example.com/path";
    let url = url::Url::parse(text).map_err(|_| Refusal::field(field, right))?;
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => return Err(Refusal::field(field, "is not an http or https URL")),
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if loopback || !mode.is_live() => Ok(()),
        "http" => Err(Refusal::field(field, "must use https in live mode")),
        _ => Err(Refusal::field(field, "is not an http or https URL")),
    }
}

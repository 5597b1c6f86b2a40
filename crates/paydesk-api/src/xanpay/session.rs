//! XanPay's session object.

use paydesk_core::authority::{Authority, Right};
use paydesk_core::id::SessionId;
use paydesk_core::keys::ServerKeys;
use paydesk_core::method::{Family, Method};
use paydesk_core::money::Money;
use paydesk_core::session::{Amount, CustomerDetails, LineItem, Session, StateName};
use paydesk_core::tenant::Tenant;
use paydesk_core::time::Timestamp;
use serde::Serialize;

use crate::wire::{Iso, MajorNumber};

/// A session as XanPay writes it; what is absent is left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionOut<'s> {
    id: String,
    amount: MajorNumber,
    currency: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    orders: Vec<OrderOut<'s>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notify_url: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notify_payload: Option<&'s str>,
    status: &'static str,
    methods: Vec<Method>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_url: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<CustomerOut<'s>>,
    created_at: Iso,
    updated_at: Iso,
}

/// One of the things bought.
#[derive(Serialize)]
pub struct OrderOut<'s> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'s str>,
    name: &'s str,
    quantity: u32,
    amount: MajorNumber,
}

#[derive(Serialize)]
struct CustomerOut<'s> {
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<PhoneOut<'s>>,
}

#[derive(Serialize)]
struct PhoneOut<'s> {
    phone: &'s str,
    code: &'s str,
}

impl<'s> SessionOut<'s> {
    /// The session as it stands at `now`, under this public id.
    pub fn new(session: &'s Session, id: String, now: Timestamp) -> Self {
        let terms = &session.terms;
        Self {
            id,
            amount: MajorNumber(asked(&terms.amount)),
            currency: terms.amount.currency().code(),
            orders: orders(&terms.line_items),
            notify_url: terms.notify.as_ref().map(|notify| notify.url.as_str()),
            notify_payload: terms.notify_payload.as_deref(),
            status: status(session, now),
            // A card is no method of XanPay's: the page may offer one, the list does not name it.
            methods: terms
                .methods
                .iter()
                .copied()
                .filter(|method| method.family() != Family::Card)
                .collect(),
            redirect_url: terms.success_url.as_deref(),
            customer: terms.customer.as_ref().map(CustomerOut::from),
            created_at: Iso(session.created_at),
            updated_at: Iso(session.updated_at),
        }
    }
}

/// The session that an id names, if it is one of this tenant's.
pub fn read_id(text: &str, tenant: Tenant, keys: &ServerKeys) -> Option<SessionId> {
    let authority = Authority::from_text(text, keys)?;
    (authority.right == Right::Page && authority.tenant == tenant).then_some(authority.session)
}

/// What is asked for; the least where the payer chooses.
pub fn asked(amount: &Amount) -> Money {
    match amount {
        Amount::Fixed(money) | Amount::AtLeast(money) => *money,
        Amount::Nothing(currency) => Money::zero(*currency),
    }
}

/// The orders of a session or charge.
pub fn orders(items: &[LineItem]) -> Vec<OrderOut<'_>> {
    items
        .iter()
        .map(|item| OrderOut {
            id: item.id.as_deref(),
            name: &item.name,
            quantity: item.quantity,
            amount: MajorNumber(item.amount),
        })
        .collect()
}

/// Once a charge exists the session stays `charged`; `expired` is one that timed out without.
fn status(session: &Session, now: Timestamp) -> &'static str {
    if session.charge.is_some() {
        return "charged";
    }
    match session.state_at(now).name() {
        StateName::Created => "created",
        StateName::Initiated | StateName::Processing => "initiated",
        StateName::Completed => "charged",
        StateName::Cancelled => "cancelled",
        StateName::Expired => "expired",
    }
}

impl<'s> From<&'s CustomerDetails> for CustomerOut<'s> {
    fn from(customer: &'s CustomerDetails) -> Self {
        Self {
            email: customer.email.as_deref(),
            phone: customer.phone.as_ref().map(|phone| PhoneOut {
                phone: &phone.number,
                code: &phone.code,
            }),
        }
    }
}

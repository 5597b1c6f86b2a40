//! Modem Pay's session object.

use paydesk_api::wire::{Iso, MajorNumber};
use paydesk_core::engine::Engine;
use paydesk_core::given::Metadata;
use paydesk_core::id::SessionId;
use paydesk_core::session::{Amount, CustomerDetails, Session, State, StateName};
use paydesk_core::time::Timestamp;
use serde::Serialize;

use crate::code;
use crate::customer::phone;

/// A session as Modem Pay writes it: everything that was given, as it was given, and what became of it. What is
/// absent is left out.
#[derive(Serialize)]
pub struct SessionOut<'s> {
    id: SessionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<MajorNumber>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_amount: Option<MajorNumber>,
    currency: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_url: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel_url: Option<&'s str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    custom_fields: Vec<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<i64>,
    #[serde(flatten)]
    customer: CustomerOut<'s>,
    metadata: &'s Metadata,
    payment_link: String,
    unique_code: String,
    #[serde(rename = "type")]
    kind: &'static str,
    status: &'static str,
    expired: bool,
    /// While it is active, when it ends by itself; once it has expired, when it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Iso>,
    test_mode: bool,
    #[serde(rename = "createdAt")]
    created_at: Iso,
    #[serde(rename = "updatedAt")]
    updated_at: Iso,
}

/// What a session says of who pays.
#[derive(Serialize, Default)]
struct CustomerOut<'s> {
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_name: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_email: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_phone: Option<String>,
}

impl<'s> SessionOut<'s> {
    /// The session as it stands at `now`.
    pub fn new(session: &'s Session, engine: &Engine, now: Timestamp) -> Self {
        let terms = &session.terms;
        let state = session.state_at(now);
        let (amount, min_amount) = match terms.amount {
            Amount::Fixed(money) => (Some(MajorNumber(money)), None),
            Amount::AtLeast(money) => (None, Some(MajorNumber(money))),
            Amount::Nothing(_) => (None, None),
        };
        Self {
            id: session.id,
            title: terms.title.as_deref(),
            description: terms.description.as_deref(),
            amount,
            min_amount,
            currency: terms.amount.currency().code(),
            redirect_url: terms.success_url.as_deref(),
            cancel_url: terms.cancel_url.as_deref(),
            custom_fields: terms
                .custom_fields
                .iter()
                .map(|field| field.name.as_str())
                .collect(),
            expires_in: terms.lifetime.map(|lifetime| lifetime.as_millis() / 1000),
            customer: terms
                .customer
                .as_ref()
                .map(CustomerOut::from)
                .unwrap_or_default(),
            metadata: &terms.metadata,
            payment_link: engine.page_url(session),
            unique_code: code::of(session.id),
            // Subscriptions are not sold here.
            kind: "single-charge",
            status: status(state.name()),
            expired: state.name() == StateName::Expired,
            expires_at: match state {
                State::Expired { at } => Some(Iso(at)),
                _ => session.expires_at().map(Iso),
            },
            test_mode: !session.tenant.mode.is_live(),
            created_at: Iso(session.created_at),
            updated_at: Iso(session.updated_at),
        }
    }
}

const fn status(state: StateName) -> &'static str {
    match state {
        StateName::Created | StateName::Initiated | StateName::Processing => "active",
        StateName::Completed => "completed",
        StateName::Cancelled => "cancelled",
        StateName::Expired => "expired",
    }
}

impl<'s> From<&'s CustomerDetails> for CustomerOut<'s> {
    fn from(customer: &'s CustomerDetails) -> Self {
        Self {
            customer: customer.code.as_deref(),
            customer_name: customer.name.as_deref(),
            customer_email: customer.email.as_deref(),
            customer_phone: phone(customer),
        }
    }
}

//! OneEntry's payment session object.

use paydesk_api::wire::{Iso, MajorNumber};
use paydesk_core::authority::{Authority, Right};
use paydesk_core::engine::Engine;
use paydesk_core::id::{SessionId, TransactionId};
use paydesk_core::money::Money;
use paydesk_core::number::Number;
use paydesk_core::session::{Amount, Flow, LineItem, Session, StateName};
use paydesk_core::tenant::Tenant;
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::Transaction;
use serde::{Deserialize, Serialize};

/// OneEntry's names of what we call a flow.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// The payer is sent to the page.
    Session,
    /// The payer pays in the shop.
    Intent,
}

impl From<Type> for Flow {
    fn from(this: Type) -> Self {
        match this {
            Type::Session => Self::Session,
            Type::Intent => Self::Intent,
        }
    }
}

impl From<Flow> for Type {
    fn from(flow: Flow) -> Self {
        match flow {
            Flow::Session => Self::Session,
            Flow::Intent => Self::Intent,
        }
    }
}

/// A session as OneEntry writes it. What is absent is left out, never null; `amount` and `paymentUrl` may be null.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionOut<'s> {
    id: Number,
    created_date: Iso,
    updated_date: Iso,
    version: u64,
    identifier: SessionId,
    #[serde(rename = "type")]
    kind: Type,
    status: &'static str,
    order_id: Option<Number>,
    payment_account_id: Number,
    amount: Option<MajorNumber>,
    payment_url: Option<String>,
    client_secret: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    success_url: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel_url: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intent: Option<IntentOut>,
    intent_id: Number,
    line_items: Vec<LineItemOut<'s>>,
    automatic_tax_enabled: bool,
}

#[derive(Serialize)]
struct IntentOut {
    amount: MajorNumber,
    /// In lower case, as in the document.
    currency: String,
}

#[derive(Serialize)]
struct LineItemOut<'s> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'s str>,
    name: &'s str,
    quantity: u32,
    price: MajorNumber,
}

impl<'s> SessionOut<'s> {
    /// The session as it stands at `now`; `transactions` holds at least its own.
    pub fn new(
        session: &'s Session,
        transactions: &'s [Transaction],
        engine: &Engine,
        now: Timestamp,
    ) -> Self {
        let terms = &session.terms;
        let ordered = session.ordered.as_ref();
        let amount = amount(&terms.amount);
        let client_secret = Authority {
            tenant: session.tenant,
            session: session.id,
            right: Right::ClientSecret,
        };
        // Known from the beginning: the first attempt's, until there is another.
        let intent = session.charge.unwrap_or(session.first_transaction);
        Self {
            id: Number::of(session.id.0),
            created_date: Iso(session.created_at),
            updated_date: Iso(session.updated_at),
            version: session.version,
            identifier: session.id,
            kind: ordered.map_or(Flow::Session, |ordered| ordered.flow).into(),
            status: status(session.state_at(now).name()),
            order_id: ordered.map(|ordered| Number::of(ordered.order.0)),
            payment_account_id: Number::of(terms.provider_account.0),
            amount: amount.map(MajorNumber),
            payment_url: Some(engine.page_url(session)),
            client_secret: client_secret.to_text(engine.keys()),
            session_id: provider_reference(transactions, intent),
            success_url: terms.success_url.as_deref(),
            cancel_url: terms.cancel_url.as_deref(),
            intent: amount.map(|amount| IntentOut {
                amount: MajorNumber(amount),
                currency: amount.currency().code().to_lowercase(),
            }),
            intent_id: Number::of(session.first_transaction.0),
            line_items: terms.line_items.iter().map(LineItemOut::from).collect(),
            automatic_tax_enabled: ordered.is_some_and(|ordered| ordered.automatic_tax),
        }
    }
}

const fn amount(amount: &Amount) -> Option<Money> {
    match amount {
        Amount::Fixed(money) | Amount::AtLeast(money) => Some(*money),
        Amount::Nothing(_) => None,
    }
}

const fn status(state: StateName) -> &'static str {
    match state {
        StateName::Created | StateName::Initiated | StateName::Processing => "waiting",
        StateName::Completed => "completed",
        StateName::Cancelled => "canceled",
        StateName::Expired => "expired",
    }
}

fn provider_reference(transactions: &[Transaction], intent: TransactionId) -> Option<&str> {
    let charge = transactions.iter().find(|one| one.id == intent)?;
    charge.provider_reference.as_deref()
}

impl<'s> From<&'s LineItem> for LineItemOut<'s> {
    fn from(item: &'s LineItem) -> Self {
        Self {
            id: item.id.as_deref(),
            name: &item.name,
            quantity: item.quantity,
            price: MajorNumber(item.amount),
        }
    }
}

/// Where the payer pays.
pub fn page(engine: &Engine, tenant: Tenant, session: SessionId) -> String {
    let link = Authority::page(tenant, session).to_text(engine.keys());
    format!("{}/pay/{link}", engine.public_url())
}

//! The native event: what endpoints and `notifyUrl` receive.

use std::sync::Arc;

use paydesk_core::endpoint::DisabledBecause;
use paydesk_core::engine::Engine;
use paydesk_core::event::{Event, Subject};
use paydesk_core::id::{EndpointId, EventId, PaymentMethodId, ProviderAccountId};
use paydesk_core::payment_method::PaymentMethod;
use paydesk_core::session::Session;
use paydesk_core::transaction::Transaction;
use paydesk_webhooks::Words;
use schemars::JsonSchema;
use serde::Serialize;

use super::bank_transfers::BankTransferOut;
use super::customers::CustomerOut;
use super::schema;
use super::session::SessionOut;
use super::transaction::TransactionOut;
use crate::wire::Iso;

/// An event as the native API writes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventOut<'e, D> {
    id: EventId,
    #[serde(rename = "type")]
    kind: &'e str,
    created_at: Iso,
    livemode: bool,
    sequence: u32,
    data: D,
}

impl<'e, D> EventOut<'e, D> {
    const fn new(event: &'e Event, data: D) -> Self {
        Self {
            id: event.id,
            kind: event.kind.name(),
            created_at: Iso(event.at),
            livemode: event.tenant.mode.is_live(),
            sequence: event.sequence,
            data,
        }
    }
}

/// A stored card as the native API writes it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "PaymentMethod")]
pub struct PaymentMethodOut<'p> {
    #[schemars(with = "schema::Id")]
    id: PaymentMethodId,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<&'p str>,
    #[schemars(with = "schema::Id")]
    provider_account: ProviderAccountId,
    brand: &'p str,
    last_four: &'p str,
    exp_month: u8,
    exp_year: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detached_at: Option<Iso>,
    created_at: Iso,
    updated_at: Iso,
}

impl<'p> From<&'p PaymentMethod> for PaymentMethodOut<'p> {
    fn from(stored: &'p PaymentMethod) -> Self {
        Self {
            id: stored.id,
            customer: stored.customer.as_deref(),
            provider_account: stored.provider_account,
            brand: &stored.card.brand,
            last_four: &stored.card.last_four,
            exp_month: stored.card.exp_month,
            exp_year: stored.card.exp_year,
            detached_at: stored.detached_at.map(Iso),
            created_at: Iso(stored.created_at),
            updated_at: Iso(stored.updated_at),
        }
    }
}

/// What is told of an endpoint that is told nothing more.
#[derive(Serialize)]
struct DisabledEndpointOut<'e> {
    id: EndpointId,
    url: &'e str,
    reason: DisabledBecause,
}

/// Writes events as the native API does.
pub struct EventWords(pub Arc<Engine>);

impl Words for EventWords {
    fn render(
        &self,
        event: &Event,
        session: Option<&Session>,
        _: &[Transaction],
    ) -> Option<String> {
        let written = match &event.subject {
            Subject::Session { .. } => {
                let then = event.session_then(session?)?;
                serde_json::to_string(&EventOut::new(
                    event,
                    SessionOut::new(&then, [], &self.0, event.at),
                ))
            }
            Subject::Transaction { transaction } => serde_json::to_string(&EventOut::new(
                event,
                TransactionOut::new(transaction, event.at),
            )),
            Subject::PaymentMethod { payment_method } => serde_json::to_string(&EventOut::new(
                event,
                PaymentMethodOut::from(&**payment_method),
            )),
            Subject::Endpoint { endpoint, url, why } => serde_json::to_string(&EventOut::new(
                event,
                DisabledEndpointOut {
                    id: *endpoint,
                    url,
                    reason: *why,
                },
            )),
            Subject::BankTransfer { bank_transfer } => serde_json::to_string(&EventOut::new(
                event,
                BankTransferOut::from(&**bank_transfer),
            )),
            Subject::Customer { customer } => {
                serde_json::to_string(&EventOut::new(event, CustomerOut::from(&**customer)))
            }
        };
        match written {
            Ok(body) => Some(body),
            Err(error) => {
                tracing::error!(%error, event = %event.id, "an event could not be written");
                None
            }
        }
    }
}

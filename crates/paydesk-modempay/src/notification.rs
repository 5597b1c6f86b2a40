//! What Modem Pay's webhooks say: `{"event", "payload"}`, the payload a session or a transaction as its calls answer
//! them.

use std::sync::Arc;

use paydesk_core::engine::Engine;
use paydesk_core::event::{Event, EventKind, Subject};
use paydesk_core::id::TransactionId;
use paydesk_core::session::Session;
use paydesk_core::transaction::{Action, Status, Transaction};
use paydesk_webhooks::Words;
use serde::Serialize;
use serde_json::{Value, json};

use crate::js_json::stringify;
use crate::session::SessionOut;
use crate::transaction::TransactionOut;

/// Writes events as Modem Pay does.
pub struct ModemPayWords(pub Arc<Engine>);

impl Words for ModemPayWords {
    fn render(
        &self,
        event: &Event,
        session: Option<&Session>,
        transactions: &[Transaction],
    ) -> Option<String> {
        let mut name = name(event.kind)?;
        let payload = match &event.subject {
            Subject::Session { .. } => {
                let then = event.session_then(session?)?;
                value(event, &SessionOut::new(&then, &self.0, event.at))?
            }
            Subject::Transaction { transaction } => {
                // The client knows payments only: what was done to one is told as its update.
                let told = if transaction.action.is_attempt() {
                    transaction
                } else {
                    if !matches!(transaction.status, Status::Succeeded { .. }) {
                        return None;
                    }
                    name = "charge.updated";
                    find(transactions, transaction.parent?)?
                };
                if told.action == Action::AddPaymentMethod {
                    return None;
                }
                value(event, &TransactionOut::new(told, session, event.at))?
            }
            Subject::PaymentMethod { .. }
            | Subject::Endpoint { .. }
            | Subject::BankTransfer { .. } => return None,
        };
        Some(stringify(&json!({"event": name, "payload": payload})))
    }
}

fn find(transactions: &[Transaction], id: TransactionId) -> Option<&Transaction> {
    transactions.iter().find(|transaction| transaction.id == id)
}

fn value(event: &Event, payload: &impl Serialize) -> Option<Value> {
    serde_json::to_value(payload)
        .inspect_err(
            |error| tracing::error!(%error, event = %event.id, "an event could not be written"),
        )
        .ok()
}

/// What Modem Pay calls what happened; nothing if it has no word for it. The client has no event of its own for a
/// session's expiry: that one is ours.
const fn name(kind: EventKind) -> Option<&'static str> {
    Some(match kind {
        EventKind::SessionCreated => "payment_intent.created",
        EventKind::SessionCancelled => "payment_intent.cancelled",
        EventKind::SessionExpired => "session.expired",
        EventKind::TransactionPending => "charge.created",
        EventKind::TransactionSucceeded => "charge.succeeded",
        EventKind::TransactionDeclined
        | EventKind::TransactionFailed
        | EventKind::TransactionExpired => "charge.failed",
        EventKind::TransactionCancelled => "charge.cancelled",
        EventKind::TransactionUnknown
        | EventKind::TransactionException
        | EventKind::RefundSucceeded => "charge.updated",
        // The charge itself is told of; a refund that failed changed nothing.
        EventKind::SessionInitiated
        | EventKind::SessionCompleted
        | EventKind::RefundFailed
        | EventKind::PaymentMethodStored
        | EventKind::EndpointDisabled
        | EventKind::BankTransferUnmatched => return None,
    })
}

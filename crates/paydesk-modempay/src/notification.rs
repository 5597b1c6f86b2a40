//! What Modem Pay's webhooks say: `{"event", "payload"}`, the payload a session, a transaction or a customer as its calls
//! answer them.

use std::sync::Arc;

use paydesk_core::engine::Engine;
use paydesk_core::event::{Event, EventKind, Subject};
use paydesk_core::id::TransactionId;
use paydesk_core::session::Session;
use paydesk_core::transaction::{Action, Hold, Status, Transaction};
use paydesk_webhooks::Words;
use serde::Serialize;

use crate::customer::CustomerOut;
use crate::js_json::rewrite;
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
        let body = match &event.subject {
            Subject::Session { .. } => {
                let then = event.session_then(session?)?;
                body(name, &SessionOut::new(&then, &self.0, event.at))
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
                if told.hold == Some(Hold::Lapsed) {
                    // Nothing is held any more, and nothing was taken: as if it had been released.
                    name = "charge.cancelled";
                }
                body(name, &TransactionOut::new(told, session, event.at))
            }
            Subject::Customer { customer } => body(name, &CustomerOut::from(&**customer)),
            Subject::PaymentMethod { .. }
            | Subject::Endpoint { .. }
            | Subject::BankTransfer { .. } => return None,
        };
        body.inspect_err(
            |error| tracing::error!(%error, event = %event.id, "an event could not be written"),
        )
        .ok()
    }
}

fn find(transactions: &[Transaction], id: TransactionId) -> Option<&Transaction> {
    transactions.iter().find(|transaction| transaction.id == id)
}

#[derive(Serialize)]
struct Body<P> {
    event: &'static str,
    payload: P,
}

fn body(event: &'static str, payload: &impl Serialize) -> serde_json::Result<String> {
    rewrite(&serde_json::to_string(&Body { event, payload })?)
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
        EventKind::CustomerCreated => "customer.created",
        EventKind::CustomerUpdated => "customer.updated",
        EventKind::CustomerDeleted => "customer.deleted",
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

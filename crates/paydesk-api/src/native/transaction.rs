//! The native transaction object.

use paydesk_core::id::{PaymentMethodId, ProviderAccountId, SessionId, TransactionId};
use paydesk_core::method::Method;
use paydesk_core::money::Money;
use paydesk_core::rates::Rate;
use paydesk_core::session::{Contact, CustomFieldValue};
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::{Action, Destination, ExceptionKind, Hold, Status, Transaction};
use schemars::JsonSchema;
use serde::Serialize;

use super::schema;
use crate::wire::Iso;

/// A transaction as the native API writes it; what is absent is left out.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Transaction")]
pub struct TransactionOut<'t> {
    #[schemars(with = "schema::Id")]
    id: TransactionId,
    /// The session that it belongs to; none for a stored card charged without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "schema::Id")]
    session_id: Option<SessionId>,
    #[schemars(with = "schema::ActionName")]
    action: Action,
    #[schemars(with = "schema::TransactionStatus")]
    status: &'static str,
    #[schemars(with = "schema::Amount")]
    amount: i64,
    #[schemars(with = "schema::CurrencyCode")]
    currency: &'static str,
    /// Where the payer pays in another currency than the session's: what you asked for, and at which rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "schema::Amount")]
    merchant_amount: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "schema::CurrencyCode")]
    merchant_currency: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "schema::ExchangeRate")]
    exchange_rate: Option<Rate>,
    #[schemars(with = "schema::MethodName")]
    method: Method,
    #[schemars(with = "schema::Id")]
    provider_account: ProviderAccountId,
    /// The transaction that it settles, voids or refunds, or whose late money it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "schema::Id")]
    related_transaction_id: Option<TransactionId>,
    /// Your own code, for a charge without a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'t str>,
    /// Of an authorization: how much of it was settled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "schema::Amount")]
    settled_amount: Option<i64>,
    /// Of a payment: how much of it was given back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "schema::Amount")]
    refunded_amount: Option<i64>,
    /// Of an authorization: what became of the money that it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "schema::HoldName")]
    hold: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "schema::DestinationOut")]
    destination: Option<&'t Destination>,
    /// Why the rail said no.
    #[serde(skip_serializing_if = "Option::is_none")]
    decline_reason: Option<&'static str>,
    /// Why it came to nothing without anybody saying no.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exception: Option<ExceptionOut>,
    /// The stored card that it charged or made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "schema::Id")]
    payment_method: Option<PaymentMethodId>,
    /// The payer's answers to your questions.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schemars(with = "Vec<schema::Answered>")]
    custom_field_values: &'t [CustomFieldValue],
    /// How the payer may be reached, as the payer wrote it on the page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "schema::ContactOut")]
    contact: Option<&'t Contact>,
    /// The rail's own name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_reference: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Iso>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<Iso>,
    created_at: Iso,
    updated_at: Iso,
}

/// Money that came otherwise than it was asked for.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Exception")]
struct ExceptionOut {
    #[schemars(with = "schema::ExceptionName")]
    kind: ExceptionKind,
    #[schemars(with = "schema::Amount")]
    received_amount: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted_at: Option<Iso>,
}

impl<'t> TransactionOut<'t> {
    /// The transaction as it stands at `now`.
    #[must_use]
    pub fn new(transaction: &'t Transaction, now: Timestamp) -> Self {
        let status = transaction.status_at(now);
        let (mut decline_reason, mut failure_reason, mut expires_at, mut finished_at) =
            (None, None, None, None);
        match &status {
            Status::InFlight { .. } | Status::Unknown { .. } | Status::Received { .. } => {}
            Status::AwaitingPayer { expires_at: at, .. } => expires_at = Some(Iso(*at)),
            Status::Succeeded { at } | Status::Expired { at } | Status::Cancelled { at } => {
                finished_at = Some(Iso(*at));
            }
            Status::Declined { at, reason } => {
                finished_at = Some(Iso(*at));
                decline_reason = Some(reason.as_str());
            }
            Status::Failed { at, reason } => {
                finished_at = Some(Iso(*at));
                failure_reason = Some(reason.as_str());
            }
        }
        let exchange = transaction.exchange;
        let is = |action| transaction.action == action;
        Self {
            id: transaction.id,
            session_id: transaction.session,
            action: transaction.action,
            status: status.name(),
            amount: transaction.amount.minor(),
            currency: transaction.amount.currency().code(),
            merchant_amount: exchange.map(|exchange| exchange.merchant_amount.minor()),
            merchant_currency: exchange.map(|exchange| exchange.merchant_amount.currency().code()),
            exchange_rate: exchange.map(|exchange| exchange.rate),
            method: transaction.method,
            provider_account: transaction.provider_account,
            related_transaction_id: transaction.parent,
            reference: transaction.reference.as_deref(),
            settled_amount: is(Action::Authorization).then_some(transaction.done),
            refunded_amount: (is(Action::Payment) || is(Action::Settle))
                .then_some(transaction.done),
            hold: transaction.hold.map(|hold| match hold {
                Hold::Open { expires_at } if expires_at <= now => "lapsed",
                Hold::Open { .. } => "open",
                Hold::Settled => "settled",
                Hold::Voided => "voided",
                Hold::Lapsed => "lapsed",
            }),
            destination: transaction.destination.as_ref(),
            decline_reason,
            failure_reason,
            exception: transaction.exception.map(|exception| ExceptionOut {
                kind: exception.kind,
                received_amount: transaction.received.map_or(0, Money::minor),
                accepted_at: exception.accepted_at.map(Iso),
            }),
            payment_method: transaction.payment_method,
            custom_field_values: &transaction.custom_field_values,
            contact: transaction.contact.as_ref(),
            provider_reference: transaction.provider_reference.as_deref(),
            expires_at,
            finished_at,
            created_at: Iso(transaction.created_at),
            updated_at: Iso(transaction.updated_at),
        }
    }
}

//! Modem Pay's transaction object.

use std::collections::BTreeMap;

use paydesk_api::wire::{Iso, MajorNumber};
use paydesk_core::given::Metadata;
use paydesk_core::id::{MerchantId, ProviderAccountId, SessionId, TransactionId};
use paydesk_core::method::{Family, Method};
use paydesk_core::session::Session;
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::{Action, Hold, Status, Transaction};
use serde::Serialize;

use crate::customer::{CustomerOut, phone};

/// A transaction as Modem Pay writes it. The client's types have every field but `Customer` in every transaction:
/// what is not known is empty.
#[derive(Serialize)]
pub struct TransactionOut<'t> {
    id: TransactionId,
    payment_intent_id: Option<SessionId>,
    amount: MajorNumber,
    currency: &'static str,
    status: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    transaction_reference: TransactionId,
    payment_account: &'t str,
    payment_method: Method,
    customer_name: &'t str,
    customer_phone: String,
    customer_email: &'t str,
    account_id: ProviderAccountId,
    business_id: MerchantId,
    custom_fields_values: BTreeMap<&'t str, &'t str>,
    metadata: Option<&'t Metadata>,
    #[serde(rename = "PaymentGateway")]
    payment_gateway: Gateway,
    #[serde(rename = "Customer", skip_serializing_if = "Option::is_none")]
    customer: Option<CustomerOut<'t>>,
    test_mode: bool,
    #[serde(rename = "createdAt")]
    created_at: Iso,
    #[serde(rename = "updatedAt")]
    updated_at: Iso,
}

#[derive(Serialize)]
struct Gateway {
    id: ProviderAccountId,
    tag: Method,
    group: &'static str,
    logo: &'static str,
}

impl<'t> TransactionOut<'t> {
    /// The transaction, which is of this session, as it stands at `now`.
    pub fn new(transaction: &'t Transaction, session: Option<&'t Session>, now: Timestamp) -> Self {
        let terms = session.map(|session| &session.terms);
        let known = terms.and_then(|terms| terms.customer.as_ref());
        // How the payer asked to be reached counts more than what the merchant knew.
        let contact = transaction.contact.as_ref();
        let email = contact
            .and_then(|contact| contact.email.as_deref())
            .or_else(|| known.and_then(|customer| customer.email.as_deref()));
        let number = contact
            .and_then(|contact| contact.phone.clone())
            .or_else(|| known.and_then(phone));
        let answers = transaction.custom_field_values.iter();
        Self {
            id: transaction.id,
            payment_intent_id: transaction.session,
            amount: MajorNumber(transaction.amount),
            currency: transaction.amount.currency().code(),
            status: status(transaction, now),
            kind: "payment",
            transaction_reference: transaction.id,
            payment_account: transaction
                .destination
                .as_ref()
                .map_or("", |destination| &destination.account),
            payment_method: transaction.method,
            customer_name: known
                .and_then(|customer| customer.name.as_deref())
                .unwrap_or_default(),
            customer_phone: number.unwrap_or_default(),
            customer_email: email.unwrap_or_default(),
            account_id: transaction.provider_account,
            business_id: transaction.tenant.merchant,
            custom_fields_values: answers
                .map(|answer| (answer.name.as_str(), answer.value.as_str()))
                .collect(),
            metadata: terms.map(|terms| &terms.metadata),
            payment_gateway: Gateway {
                id: transaction.provider_account,
                tag: transaction.method,
                group: match transaction.method.family() {
                    Family::Card => "card",
                    Family::Wallet => "wallet",
                    Family::Qr | Family::BankTransfer => "bank",
                },
                logo: "",
            },
            customer: known.and_then(CustomerOut::of_session),
            test_mode: !transaction.tenant.mode.is_live(),
            created_at: Iso(transaction.created_at),
            updated_at: Iso(transaction.updated_at),
        }
    }
}

/// One of the client's five. A payment is refunded once nothing is left of it, and an authorization cancelled once its
/// hold is released unsettled; the refund and the void themselves are called so, too.
fn status(transaction: &Transaction, now: Timestamp) -> &'static str {
    match transaction.status_at(now) {
        Status::InFlight { .. }
        | Status::AwaitingPayer { .. }
        | Status::Unknown { .. }
        | Status::Received { .. } => "pending",
        Status::Declined { .. } | Status::Failed { .. } | Status::Expired { .. } => "failed",
        Status::Cancelled { .. } => "cancelled",
        Status::Succeeded { .. } => match (transaction.action, transaction.hold) {
            (Action::Refund, _) => "refunded",
            (Action::Void, _) | (Action::Authorization, Some(Hold::Voided | Hold::Lapsed)) => {
                "cancelled"
            }
            (Action::Authorization, Some(Hold::Open { expires_at })) if expires_at <= now => {
                "cancelled"
            }
            (Action::Payment | Action::Settle, _)
                if transaction.done > 0 && transaction.done >= transaction.captured().minor() =>
            {
                "refunded"
            }
            _ => "completed",
        },
    }
}

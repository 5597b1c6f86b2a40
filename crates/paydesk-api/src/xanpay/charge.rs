//! XanPay's charge object, and `GET /sessions/{id}/charge`: "the unique Charge object for the session, if one
//! exists".

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use data_encoding::HEXLOWER;
use http::{HeaderMap, StatusCode};
use paydesk_core::engine::EngineError;
use paydesk_core::id::TransactionId;
use paydesk_core::keys::ServerKeys;
use paydesk_core::method::Method;
use paydesk_core::rates::Rate;
use paydesk_core::refusal::Refusal;
use paydesk_core::session::{Contact, CustomerDetails, Session};
use paydesk_core::tenant::Tenant;
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::{Action, Destination, Status, Transaction};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::error::Error;
use super::refunds::RefundOut;
use super::session::{OrderOut, orders, read_id};
use crate::app::App;
use crate::segment::Segment;
use crate::wire::{Iso, MajorNumber};
use crate::{auth, wire};

/// A charge as XanPay writes it; what is absent is left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChargeOut<'s> {
    id: TransactionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<ChargeCustomer<'s>>,
    refunds: Vec<RefundOut>,
    orders: Vec<OrderOut<'s>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<DestinationOut<'s>>,
    merchant_amount: MajorNumber,
    merchant_currency: &'static str,
    method: Method,
    customer_amount: MajorNumber,
    customer_currency: &'static str,
    /// What one unit of the merchant's currency was worth in the customer's, where they differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    exchange_rate: Option<Rate>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    notify_url: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notify_payload: Option<&'s str>,
    session_id: String,
    created_at: Iso,
    updated_at: Iso,
}

#[derive(Serialize)]
struct ChargeCustomer<'s> {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'s str>,
    /// One text here, an object in the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DestinationOut<'s> {
    account: &'s str,
    nonce: &'s str,
    #[serde(skip_serializing_if = "Option::is_none")]
    qr_code: Option<&'s str>,
    account_name: &'s str,
    bank: &'s str,
}

impl<'s> ChargeOut<'s> {
    /// The charge as it stands at `now`. `operations` are its refunds, among whatever else was done to it.
    pub fn new(
        charge: &'s Transaction,
        session: &'s Session,
        operations: &[Transaction],
        keys: &ServerKeys,
        now: Timestamp,
    ) -> Self {
        let terms = &session.terms;
        Self {
            id: charge.id,
            customer: ChargeCustomer::of(
                terms.customer.as_ref(),
                charge.contact.as_ref(),
                session.tenant,
            ),
            refunds: operations
                .iter()
                .filter(|operation| {
                    operation.action == Action::Refund && operation.parent == Some(charge.id)
                })
                .map(RefundOut::from)
                .collect(),
            orders: orders(&terms.line_items),
            destination: charge.destination.as_ref().map(DestinationOut::from),
            merchant_amount: MajorNumber(charge.merchant_agreed()),
            merchant_currency: charge.merchant_amount().currency().code(),
            method: charge.method,
            customer_amount: MajorNumber(charge.agreed()),
            customer_currency: charge.amount.currency().code(),
            exchange_rate: charge.exchange.map(|exchange| exchange.rate),
            status: status(&charge.status_at(now)),
            notify_url: terms.notify.as_ref().map(|notify| notify.url.as_str()),
            notify_payload: terms.notify_payload.as_deref(),
            session_id: session.public_id(keys),
            created_at: Iso(charge.created_at),
            updated_at: Iso(charge.updated_at),
        }
    }
}

const fn status(status: &Status) -> &'static str {
    match status {
        Status::InFlight { .. }
        | Status::AwaitingPayer { .. }
        | Status::Unknown { .. }
        | Status::Received { .. } => "pending",
        Status::Succeeded { .. } => "completed",
        Status::Expired { .. } => "expired",
        Status::Declined { .. } | Status::Failed { .. } | Status::Cancelled { .. } => "cancelled",
    }
}

impl<'s> ChargeCustomer<'s> {
    /// What the merchant said of the customer; where the payer wrote otherwise on the page, that. Nothing if neither
    /// said anything.
    ///
    /// A customer has no record of its own: the id is made of what the merchant knows of them (or else of what the
    /// payer wrote), so that the same customer of the same merchant has the same id on every charge.
    fn of(
        customer: Option<&'s CustomerDetails>,
        contact: Option<&'s Contact>,
        tenant: Tenant,
    ) -> Option<Self> {
        let known_phone = customer
            .and_then(|customer| customer.phone.as_ref())
            .map(|phone| format!("{}{}", phone.code, phone.number));
        let known_email = customer.and_then(|customer| customer.email.as_deref());
        let wrote =
            |text: Option<&'s String>| text.map(String::as_str).filter(|text| !text.is_empty());
        let wrote_email = wrote(contact.and_then(|contact| contact.email.as_ref()));
        let wrote_phone = wrote(contact.and_then(|contact| contact.phone.as_ref()));
        // The page shows the two parts of a number apart; sent back as it was, it is not another number.
        let same = |one: &str, other: &str| {
            let digits = |text: &str| text.replace(char::is_whitespace, "");
            digits(one) == digits(other)
        };
        let wrote_phone = wrote_phone.filter(|wrote| {
            !known_phone
                .as_deref()
                .is_some_and(|known| same(known, wrote))
        });
        if customer.is_none() && wrote_email.is_none() && wrote_phone.is_none() {
            return None;
        }
        let named_by = match customer {
            Some(customer) => [
                customer.code.as_deref(),
                known_email,
                known_phone.as_deref(),
            ],
            None => [None, wrote_email, wrote_phone],
        };
        let id = customer_id(tenant, named_by);
        Some(Self {
            id,
            email: wrote_email.or(known_email),
            phone: wrote_phone.map(str::to_owned).or(known_phone),
        })
    }
}

fn customer_id(tenant: Tenant, named_by: [Option<&str>; 3]) -> String {
    let mut hash = Sha256::new();
    hash.update(tenant.merchant.0.as_bytes());
    hash.update([u8::from(tenant.mode.is_live())]);
    for part in named_by {
        hash.update(part.unwrap_or_default().as_bytes());
        hash.update([0]);
    }
    let hash: [u8; 32] = hash.finalize().into();
    let (id, _) = hash.split_at(12);
    HEXLOWER.encode(id)
}

impl<'s> From<&'s Destination> for DestinationOut<'s> {
    fn from(destination: &'s Destination) -> Self {
        Self {
            account: &destination.account,
            nonce: &destination.nonce,
            qr_code: destination.qr_code.as_deref(),
            account_name: &destination.account_name,
            bank: &destination.bank,
        }
    }
}

/// Handles `GET /sessions/{id}/charge`.
pub async fn handle(
    State(app): State<Arc<App>>,
    Segment(id): Segment,
    headers: HeaderMap,
) -> Response {
    get(&app, &id, &headers)
        .await
        .unwrap_or_else(Error::into_response)
}

async fn get(app: &App, id: &str, headers: &HeaderMap) -> Result<Response, Error> {
    let tenant = auth::basic(app, headers).await?.tenant;
    let id = read_id(id, tenant, app.engine.keys()).ok_or(Refusal::SessionNotFound)?;
    let found = app
        .engine
        .store()
        .session_with_transactions(tenant, id)
        .await
        .map_err(EngineError::from)?;
    let (session, transactions) = found.ok_or(Refusal::SessionNotFound)?;
    let charge = transactions
        .iter()
        .find(|transaction| Some(transaction.id) == session.charge)
        .ok_or_else(|| Error::not_found("this session has no charge yet"))?;
    let out = ChargeOut::new(
        charge,
        &session,
        &transactions,
        app.engine.keys(),
        app.engine.now(tenant),
    );
    Ok(wire::json(StatusCode::OK, wire::bytes(&out)))
}

//! Refunds: `POST /charges/{id}/refunds` gives a charge back, whole or in part; `GET /refunds` lists.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use paydesk_core::engine::EngineError;
use paydesk_core::engine::operate::Operate;
use paydesk_core::id::TransactionId;
use paydesk_core::list::{Page, TransactionFilter};
use paydesk_core::money::Money;
use paydesk_core::refusal::Refusal;
use paydesk_core::store::Answer;
use paydesk_core::tenant::Tenant;
use paydesk_core::transaction::{Action, StatusName, Transaction};
use serde::{Deserialize, Serialize};

use super::error::Error;
use crate::app::App;
use crate::http::{body, json};
use crate::segment::Segment;
use crate::wire::{Iso, MajorNumber, Repeatable, Repeated, WrittenAmount};
use crate::{auth, wire};

/// A refund.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RefundOut {
    id: TransactionId,
    charge_id: Option<TransactionId>,
    amount: MajorNumber,
    currency: &'static str,
    status: &'static str,
    created_at: Iso,
    updated_at: Iso,
}

impl From<&Transaction> for RefundOut {
    fn from(refund: &Transaction) -> Self {
        Self {
            id: refund.id,
            charge_id: refund.parent,
            amount: MajorNumber(refund.amount),
            currency: refund.amount.currency().code(),
            status: status(refund.status.status_name()),
            created_at: Iso(refund.created_at),
            updated_at: Iso(refund.updated_at),
        }
    }
}

const fn status(status: StatusName) -> &'static str {
    match status {
        StatusName::Succeeded => "completed",
        StatusName::InFlight
        | StatusName::AwaitingPayer
        | StatusName::Unknown
        | StatusName::Received => "pending",
        StatusName::Declined | StatusName::Failed | StatusName::Expired | StatusName::Cancelled => {
            "failed"
        }
    }
}

/// All that are called so; nothing if none is.
fn statuses(name: &str) -> Option<Vec<StatusName>> {
    let called = StatusName::ALL.into_iter();
    let called: Vec<_> = called.filter(|one| status(*one) == name).collect();
    (!called.is_empty()).then_some(called)
}

#[derive(Deserialize, Default)]
struct Input {
    amount: Option<WrittenAmount>,
    currency: Option<String>,
}

/// Handles `POST /charges/{id}/refunds`.
pub async fn create(
    State(app): State<Arc<App>>,
    Segment(id): Segment,
    request: Request,
) -> Response {
    refund(&app, &id, request)
        .await
        .unwrap_or_else(Error::into_response)
}

async fn refund(app: &Arc<App>, id: &str, request: Request) -> Result<Response, Error> {
    let (parts, body) = request.into_parts();
    let caller = auth::basic(app, &parts.headers).await?;
    let body = body::read(body, &app.body_limits).await?;
    // No body at all gives the whole charge back.
    let input: Input = if body.is_empty() {
        Input::default()
    } else {
        json::parse_json(&body)?
    };
    let charge = charge(app, caller.tenant, id).await?;
    let amount = amount(&input, &charge)?;

    let route = format!("POST /charges/{}/refunds", charge.id);
    let repeatable = Repeatable::of(&parts.headers, &caller, &route, &body)?;
    let idempotent = match wire::repeated(app, caller.tenant, repeatable).await? {
        Repeated::Answered(answer) => return Ok(answer),
        Repeated::Became(id) => {
            let refund = app.engine.store().transaction(caller.tenant, id).await;
            let refund = refund.map_err(EngineError::from)?;
            let refund = refund.ok_or(Refusal::TransactionNotFound)?;
            let body = wire::bytes(&RefundOut::from(&refund));
            return Ok(wire::json(StatusCode::OK, body));
        }
        Repeated::New(repeatable) => repeatable.map(|repeatable| {
            repeatable.rendered(|refund: &Transaction| Answer {
                status: 200,
                body: wire::bytes(&RefundOut::from(refund)),
            })
        }),
    };
    let refund = app
        .engine
        .operate(
            caller.tenant,
            charge.id,
            Operate::Refund(amount),
            idempotent,
        )
        .await?;
    Ok(wire::json(
        StatusCode::OK,
        wire::bytes(&RefundOut::from(&refund)),
    ))
}

/// How much is to be given back; nothing means all that is left.
///
/// A refund goes back in the currency that the customer paid in, in which the money lies: so the whole of a charge goes
/// back to the cent, however rates have moved. Where that is not the merchant's currency, a part must name it: an amount
/// that was meant in the other currency would give back too much or too little.
fn amount(input: &Input, charge: &Transaction) -> Result<Option<Money>, Refusal> {
    let currency = charge.amount.currency();
    match input.currency.as_deref() {
        Some(named) if named != currency.code() => {
            return Err(Refusal::field(
                "currency",
                format!("is not {currency}, in which the customer paid and is refunded"),
            ));
        }
        None if input.amount.is_some() && charge.exchange.is_some() => {
            return Err(Refusal::field(
                "currency",
                format!(
                    "is missing: the customer paid in {currency} and is refunded in it; give it beside amount"
                ),
            ));
        }
        Some(_) | None => {}
    }
    let amount = input.amount.as_ref();
    amount
        .map(|amount| amount.read("amount", currency))
        .transpose()
}

/// The charge of this id: a payer's payment, not an operation on one.
async fn charge(app: &App, tenant: Tenant, id: &str) -> Result<Transaction, Error> {
    let id = id.parse().map_err(|_| Refusal::TransactionNotFound)?;
    let found = app
        .engine
        .store()
        .transaction(tenant, id)
        .await
        .map_err(EngineError::from)?;
    Ok(found
        .filter(|charge| charge.action == Action::Payment)
        .ok_or(Refusal::TransactionNotFound)?)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListQuery {
    charge_id: Option<String>,
    status: Option<String>,
    page: Option<String>,
    limit: Option<String>,
}

#[derive(Serialize)]
struct RefundsOut {
    data: Vec<RefundOut>,
    page: usize,
    limit: usize,
}

/// Handles `GET /refunds`.
pub async fn list(
    State(app): State<Arc<App>>,
    query: Result<Query<ListQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    refunds(&app, query, &headers)
        .await
        .unwrap_or_else(Error::into_response)
}

async fn refunds(
    app: &App,
    query: Result<Query<ListQuery>, QueryRejection>,
    headers: &HeaderMap,
) -> Result<Response, Error> {
    let tenant = auth::basic(app, headers).await?.tenant;
    let Query(query) = query.map_err(|refused| Error::bad_request(refused.body_text()))?;
    let limit = number(query.limit.as_deref(), "limit", 10, 50)?;
    let page = number(query.page.as_deref(), "page", 1, 1_000)?;
    let statuses = match query.status.as_deref() {
        None => Vec::new(),
        Some(name) => statuses(name)
            .ok_or_else(|| Error::bad_request("status is not one of pending, completed, failed"))?,
    };
    let parent = match query.charge_id.as_deref() {
        None => None,
        Some(id) => Some(charge(app, tenant, id).await?.id),
    };
    let filter = TransactionFilter {
        actions: vec![Action::Refund],
        parent,
        statuses,
        ..TransactionFilter::at(app.engine.now(tenant))
    };
    let found = app
        .engine
        .store()
        .transactions(
            tenant,
            &filter,
            Page::first(limit).skipping((page - 1) * limit),
        )
        .await
        .map_err(EngineError::from)?;
    let data = found.iter().map(RefundOut::from).collect();
    Ok(wire::json(
        StatusCode::OK,
        wire::bytes(&RefundsOut { data, page, limit }),
    ))
}

fn number(text: Option<&str>, name: &str, default: usize, most: usize) -> Result<usize, Error> {
    let Some(text) = text else { return Ok(default) };
    let number = text
        .parse()
        .ok()
        .filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| Error::bad_request(format!("{name} is not a number from 1 to {most}")))
}

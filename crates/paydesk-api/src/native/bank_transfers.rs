//! `/api/v1/bankTransfers`: money on push rails is reported, listed, and assigned to payments.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, Request, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use paydesk_core::bank_transfer::{BankTransfer, TransferState};
use paydesk_core::directory::EntryPage;
use paydesk_core::engine::EngineError;
use paydesk_core::engine::idempotency::Idempotent;
use paydesk_core::engine::record_transfer::TakenIn;
use paydesk_core::engine::report_transfer::ReportTransfer;
use paydesk_core::id::{BankTransferId, TransactionId};
use paydesk_core::merchant::ApiKey;
use paydesk_core::money::{Currency, Money};
use paydesk_core::refusal::Refusal;
use paydesk_core::store::{Answer, StoredAnswer};
use paydesk_core::tenant::Tenant;
use paydesk_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::app::App;
use crate::auth::{self, AuthError};
use crate::http::{body, json};
use crate::wire::{self, Iso, Repeatable};

/// A bank transfer as the native API writes it; what is absent is left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BankTransferOut<'t> {
    id: BankTransferId,
    bank_transaction_id: &'t str,
    account: &'t str,
    amount: i64,
    currency: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'t str>,
    received_at: Iso,
    /// Who told of it: `report` or `rail`.
    origin: &'static str,
    /// `matched` or `unmatched`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction_id: Option<TransactionId>,
    /// How its payment was found: `reference`, `amount` or `assignment`.
    #[serde(skip_serializing_if = "Option::is_none")]
    matched_by: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    matched_at: Option<Iso>,
    created_at: Iso,
    updated_at: Iso,
}

impl<'t> From<&'t BankTransfer> for BankTransferOut<'t> {
    fn from(transfer: &'t BankTransfer) -> Self {
        let (transaction_id, matched_by, matched_at) = match transfer.state {
            TransferState::Unmatched => (None, None, None),
            TransferState::Matched {
                transaction,
                by,
                at,
            } => (Some(transaction), Some(by.as_str()), Some(Iso(at))),
        };
        Self {
            id: transfer.id,
            bank_transaction_id: &transfer.bank_transaction_id,
            account: &transfer.account,
            amount: transfer.amount.minor(),
            currency: transfer.amount.currency().code(),
            reference: transfer.reference.as_deref(),
            received_at: Iso(transfer.received_at),
            origin: transfer.origin.as_str(),
            state: transfer.state.as_str(),
            transaction_id,
            matched_by,
            matched_at,
            created_at: Iso(transfer.created_at),
            updated_at: Iso(transfer.updated_at),
        }
    }
}

/// What a bank feed sends. A field that is not here is refused by name.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ReportIn {
    bank_transaction_id: String,
    account: String,
    amount: i64,
    currency: String,
    reference: Option<String>,
    received_at: String,
}

impl ReportIn {
    fn command(self) -> Result<ReportTransfer, Refusal> {
        let currency: Currency = self
            .currency
            .parse()
            .map_err(|error| Refusal::field("currency", format!("{error}")))?;
        let amount =
            Money::from_minor(self.amount, currency).map_err(|error| Refusal::InvalidAmount {
                field: "amount".to_owned(),
                error,
            })?;
        let received_at: jiff::Timestamp = self.received_at.parse().map_err(|_| {
            Refusal::field(
                "receivedAt",
                "is not a time such as 2026-01-31T09:30:00.000Z",
            )
        })?;
        Ok(ReportTransfer {
            bank_transaction_id: self.bank_transaction_id,
            account: self.account,
            amount,
            reference: self.reference,
            received_at: Timestamp::from_millis(received_at.as_millisecond()),
        })
    }
}

/// Who calls. Every call here asks this one: it is where a restricted key's scope `bank` is asked for.
async fn caller(app: &App, headers: &HeaderMap) -> Result<Arc<ApiKey>, AuthError> {
    auth::bearer(app, headers).await
}

/// Handles `POST /bankTransfers`: 201 for a transfer that is new, 200 for one that was taken in before.
pub async fn report(State(app): State<Arc<App>>, request: Request) -> Response {
    let taken = async {
        let (parts, body) = request.into_parts();
        let caller = caller(&app, &parts.headers).await?;
        let body = body::read(body, &app.body_limits).await?;
        let input: ReportIn = json::parse_json(&body)?;
        let command = input.command()?;
        let route = "POST /api/v1/bankTransfers";
        match repeatable(&app, &parts.headers, &caller, route, &body).await? {
            Repeated::Answered(response) => Ok(response),
            Repeated::New(idempotent) => {
                let taken = app
                    .engine
                    .report_transfer(caller.tenant, command, idempotent);
                Ok(answer(&taken.await?))
            }
        }
    };
    taken.await.unwrap_or_else(Problem::into_response)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AssignIn {
    transaction_id: String,
}

/// Handles `POST /bankTransfers/{id}/assign`.
pub async fn assign(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let assigned = async {
        let (parts, body) = request.into_parts();
        let caller = caller(&app, &parts.headers).await?;
        let id = id.parse().map_err(|_| not_found())?;
        let body = body::read(body, &app.body_limits).await?;
        let input: AssignIn = json::parse_json(&body)?;
        let target = input
            .transaction_id
            .parse()
            .map_err(|_| Refusal::TransactionNotFound)?;
        let route = format!("POST /api/v1/bankTransfers/{id}/assign");
        match repeatable(&app, &parts.headers, &caller, &route, &body).await? {
            Repeated::Answered(response) => Ok(response),
            Repeated::New(idempotent) => {
                let taken = app
                    .engine
                    .assign_transfer(caller.tenant, id, target, idempotent);
                let taken = taken.await?.ok_or_else(not_found)?;
                Ok(wire::json(StatusCode::OK, render(&taken.bank_transfer)))
            }
        }
    };
    assigned.await.unwrap_or_else(Problem::into_response)
}

/// A request that is new, or the answer that it had before.
enum Repeated {
    New(Option<Idempotent<TakenIn>>),
    Answered(Response),
}

async fn repeatable(
    app: &App,
    headers: &HeaderMap,
    caller: &ApiKey,
    route: &str,
    body: &[u8],
) -> Result<Repeated, Problem> {
    let Some(repeatable) = Repeatable::of(headers, caller, route, body)? else {
        return Ok(Repeated::New(None));
    };
    let known = app
        .engine
        .replay(caller.tenant, &repeatable.key, repeatable.body_hash);
    match known.await? {
        Some(StoredAnswer::Bytes { status, body }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            Ok(Repeated::Answered(wire::json(status, body.into())))
        }
        Some(_) => Err(Refusal::IdempotencyKeyInUse.into()),
        None => {
            let is_assignment = route.ends_with("/assign");
            Ok(Repeated::New(Some(repeatable.rendered(
                move |taken: &TakenIn| Answer {
                    status: if is_assignment {
                        200
                    } else {
                        status(taken).as_u16()
                    },
                    body: render(&taken.bank_transfer),
                },
            ))))
        }
    }
}

const fn status(taken: &TakenIn) -> StatusCode {
    if taken.known {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    }
}

fn answer(taken: &TakenIn) -> Response {
    wire::json(status(taken), render(&taken.bank_transfer))
}

fn render(transfer: &BankTransfer) -> Bytes {
    wire::bytes(&BankTransferOut::from(transfer))
}

fn not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "bank_transfer_not_found",
        "there is no such bank transfer",
    )
}

/// Handles `GET /bankTransfers/{id}`.
pub async fn get(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let read = async {
        let tenant = caller(&app, &headers).await?.tenant;
        let id: BankTransferId = id.parse().map_err(|_| not_found())?;
        let found = app.engine.store().find::<BankTransfer>(tenant, id.0).await;
        let found = found.map_err(EngineError::from)?.ok_or_else(not_found)?;
        Ok(wire::json(StatusCode::OK, render(&found)))
    };
    read.await.unwrap_or_else(Problem::into_response)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page<'t> {
    data: Vec<BankTransferOut<'t>>,
    next_cursor: Option<BankTransferId>,
}

/// Handles `GET /bankTransfers`.
pub async fn list(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let listed = async {
        let tenant = caller(&app, &headers).await?.tenant;
        page(&app, query.as_deref().unwrap_or_default(), tenant).await
    };
    listed.await.unwrap_or_else(Problem::into_response)
}

async fn page(app: &App, query: &str, tenant: Tenant) -> Result<Response, Problem> {
    let (mut limit, mut after, mut state) = (30, None, None);
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "limit" => {
                let number = value.parse().ok().filter(|n| (1..=100).contains(n));
                limit = number
                    .ok_or_else(|| Refusal::field("limit", "is not a number from 1 to 100"))?;
            }
            "after" => {
                let cursor = value.parse::<BankTransferId>();
                let wrong = |_| Refusal::field("after", "is not a cursor of this list");
                after = Some(cursor.map_err(wrong)?.0);
            }
            "state" => {
                state = Some(match &*value {
                    TransferState::UNMATCHED => TransferState::UNMATCHED,
                    TransferState::MATCHED => TransferState::MATCHED,
                    _ => return Err(Refusal::field("state", "is not unmatched or matched").into()),
                });
            }
            other => return Err(Refusal::field(other, "is not a parameter of this list").into()),
        }
    }
    // One more than asked for tells whether there is a next page.
    let page = EntryPage {
        group: state,
        after,
        skip: 0,
        limit: limit + 1,
    };
    let found: Vec<BankTransfer> = app
        .engine
        .store()
        .list(tenant, page)
        .await
        .map_err(EngineError::from)?;
    let shown = found.get(..limit).unwrap_or(&found);
    let next = (found.len() > limit).then(|| shown.last()).flatten();
    let page = Page {
        data: shown.iter().map(BankTransferOut::from).collect(),
        next_cursor: next.map(|last| last.id),
    };
    Ok(wire::json(StatusCode::OK, wire::bytes(&page)))
}

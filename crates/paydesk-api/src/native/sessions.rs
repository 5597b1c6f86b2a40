//! `/api/v1/sessions`: open, read, list, expire, cancel.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, RawQuery, Request, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use paydesk_core::engine::EngineError;
use paydesk_core::engine::end_session::End;
use paydesk_core::id::SessionId;
use paydesk_core::list::{Mark, Page, SessionFilter};
use paydesk_core::refusal::Refusal;
use paydesk_core::session::{Canceller, Session, StateName};
use paydesk_core::store::{Answer, StoredAnswer};
use paydesk_core::tenant::Tenant;
use paydesk_core::transaction::Transaction;
use serde::Serialize;

use super::problem::Problem;
use super::session::{SessionIn, SessionOut};
use crate::app::App;
use crate::auth;
use crate::http::{body, json};
use crate::wire::{self, Repeatable};

/// Handles `POST /sessions`.
pub async fn create(State(app): State<Arc<App>>, request: Request) -> Response {
    open(&app, request)
        .await
        .unwrap_or_else(Problem::into_response)
}

async fn open(app: &Arc<App>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let caller = auth::bearer(app, &parts.headers).await?;
    let body = body::read(body, &app.body_limits).await?;
    let input: SessionIn = json::parse_json(&body)?;
    let command = input.command()?;
    let idempotent = match Repeatable::of(&parts.headers, &caller, "POST /api/v1/sessions", &body)?
    {
        None => None,
        Some(repeatable) => match app
            .engine
            .replay(caller.tenant, &repeatable.key, repeatable.body_hash)
            .await?
        {
            Some(StoredAnswer::Bytes { status, body }) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::CREATED);
                return Ok(wire::json(status, body.into()));
            }
            Some(StoredAnswer::Running | StoredAnswer::Transaction { .. }) => {
                return Err(Refusal::IdempotencyKeyInUse.into());
            }
            None => {
                let app = Arc::clone(app);
                Some(repeatable.rendered(move |session| Answer {
                    status: 201,
                    body: render(&app, session, &[]),
                }))
            }
        },
    };
    let session = app
        .engine
        .open_session(caller.tenant, command, idempotent)
        .await?;
    Ok(wire::json(StatusCode::CREATED, render(app, &session, &[])))
}

fn render(app: &App, session: &Session, transactions: &[Transaction]) -> Bytes {
    let now = app.engine.now(session.tenant);
    wire::bytes(&SessionOut::new(session, transactions, &app.engine, now))
}

/// Handles `GET /sessions/{id}`.
pub async fn get(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let read = async {
        let tenant = auth::bearer(&app, &headers).await?.tenant;
        whole(&app, tenant, read_id(&id)?).await
    };
    read.await.unwrap_or_else(Problem::into_response)
}

/// A session with its transactions.
async fn whole(app: &App, tenant: Tenant, id: SessionId) -> Result<Response, Problem> {
    let (session, transactions) = app.engine.session(tenant, id).await?;
    Ok(wire::json(
        StatusCode::OK,
        render(app, &session, &transactions),
    ))
}

fn read_id(id: &str) -> Result<SessionId, Refusal> {
    id.parse().map_err(|_| Refusal::SessionNotFound)
}

/// Handles `POST /sessions/{id}/expire`.
pub async fn expire(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    end(&app, &id, &headers, End::Expire)
        .await
        .unwrap_or_else(Problem::into_response)
}

/// Handles `POST /sessions/{id}/cancel`.
pub async fn cancel(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    end(&app, &id, &headers, End::Cancel(Canceller::Merchant))
        .await
        .unwrap_or_else(Problem::into_response)
}

async fn end(app: &App, id: &str, headers: &HeaderMap, end: End) -> Result<Response, Problem> {
    let tenant = auth::bearer(app, headers).await?.tenant;
    let session = app.engine.end_session(tenant, read_id(id)?, end).await?;
    whole(app, tenant, session.id).await
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PageOut<'s> {
    data: Vec<SessionOut<'s>>,
    next_cursor: Option<SessionId>,
}

/// Handles `GET /sessions`.
pub async fn list(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    page(&app, query.as_deref().unwrap_or_default(), &headers)
        .await
        .unwrap_or_else(Problem::into_response)
}

async fn page(app: &App, query: &str, headers: &HeaderMap) -> Result<Response, Problem> {
    let tenant = auth::bearer(app, headers).await?.tenant;
    let now = app.engine.now(tenant);
    let (mut limit, mut after, mut filter) = (30, None, SessionFilter::at(now));
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "limit" => {
                let number = value
                    .parse()
                    .ok()
                    .filter(|number| (1..=100).contains(number));
                limit = number
                    .ok_or_else(|| Refusal::field("limit", "is not a number from 1 to 100"))?;
            }
            "after" => {
                let cursor = value.parse::<SessionId>();
                after = Some(
                    cursor.map_err(|_| Refusal::field("after", "is not a cursor of this list"))?,
                );
            }
            "status" => filter.states.push(state_name(&value)?),
            other => return Err(Refusal::field(other, "is not a parameter of this list").into()),
        }
    }
    // One more than asked for tells whether there is a next page.
    let found = app
        .engine
        .store()
        .sessions(
            tenant,
            &filter,
            Page::first(limit + 1).after(after.map(|id: SessionId| Mark::of(id.0))),
        )
        .await
        .map_err(EngineError::from)?;
    let shown = found.get(..limit).unwrap_or(&found);
    let attempted: Vec<SessionId> = shown
        .iter()
        .filter(|session| session.attempted)
        .map(|session| session.id)
        .collect();
    let transactions = if attempted.is_empty() {
        Vec::new()
    } else {
        app.engine
            .store()
            .transactions_of(tenant, &attempted)
            .await
            .map_err(EngineError::from)?
    };
    let mut by_session: HashMap<SessionId, Vec<&Transaction>> = HashMap::new();
    for transaction in &transactions {
        if let Some(session) = transaction.session {
            by_session.entry(session).or_default().push(transaction);
        }
    }
    let data = shown
        .iter()
        .map(|session| {
            let own = by_session.remove(&session.id).unwrap_or_default();
            SessionOut::new(session, own, &app.engine, now)
        })
        .collect();
    let next_cursor = if found.len() > limit {
        shown.last().map(|session| session.id)
    } else {
        None
    };
    Ok(wire::json(
        StatusCode::OK,
        wire::bytes(&PageOut { data, next_cursor }),
    ))
}

fn state_name(name: &str) -> Result<StateName, Refusal> {
    [
        StateName::Created,
        StateName::Initiated,
        StateName::Processing,
        StateName::Completed,
        StateName::Cancelled,
        StateName::Expired,
    ]
    .into_iter()
    .find(|state| state.as_str() == name)
    .ok_or_else(|| {
        Refusal::field(
            "status",
            "is not one of created, initiated, processing, completed, cancelled, expired",
        )
    })
}

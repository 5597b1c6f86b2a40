//! Payment sessions: open one for an order, read, list.

use std::sync::Arc;

use axum::extract::{RawQuery, Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use paydesk_api::App;
use paydesk_api::http::{body, json as read_json};
use paydesk_api::segment::Segment;
use paydesk_core::engine::EngineError;
use paydesk_core::engine::shop::open_order_session::OpenOrderSession;
use paydesk_core::list::{Page, SessionFilter};
use paydesk_core::number::Number;
use paydesk_core::refusal::Refusal;
use paydesk_core::session::{Door, Session};
use paydesk_core::shop::ShopRefusal;
use paydesk_core::store::Unavailable;
use paydesk_core::tenant::Tenant;
use paydesk_core::transaction::Transaction;
use serde::Deserialize;

use crate::caller::{self, Caller};
use crate::error::Error;
use crate::list::{Items, Slice};
use crate::reply::{json, reply};
use crate::session::{SessionOut, Type};

/// As many sessions of one order as are shown: nobody opens so many.
const OF_ONE_ORDER: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    order_id: u64,
    #[serde(rename = "type")]
    kind: Type,
    #[serde(default)]
    automatic_tax_enabled: bool,
}

/// Handles `POST /sessions`: opens the session that pays an order, or gives back the one that there is.
pub async fn create(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let caller = Caller::new(&app, &parts.headers);
    reply(&caller, async {
        let (tenant, user) = caller.user().await?;
        let body = body::read(body, &app.body_limits).await?;
        let input: Input = read_json::parse_json(&body)?;
        let order = Number::new(input.order_id).ok_or(Refusal::from(ShopRefusal::OrderNotFound))?;
        let order = app.engine.order_of(tenant, user.user, order).await?;
        let asked = OpenOrderSession {
            door: Door::OneEntry,
            flow: input.kind.into(),
            automatic_tax: input.automatic_tax_enabled,
            device: caller::device(&parts.headers),
        };
        let engine = &app.engine;
        let session = engine
            .open_order_session(tenant, order.id, asked, None)
            .await?;
        // It may have been there before, and have been paid or tried since.
        let (session, transactions) = engine.session(tenant, session.id).await?;
        let out = SessionOut::new(&session, &transactions, engine, engine.now(tenant));
        Ok(json(StatusCode::CREATED, &out))
    })
    .await
}

/// Handles `GET /sessions/{id}`.
pub async fn get(
    State(app): State<Arc<App>>,
    Segment(id): Segment,
    headers: HeaderMap,
) -> Response {
    let caller = Caller::new(&app, &headers);
    reply(&caller, async {
        let (tenant, user) = caller.user().await?;
        let engine = &app.engine;
        let number = Number::read(&id).ok_or(Refusal::SessionNotFound)?;
        let (session, transactions) = engine.session_of(tenant, user.user, number).await?;
        let out = SessionOut::new(&session, &transactions, engine, engine.now(tenant));
        Ok(json(StatusCode::OK, &out))
    })
    .await
}

/// Handles `GET /sessions/order/{id}`: all sessions of an order, newest first.
pub async fn of_order(
    State(app): State<Arc<App>>,
    Segment(id): Segment,
    headers: HeaderMap,
) -> Response {
    let caller = Caller::new(&app, &headers);
    reply(&caller, async {
        let (tenant, user) = caller.user().await?;
        let number = Number::read(&id).ok_or(Refusal::from(ShopRefusal::OrderNotFound))?;
        let order = app.engine.order_of(tenant, user.user, number).await?;
        let filter = SessionFilter {
            owner: Some(user.user.to_string()),
            order: Some(order.id.to_string()),
            ..SessionFilter::at(app.engine.now(tenant))
        };
        let page = Page::first(OF_ONE_ORDER);
        let (sessions, transactions) = listed(&app, tenant, &filter, page).await?;
        Ok(json(
            StatusCode::OK,
            &outs(&app, tenant, &sessions, &transactions),
        ))
    })
    .await
}

/// Handles `GET /sessions`: the user's, newest first.
pub async fn list(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let caller = Caller::new(&app, &headers);
    reply(&caller, async {
        let (tenant, user) = caller.user().await?;
        let slice = Slice::read(query.as_deref())?;
        let filter = SessionFilter {
            owner: Some(user.user.to_string()),
            ..SessionFilter::at(app.engine.now(tenant))
        };
        let page = Page::first(slice.limit).skipping(slice.offset);
        let (sessions, transactions) = listed(&app, tenant, &filter, page).await?;
        let store = app.engine.store();
        let total = store
            .count_sessions(tenant, &filter)
            .await
            .map_err(EngineError::from)?;
        let items = outs(&app, tenant, &sessions, &transactions);
        Ok(json(StatusCode::OK, &Items { total, items }))
    })
    .await
}

/// Sessions and all their transactions, in two reads.
async fn listed(
    app: &App,
    tenant: Tenant,
    filter: &SessionFilter,
    page: Page,
) -> Result<(Vec<Session>, Vec<Transaction>), Error> {
    let store = app.engine.store();
    let read = async {
        let sessions = store.sessions(tenant, filter, page).await?;
        let ids: Vec<_> = sessions.iter().map(|session| session.id).collect();
        let transactions = store.transactions_of(tenant, &ids).await?;
        Ok::<_, Unavailable>((sessions, transactions))
    };
    Ok(read.await.map_err(EngineError::from)?)
}

fn outs<'s>(
    app: &App,
    tenant: Tenant,
    sessions: &'s [Session],
    transactions: &'s [Transaction],
) -> Vec<SessionOut<'s>> {
    let now = app.engine.now(tenant);
    sessions
        .iter()
        .map(|session| SessionOut::new(session, transactions, &app.engine, now))
        .collect()
}

//! `GET /v1/sessions` and `GET /v1/transactions`: pages by offset, newest first, with how many there are in all.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use paydesk_api::{App, auth, wire};
use paydesk_core::id::SessionId;
use paydesk_core::list::{Page, SessionFilter, TransactionFilter, Within};
use paydesk_core::money::Currency;
use paydesk_core::search::Search;
use paydesk_core::session::Session;
use paydesk_core::tenant::Tenant;
use paydesk_core::time::{Span, Timestamp};
use paydesk_core::transaction::Action;
use serde::Serialize;

use crate::code;
use crate::error::Error;
use crate::session::SessionOut;
use crate::transaction::TransactionOut;

/// As many as a page may have.
const MOST: usize = 100;
/// As many as a page has if nothing is said, as in the client.
const USUAL: usize = 10;

/// What a list was asked for. Parameters that are not known are passed over.
struct Query {
    limit: usize,
    offset: usize,
    search: String,
    /// In minutes.
    timeframe: Option<u32>,
}

impl Query {
    fn read(text: &str) -> Result<Self, Error> {
        let mut query = Self {
            limit: USUAL,
            offset: 0,
            search: String::new(),
            timeframe: None,
        };
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            match &*name {
                "limit" => {
                    let limit = number(&value).filter(|limit| (1..=MOST).contains(limit));
                    query.limit = limit.ok_or_else(|| {
                        Error::field("limit", &format!("is not a number from 1 to {MOST}"))
                    })?;
                }
                "offset" => {
                    let offset = number::<u32>(&value).and_then(|it| usize::try_from(it).ok());
                    query.offset = offset
                        .ok_or_else(|| Error::field("offset", "is not a number from 0 on"))?;
                }
                // The client sends what it calls `search` as `term`, too.
                "search" | "term" if !value.is_empty() => query.search = value.into_owned(),
                "timeframe" => {
                    let minutes = number(&value).filter(|minutes| *minutes > 0);
                    query.timeframe = Some(minutes.ok_or_else(|| {
                        Error::field("timeframe", "is not a number of minutes from 1 on")
                    })?);
                }
                _ => {}
            }
        }
        Ok(query)
    }

    const fn page(&self) -> Page {
        Page::first(self.limit).skipping(self.offset)
    }
}

/// What is looked for, as everywhere; here a unique code stands for its session, too.
fn with_codes(search: Option<Search>) -> Option<Search> {
    search.map(|mut search| {
        for term in &mut search.terms {
            term.ids.extend(code::read(&term.text));
        }
        search
    })
}

fn number<N: FromStr>(text: &str) -> Option<N> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}

#[derive(Serialize)]
struct ListOut<T> {
    data: Vec<T>,
    meta: Meta,
}

#[derive(Serialize)]
struct Meta {
    total: u64,
}

fn answer<T: Serialize>(data: Vec<T>, total: u64) -> Response {
    let meta = Meta { total };
    wire::json(StatusCode::OK, wire::bytes(&ListOut { data, meta }))
}

/// The tenant's own time, and how far it is ahead of everybody's.
fn time(app: &App, tenant: Tenant) -> (Timestamp, Span) {
    let now = app.engine.now(tenant);
    (now, app.engine.ahead(tenant))
}

/// Handles `GET /v1/sessions`.
pub async fn sessions(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    list_sessions(&app, query.as_deref().unwrap_or_default(), &headers)
        .await
        .unwrap_or_else(Error::into_response)
}

async fn list_sessions(app: &App, query: &str, headers: &HeaderMap) -> Result<Response, Error> {
    let tenant = auth::bearer(app, headers).await?.tenant;
    let query = Query::read(query)?;
    let (now, ahead) = time(app, tenant);
    let engine = &app.engine;
    let search = engine.search_sessions(tenant, "search", &query.search);
    let filter = SessionFilter {
        ahead,
        search: with_codes(search.await?),
        ..SessionFilter::at(now)
    };
    let store = app.engine.store();
    let found = store.sessions(tenant, &filter, query.page()).await?;
    let total = store.count_sessions(tenant, &filter).await?;
    let data = found.iter();
    let data = data.map(|session| SessionOut::new(session, &app.engine, now));
    Ok(answer(data.collect(), total))
}

/// Handles `GET /v1/transactions`.
pub async fn transactions(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    list_transactions(&app, query.as_deref().unwrap_or_default(), &headers)
        .await
        .unwrap_or_else(Error::into_response)
}

async fn list_transactions(app: &App, query: &str, headers: &HeaderMap) -> Result<Response, Error> {
    let tenant = auth::bearer(app, headers).await?.tenant;
    let query = Query::read(query)?;
    let (now, ahead) = time(app, tenant);
    let mut filter = TransactionFilter {
        ahead,
        // The client knows payments; what was done to one is told by its status.
        actions: vec![Action::Payment, Action::Authorization],
        ..TransactionFilter::at(now)
    };
    if let Some(minutes) = query.timeframe {
        let since = now.as_millis() - i64::from(minutes) * 60_000;
        filter.created = Within {
            least: Some(Timestamp::from_millis(since)),
            most: None,
        };
    }
    // "Search by currency, reference, payment method, or customer."
    if let Some(currency) = Currency::from_code(query.search.trim()) {
        filter.currency = Some(currency);
    } else if let Ok(method) = query.search.trim().parse() {
        filter.methods = vec![method];
    } else {
        let engine = &app.engine;
        let search = engine.search_transactions(tenant, "search", &query.search);
        filter.search = with_codes(search.await?);
    }
    let store = app.engine.store();
    let found = store.transactions(tenant, &filter, query.page()).await?;
    let total = store.count_transactions(tenant, &filter).await?;
    let ids: Vec<SessionId> = found.iter().filter_map(|it| it.session).collect();
    let sessions = if ids.is_empty() {
        Vec::new()
    } else {
        let page = Page::first(ids.len());
        let theirs = SessionFilter {
            ids: Some(ids),
            ..SessionFilter::at(now)
        };
        store.sessions(tenant, &theirs, page).await?
    };
    let by_id: HashMap<SessionId, &Session> = sessions
        .iter()
        .map(|session| (session.id, session))
        .collect();
    let data = found.iter().map(|transaction| {
        let session = transaction.session.and_then(|id| by_id.get(&id).copied());
        TransactionOut::new(transaction, session, now)
    });
    Ok(answer(data.collect(), total))
}

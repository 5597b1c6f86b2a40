//! `/v1/sessions/single/{id}`: reads a session, or expires it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use paydesk_api::http::{body, json};
use paydesk_api::segment::Segment;
use paydesk_api::{App, auth, wire};
use paydesk_core::engine::end_session::End;
use paydesk_core::id::SessionId;
use paydesk_core::refusal::Refusal;
use paydesk_core::session::Session;
use serde::Deserialize;

use crate::error::Error;
use crate::session::SessionOut;

/// Handles `GET`.
pub async fn retrieve(
    State(app): State<Arc<App>>,
    Segment(id): Segment,
    headers: HeaderMap,
) -> Response {
    let read = async {
        let tenant = auth::bearer(&app, &headers).await?.tenant;
        let session = app.engine.store().session(tenant, read_id(&id)?).await?;
        Ok(answer(&app, &session.ok_or(Refusal::SessionNotFound)?))
    };
    read.await.unwrap_or_else(Error::into_response)
}

#[derive(Deserialize)]
#[serde(expecting = "an object with data")]
struct Input {
    data: Option<Update>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with expired")]
struct Update {
    expired: Option<bool>,
}

/// Handles `PUT`, which can do one thing: expire the session, at once and for good.
pub async fn expire(
    State(app): State<Arc<App>>,
    Segment(id): Segment,
    request: Request,
) -> Response {
    end(&app, &id, request)
        .await
        .unwrap_or_else(Error::into_response)
}

async fn end(app: &App, id: &str, request: Request) -> Result<Response, Error> {
    let (parts, body) = request.into_parts();
    let tenant = auth::bearer(app, &parts.headers).await?.tenant;
    let body = body::read(body, &app.body_limits).await?;
    let input: Input = json::parse_json(&body)?;
    if input.data.and_then(|update| update.expired) != Some(true) {
        return Err(Error::field(
            "data.expired",
            "is not true; a session can be expired, which cannot be undone, and not changed otherwise",
        ));
    }
    let ended = app
        .engine
        .end_session(tenant, read_id(id)?, End::Expire, None)
        .await?;
    Ok(answer(app, &ended.session))
}

fn read_id(id: &str) -> Result<SessionId, Refusal> {
    id.parse().map_err(|_| Refusal::SessionNotFound)
}

fn answer(app: &App, session: &Session) -> Response {
    let now = app.engine.now(session.tenant);
    let out = SessionOut::new(session, &app.engine, now);
    wire::json(StatusCode::OK, wire::bytes(&out))
}

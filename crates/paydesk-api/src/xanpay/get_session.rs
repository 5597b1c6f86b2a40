//! `GET /sessions/{id}`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use paydesk_core::refusal::Refusal;

use super::error::Error;
use super::session::{SessionOut, read_id};
use crate::app::App;
use crate::segment::Segment;
use crate::{auth, wire};

/// Handles the request.
pub async fn handle(
    State(app): State<Arc<App>>,
    Segment(id): Segment,
    // The request itself: its headers are only looked at, and need not be copied.
    request: Request,
) -> Response {
    get(&app, id, request.headers())
        .await
        .unwrap_or_else(Error::into_response)
}

async fn get(app: &App, id: String, headers: &HeaderMap) -> Result<Response, Error> {
    let tenant = auth::basic(app, headers).await?.tenant;
    let session = read_id(&id, tenant, app.engine.keys()).ok_or(Refusal::SessionNotFound)?;
    let session = app
        .engine
        .store()
        .session(tenant, session)
        .await
        .map_err(paydesk_core::engine::EngineError::from)?;
    let session = session.ok_or(Refusal::SessionNotFound)?;
    let out = SessionOut::new(&session, id, app.engine.now(tenant));
    Ok(wire::json(StatusCode::OK, wire::bytes(&out)))
}

//! `GET /sessions/{id}`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use paydesk_core::refusal::Refusal;

use super::error::Error;
use super::session::{SessionOut, read_id};
use crate::app::App;
use crate::{auth, wire};

/// Handles the request.
pub async fn handle(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    get(&app, &id, &headers)
        .await
        .unwrap_or_else(Error::into_response)
}

async fn get(app: &App, id: &str, headers: &HeaderMap) -> Result<Response, Error> {
    let tenant = auth::basic(app, headers).await?.tenant;
    let id = read_id(id, tenant, app.engine.keys()).ok_or(Refusal::SessionNotFound)?;
    let session = app
        .engine
        .store()
        .session(tenant, id)
        .await
        .map_err(paydesk_core::engine::EngineError::from)?;
    let session = session.ok_or(Refusal::SessionNotFound)?;
    let out = SessionOut::new(&session, app.engine.keys(), app.engine.now(tenant));
    Ok(wire::json(StatusCode::OK, wire::bytes(&out)))
}

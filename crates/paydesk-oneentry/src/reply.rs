//! What every answer has in common: errors in OneEntry's form, and what pages of other origins may read of it.

use std::future::Future;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::header::ORIGIN;
use http::{HeaderMap, Method, StatusCode};
use paydesk_api::App;
use paydesk_api::http::cors::{self, AllowedOrigin, Cors};
use paydesk_api::wire;
use serde::Serialize;

use crate::caller;
use crate::error::Error;

static CORS: Cors = Cors::new(
    "GET, POST",
    "authorization, content-type, x-app-token, x-device-metadata",
);

/// Does the work and answers, to whichever page asked.
pub async fn reply(
    app: &App,
    headers: &HeaderMap,
    work: impl Future<Output = Result<Response, Error>> + Send,
) -> Response {
    let mut response = match work.await {
        Ok(response) => response,
        Err(error) => error.answer(app.engine.wall()),
    };
    let origin = allowed_origin(app, headers).await;
    cors::mark(response.headers_mut(), origin.as_ref());
    response
}

/// A JSON answer.
pub fn json(status: StatusCode, value: &impl Serialize) -> Response {
    wire::json(status, wire::bytes(value))
}

/// The answer to a preflight. It does not say whose shop is meant, so every origin learns what it may send; nothing
/// that a browser sends by itself opens anything here, and the answer to the call itself is readable by the origins
/// that the merchant allows.
pub async fn preflight(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    if !cors::is_preflight(&Method::OPTIONS, &headers) {
        return method_not_allowed(State(app)).await;
    }
    CORS.preflight(AllowedOrigin::of(&headers, |origin| origin != "null").as_ref())
}

/// The answer to a method that an address does not take.
pub async fn method_not_allowed(State(app): State<Arc<App>>) -> Response {
    let message = "this address does not take this method";
    Error::new(StatusCode::METHOD_NOT_ALLOWED, message).answer(app.engine.wall())
}

/// The answer to every other address.
pub async fn nothing_here(
    State(app): State<Arc<App>>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    if cors::is_preflight(&method, &headers) {
        return preflight(State(app), headers).await;
    }
    reply(&app, &headers, async {
        Err(Error::not_found("there is nothing at this address"))
    })
    .await
}

/// The origin that asks, if the merchant allows it: any in test mode. Who names no shop of ours is told so wherever
/// it is; that tells nothing of anybody.
async fn allowed_origin(app: &App, headers: &HeaderMap) -> Option<AllowedOrigin> {
    headers.get(ORIGIN)?;
    let allowed = match caller::shop(app, headers).await {
        Ok(tenant) if tenant.mode.is_live() => {
            let merchant = app.engine.store().merchant(tenant.merchant).await.ok()??;
            Some(merchant.settings(tenant.mode).allowed_origins.clone())
        }
        Ok(_) | Err(_) => None,
    };
    AllowedOrigin::of(headers, |origin| match &allowed {
        Some(allowed) => allowed.iter().any(|one| one == origin),
        None => origin != "null",
    })
}

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

use crate::caller::Caller;
use crate::error::Error;

static CORS: Cors = Cors::new(
    "GET, POST",
    "authorization, content-type, x-app-token, x-device-metadata",
);

/// Does the work and answers, to whichever page asked.
pub async fn reply(
    caller: &Caller<'_>,
    work: impl Future<Output = Result<Response, Error>> + Send,
) -> Response {
    let mut response = match work.await {
        Ok(response) => response,
        Err(error) => error.answer(caller.app.engine.wall()),
    };
    let origin = allowed_origin(caller).await;
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
    let caller = Caller::new(&app, &headers);
    reply(&caller, async {
        // Only so that the origins which the shop allows may read this.
        caller.shop().await.ok();
        Err(Error::not_found("there is nothing at this address"))
    })
    .await
}

/// The origin that asks, if the merchant allows it: any in test mode. None, where it is not known whose shop is spoken
/// of: nobody is there to allow it.
async fn allowed_origin(caller: &Caller<'_>) -> Option<AllowedOrigin> {
    caller.headers.get(ORIGIN)?;
    let tenant = caller.known_shop()?;
    if !tenant.mode.is_live() {
        return AllowedOrigin::of(caller.headers, |origin| origin != "null");
    }
    let store = caller.app.engine.store();
    let merchant = store.merchant(tenant.merchant).await.ok()??;
    let allowed = &merchant.settings(tenant.mode).allowed_origins;
    AllowedOrigin::of(caller.headers, |origin| {
        allowed.iter().any(|one| one == origin)
    })
}

//! XanPay's address of the page: `GET /?sessionId=…&isSandbox=true`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use paydesk_core::authority::Authority;
use paydesk_core::tenant::Mode;

use super::page;
use super::visit::Guest;
use crate::app::App;

/// Handles the request. A live id with `isSandbox=true`, or a test id without it, is not found: live and test
/// links must not be mistaken for each other.
pub async fn handle(State(app): State<Arc<App>>, guest: Guest) -> Response {
    let link = guest.param("sessionId").unwrap_or_default().to_owned();
    let mode = match guest.param("isSandbox") {
        Some("true") => Mode::Test,
        _ => Mode::Live,
    };
    let authority = Authority::from_text(&link, app.engine.keys())
        .filter(|authority| authority.tenant.mode == mode);
    page::show(&app, &guest, authority, link).await
}

//! `GET /pay/{authority}/logo`: the merchant's picture.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use paydesk_core::authority::Authority;
use paydesk_core::logo::Logo;
use paydesk_core::tenant::Mode;

use super::trouble::Trouble;
use super::visit::{Guest, Visit};
use crate::app::App;

/// Handles the request.
pub async fn handle(State(app): State<Arc<App>>, guest: Guest) -> Response {
    let authority = Authority::from_text(&guest.link, app.engine.keys());
    let mode = authority.map_or(Mode::Live, |authority| authority.tenant.mode);
    match picture(&app, &guest).await {
        Ok(logo) => {
            let mut response = logo.bytes.into_response();
            let headers = response.headers_mut();
            app.page_headers.apply(mode, headers);
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(logo.media_type));
            response
        }
        Err(trouble) => trouble.page(&app, mode, guest.language(None)),
    }
}

async fn picture(app: &App, guest: &Guest) -> Result<Logo, Trouble> {
    guest.admit(app)?;
    let visit = Visit::open(app, guest).await?;
    let settings = visit.merchant.settings(visit.session.tenant.mode);
    let logo = settings.logo.as_deref().ok_or(Trouble::NotFound)?;
    Logo::from_data_url(logo).map_err(|_| Trouble::NotFound)
}

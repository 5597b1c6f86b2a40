//! Which other origins may use the payer's API from a browser.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Method};
use paydesk_core::authority::Authority;
use paydesk_core::tenant::Tenant;

use super::form_code;
use super::trouble::{self, Trouble};
use super::visit::{Guest, Visit};
use crate::app::App;
use crate::http::cors::{self, AllowedOrigin, Cors, may_call};
use crate::http::cross_site::{self, Post};

static CORS: Cors = Cors::new("GET, POST", "content-type, if-none-match");

/// Answers a browser that asks whether another origin's script may call.
pub async fn preflight(
    State(app): State<Arc<App>>,
    guest: Guest,
    method: Method,
    headers: HeaderMap,
) -> Response {
    if !cors::is_preflight(&method, &headers) {
        return trouble::wrong_method(State(app), guest).await;
    }
    let authority = Authority::from_text(&guest.link, app.engine.keys());
    let origin = match authority {
        Some(authority) => allowed(&app, authority.tenant, &headers).await,
        None => None,
    };
    CORS.preflight(origin.as_ref())
}

/// Marks an answer as readable by the origin that asked, if it may call.
pub async fn mark(
    app: &App,
    tenant: Option<Tenant>,
    request: &HeaderMap,
    mut response: Response,
) -> Response {
    // A page of our own asks without an origin, or with our own: nothing need be looked up for it.
    let origin = match tenant {
        Some(tenant) if request.contains_key(http::header::ORIGIN) => {
            allowed(app, tenant, request).await
        }
        _ => None,
    };
    cors::mark(response.headers_mut(), origin.as_ref());
    response
}

async fn allowed(app: &App, tenant: Tenant, request: &HeaderMap) -> Option<AllowedOrigin> {
    let merchant = match app.engine.store().merchant(tenant.merchant).await {
        Ok(merchant) => merchant?,
        Err(error) => {
            tracing::warn!(%error, "allowed origins could not be read");
            return None;
        }
    };
    AllowedOrigin::of(request, |origin| {
        may_call(
            &merchant.settings(tenant.mode).allowed_origins,
            tenant.mode,
            origin,
        )
    })
}

/// Refuses a post that a page of somebody else's sent. JSON from another origin went through a preflight, so
/// whoever may call may send it; a form went through nothing, so only named origins may.
pub fn check_post(
    app: &App,
    visit: &Visit,
    headers: &HeaderMap,
    is_json: bool,
    code: Option<&str>,
) -> Result<(), Trouble> {
    let mode = visit.session.tenant.mode;
    let allowed = &visit.merchant.settings(mode).allowed_origins;
    let judged = cross_site::judge(headers, &own_origin(app), |origin| {
        if is_json {
            may_call(allowed, mode, origin)
        } else {
            cors::is_named(allowed, origin)
        }
    });
    match judged {
        Post::Allowed => Ok(()),
        Post::Refused => Err(Trouble::CrossSite),
        // A browser that does not say where it comes from cannot send JSON to another origin unasked either.
        Post::NeedsFormCode if is_json => Ok(()),
        Post::NeedsFormCode => code
            .is_some_and(|code| form_code::verify(app.engine.keys(), &visit.link, code))
            .then_some(())
            .ok_or(Trouble::CrossSite),
    }
}

/// The origin of the public URL.
#[must_use]
pub fn own_origin(app: &App) -> String {
    url::Url::parse(app.engine.public_url())
        .map_or_else(|_| String::new(), |url| url.origin().ascii_serialization())
}

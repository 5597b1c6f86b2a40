//! Who is calling: a shop, by its app token, and one of its users, by an access token.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use paydesk_api::{App, auth};
use paydesk_core::shop::SignIn;
use paydesk_core::tenant::Tenant;

use crate::error::Error;

const APP_TOKEN: &str = "x-app-token";
const DEVICE: &str = "x-device-metadata";

/// Whose shop is spoken of.
pub async fn shop(app: &App, headers: &HeaderMap) -> Result<Tenant, Error> {
    let token = headers
        .get(APP_TOKEN)
        .and_then(|value| value.to_str().ok())
        .ok_or_else(Error::no_shop)?;
    let key = auth::by_publishable_key(app, token).await?;
    Ok(key.tenant)
}

/// Whose shop, and which of its users.
pub async fn user(app: &App, headers: &HeaderMap) -> Result<(Tenant, SignIn), Error> {
    let tenant = shop(app, headers).await?;
    let token = access_token(headers).ok_or_else(Error::not_signed_in)?;
    let sign_in = app.engine.signed_in(tenant, token).await?;
    Ok((tenant, sign_in))
}

/// The access token, as it was sent.
pub fn access_token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case("Bearer ").then(|| token.trim())
}

/// What the client says of the device that it runs on.
pub fn device(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(DEVICE)?.to_str().ok()?;
    Some(value.to_owned())
}

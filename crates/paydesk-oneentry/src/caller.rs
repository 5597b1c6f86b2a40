//! Who is calling: a shop, by its app token, and one of its users, by an access token.

use std::sync::OnceLock;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use paydesk_api::{App, auth};
use paydesk_core::shop::SignIn;
use paydesk_core::tenant::Tenant;

use crate::error::Error;

const APP_TOKEN: &str = "x-app-token";
const DEVICE: &str = "x-device-metadata";

/// Who sent a request, as far as it was asked.
pub struct Caller<'r> {
    /// What answers.
    pub app: &'r App,
    /// What it came with.
    pub headers: &'r HeaderMap,
    /// Whose shop, once that is known: it is looked up once, since each look takes one from the key's rate.
    shop: OnceLock<Tenant>,
}

impl<'r> Caller<'r> {
    /// Who sent these headers.
    pub const fn new(app: &'r App, headers: &'r HeaderMap) -> Self {
        Self {
            app,
            headers,
            shop: OnceLock::new(),
        }
    }

    /// Whose shop is spoken of.
    pub async fn shop(&self) -> Result<Tenant, Error> {
        if let Some(tenant) = self.known_shop() {
            return Ok(tenant);
        }
        let token = self
            .headers
            .get(APP_TOKEN)
            .and_then(|value| value.to_str().ok())
            .ok_or_else(Error::no_shop)?;
        let key = auth::by_publishable_key(self.app, token).await?;
        Ok(*self.shop.get_or_init(|| key.tenant))
    }

    /// Whose shop, if that was asked and answered.
    pub fn known_shop(&self) -> Option<Tenant> {
        self.shop.get().copied()
    }

    /// Whose shop, and which of its users.
    pub async fn user(&self) -> Result<(Tenant, SignIn), Error> {
        let tenant = self.shop().await?;
        let token = access_token(self.headers).ok_or_else(Error::not_signed_in)?;
        let sign_in = self.app.engine.signed_in(tenant, token).await?;
        Ok((tenant, sign_in))
    }
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

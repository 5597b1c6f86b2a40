//! Who is calling: a merchant's program, by its key.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use paydesk_core::keys::Secret;
use paydesk_core::merchant::{ApiKey, Grant};
use paydesk_core::store::Unavailable;

use crate::app::App;
use crate::http::auth_cache::same_key_id;
use crate::http::rate_limit::TooMany;

/// Why a caller is not let in.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// No credentials, or not in the way this API reads them.
    #[error("credentials are missing")]
    Missing,
    /// Credentials that belong to nobody (any more).
    #[error("the credentials are not valid")]
    Wrong,
    /// The key calls too often.
    #[error("too many requests")]
    TooMany(TooMany),
    /// The store could not be asked.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// The caller of an `Authorization: Basic` request: key id and secret.
pub async fn basic(app: &App, headers: &HeaderMap) -> Result<Arc<ApiKey>, AuthError> {
    let encoded = scheme(headers, "Basic ").ok_or(AuthError::Missing)?;
    let decoded = STANDARD.decode(encoded).map_err(|_| AuthError::Wrong)?;
    let text = std::str::from_utf8(&decoded).map_err(|_| AuthError::Wrong)?;
    let (key_id, secret) = text.split_once(':').ok_or(AuthError::Wrong)?;
    let key = by_secret(app, secret).await?;
    if same_key_id(key_id, &key.key_id) {
        Ok(key)
    } else {
        Err(AuthError::Wrong)
    }
}

/// The caller of an `Authorization: Bearer` request: a secret.
pub async fn bearer(app: &App, headers: &HeaderMap) -> Result<Arc<ApiKey>, AuthError> {
    let secret = scheme(headers, "Bearer ").ok_or(AuthError::Missing)?;
    by_secret(app, secret).await
}

/// The owner of a secret: found by its hash, so that nothing is compared byte by byte.
pub async fn by_secret(app: &App, secret: &str) -> Result<Arc<ApiKey>, AuthError> {
    let key = found(app, secret).await?;
    match &key.grant {
        Grant::Everything => Ok(key),
        // What anybody may read is no secret. Scopes are the native API's words for its own calls: other doors have
        // no such words, so a restricted key opens none of them.
        Grant::Publishable | Grant::Scopes { .. } => Err(AuthError::Wrong),
    }
}

/// The caller of an `Authorization: Bearer` request, whose key may be restricted: who asks judges its scopes.
pub async fn bearer_with_scopes(app: &App, headers: &HeaderMap) -> Result<Arc<ApiKey>, AuthError> {
    let secret = scheme(headers, "Bearer ").ok_or(AuthError::Missing)?;
    let key = found(app, secret).await?;
    match &key.grant {
        Grant::Everything => Ok(key),
        Grant::Scopes { expires_at, .. } => {
            let over = expires_at.is_some_and(|expires_at| expires_at <= app.engine.wall());
            if over { Err(AuthError::Wrong) } else { Ok(key) }
        }
        Grant::Publishable => Err(AuthError::Wrong),
    }
}

/// The owner of a publishable key. It proves nothing: it only tells whose shop is spoken of.
pub async fn by_publishable_key(app: &App, key: &str) -> Result<Arc<ApiKey>, AuthError> {
    let key = found(app, key).await?;
    match &key.grant {
        Grant::Publishable => Ok(key),
        Grant::Everything | Grant::Scopes { .. } => Err(AuthError::Wrong),
    }
}

/// The key with this text, whatever it opens.
async fn found(app: &App, text: &str) -> Result<Arc<ApiKey>, AuthError> {
    let hash = Secret::hash(text);
    let found = app
        .keys
        .get(&hash, || async {
            let key = app.engine.store().api_key(hash).await?;
            Ok(key.map(Arc::new))
        })
        .await?;
    let wall = app.engine.wall();
    let key = found.filter(|key| key.is_valid_at(wall));
    let key = key.ok_or(AuthError::Wrong)?;
    app.limiters.key(&hash).map_err(AuthError::TooMany)?;
    Ok(key)
}

/// What follows the scheme's name, which is read in any case.
fn scheme<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_at_checked(name.len())?;
    scheme.eq_ignore_ascii_case(name).then(|| rest.trim())
}

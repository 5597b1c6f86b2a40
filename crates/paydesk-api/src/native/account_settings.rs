//! `/api/v1/providerAccounts/{id}/settings`: what a merchant sets for the sessions of a shop's orders.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use paydesk_core::engine::shop::account_settings::{PutAccountSettings, identifier};
use paydesk_core::id::ProviderAccountId;
use paydesk_core::merchant::ProviderAccount;
use paydesk_core::refusal::Refusal;
use paydesk_core::shop::AccountSettings;
use paydesk_core::tenant::Tenant;
use paydesk_core::time::Span;
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::app::App;
use crate::auth;
use crate::http::{body, json};
use crate::wire;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SettingsIn {
    identifier: Option<String>,
    success_url: Option<String>,
    cancel_url: Option<String>,
    session_timeout: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SettingsOut {
    identifier: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    success_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_timeout: Option<i64>,
}

fn answer(account: &ProviderAccount, settings: Option<AccountSettings>) -> Response {
    let identifier = identifier(account, settings.as_ref());
    let out = settings.map_or(
        SettingsOut {
            identifier: identifier.clone(),
            success_url: None,
            cancel_url: None,
            session_timeout: None,
        },
        |settings| SettingsOut {
            identifier: identifier.clone(),
            success_url: settings.success_url,
            cancel_url: settings.cancel_url,
            session_timeout: settings
                .session_timeout
                .map(|timeout| timeout.as_millis() / 60_000),
        },
    );
    wire::json(StatusCode::OK, wire::bytes(&out))
}

/// Handles `GET /providerAccounts/{id}/settings`.
pub async fn get(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let get = async {
        let tenant = auth::bearer(&app, &headers).await?.tenant;
        shown(&app, tenant, read_id(&id)?).await
    };
    get.await.unwrap_or_else(Problem::into_response)
}

async fn shown(app: &App, tenant: Tenant, id: ProviderAccountId) -> Result<Response, Problem> {
    let accounts = app.engine.accounts_with_settings(tenant).await?;
    let (account, settings) = accounts
        .into_iter()
        .find(|(account, _)| account.id == id)
        .ok_or(Refusal::ProviderAccountNotFound)?;
    Ok(answer(&account, settings))
}

/// Handles `PUT /providerAccounts/{id}/settings`: all of them; what is left out is unset. `sessionTimeout` is in
/// minutes.
pub async fn put(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let put = async {
        let tenant = auth::bearer(&app, &parts.headers).await?.tenant;
        let body = body::read(body, &app.body_limits).await?;
        let input: SettingsIn = json::parse_json(&body)?;
        let minutes = |minutes: u32| Span::seconds(minutes.saturating_mul(60));
        let request = PutAccountSettings {
            identifier: input.identifier,
            success_url: input.success_url,
            cancel_url: input.cancel_url,
            session_timeout: input.session_timeout.map(minutes),
        };
        let id = read_id(&id)?;
        let engine = &app.engine;
        engine.put_account_settings(tenant, id, request).await?;
        shown(&app, tenant, id).await
    };
    put.await.unwrap_or_else(Problem::into_response)
}

fn read_id(id: &str) -> Result<ProviderAccountId, Refusal> {
    id.parse().map_err(|_| Refusal::ProviderAccountNotFound)
}

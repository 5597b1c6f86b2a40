//! Payment accounts, as the document has them: what a shop may know of them, and never a secret.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use paydesk_api::App;
use paydesk_api::segment::Segment;
use paydesk_api::wire::Iso;
use paydesk_core::engine::shop::account_settings::identifier;
use paydesk_core::merchant::{Provider, ProviderAccount};
use paydesk_core::number::Number;
use paydesk_core::refusal::Refusal;
use paydesk_core::shop::AccountSettings;
use serde::Serialize;

use crate::caller::Caller;
use crate::reply::{json, reply};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountOut {
    id: Number,
    localize_infos: Title,
    identifier: String,
    #[serde(rename = "type")]
    kind: &'static str,
    is_visible: bool,
    is_used: bool,
    test_mode: bool,
    settings: Settings,
    #[serde(skip_serializing_if = "Option::is_none")]
    test_settings: Option<Settings>,
    updated_date: Iso,
}

/// In every language the same.
#[derive(Serialize)]
struct Title {
    title: String,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Settings {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    success_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel_url: Option<String>,
    /// In minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    session_timeout: Option<i64>,
}

impl AccountOut {
    fn new(account: ProviderAccount, settings: Option<AccountSettings>) -> Self {
        let test_mode = !account.tenant.mode.is_live();
        let changed = settings.as_ref().map(|settings| settings.updated_at);
        let updated = changed.map_or(account.updated_at, |at| at.max(account.updated_at));
        let identifier = identifier(&account, settings.as_ref());
        let own = settings.map_or_else(Settings::default, |settings| Settings {
            status: "",
            success_url: settings.success_url,
            cancel_url: settings.cancel_url,
            session_timeout: settings
                .session_timeout
                .map(|timeout| timeout.as_millis() / 60_000),
        });
        let connected = Settings {
            status: if account.enabled {
                "connected"
            } else {
                "disconnected"
            },
            ..own
        };
        let nothing_live = Settings {
            status: "disconnected",
            ..Settings::default()
        };
        let (settings, test_settings) = if test_mode {
            (nothing_live, Some(connected))
        } else {
            (connected, None)
        };
        Self {
            id: Number::of(account.id.0),
            localize_infos: Title {
                title: account.name,
            },
            identifier,
            kind: match account.provider {
                Provider::Sandbox | Provider::Bank => "custom",
            },
            is_visible: account.enabled,
            is_used: account.enabled,
            test_mode,
            settings,
            test_settings,
            updated_date: Iso(updated),
        }
    }
}

/// Handles `GET /accounts`.
pub async fn list(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let caller = Caller::new(&app, &headers);
    reply(&caller, async {
        let (tenant, _) = caller.user().await?;
        let accounts = app.engine.accounts_with_settings(tenant).await?;
        let out: Vec<_> = accounts
            .into_iter()
            .map(|(account, settings)| AccountOut::new(account, settings))
            .collect();
        Ok(json(StatusCode::OK, &out))
    })
    .await
}

/// Handles `GET /accounts/{id}`.
pub async fn get(
    State(app): State<Arc<App>>,
    Segment(id): Segment,
    headers: HeaderMap,
) -> Response {
    let caller = Caller::new(&app, &headers);
    reply(&caller, async {
        let (tenant, _) = caller.user().await?;
        let number = Number::read(&id).ok_or(Refusal::ProviderAccountNotFound)?;
        let accounts = app.engine.accounts_with_settings(tenant).await?;
        let (account, settings) = accounts
            .into_iter()
            .find(|(account, _)| Number::of(account.id.0) == number)
            .ok_or(Refusal::ProviderAccountNotFound)?;
        Ok(json(StatusCode::OK, &AccountOut::new(account, settings)))
    })
    .await
}

//! `/api/v1/providerAccounts/{id}/settings`: what a merchant sets for the sessions of a shop's orders.

use paydesk_core::engine::shop::account_settings::{PutAccountSettings, identifier};
use paydesk_core::id::ProviderAccountId;
use paydesk_core::merchant::ProviderAccount;
use paydesk_core::refusal::Refusal;
use paydesk_core::shop::AccountSettings;
use paydesk_core::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::frame::{Asked, Call, Problem, Reply, Scope};

/// The calls.
pub fn calls() -> Vec<Call> {
    vec![
        Call::get(
            "/providerAccounts/{id}/settings",
            Scope::ProviderAccountsRead,
            get,
        )
        .named(
            "getAccountSettings",
            "Reads what is set for a shop's orders",
        )
        .answers::<SettingsOut>(),
        Call::put(
            "/providerAccounts/{id}/settings",
            Scope::ProviderAccountsWrite,
            put,
        )
        .named("putAccountSettings", "Sets what holds for a shop's orders")
        .told("All of it: what is left out is unset.")
        .answers::<SettingsOut>(),
    ]
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AccountSettingsRequest")]
struct SettingsIn {
    identifier: Option<String>,
    success_url: Option<String>,
    cancel_url: Option<String>,
    /// In minutes.
    session_timeout: Option<u32>,
}

/// What is set, as the native API writes it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AccountSettings")]
struct SettingsOut {
    identifier: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    success_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64")]
    session_timeout: Option<i64>,
}

fn answer(account: &ProviderAccount, settings: Option<AccountSettings>) -> Reply {
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
    Reply::ok(&out)
}

async fn shown(asked: &Asked, id: ProviderAccountId) -> Result<Reply, Problem> {
    let engine = asked.engine();
    let accounts = engine.accounts_with_settings(asked.tenant()).await?;
    let (account, settings) = accounts
        .into_iter()
        .find(|(account, _)| account.id == id)
        .ok_or(Refusal::ProviderAccountNotFound)?;
    Ok(answer(&account, settings))
}

async fn get(asked: Asked) -> Result<Reply, Problem> {
    let id = asked.id(Refusal::ProviderAccountNotFound)?;
    shown(&asked, id).await
}

async fn put(asked: Asked, input: SettingsIn) -> Result<Reply, Problem> {
    let minutes = |minutes: u32| Span::seconds(minutes.saturating_mul(60));
    let request = PutAccountSettings {
        identifier: input.identifier,
        success_url: input.success_url,
        cancel_url: input.cancel_url,
        session_timeout: input.session_timeout.map(minutes),
    };
    let id = asked.id(Refusal::ProviderAccountNotFound)?;
    let engine = asked.engine();
    engine
        .put_account_settings(asked.tenant(), id, request)
        .await?;
    shown(&asked, id).await
}

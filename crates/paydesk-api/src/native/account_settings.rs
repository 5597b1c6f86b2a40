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

const PATH: &str = "/providerAccounts/{id}/settings";

/// The calls.
pub fn calls() -> Vec<Call> {
    vec![
        Call::get(PATH, Scope::ProviderAccountsRead, get)
            .named(
                "getAccountSettings",
                "Reads what is set for an account's orders",
            )
            .answers::<SettingsOut>(),
        Call::put(PATH, Scope::ProviderAccountsWrite, put)
            .named(
                "putAccountSettings",
                "Sets how sessions of orders use an account",
            )
            .told("All of it at once: what is left out is unset.")
            .answers::<SettingsOut>(),
    ]
}

#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "AccountSettingsRequest")]
struct SettingsIn {
    /// What your shop calls the account; its name in lower case if it is not set.
    #[schemars(length(min = 1, max = 100))]
    identifier: Option<String>,
    /// Where payers go after paying.
    success_url: Option<String>,
    /// Where payers go after giving up.
    cancel_url: Option<String>,
    /// How long its sessions live, in minutes.
    #[schemars(range(min = 1, max = 43_200))]
    session_timeout: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "AccountSettings")]
struct SettingsOut {
    identifier: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    success_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel_url: Option<String>,
    /// In minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    session_timeout: Option<i64>,
}

impl SettingsOut {
    fn new(account: &ProviderAccount, settings: Option<AccountSettings>) -> Self {
        let identifier = identifier(account, settings.as_ref());
        let (success_url, cancel_url, timeout) = match settings {
            Some(set) => (set.success_url, set.cancel_url, set.session_timeout),
            None => (None, None, None),
        };
        Self {
            identifier,
            success_url,
            cancel_url,
            session_timeout: timeout.map(|timeout| timeout.as_millis() / 60_000),
        }
    }
}

async fn get(asked: Asked) -> Result<Reply, Problem> {
    let id: ProviderAccountId = asked.id(Refusal::ProviderAccountNotFound)?;
    let (engine, tenant) = (asked.engine(), asked.tenant());
    // So that one is among them that another node just made.
    engine.provider_accounts_with(tenant, id).await?;
    let accounts = engine.accounts_with_settings(tenant).await?;
    let (account, settings) = accounts
        .into_iter()
        .find(|(account, _)| account.id == id)
        .ok_or(Refusal::ProviderAccountNotFound)?;
    Ok(Reply::ok(&SettingsOut::new(&account, settings)))
}

async fn put(asked: Asked, input: SettingsIn) -> Result<Reply, Problem> {
    let id: ProviderAccountId = asked.id(Refusal::ProviderAccountNotFound)?;
    let minutes = |minutes: u32| Span::seconds(minutes.saturating_mul(60));
    let request = PutAccountSettings {
        identifier: input.identifier,
        success_url: input.success_url,
        cancel_url: input.cancel_url,
        session_timeout: input.session_timeout.map(minutes),
    };
    let engine = asked.engine();
    engine
        .put_account_settings(asked.tenant(), id, request)
        .await?;
    get(asked).await
}

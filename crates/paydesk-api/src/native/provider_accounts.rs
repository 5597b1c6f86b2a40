//! `/api/v1/providerAccounts`: the merchant's accounts on rails.

use paydesk_core::engine::EngineError;
use paydesk_core::engine::configure_accounts::{AccountChange, NewAccount};
use paydesk_core::id::ProviderAccountId;
use paydesk_core::merchant::{Provider, ProviderAccount};
use paydesk_core::method::Method;
use paydesk_core::refusal::Refusal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::frame::{Asked, Call, NoBody, PageOut, Problem, Reply, Scope};
use super::schema;
use crate::wire::Iso;

/// The calls.
pub fn calls() -> Vec<Call> {
    vec![
        Call::post("/providerAccounts", Scope::ProviderAccountsWrite, create)
            .named("createProviderAccount", "Makes a provider account")
            .creates::<AccountOut<'_>>(),
        Call::get("/providerAccounts", Scope::ProviderAccountsRead, list)
            .named("listProviderAccounts", "Lists provider accounts")
            .told("All of them, oldest first: there are never many.")
            .pages::<AccountOut<'_>>(),
        Call::get("/providerAccounts/{id}", Scope::ProviderAccountsRead, get)
            .named("getProviderAccount", "Reads a provider account")
            .answers::<AccountOut<'_>>(),
        Call::patch(
            "/providerAccounts/{id}",
            Scope::ProviderAccountsWrite,
            update,
        )
        .named("updateProviderAccount", "Changes a provider account")
        .told("`default` takes the place of the default before.")
        .answers::<AccountOut<'_>>(),
        Call::post(
            "/providerAccounts/{id}/enable",
            Scope::ProviderAccountsWrite,
            enable,
        )
        .named(
            "enableProviderAccount",
            "Lets payments use a provider account",
        )
        .answers::<AccountOut<'_>>(),
        Call::post(
            "/providerAccounts/{id}/disable",
            Scope::ProviderAccountsWrite,
            disable,
        )
        .named(
            "disableProviderAccount",
            "Lets no new payment use a provider account",
        )
        .told("What it took can still be settled and given back.")
        .answers::<AccountOut<'_>>(),
    ]
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ProviderAccountRequest")]
struct AccountIn {
    /// With whom.
    #[schemars(with = "schema::ProviderName")]
    provider: Provider,
    /// What you call it.
    #[schemars(length(min = 1, max = 100))]
    name: String,
    /// The methods that it takes; all if none is named.
    #[serde(default)]
    #[schemars(with = "Vec<schema::MethodName>")]
    methods: Vec<Method>,
    /// Whether payments may use it.
    #[serde(default = "yes")]
    enabled: bool,
}

const fn yes() -> bool {
    true
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ProviderAccountChangeRequest")]
struct AccountChangeIn {
    #[schemars(length(min = 1, max = 100))]
    name: Option<String>,
    enabled: Option<bool>,
    /// Whether it is meant where several are enabled and none is named.
    default: Option<bool>,
    #[schemars(with = "Option<Vec<schema::MethodName>>")]
    methods: Option<Vec<Method>>,
}

/// An account as the native API writes it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ProviderAccount")]
struct AccountOut<'a> {
    #[schemars(with = "schema::Id")]
    id: ProviderAccountId,
    livemode: bool,
    #[schemars(with = "schema::ProviderName")]
    provider: Provider,
    name: &'a str,
    enabled: bool,
    default: bool,
    #[schemars(with = "Vec<schema::MethodName>")]
    methods: &'a [Method],
    created_at: Iso,
    updated_at: Iso,
}

impl<'a> From<&'a ProviderAccount> for AccountOut<'a> {
    fn from(account: &'a ProviderAccount) -> Self {
        Self {
            id: account.id,
            livemode: account.tenant.mode.is_live(),
            provider: account.provider,
            name: &account.name,
            enabled: account.enabled,
            default: account.is_default,
            methods: &account.methods,
            created_at: Iso(account.created_at),
            updated_at: Iso(account.updated_at),
        }
    }
}

fn written(account: &ProviderAccount) -> Reply {
    Reply::ok(&AccountOut::from(account))
}

fn made(account: &ProviderAccount) -> Reply {
    Reply::created(&AccountOut::from(account))
}

async fn create(mut asked: Asked, input: AccountIn) -> Result<Reply, Problem> {
    let new = NewAccount {
        provider: input.provider,
        name: input.name,
        methods: input.methods,
        enabled: input.enabled,
    };
    let idempotent = asked.idempotent(made);
    let account = asked
        .engine()
        .create_provider_account(asked.tenant(), new, idempotent)
        .await?;
    Ok(made(&account))
}

async fn all(asked: &Asked) -> Result<Vec<ProviderAccount>, Problem> {
    let found = asked.engine().store().provider_accounts(asked.tenant());
    Ok(found.await.map_err(EngineError::from)?)
}

async fn list(asked: Asked) -> Result<Reply, Problem> {
    Ok(Reply::ok(&PageOut {
        data: all(&asked).await?.iter().map(AccountOut::from).collect(),
        next_cursor: None,
    }))
}

async fn get(asked: Asked) -> Result<Reply, Problem> {
    let id: ProviderAccountId = asked.id(Refusal::ProviderAccountNotFound)?;
    let accounts = all(&asked).await?;
    let found = accounts.iter().find(|account| account.id == id);
    Ok(written(found.ok_or(Refusal::ProviderAccountNotFound)?))
}

async fn update(asked: Asked, input: AccountChangeIn) -> Result<Reply, Problem> {
    let wanted = AccountChange {
        name: input.name,
        enabled: input.enabled,
        is_default: input.default,
        methods: input.methods,
    };
    change(asked, wanted).await
}

async fn enable(asked: Asked, _: NoBody) -> Result<Reply, Problem> {
    switch(asked, true).await
}

async fn disable(asked: Asked, _: NoBody) -> Result<Reply, Problem> {
    switch(asked, false).await
}

async fn switch(asked: Asked, enabled: bool) -> Result<Reply, Problem> {
    let wanted = AccountChange {
        enabled: Some(enabled),
        ..AccountChange::default()
    };
    change(asked, wanted).await
}

async fn change(mut asked: Asked, wanted: AccountChange) -> Result<Reply, Problem> {
    let id = asked.id(Refusal::ProviderAccountNotFound)?;
    let idempotent = asked.idempotent(written);
    let account = asked
        .engine()
        .change_provider_account(asked.tenant(), id, &wanted, idempotent)
        .await?;
    Ok(written(&account))
}

//! `/api/v1/providerAccounts`: the merchant's accounts on rails.

use paydesk_core::engine::EngineError;
use paydesk_core::engine::configure_accounts::{AccountChange, NewAccount};
use paydesk_core::id::ProviderAccountId;
use paydesk_core::merchant::{Provider, ProviderAccount};
use paydesk_core::method::Method;
use paydesk_core::receiver::Receiver;
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
            .told(
                "`SANDBOX` is for test mode only. `BANK` stands for your own accounts: payers push money to where `receives` \
                 says, and you report what came in (`POST /bankTransfers`); it takes no cards and no wallets.",
            )
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
    /// The methods that it takes; all if none is named. Those of a `BANK` follow from `receives`.
    #[serde(default)]
    #[schemars(with = "Vec<schema::MethodName>")]
    methods: Vec<Method>,
    /// For a `BANK`: where the money of each of its methods is pushed to.
    #[serde(default)]
    receives: Vec<ReceiverIn>,
    /// Whether payments may use it.
    #[serde(default = "yes")]
    enabled: bool,
}

/// Where money is pushed to by a method, once each.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "ReceiverRequest")]
struct ReceiverIn {
    /// A scanned method or a bank transfer.
    #[schemars(with = "schema::PushedMethodName")]
    method: Method,
    /// What payers' banks find your account by: its number, or what stands for it in the method's scheme. PayNow: mobile or
    /// UEN. PromptPay: mobile, national or tax id, or e-wallet. FPS: id, mobile (`+852-91234567`) or email. DuitNow: your id
    /// with the acquirer. You report money under the same text.
    #[schemars(length(min = 1, max = 80))]
    account: String,
    /// Whose account it is, as the bank knows you: payers compare it with what their own bank shows.
    #[schemars(length(min = 1, max = 100))]
    account_name: String,
    /// At which bank; needed for transfers.
    #[serde(default)]
    #[schemars(length(max = 100))]
    bank: String,
    /// For DuitNow: the six digits of the acquirer that gave you your id.
    #[schemars(regex(pattern = "^[0-9]{6}$"))]
    acquirer: Option<String>,
}

impl From<ReceiverIn> for Receiver {
    fn from(receiver: ReceiverIn) -> Self {
        Self {
            method: receiver.method,
            account: receiver.account,
            account_name: receiver.account_name,
            bank: receiver.bank,
            acquirer: receiver.acquirer,
        }
    }
}

fn receivers(receives: Vec<ReceiverIn>) -> Vec<Receiver> {
    receives.into_iter().map(Receiver::from).collect()
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
    /// For a `BANK`: all places, in place of those before. Payments that wait already keep theirs.
    receives: Option<Vec<ReceiverIn>>,
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
    /// Of a `BANK`: where the money of each of its methods is pushed to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    receives: Vec<ReceiverOut<'a>>,
    created_at: Iso,
    updated_at: Iso,
}

/// Where money is pushed to by a method.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Receiver")]
struct ReceiverOut<'a> {
    #[schemars(with = "schema::PushedMethodName")]
    method: Method,
    account: &'a str,
    account_name: &'a str,
    /// Empty where a proxy needs none.
    bank: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    acquirer: Option<&'a str>,
}

impl<'a> From<&'a Receiver> for ReceiverOut<'a> {
    fn from(receiver: &'a Receiver) -> Self {
        Self {
            method: receiver.method,
            account: &receiver.account,
            account_name: &receiver.account_name,
            bank: &receiver.bank,
            acquirer: receiver.acquirer.as_deref(),
        }
    }
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
            receives: account.receives.iter().map(ReceiverOut::from).collect(),
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
        receives: receivers(input.receives),
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
        receives: input.receives.map(receivers),
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

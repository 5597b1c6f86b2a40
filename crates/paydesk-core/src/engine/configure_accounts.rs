//! A merchant's accounts on rails: made, switched on and off, and which of them is meant where none is named.

use super::customers::plain_text;
use super::idempotency::Idempotent;
use super::{Engine, EngineError, Env};
use crate::id::ProviderAccountId;
use crate::merchant::{Provider, ProviderAccount};
use crate::method::Method;
use crate::receiver::Receiver;
use crate::refusal::Refusal;
use crate::store::{Change, Record};
use crate::tenant::{Mode, Tenant};

const MOST: usize = 50;

/// A new account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewAccount {
    /// With whom.
    pub provider: Provider,
    /// What the merchant calls it.
    pub name: String,
    /// The methods that it takes; all if none is named. A bank's follow from `receives`.
    pub methods: Vec<Method>,
    /// At a bank: where the money of each of its methods is pushed to.
    pub receives: Vec<Receiver>,
    /// Whether payments may use it.
    pub enabled: bool,
}

/// What is to be changed of an account; what is not given stays as it is.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct AccountChange {
    /// What the merchant calls it.
    pub name: Option<String>,
    /// Whether payments may use it.
    pub enabled: Option<bool>,
    /// Whether it is meant where none is named. There is at most one default.
    pub is_default: Option<bool>,
    /// The methods that it takes.
    pub methods: Option<Vec<Method>>,
    /// At a bank: where the money of each of its methods is pushed to, all of them.
    pub receives: Option<Vec<Receiver>>,
}

fn each_once(methods: Vec<Method>) -> Vec<Method> {
    let all = if methods.is_empty() {
        Method::ALL.to_vec()
    } else {
        methods
    };
    all.into_iter().fold(Vec::new(), |mut kept, method| {
        if !kept.contains(&method) {
            kept.push(method);
        }
        kept
    })
}

/// Checks where money is pushed to, and answers with the methods that follow from it. Refuses, in this order: methods that
/// are named beside it, nothing at all, what is wrong with each place, and a method that has two.
fn methods_received(receives: &[Receiver], methods_named: bool) -> Result<Vec<Method>, Refusal> {
    if methods_named {
        return Err(Refusal::field(
            "methods",
            "follow from receives at a bank: leave them out",
        ));
    }
    if receives.is_empty() {
        return Err(Refusal::field(
            "receives",
            "is missing: an account at a bank says for each method where its money is pushed to",
        ));
    }
    let mut methods = Vec::with_capacity(receives.len());
    for (index, receiver) in receives.iter().enumerate() {
        let of = |field: &str| format!("receives[{index}].{field}");
        receiver.check(of)?;
        if methods.contains(&receiver.method) {
            return Err(Refusal::field(
                of("method"),
                format!(
                    "is {}, which is given before: a method has one place",
                    receiver.method
                ),
            ));
        }
        methods.push(receiver.method);
    }
    Ok(methods)
}

/// The methods of an account with this provider, as they are asked for and as it receives them.
fn methods_of(
    provider: Provider,
    methods: Vec<Method>,
    receives: &[Receiver],
) -> Result<Vec<Method>, Refusal> {
    match provider {
        Provider::Bank => methods_received(receives, !methods.is_empty()),
        Provider::Sandbox if receives.is_empty() => Ok(each_once(methods)),
        Provider::Sandbox => Err(Refusal::field(
            "receives",
            "is for accounts at a bank: the sandbox has accounts of its own",
        )),
    }
}

/// Decides a new account.
pub fn decide_new(
    tenant: Tenant,
    accounts: &[ProviderAccount],
    new: NewAccount,
    env: Env<'_>,
) -> Result<(Change, ProviderAccount), Refusal> {
    match new.provider {
        Provider::Sandbox if tenant.mode == Mode::Live => {
            return Err(Refusal::field("provider", "is for test mode only"));
        }
        Provider::Sandbox | Provider::Bank => {}
    }
    plain_text("name", &new.name, 100)?;
    let methods = methods_of(new.provider, new.methods, &new.receives)?;
    if accounts.len() >= MOST {
        return Err(Refusal::field(
            "provider",
            format!("has {MOST} accounts already, which is the most"),
        ));
    }
    let account = ProviderAccount {
        id: ProviderAccountId::fresh(env.ids, env.wall),
        tenant,
        version: 1,
        provider: new.provider,
        name: new.name,
        enabled: new.enabled,
        is_default: false,
        methods,
        receives: new.receives,
        created_at: env.now,
        updated_at: env.now,
    };
    let mut change = Change::new(tenant);
    change.puts.push(Record::ProviderAccount(account.clone()));
    Ok((change, account))
}

/// Decides a change of one account. Nothing, if it is already so.
///
/// A new default takes the place of the old: all accounts are written with it, so that two new defaults at once
/// cannot both stay.
pub fn decide_change(
    accounts: &[ProviderAccount],
    id: ProviderAccountId,
    wanted: &AccountChange,
    env: Env<'_>,
) -> Result<(Option<Change>, ProviderAccount), Refusal> {
    let known = accounts
        .iter()
        .find(|account| account.id == id)
        .ok_or(Refusal::ProviderAccountNotFound)?;
    let mut changed = known.clone();
    if let Some(name) = &wanted.name {
        plain_text("name", name, 100)?;
        changed.name.clone_from(name);
    }
    if let Some(enabled) = wanted.enabled {
        changed.enabled = enabled;
    }
    match (known.provider, &wanted.methods, &wanted.receives) {
        (_, None, None) => {}
        (Provider::Sandbox, methods, receives) => {
            let receives = receives.as_deref().unwrap_or_default();
            let methods = methods.as_ref().unwrap_or(&known.methods);
            changed.methods = methods_of(Provider::Sandbox, methods.clone(), receives)?;
        }
        (Provider::Bank, methods, receives) => {
            let receives = receives.as_ref().unwrap_or(&known.receives);
            changed.methods = methods_received(receives, methods.is_some())?;
            changed.receives.clone_from(receives);
        }
    }
    if let Some(is_default) = wanted.is_default {
        changed.is_default = is_default;
    }
    if changed == *known {
        return Ok((None, changed));
    }
    let becomes_default = changed.is_default && !known.is_default;
    let mut change = Change::new(known.tenant);
    for account in accounts {
        let mut account = if account.id == id {
            changed.clone()
        } else if becomes_default {
            ProviderAccount {
                is_default: false,
                ..account.clone()
            }
        } else {
            continue;
        };
        account.version += 1;
        account.updated_at = env.now;
        if account.id == id {
            changed = account.clone();
        }
        change.puts.push(Record::ProviderAccount(account));
    }
    Ok((Some(change), changed))
}

impl Engine {
    /// Makes an account.
    pub async fn create_provider_account(
        &self,
        tenant: Tenant,
        new: NewAccount,
        idempotent: Option<Idempotent<ProviderAccount>>,
    ) -> Result<ProviderAccount, EngineError> {
        let made = self
            .once(tenant, idempotent.as_ref(), |_| {
                let new = new.clone();
                async move {
                    let accounts = self.store().provider_accounts(tenant).await?;
                    let (change, account) = decide_new(tenant, &accounts, new, self.env(tenant))?;
                    Ok((Some(change), account))
                }
            })
            .await;
        self.accounts.forget(tenant);
        made
    }

    /// Changes an account.
    pub async fn change_provider_account(
        &self,
        tenant: Tenant,
        id: ProviderAccountId,
        wanted: &AccountChange,
        idempotent: Option<Idempotent<ProviderAccount>>,
    ) -> Result<ProviderAccount, EngineError> {
        let changed = self
            .once(tenant, idempotent.as_ref(), |_| async move {
                // Not those in hand: they may be seconds old.
                let accounts = self.store().provider_accounts(tenant).await?;
                Ok(decide_change(&accounts, id, wanted, self.env(tenant))?)
            })
            .await;
        self.accounts.forget(tenant);
        changed
    }
}

#[cfg(test)]
mod tests;

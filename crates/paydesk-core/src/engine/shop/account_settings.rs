//! Sets how a shop uses an account on a rail.

use super::super::open_session::fields;
use super::super::{Engine, EngineError, Env};
use crate::id::ProviderAccountId;
use crate::merchant::ProviderAccount;
use crate::refusal::Refusal;
use crate::shop::AccountSettings;
use crate::store::{Change, Record};
use crate::tenant::Tenant;
use crate::time::Span;

/// What a merchant sets; what is left out is unset.
#[derive(Clone, Default, Debug)]
pub struct PutAccountSettings {
    /// See [`AccountSettings`].
    pub identifier: Option<String>,
    /// Where payers go after paying.
    pub success_url: Option<String>,
    /// Where payers go after giving up.
    pub cancel_url: Option<String>,
    /// How long its sessions live.
    pub session_timeout: Option<Span>,
}

/// Decides what an account's settings become.
pub fn decide(
    account: &ProviderAccount,
    request: PutAccountSettings,
    known: Option<&AccountSettings>,
    env: Env<'_>,
) -> Result<AccountSettings, Refusal> {
    let mode = account.tenant.mode;
    fields::text("identifier", request.identifier.as_deref(), 100)?;
    fields::url("successUrl", request.success_url.as_deref(), mode)?;
    fields::url("cancelUrl", request.cancel_url.as_deref(), mode)?;
    let (shortest, longest) = fields::LIFETIME;
    if request
        .session_timeout
        .is_some_and(|timeout| !(shortest..=longest).contains(&timeout))
    {
        let problem = "is not between 1 minute and 30 days (43200)";
        return Err(Refusal::field("sessionTimeout", problem));
    }
    Ok(AccountSettings {
        account: account.id,
        tenant: account.tenant,
        version: known.map_or(1, |known| known.version + 1),
        identifier: request.identifier,
        success_url: request.success_url,
        cancel_url: request.cancel_url,
        session_timeout: request.session_timeout,
        updated_at: env.now,
    })
}

/// What a shop calls an account.
#[must_use]
pub fn identifier(account: &ProviderAccount, settings: Option<&AccountSettings>) -> String {
    settings
        .and_then(|settings| settings.identifier.clone())
        .unwrap_or_else(|| account.name.trim().to_lowercase().replace(' ', "-"))
}

impl Engine {
    /// Sets how a shop uses an account.
    pub async fn put_account_settings(
        &self,
        tenant: Tenant,
        account: ProviderAccountId,
        request: PutAccountSettings,
    ) -> Result<AccountSettings, EngineError> {
        let account = &self.provider_account(tenant, account).await?;
        self.repeat(|_| {
            let request = request.clone();
            async move {
                let known = self.store().find(tenant, account.id.0).await?;
                let settings = decide(account, request, known.as_ref(), self.env(tenant))?;
                let mut change = Change::new(tenant);
                change.puts.push(Record::entry(&settings)?);
                Ok((Some(change), settings))
            }
        })
        .await
    }

    /// The tenant's accounts, oldest first, each with what was set for it.
    pub async fn accounts_with_settings(
        &self,
        tenant: Tenant,
    ) -> Result<Vec<(ProviderAccount, Option<AccountSettings>)>, EngineError> {
        let accounts = self.provider_accounts(tenant).await?;
        let ids: Vec<_> = accounts.iter().map(|account| account.id.0).collect();
        let settings: Vec<AccountSettings> = self.store().find_all(tenant, &ids).await?;
        Ok(accounts
            .iter()
            .map(|account| {
                let own = settings.iter().find(|one| one.account == account.id);
                (account.clone(), own.cloned())
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::fixtures::*;
    use super::*;

    #[test]
    fn an_account_without_settings_is_called_by_its_name() {
        let mut desk = Desk::new();
        desk.account.name = "My Bank ".into();
        assert_eq!(identifier(&desk.account, None), "my-bank");
        let request = PutAccountSettings {
            identifier: Some("cards".into()),
            ..PutAccountSettings::default()
        };
        let settings = decide(&desk.account, request, None, desk.env()).unwrap();
        assert_eq!(identifier(&desk.account, Some(&settings)), "cards");
        let again = PutAccountSettings::default();
        let settings = decide(&desk.account, again, Some(&settings), desk.env()).unwrap();
        assert_eq!((settings.version, settings.identifier), (2, None));
    }

    #[test]
    fn what_is_wrong_with_settings_is_named() {
        let desk = Desk::new();
        let good = PutAccountSettings::default();
        for (request, field) in [
            (
                PutAccountSettings {
                    identifier: Some(String::new()),
                    ..good.clone()
                },
                "identifier",
            ),
            (
                PutAccountSettings {
                    success_url: Some("javascript:alert(1)".into()),
                    ..good.clone()
                },
                "successUrl",
            ),
            (
                PutAccountSettings {
                    cancel_url: Some("nowhere".into()),
                    ..good.clone()
                },
                "cancelUrl",
            ),
            (
                PutAccountSettings {
                    session_timeout: Some(Span::seconds(59)),
                    ..good.clone()
                },
                "sessionTimeout",
            ),
            (
                PutAccountSettings {
                    session_timeout: Some(Span::days(31)),
                    ..good
                },
                "sessionTimeout",
            ),
        ] {
            let refused = decide(&desk.account, request, None, desk.env()).unwrap_err();
            assert!(
                matches!(&refused, Refusal::InvalidField { field: named, .. } if named == field),
                "{refused:?}"
            );
        }
    }
}

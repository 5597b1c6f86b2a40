//! The vendor's transaction provider: a merchant's account on a rail.

use async_graphql::{ID, SimpleObject};
use paydesk_core::id::ProviderAccountId;
use paydesk_core::merchant::ProviderAccount;
use paydesk_core::method::{Family, Method};
use paydesk_core::refusal::Refusal;

use crate::desk::Desk;
use crate::fault::Fault;
use crate::marks::Mark;
use crate::names::{AccountStatus, TransactionProvider};
use crate::scalar::DateTimeIso;

/// An account as the vendor writes it.
#[derive(SimpleObject, Clone, Debug)]
#[graphql(name = "MerchantTransactionProvider")]
pub struct AccountOut {
    id: ID,
    application_id: Option<String>,
    merchant_id: String,
    provider: TransactionProvider,
    provider_code: String,
    status: AccountStatus,
    created_at: DateTimeIso,
    updated_at: DateTimeIso,
}

impl AccountOut {
    /// An account; `merchant_id` is what whoever asks calls the merchant.
    #[must_use]
    pub fn new(account: &ProviderAccount, merchant_id: String) -> Self {
        Self {
            id: account.id.to_string().into(),
            application_id: None,
            merchant_id,
            provider: account.provider.into(),
            provider_code: Mark::Account.write(account.id.0),
            status: if account.enabled {
                AccountStatus::Enabled
            } else {
                AccountStatus::Disabled
            },
            created_at: account.created_at.into(),
            updated_at: account.updated_at.into(),
        }
    }
}

impl TransactionProvider {
    /// As it stands in the schema.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Example => "EXAMPLE",
            Self::Nuvei => "NUVEI",
            Self::Sandbox => "SANDBOX",
            Self::Bank => "BANK",
        }
    }

    /// Whether this names the account. The vendor's own providers stand for any account that takes cards.
    #[must_use]
    pub fn names(self, account: &ProviderAccount) -> bool {
        match self {
            Self::Example | Self::Nuvei => account
                .methods
                .iter()
                .any(|method: &Method| method.family() == Family::Card),
            Self::Sandbox | Self::Bank => Self::from(account.provider) == self,
        }
    }
}

/// The accounts that a list's arguments name, by id and by provider: nothing if there is none, and an empty list, as a
/// filter has it, if they name no account at all.
pub fn listed(
    desk: &Desk<'_>,
    id: Option<&str>,
    provider: Option<TransactionProvider>,
) -> Option<Vec<ProviderAccountId>> {
    let id: Option<ProviderAccountId> = match id {
        Some(id) => Some(id.parse().ok()?),
        None => None,
    };
    let Some(provider) = provider else {
        return Some(id.into_iter().collect());
    };
    let named = desk.accounts.iter().filter(|it| provider.names(it));
    let named: Vec<_> = named
        .map(|it| it.id)
        .filter(|named| id.is_none_or(|id| id == *named))
        .collect();
    (!named.is_empty()).then_some(named)
}

/// The account that an operation names, by its id or by its provider, or the only enabled one.
pub fn chosen<'d>(
    desk: &'d Desk<'_>,
    id: Option<&str>,
    provider: Option<TransactionProvider>,
) -> Result<&'d ProviderAccount, Fault> {
    chosen_of(&desk.accounts, id, provider)
}

/// The same, of these accounts.
pub fn chosen_of<'a>(
    accounts: &'a [ProviderAccount],
    id: Option<&str>,
    provider: Option<TransactionProvider>,
) -> Result<&'a ProviderAccount, Fault> {
    let refused = |refusal| Fault::refused(refusal, |field| field.to_owned().into());
    match (id, provider) {
        (Some(_), Some(_)) => Err(Fault::argument(
            "transactionProvider",
            "is given beside merchantTransactionProviderId; give one of them",
        )),
        (Some(id), None) => id
            .parse()
            .ok()
            .and_then(|id: ProviderAccountId| accounts.iter().find(|it| it.id == id))
            .ok_or_else(|| refused(Refusal::ProviderAccountNotFound)),
        (None, Some(provider)) => {
            let mut named = accounts
                .iter()
                .filter(|account| account.enabled && provider.names(account));
            let default = named.clone().find(|account| account.is_default);
            default
                .or_else(|| named.next())
                .ok_or_else(|| refused(Refusal::NoProviderAccount))
        }
        (None, None) => {
            let mut enabled = accounts.iter().filter(|account| account.enabled);
            match (enabled.next(), enabled.next()) {
                (Some(only), None) => Ok(only),
                (Some(_), Some(_)) => Err(refused(Refusal::ProviderAccountAmbiguous)),
                (None, _) => Err(refused(Refusal::NoProviderAccount)),
            }
        }
    }
}

//! What the payer's browser is configured with before there is a session: which rail, and what names the merchant there.

use async_graphql::{SimpleObject, Union};
use paydesk_core::merchant::ProviderAccount;

use crate::names::TransactionProvider;

/// The configuration for an account.
#[derive(SimpleObject)]
#[graphql(name = "MerchantClientTransactionSessionBaseConfig")]
pub struct BaseConfig {
    data: BaseConfigData,
    provider: TransactionProvider,
}

/// By provider.
#[derive(Union)]
#[graphql(name = "MerchantClientTransactionSessionBaseConfigData")]
pub enum BaseConfigData {
    /// Any but the vendor's own.
    Generic(GenericBaseConfig),
    /// The vendor's own; not offered.
    Nuvei(NuveiBaseConfig),
}

/// Of any provider but the vendor's own.
#[derive(SimpleObject)]
#[graphql(name = "MerchantClientTransactionSessionGenericBaseConfig")]
pub struct GenericBaseConfig {
    provider: TransactionProvider,
    /// Names the merchant; proves nothing.
    public_key: Option<String>,
}

/// Of the vendor's own provider; not offered.
#[derive(SimpleObject)]
#[graphql(name = "MerchantClientTransactionSessionNuveiBaseConfig")]
pub struct NuveiBaseConfig {
    env: String,
    #[graphql(deprecation = "Use `env` instead.")]
    environment: String,
    merchant_id: String,
    merchant_site_id: String,
    #[graphql(deprecation = "Use parent `provider` instead.")]
    provider: TransactionProvider,
}

/// The configuration by its first name.
#[derive(Union)]
#[graphql(name = "MerchantClientTransactionPreSessionData")]
pub enum PreSessionData {
    /// Any but the vendor's own.
    Generic(GenericPreSessionData),
    /// The vendor's own; not offered.
    Nuvei(NuveiPreSessionData),
}

/// Of any provider but the vendor's own.
#[derive(SimpleObject)]
#[graphql(name = "MerchantClientTransactionGenericPreSessionData")]
pub struct GenericPreSessionData {
    provider: TransactionProvider,
    /// Names the merchant; proves nothing.
    public_key: Option<String>,
}

/// Of the vendor's own provider; not offered.
#[derive(SimpleObject)]
#[graphql(name = "MerchantClientTransactionNuveiPreSessionData")]
pub struct NuveiPreSessionData {
    env: String,
    #[graphql(deprecation = "Use `env` instead.")]
    environment: String,
    merchant_id: String,
    merchant_site_id: String,
    provider: TransactionProvider,
}

impl BaseConfig {
    /// For this account of the merchant that this names.
    #[must_use]
    pub fn new(account: &ProviderAccount, publishable_key: &str) -> Self {
        Self {
            data: BaseConfigData::new(account, publishable_key),
            provider: account.provider.into(),
        }
    }
}

impl BaseConfigData {
    /// For this account of the merchant that this names.
    #[must_use]
    pub fn new(account: &ProviderAccount, publishable_key: &str) -> Self {
        Self::Generic(GenericBaseConfig {
            provider: account.provider.into(),
            public_key: Some(publishable_key.to_owned()),
        })
    }
}

impl PreSessionData {
    /// For this account of the merchant that this names.
    #[must_use]
    pub fn new(account: &ProviderAccount, publishable_key: &str) -> Self {
        Self::Generic(GenericPreSessionData {
            provider: account.provider.into(),
            public_key: Some(publishable_key.to_owned()),
        })
    }
}

//! What a payer's browser may ask without a secret. It names the merchant by its public id, which proves nothing, and
//! the session by its plain id: so the answer holds nothing that an id should open.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, Object, Result, SimpleObject};
use parking_lot::Mutex;
use paydesk_api::auth::{self, AuthError};
use paydesk_api::http::RequestContext;
use paydesk_api::http::rate_limit::{AddressBlock, Limiter, Seldom};
use paydesk_core::merchant::{ApiKey, ProviderAccount};
use paydesk_core::session::Session;
use paydesk_core::tenant::Tenant;

use crate::config::{BaseConfig, BaseConfigData, PreSessionData};
use crate::desk::{app, missing};
use crate::fault::Fault;
use crate::names::TransactionProvider;
use crate::session::{Light, SessionOut};

/// A session as anybody sees it who has its id.
#[derive(SimpleObject)]
#[graphql(name = "MerchantClientPublicTransactionSessionData")]
pub struct PublicSession {
    base_config: BaseConfigData,
    provider: TransactionProvider,
    transaction_session: SessionOut,
}

/// How often an address may ask.
pub struct PublicLimit(Limiter<AddressBlock>);

impl PublicLimit {
    /// So many times a minute, and as many at once.
    pub fn per_minute(rate: NonZeroU32) -> Self {
        Self(Limiter::seldom(Seldom {
            every: Duration::from_mins(1) / rate.get(),
            burst: rate,
        }))
    }
}

/// Whose data one request without a secret asked for: what decides which origins may read the answer.
#[derive(Default)]
pub struct Asked(pub Mutex<Vec<Tenant>>);

/// Lets anybody in who names a merchant, unless too many come from the same address.
async fn admit(ctx: &Context<'_>, public_id: &str) -> Result<Arc<ApiKey>, Fault> {
    if let Some(context) = ctx.data_opt::<RequestContext>() {
        let limit = ctx.data::<Arc<PublicLimit>>().map_err(missing)?;
        limit.0.check(&context.client().into())?;
    }
    let key = match auth::by_publishable_key(app(ctx)?, public_id).await {
        Ok(key) => key,
        Err(AuthError::Missing | AuthError::Wrong) => return Err(Fault::not_found("merchant")),
        Err(error) => return Err(error.into()),
    };
    if let Some(asked) = ctx.data_opt::<Arc<Asked>>() {
        let mut tenants = asked.0.lock();
        if !tenants.contains(&key.tenant) {
            tenants.push(key.tenant);
        }
    }
    Ok(key)
}

/// The session and its account.
async fn find(
    ctx: &Context<'_>,
    tenant: Tenant,
    id: &str,
) -> Result<(Session, ProviderAccount), Fault> {
    let engine = &app(ctx)?.engine;
    let found = match id.parse() {
        Ok(id) => engine.store().session(tenant, id).await?,
        Err(_) => None,
    };
    let session = found.ok_or_else(|| Fault::not_found("session"))?;
    let own = session.terms.provider_account;
    let accounts = engine.provider_accounts_with(tenant, own).await?;
    let account = accounts
        .iter()
        .find(|account| account.id == own)
        .ok_or_else(|| Fault::not_found("session"))?;
    Ok((session, account.clone()))
}

/// A session as anybody may see it who has its id.
async fn session(
    ctx: &Context<'_>,
    public_id: &str,
    session_id: &str,
) -> Result<PublicSession, Fault> {
    let key = admit(ctx, public_id).await?;
    let (session, account) = find(ctx, key.tenant, session_id).await?;
    let engine = &app(ctx)?.engine;
    let light = Light {
        keys: engine.keys(),
        public_url: engine.public_url(),
        publishable_key: public_id,
        now: engine.now(key.tenant),
    };
    Ok(PublicSession {
        base_config: BaseConfigData::new(&account, public_id),
        provider: account.provider.into(),
        transaction_session: SessionOut::shown(&session, &account, light),
    })
}

/// The account that a browser is to be configured for: that of a session, that of a provider, or the only one.
async fn account(
    ctx: &Context<'_>,
    public_id: &str,
    provider: Option<TransactionProvider>,
    session_id: Option<&str>,
) -> Result<ProviderAccount, Fault> {
    let key = admit(ctx, public_id).await?;
    if let Some(session_id) = session_id {
        if provider.is_some() {
            return Err(Fault::argument(
                "transactionProvider",
                "is given beside transactionSessionId; give one of them",
            ));
        }
        return Ok(find(ctx, key.tenant, session_id).await?.1);
    }
    let accounts = app(ctx)?.engine.provider_accounts(key.tenant).await?;
    crate::account::chosen_of(&accounts, None, provider).cloned()
}

/// What a payer's browser may read.
#[derive(Default)]
pub struct PublicQuery;

#[Object]
impl PublicQuery {
    /// What a payer's browser is configured with for a transaction; by its first name.
    #[graphql(
        deprecation = "Use query `clientPublicTransactionSessionBaseConfig` instead.",
        complexity = "20 + child_complexity"
    )]
    async fn client_public_transaction_get_pre_session_data(
        &self,
        ctx: &Context<'_>,
        merchant_public_id: String,
        transaction_code: String,
        transaction_id: String,
    ) -> Result<PreSessionData> {
        // Every transaction of a merchant in a mode is configured alike; which one it is need not be looked up.
        let _ = (transaction_code, transaction_id);
        let account = account(ctx, &merchant_public_id, None, None).await?;
        Ok(PreSessionData::new(&account, &merchant_public_id))
    }

    /// A session as anybody may see it who has its id: no token, nobody's name, no transactions.
    #[graphql(complexity = "20 + child_complexity")]
    async fn client_public_transaction_session(
        &self,
        ctx: &Context<'_>,
        merchant_public_id: String,
        transaction_session_id: String,
    ) -> Result<PublicSession> {
        Ok(session(ctx, &merchant_public_id, &transaction_session_id).await?)
    }

    /// What a payer's browser is configured with.
    #[graphql(complexity = "20 + child_complexity")]
    async fn client_public_transaction_session_base_config(
        &self,
        ctx: &Context<'_>,
        merchant_public_id: String,
        transaction_provider: Option<TransactionProvider>,
        transaction_session_id: Option<String>,
    ) -> Result<BaseConfig> {
        let session = transaction_session_id.as_deref();
        let account = account(ctx, &merchant_public_id, transaction_provider, session).await?;
        Ok(BaseConfig::new(&account, &merchant_public_id))
    }
}

//! What every resolver is given: who calls, what time it is there, and the reads of this one request, batched.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::Context;
use async_graphql::dataloader::{DataLoader, Loader};
use paydesk_api::App;
use paydesk_core::id::{PaymentMethodId, ProviderAccountId, SessionId, TransactionId};
use paydesk_core::list::{Page, SessionFilter};
use paydesk_core::merchant::{ApiKey, ProviderAccount};
use paydesk_core::payment_method::PaymentMethod;
use paydesk_core::session::Session;
use paydesk_core::store::{Store, Unavailable};
use paydesk_core::tenant::Tenant;
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::Transaction;

use crate::fault::Fault;

/// A merchant's program, let in by its secret. Lives as long as one request.
pub struct Caller {
    key: Arc<ApiKey>,
    loader: DataLoader<Reads>,
}

impl Caller {
    /// The owner of this key.
    #[must_use]
    pub fn new(app: &App, key: Arc<ApiKey>) -> Self {
        let reads = Reads {
            store: app.engine.store().clone(),
            tenant: key.tenant,
        };
        Self {
            key,
            loader: DataLoader::new(reads, tokio::spawn),
        }
    }
}

/// The merchant's side of one request.
pub struct Desk<'c> {
    /// Everything else.
    pub app: &'c Arc<App>,
    /// The key that opened it.
    pub key: &'c ApiKey,
    /// Reads, many at once.
    pub loader: &'c DataLoader<Reads>,
    /// The tenant's accounts on rails.
    pub accounts: Arc<[ProviderAccount]>,
    /// The tenant's own time.
    pub now: Timestamp,
}

/// The application, for what needs no secret.
pub fn app<'c>(ctx: &Context<'c>) -> Result<&'c Arc<App>, Fault> {
    ctx.data::<Arc<App>>().map_err(missing)
}

/// Only a request that did not come through our own handler has no application, or no other part of it.
#[allow(
    clippy::needless_pass_by_value,
    reason = "it stands where an error is turned into another"
)]
pub fn missing(error: async_graphql::Error) -> Fault {
    tracing::error!(error = error.message, "a request lacks a part of itself");
    Fault::new(crate::fault::Code::Internal, "an internal error")
}

impl<'c> Desk<'c> {
    /// Lets the caller in.
    pub async fn open(ctx: &Context<'c>) -> Result<Self, Fault> {
        let Some(caller) = ctx.data_opt::<Caller>() else {
            return Err(Fault::unauthenticated());
        };
        let app = app(ctx)?;
        let tenant = caller.key.tenant;
        Ok(Self {
            app,
            key: &caller.key,
            loader: &caller.loader,
            accounts: app.engine.provider_accounts(tenant).await?,
            now: app.engine.now(tenant),
        })
    }

    /// The same with the account of this id in hand, if there is one: it may just have been made on another node.
    pub async fn knowing(mut self, account: Option<&str>) -> Result<Self, Fault> {
        if let Some(id) = account.and_then(|id| id.parse().ok()) {
            self.know(id).await?;
        }
        Ok(self)
    }

    /// Takes the account of this id in hand. Whoever is going to do something does so before: an answer that cannot be
    /// written afterwards has the caller do it again.
    pub async fn know(&mut self, account: ProviderAccountId) -> Result<(), Fault> {
        let engine = &self.app.engine;
        self.accounts = engine
            .provider_accounts_with(self.tenant(), account)
            .await?;
        Ok(())
    }

    /// Whose data this is.
    #[must_use]
    pub fn tenant(&self) -> Tenant {
        self.key.tenant
    }

    /// The store, for reads that need no rule.
    #[must_use]
    pub fn store(&self) -> &'c Arc<dyn Store> {
        self.app.engine.store()
    }

    /// An account of the tenant's that a session or transaction names.
    pub fn account(&self, id: ProviderAccountId) -> Result<&ProviderAccount, Fault> {
        let found = self.accounts.iter().find(|account| account.id == id);
        // Made on another node within the last moments, and not in hand here yet.
        found.ok_or_else(|| Fault::from(Unavailable::because("an account is not in hand")))
    }

    /// A session's transactions, oldest first.
    pub async fn transactions_of(&self, session: SessionId) -> Result<Arc<[Transaction]>, Fault> {
        let found = self.loader.load_one(OfSession(session)).await?;
        Ok(found.unwrap_or_default())
    }

    /// The session that a transaction is of, if it is of one.
    pub async fn session_of(&self, transaction: &Transaction) -> Result<Option<Session>, Fault> {
        match transaction.session {
            Some(id) => self.session(id).await,
            None => Ok(None),
        }
    }

    /// A session that a transaction names.
    pub async fn session(&self, id: SessionId) -> Result<Option<Session>, Fault> {
        Ok(self.loader.load_one(id).await?)
    }
}

/// Reads of the store, many at once.
pub struct Reads {
    store: Arc<dyn Store>,
    tenant: Tenant,
}

/// The key of all transactions of a session.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct OfSession(pub SessionId);

/// The key of all operations on a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct OnTransaction(pub TransactionId);

impl Loader<OfSession> for Reads {
    type Value = Arc<[Transaction]>;
    type Error = Unavailable;

    async fn load(
        &self,
        keys: &[OfSession],
    ) -> Result<HashMap<OfSession, Self::Value>, Unavailable> {
        let ids: Vec<SessionId> = keys.iter().map(|key| key.0).collect();
        let mut found: HashMap<OfSession, Vec<Transaction>> = HashMap::new();
        for transaction in self.store.transactions_of(self.tenant, &ids).await? {
            if let Some(session) = transaction.session {
                found
                    .entry(OfSession(session))
                    .or_default()
                    .push(transaction);
            }
        }
        Ok(found
            .into_iter()
            .map(|(key, list)| (key, list.into()))
            .collect())
    }
}

impl Loader<PaymentMethodId> for Reads {
    type Value = PaymentMethod;
    type Error = Unavailable;

    async fn load(
        &self,
        keys: &[PaymentMethodId],
    ) -> Result<HashMap<PaymentMethodId, PaymentMethod>, Unavailable> {
        let found = self.store.payment_methods_by_id(self.tenant, keys).await?;
        Ok(found
            .into_iter()
            .map(|stored| (stored.id, stored))
            .collect())
    }
}

impl Loader<TransactionId> for Reads {
    type Value = Transaction;
    type Error = Unavailable;

    async fn load(
        &self,
        keys: &[TransactionId],
    ) -> Result<HashMap<TransactionId, Transaction>, Unavailable> {
        let found = self.store.transactions_by_id(self.tenant, keys).await?;
        Ok(found.into_iter().map(|it| (it.id, it)).collect())
    }
}

impl Loader<OnTransaction> for Reads {
    type Value = Arc<[Transaction]>;
    type Error = Unavailable;

    async fn load(
        &self,
        keys: &[OnTransaction],
    ) -> Result<HashMap<OnTransaction, Self::Value>, Unavailable> {
        let ids: Vec<TransactionId> = keys.iter().map(|key| key.0).collect();
        let mut found: HashMap<OnTransaction, Vec<Transaction>> = HashMap::new();
        for child in self.store.children_of(self.tenant, &ids).await? {
            if let Some(parent) = child.parent {
                found.entry(OnTransaction(parent)).or_default().push(child);
            }
        }
        Ok(found
            .into_iter()
            .map(|(key, list)| (key, list.into()))
            .collect())
    }
}

impl Loader<SessionId> for Reads {
    type Value = Session;
    type Error = Unavailable;

    async fn load(&self, keys: &[SessionId]) -> Result<HashMap<SessionId, Session>, Unavailable> {
        let filter = SessionFilter {
            ids: Some(keys.to_vec()),
            // No state is asked for, so what time it is does not matter.
            ..SessionFilter::at(Timestamp::EPOCH)
        };
        let found = self
            .store
            .sessions(self.tenant, &filter, Page::first(keys.len()))
            .await?;
        Ok(found
            .into_iter()
            .map(|session| (session.id, session))
            .collect())
    }
}

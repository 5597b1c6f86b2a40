//! The engine: load what a command needs, decide purely, commit once.
//!
//! Each command has a file: its pure `decide` first, then the few lines that load and commit around it. A
//! stale version or a lost claim is answered by loading and deciding again, never by a lock.

mod accounts;
mod awaited;
mod clocks;
mod draft;
mod env;
mod first_attempt;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod foreign;
mod hearing;
mod jobs;
mod search;
mod watch;

pub mod accept_exception;
pub mod advance_clock;
pub mod assign_transfer;
pub mod charge_payment_method;
pub mod configure_accounts;
pub mod configure_merchant;
pub mod create_merchant;
pub mod customers;
pub mod deliveries;
pub mod detach_payment_method;
pub mod end_session;
pub mod endpoint_health;
pub mod endpoints;
pub mod idempotency;
pub mod initiate_session;
pub mod lapse_session;
pub mod open_session;
pub mod operate;
pub mod prune;
pub mod reconcile;
pub mod record_outcome;
pub mod record_refund;
pub mod record_transfer;
pub mod report_transfer;
pub mod restricted_keys;
pub mod rotate_secrets;
pub mod shop;
pub mod start_payment;

use std::future::Future;
use std::sync::Arc;

pub use draft::Draft;
pub use env::{Env, Timing};
pub use hearing::Hearing;
pub use jobs::Jobs;
pub use watch::Watch;

use crate::id::{Ids, NodeId, SessionId, TransactionId};
use crate::keys::ServerKeys;
use crate::merchant::{Provider, ProviderAccount};
use crate::outgoing::Policy;
use crate::passwords::Passwords;
use crate::rail::Rail;
use crate::rates::Rates;
use crate::refusal::Refusal;
use crate::session::Session;
use crate::store::{Change, CommitError, Conflict, Store, Unavailable};
use crate::tenant::{Mode, Tenant};
use crate::time::{Clock, Span, Timestamp};
use crate::transaction::Transaction;

/// Why a command came to nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    /// The rules say no; nothing changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store does not answer, or too many others changed the same thing at once.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// How often a command decides again after others were faster, before it gives up as unavailable.
const MAX_TRIES: u32 = 40;

/// Everything a command needs from outside.
pub struct Engine {
    store: Arc<dyn Store>,
    sandbox: Option<Arc<dyn Rail>>,
    bank: Arc<dyn Rail>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    keys: Arc<ServerKeys>,
    node: NodeId,
    timing: Timing,
    test_rates: Arc<Rates>,
    live_rates: Arc<Rates>,
    outgoing: Policy,
    /// What the engine calls this process from outside: the beginning of every link.
    public_url: String,
    watch: Watch,
    outbox: tokio::sync::Notify,
    hearing: Arc<Hearing>,
    accounts: accounts::Accounts,
    clocks: clocks::Clocks,
    passwords: Passwords,
}

/// What an [`Engine`] is made of.
pub struct Parts {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// The sandbox, if this installation has one.
    pub sandbox: Option<Arc<dyn Rail>>,
    /// The rail of accounts that merchants have at banks.
    pub bank: Arc<dyn Rail>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub ids: Arc<dyn Ids>,
    /// The server's keys.
    pub keys: Arc<ServerKeys>,
    /// How long the engine waits for what.
    pub timing: Timing,
    /// What other currencies are worth in live mode. Test mode has fixed rates.
    pub live_rates: Rates,
    /// Where notifications may go: what the worker that sends them goes by.
    pub outgoing: Policy,
    /// The beginning of every link, without a slash at its end.
    pub public_url: String,
}

impl Engine {
    /// Puts one together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let node = NodeId::fresh(parts.ids.as_ref(), parts.clock.now());
        Self {
            store: parts.store,
            sandbox: parts.sandbox,
            bank: parts.bank,
            clock: parts.clock,
            ids: parts.ids,
            keys: parts.keys,
            node,
            timing: parts.timing,
            test_rates: Arc::new(Rates::test()),
            live_rates: Arc::new(parts.live_rates),
            outgoing: parts.outgoing,
            public_url: parts.public_url,
            watch: Watch::default(),
            outbox: tokio::sync::Notify::new(),
            hearing: Arc::default(),
            accounts: accounts::Accounts::default(),
            clocks: clocks::Clocks::default(),
            passwords: Passwords::default(),
        }
    }

    /// The store, for reads that need no rule.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The server's keys.
    #[must_use]
    pub fn keys(&self) -> &Arc<ServerKeys> {
        &self.keys
    }

    /// This process.
    #[must_use]
    pub const fn node(&self) -> NodeId {
        self.node
    }

    /// The beginning of every link, without a slash at its end.
    #[must_use]
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// Fires when something was committed that somebody outside is to be told of.
    #[must_use]
    pub const fn outbox(&self) -> &tokio::sync::Notify {
        &self.outbox
    }

    /// Who is known to have endpoints.
    #[must_use]
    pub const fn hearing(&self) -> &Arc<Hearing> {
        &self.hearing
    }

    /// Who waits for changes of sessions.
    #[must_use]
    pub const fn watch(&self) -> &Watch {
        &self.watch
    }

    /// The tenant's own time: what lifetimes are measured in.
    #[must_use]
    pub fn now(&self, tenant: Tenant) -> Timestamp {
        self.wall().after(self.ahead(tenant))
    }

    /// How far the tenant's own time is ahead of the wall's.
    #[must_use]
    pub fn ahead(&self, tenant: Tenant) -> Span {
        match tenant.mode {
            Mode::Live => Span::NONE,
            Mode::Test => self.clocks.ahead(tenant.merchant),
        }
    }

    /// Wall time: what leases, rate limits and ids are measured in.
    #[must_use]
    pub fn wall(&self) -> Timestamp {
        self.clock.now()
    }

    /// What other currencies are worth in the tenant's mode.
    #[must_use]
    pub const fn rates(&self, tenant: Tenant) -> &Arc<Rates> {
        if tenant.mode.is_live() {
            &self.live_rates
        } else {
            &self.test_rates
        }
    }

    fn env(&self, tenant: Tenant) -> Env<'_> {
        let wall = self.wall();
        Env {
            now: wall.after(self.ahead(tenant)),
            wall,
            key: self.keys.current(),
            ids: self.ids.as_ref(),
            node: self.node,
            timing: self.timing,
            rates: self.rates(tenant),
            outgoing: self.outgoing,
        }
    }

    fn rail(&self, account: &ProviderAccount) -> Result<Arc<dyn Rail>, Refusal> {
        match account.provider {
            // Belt and braces: no live tenant ever has a sandbox account.
            Provider::Sandbox if account.tenant.mode.is_live() => {
                Err(Refusal::ProviderAccountDisabled)
            }
            Provider::Sandbox => self.sandbox.clone().ok_or(Refusal::ProviderAccountDisabled),
            Provider::Bank => Ok(Arc::clone(&self.bank)),
        }
    }

    /// Commits, and wakes whoever waits for what was committed.
    async fn commit(&self, change: Change) -> Result<(), CommitError> {
        let told = change.events.iter().any(|event| event.notify)
            || (!change.events.is_empty() && self.hearing.has(change.tenant));
        let touched: Vec<(Tenant, SessionId)> = if self.watch.is_idle() {
            Vec::new()
        } else {
            change
                .events
                .iter()
                .filter_map(|event| Some((event.tenant, event.session?)))
                .collect()
        };
        self.store.commit(change).await?;
        if told {
            self.outbox.notify_one();
        }
        for (tenant, session) in touched {
            self.watch.changed(tenant, session);
        }
        Ok(())
    }

    /// Load ▸ decide ▸ commit, again and again while others are faster.
    ///
    /// `attempt` loads and decides; it is told the conflict that the last attempt ended in. It returns the
    /// change (none if nothing is to be changed) and the reply.
    async fn repeat<R, F, A>(&self, mut attempt: A) -> Result<R, EngineError>
    where
        A: FnMut(Option<Conflict>) -> F,
        F: Future<Output = Result<(Option<Change>, R), EngineError>>,
    {
        let mut conflict = None;
        for _ in 0..MAX_TRIES {
            let (change, reply) = attempt(conflict.take()).await?;
            let Some(mut change) = change else {
                return Ok(reply);
            };
            self.pay_orders(&mut change).await?;
            match self.commit(change).await {
                Ok(()) => return Ok(reply),
                Err(CommitError::Conflict(lost)) => conflict = Some(lost),
                Err(CommitError::Unavailable(error)) => return Err(error.into()),
            }
        }
        Err(Unavailable::because(format!("gave up after {MAX_TRIES} tries: {conflict:?}")).into())
    }

    /// A session and its transactions, oldest first.
    pub async fn session(
        &self,
        tenant: Tenant,
        id: SessionId,
    ) -> Result<(Session, Vec<Transaction>), EngineError> {
        let found = self.store.session_with_transactions(tenant, id).await?;
        Ok(found.ok_or(Refusal::SessionNotFound)?)
    }

    async fn transaction(
        &self,
        tenant: Tenant,
        id: TransactionId,
    ) -> Result<Transaction, EngineError> {
        Ok(self
            .store
            .transaction(tenant, id)
            .await?
            .ok_or(Refusal::TransactionNotFound)?)
    }

    /// The session that a transaction is of; none for a stored card charged without one.
    async fn its_session(&self, transaction: &Transaction) -> Result<Option<Session>, EngineError> {
        let Some(id) = transaction.session else {
            return Ok(None);
        };
        let found = self.store.session(transaction.tenant, id).await?;
        Ok(Some(found.ok_or(Refusal::SessionNotFound)?))
    }

    /// A session and the transaction that it is processing, if it is.
    async fn session_with_live(
        &self,
        tenant: Tenant,
        id: SessionId,
    ) -> Result<SessionSnapshot, EngineError> {
        let session = self
            .store
            .session(tenant, id)
            .await?
            .ok_or(Refusal::SessionNotFound)?;
        let live = match SessionSnapshot::watched(&session) {
            Some(transaction) => Some(self.transaction(tenant, transaction).await?),
            None => None,
        };
        Ok(SessionSnapshot { session, live })
    }
}

/// A session, and the one transaction that time or a command may change together with it.
#[derive(Clone, PartialEq, Debug)]
pub struct SessionSnapshot {
    /// The session.
    pub session: Session,
    /// While it is processing, that transaction; while an authorization's hold is open, that one.
    pub live: Option<Transaction>,
}

impl SessionSnapshot {
    /// Which transaction belongs into the snapshot of a session.
    #[must_use]
    pub fn watched(session: &Session) -> Option<TransactionId> {
        match session.state {
            crate::session::State::Processing { transaction, .. } => Some(transaction),
            crate::session::State::Completed { transaction, .. } => {
                session.hold_expires_at.map(|_| transaction)
            }
            _ => None,
        }
    }
}

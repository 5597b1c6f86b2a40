//! Who comes, and to which session.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;
use http::request::Parts;
use paydesk_core::authority::{Authority, Right};
use paydesk_core::engine::EngineError;
use paydesk_core::merchant::{Merchant, Provider};
use paydesk_core::method::{Family, Method};
use paydesk_core::rates::Rates;
use paydesk_core::refusal::Refusal;
use paydesk_core::session::{MAX_CARD_ATTEMPTS, MAX_PUSHED_ATTEMPTS, Session, State};
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::{Status, Transaction};

use super::locale::Language;
use super::trouble::Trouble;
use crate::app::App;
use crate::http::RequestContext;

/// What every request of a payer carries: who asks, for what, and in which language.
#[derive(Debug)]
pub struct Guest {
    /// The authority in the path as it was sent; empty if there is none.
    pub link: String,
    /// `?lang=`: the payer's own choice.
    pub chosen_language: Option<String>,
    /// `Accept-Language`.
    accepted_languages: String,
    /// The rest of the query.
    query: Vec<(String, String)>,
    /// The request, as the edge knows it.
    pub context: Option<RequestContext>,
}

impl<S: Send + Sync> FromRequestParts<S> for Guest {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let link = match RawPathParams::from_request_parts(parts, state).await {
            Ok(params) => params
                .iter()
                .next()
                .map(|(_, value)| value.to_owned())
                .unwrap_or_default(),
            Err(_) => String::new(),
        };
        let query = parts.uri.query().unwrap_or_default().as_bytes();
        let query: Vec<(String, String)> =
            url::form_urlencoded::parse(query).into_owned().collect();
        let mut guest = Self {
            link,
            chosen_language: None,
            accepted_languages: header(&parts.headers, &ACCEPT_LANGUAGE).to_owned(),
            query,
            context: parts.extensions.get().cloned(),
        };
        guest.chosen_language = guest.param("lang").map(str::to_owned);
        Ok(guest)
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &http::HeaderName) -> &'h str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

impl Guest {
    /// A parameter of the query; the first, if there are several.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find_map(|(key, value)| (key == name).then_some(value.as_str()))
    }

    /// Lets the guest in, unless too many come from the same address.
    pub fn admit(&self, app: &App) -> Result<(), Trouble> {
        match &self.context {
            Some(context) => Ok(app.limiters.page(context.client())?),
            // Without the edge around the router nobody knows who asks.
            None => Ok(()),
        }
    }

    /// The language to speak. `merchants` is what the merchant says of it.
    #[must_use]
    pub fn language(&self, merchants: Option<&str>) -> Language {
        Language::negotiate(
            self.chosen_language.as_deref(),
            merchants,
            &self.accepted_languages,
        )
    }
}

/// A session as its payer finds it.
#[derive(Debug)]
pub struct Visit {
    /// What proves that the guest may see it.
    pub authority: Authority,
    /// The same as text.
    pub link: String,
    /// The session.
    pub session: Session,
    /// Its transactions, oldest first.
    pub transactions: Vec<Transaction>,
    /// Who is paid.
    pub merchant: Merchant,
    /// What other currencies are worth.
    pub rates: Arc<Rates>,
    /// Whether its money is the sandbox's, whose bank a payer may then use.
    pub at_sandbox: bool,
    /// The session's own time.
    pub now: Timestamp,
}

impl Visit {
    /// What payers read as the merchant's name.
    pub fn shop(&self) -> &str {
        let mode = self.session.tenant.mode;
        self.merchant.shown_name(mode)
    }

    /// Reads what the guest's authority opens.
    pub async fn open(app: &App, guest: &Guest) -> Result<Self, Trouble> {
        let authority =
            Authority::from_text(&guest.link, app.engine.keys()).ok_or(Trouble::NotFound)?;
        Self::load(app, authority, guest.link.clone()).await
    }

    /// Reads the session of an authority.
    pub async fn load(app: &App, authority: Authority, link: String) -> Result<Self, Trouble> {
        let tenant = authority.tenant;
        let (session, transactions) = app.engine.session(tenant, authority.session).await?;
        let merchant = app
            .engine
            .store()
            .merchant(tenant.merchant)
            .await
            .map_err(EngineError::from)?
            .ok_or(Refusal::SessionNotFound)?;
        let at_sandbox = !tenant.mode.is_live() && {
            let own = session.terms.provider_account;
            let accounts = app.engine.provider_accounts_with(tenant, own).await?;
            let account = accounts.iter().find(|account| account.id == own);
            account.is_some_and(|account| account.provider == Provider::Sandbox)
        };
        Ok(Self {
            authority,
            link,
            session,
            transactions,
            merchant,
            rates: Arc::clone(app.engine.rates(tenant)),
            at_sandbox,
            now: app.engine.now(tenant),
        })
    }

    /// Whether the guest may act, and not only look: a client token does not act after its time.
    pub fn may_act(&self) -> Result<(), Trouble> {
        match self.authority.right {
            Right::ClientToken { expires_at } if expires_at <= self.now => {
                Err(Trouble::TokenExpired)
            }
            Right::ClientToken { .. } | Right::ClientSecret | Right::Page => Ok(()),
        }
    }

    /// Where the session stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.session.state_at(self.now)
    }

    /// The transaction that the session is processing or was paid by: after its end, too, if the merchant then accepted
    /// money that came late.
    #[must_use]
    pub fn current(&self) -> Option<&Transaction> {
        let find = |id| {
            self.transactions
                .iter()
                .find(|transaction| transaction.id == id)
        };
        match self.state() {
            State::Processing { transaction, .. } | State::Completed { transaction, .. } => {
                find(transaction)
            }
            State::Cancelled { .. } | State::Expired { .. } => find(self.session.charge?)
                .filter(|charge| matches!(charge.status, Status::Succeeded { .. })),
            State::Created { .. } | State::Initiated { .. } => None,
        }
    }

    /// When what the session is for was done, if it was.
    #[must_use]
    pub fn paid_at(&self) -> Option<Timestamp> {
        match self.state() {
            State::Completed { at, .. } => Some(at),
            State::Cancelled { .. } | State::Expired { .. } => match self.current()?.status {
                Status::Succeeded { at } => Some(at),
                _ => None,
            },
            _ => None,
        }
    }

    /// The latest attempt to pay.
    #[must_use]
    pub fn last_attempt(&self) -> Option<&Transaction> {
        self.transactions
            .iter()
            .rev()
            .find(|transaction| transaction.action.is_attempt() && transaction.parent.is_none())
    }

    /// The methods that this page can take. In live mode a card goes through a provider's own fields, which
    /// are not here.
    pub fn methods(&self) -> impl Iterator<Item = Method> {
        let live = self.session.tenant.mode.is_live();
        self.session
            .terms
            .methods
            .iter()
            .copied()
            .filter(move |method| !live || method.family() != Family::Card)
    }

    /// Those of them that may still be tried.
    pub fn open_methods(&self) -> impl Iterator<Item = Method> {
        self.methods()
            .filter(|method| !self.is_used_up(method.family()))
    }

    /// Whether methods of this family were tried as often as they may be on one session.
    #[must_use]
    pub fn is_used_up(&self, family: Family) -> bool {
        match family {
            Family::Card => self.session.card_attempts >= MAX_CARD_ATTEMPTS,
            Family::Qr | Family::BankTransfer | Family::Wallet => {
                self.session.pushed_attempts >= MAX_PUSHED_ATTEMPTS
            }
        }
    }

    /// The language that the merchant wants spoken: the session's own, else that of the merchant's settings.
    #[must_use]
    pub fn locale(&self) -> Option<&str> {
        let settings = self.merchant.settings(self.session.tenant.mode);
        [&self.session.terms.locale, &settings.locale]
            .into_iter()
            .filter_map(Option::as_deref)
            .find(|tag| Language::from_tag(tag).is_some())
    }

    /// Changes whenever the page may look different: how a waiting page tells news from none.
    #[must_use]
    pub fn tag(&self) -> String {
        let status = self
            .current()
            .map_or("-", |current| current.status_at(self.now).name());
        format!(
            "{}-{}-{status}",
            self.session.version,
            self.state().name().as_str()
        )
    }
}

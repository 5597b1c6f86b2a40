//! Opens a session.

pub(super) mod fields;
mod parties;

use std::sync::Arc;

use super::idempotency::Idempotent;
use super::{Draft, Engine, EngineError, Env, SessionSnapshot};
use crate::given::Metadata;
use crate::id::{ProviderAccountId, SessionId, TransactionId};
use crate::merchant::ProviderAccount;
use crate::method::{Family, Method};
use crate::money::Currency;
use crate::number::Number;
use crate::payer::{Device, User};
use crate::rates::Rates;
use crate::refusal::Refusal;
use crate::session::{
    Amount, CREATED_LIFETIME, CustomField, CustomerDetails, Door, Kind, LineItem, Notify, Ordered,
    Party, Session, State, Terms,
};
use crate::shop::Order;
use crate::store::{Change, ClaimKey, Conflict, NameSpace};
use crate::tenant::Tenant;
use crate::time::Span;

/// What a merchant asks for.
#[derive(Clone, Debug)]
pub struct OpenSession {
    /// What for.
    pub kind: Kind,
    /// How much.
    pub amount: Amount,
    /// Only these methods, in this order; all that settle the currency if empty.
    pub methods: Vec<Method>,
    /// Through this account; the only enabled one if none is named.
    pub provider_account: Option<ProviderAccountId>,
    /// Through which door it came.
    pub door: Door,
    /// See [`Terms`] for this and the rest.
    pub reference: Option<String>,
    /// Whom it belongs to.
    pub owner: Option<String>,
    /// What it pays.
    pub order: Option<String>,
    /// What payers read first.
    pub title: Option<String>,
    /// More of it.
    pub description: Option<String>,
    /// What is bought.
    pub line_items: Vec<LineItem>,
    /// Who pays.
    pub customer: Option<CustomerDetails>,
    /// Who is billed.
    pub billing: Option<Party>,
    /// Where it is shipped to.
    pub shipping: Option<Party>,
    /// Who is signed in.
    pub user: Option<User>,
    /// What is paid from.
    pub device: Option<Device>,
    /// What the page asks.
    pub custom_fields: Vec<CustomField>,
    /// The merchant's own data.
    pub metadata: Metadata,
    /// Where the payer goes after paying.
    pub success_url: Option<String>,
    /// Where the payer goes after giving up.
    pub cancel_url: Option<String>,
    /// Who is told.
    pub notify: Option<Notify>,
    /// What is repeated untouched.
    pub notify_payload: Option<String>,
    /// The merchant's own lifetime.
    pub lifetime: Option<Span>,
    /// The language of the page.
    pub locale: Option<String>,
    /// Whether a card that pays is also stored.
    pub store_payment_method: bool,
    /// What it is to a shop's order.
    pub ordered: Option<Ordered>,
}

impl OpenSession {
    /// A request for this much, through this door, and nothing else.
    #[must_use]
    pub fn new(door: Door, kind: Kind, amount: Amount) -> Self {
        Self {
            kind,
            amount,
            methods: Vec::new(),
            provider_account: None,
            door,
            reference: None,
            owner: None,
            order: None,
            title: None,
            description: None,
            line_items: Vec::new(),
            customer: None,
            billing: None,
            shipping: None,
            user: None,
            device: None,
            custom_fields: Vec::new(),
            metadata: Metadata::default(),
            success_url: None,
            cancel_url: None,
            notify: None,
            notify_payload: None,
            lifetime: None,
            locale: None,
            store_payment_method: false,
            ordered: None,
        }
    }
}

/// What the decision looks at.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Whose.
    pub tenant: Tenant,
    /// The tenant's accounts.
    pub accounts: Arc<[ProviderAccount]>,
    /// Who has the reference, if it is known to be taken.
    pub holder: Option<ReferenceHolder>,
}

/// Who has a reference.
#[derive(Clone, Debug)]
pub enum ReferenceHolder {
    /// A session; if its time is over, it gives the reference up in the same change.
    Session(Box<SessionSnapshot>),
    /// A charge of a stored card.
    Charge(TransactionId),
    /// What had it was removed long after it was paid. The reference stays used.
    Removed,
}

/// Decides what session is opened. Refuses, in this order: what is wrong with a field, the account, the
/// methods, the reference.
pub fn decide(
    request: OpenSession,
    snapshot: Snapshot,
    env: Env<'_>,
) -> Result<(Change, Session), Refusal> {
    let tenant = snapshot.tenant;
    fields::check(&request, tenant.mode, env.outgoing)?;
    let account = choose_account(&snapshot.accounts, request.provider_account)?;
    let methods = choose_methods(&request, account, env.rates)?;

    let created_at = env.now;
    // Both ids are of one millisecond: the session is found by the other (`first_attempt.rs`).
    let (id, first_transaction) = (
        SessionId::fresh(env.ids, env.wall),
        TransactionId::fresh(env.ids, env.wall),
    );
    let expires_at = created_at.after(request.lifetime.unwrap_or(CREATED_LIFETIME));
    let session = Session {
        id,
        tenant,
        version: 1,
        events: 0,
        state: State::Created { expires_at },
        first_transaction,
        attempted: false,
        card_attempts: 0,
        pushed_attempts: 0,
        signed_by: Some(env.key),
        charge: None,
        hold_expires_at: None,
        ordered: request.ordered,
        terms: Arc::new(Terms {
            kind: request.kind,
            amount: request.amount,
            methods,
            provider_account: account.id,
            door: request.door,
            reference: request.reference,
            owner: request.owner,
            order: request.order,
            title: request.title,
            description: request.description,
            line_items: request.line_items,
            customer: request.customer,
            billing: request.billing,
            shipping: request.shipping,
            user: request.user,
            device: request.device,
            custom_fields: request.custom_fields,
            metadata: request.metadata,
            success_url: request.success_url,
            cancel_url: request.cancel_url,
            notify: request.notify,
            notify_payload: request.notify_payload,
            lifetime: request.lifetime,
            locale: request.locale,
            store_payment_method: request.store_payment_method,
        }),
        created_at,
        updated_at: created_at,
    };

    let mut draft = Draft::opening(session, env);
    match snapshot.holder {
        None => {}
        Some(ReferenceHolder::Charge(_) | ReferenceHolder::Removed) => {
            return Err(Refusal::ReferenceTaken { session: None });
        }
        Some(ReferenceHolder::Session(holder)) => {
            let id = holder.session.id;
            let holder = Draft::new(*holder, env);
            if !matches!(
                holder.session.state,
                State::Expired { .. } | State::Cancelled { .. }
            ) {
                return Err(Refusal::ReferenceTaken { session: Some(id) });
            }
            draft.absorb(holder.finish().0);
        }
    }
    if let Some(reference) = draft.session.terms.reference.clone() {
        let owner = draft.session.id.0;
        draft.claim(ClaimKey::Reference(reference), owner);
    }
    if let Some(ordered) = &draft.session.ordered {
        let (live, owner) = (Order::live_session(ordered.order), draft.session.id.0);
        draft.claim(live, owner);
        // Who asks by order asks by number.
        draft.claim(Number::of(owner).key(NameSpace::Session), owner);
    }
    match draft.finish() {
        (Some(change), snapshot) => Ok((change, snapshot.session)),
        // An opening draft always has something to commit.
        (None, snapshot) => Ok((Change::new(tenant), snapshot.session)),
    }
}

fn choose_account(
    accounts: &[ProviderAccount],
    named: Option<ProviderAccountId>,
) -> Result<&ProviderAccount, Refusal> {
    if let Some(id) = named {
        let account = accounts
            .iter()
            .find(|account| account.id == id)
            .ok_or(Refusal::ProviderAccountNotFound)?;
        return if account.enabled {
            Ok(account)
        } else {
            Err(Refusal::ProviderAccountDisabled)
        };
    }
    let mut enabled = accounts.iter().filter(|account| account.enabled);
    if let Some(default) = enabled.clone().find(|account| account.is_default) {
        return Ok(default);
    }
    match (enabled.next(), enabled.next()) {
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => Err(Refusal::ProviderAccountAmbiguous),
        (None, _) => Err(Refusal::NoProviderAccount),
    }
}

/// The methods that the payer may choose from: those asked for if each can settle, or all of the account's that do.
/// What is not a plain payment is for cards only.
fn choose_methods(
    request: &OpenSession,
    account: &ProviderAccount,
    rates: &Rates,
) -> Result<Vec<Method>, Refusal> {
    let currency = request.amount.currency();
    let may = |method: Method| request.kind == Kind::Payment || method.family() == Family::Card;
    if request.methods.is_empty() {
        let own = |settled: &Method| settles(*settled, currency);
        // A code carries the amount, so that a payer in another currency cannot send what was asked for in this one;
        // a transfer is typed by hand, and is only offered across currencies to a merchant who asks for it.
        let foreign = |method: &Method| {
            method.family() == Family::Qr
                && !own(method)
                && settles_abroad(*method, &request.amount, rates)
        };
        let offered = || account.methods.iter().filter(|method| may(**method));
        let all: Vec<Method> = offered()
            .filter(|method| own(method))
            .chain(offered().filter(|method| foreign(method)))
            .copied()
            .collect();
        return if all.is_empty() {
            Err(Refusal::NoMethodSettles { currency })
        } else {
            Ok(all)
        };
    }
    let mut chosen: Vec<Method> = Vec::with_capacity(request.methods.len());
    for &method in &request.methods {
        let can = settles(method, currency) || settles_abroad(method, &request.amount, rates);
        if !can || !account.methods.contains(&method) {
            return Err(Refusal::MethodCannotSettle { method, currency });
        }
        if !may(method) {
            return Err(Refusal::CardsOnly);
        }
        if !chosen.contains(&method) {
            chosen.push(method);
        }
    }
    Ok(chosen)
}

fn settles(method: Method, currency: Currency) -> bool {
    method
        .currency_code()
        .is_none_or(|code| code == currency.code())
}

/// Whether a payer can pay this in the method's own currency: there is a rate, and the amount comes to something.
fn settles_abroad(method: Method, amount: &Amount, rates: &Rates) -> bool {
    match *amount {
        Amount::Fixed(asked) | Amount::AtLeast(asked) => {
            matches!(rates.exchange(asked, method), Ok(Some(_)))
        }
        Amount::Nothing(_) => false,
    }
}

impl Engine {
    /// Opens a session.
    ///
    /// With an idempotency key, the answer that `idempotent` renders is stored in the same commit.
    pub async fn open_session(
        &self,
        tenant: Tenant,
        request: OpenSession,
        idempotent: Option<Idempotent<Session>>,
    ) -> Result<Session, EngineError> {
        let accounts = match request.provider_account {
            Some(named) => self.provider_accounts_with(tenant, named).await?,
            None => self.provider_accounts(tenant).await?,
        };
        self.once(tenant, idempotent.as_ref(), |conflict| {
            let (request, accounts) = (request.clone(), Arc::clone(&accounts));
            async move {
                let holder = match conflict {
                    Some(Conflict::Claimed {
                        key: ClaimKey::Reference(_),
                        owner,
                    }) => Some(self.reference_holder(tenant, owner).await?),
                    _ => None,
                };
                let snapshot = Snapshot {
                    tenant,
                    accounts,
                    holder,
                };
                let new_customer = self
                    .unknown_customer(tenant, request.customer.as_ref())
                    .await?;
                let (mut change, session) = decide(request, snapshot, self.env(tenant))?;
                if let Some(customer) = new_customer {
                    customer.join(&mut change, self.env(tenant))?;
                }
                Ok((Some(change), session))
            }
        })
        .await
    }

    /// Who has a reference: looked up only after a commit was refused for it.
    pub(super) async fn reference_holder(
        &self,
        tenant: Tenant,
        owner: uuid::Uuid,
    ) -> Result<ReferenceHolder, EngineError> {
        match self.session_with_live(tenant, SessionId(owner)).await {
            Ok(snapshot) => Ok(ReferenceHolder::Session(Box::new(snapshot))),
            Err(EngineError::Refused(Refusal::SessionNotFound)) => {
                let charge = self
                    .store()
                    .transaction(tenant, TransactionId(owner))
                    .await?;
                Ok(charge.map_or(ReferenceHolder::Removed, |charge| {
                    ReferenceHolder::Charge(charge.id)
                }))
            }
            Err(error) => Err(error),
        }
    }

    /// The tenant's accounts on rails.
    pub async fn provider_accounts(
        &self,
        tenant: Tenant,
    ) -> Result<Arc<[ProviderAccount]>, EngineError> {
        if let Some(accounts) = self.accounts.get(tenant, self.wall()) {
            return Ok(accounts);
        }
        let accounts: Arc<[ProviderAccount]> = self.store().provider_accounts(tenant).await?.into();
        self.accounts
            .put(tenant, Arc::clone(&accounts), self.wall());
        Ok(accounts)
    }

    /// The same, with this one among them if there is such a one. Those in hand may lack one that was just made on
    /// another node: the store is then read once more, which is all that an unknown id costs.
    pub async fn provider_accounts_with(
        &self,
        tenant: Tenant,
        id: ProviderAccountId,
    ) -> Result<Arc<[ProviderAccount]>, EngineError> {
        let accounts = self.provider_accounts(tenant).await?;
        if accounts.iter().any(|account| account.id == id) {
            return Ok(accounts);
        }
        self.accounts.forget(tenant);
        self.provider_accounts(tenant).await
    }

    /// The account with this id.
    pub(super) async fn provider_account(
        &self,
        tenant: Tenant,
        id: ProviderAccountId,
    ) -> Result<ProviderAccount, EngineError> {
        let accounts = self.provider_accounts_with(tenant, id).await?;
        let found = accounts.iter().find(|account| account.id == id);
        Ok(found.ok_or(Refusal::ProviderAccountNotFound)?.clone())
    }
}

#[cfg(test)]
mod tests;

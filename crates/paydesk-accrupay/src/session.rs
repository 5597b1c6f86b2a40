//! The vendor's client session.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, ID, Json, Result, SimpleObject};
use paydesk_core::authority::{Authority, Right};
use paydesk_core::id::SessionId;
use paydesk_core::keys::ServerKeys;
use paydesk_core::merchant::ProviderAccount;
use paydesk_core::session::{Kind, Session, State};
use paydesk_core::time::Timestamp;
use paydesk_core::transaction;
use serde::Serialize;

use crate::account::AccountOut;
use crate::codes::CurrencyCode;
use crate::desk::Desk;
use crate::fault::Fault;
use crate::marks::Mark;
use crate::names::{self, Action, SessionStatus, TransactionProvider};
use crate::party::Parties;
use crate::payment_method::PaymentMethodOut;
use crate::plan::PaymentPlan;
use crate::scalar::{BigInt, DateTimeIso};
use crate::transaction::TransactionOut;

/// A session as the vendor writes it.
#[derive(SimpleObject, Clone)]
#[graphql(complex, name = "MerchantClientTransactionSession")]
pub struct SessionOut {
    /// The session itself, for what is asked for further; nothing in a payer's view.
    #[graphql(skip)]
    merchants: Option<Arc<Session>>,
    id: ID,
    /// What it is for: `payment`, `add-payment-method` or `authorization`.
    kind: &'static str,
    action: Action,
    amount: BigInt,
    currency: CurrencyCode,
    status: SessionStatus,
    provider_status: SessionStatus,
    provider_code: String,
    provider_error: Option<String>,
    provider_last_synced_at: Option<DateTimeIso>,
    provider_last_verified_at: DateTimeIso,
    /// What the payer's browser pays with, for 20 minutes.
    token: Option<String>,
    token_expires_at: Option<DateTimeIso>,
    /// What the payer's browser needs: `provider`, `publishableKey`, and `payUrl` while the session is open.
    payload: Json<Payload>,
    merchant_internal_customer_code: Option<String>,
    merchant_internal_transaction_code: Option<String>,
    store_payment_method: Option<bool>,
    transaction_provider: AccountOut,
    transaction_provider_id: String,
    /// The card that it stored or charged, once it is completed.
    payment_method_id: Option<String>,
    payment_plan_id: Option<String>,
    payment_plan: Option<PaymentPlan>,
    started_at: Option<DateTimeIso>,
    completed_at: Option<DateTimeIso>,
    canceled_at: Option<DateTimeIso>,
    created_at: DateTimeIso,
    updated_at: DateTimeIso,
    #[graphql(flatten)]
    parties: Parties,
}

/// What the payer's browser needs to begin.
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Payload {
    /// Which rail.
    pub provider: &'static str,
    /// Names the merchant; proves nothing.
    pub publishable_key: String,
    /// The payer's API for this session; opens it as long as the token does.
    pub pay_url: Option<String>,
}

/// What a session is seen by.
#[derive(Clone, Copy)]
pub struct Light<'l> {
    /// What signs tokens.
    pub keys: &'l ServerKeys,
    /// The beginning of every link.
    pub public_url: &'l str,
    /// Names the merchant.
    pub publishable_key: &'l str,
    /// The tenant's own time.
    pub now: Timestamp,
}

impl<'l> From<&'l Desk<'_>> for Light<'l> {
    fn from(desk: &'l Desk<'_>) -> Self {
        Self {
            keys: desk.app.engine.keys(),
            public_url: desk.app.engine.public_url(),
            publishable_key: &desk.key.publishable_key,
            now: desk.now,
        }
    }
}

/// A fresh token and when it ends, for a session that is still open.
pub fn token(session: &Session, light: Light<'_>) -> Option<(String, Timestamp)> {
    if session.state_at(light.now).is_terminal() {
        return None;
    }
    let authority = Authority::client_token(session.tenant, session.id, light.now);
    let Right::ClientToken { expires_at } = authority.right else {
        return None;
    };
    Some((authority.to_text(light.keys), expires_at))
}

impl SessionOut {
    /// A session as its merchant may see it.
    pub fn new(session: Session, desk: &Desk<'_>) -> Result<Self, Fault> {
        let account = desk.account(session.terms.provider_account)?;
        let light = Light::from(desk);
        let mut out = Self::shown(&session, account, light);
        let terms = &session.terms;
        if let Some((token, expires_at)) = token(&session, light) {
            out.payload.0.pay_url = Some(format!("{}/pay/{token}", light.public_url));
            out.token = Some(token);
            out.token_expires_at = Some(expires_at.into());
        }
        out.merchant_internal_customer_code = terms
            .customer
            .as_ref()
            .and_then(|customer| customer.code.clone());
        out.merchant_internal_transaction_code
            .clone_from(&terms.reference);
        out.payment_method_id = session.payment_method().map(|id| id.to_string());
        out.parties = Parties::from(&**terms);
        out.transaction_provider = AccountOut::new(account, account.tenant.merchant.to_string());
        out.merchants = Some(Arc::new(session));
        Ok(out)
    }

    /// A session as anybody may see it who has its id: no token, nobody's name, nothing of the merchant's own.
    #[must_use]
    pub fn shown(session: &Session, account: &ProviderAccount, light: Light<'_>) -> Self {
        let terms = &session.terms;
        let state = session.state_at(light.now);
        let provider_status = SessionStatus::from(state.name());
        let is_stuck = provider_status == SessionStatus::Active && !account.enabled;
        let asked_at = if session.attempted {
            session.updated_at
        } else {
            session.created_at
        };
        let (completed_at, canceled_at) = match state {
            State::Completed { at, .. } => (Some(at), None),
            State::Cancelled { at, .. } => (None, Some(at)),
            State::Created { .. }
            | State::Initiated { .. }
            | State::Processing { .. }
            | State::Expired { .. } => (None, None),
        };
        Self {
            merchants: None,
            id: session.id.to_string().into(),
            kind: names::kind_name(terms.kind),
            action: transaction::Action::of(terms.kind).into(),
            amount: BigInt(session.amount_asked()),
            currency: terms.amount.currency().into(),
            status: if is_stuck {
                SessionStatus::Unavailable
            } else {
                provider_status
            },
            provider_status,
            provider_code: Mark::Session.write(session.id.0),
            provider_error: None,
            provider_last_synced_at: None,
            provider_last_verified_at: asked_at.into(),
            token: None,
            token_expires_at: None,
            payload: Json(Payload {
                provider: TransactionProvider::from(account.provider).as_str(),
                publishable_key: light.publishable_key.to_owned(),
                pay_url: None,
            }),
            merchant_internal_customer_code: None,
            merchant_internal_transaction_code: None,
            store_payment_method: Some(
                terms.store_payment_method || terms.kind == Kind::AddPaymentMethod,
            ),
            transaction_provider: AccountOut::new(account, light.publishable_key.to_owned()),
            transaction_provider_id: account.id.to_string(),
            payment_method_id: None,
            payment_plan_id: None,
            payment_plan: None,
            // The merchant's `start` began it.
            started_at: Some(session.created_at.into()),
            completed_at: completed_at.map(Into::into),
            canceled_at: canceled_at.map(Into::into),
            created_at: session.created_at.into(),
            updated_at: session.updated_at.into(),
            parties: Parties::default(),
        }
    }
}

#[ComplexObject]
impl SessionOut {
    /// All transactions of the session, oldest first.
    #[graphql(complexity = "10 * child_complexity")]
    async fn transactions(&self, ctx: &Context<'_>) -> Result<Option<Vec<TransactionOut>>> {
        let Some(session) = &self.merchants else {
            return Ok(None);
        };
        let desk = Desk::open(ctx).await?;
        let transactions = desk.transactions_of(session.id).await?;
        let seen = transactions
            .iter()
            .map(|it| TransactionOut::new(it.clone(), Some(session), &desk))
            .collect::<Result<_, Fault>>()?;
        Ok(Some(seen))
    }

    /// The card that it stored or charged, once it is completed.
    async fn payment_method(&self, ctx: &Context<'_>) -> Result<Option<PaymentMethodOut>> {
        let Some(session) = &self.merchants else {
            return Ok(None);
        };
        let Some(id) = session.payment_method() else {
            return Ok(None);
        };
        let desk = Desk::open(ctx).await?;
        // The transactions name cards too: all cards of a page are one read, after theirs.
        desk.transactions_of(session.id).await?;
        Ok(PaymentMethodOut::load(Some(id), &desk).await?)
    }
}

/// The id of the session that a client token names, expired or not, if it is one of this tenant's.
pub fn read_token(text: &str, desk: &Desk<'_>) -> Option<SessionId> {
    let authority = Authority::from_text(text, desk.app.engine.keys())?;
    let is_token = matches!(authority.right, Right::ClientToken { .. });
    (is_token && authority.tenant == desk.tenant()).then_some(authority.session)
}

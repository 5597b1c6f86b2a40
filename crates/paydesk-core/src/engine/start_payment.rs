//! A payer pays: the intent is committed, the rail is called, the outcome is committed.

mod checks;

use std::sync::Arc;

use super::reconcile::is_at_a_page;
use super::record_outcome::to_the_end;
use super::{Draft, Engine, EngineError, Env, SessionSnapshot};
use crate::event::EventKind;
use crate::id::{SessionId, TransactionId};
use crate::merchant::ProviderAccount;
use crate::method::{Family, Method};
use crate::money::Money;
use crate::payment_method::{Card, PaymentMethod};
use crate::rail::{Operation, Source, Start};
use crate::refusal::Refusal;
use crate::session::{Contact, CustomFieldValue, INITIATED_LIFETIME, Kind, Session, State};
use crate::store::{Change, ClaimKey, Conflict};
use crate::tenant::Tenant;
use crate::time::Timestamp;
use crate::transaction::{Action, Begin, Status, Transaction};

/// What a payer sends.
#[derive(Clone, Debug)]
pub struct StartPayment {
    /// How.
    pub method: Method,
    /// How much, where the payer chooses; otherwise none or exactly what is asked.
    pub amount: Option<Money>,
    /// Answers to the merchant's questions.
    pub custom_field_values: Vec<CustomFieldValue>,
    /// How the payer may be reached, where the payer was asked.
    pub contact: Option<Contact>,
    /// The card, for a card.
    pub card: Option<Card>,
    /// A card that is stored already, instead.
    pub saved: Option<PaymentMethod>,
}

/// What is to be done after the decision.
#[derive(Clone, Debug)]
pub enum Intent {
    /// The rail is to be called for this transaction.
    Call {
        /// The session as committed.
        session: Session,
        /// The transaction as committed: in flight.
        transaction: Box<Transaction>,
        /// What the payer pays with.
        source: Source,
    },
    /// A pushed payment of the same method is already waiting for the payer: that one goes on.
    Waiting {
        /// The session.
        session: Session,
        /// The transaction.
        transaction: Box<Transaction>,
    },
}

/// Decides whether and how a payment starts. Refuses, in this order: an ended session, a payment in flight,
/// the method, the account, the card, the number of attempts, the amount, the custom
/// fields, the contact, the number of other attempts, an amount that cannot be paid in the method's currency.
pub fn decide(
    request: StartPayment,
    snapshot: SessionSnapshot,
    account: &ProviderAccount,
    env: Env<'_>,
) -> Result<(Option<Change>, Intent), Refusal> {
    let mut draft = Draft::new(snapshot, env);
    draft.must_be_open()?;
    if draft.is_in_flight() {
        return Err(Refusal::PaymentInProgress);
    }
    let terms = Arc::clone(&draft.session.terms);
    let method = request.method;
    if !terms.methods.contains(&method) || !account.still_takes(method) {
        return Err(Refusal::MethodNotOffered { method });
    }
    if !account.enabled {
        return Err(Refusal::ProviderAccountDisabled);
    }
    let is_card = method.family() == Family::Card;
    checks::check_card(&request, &draft.session, is_card, account, env.now)?;
    if is_card {
        checks::check_card_attempts(&draft.session)?;
    }
    let asked = checks::amount_to_pay(&terms.amount, request.amount)?;
    checks::check_answers(&draft.session, &request)?;

    if matches!(draft.session.state, State::Processing { .. }) {
        let waiting = draft
            .live
            .as_ref()
            .filter(|live| live.method == method && live.merchant_amount() == asked);
        if let Some(live) = waiting {
            let transaction = Box::new(live.clone());
            let (change, snapshot) = draft.finish();
            return Ok((
                change,
                Intent::Waiting {
                    session: snapshot.session,
                    transaction,
                },
            ));
        }
    }
    // These refuse before what waits is left: too many attempts, a rate that is gone.
    if !is_card {
        checks::check_pushed_attempts(&draft.session)?;
    }
    let (amount, exchange) = checks::amount_in_method(asked, method, env.rates)?;
    if matches!(draft.session.state, State::Processing { .. }) {
        draft.leave_live(
            Status::Cancelled { at: env.now },
            EventKind::TransactionCancelled,
        );
    }
    if matches!(draft.session.state, State::Created { .. }) {
        let initiated = draft.session.initiated_at(env.now);
        draft.enter(initiated);
    }

    let id = next_id(&draft.session, env);
    let source = source(
        request.card,
        request.saved.as_ref(),
        &draft.session,
        method,
        env,
    );
    if let Some(saved) = &request.saved {
        draft.charge_saved(saved);
    }
    let transaction = Transaction {
        custom_field_values: request.custom_field_values,
        contact: request.contact,
        payment_method: request.saved.map(|saved| saved.id),
        exchange,
        customer: draft.session.customer_code().map(str::to_owned),
        ..Transaction::begin(Begin {
            id,
            tenant: draft.session.tenant,
            session: Some(draft.session.id),
            action: Action::of(terms.kind),
            amount,
            method,
            provider_account: terms.provider_account,
            status: env.in_flight(),
            at: env.now,
        })
    };
    draft.session.count_attempt(is_card);
    draft.claim(ClaimKey::LivePayment(draft.session.id), id.0);
    draft.begin(transaction.clone(), Some(EventKind::TransactionPending));
    // What was live before has been left; the new one is in `transaction`, not in the snapshot.
    draft.enter(State::Processing {
        since: env.now,
        transaction: id,
        lapses_at: None,
    });
    let (change, snapshot) = draft.finish();
    Ok((
        change,
        Intent::Call {
            session: snapshot.session,
            transaction: Box::new(transaction),
            source,
        },
    ))
}

/// The first attempt's id was fixed when the session was opened.
fn next_id(session: &Session, env: Env<'_>) -> TransactionId {
    if session.attempted {
        TransactionId::fresh(env.ids, env.wall)
    } else {
        session.first_transaction
    }
}

/// What the rail is given to charge, or to wait for.
fn source(
    card: Option<Card>,
    saved: Option<&PaymentMethod>,
    session: &Session,
    method: Method,
    env: Env<'_>,
) -> Source {
    match (card, saved) {
        (Some(card), _) => Source::Card(card),
        (None, Some(saved)) => Source::Stored(saved.card.clone()),
        (None, None) => Source::Push {
            nonce: fresh_nonce(env),
            expires_at: push_expiry(session, method, env.now),
        },
    }
}

/// Ten base32 characters, 50 random bits: what a payer's bank passes on to tell one payment from others.
fn fresh_nonce(env: Env<'_>) -> String {
    let mut random = [0; 7];
    env.ids.fill(&mut random);
    let mut nonce = data_encoding::BASE32_NOPAD.encode(&random);
    nonce.truncate(10);
    nonce
}

/// When a pushed payment stops waiting: its family's lifetime, never past the merchant's own.
pub(super) fn push_expiry(session: &Session, method: Method, now: Timestamp) -> Timestamp {
    let own = now.after(
        method
            .family()
            .push_lifetime()
            .unwrap_or(INITIATED_LIFETIME),
    );
    session.deadline().map_or(own, |deadline| own.min(deadline))
}

impl Engine {
    /// A payer pays. Answers with the session and the transaction as they stand when the rail has answered,
    /// or when it has not within its time.
    pub async fn start_payment(
        self: &Arc<Self>,
        tenant: Tenant,
        id: SessionId,
        request: StartPayment,
    ) -> Result<(Session, Transaction), EngineError> {
        let engine = Arc::clone(self);
        to_the_end(async move { engine.start(tenant, id, request).await }).await
    }

    async fn start(
        self: &Arc<Self>,
        tenant: Tenant,
        id: SessionId,
        request: StartPayment,
    ) -> Result<(Session, Transaction), EngineError> {
        let mut snapshot = self.session_with_live(tenant, id).await?;
        let account = self.account_of(tenant, &snapshot.session).await?;
        let rail = self.rail(&account)?;
        if let Some(card) = &request.card
            && request.method.family() == Family::Card
            && !tenant.mode.is_live()
            && !rail.takes_card(card)
        {
            // Before anything is stored: an ended session still answers that it has ended.
            decide(request.clone(), snapshot, &account, self.env(tenant))?;
            return Err(Refusal::NotATestCard.into());
        }
        // A payer who came back from a wallet's or a bank's page may try something else; but what would be
        // refused anyway does not end what is open there.
        if let Some(live) = snapshot.live.as_ref().filter(|live| is_at_a_page(live)) {
            let mut left = snapshot.clone();
            left.session.state = left.session.initiated_at(self.now(tenant));
            left.live = None;
            decide(request.clone(), left, &account, self.env(tenant))?;
            if self.give_up_redirect(live).await? {
                snapshot = self.session_with_live(tenant, id).await?;
            }
        }

        let mut loaded = Some(snapshot);
        let intent = self
            .repeat(|conflict| {
                let (request, account, loaded) =
                    (request.clone(), Arc::clone(&account), loaded.take());
                async move {
                    if let Some(Conflict::Claimed {
                        key: ClaimKey::LivePayment(_),
                        ..
                    }) = &conflict
                    {
                        // The constraint says that somebody pays; what we loaded will say so too, or it is over.
                        tracing::debug!(session = %id, "another payment has the session");
                    }
                    let mut request = request;
                    if let (Some(_), Some(saved)) = (&conflict, &mut request.saved) {
                        // Perhaps it was detached meanwhile.
                        let found = self.store().payment_method(tenant, saved.id).await?;
                        *saved = found.ok_or(Refusal::PaymentMethodNotFound)?;
                    }
                    let snapshot = match loaded {
                        Some(snapshot) => snapshot,
                        None => self.session_with_live(tenant, id).await?,
                    };
                    Ok(decide(request, snapshot, &account, self.env(tenant))?)
                }
            })
            .await?;
        let (session, transaction, source) = match intent {
            Intent::Waiting {
                session,
                transaction,
            } => return Ok((session, *transaction)),
            Intent::Call {
                session,
                transaction,
                source,
            } => (session, *transaction, source),
        };
        crate::failpoint!("after-intent");

        let start = Start {
            reference: transaction.id,
            tenant,
            account,
            operation: match transaction.action {
                Action::Authorization => Operation::Authorize,
                Action::AddPaymentMethod => Operation::Store,
                _ => Operation::Pay,
            },
            amount: transaction.amount,
            method: transaction.method,
            source,
            store: session.terms.store_payment_method
                || session.terms.kind == Kind::AddPaymentMethod,
            merchant_name: self.merchant_name(tenant).await,
            return_url: self.page_url(&session),
        };
        let (recorded, transaction) = self
            .call_and_record(transaction, async move { rail.start(start).await }, None)
            .await?;
        Ok((recorded.unwrap_or(session), transaction))
    }

    /// The account that a session goes through.
    pub(super) async fn account_of(
        &self,
        tenant: Tenant,
        session: &Session,
    ) -> Result<Arc<ProviderAccount>, EngineError> {
        let account = session.terms.provider_account;
        Ok(Arc::new(self.provider_account(tenant, account).await?))
    }

    /// The link to a session's page.
    #[must_use]
    pub fn page_url(&self, session: &Session) -> String {
        let link = session.public_id(self.keys());
        format!("{}/pay/{link}", self.public_url())
    }

    /// What a payer's bank may show; a name that cannot be read stops no payment.
    pub(super) async fn merchant_name(&self, tenant: Tenant) -> String {
        match self.store().merchant(tenant.merchant).await {
            Ok(Some(merchant)) => merchant.shown_name(tenant.mode).to_owned(),
            Ok(None) => String::new(),
            Err(error) => {
                tracing::warn!(%error, "the merchant's name could not be read");
                String::new()
            }
        }
    }
}

#[cfg(test)]
mod tests;

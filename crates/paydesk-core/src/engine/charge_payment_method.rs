//! Charges a stored card without the payer, and without a session.

use std::sync::Arc;

use super::draft::charged;
use super::idempotency::Idempotent;
use super::open_session::ReferenceHolder;
use super::open_session::fields::{LONGEST_REFERENCE, text as check_text};
use super::operate::lone_event;
use super::record_outcome::{answered_by, conclude_operation, outcome_unknown, to_the_end};
use super::{Draft, Engine, EngineError, Env};
use crate::event::EventKind;
use crate::id::{PaymentMethodId, TransactionId};
use crate::merchant::ProviderAccount;
use crate::method::Method;
use crate::money::Money;
use crate::payment_method::PaymentMethod;
use crate::rail::{Operation, RailAnswer, Source, Start};
use crate::refusal::Refusal;
use crate::session::State;
use crate::store::{Change, Claim, ClaimKey, Conflict, Counter, IdempotencyKey, Increment, Record};
use crate::tenant::Tenant;
use crate::transaction::{Action, Begin, Status, Transaction};

/// What is charged.
#[derive(Clone, Debug)]
pub struct ChargePaymentMethod {
    /// Which stored card.
    pub payment_method: PaymentMethodId,
    /// How much.
    pub amount: Money,
    /// The merchant's own code; one namespace with the sessions'.
    pub reference: Option<String>,
}

/// Decides the intent. Refuses, in this order: a card that is gone, the account, the amount, the reference.
pub fn decide(
    request: &ChargePaymentMethod,
    payment_method: Option<&PaymentMethod>,
    account: Option<&ProviderAccount>,
    holder: Option<ReferenceHolder>,
    idempotency: Option<IdempotencyKey>,
    env: Env<'_>,
) -> Result<(Change, Transaction), Refusal> {
    let payment_method = payment_method
        .filter(|found| found.detached_at.is_none())
        .ok_or(Refusal::PaymentMethodNotFound)?;
    let account = account.ok_or(Refusal::ProviderAccountNotFound)?;
    if !account.enabled {
        return Err(Refusal::ProviderAccountDisabled);
    }
    let tenant = payment_method.tenant;
    let amount = request
        .amount
        .positive()
        .map_err(|error| Refusal::InvalidAmount {
            field: "amount".into(),
            error,
        })?;
    check_text("reference", request.reference.as_deref(), LONGEST_REFERENCE)?;
    let transaction = Transaction {
        payment_method: Some(payment_method.id),
        customer: payment_method.customer.clone(),
        reference: request.reference.clone(),
        idempotency,
        ..Transaction::begin(Begin {
            id: TransactionId::fresh(env.ids, env.wall),
            tenant,
            session: None,
            action: Action::Payment,
            amount,
            method: Method::Card,
            provider_account: account.id,
            status: env.in_flight(),
            at: env.now,
        })
    };
    let mut change = Change::new(tenant);
    match holder {
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
            if let Some(ended) = holder.finish().0 {
                change = ended;
            }
        }
    }
    if let Some(reference) = &request.reference {
        change.claims.push(Claim {
            key: ClaimKey::Reference(reference.clone()),
            owner: transaction.id.0,
        });
    }
    change.increments.push(Increment {
        counter: Counter::Transactions,
        by: 1,
    });
    change
        .events
        .push(lone_event(EventKind::TransactionPending, &transaction, env));
    change.puts.push(charged(payment_method));
    change.puts.push(Record::Transaction(transaction.clone()));
    Ok((change, transaction))
}

/// Decides what an answer changes about a transaction without a session: a charge, or an operation on one.
#[must_use]
pub fn decide_outcome(
    answer: RailAnswer,
    mut transaction: Transaction,
    parent: Option<Transaction>,
    env: Env<'_>,
) -> (Change, Transaction) {
    let mut change = Change::new(transaction.tenant);
    let mut parent = parent;
    let event = if transaction.action.is_attempt() {
        conclude_charge(&mut transaction, answer, env)
    } else {
        conclude_operation(&mut transaction, parent.as_mut(), answer, env).event
    };
    transaction.version += 1;
    transaction.updated_at = env.now;
    if let Some(kind) = event {
        change.events.push(lone_event(kind, &transaction, env));
    }
    if transaction.status.is_terminal() {
        if let Some(mut parent) = parent {
            parent.version += 1;
            parent.updated_at = env.now;
            change.puts.push(Record::Transaction(parent));
        }
        // A charge that came to nothing gives its reference up: the merchant may try again under it.
        if let Some(reference) = transaction.reference.clone().filter(|_| {
            transaction.action.is_attempt()
                && !matches!(transaction.status, Status::Succeeded { .. })
        }) {
            change.releases.push(Claim {
                key: ClaimKey::Reference(reference),
                owner: transaction.id.0,
            });
        }
    }
    change.idempotency = answered_by(&transaction);
    change.puts.push(Record::Transaction(transaction.clone()));
    (change, transaction)
}

fn conclude_charge(
    transaction: &mut Transaction,
    answer: RailAnswer,
    env: Env<'_>,
) -> Option<EventKind> {
    let (status, event) = match answer {
        RailAnswer::Succeeded(receipt) => {
            transaction.provider_reference = receipt.provider_reference;
            (
                Status::Succeeded { at: env.now },
                EventKind::TransactionSucceeded,
            )
        }
        RailAnswer::Declined(reason) => (
            Status::Declined {
                at: env.now,
                reason,
            },
            EventKind::TransactionDeclined,
        ),
        RailAnswer::Failed(reason) => (
            Status::Failed {
                at: env.now,
                reason,
            },
            EventKind::TransactionFailed,
        ),
        // No payer is there to act: the rail is asked until it has decided, or told to forget it.
        RailAnswer::Unknown | RailAnswer::AwaitingPayer(_) => {
            return outcome_unknown(transaction, env);
        }
    };
    transaction.status = status;
    Some(event)
}

impl Engine {
    /// Charges a stored card. Answers with the transaction as it stands when the rail has answered.
    ///
    /// With an idempotency key: claimed as running with the intent, answered with the outcome.
    pub async fn charge_payment_method(
        self: &Arc<Self>,
        tenant: Tenant,
        request: ChargePaymentMethod,
        idempotent: Option<Idempotent<Transaction>>,
    ) -> Result<Transaction, EngineError> {
        let engine = Arc::clone(self);
        to_the_end(async move { engine.charge_stored(tenant, request, idempotent).await }).await
    }

    async fn charge_stored(
        self: &Arc<Self>,
        tenant: Tenant,
        request: ChargePaymentMethod,
        idempotent: Option<Idempotent<Transaction>>,
    ) -> Result<Transaction, EngineError> {
        let (transaction, rail, account, payment_method) = self
            .repeat(|conflict| {
                let (request, idempotent) = (&request, idempotent.as_ref());
                async move {
                    if let (Some(Conflict::Idempotency(known)), Some(idempotent)) =
                        (&conflict, idempotent)
                    {
                        return Err(idempotent.refuse(known).into());
                    }
                    let holder = match conflict {
                        Some(Conflict::Claimed {
                            key: ClaimKey::Reference(_),
                            owner,
                        }) => Some(self.reference_holder(tenant, owner).await?),
                        _ => None,
                    };
                    // Each time: it may have been detached since the last.
                    let found = self.store().payment_method(tenant, request.payment_method);
                    let payment_method = found.await?.ok_or(Refusal::PaymentMethodNotFound)?;
                    let account = payment_method.provider_account;
                    let accounts = self.provider_accounts_with(tenant, account).await?;
                    let account = accounts.iter().find(|it| it.id == account);
                    let key = idempotent.map(|idempotent| idempotent.key.clone());
                    let (mut change, transaction) = decide(
                        request,
                        Some(&payment_method),
                        account,
                        holder,
                        key,
                        self.env(tenant),
                    )?;
                    change.idempotency =
                        idempotent.map(|idempotent| idempotent.running(self.wall()));
                    // Before anything is stored.
                    let account = account.ok_or(Refusal::ProviderAccountNotFound)?.clone();
                    let rail = self.rail(&account)?;
                    Ok((Some(change), (transaction, rail, account, payment_method)))
                }
            })
            .await?;
        crate::failpoint!("after-intent");
        let start = Start {
            reference: transaction.id,
            tenant,
            account: Arc::new(account),
            operation: Operation::Pay,
            amount: transaction.amount,
            method: Method::Card,
            source: Source::Stored(payment_method.card),
            store: false,
            merchant_name: self.merchant_name(tenant).await,
            return_url: self.public_url().to_owned(),
        };
        Ok(self
            .call_and_record(
                transaction,
                async move { rail.start(start).await },
                idempotent,
            )
            .await?
            .1)
    }
}

#[cfg(test)]
mod tests;

//! Operations on an earlier transaction: settle and void an authorization, refund what was taken.
//!
//! The intent reserves on the parent, in a commit that carries the parent's version; failure gives the
//! reservation back. Two operations at once can therefore never take more than is there.

use std::sync::Arc;

use super::idempotency::Idempotent;
use super::record_outcome::to_the_end;
use super::{Draft, Engine, EngineError, Env, SessionSnapshot};
use crate::event::{Event, EventKind, Subject};
use crate::id::{EventId, TransactionId};
use crate::merchant::ProviderAccount;
use crate::money::Money;
use crate::rail::FollowUp;
use crate::refusal::Refusal;
use crate::session::Session;
use crate::store::{Change, Conflict, Counter, Increment, Record};
use crate::tenant::Tenant;
use crate::transaction::{Action, Begin, Hold, Status, Transaction};

/// What is to be done to an earlier transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operate {
    /// Take what an authorization holds: this much, or all of it. The rest is released.
    Settle(Option<Money>),
    /// Release what an authorization holds.
    Void,
    /// Give this much back, or all that is left. Where the rail moves no money, the merchant
    /// [records](super::record_refund) what it gave back.
    Refund(Option<Money>),
}

/// Decides an operation's intent. Refuses, in this order: what cannot be operated on, a closed hold, another
/// operation in flight on a hold, the amount; and then [`check_account`] what the account does not do.
pub fn decide(
    operate: Operate,
    mut parent: Transaction,
    session: Option<Session>,
    idempotency: Option<crate::store::IdempotencyKey>,
    env: Env<'_>,
) -> Result<(Change, Transaction, Option<Session>), Refusal> {
    let (action, amount) = match operate {
        Operate::Settle(amount) => {
            held(&parent, env, Refusal::NotSettleable)?;
            (Action::Settle, portion(&parent, amount)?)
        }
        Operate::Void => {
            held(&parent, env, Refusal::NotVoidable)?;
            (Action::Void, parent.amount)
        }
        Operate::Refund(amount) => (Action::Refund, to_refund(&parent, amount)?),
    };
    let child = Transaction {
        idempotency,
        ..operation_on(&parent, action, amount, env)
    };
    parent.reserved += amount.minor();
    // A refund is told when it is done; what changes a hold is told when it begins, like a payment.
    let news = (action != Action::Refund).then_some(EventKind::TransactionPending);

    if let Some(session) = session {
        let mut draft = Draft::new(
            SessionSnapshot {
                session,
                live: None,
            },
            env,
        );
        draft.begin(child.clone(), news);
        draft.update(&mut parent, None);
        let (change, snapshot) = draft.finish();
        return Ok((
            change.unwrap_or_else(|| Change::new(parent.tenant)),
            child,
            Some(snapshot.session),
        ));
    }
    parent.version += 1;
    parent.updated_at = env.now;
    let mut change = Change::new(parent.tenant);
    change.increments.push(Increment {
        counter: Counter::Transactions,
        by: 1,
    });
    change
        .events
        .extend(news.map(|kind| lone_event(kind, &child, env)));
    change.puts.push(Record::Transaction(child.clone()));
    change.puts.push(Record::Transaction(parent));
    Ok((change, child, None))
}

/// An operation on an earlier transaction, as it begins.
pub(super) fn operation_on(
    parent: &Transaction,
    action: Action,
    amount: Money,
    env: Env<'_>,
) -> Transaction {
    Transaction {
        parent: Some(parent.id),
        payment_method: parent.payment_method,
        customer: parent.customer.clone(),
        ..Transaction::begin(Begin {
            id: TransactionId::fresh(env.ids, env.wall),
            tenant: parent.tenant,
            session: parent.session,
            action,
            amount,
            method: parent.method,
            provider_account: parent.provider_account,
            status: env.in_flight(),
            at: env.now,
        })
    }
}

/// Refuses what no rail does: money on a merchant's own account at a bank goes back by the merchant's own hand.
pub fn check_account(operate: Operate, account: &ProviderAccount) -> Result<(), Refusal> {
    match operate {
        Operate::Refund(_) if !account.provider.moves_money() => Err(Refusal::RefundAtBank),
        Operate::Settle(_) | Operate::Void | Operate::Refund(_) => Ok(()),
    }
}

/// How much of what a payment came to is given back: the part of it that was pushed is there, whatever became of the
/// payment.
pub(super) fn to_refund(parent: &Transaction, asked: Option<Money>) -> Result<Money, Refusal> {
    let is_over = parent.status.is_terminal() || matches!(parent.status, Status::Received { .. });
    if !is_over || parent.captured().is_zero() {
        return Err(Refusal::NotRefundable);
    }
    portion(parent, asked)
}

/// Only an open hold with nothing in flight on it can be settled or voided.
fn held(parent: &Transaction, env: Env<'_>, otherwise: Refusal) -> Result<(), Refusal> {
    if parent.action != Action::Authorization || !matches!(parent.status, Status::Succeeded { .. })
    {
        return Err(otherwise);
    }
    match parent.hold {
        None => Err(otherwise),
        Some(Hold::Settled) => Err(Refusal::AlreadySettled),
        Some(Hold::Voided) => Err(Refusal::AlreadyVoided),
        Some(Hold::Lapsed) => Err(Refusal::HoldExpired),
        Some(Hold::Open { expires_at }) if expires_at <= env.now => Err(Refusal::HoldExpired),
        Some(Hold::Open { .. }) if parent.reserved > 0 => Err(Refusal::OperationInProgress),
        Some(Hold::Open { .. }) => Ok(()),
    }
}

/// How much: what is asked for if that much is left, or all that is left.
fn portion(parent: &Transaction, asked: Option<Money>) -> Result<Money, Refusal> {
    let currency = parent.amount.currency();
    let left = parent.remaining();
    let remaining =
        Money::from_minor(left.max(0), currency).unwrap_or_else(|_| Money::zero(currency));
    let amount = asked.unwrap_or(remaining);
    if amount.currency() != currency {
        return Err(Refusal::CurrencyDiffers { expected: currency });
    }
    if asked.is_some() {
        amount.positive().map_err(|error| Refusal::InvalidAmount {
            field: "amount".into(),
            error,
        })?;
    }
    if amount.minor() > left || amount.is_zero() {
        return Err(Refusal::AmountTooLarge { remaining });
    }
    Ok(amount)
}

/// An event about a transaction that has no session.
pub(super) fn lone_event(kind: EventKind, transaction: &Transaction, env: Env<'_>) -> Event {
    Event {
        id: EventId::fresh(env.ids, env.wall),
        tenant: transaction.tenant,
        kind,
        sequence: u32::try_from(transaction.version).unwrap_or(u32::MAX),
        at: env.now,
        session: None,
        subject: Subject::Transaction {
            transaction: Box::new(transaction.clone()),
        },
        notify: false,
    }
}

impl Engine {
    /// Settles, voids or refunds. Answers with the new transaction as it stands when the rail has answered.
    ///
    /// With an idempotency key: claimed as running with the intent, answered with the outcome.
    pub async fn operate(
        self: &Arc<Self>,
        tenant: Tenant,
        parent: TransactionId,
        operate: Operate,
        idempotent: Option<Idempotent<Transaction>>,
    ) -> Result<Transaction, EngineError> {
        let engine = Arc::clone(self);
        to_the_end(async move {
            engine
                .begin_and_call(tenant, parent, operate, idempotent)
                .await
        })
        .await
    }

    async fn begin_and_call(
        self: &Arc<Self>,
        tenant: Tenant,
        parent: TransactionId,
        operate: Operate,
        idempotent: Option<Idempotent<Transaction>>,
    ) -> Result<Transaction, EngineError> {
        let (child, follow_up, rail) = self
            .repeat(|conflict| {
                let idempotent = idempotent.as_ref();
                async move {
                    if let (Some(Conflict::Idempotency(known)), Some(idempotent)) =
                        (&conflict, idempotent)
                    {
                        return Err(idempotent.refuse(known).into());
                    }
                    let parent = self.transaction(tenant, parent).await?;
                    let session = self.its_session(&parent).await?;
                    let original = (parent.id, parent.provider_reference.clone());
                    let placed = parent.placed;
                    let key = idempotent.map(|idempotent| idempotent.key.clone());
                    let (mut change, child, _) =
                        decide(operate, parent, session, key, self.env(tenant))?;
                    // Before anything is stored. A disabled account takes no new payments, but what it took
                    // can still be given back.
                    let account = self
                        .provider_account(tenant, child.provider_account)
                        .await?;
                    check_account(operate, &account)?;
                    let rail = self.rail(&account)?;
                    change.idempotency =
                        idempotent.map(|idempotent| idempotent.running(self.wall()));
                    let follow_up = FollowUp {
                        reference: child.id,
                        original: original.0,
                        original_provider_reference: original.1,
                        tenant,
                        account: child.provider_account,
                        method: child.method,
                        amount: child.amount,
                        placed,
                    };
                    Ok((Some(change), (child, follow_up, rail)))
                }
            })
            .await?;
        crate::failpoint!("after-intent");

        let action = child.action;
        let call = async move {
            match action {
                Action::Settle => rail.settle(follow_up).await,
                Action::Void => rail.void(follow_up).await,
                _ => rail.refund(follow_up).await,
            }
        };
        Ok(self.call_and_record(child, call, idempotent).await?.1)
    }
}

#[cfg(test)]
mod tests;

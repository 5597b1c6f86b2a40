//! Money came in on an account by itself: it is counted once, for the payment whose reference it carries.
//!
//! Nothing that came is ever dropped. Short: the payment waits for the rest. Over, or paid twice: completed,
//! and the surplus can be refunded. Late: a transaction of its own, for the merchant to accept or refund.

use super::{Draft, Engine, EngineError, Env, SessionSnapshot};
use crate::event::EventKind;
use crate::id::TransactionId;
use crate::money::Money;
use crate::rail::Transfer;
use crate::refusal::Refusal;
use crate::session::State;
use crate::store::{Change, ClaimKey, Conflict};
use crate::transaction::{Begin, Exception, ExceptionKind, Status, Transaction};

/// What became of a transfer.
#[derive(Clone, PartialEq, Debug)]
pub enum Recorded {
    /// Counted for this transaction, which is as it now stands.
    Counted(Box<Transaction>),
    /// Counted before.
    Known,
    /// No payment has its reference.
    Unmatched,
}

/// Decides what a transfer does to the payment whose reference it carries. `target` is that payment;
/// `snapshot` its session, with the session's live transaction, which may or may not be the same.
pub fn decide(
    transfer: &Transfer,
    target: Transaction,
    snapshot: SessionSnapshot,
    env: Env<'_>,
) -> Result<(Option<Change>, Transaction), Refusal> {
    if transfer.amount.currency() != target.amount.currency() {
        return Err(Refusal::CurrencyDiffers {
            expected: target.amount.currency(),
        });
    }
    transfer
        .amount
        .positive()
        .map_err(|error| Refusal::InvalidAmount {
            field: "amount".into(),
            error,
        })?;
    let mut draft = Draft::new(snapshot, env);
    // Time may just have ended it, in this very draft.
    let (mut target, is_live) = match &draft.live {
        Some(live) if live.id == target.id => (live.clone(), true),
        _ => (target, false),
    };
    let transaction = match target.status {
        Status::AwaitingPayer { .. } if is_live => {
            let before = target
                .received
                .unwrap_or_else(|| Money::zero(target.amount.currency()));
            let received = sum(before, transfer.amount)?;
            target.received = Some(received);
            arrived_in_time(&mut draft, &mut target, received);
            target
        }
        Status::Succeeded { .. } => {
            // Paid again: what was asked for counts as received before, however it was settled.
            let received = sum(target.received.unwrap_or(target.amount), transfer.amount)?;
            target.received = Some(received);
            target.exception = Some(Exception {
                kind: ExceptionKind::Over,
                accepted_at: None,
            });
            draft.update(&mut target, Some(EventKind::TransactionException));
            target
        }
        // Still being begun at the rail: the code is out already, the money was quicker. Not refused for
        // good: it is told again.
        Status::InFlight { .. } | Status::Unknown { .. } => return Err(Refusal::PaymentInProgress),
        _ => arrived_late(&mut draft, &target, transfer, env),
    };
    let key = ClaimKey::BankTransfer {
        account: transfer.account.clone(),
        id: transfer.id.clone(),
    };
    draft.claim(key, transaction.id.0);
    Ok((draft.finish().0, transaction))
}

fn sum(one: Money, other: Money) -> Result<Money, Refusal> {
    let too_large = Refusal::InvalidAmount {
        field: "amount".into(),
        error: crate::money::AmountError::TooLarge,
    };
    one.checked_add(other).ok_or(too_large)
}

fn arrived_in_time(draft: &mut Draft<'_>, target: &mut Transaction, received: Money) {
    if received.minor() < target.amount.minor() {
        target.exception = Some(Exception {
            kind: ExceptionKind::Partial,
            accepted_at: None,
        });
        draft.update(target, Some(EventKind::TransactionException));
        draft.live = None;
        return;
    }
    let over = received.minor() > target.amount.minor();
    target.exception = over.then_some(Exception {
        kind: ExceptionKind::Over,
        accepted_at: None,
    });
    complete(draft, target);
    if over {
        draft.exception_event(target);
    }
}

/// The payment is made: what is received is captured.
pub(super) fn complete(draft: &mut Draft<'_>, target: &mut Transaction) {
    let now = draft.env().now;
    target.status = Status::Succeeded { at: now };
    draft.live = None;
    draft.session.charge = Some(target.id);
    draft.update(target, Some(EventKind::TransactionSucceeded));
    draft.enter(State::Completed {
        at: now,
        transaction: target.id,
    });
}

fn arrived_late(
    draft: &mut Draft<'_>,
    target: &Transaction,
    transfer: &Transfer,
    env: Env<'_>,
) -> Transaction {
    let late = Transaction {
        parent: Some(target.id),
        provider_reference: Some(transfer.id.clone()),
        destination: target.destination.clone(),
        custom_field_values: target.custom_field_values.clone(),
        received: Some(transfer.amount),
        exception: Some(Exception {
            kind: ExceptionKind::Late,
            accepted_at: None,
        }),
        ..Transaction::begin(Begin {
            id: TransactionId::fresh(env.ids, env.wall),
            tenant: target.tenant,
            session: target.session,
            action: target.action,
            amount: transfer.amount,
            method: target.method,
            provider_account: target.provider_account,
            status: Status::Received { at: env.now },
            at: env.now,
        })
    };
    draft.begin(late.clone(), Some(EventKind::TransactionException));
    late
}

impl Engine {
    /// Counts a transfer for the payment whose reference it carries; once, however often it is told.
    pub async fn record_transfer(&self, transfer: &Transfer) -> Result<Recorded, EngineError> {
        let tenant = transfer.tenant;
        let Some(nonce) = &transfer.nonce else {
            return Ok(Recorded::Unmatched);
        };
        let reference = ClaimKey::PushReference {
            account: transfer.account.clone(),
            nonce: nonce.clone(),
        };
        let Some(owner) = self.store().claim(tenant, &reference).await? else {
            return Ok(Recorded::Unmatched);
        };
        self.repeat(|conflict| async move {
            if let Some(Conflict::Claimed {
                key: ClaimKey::BankTransfer { .. },
                ..
            }) = conflict
            {
                return Ok((None, Recorded::Known));
            }
            let key = ClaimKey::BankTransfer {
                account: transfer.account.clone(),
                id: transfer.id.clone(),
            };
            if self.store().claim(tenant, &key).await?.is_some() {
                return Ok((None, Recorded::Known));
            }
            let target = self.transaction(tenant, TransactionId(owner)).await?;
            let session = target.session.ok_or(Refusal::SessionNotFound)?;
            let snapshot = self.session_with_live(tenant, session).await?;
            let (change, transaction) = decide(transfer, target, snapshot, self.env(tenant))?;
            Ok((change, Recorded::Counted(Box::new(transaction))))
        })
        .await
    }
}

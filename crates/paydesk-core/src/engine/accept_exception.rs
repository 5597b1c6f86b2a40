//! The merchant takes money that came late, short or over as it is.

use super::record_transfer::complete;
use super::{Draft, Engine, EngineError, Env, SessionSnapshot};
use crate::event::EventKind;
use crate::id::TransactionId;
use crate::refusal::Refusal;
use crate::session::State;
use crate::store::{Change, ClaimKey, Conflict};
use crate::tenant::Tenant;
use crate::transaction::{Exception, ExceptionKind, Status, Transaction};

/// Decides what accepting an exception does.
///
/// Late: the money is a payment, unless the session has another. Partial: what came is enough, and the session
/// is completed. Over: the surplus is kept; it can still be refunded.
pub fn decide(
    transaction: Transaction,
    snapshot: SessionSnapshot,
    env: Env<'_>,
) -> Result<(Option<Change>, Transaction), Refusal> {
    let mut draft = Draft::new(snapshot, env);
    let mut transaction = match &draft.live {
        Some(live) if live.id == transaction.id => live.clone(),
        _ => transaction,
    };
    let Some(Exception {
        kind,
        accepted_at: None,
    }) = transaction.exception
    else {
        return Err(Refusal::NoException);
    };
    if transaction.reserved > 0 {
        return Err(Refusal::OperationInProgress);
    }
    let accepted = Some(Exception {
        kind,
        accepted_at: Some(env.now),
    });
    match (kind, &transaction.status) {
        (ExceptionKind::Late, Status::Received { .. }) => {
            if matches!(draft.session.state, State::Completed { .. }) {
                return Err(Refusal::AlreadyPaid);
            }
            if matches!(draft.session.state, State::Processing { .. }) {
                return Err(Refusal::PaymentInProgress);
            }
            transaction.exception = accepted;
            // What was given back before it was accepted is not part of the payment.
            transaction.status = Status::Succeeded { at: env.now };
            draft.claim(ClaimKey::LivePayment(draft.session.id), transaction.id.0);
            draft.session.charge = Some(transaction.id);
            draft.update(&mut transaction, Some(EventKind::TransactionSucceeded));
            if !draft.session.state.is_terminal() {
                // The session is still open (its push ran out, or the payer left it): now it is paid.
                draft.enter(State::Completed {
                    at: env.now,
                    transaction: transaction.id,
                });
            }
        }
        (ExceptionKind::Partial, Status::AwaitingPayer { .. }) => {
            transaction.exception = accepted;
            complete(&mut draft, &mut transaction);
        }
        (ExceptionKind::Over, Status::Succeeded { .. }) => {
            transaction.exception = accepted;
            draft.update(&mut transaction, None);
        }
        // Part of a payment that ended otherwise: it can only be given back.
        _ => return Err(Refusal::NoException),
    }
    Ok((draft.finish().0, transaction))
}

impl Engine {
    /// Accepts an exception.
    pub async fn accept_exception(
        &self,
        tenant: Tenant,
        id: TransactionId,
    ) -> Result<Transaction, EngineError> {
        self.repeat(|conflict| async move {
            if let Some(Conflict::Claimed {
                key: ClaimKey::LivePayment(_),
                ..
            }) = conflict
            {
                return Err(Refusal::AlreadyPaid.into());
            }
            let transaction = self.transaction(tenant, id).await?;
            let session = transaction.session.ok_or(Refusal::NoException)?;
            let snapshot = self.session_with_live(tenant, session).await?;
            Ok(decide(transaction, snapshot, self.env(tenant))?)
        })
        .await
    }
}

//! Ends a session before its time: the payer or the merchant gives it up, or the merchant expires it.

use super::{Draft, Engine, EngineError, Env, SessionSnapshot};
use crate::event::EventKind;
use crate::id::SessionId;
use crate::refusal::Refusal;
use crate::session::{Canceller, Session, State};
use crate::store::Change;
use crate::tenant::Tenant;
use crate::transaction::Status;

/// How a session is ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// Given up.
    Cancel(Canceller),
    /// Expired by the merchant.
    Expire,
}

/// Decides the end of a session.
///
/// Allowed while a pushed payment is pending (money that still comes is late), refused while a payment is in
/// flight. Ending one twice in the same way changes nothing and is no mistake.
pub fn decide(
    end: End,
    snapshot: SessionSnapshot,
    env: Env<'_>,
) -> Result<(Option<Change>, Session), Refusal> {
    let mut draft = Draft::new(snapshot, env);
    match (end, draft.session.state) {
        (End::Cancel(_), State::Cancelled { .. }) | (End::Expire, State::Expired { .. }) => {}
        _ => {
            draft.must_be_open()?;
            if draft.is_in_flight() {
                return Err(Refusal::PaymentInProgress);
            }
            if matches!(draft.session.state, State::Processing { .. }) {
                draft.leave_live(
                    Status::Cancelled { at: env.now },
                    EventKind::TransactionCancelled,
                );
            }
            draft.enter(match end {
                End::Cancel(by) => State::Cancelled { at: env.now, by },
                End::Expire => State::Expired { at: env.now },
            });
        }
    }
    let (change, snapshot) = draft.finish();
    Ok((change, snapshot.session))
}

impl Engine {
    /// Ends a session before its time.
    pub async fn end_session(
        &self,
        tenant: Tenant,
        id: SessionId,
        end: End,
    ) -> Result<Session, EngineError> {
        self.repeat(|_| async move {
            let snapshot = self.session_with_live(tenant, id).await?;
            Ok(decide(end, snapshot, self.env(tenant))?)
        })
        .await
    }
}

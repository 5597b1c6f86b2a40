//! Ends a session before its time: the payer or the merchant gives it up, or the merchant expires it.

use super::idempotency::Idempotent;
use super::{Draft, Engine, EngineError, Env, SessionSnapshot};
use crate::event::EventKind;
use crate::id::SessionId;
use crate::refusal::Refusal;
use crate::session::{Canceller, Session, State};
use crate::store::{Change, Record};
use crate::tenant::Tenant;
use crate::transaction::{Status, Transaction};

/// How a session is ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// Given up.
    Cancel(Canceller),
    /// Expired by the merchant.
    Expire,
}

/// A session that was ended.
#[derive(Clone, PartialEq, Debug)]
pub struct Ended {
    /// The session.
    pub session: Session,
    /// Its transactions, oldest first.
    pub transactions: Vec<Transaction>,
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
    /// Ends a session before its time. Answers with it and its transactions, oldest first.
    ///
    /// With an idempotency key, the answer that `idempotent` renders is stored in the same commit.
    pub async fn end_session(
        &self,
        tenant: Tenant,
        id: SessionId,
        end: End,
        idempotent: Option<Idempotent<Ended>>,
    ) -> Result<Ended, EngineError> {
        let idempotent = idempotent.as_ref();
        let refused = match self.end_once(tenant, id, end, idempotent).await {
            Err(EngineError::Refused(refused @ Refusal::PaymentInProgress)) => refused,
            ended => return ended,
        };
        // A payer at a wallet's or a bank's page stops nobody, once the rail lets nothing more happen there.
        if let Some(live) = &self.session_with_live(tenant, id).await?.live
            && self.give_up_redirect(live).await?
        {
            return self.end_once(tenant, id, end, idempotent).await;
        }
        Err(refused.into())
    }

    async fn end_once(
        &self,
        tenant: Tenant,
        id: SessionId,
        end: End,
        idempotent: Option<&Idempotent<Ended>>,
    ) -> Result<Ended, EngineError> {
        self.once(tenant, idempotent, |_| async move {
            let (session, mut transactions) = self.session(tenant, id).await?;
            let watched = SessionSnapshot::watched(&session);
            let live = transactions
                .iter()
                .find(|transaction| Some(transaction.id) == watched);
            let snapshot = SessionSnapshot {
                live: live.cloned(),
                session,
            };
            let (change, session) = decide(end, snapshot, self.env(tenant))?;
            // What the change writes is what the answer shows.
            for record in change.iter().flat_map(|change| &change.puts) {
                if let Record::Transaction(changed) = record {
                    for shown in &mut transactions {
                        if shown.id == changed.id {
                            shown.clone_from(changed);
                        }
                    }
                }
            }
            Ok((
                change,
                Ended {
                    session,
                    transactions,
                },
            ))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::engine::open_session::OpenSession;
    use crate::method::Method;
    use crate::store::ClaimKey;
    use crate::time::Span;

    const CANCEL: End = End::Cancel(Canceller::Payer);

    #[test]
    fn each_end_has_its_state_and_its_event_and_frees_the_reference() {
        let desk = Desk::new();
        for (end, event) in [
            (CANCEL, EventKind::SessionCancelled),
            (End::Expire, EventKind::SessionExpired),
        ] {
            let session = desk.open(OpenSession {
                reference: Some("order 7".into()),
                ..request()
            });
            let (change, ended) = decide(end, snapshot(&session, None), desk.env()).unwrap();
            let change = change.unwrap();
            assert_eq!(told(&change), [event]);
            assert!(ended.state.is_terminal());
            let released: Vec<_> = change.releases.iter().map(|one| &one.key).collect();
            assert_eq!(released, [&ClaimKey::Reference("order 7".into())]);
            // The same again changes nothing; the other end is too late.
            let again = decide(end, snapshot(&ended, None), desk.env());
            assert_eq!(again, Ok((None, ended.clone())));
            let (other, refusal) = match end {
                End::Expire => (CANCEL, Refusal::SessionExpired),
                End::Cancel(_) => (End::Expire, Refusal::SessionCancelled),
            };
            let refused = decide(other, snapshot(&ended, None), desk.env());
            assert_eq!(refused, Err(refusal));
        }
    }

    #[test]
    fn a_waiting_push_ends_with_its_session() {
        let desk = Desk::new();
        for (end, event) in [
            (CANCEL, EventKind::SessionCancelled),
            (End::Expire, EventKind::SessionExpired),
        ] {
            let (session, live) = desk.waiting();
            let (change, _) = decide(end, snapshot(&session, Some(&live)), desk.env()).unwrap();
            let change = change.unwrap();
            assert_eq!(told(&change), [EventKind::TransactionCancelled, event]);
            let left = put(&change, live.id);
            assert_eq!(left.status, Status::Cancelled { at: desk.now });
            assert_eq!(change.releases[0].owner, live.id.0);
        }
    }

    #[test]
    fn a_payment_in_flight_and_a_paid_session_are_not_ended() {
        let desk = Desk::new();
        for end in [CANCEL, End::Expire] {
            for answer in [None, Some(to_be_confirmed())] {
                let mut flying = desk.in_flight(Method::Card);
                if let Some(answer) = answer {
                    flying = desk.answer(flying, answer);
                }
                let refused = decide(end, snapshot(&flying.0, Some(&flying.1)), desk.env());
                assert_eq!(refused, Err(Refusal::PaymentInProgress));
            }
            let (paid, _) = desk.paid();
            let refused = decide(end, snapshot(&paid, None), desk.env());
            assert_eq!(refused, Err(Refusal::SessionCompleted));
        }
    }

    #[test]
    fn a_session_whose_time_is_over_is_expired_whoever_comes() {
        let mut desk = Desk::new();
        let session = desk.session();
        let deadline = session.expires_at().unwrap();
        desk.pass(Span::days(8));
        let refused = decide(CANCEL, snapshot(&session, None), desk.env());
        assert_eq!(refused, Err(Refusal::SessionExpired));
        let (change, expired) = decide(End::Expire, snapshot(&session, None), desk.env()).unwrap();
        assert_eq!(told(&change.unwrap()), [EventKind::SessionExpired]);
        assert_eq!(expired.state, State::Expired { at: deadline });
    }
}

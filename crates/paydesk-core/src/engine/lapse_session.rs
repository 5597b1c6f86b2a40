//! Writes down what time has done to a session: a push that ran out, a lifetime that is over, a hold that
//! lapsed. Reads say the same without it; this is what tells the merchant.

use super::{Draft, Engine, EngineError, Env, SessionSnapshot};
use crate::id::SessionId;
use crate::session::Session;
use crate::store::Change;
use crate::tenant::Tenant;

/// Decides what time has done. Nothing, if it has done nothing.
#[must_use]
pub fn decide(snapshot: SessionSnapshot, env: Env<'_>) -> (Option<Change>, Session) {
    let (change, snapshot) = Draft::new(snapshot, env).finish();
    (change, snapshot.session)
}

impl Engine {
    /// Writes down what time has done to a session.
    pub async fn lapse_session(
        &self,
        tenant: Tenant,
        id: SessionId,
    ) -> Result<Session, EngineError> {
        self.repeat(|_| async move {
            let snapshot = self.session_with_live(tenant, id).await?;
            Ok(decide(snapshot, self.env(tenant)))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::operate::Operate;
    use super::*;
    use crate::engine::open_session::OpenSession;
    use crate::event::EventKind;
    use crate::method::Method;
    use crate::session::{State, StateName};
    use crate::time::Span;
    use crate::transaction::{Hold, Status};

    #[test]
    fn what_a_sweeper_writes_is_what_every_reader_saw_before() {
        let mut desk = Desk::new();
        let (session, live) = desk.waiting();
        for (minutes, events) in [
            (59, vec![]),
            (60, vec![EventKind::TransactionExpired]),
            (119, vec![EventKind::TransactionExpired]),
            (
                120,
                vec![EventKind::TransactionExpired, EventKind::SessionExpired],
            ),
        ] {
            desk.now = START.after(Span::minutes(minutes));
            let (change, lapsed) = decide(snapshot(&session, Some(&live)), desk.env());
            assert_eq!(lapsed.state, session.state_at(desk.now), "{minutes}");
            let written = change.map_or_else(Vec::new, |change| {
                let ended = put(&change, live.id);
                assert_eq!(ended.status, live.status_at(desk.now));
                told(&change)
            });
            assert_eq!(written, events, "{minutes}");
        }
    }

    #[test]
    fn each_state_ends_at_its_own_time() {
        let mut desk = Desk::new();
        let own = OpenSession {
            lifetime: Some(Span::minutes(5)),
            ..request()
        };
        let created = desk.session();
        let initiated = desk.answer(
            desk.in_flight(Method::Card),
            crate::rail::RailAnswer::Declined(crate::transaction::DeclineReason::Declined),
        );
        for (session, lives) in [
            (created, Span::days(7)),
            (initiated.0, Span::hours(1)),
            (desk.open(own), Span::minutes(5)),
        ] {
            let due_at = START.after(lives);
            assert_eq!(session.due_at(), Some(due_at));
            desk.now = crate::time::Timestamp::from_millis(due_at.as_millis() - 1);
            let (change, same) = decide(snapshot(&session, None), desk.env());
            assert_eq!((change, same), (None, session.clone()));
            desk.now = due_at;
            let (change, expired) = decide(snapshot(&session, None), desk.env());
            assert_eq!(told(&change.unwrap()), [EventKind::SessionExpired]);
            assert_eq!(expired.state, State::Expired { at: due_at });
        }
    }

    #[test]
    fn a_payment_in_flight_outlives_every_lifetime() {
        let mut desk = Desk::new();
        let session = desk.open(OpenSession {
            lifetime: Some(Span::minutes(5)),
            ..request()
        });
        let (session, live) = desk.start(session, Method::Card);
        desk.pass(Span::days(30));
        let (change, session) = decide(snapshot(&session, Some(&live)), desk.env());
        assert_eq!(change, None);
        assert_eq!(session.state_at(desk.now).name(), StateName::Processing);
    }

    #[test]
    fn a_hold_lapses_after_seven_days() {
        let mut desk = Desk::new();
        let (session, held) = desk.held();
        desk.pass(Span::days(7));
        let (change, session) = decide(snapshot(&session, Some(&held)), desk.env());
        let change = change.unwrap();
        assert_eq!(told(&change), [EventKind::TransactionExpired]);
        let held = put(&change, held.id);
        assert_eq!(held.hold, Some(Hold::Lapsed));
        assert!(matches!(held.status, Status::Succeeded { .. }));
        assert_eq!(session.due_at(), None);
        assert_eq!(session.state.name(), StateName::Completed);
    }

    #[test]
    fn a_hold_does_not_lapse_under_a_settle_in_flight() {
        let mut desk = Desk::new();
        let (session, held, settle) = desk.operate(Operate::Settle(None), desk.held());
        desk.pass(Span::days(7));
        let (change, session) = decide(snapshot(&session, Some(&held)), desk.env());
        assert_eq!(told(&change.unwrap()), []);
        assert_eq!(
            session.due_at(),
            Some(desk.now.after(Span::seconds(30))),
            "looked at again when it must be known"
        );
        let (change, _, _) = desk.try_answer(session, settle, Some(held.clone()), succeeded());
        assert_eq!(put(&change.unwrap(), held.id).hold, Some(Hold::Settled));
    }
}

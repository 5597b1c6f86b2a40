//! The payer's first act. Never a GET: links are prefetched by chat programs.

use super::{Draft, Engine, EngineError, Env, SessionSnapshot};
use crate::id::SessionId;
use crate::method::Method;
use crate::refusal::Refusal;
use crate::session::{Session, State};
use crate::store::Change;
use crate::tenant::Tenant;

/// Decides the payer's first act. On a session that is already initiated or processing it does nothing.
pub fn decide(
    method: Option<Method>,
    snapshot: SessionSnapshot,
    env: Env<'_>,
) -> Result<(Option<Change>, Session), Refusal> {
    let mut draft = Draft::new(snapshot, env);
    draft.must_be_open()?;
    if let Some(method) = method
        && !draft.session.terms.methods.contains(&method)
    {
        return Err(Refusal::MethodNotOffered { method });
    }
    if matches!(draft.session.state, State::Created { .. }) {
        let initiated = draft.session.initiated_at(env.now);
        draft.enter(initiated);
    }
    let (change, snapshot) = draft.finish();
    Ok((change, snapshot.session))
}

impl Engine {
    /// Notes the payer's first act.
    pub async fn initiate_session(
        &self,
        tenant: Tenant,
        id: SessionId,
        method: Option<Method>,
    ) -> Result<Session, EngineError> {
        self.repeat(|_| async move {
            let snapshot = self.session_with_live(tenant, id).await?;
            Ok(decide(method, snapshot, self.env(tenant))?)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::engine::open_session::OpenSession;
    use crate::event::EventKind;
    use crate::session::Canceller;
    use crate::time::Span;

    #[test]
    fn the_first_act_is_told_and_gives_an_hour() {
        let mut desk = Desk::new();
        let session = desk.session();
        desk.pass(Span::days(6));
        let method = Some(Method::PayNow);
        let (change, session) = decide(method, snapshot(&session, None), desk.env()).unwrap();
        assert_eq!(told(&change.unwrap()), [EventKind::SessionInitiated]);
        let (at, expires_at) = (desk.now, desk.now.after(Span::hours(1)));
        assert_eq!(session.state, State::Initiated { at, expires_at });
        let again = decide(method, snapshot(&session, None), desk.env()).unwrap();
        assert_eq!(again, (None, session));
    }

    #[test]
    fn the_merchants_own_lifetime_overrides_the_hour() {
        let mut desk = Desk::new();
        let session = desk.open(OpenSession {
            lifetime: Some(Span::days(2)),
            ..request()
        });
        desk.pass(Span::hours(5));
        let (_, session) = decide(None, snapshot(&session, None), desk.env()).unwrap();
        assert_eq!(session.expires_at(), Some(START.after(Span::days(2))));
    }

    #[test]
    fn it_refuses_an_ended_session_before_a_foreign_method() {
        fn sound() -> (Desk, Session, Option<Method>) {
            let desk = Desk::new();
            let session = desk.session();
            (desk, session, None)
        }
        let (by, transaction) = (Canceller::Payer, sound().1.first_transaction);
        assert_ladder(
            sound,
            &[
                (|scene| scene.0.pass(Span::days(7)), Refusal::SessionExpired),
                (
                    |scene| scene.2 = Some(Method::PromptPay),
                    Refusal::MethodNotOffered {
                        method: Method::PromptPay,
                    },
                ),
            ],
            |scene| decide(scene.2, snapshot(&scene.1, None), scene.0.env()).map(|_| ()),
        );
        for (state, refusal) in [
            (
                State::Cancelled { at: START, by },
                Refusal::SessionCancelled,
            ),
            (
                State::Completed {
                    at: START,
                    transaction,
                    payment_method: None,
                },
                Refusal::SessionCompleted,
            ),
        ] {
            let (desk, mut session, _) = sound();
            session.state = state;
            let method = Some(Method::PromptPay);
            let refused = decide(method, snapshot(&session, None), desk.env());
            assert_eq!(refused, Err(refusal));
        }
    }

    #[test]
    fn it_disturbs_no_payment() {
        let desk = Desk::new();
        let (session, live) = desk.waiting();
        let decided = decide(None, snapshot(&session, Some(&live)), desk.env()).unwrap();
        assert_eq!(decided, (None, session));
    }
}

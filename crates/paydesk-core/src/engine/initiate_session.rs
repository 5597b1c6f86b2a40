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

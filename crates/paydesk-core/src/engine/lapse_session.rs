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

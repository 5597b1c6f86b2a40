//! Idempotent requests: the same key and body get the first answer, byte for byte.
//!
//! A command of one commit stores its answer in it. A command that calls a rail claims the key as running
//! with its intent, and the commit of the outcome stores the answer; if the process died between the two, the
//! reconciler stores *which transaction* to answer with, so that a crash never leaves the key running.

use std::future::Future;
use std::sync::Arc;

use super::{Engine, EngineError};
use crate::refusal::Refusal;
use crate::store::{
    Change, Conflict, IdempotencyKey, IdempotencyRecord, IdempotencyWrite, StoredAnswer,
};
use crate::tenant::Tenant;
use crate::time::Timestamp;

/// A request that carries an idempotency key, and how its reply is written as an answer.
#[derive(Clone)]
pub struct Idempotent<R> {
    /// What it is known by.
    pub key: IdempotencyKey,
    /// SHA-256 of its body.
    pub body_hash: [u8; 32],
    /// Writes the reply as what is stored of it: the bytes that the caller gets.
    pub render: Arc<dyn Fn(&R) -> StoredAnswer + Send + Sync>,
}

impl<R> Idempotent<R> {
    /// The record of a request that is answered by this very change.
    #[must_use]
    pub fn answered(&self, reply: &R, wall: Timestamp) -> IdempotencyWrite {
        IdempotencyWrite::Claim(self.record((self.render)(reply), wall))
    }

    /// The record of a request whose outcome comes later.
    #[must_use]
    pub fn running(&self, wall: Timestamp) -> IdempotencyWrite {
        IdempotencyWrite::Claim(self.record(StoredAnswer::Running, wall))
    }

    /// The answer of a request that was running.
    #[must_use]
    pub fn finished(&self, reply: &R) -> IdempotencyWrite {
        IdempotencyWrite::Finish {
            key: self.key.clone(),
            answer: (self.render)(reply),
        }
    }

    fn record(&self, answer: StoredAnswer, created_at: Timestamp) -> IdempotencyRecord {
        IdempotencyRecord {
            key: self.key.clone(),
            body_hash: self.body_hash,
            answer,
            created_at,
        }
    }

    /// Why a request whose key became known while it ran cannot go on. The caller asks
    /// [`Engine::replay`] again, which has the answer by then or says that it is still running.
    #[must_use]
    pub fn refuse(&self, known: &IdempotencyRecord) -> Refusal {
        if known.body_hash == self.body_hash {
            Refusal::IdempotencyKeyInUse
        } else {
            Refusal::IdempotencyKeyReused
        }
    }
}

impl Engine {
    /// [`Engine::repeat`] for a command of one commit: with an idempotency key, the reply is stored as its answer in
    /// that commit, or in one of its own if there is nothing else to change.
    pub(super) async fn once<R, F, A>(
        &self,
        tenant: Tenant,
        idempotent: Option<&Idempotent<R>>,
        mut attempt: A,
    ) -> Result<R, EngineError>
    where
        A: FnMut(Option<Conflict>) -> F,
        F: Future<Output = Result<(Option<Change>, R), EngineError>>,
    {
        self.repeat(|conflict| {
            let known = match (&conflict, idempotent) {
                (Some(Conflict::Idempotency(known)), Some(idempotent)) => {
                    Some(idempotent.refuse(known))
                }
                _ => None,
            };
            let attempt = known.is_none().then(|| attempt(conflict));
            async move {
                let attempt = match (known, attempt) {
                    (Some(refusal), _) => return Err(refusal.into()),
                    (None, Some(attempt)) => attempt,
                    (None, None) => return Err(Refusal::IdempotencyKeyInUse.into()),
                };
                let (mut change, reply) = attempt.await?;
                if let Some(idempotent) = idempotent {
                    change
                        .get_or_insert_with(|| Change::new(tenant))
                        .idempotency = Some(idempotent.answered(&reply, self.wall()));
                }
                Ok((change, reply))
            }
        })
        .await
    }

    /// Stores the answer of a request that changed nothing of its own, or nothing that a second run would not find
    /// done: asking a rail, say. Whoever was first has its answer stored; the others are refused.
    pub async fn remember<R: Clone>(
        &self,
        tenant: Tenant,
        idempotent: Option<Idempotent<R>>,
        reply: R,
    ) -> Result<R, EngineError> {
        if idempotent.is_none() {
            return Ok(reply);
        }
        self.once(tenant, idempotent.as_ref(), |_| {
            let reply = reply.clone();
            async move { Ok((None, reply)) }
        })
        .await
    }

    /// The stored answer of a request that was sent before; nothing if it is new.
    ///
    /// Refuses the same key with another body, and a key whose first request is still running.
    pub async fn replay(
        &self,
        tenant: Tenant,
        key: &IdempotencyKey,
        body_hash: [u8; 32],
    ) -> Result<Option<StoredAnswer>, EngineError> {
        let Some(known) = self.store().idempotency(tenant, key).await? else {
            return Ok(None);
        };
        if known.body_hash != body_hash {
            return Err(Refusal::IdempotencyKeyReused.into());
        }
        match known.answer {
            StoredAnswer::Running => Err(Refusal::IdempotencyKeyInUse.into()),
            answer => Ok(Some(answer)),
        }
    }
}

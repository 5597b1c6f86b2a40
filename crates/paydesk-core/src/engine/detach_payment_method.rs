//! A stored card is let go: it can no longer be charged.

use super::idempotency::Idempotent;
use super::{Engine, EngineError, Env};
use crate::id::PaymentMethodId;
use crate::payment_method::PaymentMethod;
use crate::refusal::Refusal;
use crate::store::{Change, Record};
use crate::tenant::Tenant;

/// Decides what detaching does. Detaching twice changes nothing and is no mistake.
#[must_use]
pub fn decide(stored: PaymentMethod, env: Env<'_>) -> (Option<Change>, PaymentMethod) {
    let mut stored = stored;
    if stored.detached_at.is_some() {
        return (None, stored);
    }
    stored.detached_at = Some(env.now);
    stored.updated_at = env.now;
    stored.version += 1;
    let mut change = Change::new(stored.tenant);
    change.puts.push(Record::PaymentMethod(stored.clone()));
    (Some(change), stored)
}

impl Engine {
    /// Detaches a stored card.
    ///
    /// With an idempotency key, the answer that `idempotent` renders is stored in the same commit.
    pub async fn detach_payment_method(
        &self,
        tenant: Tenant,
        id: PaymentMethodId,
        idempotent: Option<Idempotent<PaymentMethod>>,
    ) -> Result<PaymentMethod, EngineError> {
        self.once(tenant, idempotent.as_ref(), |_| async move {
            let found = self.store().payment_method(tenant, id).await?;
            let stored = found.ok_or(Refusal::PaymentMethodNotFound)?;
            Ok(decide(stored, self.env(tenant)))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::time::Span;

    #[test]
    fn a_card_is_detached_once() {
        let mut desk = Desk::new();
        let (change, detached) = decide(desk.stored_card(), desk.env());
        assert_eq!((detached.version, detached.detached_at), (2, Some(START)));
        assert_eq!(
            change.unwrap().puts,
            [Record::PaymentMethod(detached.clone())]
        );
        desk.pass(Span::days(1));
        assert_eq!(decide(detached.clone(), desk.env()), (None, detached));
    }
}

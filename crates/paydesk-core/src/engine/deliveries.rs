//! Sends again what was sent, or given up: one delivery, or an event to everybody who hears of it now.

use super::idempotency::Idempotent;
use super::{Engine, EngineError, Env};
use crate::delivery::{Delivery, DeliveryState};
use crate::event::Event;
use crate::id::{DeliveryId, EventId};
use crate::refusal::Refusal;
use crate::store::{Change, Record};
use crate::tenant::Tenant;

/// Decides one more attempt, now; nothing if one is being made or due at this moment. It is in addition to the schedule:
/// if it fails, what is left of the schedule follows.
#[must_use]
pub fn decide_retry(delivery: &Delivery, env: Env<'_>) -> Option<Delivery> {
    match delivery.state {
        DeliveryState::Leased { until, .. } if env.wall < until => return None,
        DeliveryState::Due { at } if at <= env.wall => return None,
        _ => {}
    }
    Some(Delivery {
        version: delivery.version + 1,
        state: DeliveryState::Due { at: env.wall },
        updated_at: env.wall,
        ..delivery.clone()
    })
}

impl Engine {
    /// A delivery.
    pub async fn delivery(&self, tenant: Tenant, id: DeliveryId) -> Result<Delivery, EngineError> {
        let found = self.store().delivery(tenant, id).await?;
        Ok(found.ok_or(Refusal::DeliveryNotFound)?)
    }

    /// Has a delivery sent once more, now.
    ///
    /// With an idempotency key, the answer that `idempotent` renders is stored in the same commit.
    pub async fn retry_delivery(
        &self,
        tenant: Tenant,
        id: DeliveryId,
        idempotent: Option<Idempotent<Delivery>>,
    ) -> Result<Delivery, EngineError> {
        let delivery = self
            .once(tenant, idempotent.as_ref(), |_| async move {
                let before = self.delivery(tenant, id).await?;
                Ok(match decide_retry(&before, self.env(tenant)) {
                    Some(after) => {
                        let mut change = Change::new(tenant);
                        change.puts.push(Record::Delivery(after.clone()));
                        (Some(change), after)
                    }
                    None => (None, before),
                })
            })
            .await?;
        self.outbox().notify_one();
        Ok(delivery)
    }

    /// An event.
    pub async fn event(&self, tenant: Tenant, id: EventId) -> Result<Event, EngineError> {
        let found = self.store().event(tenant, id).await?;
        Ok(found.ok_or(Refusal::EventNotFound)?)
    }

    /// Has an event told once more, to everybody who hears of it now; under the same id, in deliveries of their own.
    ///
    /// With an idempotency key, the answer that `idempotent` renders is stored in the same commit.
    pub async fn replay_event(
        &self,
        tenant: Tenant,
        id: EventId,
        idempotent: Option<Idempotent<Event>>,
    ) -> Result<Event, EngineError> {
        let event = self.event(tenant, id).await?;
        let event = self
            .once(tenant, idempotent.as_ref(), |_| {
                let event = event.clone();
                async move {
                    let mut change = Change::new(tenant);
                    change.retold.push(id);
                    Ok((Some(change), event))
                }
            })
            .await?;
        self.outbox().notify_one();
        Ok(event)
    }
}

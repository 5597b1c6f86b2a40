//! A merchant moves its own test time, and what that time does happens.

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::idempotency::Idempotent;
use super::{Engine, EngineError, Env};
use crate::delivery::{Delivery, DeliveryState};
use crate::refusal::Refusal;
use crate::store::{Change, CommitError, Record, Unavailable};
use crate::tenant::{Mode, Tenant};
use crate::test_clock::{FURTHEST, TestClock};
use crate::time::{Span, Timestamp};

/// The longest single step.
const LONGEST: Span = Span::days(366);
/// How many sessions are taken up at once.
const BATCH: usize = 200;
/// How many deliveries are brought forward at the same time: they share the store's commits.
const AT_ONCE: usize = 16;

/// Decides where the clock stands after a step.
pub fn decide(
    tenant: Tenant,
    known: Option<&TestClock>,
    seconds: i64,
    env: Env<'_>,
) -> Result<(Change, TestClock), EngineError> {
    if tenant.mode != Mode::Test {
        return Err(Refusal::TestModeOnly.into());
    }
    let step = u32::try_from(seconds)
        .map(Span::seconds)
        .ok()
        .filter(|step| (Span::seconds(1)..=LONGEST).contains(step))
        .ok_or_else(|| {
            Refusal::field(
                "seconds",
                "is not a number of seconds from 1 to 366 days (31622400)",
            )
        })?;
    let (version, ahead) = match known {
        Some(clock) => (clock.version + 1, clock.ahead.plus(step)),
        None => (1, step),
    };
    if ahead > FURTHEST {
        return Err(Refusal::field(
            "seconds",
            "would bring test time more than 20 years ahead of the wall's",
        )
        .into());
    }
    let clock = TestClock {
        merchant: tenant.merchant,
        version,
        ahead,
        moved_at: env.wall,
        moving: Some(step),
    };
    let mut change = Change::new(tenant);
    change.puts.push(Record::entry(&clock)?);
    Ok((change, clock))
}

/// What the last step of the clock does to a delivery: it is due so much sooner. Both times run equally fast, so a moved
/// schedule is the schedule that the moved clock would have kept. Nothing if this step did so before, so that a pass
/// over all of them that was interrupted is made again.
#[must_use]
pub fn brought_forward(
    delivery: &Delivery,
    clock: &TestClock,
    wall: Timestamp,
) -> Option<Delivery> {
    let (DeliveryState::Due { at }, Some(step)) = (delivery.state, clock.moving) else {
        return None;
    };
    if delivery.ahead >= clock.ahead {
        return None;
    }
    Some(Delivery {
        version: delivery.version + 1,
        state: DeliveryState::Due {
            at: at.before(step),
        },
        ahead: clock.ahead,
        updated_at: wall,
        ..delivery.clone()
    })
}

impl Engine {
    /// The tenant's clock as it is stored; nothing if it was never moved.
    pub async fn test_clock(&self, tenant: Tenant) -> Result<Option<TestClock>, EngineError> {
        if tenant.mode != Mode::Test {
            return Err(Refusal::TestModeOnly.into());
        }
        let clock = self.store().find(tenant, tenant.merchant.0).await?;
        if let Some(TestClock {
            merchant, ahead, ..
        }) = clock
        {
            self.clocks.saw(merchant, ahead);
        }
        Ok(clock)
    }

    /// Moves the tenant's test time by so many seconds, and does what time then does to its sessions.
    ///
    /// With an idempotency key, the answer that `idempotent` renders is stored in the same commit.
    pub async fn advance_clock(
        &self,
        tenant: Tenant,
        seconds: i64,
        idempotent: Option<Idempotent<TestClock>>,
    ) -> Result<TestClock, EngineError> {
        let clock = self
            .once(tenant, idempotent.as_ref(), |_| async move {
                let mut known: Option<TestClock> =
                    self.store().find(tenant, tenant.merchant.0).await?;
                if let Some(moved) = known.as_ref().filter(|clock| clock.moving.is_some()) {
                    // Another step is not through, or its process is gone: that one comes first.
                    known = Some(self.finish_moving(moved).await?);
                }
                let (change, clock) = decide(tenant, known.as_ref(), seconds, self.env(tenant))?;
                Ok((Some(change), clock))
            })
            .await?;
        self.clocks.saw(clock.merchant, clock.ahead);
        crate::failpoint!("clock-moved");
        self.finish_moving(&clock).await?;
        while self.sweep_of(tenant).await? >= BATCH {}
        Ok(clock)
    }

    /// Brings all deliveries forward that the clock's last step has not reached, and writes down that it reached all.
    /// Several may be at it at once. Answers with the clock as it then is, if nobody moved it meanwhile.
    pub(super) async fn finish_moving(&self, clock: &TestClock) -> Result<TestClock, Unavailable> {
        self.bring_deliveries_forward(clock).await?;
        let finished = TestClock {
            version: clock.version + 1,
            moving: None,
            ..clock.clone()
        };
        let mut change = Change::new(TestClock::tenant_of(clock.merchant));
        change.puts.push(Record::entry(&finished)?);
        match self.store().commit(change).await {
            // Somebody else has written it down.
            Ok(()) | Err(CommitError::Conflict(_)) => Ok(finished),
            Err(CommitError::Unavailable(error)) => Err(error),
        }
    }

    /// Writes down what time has done to a tenant's sessions. Answers to how many.
    pub(super) async fn sweep_of(&self, tenant: Tenant) -> Result<usize, Unavailable> {
        let due = self
            .store()
            .due_sessions_of(tenant, self.now(tenant), BATCH)
            .await?;
        let due = due.into_iter().map(|session| (tenant, session));
        Ok(self.lapse(due.collect()).await)
    }

    async fn bring_deliveries_forward(&self, clock: &TestClock) -> Result<(), Unavailable> {
        let tenant = TestClock::tenant_of(clock.merchant);
        let waiting = self
            .store()
            .due_deliveries_of(tenant, Timestamp::FAR_FUTURE, usize::MAX)
            .await?;
        let wall = self.wall();
        let sooner: Vec<Delivery> = waiting
            .into_iter()
            .filter_map(|delivery| brought_forward(&delivery, clock, wall))
            .collect();
        stream::iter(sooner)
            .map(|sooner| async move {
                let mut change = Change::new(tenant);
                change.puts.push(Record::Delivery(sooner));
                match self.store().commit(change).await {
                    // A worker has just taken it: it is being sent now.
                    Ok(()) | Err(CommitError::Conflict(_)) => {}
                    Err(CommitError::Unavailable(error)) => return Err(error),
                }
                crate::failpoint!("delivery-brought-forward");
                Ok(())
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::delivery::Receiver;
    use crate::id::{DeliveryId, EventId, SessionId};

    fn tenant(mode: Mode) -> Tenant {
        let Desk { tenant, .. } = Desk::new();
        Tenant { mode, ..tenant }
    }

    #[test]
    fn steps_add_up() {
        let desk = Desk::new();
        let (_, first) = decide(tenant(Mode::Test), None, 60, desk.env()).unwrap();
        assert_eq!((first.version, first.ahead), (1, Span::minutes(1)));
        let (_, second) = decide(tenant(Mode::Test), Some(&first), 3_600, desk.env()).unwrap();
        assert_eq!((second.version, second.ahead), (2, Span::minutes(61)));
    }

    #[test]
    fn each_step_brings_a_delivery_forward_once() {
        let desk = Desk::new();
        let tenant = tenant(Mode::Test);
        let at = desk.now.after(Span::hours(5));
        let delivery = Delivery {
            id: DeliveryId::fresh(&desk.ids, desk.now),
            tenant,
            version: 3,
            event: EventId::fresh(&desk.ids, desk.now),
            receiver: Receiver::Notify(SessionId::fresh(&desk.ids, desk.now)),
            url: "https://shop.example/hook".into(),
            body: "{}".into(),
            state: DeliveryState::Due { at },
            attempts: 2,
            last: None,
            ahead: Span::NONE,
            created_at: desk.now,
            updated_at: desk.now,
        };
        let (_, clock) = decide(tenant, None, 3_600, desk.env()).unwrap();
        let once = brought_forward(&delivery, &clock, desk.now).unwrap();
        let sooner = DeliveryState::Due {
            at: at.before(Span::hours(1)),
        };
        assert_eq!((once.version, once.state), (4, sooner));
        assert_eq!(brought_forward(&once, &clock, desk.now), None);
        // The next step does so again, and by itself alone, also to one that was made after the first.
        let (_, clock) = decide(tenant, Some(&clock), 1_800, desk.env()).unwrap();
        for (before, hours) in [(&once, 1), (&delivery, 0)] {
            let twice = brought_forward(before, &clock, desk.now).unwrap();
            let at = at.before(Span::hours(hours)).before(Span::minutes(30));
            assert_eq!(twice.state, DeliveryState::Due { at });
        }
        // What a worker has, or is over, has no time that could come sooner.
        for state in [
            DeliveryState::Delivered { at },
            DeliveryState::GivenUp { at },
        ] {
            let other = Delivery {
                state,
                ..delivery.clone()
            };
            assert_eq!(brought_forward(&other, &clock, desk.now), None);
        }
    }

    #[test]
    fn live_time_is_not_moved() {
        let desk = Desk::new();
        let refused = decide(tenant(Mode::Live), None, 60, desk.env()).unwrap_err();
        assert!(matches!(
            refused,
            EngineError::Refused(Refusal::TestModeOnly)
        ));
    }

    #[test]
    fn a_step_goes_forward_and_not_too_far() {
        let desk = Desk::new();
        for seconds in [0, -1, 366 * 86_400 + 1, i64::MAX, i64::MIN] {
            let refused = decide(tenant(Mode::Test), None, seconds, desk.env()).unwrap_err();
            assert!(
                matches!(&refused, EngineError::Refused(Refusal::InvalidField { field, .. }) if field == "seconds"),
                "{seconds}: {refused}"
            );
        }
        let far = TestClock {
            merchant: tenant(Mode::Test).merchant,
            version: 7,
            ahead: FURTHEST,
            moved_at: desk.now,
            moving: None,
        };
        assert!(decide(tenant(Mode::Test), Some(&far), 1, desk.env()).is_err());
    }
}

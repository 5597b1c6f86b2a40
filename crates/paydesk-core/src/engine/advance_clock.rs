//! A merchant moves its own test time, and what that time does happens.

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
/// How many deliveries or sessions are taken up at once.
const BATCH: usize = 200;

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
    };
    let mut change = Change::new(tenant);
    change.puts.push(Record::entry(&clock)?);
    Ok((change, clock))
}

/// What a step of the clock does to a delivery: it is due so much sooner. Both times run equally fast, so a moved
/// schedule is the schedule that the moved clock would have kept.
#[must_use]
pub fn brought_forward(delivery: &Delivery, step: Span, wall: Timestamp) -> Option<Delivery> {
    let DeliveryState::Due { at } = delivery.state else {
        return None;
    };
    Some(Delivery {
        version: delivery.version + 1,
        state: DeliveryState::Due {
            at: at.before(step),
        },
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
                let known: Option<TestClock> = self.store().find(tenant, tenant.merchant.0).await?;
                let (change, clock) = decide(tenant, known.as_ref(), seconds, self.env(tenant))?;
                Ok((Some(change), clock))
            })
            .await?;
        self.clocks.saw(clock.merchant, clock.ahead);
        let step = Span::seconds(u32::try_from(seconds).unwrap_or(0));
        self.bring_deliveries_forward(tenant, step).await?;
        while self.sweep_of(tenant).await? >= BATCH {}
        Ok(clock)
    }

    /// Writes down what time has done to a tenant's sessions. Answers to how many.
    pub(super) async fn sweep_of(&self, tenant: Tenant) -> Result<usize, Unavailable> {
        let due = self
            .store()
            .due_sessions_of(tenant, self.now(tenant), BATCH)
            .await?;
        let mut swept = 0;
        for session in due {
            match self.lapse_session(tenant, session).await {
                Ok(_) => swept += 1,
                Err(error) => {
                    tracing::warn!(%error, %session, "a session could not be swept; it is tried again");
                }
            }
        }
        Ok(swept)
    }

    async fn bring_deliveries_forward(
        &self,
        tenant: Tenant,
        step: Span,
    ) -> Result<(), Unavailable> {
        let waiting = self
            .store()
            .due_deliveries_of(tenant, Timestamp::FAR_FUTURE, usize::MAX)
            .await?;
        for delivery in waiting {
            let Some(sooner) = brought_forward(&delivery, step, self.wall()) else {
                continue;
            };
            let mut change = Change::new(tenant);
            change.puts.push(Record::Delivery(sooner));
            match self.store().commit(change).await {
                // A worker has just taken it: it is being sent now.
                Ok(()) | Err(CommitError::Conflict(_)) => {}
                Err(CommitError::Unavailable(error)) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;

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
        };
        assert!(decide(tenant(Mode::Test), Some(&far), 1, desk.env()).is_err());
    }
}

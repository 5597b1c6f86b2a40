//! Who may send now: a bound overall, one per tenant and one per receiver, so that a receiver that is slow,
//! dead or flooded fills its own lane and nobody else's.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use paydesk_core::delivery::Delivery;
use paydesk_core::tenant::Tenant;
use url::{Position, Url};

/// How many attempts may be under way at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// In all.
    pub overall: usize,
    /// To one tenant's receivers: a merchant with a thousand dead hosts is still one merchant.
    pub per_tenant: usize,
    /// To one receiver that answers; one that does not gets one at a time until it answers again.
    pub per_receiver: usize,
}

/// A tenant's deliveries to one scheme, host and port.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Receiver {
    tenant: Tenant,
    origin: String,
}

impl Receiver {
    /// Of this delivery.
    pub fn of(delivery: &Delivery) -> Self {
        let origin = Url::parse(&delivery.url).map_or_else(
            |_| delivery.url.clone(),
            |url| url[..Position::BeforePath].to_owned(),
        );
        Self {
            tenant: delivery.tenant,
            origin,
        }
    }
}

/// What an attempt said of its receiver.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Health {
    /// Whether it took the message.
    pub took: bool,
    /// How long one delivery to it takes, our own commits included.
    pub latency: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Lane {
    under_way: usize,
    health: Health,
    /// Until when those who wait have been given turns.
    booked: Option<Instant>,
}

impl Lane {
    const NEW: Self = Self {
        under_way: 0,
        booked: None,
        health: Health {
            took: true,
            latency: Duration::from_millis(100),
        },
    };
}

/// Whether an attempt may begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// It has begun.
    Entered,
    /// Too many to this receiver, or of this tenant.
    Busy,
    /// Too many in all.
    Full,
}

/// What is remembered of receivers that have nothing under way: that they did not answer.
const REMEMBERED: usize = 4_096;
/// A waiting delivery is looked at again at least this often.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The attempts that are under way.
#[derive(Debug)]
pub struct Lanes {
    bounds: Bounds,
    under_way: usize,
    tenants: HashMap<Tenant, usize>,
    receivers: HashMap<Receiver, Lane>,
}

impl Lanes {
    /// None under way.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            under_way: 0,
            tenants: HashMap::new(),
            receivers: HashMap::new(),
        }
    }

    const fn width(&self, lane: &Lane) -> usize {
        if lane.health.took {
            self.bounds.per_receiver
        } else {
            1
        }
    }

    /// Begins an attempt, if there is room.
    pub fn enter(&mut self, receiver: &Receiver) -> Entry {
        if self.under_way >= self.bounds.overall {
            return Entry::Full;
        }
        let of_tenant = self.tenants.get(&receiver.tenant).copied().unwrap_or(0);
        let mut lane = self.receivers.get(receiver).copied().unwrap_or(Lane::NEW);
        if of_tenant >= self.bounds.per_tenant || lane.under_way >= self.width(&lane) {
            return Entry::Busy;
        }
        self.under_way += 1;
        self.tenants.insert(receiver.tenant, of_tenant + 1);
        lane.under_way += 1;
        self.receivers.insert(receiver.clone(), lane);
        Entry::Entered
    }

    /// Ends an attempt; `health` if there was one, and not only the wish to make one.
    pub fn leave(&mut self, receiver: &Receiver, health: Option<Health>) {
        self.under_way = self.under_way.saturating_sub(1);
        if let Some(of_tenant) = self.tenants.get_mut(&receiver.tenant) {
            *of_tenant -= 1;
            if *of_tenant == 0 {
                self.tenants.remove(&receiver.tenant);
            }
        }
        if let Some(lane) = self.receivers.get_mut(receiver) {
            lane.under_way -= 1;
            lane.health = health.unwrap_or(lane.health);
            if lane.under_way == 0 && lane.health.took {
                self.receivers.remove(receiver);
            }
        }
        if self.receivers.len() > self.bounds.overall + REMEMBERED {
            self.receivers.retain(|_, lane| lane.under_way > 0);
        }
    }

    /// One more waits for this receiver: how long until its turn, going by how fast the receiver is and how
    /// many were given a turn before.
    pub fn wait(&mut self, receiver: &Receiver, now: Instant) -> Duration {
        let width = self
            .receivers
            .get(receiver)
            .map_or(1, |lane| self.width(lane));
        let lane = self.receivers.entry(receiver.clone()).or_insert(Lane::NEW);
        let width = u32::try_from(width.max(1)).unwrap_or(u32::MAX);
        let free = lane.booked.unwrap_or(now).max(now);
        let turn = (free + lane.health.latency / width).min(now + LONGEST_WAIT);
        lane.booked = Some(turn);
        turn - now
    }
}

#[cfg(test)]
mod tests {
    use paydesk_core::id::{Ids as _, MerchantId, SeededIds};
    use paydesk_core::tenant::Mode;
    use paydesk_core::time::Timestamp;

    use super::*;

    const BOUNDS: Bounds = Bounds {
        overall: 6,
        per_tenant: 4,
        per_receiver: 3,
    };

    fn receivers() -> impl FnMut(u64, &str) -> Receiver {
        |merchant, host| Receiver {
            tenant: Tenant {
                merchant: MerchantId(SeededIds::new(merchant).uuid(Timestamp::EPOCH)),
                mode: Mode::Test,
            },
            origin: format!("https://{host}"),
        }
    }

    const ANSWERED: Health = Health {
        took: true,
        latency: Duration::from_millis(60),
    };
    const DEAD: Health = Health {
        took: false,
        latency: Duration::from_secs(10),
    };

    #[test]
    fn a_receiver_a_tenant_and_all_together_are_bounded() {
        let mut of = receivers();
        let mut lanes = Lanes::new(BOUNDS);
        for _ in 0..3 {
            assert_eq!(lanes.enter(&of(1, "a")), Entry::Entered);
        }
        assert_eq!(
            lanes.enter(&of(1, "a")),
            Entry::Busy,
            "the receiver's bound"
        );
        assert_eq!(lanes.enter(&of(1, "b")), Entry::Entered);
        assert_eq!(lanes.enter(&of(1, "c")), Entry::Busy, "the tenant's bound");
        assert_eq!(
            lanes.enter(&of(2, "a")),
            Entry::Entered,
            "another tenant's lane to the same host"
        );
        assert_eq!(lanes.enter(&of(2, "a")), Entry::Entered);
        assert_eq!(lanes.enter(&of(3, "x")), Entry::Full);
        lanes.leave(&of(1, "a"), Some(ANSWERED));
        assert_eq!(lanes.enter(&of(3, "x")), Entry::Entered);
        for receiver in [
            of(1, "a"),
            of(1, "a"),
            of(1, "b"),
            of(2, "a"),
            of(2, "a"),
            of(3, "x"),
        ] {
            lanes.leave(&receiver, Some(ANSWERED));
        }
        assert_eq!(lanes.under_way, 0);
        assert!(
            lanes.tenants.is_empty() && lanes.receivers.is_empty(),
            "nothing is left behind"
        );
    }

    #[test]
    fn a_receiver_that_does_not_answer_gets_one_at_a_time_until_it_does() {
        let mut of = receivers();
        let mut lanes = Lanes::new(BOUNDS);
        assert_eq!(lanes.enter(&of(1, "a")), Entry::Entered);
        lanes.leave(&of(1, "a"), Some(DEAD));
        assert_eq!(lanes.enter(&of(1, "a")), Entry::Entered);
        assert_eq!(lanes.enter(&of(1, "a")), Entry::Busy);
        lanes.leave(&of(1, "a"), None);
        assert_eq!(
            lanes.enter(&of(1, "a")),
            Entry::Entered,
            "no attempt, nothing learnt"
        );
        assert_eq!(lanes.enter(&of(1, "a")), Entry::Busy);
        lanes.leave(&of(1, "a"), Some(ANSWERED));
        for _ in 0..3 {
            assert_eq!(lanes.enter(&of(1, "a")), Entry::Entered);
        }
    }

    #[test]
    fn who_waits_is_given_a_turn_by_how_fast_the_receiver_is() {
        let mut of = receivers();
        let mut lanes = Lanes::new(BOUNDS);
        let (quick, dead) = (of(1, "quick"), of(1, "dead"));
        for (receiver, health) in [(&quick, ANSWERED), (&dead, DEAD)] {
            lanes.enter(receiver);
            lanes.enter(receiver);
            lanes.leave(receiver, Some(health));
        }
        let now = Instant::now();
        let turns: Vec<u128> = (0..6)
            .map(|_| lanes.wait(&quick, now).as_millis())
            .collect();
        assert_eq!(
            turns,
            [20, 40, 60, 80, 100, 120],
            "three at a time, 60 ms each"
        );
        let turns: Vec<u64> = (0..8).map(|_| lanes.wait(&dead, now).as_secs()).collect();
        assert_eq!(turns, [10, 20, 30, 40, 50, 60, 60, 60]);
        let later = now + Duration::from_secs(1);
        assert_eq!(
            lanes.wait(&quick, later).as_millis(),
            20,
            "its turns are over"
        );
        assert_eq!(lanes.wait(&dead, later).as_secs(), 60);
    }

    #[test]
    fn dead_receivers_are_not_remembered_without_end() {
        let mut of = receivers();
        let mut lanes = Lanes::new(BOUNDS);
        for n in 0..3 * REMEMBERED {
            let receiver = of(1, &n.to_string());
            assert_eq!(lanes.enter(&receiver), Entry::Entered);
            lanes.leave(&receiver, Some(DEAD));
        }
        assert!(lanes.receivers.len() <= BOUNDS.overall + REMEMBERED);
    }
}

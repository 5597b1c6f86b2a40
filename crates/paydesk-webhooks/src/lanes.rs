//! Who may send now: a bound overall, one per tenant and one per receiver, so that a receiver that is slow,
//! dead or flooded fills its own lane and nobody else's.

use std::collections::HashMap;

use paydesk_core::delivery::{self, Delivery};
use paydesk_core::id::EndpointId;
use paydesk_core::tenant::Tenant;
use url::{Position, Url};

/// How many attempts may be under way at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// In all. Receivers that do not answer have at most half of them: each holds its place until its time is over, and
    /// those of very many merchants must leave room for the others.
    pub overall: usize,
    /// To one tenant's receivers: a merchant with a thousand dead hosts is still one merchant.
    pub per_tenant: usize,
    /// To one receiver that answers; one that does not gets one at a time until it answers again.
    pub per_receiver: usize,
}

/// Who shares a lane: a tenant's deliveries to one of its endpoints, or to one scheme, host and port.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Receiver {
    tenant: Tenant,
    whom: Whom,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Whom {
    /// One of two on the same host may be dead.
    Endpoint(EndpointId),
    /// Any number of notify addresses.
    Origin(String),
}

impl Receiver {
    /// Of this delivery.
    pub fn of(delivery: &Delivery) -> Self {
        let whom = match delivery.receiver {
            delivery::Receiver::Endpoint(id) => Whom::Endpoint(id),
            delivery::Receiver::Notify(_) => Whom::Origin(Url::parse(&delivery.url).map_or_else(
                |_| delivery.url.clone(),
                |url| url[..Position::BeforePath].to_owned(),
            )),
        };
        Self {
            tenant: delivery.tenant,
            whom,
        }
    }

    /// Whether it may always have one attempt under way: a tenant has few endpoints, and none waits for another.
    const fn is_endpoint(&self) -> bool {
        matches!(self.whom, Whom::Endpoint(_))
    }
}

#[derive(Clone, Copy, Debug)]
struct Lane {
    under_way: usize,
    /// Whether the receiver took the last message.
    answers: bool,
}

impl Lane {
    const NEW: Self = Self {
        under_way: 0,
        answers: true,
    };

    /// How many are under way to a receiver that does not answer.
    const fn unanswered(self) -> usize {
        if self.answers { 0 } else { self.under_way }
    }
}

/// Whether an attempt may begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// It has begun.
    Entered,
    /// Too many to this receiver, of this tenant, or to receivers that do not answer.
    Busy,
    /// Too many in all.
    Full,
}

/// What is remembered of receivers that have nothing under way: that they did not answer.
const REMEMBERED: usize = 4_096;
/// The attempts that are under way.
#[derive(Debug)]
pub struct Lanes {
    bounds: Bounds,
    under_way: usize,
    /// Of them, those to receivers that do not answer.
    unanswered: usize,
    tenants: HashMap<Tenant, usize>,
    receivers: HashMap<Receiver, Lane>,
}

impl Lanes {
    /// None under way.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            under_way: 0,
            unanswered: 0,
            tenants: HashMap::new(),
            receivers: HashMap::new(),
        }
    }

    const fn width(&self, lane: &Lane) -> usize {
        if lane.answers {
            self.bounds.per_receiver
        } else {
            1
        }
    }

    /// Whether a receiver took the last message that it was sent, as far as is known.
    pub fn answers(&self, receiver: &Receiver) -> bool {
        self.receivers.get(receiver).is_none_or(|lane| lane.answers)
    }

    /// Begins an attempt, if there is room.
    pub fn enter(&mut self, receiver: &Receiver) -> Entry {
        if self.under_way >= self.bounds.overall {
            return Entry::Full;
        }
        let of_tenant = self.tenants.get(&receiver.tenant).copied().unwrap_or(0);
        let mut lane = self.receivers.get(receiver).copied().unwrap_or(Lane::NEW);
        let is_first_of_endpoint = receiver.is_endpoint() && lane.under_way == 0;
        if (of_tenant >= self.bounds.per_tenant && !is_first_of_endpoint)
            || lane.under_way >= self.width(&lane)
            || (!lane.answers && self.unanswered >= self.bounds.overall.div_ceil(2))
        {
            return Entry::Busy;
        }
        self.under_way += 1;
        self.tenants.insert(receiver.tenant, of_tenant + 1);
        self.unanswered -= lane.unanswered();
        lane.under_way += 1;
        self.unanswered += lane.unanswered();
        self.receivers.insert(receiver.clone(), lane);
        Entry::Entered
    }

    /// Ends an attempt: whether the receiver took the message, if one was sent.
    pub fn leave(&mut self, receiver: &Receiver, took: Option<bool>) {
        self.under_way = self.under_way.saturating_sub(1);
        if let Some(of_tenant) = self.tenants.get_mut(&receiver.tenant) {
            *of_tenant -= 1;
            if *of_tenant == 0 {
                self.tenants.remove(&receiver.tenant);
            }
        }
        if let Some(lane) = self.receivers.get_mut(receiver) {
            self.unanswered -= lane.unanswered();
            lane.under_way -= 1;
            lane.answers = took.unwrap_or(lane.answers);
            self.unanswered += lane.unanswered();
            if lane.under_way == 0 && lane.answers {
                self.receivers.remove(receiver);
            }
        }
        if self.receivers.len() > self.bounds.overall + REMEMBERED {
            self.receivers.retain(|_, lane| lane.under_way > 0);
        }
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
            whom: Whom::Origin(format!("https://{host}")),
        }
    }

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
        lanes.leave(&of(1, "a"), Some(true));
        assert_eq!(lanes.enter(&of(3, "x")), Entry::Entered);
        for receiver in [
            of(1, "a"),
            of(1, "a"),
            of(1, "b"),
            of(2, "a"),
            of(2, "a"),
            of(3, "x"),
        ] {
            lanes.leave(&receiver, Some(true));
        }
        assert_eq!((lanes.under_way, lanes.unanswered), (0, 0));
        assert!(
            lanes.tenants.is_empty() && lanes.receivers.is_empty(),
            "nothing is left behind"
        );
    }

    #[test]
    fn an_endpoint_has_an_attempt_whatever_the_tenants_others_have() {
        let mut of = receivers();
        let mut lanes = Lanes::new(BOUNDS);
        for host in ["a", "b", "c", "d"] {
            assert_eq!(lanes.enter(&of(1, host)), Entry::Entered);
        }
        let endpoint = |n: u128| Receiver {
            whom: Whom::Endpoint(EndpointId(uuid::Uuid::from_u128(n))),
            ..receivers()(1, "")
        };
        assert_eq!(lanes.enter(&endpoint(1)), Entry::Entered);
        assert_eq!(lanes.enter(&endpoint(1)), Entry::Busy, "but one only");
        assert_eq!(lanes.enter(&endpoint(2)), Entry::Entered);
        assert_eq!(lanes.enter(&endpoint(3)), Entry::Full);
    }

    #[test]
    fn a_receiver_that_does_not_answer_gets_one_at_a_time_until_it_does() {
        let mut of = receivers();
        let mut lanes = Lanes::new(BOUNDS);
        assert_eq!(lanes.enter(&of(1, "a")), Entry::Entered);
        lanes.leave(&of(1, "a"), Some(false));
        assert_eq!(lanes.enter(&of(1, "a")), Entry::Entered);
        assert_eq!(lanes.enter(&of(1, "a")), Entry::Busy);
        lanes.leave(&of(1, "a"), None);
        assert_eq!(
            lanes.enter(&of(1, "a")),
            Entry::Entered,
            "no attempt, nothing learnt"
        );
        assert_eq!(lanes.enter(&of(1, "a")), Entry::Busy);
        lanes.leave(&of(1, "a"), Some(true));
        for _ in 0..3 {
            assert_eq!(lanes.enter(&of(1, "a")), Entry::Entered);
        }
    }

    #[test]
    fn receivers_that_do_not_answer_have_half_of_the_places_whosever_they_are() {
        let mut of = receivers();
        let mut lanes = Lanes::new(BOUNDS);
        for merchant in 1..=6 {
            assert_eq!(lanes.enter(&of(merchant, "dead")), Entry::Entered);
        }
        // All of them were new: nobody could know. Then they are known.
        for merchant in 1..=6 {
            lanes.leave(&of(merchant, "dead"), Some(false));
        }
        for merchant in 1..=3 {
            assert_eq!(lanes.enter(&of(merchant, "dead")), Entry::Entered);
        }
        assert_eq!(lanes.enter(&of(4, "dead")), Entry::Busy);
        for _ in 0..3 {
            assert_eq!(lanes.enter(&of(7, "alive")), Entry::Entered);
        }
        assert_eq!(lanes.enter(&of(8, "alive")), Entry::Full);
        lanes.leave(&of(1, "dead"), Some(false));
        assert_eq!(lanes.enter(&of(4, "dead")), Entry::Entered);
        // One that answers again is counted with those that do.
        lanes.leave(&of(2, "dead"), Some(true));
        assert_eq!(lanes.unanswered, 2);
        assert_eq!(lanes.enter(&of(2, "dead")), Entry::Entered);
        assert_eq!(lanes.unanswered, 2);
    }

    #[test]
    fn dead_receivers_are_not_remembered_without_end() {
        let mut of = receivers();
        let mut lanes = Lanes::new(BOUNDS);
        for n in 0..3 * REMEMBERED {
            let receiver = of(1, &n.to_string());
            assert_eq!(lanes.enter(&receiver), Entry::Entered);
            lanes.leave(&receiver, Some(false));
        }
        assert!(lanes.receivers.len() <= BOUNDS.overall + REMEMBERED);
    }
}

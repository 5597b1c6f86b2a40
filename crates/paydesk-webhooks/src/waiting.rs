//! Who waits: deliveries that are due and whose receiver or tenant has as many under way as it may have.

use std::collections::{BTreeMap, HashMap, VecDeque};

use paydesk_core::delivery::Delivery;
use paydesk_core::id::DeliveryId;

use crate::lanes::{Entry, Lanes, Receiver};

/// A delivery that waits.
#[derive(Clone, Debug)]
struct Waiter {
    delivery: Delivery,
    /// Whether it is leased to us for waiting, so that nobody finds it due. If not it is found again.
    held: bool,
}

/// Deliveries by receiver, oldest first; receivers take turns.
#[derive(Debug, Default)]
pub struct Waiting {
    by_receiver: HashMap<Receiver, BTreeMap<DeliveryId, Waiter>>,
    /// Each receiver that somebody waits for, once.
    turns: VecDeque<Receiver>,
    count: usize,
}

impl Waiting {
    /// How many wait.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// How many wait for one receiver.
    pub fn of(&self, receiver: &Receiver) -> usize {
        self.by_receiver.get(receiver).map_or(0, BTreeMap::len)
    }

    /// One more waits, or the same at a later version.
    pub fn add(&mut self, receiver: Receiver, delivery: Delivery, held: bool) {
        let waiters = self.by_receiver.entry(receiver.clone()).or_insert_with(|| {
            self.turns.push_back(receiver);
            BTreeMap::new()
        });
        if waiters
            .insert(delivery.id, Waiter { delivery, held })
            .is_none()
        {
            self.count += 1;
        }
    }

    /// Takes out the next that may begin now, and begins it.
    pub fn next(&mut self, lanes: &mut Lanes) -> Option<(Receiver, Delivery)> {
        for _ in 0..self.turns.len() {
            let receiver = self.turns.pop_front()?;
            match lanes.enter(&receiver) {
                Entry::Entered => {}
                Entry::Busy => {
                    self.turns.push_back(receiver);
                    continue;
                }
                Entry::Full => {
                    self.turns.push_front(receiver);
                    return None;
                }
            }
            let waiters = self.by_receiver.get_mut(&receiver);
            let first = waiters.and_then(BTreeMap::pop_first);
            if self
                .by_receiver
                .get(&receiver)
                .is_some_and(|waiters| !waiters.is_empty())
            {
                self.turns.push_back(receiver.clone());
            } else {
                self.by_receiver.remove(&receiver);
            }
            match first {
                Some((_, waiter)) => {
                    self.count -= 1;
                    return Some((receiver, waiter.delivery));
                }
                // Not reachable: a receiver that nobody waits for has no turn.
                None => lanes.leave(&receiver, None),
            }
        }
        None
    }

    /// Takes out all that are not held (or all that are).
    pub fn take(&mut self, held: bool) -> Vec<Delivery> {
        let mut taken = Vec::new();
        for waiters in self.by_receiver.values_mut() {
            waiters.retain(|_, waiter| {
                let take = waiter.held == held;
                if take {
                    taken.push(waiter.delivery.clone());
                }
                !take
            });
        }
        self.by_receiver.retain(|_, waiters| !waiters.is_empty());
        self.turns
            .retain(|receiver| self.by_receiver.contains_key(receiver));
        self.count -= taken.len();
        taken
    }
}

#[cfg(test)]
mod tests {
    use paydesk_core::delivery::{DeliveryState, Receiver as Told};
    use paydesk_core::id::{EventId, MerchantId, SeededIds, SessionId};
    use paydesk_core::tenant::{Mode, Tenant};
    use paydesk_core::time::{Span, Timestamp};

    use super::*;
    use crate::lanes::Bounds;

    fn delivery(n: i64, host: &str) -> Delivery {
        let at = Timestamp::from_millis(1_700_000_000_000 + n);
        let ids = SeededIds::new(5);
        Delivery {
            id: DeliveryId::fresh(&ids, at),
            tenant: Tenant {
                merchant: MerchantId::fresh(&SeededIds::new(1), Timestamp::EPOCH),
                mode: Mode::Test,
            },
            version: 1,
            event: EventId::fresh(&ids, at),
            receiver: Told::Notify(SessionId::fresh(&ids, at)),
            url: format!("https://{host}/{n}"),
            body: n.to_string(),
            state: DeliveryState::Due { at },
            attempts: 0,
            last: None,
            ahead: Span::NONE,
            created_at: at,
            updated_at: at,
        }
    }

    fn add(waiting: &mut Waiting, delivery: &Delivery, held: bool) {
        waiting.add(Receiver::of(delivery), delivery.clone(), held);
    }

    fn lanes(overall: usize, per_receiver: usize) -> Lanes {
        Lanes::new(Bounds {
            overall,
            per_tenant: overall,
            per_receiver,
        })
    }

    #[test]
    fn receivers_take_turns_and_each_is_told_in_order() {
        let mut waiting = Waiting::default();
        for n in [3, 1, 2] {
            add(&mut waiting, &delivery(n, "a"), false);
        }
        for n in [5, 4] {
            add(&mut waiting, &delivery(n, "b"), true);
        }
        let mut lanes = lanes(10, 10);
        let order: Vec<String> = std::iter::from_fn(|| waiting.next(&mut lanes))
            .map(|(_, delivery)| delivery.body)
            .collect();
        assert_eq!(order, ["1", "4", "2", "5", "3"]);
        assert_eq!(waiting.len(), 0);
        assert!(waiting.by_receiver.is_empty() && waiting.turns.is_empty());
    }

    #[test]
    fn a_busy_receiver_is_passed_over_and_a_full_house_passes_nobody() {
        let mut waiting = Waiting::default();
        for n in 0..4 {
            add(&mut waiting, &delivery(n, "a"), false);
        }
        add(&mut waiting, &delivery(9, "b"), false);
        let mut lanes = lanes(2, 1);
        let (a, first) = waiting.next(&mut lanes).unwrap();
        assert_eq!(first.body, "0");
        let (b, second) = waiting.next(&mut lanes).unwrap();
        assert_eq!(second.body, "9");
        assert!(waiting.next(&mut lanes).is_none(), "full");
        lanes.leave(&b, Some(true));
        assert!(
            waiting.next(&mut lanes).is_none(),
            "a is busy, and nobody waits for b"
        );
        lanes.leave(&a, Some(true));
        assert_eq!(waiting.next(&mut lanes).unwrap().1.body, "1");
        assert_eq!(waiting.len(), 2);
    }

    #[test]
    fn a_later_version_takes_the_place_of_an_earlier() {
        let mut waiting = Waiting::default();
        let mut again = delivery(1, "a");
        add(&mut waiting, &again, true);
        again.version = 2;
        add(&mut waiting, &again, false);
        assert_eq!(waiting.len(), 1);
        assert!(waiting.take(true).is_empty());
        assert_eq!(waiting.take(false)[0].version, 2);
        assert_eq!(waiting.len(), 0);
        assert!(waiting.next(&mut lanes(1, 1)).is_none());
    }
}

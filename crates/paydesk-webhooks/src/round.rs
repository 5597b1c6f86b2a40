//! The attempts of one worker: those under way, and those that wait for them.
//!
//! A receiver with a long queue must not hide others. What is due is read most overdue first, a page at a
//! time; when a whole page is due, those of it that must wait are leased to wait here, which takes them out of
//! sight, and the next page is read.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use paydesk_core::delivery::{Delivery, DeliveryState};
use paydesk_core::id::DeliveryId;
use paydesk_core::store::{Change, CommitError, Record, Unavailable};
use paydesk_core::tenant::Tenant;
use paydesk_core::time::{Span, Timestamp};
use tokio::task::{self, JoinError, JoinSet};

use crate::courier::{Courier, Landed};
use crate::lanes::{Bounds, Lanes, Receiver};
use crate::waiting::Waiting;
use crate::worker::Settings;

/// How long a delivery is leased to wait, or put off where too many wait already. If the worker dies, that is
/// how long it takes until another sees what waited here.
const A_MINUTE: Span = Span::seconds(60);
/// How many deliveries may wait here for one receiver that answers; it will soon be through with them.
const ROOM: usize = 4_096;
/// How many may wait for one that does not.
const ROOM_FOR_THE_DEAD: usize = 64;
/// How many may wait in all.
const ROOM_FOR_ALL: usize = 16_384;

/// How many of them are written in one commit: if somebody else was faster with one, the others of its batch
/// are read once more.
const BATCH: usize = 128;

/// One attempt under way.
struct Flight {
    delivery: DeliveryId,
    receiver: Receiver,
}

/// The attempts of one worker. Dropping it ends them.
pub struct Round {
    courier: Arc<Courier>,
    lanes: Lanes,
    waiting: Waiting,
    /// How many deliveries are read at a time.
    page: usize,
    /// The attempts.
    pub flights: JoinSet<Landed>,
    /// What each task carries; how a task that panicked is known.
    carried: HashMap<task::Id, Flight>,
    /// The same deliveries: between reading and leasing one it is still due, and would be taken twice.
    in_hand: HashSet<DeliveryId>,
    /// How many attempts were made.
    pub attempted: usize,
}

impl Round {
    /// Nothing under way.
    pub fn new(courier: Arc<Courier>, settings: Settings) -> Self {
        Self {
            courier,
            lanes: Lanes::new(Bounds {
                overall: settings.overall,
                per_tenant: settings.per_tenant,
                per_receiver: settings.per_receiver,
            }),
            waiting: Waiting::default(),
            // Those in hand may not be leased yet and are read again: a page always shows others too.
            page: settings.overall * 2,
            flights: JoinSet::new(),
            carried: HashMap::new(),
            in_hand: HashSet::new(),
            attempted: 0,
        }
    }

    /// Looks for what is due and starts what may start. Whether there may be more to see at once.
    pub async fn look(&mut self) -> Result<bool, Unavailable> {
        while let Some(landed) = self.flights.try_join_next_with_id() {
            self.land(landed)?;
        }
        let now = self.courier.clock.now();
        let due = self.courier.store.due_deliveries(now, self.page).await?;
        let full = due.len() >= self.page;
        // Those who wait unheld are either read again now, or somebody else has them.
        self.waiting.take(false);
        for delivery in due {
            if !self.in_hand.contains(&delivery.id) {
                self.waiting.add(Receiver::of(&delivery), delivery, false);
            }
        }
        let started = self.start();
        if !full {
            return Ok(false);
        }
        let out_of_sight = self.hold(now).await?;
        Ok(started + out_of_sight > 0)
    }

    /// Starts who waits and may start; how many those were.
    pub fn start(&mut self) -> usize {
        let mut started = 0;
        while let Some((receiver, delivery)) = self.waiting.next(&mut self.lanes) {
            let flight = Flight {
                delivery: delivery.id,
                receiver,
            };
            self.in_hand.insert(delivery.id);
            let courier = Arc::clone(&self.courier);
            let task = self
                .flights
                .spawn(async move { courier.carry(delivery).await });
            self.carried.insert(task.id(), flight);
            started += 1;
        }
        started
    }

    /// Takes note of an attempt that is over.
    pub fn land(
        &mut self,
        landed: Result<(task::Id, Landed), JoinError>,
    ) -> Result<(), Unavailable> {
        let (id, landed) = match landed {
            Ok(landed) => landed,
            Err(panic) => {
                tracing::error!(%panic, "a delivery panicked; it is due again when its lease ends");
                (panic.id(), Landed::LetGo)
            }
        };
        let took = match landed {
            Landed::Attempted { took } => Some(took),
            Landed::LetGo | Landed::Unavailable(_) => None,
        };
        self.attempted += usize::from(took.is_some());
        if let Some(flight) = self.carried.remove(&id) {
            self.in_hand.remove(&flight.delivery);
            self.lanes.leave(&flight.receiver, took);
        }
        match landed {
            Landed::Unavailable(unavailable) => Err(unavailable),
            Landed::Attempted { .. } | Landed::LetGo => Ok(()),
        }
    }

    /// Leases all that wait and are not leased; where there is no room for them, they are put off.
    /// How many are out of sight by that.
    async fn hold(&mut self, now: Timestamp) -> Result<usize, Unavailable> {
        let mut to_hold = Vec::new();
        let mut to_put_off = Vec::new();
        for delivery in self.waiting.take(false) {
            let receiver = Receiver::of(&delivery);
            let room = if self.lanes.answers(&receiver) {
                ROOM
            } else {
                ROOM_FOR_THE_DEAD
            };
            // None of this page is counted yet: a page more or less does not matter.
            if self.waiting.of(&receiver) < room && self.waiting.len() < ROOM_FOR_ALL {
                to_hold.push(delivery);
            } else {
                to_put_off.push(delivery);
            }
        }
        let lease = DeliveryState::Leased {
            node: self.courier.node,
            until: now.after(A_MINUTE),
        };
        let held = self.rewrite(to_hold, lease, now).await?;
        let mut out_of_sight = held.len();
        for delivery in held {
            self.waiting.add(Receiver::of(&delivery), delivery, true);
        }
        let later = DeliveryState::Due {
            at: now.after(A_MINUTE),
        };
        out_of_sight += self.rewrite(to_put_off, later, now).await?.len();
        Ok(out_of_sight)
    }

    /// Gives deliveries another state, many of a tenant in one commit. Returns those that have it now; of the
    /// others somebody else changed one, and they are as they were.
    async fn rewrite(
        &self,
        deliveries: Vec<Delivery>,
        state: DeliveryState,
        now: Timestamp,
    ) -> Result<Vec<Delivery>, Unavailable> {
        let mut by_tenant: HashMap<Tenant, Vec<Delivery>> = HashMap::new();
        for mut delivery in deliveries {
            delivery.version += 1;
            delivery.updated_at = now;
            delivery.state = state;
            by_tenant.entry(delivery.tenant).or_default().push(delivery);
        }
        let mut rewritten = Vec::new();
        for (tenant, deliveries) in by_tenant {
            for batch in deliveries.chunks(BATCH) {
                let mut change = Change::new(tenant);
                change.puts = batch.iter().cloned().map(Record::Delivery).collect();
                match self.courier.store.commit(change).await {
                    Ok(()) => rewritten.extend_from_slice(batch),
                    Err(CommitError::Conflict(_)) => {}
                    Err(CommitError::Unavailable(unavailable)) => return Err(unavailable),
                }
            }
        }
        Ok(rewritten)
    }

    /// Waits for what is under way, and lets go of who still waits, so that another worker sees them at once.
    pub async fn finish(mut self) {
        let now = self.courier.clock.now();
        let held = self.waiting.take(true);
        if let Err(unavailable) = self
            .rewrite(held, DeliveryState::Due { at: now }, now)
            .await
        {
            tracing::warn!(%unavailable, "deliveries that wait could not be let go; they are due again in a minute");
        }
        while let Some(landed) = self.flights.join_next_with_id().await {
            if let Err(unavailable) = self.land(landed) {
                tracing::warn!(%unavailable, "a delivery could not be made before the end; it will be due again");
            }
        }
    }
}

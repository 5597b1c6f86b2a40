//! The worker: dispatches events and sends what is due, until it is told to stop.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use paydesk_core::delivery::{Delivery, DeliveryState};
use paydesk_core::id::{DeliveryId, Ids, NodeId};
use paydesk_core::keys::ServerKeys;
use paydesk_core::store::{Change, CommitError, Record, Store, Unavailable};
use paydesk_core::tenant::Tenant;
use paydesk_core::time::{Clock, Span};
use tokio::sync::{Notify, watch};
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::sleep;

use crate::courier::{Courier, Landed};
use crate::dispatch::Dispatcher;
use crate::lanes::{Bounds, Entry, Lanes, Receiver};
use crate::render::Vocabulary;
use crate::send::Sender;

/// How long a crowded worker lets attempts end before it looks who may start: not one read for each of them.
const BREATH: Duration = Duration::from_millis(10);

/// How much is done at once, and how often it looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Attempts under way in all.
    pub overall: usize,
    /// Attempts under way for one tenant.
    pub per_tenant: usize,
    /// Attempts under way to one tenant's receiver (scheme, host and port). One that fails gets one at a time.
    pub per_receiver: usize,
    /// How often it looks for work without being woken.
    pub tick: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            overall: 256,
            per_tenant: 32,
            per_receiver: 16,
            tick: Duration::from_millis(500),
        }
    }
}

/// What a worker is made of.
pub struct Parts {
    /// Where events and deliveries are.
    pub store: Arc<dyn Store>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Randomness for ids and jitter.
    pub ids: Arc<dyn Ids>,
    /// What opens the merchants' webhook secrets.
    pub keys: Arc<ServerKeys>,
    /// Who holds the leases.
    pub node: NodeId,
    /// How events are told.
    pub words: Arc<Vocabulary>,
    /// How messages are sent.
    pub sender: Sender,
    /// How much at once.
    pub settings: Settings,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts")
            .field("node", &self.node)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Tells a worker that there is something to do. A hint: what is not told is found at the next tick.
#[derive(Clone, Debug, Default)]
pub struct Wake(Arc<Bells>);

#[derive(Debug, Default)]
struct Bells {
    events: Notify,
    deliveries: Notify,
}

impl Wake {
    /// An event was committed, or a delivery made due by hand.
    pub fn wake(&self) {
        self.0.events.notify_one();
        self.0.deliveries.notify_one();
    }
}

/// What [`Worker::run_due_once`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Ran {
    /// Events dispatched.
    pub dispatched: usize,
    /// Attempts made, whatever came of them.
    pub attempted: usize,
}

/// Dispatches events and sends what is due. Any number may run over one store.
pub struct Worker {
    dispatcher: Dispatcher,
    courier: Arc<Courier>,
    settings: Settings,
    wake: Wake,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("node", &self.courier.node)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Worker {
    /// Puts one together; nothing runs yet.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts {
            store,
            clock,
            ids,
            keys,
            node,
            words,
            sender,
            settings,
        } = parts;
        Self {
            dispatcher: Dispatcher::new(
                Arc::clone(&store),
                Arc::clone(&clock),
                Arc::clone(&ids),
                words,
            ),
            courier: Arc::new(Courier {
                store,
                clock,
                ids,
                keys,
                node,
                sender,
            }),
            settings,
            wake: Wake::default(),
        }
    }

    /// What wakes it.
    #[must_use]
    pub fn wake(&self) -> Wake {
        self.wake.clone()
    }

    /// Works until `shutdown` ends; then finishes the attempts that are under way, none of which takes longer
    /// than its timeout and a commit. Whatever is dropped with this future is due again when its lease ends.
    pub async fn run(&self, shutdown: impl Future<Output = ()> + Send) {
        let (stop, stopped) = watch::channel(false);
        tokio::join!(
            self.dispatch_until(stopped.clone()),
            self.deliver_until(stopped),
            async {
                shutdown.await;
                stop.send_replace(true);
            }
        );
    }

    async fn dispatch_until(&self, mut stopped: watch::Receiver<bool>) {
        while !*stopped.borrow() {
            let again = match self.dispatcher.run_page().await {
                Ok(page) => {
                    if page.dispatched > 0 {
                        self.wake.0.deliveries.notify_one();
                    }
                    page.more
                }
                Err(unavailable) => {
                    tracing::warn!(%unavailable, "events cannot be dispatched; trying again");
                    // A wake-up is no reason to hurry: the store needs time.
                    sleep(self.settings.tick).await;
                    false
                }
            };
            if !again {
                tokio::select! {
                    _ = stopped.changed() => {}
                    () = self.wake.0.events.notified() => {}
                    () = sleep(self.settings.tick) => {}
                }
            }
        }
    }

    async fn deliver_until(&self, mut stopped: watch::Receiver<bool>) {
        let mut round = Round::new(Arc::clone(&self.courier), self.settings);
        while !*stopped.borrow() {
            let page = match round.fill().await {
                Ok(page) => page,
                Err(unavailable) => {
                    tracing::warn!(%unavailable, "deliveries cannot be read; trying again");
                    sleep(self.settings.tick).await;
                    continue;
                }
            };
            if page.full && !page.busy.is_empty() {
                // Those who must wait are all that can be seen: out of the way with them.
                if let Err(unavailable) = round.put_back(page.busy).await {
                    tracing::warn!(%unavailable, "deliveries cannot be put back; trying again");
                    sleep(self.settings.tick).await;
                }
                continue;
            }
            if page.full && page.started > 0 {
                continue;
            }
            let waiting = page.full || !page.busy.is_empty();
            tokio::select! {
                _ = stopped.changed() => {}
                () = self.wake.0.deliveries.notified() => {}
                () = sleep(self.settings.tick) => {}
                Some(landed) = round.flights.join_next_with_id(), if waiting => {
                    let pause = match round.land(landed) {
                        Ok(()) => BREATH,
                        Err(unavailable) => {
                            tracing::warn!(%unavailable, "a delivery could not be made; trying again");
                            self.settings.tick
                        }
                    };
                    sleep(pause).await;
                }
            }
        }
        while let Some(landed) = round.flights.join_next_with_id().await {
            if let Err(unavailable) = round.land(landed) {
                tracing::warn!(%unavailable, "a delivery could not be made before the end; it will be due again");
            }
        }
    }

    /// Dispatches all that is undispatched and sends all that is due now, and waits for what comes of it;
    /// for tests, and for who moves the clock.
    pub async fn run_due_once(&self) -> Result<Ran, Unavailable> {
        let dispatched = self.dispatcher.run().await?;
        let mut round = Round::new(Arc::clone(&self.courier), self.settings);
        loop {
            let page = round.fill().await?;
            if round.flights.is_empty() {
                return Ok(Ran {
                    dispatched,
                    attempted: round.attempted,
                });
            }
            let busy = page.full || !page.busy.is_empty();
            while let Some(landed) = round.flights.join_next_with_id().await {
                round.land(landed)?;
                if busy {
                    break;
                }
            }
        }
    }
}

/// One attempt under way.
struct Flight {
    delivery: DeliveryId,
    receiver: Receiver,
}

/// What was found due.
struct Page {
    started: usize,
    /// Those that wait for others of their receiver or tenant, and about how long.
    busy: Vec<(Delivery, Duration)>,
    /// Whether there may be more that are due than could be seen.
    full: bool,
}

/// The attempts of one worker. Dropping it ends them.
struct Round {
    courier: Arc<Courier>,
    lanes: Lanes,
    page: usize,
    flights: JoinSet<Landed>,
    /// What each task carries; how a task that panicked is known.
    carried: HashMap<task::Id, Flight>,
    /// The same deliveries: between reading and leasing one it is still due, and would be taken twice.
    in_hand: HashSet<DeliveryId>,
    attempted: usize,
}

impl Round {
    fn new(courier: Arc<Courier>, settings: Settings) -> Self {
        Self {
            courier,
            lanes: Lanes::new(Bounds {
                overall: settings.overall,
                per_tenant: settings.per_tenant,
                per_receiver: settings.per_receiver,
            }),
            // Those in hand may not be leased yet and are read again: a page always shows others too.
            page: settings.overall * 2,
            flights: JoinSet::new(),
            carried: HashMap::new(),
            in_hand: HashSet::new(),
            attempted: 0,
        }
    }

    /// Starts what is due and may start.
    async fn fill(&mut self) -> Result<Page, Unavailable> {
        while let Some(landed) = self.flights.try_join_next_with_id() {
            self.land(landed)?;
        }
        let due = self
            .courier
            .store
            .due_deliveries(self.courier.clock.now(), self.page)
            .await?;
        let mut page = Page {
            started: 0,
            busy: Vec::new(),
            full: due.len() >= self.page,
        };
        let now = Instant::now();
        for delivery in due {
            if self.in_hand.contains(&delivery.id) {
                continue;
            }
            let receiver = Receiver::of(&delivery);
            match self.lanes.enter(&receiver) {
                Entry::Entered => {
                    self.start(delivery, receiver);
                    page.started += 1;
                }
                Entry::Busy => {
                    let turn = self.lanes.wait(&receiver, now);
                    page.busy.push((delivery, turn));
                }
                Entry::Full => {
                    // Everybody waits for somebody; nobody is in anybody's way.
                    page.busy.clear();
                    page.started = 0;
                    page.full = true;
                    break;
                }
            }
        }
        Ok(page)
    }

    fn start(&mut self, delivery: Delivery, receiver: Receiver) {
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
    }

    /// Takes note of an attempt that is over.
    fn land(&mut self, landed: Result<(task::Id, Landed), JoinError>) -> Result<(), Unavailable> {
        let (id, landed) = match landed {
            Ok(landed) => landed,
            Err(panic) => {
                tracing::error!(%panic, "a delivery panicked; it is due again when its lease ends");
                (panic.id(), Landed::LetGo)
            }
        };
        let health = match &landed {
            Landed::Attempted(health) => {
                self.attempted += 1;
                Some(*health)
            }
            Landed::LetGo | Landed::Unavailable(_) => None,
        };
        if let Some(flight) = self.carried.remove(&id) {
            self.in_hand.remove(&flight.delivery);
            self.lanes.leave(&flight.receiver, health);
        }
        match landed {
            Landed::Unavailable(unavailable) => Err(unavailable),
            Landed::Attempted(_) | Landed::LetGo => Ok(()),
        }
    }

    /// Makes those that must wait due when their turn comes, so that those behind them are seen.
    async fn put_back(&self, busy: Vec<(Delivery, Duration)>) -> Result<(), Unavailable> {
        let now = self.courier.clock.now();
        let mut changes: HashMap<Tenant, Change> = HashMap::new();
        for (mut delivery, turn) in busy {
            let turn = Span::millis(u32::try_from(turn.as_millis()).unwrap_or(u32::MAX));
            delivery.version += 1;
            delivery.updated_at = now;
            delivery.state = DeliveryState::Due {
                at: now.after(turn),
            };
            changes
                .entry(delivery.tenant)
                .or_insert_with(|| Change::new(delivery.tenant))
                .puts
                .push(Record::Delivery(delivery));
        }
        for change in changes.into_values() {
            match self.courier.store.commit(change).await {
                // If one of them was taken meanwhile, the rest is seen again in the next round.
                Ok(()) | Err(CommitError::Conflict(_)) => {}
                Err(CommitError::Unavailable(unavailable)) => return Err(unavailable),
            }
        }
        Ok(())
    }
}

//! The worker: dispatches events and sends what is due, until it is told to stop.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use paydesk_core::engine::Hearing;
use paydesk_core::id::{Ids, NodeId};
use paydesk_core::keys::ServerKeys;
use paydesk_core::store::{Store, Unavailable};
use paydesk_core::time::Clock;
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

use crate::courier::Courier;
use crate::dispatch::Dispatcher;
use crate::render::Vocabulary;
use crate::round::Round;
use crate::send::Sender;

/// How long it rests at least between looking for deliveries.
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
    /// Who is known to have endpoints.
    pub hearing: Arc<Hearing>,
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
            hearing,
            sender,
            settings,
        } = parts;
        Self {
            dispatcher: Dispatcher::new(
                Arc::clone(&store),
                Arc::clone(&clock),
                Arc::clone(&ids),
                words,
                hearing,
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
            let looked = Instant::now();
            let pause = match round.look().await {
                Ok(true) => continue,
                Ok(false) => self.settings.tick,
                Err(unavailable) => {
                    tracing::warn!(%unavailable, "deliveries cannot be read; trying again");
                    sleep(self.settings.tick).await;
                    continue;
                }
            };
            let tick = sleep(pause);
            tokio::pin!(tick);
            loop {
                tokio::select! {
                    _ = stopped.changed() => break,
                    () = &mut tick => break,
                    () = self.wake.0.deliveries.notified() => {
                        // However often it is woken, it looks no more often than this.
                        sleep(BREATH.saturating_sub(looked.elapsed())).await;
                        break;
                    }
                    Some(landed) = round.flights.join_next_with_id() => {
                        if let Err(unavailable) = round.land(landed) {
                            tracing::warn!(%unavailable, "a delivery could not be made; trying again");
                            sleep(self.settings.tick).await;
                            break;
                        }
                        round.start();
                    }
                }
            }
        }
        round.finish().await;
    }

    /// Dispatches all that is undispatched and sends all that is due now, and waits for what comes of it;
    /// for tests, and for who moves the clock.
    pub async fn run_due_once(&self) -> Result<Ran, Unavailable> {
        let dispatched = self.dispatcher.run().await?;
        let mut round = Round::new(Arc::clone(&self.courier), self.settings);
        while round.look().await? || !round.flights.is_empty() {
            while let Some(landed) = round.flights.join_next_with_id().await {
                round.land(landed)?;
                round.start();
            }
        }
        Ok(Ran {
            dispatched,
            attempted: round.attempted,
        })
    }
}

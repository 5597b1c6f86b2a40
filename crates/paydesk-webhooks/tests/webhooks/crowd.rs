//! Many deliveries, several workers, and receivers that are slow or dead.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use paydesk_core::delivery::DeliveryState;
use paydesk_core::store::Store;
use paydesk_core::time::{Clock as _, SystemClock};
use paydesk_webhooks::{Parts, Settings, Worker};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::receiver::{Receiver, plain};
use crate::stores::{memory, sqlite};
use crate::world::{World, patient};

/// A worker at work.
pub struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    pub fn start(worker: Worker) -> Self {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            worker
                .run(async {
                    let _ = stopped.await;
                })
                .await;
        });
        Self { stop, task }
    }

    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }

    /// Drops whatever is under way.
    pub fn stop_at_once(self) {
        self.task.abort();
    }
}

/// Waits until it is so; fails after three minutes.
pub async fn until(what: &str, mut so: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_mins(3), "still not {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    begun.elapsed()
}

const FEW: Settings = Settings {
    overall: 8,
    per_tenant: 8,
    per_receiver: 4,
    tick: Duration::from_millis(100),
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_receiver_with_a_long_queue_delays_nobody_else() {
    let world = World::over(memory()).await;
    let dead = Receiver::answering(|_, _| async {
        tokio::time::sleep(Duration::from_mins(10)).await;
        plain(200)
    })
    .await;
    let quick = Receiver::with_statuses(&[200]).await;
    // Far more than a worker looks at or sends at once, and all of it is due first.
    world.tell_often(&dead.url(), 400).await;
    let running = Running::start(Worker::new(Parts {
        sender: patient(),
        settings: FEW,
        // Those who wait are given turns, so time must pass.
        clock: Arc::new(SystemClock),
        ..world.parts()
    }));
    until("calling the dead receiver", || dead.count() == 4).await;
    world.tell_often(&quick.url(), 40).await;
    let took = until("all told", || quick.count() == 40).await;
    // Had they to wait until the dead one is given up, it would take a minute.
    assert!(took < Duration::from_secs(50), "{took:?}");
    assert_eq!(
        dead.count(),
        4,
        "the dead one still holds its lane, and only its lane"
    );
    running.task.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_never_hold_one_delivery_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("paydesk.db");
    // Twice the same file, as two processes would have it, and once in memory.
    each_exactly_once(sqlite(&path), &|| sqlite(&path)).await;
    let store = memory();
    each_exactly_once(store.clone(), &|| store.clone()).await;
}

async fn each_exactly_once(store: Arc<dyn Store>, again: &dyn Fn() -> Arc<dyn Store>) {
    let world = World::over(store).await;
    let holding: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
    let overlaps = Arc::new(AtomicUsize::new(0));
    let (held, counted) = (Arc::clone(&holding), Arc::clone(&overlaps));
    let receiver = Receiver::answering(move |hit, before| {
        let (held, counted) = (Arc::clone(&held), Arc::clone(&counted));
        async move {
            let id = hit.id().to_owned();
            let now = {
                let mut held = held.lock();
                let now = held.entry(id.clone()).or_insert(0);
                *now += 1;
                *now
            };
            if now > 1 {
                counted.fetch_add(1, Ordering::SeqCst);
            }
            tokio::time::sleep(Duration::from_millis(5 + before as u64 % 20)).await;
            *held.lock().get_mut(&id).unwrap() -= 1;
            plain(200)
        }
    })
    .await;
    let events = world.tell_often(&receiver.url(), 600).await;
    let workers = [(); 3].map(|()| {
        Running::start(Worker::new(Parts {
            settings: Settings {
                overall: 40,
                per_tenant: 40,
                per_receiver: 40,
                tick: Duration::from_millis(5),
            },
            store: again(),
            // One that was given up would be sent again, but never: the clock stands still.
            sender: patient(),
            ..world.parts()
        }))
    });
    until("all told", || receiver.count() >= 600).await;
    for worker in workers {
        worker.stop().await;
    }
    assert_eq!(receiver.count(), 600, "each exactly once");
    assert_eq!(overlaps.load(Ordering::SeqCst), 0);
    for event in events {
        let delivery = world.delivery(event).await;
        assert!(
            matches!(delivery.state, DeliveryState::Delivered { .. }),
            "{delivery:?}"
        );
        assert_eq!(delivery.attempts, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_with_a_long_queue_is_told_all_of_it_quickly() {
    let world = World::over(memory()).await;
    let receiver = Receiver::answering(|_, _| async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        plain(200)
    })
    .await;
    world.tell_often(&receiver.url(), 500).await;
    let running = Running::start(Worker::new(Parts {
        settings: FEW,
        // Those who wait are given turns, so time must pass.
        clock: Arc::new(SystemClock),
        ..world.parts()
    }));
    // At four at a time and 10 ms each it takes 1.25 s at the very least.
    let took = until("all told", || receiver.count() >= 500).await;
    running.stop().await;
    assert_eq!(receiver.count(), 500);
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[tokio::test]
async fn a_wake_up_is_heard_long_before_the_next_tick() {
    let world = World::over(memory()).await;
    let receiver = Receiver::with_statuses(&[200]).await;
    let worker = Worker::new(Parts {
        settings: Settings {
            tick: Duration::from_hours(1),
            ..Settings::default()
        },
        ..world.parts()
    });
    let wake = worker.wake();
    let running = Running::start(worker);
    for n in 1..=3 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.tell(&receiver.url()).await;
        wake.wake();
        let took = until("told", || receiver.count() == n).await;
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
    running.stop().await;
}

#[tokio::test]
async fn nobody_needs_to_wake_it() {
    let world = World::over(memory()).await;
    let receiver = Receiver::with_statuses(&[200]).await;
    let running = Running::start(world.worker());
    tokio::time::sleep(Duration::from_millis(100)).await;
    world.tell(&receiver.url()).await;
    let took = until("told", || receiver.count() == 1).await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    running.stop().await;
}

#[tokio::test]
async fn when_told_to_stop_it_finishes_what_is_under_way_and_begins_nothing() {
    let world = World::over(memory()).await;
    let receiver = Receiver::answering(|_, _| async {
        tokio::time::sleep(Duration::from_millis(800)).await;
        plain(200)
    })
    .await;
    let first = world.tell(&receiver.url()).await;
    let running = Running::start(world.worker());
    until("under way", || receiver.count() == 1).await;
    let stopping = tokio::spawn(running.stop());
    tokio::time::sleep(Duration::from_millis(100)).await;
    world.tell(&receiver.url()).await;
    stopping.await.unwrap();
    assert_eq!(receiver.count(), 1);
    let delivery = world.delivery(first).await;
    assert!(
        matches!(delivery.state, DeliveryState::Delivered { .. }),
        "{delivery:?}"
    );
    assert_eq!(
        world.store.undispatched(10).await.unwrap().len(),
        1,
        "kept for the next"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_stops_leaves_those_that_wait_to_others_at_once() {
    let world = World::over(memory()).await;
    let receiver = Receiver::answering(|_, _| async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        plain(200)
    })
    .await;
    let events = world.tell_often(&receiver.url(), 100).await;
    let running = Running::start(Worker::new(Parts {
        settings: FEW,
        clock: Arc::new(SystemClock),
        ..world.parts()
    }));
    until("under way", || receiver.count() >= 4).await;
    running.stop().await;
    let told = receiver.count();
    assert!(told < 100, "it stopped in the middle");
    let now = SystemClock.now();
    let mut due = world.store.due_deliveries(now, 1_000).await.unwrap().len();
    // What was not dispatched when it stopped is left to others too.
    due += world.store.undispatched(1_000).await.unwrap().len();
    assert_eq!(told + due, events.len());
}

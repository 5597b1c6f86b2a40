//! What is left behind when a worker or its store dies half-way.

use std::sync::Arc;
use std::time::Duration;

use paydesk_core::delivery::DeliveryState;
use paydesk_core::time::Span;

use crate::faulty::{Fault, Faulty};
use crate::receiver::{Receiver, plain};
use crate::stores::{memory, sqlite};
use crate::world::{LEASE, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_dies_after_sending_leaves_a_delivery_that_is_sent_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("paydesk.db");
    let mut world = World::over(sqlite(&path)).await;
    let receiver = Receiver::answering(|_, before| async move {
        if before == 0 {
            // It has the message; the worker dies before it hears so.
            tokio::time::sleep(Duration::from_mins(1)).await;
        }
        plain(200)
    })
    .await;
    let event = world.tell(&receiver.url()).await;
    let worker = world.worker();
    let doomed = tokio::spawn(async move { worker.run(std::future::pending()).await });
    while receiver.count() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    doomed.abort();
    assert!(doomed.await.unwrap_err().is_cancelled());

    // As another process finds it.
    world.store = sqlite(&path);
    let worker = world.worker();
    assert_eq!(
        worker.run_due_once().await.unwrap().attempted,
        0,
        "the lease holds"
    );
    let held = world.delivery(event).await;
    assert!(
        matches!(held.state, DeliveryState::Leased { .. }),
        "{held:?}"
    );
    world.clock.advance(LEASE);
    assert_eq!(worker.run_due_once().await.unwrap().attempted, 1);
    let hits = receiver.hits();
    assert_eq!(hits.len(), 2);
    assert_eq!(
        (hits[0].id(), &hits[0].body),
        (hits[1].id(), &hits[1].body),
        "the receiver can tell that it has it already"
    );
    assert!(world.was_signed(&hits[1]));
    let delivery = world.delivery(event).await;
    assert!(
        matches!(delivery.state, DeliveryState::Delivered { .. }),
        "{delivery:?}"
    );
}

#[tokio::test]
async fn a_lease_that_may_not_have_been_written_is_not_acted_on() {
    for fault in [Fault::BeforeCommit, Fault::AfterCommit] {
        let store = Arc::new(Faulty::over(memory()));
        let world = World::over(store.clone()).await;
        let receiver = Receiver::with_statuses(&[200]).await;
        let event = world.tell(&receiver.url()).await;
        let worker = world.worker();
        // The first commit is the dispatch, the second the lease.
        store.fail(1, fault);
        assert!(worker.run_due_once().await.is_err());
        assert_eq!(receiver.count(), 0, "{fault:?}");
        world.clock.advance(LEASE);
        assert_eq!(
            worker.run_due_once().await.unwrap().attempted,
            1,
            "{fault:?}"
        );
        assert_eq!(receiver.count(), 1);
        let delivery = world.delivery(event).await;
        assert!(
            matches!(delivery.state, DeliveryState::Delivered { .. }),
            "{delivery:?}"
        );
    }
}

#[tokio::test]
async fn an_outcome_is_written_down_once_the_store_is_back() {
    for fault in [Fault::BeforeCommit, Fault::AfterCommit] {
        let store = Arc::new(Faulty::over(memory()));
        let world = World::over(store.clone()).await;
        let receiver = Receiver::with_statuses(&[200]).await;
        let event = world.tell(&receiver.url()).await;
        store.fail(2, fault);
        assert_eq!(world.worker().run_due_once().await.unwrap().attempted, 1);
        let delivery = world.delivery(event).await;
        assert!(
            matches!(delivery.state, DeliveryState::Delivered { .. }),
            "{fault:?}: {delivery:?}"
        );
        world.clock.advance(Span::days(1));
        assert_eq!(world.worker().run_due_once().await.unwrap().attempted, 0);
        assert_eq!(receiver.count(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn an_event_is_dispatched_once_the_store_is_back() {
    for fault in [Fault::BeforeCommit, Fault::AfterCommit] {
        let store = Arc::new(Faulty::over(memory()));
        let world = World::over(store.clone()).await;
        let receiver = Receiver::with_statuses(&[200]).await;
        let event = world.tell(&receiver.url()).await;
        store.fail(0, fault);
        assert!(world.worker().run_due_once().await.is_err());
        world.worker().run_due_once().await.unwrap();
        assert_eq!(receiver.count(), 1, "{fault:?}");
        world.delivery(event).await;
    }
}

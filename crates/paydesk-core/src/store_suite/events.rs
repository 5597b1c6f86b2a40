//! Events, their dispatch, and deliveries.

use std::sync::Arc;

use super::samples::{Samples, moved};
use super::{apply, puts, refused};
use crate::event::{Event, EventKind, Subject};
use crate::id::EventId;
use crate::session::Session;
use crate::store::{Change, Conflict, Record, Store};
use crate::tenant::{Mode, Tenant};

fn appending(tenant: Tenant, events: impl IntoIterator<Item = Event>) -> Change {
    Change {
        events: events.into_iter().collect(),
        ..Change::new(tenant)
    }
}

fn dispatching(tenant: Tenant, event: EventId) -> Change {
    Change {
        dispatched: vec![event],
        ..Change::new(tenant)
    }
}

/// A session opened with its first event.
async fn opened(store: &Arc<dyn Store>, samples: &Samples, tenant: Tenant) -> (Session, Event) {
    let session = samples.session(tenant);
    let event = samples.event(&session, 1, false);
    let opening = Change {
        events: vec![event.clone()],
        ..puts(tenant, [Record::Session(session.clone())])
    };
    apply(store, opening).await;
    (session, event)
}

pub async fn an_event_is_read_back_as_written(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let (session, first) = opened(&store, &samples, tenant).await;
    let transaction = samples.transaction(&session);
    let second = Event {
        kind: EventKind::TransactionPending,
        subject: Subject::Transaction {
            transaction: Box::new(transaction),
        },
        ..samples.event(&session, 2, true)
    };
    apply(&store, appending(tenant, [second.clone()])).await;
    for event in [first, second] {
        let there = store.event(tenant, event.id).await.unwrap();
        assert_eq!(there, Some(event));
    }
}

pub async fn events_of_a_session_come_in_order_and_alone(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let (session, first) = opened(&store, &samples, tenant).await;
    let (other, others_first) = opened(&store, &samples, tenant).await;
    // Ids need not follow the order: two processes may draw them in one millisecond.
    let fourth = samples.event(&session, 4, false);
    let second = samples.event(&session, 2, true);
    let third = samples.event(&session, 3, false);
    let next = moved(&session, session.initiated_at(samples.tick()));
    let change = Change {
        events: vec![second.clone(), third.clone()],
        ..puts(tenant, [Record::Session(next)])
    };
    apply(&store, change).await;
    apply(&store, appending(tenant, [fourth.clone()])).await;
    assert_eq!(
        store.events(tenant, session.id).await.unwrap(),
        [first, second, third, fourth]
    );
    assert_eq!(
        store.events(tenant, other.id).await.unwrap(),
        [others_first]
    );
}

pub async fn an_event_may_belong_to_no_session(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let (session, first) = opened(&store, &samples, tenant).await;
    let stored = Event {
        kind: EventKind::PaymentMethodStored,
        session: None,
        subject: Subject::PaymentMethod {
            payment_method: Box::new(samples.payment_method(tenant)),
        },
        ..samples.event(&session, 1, true)
    };
    apply(&store, appending(tenant, [stored.clone()])).await;
    assert_eq!(
        store.event(tenant, stored.id).await.unwrap(),
        Some(stored.clone())
    );
    assert_eq!(store.events(tenant, session.id).await.unwrap(), [first]);
    assert_eq!(store.undispatched(9).await.unwrap(), [stored]);
}

pub async fn a_first_event_is_found_even_if_it_comes_after_its_session(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let session = samples.session(tenant);
    apply(&store, puts(tenant, [Record::Session(session.clone())])).await;
    let first = samples.event(&session, 1, false);
    apply(&store, appending(tenant, [first.clone()])).await;
    assert_eq!(store.events(tenant, session.id).await.unwrap(), [first]);

    // Or with it, several at once.
    let session = samples.session(tenant);
    let both = [
        samples.event(&session, 1, false),
        samples.event(&session, 2, false),
    ];
    let opening = Change {
        events: both.to_vec(),
        ..puts(tenant, [Record::Session(session.clone())])
    };
    apply(&store, opening).await;
    assert_eq!(store.events(tenant, session.id).await.unwrap(), both);

    // Or for a session that is not there.
    let never = samples.session(tenant);
    let event = samples.event(&never, 1, false);
    apply(&store, appending(tenant, [event.clone()])).await;
    assert_eq!(store.events(tenant, never.id).await.unwrap(), [event]);
}

pub async fn only_events_that_somebody_hears_of_wait_for_dispatch(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenants = [samples.tenant(), samples.tenant()];
    let mut heard = Vec::new();
    for n in 0..10 {
        let session = samples.session(tenants[n % 2]);
        let event = samples.event(&session, 1, n % 3 == 0);
        apply(&store, appending(session.tenant, [event.clone()])).await;
        if event.notify {
            heard.push(event);
        }
    }
    let mut waiting = store.undispatched(100).await.unwrap();
    waiting.sort_by_key(|event| event.id);
    assert_eq!(waiting, heard);
}

pub async fn a_dispatched_event_waits_no_more(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let session = samples.session(tenant);
    let events = [
        samples.event(&session, 1, true),
        samples.event(&session, 2, true),
    ];
    apply(&store, appending(tenant, events.clone())).await;
    let [first, second] = events;
    let delivery = samples.delivery(&first);
    let change = Change {
        dispatched: vec![first.id],
        ..puts(tenant, [Record::Delivery(delivery.clone())])
    };
    apply(&store, change).await;
    assert_eq!(store.undispatched(9).await.unwrap(), [second]);
    assert_eq!(
        store.deliveries(tenant, first.id).await.unwrap(),
        [delivery]
    );
    // The event itself is as it was.
    assert_eq!(store.event(tenant, first.id).await.unwrap(), Some(first));
}

pub async fn an_event_is_dispatched_once(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let event = samples.event(&samples.session(tenant), 1, true);
    apply(&store, appending(tenant, [event.clone()])).await;
    apply(&store, dispatching(tenant, event.id)).await;
    assert_eq!(
        refused(&store, dispatching(tenant, event.id)).await,
        Conflict::Dispatched(event.id)
    );
}

pub async fn an_event_that_nobody_hears_of_is_not_dispatched(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let event = samples.event(&samples.session(tenant), 1, false);
    apply(&store, appending(tenant, [event.clone()])).await;
    let unknown = EventId(samples.uuid());
    for id in [event.id, unknown] {
        assert_eq!(
            refused(&store, dispatching(tenant, id)).await,
            Conflict::Dispatched(id)
        );
    }
}

pub async fn an_event_of_another_tenant_is_not_dispatched(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let live = Tenant {
        mode: Mode::Live,
        ..tenant
    };
    let event = samples.event(&samples.session(tenant), 1, true);
    apply(&store, appending(tenant, [event.clone()])).await;
    for stranger in [live, samples.tenant()] {
        assert_eq!(
            refused(&store, dispatching(stranger, event.id)).await,
            Conflict::Dispatched(event.id)
        );
    }
    assert_eq!(store.undispatched(9).await.unwrap(), [event]);
}

pub async fn deliveries_of_an_event_come_oldest_first(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let session = samples.session(tenant);
    let event = samples.event(&session, 1, true);
    let other = samples.event(&session, 2, true);
    let deliveries: Vec<_> = (0..4).map(|_| samples.delivery(&event)).collect();
    let others = samples.delivery(&other);
    for delivery in deliveries.iter().rev().chain([&others]) {
        apply(&store, puts(tenant, [Record::Delivery(delivery.clone())])).await;
    }
    assert_eq!(
        store.deliveries(tenant, event.id).await.unwrap(),
        deliveries
    );
    assert_eq!(store.deliveries(tenant, other.id).await.unwrap(), [others]);
}

//! Endpoints: which events wait to be told because of them, and telling again.

use std::sync::Arc;

use super::samples::Samples;
use super::{apply, puts, refused};
use crate::directory::StoredEntry;
use crate::endpoint::AUDIENCE;
use crate::event::Event;
use crate::store::{Change, Conflict, Record, Store};
use crate::tenant::{Mode, Tenant};

fn endpoint(samples: &Samples, tenant: Tenant) -> StoredEntry {
    let (kind, list) = AUDIENCE;
    StoredEntry {
        tenant,
        kind,
        id: samples.uuid(),
        version: 1,
        group: Some(list.to_owned()),
        doc: Some("{}".into()),
    }
}

/// The next version, enabled or not.
fn next(entry: &StoredEntry, enabled: bool) -> StoredEntry {
    StoredEntry {
        version: entry.version + 1,
        group: enabled.then(|| AUDIENCE.1.to_owned()),
        ..entry.clone()
    }
}

/// Something happens that no notify address hears of.
async fn happens(store: &Arc<dyn Store>, samples: &Samples, tenant: Tenant) -> Event {
    let event = samples.event(&samples.session(tenant), 1, false);
    let change = Change {
        events: vec![event.clone()],
        ..Change::new(tenant)
    };
    apply(store, change).await;
    event
}

pub async fn events_wait_while_their_tenant_has_an_enabled_endpoint(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let live = Tenant {
        mode: Mode::Live,
        ..tenant
    };
    happens(&store, &samples, tenant).await;
    let enabled = endpoint(&samples, tenant);
    apply(&store, puts(tenant, [Record::Entry(enabled.clone())])).await;
    let heard = happens(&store, &samples, tenant).await;
    for stranger in [live, samples.tenant()] {
        happens(&store, &samples, stranger).await;
    }
    assert_eq!(store.undispatched(9).await.unwrap(), [heard.clone()]);

    let disabled = next(&enabled, false);
    apply(&store, puts(tenant, [Record::Entry(disabled.clone())])).await;
    happens(&store, &samples, tenant).await;
    assert_eq!(store.undispatched(9).await.unwrap(), [heard.clone()]);

    // A second one, and the first removed: there is still somebody.
    let again = next(&disabled, true);
    apply(&store, puts(tenant, [Record::Entry(again.clone())])).await;
    let second = endpoint(&samples, tenant);
    apply(&store, puts(tenant, [Record::Entry(second)])).await;
    let removal = StoredEntry {
        doc: None,
        ..next(&again, false)
    };
    apply(&store, puts(tenant, [Record::Entry(removal)])).await;
    let also = happens(&store, &samples, tenant).await;
    let mut waiting = store.undispatched(9).await.unwrap();
    waiting.sort_by_key(|event| event.id);
    assert_eq!(waiting, [heard, also]);
}

pub async fn an_event_in_the_change_that_makes_an_endpoint_waits(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let event = samples.event(&samples.session(tenant), 1, false);
    let change = Change {
        events: vec![event.clone()],
        ..puts(tenant, [Record::Entry(endpoint(&samples, tenant))])
    };
    apply(&store, change).await;
    assert_eq!(store.undispatched(9).await.unwrap(), [event]);
}

pub async fn a_retold_event_waits_again_and_is_dispatched_once(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let event = happens(&store, &samples, tenant).await;
    assert_eq!(store.undispatched(9).await.unwrap(), []);
    let live = Tenant {
        mode: Mode::Live,
        ..tenant
    };
    for (of, id) in [
        (live, event.id),
        (tenant, crate::id::EventId(samples.uuid())),
        (tenant, event.id),
        (tenant, event.id),
    ] {
        let change = Change {
            retold: vec![id],
            ..Change::new(of)
        };
        apply(&store, change).await;
    }
    assert_eq!(store.undispatched(9).await.unwrap(), [event.clone()]);
    let dispatching = Change {
        dispatched: vec![event.id],
        ..Change::new(tenant)
    };
    apply(&store, dispatching.clone()).await;
    assert_eq!(store.undispatched(9).await.unwrap(), []);
    assert_eq!(
        refused(&store, dispatching).await,
        Conflict::Dispatched(event.id)
    );
}

pub async fn a_delivery_is_found_by_its_id(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let event = samples.event(&samples.session(tenant), 1, true);
    let delivery = samples.delivery(&event);
    apply(&store, puts(tenant, [Record::Delivery(delivery.clone())])).await;
    let id = delivery.id;
    assert_eq!(store.delivery(tenant, id).await.unwrap(), Some(delivery));
    let live = Tenant {
        mode: Mode::Live,
        ..tenant
    };
    for stranger in [live, samples.tenant()] {
        assert_eq!(store.delivery(stranger, id).await.unwrap(), None);
    }
}

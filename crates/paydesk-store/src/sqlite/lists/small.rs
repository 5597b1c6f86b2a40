//! Lists of stored cards, events and deliveries.

use paydesk_core::delivery::Delivery;
use paydesk_core::event::{Event, EventKind};
use paydesk_core::list::{By, DeliveryFilter, DeliveryStateName, Page, PaymentMethodFilter};
use paydesk_core::payment_method::PaymentMethod;
use paydesk_core::tenant::Tenant;
use rusqlite::Connection;

use super::super::rows::Cell;
use super::{FAR, Source, Where, count, page};
use crate::columns::{delivery_state_number, receiver_id};

const ALL: std::ops::RangeInclusive<u128> = 0..=u128::MAX;

fn card_source(tenant: Tenant, filter: &PaymentMethodFilter) -> Source {
    let mut found = Where::of(tenant);
    let by = match &filter.customer {
        None => "INDEXED BY payment_methods_by_id",
        Some(customer) => {
            found.and("customer = ?", [Cell::Text(customer.clone())]);
            "INDEXED BY payment_methods_by_customer"
        }
    };
    if !filter.provider_accounts.is_empty() {
        let accounts = filter.provider_accounts.iter();
        found.one_of("account", accounts.map(|id| Cell::Id(id.0)));
    }
    if let Some(by) = filter.stored_by {
        found.and("stored_by = ?", [Cell::Id(by.0)]);
    }
    if let Some(detached) = filter.detached {
        found.and("detached = ?", [Cell::Integer(detached.into())]);
    }
    Source { by, filter: found }
}

/// Whether a page of stored cards is found without looking through many of them.
pub(in super::super) fn cards_are_short(page: Page) -> bool {
    page.order.by == By::Created && page.skip <= FAR
}

/// Stored cards.
pub(in super::super) fn cards(
    db: &Connection,
    tenant: Tenant,
    filter: &PaymentMethodFilter,
    of: Page,
) -> rusqlite::Result<Vec<PaymentMethod>> {
    let sources = [card_source(tenant, filter)];
    page(db, "payment_methods", &sources, ALL, &of.walk())
}

/// How many stored cards there are.
pub(in super::super) fn count_cards(
    db: &Connection,
    tenant: Tenant,
    filter: &PaymentMethodFilter,
) -> rusqlite::Result<u64> {
    let sources = [card_source(tenant, filter)];
    count(db, "payment_methods", &sources, &ALL)
}

/// Events of any session.
pub(in super::super) fn events(
    db: &Connection,
    tenant: Tenant,
    kinds: &[EventKind],
    of: Page,
) -> rusqlite::Result<Vec<Event>> {
    let source = |kind: Option<EventKind>| {
        let mut filter = Where::of(tenant);
        let by = match kind {
            None => "INDEXED BY events_by_id",
            Some(kind) => {
                filter.and("kind = ?", [Cell::Name(kind.name())]);
                if kind == EventKind::SessionCreated {
                    "INDEXED BY events_by_id"
                } else {
                    filter.and("kind <> 'session.created'", []);
                    "INDEXED BY events_by_kind"
                }
            }
        };
        Source { by, filter }
    };
    let mut kinds = kinds.to_vec();
    kinds.sort_unstable();
    kinds.dedup();
    let sources: Vec<_> = if kinds.is_empty() || kinds.len() == EventKind::ALL.len() {
        vec![source(None)]
    } else {
        kinds.into_iter().map(|kind| source(Some(kind))).collect()
    };
    page(db, "events", &sources, ALL, &of.walk())
}

/// Deliveries.
pub(in super::super) fn deliveries(
    db: &Connection,
    tenant: Tenant,
    filter: &DeliveryFilter,
    of: Page,
) -> rusqlite::Result<Vec<Delivery>> {
    let source = |state: Option<DeliveryStateName>| {
        let mut found = Where::of(tenant);
        let by = if let Some(event) = filter.event {
            found.and("event = ?", [Cell::Id(event.0)]);
            "INDEXED BY deliveries_by_event"
        } else if filter.receiver.is_some() {
            "INDEXED BY deliveries_by_receiver"
        } else if state.is_some() {
            "INDEXED BY deliveries_by_state"
        } else {
            "INDEXED BY deliveries_by_id"
        };
        if let Some(receiver) = &filter.receiver {
            found.and("receiver = ?", [Cell::Id(receiver_id(receiver))]);
        }
        if let Some(state) = state {
            let state = delivery_state_number(state);
            found.and("state = ?", [Cell::Integer(state)]);
        }
        Source { by, filter: found }
    };
    let sources = match (filter.state, filter.receiver, filter.event) {
        // Its index is led by the state.
        (None, Some(_), None) => [
            DeliveryStateName::Pending,
            DeliveryStateName::Delivered,
            DeliveryStateName::GivenUp,
        ]
        .map(|state| source(Some(state)))
        .to_vec(),
        (state, ..) => vec![source(state)],
    };
    page(db, "deliveries", &sources, ALL, &of.walk())
}

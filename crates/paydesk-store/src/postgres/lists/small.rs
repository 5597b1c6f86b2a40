//! Lists of stored cards, events and deliveries.

use paydesk_core::event::EventKind;
use paydesk_core::list::{DeliveryFilter, EventFilter, PaymentMethodFilter, Walk};
use paydesk_core::tenant::Tenant;

use super::super::cell::{Cell, small};
use super::super::steps::name;
use super::{Conditions, Query, count_of, cut, cut_part, page_of};
use crate::columns::{delivery_state_number, receiver_id};

fn card_conditions(query: &mut Query, tenant: Tenant, filter: &PaymentMethodFilter) -> Conditions {
    let mut all = query.of(tenant);
    let customer = filter.customer.as_deref().map(|it| name(Some(it)));
    all.is(query, "customer", customer);
    all.one_of(query, "account", &filter.provider_accounts);
    let stored_by = filter.stored_by.map(|id| Cell::Id(id.0));
    all.is(query, "stored_by", stored_by);
    all.is(query, "detached", filter.detached.map(Cell::Flag));
    all
}

/// Stored cards.
pub(in super::super) fn cards(tenant: Tenant, filter: &PaymentMethodFilter, walk: &Walk) -> Query {
    let mut query = Query::new();
    let mut all = card_conditions(&mut query, tenant, filter);
    page_of(query, "payment_methods", &mut all, walk)
}

/// How many stored cards there are.
pub(in super::super) fn count_cards(tenant: Tenant, filter: &PaymentMethodFilter) -> Query {
    let mut query = Query::new();
    let all = card_conditions(&mut query, tenant, filter);
    count_of(query, "payment_methods", &all)
}

/// Events.
pub(in super::super) fn events(tenant: Tenant, filter: &EventFilter, walk: &Walk) -> Query {
    let mut query = Query::new();
    let mut all = query.of(tenant);
    if let Some(session) = filter.session {
        // The one that the session's row names, and those in the index.
        let id = query.bind(Cell::Id(session.0));
        all.and(format!(
            "(session = {id} OR id = (SELECT s.first_event FROM sessions s
                WHERE s.merchant = $1 AND s.mode = $2 AND s.id = {id}))"
        ));
    }
    let mut kinds = filter.kinds.clone();
    kinds.sort_unstable();
    kinds.dedup();
    let is_any = kinds.is_empty() || kinds.len() == EventKind::ALL.len();
    if is_any || filter.session.is_some() {
        if !is_any {
            let kinds = kinds.iter().map(|kind| kind.name().to_owned()).collect();
            let kinds = query.bind(Cell::Texts(kinds));
            all.and(format!("kind = ANY({kinds})"));
        }
        return page_of(query, "events", &mut all, walk);
    }
    // The kinds' stretches of the index, side by side. Their names are ours: they are not bound, so that the server
    // sees which of them the index has.
    all.passed_by(&mut query, walk);
    let end = cut_part(&mut query, walk);
    let part = |kind: &EventKind| {
        let kind = kind.name();
        let others = if kind == EventKind::SessionCreated.name() {
            ""
        } else {
            " AND kind <> 'session.created'"
        };
        format!(
            "(SELECT doc, id FROM events WHERE {} AND kind = '{kind}'{others}{end})",
            all.text()
        )
    };
    let parts: Vec<_> = kinds.iter().map(part).collect();
    let page = cut(&mut query, walk);
    query.text = format!(
        "SELECT doc FROM ({}) AS shown{page}",
        parts.join(" UNION ALL ")
    );
    query
}

/// Deliveries.
pub(in super::super) fn deliveries(tenant: Tenant, filter: &DeliveryFilter, walk: &Walk) -> Query {
    let mut query = Query::new();
    let mut all = query.of(tenant);
    all.is(&mut query, "event", filter.event.map(|id| Cell::Id(id.0)));
    let receiver = filter.receiver.as_ref().map(|it| Cell::Id(receiver_id(it)));
    all.is(&mut query, "receiver", receiver);
    let state = filter.state.map(|it| small(delivery_state_number(it)));
    all.is(&mut query, "state", state);
    page_of(query, "deliveries", &mut all, walk)
}

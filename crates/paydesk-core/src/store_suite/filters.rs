//! Filters, orders, places and totals: whatever is asked for, a store finds what `shows` and `cut` find.

use std::sync::Arc;

use super::any::{
    ACTIONS, METHODS, STATES, any_account, any_bounds, any_card, any_moment, any_page, any_session,
    any_session_filter, any_transaction, currency, name, others, some_accounts,
};
use super::samples::{Chance, Samples, money};
use super::{apply, puts};
use crate::delivery::{Delivery, DeliveryState, Receiver};
use crate::event::EventKind;
use crate::id::{EndpointId, SessionId, TransactionId};
use crate::list::{
    By, DeliveryFilter, DeliveryStateName, EventFilter, Order, Page, PaymentMethodFilter, Place,
    SessionFilter, TransactionFilter, Within,
};
use crate::method::Method;
use crate::payment_method::PaymentMethod;
use crate::session::{Amount, Session, Terms};
use crate::store::{Change, Counter, Increment, Record, Store};
use crate::tenant::Tenant;
use crate::time::Span;
use crate::transaction::{Hold, StatusName, Transaction};

/// Puts records as they are put when they are made: the totals count them.
async fn put_new(store: &Arc<dyn Store>, tenant: Tenant, records: Vec<Record>) {
    let counter = |record: &Record| match record {
        Record::Session(_) => Some(Counter::Sessions),
        Record::Transaction(_) => Some(Counter::Transactions),
        _ => None,
    };
    let increments = records.iter().filter_map(counter);
    let increments = increments.map(|counter| Increment { counter, by: 1 });
    let change = Change {
        increments: increments.collect(),
        ..Change::new(tenant)
    };
    let puts = records;
    apply(store, Change { puts, ..change }).await;
}

pub async fn any_filter_order_and_place_shows_the_sessions_that_it_should(store: Arc<dyn Store>) {
    let (samples, chance) = (Samples::new(1), Chance::new(1));
    let tenant = samples.tenant();
    let all: Vec<_> = (0..150)
        .map(|_| any_session(&samples, &chance, tenant))
        .collect();
    put_new(
        &store,
        tenant,
        all.iter().cloned().map(Record::Session).collect(),
    )
    .await;
    let strangers = others(&samples, tenant).map(|other| any_session(&samples, &chance, other));
    for strange in &strangers {
        let record = Record::Session(strange.clone());
        put_new(&store, strange.tenant, vec![record]).await;
    }
    for filter in [
        SessionFilter::at(samples.tick()),
        SessionFilter {
            states: STATES.to_vec(),
            ..SessionFilter::at(samples.tick())
        },
    ] {
        for strange in &strangers {
            let theirs = strange.tenant;
            let found = store.sessions(theirs, &filter, Page::first(9)).await;
            assert_eq!(found.unwrap(), [strange.clone()], "{filter:?}");
            assert_eq!(store.count_sessions(theirs, &filter).await.unwrap(), 1);
        }
    }
    for _ in 0..600 {
        let filter = any_session_filter(&chance, &all);
        let page = any_page(&chance, &all);
        let shown: Vec<_> = all.iter().filter(|one| filter.shows(one)).collect();
        let total = store.count_sessions(tenant, &filter).await.unwrap();
        assert_eq!(total, shown.len() as u64, "{filter:?}");
        let found = store.sessions(tenant, &filter, page).await.unwrap();
        let found: Vec<SessionId> = found.iter().map(|one| one.id).collect();
        let expected: Vec<_> = page.cut(shown).iter().map(|one| one.id).collect();
        assert_eq!(found, expected, "{filter:?} {page:?}");
    }
}

pub async fn totals_without_a_filter_are_the_kept_ones(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let sessions = SessionFilter::at(samples.tick());
    let transactions = TransactionFilter::at(samples.tick());
    let change = Change {
        increments: vec![
            Increment {
                counter: Counter::Sessions,
                by: 7,
            },
            Increment {
                counter: Counter::Transactions,
                by: 3,
            },
        ],
        ..Change::new(tenant)
    };
    let total = store.count_sessions(tenant, &sessions).await.unwrap();
    assert_eq!(total, 0);
    apply(&store, change).await;
    let total = store.count_sessions(tenant, &sessions).await.unwrap();
    assert_eq!(total, 7);
    let total = store.count_transactions(tenant, &transactions).await;
    assert_eq!(total.unwrap(), 3);
    // With one, what there is counts.
    let card = SessionFilter {
        method: Some(Method::Card),
        ..sessions
    };
    assert_eq!(store.count_sessions(tenant, &card).await.unwrap(), 0);
}

pub async fn a_changed_session_is_found_by_what_it_is_now(store: Arc<dyn Store>) {
    let (samples, chance) = (Samples::new(1), Chance::new(3));
    let tenant = samples.tenant();
    let mut all: Vec<_> = (0..40)
        .map(|_| any_session(&samples, &chance, tenant))
        .collect();
    put_new(
        &store,
        tenant,
        all.iter().cloned().map(Record::Session).collect(),
    )
    .await;
    for session in &mut all {
        let changed = any_session(&samples, &chance, tenant);
        session.version += 1;
        (session.state, session.updated_at) = (changed.state, changed.updated_at);
        apply(&store, puts(tenant, [Record::Session(session.clone())])).await;
    }
    for _ in 0..100 {
        let filter = SessionFilter {
            states: chance.some(&STATES),
            ..SessionFilter::at(any_moment(&chance))
        };
        let page = any_page(&chance, &all);
        let shown: Vec<_> = all
            .iter()
            .filter(|one| filter.shows(one))
            .cloned()
            .collect();
        let total = store.count_sessions(tenant, &filter).await.unwrap();
        assert_eq!(total, shown.len() as u64, "{filter:?}");
        let found = store.sessions(tenant, &filter, page).await.unwrap();
        assert_eq!(found, page.cut(shown), "{filter:?} {page:?}");
    }
}

pub async fn a_moved_test_clock_does_not_hide_what_was_made_at_its_time(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let before = samples.session(tenant);
    // The clock was moved on a month; ids are made at wall time all the same.
    let ahead = Span::days(30);
    let mut after = samples.session(tenant);
    after.created_at = after.created_at.after(ahead);
    let records = [&before, &after].map(|one| Record::Session(one.clone()));
    put_new(&store, tenant, records.to_vec()).await;
    let now = samples.tick().after(ahead);
    let created = |least, most| SessionFilter {
        ahead,
        created: Within { least, most },
        ..SessionFilter::at(now)
    };
    let midway = Some(before.created_at.after(Span::days(15)));
    for (filter, expected) in [
        (created(midway, None), &after),
        (created(None, midway), &before),
        (
            created(Some(after.created_at), Some(after.created_at)),
            &after,
        ),
    ] {
        let found = store.sessions(tenant, &filter, Page::first(9)).await;
        assert_eq!(found.unwrap(), [expected.clone()], "{filter:?}");
        assert_eq!(store.count_sessions(tenant, &filter).await.unwrap(), 1);
    }
}

pub async fn any_filter_order_and_place_shows_the_transactions_that_it_should(
    store: Arc<dyn Store>,
) {
    let (samples, chance) = (Samples::new(1), Chance::new(1));
    let tenant = samples.tenant();
    // Several have had the same reference, one after the other.
    let sessions: Vec<_> = (0..7)
        .map(|_| any_session(&samples, &chance, tenant))
        .collect();
    let mut all: Vec<_> = (0..150)
        .map(|_| any_transaction(&samples, &chance, &sessions))
        .collect();
    let records = sessions.iter().cloned().map(Record::Session);
    let records = records.chain(all.iter().cloned().map(Record::Transaction));
    put_new(&store, tenant, records.collect()).await;
    for theirs in others(&samples, tenant) {
        let session = any_session(&samples, &chance, theirs);
        let strange = any_transaction(&samples, &chance, std::slice::from_ref(&session));
        let records = vec![
            Record::Session(session),
            Record::Transaction(strange.clone()),
        ];
        put_new(&store, theirs, records).await;
        for filter in [
            TransactionFilter::at(samples.tick()),
            TransactionFilter {
                actions: ACTIONS.to_vec(),
                ..TransactionFilter::at(samples.tick())
            },
        ] {
            let found = store.transactions(theirs, &filter, Page::first(9)).await;
            assert_eq!(found.unwrap(), [strange.clone()], "{filter:?}");
            let total = store.count_transactions(theirs, &filter).await;
            assert_eq!(total.unwrap(), 1, "{filter:?}");
        }
    }
    // What changes is found by what it is now.
    for it in all.iter_mut().step_by(4) {
        it.version += 1;
        (it.done, it.hold) = (1 - it.done, Some(Hold::Settled));
        apply(&store, puts(tenant, [Record::Transaction(it.clone())])).await;
    }
    let of = |one: &Transaction| sessions.iter().find(|it| Some(it.id) == one.session);
    let id = |chance: &Chance| uuid::Uuid::from_u128(chance.below(4).into());
    for _ in 0..600 {
        let rarely = |n| chance.one_in(n);
        let filter = TransactionFilter {
            session: rarely(8).then(|| chance.pick(&sessions).id),
            parent: rarely(8).then(|| TransactionId(id(&chance))),
            actions: chance.some(&ACTIONS),
            statuses: chance.some(&StatusName::ALL),
            currency: rarely(4).then(|| currency(&chance)),
            methods: if rarely(4) {
                chance.some(&METHODS)
            } else {
                Vec::new()
            },
            provider_accounts: if rarely(3) {
                some_accounts(&chance)
            } else {
                Vec::new()
            },
            reverted: rarely(3).then(|| chance.one_in(2)),
            amount: any_bounds(&chance, |chance| i64::from(chance.below(500))),
            created: any_bounds(&chance, |chance| chance.pick(&all).created_at),
            customer: rarely(8).then(|| "customer-1".to_owned()),
            payment_method: if rarely(8) { any_card(&chance) } else { None },
            reference: rarely(8).then(|| "reference-1".to_owned()),
            code: rarely(4).then(|| format!("reference-{}", chance.below(4))),
            provider_reference: rarely(8).then(|| "rail-1".to_owned()),
            ..TransactionFilter::at(any_moment(&chance))
        };
        let page = any_page(&chance, &all);
        let shown: Vec<_> = all.iter().filter(|it| filter.shows(it, of(it))).collect();
        let found = store.transactions(tenant, &filter, page).await.unwrap();
        let found: Vec<TransactionId> = found.iter().map(|one| one.id).collect();
        let expected: Vec<_> = page.cut(shown.clone()).iter().map(|one| one.id).collect();
        assert_eq!(found, expected, "{filter:?} {page:?}");
        let total = store.count_transactions(tenant, &filter).await.unwrap();
        assert_eq!(total, shown.len() as u64, "{filter:?}");
    }
}

pub async fn stored_cards_are_listed_and_counted(store: Arc<dyn Store>) {
    let (samples, chance) = (Samples::new(1), Chance::new(1));
    let tenant = samples.tenant();
    let all: Vec<PaymentMethod> = (0..40)
        .map(|_| {
            let card = samples.payment_method(tenant);
            PaymentMethod {
                customer: name(&chance, "customer"),
                provider_account: any_account(&chance),
                stored_by: TransactionId(uuid::Uuid::from_u128(chance.below(9).into())),
                detached_at: chance.one_in(3).then_some(card.created_at),
                updated_at: card.created_at.after(Span::minutes(chance.below(4))),
                ..card
            }
        })
        .collect();
    put_new(
        &store,
        tenant,
        all.iter().cloned().map(Record::PaymentMethod).collect(),
    )
    .await;
    for _ in 0..100 {
        let filter = PaymentMethodFilter {
            customer: chance.one_in(2).then(|| "customer-1".to_owned()),
            provider_accounts: some_accounts(&chance),
            stored_by: chance
                .one_in(4)
                .then(|| TransactionId(uuid::Uuid::from_u128(chance.below(9).into()))),
            detached: chance.one_in(2).then(|| chance.one_in(2)),
        };
        let mut page = any_page(&chance, &all);
        if page.order.by == By::Amount {
            page = Page::first(5);
        }
        let shown: Vec<_> = all
            .iter()
            .filter(|one| filter.shows(one))
            .cloned()
            .collect();
        let total = store.count_payment_methods(tenant, &filter).await.unwrap();
        assert_eq!(total, shown.len() as u64, "{filter:?}");
        let found = store.payment_methods(tenant, &filter, page).await.unwrap();
        assert_eq!(found, page.cut(shown), "{filter:?} {page:?}");
    }
}

pub async fn events_and_deliveries_are_listed(store: Arc<dyn Store>) {
    let (samples, chance) = (Samples::new(1), Chance::new(1));
    let tenant = samples.tenant();
    let endpoints = [0, 1].map(|_| Receiver::Endpoint(EndpointId(samples.uuid())));
    let (mut events, mut deliveries, mut sessions) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..30 {
        let session = samples.session(tenant);
        let mut of_it = vec![samples.event(&session, 1, false)];
        for sequence in 2..2 + chance.below(4) {
            let mut event = samples.event(&session, sequence, false);
            event.kind = *chance.pick(EventKind::ALL);
            let delivery = samples.delivery(&event);
            let at = delivery.created_at;
            deliveries.push(Delivery {
                receiver: *chance.pick(&endpoints),
                state: match chance.below(3) {
                    0 => delivery.state,
                    1 => DeliveryState::Delivered { at },
                    _ => DeliveryState::GivenUp { at },
                },
                ..delivery
            });
            of_it.push(event);
        }
        let change = Change {
            events: of_it.clone(),
            ..puts(tenant, [Record::Session(session.clone())])
        };
        apply(&store, change).await;
        events.extend(of_it);
        sessions.push(session.id);
    }
    apply(
        &store,
        puts(tenant, deliveries.iter().cloned().map(Record::Delivery)),
    )
    .await;
    for _ in 0..150 {
        let filter = EventFilter {
            session: chance.one_in(3).then(|| *chance.pick(&sessions)),
            kinds: chance.some(EventKind::ALL),
        };
        let page = by_creation(any_page(&chance, &events));
        let shown: Vec<_> = events
            .iter()
            .filter(|one| filter.shows(one))
            .cloned()
            .collect();
        let found = store.event_list(tenant, &filter, page).await.unwrap();
        assert_eq!(found, page.cut(shown), "{filter:?} {page:?}");

        let filter = DeliveryFilter {
            event: chance.one_in(3).then(|| chance.pick(&events).id),
            receiver: chance.one_in(2).then(|| *chance.pick(&endpoints)),
            state: chance.one_in(2).then(|| {
                *chance.pick(&[
                    DeliveryStateName::Pending,
                    DeliveryStateName::Delivered,
                    DeliveryStateName::GivenUp,
                ])
            }),
        };
        let page = by_creation(any_page(&chance, &deliveries));
        let shown: Vec<_> = deliveries
            .iter()
            .filter(|one| filter.shows(one))
            .cloned()
            .collect();
        let found = store.delivery_list(tenant, &filter, page).await.unwrap();
        assert_eq!(found, page.cut(shown), "{filter:?} {page:?}");
    }
}

fn by_creation(page: Page) -> Page {
    let (order, place) = match page.order.by {
        By::Created => (page.order, page.place),
        By::Updated | By::Amount => (Order::NEWEST, Place::First),
    };
    Page {
        order,
        place,
        ..page
    }
}

pub async fn amounts_of_all_sizes_are_sorted_and_bounded(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let amounts = [0, 1, 999_999_999_999_999, 256, 255, 65_536, 128];
    let sessions: Vec<_> = amounts
        .iter()
        .map(|&minor| {
            let mut session = samples.session(tenant);
            let terms = (*session.terms).clone();
            let amount = Amount::Fixed(money(minor));
            session.terms = Arc::new(Terms { amount, ..terms });
            session
        })
        .collect();
    put_new(
        &store,
        tenant,
        sessions.into_iter().map(Record::Session).collect(),
    )
    .await;
    let smallest_first = Order {
        by: By::Amount,
        descending: false,
    };
    let page = Page::first(9).ordered(smallest_first);
    let filter = SessionFilter {
        amount: Within {
            least: Some(1),
            most: None,
        },
        ..SessionFilter::at(samples.tick())
    };
    let found = store.sessions(tenant, &filter, page).await.unwrap();
    let found: Vec<_> = found.iter().map(Session::amount_asked).collect();
    assert_eq!(found, [1, 128, 255, 256, 65_536, 999_999_999_999_999]);
}

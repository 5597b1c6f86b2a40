//! Taking out: what goes, what it takes with it, and what keeps it.

use std::sync::Arc;

use super::samples::{Samples, moved, reference};
use super::{apply, puts, refused};
use crate::delivery::{Delivery, DeliveryState};
use crate::event::Event;
use crate::id::{EventId, SessionId};
use crate::list::{
    DeliveryFilter, EventFilter, Page, PaymentMethodFilter, SessionFilter, TransactionFilter,
};
use crate::search::Search;
use crate::session::{Session, State, StateName};
use crate::store::{
    Change, Claim, ClaimKey, CommitError, Conflict, Counter, Increment, Record, Removal, Store,
};
use crate::tenant::{Mode, Tenant};
use crate::time::{Span, Timestamp};
use crate::transaction::{Action, Status, Transaction};

const LATER: Timestamp = Timestamp::FAR_FUTURE;

fn removing(tenant: Tenant, removal: Removal) -> Change {
    Change {
        removals: vec![removal],
        ..Change::new(tenant)
    }
}

async fn is_kept(store: &Arc<dyn Store>, tenant: Tenant, removal: Removal) {
    let refused = refused(store, removing(tenant, removal)).await;
    assert_eq!(refused, Conflict::Kept(removal));
}

const fn of(session: &Session) -> Removal {
    Removal::Session {
        id: session.id,
        version: session.version,
    }
}

/// A session with everything that one can have, at its first version; and its transactions, oldest first.
async fn full(
    store: &Arc<dyn Store>,
    samples: &Samples,
    tenant: Tenant,
) -> (Session, Vec<Transaction>, Vec<Event>) {
    let session = samples.session(tenant);
    let paid = samples.transaction(&session);
    let refund = samples.refund(&session, &paid);
    let events = vec![
        samples.event(&session, 1, false),
        samples.event(&session, 2, false),
    ];
    let records = [
        Record::Session(session.clone()),
        Record::Transaction(paid.clone()),
        Record::Transaction(refund.clone()),
    ];
    let change = Change {
        claims: vec![
            Claim {
                key: ClaimKey::LivePayment(session.id),
                owner: paid.id.0,
            },
            reference(&session.id.to_string(), session.id.0),
        ],
        events: events.clone(),
        increments: vec![
            Increment {
                counter: Counter::Sessions,
                by: 1,
            },
            Increment {
                counter: Counter::Transactions,
                by: 2,
            },
        ],
        ..puts(tenant, records)
    };
    apply(store, change).await;
    (session, vec![paid, refund], events)
}

/// Takes a session out as a run does that removes what is old.
async fn take_out(store: &Arc<dyn Store>, session: &Session, events: &[Event], transactions: i64) {
    for event in events {
        apply(store, removing(session.tenant, Removal::Event(event.id))).await;
    }
    let change = Change {
        increments: vec![
            Increment {
                counter: Counter::Sessions,
                by: -1,
            },
            Increment {
                counter: Counter::Transactions,
                by: -transactions,
            },
        ],
        ..removing(session.tenant, of(session))
    };
    apply(store, change).await;
}

pub async fn a_session_goes_with_its_transactions_and_nothing_finds_it(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let (before, _, _) = full(&store, &samples, tenant).await;
    let (session, transactions, events) = full(&store, &samples, tenant).await;
    let (after, others, kept) = full(&store, &samples, tenant).await;
    // What it is found by is in the index, or is noted to be: both must be left behind.
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    take_out(&store, &session, &events, 2).await;

    let (id, paid) = (session.id, transactions[0].id);
    assert_eq!(store.session(tenant, id).await.unwrap(), None);
    assert_eq!(
        store.session_with_transactions(tenant, id).await.unwrap(),
        None
    );
    assert_eq!(store.transactions_of(tenant, &[id]).await.unwrap(), []);
    assert_eq!(store.transaction(tenant, paid).await.unwrap(), None);
    assert_eq!(store.children(tenant, paid).await.unwrap(), []);
    assert_eq!(store.events(tenant, id).await.unwrap(), []);
    assert_eq!(store.pulses(&[(tenant, id)]).await.unwrap(), [None]);
    let live = store
        .claim(tenant, &ClaimKey::LivePayment(id))
        .await
        .unwrap();
    assert_eq!(live, None);
    // What was used once is used for ever.
    let used = reference(&id.to_string(), id.0);
    assert_eq!(store.claim(tenant, &used.key).await.unwrap(), Some(id.0));

    let remaining = [after.id, before.id];
    let shown = |found: Vec<Session>| {
        found
            .into_iter()
            .map(|it| it.id)
            .collect::<Vec<SessionId>>()
    };
    let now = session.created_at;
    for filter in [
        SessionFilter::at(now),
        SessionFilter {
            states: vec![StateName::Created],
            ..SessionFilter::at(now)
        },
        SessionFilter {
            search: Search::parse("zoe 8731").unwrap(),
            ..SessionFilter::at(now)
        },
    ] {
        let found = store
            .sessions(tenant, &filter, Page::first(9))
            .await
            .unwrap();
        assert_eq!(shown(found), remaining, "{filter:?}");
        assert_eq!(
            store.count_sessions(tenant, &filter).await.unwrap(),
            2,
            "{filter:?}"
        );
    }
    for filter in [
        TransactionFilter::at(now),
        TransactionFilter {
            actions: vec![Action::Payment, Action::Refund],
            ..TransactionFilter::at(now)
        },
    ] {
        let found = store
            .transactions(tenant, &filter, Page::first(9))
            .await
            .unwrap();
        assert_eq!(found.len(), 4);
        assert!(found.iter().all(|it| it.session != Some(id)));
        assert_eq!(store.count_transactions(tenant, &filter).await.unwrap(), 4);
    }
    let due = store.due_sessions(LATER, 9).await.unwrap();
    assert_eq!(due, [(tenant, before.id), (tenant, after.id)]);
    assert_eq!(store.due_transactions(LATER, 9).await.unwrap().len(), 4);

    // Its neighbours are whole.
    let whole = store
        .session_with_transactions(tenant, after.id)
        .await
        .unwrap();
    assert_eq!(whole, Some((after.clone(), others)));
    assert_eq!(store.events(tenant, after.id).await.unwrap(), kept);
    let live = store.claim(tenant, &ClaimKey::LivePayment(after.id)).await;
    assert!(live.unwrap().is_some());
}

pub async fn a_session_stays_while_it_has_events(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let (session, transactions, events) = full(&store, &samples, tenant).await;
    // Its first event is found by another way than the rest.
    is_kept(&store, tenant, of(&session)).await;
    apply(&store, removing(tenant, Removal::Event(events[0].id))).await;
    is_kept(&store, tenant, of(&session)).await;
    apply(&store, removing(tenant, Removal::Event(events[1].id))).await;
    apply(&store, removing(tenant, of(&session))).await;

    let (session, _, events) = full(&store, &samples, tenant).await;
    apply(&store, removing(tenant, Removal::Event(events[1].id))).await;
    is_kept(&store, tenant, of(&session)).await;
    let there = store
        .session_with_transactions(tenant, session.id)
        .await
        .unwrap();
    assert_eq!(there.unwrap().1.len(), transactions.len());
}

pub async fn a_session_stays_that_has_changed_or_is_not_there(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let session = samples.session(tenant);
    apply(&store, puts(tenant, [Record::Session(session.clone())])).await;
    let now = moved(
        &session,
        State::Expired {
            at: session.created_at,
        },
    );
    apply(&store, puts(tenant, [Record::Session(now.clone())])).await;
    is_kept(&store, tenant, of(&session)).await;
    let live = Tenant {
        mode: Mode::Live,
        ..tenant
    };
    for stranger in [live, samples.tenant()] {
        is_kept(&store, stranger, of(&now)).await;
    }
    is_kept(&store, tenant, of(&samples.session(tenant))).await;
    assert_eq!(
        store.session(tenant, now.id).await.unwrap(),
        Some(now.clone())
    );
    apply(&store, removing(tenant, of(&now))).await;
    is_kept(&store, tenant, of(&now)).await;
}

pub async fn what_is_kept_leaves_nothing_of_the_change_applied(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let (gone, _, events) = full(&store, &samples, tenant).await;
    let (kept, _, _) = full(&store, &samples, tenant).await;
    for event in &events {
        apply(&store, removing(tenant, Removal::Event(event.id))).await;
    }
    let change = Change {
        removals: vec![of(&gone), of(&kept)],
        increments: vec![Increment {
            counter: Counter::Sessions,
            by: -2,
        }],
        ..Change::new(tenant)
    };
    assert_eq!(refused(&store, change).await, Conflict::Kept(of(&kept)));
    assert!(store.session(tenant, gone.id).await.unwrap().is_some());
    assert_eq!(store.count(tenant, Counter::Sessions).await.unwrap(), 2);
    assert_eq!(
        store
            .transactions_of(tenant, &[gone.id])
            .await
            .unwrap()
            .len(),
        2
    );
}

pub async fn a_charge_without_a_session_goes_with_its_operations(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let alone = |transaction: Transaction| Transaction {
        session: None,
        ..transaction
    };
    let session = samples.session(tenant);
    let charge = alone(samples.transaction(&session));
    let refund = alone(samples.refund(&session, &charge));
    let other = alone(samples.transaction(&session));
    let of_session = samples.transaction(&session);
    let records = [&charge, &refund, &other, &of_session].map(|it| Record::Transaction(it.clone()));
    apply(&store, puts(tenant, records)).await;
    let removal = |it: &Transaction, version| Removal::Charge { id: it.id, version };
    is_kept(&store, tenant, removal(&of_session, 1)).await;
    is_kept(&store, tenant, removal(&charge, 2)).await;
    is_kept(&store, samples.tenant(), removal(&charge, 1)).await;
    apply(&store, removing(tenant, removal(&charge, 1))).await;
    assert_eq!(store.transaction(tenant, charge.id).await.unwrap(), None);
    assert_eq!(store.transaction(tenant, refund.id).await.unwrap(), None);
    assert_eq!(store.children(tenant, charge.id).await.unwrap(), []);
    let all = store
        .transactions(tenant, &TransactionFilter::at(LATER), Page::first(9))
        .await;
    assert_eq!(all.unwrap(), [of_session, other]);
}

pub async fn a_card_goes_once_no_transaction_names_it(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let session = samples.session(tenant);
    let (card, other) = (
        samples.payment_method(tenant),
        samples.payment_method(tenant),
    );
    let paid = Transaction {
        payment_method: Some(card.id),
        status: Status::Succeeded {
            at: session.created_at,
        },
        ..samples.transaction(&session)
    };
    let records = [
        Record::Session(session.clone()),
        Record::PaymentMethod(card.clone()),
        Record::PaymentMethod(other.clone()),
        Record::Transaction(paid),
    ];
    apply(&store, puts(tenant, records)).await;
    let removal = |version| Removal::PaymentMethod {
        id: card.id,
        version,
    };
    is_kept(&store, tenant, removal(1)).await;
    apply(&store, removing(tenant, of(&session))).await;
    is_kept(&store, tenant, removal(2)).await;
    apply(&store, removing(tenant, removal(1))).await;
    assert_eq!(store.payment_method(tenant, card.id).await.unwrap(), None);
    let all = store
        .payment_methods(tenant, &PaymentMethodFilter::default(), Page::first(9))
        .await;
    assert_eq!(all.unwrap(), [other]);
}

fn done(delivery: &Delivery, state: DeliveryState) -> Delivery {
    Delivery {
        version: delivery.version + 1,
        state,
        ..delivery.clone()
    }
}

pub async fn an_event_goes_with_its_deliveries_once_they_are_done(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let session = samples.session(tenant);
    let (event, other) = (
        samples.event(&session, 2, true),
        samples.event(&session, 3, true),
    );
    let at = event.at;
    let change = Change {
        events: vec![event.clone(), other.clone()],
        ..Change::new(tenant)
    };
    apply(&store, change).await;
    let removal = Removal::Event(event.id);
    is_kept(&store, tenant, removal).await;
    let deliveries = [samples.delivery(&event), samples.delivery(&event)];
    let [first, second] = &deliveries;
    let theirs = samples.delivery(&other);
    let records = [first, second, &theirs].map(|it| Record::Delivery(it.clone()));
    let change = Change {
        dispatched: vec![event.id, other.id],
        ..puts(tenant, records)
    };
    apply(&store, change).await;
    is_kept(&store, tenant, removal).await;
    let first = done(first, DeliveryState::Delivered { at });
    apply(&store, puts(tenant, [Record::Delivery(first)])).await;
    // One is with a worker.
    let node = crate::id::NodeId(samples.uuid());
    let until = at.after(Span::seconds(9));
    let second = done(second, DeliveryState::Leased { node, until });
    apply(&store, puts(tenant, [Record::Delivery(second.clone())])).await;
    is_kept(&store, tenant, removal).await;
    let second = done(&second, DeliveryState::GivenUp { at });
    apply(&store, puts(tenant, [Record::Delivery(second)])).await;
    // Asked to be told once more.
    let retold = Change {
        retold: vec![event.id],
        ..Change::new(tenant)
    };
    apply(&store, retold).await;
    is_kept(&store, tenant, removal).await;
    let dispatched = Change {
        dispatched: vec![event.id],
        ..Change::new(tenant)
    };
    apply(&store, dispatched).await;

    is_kept(&store, samples.tenant(), removal).await;
    is_kept(&store, tenant, Removal::Event(EventId(samples.uuid()))).await;
    apply(&store, removing(tenant, removal)).await;
    assert_eq!(store.event(tenant, event.id).await.unwrap(), None);
    assert_eq!(store.deliveries(tenant, event.id).await.unwrap(), []);
    let all = DeliveryFilter::default();
    let left = store
        .delivery_list(tenant, &all, Page::first(9))
        .await
        .unwrap();
    assert_eq!(left, [theirs.clone()]);
    let listed = store
        .event_list(tenant, &EventFilter::default(), Page::first(9))
        .await;
    assert_eq!(listed.unwrap(), [other]);
    assert_eq!(store.due_deliveries(LATER, 9).await.unwrap(), [theirs]);
    is_kept(&store, tenant, removal).await;
}

pub async fn of_many_that_remove_the_same_one_counts_it(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let (session, _, events) = full(&store, &samples, tenant).await;
    full(&store, &samples, tenant).await;
    for event in &events {
        apply(&store, removing(tenant, Removal::Event(event.id))).await;
    }
    let racing: Vec<_> = (0..20)
        .map(|_| {
            let (store, change) = (Arc::clone(&store), removing(tenant, of(&session)));
            let change = Change {
                increments: vec![
                    Increment {
                        counter: Counter::Sessions,
                        by: -1,
                    },
                    Increment {
                        counter: Counter::Transactions,
                        by: -2,
                    },
                ],
                ..change
            };
            tokio::spawn(async move { store.commit(change).await })
        })
        .collect();
    let mut won = 0;
    for one in racing {
        match one.await.unwrap() {
            Ok(()) => won += 1,
            Err(CommitError::Conflict(kept)) => assert_eq!(kept, Conflict::Kept(of(&session))),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(store.count(tenant, Counter::Sessions).await.unwrap(), 1);
    assert_eq!(store.count(tenant, Counter::Transactions).await.unwrap(), 2);
}

pub async fn a_removal_and_a_change_to_the_same_session_never_both_happen(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    for _ in 0..60 {
        let session = samples.session(tenant);
        apply(&store, puts(tenant, [Record::Session(session.clone())])).await;
        let late = samples.transaction(&session);
        let changed = moved(
            &session,
            State::Expired {
                at: session.created_at,
            },
        );
        let change = puts(
            tenant,
            [Record::Session(changed), Record::Transaction(late.clone())],
        );
        let (one, other) = (Arc::clone(&store), Arc::clone(&store));
        let removed = tokio::spawn(async move { one.commit(removing(tenant, of(&session))).await });
        let changed = tokio::spawn(async move { other.commit(change).await });
        let (removed, changed) = (removed.await.unwrap(), changed.await.unwrap());
        assert!(
            removed.is_ok() != changed.is_ok(),
            "{removed:?} {changed:?}"
        );
        // No transaction is ever without its session.
        let found = store.transaction(tenant, late.id).await.unwrap();
        assert_eq!(found.is_some(), changed.is_ok());
    }
}

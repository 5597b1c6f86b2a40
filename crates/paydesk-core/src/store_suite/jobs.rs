//! The job reads: what is due, over all tenants.

use std::sync::Arc;

use super::samples::{Samples, completed, moved};
use super::{apply, puts};
use crate::delivery::DeliveryState;
use crate::id::{NodeId, TransactionId};
use crate::session::{Canceller, State};
use crate::store::{Change, Record, Store};
use crate::tenant::{Mode, Tenant};
use crate::test_clock::TestClock;
use crate::time::{Span, Timestamp};
use crate::transaction::{FailureReason, Status};

/// In which order the things that are due at these times are put; none of the orders is that of the times.
const SHUFFLED: [u32; 6] = [40, 10, 50, 0, 30, 20];

/// A moment after the samples' time.
const fn minute(n: u32) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000).after(Span::minutes(n))
}

pub async fn sessions_come_due_most_overdue_first(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let mut expected = Vec::new();
    for n in SHUFFLED {
        let mut tenant = samples.tenant();
        if n % 20 == 0 {
            tenant.mode = Mode::Live;
        }
        let mut session = samples.session(tenant);
        session.state = State::Created {
            expires_at: minute(n),
        };
        expected.push((n, (tenant, session.id)));
        apply(&store, puts(tenant, [Record::Session(session)])).await;
    }
    expected.sort_by_key(|(n, _)| *n);
    let expected: Vec<_> = expected.into_iter().map(|(_, due)| due).collect();
    let due = store.due_sessions(minute(30), 100).await.unwrap();
    assert_eq!(due, expected[..4], "what is due at this very moment is due");
    let due = store.due_sessions(minute(30), 2).await.unwrap();
    assert_eq!(due, expected[..2]);
    let due = store.due_sessions(minute(99), usize::MAX).await.unwrap();
    assert_eq!(due, expected);
    assert!(store.due_sessions(minute(99), 0).await.unwrap().is_empty());
    let before = Timestamp::from_millis(minute(0).as_millis() - 1);
    assert!(store.due_sessions(before, 9).await.unwrap().is_empty());
}

pub async fn a_session_is_due_when_it_says_so_and_no_longer(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let mut session = samples.session(tenant);
    session.state = State::Created {
        expires_at: minute(10),
    };
    apply(&store, puts(tenant, [Record::Session(session.clone())])).await;
    let transaction = TransactionId(samples.uuid());
    let (since, at) = (samples.tick(), samples.tick());
    let expires_at = minute(5);
    let processing = |lapses_at| State::Processing {
        since,
        transaction,
        lapses_at,
    };
    for state in [
        State::Initiated { at, expires_at },
        processing(Some(minute(20))),
        processing(None),
        processing(Some(minute(3))),
        completed(at, transaction),
    ] {
        session = moved(&session, state);
        if session.state.is_terminal() {
            session.hold_expires_at = Some(minute(40));
        }
        apply(&store, puts(tenant, [Record::Session(session.clone())])).await;
        let due_at = session.due_at();
        let due = |at| store.due_sessions(at, 9);
        assert_eq!(
            due(Timestamp::FAR_FUTURE).await.unwrap().len(),
            usize::from(due_at.is_some()),
            "{state:?}"
        );
        if let Some(due_at) = due_at {
            assert_eq!(due(due_at).await.unwrap(), [(tenant, session.id)]);
            let before = Timestamp::from_millis(due_at.as_millis() - 1);
            assert!(due(before).await.unwrap().is_empty(), "{state:?}");
        }
    }
    session.hold_expires_at = None;
    let by = Canceller::Merchant;
    for state in [
        completed(at, transaction),
        State::Cancelled { at, by },
        State::Expired { at },
    ] {
        session = moved(&session, state);
        apply(&store, puts(tenant, [Record::Session(session.clone())])).await;
        let due = store.due_sessions(Timestamp::FAR_FUTURE, 9).await.unwrap();
        assert!(due.is_empty(), "{state:?}");
    }
}

pub async fn transactions_are_asked_about_most_overdue_first(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let mut expected = Vec::new();
    for n in SHUFFLED {
        let tenant = samples.tenant();
        let mut transaction = samples.transaction(&samples.session(tenant));
        transaction.status = Status::Unknown {
            since: transaction.created_at,
            asked: 1,
            ask_at: minute(n),
        };
        expected.push((n, (tenant, transaction.id)));
        apply(&store, puts(tenant, [Record::Transaction(transaction)])).await;
    }
    expected.sort_by_key(|(n, _)| *n);
    let expected: Vec<_> = expected.into_iter().map(|(_, due)| due).collect();
    let due = |at, limit| store.due_transactions(at, limit);
    assert_eq!(due(minute(30), 100).await.unwrap(), expected[..4]);
    assert_eq!(due(minute(30), 3).await.unwrap(), expected[..3]);
    assert_eq!(due(minute(99), usize::MAX).await.unwrap(), expected);
}

pub async fn a_transaction_is_asked_about_only_while_its_outcome_is_open(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let mut transaction = samples.transaction(&samples.session(tenant));
    let at = transaction.created_at;
    let in_flight = transaction.status.clone();
    let awaiting = |ask_at| Status::AwaitingPayer {
        redirect_url: None,
        expires_at: minute(1),
        ask_at,
    };
    let unknown = Status::Unknown {
        since: at,
        asked: 0,
        ask_at: minute(9),
    };
    let reason = FailureReason::NeverArrived;
    for status in [
        in_flight,
        awaiting(None),
        awaiting(Some(minute(3))),
        unknown,
        Status::Failed { at, reason },
        Status::Received { at },
        Status::Succeeded { at },
    ] {
        transaction.status = status.clone();
        let put = Record::Transaction(transaction.clone());
        apply(&store, puts(tenant, [put])).await;
        let due = |at| store.due_transactions(at, 9);
        let ask_at = transaction.ask_at();
        assert_eq!(
            due(Timestamp::FAR_FUTURE).await.unwrap().len(),
            usize::from(ask_at.is_some()),
            "{status:?}"
        );
        if let Some(ask_at) = ask_at {
            assert_eq!(due(ask_at).await.unwrap(), [(tenant, transaction.id)]);
            let before = Timestamp::from_millis(ask_at.as_millis() - 1);
            assert!(due(before).await.unwrap().is_empty(), "{status:?}");
        }
        transaction.version += 1;
    }
}

pub async fn deliveries_come_due_most_overdue_first(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let mut expected = Vec::new();
    for n in SHUFFLED {
        let tenant = samples.tenant();
        let event = samples.event(&samples.session(tenant), 1, true);
        let mut delivery = samples.delivery(&event);
        delivery.state = DeliveryState::Due { at: minute(n) };
        apply(&store, puts(tenant, [Record::Delivery(delivery.clone())])).await;
        expected.push((n, delivery));
    }
    expected.sort_by_key(|(n, _)| *n);
    let expected: Vec<_> = expected.into_iter().map(|(_, due)| due).collect();
    let due = |at, limit| store.due_deliveries(at, limit);
    assert_eq!(due(minute(30), 100).await.unwrap(), expected[..4]);
    assert_eq!(due(minute(30), 3).await.unwrap(), expected[..3]);
    assert_eq!(due(minute(99), 9).await.unwrap(), expected);
}

pub async fn a_delivery_is_due_until_it_is_done(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let event = samples.event(&samples.session(tenant), 1, true);
    let mut delivery = samples.delivery(&event);
    let at = samples.tick();
    let node = NodeId(samples.uuid());
    let until = minute(1);
    for (state, due_at) in [
        (DeliveryState::Due { at }, Some(at)),
        // If the worker dies, the end of its lease makes it due again.
        (DeliveryState::Leased { node, until }, Some(until)),
        (DeliveryState::Due { at: minute(5) }, Some(minute(5))),
        (DeliveryState::GivenUp { at }, None),
        (DeliveryState::Delivered { at }, None),
        // Sent again by hand.
        (DeliveryState::Due { at: minute(7) }, Some(minute(7))),
    ] {
        delivery.state = state;
        apply(&store, puts(tenant, [Record::Delivery(delivery.clone())])).await;
        let due = |at| store.due_deliveries(at, 9);
        match due_at {
            Some(due_at) => {
                assert_eq!(due(due_at).await.unwrap(), [delivery.clone()]);
                let before = Timestamp::from_millis(due_at.as_millis() - 1);
                assert!(due(before).await.unwrap().is_empty(), "{state:?}");
            }
            None => assert!(due(Timestamp::FAR_FUTURE).await.unwrap().is_empty()),
        }
        delivery.version += 1;
    }
}

pub async fn undispatched_events_are_limited(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let session = samples.session(tenant);
    let events: Vec<_> = (1..=7).map(|n| samples.event(&session, n, true)).collect();
    let appending = Change {
        events,
        ..Change::new(tenant)
    };
    apply(&store, appending).await;
    for (limit, found) in [(0, 0), (1, 1), (5, 5), (100, 7)] {
        assert_eq!(store.undispatched(limit).await.unwrap().len(), found);
    }
}

pub async fn what_is_due_of_one_tenant_is_its_own(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let (tenant, other) = (samples.tenant(), samples.tenant());
    let live = Tenant {
        mode: Mode::Live,
        ..tenant
    };
    let mut expected = Vec::new();
    for n in SHUFFLED {
        for owner in [tenant, other, live] {
            let mut session = samples.session(owner);
            session.state = State::Created {
                expires_at: minute(n),
            };
            if owner == tenant && n <= 30 {
                expected.push((n, session.id));
            }
            apply(&store, puts(owner, [Record::Session(session)])).await;
        }
    }
    expected.sort_by_key(|(n, _)| *n);
    let expected: Vec<_> = expected.into_iter().map(|(_, id)| id).collect();
    let due = |limit| store.due_sessions_of(tenant, minute(30), limit);
    assert_eq!(due(100).await.unwrap(), expected);
    assert_eq!(due(2).await.unwrap(), expected[..2]);

    let mut deliveries = Vec::new();
    for n in SHUFFLED {
        for owner in [tenant, other, live] {
            let event = samples.event(&samples.session(owner), 1, false);
            let mut delivery = samples.delivery(&event);
            delivery.state = DeliveryState::Due { at: minute(n) };
            if owner == tenant && n <= 30 {
                deliveries.push((n, delivery.id));
            }
            apply(&store, puts(owner, [Record::Delivery(delivery)])).await;
        }
    }
    deliveries.sort_by_key(|(n, _)| *n);
    let expected: Vec<_> = deliveries.into_iter().map(|(_, id)| id).collect();
    let due = store.due_deliveries_of(tenant, minute(30), 100).await;
    let due: Vec<_> = due.unwrap().iter().map(|delivery| delivery.id).collect();
    assert_eq!(due, expected);
}

pub async fn a_moved_test_clock_is_found_whoever_moved_it(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    assert_eq!(store.test_clocks().await.unwrap().len(), 0);
    for ahead in [1, 2] {
        let merchant = samples.merchant();
        let tenant = TestClock::tenant_of(merchant.id);
        let clock = TestClock {
            merchant: merchant.id,
            version: 1,
            ahead: Span::hours(ahead),
            moved_at: samples.tick(),
            moving: None,
        };
        let entry = Record::entry(&clock).unwrap();
        apply(&store, puts(tenant, [Record::Merchant(merchant), entry])).await;
    }
    let clocks = store.test_clocks().await.unwrap();
    let mut ahead: Vec<Span> = clocks
        .iter()
        .map(|doc| serde_json::from_str::<TestClock>(doc).unwrap().ahead)
        .collect();
    ahead.sort();
    assert_eq!(ahead, [Span::hours(1), Span::hours(2)]);
}

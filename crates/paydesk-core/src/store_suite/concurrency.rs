//! Many at once.

use std::sync::Arc;

use super::samples::{Samples, moved, reference};
use super::{apply, puts};
use crate::session::{Canceller, State};
use crate::store::{
    Change, CommitError, Conflict, Counter, IdempotencyWrite, Increment, Record, RecordKey, Store,
};

const MANY: usize = 100;

/// Commits all changes at the same time; says what became of each, in the order given.
async fn race(store: &Arc<dyn Store>, changes: Vec<Change>) -> Vec<Result<(), Conflict>> {
    let tasks: Vec<_> = changes
        .into_iter()
        .map(|change| {
            let store = Arc::clone(store);
            tokio::spawn(async move { store.commit(change).await })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(match task.await.unwrap() {
            Ok(()) => Ok(()),
            Err(CommitError::Conflict(conflict)) => Err(conflict),
            Err(CommitError::Unavailable(unavailable)) => panic!("{unavailable}"),
        });
    }
    outcomes
}

/// The one that won; panics unless all others lost for this reason.
fn winner(outcomes: &[Result<(), Conflict>], lost: impl Fn(usize) -> Conflict) -> usize {
    let winner = outcomes.iter().position(Result::is_ok).expect("one wins");
    for (racer, outcome) in outcomes.iter().enumerate() {
        if racer != winner {
            assert_eq!(outcome, &Err(lost(winner)), "racer {racer}");
        }
    }
    winner
}

pub async fn of_100_changes_racing_for_a_claim_one_wins(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let sessions: Vec<_> = (0..MANY).map(|_| samples.session(tenant)).collect();
    let changes = sessions.iter().map(|session| Change {
        claims: vec![reference("order-1", session.id.0)],
        increments: vec![Increment {
            counter: Counter::Sessions,
            by: 1,
        }],
        ..puts(tenant, [Record::Session(session.clone())])
    });
    let outcomes = race(&store, changes.collect()).await;
    let winner = winner(&outcomes, |winner| Conflict::Claimed {
        key: reference("order-1", sessions[winner].id.0).key,
        owner: sessions[winner].id.0,
    });
    for (racer, session) in sessions.iter().enumerate() {
        let there = store.session(tenant, session.id).await.unwrap();
        assert_eq!(there.is_some(), racer == winner);
    }
    assert_eq!(store.count(tenant, Counter::Sessions).await.unwrap(), 1);
}

pub async fn of_100_changes_to_one_version_one_wins(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let session = samples.session(tenant);
    apply(&store, puts(tenant, [Record::Session(session.clone())])).await;
    let changes = (0..MANY).map(|_| {
        let cancelled = State::Cancelled {
            at: samples.tick(),
            by: Canceller::Payer,
        };
        puts(tenant, [Record::Session(moved(&session, cancelled))])
    });
    let changes: Vec<_> = changes.collect();
    let outcomes = race(&store, changes.clone()).await;
    let winner = winner(&outcomes, |_| {
        Conflict::Stale(RecordKey::Session(session.id))
    });
    let there = store.session(tenant, session.id).await.unwrap().unwrap();
    assert_eq!([Record::Session(there)], changes[winner].puts.as_slice());
}

pub async fn of_100_requests_with_one_key_one_wins(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let records: Vec<_> = (0..MANY).map(|_| samples.running("key-1")).collect();
    let changes = records.iter().map(|record| Change {
        idempotency: Some(IdempotencyWrite::Claim(record.clone())),
        ..puts(tenant, [Record::Session(samples.session(tenant))])
    });
    let changes: Vec<_> = changes.collect();
    let outcomes = race(&store, changes).await;
    winner(&outcomes, |winner| {
        Conflict::Idempotency(Box::new(records[winner].clone()))
    });
    let filter = crate::list::SessionFilter::at(samples.tick());
    let page = crate::list::Page::first(MANY);
    let there = store.sessions(tenant, &filter, page).await.unwrap();
    assert_eq!(there.len(), 1);
}

pub async fn of_100_workers_dispatching_an_event_one_wins(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let session = samples.session(tenant);
    let event = samples.event(&session, 1, true);
    let opening = Change {
        events: vec![event.clone()],
        ..puts(tenant, [Record::Session(session)])
    };
    apply(&store, opening).await;
    let changes = (0..MANY).map(|_| Change {
        dispatched: vec![event.id],
        ..puts(tenant, [Record::Delivery(samples.delivery(&event))])
    });
    let outcomes = race(&store, changes.collect()).await;
    winner(&outcomes, |_| Conflict::Dispatched(event.id));
    assert_eq!(store.deliveries(tenant, event.id).await.unwrap().len(), 1);
}

pub async fn increments_commute(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let (mine, theirs) = (samples.tenant(), samples.tenant());
    let change = |tenant, counter, by| Change {
        increments: vec![Increment { counter, by }],
        ..Change::new(tenant)
    };
    let changes = (1..=MANY).flat_map(|n| {
        let n = i64::try_from(n).unwrap();
        [
            change(mine, Counter::Sessions, n),
            change(mine, Counter::Transactions, -n),
            change(theirs, Counter::Sessions, 1),
        ]
    });
    let outcomes = race(&store, changes.collect()).await;
    assert!(outcomes.iter().all(Result::is_ok));
    let sum = 5_050;
    let mine_opened = store.count(mine, Counter::Sessions).await.unwrap();
    assert_eq!(mine_opened, sum);
    let mine_begun = store.count(mine, Counter::Transactions).await.unwrap();
    assert_eq!(mine_begun, -sum);
    let theirs_opened = store.count(theirs, Counter::Sessions).await.unwrap();
    assert_eq!(theirs_opened, 100);
}

pub async fn a_refused_change_takes_none_of_its_neighbours_with_it(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let taken = samples.session(tenant);
    apply(&store, puts(tenant, [Record::Session(taken.clone())])).await;
    let sessions: Vec<_> = (0..MANY).map(|_| samples.session(tenant)).collect();
    let changes = sessions.iter().enumerate().map(|(n, session)| {
        let mut change = Change {
            events: vec![samples.event(session, 1, true)],
            increments: vec![Increment {
                counter: Counter::Sessions,
                by: 1,
            }],
            ..puts(tenant, [Record::Session(session.clone())])
        };
        // Every third is refused, after its first record was found good.
        if n % 3 == 0 {
            change.puts.push(Record::Session(taken.clone()));
        }
        change
    });
    let outcomes = race(&store, changes.collect()).await;
    for (n, (session, outcome)) in sessions.iter().zip(outcomes).enumerate() {
        assert_eq!(outcome.is_ok(), n % 3 != 0);
        let there = store.session(tenant, session.id).await.unwrap();
        assert_eq!(there.as_ref(), outcome.is_ok().then_some(session));
    }
    assert_eq!(store.count(tenant, Counter::Sessions).await.unwrap(), 66);
    assert_eq!(store.undispatched(MANY).await.unwrap().len(), 66);
}

pub async fn what_is_committed_is_seen_at_once_from_everywhere(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    for _ in 0..50 {
        let session = samples.session(tenant);
        apply(&store, puts(tenant, [Record::Session(session.clone())])).await;
        let readers = (0..4).map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.session(tenant, session.id).await })
        });
        for reader in readers.collect::<Vec<_>>() {
            assert!(reader.await.unwrap().unwrap().is_some());
        }
    }
}

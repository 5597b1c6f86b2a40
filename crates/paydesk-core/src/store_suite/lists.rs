//! Lists, their pages and filters.

use std::sync::Arc;

use super::samples::{Samples, completed, moved};
use super::{apply, puts};
use crate::id::{SessionId, TransactionId};
use crate::list::{Mark, Page, SessionFilter, TransactionFilter};
use crate::session::{Canceller, Session, State, StateName};
use crate::store::{Record, Store};
use crate::tenant::Tenant;
use crate::time::{Span, Timestamp};
use crate::transaction::Action;

const STATES: [StateName; 6] = [
    StateName::Created,
    StateName::Initiated,
    StateName::Processing,
    StateName::Completed,
    StateName::Cancelled,
    StateName::Expired,
];

async fn list(
    store: &Arc<dyn Store>,
    tenant: Tenant,
    states: &[StateName],
    now: Timestamp,
    after: Option<SessionId>,
    limit: usize,
) -> Vec<Session> {
    let filter = SessionFilter {
        states: states.to_vec(),
        ..SessionFilter::at(now)
    };
    let page = Page::first(limit).after(after.map(|id| Mark::of(id.0)));
    store.sessions(tenant, &filter, page).await.unwrap()
}

/// Puts as many sessions as there are states in which a session may stand, several times over; newest first.
async fn in_every_state(store: &Arc<dyn Store>, samples: &Samples, tenant: Tenant) -> Vec<Session> {
    let mut sessions = Vec::new();
    for round in 0..3_u32 {
        for lifetime in [None, Some(Span::hours(2 + round))] {
            let transaction = TransactionId(samples.uuid());
            let at = samples.tick();
            let created = samples.session_with(tenant, lifetime);
            let (since, soon) = (at, at.after(Span::minutes(30 + round)));
            let processing = |lapses_at| State::Processing {
                since,
                transaction,
                lapses_at,
            };
            let states = [
                created.state,
                created.initiated_at(at),
                processing(Some(soon)),
                processing(None),
                completed(at, transaction),
                State::Cancelled {
                    at,
                    by: Canceller::Payer,
                },
                State::Expired { at },
            ];
            for state in states {
                let mut session = samples.session_with(tenant, lifetime);
                if state.name() != StateName::Created {
                    session.state = state;
                }
                if let State::Initiated { .. } = state {
                    session.state = session.initiated_at(at);
                }
                let put = Record::Session(session.clone());
                apply(store, puts(tenant, [put])).await;
                sessions.push(session);
            }
        }
    }
    sessions.reverse();
    sessions
}

/// All moments at which one of these sessions changes by time alone, those just before, and the two ends.
fn moments(sessions: &[Session]) -> Vec<Timestamp> {
    let mut moments = vec![Timestamp::EPOCH, Timestamp::FAR_FUTURE];
    for session in sessions {
        for at in [session.due_at(), session.expires_at()]
            .into_iter()
            .flatten()
        {
            moments.extend([at, Timestamp::from_millis(at.as_millis() - 1)]);
        }
    }
    moments.sort();
    moments.dedup();
    moments
}

pub async fn sessions_come_newest_first(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let sessions: Vec<_> = (0..5).map(|_| samples.session(tenant)).collect();
    let other = samples.session(samples.tenant());
    // Not in the order of their ids: two processes may commit in any order.
    for n in [2, 0, 4, 1, 3] {
        let put = Record::Session(sessions[n].clone());
        apply(&store, puts(tenant, [put])).await;
    }
    apply(&store, puts(other.tenant, [Record::Session(other)])).await;
    let newest_first: Vec<_> = sessions.into_iter().rev().collect();
    let now = samples.tick();
    assert_eq!(list(&store, tenant, &[], now, None, 99).await, newest_first);
    assert_eq!(
        list(&store, tenant, &STATES, now, None, 2).await,
        newest_first[..2]
    );
    assert!(list(&store, tenant, &[], now, None, 0).await.is_empty());
}

pub async fn pages_of_sessions_follow_each_other_without_gap_or_repeat(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let all = in_every_state(&store, &samples, tenant).await;
    let now = samples.tick();
    for limit in [1, 4, 50] {
        let mut seen = Vec::new();
        loop {
            let after = seen.last().map(|last: &Session| last.id);
            let page = list(&store, tenant, &[], now, after, limit).await;
            if page.is_empty() {
                break;
            }
            seen.extend(page);
        }
        assert_eq!(seen, all, "in pages of {limit}");
    }
    // The cursor itself need not be there.
    let gone = Some(SessionId(samples.uuid()));
    assert_eq!(list(&store, tenant, &[], now, gone, 99).await, all);
}

pub async fn sessions_are_filtered_by_where_they_stand_now(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let all = in_every_state(&store, &samples, tenant).await;
    for now in moments(&all) {
        for chosen in 1..1_u32 << STATES.len() {
            let chosen = |n: &usize| chosen >> n & 1 == 1;
            let states: Vec<_> = (0..STATES.len())
                .filter(chosen)
                .map(|n| STATES[n])
                .collect();
            let expected: Vec<_> = all
                .iter()
                .filter(|session| states.contains(&session.state_at(now).name()))
                .map(|session| session.id)
                .collect();
            let found = list(&store, tenant, &states, now, None, 99).await;
            let found: Vec<_> = found.into_iter().map(|session| session.id).collect();
            assert_eq!(found, expected, "{states:?} at {now}");
        }
    }
}

pub async fn filtered_pages_follow_each_other_without_gap_or_repeat(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let all = in_every_state(&store, &samples, tenant).await;
    let moments = moments(&all);
    for states in [
        &[StateName::Created][..],
        &[StateName::Initiated, StateName::Completed],
        &[StateName::Expired],
        &[StateName::Processing, StateName::Expired],
    ] {
        for now in [moments[moments.len() / 3], moments[moments.len() / 2]] {
            let expected = list(&store, tenant, states, now, None, 99).await;
            let mut seen: Vec<Session> = Vec::new();
            while seen.len() < expected.len() {
                let after = seen.last().map(|last| last.id);
                let page = list(&store, tenant, states, now, after, 2).await;
                assert!((1..=2).contains(&page.len()), "{states:?} at {now}");
                seen.extend(page);
            }
            assert_eq!(seen, expected, "{states:?} at {now}");
        }
    }
}

pub async fn a_rare_state_is_found_among_many(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let ended = |state: fn(Timestamp) -> State| {
        let session = samples.session(tenant);
        let state = state(session.created_at);
        Session { state, ..session }
    };
    let expired = |at| State::Expired { at };
    let cancelled = |at| State::Cancelled {
        at,
        by: Canceller::Merchant,
    };
    let list = |state, now| {
        let store = Arc::clone(&store);
        async move { list(&store, tenant, &[state], now, None, 5).await }
    };
    // The one that is looked for is the oldest, among ended ones and later among open ones.
    let first_created = samples.session(tenant);
    let first_expired = ended(expired);
    let first = [&first_created, &first_expired];
    let first = first.into_iter().cloned().map(Record::Session);
    apply(&store, puts(tenant, first)).await;
    let first_created = [first_created];
    let first_expired = [first_expired];
    let many = (0..1_500).map(|_| Record::Session(ended(cancelled)));
    apply(&store, puts(tenant, many)).await;
    let now = samples.tick();
    assert_eq!(list(StateName::Created, now).await, first_created);
    assert_eq!(list(StateName::Expired, now).await, first_expired);

    let initiated = || {
        let session = samples.session(tenant);
        let state = session.initiated_at(session.created_at);
        Session { state, ..session }
    };
    let many: Vec<_> = (0..1_500).map(|_| initiated()).collect();
    let newest_first: Vec<_> = many.iter().rev().take(5).cloned().collect();
    apply(&store, puts(tenant, many.into_iter().map(Record::Session))).await;
    let now = samples.tick();
    assert_eq!(list(StateName::Created, now).await, first_created);
    assert_eq!(list(StateName::Expired, now).await, first_expired);
    assert_eq!(list(StateName::Initiated, now).await, newest_first);
    // A week later, and no sweeper has come by.
    let now = now.after(Span::days(7));
    assert_eq!(list(StateName::Created, now).await, []);
    assert_eq!(list(StateName::Initiated, now).await, []);
    assert_eq!(list(StateName::Expired, now).await, newest_first);
}

pub async fn a_moved_session_is_listed_where_it_stands_now(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let mut session = samples.session(tenant);
    apply(&store, puts(tenant, [Record::Session(session.clone())])).await;
    let at = samples.tick();
    let transaction = TransactionId(samples.uuid());
    let processing = State::Processing {
        since: at,
        transaction,
        lapses_at: None,
    };
    for state in [
        session.initiated_at(at),
        processing,
        completed(at, transaction),
    ] {
        session = moved(&session, state);
        apply(&store, puts(tenant, [Record::Session(session.clone())])).await;
        for name in STATES {
            let found = list(&store, tenant, &[name], at, None, 9).await;
            assert_eq!(found.len(), usize::from(name == state.name()), "{name:?}");
        }
    }
}

pub async fn transactions_come_newest_first_in_pages(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let mut all = Vec::new();
    for _ in 0..5 {
        let session = samples.session(tenant);
        let payment = samples.transaction(&session);
        let refund = samples.refund(&session, &payment);
        all.extend([payment, refund]);
    }
    // Of a stored card, charged without a session.
    let mut charge = samples.transaction(&samples.session(tenant));
    charge.session = None;
    all.push(charge);
    for transaction in all.iter().rev() {
        let put = Record::Transaction(transaction.clone());
        apply(&store, puts(tenant, [put])).await;
    }
    all.reverse();
    let payment = all.iter().find(|one| one.action == Action::Payment);
    let session = all.iter().find_map(|one| one.session);
    let parent = all.iter().find_map(|one| one.parent);
    let now = samples.tick();
    let filters = [None, session].into_iter().flat_map(|session| {
        [None, parent].into_iter().flat_map(move |parent| {
            let actions = [vec![], vec![Action::Payment], vec![Action::Refund]];
            actions.map(move |actions| TransactionFilter {
                session,
                parent,
                actions,
                ..TransactionFilter::at(now)
            })
        })
    });
    assert!(payment.is_some() && session.is_some() && parent.is_some());
    for filter in filters {
        let expected: Vec<_> = all
            .iter()
            .filter(|one| filter.shows(one, None))
            .cloned()
            .collect();
        for limit in [1, 3, 99] {
            let mut seen = Vec::new();
            loop {
                let after = seen
                    .last()
                    .map(|last: &crate::transaction::Transaction| last.id);
                let page = Page::first(limit).after(after.map(|id| Mark::of(id.0)));
                let page = store.transactions(tenant, &filter, page).await;
                let page = page.unwrap();
                assert!(page.len() <= limit);
                if page.is_empty() {
                    break;
                }
                seen.extend(page);
            }
            assert_eq!(seen, expected, "{filter:?} in pages of {limit}");
        }
    }
    let all = TransactionFilter::at(now);
    let none = store
        .transactions(tenant, &all, Page::first(0))
        .await
        .unwrap();
    assert!(none.is_empty());
}

pub async fn a_session_comes_with_its_transactions_oldest_first(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let sessions: Vec<_> = (0..3).map(|_| samples.session(tenant)).collect();
    let [mine, other, bare] = &sessions[..] else {
        unreachable!("three were made");
    };
    let first = samples.transaction(mine);
    let others = samples.transaction(other);
    let second = samples.transaction(mine);
    let third = samples.refund(mine, &second);
    apply(
        &store,
        puts(tenant, sessions.iter().cloned().map(Record::Session)),
    )
    .await;
    for transaction in [&third, &others, &first, &second] {
        let put = Record::Transaction(transaction.clone());
        apply(&store, puts(tenant, [put])).await;
    }
    let with = |id| store.session_with_transactions(tenant, id);
    let of_mine = vec![first.clone(), second.clone(), third.clone()];
    assert_eq!(
        with(mine.id).await.unwrap(),
        Some((mine.clone(), of_mine.clone()))
    );
    assert_eq!(with(bare.id).await.unwrap(), Some((bare.clone(), vec![])));
    assert_eq!(with(SessionId(samples.uuid())).await.unwrap(), None);

    // Of many at once: all together, oldest first.
    let of = |ids: Vec<SessionId>| {
        let store = Arc::clone(&store);
        async move { store.transactions_of(tenant, &ids).await.unwrap() }
    };
    assert!(of(vec![]).await.is_empty());
    assert!(
        of(vec![bare.id, SessionId(samples.uuid())])
            .await
            .is_empty()
    );
    assert_eq!(of(vec![mine.id]).await, of_mine);
    assert_eq!(
        of(vec![other.id, bare.id, mine.id]).await,
        [first, others, second, third]
    );
}

pub async fn children_of_a_transaction_come_oldest_first(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let session = samples.session(tenant);
    let parent = samples.transaction(&session);
    let other = samples.transaction(&session);
    let children: Vec<_> = (0..3).map(|_| samples.refund(&session, &parent)).collect();
    let others = samples.refund(&session, &other);
    let mut all: Vec<_> = children.iter().chain([&parent, &other, &others]).collect();
    all.reverse();
    for transaction in all {
        let put = Record::Transaction(transaction.clone());
        apply(&store, puts(tenant, [put])).await;
    }
    assert_eq!(store.children(tenant, parent.id).await.unwrap(), children);
    let of_both = [&children[..], &[others.clone()]].concat();
    let asked = [other.id, parent.id, parent.id, children[0].id];
    assert_eq!(store.children_of(tenant, &asked).await.unwrap(), of_both);
    assert!(store.children_of(tenant, &[]).await.unwrap().is_empty());
    let strange = TransactionId(samples.uuid());
    let asked = [other.id, strange, other.id];
    let by_id = store.transactions_by_id(tenant, &asked).await;
    assert_eq!(by_id.unwrap(), [other.clone()]);
    assert_eq!(store.children(tenant, other.id).await.unwrap(), [others]);
    let childless = store.children(tenant, children[0].id).await.unwrap();
    assert!(childless.is_empty());
}

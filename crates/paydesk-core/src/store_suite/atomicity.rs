//! All or nothing, and which conflict is named.

use std::sync::Arc;

use uuid::Uuid;

use super::samples::{Samples, moved, reference};
use super::{apply, puts, refused};
use crate::event::Event;
use crate::session::Session;
use crate::store::{
    Change, Claim, Conflict, Counter, IdempotencyRecord, IdempotencyWrite, Increment, Record,
    RecordKey, Removal, Store,
};
use crate::tenant::Tenant;
use crate::time::Timestamp;

/// A change that does one of everything, on top of what [`Scene::new`] has put there.
struct Scene {
    tenant: Tenant,
    /// Was there; the change moves it.
    session: Session,
    /// Was there, undispatched; the change dispatches it.
    waiting: Event,
    /// Was there, and nobody was to be told; the change has it told.
    told: Event,
    /// Was there; the change takes it out.
    old: Session,
    /// Was held; the change gives it up.
    old_claim: Claim,
    claimed: Vec<Claim>,
    running: IdempotencyRecord,
    change: Change,
    stranger: Uuid,
}

impl Scene {
    async fn new(store: &Arc<dyn Store>) -> Self {
        let samples = Samples::new(1);
        let tenant = samples.tenant();
        let session = samples.session(tenant);
        let waiting = samples.event(&session, 1, true);
        let told = samples.event(&samples.session(tenant), 1, false);
        let old = samples.session(tenant);
        let old_claim = reference("old", session.id.0);
        let before = Change {
            events: vec![waiting.clone(), told.clone()],
            claims: vec![old_claim.clone()],
            increments: vec![sessions(1)],
            ..puts(
                tenant,
                [
                    Record::Session(session.clone()),
                    Record::Session(old.clone()),
                ],
            )
        };
        apply(store, before).await;

        let next = moved(&session, session.initiated_at(samples.tick()));
        let transaction = samples.transaction(&session);
        let delivery = samples.delivery(&waiting);
        let claimed = vec![
            reference("one", transaction.id.0),
            reference("two", transaction.id.0),
        ];
        let running = samples.running("key-1");
        let change = Change {
            tenant,
            events: vec![samples.event(&next, 2, true)],
            puts: vec![
                Record::Session(next),
                Record::Transaction(transaction),
                Record::Delivery(delivery),
            ],
            releases: vec![old_claim.clone()],
            claims: claimed.clone(),
            dispatched: vec![waiting.id],
            retold: vec![told.id],
            removals: vec![Removal::Session {
                id: old.id,
                version: old.version,
            }],
            increments: vec![sessions(10)],
            idempotency: Some(IdempotencyWrite::Claim(running.clone())),
        };
        Self {
            tenant,
            session,
            waiting,
            told,
            old,
            old_claim,
            claimed,
            running,
            change,
            stranger: samples.uuid(),
        }
    }

    /// Panics unless all (or nothing) of the change is there.
    async fn assert_applied(&self, store: &Arc<dyn Store>, applied: bool) {
        let (tenant, id) = (self.tenant, self.session.id);
        for record in &self.change.puts {
            match record {
                Record::Session(next) => {
                    let there = store.session(tenant, id).await.unwrap().unwrap();
                    assert_eq!(&there, if applied { next } else { &self.session });
                }
                Record::Transaction(it) => {
                    let there = store.transaction(tenant, it.id).await.unwrap();
                    assert_eq!(there.as_ref(), applied.then_some(it));
                }
                Record::Delivery(it) => {
                    let there = store.deliveries(tenant, self.waiting.id).await.unwrap();
                    assert_eq!(there.contains(it), applied);
                }
                other => panic!("nothing looks for {other:?}"),
            }
        }
        let there = store.session(tenant, self.old.id).await.unwrap();
        assert_eq!(there.is_none(), applied);
        let event = &self.change.events[0];
        let there = store.event(tenant, event.id).await.unwrap();
        assert_eq!(there.as_ref(), applied.then_some(event));
        assert_eq!(
            store.events(tenant, id).await.unwrap().len(),
            if applied { 2 } else { 1 }
        );
        let waits = store.undispatched(100).await.unwrap();
        assert_eq!(waits.contains(&self.waiting), !applied);
        assert_eq!(waits.contains(event), applied);
        assert_eq!(waits.contains(&self.told), applied);
        let old = store.claim(tenant, &self.old_claim.key).await.unwrap();
        assert_eq!(old, (!applied).then_some(self.old_claim.owner));
        for claim in &self.claimed {
            let owner = store.claim(tenant, &claim.key).await.unwrap();
            assert_eq!(owner == Some(claim.owner), applied);
        }
        assert_eq!(
            store.count(tenant, Counter::Sessions).await.unwrap(),
            if applied { 11 } else { 1 }
        );
        let known = store.idempotency(tenant, &self.running.key).await.unwrap();
        assert_eq!(known.as_ref() == Some(&self.running), applied);
        let due = store.due_sessions(Timestamp::FAR_FUTURE, 9).await.unwrap();
        let mut open = vec![(tenant, id)];
        open.extend((!applied).then_some((tenant, self.old.id)));
        assert_eq!(due, open);
        let asked = store.due_transactions(Timestamp::FAR_FUTURE, 9).await;
        assert_eq!(asked.unwrap().is_empty(), !applied);
        let told = store.due_deliveries(Timestamp::FAR_FUTURE, 9).await;
        assert_eq!(told.unwrap().is_empty(), !applied);
    }

    fn dispatching(&self) -> Change {
        Change {
            dispatched: vec![self.waiting.id],
            ..Change::new(self.tenant)
        }
    }
}

const fn sessions(by: i64) -> Increment {
    Increment {
        counter: Counter::Sessions,
        by,
    }
}

pub async fn a_change_is_applied_as_a_whole(store: Arc<dyn Store>) {
    let scene = Scene::new(&store).await;
    scene.assert_applied(&store, false).await;
    apply(&store, scene.change.clone()).await;
    scene.assert_applied(&store, true).await;
}

pub async fn a_known_idempotency_key_leaves_nothing_applied(store: Arc<dyn Store>) {
    let scene = Scene::new(&store).await;
    let mut other = scene.running.clone();
    other.body_hash = [9; 32];
    let known = Change {
        idempotency: Some(IdempotencyWrite::Claim(other.clone())),
        ..Change::new(scene.tenant)
    };
    apply(&store, known).await;
    assert_eq!(
        refused(&store, scene.change.clone()).await,
        Conflict::Idempotency(Box::new(other))
    );
    scene.assert_applied(&store, false).await;
}

pub async fn a_dispatched_event_leaves_nothing_applied(store: Arc<dyn Store>) {
    let scene = Scene::new(&store).await;
    let mut change = scene.change.clone();
    let unknown = crate::id::EventId(scene.stranger);
    change.dispatched.push(unknown);
    assert_eq!(refused(&store, change).await, Conflict::Dispatched(unknown));
    scene.assert_applied(&store, false).await;
}

pub async fn a_stale_record_leaves_nothing_applied(store: Arc<dyn Store>) {
    let scene = Scene::new(&store).await;
    let samples = Samples::new(2);
    // The last of the records is the one that is stale.
    let mut gone = moved(&scene.session, scene.session.state);
    gone.id = crate::id::SessionId(samples.uuid());
    let mut change = scene.change.clone();
    change.puts.push(Record::Session(gone.clone()));
    assert_eq!(
        refused(&store, change).await,
        Conflict::Stale(RecordKey::Session(gone.id))
    );
    scene.assert_applied(&store, false).await;
}

pub async fn a_held_claim_leaves_nothing_applied(store: Arc<dyn Store>) {
    let scene = Scene::new(&store).await;
    let held = reference("two", scene.stranger);
    let taking = Change {
        claims: vec![held.clone()],
        ..Change::new(scene.tenant)
    };
    apply(&store, taking).await;
    assert_eq!(
        refused(&store, scene.change.clone()).await,
        Conflict::Claimed {
            key: held.key,
            owner: held.owner
        }
    );
    scene.assert_applied(&store, false).await;
}

pub async fn conflicts_are_named_in_the_documented_order(store: Arc<dyn Store>) {
    let scene = Scene::new(&store).await;
    let samples = Samples::new(2);
    // Everything is in the way at once.
    let first = samples.session(scene.tenant);
    let second = samples.session(scene.tenant);
    let mut way = scene.dispatching();
    way.idempotency = Some(IdempotencyWrite::Claim(scene.running.clone()));
    way.puts = vec![
        Record::Session(first.clone()),
        Record::Session(second.clone()),
    ];
    way.claims = vec![
        reference("one", scene.stranger),
        reference("two", scene.stranger),
    ];
    apply(&store, way.clone()).await;

    let mut change = way;
    change.claims = vec![
        reference("two", samples.uuid()),
        reference("one", samples.uuid()),
    ];
    change.puts.reverse();
    let removals = [2, 3].map(|version| Removal::Session {
        id: first.id,
        version,
    });
    change.removals = removals.to_vec();
    assert_eq!(
        refused(&store, change.clone()).await,
        Conflict::Idempotency(Box::new(scene.running.clone()))
    );
    change.idempotency = None;
    assert_eq!(
        refused(&store, change.clone()).await,
        Conflict::Dispatched(scene.waiting.id)
    );
    change.dispatched.clear();
    for stale in [&second, &first] {
        assert_eq!(
            refused(&store, change.clone()).await,
            Conflict::Stale(RecordKey::Session(stale.id))
        );
        change.puts.remove(0);
    }
    for held in ["two", "one"] {
        let claim = reference(held, scene.stranger);
        assert_eq!(
            refused(&store, change.clone()).await,
            Conflict::Claimed {
                key: claim.key,
                owner: claim.owner
            }
        );
        change.claims.remove(0);
    }
    for kept in removals {
        assert_eq!(refused(&store, change.clone()).await, Conflict::Kept(kept));
        change.removals.remove(0);
    }
    apply(&store, change).await;
}

pub async fn a_change_of_nothing_is_applied(store: Arc<dyn Store>) {
    apply(&store, Change::new(Samples::new(1).tenant())).await;
}

pub async fn a_refused_change_can_be_made_again_once_the_conflict_is_gone(store: Arc<dyn Store>) {
    let scene = Scene::new(&store).await;
    let held = reference("one", scene.stranger);
    let taking = Change {
        claims: vec![held.clone()],
        ..Change::new(scene.tenant)
    };
    apply(&store, taking).await;
    refused(&store, scene.change.clone()).await;
    let releasing = Change {
        releases: vec![held],
        ..Change::new(scene.tenant)
    };
    apply(&store, releasing).await;
    apply(&store, scene.change.clone()).await;
    scene.assert_applied(&store, true).await;
}

//! Answers that never come: the connection breaks after the commit was sent, and before or after it was made.
//!
//! A relay between the store and the server passes everything on, until it is told to cut: then it passes on what the
//! store says next, and not what the server answers. Told to hold, it keeps the answers to a change back until all of
//! the change was sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use paydesk_core::id::TransactionId;
use paydesk_core::session::Session;
use paydesk_core::store::{
    Change, CommitError, Conflict, Counter, IdempotencyWrite, Increment, Record, RecordKey, Store,
};
use paydesk_core::store_suite::samples::{Samples, moved, reference};
use paydesk_core::tenant::Tenant;
use paydesk_core::transaction::Transaction;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;

use super::store_on;

const PASS: u8 = 0;
/// The next commit arrives; its answer does not.
const LOSE_THE_ANSWER: u8 = 1;
/// The next commit does not arrive.
const LOSE_THE_COMMIT: u8 = 2;
/// Of the next change nothing is answered before its commit was sent.
const HOLD_THE_ANSWERS: u8 = 3;

struct Relay {
    fate: Arc<AtomicU8>,
    /// How many commits something was done to.
    lost: Arc<AtomicUsize>,
    /// Held by whoever lets nobody connect.
    door: Arc<Mutex<()>>,
    port: u16,
}

impl Relay {
    async fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let relay = Self {
            fate: Arc::default(),
            lost: Arc::default(),
            door: Arc::default(),
            port: listener.local_addr().unwrap().port(),
        };
        let (fate, lost, door) = (relay.fate.clone(), relay.lost.clone(), relay.door.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                drop(door.lock().await);
                let (fate, lost) = (fate.clone(), lost.clone());
                tokio::spawn(carry(client, server, fate, lost));
            }
        });
        relay
    }

    fn decide(&self, fate: u8) {
        self.fate.store(fate, Ordering::SeqCst);
    }
}

/// What becomes of what the server answers.
#[derive(Clone, Copy, PartialEq)]
enum Answers {
    Pass,
    /// Not yet.
    Hold,
    /// Nobody hears it, up to how the transaction ended.
    Swallow,
}

fn says(said: &[u8], wanted: &[u8]) -> bool {
    said.windows(wanted.len()).any(|words| words == wanted)
}

async fn carry(client: TcpStream, server: u16, fate: Arc<AtomicU8>, lost: Arc<AtomicUsize>) {
    let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (answers, mut told) = tokio::sync::watch::channel(Answers::Pass);
    let back = tokio::spawn(async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = from_server.read(&mut buffer).await {
            let said = buffer.get(..read).unwrap();
            let fate = told.wait_for(|told| *told != Answers::Hold).await;
            if fate.is_ok_and(|fate| *fate == Answers::Swallow) {
                if says(said, b"COMMIT") || says(said, b"ROLLBACK") {
                    return;
                }
            } else if to_client.write_all(said).await.is_err() {
                return;
            }
        }
    });
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
        let said = buffer.get(..read).unwrap();
        // The statements of a change and its COMMIT are sent in one piece.
        let commits = says(said, b"COMMIT");
        if says(said, b"BEGIN") && fate.load(Ordering::SeqCst) == HOLD_THE_ANSWERS {
            answers.send_replace(Answers::Hold);
        }
        if commits && answers.send_replace(Answers::Pass) == Answers::Hold {
            lost.fetch_add(1, Ordering::SeqCst);
        }
        match if commits {
            fate.swap(PASS, Ordering::SeqCst)
        } else {
            PASS
        } {
            LOSE_THE_ANSWER => {
                lost.fetch_add(1, Ordering::SeqCst);
                answers.send_replace(Answers::Swallow);
                to_server.write_all(said).await.unwrap();
                // Until it is made: a server that nobody listens to any more would give it up.
                let _ = back.await;
                return;
            }
            LOSE_THE_COMMIT => {
                lost.fetch_add(1, Ordering::SeqCst);
                back.abort();
                return;
            }
            _ => {
                if to_server.write_all(said).await.is_err() {
                    return;
                }
            }
        }
    }
    back.abort();
}

/// A store whose connections go through a relay, and one whose do not.
async fn relayed() -> (Relay, Arc<dyn Store>, Arc<dyn Store>) {
    let url = tokio::task::spawn_blocking(paydesk_testing_postgres::fresh_database);
    let url = url.await.unwrap();
    let (before, rest) = url.split_once("127.0.0.1:").unwrap();
    let (port, after) = rest.split_once('/').unwrap();
    let relay = Relay::to(port.parse().unwrap()).await;
    let plain = store_on(&url).await;
    let far = store_on(&format!("{before}127.0.0.1:{}/{after}", relay.port)).await;
    (relay, far, plain)
}

fn opening(samples: &Samples, tenant: Tenant) -> (Change, RecordKey) {
    let session = samples.session(tenant);
    let key = RecordKey::Session(session.id);
    let mut change = Change::new(tenant);
    change.events = vec![samples.event(&session, 1, true)];
    change.claims = vec![reference(&session.id.to_string(), session.id.0)];
    change.idempotency = Some(IdempotencyWrite::Claim(
        samples.running(&session.id.to_string()),
    ));
    change.puts = vec![Record::Session(session)];
    change.increments = vec![Increment {
        counter: Counter::Sessions,
        by: 1,
    }];
    (change, key)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_one_round_trip() {
    let (relay, far, plain) = relayed().await;
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    // The first on a connection also prepares its statements.
    far.commit(opening(&samples, tenant).0).await.unwrap();
    relay.decide(HOLD_THE_ANSWERS);
    far.commit(opening(&samples, tenant).0).await.unwrap();
    assert_eq!(relay.lost.load(Ordering::SeqCst), 1, "it was held");
    assert_eq!(plain.count(tenant, Counter::Sessions).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_answer_is_lost_is_applied_once() {
    let (relay, far, plain) = relayed().await;
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let mut applied = 0;
    for fate in [LOSE_THE_ANSWER, LOSE_THE_COMMIT].repeat(5) {
        let (change, key) = opening(&samples, tenant);
        relay.decide(fate);
        far.commit(change.clone()).await.unwrap();
        applied += 1;
        assert_eq!(
            plain.count(tenant, Counter::Sessions).await.unwrap(),
            applied
        );
        // The same change from somebody else is still a conflict, as is the same from here later.
        for store in [&plain, &far] {
            match store.commit(change.clone()).await {
                Err(CommitError::Conflict(Conflict::Idempotency(_))) => {}
                other => panic!("{key:?}: {other:?}"),
            }
        }
    }
    assert_eq!(relay.lost.load(Ordering::SeqCst), 10);
    assert_eq!(plain.undispatched(99).await.unwrap().len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_without_events_or_keys_is_known_again_by_its_record() {
    let (relay, far, plain) = relayed().await;
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let session = samples.session(tenant);
    let put = |record| {
        let mut change = Change::new(tenant);
        change.puts = vec![Record::Session(record)];
        change
    };
    plain.commit(put(session.clone())).await.unwrap();
    relay.decide(LOSE_THE_ANSWER);
    let second = moved(&session, session.initiated_at(samples.tick()));
    far.commit(put(second.clone())).await.unwrap();
    assert_eq!(
        plain.session(tenant, session.id).await.unwrap(),
        Some(second)
    );
    assert_eq!(relay.lost.load(Ordering::SeqCst), 1);
}

/// A paid session, and what begins a refund of it: no event yet, and a session that is changed as by any other refund
/// that is begun at this moment.
async fn paid(samples: &Samples, store: &Arc<dyn Store>) -> (Session, Transaction) {
    let session = samples.session(samples.tenant());
    let charge = samples.transaction(&session);
    let mut change = Change::new(session.tenant);
    change.puts = vec![
        Record::Session(session.clone()),
        Record::Transaction(charge.clone()),
    ];
    store.commit(change).await.unwrap();
    (session, charge)
}

fn refund(samples: &Samples, session: &Session, charge: &Transaction) -> (Change, TransactionId) {
    let refund = samples.refund(session, charge);
    let id = refund.id;
    let mut change = Change::new(session.tenant);
    change.puts = vec![
        Record::Session(moved(session, session.state)),
        Record::Transaction(refund),
    ];
    (change, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_did_not_arrive_is_not_taken_for_another_that_did_the_same_to_the_session() {
    let (relay, far, plain) = relayed().await;
    let samples = Samples::new(1);
    let (session, charge) = paid(&samples, &plain).await;
    let (ours, our_refund) = refund(&samples, &session, &charge);
    let (theirs, their_refund) = refund(&samples, &session, &charge);
    assert_eq!(ours.puts.first(), theirs.puts.first());
    far.ping().await.unwrap();
    relay.decide(LOSE_THE_COMMIT);
    let shut = relay.door.clone().lock_owned().await;
    let commit = tokio::spawn(async move { far.commit(ours).await });
    plain.commit(theirs).await.unwrap();
    drop(shut);
    match commit.await.unwrap() {
        Err(CommitError::Conflict(Conflict::Stale(RecordKey::Session(id)))) => {
            assert_eq!(id, session.id);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(relay.lost.load(Ordering::SeqCst), 1);
    let found = |id| plain.transaction(session.tenant, id);
    assert!(found(their_refund).await.unwrap().is_some());
    assert_eq!(found(our_refund).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_attempt_that_did_not_arrive_is_not_taken_for_another_under_the_same_id() {
    let (relay, far, plain) = relayed().await;
    let samples = Samples::new(1);
    let (session, _) = paid(&samples, &plain).await;
    let attempt = || {
        let mut attempt = samples.transaction(&session);
        attempt.id = session.first_transaction;
        let mut change = Change::new(session.tenant);
        change.puts = vec![
            Record::Session(moved(&session, session.state)),
            Record::Transaction(attempt),
        ];
        change
    };
    let (ours, theirs) = (attempt(), attempt());
    far.ping().await.unwrap();
    relay.decide(LOSE_THE_COMMIT);
    let shut = relay.door.clone().lock_owned().await;
    let commit = tokio::spawn(async move { far.commit(ours).await });
    plain.commit(theirs).await.unwrap();
    drop(shut);
    let outcome = commit.await.unwrap();
    assert!(
        matches!(outcome, Err(CommitError::Conflict(Conflict::Stale(_)))),
        "{outcome:?}"
    );
    assert_eq!(relay.lost.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_answer_is_lost_is_known_again_after_others() {
    let (relay, far, plain) = relayed().await;
    let samples = Samples::new(1);
    let (session, charge) = paid(&samples, &plain).await;
    let (ours, our_refund) = refund(&samples, &session, &charge);
    far.ping().await.unwrap();
    relay.decide(LOSE_THE_ANSWER);
    let shut = relay.door.clone().lock_owned().await;
    let commit = tokio::spawn(async move { far.commit(ours).await });
    let arrived = async || plain.transaction(session.tenant, our_refund).await.unwrap();
    while arrived().await.is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    // Before it is sent again, somebody else refunds, too.
    let second = plain.session(session.tenant, session.id).await.unwrap();
    let (theirs, _) = refund(&samples, &second.unwrap(), &charge);
    plain.commit(theirs).await.unwrap();
    drop(shut);
    commit.await.unwrap().unwrap();
    assert_eq!(relay.lost.load(Ordering::SeqCst), 1);
    let refunds = plain.children(session.tenant, charge.id).await.unwrap();
    assert_eq!(refunds.len(), 2, "each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_lost_to_another_and_its_answer_is_refused() {
    let (relay, far, plain) = relayed().await;
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let (change, key) = opening(&samples, tenant);
    plain.commit(change).await.unwrap();
    let RecordKey::Session(id) = key else {
        panic!("{key:?}")
    };
    let session = plain.session(tenant, id).await.unwrap().unwrap();
    let cancelled = |by| {
        let at = samples.tick();
        let next = moved(&session, paydesk_core::session::State::Cancelled { at, by });
        let mut change = Change::new(tenant);
        change.events = vec![samples.event(&next, 2, false)];
        change.puts = vec![Record::Session(next)];
        change
    };
    plain
        .commit(cancelled(paydesk_core::session::Canceller::Payer))
        .await
        .unwrap();
    relay.decide(LOSE_THE_ANSWER);
    match far
        .commit(cancelled(paydesk_core::session::Canceller::Merchant))
        .await
    {
        Err(CommitError::Conflict(Conflict::Stale(stale))) => assert_eq!(stale, key),
        other => panic!("{other:?}"),
    }
    assert_eq!(relay.lost.load(Ordering::SeqCst), 1);
    assert_eq!(plain.events(tenant, id).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn adding_to_a_total_alone_is_not_repeated_blindly() {
    let (relay, far, plain) = relayed().await;
    let tenant = Samples::new(1).tenant();
    let mut change = Change::new(tenant);
    change.increments = vec![Increment {
        counter: Counter::Sessions,
        by: 1,
    }];
    far.commit(change.clone()).await.unwrap();
    relay.decide(LOSE_THE_ANSWER);
    let outcome = far.commit(change).await;
    assert!(
        matches!(outcome, Err(CommitError::Unavailable(_))),
        "{outcome:?}"
    );
    // It was made, and not made again.
    assert_eq!(plain.count(tenant, Counter::Sessions).await.unwrap(), 2);
}

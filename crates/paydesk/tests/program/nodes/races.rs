//! One session, paid on three nodes at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};

use super::fleet::Fleet;
use super::{blocking, count, postgres, report};
use crate::crash::shop;
use crate::support::{Answer, BAD_CARD, Caller, GOOD_CARD, send};

/// Races under way at once.
const AT_ONCE: usize = 8;

/// Opens a session on one node; answers with its id and its payer's link.
async fn open(node: &Caller, key: &str) -> (String, String) {
    let session = send(node.open_session(key)).await.unwrap().ok();
    (shop::text(&session["id"]), shop::text(&session["publicId"]))
}

/// Pays on all nodes at the same time.
async fn race(nodes: &[Caller], public_id: &str) -> Vec<Answer> {
    let payers = nodes
        .iter()
        .map(|node| send(node.pay(public_id, GOOD_CARD)));
    let answers = join_all(payers).await;
    answers.into_iter().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_paid_on_three_nodes_at_once_is_charged_once() {
    let (_server, url) = postgres(&[]).await;
    let fleet = Arc::new(Fleet::start(&url, 3, &[]).await);
    let callers = fleet.callers();
    let races = count("RACES", 1_000);
    let told_paid = AtomicUsize::new(0);
    stream::iter(0..races)
        .for_each_concurrent(AT_ONCE, |n| {
            let (callers, told_paid) = (&callers, &told_paid);
            async move {
                let (id, public_id) = open(&callers[n % 3], &format!("race {n}")).await;
                for paid in race(callers, &public_id).await {
                    assert!(paid.status < 500, "{} {}", paid.status, paid.body);
                    let succeeded = paid.status == 200 && paid.ok()["status"] == "succeeded";
                    told_paid.fetch_add(usize::from(succeeded), Ordering::Relaxed);
                }
                // Whoever was told that it is under way asks again.
                shop::settled(&callers[(n + 1) % 3], &id).await;
            }
        })
        .await;
    let merchant = fleet.installation.merchant_id();
    let charged = shop::books_agree(&callers[0], &fleet.sandbox, merchant).await;
    assert_eq!(charged, races, "each was charged once");
    assert!(told_paid.into_inner() >= races);
    report(&format!(
        "double-pay races: {races} sessions, each paid on three nodes at once: {charged} charges in the ledger"
    ));
    Arc::into_inner(fleet).unwrap().stop().await;
}

/// From here on no claim is anybody's: each is stored under a name of its own, as if the constraint were dropped.
const WITHOUT_CLAIMS: &str = "CREATE FUNCTION rename() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        NEW.name := NEW.name || uuid_send(gen_random_uuid());
        RETURN NEW;
    END $$;
    CREATE TRIGGER rename BEFORE INSERT ON claims FOR EACH ROW EXECUTE FUNCTION rename()";
/// From here on the beginning of a payment leaves its session as it was, and with it the version that tells apart
/// who came first. Nobody is so fast that the others do not meet: they have all looked before one is done.
const WITHOUT_VERSIONS: &str = "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.state = 2 THEN
            PERFORM pg_sleep(0.3);
            RETURN OLD;
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER keep BEFORE UPDATE ON sessions FOR EACH ROW EXECUTE FUNCTION keep()";

/// How many charges the ledger has for sessions that are raced for on a database of which this is broken. Each has
/// been declined once before: the first attempt's id is the session's, and nobody can be charged for it twice.
async fn charges_without(broken: &'static [&'static str], sessions: usize) -> usize {
    let (server, url) = postgres(&[]).await;
    let fleet = Fleet::start(&url, 3, &[]).await;
    let callers = fleet.callers();
    let mut links = Vec::new();
    for n in 0..sessions {
        let (_, public_id) = open(&callers[0], &format!("race {n}")).await;
        let declined = send(callers[0].pay(&public_id, BAD_CARD)).await.unwrap();
        assert_eq!(declined.ok()["status"], "declined");
        links.push(public_id);
    }
    for sql in broken {
        blocking(&server, |server| server.sql("paydesk", sql)).await;
    }
    join_all(links.iter().map(|link| race(&callers, link))).await;
    let charges = fleet
        .sandbox
        .charges(fleet.installation.merchant_id())
        .await;
    // What the nodes make of such a database is nobody's concern.
    fleet.abandon();
    charges.len()
}

/// Were this not noticed, the races would show nothing. And either guard suffices.
#[tokio::test(flavor = "multi_thread")]
async fn only_a_database_without_claims_and_versions_charges_twice_and_the_ledger_shows_it() {
    let sessions = 5;
    assert_eq!(charges_without(&[WITHOUT_CLAIMS], sessions).await, sessions);
    assert_eq!(
        charges_without(&[WITHOUT_VERSIONS], sessions).await,
        sessions
    );
    let charged = charges_without(&[WITHOUT_CLAIMS, WITHOUT_VERSIONS], sessions).await;
    assert!(
        charged > sessions,
        "{charged} charges of {sessions} sessions"
    );
    report(&format!(
        "control, a database without claims and versions: {charged} charges of {sessions} sessions, each paid on three \
         nodes at once; with either of the two: {sessions}"
    ));
}

//! A server that is killed at any moment, under load, again and again.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;

use super::shop;
use crate::support::{Caller, GOOD_CARD, Installation, Sandbox, send, wait_for};

/// How often it is killed.
const ROUNDS: u64 = 40;
/// How often at most, where few purchases are answered to the end before it is.
const MOST_ROUNDS: u64 = 10 * ROUNDS;
/// So few purchases show nothing.
const FEW: usize = 40;
/// Merchants' and payers' requests under way at once.
const PEOPLE: usize = 8;

/// What was answered: it must never be taken back.
#[derive(Default)]
struct Acknowledged {
    opened: Vec<String>,
    paid: Vec<String>,
}

/// Opens sessions and pays them, until the server is gone.
async fn shop_until_it_dies(caller: Caller, name: String, acknowledged: Arc<Mutex<Acknowledged>>) {
    for purchase in 0.. {
        let open = caller.open_session(&format!("{name} {purchase}"));
        let Ok(opened) = send(open).await else { return };
        let session = opened.ok();
        let (id, public_id) = (shop::text(&session["id"]), shop::text(&session["publicId"]));
        acknowledged.lock().unwrap().opened.push(id.clone());
        let Ok(paid) = send(caller.pay(&public_id, GOOD_CARD)).await else {
            return;
        };
        assert_eq!(paid.ok()["status"], "succeeded");
        acknowledged.lock().unwrap().paid.push(id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_there_after_any_kill_and_was_charged_once() {
    let (sandbox, installation) = (Sandbox::start().await, Installation::new());
    let options = ["--sandbox-url", sandbox.url.as_str()];
    let acknowledged = Arc::new(Mutex::new(Acknowledged::default()));
    for round in 0..MOST_ROUNDS {
        let paid = acknowledged.lock().unwrap().paid.len();
        if round >= ROUNDS && paid > FEW {
            break;
        }
        let mut server = installation.serve(&options).await;
        let mut people = JoinSet::new();
        for person in 0..PEOPLE {
            let name = format!("round {round}, person {person}");
            let caller = server.caller.clone();
            people.spawn(shop_until_it_dies(caller, name, acknowledged.clone()));
        }
        // From the first requests on to a server in full swing, in no order; later and later where that was not enough.
        let later = 1 + round / ROUNDS;
        tokio::time::sleep(Duration::from_millis(round * 37 % ROUNDS * 10 * later)).await;
        server.process.kill();
        while let Some(person) = people.join_next().await {
            person.unwrap();
        }
    }

    let server = installation.serve(&options).await;
    let sessions = wait_for("every outcome is known", shop::SETTLED_WITHIN, async || {
        let sessions = shop::all_sessions(&server.caller).await;
        let open = |session: &Value| session["status"] == "processing";
        (!sessions.iter().any(open)).then_some(sessions)
    })
    .await;
    let ids = |sessions: &mut dyn Iterator<Item = &Value>| -> BTreeSet<String> {
        sessions.map(|session| shop::text(&session["id"])).collect()
    };
    let there = ids(&mut sessions.iter());
    let completed = ids(&mut sessions
        .iter()
        .filter(|session| session["status"] == "completed"));
    let acknowledged = std::mem::take(&mut *acknowledged.lock().unwrap());
    for id in &acknowledged.opened {
        assert!(there.contains(id), "{id} was opened and is gone");
    }
    for id in &acknowledged.paid {
        assert!(completed.contains(id), "{id} was paid and is not");
    }
    let paid = shop::books_agree(&server.caller, &sandbox, installation.merchant_id()).await;
    // Otherwise nothing was shown.
    assert!(
        paid > FEW && paid >= acknowledged.paid.len(),
        "{paid} were paid"
    );
    assert!(
        there.len() > acknowledged.paid.len(),
        "none was interrupted"
    );
    server.stop().await;
}

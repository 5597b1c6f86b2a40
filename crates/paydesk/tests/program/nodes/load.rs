//! People who shop while something falls, and what they were told.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;

use super::fleet::Fleet;
use crate::crash::shop;
use crate::support::{Caller, GOOD_CARD, none_left, wait_for};

/// Merchants' and payers' requests under way at once.
const PEOPLE: usize = 12;
/// A payment whose node died is asked about when its lease has run out, after half a minute.
const SETTLED_WITHIN: Duration = Duration::from_secs(90);

/// What was answered: it must never be taken back.
#[derive(Default)]
pub struct Acknowledged {
    opened: Vec<String>,
    paid: Vec<String>,
}

pub struct Load {
    people: JoinSet<()>,
    stop: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<Acknowledged>>,
    purchases: Arc<AtomicUsize>,
}

impl Load {
    /// Has people open sessions and pay them, until they are stopped.
    pub fn start(fleet: &Arc<Fleet>) -> Self {
        let mut load = Self {
            people: JoinSet::new(),
            stop: Arc::default(),
            acknowledged: Arc::default(),
            purchases: Arc::default(),
        };
        for person in 0..PEOPLE {
            let (fleet, stop) = (fleet.clone(), load.stop.clone());
            let (acknowledged, purchases) = (load.acknowledged.clone(), load.purchases.clone());
            load.people.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let purchase = purchases.fetch_add(1, Ordering::Relaxed);
                    buy(&fleet, &format!("{person} {purchase}"), &acknowledged).await;
                }
            });
        }
        load
    }

    /// How many purchases have begun.
    pub fn purchases(&self) -> usize {
        self.purchases.load(Ordering::Relaxed)
    }

    /// Waits until so many more purchases have begun.
    pub async fn goes_on(&self, purchases: usize) {
        let enough = self.purchases() + purchases;
        let left = async || enough.saturating_sub(self.purchases());
        none_left("people go on shopping", SETTLED_WITHIN, left).await;
    }

    /// Stops, and answers what was acknowledged.
    pub async fn stop(mut self) -> Acknowledged {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(person) = self.people.join_next().await {
            person.unwrap();
        }
        std::mem::take(&mut *self.acknowledged.lock().unwrap())
    }
}

async fn buy(fleet: &Fleet, key: &str, acknowledged: &Mutex<Acknowledged>) {
    let opened = fleet.call(|caller| caller.open_session(key)).await;
    // The request of a node that died may still be running in the server.
    if opened.status == 409 {
        return;
    }
    let session = opened.ok();
    let (id, public_id) = (shop::text(&session["id"]), shop::text(&session["publicId"]));
    acknowledged.lock().unwrap().opened.push(id.clone());
    let paid = fleet.call(|caller| caller.pay(&public_id, GOOD_CARD)).await;
    // What a node that died had begun is still under way.
    if paid.status == 200 && paid.ok()["status"] == "succeeded" {
        acknowledged.lock().unwrap().paid.push(id);
    }
}

/// What is missing of what was acknowledged: sessions, and payments.
pub fn missing(acknowledged: &Acknowledged, sessions: &[Value]) -> (usize, usize) {
    let ids = |status: Option<&str>| -> BTreeSet<String> {
        let those = sessions
            .iter()
            .filter(|session| status.is_none_or(|status| session["status"] == status));
        those.map(|session| shop::text(&session["id"])).collect()
    };
    let (there, completed) = (ids(None), ids(Some("completed")));
    let lost = |acknowledged: &[String], there: &BTreeSet<String>| {
        acknowledged
            .iter()
            .filter(|id| !there.contains(*id))
            .count()
    };
    (
        lost(&acknowledged.opened, &there),
        lost(&acknowledged.paid, &completed),
    )
}

/// All sessions, once every outcome is known.
pub async fn settled(caller: &Caller) -> Vec<Value> {
    wait_for("every outcome is known", SETTLED_WITHIN, async || {
        let sessions = shop::all_sessions(caller).await;
        let open = |session: &Value| session["status"] == "processing";
        if sessions.iter().any(open) {
            // Thousands of sessions are read each time.
            tokio::time::sleep(Duration::from_secs(1)).await;
            return None;
        }
        Some(sessions)
    })
    .await
}

/// Waits until every outcome is known; then nothing acknowledged may be missing, and the ledger must have charged
/// each paid session once and nothing else. Says how much that was.
pub async fn nothing_is_lost(fleet: &Fleet, acknowledged: &Acknowledged) -> String {
    let caller = fleet.caller();
    let sessions = settled(&caller).await;
    assert_eq!(missing(acknowledged, &sessions), (0, 0), "lost");
    let merchant = fleet.installation.merchant_id();
    let charged = shop::books_agree(&caller, &fleet.sandbox, merchant).await;
    let (opened, paid) = (acknowledged.opened.len(), acknowledged.paid.len());
    // Otherwise nothing was shown.
    assert!(paid > 20 && charged >= paid, "{charged} were charged");
    format!(
        "{opened} sessions and {paid} payments were acknowledged, none is missing; {charged} were charged, each once"
    )
}

//! What a merchant and a payer find out by asking, and how that must agree with the sandbox's ledger.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::support::{Answer, Caller, Charged, Sandbox, send, wait_for};

/// A final state is reached within this, also on a machine that is busy with other tests.
pub const SETTLED_WITHIN: Duration = Duration::from_mins(2);
/// What every session here is over, in minor units.
pub const PRICE: i64 = 3500;

/// Text in an answer.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A session's transactions by id, with their status.
pub fn statuses(session: &Value) -> BTreeMap<String, String> {
    let transactions = session["transactions"].as_array().unwrap();
    transactions
        .iter()
        .map(|transaction| (text(&transaction["id"]), text(&transaction["status"])))
        .collect()
}

/// The session, if none of its transactions is under way any more.
pub fn if_settled(session: Value) -> Option<Value> {
    let under_way = |status: &String| matches!(status.as_str(), "pending" | "unknown");
    let known = !statuses(&session).values().any(under_way) && session["status"] != "processing";
    known.then_some(session)
}

/// Asks for a session until none of its transactions is under way any more.
pub async fn settled(caller: &Caller, id: &str) -> Value {
    wait_for("every outcome is known", SETTLED_WITHIN, async || {
        if_settled(send(caller.session(id)).await.unwrap().ok())
    })
    .await
}

/// Checks a settled session against the ledger: what succeeded was charged once, nothing else was. Answers
/// with the charge.
pub fn charged_once_or_not_at_all(
    session: &Value,
    charges: &BTreeMap<String, Charged>,
) -> Option<String> {
    let statuses = statuses(session);
    let mut paid = statuses
        .iter()
        .filter(|(_, status)| *status == "succeeded")
        .map(|(id, _)| id.clone());
    let charge = paid.next();
    assert_eq!(paid.next(), None, "paid twice: {session}");
    for id in statuses.keys() {
        let expected = (charge.as_ref() == Some(id)).then_some(PRICE);
        let captured = charges.get(id).map(|charged| charged.captured);
        assert_eq!(captured, expected, "{id} in {session}");
    }
    assert_eq!(
        session["status"] == "completed",
        charge.is_some(),
        "{session}"
    );
    charge
}

/// All sessions of the merchant.
pub async fn all_sessions(caller: &Caller) -> Vec<Value> {
    let (mut sessions, mut path) = (Vec::new(), "/sessions?limit=100".to_owned());
    loop {
        let mut page = send(caller.native(Method::GET, &path)).await.unwrap().ok();
        let Value::Array(data) = page["data"].take() else {
            panic!("{page}");
        };
        sessions.extend(data);
        match page["nextCursor"].as_str() {
            Some(after) => path = format!("/sessions?limit=100&after={after}"),
            None => return sessions,
        }
    }
}

/// Checks all that a merchant has against all that was charged for it.
pub async fn books_agree(caller: &Caller, sandbox: &Sandbox, merchant: &str) -> usize {
    let charges = sandbox.charges(merchant).await;
    let sessions = all_sessions(caller).await;
    let paid: Vec<String> = sessions
        .iter()
        .filter_map(|session| charged_once_or_not_at_all(session, &charges))
        .collect();
    assert_eq!(
        charges.keys().cloned().collect::<Vec<_>>(),
        sorted(paid.clone()),
        "the ledger and the merchant's books"
    );
    paid.len()
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort_unstable();
    ids
}

/// Asks for the refunds of a charge.
pub fn refunds(caller: &Caller, charge: &str) -> RequestBuilder {
    caller.xanpay(Method::GET, &format!("/refunds?chargeId={charge}"))
}

/// What a list has.
pub fn listed(answer: &Answer) -> Vec<Value> {
    answer.ok()["data"].as_array().unwrap().clone()
}

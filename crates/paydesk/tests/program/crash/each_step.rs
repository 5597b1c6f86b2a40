//! A process that dies between any two steps.
//!
//! The same story is told again and again, of a session that is opened, paid and refunded, and each time the
//! process dies one step later, until it lives through the whole of it.

use reqwest::Method;

use super::shop::{self, PRICE, SETTLED_WITHIN};
use super::survivor::{Step, Survivor};
use crate::support::{Answer, Caller, Charged, GOOD_CARD, Sandbox, wait_for};

/// More often than any failpoint is come to in the story.
const MANY: usize = 40;
/// Stories that are told at once; they mostly wait.
const AT_ONCE: usize = 3;

/// Tells the story for each step at which the process may die, and answers at which it did.
async fn dies_at_each(failpoint: &'static str) -> Vec<Step> {
    let sandbox = Sandbox::start().await;
    let mut died = Vec::new();
    for first in (0..MANY).step_by(AT_ONCE) {
        let (one, two, three) = tokio::join!(
            story(&sandbox, failpoint, first),
            story(&sandbox, failpoint, first + 1),
            story(&sandbox, failpoint, first + 2),
        );
        let steps = [one, two, three];
        died.extend(steps.iter().flatten());
        if steps.contains(&None) {
            return died;
        }
    }
    panic!("{failpoint} is come to more than {MANY} times: {died:?}");
}

/// A session is opened, paid and refunded, by people who try again when they get no answer.
async fn story(sandbox: &Sandbox, failpoint: &str, spared: usize) -> Option<Step> {
    let mut desk = Survivor::start(sandbox, failpoint, spared).await;
    let merchant = desk.installation.merchant_id().to_owned();

    desk.step = Step::Opening;
    let session = desk.call(|caller| caller.open_session("open")).await.ok();
    let (id, public_id) = (shop::text(&session["id"]), shop::text(&session["publicId"]));
    // What happens beside a request is written down too, so that even looking may find nobody there.
    let all = |caller: &Caller| caller.native(Method::GET, "/sessions");
    let sessions = shop::listed(&desk.call(all).await);
    assert_eq!(sessions.len(), 1, "opened once, by one key");

    desk.step = Step::Paying;
    // After a crash this is a payer who pays again at once, while the first outcome is not known.
    desk.call(|caller| caller.pay(&public_id, GOOD_CARD)).await;
    let mut session = desk.settled(&id).await;
    let charges = sandbox.charges(&merchant).await;
    if shop::charged_once_or_not_at_all(&session, &charges).is_none() {
        let again = desk.call(|caller| caller.pay(&public_id, GOOD_CARD)).await;
        assert_eq!(again.ok()["status"], "succeeded");
        session = desk.settled(&id).await;
    }
    let charges = sandbox.charges(&merchant).await;
    let charge = shop::charged_once_or_not_at_all(&session, &charges).expect("it is paid");
    assert_eq!(charges.len(), 1);

    desk.step = Step::Refunding;
    if refund(&mut desk, &charge, "refund").await != "completed" {
        assert_eq!(
            refund(&mut desk, &charge, "refund again").await,
            "completed"
        );
    }
    let refunds = shop::listed(&desk.call(|caller| shop::refunds(caller, &charge)).await);
    let completed = refunds
        .iter()
        .filter(|refund| refund["status"] == "completed");
    assert_eq!(completed.count(), 1, "{refunds:?}");
    let more = desk.call(|caller| caller.refund(&charge, "more")).await;
    assert!((400..500).contains(&more.status), "{more:?}");
    let whole = Charged {
        captured: PRICE,
        refunded: PRICE,
    };
    assert_eq!(sandbox.charges(&merchant).await, [(charge, whole)].into());
    desk.stop().await
}

/// Asks for a refund until it is known what came of it: a key that was in use when the process died does
/// not stay so.
async fn refund(desk: &mut Survivor, charge: &str, key: &str) -> String {
    let ask = |caller: &Caller| caller.refund(charge, key);
    wait_for("the refund has an outcome", SETTLED_WITHIN, async || {
        outcome(&desk.call(ask).await)
    })
    .await
}

/// What a refund has come to, if that is known.
fn outcome(answer: &Answer) -> Option<String> {
    match answer.status {
        // The key is still held by the request that was under way when the process died.
        409 => None,
        _ => Some(shop::text(&answer.ok()["status"])).filter(|status| status != "pending"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_between_intent_and_call_ends_in_one_charge_and_one_refund() {
    let died = dies_at_each("after-intent").await;
    assert_eq!(died, [Step::Paying, Step::Refunding]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_between_call_and_outcome_ends_in_one_charge_and_one_refund() {
    let died = dies_at_each("after-call").await;
    assert_eq!(died, [Step::Paying, Step::Refunding]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_between_outcome_and_answer_ends_in_one_charge_and_one_refund() {
    let died = dies_at_each("after-outcome").await;
    assert_eq!(died, [Step::Paying, Step::Refunding]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_before_any_commit_ends_in_one_charge_and_one_refund() {
    dies_at_every_commit("before-commit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_after_any_commit_ends_in_one_charge_and_one_refund() {
    dies_at_every_commit("after-commit").await;
}

/// A start writes the keys' fingerprints; a session is one commit, a payment and a refund are two each.
const COMMITS: [(Step, usize); 4] = [
    (Step::Starting, 1),
    (Step::Opening, 1),
    (Step::Paying, 2),
    (Step::Refunding, 2),
];

/// Tells the story for each commit. What is told to the merchant is also written down, sooner in one story than in
/// another, so that the same number is another commit, and one may be left out: then all stories are told again.
async fn dies_at_every_commit(failpoint: &'static str) {
    let mut most = COMMITS.map(|_| 0);
    for _ in 0..3 {
        let died = dies_at_each(failpoint).await;
        for (most, (step, _)) in most.iter_mut().zip(COMMITS) {
            let there = died.iter().filter(|died| **died == step).count();
            *most = there.max(*most);
        }
        if COMMITS.iter().zip(most).all(|((_, of), died)| died >= *of) {
            return;
        }
    }
    panic!("of {COMMITS:?} it died at {most:?}");
}

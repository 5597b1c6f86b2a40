//! The failpoint between a charge and its answer: a binary of its own, since failpoints are set per process.
#![allow(clippy::unwrap_used, clippy::panic, reason = "all of this is a test")]

#[allow(dead_code, reason = "the sandbox's suite uses the rest of it")]
#[path = "sandbox/harness.rs"]
mod harness;

use harness::{Sandbox, receipt};
use paydesk_core::rail::{Found, RailAnswer};

#[tokio::test]
async fn a_charge_whose_answer_is_lost_is_there_when_it_is_asked_for() {
    let scenario = fail::FailScenario::setup();
    fail::cfg("sandbox-charged", "return").unwrap();
    let sandbox = Sandbox::in_process();
    let (reference, answer) = sandbox.pay("4242 4242 4242 4242").await;
    assert_eq!(answer, RailAnswer::Unknown);
    let Found::Known(found) = sandbox.bank.query(reference).await else {
        panic!("the charge was not recorded");
    };
    receipt(found);
    assert_eq!(sandbox.captured(reference).await, 3500);
    scenario.teardown();
}

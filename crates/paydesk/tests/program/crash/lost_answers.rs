//! Charges whose answer never comes, or which arrive after everybody has given up on them.

use std::time::{Duration, Instant};

use super::shop::{self, PRICE};
use crate::support::{
    Caller, Charged, Fate, GOOD_CARD, Installation, LOST_ANSWER_CARD, Network, Sandbox, Server,
    send,
};

/// An unknown outcome is first asked about within five seconds, and a busy machine takes a while to show it. One that
/// has to wait until the lease of a call has run out waits for thirty.
const ASKED_WITHIN: Duration = Duration::from_secs(25);

/// An open session: its id and its public one.
async fn opened(caller: &Caller) -> (String, String) {
    let session = send(caller.open_session("open")).await.unwrap().ok();
    (shop::text(&session["id"]), shop::text(&session["publicId"]))
}

async fn serving(installation: &Installation, sandbox_url: &str) -> Server {
    installation.serve(&["--sandbox-url", sandbox_url]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_whose_answer_is_lost_is_unknown_and_then_found_to_be_one() {
    let (sandbox, installation) = (Sandbox::start().await, Installation::new());
    let server = serving(&installation, &sandbox.url).await;
    let (id, public_id) = opened(&server.caller).await;
    let paid = send(server.caller.pay(&public_id, LOST_ANSWER_CARD))
        .await
        .unwrap();
    assert_eq!(paid.ok()["status"], "unknown");
    let unknown_since = Instant::now();
    // A payer who sees nothing happen tries again, with another card too: nothing is charged blindly.
    let again = send(server.caller.pay(&public_id, GOOD_CARD))
        .await
        .unwrap();
    assert_eq!(again.ok()["status"], "unknown");

    let session = shop::settled(&server.caller, &id).await;
    let took = unknown_since.elapsed();
    assert!(took < ASKED_WITHIN, "{took:?}");
    assert_eq!(session["status"], "completed");
    let agreed = shop::books_agree(&server.caller, &sandbox, installation.merchant_id()).await;
    assert_eq!(agreed, 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_whose_answer_is_lost_is_given_back_once() {
    let (sandbox, installation) = (Sandbox::start().await, Installation::new());
    let network = Network::between(&sandbox.url, "/rail/followUp", Fate::Unanswered).await;
    let server = serving(&installation, &network.url).await;
    let (id, public_id) = opened(&server.caller).await;
    send(server.caller.pay(&public_id, GOOD_CARD))
        .await
        .unwrap()
        .ok();
    let session = shop::settled(&server.caller, &id).await;
    let merchant = installation.merchant_id();
    let charges = sandbox.charges(merchant).await;
    let charge = shop::charged_once_or_not_at_all(&session, &charges).unwrap();

    let refund = send(server.caller.refund(&charge, "refund")).await.unwrap();
    assert_eq!(refund.ok()["status"], "pending");
    network.arrived(1).await;
    // Impatience reserves nothing twice.
    let more = send(server.caller.refund(&charge, "another"))
        .await
        .unwrap();
    assert!((400..500).contains(&more.status), "{more:?}");
    shop::settled(&server.caller, &id).await;
    let refunds = send(shop::refunds(&server.caller, &charge)).await;
    let refunds = shop::listed(&refunds.unwrap());
    assert_eq!(refunds.len(), 1);
    assert_eq!(refunds[0]["status"], "completed");
    let whole = Charged {
        captured: PRICE,
        refunded: PRICE,
    };
    assert_eq!(sandbox.charges(merchant).await, [(charge, whole)].into());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charge_that_arrives_after_it_was_given_up_is_refused() {
    let (sandbox, installation) = (Sandbox::start().await, Installation::new());
    let network = Network::between(&sandbox.url, "/rail/start", Fate::Held).await;
    let mut server = serving(&installation, &network.url).await;
    let (id, public_id) = opened(&server.caller).await;
    let payer = tokio::spawn(send(server.caller.pay(&public_id, GOOD_CARD)));
    network.held(1).await;
    // The call is on its way, and whoever made it is gone.
    server.process.kill();
    payer.await.unwrap().unwrap_err();

    let server = serving(&installation, &network.url).await;
    let session = shop::settled(&server.caller, &id).await;
    assert_eq!(
        session["status"], "initiated",
        "the sandbox has not heard of it"
    );
    network.decide(Fate::Delivered);
    network.arrived(1).await;
    let merchant = installation.merchant_id();
    assert_eq!(
        sandbox.charges(merchant).await,
        [].into(),
        "it came too late"
    );

    let again = send(server.caller.pay(&public_id, GOOD_CARD))
        .await
        .unwrap();
    assert_eq!(again.ok()["status"], "succeeded");
    let agreed = shop::books_agree(&server.caller, &sandbox, merchant).await;
    assert_eq!(agreed, 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_asking_that_dies_is_taken_up_by_the_next_start() {
    let (sandbox, installation) = (Sandbox::start().await, Installation::new());
    let network = Network::between(&sandbox.url, "/rail/query", Fate::Held).await;
    let mut server = serving(&installation, &network.url).await;
    let (id, public_id) = opened(&server.caller).await;
    send(server.caller.pay(&public_id, LOST_ANSWER_CARD))
        .await
        .unwrap()
        .ok();
    network.held(1).await;
    server.process.kill();

    network.decide(Fate::Delivered);
    let server = serving(&installation, &network.url).await;
    let unknown_since = Instant::now();
    let session = shop::settled(&server.caller, &id).await;
    let took = unknown_since.elapsed();
    assert!(took < ASKED_WITHIN, "{took:?}");
    assert_eq!(session["status"], "completed");
    let agreed = shop::books_agree(&server.caller, &sandbox, installation.merchant_id()).await;
    assert_eq!(agreed, 1);
    server.stop().await;
}

#[cfg(feature = "failpoints")]
#[tokio::test(flavor = "multi_thread")]
async fn a_sandbox_that_dies_with_the_charge_in_its_books_is_asked_when_it_is_back() {
    // It writes the charge, and then says nothing.
    let (sandbox, installation) = (
        Sandbox::failing("sandbox-charged=pause").await,
        Installation::new(),
    );
    let server = serving(&installation, &sandbox.url).await;
    let (id, public_id) = opened(&server.caller).await;
    let payer = tokio::spawn(send(server.caller.pay(&public_id, GOOD_CARD)));
    let merchant = installation.merchant_id();
    crate::support::wait_for("it is charged", crate::support::SOON, async || {
        (!sandbox.charges(merchant).await.is_empty()).then_some(())
    })
    .await;
    let sandbox = sandbox.crash_and_restart().await;
    let paid = payer.await.unwrap().unwrap();
    assert_eq!(paid.ok()["status"], "unknown");

    let session = shop::settled(&server.caller, &id).await;
    assert_eq!(session["status"], "completed");
    let agreed = shop::books_agree(&server.caller, &sandbox, merchant).await;
    assert_eq!(agreed, 1);
    server.stop().await;
}

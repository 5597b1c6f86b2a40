//! Endpoints: who hears of what, in which words, signed with what; and when they are told no more.

use std::sync::Arc;
use std::time::Duration;

use paydesk_core::delivery::{Delivery, DeliveryState, Receiver as To};
use paydesk_core::endpoint::{
    DisabledBecause, Endpoint, EndpointFormat, OVERLAP, Replaced, Standing,
};
use paydesk_core::event::EventKind;
use paydesk_core::keys::Secret;
use paydesk_core::list::{EventFilter, Page};
use paydesk_core::time::{Span, SystemClock};
use paydesk_webhooks::{ModemPayKey, Parts, Worker};
use standardwebhooks::Webhook;

use crate::crowd::{Running, until};
use crate::receiver::{Hit, Receiver, plain};
use crate::stores::{memory, sqlite};
use crate::world::{World, patient};

const STANDARD: EndpointFormat = EndpointFormat::Standard;
const MODEM_PAY: EndpointFormat = EndpointFormat::ModemPay;

/// Whether the request has a signature of this secret, as Standard Webhooks has it; at any time.
fn has_signature(hit: &Hit, secret: &Secret) -> bool {
    let at = hit.header("webhook-timestamp").parse().unwrap();
    let webhook = Webhook::new(secret.reveal()).unwrap();
    let signature = webhook.sign(hit.id(), at, &hit.body).unwrap();
    let mut signatures = hit.header("webhook-signature").split(' ');
    signatures.any(|there| there == signature)
}

fn has_modempay_signature(hit: &Hit, secret: &Secret) -> bool {
    let key = ModemPayKey::from_secret(secret).unwrap();
    hit.header("x-modem-signature") == key.signature(&hit.body)
}

#[tokio::test]
async fn each_endpoint_hears_of_what_it_asked_for_under_its_own_secret() {
    let directory = tempfile::tempdir().unwrap();
    for store in [memory(), sqlite(&directory.path().join("paydesk.db"))] {
        let world = World::over(store).await;
        let [all, some, none, modem] = [
            Receiver::with_statuses(&[200]).await,
            Receiver::with_statuses(&[200]).await,
            Receiver::with_statuses(&[200]).await,
            Receiver::with_statuses(&[200]).await,
        ];
        world.happens_quietly(EventKind::SessionCreated).await;
        let (_, of_all) = world.endpoint(&all.url(), STANDARD, &[]).await;
        let (_, of_some) = world
            .endpoint(&some.url(), STANDARD, &[EventKind::SessionCompleted])
            .await;
        let (mut off, _) = world.endpoint(&none.url(), STANDARD, &[]).await;
        off.version = 2;
        off.standing = Standing::Disabled {
            at: world.now(),
            why: DisabledBecause::Merchant,
        };
        world.put(&off).await;
        let (_, of_modem) = world.endpoint(&modem.url(), MODEM_PAY, &[]).await;

        let created = world.happens_quietly(EventKind::SessionCreated).await;
        let completed = world.happens_quietly(EventKind::SessionCompleted).await;
        let worker = world.worker();
        let ran = worker.run_due_once().await.unwrap();
        assert_eq!((ran.dispatched, ran.attempted), (2, 5));
        assert_eq!(worker.run_due_once().await.unwrap().attempted, 0);

        let heard = |receiver: &Receiver| {
            let mut ids: Vec<String> = receiver
                .hits()
                .iter()
                .map(|hit| hit.id().to_owned())
                .collect();
            ids.sort();
            ids
        };
        let mut both = [created.to_string(), completed.to_string()];
        both.sort();
        assert_eq!(heard(&all), both, "nothing of before it was made");
        assert_eq!(heard(&some), [completed.to_string()]);
        assert_eq!(none.count(), 0);
        assert_eq!(heard(&modem), both);
        for hit in all.hits() {
            assert!(has_signature(&hit, &of_all) && !has_signature(&hit, &of_some));
            assert!(hit.headers.get("x-modem-signature").is_none());
        }
        assert!(has_signature(&some.hits()[0], &of_some));
        for hit in modem.hits() {
            assert!(has_modempay_signature(&hit, &of_modem));
            assert!(hit.headers.get("webhook-signature").is_none());
        }
    }
}

#[tokio::test]
async fn an_event_goes_to_the_notify_address_and_to_every_endpoint() {
    let world = World::over(memory()).await;
    let shop = Receiver::with_statuses(&[200]).await;
    let (endpoint, _) = world.endpoint(&shop.url(), STANDARD, &[]).await;
    let event = world.tell(&shop.url()).await;
    world.worker().run_due_once().await.unwrap();
    let deliveries = world.store.deliveries(world.tenant, event).await.unwrap();
    assert_eq!(deliveries.len(), 2);
    let to_endpoint = |it: &Delivery| it.receiver == To::Endpoint(endpoint.id);
    assert_eq!(deliveries.iter().filter(|it| to_endpoint(it)).count(), 1);
    assert_eq!(shop.count(), 2);
}

#[tokio::test]
async fn a_retold_event_is_told_again_under_the_same_id_to_who_hears_of_it_now() {
    let world = World::over(memory()).await;
    let event = world.happens_quietly(EventKind::SessionCompleted).await;
    let late = Receiver::with_statuses(&[200]).await;
    world.endpoint(&late.url(), STANDARD, &[]).await;
    let worker = world.worker();
    assert_eq!(worker.run_due_once().await.unwrap().dispatched, 0);
    for told in 1..=2 {
        let mut change = paydesk_core::store::Change::new(world.tenant);
        change.retold.push(event);
        world.store.commit(change).await.unwrap();
        worker.run_due_once().await.unwrap();
        assert_eq!(late.count(), told);
    }
    assert!(late.hits().iter().all(|hit| hit.id() == event.to_string()));
}

/// The next version, with another secret in place of the one before.
fn rotated(world: &World, endpoint: &Endpoint) -> (Endpoint, Secret) {
    let (sealed, secret) = world.sealed(endpoint.id);
    let rotated = Endpoint {
        version: endpoint.version + 1,
        secret: sealed,
        replaced: Some(Replaced {
            secret: endpoint.secret.clone(),
            until: world.now().after(OVERLAP),
        }),
        ..endpoint.clone()
    };
    (rotated, secret)
}

#[tokio::test]
async fn while_a_secret_is_replaced_a_message_has_a_signature_of_each() {
    let world = World::over(memory()).await;
    let shop = Receiver::with_statuses(&[200]).await;
    let (endpoint, old) = world.endpoint(&shop.url(), STANDARD, &[]).await;
    let (endpoint, new) = rotated(&world, &endpoint);
    world.put(&endpoint).await;
    for (passed, old_is_valid) in [
        (Span::millis(86_400_000 - 1), true),
        (Span::millis(1), false),
    ] {
        world.clock.advance(passed);
        world.happens_quietly(EventKind::SessionCompleted).await;
        world.worker().run_due_once().await.unwrap();
        let hit = shop.hits().pop().unwrap();
        assert!(has_signature(&hit, &new));
        assert_eq!(has_signature(&hit, &old), old_is_valid);
    }
}

#[tokio::test]
async fn where_there_is_room_for_one_signature_attempts_take_turns() {
    let world = World::over(memory()).await;
    let shop = Receiver::with_statuses(&[401, 401, 401, 200]).await;
    let (endpoint, old) = world.endpoint(&shop.url(), MODEM_PAY, &[]).await;
    let (endpoint, new) = rotated(&world, &endpoint);
    world.put(&endpoint).await;
    world.happens_quietly(EventKind::SessionCompleted).await;
    let worker = world.worker();
    for later in [
        Span::seconds(0),
        Span::seconds(6),
        Span::minutes(6),
        Span::hours(25),
    ] {
        world.clock.advance(later);
        worker.run_due_once().await.unwrap();
    }
    let signed: Vec<_> = shop
        .hits()
        .iter()
        .map(|hit| {
            (
                has_modempay_signature(hit, &new),
                has_modempay_signature(hit, &old),
            )
        })
        .collect();
    let (by_new, by_old) = ((true, false), (false, true));
    // The day is over: the old one is valid no more.
    assert_eq!(signed, [by_new, by_old, by_new, by_new]);
}

#[tokio::test]
async fn what_waits_goes_where_the_endpoint_is_now_or_nowhere() {
    let world = World::over(memory()).await;
    let [before, after] = [
        Receiver::with_statuses(&[500]).await,
        Receiver::with_statuses(&[500]).await,
    ];
    let (mut endpoint, _) = world.endpoint(&before.url(), STANDARD, &[]).await;
    let event = world.happens_quietly(EventKind::SessionCompleted).await;
    let worker = world.worker();
    worker.run_due_once().await.unwrap();
    assert_eq!(before.count(), 1);

    endpoint = world.stored(&endpoint).await;
    endpoint.version += 1;
    endpoint.url = after.url();
    world.put(&endpoint).await;
    world.clock.advance(Span::seconds(6));
    worker.run_due_once().await.unwrap();
    assert_eq!((before.count(), after.count()), (1, 1));
    assert_eq!(world.delivery(event).await.url, after.url());

    let mut change = paydesk_core::store::Change::new(world.tenant);
    change.puts.push(paydesk_core::store::Record::removal(
        &world.stored(&endpoint).await,
    ));
    world.store.commit(change).await.unwrap();
    world.clock.advance(Span::minutes(6));
    worker.run_due_once().await.unwrap();
    assert_eq!(after.count(), 1);
    let given_up = world.delivery(event).await;
    assert!(matches!(given_up.state, DeliveryState::GivenUp { .. }));
    assert!(given_up.last.unwrap().answer.contains("deleted"));
}

async fn disabled_events(world: &World) -> usize {
    let filter = EventFilter {
        kinds: vec![EventKind::EndpointDisabled],
        ..EventFilter::default()
    };
    let found = world
        .store
        .event_list(world.tenant, &filter, Page::first(9))
        .await;
    found.unwrap().len()
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_disabled_at_once_and_an_event_says_so() {
    let world = World::over(memory()).await;
    let gone = Receiver::with_statuses(&[410]).await;
    let (endpoint, _) = world.endpoint(&gone.url(), STANDARD, &[]).await;
    let first = world.happens_quietly(EventKind::SessionCompleted).await;
    let worker = world.worker();
    worker.run_due_once().await.unwrap();
    let why = DisabledBecause::Gone;
    let at = world.now();
    assert_eq!(
        world.stored(&endpoint).await.standing,
        Standing::Disabled { at, why }
    );
    assert_eq!(disabled_events(&world).await, 1);
    assert!(matches!(
        world.delivery(first).await.state,
        DeliveryState::GivenUp { .. }
    ));
    world.happens_quietly(EventKind::SessionCompleted).await;
    worker.run_due_once().await.unwrap();
    assert_eq!(gone.count(), 1);
}

#[tokio::test]
async fn what_an_old_address_answers_says_nothing_of_the_new_one() {
    let world = World::over(memory()).await;
    let moved = Arc::new(tokio::sync::Notify::new());
    let has_moved = moved.clone();
    let gone = Receiver::answering(move |_, _| {
        let has_moved = has_moved.clone();
        async move {
            has_moved.notified().await;
            plain(410)
        }
    })
    .await;
    let (mut endpoint, _) = world.endpoint(&gone.url(), STANDARD, &[]).await;
    world.happens_quietly(EventKind::SessionCompleted).await;
    let worker = world.worker();
    let moves = async {
        until("sent", || gone.count() == 1).await;
        endpoint.url = "http://127.0.0.1:1/new".to_owned();
        endpoint.version += 1;
        world.put(&endpoint).await;
        moved.notify_one();
    };
    let (ran, ()) = tokio::join!(worker.run_due_once(), moves);
    ran.unwrap();
    assert_eq!(world.stored(&endpoint).await, endpoint);
    assert_eq!(disabled_events(&world).await, 0);
}

#[tokio::test]
async fn five_days_of_failure_disable_an_endpoint_and_an_event_says_so() {
    let world = World::over(memory()).await;
    let dead = Receiver::with_statuses(&[500]).await;
    let (endpoint, _) = world.endpoint(&dead.url(), STANDARD, &[]).await;
    let worker = world.worker();
    for day in 0..5 {
        world.happens_quietly(EventKind::SessionCompleted).await;
        worker.run_due_once().await.unwrap();
        assert!(world.stored(&endpoint).await.is_enabled(), "day {day}");
        world.clock.advance(Span::days(1));
    }
    assert_eq!(disabled_events(&world).await, 0);
    world.happens_quietly(EventKind::SessionCompleted).await;
    worker.run_due_once().await.unwrap();
    let why = DisabledBecause::Failing;
    let at = world.now();
    assert_eq!(
        world.stored(&endpoint).await.standing,
        Standing::Disabled { at, why }
    );
    assert_eq!(disabled_events(&world).await, 1);
}

#[tokio::test]
async fn one_success_forgives_what_failed_before() {
    let world = World::over(memory()).await;
    let shaky = Receiver::with_statuses(&[500, 200, 500]).await;
    let (endpoint, _) = world.endpoint(&shaky.url(), STANDARD, &[]).await;
    let worker = world.worker();
    world.happens_quietly(EventKind::SessionCompleted).await;
    worker.run_due_once().await.unwrap();
    assert!(world.stored(&endpoint).await.failing_since.is_some());
    world.clock.advance(Span::seconds(6));
    worker.run_due_once().await.unwrap();
    assert!(world.stored(&endpoint).await.failing_since.is_none());
    world.clock.advance(Span::days(6));
    world.happens_quietly(EventKind::SessionCompleted).await;
    worker.run_due_once().await.unwrap();
    let stored = world.stored(&endpoint).await;
    assert!(stored.is_enabled());
    assert_eq!(stored.failing_since, Some(world.now()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_endpoint_delays_no_other_even_on_the_same_host() {
    let world = World::over(memory()).await;
    // One host: below /dead nobody ever answers.
    let host = Receiver::answering(|hit, _| async move {
        if hit.uri.path() == "/dead" {
            tokio::time::sleep(Duration::from_mins(10)).await;
        }
        plain(200)
    })
    .await;
    let at = |path: &str| format!("http://{}/{path}", host.address);
    for _ in 0..12 {
        world.endpoint(&at("dead"), STANDARD, &[]).await;
    }
    let reached = |path: &str| {
        let hits = host.hits();
        hits.iter().filter(|hit| hit.uri.path() == path).count()
    };
    let parts = || Parts {
        sender: patient(),
        clock: Arc::new(SystemClock),
        ..world.parts()
    };
    // A long queue for each of the dead: more than all their lanes and all of the tenant's share together.
    for _ in 0..60 {
        world.happens_quietly(EventKind::SessionCompleted).await;
    }
    let running = Running::start(Worker::new(parts()));
    until("stuck", || reached("/dead") >= 32).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    world.endpoint(&at("quick"), STANDARD, &[]).await;
    for _ in 0..40 {
        world.happens_quietly(EventKind::SessionCompleted).await;
    }
    let took = until("all told", || reached("/quick") == 40).await;
    // Had they to wait until a dead one is given up, it would take a minute.
    assert!(took < Duration::from_secs(50), "{took:?}");
    running.stop_at_once();
}

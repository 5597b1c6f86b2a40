//! What becomes of one event, over a real store and real sockets.

use std::time::Duration;

use paydesk_core::delivery::DeliveryState;
use paydesk_core::event::EventKind;
use paydesk_core::id::SeededIds;
use paydesk_core::keys::ServerKeys;
use paydesk_core::time::Span;
use paydesk_webhooks::{DELAYS, Guard, Parts, Policy, Ran, Sender, Worker};
use std::sync::Arc;

use crate::receiver::{Receiver, plain, with_headers};
use crate::stores::memory;
use crate::world::{TIMEOUTS, World};

async fn world() -> World {
    World::over(memory()).await
}

const NOTHING: Ran = Ran {
    dispatched: 0,
    attempted: 0,
};

/// So many tenths of a span.
fn tenths(span: Span, tenths: i64) -> Span {
    Span::millis(u32::try_from(span.as_millis() * tenths / 10).unwrap())
}

#[tokio::test]
async fn an_event_is_told_once_and_signed() {
    let world = world().await;
    let receiver = Receiver::with_statuses(&[200]).await;
    let event = world.tell(&receiver.url()).await;
    let worker = world.worker();
    let ran = worker.run_due_once().await.unwrap();
    assert_eq!((ran.dispatched, ran.attempted), (1, 1));
    let hits = receiver.hits();
    assert_eq!(hits.len(), 1);
    assert_eq!(hits[0].id(), event.to_string());
    assert_eq!(
        hits[0].body,
        format!("{{\"id\":\"{event}\",\n  \"title\" : \"Zoë's shop 🎉\", \"transactions\":0 }}")
    );
    assert!(world.is_signed(&hits[0]));

    let delivery = world.delivery(event).await;
    assert_eq!(delivery.state, DeliveryState::Delivered { at: world.now() });
    assert_eq!(delivery.attempts, 1);
    assert_eq!(delivery.last.unwrap().status, Some(200));
    assert_eq!(worker.run_due_once().await.unwrap(), NOTHING);
    world.clock.advance(Span::days(9));
    assert_eq!(worker.run_due_once().await.unwrap(), NOTHING);
    assert_eq!(receiver.count(), 1);
}

#[tokio::test]
async fn a_failing_receiver_is_told_ten_times_on_schedule_the_same_bytes_and_then_given_up() {
    let world = world().await;
    let receiver = Receiver::with_statuses(&[500, 302, 404, 429, 503]).await;
    let event = world.tell(&receiver.url()).await;
    let worker = world.worker();
    let begun = world.now();
    worker.run_due_once().await.unwrap();
    for (n, delay) in DELAYS.into_iter().enumerate() {
        let made = n + 1;
        assert_eq!(receiver.count(), made);
        let delivery = world.delivery(event).await;
        assert_eq!(delivery.attempts as usize, made);
        let due = delivery.due_at().unwrap();
        assert!(due >= world.now().after(tenths(delay, 9)), "attempt {made}");
        assert!(
            due <= world.now().after(tenths(delay, 11)),
            "attempt {made}"
        );
        world.clock.advance(Span::millis(
            u32::try_from(due.since(world.now()).as_millis() - 1).unwrap(),
        ));
        assert_eq!(
            worker.run_due_once().await.unwrap(),
            NOTHING,
            "a millisecond early"
        );
        world.clock.advance(Span::millis(1));
        assert_eq!(worker.run_due_once().await.unwrap().attempted, 1);
    }
    let delivery = world.delivery(event).await;
    assert_eq!(delivery.state, DeliveryState::GivenUp { at: world.now() });
    assert_eq!(
        (delivery.attempts, delivery.last.unwrap().status),
        (10, Some(503))
    );
    let hours = world.now().since(begun).as_millis() / 3_600_000;
    assert!(
        (68..=84).contains(&hours),
        "75 h 35 min, give or take a tenth: {hours}"
    );

    world.clock.advance(Span::days(30));
    assert_eq!(worker.run_due_once().await.unwrap(), NOTHING);
    let hits = receiver.hits();
    assert_eq!(hits.len(), 10);
    for hit in &hits {
        assert_eq!((hit.id(), &hit.body), (hits[0].id(), &hits[0].body));
        assert!(world.was_signed(hit), "each is signed at its own time");
    }
    assert_ne!(
        hits[0].header("webhook-signature"),
        hits[9].header("webhook-signature")
    );
}

#[tokio::test]
async fn a_receiver_that_was_down_or_silent_is_told_when_it_is_back() {
    let world = world().await;
    // Down: nobody listens where it was.
    let down = Receiver::with_statuses(&[200]).await.url();
    let silent = Receiver::answering(|_, before| async move {
        if before == 0 {
            tokio::time::sleep(Duration::from_mins(1)).await;
        }
        plain(200)
    })
    .await;
    let to_down = world.tell(&down).await;
    let to_silent = world.tell(&silent.url()).await;
    let worker = world.worker();
    assert_eq!(worker.run_due_once().await.unwrap().attempted, 2);
    for (event, why) in [(to_down, "refused"), (to_silent, "no answer within 2 s")] {
        let delivery = world.delivery(event).await;
        assert!(
            matches!(delivery.state, DeliveryState::Due { .. }),
            "{delivery:?}"
        );
        let last = delivery.last.unwrap();
        assert!(
            last.status.is_none() && last.answer.contains(why),
            "{last:?}"
        );
    }
    world.clock.advance(Span::seconds(6));
    assert_eq!(worker.run_due_once().await.unwrap().attempted, 2);
    let delivered = world.delivery(to_silent).await;
    assert!(
        matches!(delivered.state, DeliveryState::Delivered { .. }),
        "{delivered:?}"
    );
    assert_eq!(delivered.attempts, 2);
    let down = world.delivery(to_down).await;
    assert_eq!(down.attempts, 2);
    assert!(down.due_at().unwrap() >= world.now().after(Span::seconds(270)));
}

#[tokio::test]
async fn a_receiver_that_asks_for_time_is_given_it() {
    let world = world().await;
    let date = httpdate::fmt_http_date(
        std::time::UNIX_EPOCH
            + Duration::from_secs(world.now().as_seconds().unsigned_abs() + 7_200),
    );
    for (asked, earliest, latest) in [
        ("3600".to_owned(), Span::hours(1), Span::hours(1)),
        (date, Span::seconds(7_199), Span::hours(2)),
        ("31536000".to_owned(), Span::hours(24), Span::hours(24)),
        ("0".to_owned(), Span::millis(4_500), Span::millis(5_500)),
        ("later".to_owned(), Span::millis(4_500), Span::millis(5_500)),
    ] {
        let wish = asked.clone();
        let receiver = Receiver::answering(move |_, _| {
            let wish = wish.clone();
            async move { with_headers(503, &[("retry-after", &wish)]) }
        })
        .await;
        let event = world.tell(&receiver.url()).await;
        world.worker().run_due_once().await.unwrap();
        let due = world.delivery(event).await.due_at().unwrap();
        let wait = due.since(world.now());
        assert!(earliest <= wait && wait <= latest, "{asked}: {wait:?}");
    }
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_not_told_again() {
    let world = world().await;
    let receiver = Receiver::with_statuses(&[410, 200]).await;
    let event = world.tell(&receiver.url()).await;
    let worker = world.worker();
    worker.run_due_once().await.unwrap();
    world.clock.advance(Span::days(4));
    assert_eq!(worker.run_due_once().await.unwrap(), NOTHING);
    let delivery = world.delivery(event).await;
    assert!(
        matches!(delivery.state, DeliveryState::GivenUp { .. }),
        "{delivery:?}"
    );
    assert_eq!((receiver.count(), delivery.attempts), (1, 1));
}

#[tokio::test]
async fn what_there_is_nothing_to_tell_of_is_dispatched_without_a_delivery() {
    let world = world().await;
    let receiver = Receiver::with_statuses(&[200]).await;
    let event = world
        .happens(EventKind::SessionCancelled, &receiver.url())
        .await;
    let ran = world.worker().run_due_once().await.unwrap();
    assert_eq!((ran.dispatched, ran.attempted), (1, 0));
    assert!(world.store.undispatched(10).await.unwrap().is_empty());
    assert!(
        world
            .store
            .deliveries(world.tenant, event)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(receiver.count(), 0);
}

#[tokio::test]
async fn an_event_whose_words_panic_is_kept_and_holds_nobody_up() {
    let world = world().await;
    let receiver = Receiver::with_statuses(&[200]).await;
    let broken = world
        .happens(EventKind::SessionExpired, &receiver.url())
        .await;
    let others = world.tell_often(&receiver.url(), 3).await;
    let ran = world.worker().run_due_once().await.unwrap();
    assert_eq!(
        (ran.dispatched, ran.attempted),
        (others.len(), others.len())
    );
    let left = world.store.undispatched(10).await.unwrap();
    assert_eq!(
        left.iter().map(|event| event.id).collect::<Vec<_>>(),
        [broken]
    );
}

#[tokio::test]
async fn what_cannot_be_signed_is_kept_until_it_can() {
    let world = world().await;
    let receiver = Receiver::with_statuses(&[200]).await;
    let event = world.tell(&receiver.url()).await;
    let keyless = Worker::new(Parts {
        keys: Arc::new(ServerKeys::generate(&SeededIds::new(77))),
        ..world.parts()
    });
    for _ in 0..20 {
        assert_eq!(keyless.run_due_once().await.unwrap().attempted, 0);
        let delivery = world.delivery(event).await;
        assert_eq!(delivery.attempts, 0, "nothing was sent, nothing counts");
        assert!(delivery.last.unwrap().answer.contains("cannot be opened"));
        world.clock.advance(Span::minutes(5));
    }
    assert_eq!(receiver.count(), 0);
    assert_eq!(world.worker().run_due_once().await.unwrap().attempted, 1);
    let delivery = world.delivery(event).await;
    assert!(
        matches!(delivery.state, DeliveryState::Delivered { .. }),
        "{delivery:?}"
    );
}

#[tokio::test]
async fn a_forbidden_address_is_not_called_and_the_delivery_says_why() {
    let world = world().await;
    let receiver = Receiver::with_statuses(&[200]).await;
    let event = world.tell(&receiver.url()).await;
    let guarded = Worker::new(Parts {
        sender: Sender::new(Guard::new(Policy::default()), TIMEOUTS).unwrap(),
        ..world.parts()
    });
    guarded.run_due_once().await.unwrap();
    assert_eq!(receiver.count(), 0);
    let delivery = world.delivery(event).await;
    assert_eq!(
        delivery.last.unwrap().answer,
        "127.0.0.1 is loopback, not a public address"
    );
    assert!(
        matches!(delivery.state, DeliveryState::Due { .. }),
        "the operator may yet allow it"
    );
}

#[tokio::test]
async fn however_many_dispatch_at_once_an_event_becomes_one_delivery() {
    let world = world().await;
    let receiver = Receiver::with_statuses(&[200]).await;
    let events = world.tell_often(&receiver.url(), 300).await;
    let workers = [(); 4].map(|()| world.worker());
    let ran = futures_util::future::join_all(workers.iter().map(Worker::run_due_once)).await;
    let ran: Vec<Ran> = ran.into_iter().map(Result::unwrap).collect();
    assert_eq!(ran.iter().map(|ran| ran.dispatched).sum::<usize>(), 300);
    for event in events {
        world.delivery(event).await;
    }
    assert!(world.store.undispatched(10).await.unwrap().is_empty());
    let mut told: Vec<String> = receiver
        .hits()
        .iter()
        .map(|hit| hit.id().to_owned())
        .collect();
    assert_eq!(told.len(), 300);
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 300);
}

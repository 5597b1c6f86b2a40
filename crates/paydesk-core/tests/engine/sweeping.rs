//! Sessions whose time is over.

use paydesk_core::session::Kind;
use paydesk_core::store::{Change, Record, Store as _};
use paydesk_core::test_clock::TestClock;
use paydesk_core::time::{Clock as _, Span};

use super::desk::Desk;

#[tokio::test]
async fn a_session_that_is_slow_to_be_swept_keeps_no_other_waiting() {
    let desk = Desk::new().await;
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(desk.open(Kind::Payment).await);
    }
    desk.clock.advance(Span::days(7));
    // After the merchants, their clock and the list of what is due: the first session that is read is kept back.
    let (reached, go_on) = desk.store.pause_after(3);
    let swept = async || {
        let mut swept = 0;
        for session in &sessions {
            swept += usize::from(desk.session(session).await.version == 2);
        }
        swept
    };
    let look = async {
        reached.await.unwrap();
        for _ in 0..1_000 {
            if swept().await == 2 {
                break;
            }
            tokio::task::yield_now().await;
        }
        assert_eq!(swept().await, 2, "the others wait for the first");
        go_on.send(()).unwrap();
    };
    let (all, ()) = tokio::join!(desk.engine.sweep(), look);
    assert_eq!((all.unwrap(), swept().await), (3, 3));
}

#[tokio::test]
async fn a_step_of_a_test_clock_that_is_not_through_holds_up_no_session() {
    let desk = Desk::new().await;
    let session = desk.open(Kind::Payment).await;
    desk.clock.advance(Span::days(7));
    // As its process left it: some of the merchant's deliveries may be brought forward, others not.
    let clock = TestClock {
        merchant: desk.tenant.merchant,
        version: 1,
        ahead: Span::seconds(1),
        moved_at: desk.clock.now(),
        moving: Some(Span::seconds(1)),
    };
    let mut change = Change::new(desk.tenant);
    change.puts.push(Record::entry(&clock).unwrap());
    desk.store.commit(change).await.unwrap();
    let is_moving = async || {
        let clock = desk.engine.test_clock(desk.tenant).await.unwrap();
        clock.unwrap().moving.is_some()
    };
    assert_eq!(desk.engine.sweep().await.unwrap(), 1);
    assert_eq!(desk.session(&session).await.version, 2);
    assert!(
        is_moving().await,
        "the sweep has gone through the deliveries first"
    );
    desk.engine.finish_clock_steps().await.unwrap();
    assert!(!is_moving().await);
}

#[tokio::test]
async fn a_tenant_whose_sessions_cannot_be_read_keeps_no_other_waiting() {
    let desk = Desk::new().await;
    desk.engine
        .advance_clock(desk.tenant, 1, None)
        .await
        .unwrap();
    let session = desk.open(Kind::Payment).await;
    desk.clock.advance(Span::days(8));
    desk.store.is_too_slow(true);
    assert_eq!(desk.engine.sweep().await.unwrap(), 1);
    assert_eq!(desk.session(&session).await.version, 2);
}

//! Sessions whose time is over.

use paydesk_core::session::Kind;
use paydesk_core::time::Span;

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

//! Pages that wait for what becomes of their session.

use std::time::Duration;

use paydesk_core::engine::end_session::End;
use paydesk_core::session::{Kind, StateName};
use tokio::time::timeout;

use super::desk::Desk;

const SOON: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_change_of_another_process_before_the_first_look_is_not_missed() {
    let desk = Desk::new().await;
    let session = desk.open(Kind::Payment).await;
    let waiter = desk.engine.watch().join(desk.tenant, session.id);
    let news = waiter.changed();
    // The page has read the session; then another process changes it; and only then it is looked at here.
    let elsewhere = desk.another(true);
    let expires = elsewhere.end_session(desk.tenant, session.id, End::Expire, None);
    let ended = expires.await.unwrap();
    assert_eq!(ended.session.state.name(), StateName::Expired);
    desk.engine.pulse().await.unwrap();
    timeout(SOON, news).await.expect("the page is told");
}

#[tokio::test]
async fn what_does_not_change_wakes_nobody_twice() {
    let desk = Desk::new().await;
    let session = desk.open(Kind::Payment).await;
    let waiter = desk.engine.watch().join(desk.tenant, session.id);
    desk.engine.pulse().await.unwrap();
    let news = waiter.changed();
    desk.engine.pulse().await.unwrap();
    timeout(Duration::from_millis(20), news)
        .await
        .expect_err("nothing has happened");
}

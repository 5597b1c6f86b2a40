//! A server that refuses one commit in five.

use std::sync::Arc;

use super::fleet::Fleet;
use super::load::{Load, nothing_is_lost};
use super::{blocking, count, postgres, report};

/// At the end of one in five of the transactions that change a session or a delivery: half of them as a server refuses
/// that runs everything serializable, half as one that found a deadlock. The sequence counts them: it forgets nothing
/// that is rolled back.
const REFUSE: &str = "CREATE SEQUENCE refused;
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF random() < 0.2 THEN
            PERFORM nextval('refused');
            RAISE EXCEPTION 'injected' USING ERRCODE = CASE WHEN random() < 0.5 THEN '40001' ELSE '40P01' END;
        END IF;
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER refuse AFTER INSERT OR UPDATE ON sessions
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse();
    CREATE CONSTRAINT TRIGGER refuse AFTER INSERT OR UPDATE ON deliveries
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()";

#[tokio::test(flavor = "multi_thread")]
async fn commits_that_the_server_refuses_are_repeated_and_nobody_sees_it() {
    let (server, url) = postgres(&[]).await;
    let fleet = Arc::new(Fleet::start(&url, 2, &[]).await);
    blocking(&server, |server| server.sql("paydesk", REFUSE)).await;
    let load = Load::start(&fleet);
    load.goes_on(count("CONTENDED", 300)).await;
    let acknowledged = load.stop().await;
    let found = nothing_is_lost(&fleet, &acknowledged).await;
    let refused = blocking(&server, |server| {
        server.sql("paydesk", "SELECT last_value FROM refused")
    });
    let refused: usize = refused.await.parse().unwrap();
    assert!(refused > 100, "only {refused} were refused");
    assert_eq!(
        fleet.surfaced(),
        0,
        "answers of the 5xx kind\n{}",
        fleet.logs()
    );
    report(&format!(
        "40001 and 40P01 at 20 % of commits: {refused} injected, 0 surfaced; {found}"
    ));
    Arc::into_inner(fleet).unwrap().stop().await;
}

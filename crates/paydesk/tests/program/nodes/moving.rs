//! An installation that moves from SQLite to PostgreSQL, and one that is dumped and restored.

use std::collections::BTreeMap;
use std::fs;

use futures_util::future::join_all;
use paydesk_store::PostgresStore;
use paydesk_store::postgres::{Address, Settings};
use paydesk_testing_postgres::{fresh_database, program};

use super::{blocking, postgres};
use crate::crash::shop;
use crate::support::{Caller, GOOD_CARD, Installation, Process, SOON, Sandbox, send, wait_for};

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_installation_goes_on_with_its_sessions_links_and_secrets() {
    let (sandbox, mut installation) = (Sandbox::start().await, Installation::new());
    let options = ["--sandbox-url", sandbox.url.as_str()];
    let server = installation.serve(&options).await;
    let open = send(server.caller.open_session("open")).await.unwrap();
    let open_answer = open.body.clone();
    let paid = send(server.caller.open_session("paid")).await.unwrap().ok();
    let link = shop::text(&paid["publicId"]);
    let answer = send(server.caller.pay(&link, GOOD_CARD)).await.unwrap();
    assert_eq!(answer.ok()["status"], "succeeded");

    let new = tokio::task::spawn_blocking(fresh_database).await.unwrap();
    let moving = ["migrate-store", "--from", "sqlite:paydesk.db", "--to", &new];
    let refused = installation.run(&moving);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("stop the server"), "{refused:?}");
    server.stop().await;
    for _ in 0..2 {
        let moved = installation.run(&moving);
        assert_eq!(moved.code, Some(0), "{moved:?}");
        assert!(moved.out.contains("sessions"), "{moved:?}");
    }

    let keys = fs::read_to_string(installation.keys()).unwrap();
    installation.set("PAYDESK_DATABASE_URL", new);
    installation.set("PAYDESK_KEYS", keys);
    let server = installation.serve(&options).await;
    let session = send(server.caller.session(&shop::text(&paid["id"]))).await;
    assert_eq!(session.unwrap().ok()["status"], "completed");
    assert_eq!(server.caller.get(&format!("/pay/{link}")).await.status, 200);
    let again = send(server.caller.open_session("open")).await.unwrap();
    assert_eq!(again.body, open_answer, "the same key, the same answer");
    let link = shop::text(&open.ok()["publicId"]);
    let answer = send(server.caller.pay(&link, GOOD_CARD)).await.unwrap();
    assert_eq!(answer.ok()["status"], "succeeded");
    let merchant = installation.merchant_id();
    assert_eq!(
        shop::books_agree(&server.caller, &sandbox, merchant).await,
        2
    );
    server.stop().await;
}

/// The ids of so many new sessions, in order.
async fn opened(caller: &Caller, sessions: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for some in (0..sessions).collect::<Vec<_>>().chunks(50) {
        let keys = some.iter().map(|n| format!("session {n}"));
        let opening = keys.map(async |key| send(caller.open_session(&key)).await.unwrap());
        let answers = join_all(opening).await;
        ids.extend(answers.iter().map(|answer| shop::text(&answer.ok()["id"])));
    }
    ids.sort_unstable();
    ids
}

/// Whoever writes this session stays there, for longer than any test waits.
fn hold_at(session: &str) -> String {
    format!(
        "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.id = '{session}' THEN PERFORM pg_sleep(600); END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER hold BEFORE INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION hold()"
    )
}
const HELD: &str = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
const LET_GO: &str =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
/// How many sessions are there, how many are said to be, and how many keys a server would find.
const PROGRESS: &str = "SELECT count(*), (SELECT rows_moved FROM moved WHERE what = 'sessions'),
    (SELECT count(*) FROM key_fingerprints) FROM sessions";
/// Keeps in mind which transaction wrote each row.
const KEEP_WRITERS: &str = "CREATE TABLE written AS SELECT id, xmin::text AS writer FROM sessions";
const AS_THEY_WERE: &str =
    "SELECT count(*) FROM sessions JOIN written USING (id) WHERE sessions.xmin::text = writer";

/// How many rows each table has, as a move says at its end.
fn said(out: &str) -> BTreeMap<String, u64> {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let (table, rows) = (words.next()?.to_owned(), words.next()?.parse().ok()?);
        // Of both, since they are the same.
        let checksum = words.next().filter(|checksum| checksum.len() == 32);
        checksum.map(|_| (table, rows))
    };
    out.lines().filter_map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_killed_in_the_middle_goes_on_where_it_was_and_loses_nothing() {
    const SESSIONS: usize = 900;
    let (sandbox, mut installation) = (Sandbox::start().await, Installation::new());
    let options = ["--sandbox-url", sandbox.url.as_str()];
    let server = installation.serve(&options).await;
    let ids = opened(&server.caller, SESSIONS).await;
    server.stop().await;

    let (database, url) = postgres(&[]).await;
    let sql = async |sql: String| blocking(&database, move |it| it.sql("paydesk", &sql)).await;
    // The tables are made first, so that somebody can stand in the way.
    let address = Address::parse(&url).unwrap();
    let tables = PostgresStore::migrate(&address, Settings::default()).await;
    tables.unwrap().close();
    sql(hold_at(&ids[SESSIONS * 2 / 3])).await;

    let moving = ["migrate-store", "--from", "sqlite:paydesk.db", "--to", &url];
    let mut killed = Process::start(&mut installation.command(&moving));
    wait_for("it is in the middle", SOON, async || {
        (sql(HELD.to_owned()).await != "0").then_some(())
    })
    .await;
    killed.kill();
    // As the server finds out when a machine is gone.
    wait_for("nobody is held", SOON, async || {
        sql(LET_GO.to_owned()).await;
        (sql(HELD.to_owned()).await == "0").then_some(())
    })
    .await;
    sql("DROP TRIGGER hold ON sessions".to_owned()).await;

    // Whoever is refused by a database without keys would give it some.
    let keys = installation.keys();
    let on_new = ["--database", &url, "--key-file", keys.to_str().unwrap()];
    for command in [&["migrate"][..], &["key", "rotate"]] {
        let refused = installation.run(&[command, &on_new].concat());
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.err.contains("migrate-store"), "{refused:?}");
    }
    let progress = sql(PROGRESS.to_owned()).await;
    let [there, told, keys] = *progress.split('|').collect::<Vec<_>>() else {
        panic!("{progress}")
    };
    assert_eq!((there, keys), (told, "0"), "and nothing serves it yet");
    let there: usize = there.parse().unwrap();
    assert!((1..SESSIONS).contains(&there), "{there} were moved");
    sql(KEEP_WRITERS.to_owned()).await;

    let moved = installation.run(&moving);
    assert_eq!(moved.code, Some(0), "{moved:?}");
    let as_they_were = sql(AS_THEY_WERE.to_owned()).await;
    assert_eq!(as_they_were, there.to_string(), "no row is written again");
    let said = said(&moved.out);
    assert_eq!(said["sessions"], SESSIONS as u64);
    assert!(
        said.contains_key("key_fingerprints") && said.len() > 10,
        "{said:?}"
    );
    for (table, rows) in &said {
        let counted = sql(format!("SELECT count(*) FROM {table}")).await;
        assert_eq!(counted, rows.to_string(), "{table}");
    }

    installation.set(
        "PAYDESK_KEYS",
        fs::read_to_string(installation.keys()).unwrap(),
    );
    installation.set("PAYDESK_DATABASE_URL", url.clone());
    let server = installation.serve(&options).await;
    let served = shop::all_sessions(&server.caller).await;
    let mut served: Vec<_> = served.iter().map(|it| shop::text(&it["id"])).collect();
    served.sort_unstable();
    assert_eq!(served, ids);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_moved_into_a_database_that_was_given_keys_already() {
    let installation = Installation::new();
    let new = tokio::task::spawn_blocking(fresh_database).await.unwrap();
    let keys = installation.keys();
    let keys = keys.to_str().unwrap();
    let given = installation.run(&["migrate", "--database", &new, "--key-file", keys]);
    assert_eq!(given.code, Some(0), "{given:?}");
    let moving = ["migrate-store", "--from", "sqlite:paydesk.db", "--to", &new];
    let refused = installation.run(&moving);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("in use"), "{refused:?}");
    assert!(!refused.err.contains("goes on"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_dump_can_be_served() {
    let sandbox = Sandbox::start().await;
    let options = ["--sandbox-url", sandbox.url.as_str()];
    let (old, new) = (fresh_database(), fresh_database());
    let mut installation = Installation::on(&old);
    let server = installation.serve(&options).await;
    let opened = send(server.caller.open_session("one")).await.unwrap().ok();

    // As the operator's guide says.
    let dump = program("pg_dump")
        .args(["--format=custom", &old])
        .output()
        .unwrap();
    assert!(
        dump.status.success(),
        "{}",
        String::from_utf8_lossy(&dump.stderr)
    );
    let mut restore = program("pg_restore");
    restore.args(["--no-owner", "--dbname", &new]);
    let mut restore = restore.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let mut input = restore.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, &dump.stdout).unwrap();
    drop(input);
    assert!(restore.wait().unwrap().success());
    server.stop().await;

    installation.set("PAYDESK_DATABASE_URL", new);
    let server = installation.serve(&options).await;
    let session = send(server.caller.session(&shop::text(&opened["id"]))).await;
    assert_eq!(session.unwrap().ok()["status"], "created");
    let link = shop::text(&opened["publicId"]);
    let paid = send(server.caller.pay(&link, GOOD_CARD)).await.unwrap();
    assert_eq!(paid.ok()["status"], "succeeded");
    server.stop().await;
}

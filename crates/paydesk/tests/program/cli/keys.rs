//! The server's keys at rest.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::thread;

use crate::support::{Installation, Ran, Server, send};

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

/// Opens a session and answers with its public id.
async fn opened(server: &Server, idempotency_key: &str) -> String {
    let opened = send(server.caller.open_session(idempotency_key))
        .await
        .unwrap();
    opened.ok()["publicId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_key_file_is_made_once_for_its_owner_only() {
    let installation = Installation::new();
    let made = fs::read(installation.keys()).unwrap();
    assert_eq!(mode(&installation.keys()), 0o600);
    installation.serve(&[]).await.stop().await;
    assert_eq!(installation.run(&["migrate"]).code, Some(0));
    let another = installation.run(&["merchant", "create", "--name", "Another"]);
    assert_eq!(another.code, Some(0));
    assert_eq!(fs::read(installation.keys()).unwrap(), made);
    for file in fs::read_dir(installation.path(".")).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn commands_that_all_come_first_agree_on_one_key() {
    let installation = Installation::empty();
    let ran: Vec<Ran> = thread::scope(|scope| {
        let command = || installation.run(&["merchant", "create", "--name", "A Shop"]);
        let all: Vec<_> = (0..6).map(|_| scope.spawn(command)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for ran in ran {
        assert_eq!(ran.code, Some(0), "{ran:?}");
    }
    let checked = installation.run(&["doctor"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let files = fs::read_dir(installation.path(".")).unwrap().count();
    assert!(
        files <= 4,
        "the database, its two companions and the keys: no draft is left"
    );
}

#[test]
fn without_its_key_file_nothing_starts_and_no_other_is_made() {
    let installation = Installation::new();
    let away = installation.path("away");
    fs::rename(installation.keys(), &away).unwrap();
    for arguments in [
        &[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--admin-listen",
            "127.0.0.1:0",
        ][..],
        &["merchant", "create", "--name", "Another"],
        &["migrate"],
        &["key", "rotate"],
    ] {
        let ran = installation.run(arguments);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains("server's keys is missing"), "{ran:?}");
        assert!(!installation.keys().exists(), "{arguments:?}");
    }
    fs::rename(&away, installation.keys()).unwrap();
    assert_eq!(installation.run(&["migrate"]).code, Some(0));
}

#[test]
fn with_another_installations_keys_nothing_starts() {
    let (installation, other) = (Installation::new(), Installation::new());
    fs::copy(other.keys(), installation.keys()).unwrap();
    let wrong = fs::read(installation.keys()).unwrap();
    for arguments in [
        &[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--admin-listen",
            "127.0.0.1:0",
        ][..],
        &["migrate"],
        &["key", "rotate"],
    ] {
        let ran = installation.run(arguments);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains("not those of this database"), "{ran:?}");
        assert_eq!(fs::read(installation.keys()).unwrap(), wrong);
    }
    fs::write(installation.keys(), "no keys at all").unwrap();
    let ran = installation.run(&["migrate"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        !ran.err.contains("no keys at all"),
        "what it held is not said"
    );
}

#[tokio::test]
async fn the_keys_may_come_from_the_environment() {
    let installation = Installation::new();
    let keys = fs::read_to_string(installation.keys()).unwrap();
    fs::remove_file(installation.keys()).unwrap();
    let process = installation.start_serving(&[], &[("PAYDESK_KEYS", &keys)]);
    let server = Server::started(process, &installation.credentials)
        .await
        .unwrap();
    opened(&server, "session").await;
    let log = server.stop().await;
    assert!(!log.contains(keys.trim()));
    assert!(!installation.keys().exists());
}

#[tokio::test]
async fn a_rotated_key_signs_and_old_links_live_on() {
    let installation = Installation::new();
    let server = installation.serve(&[]).await;
    let old = opened(&server, "old").await;
    server.stop().await;

    let rotated = installation.run(&["key", "rotate"]);
    assert_eq!(rotated.code, Some(0), "{rotated:?}");
    assert_eq!(mode(&installation.keys()), 0o600);

    let server = installation.serve(&[]).await;
    let new = opened(&server, "new").await;
    let mut forged = old.clone();
    let last = if forged.pop() == Some('A') { 'B' } else { 'A' };
    forged.insert(forged.len() / 2, last);
    for (link, status) in [(&old, 200), (&new, 200), (&forged, 404)] {
        assert_eq!(
            server.caller.get(&format!("/pay/{link}")).await.status,
            status
        );
        let state = server.caller.get(&format!("/pay/{link}/state")).await;
        assert_eq!(state.status, status);
    }
    assert_eq!(
        opened(&server, "new").await,
        new,
        "the same key, the same answer"
    );
    server.stop().await;
    let checked = installation.run(&["doctor"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

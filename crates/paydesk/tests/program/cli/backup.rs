//! `paydesk backup`, and that what it made can be served.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::crash::shop;
use crate::support::{GOOD_CARD, Installation, send};

#[tokio::test]
async fn a_copy_made_while_it_is_served_can_be_served_with_the_keys() {
    let installation = Installation::new();
    let server = installation.serve(&[]).await;
    let opened = send(server.caller.open_session("before"))
        .await
        .unwrap()
        .ok();
    let public_id = shop::text(&opened["publicId"]);
    let paid = send(server.caller.pay(&public_id, GOOD_CARD))
        .await
        .unwrap();
    assert_eq!(paid.ok()["status"], "succeeded");

    let copied = installation.run(&["backup", "--to", "copy.db", "--with-keys"]);
    assert_eq!(copied.code, Some(0), "{copied:?}");
    let after = send(server.caller.open_session("after"))
        .await
        .unwrap()
        .ok();
    server.stop().await;
    for file in ["copy.db", "copy.db.keys"] {
        let mode = installation
            .path(file)
            .metadata()
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }

    let mut restored = Installation::empty();
    fs::copy(installation.path("copy.db"), restored.path("paydesk.db")).unwrap();
    fs::copy(installation.path("copy.db.keys"), restored.keys()).unwrap();
    restored.credentials = installation.credentials.clone();
    let checked = restored.run(&["doctor"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let server = restored.serve(&[]).await;
    let session = send(server.caller.session(&shop::text(&opened["id"]))).await;
    assert_eq!(session.unwrap().ok()["status"], "completed");
    assert_eq!(
        server.caller.get(&format!("/pay/{public_id}")).await.status,
        200
    );
    let later = send(server.caller.session(&shop::text(&after["id"]))).await;
    assert_eq!(later.unwrap().status, 404, "it came after the copy");
    server.stop().await;
}

#[test]
fn a_backup_without_the_keys_says_so_loudly() {
    let installation = Installation::new();
    let copied = installation.run(&["backup", "--to", "copy.db"]);
    assert_eq!(copied.code, Some(0), "{copied:?}");
    assert!(
        copied.err.contains("KEYS ARE NOT IN THIS BACKUP"),
        "{copied:?}"
    );
    assert!(!installation.path("copy.db.keys").exists());
}

#[test]
fn a_backup_replaces_nothing_and_makes_nothing_of_nothing() {
    let installation = Installation::new();
    fs::write(installation.path("precious"), "precious").unwrap();
    let refused = installation.run(&["backup", "--to", "precious"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("precious"), "{refused:?}");
    assert_eq!(
        fs::read_to_string(installation.path("precious")).unwrap(),
        "precious"
    );
    let empty = Installation::empty();
    let refused = empty.run(&["backup", "--to", "copy.db"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("paydesk.db"), "{refused:?}");
    assert!(!empty.path("copy.db").exists());
}

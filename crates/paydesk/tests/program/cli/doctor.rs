//! `paydesk doctor` and `paydesk migrate`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use crate::support::Installation;

#[tokio::test]
async fn a_sound_installation_is_well_also_while_it_is_served() {
    let installation = Installation::empty();
    let migrated = installation.run(&["migrate"]);
    assert_eq!((migrated.code, migrated.err.as_str()), (Some(0), ""));
    let server = installation.serve(&[]).await;
    for _ in 0..2 {
        let checked = installation.run(&["doctor"]);
        assert_eq!(checked.code, Some(0), "{checked:?}");
        assert!(checked.out.ends_with("All is well.\n"), "{}", checked.out);
        assert!(!checked.out.contains("WRONG"), "{}", checked.out);
        for check in ["database", "sandbox", "schema", "key file", "server keys"] {
            assert!(checked.out.contains(check), "{check} in {}", checked.out);
        }
    }
    server.stop().await;
}

/// What `doctor` says about an installation that something was done to.
fn said_of(harm: impl FnOnce(&Installation)) -> String {
    let installation = Installation::new();
    harm(&installation);
    let before = listing(&installation);
    let checked = installation.run(&["doctor"]);
    assert_eq!(checked.code, Some(1), "{checked:?}");
    assert!(checked.out.contains("WRONG"), "{checked:?}");
    assert_eq!(
        listing(&installation),
        before,
        "it looks, and makes nothing"
    );
    checked.out
}

fn listing(installation: &Installation) -> Vec<String> {
    let files = fs::read_dir(installation.path(".")).unwrap();
    let mut names: Vec<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        // SQLite's companions come and go.
        .filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm"))
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let said = said_of(|sound| fs::remove_file(sound.keys()).unwrap());
    assert!(said.contains("put the file back"), "{said}");
    let said = said_of(|sound| {
        fs::set_permissions(sound.keys(), Permissions::from_mode(0o644)).unwrap();
    });
    assert!(said.contains("chmod 600"), "{said}");
    let said = said_of(|sound| {
        fs::copy(Installation::new().keys(), sound.keys()).unwrap();
    });
    assert!(said.contains("put the right keys back"), "{said}");
    let said = said_of(|sound| {
        for ending in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(sound.path(&format!("paydesk.db{ending}")));
        }
        fs::write(
            sound.path("paydesk.db"),
            "this is no database, and longer than a page's head is",
        )
        .unwrap();
    });
    assert!(said.contains("schema"), "{said}");
    let said = said_of(|sound| {
        let ledger = sound.path("paydesk.db.sandbox");
        fs::write(&ledger, "this is no ledger").unwrap();
        fs::set_permissions(&ledger, Permissions::from_mode(0o600)).unwrap();
    });
    assert!(said.contains("WRONG  sandbox"), "{said}");
}

#[test]
fn an_older_schema_is_named_and_left_as_it_is() {
    /// Where a SQLite file keeps the version of its schema, the last byte of it.
    const VERSION: usize = 63;
    let installation = Installation::new();
    // A copy has all of it in one file, and nothing in a log.
    let copied = installation.run(&["backup", "--with-keys", "--to", "older.db"]);
    assert_eq!(copied.code, Some(0), "{copied:?}");
    let path = installation.path("older.db");
    let mut older = fs::read(&path).unwrap();
    older[VERSION] -= 1;
    fs::write(&path, &older).unwrap();
    let checked = installation.run(&["doctor", "--database", "sqlite:older.db"]);
    assert_eq!(checked.code, Some(1), "{checked:?}");
    assert!(
        checked.out.contains("WRONG  schema") && checked.out.contains("`paydesk migrate`"),
        "{checked:?}"
    );
    assert!(
        fs::read(&path).unwrap() == older,
        "it looks, and migrates nothing"
    );
}

#[test]
fn where_there_is_nothing_that_is_said() {
    let installation = Installation::empty();
    let checked = installation.run(&["doctor"]);
    assert_eq!(checked.code, Some(1));
    assert!(
        checked.err.contains("`paydesk migrate` makes one"),
        "{checked:?}"
    );
    assert_eq!(listing(&installation), [] as [&str; 0]);
}

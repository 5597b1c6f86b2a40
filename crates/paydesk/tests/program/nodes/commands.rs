//! The commands on a PostgreSQL database.

use std::fs;

use paydesk_testing_postgres::fresh_database;

use crate::support::Installation;

const SERVE: [&str; 5] = [
    "serve",
    "--listen",
    "127.0.0.1:0",
    "--admin-listen",
    "127.0.0.1:0",
];

fn refused(installation: &Installation, arguments: &[&str], words: &str) {
    let ran = installation.run(arguments);
    assert_eq!(ran.code, Some(1), "{arguments:?}: {ran:?}");
    assert!(ran.err.contains(words), "{arguments:?}: {ran:?}");
}

#[test]
fn only_migrate_makes_the_schema_and_the_keys() {
    let mut installation = Installation::empty();
    installation.set("PAYDESK_DATABASE_URL", fresh_database());
    let keys = installation.keys();
    let key_file = ["--key-file", keys.to_str().unwrap()];
    let merchant = ["merchant", "create", "--name", "A Shop"];
    let with_keys = |arguments: &[&'static str]| [arguments, &key_file[..]].concat();

    for arguments in [&SERVE[..], &merchant, &["migrate"], &["key", "rotate"]] {
        refused(&installation, arguments, "--key-file");
    }
    for arguments in [&SERVE[..], &merchant, &["key", "rotate"]] {
        refused(&installation, &with_keys(arguments), "`paydesk migrate`");
        assert!(!keys.exists(), "{arguments:?} makes no keys");
    }
    for _ in 0..2 {
        let migrated = installation.run(&with_keys(&["migrate"]));
        assert_eq!(migrated.code, Some(0), "{migrated:?}");
    }
    let made = fs::read(&keys).unwrap();
    refused(&installation, &with_keys(&SERVE), "--sandbox-url");
    let created = installation.run(&with_keys(&merchant));
    assert_eq!(created.code, Some(0), "{created:?}");

    // The server that these tests run on syncs nothing.
    let checked = installation.run(&with_keys(&["doctor"]));
    assert_eq!(checked.code, Some(1), "{checked:?}");
    assert!(
        checked.out.contains("WRONG  durability: fsync"),
        "{checked:?}"
    );
    assert_eq!(checked.out.matches("WRONG").count(), 1, "{checked:?}");

    fs::remove_file(&keys).unwrap();
    for arguments in [&SERVE[..], &merchant, &["migrate"], &["key", "rotate"]] {
        refused(
            &installation,
            &with_keys(arguments),
            "server's keys is missing",
        );
        assert!(!keys.exists(), "{arguments:?} makes no other");
    }
    fs::write(&keys, made).unwrap();
    let rotated = installation.run(&with_keys(&["key", "rotate"]));
    assert_eq!(rotated.code, Some(0), "{rotated:?}");
    assert!(rotated.out.contains("Version 2"), "{rotated:?}");
}

#[test]
fn a_server_that_is_not_there_and_an_address_that_is_none_are_named_without_the_password() {
    let mut installation = Installation::empty();
    for (url, words) in [
        (
            "postgres://me:secret@127.0.0.1:1/paydesk",
            "postgres://me@127.0.0.1:1/paydesk",
        ),
        (
            "postgres://me:secret@127.0.0.1:1/paydesk?nonsense=1",
            "nonsense",
        ),
        ("postgres://me:secret@127.0.0.1:1", "names no database"),
        ("mysql://me:secret@127.0.0.1/paydesk", "--database: mysql"),
    ] {
        installation.set("PAYDESK_DATABASE_URL", url.to_owned());
        let keys = installation.keys();
        let ran = installation.run(&["migrate", "--key-file", keys.to_str().unwrap()]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains(words), "{ran:?}");
        assert!(!format!("{ran:?}").contains("secret"), "{ran:?}");
    }
}

//! What the program says of itself.

use crate::support::Installation;

#[test]
fn help_names_every_command() {
    let help = Installation::empty().run(&["--help"]);
    assert_eq!(help.code, Some(0));
    for command in [
        "dev",
        "serve",
        "merchant",
        "migrate",
        "migrate-store",
        "backup",
        "doctor",
        "key",
        "sandbox",
    ] {
        let described = help.out.lines().any(|line| {
            let mut words = line.split_whitespace();
            words.next() == Some(command) && words.next().is_some()
        });
        assert!(described, "{command} in {}", help.out);
    }
}

#[test]
fn help_shows_each_setting_and_no_secret() {
    let installation = Installation::empty();
    let mut command = installation.command(&["serve", "--help"]);
    command
        .env("PAYDESK_SANDBOX_TOKEN", "hunter2")
        .env("PAYDESK_KEYS", "hunter3");
    let help = String::from_utf8(command.output().unwrap().stdout).unwrap();
    for setting in [
        "PAYDESK_LISTEN",
        "PAYDESK_ADMIN_LISTEN",
        "PAYDESK_DATABASE_URL",
        "PAYDESK_PUBLIC_URL",
        "PAYDESK_ALLOW_PRIVATE_WEBHOOKS",
        "PAYDESK_DRAIN_DELAY",
        "[default: no limit]",
        "[default: 50]",
        "[default: 60]",
        "--key-file",
    ] {
        assert!(help.contains(setting), "{setting} in {help}");
    }
    assert!(!help.contains("hunter"), "{help}");
}

#[test]
fn a_command_line_that_is_wrong_is_refused_with_what_would_be_right() {
    let installation = Installation::empty();
    for (arguments, said) in [
        (
            ["migrate", "--database", "mysql:x"],
            "sqlite:FILE, such as sqlite:paydesk.db",
        ),
        (["migrate", "--database", "sqlite:"], "names no file"),
        (
            ["migrate", "--database", "sqlite:no/such/folder/paydesk.db"],
            "no/such/folder/paydesk.db",
        ),
        (["serve", "--listen", "everywhere"], "--listen"),
    ] {
        let ran = installation.run(&arguments);
        assert!(matches!(ran.code, Some(1 | 2)), "{ran:?}");
        assert!(ran.err.contains(said), "{said} in {ran:?}");
    }
}

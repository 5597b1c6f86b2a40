//! The exchange rates of live mode.

use std::fs;

use crate::support::Installation;

#[tokio::test]
async fn a_server_starts_with_sound_rates_and_not_with_others() {
    let installation = Installation::new();
    let file = installation.path("rates.json");
    let rates = file.to_str().unwrap();
    for (json, said) in [
        ("not json", "rates.json cannot be used"),
        (
            r#"[{"from": "SGD", "to": "MYR", "rate": "0"}]"#,
            "above zero",
        ),
        (
            r#"[{"from": "SGD", "to": "MYR", "rate": "1"}, {"from": "SGD", "to": "MYR", "rate": "2"}]"#,
            "given twice",
        ),
    ] {
        fs::write(&file, json).unwrap();
        let ran = installation.run(&["serve", "--listen", "127.0.0.1:0", "--rates", rates]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains(said), "{said} in {ran:?}");
    }
    let ran = installation.run(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--rates",
        "nowhere.json",
    ]);
    assert!(ran.err.contains("nowhere.json cannot be read"), "{ran:?}");

    fs::write(&file, r#"[{"from": "SGD", "to": "MYR", "rate": "3.4125"}]"#).unwrap();
    let server = installation.serve(&["--rates", rates]).await;
    server.stop().await;
}

use paydesk_core::rail::{Found, Operation, RailAnswer};
use paydesk_core::transaction::FailureReason;
use paydesk_rails::sandbox::{Choice, PushName};

use crate::harness::{Sandbox, fresh, receipt, token, waiting};

#[tokio::test]
async fn everything_answered_is_there_after_a_restart() {
    let sandbox = Sandbox::in_process();
    let mut paid = sandbox.by_card(fresh(), "4242 4242 4242 4242");
    paid.store = true;
    let answer = sandbox.bank.start(paid.clone()).await;
    let refused = sandbox.by_card(fresh(), "4242 4242 4242 4242");
    assert_eq!(
        sandbox.bank.abandon(refused.reference).await,
        Found::NotFound
    );
    let challenged = sandbox.by_card(fresh(), "4000 0000 0000 3220");
    let page = token(&waiting(sandbox.bank.start(challenged.clone()).await));
    waiting(
        sandbox
            .bank
            .start(sandbox.by_paynow(fresh(), "ABCDEFGHIJ"))
            .await,
    );
    let named = PushName::Reference("ABCDEFGHIJ".to_owned());
    let sent = sandbox.bank.bank_transfer(named, None).await.unwrap();

    let sandbox = sandbox.restarted();
    assert_eq!(sandbox.bank.start(paid.clone()).await, answer);
    assert_eq!(sandbox.captured(paid.reference).await, 3500);
    let never = RailAnswer::Failed(FailureReason::NeverArrived);
    assert_eq!(sandbox.bank.start(refused).await, never);
    assert_eq!(sandbox.bank.transfers(None, 10).await.unwrap(), [sent]);
    sandbox.bank.choose(&page, Choice::Approve).await.unwrap();
    assert_eq!(sandbox.captured(challenged.reference).await, 3500);
    let stored = receipt(answer).stored_card.unwrap();
    receipt(sandbox.bank.start(sandbox.by_stored(fresh(), stored)).await);
}

#[tokio::test]
async fn no_card_number_and_no_cvc_is_ever_written() {
    let sandbox = Sandbox::in_process();
    let numbers = [
        "4242424242424242",
        "4000000000000002",
        "4000000000003220",
        "4000000000000341",
        "4000000000005126",
        "4111111111111111",
    ];
    for number in numbers {
        for operation in [Operation::Pay, Operation::Authorize] {
            let mut start = sandbox.by_card(fresh(), number);
            (start.operation, start.store) = (operation, true);
            sandbox.bank.start(start).await;
        }
    }
    let written = sandbox.bytes();
    let holds = |text: &str| {
        written
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    assert!(holds("4242"), "the last four are there to be found");
    for number in numbers {
        assert!(!holds(number), "{number} is on disk");
        assert!(
            !holds(&number[..12]),
            "the first twelve of {number} are on disk"
        );
    }
    // Identifiers are random and have any three characters: a CVC is looked for as a value, in JSON and in columns.
    for written_as in ["\"cvc\"", "\"971\"", ":971,", ":971}"] {
        assert!(!holds(written_as), "a CVC is on disk as {written_as}");
    }
    let written = rusqlite::Connection::open(sandbox.path()).unwrap();
    let columns = "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'";
    let mut columns = written.prepare(columns).unwrap();
    let columns = columns
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    for column in columns {
        let (table, column): (String, String) = column.unwrap();
        let cvcs = format!("SELECT count(*) FROM {table} WHERE CAST({column} AS TEXT) = '971'");
        let cvcs: i64 = written.query_row(&cvcs, [], |row| row.get(0)).unwrap();
        assert_eq!(cvcs, 0, "a CVC is on disk in {table}.{column}");
    }
}

#[tokio::test]
async fn a_file_of_a_later_version_is_refused() {
    use std::sync::Arc;

    use paydesk_core::id::SystemIds;
    use paydesk_core::time::SystemClock;
    use paydesk_rails::sandbox::Ledger;

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sandbox.db");
    let later = rusqlite::Connection::open(&path).unwrap();
    later.pragma_update(None, "user_version", 99).unwrap();
    drop(later);
    let opened = Ledger::open(&path, Arc::new(SystemClock), Arc::new(SystemIds));
    assert!(opened.unwrap_err().to_string().contains("version 99"));
}

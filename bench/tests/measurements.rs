//! Every measurement, as small as it can be: made seldom, it must not be found broken on the day when it is wanted.
//! No figure counts here; that there are any does.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::process::Command;

/// What the program prints when it is called with these words. Without cargo around it, it takes the server beside it.
fn measured(words: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_paydesk-bench"));
    command.args(words.split_whitespace()).env_remove("CARGO");
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}: {said}\n{log}");
    said
}

/// Whether a table has this row, with figures in its columns.
fn has_row(said: &str, head: &str) -> bool {
    said.lines()
        .filter_map(|line| line.strip_prefix(head))
        .any(|figures| figures.contains(|sign: char| sign.is_ascii_digit() && sign != '0'))
}

#[test]
fn creates_reads_and_lists_beside_a_bare_server() {
    let said = measured("--sessions 50 --seconds 1 --rounds 1 --connections 2");
    for head in ["| create | 2 |", "| read one | 2 |", "| list 30 | 2 |"] {
        assert!(has_row(&said, head), "{head}: {said}");
    }
}

#[test]
fn lists_among_many_beside_few() {
    let said = measured("lists --many 1000 --few 1000 --seconds 0.1 --rounds 1");
    assert!(said.contains("| "), "{said}");
}

#[test]
fn what_being_searchable_costs() {
    let said = measured("searchable --sessions 50 --seconds 0.1 --rounds 1");
    assert!(said.contains('%'), "{said}");
}

#[test]
fn creates_and_reads_on_postgres_beside_pgbench() {
    let said = measured("postgres --sessions 50 --seconds 1 --rounds 1 --connections 2");
    for head in ["| create | 2 |", "| read one | 2 |"] {
        assert!(has_row(&said, head), "{head}: {said}");
    }
}

#[test]
fn sizes_on_postgres() {
    let said = measured("postgres-sizes --unpaid 20 --paid 20 --batch 20");
    for head in ["| sessions |", "| transactions |"] {
        assert!(has_row(&said, head), "{head}: {said}");
    }
}

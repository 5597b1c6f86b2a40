//! `paydesk sessions`: looks at a merchant's sessions, and ends one.

use std::fmt::Write as _;

use comfy_table::{Cell, CellAlignment, Table, presets};
use paydesk_core::money::{Currency, Money};
use serde_json::{Value, json};

use super::{Api, text};
use crate::cli::{SessionCommand, SessionListOptions};

/// Runs one of the commands.
pub async fn run(command: SessionCommand) -> anyhow::Result<()> {
    match command {
        SessionCommand::List(options) => list(&options).await,
        SessionCommand::Show { id, json, api } => {
            let session = Api::new(&api)?.get(&format!("/sessions/{id}")).await?;
            print(&session, json);
            Ok(())
        }
        SessionCommand::Expire { id, json, api } => {
            let path = format!("/sessions/{id}/expire");
            let session = Api::new(&api)?.post(&path, &json!({})).await?;
            print(&session, json);
            Ok(())
        }
    }
}

async fn list(options: &SessionListOptions) -> anyhow::Result<()> {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", &options.limit.to_string());
    for (name, value) in [
        ("status", &options.status),
        ("q", &options.search),
        ("reference", &options.reference),
        ("after", &options.after),
    ] {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    let path = format!("/sessions?{}", query.finish());
    let page = Api::new(&options.api)?.get(&path).await?;
    if options.json {
        println!("{page:#}");
        return Ok(());
    }
    let none = Vec::new();
    let sessions = page.get("data").and_then(Value::as_array).unwrap_or(&none);
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["ID", "STATUS", "AMOUNT", "CREATED", "REFERENCE", "TITLE"]);
    for session in sessions {
        table.add_row([
            Cell::new(text(session, "id")),
            Cell::new(text(session, "status")),
            Cell::new(amount(session)).set_alignment(CellAlignment::Right),
            Cell::new(text(session, "createdAt")),
            Cell::new(text(session, "reference")),
            Cell::new(text(session, "title")),
        ]);
    }
    println!("{}", table.trim_fmt());
    if let Some(next) = page.get("nextCursor").and_then(Value::as_str) {
        println!("\nThere are more: --after {next}");
    }
    Ok(())
}

/// In major units, as people read it.
fn amount(it: &Value) -> String {
    let currency = text(it, "currency");
    let minor = |name: &str| it.get(name).and_then(Value::as_i64);
    let known = currency.parse::<Currency>().ok();
    let shown = |minor: i64| {
        let money = known.and_then(|currency| Money::from_minor(minor, currency).ok());
        money.map_or_else(|| minor.to_string(), Money::to_major)
    };
    match (minor("amount"), minor("minAmount")) {
        (Some(amount), _) => format!("{} {currency}", shown(amount)),
        (None, Some(least)) => format!("≥ {} {currency}", shown(least)),
        (None, None) => "–".to_owned(),
    }
}

fn print(session: &Value, as_json: bool) {
    if as_json {
        println!("{session:#}");
        return;
    }
    let mut out = String::new();
    for name in [
        "id",
        "status",
        "title",
        "reference",
        "createdAt",
        "expiresAt",
        "url",
    ] {
        if let Some(value) = session.get(name).and_then(Value::as_str) {
            // Writing into memory does not fail.
            let _ = writeln!(out, "{name:<12} {value}");
        }
    }
    let _ = writeln!(out, "{:<12} {}", "amount", amount(session));
    let none = Vec::new();
    let transactions = session.get("transactions").and_then(Value::as_array);
    for transaction in transactions.unwrap_or(&none) {
        let _ = writeln!(
            out,
            "\n{} {}\n  {} {} by {}{}",
            text(transaction, "action"),
            text(transaction, "id"),
            text(transaction, "status"),
            amount(transaction),
            text(transaction, "method"),
            transaction
                .get("declineReason")
                .and_then(Value::as_str)
                .map_or_else(String::new, |reason| format!(": {reason}")),
        );
    }
    print!("{out}");
}

//! Load and limits: what Paydesk does per second, beside what its framework does alone.
//!
//! `cargo run --release -p paydesk-bench` builds the server, runs it and a bare axum server as child
//! processes on loopback, loads both in turn, checks every answer, and prints a table. Nothing else should
//! run on the machine meanwhile; the ratio of the two bears a noisy one better than the figures themselves.

mod bare;
mod connection;
mod lists;
mod load;
mod measure;
mod postgres;
mod process;
mod report;
mod run;
mod searchable;
mod subject;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Option<Subordinate>,
}

#[derive(Subcommand)]
enum Subordinate {
    /// The bare server; a run starts it by itself.
    #[command(hide = true)]
    Bare(bare::Options),
    /// Modem Pay's list, totals and search among a million sessions, beside the same among a thousand.
    Lists(lists::Options),
    /// Opening sessions that can be searched, beside the same that cannot.
    Searchable(searchable::Options),
    /// Creates and reads on PostgreSQL, with full durability, beside pgbench doing the bare equivalent.
    Postgres(postgres::speed::Options),
    /// What sessions take on PostgreSQL, in its tables and in its log.
    PostgresSizes(postgres::sizes::Options),
}

/// A kind of request.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Reading one session.
    Read,
    /// Reading the newest thirty sessions.
    List,
    /// Opening a session.
    Create,
}

impl Kind {
    /// As progress and the report name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read one",
            Self::List => "list 30",
            Self::Create => "create",
        }
    }
}

/// What to measure, and how long.
#[derive(clap::Args)]
pub struct Options {
    /// How many sessions are stored when reading, listing and starting are measured.
    #[arg(long, default_value_t = 1_000_000)]
    pub sessions: u64,
    /// Seconds that each contender is measured in each round.
    #[arg(long, default_value_t = 3.0)]
    pub seconds: f64,
    /// Rounds of both contenders; the figures are medians over them.
    #[arg(long, default_value_t = 5)]
    pub rounds: u32,
    /// Numbers of connections, each with one request in flight.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64])]
    pub connections: Vec<u32>,
    /// Only these, in the order of a whole run: to look into one of them.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Kind::Read, Kind::List, Kind::Create])]
    pub only: Vec<Kind>,
    /// A look in half a minute: 20,000 sessions, one second, one round.
    #[arg(long)]
    pub quick: bool,
    /// Threads of the load generator; one is enough on two cores, which it shares with the server.
    #[arg(long, default_value_t = 1)]
    pub threads: u32,
    /// Also writes everything measured, round by round, as JSON to this file.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Fails if one of the promised limits is missed.
    #[arg(long)]
    pub check: bool,
    /// The server to measure, instead of the release build at hand.
    #[arg(long, value_name = "PROGRAM")]
    pub paydesk: Option<PathBuf>,
    /// A directory on the disk to measure, instead of one beside the build. Only new files are made in it.
    #[arg(long, value_name = "DIRECTORY")]
    pub directory: Option<PathBuf>,
    /// More arguments for `paydesk serve`.
    #[arg(last = true)]
    pub serve: Vec<String>,
}

fn main() -> anyhow::Result<ExitCode> {
    let Arguments {
        mut options,
        command,
    } = Arguments::parse();
    match command {
        Some(Subordinate::Bare(bare)) => {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()?;
            runtime.block_on(bare::serve(bare))?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(Subordinate::Lists(options)) => {
            outlive_interrupts();
            return Ok(ending(lists::run(&options)?));
        }
        Some(Subordinate::Searchable(options)) => {
            outlive_interrupts();
            return Ok(ending(searchable::run(&options)?));
        }
        Some(Subordinate::Postgres(options)) => {
            outlive_interrupts();
            postgres::speed::run(&options)?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(Subordinate::PostgresSizes(options)) => {
            outlive_interrupts();
            postgres::sizes::run(&options)?;
            return Ok(ExitCode::SUCCESS);
        }
        None => {}
    }
    if options.quick {
        (options.sessions, options.seconds, options.rounds) = (20_000, 1.0, 1);
    }
    ensure!(
        !options.connections.is_empty() && !options.connections.contains(&0),
        "connections are counted from 1"
    );
    ensure!(
        options.rounds > 0 && options.threads > 0,
        "rounds and threads are counted from 1"
    );
    ensure!(
        (0.1..=60.0).contains(&options.seconds),
        "--seconds must be from 0.1 to 60"
    );

    outlive_interrupts();
    let report = run::run(&options)?;
    if let Some(path) = &options.json {
        let json = serde_json::json!({ "report": report, "limits": report.limits() });
        std::fs::write(path, format!("{json:#}\n"))
            .with_context(|| format!("write {}", path.display()))?;
    }
    write!(std::io::stdout().lock(), "{report}")?;
    let kept = report.limits().iter().all(|limit| limit.kept);
    Ok(ending(kept || !options.check))
}

/// How the program ends.
const fn ending(well: bool) -> ExitCode {
    if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Ctrl-C ends the servers, which share this process's terminal; a run then fails and clears up after itself
/// instead of dying with a gigabyte left behind.
fn outlive_interrupts() {
    std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        // The handler stays in place after the first signal.
        runtime.block_on(tokio::signal::ctrl_c())
    });
}

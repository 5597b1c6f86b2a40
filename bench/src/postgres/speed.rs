//! Paydesk on PostgreSQL beside pgbench, which does the bare equivalent: the same rows in the same tables, in a
//! transaction of the same statements, prepared, by as many clients. Both have the server to themselves in turn, in every
//! round the other way round, with full durability.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use paydesk_testing_postgres::{Server, program};

use super::{DATABASE, FILLERS, Ground};
use crate::load::{Until, Work};
use crate::measure::{self, float, median};
use crate::subject::Running;

/// What to measure, and how long.
#[derive(clap::Args)]
pub struct Options {
    /// How many sessions are stored beforehand.
    #[arg(long, default_value_t = 100_000)]
    sessions: u64,
    /// Seconds that each contender is measured in each round.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Rounds of both contenders; the figures are medians over them.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Numbers of connections, each with one request in flight.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64])]
    connections: Vec<u32>,
    /// Connections of the node to the database.
    #[arg(long, default_value_t = 20)]
    database_connections: u32,
}

/// One of the two in one round: how many a second, and milliseconds each.
#[derive(Clone, Copy)]
struct Sample {
    per_second: f64,
    millis: f64,
}

/// Measures, and prints a table.
pub fn run(options: &Options) -> anyhow::Result<()> {
    ensure!(
        options.rounds > 0 && !options.connections.contains(&0),
        "rounds and connections are counted from 1"
    );
    let ground = Ground::prepare(options.database_connections, &[])?;
    let (server, running) = (&ground.server, &ground.running);

    let create = running.asked(ground.subject.create_work());
    let filled = measure::run(&create, FILLERS, 1, Until::Answers(options.sessions))?;
    let script = ground.directory.path().join("insert.sql");
    std::fs::write(&script, bare_insert(server)?)?;
    let read = running.asked(ground.subject.read_work(Arc::new(filled.created)));

    let mut out = std::io::stdout().lock();
    writeln!(out, "| | conn. | /s | ms | bare insert /s | ms | ÷ bare |")?;
    writeln!(out, "|---|---:|---:|---:|---:|---:|---:|")?;
    for &clients in &options.connections {
        let mut rounds = Vec::new();
        for round in 0..options.rounds {
            // What one leaves behind in the server's cache and log, the other finds.
            if round % 2 == 0 {
                let ours = asked(&create.work, running, clients, options)?;
                rounds.push((ours, pgbench(server, &script, clients, options)?));
            } else {
                let bare = pgbench(server, &script, clients, options)?;
                rounds.push((asked(&create.work, running, clients, options)?, bare));
            }
        }
        let of = |value: fn(&(Sample, Sample)) -> f64| median(rounds.iter().map(value));
        writeln!(
            out,
            "| create | {clients} | {:.0} | {:.2} | {:.0} | {:.2} | {:.2} |",
            of(|round| round.0.per_second),
            of(|round| round.0.millis),
            of(|round| round.1.per_second),
            of(|round| round.1.millis),
            of(|round| round.0.per_second / round.1.per_second),
        )?;
    }
    for &clients in &options.connections {
        let rounds = (0..options.rounds).map(|_| asked(&read.work, running, clients, options));
        let rounds = rounds.collect::<Result<Vec<_>, _>>()?;
        let per_second = median(rounds.iter().map(|sample| sample.per_second));
        let millis = median(rounds.iter().map(|sample| sample.millis));
        writeln!(
            out,
            "| read one | {clients} | {per_second:.0} | {millis:.2} | | | |"
        )?;
    }
    let size = server.sql(DATABASE, "SELECT pg_database_size(current_database())");
    writeln!(
        out,
        "\nThe database has {} MB at the end.",
        size.parse::<u64>()? / 1_000_000
    )?;
    Ok(())
}

fn asked(
    work: &Work,
    running: &Running,
    clients: u32,
    options: &Options,
) -> anyhow::Result<Sample> {
    let contender = running.asked(work.clone());
    let time = Duration::from_secs_f64(options.seconds);
    let outcome = measure::run(&contender, clients, 1, Until::Elapsed(time))?;
    Ok(Sample {
        per_second: float(outcome.answers) / outcome.elapsed.as_secs_f64(),
        millis: float(outcome.latencies.value_at_quantile(0.50)) / 1e6,
    })
}

fn pgbench(
    server: &Server,
    script: &Path,
    clients: u32,
    options: &Options,
) -> anyhow::Result<Sample> {
    let seconds = options.seconds.ceil().to_string();
    let mut bench = program("pgbench");
    bench.args([
        "-n",
        "-M",
        "prepared",
        "-j",
        "1",
        "-T",
        &seconds,
        "-c",
        &clients.to_string(),
    ]);
    bench.args([
        "-h",
        "127.0.0.1",
        "-U",
        "paydesk",
        "-p",
        &server.port().to_string(),
        "-f",
        "-",
    ]);
    let script = std::fs::File::open(script)?;
    let output = bench.arg(DATABASE).stdin(script).output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "pgbench failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let number = |before: &str| -> anyhow::Result<f64> {
        let rest = said
            .lines()
            .find_map(|line| line.trim().strip_prefix(before));
        let number = rest.and_then(|rest| rest.split_whitespace().next());
        Ok(number
            .with_context(|| format!("pgbench says no {before}"))?
            .parse()?)
    };
    Ok(Sample {
        per_second: number("tps =")?,
        millis: number("latency average =")?,
    })
}

/// The script that inserts what opening a session does: rows of the same tenant, with documents of the same length, under
/// ids that are time-ordered, too, as the server makes them.
fn bare_insert(server: &Server) -> anyhow::Result<String> {
    let quoted = |sql: &str| server.sql(DATABASE, sql).replace('\'', "''");
    let merchant = quoted("SELECT merchant FROM sessions LIMIT 1");
    ensure!(!merchant.is_empty(), "there is no session to take after");
    let session = quoted("SELECT doc FROM sessions LIMIT 1");
    let event = quoted("SELECT doc FROM events LIMIT 1");
    let words = quoted("SELECT tsvector_to_array(words) FROM sessions LIMIT 1");
    let words = if words.is_empty() {
        "NULL".to_owned()
    } else {
        format!("array_to_tsvector('{words}')")
    };
    let id = "(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')
        || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid";
    // What stands after a colon would be taken for a variable.
    let safe = |text: &str| text.replace(':', "");
    let (session, event) = (safe(&session), safe(&event));
    Ok(format!(
        "\\set slot random(0, 31)
\\set bucket random(0, 15)
BEGIN;
INSERT INTO sessions (merchant, mode, id, version, state, expires_at, due_at, updated_at, doc, bucket, first_event,
    created_at, kind, currency, amount, methods, account, words)
  SELECT '{merchant}', 0, {id}, 1, 0, 1900000000000, 1900000000000, 1, '{session}', :bucket, gen_random_uuid(),
    1, 0, 'SGD', 3500, 1, '{merchant}', {words};
INSERT INTO events (merchant, mode, id, bucket, sequence, kind, undispatched, doc)
  SELECT '{merchant}', 0, {id}, :bucket, 1, 'session.created', false, '{event}';
INSERT INTO counters AS kept (merchant, mode, counter, slot, total) VALUES ('{merchant}', 0, 0, :slot, 1)
    ON CONFLICT (merchant, mode, counter, slot) DO UPDATE SET total = kept.total + excluded.total;
COMMIT;
"
    ))
}

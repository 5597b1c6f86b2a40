//! What a session takes on PostgreSQL: bytes in each table with its indexes, and bytes of the log.
//!
//! First sessions that nobody pays, then others that are paid by card and told of, to a receiver in this process.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use paydesk_testing_postgres::Server;

use super::{DATABASE, FILLERS, Ground};
use crate::load::{Until, Work};
use crate::measure::{self, float};
use crate::subject::{SESSION, Subject};

/// All are told within this.
const TOLD_WITHIN: Duration = Duration::from_mins(30);

/// How many.
#[derive(clap::Args)]
pub struct Options {
    /// Sessions that nobody pays.
    #[arg(long, default_value_t = 300_000)]
    unpaid: u64,
    /// Sessions that are paid, each with a notification.
    #[arg(long, default_value_t = 100_000)]
    paid: u64,
    /// How many are made at a time: a load bounded by a count may take ten minutes.
    #[arg(long, default_value_t = 25_000)]
    batch: u64,
}

/// Fills a database, and prints a table.
pub fn run(options: &Options) -> anyhow::Result<()> {
    ensure!(
        options.unpaid > 0 && options.paid > 0 && options.batch > 0,
        "sessions are counted from 1"
    );
    let serve = ["--page-rate", "1000000", "--allow-private-webhooks"];
    let ground = Ground::prepare(20, &serve)?;
    let server = &ground.server;
    let empty = Sizes::of(server)?;

    fill(
        &ground,
        &ground.subject.create_work(),
        options.unpaid,
        options.batch,
    )?;
    let unpaid = Sizes::of(server)?;

    let hook = receiver()?;
    let body = notified_at(hook)?;
    let create = ground.subject.create_work_of(&body);
    let mut left = options.paid;
    while left > 0 {
        let count = left.min(options.batch);
        let ids = fill(&ground, &create, count, options.batch)?;
        let pay = ground.running.asked(Subject::pay_work(Arc::new(ids)));
        measure::run(&pay, FILLERS, 1, Until::Answers(count))?;
        left -= count;
    }
    all_are_told(server)?;
    let paid = Sizes::of(server)?;
    print(
        (&unpaid.since(&empty), options.unpaid),
        (&paid.since(&unpaid), options.paid),
    )
}

/// Opens so many sessions; answers with their ids.
fn fill(ground: &Ground, create: &Work, count: u64, batch: u64) -> anyhow::Result<Vec<Box<str>>> {
    let (mut ids, mut left) = (Vec::new(), count);
    while left > 0 {
        let some = left.min(batch);
        let create = ground.running.asked(create.clone());
        let mut filled = measure::run(&create, FILLERS, 1, Until::Answers(some))?;
        ids.append(&mut filled.created);
        left -= some;
    }
    Ok(ids)
}

/// Takes every notification.
fn receiver() -> anyhow::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let router = Router::new().route("/hook", post(async || StatusCode::OK));
            axum::serve(listener, router).await
        })
    });
    Ok(address)
}

/// The documented body, with this process as who is told.
fn notified_at(hook: SocketAddr) -> anyhow::Result<Vec<u8>> {
    let mut body: serde_json::Value = serde_json::from_slice(SESSION)?;
    let notify = body.get_mut("notifyUrl").context("it names who is told")?;
    *notify = format!("http://{hook}/hook").into();
    Ok(serde_json::to_vec(&body)?)
}

fn all_are_told(server: &Server) -> anyhow::Result<()> {
    let began = Instant::now();
    let left = "SELECT (SELECT count(*) FROM events WHERE undispatched)
        + (SELECT count(*) FROM deliveries WHERE due_at IS NOT NULL)";
    while server.sql(DATABASE, left) != "0" {
        ensure!(
            began.elapsed() < TOLD_WITHIN,
            "not all were told within {TOLD_WITHIN:?}"
        );
        std::thread::sleep(Duration::from_secs(1));
    }
    Ok(())
}

/// Bytes at one moment.
struct Sizes {
    /// Of each table, by name: rows, the table itself, and its indexes.
    tables: Vec<(String, [u64; 3])>,
    /// Written to the log since the database was made.
    log: u64,
}

impl Sizes {
    fn of(server: &Server) -> anyhow::Result<Self> {
        // As housekeeping leaves them: room of old versions can be used again, and is not given back.
        server.sql(DATABASE, "VACUUM ANALYZE");
        let sql = "SELECT relname, reltuples::bigint, pg_table_size(oid), pg_indexes_size(oid) FROM pg_class
            WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace ORDER BY relname";
        let number = |text: Option<&str>| -> anyhow::Result<u64> {
            Ok(text.context("a column is missing")?.parse()?)
        };
        let mut tables = Vec::new();
        for line in server.sql(DATABASE, sql).lines() {
            let mut columns = line.split('|');
            let name = columns.next().context("a name")?.to_owned();
            let mut next = || number(columns.next());
            tables.push((name, [next()?, next()?, next()?]));
        }
        let log = server.sql(
            DATABASE,
            "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')",
        );
        let log = number(Some(&log))?;
        Ok(Self { tables, log })
    }

    /// What has come since.
    fn since(&self, before: &Self) -> Self {
        let pairs = self.tables.iter().zip(&before.tables);
        let tables = pairs.map(|((name, now), (_, then))| {
            let mut grown = *now;
            for (now, then) in grown.iter_mut().zip(then) {
                *now = now.saturating_sub(*then);
            }
            (name.clone(), grown)
        });
        Self {
            tables: tables.collect(),
            log: self.log.saturating_sub(before.log),
        }
    }
}

fn print(unpaid: (&Sizes, u64), paid: (&Sizes, u64)) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{} sessions that nobody paid, then {} that were paid by card and told of. Bytes per session:\n",
        unpaid.1, paid.1
    )?;
    writeln!(
        out,
        "| | unpaid: rows | table | indexes | paid: rows | table | indexes |"
    )?;
    writeln!(out, "|---|---:|---:|---:|---:|---:|---:|")?;
    let columns = |of: (&Sizes, u64), [rows, table, indexes]: [u64; 3]| {
        let each = |n: u64| float(n) / float(of.1);
        format!(
            "{:.2} | {:.0} | {:.0}",
            each(rows),
            each(table),
            each(indexes)
        )
    };
    let mut sums = [[0; 3]; 2];
    for ((name, one), (_, other)) in unpaid.0.tables.iter().zip(&paid.0.tables) {
        for (sum, these) in sums.iter_mut().zip([one, other]) {
            for (sum, this) in sum.iter_mut().zip(these) {
                *sum += this;
            }
        }
        if one[1] + other[1] > 0 {
            writeln!(
                out,
                "| {name} | {} | {} |",
                columns(unpaid, *one),
                columns(paid, *other)
            )?;
        }
    }
    let [one, other] = sums;
    writeln!(
        out,
        "| all | {} | {} |",
        columns(unpaid, one),
        columns(paid, other)
    )?;
    let log = |of: (&Sizes, u64)| float(of.0.log) / float(of.1);
    writeln!(
        out,
        "| written to the log | | {:.0} | | | {:.0} | |",
        log(unpaid),
        log(paid)
    )?;
    Ok(())
}

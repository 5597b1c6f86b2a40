//! Modem Pay's list among many sessions, beside the same list among few: two installations, each with a server of its
//! own, asked in turn. Its pages come with exact totals, filtered by nothing but a search.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::ensure;

use crate::load::{Expect, Requests, Until, Work};
use crate::measure::{self, Plan};
use crate::run::{block_on, progress, scratch};
use crate::subject::{self, PAGE, Running, Subject};

/// Connections that fill the stores.
const FILLERS: u32 = 64;
/// Every so many sessions one has the word that a tenth of them have.
const COMMON: u64 = 10;
/// So many have the rare word, among however many.
const RARE: u64 = 100;
/// What the first page among many may take, as a multiple of what it takes among few.
const PROMISED: f64 = 3.0;

/// What to measure, and how long.
#[derive(clap::Args)]
pub struct Options {
    /// How many sessions many are.
    #[arg(long, default_value_t = 1_000_000)]
    many: u64,
    /// How many sessions few are.
    #[arg(long, default_value_t = 1_000)]
    few: u64,
    /// Seconds that each of the two is measured in each round.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Rounds of both; the figures are medians over them.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Fails if the promised ratio of the first page is missed.
    #[arg(long)]
    check: bool,
    /// The server to measure, instead of the release build at hand.
    #[arg(long, value_name = "PROGRAM")]
    paydesk: Option<PathBuf>,
}

/// A list that is asked for, and how many of `n` sessions it counts.
struct Asked {
    name: &'static str,
    query: &'static str,
    total: fn(u64) -> u64,
    /// Whether it must be as quick among many.
    is_promised: bool,
}

const LISTS: &[Asked] = &[
    Asked {
        name: "the first page",
        query: "offset=0&limit=10",
        total: |n| n,
        is_promised: true,
    },
    Asked {
        name: "page 50",
        query: "offset=490&limit=10",
        total: |n| n,
        is_promised: false,
    },
    Asked {
        name: "searched: 100 match",
        query: "limit=10&search=teapot",
        total: |_| RARE,
        is_promised: false,
    },
    Asked {
        name: "searched: 1 in 10 match",
        query: "limit=10&search=cup",
        total: |n| n / COMMON,
        is_promised: false,
    },
    Asked {
        name: "searched: all match",
        query: "limit=10&search=awa",
        total: |n| n,
        is_promised: false,
    },
    Asked {
        name: "searched: none match",
        query: "limit=10&search=awa%20nothing",
        total: |_| 0,
        is_promised: false,
    },
];

/// An installation that is filled, and its server.
struct Filled {
    subject: Subject,
    running: Running,
    sessions: u64,
}

impl Filled {
    /// The list, with as many as it must count.
    fn work(&self, list: &Asked) -> (Work, u64) {
        let path = format!("/v1/sessions?{}", list.query);
        let total = (list.total)(self.sessions);
        let work = Work {
            requests: Requests::Same(self.subject.bearer_request("GET", &path, "").into()),
            expect: Expect::EndingWith(format!(r#""meta":{{"total":{total}}}}}"#).into()),
        };
        (work, total)
    }
}

/// Measures, and prints a table.
pub fn run(options: &Options) -> anyhow::Result<bool> {
    let few_enough = options.few >= RARE * COMMON && options.few <= options.many;
    ensure!(few_enough, "few are at least 1000, and no more than many");
    let plan = Plan {
        rounds: options.rounds,
        duration: Duration::from_secs_f64(options.seconds),
        threads: 1,
    };
    let program = options.paydesk.clone().map_or_else(subject::locate, Ok)?;
    let (small, large) = (scratch(None)?, scratch(None)?);
    let few = fill(&program, small.path(), options.few)?;
    let many = fill(&program, large.path(), options.many)?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "| list of 10 | total among {} | p50 µs | total among {} | p50 µs | ratio | matches |",
        many.sessions, few.sessions
    )?;
    writeln!(out, "|---|---:|---:|---:|---:|---:|---:|")?;
    let mut kept = true;
    for list in LISTS {
        progress(list.name);
        let (many_work, many_total) = many.work(list);
        let (few_work, few_total) = few.work(list);
        let (many, few) = (many.running.asked(many_work), few.running.asked(few_work));
        let mut nothing = |_| ();
        for contender in [&many, &few] {
            // Once, by one: what counts a million words takes its time, and sixteen at once take sixteen times it.
            measure::run(contender, 1, 1, Until::Answers(1))?;
        }
        let pair = measure::pair(&many, &few, 1, plan, &mut nothing)?;
        // Times are compared, not rates.
        let ratio = 1.0 / pair.ratio;
        writeln!(
            out,
            "| {} | {many_total} | {:.0} | {few_total} | {:.0} | {ratio:.2} | × {} |",
            list.name,
            pair.subject.p50_micros,
            pair.bare.p50_micros,
            many_total.checked_div(few_total).unwrap_or(1),
        )?;
        if list.is_promised {
            kept = ratio <= PROMISED;
        }
    }
    let said = if kept { "kept" } else { "missed" };
    writeln!(out, "\nThe first page within {PROMISED} times: {said}.\n")?;
    deep_pages(&many, plan, &mut out)?;
    for filled in [&few, &many] {
        progress("exporting");
        let export = filled.subject.export()?;
        ensure!(
            export.rows == filled.sessions,
            "{} of {} sessions were exported",
            export.rows,
            filled.sessions
        );
        writeln!(
            out,
            "`paydesk export` wrote {} sessions in {:.1} s, with {} MB of memory at most.",
            export.rows,
            export.took.as_secs_f64(),
            export.peak_memory / 1_000_000
        )?;
    }
    Ok(kept || !options.check)
}

/// The native API's list, whose pages follow a cursor: a page in the middle of many beside the first one.
fn deep_pages(many: &Filled, plan: Plan, out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "| native list of {PAGE} | p50 µs after {} | first page, p50 µs | ratio |",
        many.sessions / 2
    )?;
    writeln!(out, "|---|---:|---:|---:|")?;
    for (name, filter) in [
        ("all", ""),
        ("by status", "&status=created"),
        ("by currency and kind", "&currency=GMD&kind=payment"),
    ] {
        progress(&format!("{name}: walking to the middle"));
        let address = many.running.address;
        let request = |depth| block_on(many.subject.deep_request(address, filter, depth));
        let [deep, first] = [request(many.sessions / 2)?, request(0)?].map(|request| {
            many.running.asked(Work {
                requests: Requests::Same(request.into()),
                expect: Expect::Page(PAGE),
            })
        });
        let pair = measure::pair(&deep, &first, 1, plan, &mut |_| ())?;
        writeln!(
            out,
            "| {name} | {:.0} | {:.0} | {:.2} |",
            pair.subject.p50_micros,
            pair.bare.p50_micros,
            1.0 / pair.ratio
        )?;
    }
    writeln!(out)?;
    Ok(())
}

/// Opens so many sessions, as the published client does.
fn fill(program: &Path, directory: &Path, sessions: u64) -> anyhow::Result<Filled> {
    progress(&format!("opening {sessions} sessions"));
    let subject = Subject::create(program.to_owned(), Vec::new(), directory)?;
    let running = subject.start()?;
    for (title, count) in [
        ("Teapot", RARE),
        ("Cup", sessions / COMMON),
        ("Order 8731", sessions - RARE - sessions / COMMON),
    ] {
        let body = format!(
            r#"{{"data":{{"amount":450,"title":"{title}","description":"An order of two pounds","customer_name":"Awa Jallow","customer_email":"awa@example.com","metadata":{{"table":4}}}}}}"#
        );
        let work = Work {
            requests: Requests::Same(subject.bearer_request("POST", "/v1/sessions", &body).into()),
            expect: Expect::NewSession,
        };
        measure::run(&running.asked(work), FILLERS, 1, Until::Answers(count))?;
    }
    Ok(Filled {
        subject,
        running,
        sessions,
    })
}

//! What it costs to open a session that can be searched, beside one that cannot: two installations, each with a server of
//! its own, are sent the same texts in turn, one where a search finds them (title, description, customer), the other in
//! the metadata, where none does.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::load::{Expect, Requests, Until, Work};
use crate::measure::{self, Plan};
use crate::run::{progress, scratch};
use crate::subject::{self, Subject};

/// Connections that open sessions.
const CONNECTIONS: u32 = 64;
/// So many different titles.
const TITLES: u32 = 200_000;
/// Stands where a title goes.
const TITLE: &str = "{title}";
/// The share of its rate that a session's opening may lose.
const PROMISED: f64 = 0.20;

/// What to measure, and how long.
#[derive(clap::Args)]
pub struct Options {
    /// How many sessions both have before anything is measured.
    #[arg(long, default_value_t = 200_000)]
    sessions: u64,
    /// Seconds that each of the two is measured in each round. What is indexed a little later is indexed meanwhile, too.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Rounds of both; the figures are medians over them.
    #[arg(long, default_value_t = 7)]
    rounds: u32,
    /// Fails if the promised bound is missed.
    #[arg(long)]
    check: bool,
    /// The server to measure, instead of the release build at hand.
    #[arg(long, value_name = "PROGRAM")]
    paydesk: Option<PathBuf>,
}

/// Measures, and prints a table.
pub fn run(options: &Options) -> anyhow::Result<bool> {
    let plan = Plan {
        rounds: options.rounds,
        duration: Duration::from_secs_f64(options.seconds),
        threads: 1,
    };
    let program = options.paydesk.clone().map_or_else(subject::locate, Ok)?;
    let (one, other) = (scratch(None)?, scratch(None)?);
    let found = Subject::create(program.clone(), Vec::new(), one.path())?;
    let hidden = Subject::create(program, Vec::new(), other.path())?;
    let titles: Arc<Vec<Box<str>>> = Arc::new((0..TITLES).map(title).collect());
    let found_work = work(
        &found,
        &titles,
        r#"{"amount":450,"currency":"SGD","title":"{title}","description":"Two pounds of beans","customer":{"name":"Awa Jallow","email":"awa@example.com"}}"#,
    );
    let hidden_work = work(
        &hidden,
        &titles,
        r#"{"amount":450,"currency":"SGD","metadata":{"title":"{title}","description":"Two pounds of beans","name":"Awa Jallow","email":"awa@example.com"}}"#,
    );
    let (found, hidden) = (found.start()?, hidden.start()?);
    let (found, hidden) = (found.asked(found_work), hidden.asked(hidden_work));
    for contender in [&found, &hidden] {
        progress(&format!("opening {} sessions", options.sessions));
        let until = Until::Answers(options.sessions);
        measure::run(contender, CONNECTIONS, 1, until)?;
    }
    progress("opening in turn");
    let pair = measure::pair(&found, &hidden, CONNECTIONS, plan, &mut |_| ())?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "| opened a second, {CONNECTIONS} connections | CPU µs each | |"
    )?;
    writeln!(out, "|---:|---:|---|")?;
    for (sample, which) in [
        (&pair.subject, "searchable"),
        (&pair.bare, "not searchable"),
    ] {
        writeln!(
            out,
            "| {:.0} | {:.1} | {which} |",
            sample.per_second, sample.cpu_micros
        )?;
    }
    let rates: Vec<_> = pair
        .rounds
        .iter()
        .map(|[found, hidden]| format!("{:.2}", found.per_second / hidden.per_second))
        .collect();
    let lost = 1.0 - pair.ratio;
    let kept = lost <= PROMISED;
    let said = if kept { "kept" } else { "missed" };
    writeln!(
        out,
        "\nBeing searchable costs {:.0} % of the rate (at most {:.0} %: {said}); round by round: {}.",
        lost * 100.0,
        PROMISED * 100.0,
        rates.join(", ")
    )?;
    Ok(kept || !options.check)
}

/// A title of a few words, some of which nothing else has.
fn title(number: u32) -> Box<str> {
    let scattered = number.wrapping_mul(2_654_435_761);
    format!(
        "Order {number:07} of {scattered:08x} for table {:02}",
        number % 40
    )
    .into()
}

/// Opening sessions with these titles, all of one length, as `body` has it.
fn work(subject: &Subject, titles: &Arc<Vec<Box<str>>>, body: &str) -> Work {
    let one = titles.first().map_or("", AsRef::as_ref);
    let request = subject.bearer_request("POST", "/api/v1/sessions", &body.replace(TITLE, one));
    let (head, tail) = request.split_once(one).unwrap_or((&request, ""));
    Work {
        requests: Requests::ById {
            head: head.to_owned().into(),
            ids: Arc::clone(titles),
            tail: tail.to_owned().into(),
        },
        expect: Expect::NewSession,
    }
}

//! What a run found, as a table and against the limits.

use std::fmt::{self, Display};
use std::time::Duration;

use serde::Serialize;

use crate::Kind;
use crate::measure::{Pair, float, median};

/// Everything a run measured.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The machine, in words.
    pub machine: String,
    /// Opening sessions, beside an echo.
    pub create: Vec<Pair>,
    /// Reading one session, beside a constant answer of the same bytes.
    pub read: Vec<Pair>,
    /// Reading the newest thirty, beside a constant answer of the same bytes.
    pub list: Vec<Pair>,
    /// How the store was filled.
    pub fill: Fill,
    /// Starting with the full store.
    pub start: Starts,
    /// The largest resident memory of any of the servers, in bytes.
    pub peak_memory: u64,
    /// Sessions acknowledged in the whole run, each found stored once at its end.
    pub verified: u64,
}

/// Filling the store through HTTP.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fill {
    /// Sessions stored afterwards.
    pub sessions: u64,
    /// Sessions per second, sustained from an empty store on.
    pub per_second: f64,
    /// Bytes on disk afterwards.
    pub stored_bytes: u64,
}

/// Times from the start of the process to its first 200 on `/readyz`, in milliseconds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Starts {
    /// After a clean stop, several times.
    pub clean_millis: Vec<f64>,
    /// Once after SIGKILL straight after the fill, with a write-ahead log to recover.
    pub killed_millis: f64,
}

impl Starts {
    /// From the times measured.
    pub fn new(clean: &[Duration], killed: Duration) -> Self {
        let millis = |duration: &Duration| duration.as_secs_f64() * 1e3;
        Self {
            clean_millis: clean.iter().map(millis).collect(),
            killed_millis: millis(&killed),
        }
    }
}

/// One promise and what was measured.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limit {
    /// What is promised.
    pub name: String,
    /// The promise, in words.
    pub promised: &'static str,
    /// The figure, in words.
    pub measured: String,
    /// Whether it was kept.
    pub kept: bool,
}

impl Report {
    /// The promises, each with its figure at the largest number of connections.
    pub fn limits(&self) -> Vec<Limit> {
        let share = |name: &str, pair: Option<&Pair>, least: f64, promised: &'static str| {
            pair.map(|pair| Limit {
                name: format!("{name}, {} connections", pair.connections),
                promised,
                measured: format!("{:.0} %", pair.ratio * 100.0),
                kept: pair.ratio >= least,
            })
        };
        let start = median(self.start.clean_millis.iter().copied());
        let memory = float(self.peak_memory) / 1e6;
        let stored = self.fill.sessions;
        [
            share(
                "create",
                self.create.last(),
                0.20,
                "≥ 20 % of the bare echo, aim 40 %",
            ),
            share(
                "read one",
                self.read.last(),
                0.35,
                "≥ 35 % of the bare answer, aim 50 %",
            ),
            share(
                "list 30",
                self.list.last(),
                0.10,
                "≥ 10 % of the bare answer",
            ),
            Some(Limit {
                name: format!("start with {stored} sessions"),
                promised: "< 150 ms",
                measured: format!("{start:.0} ms"),
                kept: start < 150.0,
            }),
            Some(Limit {
                name: "memory under this load".to_owned(),
                promised: "< 100 MB",
                measured: format!("{memory:.0} MB"),
                kept: memory < 100.0,
            }),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}; the load generator runs on the same cores, in a closed loop.\n",
            self.machine
        )?;
        writeln!(
            f,
            "| | conn. | /s | p50 µs | p99 µs | CPU µs | bare /s | p50 µs | p99 µs | CPU µs | ÷ bare |"
        )?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")?;
        let rows = [
            (Kind::Create, &self.create),
            (Kind::Read, &self.read),
            (Kind::List, &self.list),
        ]
        .into_iter()
        .flat_map(|(kind, pairs)| pairs.iter().map(move |pair| (kind.name(), pair)));
        for (
            name,
            Pair {
                connections,
                ratio,
                subject,
                bare,
                ..
            },
        ) in rows
        {
            write!(f, "| {name} | {connections} ")?;
            for sample in [subject, bare] {
                write!(f, "| {:.0} | {:.0} ", sample.per_second, sample.p50_micros)?;
                write!(f, "| {:.0} | {:.1} ", sample.p99_micros, sample.cpu_micros)?;
            }
            writeln!(f, "| {ratio:.2} |")?;
        }
        let Fill {
            sessions,
            per_second,
            stored_bytes,
        } = &self.fill;
        let per_session = float(*stored_bytes) / float(*sessions);
        writeln!(
            f,
            "\n- All of it with {sessions} sessions stored beforehand, {per_session:.0} bytes each on disk with their \
             indexes; filling the store went at {per_second:.0} a second."
        )?;
        let Starts {
            clean_millis,
            killed_millis,
        } = &self.start;
        let worst = clean_millis.iter().copied().fold(0.0, f64::max);
        let middle = median(clean_millis.iter().copied());
        writeln!(
            f,
            "- From start to ready: {middle:.0} ms (median of {}), at worst {worst:.0} ms; \
             {killed_millis:.0} ms after SIGKILL.",
            clean_millis.len()
        )?;
        writeln!(
            f,
            "- Memory: {:.0} MB at the peak.",
            float(self.peak_memory) / 1e6
        )?;
        writeln!(
            f,
            "- All {} acknowledged sessions were found stored, each once.\n",
            self.verified
        )?;
        writeln!(f, "| limit | promised | measured | |\n|---|---|---:|---|")?;
        for Limit {
            name,
            promised,
            measured,
            kept,
        } in self.limits()
        {
            writeln!(
                f,
                "| {name} | {promised} | {measured} | {} |",
                if kept { "kept" } else { "**missed**" }
            )?;
        }
        Ok(())
    }
}

/// The processor, its cores and the file system of `directory`, in words.
pub fn machine(directory: &std::path::Path) -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let processor = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| {
            line.strip_prefix("model name")?
                .split_once(": ")
                .map(|(_, name)| name.trim().to_owned())
        })
        .unwrap_or_else(|| "an unnamed processor".to_owned());
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mounts = read("/proc/mounts");
    let file_system = mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            let (point, kind) = (fields.next()?, fields.next()?);
            directory.starts_with(point).then_some((point.len(), kind))
        })
        .max()
        .map_or("an unknown file system", |(_, kind)| kind);
    format!("{cores} cores of {processor}, data on {file_system}")
}

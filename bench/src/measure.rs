//! Two contenders measured in turn, so that what disturbs the machine disturbs both.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;

use crate::load::{self, Outcome, Until, Work};
use crate::process::{Process, own_cpu};

/// A server and what to ask of it.
pub struct Contender<'a> {
    /// Its process, for its CPU time.
    pub process: &'a Process,
    /// Where it listens.
    pub address: SocketAddr,
    /// What to ask.
    pub work: Work,
}

/// How a pair is measured.
#[derive(Clone, Copy)]
pub struct Plan {
    /// Rounds of both contenders.
    pub rounds: u32,
    /// How long each contender is measured in each round.
    pub duration: Duration,
    /// Threads of the load generator.
    pub threads: u32,
}

/// One contender in one round.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// Requests answered.
    pub answers: u64,
    /// Requests answered per second.
    pub per_second: f64,
    /// Half of the answers came within this many microseconds.
    pub p50_micros: f64,
    /// 99 of 100 answers came within this many microseconds.
    pub p99_micros: f64,
    /// CPU time of the server per request, in microseconds.
    pub cpu_micros: f64,
    /// CPU time of the load generator per request, in microseconds.
    pub generator_cpu_micros: f64,
}

/// Both contenders over all rounds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pair {
    /// Open connections, each with one request in flight.
    pub connections: u32,
    /// Median over the rounds of each round's `subject.per_second / bare.per_second`.
    pub ratio: f64,
    /// Medians of Paydesk.
    pub subject: Sample,
    /// Medians of the bare server.
    pub bare: Sample,
    /// Every round, Paydesk first.
    pub rounds: Vec<[Sample; 2]>,
}

/// Measures both in turn, each round in the other order; hands the ids of created sessions to `keep`.
pub fn pair(
    subject: &Contender<'_>,
    bare: &Contender<'_>,
    connections: u32,
    plan: Plan,
    keep: &mut impl FnMut(Vec<Box<str>>),
) -> anyhow::Result<Pair> {
    let mut rounds = Vec::new();
    for round in 0..plan.rounds {
        let (one, other);
        if round % 2 == 0 {
            one = measure(subject, connections, plan, keep)?;
            other = measure(bare, connections, plan, keep)?;
        } else {
            other = measure(bare, connections, plan, keep)?;
            one = measure(subject, connections, plan, keep)?;
        }
        rounds.push([one, other]);
    }
    let ratio = median(
        rounds
            .iter()
            .map(|[subject, bare]| subject.per_second / bare.per_second),
    );
    Ok(Pair {
        connections,
        ratio,
        subject: medians(&rounds.iter().map(|[subject, _]| subject)),
        bare: medians(&rounds.iter().map(|[_, bare]| bare)),
        rounds,
    })
}

/// Asks without measuring, to fill caches and connection tables.
pub fn warm_up(
    contender: &Contender<'_>,
    plan: Plan,
    keep: &mut impl FnMut(Vec<Box<str>>),
) -> anyhow::Result<()> {
    let until = Until::Elapsed(Duration::from_millis(300));
    keep(run(contender, 16, plan.threads, until)?.created);
    Ok(())
}

/// Runs a load; if it fails, says what the server last wrote.
pub fn run(
    contender: &Contender<'_>,
    connections: u32,
    threads: u32,
    until: Until,
) -> anyhow::Result<Outcome> {
    load::run(
        contender.address,
        &contender.work,
        connections,
        threads,
        until,
    )
    .with_context(|| format!("the server's last words:\n{}", contender.process.log_tail()))
}

fn measure(
    contender: &Contender<'_>,
    connections: u32,
    plan: Plan,
    keep: &mut impl FnMut(Vec<Box<str>>),
) -> anyhow::Result<Sample> {
    let (cpu, own) = (contender.process.cpu()?, own_cpu()?);
    let outcome = run(
        contender,
        connections,
        plan.threads,
        Until::Elapsed(plan.duration),
    )?;
    let (cpu, own) = (
        contender.process.cpu()?.saturating_sub(cpu),
        own_cpu()?.saturating_sub(own),
    );
    keep(outcome.created);
    let answers = float(outcome.answers);
    Ok(Sample {
        answers: outcome.answers,
        per_second: answers / outcome.elapsed.as_secs_f64(),
        p50_micros: float(outcome.latencies.value_at_quantile(0.50)) / 1e3,
        p99_micros: float(outcome.latencies.value_at_quantile(0.99)) / 1e3,
        cpu_micros: cpu.as_secs_f64() * 1e6 / answers,
        generator_cpu_micros: own.as_secs_f64() * 1e6 / answers,
    })
}

fn medians<'a>(samples: &(impl Iterator<Item = &'a Sample> + Clone)) -> Sample {
    let of = |field: fn(&Sample) -> f64| median(samples.clone().map(field));
    Sample {
        answers: samples.clone().map(|sample| sample.answers).sum(),
        per_second: of(|sample| sample.per_second),
        p50_micros: of(|sample| sample.p50_micros),
        p99_micros: of(|sample| sample.p99_micros),
        cpu_micros: of(|sample| sample.cpu_micros),
        generator_cpu_micros: of(|sample| sample.generator_cpu_micros),
    }
}

/// The middle value, or the mean of the middle two; NaN of nothing.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    if values.len() % 2 == 1 {
        at(middle)
    } else {
        f64::midpoint(at(middle.wrapping_sub(1)), at(middle))
    }
}

/// For figures to be read: exact below 2⁵³.
#[expect(
    clippy::cast_precision_loss,
    reason = "figures to be read; counts stay far below 2^53"
)]
pub fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_the_middle_two() {
        assert!((median([3.0, 1.0, 2.0].into_iter()) - 2.0).abs() < f64::EPSILON);
        assert!((median([4.0, 1.0, 3.0, 2.0].into_iter()) - 2.5).abs() < f64::EPSILON);
        assert!(median(std::iter::empty()).is_nan());
    }
}

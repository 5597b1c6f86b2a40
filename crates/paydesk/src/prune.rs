//! `paydesk prune`: removes finished data that is old, of all merchants or of one, beside the running server.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use paydesk_core::engine::Engine;
use paydesk_core::engine::prune::Pruned;
use paydesk_core::id::MerchantId;
use paydesk_core::retention::Retention;
use paydesk_core::tenant::{Mode, Tenant};
use paydesk_core::time::Span;

use crate::cli::{ModeOption, PruneOptions};
use crate::parts;

/// How finely progress is shown.
const STEPS: u64 = 1_000;
/// The longest pause between two steps.
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// Removes what may go.
pub async fn run(options: PruneOptions) -> anyhow::Result<()> {
    let retention = Retention {
        finished: options.older_than,
        paid: options.paid_older_than,
    };
    let retention = retention.checked()?;
    let (database, backend, keys) = parts::open(&options.store).await?;
    let engine = parts::engine_of_command(&backend, keys, "");
    let modes = match options.mode {
        Some(ModeOption::Test) => vec![Mode::Test],
        Some(ModeOption::Live) => vec![Mode::Live],
        None => vec![Mode::Test, Mode::Live],
    };
    let bar = ProgressBar::new(STEPS).with_style(ProgressStyle::with_template(
        "{bar:40} {percent:>3} %  {prefix}  {msg}",
    )?);
    let mut all = Pruned::default();
    for merchant in merchants(&engine, options.merchant.as_deref()).await? {
        for &mode in &modes {
            // Before it is shown whose it is: what is there is of the one before.
            bar.set_message("");
            bar.set_position(0);
            bar.set_prefix(format!("{merchant} {mode}"));
            let tenant = Tenant { merchant, mode };
            let done = prune(&engine, tenant, retention, options.dry_run, &bar).await;
            let done = done.context("the run is not complete; the same command goes on with it")?;
            all.add(&done);
        }
    }
    bar.finish_and_clear();
    print(&all, options.dry_run);
    if all.removed() > 0 && !options.dry_run && backend.is_ours_alone() {
        println!("The room in {database} is used again for what comes; the file does not shrink.");
    }
    backend.close().await;
    Ok(())
}

async fn prune(
    engine: &Engine,
    tenant: Tenant,
    retention: Retention,
    dry: bool,
    bar: &ProgressBar,
) -> anyhow::Result<Pruned> {
    let mut run = engine.prune(tenant, retention, dry).await?;
    loop {
        let (began, before) = (Instant::now(), run.done().removed());
        let goes_on = engine.prune_step(&mut run).await?;
        let removed = run.done().removed();
        bar.set_position(run.permille(engine.wall()));
        bar.set_message(format!("{removed} removed"));
        if !goes_on {
            return Ok(run.done().clone());
        }
        // Others have the writer for at least as long as this step had it.
        if !dry && removed > before {
            tokio::time::sleep(began.elapsed().min(LONGEST_PAUSE)).await;
        }
    }
}

/// The merchants to go through: all of them, or the one that is named.
async fn merchants(engine: &Engine, named: Option<&str>) -> anyhow::Result<Vec<MerchantId>> {
    let known = engine.store().merchants().await?;
    let Some(named) = named else {
        return Ok(known);
    };
    let id: MerchantId = named
        .parse()
        .with_context(|| format!("{named} is not the id of a merchant"))?;
    if !known.contains(&id) {
        bail!("there is no merchant {id}");
    }
    Ok(vec![id])
}

fn print(all: &Pruned, dry: bool) {
    let heading = if dry { "would go" } else { "removed" };
    println!("{:>12}  {heading}", "");
    for (count, what) in [
        (all.sessions, "sessions"),
        (all.transactions, "transactions"),
        (all.events, "events"),
        (all.deliveries, "deliveries"),
        (all.payment_methods, "stored cards"),
    ] {
        println!("{count:>12}  {what}");
    }
    if !all.kept.is_empty() {
        println!("{:>12}  kept although they are old, because they", "");
    }
    for (why, count) in &all.kept {
        println!("{count:>12}  {}", why.as_str());
    }
}

/// A length of time such as `90d`, `26w` or `7y`: days, weeks, or years of 366 days.
pub fn span(text: &str) -> Result<Span, String> {
    let wrong = || "is not a length of time such as 90d, 26w or 7y".to_owned();
    let (digits, days) = [('d', 1), ('w', 7), ('y', 366)]
        .into_iter()
        .find_map(|(unit, days)| Some((text.strip_suffix(unit)?, days)))
        .ok_or_else(wrong)?;
    let number: u32 = digits.parse().map_err(|_| wrong())?;
    // Longer than the product will have existed for a long time.
    let days = number.checked_mul(days).filter(|days| *days <= 100 * 366);
    days.map(Span::days).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_whole_days_weeks_or_years() {
        for (text, days) in [("90d", 90), ("2w", 14), ("7y", 2_562), ("0d", 0)] {
            assert_eq!(span(text), Ok(Span::days(days)), "{text}");
        }
        for wrong in [
            "",
            "d",
            "90",
            "-1d",
            "1.5y",
            "90 d",
            "3m",
            "101y",
            "99999999999d",
        ] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }
}

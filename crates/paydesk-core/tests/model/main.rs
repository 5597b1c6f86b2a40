//! Random commands against the pure decisions and the store in memory, millions of them, with every rule of
//! the product checked after each by books that are kept independently.
//!
//! A failure prints its seed, its step and what was done to the session that broke a rule; the same seed
//! breaks it again. `PAYDESK_MODEL_WORLDS` makes a longer run: so many worlds per test instead of the usual.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "all of this is a test, not only what is marked as one"
)]

mod books;
mod chance;
mod claims;
mod commands;
mod coverage;
mod events;
mod money;
mod rails;
mod states;
mod think;
mod world;

use coverage::Coverage;
use world::{Failure, Mix, World};

/// How many commands are tried on a world before a new one begins: a store in memory keeps everything.
const STEPS: u32 = 4_000;
/// How many worlds each of the four tests makes: four million steps in all.
const WORLDS: u64 = 250;

fn run(mix: Mix) {
    let worlds = std::env::var("PAYDESK_MODEL_WORLDS")
        .map_or(WORLDS, |worlds| worlds.parse().expect("a number of worlds"));
    let mut coverage = Coverage::default();
    let began = std::time::Instant::now();
    for seed in 0..worlds {
        let mut world = World::new(seed, mix, false);
        if let Err(failure) = world.run(STEPS) {
            panic!("{}", retrace(seed, mix, &failure));
        }
        coverage.add(&world.coverage);
    }
    let steps = worlds * u64::from(STEPS);
    let rate = u128::from(steps) * 1_000 / began.elapsed().as_millis().max(1);
    eprintln!("{mix:?}: {steps} steps, {rate} a second\n{coverage}");
    coverage.assert_nothing_is_untried(worlds);
}

/// Does it all again, and remembers what was done to the session that broke a rule.
fn retrace(seed: u64, mix: Mix, failure: &Failure) -> String {
    let mut world = World::new(seed, mix, true);
    let again = world.run(failure.step + 1);
    let same = again.is_err_and(|again| again.broken == failure.broken);
    format!(
        "seed {seed} of {mix:?} breaks a rule at step {}{}:\n{}\n\nwhat was done:\n{}",
        failure.step,
        if same { "" } else { " (not repeatable!)" },
        failure.broken.rule,
        world.story(&failure.broken)
    )
}

#[test]
fn all_sorts_of_payments_keep_every_rule() {
    run(Mix::Everything);
}

#[test]
fn pushed_money_is_never_lost_and_never_counted_twice() {
    run(Mix::Pushes);
}

#[test]
fn holds_and_refunds_never_take_more_than_there_is() {
    run(Mix::Operations);
}

#[test]
fn time_ends_everything_once() {
    run(Mix::Time);
}

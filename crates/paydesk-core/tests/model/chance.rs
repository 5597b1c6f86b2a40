//! Choices that repeat for a given seed.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

pub struct Chance(StdRng);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, percent: u32) -> bool {
        self.0.random_range(0..100) < percent
    }

    /// A number from `least` to `most`, both included.
    pub fn between(&mut self, least: i64, most: i64) -> i64 {
        self.0.random_range(least..=most.max(least))
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        match from.len() {
            0 => None,
            len => Some(from[self.0.random_range(0..len)]),
        }
    }

    /// Mostly one of the last few: what is new changes most.
    pub fn pick_recent<T: Copy>(&mut self, from: &[T], few: usize) -> Option<T> {
        let recent = if self.percent(85) {
            &from[from.len().saturating_sub(few)..]
        } else {
            from
        };
        self.pick(recent)
    }

    /// One of the choices, each as often as its weight says.
    pub fn weigh<T: Copy>(&mut self, choices: &[(u32, T)]) -> T {
        let total: u32 = choices.iter().map(|(weight, _)| weight).sum();
        let mut at = self.0.random_range(0..total);
        for (weight, choice) in choices {
            if at < *weight {
                return *choice;
            }
            at -= weight;
        }
        unreachable!("the weights add up")
    }
}

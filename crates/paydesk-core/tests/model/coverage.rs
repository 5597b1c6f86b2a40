//! What was tried, so that a test cannot silently become empty.

use std::collections::BTreeMap;
use std::fmt;

/// What became of one kind of command.
#[derive(Default, Clone, Copy)]
struct Tally {
    /// Something was committed.
    accepted: u64,
    /// Nothing was to be changed.
    idle: u64,
    refused: u64,
}

#[derive(Default)]
pub struct Coverage {
    tallies: BTreeMap<&'static str, Tally>,
    refusals: BTreeMap<&'static str, u64>,
    /// Commits that were refused because somebody was faster, and decided again.
    pub conflicts: u64,
    events: BTreeMap<&'static str, u64>,
}

/// Every command, with how often ten worlds accept it at the very least, in every mix.
const COMMANDS: [(&str, u64); 17] = [
    ("open", 1_000),
    ("initiate", 100),
    ("start", 1_000),
    ("answer", 1_000),
    ("reconcile", 100),
    ("cancel", 20),
    ("expire", 20),
    ("lapse", 50),
    ("settle", 5),
    ("void", 5),
    ("refund", 50),
    ("transfer", 50),
    ("assign", 5),
    ("accept", 5),
    ("charge", 20),
    ("detach", 10),
    ("pass", 500),
];

/// Refusals that every mix meets.
const REFUSALS: [&str; 24] = [
    "already_paid",
    "already_settled",
    "already_voided",
    "amount_differs",
    "amount_required",
    "amount_too_large",
    "amount_too_small",
    "currency_differs",
    "hold_expired",
    "invalid_amount",
    "known_transfer",
    "method_not_offered",
    "no_exception",
    "not_refundable",
    "not_settleable",
    "not_voidable",
    "operation_in_progress",
    "payment_in_progress",
    "payment_method_not_found",
    "reference_taken",
    "session_cancelled",
    "session_completed",
    "session_expired",
    "idempotency_key_in_use",
];

impl Coverage {
    pub fn accepted(&mut self, command: &'static str) {
        self.tallies.entry(command).or_default().accepted += 1;
    }

    pub fn idle(&mut self, command: &'static str) {
        self.tallies.entry(command).or_default().idle += 1;
    }

    pub fn refused(&mut self, command: &'static str, refusal: &'static str) {
        self.tallies.entry(command).or_default().refused += 1;
        *self.refusals.entry(refusal).or_default() += 1;
    }

    pub fn told(&mut self, event: &'static str) {
        *self.events.entry(event).or_default() += 1;
    }

    pub fn add(&mut self, other: &Self) {
        for (command, tally) in &other.tallies {
            let sum = self.tallies.entry(command).or_default();
            sum.accepted += tally.accepted;
            sum.idle += tally.idle;
            sum.refused += tally.refused;
        }
        for (refusal, count) in &other.refusals {
            *self.refusals.entry(refusal).or_default() += count;
        }
        for (event, count) in &other.events {
            *self.events.entry(event).or_default() += count;
        }
        self.conflicts += other.conflicts;
    }

    pub fn assert_nothing_is_untried(&self, worlds: u64) {
        for (command, least) in COMMANDS {
            let accepted = self.tallies.get(command).map_or(0, |tally| tally.accepted);
            assert!(
                accepted * 10 >= least * worlds,
                "{command} was accepted only {accepted} times"
            );
        }
        for refusal in REFUSALS {
            assert!(
                self.refusals.contains_key(refusal),
                "{refusal} was never met"
            );
        }
        for kind in paydesk_core::event::EventKind::ALL {
            let name = kind.name();
            // Nothing is delivered here, so no endpoint ever fails; and customers have no commands here.
            if name.starts_with("webhookEndpoint.") || name.starts_with("customer.") {
                continue;
            }
            assert!(self.events.contains_key(name), "{name} was never told");
        }
        assert!(
            self.conflicts >= worlds,
            "nobody was ever faster than anybody"
        );
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  {:<10} accepted     idle  refused", "command")?;
        for (command, tally) in &self.tallies {
            let Tally {
                accepted,
                idle,
                refused,
            } = tally;
            writeln!(f, "  {command:<10} {accepted:>8} {idle:>8} {refused:>8}")?;
        }
        writeln!(f, "  decided again after a conflict: {}", self.conflicts)?;
        writeln!(f, "  refusals: {:?}", self.refusals)?;
        write!(f, "  events: {:?}", self.events)
    }
}

//! The test cards, and what happens to each.

use paydesk_core::transaction::DeclineReason;
use serde::{Deserialize, Serialize};

/// How the sandbox treats a card. A stored card keeps this name and never its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Behaviour {
    /// Succeeds.
    Succeeds,
    /// Declined, for this reason.
    Declines(DeclineReason),
    /// The payer's bank asks the payer first. Charged later, without the payer, it succeeds.
    Challenges,
    /// Cannot be processed.
    Fails,
    /// Succeeds with the payer there, and can be stored; fails when it is charged later.
    FailsWhenChargedLater,
    /// Charged, but the answer is lost.
    LosesTheAnswer,
}

/// The brand of every test card: all begin with a four.
pub(super) const BRAND: &str = "visa";

const CARDS: [(&str, Behaviour); 9] = [
    ("4242424242424242", Behaviour::Succeeds),
    (
        "4000000000000002",
        Behaviour::Declines(DeclineReason::Declined),
    ),
    (
        "4000000000009995",
        Behaviour::Declines(DeclineReason::InsufficientFunds),
    ),
    (
        "4000000000000069",
        Behaviour::Declines(DeclineReason::ExpiredCard),
    ),
    (
        "4000000000000127",
        Behaviour::Declines(DeclineReason::IncorrectCvc),
    ),
    ("4000000000003220", Behaviour::Challenges),
    ("4000000000000119", Behaviour::Fails),
    ("4000000000000341", Behaviour::FailsWhenChargedLater),
    ("4000000000005126", Behaviour::LosesTheAnswer),
];

pub(super) fn behaviour(number: &str) -> Option<Behaviour> {
    CARDS
        .iter()
        .find_map(|(card, behaviour)| (*card == number).then_some(*behaviour))
}

/// Whether the number, digits only, is one of the sandbox's test cards: the only ones that test mode takes, so
/// that nobody's real card ends up in it.
#[must_use]
pub fn is_test_card(number: &str) -> bool {
    behaviour(number).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_card_has_the_form_of_a_card_and_no_other_number_is_one() {
        for (number, _) in CARDS {
            let luhn: u32 = number
                .bytes()
                .rev()
                .enumerate()
                .map(|(place, digit)| u32::from(digit - b'0') << (place % 2))
                .map(|doubled| doubled / 10 + doubled % 10)
                .sum();
            assert!(luhn.is_multiple_of(10), "{number}");
            assert!(is_test_card(number));
        }
        for number in [
            "4111111111111111",
            "4242 4242 4242 4242",
            "424242424242424",
            "",
        ] {
            assert!(!is_test_card(number), "{number}");
        }
    }
}

//! The sandbox's tax: one rate for everything, so that a test sees it.

use paydesk_core::money::Money;

/// In percent.
const RATE: i64 = 10;

/// Ten percent, rounded half up to the currency's smallest unit.
pub(super) fn of(amount: Money) -> Money {
    // An amount has at most fifteen digits: ten times as much is far from overflowing, and a tenth is in bounds.
    let tax = (amount.minor() * RATE + 50) / 100;
    Money::from_minor(tax, amount.currency()).unwrap_or_else(|_| Money::zero(amount.currency()))
}

#[cfg(test)]
mod tests {
    use paydesk_core::money::{Currency, MAX_MINOR};

    use super::*;

    #[test]
    fn the_tax_is_a_tenth_rounded_half_up() {
        let usd = Currency::from_code("USD").unwrap();
        for (amount, tax) in [
            (0, 0),
            (4, 0),
            (5, 1),
            (100, 10),
            (105, 11),
            (104, 10),
            (MAX_MINOR, 100_000_000_000_000),
        ] {
            let amount = Money::from_minor(amount, usd).unwrap();
            assert_eq!(of(amount).minor(), tax, "{amount}");
        }
    }
}

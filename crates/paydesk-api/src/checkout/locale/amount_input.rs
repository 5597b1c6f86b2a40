//! Amounts as payers type them: with their language's separators and digits, or plainly. What could mean two
//! amounts is no amount: nothing is guessed.

use paydesk_core::money::{AmountError, Currency, Money};

use super::Language;
use super::money::Numbers;

/// Reads what a payer typed as an amount in major units.
pub fn read_amount(
    typed: &str,
    currency: Currency,
    language: Language,
) -> Result<Money, AmountError> {
    let plain: String = typed
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(ascii_digit)
        .collect();
    let numbers = Numbers::of(language);
    let (whole, fraction) = match plain.split_once(numbers.decimal) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => match plain.split_once('.') {
            // A point where the language writes a comma: a decimal point, unless it could group thousands.
            Some((whole, fraction)) if fraction.len() != 3 || numbers.group != '.' => {
                (whole, Some(fraction))
            }
            _ => (plain.as_str(), None),
        },
    };
    let whole = ungrouped(whole, &numbers).ok_or(AmountError::NotANumber)?;
    let text = match fraction {
        Some(fraction) => format!("{whole}.{fraction}"),
        None => whole,
    };
    Money::from_major(&text, currency)
}

/// The whole part without its group separators, if they stand where the language puts them. Groups that are
/// spaced are not seen here: spaces are gone.
fn ungrouped(whole: &str, numbers: &Numbers) -> Option<String> {
    let mut groups = whole.split(numbers.group);
    let first = groups.next()?;
    let rest: Vec<&str> = groups.collect();
    let Some((last, middle)) = rest.split_last() else {
        return Some(whole.to_owned());
    };
    let inner = if numbers.by_twos { 2 } else { 3 };
    let right = (1..=inner.max(3)).contains(&first.len())
        && middle.iter().all(|group| group.len() == inner)
        && last.len() == 3;
    right.then(|| whole.replace(numbers.group, ""))
}

/// Keyboards of some languages write their own digits.
fn ascii_digit(c: char) -> char {
    let zero = match c {
        '٠'..='٩' => '٠',
        '۰'..='۹' => '۰',
        '०'..='९' => '०',
        '๐'..='๙' => '๐',
        '0'..='9' => '0',
        '٫' => return '.',
        _ => return c,
    };
    char::from_digit(u32::from(c) - u32::from(zero), 10).unwrap_or(c)
}

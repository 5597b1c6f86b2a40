//! Money: whole minor units of one currency. Read exactly or refused, never rounded.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An ISO 4217 currency that has minor units (0 to 4 decimals).
///
/// Codes without them (gold, test codes and the like) are not currencies that a payer can pay in.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency {
    iso: iso_currency::Currency,
    exponent: u8,
}

impl Currency {
    /// The currency of a three-letter code, in capitals as ISO 4217 writes it.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let iso = iso_currency::Currency::from_code(code)?;
        let exponent = u8::try_from(iso.exponent()?).ok()?;
        (exponent <= 4).then_some(Self { iso, exponent })
    }

    /// The three-letter code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.iso.code()
    }

    /// How many decimals its amounts have: JPY 0, USD 2, KWD 3.
    #[must_use]
    pub fn exponent(self) -> u8 {
        self.exponent
    }

    /// The three-digit code, as EMVCo QR codes write it in field 53.
    #[must_use]
    pub fn numeric(self) -> u16 {
        self.iso.numeric()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
impl FromStr for Currency {
    type Err = UnknownCurrency;
    fn from_str(code: &str) -> Result<Self, Self::Err> {
        Self::from_code(code).ok_or(UnknownCurrency)
    }
}
impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}
impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        code.parse().map_err(serde::de::Error::custom)
    }
}

/// Not a code of ISO 4217 with minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an ISO 4217 currency code such as SGD or USD")]
pub struct UnknownCurrency;

/// An amount of one currency, in minor units, never negative.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

/// The largest amount: fifteen digits, so that every amount survives a client that reads JSON
/// numbers as doubles.
pub const MAX_MINOR: i64 = 999_999_999_999_999;

/// Why a text is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not a decimal number.
    #[error("is not a decimal number such as 35 or 35.50")]
    NotANumber,
    /// Below zero.
    #[error("is negative; an amount is more than zero")]
    Negative,
    /// Zero, where something is to be paid.
    #[error("is zero; an amount is more than zero")]
    Zero,
    /// More decimals than the currency has.
    #[error("has more decimals than {currency} allows ({})", currency.exponent())]
    TooManyDecimals {
        /// The currency it was read in.
        currency: Currency,
    },
    /// Above [`MAX_MINOR`].
    #[error("is too large; an amount has at most 15 digits, decimals included")]
    TooLarge,
}

impl Money {
    /// So many minor units; zero is allowed.
    pub fn from_minor(minor: i64, currency: Currency) -> Result<Self, AmountError> {
        match minor {
            ..0 => Err(AmountError::Negative),
            0..=MAX_MINOR => Ok(Self { minor, currency }),
            _ => Err(AmountError::TooLarge),
        }
    }

    /// Nothing, in this currency.
    #[must_use]
    pub fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// Reads an amount in **major** units exactly: `35`, `35.5`, `0.05`, and JSON's exponents (`3.5e1`).
    ///
    /// Digits beyond the currency's decimals are refused even when they are zeros: what looks like another
    /// currency's amount probably is one.
    pub fn from_major(text: &str, currency: Currency) -> Result<Self, AmountError> {
        if let Some(rest) = text.strip_prefix('-') {
            return Self::from_major(rest, currency).and(Err(AmountError::Negative));
        }
        let (mantissa, shift) = match text.find(['e', 'E']) {
            None => (text, 0),
            Some(at) => {
                let (mantissa, exponent) = text.split_at(at);
                (mantissa, read_exponent(&exponent[1..])?)
            }
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
        let decimals = if mantissa.contains('.') {
            fraction.len()
        } else {
            0
        };
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || (whole.len() > 1 && whole.starts_with('0')) {
            return Err(AmountError::NotANumber);
        }
        let decimals = i64::try_from(decimals).map_err(|_| AmountError::TooLarge)? - shift;
        if decimals > i64::from(currency.exponent) {
            return Err(AmountError::TooManyDecimals { currency });
        }
        let used = if mantissa.contains('.') { fraction } else { "" };
        let mut minor: i64 = 0;
        for digit in whole.bytes().chain(used.bytes()) {
            minor = minor
                .checked_mul(10)
                .and_then(|m| m.checked_add(i64::from(digit - b'0')))
                .filter(|m| *m <= MAX_MINOR)
                .ok_or(AmountError::TooLarge)?;
        }
        for _ in 0..(i64::from(currency.exponent) - decimals) {
            if minor == 0 {
                break;
            }
            minor = minor
                .checked_mul(10)
                .filter(|m| *m <= MAX_MINOR)
                .ok_or(AmountError::TooLarge)?;
        }
        Ok(Self { minor, currency })
    }

    /// The same, if it is more than zero: what a charge needs.
    pub fn positive(self) -> Result<Self, AmountError> {
        if self.minor == 0 {
            Err(AmountError::Zero)
        } else {
            Ok(self)
        }
    }

    /// Minor units: cents of a dollar, whole yen.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// Its currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// The sum; nothing where the currencies differ or the sum is out of bounds.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        if self.currency != other.currency {
            return None;
        }
        Self::from_minor(self.minor.checked_add(other.minor)?, self.currency).ok()
    }

    /// The difference; nothing where the currencies differ or `other` is more.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        if self.currency != other.currency {
            return None;
        }
        Self::from_minor(self.minor.checked_sub(other.minor)?, self.currency).ok()
    }

    /// So many times as much; nothing if that is out of bounds.
    #[must_use]
    pub fn checked_times(self, times: u32) -> Option<Self> {
        Self::from_minor(self.minor.checked_mul(i64::from(times))?, self.currency).ok()
    }

    /// In major units with all the currency's decimals: `35.00`, `450`, `1.250`.
    #[must_use]
    pub fn to_major(self) -> String {
        match self.currency.exponent {
            0 => self.minor.to_string(),
            exponent => {
                let unit = 10_i64.pow(u32::from(exponent));
                format!(
                    "{}.{:0width$}",
                    self.minor / unit,
                    self.minor % unit,
                    width = usize::from(exponent)
                )
            }
        }
    }

    /// In major units as JSON and JavaScript write the number: `35`, `35.5`, `1.25`.
    #[must_use]
    pub fn to_major_number(self) -> String {
        let mut text = self.to_major();
        if self.currency.exponent > 0 {
            text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
        }
        text
    }
}

/// A JSON exponent. Anything beyond four digits shifts every amount out of bounds anyway.
fn read_exponent(text: &str) -> Result<i64, AmountError> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(AmountError::NotANumber);
    }
    let significant = digits.trim_start_matches('0');
    if significant.len() > 4 {
        return Ok(sign * 10_000);
    }
    significant
        .parse::<i64>()
        .map_or(Ok(0), |value| Ok(sign * value))
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.currency, self.to_major())
    }
}
impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(code: &str) -> Currency {
        Currency::from_code(code).unwrap()
    }

    fn read(text: &str, code: &str) -> Result<i64, AmountError> {
        Money::from_major(text, currency(code)).map(Money::minor)
    }

    #[test]
    fn currencies_know_their_decimals() {
        for (code, exponent) in [
            ("JPY", 0),
            ("XOF", 0),
            ("USD", 2),
            ("GMD", 2),
            ("KWD", 3),
            ("CLF", 4),
        ] {
            assert_eq!(currency(code).exponent(), exponent, "{code}");
        }
        for code in ["sgd", "SG", "SGDX", "", "XAU", "XXX", "XTS", "ABC"] {
            assert_eq!(Currency::from_code(code), None, "{code}");
        }
    }

    #[test]
    fn amounts_are_read_exactly() {
        for (text, code, minor) in [
            ("35", "SGD", 3500),
            ("35.5", "SGD", 3550),
            ("35.55", "SGD", 3555),
            ("0.05", "SGD", 5),
            ("450", "JPY", 450),
            ("1.250", "KWD", 1250),
            ("3.5e1", "SGD", 3500),
            ("35E0", "SGD", 3500),
            ("3555e-2", "SGD", 3555),
            ("1e3", "JPY", 1000),
            ("0", "SGD", 0),
            ("0e9999", "SGD", 0),
            ("9999999999999.99", "SGD", MAX_MINOR),
        ] {
            assert_eq!(read(text, code), Ok(minor), "{text} {code}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused_with_its_reason() {
        use AmountError::{Negative, NotANumber, TooLarge};
        let decimals = |code| AmountError::TooManyDecimals {
            currency: currency(code),
        };
        for (text, code, error) in [
            ("35.555", "SGD", decimals("SGD")),
            ("35.000", "SGD", decimals("SGD")),
            ("1.0", "JPY", decimals("JPY")),
            ("1e-3", "SGD", decimals("SGD")),
            ("-1", "SGD", Negative),
            ("", "SGD", NotANumber),
            ("NaN", "SGD", NotANumber),
            ("Infinity", "SGD", NotANumber),
            (" 35", "SGD", NotANumber),
            ("+35", "SGD", NotANumber),
            ("35,5", "SGD", NotANumber),
            ("35.", "SGD", NotANumber),
            (".5", "SGD", NotANumber),
            ("1.2.3", "SGD", NotANumber),
            ("0x10", "SGD", NotANumber),
            ("007", "SGD", NotANumber),
            ("--1", "SGD", NotANumber),
            ("1e", "SGD", NotANumber),
            ("٣٥", "SGD", NotANumber),
            ("1e400", "SGD", TooLarge),
            ("1e99999999999999999999", "SGD", TooLarge),
            ("10000000000000", "SGD", TooLarge),
            ("1234567890123456789012345678901234567890", "SGD", TooLarge),
        ] {
            match (read(text, code), error) {
                // "--1" is negative of something that is no number: either name is right.
                (Err(got), want) => assert!(got == want || text == "--1", "{text} {code}: {got:?}"),
                (Ok(minor), _) => panic!("{text} {code} was read as {minor}"),
            }
        }
        assert_eq!(
            Money::from_major("0", currency("SGD")).and_then(Money::positive),
            Err(AmountError::Zero)
        );
    }

    #[test]
    fn sums_refuse_to_overflow_or_to_mix_currencies() {
        let (sgd, usd) = (currency("SGD"), currency("USD"));
        let most = Money::from_minor(MAX_MINOR, sgd).unwrap();
        let one = Money::from_minor(1, sgd).unwrap();
        assert_eq!(most.checked_add(one), None);
        assert_eq!(one.checked_sub(most), None);
        assert_eq!(one.checked_add(Money::from_minor(1, usd).unwrap()), None);
    }

    proptest! {
        #[test]
        fn every_amount_is_written_as_it_is_read(
            minor in 0..=MAX_MINOR,
            code in prop::sample::select(vec!["JPY", "USD", "KWD", "CLF"]),
        ) {
            let money = Money::from_minor(minor, currency(code)).unwrap();
            prop_assert_eq!(Money::from_major(&money.to_major(), currency(code)), Ok(money));
            prop_assert_eq!(Money::from_major(&money.to_major_number(), currency(code)), Ok(money));
            // A client that reads the JSON number as a double writes the same digits back.
            let double: f64 = money.to_major_number().parse().unwrap();
            prop_assert_eq!(double.to_string(), money.to_major_number());
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,50}") {
            let _ = Money::from_major(&text, currency("SGD"));
        }
    }
}

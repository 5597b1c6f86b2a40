//! Exchange rates: what a payer pays who pays in another currency than the merchant asks in.
//!
//! All arithmetic is exact, on integers; only the very last step rounds, half up, to the currency's own unit.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::method::Method;
use crate::money::{AmountError, Currency, Money};

/// The most digits that a rate has, before and after its point together. Markets quote six.
const MOST_DIGITS: usize = 12;

/// How many units of one currency a unit of another is worth, such as 3.4: a positive decimal number, exactly.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    /// Without its point, and without zeros at its end if it has one.
    digits: u64,
    /// How many of them are after the point.
    decimals: u32,
}

/// Not a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not a rate: a decimal number above zero with at most {MOST_DIGITS} digits, such as 3.4125"
)]
pub struct InvalidRate;

impl Rate {
    /// What a payer pays who is asked for `money` and pays in `currency`: rounded half up. It may come to nothing.
    pub fn convert(self, money: Money, currency: Currency) -> Result<Money, AmountError> {
        let times = u128::from(self.digits) * power(currency.exponent().into());
        let by = power(self.decimals) * power(money.currency().exponent().into());
        scaled(money, times, by, currency)
    }

    /// The other way round: what `money` that a payer paid is worth in the `currency` that was asked for, rounded
    /// half up.
    pub fn convert_back(self, money: Money, currency: Currency) -> Result<Money, AmountError> {
        let times = power(self.decimals) * power(currency.exponent().into());
        let by = u128::from(self.digits) * power(money.currency().exponent().into());
        scaled(money, times, by, currency)
    }
}

/// `money` × `times` ÷ `by`, rounded half up. Nothing overflows: an amount has at most 15 digits, a factor at most 12
/// of the rate and 4 of a currency, and a `u128` has room for 38.
fn scaled(money: Money, times: u128, by: u128, currency: Currency) -> Result<Money, AmountError> {
    let product = u128::from(money.minor().unsigned_abs()) * times;
    let rounded = (2 * product + by) / (2 * by);
    let minor = i64::try_from(rounded).map_err(|_| AmountError::TooLarge)?;
    Money::from_minor(minor, currency)
}

const fn power(exponent: u32) -> u128 {
    10_u128.pow(exponent)
}

impl FromStr for Rate {
    type Err = InvalidRate;
    fn from_str(text: &str) -> Result<Self, InvalidRate> {
        let (whole, fraction) = match text.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return Err(InvalidRate),
            None => (text, ""),
        };
        let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty()
            || (whole.len() > 1 && whole.starts_with('0'))
            || whole.len() + fraction.len() > MOST_DIGITS
            || !are_digits(whole)
            || !are_digits(fraction)
        {
            return Err(InvalidRate);
        }
        let fraction = fraction.trim_end_matches('0');
        let digits: u64 = format!("{whole}{fraction}")
            .parse()
            .map_err(|_| InvalidRate)?;
        let decimals = u32::try_from(fraction.len()).map_err(|_| InvalidRate)?;
        if digits == 0 {
            return Err(InvalidRate);
        }
        Ok(Self { digits, decimals })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.decimals == 0 {
            return write!(f, "{}", self.digits);
        }
        let one = 10_u64.pow(self.decimals);
        let width = self.decimals as usize;
        write!(f, "{}.{:0width$}", self.digits / one, self.digits % one)
    }
}
impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A payment in another currency than the merchant asks in. Its transaction's amounts (asked for, received, refunded)
/// are all in the payer's currency, in which the money moves; this says what that was made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Exchange {
    /// What the merchant asks for, in the session's currency. Of money that came late: what it is worth at the rate.
    pub merchant_amount: Money,
    /// What one unit of the merchant's currency was worth in the payer's when the payment began.
    pub rate: Rate,
}

impl Exchange {
    /// The same rate, for another amount that was paid. Nothing if its worth is out of all bounds.
    #[must_use]
    pub fn of_paid(self, paid: Money) -> Option<Self> {
        let currency = self.merchant_amount.currency();
        let merchant_amount = self.rate.convert_back(paid, currency).ok()?;
        Some(Self {
            merchant_amount,
            ..self
        })
    }
}

/// The rates that are configured, each from the merchant's currency to a payer's. None is made up: there is no way
/// round through a third currency, and no way back.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Rates(HashMap<(Currency, Currency), Rate>);

/// Why a list of rates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RatesError {
    /// It is not the JSON that is expected.
    #[error(
        "it is not a JSON list of {{\"from\": \"SGD\", \"to\": \"MYR\", \"rate\": \"3.4125\"}}: {0}"
    )]
    Json(#[from] serde_json::Error),
    /// A rate from a currency to itself.
    #[error("[{index}]: from and to are both {currency}; a rate is between two currencies")]
    Same {
        /// Which of the list.
        index: usize,
        /// The currency.
        currency: Currency,
    },
    /// Two rates for the same pair.
    #[error("[{index}]: the rate from {from} to {to} is given twice")]
    Twice {
        /// Which of the list, the second time.
        index: usize,
        /// The merchant's currency.
        from: Currency,
        /// The payer's.
        to: Currency,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Quote {
    from: Currency,
    to: Currency,
    rate: Rate,
}

impl Rates {
    /// The fixed rates of test mode.
    #[must_use]
    pub fn test() -> Self {
        let quotes = [("SGD", "MYR", "3.4"), ("SGD", "HKD", "5.8")];
        let read = quotes.into_iter().filter_map(|(from, to, rate)| {
            let pair = (Currency::from_code(from)?, Currency::from_code(to)?);
            Some((pair, rate.parse().ok()?))
        });
        Self(read.collect())
    }

    /// Reads `[{"from": "SGD", "to": "MYR", "rate": "3.4125"}, …]`. A rate is a text, so that nobody makes a float of
    /// it on the way.
    pub fn from_json(json: &str) -> Result<Self, RatesError> {
        let mut rates = HashMap::new();
        for (index, quote) in serde_json::from_str::<Vec<Quote>>(json)?
            .into_iter()
            .enumerate()
        {
            let Quote { from, to, rate } = quote;
            if from == to {
                let currency = from;
                return Err(RatesError::Same { index, currency });
            }
            if rates.insert((from, to), rate).is_some() {
                return Err(RatesError::Twice { index, from, to });
            }
        }
        Ok(Self(rates))
    }

    /// The rate from the merchant's currency to a payer's, if one is configured.
    #[must_use]
    pub fn get(&self, from: Currency, to: Currency) -> Option<Rate> {
        self.0.get(&(from, to)).copied()
    }

    /// What a payer pays in the method's own currency who is asked for `asked` in another, and at which rate. Nothing
    /// if there is no rate between the two. Refused: an amount that comes to nothing, or to more than there can be.
    pub fn exchange(
        &self,
        asked: Money,
        method: Method,
    ) -> Result<Option<(Money, Exchange)>, AmountError> {
        let currency = method.currency_code().and_then(Currency::from_code);
        let Some((currency, rate)) =
            currency.and_then(|currency| Some((currency, self.get(asked.currency(), currency)?)))
        else {
            return Ok(None);
        };
        let amount = rate.convert(asked, currency)?.positive()?;
        let merchant_amount = asked;
        Ok(Some((
            amount,
            Exchange {
                merchant_amount,
                rate,
            },
        )))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::money::MAX_MINOR;

    fn currency(code: &str) -> Currency {
        Currency::from_code(code).unwrap()
    }

    fn money(minor: i64, code: &str) -> Money {
        Money::from_minor(minor, currency(code)).unwrap()
    }

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    #[test]
    fn amounts_are_converted_exactly_and_rounded_half_up() {
        for (minor, from, at, to, expected) in [
            (3_500, "SGD", "3.4", "MYR", 11_900),
            (3_500, "SGD", "5.8", "HKD", 20_300),
            // 0.05 × 3.1 = 0.155, half a cent.
            (5, "SGD", "3.1", "MYR", 16),
            (5, "SGD", "3.09", "MYR", 15),
            (5, "SGD", "3.11", "MYR", 16),
            // No decimals: 10.50 × 1.000 = 10.5 won.
            (1_050, "SGD", "1", "KRW", 11),
            (1_049, "SGD", "1", "KRW", 10),
            (1_050, "SGD", "1060.5", "KRW", 11_135),
            (450, "JPY", "0.0091", "SGD", 410),
            (1, "JPY", "0.0049", "SGD", 0),
            (1, "JPY", "0.005", "SGD", 1),
            // Three decimals on either side.
            (1, "SGD", "0.25", "KWD", 3),
            (1_250, "KWD", "4.2", "SGD", 525),
            (1, "KWD", "5", "SGD", 1),
            (1, "KWD", "4.99", "SGD", 0),
            // Four.
            (1, "SGD", "0.01", "CLF", 1),
        ] {
            let converted = rate(at).convert(money(minor, from), currency(to));
            assert_eq!(converted, Ok(money(expected, to)), "{minor} {from} at {at}");
        }
    }

    #[test]
    fn what_is_out_of_bounds_is_refused_and_does_not_overflow() {
        let most = money(MAX_MINOR, "JPY");
        for (at, to) in [("999999999999", "CLF"), ("1.00001", "KRW"), ("1", "SGD")] {
            let converted = rate(at).convert(most, currency(to));
            assert_eq!(converted, Err(AmountError::TooLarge), "{at} {to}");
        }
        let back = rate("0.00000000001").convert_back(money(MAX_MINOR, "CLF"), currency("KWD"));
        assert_eq!(back, Err(AmountError::TooLarge));
    }

    #[test]
    fn a_rate_is_a_positive_decimal_number() {
        for (text, written) in [
            ("3.4125", "3.4125"),
            ("3.40", "3.4"),
            ("5", "5"),
            ("5.000", "5"),
            ("0.0091", "0.0091"),
            ("1060.5", "1060.5"),
            ("100", "100"),
            ("0.00000000001", "0.00000000001"),
        ] {
            assert_eq!(rate(text).to_string(), written);
        }
        assert_eq!(rate("3.40"), rate("3.4"));
        for wrong in [
            "",
            "0",
            "0.000",
            "-1",
            "+1",
            "1.",
            ".5",
            "01",
            "1e3",
            "1,5",
            " 1",
            "NaN",
            "٣",
            "1.2.3",
            "1234567890123",
            "0.000000000001",
        ] {
            assert_eq!(wrong.parse::<Rate>(), Err(InvalidRate), "{wrong:?}");
        }
    }

    #[test]
    fn the_rates_of_test_mode_are_all_read() {
        let rates = Rates::test();
        for (to, at) in [("MYR", "3.4"), ("HKD", "5.8")] {
            let found = rates.get(currency("SGD"), currency(to));
            assert_eq!(found, Some(rate(at)));
        }
        assert_eq!(rates.len(), 2);
        let back = rates.get(currency("MYR"), currency("SGD"));
        assert_eq!(back, None, "no way back is made up");
    }

    #[test]
    fn a_list_with_anything_wrong_is_refused_as_a_whole() {
        let good = r#"[{"from": "SGD", "to": "MYR", "rate": "3.4125"},
                       {"from": "MYR", "to": "SGD", "rate": "0.293"}]"#;
        let rates = Rates::from_json(good).unwrap();
        assert_eq!(rates.len(), 2);
        assert!(Rates::from_json("[]").unwrap().is_empty());
        for (wrong, says) in [
            ("{}", "JSON list"),
            (r#"[{"from": "SGD", "to": "MYR"}]"#, "rate"),
            (
                r#"[{"from": "SGD", "to": "MYR", "rate": "0"}]"#,
                "above zero",
            ),
            (r#"[{"from": "SGD", "to": "MYR", "rate": 3.4}]"#, "string"),
            (r#"[{"from": "SGD", "to": "XXX", "rate": "1"}]"#, "ISO 4217"),
            (
                r#"[{"from": "SGD", "to": "MYR", "rate": "1", "until": "2030"}]"#,
                "until",
            ),
            (r#"[{"from": "SGD", "to": "SGD", "rate": "1"}]"#, "both SGD"),
            (
                r#"[{"from": "SGD", "to": "MYR", "rate": "1"}, {"from": "SGD", "to": "MYR", "rate": "2"}]"#,
                "[1]: the rate from SGD to MYR is given twice",
            ),
        ] {
            let error = Rates::from_json(wrong).unwrap_err().to_string();
            assert!(error.contains(says), "{wrong}: {error}");
        }
    }

    /// Currencies of every number of decimals.
    fn any_currency() -> impl Strategy<Value = Currency> {
        prop::sample::select(vec!["JPY", "KRW", "SGD", "MYR", "KWD", "BHD", "CLF"])
            .prop_map(|code| Currency::from_code(code).unwrap())
    }

    /// Rates of every size, in tenths of a thousandth.
    fn any_rate() -> impl Strategy<Value = Rate> {
        (1_u64..=99_999_999, 0_usize..=8).prop_map(|(digits, decimals)| {
            let mut text = format!("{digits:09}");
            text.insert(9 - decimals, '.');
            let text = text.trim_start_matches('0').trim_end_matches('.');
            let text = if text.starts_with('.') {
                format!("0{text}")
            } else {
                text.to_owned()
            };
            text.parse().unwrap()
        })
    }

    proptest! {
        /// The one amount `m` for which m − ½ ≤ exact < m + ½ in the payer's smallest unit, said without a division.
        #[test]
        fn what_a_payer_pays_is_the_exact_amount_rounded_half_up(
            minor in 1..=9_999_999_999_i64,
            from in any_currency(),
            to in any_currency(),
            rate in any_rate(),
        ) {
            let asked = Money::from_minor(minor, from).unwrap();
            match rate.convert(asked, to) {
                Err(error) => {
                    prop_assert_eq!(error, AmountError::TooLarge);
                    let most = u128::from(MAX_MINOR.unsigned_abs()) + 1;
                    let exact = u128::from(minor.unsigned_abs()) * u128::from(rate.digits) * power(to.exponent().into());
                    prop_assert!(2 * exact + power(rate.decimals + u32::from(from.exponent()))
                        >= 2 * most * power(rate.decimals + u32::from(from.exponent())));
                }
                Ok(paid) => {
                    let paid = i128::from(paid.minor());
                    // Twice everything, over the common denominator.
                    let denominator = 10_i128.pow(rate.decimals + u32::from(from.exponent()));
                    let exact = 2 * i128::from(minor) * i128::from(rate.digits) * 10_i128.pow(to.exponent().into());
                    prop_assert!((2 * paid - 1) * denominator <= exact);
                    prop_assert!(exact < (2 * paid + 1) * denominator);
                }
            }
        }

        /// Asking for more never makes a payer pay less.
        #[test]
        fn more_asked_is_never_less_paid(
            minor in 1..=9_999_999_i64,
            more in 0..=9_999_999_i64,
            from in any_currency(),
            to in any_currency(),
            rate in any_rate(),
        ) {
            let convert = |minor| rate.convert(Money::from_minor(minor, from).unwrap(), to).map(Money::minor);
            if let (Ok(less), Ok(greater)) = (convert(minor), convert(minor + more)) {
                prop_assert!(less <= greater);
            }
        }

        /// What was paid is worth what was asked for, within what rounding to the payer's unit can make.
        #[test]
        fn there_and_back_differs_by_no_more_than_the_rounding(
            minor in 1..=9_999_999_i64,
            from in any_currency(),
            to in any_currency(),
            rate in any_rate(),
        ) {
            let asked = Money::from_minor(minor, from).unwrap();
            if let Ok(paid) = rate.convert(asked, to)
                && let Ok(back) = rate.convert_back(paid, from)
            {
                // Half a unit of the payer's, as much as it is worth, and half a unit of the merchant's.
                let by = i128::from(rate.digits) * 10_i128.pow(to.exponent().into());
                let unit = 10_i128.pow(rate.decimals + u32::from(from.exponent()));
                let off = i128::from((back.minor() - minor).abs());
                prop_assert!(2 * off * by <= unit + by, "{asked} → {paid} → {back} at {rate}");
            }
        }

        #[test]
        fn every_rate_is_written_as_it_is_read(rate in any_rate()) {
            prop_assert_eq!(rate.to_string().parse(), Ok(rate));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,30}") {
            let _ = text.parse::<Rate>();
            let _ = Rates::from_json(&text);
        }
    }
}

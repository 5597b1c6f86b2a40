//! The schema's own scalars.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use paydesk_core::money::Money;
use paydesk_core::time::Timestamp;

/// A whole number: minor units. Out as a string in canonical form, in as a string or an integer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BigInt(pub i64);

/// `BigInt` represents whole numbers, as amounts in minor units.
#[Scalar]
impl ScalarType for BigInt {
    fn parse(value: Value) -> InputValueResult<Self> {
        let number = match &value {
            Value::Number(number) => number.as_i64(),
            // Only the form that it is written back in: no plus sign, no zeros in front, no exponent.
            Value::String(text) => text
                .parse::<i64>()
                .ok()
                .filter(|number| number.to_string() == *text),
            _ => None,
        };
        number.map(Self).ok_or_else(|| {
            InputValueError::custom("is not a whole number, as an integer or a string of digits")
        })
    }

    fn is_valid(value: &Value) -> bool {
        Self::parse(value.clone()).is_ok()
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

impl From<Money> for BigInt {
    fn from(money: Money) -> Self {
        Self(money.minor())
    }
}

/// A point in time. Not our own [`Timestamp`]: people were born before 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DateTimeIso(pub jiff::Timestamp);

/// A point in time, ISO 8601 in UTC with milliseconds.
#[Scalar(name = "DateTimeISO")]
impl ScalarType for DateTimeIso {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => text.parse().ok(),
            _ => None,
        }
        .map(Self)
        .ok_or_else(|| {
            InputValueError::custom("is not an ISO 8601 time such as 2022-06-20T09:42:10.906Z")
        })
    }

    fn is_valid(value: &Value) -> bool {
        Self::parse(value.clone()).is_ok()
    }

    fn to_value(&self) -> Value {
        Value::String(format!("{:.3}", self.0))
    }
}

impl From<Timestamp> for DateTimeIso {
    fn from(at: Timestamp) -> Self {
        // Our own times are all within what the library can hold.
        Self(jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default())
    }
}

impl DateTimeIso {
    /// The nearest time of ours.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_millis(self.0.as_millisecond())
    }
}

/// A place in a list; only this server knows what it says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cursor(pub String);

/// A place in a list.
#[Scalar(name = "ConnectionCursor")]
impl ScalarType for Cursor {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(Self(text)),
            other => Err(InputValueError::expected_type(other)),
        }
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(_))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_in_one_form_only() {
        let read = |json: &str| {
            let value = Value::from_json(serde_json::from_str(json).unwrap()).unwrap();
            BigInt::parse(value).map(|number| number.0).ok()
        };
        assert_eq!(read("10000"), Some(10_000));
        assert_eq!(read("\"10000\""), Some(10_000));
        assert_eq!(read("\"-1\""), Some(-1));
        for wrong in [
            "1.5",
            "1e3",
            "\"1.5\"",
            "\"+1\"",
            "\"01\"",
            "\" 1\"",
            "\"\"",
            "true",
            "null",
            "[1]",
            "\"9223372036854775808\"",
            "9223372036854775808",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_time_is_written_in_utc_with_milliseconds() {
        let at = DateTimeIso::parse(Value::from("1955-11-05T06:00:00+01:00")).unwrap();
        assert_eq!(at.to_value(), Value::from("1955-11-05T05:00:00.000Z"));
    }
}

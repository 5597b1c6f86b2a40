//! JSON as JavaScript writes it: `JSON.stringify(JSON.parse(text)) === text` holds for every text written here.
//!
//! The published client checks a notification's signature over the body as it came, or over what it makes of the
//! parsed body. Both must be the same bytes: numbers in JavaScript's own notation (`450`, `1e+21`), and keys that are
//! array indices first and by size, for that is the order in which JavaScript lists an object's keys. So a merchant's
//! data, which every answer repeats digit by digit, is told here as JavaScript would read it.

use std::collections::HashMap;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// The largest key that is an array index.
const LAST_INDEX: u32 = u32::MAX - 1;

/// Writes a JSON text anew, as JavaScript would that had read it: numbers with the digits of a double, of two entries
/// with one key the last, in the place of the first.
pub fn rewrite(json: &str) -> serde_json::Result<String> {
    let mut text = String::with_capacity(json.len());
    write(serde_json::from_str(json)?, &mut text)?;
    Ok(text)
}

fn write(value: &RawValue, text: &mut String) -> serde_json::Result<()> {
    let json = value.get();
    match json.as_bytes().first() {
        Some(b'{') => object(serde_json::from_str(json)?, text)?,
        Some(b'[') => array(&serde_json::from_str::<Vec<&RawValue>>(json)?, text)?,
        Some(b'"') => string(&serde_json::from_str::<String>(json)?, text),
        Some(b'-' | b'0'..=b'9') => text.push_str(&number(json)),
        // true, false, null
        _ => text.push_str(json),
    }
    Ok(())
}

fn array(items: &[&RawValue], text: &mut String) -> serde_json::Result<()> {
    text.push('[');
    for (n, item) in items.iter().enumerate() {
        if n > 0 {
            text.push(',');
        }
        write(item, text)?;
    }
    text.push(']');
    Ok(())
}

fn object(Fields(fields): Fields<'_>, text: &mut String) -> serde_json::Result<()> {
    let mut ordered: Vec<_> = fields
        .into_iter()
        .map(|(key, value)| (array_index(&key), key, value))
        .collect();
    // Stable: the others keep their order.
    ordered.sort_by_key(|(index, ..)| (index.is_none(), *index));
    text.push('{');
    for (n, (_, key, value)) in ordered.into_iter().enumerate() {
        if n > 0 {
            text.push(',');
        }
        string(&key, text);
        text.push(':');
        write(value, text)?;
    }
    text.push('}');
    Ok(())
}

/// The fields of an object, each key once, in the order in which JavaScript comes to know them.
struct Fields<'j>(Vec<(String, &'j RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields: Vec<(String, &RawValue)> = Vec::new();
                let mut places = HashMap::new();
                while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
                    let place = *places.entry(key.clone()).or_insert(fields.len());
                    match fields.get_mut(place) {
                        Some(known) => known.1 = value,
                        None => fields.push((key, value)),
                    }
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

fn string(it: &str, text: &mut String) {
    // The two libraries escape the same characters in the same way.
    text.push_str(&Value::from(it).to_string());
}

fn array_index(key: &str) -> Option<u32> {
    let index: u32 = key.parse().ok()?;
    // `01` and `+1` are read as a number, but are ordinary keys.
    (index <= LAST_INDEX && index.to_string() == key).then_some(index)
}

fn number(json: &str) -> String {
    match json.parse::<f64>() {
        Ok(double) if double.is_finite() => shortest(double),
        // What is larger than every double, JavaScript reads as infinity and writes as this.
        _ => "null".to_owned(),
    }
}

/// ECMA-262, `Number::toString`: the fewest digits that are this double and no other.
fn shortest(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let sign = if number < 0.0 { "-" } else { "" };
    let scientific = format!("{:e}", number.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits = mantissa.replace('.', "");
    let exponent: i32 = exponent.parse().unwrap_or_default();
    // The decimal point stands after this many digits.
    let point = exponent + 1;
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let zeros = |n: i32| "0".repeat(usize::try_from(n).unwrap_or_default());
    let written = if (count..=21).contains(&point) {
        format!("{digits}{}", zeros(point - count))
    } else if (1..=21).contains(&point) {
        let (whole, rest) = digits.split_at(usize::try_from(point).unwrap_or_default());
        format!("{whole}.{rest}")
    } else if (-5..=0).contains(&point) {
        format!("0.{}{digits}", zeros(-point))
    } else {
        let (first, rest) = digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        format!("{first}{dot}{rest}e{exponent:+}")
    };
    format!("{sign}{written}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        for (given, written) in [
            ("450", "450"),
            ("450.00", "450"),
            ("0", "0"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("450.5", "450.5"),
            ("-0.05", "-0.05"),
            ("0.30000000000000004", "0.30000000000000004"),
            ("1e20", "100000000000000000000"),
            ("123456789012345680000.0", "123456789012345680000"),
            ("1E21", "1e+21"),
            ("1.5e300", "1.5e+300"),
            ("0.000001", "0.000001"),
            ("0.0000015", "0.0000015"),
            ("0.0000001", "1e-7"),
            ("1.25e-9", "1.25e-9"),
            ("5e-324", "5e-324"),
            ("1e-400", "0"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("1e400", "null"),
            ("-1e400", "null"),
            ("9007199254740993", "9007199254740992"),
            ("18446744073709551615", "18446744073709552000"),
            ("-9223372036854775808", "-9223372036854776000"),
            ("12345678901234567890.123", "12345678901234567000"),
            // Halfway between two doubles, and a little above it.
            (
                "9007199254740993.0000000000000000000001",
                "9007199254740994",
            ),
            ("-7", "-7"),
        ] {
            assert_eq!(rewrite(given).unwrap(), written, "{given}");
        }
    }

    #[test]
    fn keys_that_are_array_indices_come_first_and_by_size() {
        let given = r#"{"b": 1, "10": 2, "9": 3, "a": {"2": [], "01": {}}, "4294967295": 4, "4294967294": 5, "-1": 6}"#;
        assert_eq!(
            rewrite(given).unwrap(),
            r#"{"9":3,"10":2,"4294967294":5,"b":1,"a":{"2":[],"01":{}},"4294967295":4,"-1":6}"#
        );
    }

    #[test]
    fn of_two_entries_with_one_key_the_last_counts_in_the_place_of_the_first() {
        let given = r#"{"a":1,"b":[{"c":null,"\u0063":true}],"a":{"x":2},"__proto__":3}"#;
        assert_eq!(
            rewrite(given).unwrap(),
            r#"{"a":{"x":2},"b":[{"c":true}],"__proto__":3}"#
        );
    }

    #[test]
    fn texts_are_escaped_as_javascript_escapes_them() {
        let given = r#""\u0001\u0008\u000B\f\n\r\t\"\\\/\u007f\u2028\u00e9\ud83c\udf89""#;
        assert_eq!(
            rewrite(given).unwrap(),
            "\"\\u0001\\b\\u000b\\f\\n\\r\\t\\\"\\\\/\u{7f}\u{2028}é🎉\""
        );
    }
}

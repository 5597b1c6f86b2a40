//! JSON as JavaScript writes it: `JSON.stringify(JSON.parse(text)) === text` holds for every text written here.
//!
//! The published client checks a notification's signature over the body as it came, or over what it makes of the
//! parsed body. Both must be the same bytes: numbers in JavaScript's own notation (`450`, `1e+21`), and keys that are
//! array indices first and by size, for that is the order in which JavaScript lists an object's keys.

use serde_json::{Map, Number, Value};

/// Integers up to here are the same in JavaScript, whose numbers are doubles.
const EXACT: u64 = 1 << 53;
/// The largest key that is an array index.
const LAST_INDEX: u32 = u32::MAX - 1;

/// Writes a value.
pub fn stringify(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(it) => text.push_str(&number(it)),
        // The two libraries escape the same characters in the same way.
        Value::String(it) => string(it, text),
        Value::Array(items) => {
            text.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(fields) => object(fields, text),
    }
}

fn object(fields: &Map<String, Value>, text: &mut String) {
    let mut ordered: Vec<(Option<u32>, (&String, &Value))> = fields
        .iter()
        .map(|field| (array_index(field.0), field))
        .collect();
    // Stable: the others keep their order.
    ordered.sort_by_key(|(index, _)| (index.is_none(), *index));
    text.push('{');
    for (n, (_, (key, value))) in ordered.into_iter().enumerate() {
        if n > 0 {
            text.push(',');
        }
        string(key, text);
        text.push(':');
        write(value, text);
    }
    text.push('}');
}

fn string(it: &str, text: &mut String) {
    text.push_str(&Value::from(it).to_string());
}

fn array_index(key: &str) -> Option<u32> {
    let index: u32 = key.parse().ok()?;
    // `01` and `+1` are read as a number, but are ordinary keys.
    (index <= LAST_INDEX && index.to_string() == key).then_some(index)
}

fn number(number: &Number) -> String {
    match (number.as_u64(), number.as_i64()) {
        (Some(it), _) if it <= EXACT => it.to_string(),
        (_, Some(it)) if it.unsigned_abs() <= EXACT => it.to_string(),
        // Every number is one of the three.
        _ => double(number.as_f64().unwrap_or_default()),
    }
}

/// ECMA-262, `Number::toString`: the fewest digits that are this double and no other.
fn double(number: f64) -> String {
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
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        for (number, text) in [
            (450.0, "450"),
            (0.0, "0"),
            (-0.0, "0"),
            (450.5, "450.5"),
            (-0.05, "-0.05"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e20, "100000000000000000000"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (0.000_001, "0.000001"),
            (0.000_001_5, "0.0000015"),
            (0.000_000_1, "1e-7"),
            (1.25e-9, "1.25e-9"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
        ] {
            assert_eq!(stringify(&json!(number)), text);
        }
        assert_eq!(
            stringify(&json!(9_007_199_254_740_993_u64)),
            "9007199254740992"
        );
        assert_eq!(stringify(&json!(u64::MAX)), "18446744073709552000");
        assert_eq!(stringify(&json!(i64::MIN)), "-9223372036854776000");
        assert_eq!(stringify(&json!(-7)), "-7");
    }

    #[test]
    fn keys_that_are_array_indices_come_first_and_by_size() {
        let value = json!({"b": 1, "10": 2, "9": 3, "a": {"2": [], "01": {}}, "4294967295": 4, "4294967294": 5, "-1": 6});
        assert_eq!(
            stringify(&value),
            r#"{"9":3,"10":2,"4294967294":5,"-1":6,"4294967295":4,"a":{"2":[],"01":{}},"b":1}"#
        );
    }

    #[test]
    fn texts_are_escaped_as_javascript_escapes_them() {
        let value = json!("\u{1}\u{8}\u{b}\u{c}\n\r\t\"\\/\u{7f}\u{2028}é🎉");
        assert_eq!(
            stringify(&value),
            "\"\\u0001\\b\\u000b\\f\\n\\r\\t\\\"\\\\/\u{7f}\u{2028}é🎉\""
        );
    }
}

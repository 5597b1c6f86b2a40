//! Reading JSON: bounded in depth, and saying in plain words what is wrong with it, never what it said.

use std::borrow::Cow;
use std::fmt;

use serde::de::DeserializeOwned;

/// As deep as arrays and objects may be nested.
pub const DEEPEST: usize = 32;
/// As long as a message's quoted part may be.
const LONGEST: usize = 200;

/// What is wrong with a JSON text. It names the field and the line, and never repeats a value: a value may be
/// a secret, or a card number in the wrong place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JsonProblem {
    /// The field, as `card.number` or `items[2].price`; nothing if the text itself is no JSON.
    pub field: Option<String>,
    /// What was wrong, and what would be right.
    pub message: Cow<'static, str>,
    /// Where, from 1; 0 if it is nowhere in particular.
    pub line: usize,
}

impl JsonProblem {
    const fn with_the_text(message: &'static str) -> Self {
        Self {
            field: None,
            message: Cow::Borrowed(message),
            line: 0,
        }
    }
}

impl fmt::Display for JsonProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        f.write_str(&self.message)?;
        if self.line > 0 {
            write!(f, " (line {})", self.line)?;
        }
        Ok(())
    }
}

impl std::error::Error for JsonProblem {}

/// Reads a JSON text as a `T`.
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonProblem> {
    let text = check(bytes)?;
    serde_json::from_str(text).or_else(|_| explain(text))
}

/// What is checked of every text before it is read.
fn check(bytes: &[u8]) -> Result<&str, JsonProblem> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(JsonProblem::with_the_text(
            "the body is empty; JSON is expected",
        ));
    }
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Err(JsonProblem::with_the_text(
            "the body starts with a byte order mark; JSON is plain UTF-8",
        ));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| {
        JsonProblem::with_the_text("the body is not UTF-8, which JSON is written in")
    })?;
    if deeper_than(DEEPEST, bytes) {
        return Err(JsonProblem::with_the_text(
            "the body is nested more than 32 deep",
        ));
    }
    Ok(text)
}

/// Reads it once more, slowly, to learn which field is wrong.
fn explain<T: DeserializeOwned>(text: &str) -> Result<T, JsonProblem> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let error = match serde_path_to_error::deserialize(&mut reader) {
        // Then it is what follows the value.
        Ok(value) => match reader.end() {
            Ok(()) => return Ok(value),
            Err(error) => return Err(problem(None, &error)),
        },
        Err(error) => error,
    };
    let path = error.path().to_string();
    let field = (error.inner().is_data() && path != ".").then(|| cut(&path).into_owned());
    Err(problem(field, error.inner()))
}

fn problem(field: Option<String>, error: &serde_json::Error) -> JsonProblem {
    let said = error.to_string();
    let without_place = said
        .rfind(" at line ")
        .and_then(|at| said.get(..at))
        .unwrap_or(&said);
    JsonProblem {
        field,
        message: Cow::Owned(without_values(without_place)),
        line: error.line(),
    }
}

/// Takes what was sent out of the parser's message and leaves what was expected.
fn without_values(message: &str) -> String {
    for prefix in ["invalid type: ", "invalid value: "] {
        if let Some(rest) = message.strip_prefix(prefix) {
            // The expectation is the parser's own and stands last; a string that was sent may hold anything.
            let (sent, expected) = rest.rsplit_once(", expected ").unwrap_or((rest, ""));
            let kind = sent.split(['`', '"']).next().unwrap_or_default().trim_end();
            return cut(&format!("{prefix}{kind}, expected {expected}")).into_owned();
        }
    }
    // `unknown variant `x`, expected …`: the variant is a value, a field's name is not.
    if let Some(rest) = message.strip_prefix("unknown variant `") {
        let expected = rest
            .rsplit_once("`, ")
            .map_or("another", |(_, expected)| expected);
        return cut(&format!("unknown value, {expected}")).into_owned();
    }
    cut(message).into_owned()
}

fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => Cow::Owned(format!("{}…", text.get(..at).unwrap_or_default())),
        None => Cow::Borrowed(text),
    }
}

/// Whether arrays and objects are nested more than `limit` deep.
fn deeper_than(limit: usize, bytes: &[u8]) -> bool {
    // Nothing is nested deeper than it has opening brackets, and counting them is quick.
    let openings = bytes
        .iter()
        .filter(|byte| matches!(byte, b'{' | b'['))
        .count();
    openings > limit && deepest(bytes) > limit
}

/// How deep arrays and objects are nested; brackets within strings are none.
fn deepest(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = bytes.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'\\' => drop(bytes.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only read as far as its types")]
    struct Payment {
        card: Card,
        #[serde(default)]
        items: Vec<u8>,
    }

    #[derive(Deserialize, Debug)]
    #[allow(dead_code, reason = "only read as far as its types")]
    struct Card {
        number: u8,
        #[serde(default)]
        kind: Kind,
    }

    #[derive(Deserialize, Debug, Default)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        #[default]
        Credit,
        Debit,
    }

    fn problem(text: &str) -> String {
        parse_json::<Payment>(text.as_bytes())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_problem_names_the_field_and_the_line_but_never_the_value() {
        assert_eq!(
            problem("{\n\"card\": {\n\"number\": \"4242424242424242\"}}"),
            "card.number: invalid type: string, expected u8 (line 3)"
        );
        assert_eq!(
            problem(r#"{"card": {"number": 4242424242424242}}"#),
            "card.number: invalid value: integer, expected u8 (line 1)"
        );
        assert_eq!(
            problem(r#"{"card": {"number": "a, expected hunter2"}}"#),
            "card.number: invalid type: string, expected u8 (line 1)"
        );
        assert_eq!(
            problem(r#"{"card": {"number": 1, "kind": "hun`, ter2"}}"#),
            "card.kind: unknown value, expected `credit` or `debit` (line 1)"
        );
        assert_eq!(
            problem(r#"{"card": {"number": 1}, "items": [1, true]}"#),
            "items[1]: invalid type: boolean, expected u8 (line 1)"
        );
        assert_eq!(
            problem(r#"{"card": {}}"#),
            "card: missing field `number` (line 1)"
        );
        assert_eq!(
            problem(r#"{"card": {"number": 1}} x"#),
            "trailing characters (line 1)"
        );
        assert_eq!(
            problem(r#"{"card": "#),
            "EOF while parsing a value (line 1)"
        );
    }

    #[test]
    fn a_repeated_field_is_refused() {
        let twice = r#"{"card": {"number": 1, "number": 2}}"#;
        assert_eq!(problem(twice), "card: duplicate field `number` (line 1)");
    }

    #[test]
    fn a_long_message_is_cut() {
        let long = format!(r#"{{"{}": 1}}"#, "ü".repeat(1_000));
        let said = problem(&long);
        assert!(said.chars().count() < 2 * LONGEST + 50, "{said}");
    }

    #[test]
    fn what_is_no_utf_8_or_nothing_at_all_is_named() {
        assert_eq!(problem(" \n"), "the body is empty; JSON is expected");
        assert!(problem("\u{feff}{}").contains("byte order mark"));
        let latin1 = parse_json::<serde_json::Value>(b"{\"unread\": \"\xfc\"}").unwrap_err();
        assert!(latin1.message.contains("UTF-8"));
    }

    #[test]
    fn nesting_is_bounded_and_brackets_within_strings_are_no_nesting() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse_json::<serde_json::Value>(nested(32).as_bytes()).is_ok());
        let refused = parse_json::<serde_json::Value>(nested(33).as_bytes()).unwrap_err();
        assert_eq!(refused.to_string(), "the body is nested more than 32 deep");
        assert!(parse_json::<serde_json::Value>(nested(50_000).as_bytes()).is_err());

        let wide = format!("[{}]", vec!["{}"; 100].join(","));
        assert!(parse_json::<serde_json::Value>(wide.as_bytes()).is_ok());
        let quoted = serde_json::to_string(&format!("\\\"{}\\", "[{".repeat(100))).unwrap();
        assert!(parse_json::<String>(quoted.as_bytes()).is_ok());
        assert_eq!(deepest(br#"{"a\"[[": [{"b": "\\"}, []]}"#), 3);
    }
}

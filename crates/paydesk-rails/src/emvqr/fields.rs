//! The wire form of an EMVCo code and of its templates: two-digit id, two-digit length, value.

use std::fmt::Write as _;

use super::{BuildError, ParseError};

/// The longest value that two digits can announce.
const LONGEST: usize = 99;

/// Fields in the order in which they are written; each id at most once.
///
/// A length counts characters, as EMVCo's does, so a code whose merchant name is not ASCII is read as well.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fields(Vec<(u8, String)>);

impl Fields {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a field: ids are 0 to 99 and not used twice, values have 1 to 99 characters.
    pub fn put(&mut self, id: u8, value: impl Into<String>) -> Result<(), BuildError> {
        let value = value.into();
        let length = value.chars().count();
        if id > 99 || self.get(id).is_some() || length == 0 || length > LONGEST {
            return Err(BuildError::Field { id });
        }
        self.0.push((id, value));
        Ok(())
    }

    /// The value of a field.
    #[must_use]
    pub fn get(&self, id: u8) -> Option<&str> {
        self.0
            .iter()
            .find_map(|(at, value)| (*at == id).then_some(value.as_str()))
    }

    /// All fields, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &str)> {
        self.0.iter().map(|(id, value)| (*id, value.as_str()))
    }

    /// Reads fields to the end of the text; anything that is no field, or a field twice, is refused.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut fields = Self::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (id, after) = two_digits(rest).ok_or(ParseError::NotAField)?;
            let (length, after) = two_digits(after).ok_or(ParseError::NotAField)?;
            let (value, after) =
                characters(after, usize::from(length)).ok_or(ParseError::Truncated { id })?;
            if value.is_empty() {
                return Err(ParseError::Empty { id });
            }
            if fields.get(id).is_some() {
                return Err(ParseError::Twice { id });
            }
            fields.0.push((id, value.to_owned()));
            rest = after;
        }
        Ok(fields)
    }

    /// As they are written.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        for (id, value) in &self.0 {
            // Writing into a String cannot fail.
            let _ = write!(text, "{id:02}{:02}{value}", value.chars().count());
        }
        text
    }
}

fn two_digits(text: &str) -> Option<(u8, &str)> {
    let (digits, rest) = text.split_at_checked(2)?;
    // `parse` alone would take a sign.
    let both = digits.bytes().all(|byte| byte.is_ascii_digit());
    both.then(|| digits.parse().ok())
        .flatten()
        .map(|value| (value, rest))
}

fn characters(text: &str, count: usize) -> Option<(&str, &str)> {
    let end = text
        .char_indices()
        .map(|(at, _)| at)
        .chain([text.len()])
        .nth(count)?;
    text.split_at_checked(end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_list_of_fields_is_refused_with_its_reason() {
        for (text, error) in [
            ("0", ParseError::NotAField),
            ("00", ParseError::NotAField),
            ("000", ParseError::NotAField),
            ("0a0201", ParseError::NotAField),
            ("00+201", ParseError::NotAField),
            ("٠٠0201", ParseError::NotAField),
            ("000201x", ParseError::NotAField),
            ("000301", ParseError::Truncated { id: 0 }),
            ("0000", ParseError::Empty { id: 0 }),
            ("000201000201", ParseError::Twice { id: 0 }),
        ] {
            assert_eq!(Fields::parse(text), Err(error), "{text}");
        }
        assert_eq!(Fields::parse(""), Ok(Fields::new()));
    }

    #[test]
    fn a_length_counts_characters() {
        let fields = Fields::parse("5902北京6001x").unwrap();
        assert_eq!(fields.get(59), Some("北京"));
        assert_eq!(fields.encode(), "5902北京6001x");
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        let mut fields = Fields::new();
        fields.put(1, "x").unwrap();
        for (id, value) in [
            (1, "again".to_owned()),
            (100, "x".to_owned()),
            (2, String::new()),
            (2, "x".repeat(100)),
        ] {
            assert_eq!(fields.put(id, value), Err(BuildError::Field { id }));
        }
        assert_eq!(fields.encode(), "0101x");
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_read_is_written_back(text in "([0-9]{2,6}\\PC{0,4}){0,6}") {
            if let Ok(fields) = Fields::parse(&text) {
                prop_assert_eq!(fields.encode(), text);
            }
        }
    }
}

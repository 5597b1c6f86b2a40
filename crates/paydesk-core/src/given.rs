//! What somebody gives as JSON and gets back as it was given.
//!
//! Kept as text, because reading it would change it: a number's digits beyond those of a double, the order of keys, a
//! key that is there twice. Only the space between its parts is taken out.

use std::fmt;

use serde::de::{Error as _, IgnoredAny, MapAccess, Unexpected, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// Any JSON value, as it was given.
#[derive(Clone)]
pub struct Given(Box<RawValue>);

impl Given {
    /// The JSON text.
    #[must_use]
    pub fn as_json(&self) -> &str {
        self.0.get()
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.as_json() == "null"
    }
}

impl Default for Given {
    fn default() -> Self {
        Self(RawValue::NULL.to_owned())
    }
}

impl PartialEq for Given {
    fn eq(&self, other: &Self) -> bool {
        self.as_json() == other.as_json()
    }
}

impl Eq for Given {}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_json())
    }
}

impl Serialize for Given {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let form = Form::of(raw.get());
        if !form.escapes_are_whole {
            return Err(D::Error::custom(
                "a \\u escape is half a character; JSON texts are made of whole ones",
            ));
        }
        if !form.has_space {
            return Ok(Self(raw));
        }
        RawValue::from_string(without_space(raw.get()))
            .map(Self)
            .map_err(D::Error::custom)
    }
}

/// A merchant's own data: a JSON object, as it was given. Empty unless something was.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Metadata(Option<Given>);

impl Metadata {
    /// Whether it has no entries.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// How many entries it has.
    #[must_use]
    pub fn len(&self) -> usize {
        let entries = self.0.as_ref().map(|given| {
            // It was read as an object.
            serde_json::from_str::<Entries>(given.as_json()).map_or(0, |Entries(count)| count)
        });
        entries.unwrap_or_default()
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_ref().map_or("{}", Given::as_json))
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Some(given) => given.serialize(serializer),
            None => serializer.serialize_map(Some(0))?.end(),
        }
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = Given::deserialize(deserializer)?;
        let text = given.as_json();
        let other = match text.as_bytes().first() {
            Some(b'{') => return Ok(Self((text != "{}").then_some(given))),
            Some(b'[') => Unexpected::Seq,
            Some(b'"') => Unexpected::Other("string"),
            Some(b't' | b'f') => Unexpected::Other("boolean"),
            Some(b'n') => Unexpected::Other("null"),
            _ => Unexpected::Other("number"),
        };
        Err(D::Error::invalid_type(other, &"an object"))
    }
}

/// The entries of an object, counted.
struct Entries(usize);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Counter;
        impl<'de> Visitor<'de> for Counter {
            type Value = Entries;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut count = 0;
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(Entries(count))
            }
        }
        deserializer.deserialize_map(Counter)
    }
}

/// How a JSON text is written.
struct Form {
    /// Whether there is space between its parts.
    has_space: bool,
    /// Whether every `\u` escape, or pair of them, is a character. Half a surrogate pair is none: many readers refuse the
    /// whole text for it, ours among them.
    escapes_are_whole: bool,
}

impl Form {
    fn of(json: &str) -> Self {
        let mut form = Self {
            has_space: false,
            escapes_are_whole: true,
        };
        // The first half of a character must be followed by its second, and nothing else by one.
        let mut is_begun = false;
        for (part, _) in parts(json) {
            let ends_it = matches!(part, Part::Escape(0xDC00..=0xDFFF));
            form.escapes_are_whole &= ends_it == is_begun;
            is_begun = matches!(part, Part::Escape(0xD800..=0xDBFF));
            form.has_space |= matches!(part, Part::Space);
        }
        form
    }
}

fn without_space(json: &str) -> String {
    parts(json)
        .filter(|(part, _)| !matches!(part, Part::Space))
        .map(|(_, text)| text)
        .collect()
}

/// What a piece of a JSON text is.
enum Part {
    /// A `\u` escape within a string, and its number.
    Escape(u16),
    /// A character of space between the parts.
    Space,
    /// Any other character, or its escape.
    Other,
}

/// A JSON text, which was checked to be one, piece by piece.
fn parts(json: &str) -> impl Iterator<Item = (Part, &str)> {
    let mut rest = json;
    let mut in_string = false;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let (part, length) = match first {
            '\\' => match rest.get(2..6).filter(|_| rest.starts_with("\\u")) {
                Some(code) => (
                    u16::from_str_radix(code, 16).map_or(Part::Other, Part::Escape),
                    6,
                ),
                None => (Part::Other, 2),
            },
            ' ' | '\t' | '\r' | '\n' if !in_string => (Part::Space, 1),
            other => {
                in_string ^= other == '"';
                (Part::Other, other.len_utf8())
            }
        };
        let (piece, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        rest = after;
        Some((part, piece))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(json: &str) -> Result<String, String> {
        let read: Result<Given, _> = serde_json::from_str(json);
        let given = read.map_err(|error| error.to_string())?;
        Ok(serde_json::to_string(&given).unwrap())
    }

    #[test]
    fn what_a_reader_would_change_stays_as_it_was() {
        for json in [
            "null",
            "-0",
            "1e400",
            "1E+2",
            "0.10",
            "12345678901234567890.123",
            "-123456789012345678901234567890",
            r#"{"b":1,"a":2,"10":3,"9":4,"b":5,"":{"__proto__":null}}"#,
            r#""\u00e9 é \/ \ud83c\udf89 \u0000 \\u12 \\""#,
            r#"[[],{},"",true,false,[1,[2]]]"#,
        ] {
            assert_eq!(given(json).unwrap(), json);
        }
    }

    #[test]
    fn only_the_space_between_the_parts_goes() {
        let json = "\n{ \"a b\" :\t[ 1 , \"\\\" } \\\\\" ] ,\r\n\"c\": \" \" } ";
        assert_eq!(given(json).unwrap(), r#"{"a b":[1,"\" } \\"],"c":" "}"#);
    }

    #[test]
    fn half_a_character_is_refused() {
        for json in [
            r#""\ud800""#,
            r#""\udc00""#,
            r#""\ud800x""#,
            r#""\ud800\n\udc00""#,
            r#""\ud800\ud800\udc00""#,
            r#"["\ud83c","\udf89"]"#,
            r#"{"\udf89":1}"#,
        ] {
            assert!(given(json).unwrap_err().contains("half"), "{json}");
        }
        for json in ["{", "[1,]", "01", "\"\t\"", "{\"a\":nul}", ""] {
            assert!(given(json).is_err(), "{json}");
        }
    }

    #[test]
    fn metadata_is_an_object_and_counts_its_entries() {
        let read = |json: &str| serde_json::from_str::<Metadata>(json);
        for (json, count) in [
            ("{}", 0),
            ("{ }", 0),
            (r#"{"a":1}"#, 1),
            (r#"{"a":{"b":1,"c":2},"a":[1,2,3],"d":"}"}"#, 3),
        ] {
            let metadata = read(json).unwrap();
            assert_eq!(metadata.len(), count, "{json}");
            assert_eq!(metadata.is_empty(), count == 0, "{json}");
            assert_eq!(
                serde_json::to_string(&metadata).unwrap(),
                without_space(json)
            );
        }
        assert_eq!(serde_json::to_string(&Metadata::default()).unwrap(), "{}");
        for json in ["[1]", "\"text\"", "7", "true", "null"] {
            let refused = read(json).unwrap_err().to_string();
            assert!(refused.contains("expected an object"), "{refused}");
        }
    }
}

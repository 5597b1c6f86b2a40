//! Pages by offset and limit, as OneEntry's lists have them.

use paydesk_core::refusal::Refusal;
use serde::Serialize;

/// Which part of a list is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    /// Without so many from the newest.
    pub offset: usize,
    /// At most so many.
    pub limit: usize,
}

/// As many as a page has at most, whatever was asked for: each may have come with kilobytes of a form's. The total tells
/// that there are more.
const MOST: usize = 100;

/// The answer to a list.
#[derive(Serialize)]
pub struct Items<T> {
    /// How many there are in all.
    pub total: u64,
    /// Those asked for, newest first.
    pub items: Vec<T>,
}

impl Slice {
    /// Reads `offset` (0 if left out) and `limit` (30 if left out); other parameters are for others.
    pub fn read(query: Option<&str>) -> Result<Self, Refusal> {
        let mut slice = Self {
            offset: 0,
            limit: 30,
        };
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match name.as_ref() {
                "offset" => slice.offset = number("offset", &value, 0, 10_000_000)?,
                "limit" => slice.limit = number("limit", &value, 1, 1_000)?.min(MOST),
                _ => {}
            }
        }
        Ok(slice)
    }
}

fn number(field: &str, text: &str, least: usize, most: usize) -> Result<usize, Refusal> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|number| digits && (least..=most).contains(number))
        .ok_or_else(|| Refusal::field(field, format!("is not a number from {least} to {most}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_the_first_30_unless_asked_otherwise() {
        let read = |query| Slice::read(query).map(|slice| (slice.offset, slice.limit));
        assert_eq!(read(None).unwrap(), (0, 30));
        assert_eq!(
            read(Some("langCode=en_US&limit=5&offset=10")).unwrap(),
            (10, 5)
        );
        assert_eq!(read(Some("limit=1000")).unwrap(), (0, 100));
        for (query, field) in [
            ("limit=0", "limit"),
            ("limit=1001", "limit"),
            ("limit=+1", "limit"),
            ("offset=-1", "offset"),
            ("offset=x", "offset"),
            ("offset=", "offset"),
        ] {
            let refused = read(Some(query)).unwrap_err().to_string();
            assert!(refused.starts_with(field), "{query}: {refused}");
        }
    }
}

//! Times as each language writes them.
//!
//! The server does not know where the payer is: it writes UTC and says so. The page's script writes the same
//! time again in the payer's own time zone.

use jiff::tz::TimeZone;
use paydesk_core::time::Timestamp;

use super::Language;

/// Day and minute, in UTC, for people.
#[must_use]
pub fn date(time: Timestamp, language: Language) -> String {
    let Ok(instant) = jiff::Timestamp::from_millisecond(time.as_millis()) else {
        return time.to_string();
    };
    let civil = instant.to_zoned(TimeZone::UTC).datetime();
    let texts = language.texts();
    let month = usize::from(civil.month().unsigned_abs()) - 1;
    // Thai texts count years as Thailand does.
    let era = if language == Language::Thai { 543 } else { 0 };
    texts.date.with(&[
        ("day", &civil.day().to_string()),
        ("month", texts.months.get(month).map_or("", |name| name)),
        ("year", &(civil.year() + era).to_string()),
        (
            "time",
            &format!("{:02}:{:02}\u{a0}UTC", civil.hour(), civil.minute()),
        ),
    ])
}

/// The same for machines: the value of a `datetime` attribute.
#[must_use]
pub fn iso(time: Timestamp) -> String {
    time.to_string()
}

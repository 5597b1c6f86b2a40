//! When a delivery is tried again.

use paydesk_core::id::Ids;
use paydesk_core::time::{Span, Timestamp};

/// How long after each failed attempt the next one follows; the first attempt is made at once. Ten attempts
/// in 75 hours and 35 minutes.
pub const DELAYS: [Span; 9] = [
    Span::seconds(5),
    Span::minutes(5),
    Span::minutes(30),
    Span::hours(2),
    Span::hours(5),
    Span::hours(10),
    Span::hours(14),
    Span::hours(20),
    Span::hours(24),
];

/// The longest that a receiver's `Retry-After` can put an attempt off.
const LONGEST_WISH: Span = Span::hours(24);

/// Spreads attempts by up to a tenth either way, so that what failed together does not come back together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Jitter(u16);

impl Jitter {
    /// The earliest: nine tenths.
    pub const EARLIEST: Self = Self(0);
    /// The latest: eleven tenths.
    pub const LATEST: Self = Self(u16::MAX);

    /// A fresh one.
    #[must_use]
    pub fn draw(ids: &dyn Ids) -> Self {
        let mut bits = [0; 2];
        ids.fill(&mut bits);
        Self(u16::from_le_bytes(bits))
    }

    /// The span, a little shorter or longer.
    #[must_use]
    pub fn spread(self, span: Span) -> Span {
        let span = span.as_millis();
        let millis = span * 9 / 10 + span / 5 * i64::from(self.0) / i64::from(u16::MAX);
        // Not reachable for spans of the schedule: they are below 49 days.
        Span::millis(u32::try_from(millis).unwrap_or(u32::MAX))
    }
}

/// How long after the `attempts`-th attempt failed the next one follows; nothing if that was the last.
/// What the receiver asked for counts if it is later than the schedule, up to 24 hours.
#[must_use]
pub fn next_delay(attempts: u32, asked: Option<Span>, jitter: Jitter) -> Option<Span> {
    let index = usize::try_from(attempts.max(1) - 1).ok()?;
    let scheduled = jitter.spread(*DELAYS.get(index)?);
    Some(match asked {
        Some(asked) => scheduled.max(asked.min(LONGEST_WISH)),
        None => scheduled,
    })
}

/// Reads `Retry-After`: seconds, or an HTTP date in any of its three formats. Nothing if it is neither.
/// `now` is wall time.
#[must_use]
pub fn retry_after(value: &str, now: Timestamp) -> Option<Span> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Span::seconds(value.parse().unwrap_or(u32::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let millis = date.duration_since(std::time::UNIX_EPOCH).ok()?.as_millis();
    Some(Timestamp::from_millis(i64::try_from(millis).ok()?).since(now))
}

#[cfg(test)]
mod tests {
    use paydesk_core::id::SeededIds;

    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn ten_attempts_take_75_hours_and_35_minutes() {
        let total: i64 = DELAYS.iter().map(|delay| delay.as_millis()).sum();
        assert_eq!(total, 75 * HOUR + 35 * 60_000 + 5_000);
        assert_eq!(
            next_delay(9, None, Jitter::EARLIEST),
            Some(Span::minutes(24 * 60 * 9 / 10))
        );
        assert_eq!(
            next_delay(10, None, Jitter::EARLIEST),
            None,
            "the tenth is the last"
        );
        assert_eq!(next_delay(11, None, Jitter::LATEST), None);
        assert_eq!(
            next_delay(u32::MAX, Some(Span::seconds(1)), Jitter::LATEST),
            None
        );
    }

    #[test]
    fn follows_the_schedule_within_a_tenth() {
        // attempts made, earliest and latest next one in milliseconds
        let table = [
            (1, 4_500, 5_500),
            (2, 270_000, 330_000),
            (3, 1_620_000, 1_980_000),
            (4, 6_480_000, 7_920_000),
            (5, 16_200_000, 19_800_000),
            (6, 32_400_000, 39_600_000),
            (7, 45_360_000, 55_440_000),
            (8, 64_800_000, 79_200_000),
            (9, 77_760_000, 95_040_000),
        ];
        let ids = SeededIds::new(1);
        for (attempts, earliest, latest) in table {
            let delay = |jitter| next_delay(attempts, None, jitter).unwrap().as_millis();
            assert_eq!(delay(Jitter::EARLIEST), earliest, "{attempts}");
            assert_eq!(delay(Jitter::LATEST), latest, "{attempts}");
            let drawn: Vec<i64> = (0..1_000).map(|_| delay(Jitter::draw(&ids))).collect();
            assert!(
                drawn
                    .iter()
                    .all(|millis| (earliest..=latest).contains(millis)),
                "{attempts}"
            );
            let spread = drawn.iter().max().unwrap() - drawn.iter().min().unwrap();
            assert!(
                spread > (latest - earliest) * 9 / 10,
                "they are spread out: {spread}"
            );
        }
    }

    #[test]
    fn a_receivers_wish_counts_between_the_schedule_and_a_day() {
        let day = 24 * HOUR;
        // attempts made, asked for (ms), earliest, latest
        let table = [
            (1, 0, 4_500, 5_500),
            (1, 1_000, 4_500, 5_500),
            (1, 5_000, 5_000, 5_500),
            (1, 60_000, 60_000, 60_000),
            (1, day, day, day),
            (1, day + 1, day, day),
            (1, i64::from(u32::MAX), day, day),
            (5, HOUR, 5 * HOUR * 9 / 10, 5 * HOUR * 11 / 10),
            (5, 6 * HOUR, 6 * HOUR, 6 * HOUR),
            (9, 2 * day, day, day * 11 / 10),
        ];
        for (attempts, asked, earliest, latest) in table {
            let asked = Span::millis(u32::try_from(asked).unwrap());
            let delay = |jitter| {
                next_delay(attempts, Some(asked), jitter)
                    .unwrap()
                    .as_millis()
            };
            assert_eq!(delay(Jitter::EARLIEST), earliest, "{attempts} {asked:?}");
            assert_eq!(delay(Jitter::LATEST), latest, "{attempts} {asked:?}");
        }
    }

    #[test]
    fn retry_after_is_read_in_every_form_that_http_allows() {
        let now = Timestamp::from_millis(784_111_777_000); // Sun, 06 Nov 1994 08:49:37 GMT
        let table = [
            ("120", Some(120_000)),
            (" 7 ", Some(7_000)),
            ("0", Some(0)),
            ("99999999999999999999", Some(i64::from(u32::MAX) * 1000)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60_000)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60_000)),
            ("Sun Nov  6 08:50:37 1994", Some(60_000)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
            ("1994-11-06T08:50:37Z", None),
        ];
        for (value, expected) in table {
            assert_eq!(
                retry_after(value, now).map(Span::as_millis),
                expected,
                "{value:?}"
            );
        }
    }
}

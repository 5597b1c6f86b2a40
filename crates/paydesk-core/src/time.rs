//! Points in time, and the port through which the product learns what time it is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A point in time: milliseconds since the Unix epoch, UTC.
///
/// The wire format everywhere is ISO 8601 with milliseconds and `Z`
/// (`2022-06-20T09:42:10.906Z`), which is what [`fmt::Display`] writes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The epoch itself.
    pub const EPOCH: Self = Self(0);
    /// Later than any time the product will see (9999-12-31).
    pub const FAR_FUTURE: Self = Self(253_402_214_400_000);

    /// From milliseconds since the epoch, held within what ISO 8601 can write with four-digit years.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        if millis < 0 {
            Self::EPOCH
        } else if millis > Self::FAR_FUTURE.0 {
            Self::FAR_FUTURE
        } else {
            Self(millis)
        }
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch.
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.0 / 1000
    }

    /// This long after.
    #[must_use]
    pub const fn after(self, span: Span) -> Self {
        Self::from_millis(self.0.saturating_add(span.0))
    }

    /// Whether what was learnt at this moment still counts at `now`: less than `for_` later, and not before it. A clock that
    /// was set back keeps nothing fresh.
    #[must_use]
    pub const fn is_fresh(self, now: Self, for_: Span) -> bool {
        self.0 <= now.0 && now.0 < self.after(for_).0
    }

    /// This long before.
    #[must_use]
    pub const fn before(self, span: Span) -> Self {
        Self::from_millis(self.0.saturating_sub(span.0))
    }

    /// How long since `earlier`; nothing if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        if self.0 > earlier.0 {
            Span(self.0 - earlier.0)
        } else {
            Span(0)
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) => write!(f, "{time:.3}"),
            // Not reachable: construction holds the value within jiff's range.
            Err(_) => f.write_str("9999-12-31T00:00:00.000Z"),
        }
    }
}

/// Not a point in time as ISO 8601 writes it, with an offset from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a time such as 2026-01-31T09:30:00Z, with its offset from UTC")]
pub struct NotATime;

impl FromStr for Timestamp {
    type Err = NotATime;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time: jiff::Timestamp = text.parse().map_err(|_| NotATime)?;
        Ok(Self::from_millis(time.as_millisecond()))
    }
}

/// A length of time in milliseconds, never negative.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Span(i64);

impl Span {
    /// No time at all.
    pub const NONE: Self = Self(0);

    /// So many milliseconds.
    #[must_use]
    pub const fn millis(n: u32) -> Self {
        Self(n as i64)
    }
    /// So many seconds.
    #[must_use]
    pub const fn seconds(n: u32) -> Self {
        Self(n as i64 * 1000)
    }
    /// So many minutes.
    #[must_use]
    pub const fn minutes(n: u32) -> Self {
        Self(n as i64 * 60_000)
    }
    /// So many hours.
    #[must_use]
    pub const fn hours(n: u32) -> Self {
        Self(n as i64 * 3_600_000)
    }
    /// So many days.
    #[must_use]
    pub const fn days(n: u32) -> Self {
        Self(n as i64 * 86_400_000)
    }
    /// Whether it is no time at all.
    #[must_use]
    #[allow(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde passes a reference"
    )]
    pub const fn is_none(&self) -> bool {
        self.0 == 0
    }
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
    /// The length in milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }
    /// The same for the standard library.
    #[must_use]
    pub const fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0.unsigned_abs())
    }
}

/// What time it is. The only way to learn it: the standard library's clock is banned by `clippy.toml`,
/// so that a test can move time and a simulation can replay it.
pub trait Clock: Send + Sync + 'static {
    /// Now, on the wall clock.
    fn now(&self) -> Timestamp;
}

/// The machine's own clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place that reads the machine's clock"
    )]
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A clock that stands still until it is moved; for tests.
#[derive(Debug)]
pub struct ManualClock(std::sync::atomic::AtomicI64);

impl ManualClock {
    /// A clock that stands at `start`.
    #[must_use]
    pub fn starting_at(start: Timestamp) -> Self {
        Self(std::sync::atomic::AtomicI64::new(start.0))
    }
    /// Moves the clock on.
    pub fn advance(&self, span: Span) {
        self.0
            .fetch_add(span.0, std::sync::atomic::Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_the_vendors_write_it() {
        assert_eq!(
            Timestamp::from_millis(1_655_718_130_906).to_string(),
            "2022-06-20T09:42:10.906Z"
        );
        let written = "2022-06-20T09:42:10.906Z".parse();
        assert_eq!(written, Ok(Timestamp::from_millis(1_655_718_130_906)));
        assert_eq!("2022-06-20".parse::<Timestamp>(), Err(NotATime));
        assert_eq!(Timestamp::EPOCH.to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::from_millis(i64::MAX), Timestamp::FAR_FUTURE);
        assert_eq!(
            Timestamp::FAR_FUTURE.to_string(),
            "9999-12-31T00:00:00.000Z"
        );
    }
}

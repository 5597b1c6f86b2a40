//! Numbers: ids for clients that read nothing but JSON numbers.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::store::{Claim, ClaimKey, NameSpace};

/// How many bits a number has: JavaScript is exact up to 53.
const BITS: u32 = 50;

/// The number of a record: the last 50 of the random bits of its id. No counter: it is as hard to guess as any 50
/// random bits and tells nothing of anybody's volume. What is found by its number [claims](Number::claim) it, so
/// that it is unique per tenant: a clash draws another id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Number(u64);

impl Number {
    /// The number of the record with this id.
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the last bits are what is meant"
    )]
    pub const fn of(id: Uuid) -> Self {
        Self(id.as_u128() as u64 & ((1 << BITS) - 1))
    }

    /// Reads what a client wrote; nothing if it is no number of ours.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|_| digits)?;
        Self::new(number)
    }

    /// Nothing if it has too many bits.
    #[must_use]
    pub fn new(number: u64) -> Option<Self> {
        (number >> BITS == 0).then_some(Self(number))
    }

    /// The number itself.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Under what it is found.
    #[must_use]
    pub fn key(self, space: NameSpace) -> ClaimKey {
        ClaimKey::Name {
            space,
            name: self.0.to_string(),
        }
    }

    /// The claim of a record on its own number.
    #[must_use]
    pub fn claim(space: NameSpace, owner: Uuid) -> Claim {
        Claim {
            key: Self::of(owner).key(space),
            owner,
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::id::{Ids as _, SystemIds};
    use crate::time::Timestamp;

    #[test]
    fn numbers_are_safe_integers_and_do_not_tell_when_they_were_drawn() {
        let at = Timestamp::from_millis(1_700_000_000_000);
        let numbers: Vec<u64> = (0..2_000)
            .map(|_| Number::of(SystemIds.uuid(at)).get())
            .collect();
        assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), numbers.len());
        assert!(numbers.iter().all(|number| *number < 1 << 53));
        for bit in 0..50 {
            let set = numbers.iter().filter(|one| *one >> bit & 1 == 1).count();
            assert!((800..1_200).contains(&set), "bit {bit}: {set} of 2000");
        }
    }

    #[test]
    fn only_numbers_of_ours_are_read() {
        let most = (1_u64 << 50) - 1;
        assert_eq!(Number::read(&most.to_string()).map(Number::get), Some(most));
        for text in ["", "-1", "+1", "1.5", "1e3", "x", " 1", "1125899906842624"] {
            assert_eq!(Number::read(text), None, "{text}");
        }
    }
}

//! Identifiers: `UUIDv7`, time-ordered so that a store appends, with all 74 random bits drawn fresh.
//!
//! The `uuid` crate's own v7 constructor spends random bits on a counter, which would tell one
//! holder of an id about its neighbours; these are built from the timestamp and fresh bits only.

use std::fmt;
use std::str::FromStr;

use rand::Rng as _;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::time::Timestamp;

/// Where fresh randomness comes from. A port, so that a decision can be replayed.
pub trait Ids: Send + Sync + 'static {
    /// Fills `bytes` with fresh random bits.
    fn fill(&self, bytes: &mut [u8]);

    /// A fresh `UUIDv7` that carries the wall time `at`.
    fn uuid(&self, at: Timestamp) -> Uuid {
        let mut random = [0; 10];
        self.fill(&mut random);
        uuid::Builder::from_unix_timestamp_millis(at.as_millis().unsigned_abs(), &random)
            .into_uuid()
    }
}

/// Randomness from the operating system, through a cryptographically secure generator per thread.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemIds;

impl Ids for SystemIds {
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

/// Randomness that repeats for a given seed; for tests and simulations.
#[derive(Debug)]
pub struct SeededIds(parking_lot::Mutex<rand::rngs::StdRng>);

impl SeededIds {
    /// The generator for this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(parking_lot::Mutex::new(rand::SeedableRng::seed_from_u64(
            seed,
        )))
    }
}

impl Ids for SeededIds {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().fill_bytes(bytes);
    }
}

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A fresh one.
            #[must_use]
            pub fn fresh(ids: &dyn Ids, at: Timestamp) -> Self {
                Self(ids.uuid(at))
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

id! {
    /// A merchant.
    MerchantId,
    /// A session. It opens nothing by itself: a payer holds a [`crate::authority::PublicId`].
    SessionId,
    /// A transaction; also the idempotency reference that a rail is given.
    TransactionId,
    /// A stored payment method.
    PaymentMethodId,
    /// A merchant's account on a rail.
    ProviderAccountId,
    /// An event; also the `webhook-id` of what is delivered about it.
    EventId,
    /// One event on its way to one receiver.
    DeliveryId,
    /// An address that a merchant's events are delivered to.
    EndpointId,
    /// Money that a bank reported.
    BankTransferId,
    /// What can be ordered.
    ProductId,
    /// What was ordered.
    OrderId,
    /// Somebody who signs in at a merchant's shop.
    UserId,
    /// One signing in on one device.
    SignInId,
    /// Who pays, as a merchant knows them.
    CustomerId,
    /// A merchant's restricted key; not its secret.
    RestrictedKeyId,
    /// One running process.
    NodeId,
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_of_one_millisecond_share_no_random_bits() {
        let at = Timestamp::from_millis(1_700_000_000_000);
        let ids: Vec<u128> = (0..2_000).map(|_| SystemIds.uuid(at).as_u128()).collect();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len());
        // Each of the 74 random bits is set in about half of them: none is a counter or a constant.
        for bit in (0..62).chain(64..76) {
            let set = ids.iter().filter(|id| *id >> bit & 1 == 1).count();
            assert!(
                (800..1_200).contains(&set),
                "bit {bit} is set in {set} of 2000"
            );
        }
        assert!(
            ids.iter().all(|id| (id >> 80) == 1_700_000_000_000),
            "the time leads"
        );
    }
}

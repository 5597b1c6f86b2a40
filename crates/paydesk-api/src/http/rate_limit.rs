//! How often somebody may ask: a bucket per key or per address, in bounded memory.

use std::convert::Infallible;
use std::fmt;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use http::HeaderValue;
use quick_cache::UnitWeighter;
use quick_cache::sync::Cache;

/// As many buckets as one limiter remembers: some 10 MB. The least used are forgotten first, that is, start
/// afresh; who commands more addresses than this is not stopped by a limit per address.
const BUCKETS: usize = 100_000;

/// So many at once, and so many a second from then on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limit {
    /// What comes back each second.
    pub per_second: NonZeroU32,
    /// As many at once as a bucket holds.
    pub burst: NonZeroU32,
}

/// So many at once, and one more after each such pause: for what nobody does often.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seldom {
    /// How long until one comes back.
    pub every: Duration,
    /// As many at once as a bucket holds.
    pub burst: NonZeroU32,
}

/// The limits that hold for every request of a kind. What depends on a session (card attempts, long-polls) is
/// counted where it is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RateLimits {
    /// Per API key. Off unless it is set: load shedding protects the server, and a default low enough to be met
    /// would stop an honest merchant's batch. It is for operators whose merchants share one server.
    pub per_key: Option<Limit>,
    /// Per address, for what payers reach without a key.
    pub pages: Option<Limit>,
    /// Per account that somebody signs in to or up for, right or wrong.
    pub sign_ins: Option<Seldom>,
    /// Per address that somebody signs in or up from.
    pub sign_in_addresses: Option<Limit>,
}

impl Default for RateLimits {
    fn default() -> Self {
        let limit = |per_second, burst| {
            NonZeroU32::new(per_second)
                .zip(NonZeroU32::new(burst))
                .map(|(per_second, burst)| Limit { per_second, burst })
        };
        Self {
            per_key: None,
            pages: limit(50, 300),
            sign_ins: NonZeroU32::new(20).map(|burst| Seldom {
                every: Duration::from_secs(6),
                burst,
            }),
            sign_in_addresses: limit(10, 100),
        }
    }
}

/// Where the limits of [`RateLimits`] are kept.
#[derive(Debug)]
pub struct Limiters {
    per_key: Option<Limiter<[u8; 32]>>,
    pages: Option<Limiter<AddressBlock>>,
    sign_ins: Option<Limiter<[u8; 32]>>,
    sign_in_addresses: Option<Limiter<AddressBlock>>,
}

impl Limiters {
    /// With full buckets.
    #[must_use]
    pub fn new(limits: RateLimits) -> Self {
        Self {
            per_key: limits.per_key.map(Limiter::new),
            pages: limits.pages.map(Limiter::new),
            sign_ins: limits.sign_ins.map(Limiter::seldom),
            sign_in_addresses: limits.sign_in_addresses.map(Limiter::new),
        }
    }

    /// One request under the key with this hash.
    pub fn key(&self, secret_hash: &[u8; 32]) -> Result<(), TooMany> {
        self.per_key
            .as_ref()
            .map_or(Ok(()), |limiter| limiter.check(secret_hash))
    }

    /// One request of a payer at this address.
    pub fn page(&self, client: IpAddr) -> Result<(), TooMany> {
        self.pages
            .as_ref()
            .map_or(Ok(()), |limiter| limiter.check(&client.into()))
    }

    /// One signing in or up for the account with this hash, from this address.
    pub fn sign_in(&self, account: &[u8; 32], client: IpAddr) -> Result<(), TooMany> {
        if let Some(limiter) = &self.sign_in_addresses {
            limiter.check(&client.into())?;
        }
        self.sign_ins
            .as_ref()
            .map_or(Ok(()), |limiter| limiter.check(account))
    }
}

/// What one party is given of the address space: an IPv4 address, or the /64 of an IPv6 address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct AddressBlock(u64);

impl From<IpAddr> for AddressBlock {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            // Among the reserved IPv6 prefixes, where no /64 of a client is.
            IpAddr::V4(v4) => Self(u64::from(v4.to_bits())),
            #[allow(
                clippy::cast_possible_truncation,
                reason = "the upper 64 bits are what is meant"
            )]
            IpAddr::V6(v6) => Self((v6.to_bits() >> 64) as u64),
        }
    }
}

/// Asked too often.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("too many requests; try again in {} s", self.seconds())]
pub struct TooMany {
    /// The next one is let in after this long.
    pub retry_after: Duration,
}

impl TooMany {
    /// Whole seconds, rounded up, at least one.
    #[must_use]
    pub fn seconds(&self) -> u64 {
        let whole = self.retry_after.as_secs();
        (whole + u64::from(self.retry_after.subsec_nanos() > 0)).max(1)
    }

    /// For the answer's `Retry-After`, beside status 429.
    #[must_use]
    pub fn retry_after_header(&self) -> HeaderValue {
        HeaderValue::from(self.seconds())
    }
}

/// One limit, and a bucket for each of those that it holds for.
pub struct Limiter<K: Hash + Eq + Clone, C: Clock = DefaultClock> {
    inner: governor::RateLimiter<K, Buckets<K>, C, NoOpMiddleware<C::Instant>>,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    /// With full buckets.
    #[must_use]
    pub fn new(limit: Limit) -> Self {
        Self::with_clock(limit, BUCKETS, DefaultClock::default())
    }

    /// With full buckets that fill slowly.
    #[must_use]
    pub fn seldom(limit: Seldom) -> Self {
        // Nothing comes back after no time at all: then the shortest is meant.
        let every = limit.every.max(Duration::from_millis(1));
        let quota = governor::Quota::with_period(every)
            .unwrap_or_else(|| governor::Quota::per_second(limit.burst))
            .allow_burst(limit.burst);
        Self::with_quota(quota, BUCKETS, DefaultClock::default())
    }
}

impl<K: Hash + Eq + Clone, C: Clock> Limiter<K, C> {
    /// With this many buckets at most, and another clock.
    #[must_use]
    pub fn with_clock(limit: Limit, buckets: usize, clock: C) -> Self {
        let quota = governor::Quota::per_second(limit.per_second).allow_burst(limit.burst);
        Self::with_quota(quota, buckets, clock)
    }

    fn with_quota(quota: governor::Quota, buckets: usize, clock: C) -> Self {
        Self {
            inner: governor::RateLimiter::new(quota, Buckets::new(buckets), clock),
        }
    }

    /// Takes one from the bucket of `key`, if there is one left.
    pub fn check(&self, key: &K) -> Result<(), TooMany> {
        self.inner.check_key(key).map_err(|not_until| TooMany {
            retry_after: not_until.wait_time_from(self.inner.clock().now()),
        })
    }
}

impl<K: Hash + Eq + Clone, C: Clock> fmt::Debug for Limiter<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter").finish_non_exhaustive()
    }
}

/// The buckets. The limiter's own stores grow until they are swept; this one never holds more than it may.
struct Buckets<K>(Cache<K, Arc<InMemoryState>>);

impl<K: Hash + Eq> Buckets<K> {
    fn new(most: usize) -> Self {
        Self(Cache::with_weighter(
            most.min(1024),
            most as u64,
            UnitWeighter,
        ))
    }
}

impl<K: Hash + Eq + Clone> StateStore for Buckets<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let Ok(bucket) = self
            .0
            .get_or_insert_with::<K, Infallible>(key, || Ok(Arc::default()));
        bucket.measure_and_replace(&NotKeyed::NonKey, decide)
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn limit(per_second: u32, burst: u32) -> Limit {
        Limit {
            per_second: NonZeroU32::new(per_second).unwrap(),
            burst: NonZeroU32::new(burst).unwrap(),
        }
    }

    #[test]
    fn a_burst_is_let_in_and_then_the_rate() {
        let clock = FakeRelativeClock::default();
        let limiter = Limiter::with_clock(limit(50, 300), 16, clock.clone());
        for _ in 0..300 {
            limiter.check(&"payer").unwrap();
        }
        let refused = limiter.check(&"payer").unwrap_err();
        assert_eq!(refused.retry_after, Duration::from_millis(20));
        assert_eq!(refused.retry_after_header(), "1");
        limiter.check(&"another").unwrap();

        clock.advance(Duration::from_secs(1));
        for _ in 0..50 {
            limiter.check(&"payer").unwrap();
        }
        limiter.check(&"payer").unwrap_err();
    }

    #[test]
    fn signing_in_to_one_account_is_seldom_wherever_from() {
        let limiters = Limiters::new(RateLimits::default());
        let from = |last| IpAddr::from([192, 0, 2, last]);
        for last in 0..20 {
            limiters.sign_in(&[1; 32], from(last)).unwrap();
        }
        let refused = limiters.sign_in(&[1; 32], from(99)).unwrap_err();
        assert!(refused.retry_after > Duration::from_secs(3), "{refused}");
        limiters.sign_in(&[2; 32], from(0)).unwrap();
        // And one address signs in to a hundred accounts at once, not to thousands.
        let let_in = (0..2_000_u16).filter(|one| {
            let mut account = [0; 32];
            account[..2].copy_from_slice(&one.to_be_bytes());
            limiters.sign_in(&account, from(200)).is_ok()
        });
        assert!((100..150).contains(&let_in.count()));
    }

    #[test]
    fn retry_after_is_rounded_up() {
        let seconds = |millis| {
            TooMany {
                retry_after: Duration::from_millis(millis),
            }
            .seconds()
        };
        assert_eq!(
            [seconds(0), seconds(999), seconds(1000), seconds(1001)],
            [1, 1, 1, 2]
        );
    }

    #[test]
    fn one_party_has_one_bucket_however_many_addresses_it_has() {
        let block = |text: &str| AddressBlock::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(block("2001:db8:1:2::1"), block("2001:db8:1:2:ffff::9"));
        assert_ne!(block("2001:db8:1:2::1"), block("2001:db8:1:3::1"));
        assert_ne!(block("192.0.2.1"), block("192.0.2.2"));
        assert_eq!(block("::ffff:192.0.2.1"), block("192.0.2.1"));
    }

    #[test]
    fn many_addresses_do_not_fill_memory_and_do_not_wash_out_who_keeps_asking() {
        let limiter = Limiter::with_clock(limit(1, 3), 1_000, FakeRelativeClock::default());
        let mut let_in = 0;
        for stranger in 0..50_000_u32 {
            let _ = limiter.check(&stranger);
            let_in += u32::from(limiter.check(&u32::MAX).is_ok());
        }
        assert!(let_in <= 6, "{let_in} of 50000 let in");
        assert!(limiter.inner.into_state_store().0.len() <= 1_000);
    }

    #[test]
    fn keys_are_unlimited_and_pages_limited_unless_configured() {
        let limiters = Limiters::new(RateLimits::default());
        let address: IpAddr = [192, 0, 2, 1].into();
        for _ in 0..300 {
            limiters.page(address).unwrap();
        }
        // A few may have come back meanwhile, at 50 a second.
        assert!((0..300).any(|_| limiters.page(address).is_err()));
        assert!((0..100_000).all(|_| limiters.key(&[7; 32]).is_ok()));
    }
}

//! What is known of the keys that requests come with, so that a warm key costs no read of the store.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use paydesk_core::time::{Clock, Span, Timestamp};
use quick_cache::sync::Cache;
use subtle::ConstantTimeEq as _;

/// SHA-256 of a key's secret, as the store knows it.
pub type SecretHash = [u8; 32];

/// How long answers are kept. A revoked key ends at most `known` after it was revoked, as
/// docs/operations.md says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyCacheLimits {
    /// A key that exists; never more than 5 s.
    pub known: Span,
    /// A secret that belongs to no key; never more than 1 s.
    pub unknown: Span,
    /// A read that failed. Long enough that those who waited for it do not all try again, one after another.
    pub failed: Span,
    /// As many keys as are kept, and as many refusals beside them.
    pub entries: usize,
}

impl Default for KeyCacheLimits {
    fn default() -> Self {
        Self {
            known: Span::seconds(5),
            unknown: Span::seconds(1),
            failed: Span::millis(100),
            entries: 10_000,
        }
    }
}

#[derive(Clone)]
struct Entry<T> {
    value: T,
    /// When the store was asked, not when it answered: what happened in between may be missing.
    asked_at: Timestamp,
}

impl<T> Entry<T> {
    fn is_fresh(&self, now: Timestamp, for_: Span) -> bool {
        self.asked_at.is_fresh(now, for_)
    }
}

/// What was learnt of keys from the store, for a few seconds.
///
/// Concurrent questions about one key are one read of the store. Refusals are kept apart and few, so that guessing
/// neither fills memory nor pushes out the keys that are in use.
pub struct KeyCache<V, E> {
    known: Cache<SecretHash, Entry<V>>,
    refused: Cache<SecretHash, Entry<Option<E>>>,
    limits: KeyCacheLimits,
    clock: Arc<dyn Clock>,
}

impl<V: Clone, E: Clone> KeyCache<V, E> {
    /// An empty one.
    #[must_use]
    pub fn new(limits: KeyCacheLimits, clock: Arc<dyn Clock>) -> Self {
        let limits = KeyCacheLimits {
            known: limits.known.min(Span::seconds(5)),
            unknown: limits.unknown.min(Span::seconds(1)),
            ..limits
        };
        Self {
            known: Cache::new(limits.entries),
            refused: Cache::new(limits.entries),
            limits,
            clock,
        }
    }

    /// The key whose secret has this hash, if there is one: as it was at most a few seconds ago, or as `load`
    /// now learns it from the store. The error is `load`'s own.
    pub async fn get<L, F>(&self, hash: &SecretHash, load: L) -> Result<Option<V>, E>
    where
        L: FnOnce() -> F,
        F: Future<Output = Result<Option<V>, E>>,
    {
        let now = self.clock.now();
        if let Some(entry) = self.known.get(hash) {
            if entry.is_fresh(now, self.limits.known) {
                return Ok(Some(entry.value));
            }
            self.known
                .remove_if(hash, |entry| !entry.is_fresh(now, self.limits.known));
        } else if let Some(refusal) = self.refusal(hash) {
            return refusal;
        }
        let guard = match self.known.get_value_or_guard_async(hash).await {
            // Somebody else asked meanwhile, and this is the answer.
            Ok(entry) => return Ok(Some(entry.value)),
            Err(guard) => guard,
        };
        if let Some(refusal) = self.refusal(hash) {
            return refusal;
        }
        let asked_at = self.clock.now();
        let loaded = load().await;
        match &loaded {
            // The guard refuses only if the key was put in by hand meanwhile, which nothing here does.
            Ok(Some(value)) => drop(guard.insert(Entry {
                value: value.clone(),
                asked_at,
            })),
            Ok(None) => self.refused.insert(
                *hash,
                Entry {
                    value: None,
                    asked_at,
                },
            ),
            Err(error) => {
                // It counts from now: a read that failed slowly must still spare those who waited.
                let asked_at = self.clock.now();
                self.refused.insert(
                    *hash,
                    Entry {
                        value: Some(error.clone()),
                        asked_at,
                    },
                );
            }
        }
        loaded
    }

    /// Forgets a key at once, on the node that revoked it.
    pub fn forget(&self, hash: &SecretHash) {
        self.known.remove(hash);
    }

    fn refusal(&self, hash: &SecretHash) -> Option<Result<Option<V>, E>> {
        let entry = self.refused.get(hash)?;
        let kept_for = if entry.value.is_some() {
            self.limits.failed
        } else {
            self.limits.unknown
        };
        entry
            .is_fresh(self.clock.now(), kept_for)
            .then(|| entry.value.map_or(Ok(None), Err))
    }
}

impl<V, E> fmt::Debug for KeyCache<V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyCache")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Whether the key id that a request names is that of the key its secret belongs to; in constant time.
#[must_use]
pub fn same_key_id(named: &str, actual: &str) -> bool {
    named.as_bytes().ct_eq(actual.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use paydesk_core::time::ManualClock;

    use super::*;

    /// A cache before a store that counts how often it is read.
    struct Fixture {
        clock: Arc<ManualClock>,
        cache: KeyCache<&'static str, &'static str>,
        reads: AtomicUsize,
    }

    impl Fixture {
        fn new() -> Self {
            let clock = Arc::new(ManualClock::starting_at(Timestamp::from_millis(
                1_700_000_000_000,
            )));
            Self {
                cache: KeyCache::new(KeyCacheLimits::default(), clock.clone()),
                clock,
                reads: AtomicUsize::new(0),
            }
        }

        async fn get(
            &self,
            key: u8,
            answer: Result<Option<&'static str>, &'static str>,
        ) -> Result<Option<&'static str>, &'static str> {
            self.cache
                .get(&[key; 32], || async {
                    self.reads.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    answer
                })
                .await
        }

        fn reads(&self) -> usize {
            self.reads.swap(0, Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn a_warm_key_costs_no_read() {
        let fixture = Fixture::new();
        for _ in 0..10 {
            assert_eq!(
                fixture.get(1, Ok(Some("merchant"))).await,
                Ok(Some("merchant"))
            );
        }
        assert_eq!(fixture.reads(), 1);
    }

    #[tokio::test]
    async fn a_revoked_key_ends_within_five_seconds() {
        let fixture = Fixture::new();
        fixture.get(1, Ok(Some("merchant"))).await.unwrap();
        fixture.clock.advance(Span::millis(4_999));
        assert_eq!(fixture.get(1, Ok(None)).await, Ok(Some("merchant")));
        fixture.clock.advance(Span::millis(1));
        assert_eq!(fixture.get(1, Ok(None)).await, Ok(None));
        assert_eq!(fixture.reads(), 2);
    }

    #[tokio::test]
    async fn a_key_revoked_here_ends_at_once() {
        let fixture = Fixture::new();
        fixture.get(1, Ok(Some("merchant"))).await.unwrap();
        fixture.cache.forget(&[1; 32]);
        assert_eq!(fixture.get(1, Ok(None)).await, Ok(None));
    }

    #[tokio::test]
    async fn a_clock_set_back_keeps_no_key_alive() {
        let fixture = Fixture::new();
        let ahead = Entry {
            value: (),
            asked_at: fixture.clock.now().after(Span::hours(1)),
        };
        assert!(!ahead.is_fresh(fixture.clock.now(), Span::seconds(5)));
    }

    #[tokio::test]
    async fn an_unknown_secret_is_asked_for_once_a_second() {
        let fixture = Fixture::new();
        assert_eq!(fixture.get(1, Ok(None)).await, Ok(None));
        assert_eq!(fixture.get(1, Ok(Some("new"))).await, Ok(None));
        fixture.clock.advance(Span::seconds(1));
        assert_eq!(fixture.get(1, Ok(Some("new"))).await, Ok(Some("new")));
        assert_eq!(fixture.reads(), 2);
    }

    #[tokio::test]
    async fn many_at_once_are_one_read_whatever_its_answer() {
        let fixture = Fixture::new();
        for (key, answer) in [(1, Ok(Some("merchant"))), (2, Ok(None)), (3, Err("down"))] {
            let asked = (0..100).map(|_| fixture.get(key, answer));
            for result in all_together(asked).await {
                assert_eq!(result, answer);
            }
            assert_eq!(fixture.reads(), 1, "{answer:?}");
        }
    }

    #[tokio::test]
    async fn a_failed_read_is_tried_again_soon() {
        let fixture = Fixture::new();
        assert_eq!(fixture.get(1, Err("down")).await, Err("down"));
        fixture.clock.advance(Span::millis(100));
        assert_eq!(
            fixture.get(1, Ok(Some("merchant"))).await,
            Ok(Some("merchant"))
        );
    }

    #[tokio::test]
    async fn who_gives_up_waiting_leaves_the_question_to_the_next() {
        let fixture = Fixture::new();
        {
            let asking = std::pin::pin!(fixture.get(1, Ok(Some("nobody hears this"))));
            assert!(futures_util::poll!(asking).is_pending(), "it is asked");
        }
        assert_eq!(
            fixture.get(1, Ok(Some("merchant"))).await,
            Ok(Some("merchant"))
        );
    }

    #[tokio::test]
    async fn guessing_neither_fills_memory_nor_pushes_out_a_key_in_use() {
        let clock = Arc::new(ManualClock::starting_at(Timestamp::EPOCH));
        let limits = KeyCacheLimits {
            entries: 100,
            ..KeyCacheLimits::default()
        };
        let cache: KeyCache<&str, &str> = KeyCache::new(limits, clock);
        let load = |answer| move || std::future::ready(Ok(answer));
        cache
            .get(&[0xff; 32], load(Some("merchant")))
            .await
            .unwrap();
        for guess in 0..10_000_u32 {
            let mut hash = [0; 32];
            hash[..4].copy_from_slice(&guess.to_le_bytes());
            assert_eq!(cache.get(&hash, load(None)).await, Ok(None));
        }
        assert_eq!(
            cache.get(&[0xff; 32], load(None)).await,
            Ok(Some("merchant"))
        );
        assert!(cache.refused.len() <= 100 && cache.known.len() == 1);
    }

    #[test]
    fn key_ids_are_the_same_or_not() {
        assert!(same_key_id("pk_test_1", "pk_test_1"));
        assert!(!same_key_id("pk_test_1", "pk_test_2"));
        assert!(!same_key_id("pk_test_1", "pk_test_10"));
    }

    /// Polls all of them together to their ends.
    async fn all_together<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
        let mut running: Vec<_> = futures.map(Box::pin).collect();
        let mut done = Vec::new();
        std::future::poll_fn(|cx| {
            running.retain_mut(|future| match future.as_mut().poll(cx) {
                std::task::Poll::Ready(value) => {
                    done.push(value);
                    false
                }
                std::task::Poll::Pending => true,
            });
            if running.is_empty() {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
        done
    }
}

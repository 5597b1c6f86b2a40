//! The guard of outgoing calls: a merchant names an address, and we must not be made to call our own machine
//! or its neighbours.
//!
//! A name is judged by what it resolves to, in the resolver that the connection itself uses: whatever a name
//! server said a moment ago, what is judged is what is connected to. An address written in the URL never
//! comes by a resolver, so it is judged before; the rules are [core's](paydesk_core::outgoing).

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use paydesk_core::outgoing::Policy;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Turns a name into addresses.
#[async_trait]
pub trait Lookup: Send + Sync + 'static {
    /// All addresses of a host's name.
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's own resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let addresses = tokio::net::lookup_host((name, 0)).await?;
        Ok(addresses.map(|address| address.ip()).collect())
    }
}

/// The policy together with the resolver that it judges.
#[derive(Clone)]
pub struct Guard {
    policy: Policy,
    lookup: Arc<dyn Lookup>,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl Guard {
    /// With the system's resolver.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self::with_lookup(policy, Arc::new(SystemLookup))
    }

    /// With another resolver.
    #[must_use]
    pub const fn with_lookup(policy: Policy, lookup: Arc<dyn Lookup>) -> Self {
        Self { policy, lookup }
    }

    /// What it goes by.
    #[must_use]
    pub const fn policy(&self) -> Policy {
        self.policy
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { policy, lookup } = self.clone();
        Box::pin(async move {
            let addresses = lookup.lookup(name.as_str()).await?;
            let allowed = policy.judge_resolved(name.as_str(), addresses)?;
            // Port 0: the client puts in the URL's own.
            let addresses: Addrs = Box::new(
                allowed
                    .into_iter()
                    .map(|address| SocketAddr::new(address, 0)),
            );
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const CAREFUL: Policy = Policy {
        allow_private: false,
    };

    /// Answers with the next list each time: a name server that changes its mind.
    struct Changing(Vec<Vec<IpAddr>>, AtomicUsize);

    #[async_trait]
    impl Lookup for Changing {
        async fn lookup(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            Ok(self.0[self.1.fetch_add(1, Ordering::SeqCst)].clone())
        }
    }

    #[tokio::test]
    async fn a_name_is_judged_anew_by_every_answer_it_resolves_to() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let answers = vec![
            vec![ip("8.8.8.8")],
            vec![ip("127.0.0.1")],
            vec![ip("10.0.0.1"), ip("2606:4700::1"), ip("::1"), ip("8.8.4.4")],
            vec![],
        ];
        let guard = Guard::with_lookup(CAREFUL, Arc::new(Changing(answers, AtomicUsize::new(0))));
        let ask = || async {
            let addresses = guard.resolve("shop.example".parse().unwrap()).await;
            addresses
                .map(|addresses| addresses.map(|address| address.ip()).collect::<Vec<_>>())
                .map_err(|error| error.to_string())
        };
        assert_eq!(ask().await, Ok(vec![ip("8.8.8.8")]));
        assert_eq!(
            ask().await,
            Err(
                "shop.example resolves to 127.0.0.1, which is loopback, not a public address"
                    .to_owned()
            )
        );
        assert_eq!(
            ask().await,
            Ok(vec![ip("2606:4700::1"), ip("8.8.4.4")]),
            "the rest is left out"
        );
        assert_eq!(ask().await, Ok(vec![]), "no answer is not a forbidden one");
    }
}

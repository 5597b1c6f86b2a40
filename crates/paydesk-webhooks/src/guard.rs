//! The guard of outgoing calls: a merchant names an address, and we must not be made to call our own machine
//! or its neighbours.
//!
//! A name is judged by what it resolves to, in the resolver that the connection itself uses: whatever a name
//! server said a moment ago, what is judged is what is connected to. An address written in the URL never
//! comes by a resolver, so it is judged before.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use paydesk_core::tenant::Mode;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::address::special_purpose;

/// Where a call may go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Policy {
    /// Whether it may go to addresses that are not on the public internet, this machine's own included, and
    /// unencrypted in live mode too. For an operator whose receivers are beside the server.
    pub allow_private: bool,
}

/// Why a URL may not be called.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Forbidden {
    /// It is none.
    #[error("`{0}` is no URL")]
    NotAUrl(url::ParseError),
    /// Its scheme is neither.
    #[error("a URL must begin with https:// (or http:// in test mode), not {0}:")]
    Scheme(String),
    /// In live mode, what is told of payments does not travel in the open.
    #[error("http:// is for test mode only; live mode needs https://")]
    PlainHttp,
    /// It names a user or a password, which would end up in logs, and serves to disguise the host.
    #[error("a URL must not carry a user name or password")]
    Userinfo,
    /// The host is an address that is not on the public internet.
    #[error("{address} is {what}, not a public address")]
    Address {
        /// The address.
        address: IpAddr,
        /// What is special about it.
        what: &'static str,
    },
    /// All that the host's name resolves to is not on the public internet.
    #[error("{name} resolves to {address}, which is {what}, not a public address")]
    Resolved {
        /// The host's name.
        name: String,
        /// An address of it.
        address: IpAddr,
        /// What is special about that.
        what: &'static str,
    },
}

impl Policy {
    /// Judges a URL as far as it can be without asking a name server: for when a merchant gives it, and again
    /// before each call.
    pub fn judge(self, url: &str, mode: Mode) -> Result<Url, Forbidden> {
        let url = Url::parse(url).map_err(Forbidden::NotAUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if self.allow_private || !mode.is_live() => {}
            "http" => return Err(Forbidden::PlainHttp),
            other => return Err(Forbidden::Scheme(other.to_owned())),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Forbidden::Userinfo);
        }
        // `url` has already normalised every way of writing an address: decimal, octal, hexadecimal,
        // shortened, percent-encoded, full-width.
        match url.host() {
            Some(Host::Ipv4(address)) => self.judge_address(address.into())?,
            Some(Host::Ipv6(address)) => self.judge_address(address.into())?,
            Some(Host::Domain(_)) => {}
            // Not reachable: http and https URLs have a host.
            None => return Err(Forbidden::NotAUrl(url::ParseError::EmptyHost)),
        }
        Ok(url)
    }

    fn judge_address(self, address: IpAddr) -> Result<(), Forbidden> {
        match special_purpose(address) {
            Some(what) if !self.allow_private => Err(Forbidden::Address { address, what }),
            _ => Ok(()),
        }
    }

    /// Keeps what may be connected to; an error if that leaves nothing of something.
    fn judge_resolved(self, name: &str, addresses: Vec<IpAddr>) -> Result<Vec<IpAddr>, Forbidden> {
        let mut refused = None;
        let mut allowed = addresses;
        allowed.retain(|address| match self.judge_address(*address) {
            Ok(()) => true,
            Err(Forbidden::Address { address, what }) => {
                let name = name.to_owned();
                refused = Some(Forbidden::Resolved {
                    name,
                    address,
                    what,
                });
                false
            }
            Err(other) => {
                refused = Some(other);
                false
            }
        });
        match refused {
            Some(refused) if allowed.is_empty() => Err(refused),
            _ => Ok(allowed),
        }
    }
}

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
    const OPEN: Policy = Policy {
        allow_private: true,
    };

    #[test]
    fn http_is_for_test_mode_or_an_operator_who_allows_it() {
        for (policy, mode, allowed) in [
            (CAREFUL, Mode::Test, true),
            (CAREFUL, Mode::Live, false),
            (OPEN, Mode::Test, true),
            (OPEN, Mode::Live, true),
        ] {
            assert_eq!(
                policy.judge("http://shop.example/hook", mode).is_ok(),
                allowed,
                "{policy:?} {mode}"
            );
            assert!(policy.judge("https://shop.example/hook", mode).is_ok());
        }
        assert_eq!(
            CAREFUL.judge("http://shop.example/", Mode::Live),
            Err(Forbidden::PlainHttp)
        );
    }

    #[test]
    fn a_refusal_names_what_was_wrong() {
        let why = |url: &str| CAREFUL.judge(url, Mode::Test).unwrap_err().to_string();
        assert_eq!(
            why("ftp://shop.example"),
            "a URL must begin with https:// (or http:// in test mode), not ftp:"
        );
        assert_eq!(
            why("https://a:b@shop.example"),
            "a URL must not carry a user name or password"
        );
        assert_eq!(
            why("https://0x7f.1/"),
            "127.0.0.1 is loopback, not a public address"
        );
        assert_eq!(why("/hook"), "`relative URL without a base` is no URL");
    }

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

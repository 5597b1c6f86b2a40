//! Where notifications may go: judged when a merchant gives an address, so that it hears at once of one that nothing
//! could ever be delivered to, and before each call.

mod address;

use std::net::IpAddr;

use url::{Host, Url};

pub use self::address::special_purpose;
use crate::refusal::Refusal;
use crate::tenant::Mode;

/// The longest address that is taken, in characters.
const MAX_URL: usize = 2_048;

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
    /// The host's name means the machine that calls it.
    #[error("{0} is this machine, not a public address")]
    ThisMachine(String),
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
            Some(Host::Domain(name)) => self.judge_name(name)?,
            // Not reachable: http and https URLs have a host.
            None => return Err(Forbidden::NotAUrl(url::ParseError::EmptyHost)),
        }
        Ok(url)
    }

    /// RFC 6761: these names are this machine's, whoever is asked.
    fn judge_name(self, name: &str) -> Result<(), Forbidden> {
        let plain = name.strip_suffix('.').unwrap_or(name);
        let local = plain == "localhost" || plain.ends_with(".localhost");
        if local && !self.allow_private {
            return Err(Forbidden::ThisMachine(name.to_owned()));
        }
        Ok(())
    }

    fn judge_address(self, address: IpAddr) -> Result<(), Forbidden> {
        match special_purpose(address) {
            Some(what) if !self.allow_private => Err(Forbidden::Address { address, what }),
            _ => Ok(()),
        }
    }

    /// Keeps what may be connected to of what a host's name resolves to; an error if that leaves nothing of something.
    pub fn judge_resolved(
        self,
        name: &str,
        addresses: Vec<IpAddr>,
    ) -> Result<Vec<IpAddr>, Forbidden> {
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

    /// Refuses an address that a merchant gives in this field, if nothing could be delivered to it.
    pub fn check(self, field: &str, text: &str, mode: Mode) -> Result<(), Refusal> {
        if text.len() > MAX_URL {
            let problem = format!("is longer than {MAX_URL} characters");
            return Err(Refusal::field(field, problem));
        }
        let Err(forbidden) = self.judge(text, mode) else {
            return Ok(());
        };
        let problem = match forbidden {
            Forbidden::NotAUrl(_) => "is not a URL such as https://example.com/path".to_owned(),
            Forbidden::Scheme(_) => "is not an http or https URL".to_owned(),
            Forbidden::PlainHttp => "must use https in live mode".to_owned(),
            Forbidden::Userinfo => "must not carry a user name or password".to_owned(),
            Forbidden::Address { address, what } => {
                format!("names {address}, which is {what}, not a public address")
            }
            Forbidden::ThisMachine(name) | Forbidden::Resolved { name, .. } => {
                format!("names {name}, which is not a public address")
            }
        };
        Err(Refusal::field(field, problem))
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn a_merchant_is_told_which_field_and_what_is_wrong_with_it() {
        let check = |url: &str, mode| match CAREFUL.check("notifyUrl", url, mode) {
            Err(Refusal::InvalidField { field, problem }) => {
                assert_eq!(field, "notifyUrl");
                problem
            }
            other => panic!("{url}: {other:?}"),
        };
        for (url, said) in [
            ("hook", "is not a URL"),
            ("ftp://shop.example", "http or https"),
            ("https://a:b@shop.example", "user name or password"),
            ("https://10.1.2.3/hook", "10.1.2.3, which is private"),
            ("http://localhost:3000/hook", "localhost"),
            ("https://a.localhost./hook", "a.localhost."),
        ] {
            let problem = check(url, Mode::Test);
            assert!(problem.contains(said), "{problem}");
        }
        assert!(check("http://shop.example", Mode::Live).contains("https in live mode"));
        let long = format!("https://shop.example/{}", "x".repeat(MAX_URL));
        assert!(check(&long, Mode::Live).contains("2048"));
        for url in [
            "http://127.0.0.1:3000/hook",
            "http://localhost:3000/hook",
            "http://shop.example/hook",
        ] {
            assert!(OPEN.check("url", url, Mode::Live).is_ok(), "{url}");
        }
        assert!(
            CAREFUL
                .check("url", "http://shop.example/hook", Mode::Test)
                .is_ok()
        );
    }
}

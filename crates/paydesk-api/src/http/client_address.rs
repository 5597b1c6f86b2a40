//! Where a request comes from, as far as it can be believed.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies whose `X-Forwarded-For` is believed. Without one, only the peer's own address counts.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// These networks.
    #[must_use]
    pub const fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client's address: the peer's, or, if the peer is one of these proxies, the rightmost hop of
    /// `X-Forwarded-For` that is not. What stands left of that hop was written by the client itself.
    #[must_use]
    pub fn client(&self, peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.ip().to_canonical();
        if self.0.is_empty() || !self.trusts(peer) {
            return peer;
        }
        let mut nearest = peer;
        // Several headers are one list, the later ones nearer to us.
        for value in headers.get_all(&X_FORWARDED_FOR).iter().rev() {
            let Ok(hops) = value.to_str() else {
                return nearest;
            };
            for hop in hops.rsplit(',') {
                // What cannot be read cannot be believed, nor what stands left of it.
                let Some(hop) = parse(hop.trim()) else {
                    return nearest;
                };
                nearest = hop;
                if !self.trusts(hop) {
                    return hop;
                }
            }
        }
        nearest
    }
}

/// An address, with or without a port, IPv6 with or without brackets.
fn parse(hop: &str) -> Option<IpAddr> {
    let address = hop
        .parse::<IpAddr>()
        .or_else(|_| hop.parse::<SocketAddr>().map(|address| address.ip()))
        .ok()
        .or_else(|| hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok())?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(trusted: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(&X_FORWARDED_FOR, value.parse().unwrap());
        }
        TrustedProxies::new(
            trusted
                .iter()
                .map(|network| network.parse().unwrap())
                .collect(),
        )
        .client(peer.parse().unwrap(), &headers)
        .to_string()
    }

    #[test]
    fn a_stranger_cannot_choose_its_address() {
        assert_eq!(
            client(&[], "198.51.100.7:1", &["203.0.113.1"]),
            "198.51.100.7"
        );
        assert_eq!(
            client(&["10.0.0.0/8"], "198.51.100.7:1", &["203.0.113.1"]),
            "198.51.100.7"
        );
    }

    #[test]
    fn a_trusted_proxy_names_its_client() {
        assert_eq!(
            client(&["10.0.0.0/8"], "10.1.1.1:1", &["203.0.113.1"]),
            "203.0.113.1"
        );
        assert_eq!(
            client(&["10.0.0.0/8"], "[::ffff:10.1.1.1]:1", &["203.0.113.1:443"]),
            "203.0.113.1"
        );
        assert_eq!(
            client(&["10.0.0.0/8"], "10.1.1.1:1", &["[2001:db8::1]:443"]),
            "2001:db8::1"
        );
        assert_eq!(
            client(&["10.0.0.0/8"], "10.1.1.1:1", &["[2001:db8::1]"]),
            "2001:db8::1"
        );
    }

    #[test]
    fn the_rightmost_untrusted_hop_counts_whatever_the_client_wrote_before_it() {
        let trusted = &["10.0.0.0/8"];
        assert_eq!(
            client(trusted, "10.1.1.1:1", &["1.1.1.1, 203.0.113.1, 10.2.2.2"]),
            "203.0.113.1"
        );
        assert_eq!(
            client(trusted, "10.1.1.1:1", &["1.1.1.1", "203.0.113.1, 10.2.2.2"]),
            "203.0.113.1"
        );
        assert_eq!(
            client(trusted, "10.1.1.1:1", &["1.1.1.1, junk, 10.2.2.2"]),
            "10.2.2.2"
        );
        assert_eq!(
            client(trusted, "10.1.1.1:1", &["10.3.3.3, 10.2.2.2"]),
            "10.3.3.3"
        );
        assert_eq!(client(trusted, "10.1.1.1:1", &[]), "10.1.1.1");
    }
}

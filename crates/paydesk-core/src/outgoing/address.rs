//! Which addresses are nobody's on the public internet: our own machine, its neighbours, and every way of
//! writing them inside another address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// Networks that no receiver can have, most specific first. Source: IANA's registry of special-purpose IPv4
/// addresses, and the addresses at which cloud providers serve a machine its own secrets.
const V4: &[(Ipv4Net, &str)] = &[
    (v4(0, 0, 0, 0, 8), "this network"),
    (v4(10, 0, 0, 0, 8), "private"),
    (v4(100, 64, 0, 0, 10), "shared by carriers"),
    (v4(127, 0, 0, 0, 8), "loopback"),
    // Azure's machines are managed from here; it is a public address that only they reach.
    (v4(168, 63, 129, 16, 32), "a cloud provider's own"),
    (v4(169, 254, 0, 0, 16), "link-local"),
    (v4(172, 16, 0, 0, 12), "private"),
    (v4(192, 0, 0, 0, 24), "for protocols"),
    (v4(192, 0, 2, 0, 24), "for documentation"),
    (v4(192, 88, 99, 0, 24), "a 6to4 relay"),
    (v4(192, 168, 0, 0, 16), "private"),
    (v4(198, 18, 0, 0, 15), "for benchmarks"),
    (v4(198, 51, 100, 0, 24), "for documentation"),
    (v4(203, 0, 113, 0, 24), "for documentation"),
    (v4(224, 0, 0, 0, 4), "multicast"),
    (v4(255, 255, 255, 255, 32), "broadcast"),
    (v4(240, 0, 0, 0, 4), "reserved"),
];

/// The same for IPv6, most specific first. What is in none of these and not in `2000::/3` is reserved.
/// Addresses that carry an IPv4 address are refused whatever they carry: who translates them, and to where,
/// is decided by a network that we do not know.
const V6: &[(Ipv6Net, &str)] = &[
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 128), "unspecified"),
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), "loopback"),
    (
        v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96),
        "a mapped IPv4 address",
    ),
    (
        v6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96),
        "a translated IPv4 address",
    ),
    (
        v6([0, 0, 0, 0, 0, 0, 0, 0], 96),
        "a compatible IPv4 address",
    ),
    (v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96), "a NAT64 address"),
    (v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), "a NAT64 address"),
    (v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64), "discarded"),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32), "a Teredo address"),
    (v6([0x2001, 2, 0, 0, 0, 0, 0, 0], 48), "for benchmarks"),
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), "for protocols"),
    (
        v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
        "for documentation",
    ),
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), "a 6to4 address"),
    (
        v6([0x3ffe, 0, 0, 0, 0, 0, 0, 0], 16),
        "of a network that is no more",
    ),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), "for documentation"),
    (v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), "unique local"),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), "link-local"),
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), "site-local"),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), "multicast"),
];

const GLOBAL_UNICAST: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(segments: [u16; 8], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::from_segments(segments), prefix)
}

/// What is special about an address that no receiver on the public internet can have; nothing about one that
/// a receiver can have.
#[must_use]
pub fn special_purpose(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => special_v6(address),
    }
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    V4.iter()
        .find(|(net, _)| net.contains(&address))
        .map(|(_, what)| *what)
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    if let Some((_, what)) = V6.iter().find(|(net, _)| net.contains(&address)) {
        return Some(what);
    }
    if !GLOBAL_UNICAST.contains(&address) {
        return Some("reserved");
    }
    // ISATAP (RFC 5214): a tunnel to the IPv4 address in the last 32 bits, behind any prefix at all.
    let [_, _, _, _, mark, isatap, high, low] = address.segments();
    if isatap == 0x5efe && mark & !0x0200 == 0 {
        let carried = Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
        return special_v4(carried).map(|_| "an ISATAP address of a special IPv4 address");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn special(text: &str) -> Option<&'static str> {
        special_purpose(text.parse().unwrap())
    }

    #[test]
    fn public_addresses_are_nothing_special() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "191.255.255.255",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2606:4700:4700::1111",
            "2a00:1450::1",
            "2600::",
            "2003::1",
            "3ffd::1",
            "2606:4700::5efe:808:808",
            "2606:4700::200:5efe:808:808",
        ] {
            assert_eq!(special(address), None, "{address}");
        }
    }

    #[test]
    fn both_ends_of_every_special_network_are_special() {
        for (net, what) in V4 {
            for end in [net.network(), net.broadcast()] {
                assert!(special_v4(end).is_some(), "{end} is {what}");
            }
        }
        for (net, what) in V6 {
            for end in [net.network(), net.broadcast()] {
                assert!(special_v6(end).is_some(), "{end} is {what}");
            }
        }
    }

    #[test]
    fn special_addresses_are_told_by_what_they_are() {
        for (address, what) in [
            ("0.0.0.0", "this network"),
            ("127.0.0.1", "loopback"),
            ("127.255.255.255", "loopback"),
            ("10.1.2.3", "private"),
            ("172.31.255.255", "private"),
            ("192.168.0.1", "private"),
            ("100.100.100.200", "shared by carriers"),
            ("169.254.169.254", "link-local"),
            ("168.63.129.16", "a cloud provider's own"),
            ("192.0.0.192", "for protocols"),
            ("198.19.255.255", "for benchmarks"),
            ("239.1.1.1", "multicast"),
            ("250.1.1.1", "reserved"),
            ("255.255.255.255", "broadcast"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("::2", "a compatible IPv4 address"),
            ("::127.0.0.1", "a compatible IPv4 address"),
            ("::ffff:127.0.0.1", "a mapped IPv4 address"),
            ("::ffff:8.8.8.8", "a mapped IPv4 address"),
            ("::ffff:0:127.0.0.1", "a translated IPv4 address"),
            ("64:ff9b::127.0.0.1", "a NAT64 address"),
            ("64:ff9b:1:ffff::10.0.0.1", "a NAT64 address"),
            ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "a Teredo address"),
            ("2001:2::1", "for benchmarks"),
            ("2001:10::1", "for protocols"),
            ("2001:db8::1", "for documentation"),
            ("2002:7f00:1::", "a 6to4 address"),
            ("3fff:fff::1", "for documentation"),
            ("100::1", "discarded"),
            ("4000::1", "reserved"),
            ("5f00::1", "reserved"),
            ("fc00::1", "unique local"),
            ("fd00:ec2::254", "unique local"),
            ("fe80::1", "link-local"),
            ("febf::1", "link-local"),
            ("fec0::1", "site-local"),
            ("ff02::1", "multicast"),
            (
                "2606:4700::5efe:7f00:1",
                "an ISATAP address of a special IPv4 address",
            ),
            (
                "2606:4700::200:5efe:a00:1",
                "an ISATAP address of a special IPv4 address",
            ),
        ] {
            assert_eq!(special(address), Some(what), "{address}");
        }
    }
}

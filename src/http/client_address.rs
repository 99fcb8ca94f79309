//! Where a request comes from. What it says of that itself is believed only from proxies that the operator named.

use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::{self, HeaderMap};
use ipnet::IpNet;

/// The address of whoever calls: the peer, or behind trusted proxies the right-most hop of `X-Forwarded-For` that is
/// none of them, since all to the left of it is what that hop claimed.
///
/// Each proxy writes down its own peer. An entry that cannot be read ends the walk at the last hop that was believed.
/// `Forwarded` and `X-Real-IP` are never read: a proxy that does not set them passes on what strangers wrote there.
pub(super) fn of(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|net| net.contains(&address));
    let mut believed = peer.to_canonical();
    if !is_trusted(believed) {
        return believed;
    }
    let lines: Vec<_> = headers.get_all(header::X_FORWARDED_FOR).collect();
    let hops = lines.iter().rev().flat_map(|line| {
        // A line that is no text is one entry that cannot be read.
        line.to_str().unwrap_or_default().rsplit(',')
    });
    for hop in hops {
        let Some(address) = address(hop.trim()) else {
            return believed;
        };
        believed = address;
        if !is_trusted(address) {
            return address;
        }
    }
    believed
}

/// An address, with or without a port; one of IPv6 with a port stands in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<SocketAddr>().ok().map(|with| with.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address = text.parse::<IpAddr>().ok();
    let address = address.or_else(with_port).or_else(in_brackets)?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    const PROXIES: [&str; 3] = ["10.0.0.0/8", "192.0.2.1/32", "2001:db8:a::/48"];

    #[track_caller]
    fn assert_client(peer: &str, lines: &[&str], expected: &str) {
        let trusted = PROXIES.map(|net| net.parse().unwrap());
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(
                header::X_FORWARDED_FOR,
                HeaderValue::from_str(line).unwrap(),
            );
        }
        let client = of(peer.parse().unwrap(), &headers, &trusted);
        assert_eq!(client.to_string(), expected, "{peer} {lines:?}");
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_client("203.0.113.7", &["198.51.100.1"], "203.0.113.7");
        assert_client("203.0.113.7", &["198.51.100.1, 10.0.0.1"], "203.0.113.7");
        assert_client("::ffff:203.0.113.7", &["198.51.100.1"], "203.0.113.7");
        assert_client("2001:db8:b::1", &["198.51.100.1"], "2001:db8:b::1");
    }

    #[test]
    fn behind_trusted_proxies_the_right_most_other_hop_counts() {
        for (lines, expected) in [
            (&["198.51.100.1"][..], "198.51.100.1"),
            (&["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            (
                &["1.1.1.1,198.51.100.1 , 10.9.9.9,192.0.2.1"],
                "198.51.100.1",
            ),
            (&["1.1.1.1", "198.51.100.1", "10.0.0.3"], "198.51.100.1"),
            (&["1.1.1.1", "198.51.100.1, 10.0.0.3"], "198.51.100.1"),
            (&["198.51.100.1:4711"], "198.51.100.1"),
            (&["[2001:db8:c::5]:4711"], "2001:db8:c::5"),
            (&["[2001:db8:c::5]"], "2001:db8:c::5"),
            (&["2001:db8:c::5, 2001:db8:a::1"], "2001:db8:c::5"),
            (&["::ffff:198.51.100.1, ::ffff:10.0.0.2"], "198.51.100.1"),
            // All of them trusted: the left-most.
            (&["10.0.0.5, 10.0.0.6"], "10.0.0.5"),
            (&[], "10.0.0.1"),
        ] {
            assert_client("10.0.0.1", lines, expected);
            assert_client("::ffff:10.0.0.1", lines, expected);
        }
    }

    #[test]
    fn what_cannot_be_read_ends_the_walk_where_belief_ended() {
        for (lines, expected) in [
            (&["198.51.100.1, unknown"][..], "10.0.0.1"),
            (&["198.51.100.1, unknown, 10.0.0.2"], "10.0.0.2"),
            (&["198.51.100.1, "], "10.0.0.1"),
            (&["198.51.100.1,,10.0.0.2"], "10.0.0.2"),
            (&[""], "10.0.0.1"),
            (&["198.51.100.1", ""], "10.0.0.1"),
            (&["198.51.100.256"], "10.0.0.1"),
            (&["198.51.100.1:"], "10.0.0.1"),
            (&["198.51.100.1:99999"], "10.0.0.1"),
            (&["for=198.51.100.1"], "10.0.0.1"),
            (&["_hidden"], "10.0.0.1"),
            (&["fe80::1%eth0"], "10.0.0.1"),
        ] {
            assert_client("10.0.0.1", lines, expected);
        }
        let mut headers = HeaderMap::new();
        headers.append(
            header::X_FORWARDED_FOR,
            HeaderValue::from_bytes(b"198.51.100.1, \xff").unwrap(),
        );
        let peer = "10.0.0.1".parse().unwrap();
        assert_eq!(of(peer, &headers, &["10.0.0.0/8".parse().unwrap()]), peer);
    }
}

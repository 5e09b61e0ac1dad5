//! Addresses and networks. An IPv4 address that is written as IPv6 (`::ffff:192.0.2.1`) is IPv4.

use std::fmt;
use std::net::IpAddr;

/// An address, or the addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    first: IpAddr,
    bits: u8,
}

/// Bits before the IPv4 address in a mapped one.
const MAPPED: u8 = 96;

impl Network {
    /// Reads `ADDRESS` or `ADDRESS/BITS`; bits of the address behind those that count are ignored.
    pub(super) fn parse(text: &str) -> Result<Network, String> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let typed: IpAddr = address.parse().map_err(|_| "not an address or a network".to_owned())?;
        let most = width(typed);
        let bits = match bits {
            None => most,
            Some(bits) => {
                let number = bits.parse::<u8>().ok().filter(|_| bits.bytes().all(|b| b.is_ascii_digit()));
                let in_range = number.filter(|bits| *bits <= most);
                in_range.ok_or_else(|| format!("a network's length is a number from 0 to {most}"))?
            }
        };
        let network = match typed.to_canonical() {
            mapped if width(mapped) < most && bits >= MAPPED => {
                Network { first: mapped, bits: bits - MAPPED }
            }
            _ => Network { first: typed, bits },
        };
        Ok(Network { first: masked(network.first, network.bits), bits: network.bits })
    }

    /// Texts of which one stands in every way to write an address in it; none where there are no such texts.
    pub(super) fn needed_texts(self) -> Option<[String; 2]> {
        let IpAddr::V4(first) = self.first else { return None };
        let whole = first.to_string();
        let text = match self.bits {
            32 => whole,
            24.. => whole[..=whole.rfind('.')?].to_owned(),
            _ => return None,
        };
        // What comes before an IPv4 address that is written as IPv6, perhaps without its dots.
        Some([text, ":ffff:".to_owned()])
    }

    /// Whether `text` is an address in it.
    pub(super) fn contains(self, text: &str) -> bool {
        // A link-local address may name its interface.
        let address = text.split('%').next().unwrap_or(text);
        let Ok(address) = address.parse::<IpAddr>() else { return false };
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && masked(address, self.bits) == self.first
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The address with all but its first bits cleared.
fn masked(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & mask).into())
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bits == width(self.first) {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}/{}", self.first, self.bits)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        Network::parse(text).unwrap()
    }

    #[test]
    fn addresses_and_networks_hold_what_they_should() {
        for (typed, inside, outside) in [
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("192.0.2.1", "::ffff:192.0.2.1", "::192.0.2.1"),
            ("10.1.2.3/8", "10.255.0.1", "11.0.0.0"),
            ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
            ("::/0", "2001:db8::1", "203.0.113.9"),
            ("::ffff:10.0.0.0/104", "10.9.9.9", "11.0.0.1"),
            ("2001:db8::/32", "2001:DB8:b9::55", "2001:db9::1"),
            ("fe80::1", "fe80::1%eth0", "fe80::2"),
        ] {
            assert!(network(typed).contains(inside), "{typed} {inside}");
            assert!(!network(typed).contains(outside), "{typed} {outside}");
        }
        assert!(!["", "nonsense", "192.0.2.01", "192.0.2"].iter().any(|text| network("::/0").contains(text)));
    }

    #[test]
    fn every_spelling_of_a_network_is_told_the_same_way() {
        for (typed, told) in [
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("10.1.2.3/32", "10.1.2.3"),
            ("::ffff:10.1.2.3", "10.1.2.3"),
            ("2001:DB8:0::/32", "2001:db8::/32"),
        ] {
            assert_eq!(network(typed).to_string(), told);
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in ["", "10.*", "10.0.0", "example.test", "10.0.0.0-10.0.0.9"] {
            assert_eq!(Network::parse(text).unwrap_err(), "not an address or a network", "{text}");
        }
        for (text, most) in [("10.0.0.0/33", 32), ("10.0.0.0/", 32), ("10.0.0.0/+8", 32), ("::/129", 128)] {
            let why = Network::parse(text).unwrap_err();
            assert_eq!(why, format!("a network's length is a number from 0 to {most}"), "{text}");
        }
    }
}

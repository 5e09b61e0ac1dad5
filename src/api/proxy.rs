//! Which proxy a server is reached through, by curl's rules.
//!
//! Pure: `config` reads the variables and passes the values in. ureq's own reading of the variables is
//! switched off: it sends loopback through proxies, does not trim NO_PROXY, and goes direct, silently,
//! where a proxy's URL is malformed. A proxy's password is a secret and in no message (P10).

use std::borrow::Cow;
use std::net::IpAddr;

use percent_encoding::percent_decode;

use crate::api::endpoint::BaseUrl;
use crate::error::{Error, ErrorKind, Result};
use crate::sanitize;
use crate::secret::Secret;

/// The proxy variables' values; where both spellings exist, the lower-case one (as curl prefers it).
///
/// An empty value is kept: an empty `https_proxy` switches proxies off, whatever `all_proxy` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxyVariables {
    /// `https_proxy`.
    pub https: Option<Secret>,
    /// `http_proxy`; only plain http would use it, which is allowed only to this machine.
    pub http: Option<Secret>,
    /// `all_proxy`.
    pub all: Option<Secret>,
    /// `no_proxy`.
    pub no_proxy: Option<String>,
}

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProxyProtocol {
    /// CONNECT over plain HTTP.
    Http,
    /// CONNECT over TLS.
    Https,
    /// SOCKS 4, names resolved here.
    Socks4,
    /// SOCKS 4a, names resolved by the proxy.
    Socks4a,
    /// SOCKS 5, names resolved here.
    Socks5,
    /// SOCKS 5, names resolved by the proxy.
    Socks5h,
}

impl ProxyProtocol {
    fn of_scheme(scheme: &str) -> Option<Self> {
        Some(match scheme {
            "http" => ProxyProtocol::Http,
            "https" => ProxyProtocol::Https,
            "socks" | "socks4" => ProxyProtocol::Socks4,
            "socks4a" => ProxyProtocol::Socks4a,
            "socks5" => ProxyProtocol::Socks5,
            "socks5h" => ProxyProtocol::Socks5h,
            _ => return None,
        })
    }

    /// curl's default ports.
    fn default_port(self) -> u16 {
        if self == ProxyProtocol::Https { 443 } else { 1080 }
    }
}

/// A proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// How it is spoken to.
    pub protocol: ProxyProtocol,
    /// Its host name or address; an IPv6 address keeps its brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The user name, decoded.
    pub user: Option<String>,
    /// The password, decoded.
    pub password: Option<Secret>,
}

/// The hint where a proxy requires a login.
pub(super) const PROXY_LOGIN: &str = "write them into the proxy's URL: http://USER:PASSWORD@HOST:PORT";

impl Proxy {
    /// Its host and port, for people; never its user or password (P10).
    pub(super) fn shown(&self) -> String {
        format!("{}:{}", sanitize::message(&self.host), self.port)
    }
}

/// The proxy that `server` is reached through, if there is one.
///
/// # Errors
/// Fails with `Config` when the variable that applies holds no proxy URL.
pub fn resolve(server: &BaseUrl, variables: &ProxyVariables) -> Result<Option<Proxy>> {
    if server.is_loopback() || is_excepted(server, variables.no_proxy.as_deref().unwrap_or_default()) {
        return Ok(None);
    }
    let own =
        if server.is_secure() { ("HTTPS_PROXY", &variables.https) } else { ("HTTP_PROXY", &variables.http) };
    let (variable, value) = if own.1.is_some() { own } else { ("ALL_PROXY", &variables.all) };
    match value.as_ref().map(|url| url.expose().trim()) {
        None | Some("") => Ok(None),
        Some(url) => parse(url).map(Some).map_err(|reason| {
            Error::new(ErrorKind::Config, format!("{variable} is not a proxy's URL: {reason}"))
                .hint(format!("set {variable} to something like http://proxy.example:3128, or unset it"))
        }),
    }
}

fn parse(url: &str) -> Result<Proxy, &'static str> {
    let (protocol, rest) = match url.split_once("://") {
        Some((scheme, rest)) => {
            let scheme = scheme.to_ascii_lowercase();
            (
                ProxyProtocol::of_scheme(&scheme)
                    .ok_or("no such kind of proxy (http, https, socks4, socks5)")?,
                rest,
            )
        }
        None => (ProxyProtocol::Http, url),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (login, address) = match authority.rsplit_once('@') {
        Some((login, address)) => (Some(login), address),
        None => (None, authority),
    };
    let (user, password) = match login.map(|login| login.split_once(':').unwrap_or((login, ""))) {
        Some((user, password)) => (Some(decoded(user)?), Some(decoded(password)?)),
        None => (None, None),
    };
    let bracket = address.rfind(']').unwrap_or(0);
    let (host, port) = match address[bracket..].rfind(':') {
        Some(colon) => {
            let (host, port) = address.split_at(bracket + colon);
            let port = port[1..].parse().ok().filter(|port| *port > 0);
            (host, port.ok_or("its port is no number from 1 to 65535")?)
        }
        None => (address, protocol.default_port()),
    };
    if !is_host(host) {
        return Err("it has no valid host");
    }
    Ok(Proxy {
        protocol,
        host: host.to_owned(),
        port,
        user,
        password: password.filter(|text| !text.is_empty()).map(Secret::new),
    })
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').is_some_and(|ip| ip.parse::<std::net::Ipv6Addr>().is_ok()),
        None => {
            !host.is_empty()
                && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        }
    }
}

/// Percent-decoded, once; a `%` that begins no such code is refused, as it may be a typing mistake.
fn decoded(text: &str) -> Result<String, &'static str> {
    const WRONG: &str = "its user name or password is not percent-encoded as it should be";
    let is_code = |code: &[u8]| code.len() == 2 && code.iter().all(u8::is_ascii_hexdigit);
    let bytes = text.as_bytes();
    let codes = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%');
    if !codes.into_iter().all(|(at, _)| bytes.get(at + 1..at + 3).is_some_and(is_code)) {
        return Err(WRONG);
    }
    percent_decode(bytes).decode_utf8().map(Cow::into_owned).map_err(|_| WRONG)
}

/// Whether NO_PROXY names the server: `*`, a name or its parent domain, an address, a network.
fn is_excepted(server: &BaseUrl, no_proxy: &str) -> bool {
    no_proxy.split([',', ' ', '\t']).filter(|entry| !entry.is_empty()).any(|entry| covers(entry, server))
}

fn covers(entry: &str, server: &BaseUrl) -> bool {
    if entry == "*" {
        return true;
    }
    let entry = entry.to_ascii_lowercase();
    let host = server.host_name().trim_end_matches('.');
    if let Ok(address) = host.parse::<IpAddr>() {
        let (network, bits) = match entry.split_once('/') {
            Some((network, bits)) => (network, bits.parse::<u32>().ok()),
            None => (without_port(&entry, server), Some(u32::MAX)),
        };
        let network = network.trim_start_matches('[').trim_end_matches(']').parse();
        return network.is_ok_and(|network| bits.is_some_and(|bits| contains(network, bits, address)));
    }
    let name = without_port(&entry, server).trim_start_matches("*.").trim_matches('.');
    !name.is_empty()
        && host.strip_suffix(name).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// The entry without its port where that is the server's; an entry with another port covers nothing.
fn without_port<'a>(entry: &'a str, server: &BaseUrl) -> &'a str {
    if entry.parse::<IpAddr>().is_ok() {
        return entry;
    }
    match entry.rsplit_once(':') {
        Some((name, port)) if port.parse() == Ok(server.port()) => name,
        _ => entry,
    }
}

fn contains(network: IpAddr, bits: u32, address: IpAddr) -> bool {
    let prefix = |value: u128, width: u32| value.checked_shr(width - bits.min(width)).unwrap_or(0);
    match (network, address) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            prefix(u128::from(a.to_bits()), 32) == prefix(u128::from(b.to_bits()), 32)
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => prefix(a.to_bits(), 128) == prefix(b.to_bits(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(text: &str) -> BaseUrl {
        text.parse().unwrap()
    }

    fn through(url: &str) -> Result<Option<Proxy>> {
        let variables = ProxyVariables { https: Some(Secret::new(url)), ..ProxyVariables::default() };
        resolve(&server("events.1password.com"), &variables)
    }

    fn excepted(text: &str, no_proxy: &str) -> bool {
        is_excepted(&server(text), no_proxy)
    }

    #[test]
    fn a_proxy_is_read_as_curl_reads_it() {
        let proxy = through("proxy.example").unwrap().unwrap();
        assert_eq!(
            (proxy.protocol, proxy.host.as_str(), proxy.port),
            (ProxyProtocol::Http, "proxy.example", 1080)
        );
        let proxy = through(" https://me%40x:p%3Aw%25@[::1]:3128/ ").unwrap().unwrap();
        assert_eq!((proxy.protocol, proxy.host.as_str(), proxy.port), (ProxyProtocol::Https, "[::1]", 3128));
        assert_eq!((proxy.user.as_deref(), proxy.password), (Some("me@x"), Some(Secret::new("p:w%"))));
        assert_eq!(through("SOCKS5h://p:1").unwrap().unwrap().protocol, ProxyProtocol::Socks5h);
    }

    #[test]
    fn a_malformed_proxy_is_a_configuration_error_that_hides_the_password() {
        for url in [
            "http://",
            "gopher://p:1",
            "http://me:hunter2@p:99999",
            "http://me:%zzhunter2@p",
            "http://a b:1",
            "http://me:hunter2@:3128",
            "http://me:hunter2@[::1:3128",
        ] {
            let failure = through(url).unwrap_err();
            assert_eq!(failure.kind(), ErrorKind::Config, "{url}");
            assert!(!format!("{failure} {failure:?}").contains("hunter2"), "{failure:?}");
        }
        assert!(!format!("{:?}", through("http://me:hunter2@p").unwrap()).contains("hunter2"));
    }

    #[test]
    fn the_schemes_own_variable_comes_first_and_an_empty_one_switches_off() {
        let mut variables = ProxyVariables { all: Some(Secret::new("all:1")), ..ProxyVariables::default() };
        let host = |variables: &ProxyVariables| {
            resolve(&server("events.1password.com"), variables).unwrap().map(|proxy| proxy.host)
        };
        assert_eq!(host(&variables).as_deref(), Some("all"));
        variables.http = Some(Secret::new("http:1"));
        assert_eq!(host(&variables).as_deref(), Some("all"));
        variables.https = Some(Secret::new("https:1"));
        assert_eq!(host(&variables).as_deref(), Some("https"));
        variables.https = Some(Secret::new(""));
        assert_eq!(host(&variables), None);
    }

    #[test]
    fn loopback_never_goes_through_a_proxy() {
        let variables = ProxyVariables {
            https: Some(Secret::new("p:1")),
            http: Some(Secret::new("p:1")),
            ..ProxyVariables::default()
        };
        for text in ["127.0.0.1:80", "localhost", "https://localhost", "[::1]"] {
            assert_eq!(resolve(&server(text), &variables).unwrap(), None, "{text}");
        }
    }

    #[test]
    fn no_proxy_covers_names_domains_addresses_and_networks() {
        let host = "events.1password.com";
        for entry in [
            "*",
            host,
            "1password.com",
            ".1password.com",
            "*.1password.com",
            "a, 1PASSWORD.com. ,b",
            "x  1password.com",
            "events.1password.com:443",
            "com",
        ] {
            assert!(excepted(host, entry), "{entry}");
        }
        for entry in [
            "",
            " , ",
            "password.com",
            "vents.1password.com",
            "events.1password.com:8443",
            ".",
            "10.0.0.0/8",
            "x.events.1password.com",
        ] {
            assert!(!excepted(host, entry), "{entry}");
        }
        for entry in ["10.1.2.3", "10.0.0.0/8", "0.0.0.0/0", "10.1.2.3:443", "10.1.2.3/32"] {
            assert!(excepted("https://10.1.2.3", entry), "{entry}");
        }
        for entry in ["10.1.2.4", "11.0.0.0/8", "2.3", "::/0", "10.0.0.0/x"] {
            assert!(!excepted("https://10.1.2.3", entry), "{entry}");
        }
        assert!(excepted("https://[fd00::1]", "fd00::/8") && excepted("https://[fd00::1]", "fd00::1"));
        assert!(excepted("https://[fd00::1]", "[fd00::1]:443"));
    }
}

//! Servers: 1Password's four, and any other that a person may name.
//!
//! Pure. Decides nothing about whether a host may be trusted with the token: `config` does, by
//! [`BaseUrl::is_known`].

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The region of an account: the sign-in host decides the host of its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Region {
    /// 1password.com
    Us,
    /// 1password.ca
    Ca,
    /// 1password.eu
    Eu,
    /// ent.1password.com
    #[value(alias = "enterprise")]
    Ent,
}

impl Region {
    /// Every region.
    pub const ALL: [Region; 4] = [Region::Us, Region::Ca, Region::Eu, Region::Ent];

    /// The word for it on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Region::Us => "us",
            Region::Ca => "ca",
            Region::Eu => "eu",
            Region::Ent => "ent",
        }
    }

    /// The host that serves its events.
    pub fn host(self) -> &'static str {
        match self {
            Region::Us => "events.1password.com",
            Region::Ca => "events.1password.ca",
            Region::Eu => "events.1password.eu",
            Region::Ent => "events.ent.1password.com",
        }
    }

    /// The base URL that serves its events.
    pub fn base_url(self) -> BaseUrl {
        BaseUrl { secure: true, host: self.host().to_owned(), port: None }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownRegion;

impl fmt::Display for UnknownRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such region; there are us, ca, eu and ent")
    }
}

impl std::error::Error for UnknownRegion {}

impl FromStr for Region {
    type Err = UnknownRegion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Region::ALL.into_iter().find(|r| r.name().eq_ignore_ascii_case(text)).ok_or(UnknownRegion)
    }
}

/// A server: scheme, host and perhaps a port, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    secure: bool,
    /// Lower-case; an IPv6 address keeps its brackets.
    host: String,
    /// Only where it is not the scheme's own.
    port: Option<u16>,
}

impl BaseUrl {
    /// The host, with the port where it is not the scheme's own: `events.1password.com`, `127.0.0.1:8080`.
    pub fn host(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }

    /// The host without any port; an IPv6 address without its brackets.
    pub fn host_name(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// The port that is connected to.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(if self.secure { 443 } else { 80 })
    }

    /// Whether it is spoken to over TLS.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The region it serves, when it is one of 1Password's own four servers.
    pub fn region(&self) -> Option<Region> {
        Region::ALL.into_iter().find(|region| *self == region.base_url())
    }

    /// Whether it is one of 1Password's own four servers.
    pub fn is_known(&self) -> bool {
        self.region().is_some()
    }

    /// Whether it is this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(self.host_name())
    }

    /// The address of `path`, which starts with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{self}{path}")
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.host())
    }
}

/// Why a text is no base URL. Says nothing of the text itself, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadBaseUrl {
    /// There is no text.
    Empty,
    /// A scheme other than http and https.
    Scheme,
    /// http to another machine.
    Insecure,
    /// A user name or password before the host.
    UserInfo,
    /// A question mark or a fragment.
    Query,
    /// Something after the host.
    Path,
    /// The host is no host.
    Host,
    /// The port is no port.
    Port,
}

impl fmt::Display for BadBaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BadBaseUrl::Empty => "it is empty",
            BadBaseUrl::Scheme => "only https:// is spoken (and http:// on this machine)",
            BadBaseUrl::Insecure => "http:// is for this machine only; use https://",
            BadBaseUrl::UserInfo => "it holds a user name or password; the token is all the service wants",
            BadBaseUrl::Query => "it holds a query or fragment; give the host alone",
            BadBaseUrl::Path => "it holds a path; give the host alone, as in https://events.1password.com",
            BadBaseUrl::Host => "its host is not a host name or an address",
            BadBaseUrl::Port => "its port is not a number from 1 to 65535",
        })
    }
}

impl std::error::Error for BadBaseUrl {}

impl FromStr for BaseUrl {
    type Err = BadBaseUrl;

    /// Reads a URL or a bare host, with or without a trailing slash. A bare host means https, or http
    /// where it is this machine.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.is_empty() {
            return Err(BadBaseUrl::Empty);
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
            None => (None, text),
        };
        if rest.contains(['?', '#']) {
            return Err(BadBaseUrl::Query);
        }
        if rest.contains('@') {
            return Err(BadBaseUrl::UserInfo);
        }
        let authority = rest.trim_end_matches('/');
        if authority.contains(['/', '\\']) {
            return Err(BadBaseUrl::Path);
        }
        let (host, port) = split_port(authority)?;
        let host = host.to_ascii_lowercase();
        if !is_host(&host) {
            return Err(BadBaseUrl::Host);
        }
        let loopback = is_loopback(host.trim_matches(['[', ']']));
        let secure = match scheme.as_deref() {
            Some("https") => true,
            Some("http") if loopback => false,
            Some("http") => return Err(BadBaseUrl::Insecure),
            Some(_) => return Err(BadBaseUrl::Scheme),
            None => !loopback,
        };
        let default = if secure { 443 } else { 80 };
        Ok(BaseUrl { secure, host, port: port.filter(|p| *p != default) })
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), BadBaseUrl> {
    let bracket = authority.rfind(']').unwrap_or(0);
    match authority[bracket..].rfind(':') {
        None => Ok((authority, None)),
        Some(colon) => {
            let (host, port) = authority.split_at(bracket + colon);
            match port[1..].parse::<u16>() {
                Ok(port) if port > 0 => Ok((host, Some(port))),
                _ => Err(BadBaseUrl::Port),
            }
        }
    }
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok();
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.len() <= 253 && host.split('.').all(label)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || host.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, BadBaseUrl> {
        text.parse::<BaseUrl>().map(|url| url.to_string())
    }

    #[test]
    fn a_base_url_is_typed_as_a_host_or_a_url() {
        for text in [
            "events.1password.com",
            "events.1password.com/",
            "https://events.1password.com",
            "HTTPS://Events.1Password.Com:443/",
            "  https://events.1password.com//  ",
        ] {
            assert_eq!(read(text).as_deref(), Ok("https://events.1password.com"), "{text}");
        }
        assert_eq!(read("https://proxy.example:8443").as_deref(), Ok("https://proxy.example:8443"));
        assert_eq!(read("127.0.0.1:9000").as_deref(), Ok("http://127.0.0.1:9000"));
        assert_eq!(read("http://[::1]:9000/").as_deref(), Ok("http://[::1]:9000"));
        assert_eq!(read("https://localhost").as_deref(), Ok("https://localhost"));
    }

    #[test]
    fn what_is_not_scheme_host_and_port_is_refused() {
        for (text, reason) in [
            ("", BadBaseUrl::Empty),
            ("ftp://events.1password.com", BadBaseUrl::Scheme),
            ("http://events.1password.com", BadBaseUrl::Insecure),
            ("http://localhost.example.com", BadBaseUrl::Insecure),
            ("http://127.0.0.1.example.com", BadBaseUrl::Insecure),
            ("https://me:secret@events.1password.com", BadBaseUrl::UserInfo),
            ("https://events.1password.com@evil.example", BadBaseUrl::UserInfo),
            ("https://events.1password.com?x=1", BadBaseUrl::Query),
            ("https://events.1password.com#x", BadBaseUrl::Query),
            ("https://events.1password.com/api/v1", BadBaseUrl::Path),
            ("https://evil.example\\.events.1password.com", BadBaseUrl::Path),
            ("https://", BadBaseUrl::Host),
            ("https://a b", BadBaseUrl::Host),
            ("https://events..com", BadBaseUrl::Host),
            ("https://münchen.example", BadBaseUrl::Host),
            ("https://[::1", BadBaseUrl::Host),
            ("https://[nope]", BadBaseUrl::Host),
            ("::1", BadBaseUrl::Host),
            ("events.1password.com:0", BadBaseUrl::Port),
            ("events.1password.com:https", BadBaseUrl::Port),
            ("events.1password.com:", BadBaseUrl::Port),
            ("]:", BadBaseUrl::Port),
        ] {
            assert_eq!(read(text), Err(reason), "{text}");
        }
    }

    #[test]
    fn the_four_servers_are_known_and_nothing_like_them() {
        for region in Region::ALL {
            assert!(region.base_url().is_known());
            assert_eq!(region.base_url().to_string().parse(), Ok(region.base_url()));
            assert_eq!(region.name().parse(), Ok(region));
        }
        for other in
            ["events.1password.com:8443", "events.1password.org", "x.events.1password.com", "localhost"]
        {
            assert!(!other.parse::<BaseUrl>().unwrap().is_known(), "{other}");
        }
    }

    #[test]
    fn loopback_is_told_from_names_that_look_like_it() {
        for (text, expected) in [
            ("localhost:1", true),
            ("127.8.9.1", true),
            ("[::1]", true),
            ("127.1", false),
            ("128.0.0.1", false),
            ("https://localhost.example.com", false),
        ] {
            assert_eq!(text.parse::<BaseUrl>().unwrap().is_loopback(), expected, "{text}");
        }
    }

    #[test]
    fn host_port_and_url_are_as_they_are_sent() {
        let url: BaseUrl = "http://[::1]:8080".parse().unwrap();
        assert_eq!((url.host().as_str(), url.host_name(), url.port()), ("[::1]:8080", "::1", 8080));
        assert_eq!(url.url("/api"), "http://[::1]:8080/api");
        assert_eq!(Region::Ent.base_url().port(), 443);
    }
}

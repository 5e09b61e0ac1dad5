//! The way to a server, walked leg by leg and timed: its name, its connection, its TLS, and a proxy's.
//!
//! For diagnosis only: connections made here carry no token and no question, and are closed again. The
//! real requests are made by `http`, with the same roots of trust and the same proxy, so that a leg that
//! passes here passes there. Every leg is bounded and hears the cancel token (P9).

mod legs;

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::api::http::Http;
use crate::api::proxy::{Protocol, Proxy};
use crate::api::server::BaseUrl;
use crate::cancel::Cancel;
use crate::clock::Clock;
use crate::error::{Error, Result};

/// A part of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leg {
    /// Resolving the proxy's name.
    ProxyDns,
    /// Connecting to the proxy.
    ProxyTcp,
    /// TLS with the proxy.
    ProxyTls,
    /// The proxy's connection to the server.
    Connect,
    /// Resolving the server's name.
    Dns,
    /// Connecting to the server.
    Tcp,
    /// TLS with the server.
    Tls,
}

impl Leg {
    /// What it is called in reports.
    pub fn name(self) -> &'static str {
        match self {
            Leg::ProxyDns => "proxy DNS",
            Leg::ProxyTcp => "proxy TCP",
            Leg::ProxyTls => "proxy TLS",
            Leg::Connect => "CONNECT",
            Leg::Dns => "DNS",
            Leg::Tcp => "TCP",
            Leg::Tls => "TLS",
        }
    }
}

impl fmt::Display for Leg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What became of a leg.
#[derive(Debug)]
pub enum Outcome {
    /// It was passed; what was found.
    Passed(String),
    /// It was not.
    Failed(Error),
    /// There was nothing to do, or no way to do it; why.
    Skipped(&'static str),
}

/// A leg that was walked.
#[derive(Debug)]
pub struct Step {
    /// Which one.
    pub leg: Leg,
    /// What became of it.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
}

/// Where to, and by which means.
#[derive(Clone, Copy, Debug)]
pub struct Way<'a> {
    /// The server at the end.
    pub server: &'a BaseUrl,
    /// Through whom.
    pub proxy: Option<&'a Proxy>,
    /// Whose roots of trust.
    pub http: &'a Http,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Ends every wait.
    pub cancel: &'a Cancel,
}

impl Way<'_> {
    /// The legs, in the order of walking.
    pub fn legs(&self) -> Vec<Leg> {
        let to_proxy = match self.proxy.map(|proxy| proxy.protocol) {
            None => return vec![Leg::Dns, Leg::Tcp, Leg::Tls],
            Some(Protocol::Https) => vec![Leg::ProxyDns, Leg::ProxyTcp, Leg::ProxyTls],
            Some(_) => vec![Leg::ProxyDns, Leg::ProxyTcp],
        };
        [to_proxy, vec![Leg::Connect, Leg::Tls]].concat()
    }
}

/// How far the walk has come.
#[derive(Default)]
struct Traveller {
    addresses: Vec<SocketAddr>,
    pipe: Option<Box<dyn legs::Pipe>>,
}

/// Walks the whole way; after a leg that failed, the others are skipped.
///
/// # Errors
/// Fails only when cancelled.
pub fn walk(way: &Way<'_>) -> Result<Vec<Step>> {
    let mut traveller = Traveller::default();
    let mut steps = Vec::new();
    let mut is_lost = false;
    for leg in way.legs() {
        let start = way.clock.elapsed();
        let outcome = if is_lost { Outcome::Skipped("") } else { traveller.walk(leg, way) };
        way.cancel.check()?;
        is_lost |= matches!(outcome, Outcome::Failed(_));
        steps.push(Step { leg, outcome, took: way.clock.elapsed().saturating_sub(start) });
    }
    Ok(steps)
}

impl Traveller {
    fn walk(&mut self, leg: Leg, way: &Way<'_>) -> Outcome {
        let (host, port) = match (way.proxy, leg) {
            (Some(proxy), Leg::ProxyDns | Leg::ProxyTcp | Leg::ProxyTls) => {
                (proxy.host.trim_start_matches('[').trim_end_matches(']'), proxy.port)
            }
            _ => (way.server.host_name(), way.server.port()),
        };
        let outcome = match leg {
            Leg::ProxyDns | Leg::Dns => {
                legs::resolve(host, port, way.cancel).map(|addresses| self.addresses = addresses)
            }
            Leg::ProxyTcp | Leg::Tcp => {
                legs::connect(std::mem::take(&mut self.addresses), way.cancel).map(|(address, pipe)| {
                    self.pipe = Some(Box::new(pipe));
                    self.addresses = vec![address];
                })
            }
            Leg::Tls if !way.server.is_secure() => return Outcome::Skipped("plain HTTP on this machine"),
            Leg::Connect | Leg::Tls if way.proxy.is_some_and(|proxy| is_socks(proxy.protocol)) => {
                return Outcome::Skipped("SOCKS: made with the first request");
            }
            Leg::Connect => self.through(|pipe| legs::tunnel(pipe, host, port, way)),
            Leg::ProxyTls | Leg::Tls => {
                self.through(|pipe| legs::handshake(pipe, host, way.http, way.cancel))
            }
        };
        match outcome {
            Err(failure) => Outcome::Failed(failure),
            Ok(()) if matches!(leg, Leg::ProxyDns | Leg::Dns) && is_address(host) => {
                Outcome::Skipped("an address, no name")
            }
            Ok(()) => Outcome::Passed(self.found(leg)),
        }
    }

    /// Changes the connection into the one that begins where it ends.
    fn through(
        &mut self,
        step: impl FnOnce(Box<dyn legs::Pipe>) -> Result<Box<dyn legs::Pipe>>,
    ) -> Result<()> {
        if let Some(pipe) = self.pipe.take() {
            self.pipe = Some(step(pipe)?);
        }
        Ok(())
    }

    fn found(&self, leg: Leg) -> String {
        match leg {
            Leg::ProxyDns | Leg::Dns => match self.addresses.as_slice() {
                [one] => one.ip().to_string(),
                [first, rest @ ..] => format!("{} and {} more", first.ip(), rest.len()),
                [] => String::new(),
            },
            Leg::ProxyTcp | Leg::Tcp => self.addresses.first().map(ToString::to_string).unwrap_or_default(),
            Leg::Connect => "through the proxy".to_owned(),
            Leg::ProxyTls | Leg::Tls => {
                self.pipe.as_ref().and_then(|pipe| pipe.protocol()).unwrap_or_default().to_owned()
            }
        }
    }
}

fn is_socks(protocol: Protocol) -> bool {
    !matches!(protocol, Protocol::Http | Protocol::Https)
}

fn is_address(host: &str) -> bool {
    host.parse::<std::net::IpAddr>().is_ok()
}

//! The connection to a server, tried stage by stage and timed: its name, TCP, TLS, and a proxy's.
//!
//! For diagnosis only: connections made here carry no token and no question, and are closed again. The
//! real requests are made by `http`, with the same roots of trust and the same proxy, so that a stage that
//! passes here passes there. Every stage is bounded and hears the cancel token (P9).

mod stages;

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::api::http::Http;
use crate::api::proxy::{Proxy, ProxyProtocol};
use crate::api::server::BaseUrl;
use crate::cancel::Cancel;
use crate::clock::Clock;
use crate::error::{Error, Result};

/// A stage of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectivityStage {
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

impl ConnectivityStage {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            ConnectivityStage::ProxyDns => "proxy DNS",
            ConnectivityStage::ProxyTcp => "proxy TCP",
            ConnectivityStage::ProxyTls => "proxy TLS",
            ConnectivityStage::Connect => "CONNECT",
            ConnectivityStage::Dns => "DNS",
            ConnectivityStage::Tcp => "TCP",
            ConnectivityStage::Tls => "TLS",
        }
    }
}

impl fmt::Display for ConnectivityStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What became of a stage.
#[derive(Debug)]
pub enum StageOutcome {
    /// It passed; what was found.
    Passed(String),
    /// It was not.
    Failed(Error),
    /// There was nothing to do, or no means to do it; why.
    Skipped(&'static str),
}

/// A stage that was tried.
#[derive(Debug)]
pub struct ConnectivityStep {
    /// Which one.
    pub stage: ConnectivityStage,
    /// What became of it.
    pub outcome: StageOutcome,
    /// How long it took.
    pub took: Duration,
}

/// Where to, and by which means.
#[derive(Clone, Copy, Debug)]
pub struct ConnectivityTarget<'a> {
    /// The server at the end.
    pub server: &'a BaseUrl,
    /// Through whom.
    pub proxy: Option<&'a Proxy>,
    /// Whose roots of trust.
    pub http: &'a Http,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Cancels every wait.
    pub cancel: &'a Cancel,
}

impl ConnectivityTarget<'_> {
    /// The stages, in the order in which they are tried.
    pub fn stages(&self) -> Vec<ConnectivityStage> {
        let to_proxy = match self.proxy.map(|proxy| proxy.protocol) {
            None => return vec![ConnectivityStage::Dns, ConnectivityStage::Tcp, ConnectivityStage::Tls],
            Some(ProxyProtocol::Https) => {
                vec![ConnectivityStage::ProxyDns, ConnectivityStage::ProxyTcp, ConnectivityStage::ProxyTls]
            }
            Some(_) => vec![ConnectivityStage::ProxyDns, ConnectivityStage::ProxyTcp],
        };
        [to_proxy, vec![ConnectivityStage::Connect, ConnectivityStage::Tls]].concat()
    }
}

/// What has been connected so far.
#[derive(Default)]
struct ProbeState {
    addresses: Vec<SocketAddr>,
    connection: Option<Box<dyn stages::Connection>>,
}

/// Tries the whole connection; after a stage that failed, the others are skipped.
///
/// # Errors
/// Fails only when cancelled.
pub fn try_connection(target: &ConnectivityTarget<'_>) -> Result<Vec<ConnectivityStep>> {
    let mut probe = ProbeState::default();
    let mut steps = Vec::new();
    let mut is_lost = false;
    for stage in target.stages() {
        let start = target.clock.elapsed();
        let outcome = if is_lost { StageOutcome::Skipped("") } else { probe.try_stage(stage, target) };
        target.cancel.check()?;
        is_lost |= matches!(outcome, StageOutcome::Failed(_));
        steps.push(ConnectivityStep { stage, outcome, took: target.clock.elapsed().saturating_sub(start) });
    }
    Ok(steps)
}

impl ProbeState {
    fn try_stage(&mut self, stage: ConnectivityStage, target: &ConnectivityTarget<'_>) -> StageOutcome {
        let (host, port) = match (target.proxy, stage) {
            (
                Some(proxy),
                ConnectivityStage::ProxyDns | ConnectivityStage::ProxyTcp | ConnectivityStage::ProxyTls,
            ) => (proxy.host.trim_start_matches('[').trim_end_matches(']'), proxy.port),
            _ => (target.server.host_name(), target.server.port()),
        };
        let outcome = match stage {
            ConnectivityStage::ProxyDns | ConnectivityStage::Dns => {
                stages::resolve(host, port, target.cancel).map(|addresses| self.addresses = addresses)
            }
            ConnectivityStage::ProxyTcp | ConnectivityStage::Tcp => {
                stages::connect(std::mem::take(&mut self.addresses), target.cancel).map(
                    |(address, connection)| {
                        self.connection = Some(Box::new(connection));
                        self.addresses = vec![address];
                    },
                )
            }
            ConnectivityStage::Tls if !target.server.is_secure() => {
                return StageOutcome::Skipped("plain HTTP on this machine");
            }
            ConnectivityStage::Connect | ConnectivityStage::Tls
                if target.proxy.is_some_and(|proxy| is_socks(proxy.protocol)) =>
            {
                return StageOutcome::Skipped("SOCKS: made with the first request");
            }
            ConnectivityStage::Connect => {
                self.through(|connection| stages::tunnel(connection, host, port, target))
            }
            ConnectivityStage::ProxyTls | ConnectivityStage::Tls => {
                self.through(|connection| stages::handshake(connection, host, target.http, target.cancel))
            }
        };
        match outcome {
            Err(failure) => StageOutcome::Failed(failure),
            Ok(())
                if matches!(stage, ConnectivityStage::ProxyDns | ConnectivityStage::Dns)
                    && is_address(host) =>
            {
                StageOutcome::Skipped("an address, no name")
            }
            Ok(()) => StageOutcome::Passed(self.found(stage)),
        }
    }

    /// Changes the connection into the one that begins where it ends.
    fn through(
        &mut self,
        step: impl FnOnce(Box<dyn stages::Connection>) -> Result<Box<dyn stages::Connection>>,
    ) -> Result<()> {
        if let Some(connection) = self.connection.take() {
            self.connection = Some(step(connection)?);
        }
        Ok(())
    }

    fn found(&self, stage: ConnectivityStage) -> String {
        match stage {
            ConnectivityStage::ProxyDns | ConnectivityStage::Dns => match self.addresses.as_slice() {
                [one] => one.ip().to_string(),
                [first, rest @ ..] => format!("{} and {} more", first.ip(), rest.len()),
                [] => String::new(),
            },
            ConnectivityStage::ProxyTcp | ConnectivityStage::Tcp => {
                self.addresses.first().map(ToString::to_string).unwrap_or_default()
            }
            ConnectivityStage::Connect => "through the proxy".to_owned(),
            ConnectivityStage::ProxyTls | ConnectivityStage::Tls => self
                .connection
                .as_ref()
                .and_then(|connection| connection.protocol())
                .unwrap_or_default()
                .to_owned(),
        }
    }
}

fn is_socks(protocol: ProxyProtocol) -> bool {
    !matches!(protocol, ProxyProtocol::Http | ProxyProtocol::Https)
}

fn is_address(host: &str) -> bool {
    host.parse::<std::net::IpAddr>().is_ok()
}

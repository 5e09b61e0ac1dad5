//! One request and its answer, over a pool of connections that all clients share.
//!
//! Knows HTTP and TLS, nothing of events, and never asks twice: `client` does. The token goes into one
//! header, marked sensitive, and redirects are never followed, so it reaches no host but the one that was
//! asked (P10). Everything that can take time or space is bounded (P9).

use std::fmt;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ureq::http::{HeaderMap, HeaderValue, Request as HttpRequest, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, ProxyProtocol};

use crate::api::endpoint::BaseUrl;
use crate::api::proxy::{Protocol, Proxy};
pub use crate::api::trouble::Trouble;
use crate::api::trust::Roots;
use crate::cancel::Cancel;
use crate::failure::{Failure, Kind, Result};
use crate::sanitize;
use crate::secret::Secret;

/// Resolving and connecting cannot be interrupted; more would break the promise to end within 5 s.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// How much of a refusal's body is read; only its words matter.
const REFUSAL_BYTES: u64 = 64 * 1024;

/// How the connections are made and bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long one request may take in all, its answer included.
    pub timeout: Duration,
    /// The longest answer that is accepted, decoded.
    pub max_response_bytes: u64,
    /// Certificates to trust beside the system's, in PEM.
    pub ca_file: Option<PathBuf>,
    /// How many idle connections are kept: best one for each request that may be under way.
    pub idle_connections: usize,
    /// How long an idle connection is kept: best longer than two polls are apart.
    pub idle_age: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            timeout: Duration::from_secs(60),
            max_response_bytes: 64 * 1024 * 1024,
            ca_file: None,
            idle_connections: 16,
            idle_age: Duration::from_secs(90),
        }
    }
}

/// A request to the service.
#[derive(Debug)]
pub struct Request<'a> {
    /// Whom to ask.
    pub server: &'a BaseUrl,
    /// Through whom.
    pub proxy: Option<&'a Proxy>,
    /// With which token.
    pub token: &'a Secret,
    /// The path, perhaps with a query.
    pub path: &'a str,
    /// The JSON to POST; a GET without.
    pub body: Option<String>,
    /// A shorter time than the settings', when less is left.
    pub timeout: Option<Duration>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The decoded body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's text, its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The shared connections; clones share them too.
#[derive(Clone)]
pub struct Http(Arc<Inner>);

struct Inner {
    settings: Settings,
    roots: Roots,
    agents: Mutex<Agents>,
}

/// One agent for each way out; nearly always one in all.
///
/// A proxy set for a single request would make ureq build its TLS configuration anew each time.
#[derive(Default)]
struct Agents {
    list: Vec<(Way, Agent)>,
    shut_down: bool,
}

#[derive(Clone, PartialEq, Eq)]
struct Way {
    secure: bool,
    proxy: Option<Proxy>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Http").field(&self.0.settings).finish()
    }
}

impl Http {
    /// No connections yet; they are made as they are needed.
    pub fn new(settings: Settings) -> Self {
        let roots = Roots::new(settings.ca_file.clone());
        Http(Arc::new(Inner { settings, roots, agents: Mutex::default() }))
    }

    /// The settings it was made with.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// How TLS is spoken by these connections, for a handshake of one's own.
    ///
    /// # Errors
    /// Fails with `Config` when there are no roots, or the CA file cannot be used.
    pub(super) fn tls(&self) -> Result<Arc<rustls::ClientConfig>> {
        self.0.roots.tls()
    }

    /// Sends a request and reads its answer to the end, whatever the status.
    ///
    /// # Errors
    /// Says what kept the answer from being whole.
    pub fn send(&self, request: Request<'_>) -> Result<Answer, Trouble> {
        let way = Way { secure: request.server.is_secure(), proxy: request.proxy.cloned() };
        let agent = self.agent(way).map_err(Trouble::Setup)?;
        let mut builder = HttpRequest::builder()
            .uri(request.server.url(request.path))
            .header(header::AUTHORIZATION, bearer(request.token).map_err(Trouble::Setup)?)
            .header(header::ACCEPT, "application/json");
        if request.body.is_some() {
            builder = builder.method("POST").header(header::CONTENT_TYPE, "application/json");
        }
        let built = builder
            .body(request.body.unwrap_or_default())
            .map_err(|e| Trouble::from(ureq::Error::from(e)))?;
        let built = match request.timeout {
            Some(timeout) if timeout < self.0.settings.timeout => {
                agent.configure_request(built).timeout_global(Some(timeout)).build()
            }
            _ => built,
        };
        let response = if built.method() == "GET" { agent.run(built.map(|_| ())) } else { agent.run(built) };
        self.read(response?)
    }

    fn read(&self, response: ureq::http::Response<ureq::Body>) -> Result<Answer, Trouble> {
        const ROOM_AT_FIRST: u64 = 4 * 1024 * 1024;
        let limit = self.0.settings.max_response_bytes;
        let (head, body) = response.into_parts();
        let status = head.status.as_u16();
        let most = if status == 200 { limit.saturating_add(1) } else { REFUSAL_BYTES };
        let room = body.content_length().unwrap_or(0).min(ROOM_AT_FIRST).min(most);
        let mut bytes = Vec::with_capacity(usize::try_from(room).unwrap_or(0));
        // ureq's own limit counts compressed bytes; this one counts what a gzip bomb becomes.
        body.into_reader().take(most).read_to_end(&mut bytes).map_err(ureq::Error::from)?;
        if status == 200 && bytes.len() as u64 > limit {
            return Err(Trouble::TooLarge(limit));
        }
        Ok(Answer { status, headers: head.headers, body: bytes })
    }

    /// Cuts every connection: requests under way fail at once, and later ones too.
    ///
    /// A name being resolved or a connection being opened is not cut; both end within 4 s.
    pub fn shut_down(&self) {
        let agents = {
            let mut agents = self.0.agents.lock().unwrap_or_else(PoisonError::into_inner);
            agents.shut_down = true;
            std::mem::take(&mut agents.list)
        };
        for (_, agent) in agents {
            agent.shutdown();
        }
    }

    /// Has every connection cut as soon as `cancel` is triggered.
    ///
    /// # Errors
    /// Fails when no thread can be started.
    pub fn shut_down_on(&self, cancel: &Cancel) -> Result<()> {
        let (http, cancel) = (self.clone(), cancel.clone());
        let watch = move || {
            // Nothing is ever sent on it: it only ends.
            let _ = cancel.channel().recv();
            http.shut_down();
        };
        std::thread::Builder::new()
            .name("hang-up".into())
            .spawn(watch)
            .map(|_| ())
            .map_err(|e| Failure::new(Kind::Unexpected, "cannot start a thread").because(e))
    }

    fn agent(&self, way: Way) -> Result<Agent> {
        let mut agents = self.0.agents.lock().unwrap_or_else(PoisonError::into_inner);
        if agents.shut_down {
            return Err(Failure::new(Kind::Interrupted(0), "stopped"));
        }
        if let Some((_, agent)) = agents.list.iter().find(|(other, _)| *other == way) {
            return Ok(agent.clone());
        }
        let agent = self.new_agent(&way)?;
        agents.list.push((way, agent.clone()));
        Ok(agent)
    }

    fn new_agent(&self, way: &Way) -> Result<Agent> {
        let settings = &self.0.settings;
        let proxy = way.proxy.as_ref().map(proxy_for_ureq).transpose()?;
        let roots = if way.secure { self.0.roots.get()? } else { RootCerts::new_with_certs(&[]) };
        let tls = TlsConfig::builder()
            .root_certs(roots)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .https_only(way.secure)
            .proxy(proxy)
            .user_agent(concat!("opev/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(settings.timeout))
            .timeout_resolve(Some(CONNECT_TIMEOUT.min(settings.timeout)))
            .timeout_connect(Some(CONNECT_TIMEOUT.min(settings.timeout)))
            .max_idle_connections(settings.idle_connections)
            .max_idle_connections_per_host(settings.idle_connections)
            .max_idle_age(settings.idle_age)
            .build();
        Ok(config.new_agent())
    }
}

/// The one header that holds the token; marked, so that it shows in no debug output.
fn bearer(token: &Secret) -> Result<HeaderValue> {
    let text = zeroize::Zeroizing::new(format!("Bearer {}", token.expose()));
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        Failure::new(Kind::TokenRefused, "the token holds characters that no token can hold")
            .hint("copy the whole token again, on one line")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn proxy_for_ureq(proxy: &Proxy) -> Result<ureq::Proxy> {
    let protocol = match proxy.protocol {
        Protocol::Http => ProxyProtocol::Http,
        Protocol::Https => ProxyProtocol::Https,
        Protocol::Socks4 => ProxyProtocol::Socks4,
        Protocol::Socks4a => ProxyProtocol::Socks4A,
        Protocol::Socks5 => ProxyProtocol::Socks5,
        Protocol::Socks5h => ProxyProtocol::Socks5h,
    };
    let mut builder = ureq::Proxy::builder(protocol).host(&proxy.host).port(proxy.port);
    if let Some(user) = &proxy.user {
        builder = builder.username(user);
    }
    if let Some(password) = &proxy.password {
        builder = builder.password(password.expose());
    }
    builder.build().map_err(|_| {
        Failure::new(
            Kind::Config,
            format!("cannot use the proxy {}:{}", sanitize::message(&proxy.host), proxy.port),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_shows_in_no_debug_output() {
        let value = bearer(&Secret::new("hunter2")).unwrap();
        assert_eq!(value.to_str().unwrap(), "Bearer hunter2");
        assert!(!format!("{value:?}").contains("hunter2"));
        let failure = bearer(&Secret::new("hunter2\r\nX: y")).unwrap_err();
        assert!(!format!("{failure:?}").contains("hunter2"));
    }

    #[test]
    fn a_proxy_reaches_ureq_whole() {
        let proxy = Proxy {
            protocol: Protocol::Http,
            host: "[::1]".into(),
            port: 3128,
            user: Some("me@x".into()),
            password: Some(Secret::new("p:w%")),
        };
        let proxy = proxy_for_ureq(&proxy).unwrap();
        assert_eq!((proxy.port(), proxy.username(), proxy.password()), (3128, Some("me@x"), Some("p:w%")));
    }
}

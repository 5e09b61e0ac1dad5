//! One request and its answer, over a pool of connections that all clients share.
//!
//! Knows HTTP and TLS but not events, and never retries: `client` does. The token goes into one header, marked
//! sensitive, and redirects are never followed, so that it reaches only the requested host (P10). Everything
//! that can take time or space is bounded (P9).

use std::fmt;
use std::io::{self, BufReader, Read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ureq::Agent;
use ureq::http::{HeaderMap, HeaderName, HeaderValue, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::transport::{Connector as _, DefaultConnector};

use crate::api::content_encoding::{ContentEncoding, GzipReader};
use crate::api::endpoint::BaseUrl;
use crate::api::proxy::{Proxy, ProxyProtocol};
use crate::api::resolver::AddressCache;
use crate::api::tls_roots::TlsRoots;
use crate::api::transport_error::{CONNECT_TIMEOUT, TransportError};
use crate::api::write_coalescing::WriteCoalescing;
use crate::cancel::Cancel;
use crate::error::{Error, ErrorKind, Result};
use crate::sanitize;
use crate::secret::Secret;

/// How much of a refusal's body is read; only its words matter.
const REFUSAL_BYTES: u64 = 64 * 1024;

/// How much memory a mere announcement gets, and the largest body that is kept for reuse.
const ROOM_AT_FIRST: u64 = 4 * 1024 * 1024;

/// A body's room is a multiple of this, so that pages of about one size need rooms of one size.
const ROOM_STEP: usize = 128 * 1024;

/// How many bodies are kept for each idle connection: a backfill has some under way and more waiting. Freed
/// and made anew, they would lie scattered over the arenas of the allocator, which keeps what it once had.
const SPARE: usize = 3;

/// How the connections are made and bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpConfig {
    /// How long one request may take in all, its answer included.
    pub timeout: Duration,
    /// The longest answer that is accepted, decoded.
    pub max_response_bytes: u64,
    /// Certificates to trust beside the system's, in PEM.
    pub ca_file: Option<PathBuf>,
    /// How many idle connections are kept: best one for each request that may run.
    pub idle_connections: usize,
    /// How long an idle connection is kept: best longer than two polls are apart.
    pub idle_age: Duration,
}

impl Default for HttpConfig {
    fn default() -> Self {
        HttpConfig {
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
pub struct HttpRequest<'a> {
    /// Whom to ask.
    pub server: &'a BaseUrl,
    /// Through whom.
    pub proxy: Option<&'a Proxy>,
    /// With which token; none to others than 1Password.
    pub token: Option<&'a Secret>,
    /// The path, perhaps with a query.
    pub path: &'a str,
    /// More headers; without a Content-Type among them a body is JSON.
    pub headers: &'a [(HeaderName, HeaderValue)],
    /// What to POST; a GET without.
    pub body: Option<Vec<u8>>,
    /// A shorter time than the configured one, when less is left.
    pub timeout: Option<Duration>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct HttpResponse {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The decoded body.
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// A header's text, its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The shared connections; clones share them too.
#[derive(Clone)]
pub struct Http(Arc<HttpState>);

struct HttpState {
    config: HttpConfig,
    roots: TlsRoots,
    addresses: AddressCache,
    agents: Mutex<AgentPool>,
    /// Bodies that are done with, for the next answers.
    spare: Mutex<Vec<Vec<u8>>>,
}

/// One agent for each route; usually there is one.
///
/// With a proxy per request ureq would rebuild its TLS configuration each time.
#[derive(Default)]
struct AgentPool {
    list: Vec<(Route, Agent)>,
    shut_down: bool,
}

#[derive(Clone, PartialEq, Eq)]
struct Route {
    secure: bool,
    proxy: Option<Proxy>,
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Http").field(&self.0.config).finish()
    }
}

impl Http {
    /// No connections yet; they are made as they are needed.
    pub fn new(config: HttpConfig) -> Self {
        let roots = TlsRoots::new(config.ca_file.clone());
        let addresses = AddressCache::new();
        Http(Arc::new(HttpState {
            config,
            roots,
            addresses,
            agents: Mutex::default(),
            spare: Mutex::default(),
        }))
    }

    /// The configuration it was made with.
    pub fn config(&self) -> &HttpConfig {
        &self.0.config
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
    /// Fails with the reason why the answer is not complete.
    pub fn send(&self, request: HttpRequest<'_>) -> Result<HttpResponse, TransportError> {
        let route = Route { secure: request.server.is_secure(), proxy: request.proxy.cloned() };
        let agent = self.agent(route).map_err(TransportError::Setup)?;
        let mut builder = ureq::http::Request::builder()
            .uri(request.server.url(request.path))
            .header(header::ACCEPT, "application/json")
            .header(header::ACCEPT_ENCODING, "gzip");
        if let Some(token) = request.token {
            builder = builder.header(header::AUTHORIZATION, bearer(token).map_err(TransportError::Setup)?);
        }
        if request.body.is_some() {
            builder = builder.method("POST");
            if !request.headers.iter().any(|(name, _)| *name == header::CONTENT_TYPE) {
                builder = builder.header(header::CONTENT_TYPE, "application/json");
            }
        }
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        let built = builder
            .body(request.body.unwrap_or_default())
            .map_err(|e| TransportError::from(ureq::Error::from(e)))?;
        let built = match request.timeout {
            Some(timeout) if timeout < self.0.config.timeout => {
                agent.configure_request(built).timeout_global(Some(timeout)).build()
            }
            _ => built,
        };
        let response = if built.method() == "GET" { agent.run(built.map(|_| ())) } else { agent.run(built) };
        let answer = response.map_err(TransportError::from).and_then(|response| self.read(response));
        if answer.is_err() {
            self.0.addresses.forget();
        }
        answer
    }

    fn read(&self, response: ureq::http::Response<ureq::Body>) -> Result<HttpResponse, TransportError> {
        let limit = self.0.config.max_response_bytes;
        let (head, body) = response.into_parts();
        let status = head.status.as_u16();
        let most = if status == 200 { limit.saturating_add(1) } else { REFUSAL_BYTES };
        let encoding = ContentEncoding::of(&head.headers);
        let announced = match encoding {
            ContentEncoding::Identity => body.content_length().unwrap_or(0).min(ROOM_AT_FIRST).min(most),
            // The length that is announced is that of the coded body.
            _ => 0,
        };
        let announced = usize::try_from(announced).unwrap_or(0);
        let room =
            if status == 200 { fitting(&mut self.spare(), announced) } else { None }.unwrap_or_default();
        let reader = body.into_reader();
        // Decoded bytes count, because of gzip bombs.
        let read = match encoding {
            ContentEncoding::Identity => read_into(room, reader.take(most), announced),
            ContentEncoding::Gzip => read_into(room, GzipReader::new(BufReader::new(reader)).take(most), 0),
            // Nobody could read its words.
            ContentEncoding::Unasked(_) if status != 200 => Ok(Vec::new()),
            ContentEncoding::Unasked(name) => return Err(TransportError::Unasked(name)),
        };
        let bytes = read.map_err(TransportError::of_reading)?;
        if status == 200 && bytes.len() as u64 > limit {
            return Err(TransportError::TooLarge(limit));
        }
        let bytes = self.fit(bytes);
        Ok(HttpResponse { status, headers: head.headers, body: bytes })
    }

    /// Takes back a body that is done with, so that the next answer needs no new memory.
    pub fn reuse(&self, body: Vec<u8>) {
        let mut spare = self.spare();
        let fits = (ROOM_STEP as u64..=ROOM_AT_FIRST).contains(&(body.capacity() as u64));
        if !fits {
            return;
        }
        spare.push(body);
        // One job keeps what three streams need; beyond that the smallest is dropped.
        if spare.len() > self.0.config.idle_connections.saturating_sub(2) * SPARE {
            let smallest = (0..spare.len()).min_by_key(|index| spare[*index].capacity());
            smallest.map(|index| spare.swap_remove(index));
        }
    }

    /// A small answer in a large body's memory is copied: it may lie for long, and counts as small (P9).
    fn fit(&self, body: Vec<u8>) -> Vec<u8> {
        if body.capacity() <= 2 * body.len() + 2 * ROOM_STEP {
            return body;
        }
        let small = body.as_slice().to_vec();
        self.reuse(body);
        small
    }

    fn spare(&self) -> MutexGuard<'_, Vec<Vec<u8>>> {
        self.0.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shuts every connection: running requests fail at once, and later ones too.
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

    /// Shuts every connection when `cancel` is triggered.
    ///
    /// # Errors
    /// Fails when no thread can be started.
    pub fn shut_down_on(&self, cancel: &Cancel) -> Result<()> {
        let (http, cancel) = (self.clone(), cancel.clone());
        let watch = move || {
            // Nothing is sent on this channel: it is only closed.
            let _ = cancel.channel().recv();
            http.shut_down();
        };
        std::thread::Builder::new()
            .name("hang-up".into())
            .spawn(watch)
            .map(|_| ())
            .map_err(|e| Error::new(ErrorKind::Unexpected, "cannot start a thread").because(e))
    }

    fn agent(&self, route: Route) -> Result<Agent> {
        let mut agents = self.0.agents.lock().unwrap_or_else(PoisonError::into_inner);
        if agents.shut_down {
            return Err(Error::new(ErrorKind::Interrupted(0), "stopped"));
        }
        if let Some((_, agent)) = agents.list.iter().find(|(other, _)| *other == route) {
            return Ok(agent.clone());
        }
        let agent = self.new_agent(&route)?;
        agents.list.push((route, agent.clone()));
        Ok(agent)
    }

    fn new_agent(&self, route: &Route) -> Result<Agent> {
        let config = &self.0.config;
        let proxy = route.proxy.as_ref().map(proxy_for_ureq).transpose()?;
        let roots = if route.secure { self.0.roots.get()? } else { RootCerts::new_with_certs(&[]) };
        let tls = TlsConfig::builder()
            .root_certs(roots)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .https_only(route.secure)
            .proxy(proxy)
            .user_agent(concat!("opev/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(config.timeout))
            .timeout_resolve(Some(CONNECT_TIMEOUT.min(config.timeout)))
            .timeout_connect(Some(CONNECT_TIMEOUT.min(config.timeout)))
            // Our requests are small: a token and a cursor.
            .output_buffer_size(16 * 1024)
            .max_idle_connections(config.idle_connections)
            .max_idle_connections_per_host(config.idle_connections)
            .max_idle_age(config.idle_age)
            .build();
        let connector = DefaultConnector::default().chain(WriteCoalescing);
        Ok(Agent::with_parts(config, connector, self.0.addresses.clone()))
    }
}

/// Takes the smallest body with this capacity; the largest one, where the length is not known.
///
/// One that is too small stays: it will fit another stream, and freeing large pieces here and there is
/// what makes an allocator's memory grow.
fn fitting(spare: &mut Vec<Vec<u8>>, announced: usize) -> Option<Vec<u8>> {
    let sizes = spare.iter().enumerate().map(|(index, body)| (body.capacity(), index));
    let (_, index) = match announced {
        0 => sizes.max(),
        _ => sizes.filter(|(size, _)| (announced + 1..=2 * announced + 2 * ROOM_STEP).contains(size)).min(),
    }?;
    Some(spare.swap_remove(index))
}

/// Reads to the end into the memory of an old body; `announced` is the expected length, if known.
///
/// What the old body filled is not cleared first: for pages of about one size, nothing is.
fn read_into(mut bytes: Vec<u8>, mut reader: impl Read, announced: usize) -> io::Result<Vec<u8>> {
    // One more than announced: the end is a read of 0 bytes.
    let room = (announced + 1).next_multiple_of(ROOM_STEP);
    if bytes.capacity() < room {
        bytes = vec![0; room];
    }
    bytes.resize(room.max(bytes.len()), 0);
    let mut filled = 0;
    loop {
        if filled == bytes.len() {
            bytes.resize(filled * 2, 0);
        }
        match reader.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// The one header that holds the token; marked, so that it shows in no debug output.
fn bearer(token: &Secret) -> Result<HeaderValue> {
    let text = zeroize::Zeroizing::new(format!("Bearer {}", token.expose()));
    let mut value = HeaderValue::from_str(&text).map_err(|_| {
        Error::new(ErrorKind::TokenRefused, "the token holds characters that no token can hold")
            .hint("copy the whole token again, on one line")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn proxy_for_ureq(proxy: &Proxy) -> Result<ureq::Proxy> {
    let protocol = match proxy.protocol {
        ProxyProtocol::Http => ureq::ProxyProtocol::Http,
        ProxyProtocol::Https => ureq::ProxyProtocol::Https,
        ProxyProtocol::Socks4 => ureq::ProxyProtocol::Socks4,
        ProxyProtocol::Socks4a => ureq::ProxyProtocol::Socks4A,
        ProxyProtocol::Socks5 => ureq::ProxyProtocol::Socks5,
        ProxyProtocol::Socks5h => ureq::ProxyProtocol::Socks5h,
    };
    let mut builder = ureq::Proxy::builder(protocol).host(&proxy.host).port(proxy.port);
    if let Some(user) = &proxy.user {
        builder = builder.username(user);
    }
    if let Some(password) = &proxy.password {
        builder = builder.password(password.expose());
    }
    builder.build().map_err(|_| {
        Error::new(
            ErrorKind::Config,
            format!("cannot use the proxy {}:{}", sanitize::message(&proxy.host), proxy.port),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_bodys_memory_holds_the_new_one_whatever_was_announced() {
        let text: Vec<u8> = (0..200_000_u32).map(|n| n as u8).collect();
        for (old, announced) in
            [(0, 0), (0, 200_000), (0, 7), (150_000, 200_000), (300_000, 0), (200_000, 200_000)]
        {
            let bytes = read_into(vec![1; old], text.as_slice(), announced).unwrap();
            assert!(bytes == text, "{old} {announced}");
        }
        let announced = read_into(Vec::new(), text.as_slice(), text.len()).unwrap();
        assert_eq!(announced.capacity(), 256 * 1024);
        assert!(read_into(vec![1; 9], &b""[..], 0).unwrap().is_empty());
    }

    #[test]
    fn the_body_that_fits_best_is_used_again() {
        let mut spare: Vec<Vec<u8>> = [30, 10, 20].into_iter().map(Vec::with_capacity).collect();
        assert_eq!(fitting(&mut spare, 15).map(|body| body.capacity()), Some(20));
        assert_eq!(fitting(&mut spare, 30), None);
        assert_eq!(fitting(&mut spare, 0).map(|body| body.capacity()), Some(30));
        assert_eq!(fitting(&mut spare, 9).map(|body| body.capacity()), Some(10));
        assert_eq!(fitting(&mut spare, 0), None);
    }

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
            protocol: ProxyProtocol::Http,
            host: "[::1]".into(),
            port: 3128,
            user: Some("me@x".into()),
            password: Some(Secret::new("p:w%")),
        };
        let proxy = proxy_for_ureq(&proxy).unwrap();
        assert_eq!((proxy.port(), proxy.username(), proxy.password()), (3128, Some("me@x"), Some("p:w%")));
    }
}

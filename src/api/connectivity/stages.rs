//! How each stage is tried: resolving, connecting, a proxy's tunnel, the TLS handshake.
//!
//! Names and connections cannot be interrupted, so each is waited for on a thread of its own, which ends
//! by itself soon after nobody waits any more.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crossbeam_channel::{bounded, select};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use zeroize::Zeroizing;

use super::ConnectivityTarget;
use crate::api::http::Http;
use crate::api::proxy::{PROXY_LOGIN, Proxy};
use crate::api::tls_failure::tls_failure;
use crate::api::transport_error::CONNECT_TIMEOUT;
use crate::cancel::Cancel;
use crate::error::{Error, ErrorKind, Result};
use crate::sanitize;

/// How long a stage may take: as long as the same part of a real request.
const LIMIT: Duration = CONNECT_TIMEOUT;

/// A proxy's answer to CONNECT is a few lines.
const HEAD_BYTES: usize = 16 << 10;

/// A connection of any kind.
pub(super) trait Connection: Read + Write + Send {
    /// The TLS it speaks, if it does.
    fn protocol(&self) -> Option<&'static str> {
        None
    }
}

impl Connection for TcpStream {}

impl Connection for StreamOwned<ClientConnection, Box<dyn Connection>> {
    fn protocol(&self) -> Option<&'static str> {
        self.conn.protocol_version().map(|version| match version {
            rustls::ProtocolVersion::TLSv1_2 => "TLS 1.2",
            rustls::ProtocolVersion::TLSv1_3 => "TLS 1.3",
            _ => "TLS",
        })
    }
}

/// The addresses of a host.
pub(super) fn resolve(host: &str, port: u16, cancel: &Cancel) -> Result<Vec<SocketAddr>> {
    let shown = sanitize::message(host).into_owned();
    let failure = || {
        Error::new(ErrorKind::Network, format!("the name {shown} cannot be resolved"))
            .hint("check the spelling of the host, and this machine's DNS and network")
    };
    let name = host.to_owned();
    let looked_up = within(cancel, move || (name.as_str(), port).to_socket_addrs().map(Vec::from_iter))?;
    match looked_up {
        Some(Ok(addresses)) if !addresses.is_empty() => Ok(addresses),
        Some(Ok(_)) => Err(failure().because("it has no address")),
        Some(Err(error)) => Err(failure().because(words(&error))),
        None => Err(failure().because(format!("no answer within {} s", LIMIT.as_secs()))),
    }
}

/// A connection to the first address that takes one.
pub(super) fn connect(addresses: Vec<SocketAddr>, cancel: &Cancel) -> Result<(SocketAddr, TcpStream)> {
    let shown = addresses.first().map(ToString::to_string).unwrap_or_default();
    let each = LIMIT / u32::try_from(addresses.len().max(1)).unwrap_or(1);
    let connected = within(cancel, move || {
        let mut last = None;
        for address in addresses {
            match TcpStream::connect_timeout(&address, each) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(LIMIT))?;
                    stream.set_write_timeout(Some(LIMIT))?;
                    return Ok((address, stream));
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()))
    })?;
    let error = match connected {
        Some(Ok(found)) => return Ok(found),
        Some(Err(error)) => error,
        None => io::ErrorKind::TimedOut.into(),
    };
    let failure = Error::new(ErrorKind::Network, format!("no connection to {shown}"));
    Err(match error.kind() {
        io::ErrorKind::ConnectionRefused => failure
            .because("connection refused")
            .hint("nothing listens there: check the base URL, its port and the proxy variables"),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => failure
            .because(format!("no answer within {} s", LIMIT.as_secs()))
            .hint("check for a firewall; if this network needs a proxy, name it in HTTPS_PROXY"),
        _ => failure.because(words(&error)).hint("check this machine's network and the proxy variables"),
    })
}

/// The proxy's connection to the server.
pub(super) fn tunnel(
    mut connection: Box<dyn Connection>,
    host: &str,
    port: u16,
    target: &ConnectivityTarget<'_>,
) -> Result<Box<dyn Connection>> {
    let authority = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let login = target.proxy.and_then(authorization).unwrap_or_default();
    let has_login = !login.is_empty();
    let question =
        Zeroizing::new(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{}\r\n", *login));
    let answered = within(target.cancel, move || {
        connection.write_all(question.as_bytes())?;
        connection.flush()?;
        let answer = ProxyAnswer::read(&mut connection)?;
        Ok::<_, io::Error>((answer.login(), answer.status, connection))
    })?;
    let failure = |why: String| {
        Error::new(ErrorKind::Network, format!("the proxy does not connect to {authority}"))
            .because(why)
            .hint("let the proxy allow this host, or name the host in NO_PROXY")
    };
    match answered {
        Some(Ok((None, 200..=299, connection))) => Ok(connection),
        Some(Ok((Some(login), ..))) => Err(login.failure(has_login)),
        Some(Ok((None, status, _))) => Err(failure(format!("it answers {status}"))),
        Some(Err(error)) => Err(failure(words(&error))),
        None => Err(failure(format!("no answer within {} s", LIMIT.as_secs()))),
    }
}

/// TLS over the connection.
pub(super) fn handshake(
    mut transport: Box<dyn Connection>,
    host: &str,
    http: &Http,
    cancel: &Cancel,
) -> Result<Box<dyn Connection>> {
    let config = http.tls()?;
    let name = ServerName::try_from(host.to_owned())
        .map_err(|e| Error::new(ErrorKind::Config, "the host has no valid name").because(e))?;
    let mut session = ClientConnection::new(Arc::clone(&config), name)
        .map_err(|e| Error::new(ErrorKind::Unexpected, "TLS cannot be set up").because(e))?;
    let done = within(cancel, move || {
        while session.is_handshaking() {
            session.complete_io(&mut transport)?;
        }
        Ok::<_, io::Error>(StreamOwned::new(session, transport))
    })?;
    let error = match done {
        Some(Ok(stream)) => return Ok(Box::new(stream)),
        Some(Err(error)) => error,
        None => io::ErrorKind::TimedOut.into(),
    };
    if let Some(cause) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return Err(tls_failure(host, Some(cause)));
    }
    let shown = sanitize::message(host);
    Err(Error::new(ErrorKind::Network, format!("{shown} does not finish the TLS handshake"))
        .because(words(&error))
        .hint("check the proxy variables and any TLS inspection on the network: something may cut TLS"))
}

/// A proxy's answer to CONNECT.
#[derive(Debug, PartialEq, Eq)]
struct ProxyAnswer {
    status: u16,
    /// The authentication schemes that it offers, in lower case.
    schemes: Vec<String>,
}

/// The authentication that a proxy requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ProxyLogin {
    /// By user name and password.
    Password,
    /// Only schemes that opev does not support (NTLM, Negotiate).
    Unspoken,
}

impl ProxyLogin {
    fn failure(self, has_login: bool) -> Error {
        let failure = |what: &str| Error::new(ErrorKind::Config, what);
        match self {
            ProxyLogin::Unspoken => failure(
                "the proxy offers only NTLM or Negotiate, which opev does not speak",
            )
            .hint(
                "run a local proxy that speaks it for you, such as cntlm or px, and name that in HTTPS_PROXY",
            ),
            ProxyLogin::Password if has_login => failure("the proxy refused the user name and password")
                .hint("check both in the proxy's URL; special characters are percent-encoded there"),
            ProxyLogin::Password => failure("the proxy asks for a user name and password").hint(PROXY_LOGIN),
        }
    }
}

impl ProxyAnswer {
    fn login(&self) -> Option<ProxyLogin> {
        let speaks = |scheme: &String| !matches!(scheme.as_str(), "ntlm" | "negotiate" | "kerberos");
        match (self.status, self.schemes.is_empty() || self.schemes.iter().any(speaks)) {
            (407, true) => Some(ProxyLogin::Password),
            (407, false) => Some(ProxyLogin::Unspoken),
            _ => None,
        }
    }

    /// Reads the head of an HTTP answer to its end.
    fn read(connection: &mut impl Read) -> io::Result<Self> {
        let mut head = Vec::new();
        let mut byte = [0];
        // Byte by byte: the bytes after the head belong to the server.
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() >= HEAD_BYTES || connection.read(&mut byte)? == 0 {
                return Err(io::Error::other("its answer is no HTTP"));
            }
            head.push(byte[0]);
        }
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut answer = httparse::Response::new(&mut headers);
        // The status is known even if a header is malformed.
        let _ = answer.parse(&head);
        let status = answer.code.ok_or_else(|| io::Error::other("its answer is no HTTP"))?;
        let offers = answer.headers.iter().filter(|h| h.name.eq_ignore_ascii_case("proxy-authenticate"));
        let scheme = |value: &[u8]| {
            let text = String::from_utf8_lossy(value).trim().to_ascii_lowercase();
            text.split_whitespace().next().map(|scheme| scheme.trim_end_matches(',').to_owned())
        };
        Ok(ProxyAnswer { status, schemes: offers.filter_map(|header| scheme(header.value)).collect() })
    }
}

/// The header with the proxy's user and password (P10: wiped after use).
fn authorization(proxy: &Proxy) -> Option<Zeroizing<String>> {
    let user = proxy.user.as_ref()?;
    let password = proxy.password.as_ref().map_or("", |password| password.expose());
    let login = Zeroizing::new(STANDARD.encode(Zeroizing::new(format!("{user}:{password}")).as_bytes()));
    Some(Zeroizing::new(format!("Proxy-Authorization: Basic {}\r\n", *login)))
}

/// An error's words, harmless.
fn words(error: &impl fmt::Display) -> String {
    sanitize::message(&error.to_string()).into_owned()
}

/// Does something that cannot be interrupted; `None` when it took too long.
fn within<T: Send + 'static>(
    cancel: &Cancel,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<Option<T>> {
    let (sender, done) = bounded(1);
    std::thread::Builder::new()
        .name("probe".into())
        .spawn(move || drop(sender.send(work())))
        .map_err(|e| Error::new(ErrorKind::Unexpected, "cannot start a thread").because(e))?;
    select! {
        recv(done) -> found => Ok(found.ok()),
        recv(cancel.channel()) -> _ => Err(cancel.failure()),
        default(LIMIT) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_answer_is_read_to_the_end_of_its_head_and_no_further() {
        let mut answer = &b"HTTP/1.1 200 OK\r\nVia: x\r\n\r\nTLS"[..];
        assert_eq!(ProxyAnswer::read(&mut answer).unwrap().status, 200);
        assert_eq!(answer, b"TLS");
        assert!(ProxyAnswer::read(&mut &b"SSH-2.0-x\r\n\r\n"[..]).is_err());
        assert!(ProxyAnswer::read(&mut &b"HTTP/1.1 200"[..]).is_err());
        assert!(ProxyAnswer::read(&mut io::repeat(b'x')).is_err());
    }

    #[test]
    fn three_kinds_of_407_are_told_apart() {
        let login = |offers: &str| {
            let head = format!("HTTP/1.1 407 No\r\n{offers}\r\n");
            ProxyAnswer::read(&mut head.as_bytes()).unwrap().login()
        };
        let ntlm = "Proxy-Authenticate: NTLM\r\nproxy-authenticate: Negotiate abc\r\n";
        let both = format!("{ntlm}Proxy-Authenticate: Basic realm=\"x\"\r\n");
        assert_eq!(login(ntlm), Some(ProxyLogin::Unspoken));
        assert_eq!((login(&both), login("")), (Some(ProxyLogin::Password), Some(ProxyLogin::Password)));
        let says = |login: ProxyLogin, has_login| login.failure(has_login).to_string();
        assert!(says(ProxyLogin::Password, false).contains("asks for"));
        assert!(says(ProxyLogin::Password, true).contains("refused"));
        assert!(says(ProxyLogin::Unspoken, true).contains("NTLM"));
    }

    #[test]
    fn waiting_hears_the_wish_to_end() {
        let cancel = Cancel::new();
        cancel.trigger(15);
        let (_keep, never) = bounded::<()>(0);
        let failure = within(&cancel, move || never.recv()).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Interrupted(15));
    }
}

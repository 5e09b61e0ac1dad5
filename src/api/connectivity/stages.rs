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
use rustls::{CertificateError, ClientConnection, StreamOwned};
use zeroize::Zeroizing;

use super::ConnectivityTarget;
use crate::api::http::Http;
use crate::api::proxy::Proxy;
use crate::api::transport_error::CONNECT_TIMEOUT;
use crate::cancel::Cancel;
use crate::error::{Error, ErrorKind, Result};
use crate::sanitize;

/// How long a stage may take: as long as the same part of a real request.
const LIMIT: Duration = CONNECT_TIMEOUT;

/// A proxy's answer to CONNECT is a few lines.
const HEAD_BYTES: usize = 16 << 10;

/// A connection, whatever it is made of.
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
            .hint("a firewall may be in the target; if this network needs a proxy, name it in HTTPS_PROXY"),
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
    let question =
        Zeroizing::new(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{}\r\n", *login));
    let answered = within(target.cancel, move || {
        connection.write_all(question.as_bytes())?;
        connection.flush()?;
        status(&mut connection).map(|status| (status, connection))
    })?;
    let failure = |why: String| {
        Error::new(ErrorKind::Network, format!("the proxy does not connect to {authority}"))
            .because(why)
            .hint("let the proxy allow this host, or name the host in NO_PROXY")
    };
    match answered {
        Some(Ok((200..=299, connection))) => Ok(connection),
        Some(Ok((407, _))) => {
            Err(Error::new(ErrorKind::Config, "the proxy asks for a user name and password")
                .hint("write them into the proxy's URL: http://USER:PASSWORD@HOST:PORT"))
        }
        Some(Ok((status, _))) => Err(failure(format!("it answers {status}"))),
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
    let shown = sanitize::message(host);
    let reason = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let Some(reason) = reason else {
        return Err(Error::new(ErrorKind::Network, format!("{shown} does not finish the TLS handshake"))
            .because(words(&error))
            .hint(
                "something on the target may cut TLS: check the proxy variables, and ask whoever runs it",
            ));
    };
    let distrust = Error::new(ErrorKind::Tls, format!("cannot trust {shown}")).because(words(reason));
    Err(match reason {
        rustls::Error::InvalidMessage(_) => {
            Error::new(ErrorKind::Tls, format!("{shown} does not speak TLS on this port"))
                .because(words(reason))
                .hint("check the base URL and its port")
        }
        rustls::Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => distrust.hint("check this machine's clock; if it is right, the server's certificate is not"),
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => distrust.hint("the certificate is another host's: check the base URL"),
        _ => distrust.hint("if a company proxy opens TLS on the target, add its root with --ca-file"),
    })
}

/// The status of an HTTP answer, its head read to the end.
fn status(connection: &mut impl Read) -> io::Result<u16> {
    let mut head = Vec::new();
    let mut byte = [0];
    // Byte by byte: what follows the head belongs to the server behind it.
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= HEAD_BYTES || connection.read(&mut byte)? == 0 {
            return Err(io::Error::other("its answer is no HTTP"));
        }
        head.push(byte[0]);
    }
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut answer = httparse::Response::new(&mut headers);
    // The status is known even where a header is odd.
    let _ = answer.parse(&head);
    answer.code.ok_or_else(|| io::Error::other("its answer is no HTTP"))
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
        assert_eq!(status(&mut answer).unwrap(), 200);
        assert_eq!(answer, b"TLS");
        assert!(status(&mut &b"SSH-2.0-x\r\n\r\n"[..]).is_err());
        assert!(status(&mut &b"HTTP/1.1 200"[..]).is_err());
        assert!(status(&mut io::repeat(b'x')).is_err());
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

//! Why a request has no whole answer: ureq's errors sorted by what can be done about them.

use std::fmt;
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::sanitize;

/// Resolving and connecting cannot be interrupted; more would break the promise to end within 5 s (P9).
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// Why there is no whole answer.
#[derive(Debug)]
pub enum TransportError {
    /// It could not even be sent; a setting is wrong.
    Setup(Error),
    /// The server's certificate or its TLS cannot be accepted.
    Tls(ureq::Error),
    /// No connection, no answer in time, or the connection was cut.
    Network(ureq::Error),
    /// What came is no HTTP, or no gzip.
    Garbled(ureq::Error),
    /// The decoded answer is longer than this.
    TooLarge(u64),
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TransportError::Setup(failure) => failure.fmt(f),
            TransportError::Tls(error) | TransportError::Network(error) | TransportError::Garbled(error) => {
                describe(error, f)
            }
            TransportError::TooLarge(limit) => write!(f, "the answer is longer than {limit} bytes"),
        }
    }
}

/// ureq's errors in words that fit into a sentence.
fn describe(error: &ureq::Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let seconds = CONNECT_TIMEOUT.as_secs();
    match error {
        ureq::Error::HostNotFound => f.write_str("no such host"),
        ureq::Error::Timeout(ureq::Timeout::Resolve) => {
            write!(f, "its name was not resolved within {seconds} s")
        }
        ureq::Error::Timeout(ureq::Timeout::Connect) => write!(f, "no connection within {seconds} s"),
        ureq::Error::Timeout(_) => f.write_str("no whole answer in time"),
        ureq::Error::Io(error) => f.write_str(&sanitize::message(&error.to_string())),
        error => f.write_str(&sanitize::message(&error.to_string())),
    }
}

impl From<ureq::Error> for TransportError {
    fn from(error: ureq::Error) -> Self {
        use ureq::Error as E;
        match &error {
            E::Tls(_) | E::Rustls(_) | E::Pem(_) | E::TlsRequired => TransportError::Tls(error),
            E::Io(io) if io.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) => {
                TransportError::Tls(error)
            }
            E::Protocol(_) | E::Decompress(..) | E::LargeResponseHeader(..) | E::BodyStalled => {
                TransportError::Garbled(error)
            }
            E::ConnectProxyFailed(reason) if reason.contains("407") => TransportError::Setup(
                Error::new(ErrorKind::Config, "the proxy asks for a user name and password")
                    .hint("write them into the proxy's URL: http://USER:PASSWORD@HOST:PORT"),
            ),
            E::Http(_) | E::BadUri(_) | E::InvalidProxyUrl | E::RequireHttpsOnly(_) => TransportError::Setup(
                Error::new(ErrorKind::Config, "the request cannot be sent")
                    .because(sanitize::message(&error.to_string()).into_owned()),
            ),
            _ => TransportError::Network(error),
        }
    }
}

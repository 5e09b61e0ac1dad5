//! Why a request has no complete answer: ureq's errors, grouped by what can be done about them.

use std::time::Duration;
use std::{fmt, io};

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
    /// What came is no HTTP, or no gzip; why, in words.
    Garbled(String),
    /// The body has a coding that was not requested; its name.
    Unasked(String),
    /// The proxy requires a login (407).
    ProxyLogin,
    /// The decoded answer is longer than this.
    TooLarge(u64),
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TransportError::Setup(failure) => failure.fmt(f),
            TransportError::Tls(error) | TransportError::Network(error) => describe(error, f),
            TransportError::Garbled(why) => f.write_str(why),
            TransportError::Unasked(name) => {
                write!(f, "its coding (Content-Encoding) is {name}, and only gzip was asked for")
            }
            TransportError::ProxyLogin => f.write_str("the proxy asks for a user name and password"),
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

impl TransportError {
    /// The error of reading a body: what is not ureq's own is the decoder's.
    pub(super) fn of_reading(error: io::Error) -> Self {
        let is_decoders = error.get_ref().is_none_or(|inner| !inner.is::<ureq::Error>())
            && matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData);
        if is_decoders {
            return TransportError::Garbled("it is no valid gzip".to_owned());
        }
        TransportError::from(ureq::Error::from(error))
    }

    /// The message of rustls, if TLS failed with one.
    pub(super) fn tls_cause(&self) -> Option<&rustls::Error> {
        let (TransportError::Tls(error) | TransportError::Network(error)) = self else { return None };
        match error {
            ureq::Error::Rustls(cause) => Some(cause),
            ureq::Error::Io(error) => error.get_ref()?.downcast_ref(),
            _ => None,
        }
    }

    /// Whether no connection was made: with a proxy, the proxy does not answer.
    pub(super) fn is_unreached(&self) -> bool {
        let TransportError::Network(error) = self else { return false };
        match error {
            ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
            | ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => true,
            ureq::Error::Io(error) => matches!(
                error.kind(),
                io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::HostUnreachable
                    | io::ErrorKind::NetworkUnreachable
                    | io::ErrorKind::TimedOut
            ),
            _ => false,
        }
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
            E::Protocol(_) | E::LargeResponseHeader(..) | E::BodyStalled => {
                TransportError::Garbled(sanitize::message(&error.to_string()).into_owned())
            }
            E::ConnectProxyFailed(reason) if reason.contains("407") => TransportError::ProxyLogin,
            E::Http(_) | E::BadUri(_) | E::InvalidProxyUrl | E::RequireHttpsOnly(_) => TransportError::Setup(
                Error::new(ErrorKind::Config, "the request cannot be sent")
                    .because(sanitize::message(&error.to_string()).into_owned()),
            ),
            _ => TransportError::Network(error),
        }
    }
}

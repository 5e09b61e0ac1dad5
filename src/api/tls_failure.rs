//! Why TLS with a server failed, in words for people: what is wrong with its certificate or its TLS, and one
//! thing to do.
//!
//! Pure; the words are the same for a request and for a check. Never the text of a library: those of rustls
//! hold Rust values.

use rustls::{AlertDescription, CertificateError, Error as Rustls};

use crate::error::{Error, ErrorKind};
use crate::sanitize;

/// What to do where nothing says more.
const INTERCEPTED: &str = "if a company proxy opens TLS on the way, add its root with --ca-file";

/// The TLS failure with `host`; `cause` if it is known.
pub(super) fn tls_failure(host: &str, cause: Option<&Rustls>) -> Error {
    let host = sanitize::message(host);
    let distrust = |why: &str, hint: &str| {
        Error::new(ErrorKind::Tls, format!("cannot trust {host}")).because(why.to_owned()).hint(hint)
    };
    let broken = |what: &str, hint: &str| Error::new(ErrorKind::Tls, format!("{host} {what}")).hint(hint);
    let Some(cause) = cause else {
        return broken("does not complete TLS", INTERCEPTED);
    };
    match cause {
        Rustls::InvalidCertificate(certificate) => match certificate {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => distrust(
                "its certificate has expired",
                "check this machine's clock; if it is right, report it to the operator of the server",
            ),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => distrust(
                "its certificate is not valid yet",
                "check this machine's clock; if it is right, report it to the operator of the server",
            ),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => distrust(
                "its certificate is for another name",
                "check the base URL: the certificate is another host's",
            ),
            CertificateError::UnknownIssuer => {
                distrust("its certificate's issuer is not known here", INTERCEPTED)
            }
            // webpki's own word; rustls has none for it.
            CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => distrust(
                "its certificate is self-signed, as that of an authority",
                "let the authority sign a certificate for the server, and trust the authority with --ca-file; or \
                 make the server's own without CA:TRUE (openssl req -addext basicConstraints=CA:FALSE)",
            ),
            CertificateError::Revoked => {
                distrust("its certificate was revoked", "report it to the operator of the server")
            }
            _ => distrust("its certificate is not valid", INTERCEPTED),
        },
        Rustls::InvalidMessage(_) => broken(
            "does not speak TLS on this port",
            "check the base URL and its port; plain HTTP is spoken on this machine alone",
        ),
        Rustls::AlertReceived(AlertDescription::ProtocolVersion) | Rustls::PeerIncompatible(_) => broken(
            "speaks only a version of TLS that is too old",
            "have the server, or the proxy that opens TLS on the way, speak TLS 1.2 or 1.3",
        ),
        Rustls::AlertReceived(_) => broken("refused the TLS handshake", INTERCEPTED),
        _ => broken("does not complete TLS", INTERCEPTED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_of_a_certificate_or_of_tls_has_a_hint_of_its_own() {
        let certificate = |error| Rustls::InvalidCertificate(error);
        for (cause, text, hint) in [
            (certificate(CertificateError::Expired), "has expired", "clock"),
            (certificate(CertificateError::NotValidYet), "not valid yet", "clock"),
            (certificate(CertificateError::NotValidForName), "another name", "base URL"),
            (certificate(CertificateError::UnknownIssuer), "issuer is not known", "--ca-file"),
            (
                certificate(CertificateError::Other(rustls::OtherError(std::sync::Arc::new(
                    std::io::Error::other("CaUsedAsEndEntity"),
                )))),
                "self-signed",
                "CA:FALSE",
            ),
            (
                Rustls::InvalidMessage(rustls::InvalidMessage::InvalidContentType),
                "does not speak TLS",
                "port",
            ),
            (Rustls::AlertReceived(AlertDescription::ProtocolVersion), "too old", "TLS 1.2"),
        ] {
            let failure = tls_failure("h", Some(&cause));
            assert_eq!(failure.kind(), ErrorKind::Tls);
            assert!(failure.to_string().contains(text), "{failure}");
            assert!(failure.advice().unwrap().contains(hint), "{failure}");
            assert!(!failure.to_string().contains("peer certificate"), "{failure}");
        }
    }
}

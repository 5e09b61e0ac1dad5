//! Whose certificates are trusted: the system's, and those of `--ca-file`.
//!
//! Parsing them takes 15 ms, so they are loaded for the first https request, once per process.
//! `SSL_CERT_FILE` and `SSL_CERT_DIR` are obeyed by the crate that finds the system's.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

use crate::error::{Error, ErrorKind, Result};
use crate::sanitize;

/// All of the world's certificate authorities take less than 1 MiB.
const MAX_CA_BYTES: u64 = 16 << 20;

/// The roots of trust.
pub(crate) struct TlsRoots {
    ca_file: Option<PathBuf>,
    loaded: OnceLock<RootCerts>,
}

impl TlsRoots {
    /// The system's roots, and those of a file; nothing is read yet.
    pub(crate) fn new(ca_file: Option<PathBuf>) -> Self {
        TlsRoots { ca_file, loaded: OnceLock::new() }
    }

    /// The system's roots and those of `--ca-file`.
    ///
    /// # Errors
    /// Fails with `Config` when the file cannot be used, or when there is no root at all.
    pub(crate) fn get(&self) -> Result<RootCerts> {
        if let Some(roots) = self.loaded.get() {
            return Ok(roots.clone());
        }
        let system = rustls_native_certs::load_native_certs();
        let mut certificates: Vec<Certificate<'static>> =
            system.certs.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
        if let Some(path) = &self.ca_file {
            certificates.extend(read_certificates(path)?);
        }
        if certificates.is_empty() {
            let failure = Error::new(ErrorKind::Config, "this machine has no trusted certificates")
                .hint("install the system's CA certificates (ca-certificates), or give --ca-file");
            return Err(match system.errors.into_iter().next() {
                Some(error) => failure.because(error),
                None => failure,
            });
        }
        Ok(self.loaded.get_or_init(|| certificates.into_iter().into()).clone())
    }

    /// How this program speaks TLS with these roots, for a handshake that is made without ureq.
    ///
    /// # Errors
    /// As [`TlsRoots::get`].
    pub(crate) fn tls(&self) -> Result<Arc<ClientConfig>> {
        let mut store = RootCertStore::empty();
        if let RootCerts::Specific(certificates) = self.get()? {
            store.add_parsable_certificates(certificates.iter().map(|c| CertificateDer::from(c.der())));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| Error::new(ErrorKind::Unexpected, "TLS cannot be set up").because(e))?
            .with_root_certificates(store)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }
}

fn read_certificates(path: &Path) -> Result<Vec<Certificate<'static>>> {
    let name = path.display().to_string();
    let failure = |what: &str| {
        Error::new(ErrorKind::Config, format!("{what} --ca-file {}", sanitize::message(&name)))
            .hint("give a file of certificates in PEM (-----BEGIN CERTIFICATE-----)")
    };
    let mut pem = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_CA_BYTES + 1).read_to_end(&mut pem))
        .map_err(|e| failure("cannot read").because(e))?;
    if pem.len() as u64 > MAX_CA_BYTES {
        return Err(failure("cannot read").because("it is greater than 16 MiB"));
    }
    let certificates: Result<Vec<_>, _> = parse_pem(sanitize::without_bom(&pem))
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(Ok(certificate)),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        })
        .collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(failure("there is no certificate in")),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(failure("cannot understand").because(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.pem");
        assert_eq!(read_certificates(&path).unwrap_err().kind(), ErrorKind::Config);
        #[expect(clippy::disallowed_methods, reason = "a fixture")]
        std::fs::write(&path, "nothing").unwrap();
        assert!(read_certificates(&path).unwrap_err().to_string().contains("no certificate"));
    }

    #[test]
    fn a_ca_file_without_an_end_is_refused() {
        let failure = read_certificates(Path::new("/dev/zero")).unwrap_err();
        assert!(failure.to_string().contains("greater than 16 MiB"), "{failure}");
    }

    #[test]
    fn a_byte_order_mark_before_a_certificate_is_accepted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.pem");
        let pem = "\u{feff}-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        #[expect(clippy::disallowed_methods, reason = "a fixture")]
        std::fs::write(&path, pem).unwrap();
        assert_eq!(read_certificates(&path).unwrap().len(), 1);
    }
}

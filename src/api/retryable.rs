//! Transient failures: their messages while they are retried, and at the end of the retries.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::api::http::HttpResponse;
use crate::api::proxy::{PROXY_LOGIN, Proxy};
use crate::api::retry::{self, RetryDecision};
use crate::api::server::BaseUrl;
use crate::api::tls_failure::tls_failure;
use crate::api::transport_error::TransportError;
use crate::api::wire;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;

/// A retry that waits this long is reported at the default level.
const LONG_WAIT: Duration = Duration::from_secs(10);

const PROXY_VARIABLES: &str =
    "check the proxy variables (HTTPS_PROXY, ALL_PROXY) and the proxy itself; NO_PROXY excepts hosts";

/// Why an attempt failed that may succeed on a retry.
pub(crate) struct RetryableError {
    /// What sort of failure it would be.
    pub(crate) kind: ErrorKind,
    /// The answer's status, where there was one that may change.
    pub(crate) status: Option<u16>,
    /// The failure as text.
    pub(crate) what: String,
    hint: &'static str,
    /// The server's Retry-After.
    pub(crate) retry_after: Option<Duration>,
}

impl RetryableError {
    /// An attempt with a status that may differ on a retry.
    pub(crate) fn of_status(answer: &HttpResponse, server: &BaseUrl, now: DateTime<Utc>) -> Self {
        let words = wire::words(&answer.body).map_or_else(String::new, |words| format!(": {words}"));
        RetryableError {
            kind: ErrorKind::Service,
            status: Some(answer.status),
            what: format!("{} answered {}{words}", server.host(), answer.status),
            hint: if answer.status == 429 {
                "something else may be using the account's requests; run again later"
            } else {
                "see https://status.1password.com, and run again later"
            },
            retry_after: retry::retry_after_of(answer, now),
        }
    }

    /// An attempt whose answer could not be read.
    pub(crate) fn unreadable(reason: &str) -> Self {
        RetryableError {
            kind: ErrorKind::Service,
            status: None,
            what: format!("the answer cannot be read: {reason}"),
            hint: "check that the base URL is the Events API's and that nothing on the way changes answers",
            retry_after: None,
        }
    }

    /// A try without a whole answer.
    ///
    /// # Errors
    /// Fails with errors that a retry cannot mend.
    pub(crate) fn of_transport(
        error: TransportError,
        server: &BaseUrl,
        proxy: Option<&Proxy>,
    ) -> Result<Self> {
        let host = server.host();
        let network = |what, hint| RetryableError {
            kind: ErrorKind::Network,
            status: None,
            what,
            hint,
            retry_after: None,
        };
        match error {
            TransportError::Setup(failure) => Err(failure),
            TransportError::Tls(_) => Err(tls_failure(&host, error.tls_cause())),
            TransportError::ProxyLogin => {
                Err(Error::new(ErrorKind::Config, error.to_string()).hint(PROXY_LOGIN))
            }
            TransportError::Network(_) => Ok(match proxy {
                Some(proxy) if error.is_unreached() => {
                    let proxy = proxy.shown();
                    network(format!("no connection to the proxy {proxy}: {error}"), PROXY_VARIABLES)
                }
                Some(proxy) => network(
                    format!("no answer from {host} through the proxy {}: {error}", proxy.shown()),
                    PROXY_VARIABLES,
                ),
                None => network(
                    format!("no answer from {host}: {error}"),
                    "check the network, the proxy variables and the base URL",
                ),
            }),
            TransportError::Garbled(_) | TransportError::Unasked(_) => {
                Ok(RetryableError::unreadable(&error.to_string()))
            }
            TransportError::TooLarge(_) => Ok(RetryableError {
                hint: "allow longer answers with --max-response-bytes, or ask for less with --page-size",
                ..RetryableError::unreadable(&error.to_string())
            }),
        }
    }

    /// Says that the same will be asked again after `wait`; louder for a long wait, unless somebody
    /// else does the talking.
    pub(crate) fn log(&self, stream: Option<Stream>, wait: Duration, attempt: u32, is_quiet: bool) {
        let seconds = wait.as_secs_f64();
        let loud = wait >= LONG_WAIT && !is_quiet;
        let level = if loud { log::Level::Warn } else { log::Level::Info };
        let name = stream.map_or("introspect", Stream::word);
        log::log!(level, attempt = attempt, wait_seconds = seconds;
            "{name}: {}; trying again in {seconds:.0} s", self.what);
    }

    /// The failure to end with when there is no more waiting.
    pub(crate) fn end(self, decision: RetryDecision, now: DateTime<Utc>) -> Error {
        match decision {
            RetryDecision::Deadline => past_deadline(Some(self.what)),
            RetryDecision::TooLong(retry_after) => {
                let until = TimeDelta::from_std(retry_after).ok().and_then(|retry_after| {
                    let until = now.checked_add_signed(retry_after)?;
                    Some(until.to_rfc3339_opts(SecondsFormat::Secs, true))
                });
                let until = until.unwrap_or_else(|| "some far day".to_owned());
                Error::new(self.kind, format!("{}; it asks to be left alone until {until}", self.what))
                    .hint(format!("run again after {until}, or allow for it with --retry-for"))
            }
            RetryDecision::Wait(_) | RetryDecision::Spent => Error::new(self.kind, self.what).hint(self.hint),
        }
    }
}

/// The failure at the deadline; `last` is the last failure before.
pub(crate) fn past_deadline(last: Option<String>) -> Error {
    let failure =
        Error::new(ErrorKind::Deadline, "the deadline has passed").hint("give more time with --deadline");
    match last {
        Some(last) => failure.because(last),
        None => failure,
    }
}

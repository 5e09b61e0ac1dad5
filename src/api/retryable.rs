//! Failures that may pass: what they are called while they are retried, and when they have not passed.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::api::http::{Answer, TransportError};
use crate::api::retry::{self, Verdict};
use crate::api::server::BaseUrl;
use crate::api::wire;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;

/// A retry that waits this long is said without being asked for.
const LONG_WAIT: Duration = Duration::from_secs(10);

/// Why a try failed that may go better next time.
pub(crate) struct RetryableError {
    /// What sort of failure it would be.
    pub(crate) kind: ErrorKind,
    /// The answer's status, where there was one that may change.
    pub(crate) status: Option<u16>,
    /// What failed, in words.
    pub(crate) what: String,
    hint: &'static str,
    /// The server's wish.
    pub(crate) retry_after: Option<Duration>,
}

impl RetryableError {
    /// A try that was answered with a status that may be another one next time.
    pub(crate) fn of_status(answer: &Answer, server: &BaseUrl, now: DateTime<Utc>) -> Self {
        let wish = answer.header("retry-after");
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
            retry_after: wish.and_then(|wish| retry::retry_after(wish, answer.header("date"), now)),
        }
    }

    /// A try whose answer could not be read.
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
    /// Gives back what no further try can mend.
    pub(crate) fn of_trouble(trouble: TransportError, server: &BaseUrl) -> Result<Self> {
        match trouble {
            TransportError::Setup(failure) => Err(failure),
            TransportError::Tls(_) => {
                Err(Error::new(ErrorKind::Tls, format!("cannot trust {}", server.host()))
                    .because(trouble.to_string())
                    .hint("if a company proxy opens TLS on the way, add its root with --ca-file"))
            }
            TransportError::Network(_) => Ok(RetryableError {
                kind: ErrorKind::Network,
                status: None,
                what: format!("no answer from {}: {trouble}", server.host()),
                hint: "check the network, the proxy variables and the base URL",
                retry_after: None,
            }),
            TransportError::Garbled(_) => Ok(RetryableError::unreadable(&trouble.to_string())),
            TransportError::TooLarge(_) => Ok(RetryableError {
                hint: "allow longer answers with --max-response-bytes, or ask for less with --page-size",
                ..RetryableError::unreadable(&trouble.to_string())
            }),
        }
    }

    /// Says that the same will be asked again after `wait`; louder for a long wait, unless an observer
    /// does the talking.
    pub(crate) fn log(&self, stream: Option<Stream>, wait: Duration, attempt: u32, is_observed: bool) {
        let seconds = wait.as_secs_f64();
        let loud = wait >= LONG_WAIT && !is_observed;
        let level = if loud { log::Level::Warn } else { log::Level::Info };
        let name = stream.map_or("introspect", Stream::word);
        log::log!(level, attempt = attempt, wait_seconds = seconds;
            "{name}: {}; trying again in {seconds:.0} s", self.what);
    }

    /// The failure to end with when there is no more waiting.
    pub(crate) fn end(self, verdict: Verdict, now: DateTime<Utc>) -> Error {
        match verdict {
            Verdict::Deadline => past_deadline(Some(self.what)),
            Verdict::TooLong(wish) => {
                let until = TimeDelta::from_std(wish).ok().and_then(|wish| {
                    let until = now.checked_add_signed(wish)?;
                    Some(until.to_rfc3339_opts(SecondsFormat::Secs, true))
                });
                let until = until.unwrap_or_else(|| "some far day".to_owned());
                Error::new(self.kind, format!("{}; it asks to be left alone until {until}", self.what))
                    .hint(format!("run again after {until}, or allow for it with --retry-for"))
            }
            Verdict::Wait(_) | Verdict::Spent => Error::new(self.kind, self.what).hint(self.hint),
        }
    }
}

/// The failure for a run whose time is over; `last` is what went wrong last.
pub(crate) fn past_deadline(last: Option<String>) -> Error {
    let failure =
        Error::new(ErrorKind::Deadline, "the deadline has passed").hint("give more time with --deadline");
    match last {
        Some(last) => failure.because(last),
        None => failure,
    }
}

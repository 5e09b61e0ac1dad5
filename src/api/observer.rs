//! Events of a client's requests: an answer that could be read, a failure that is retried.
//!
//! For the health of long runs. Called on the requesting thread between two requests: an observer must be quick
//! and must not make requests.

use std::time::Duration;

use crate::error::ErrorKind;
use crate::event::Stream;

/// Receives what happens to requests.
pub trait Observer: Send + Sync {
    /// Takes note; a stream of `None` is an introspection.
    fn observe(&self, stream: Option<Stream>, observation: &Observation<'_>);
}

/// What happened to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observation<'a> {
    /// It was answered, and the answer could be read.
    Answered,
    /// A request failed, and is retried after `wait`.
    Retrying {
        /// What sort of failure it would be.
        kind: ErrorKind,
        /// The answer's status; none without a complete answer.
        status: Option<u16>,
        /// The failure as text.
        what: &'a str,
        /// How long until the retry.
        wait: Duration,
        /// The number of attempts so far.
        attempt: u32,
    },
}

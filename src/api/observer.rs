//! What a client tells while it asks: an answer that could be read, a failure that is being retried.
//!
//! For those who follow a service for months and have to say how it fares. Told on the asking thread,
//! between two requests: an observer must be quick and must not ask anything itself.

use std::time::Duration;

use crate::error::ErrorKind;
use crate::event::Stream;

/// Is told what happens to requests.
pub trait Observer: Send + Sync {
    /// Takes note; a stream of `None` is an introspection.
    fn observe(&self, stream: Option<Stream>, observation: &Observation<'_>);
}

/// What happened to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observation<'a> {
    /// It was answered, and the answer could be read.
    Answered,
    /// It failed in a way that may pass, and is asked again after `wait`.
    Retrying {
        /// What sort of failure it would be.
        kind: ErrorKind,
        /// The answer's status; none where there was no whole answer.
        status: Option<u16>,
        /// What failed, in words.
        what: &'a str,
        /// How long until it is asked again.
        wait: Duration,
        /// How often it was asked so far.
        attempt: u32,
    },
}

//! One request of a client, as tests and `opev simulate --log` see it. Never holds a token.

use std::time::Duration;

use super::script::{RequestKind, RequestTarget};

/// One request, as the log shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedRequest {
    /// Its number, from 1.
    pub number: u64,
    /// When it came, on the clock's steady side.
    pub at: Duration,
    /// When its answer was ready, on the same side; `None` while it is not.
    pub answered: Option<Duration>,
    /// The number of its connection, from 1.
    pub connection: u64,
    /// `GET` or `POST`.
    pub method: String,
    /// The path and the query.
    pub path: String,
    /// The body, cut after 2,000 bytes.
    pub body: String,
    /// What it asked for; `None` for an unknown address.
    pub target: Option<RequestTarget>,
    /// How it asked for events.
    pub ask: Option<RequestKind>,
    /// The answer's status; `None` while there is none.
    pub status: Option<u16>,
    /// How many events the answer held.
    pub events: usize,
    /// Whether the answer was spoiled on purpose.
    pub spoiled: bool,
}

//! How often each stream of a followed profile is polled.

use std::time::Duration;

use crate::event::Stream;
use crate::health::PollPace;
use crate::source::poll_interval::PollInterval;

/// The intervals of one profile's streams.
#[derive(Debug)]
pub struct Intervals([PollInterval; 3]);

impl Intervals {
    /// Intervals of `usual`, as long as the service does not refuse requests.
    pub fn new(usual: impl Fn(Stream) -> Duration) -> Self {
        Intervals(Stream::ALL.map(|stream| PollInterval::new(stream, usual(stream))))
    }

    /// A stream's interval.
    pub fn of(&self, stream: Stream) -> &PollInterval {
        &self.0[stream as usize]
    }
}

impl PollPace for Intervals {
    fn interval(&self, stream: Stream) -> Duration {
        self.of(stream).interval()
    }

    fn refused(&self, stream: Stream) {
        self.of(stream).refused();
    }
}

//! How often a stream that was read to its end is polled again; less often while the service refuses requests
//! (P9).
//!
//! Three refusals (429) in a row double the interval, up to a quarter of an hour; three polls without one restore
//! the usual interval. Does not read the time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::event::Stream;

/// The longest interval after refusals; a configured one may be longer.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// How many refusals, or good polls, in a row change the interval.
const IN_A_ROW: u32 = 3;

/// The part of the first interval that jitter may leave out, so that clients that start together do not poll
/// at the same times. Later intervals are exact: longer ones would delay events, shorter ones cost requests.
const PHASE: f64 = 0.5;

/// The poll interval of a stream; clones share it.
#[derive(Clone, Debug)]
pub struct PollInterval(Arc<StreamPace>);

#[derive(Debug)]
struct StreamPace {
    stream: Stream,
    usual: Duration,
    pace: Mutex<IntervalState>,
}

#[derive(Debug)]
struct IntervalState {
    interval: Duration,
    /// Whether this is the first interval.
    is_first: bool,
    /// Refusals in a row.
    refusals: u32,
    /// Polls in a row that met no refusal.
    good: u32,
    /// Whether the running poll met one.
    is_spoilt: bool,
}

impl PollInterval {
    /// A stream that is polled every `usual`.
    pub fn new(stream: Stream, usual: Duration) -> Self {
        let pace = IntervalState { interval: usual, is_first: true, refusals: 0, good: 0, is_spoilt: false };
        PollInterval(Arc::new(StreamPace { stream, usual, pace: Mutex::new(pace) }))
    }

    /// The current interval.
    pub fn interval(&self) -> Duration {
        self.pace().interval
    }

    /// How long to wait before the next poll; `jitter` is a number from 0 to 1.
    pub fn wait(&self, jitter: f64) -> Duration {
        let mut pace = self.pace();
        let phase = if std::mem::take(&mut pace.is_first) { PHASE * jitter.clamp(0.0, 1.0) } else { 0.0 };
        pace.interval.mul_f64(1.0 - phase)
    }

    /// A request was refused (429).
    pub fn refused(&self) {
        let mut pace = self.pace();
        (pace.good, pace.is_spoilt) = (0, true);
        pace.refusals += 1;
        if pace.refusals < IN_A_ROW {
            return;
        }
        pace.refusals = 0;
        let slower = (pace.interval * 2).min(LONGEST.max(self.0.usual));
        if slower > pace.interval {
            pace.interval = slower;
            let seconds = slower.as_secs();
            log::info!(
                "{}: refused {IN_A_ROW} times for asking too much; from now on asking every {seconds} s",
                self.0.stream
            );
        }
    }

    /// A poll was answered.
    pub fn answered(&self) {
        let mut pace = self.pace();
        pace.refusals = 0;
        if std::mem::take(&mut pace.is_spoilt) {
            return;
        }
        pace.good = pace.good.saturating_add(1);
        if pace.good >= IN_A_ROW && pace.interval > self.0.usual {
            pace.interval = self.0.usual;
            log::info!(
                "{}: {IN_A_ROW} good polls; asking every {} s again",
                self.0.stream,
                self.0.usual.as_secs()
            );
        }
    }

    fn pace(&self) -> MutexGuard<'_, IntervalState> {
        self.0.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays refusals (`x`) and answered polls (`.`); gives the interval in seconds after each.
    fn intervals(usual: u64, story: &str) -> Vec<u64> {
        let interval = PollInterval::new(Stream::ItemUsages, Duration::from_secs(usual));
        let step = |what| {
            match what {
                'x' => interval.refused(),
                _ => interval.answered(),
            }
            interval.interval().as_secs()
        };
        story.chars().map(step).collect()
    }

    #[test]
    fn three_refusals_in_a_row_double_and_three_good_polls_bring_back() {
        assert_eq!(intervals(30, "xx.xx."), [30; 6]);
        assert_eq!(intervals(30, "xxx"), [30, 30, 60]);
        // The poll that was refused and then answered is no good one.
        assert_eq!(intervals(30, "xxx...."), [30, 30, 60, 60, 60, 60, 30]);
        assert_eq!(intervals(30, "xxx...x..."), [30, 30, 60, 60, 60, 60, 60, 60, 60, 60]);
    }

    #[test]
    fn a_quarter_of_an_hour_is_the_most() {
        assert_eq!(intervals(30, &"x".repeat(60)).last(), Some(&900));
        assert_eq!(intervals(3600, &"x".repeat(60)).last(), Some(&3600));
        assert_eq!(intervals(30, &format!("{}....", "x".repeat(60))).last(), Some(&30));
    }

    #[test]
    fn only_the_first_wait_is_shorter_by_chance() {
        let waits = |jitter: f64| {
            let interval = PollInterval::new(Stream::ItemUsages, Duration::from_secs(10));
            [interval.wait(jitter), interval.wait(jitter), interval.wait(0.0)].map(|wait| wait.as_secs())
        };
        assert_eq!(waits(0.0), [10, 10, 10]);
        assert_eq!(waits(1.0), [5, 10, 10]);
        assert_eq!(waits(7.0), [5, 10, 10], "a bad jitter is no shorter");
    }
}

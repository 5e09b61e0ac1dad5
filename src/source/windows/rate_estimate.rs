//! Whether a window is split, and where: by the times of its events, not by page sizes, jobs or the clock.
//!
//! Any split is correct, because repeats are dropped; a bad one only costs requests. So the estimate is coarse,
//! and robust against outliers: a client whose clock is a year ahead, an event that arrived a month late, a
//! burst in one second.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};

use super::window::Window;
use super::window_sizing::WindowSizing;

/// An estimate of the event rate from the times of the events read so far.
#[derive(Debug)]
pub(super) struct RateEstimate {
    sizing: WindowSizing,
    events: usize,
    mark: usize,
    /// The times of the last events, as many as the first mark.
    times: VecDeque<DateTime<Utc>>,
    /// The greatest times with their events' identities, one more than there may be outliers.
    greatest: BinaryHeap<Reverse<(DateTime<Utc>, u128)>>,
}

/// How a window is split after some of its events were returned.
#[derive(Debug)]
pub(super) struct WindowSplit {
    /// The parts of the window, in order. The first holds the returned events: others that arrived there later
    /// are only found by reading it again.
    pub(super) windows: Vec<Window>,
    /// How many events each should hold, and the estimate of how many it does hold.
    pub(super) target: u64,
    pub(super) expected: u64,
    /// The times of the last returned events, sorted.
    pub(super) sample: Vec<DateTime<Utc>>,
}

/// The events that a window returned before it was split, and that its parts will return again.
#[derive(Debug)]
pub(super) struct Overlap {
    /// All but a few lie before this moment.
    pub(super) reached: DateTime<Utc>,
    /// The times and identities of those few.
    pub(super) ahead: Vec<(DateTime<Utc>, u128)>,
}

impl RateEstimate {
    /// An estimate without events.
    pub(super) fn new(sizing: WindowSizing) -> Self {
        RateEstimate {
            sizing,
            events: 0,
            mark: sizing.first_mark,
            times: VecDeque::new(),
            greatest: BinaryHeap::new(),
        }
    }

    /// Adds an event; true when the number of events reaches the next mark.
    pub(super) fn note(&mut self, time: Option<DateTime<Utc>>, identity: u128) -> bool {
        self.events += 1;
        if let Some(time) = time {
            if self.times.len() == self.sizing.first_mark {
                self.times.pop_front();
            }
            self.times.push_back(time);
            if self.greatest.len() <= self.sizing.outliers() {
                self.greatest.push(Reverse((time, identity)));
            } else if self.greatest.peek().is_some_and(|Reverse(least)| *least < (time, identity)) {
                self.greatest.pop();
                self.greatest.push(Reverse((time, identity)));
            }
        }
        if self.events != self.mark {
            return false;
        }
        self.mark = if self.mark < self.sizing.last_mark { self.mark * 4 } else { 0 };
        true
    }

    /// How to split `window`, if that is worth it. A part of a split window has a `target`.
    pub(super) fn cut(&self, window: &Window, target: Option<u64>) -> Option<(WindowSplit, Overlap)> {
        let Reverse((reached, _)) = *self.greatest.peek()?;
        let reached = reached.clamp(window.from, window.to);
        let ahead = micros(window.to - reached);
        let mut sample: Vec<_> = self.times.iter().copied().collect();
        sample.sort_unstable();
        let remaining = remaining(&sample, ahead)?;
        let given = self.events as u64;
        let total = given + remaining;
        let WindowSizing { least, least_again, windows, most_windows, most_pieces, shortest, .. } =
            self.sizing;
        let (least, target, most) = match target {
            None => (least, self.sizing.size(total / windows), most_windows),
            // A part with many times its target shows that the whole was underestimated; a few times may only mean
            // that it begins in working hours.
            Some(target) => {
                let least = least_again.max((3 * target).min(self.sizing.size.1 * 3 / 2));
                (least, self.sizing.size(target.max(total / 4)), most_pieces)
            }
        };
        if remaining <= least.max(2 * given) {
            return None;
        }
        let count = ((total + target / 2) / target).clamp(2, most).min(ahead / micros(shortest).max(1));
        if count < 2 {
            return None;
        }
        // The first part gets the returned events and as many more as make it as large as the others.
        let more = (total / count).saturating_sub(given);
        let first = reached + share(ahead, more, remaining);
        let rest = micros(window.to - first);
        let edge = |n: u64| if n == count { window.to } else { first + share(rest, n - 1, count - 1) };
        let mut windows = vec![Window { from: window.from, to: first, last: false }];
        windows.extend((1..count).map(|n| Window {
            from: edge(n),
            to: edge(n + 1),
            last: window.last && n + 1 == count,
        }));
        let ahead = self.greatest.iter().map(|Reverse(event)| *event).collect();
        let expected = target.min(total / count);
        Some((WindowSplit { windows, target, expected, sample }, Overlap { reached, ahead }))
    }
}

/// The number of events in `ahead` microseconds at the rate of the sample without its outer tenths.
fn remaining(sample: &[DateTime<Utc>], ahead: u64) -> Option<u64> {
    let (first, last) = (sample.len() / 10, sample.len() - sample.len() / 10 - 1);
    let span = micros(*sample.get(last)? - *sample.get(first)?);
    let events = (last - first) as u128 * u128::from(ahead) / u128::from(span.max(1));
    Some(u64::try_from(events).unwrap_or(u64::MAX / 4))
}

/// The share `part / whole` of a time in microseconds.
fn share(time: u64, part: u64, whole: u64) -> TimeDelta {
    let micros = u128::from(time) * u128::from(part) / u128::from(whole.max(1));
    TimeDelta::microseconds(i64::try_from(micros).unwrap_or(i64::MAX))
}

fn micros(time: TimeDelta) -> u64 {
    u64::try_from(time.num_microseconds().unwrap_or(i64::MAX)).unwrap_or(0)
}

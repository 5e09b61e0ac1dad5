//! When a window is cut, and where: from what its own events tell, never from page sizes, jobs or time.
//!
//! Any cut is right, because what was given is dropped when it comes again; a bad one only costs
//! requests. So the reckoning is coarse, and made robust where outliers would spoil it: a client whose
//! clock is a year ahead, an event that was synced a month late, a burst in one second.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};

use super::window::Window;

/// When windows are cut, and how small.
#[derive(Clone, Copy, Debug)]
pub(super) struct WindowSizing {
    /// After how many events a window is first looked at; then at four times as many, and so on.
    pub(super) first_mark: usize,
    /// The last such number. What a cut window gave must fit in the seam's memory.
    pub(super) last_mark: usize,
    /// How many events must remain, by the reckoning, for a cut to be worth its extra requests.
    pub(super) least: u64,
    /// The same for what is itself a piece of a cut window.
    pub(super) least_again: u64,
    /// Into how many windows a question is divided where their size allows it: as many as can be read at
    /// once, and the probe beside them.
    pub(super) windows: u64,
    /// The fewest and the most events that a window should hold. An empty page often follows its last, so
    /// that many small ones cost requests; several must fit in memory side by side, so that large ones cost
    /// time.
    pub(super) size: (u64, u64),
    /// The most windows of one cut. What they cost where the rest of the time turns out to be empty.
    pub(super) most_windows: u64,
    /// The same where a window is cut again: what it holds is often one burst.
    pub(super) most_pieces: u64,
    /// The shortest window; much longer than the margins, which are asked for twice.
    pub(super) shortest: TimeDelta,
}

impl WindowSizing {
    /// The measures for the service as it is: pages of 1,000 events, a bit less than a megabyte each.
    ///
    /// On a model of a service whose windows end with an empty page, with 16 jobs: 40 pages take five
    /// rounds and 60 requests when spread evenly, six or seven and 62 to 67 in office hours, whenever the
    /// question begins; 600 pages take 664 requests when spread evenly, 737 to 832 in office hours. Larger
    /// windows cost fewer requests, and leave fewer under way in the same memory.
    pub(super) const STANDARD: WindowSizing = WindowSizing {
        first_mark: 1_000,
        last_mark: 64_000,
        least: 2_500,
        least_again: 6_000,
        windows: 14,
        size: (925, 10_900),
        most_windows: 96,
        most_pieces: 8,
        shortest: TimeDelta::seconds(10),
    };

    /// How many events each window should hold where so many should be divided evenly.
    fn size(&self, events: u64) -> u64 {
        events.clamp(self.size.0, self.size.1)
    }

    /// How many of the latest timestamps do not count when asked how far a window was read.
    fn outliers(&self) -> usize {
        self.first_mark / 20
    }
}

/// What a chain has seen so far of its events' times.
#[derive(Debug)]
pub(super) struct RateEstimate {
    density: WindowSizing,
    events: usize,
    mark: usize,
    /// The times of the last events, as many as the first mark.
    times: VecDeque<DateTime<Utc>>,
    /// The greatest times with their events' identities, one more than there may be outliers.
    greatest: BinaryHeap<Reverse<(DateTime<Utc>, u128)>>,
}

/// How a window is divided after some of its events were given.
#[derive(Debug)]
pub(super) struct WindowSplit {
    /// All of the window, in order. The first holds what was given: events that belong there and reached the
    /// service later are only found by reading it again.
    pub(super) windows: Vec<Window>,
    /// How many events each should hold, and how many it does hold by the reckoning, at most as many.
    pub(super) target: u64,
    pub(super) expected: u64,
    /// The times of the last events given, in order.
    pub(super) sample: Vec<DateTime<Utc>>,
}

/// What was given of a window when it was cut, and its pieces will give again.
#[derive(Debug)]
pub(super) struct Overlap {
    /// All of it lies before this moment, but for a few events.
    pub(super) reached: DateTime<Utc>,
    /// The times and identities of those few.
    pub(super) ahead: Vec<(DateTime<Utc>, u128)>,
}

impl RateEstimate {
    /// Nothing seen yet.
    pub(super) fn new(density: WindowSizing) -> Self {
        RateEstimate {
            density,
            events: 0,
            mark: density.first_mark,
            times: VecDeque::new(),
            greatest: BinaryHeap::new(),
        }
    }

    /// Takes note of an event; true when it is the last before a mark.
    pub(super) fn note(&mut self, time: Option<DateTime<Utc>>, identity: u128) -> bool {
        self.events += 1;
        if let Some(time) = time {
            if self.times.len() == self.density.first_mark {
                self.times.pop_front();
            }
            self.times.push_back(time);
            if self.greatest.len() <= self.density.outliers() {
                self.greatest.push(Reverse((time, identity)));
            } else if self.greatest.peek().is_some_and(|Reverse(least)| *least < (time, identity)) {
                self.greatest.pop();
                self.greatest.push(Reverse((time, identity)));
            }
        }
        if self.events != self.mark {
            return false;
        }
        self.mark = if self.mark < self.density.last_mark { self.mark * 4 } else { 0 };
        true
    }

    /// How to divide `window`, if that is worth it. A piece of a window that was cut has a `target`.
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
            self.density;
        let (least, target, most) = match target {
            None => (least, self.density.size(total / windows), most_windows),
            // A piece that holds many times what it should tells that the whole was taken for too small; a few
            // times may only mean that it begins at daytime.
            Some(target) => {
                let least = least_again.max((3 * target).min(self.density.size.1 * 3 / 2));
                (least, self.density.size(target.max(total / 4)), most_pieces)
            }
        };
        if remaining <= least.max(2 * given) {
            return None;
        }
        let count = ((total + target / 2) / target).clamp(2, most).min(ahead / micros(shortest).max(1));
        if count < 2 {
            return None;
        }
        // What was given counts for the first, and so much more as makes it as large as the others.
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

/// How many events come in `ahead` microseconds if they are as thick as those of the sample, its outer tenths
/// left aside.
fn remaining(sample: &[DateTime<Utc>], ahead: u64) -> Option<u64> {
    let (first, last) = (sample.len() / 10, sample.len() - sample.len() / 10 - 1);
    let span = micros(*sample.get(last)? - *sample.get(first)?);
    let events = (last - first) as u128 * u128::from(ahead) / u128::from(span.max(1));
    Some(u64::try_from(events).unwrap_or(u64::MAX / 4))
}

/// So much of a time in microseconds as `part` is of `whole`.
fn share(time: u64, part: u64, whole: u64) -> TimeDelta {
    let micros = u128::from(time) * u128::from(part) / u128::from(whole.max(1));
    TimeDelta::microseconds(i64::try_from(micros).unwrap_or(i64::MAX))
}

fn micros(time: TimeDelta) -> u64 {
    u64::try_from(time.num_microseconds().unwrap_or(i64::MAX)).unwrap_or(0)
}

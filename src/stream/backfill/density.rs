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
pub(super) struct Density {
    /// After how many events a window is first looked at; then at four times as many, and so on.
    pub(super) first_mark: usize,
    /// The last such number. What a cut window gave must fit in the seam's memory.
    pub(super) last_mark: usize,
    /// How many events must remain, by the reckoning, for a cut to be worth its extra requests.
    pub(super) least: u64,
    /// The same for what is itself a piece of a cut window. It is cut into pieces of the largest size:
    /// that it holds more than it should means that the whole was taken for too small.
    pub(super) least_again: u64,
    /// Into how many windows a question is divided where the next two allow it.
    pub(super) windows: u64,
    /// The fewest events that a window should hold.
    pub(super) target_min: u64,
    /// The most events that a window should hold: several must fit in memory side by side.
    pub(super) target_max: u64,
    /// The most windows of one cut. What they cost where the rest of the time turns out to be empty.
    pub(super) most_windows: u64,
    /// The shortest window; much longer than the margins, which are asked for twice.
    pub(super) shortest: TimeDelta,
}

impl Density {
    /// The measures for the service as it is: pages of 1,000 events, about a megabyte each.
    ///
    /// A window of 1,850 events is two requests; one of 7,500 is eight, of which seven bring full pages. On
    /// a model with 16 jobs, 300 ms and 600 requests a minute, 600 pages of 0.9 MB were had at 594 requests
    /// a minute, 534 of them full, when spread evenly; at 578 and 435 when nine in ten came in office
    /// hours; at 572 and 503 when they grew a hundredfold.
    pub(super) const STANDARD: Density = Density {
        first_mark: 1_000,
        last_mark: 64_000,
        least: 2_500,
        least_again: 11_000,
        windows: 64,
        target_min: 1_850,
        target_max: 7_500,
        most_windows: 64,
        shortest: TimeDelta::seconds(10),
    };

    /// How many of the latest timestamps do not count when asked how far a window was read.
    fn outliers(&self) -> usize {
        self.first_mark / 20
    }
}

/// What a chain has seen so far of its events' times.
#[derive(Debug)]
pub(super) struct Pace {
    density: Density,
    events: usize,
    mark: usize,
    /// The times of the last events, as many as the first mark.
    times: VecDeque<DateTime<Utc>>,
    /// The greatest times with their events' identities, one more than there may be outliers.
    greatest: BinaryHeap<Reverse<(DateTime<Utc>, u128)>>,
}

/// How a window is divided after some of its events were given.
#[derive(Debug)]
pub(super) struct Cut {
    /// The late check, where there is room for one, and then what remains.
    pub(super) windows: Vec<Window>,
    /// Whether the first of them is a late check.
    pub(super) late_check: bool,
    /// The identities of what was given beyond the late check's end.
    pub(super) ahead: Vec<(DateTime<Utc>, u128)>,
    /// How many events each is reckoned to hold.
    pub(super) expected: u64,
    /// The times of the last events given, in order.
    pub(super) sample: Vec<DateTime<Utc>>,
}

impl Pace {
    /// Nothing seen yet.
    pub(super) fn new(density: Density) -> Self {
        Pace {
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

    /// How to divide `window`, if that is worth it; a piece of a cut window `again`.
    pub(super) fn cut(&self, window: &Window, again: bool) -> Option<Cut> {
        let mut sample: Vec<_> = self.times.iter().copied().collect();
        sample.sort_unstable();
        let Reverse((reached, _)) = *self.greatest.peek()?;
        let reached = reached.clamp(window.from, window.to);
        let ahead = window.to - reached;
        let remaining = remaining(&sample, ahead)?;
        let given = self.events as u64;
        let Density { windows, target_min, target_max, most_windows, shortest, .. } = self.density;
        let (least, target) = if again {
            (self.density.least_again, target_max)
        } else {
            (self.density.least, ((given + remaining) / windows).clamp(target_min, target_max))
        };
        if remaining <= least.max(2 * given) {
            return None;
        }
        let room = micros(ahead) / micros(shortest).max(1);
        let count = remaining.div_ceil(target).clamp(2, most_windows).min(room);
        if count < 2 {
            return None;
        }
        let mut windows = Vec::new();
        let late_check = reached > window.from;
        if late_check {
            windows.push(Window { from: window.from, to: reached, last: false });
        }
        let edge = |n: u64| match n {
            n if n == count => window.to,
            n => reached + ahead / count as i32 * n as i32,
        };
        windows.extend((0..count).map(|n| Window {
            from: edge(n),
            to: edge(n + 1),
            last: window.last && n + 1 == count,
        }));
        let ahead = self.greatest.iter().map(|Reverse(event)| *event).collect();
        Some(Cut { windows, late_check, ahead, expected: remaining / count, sample })
    }
}

/// How many events lie ahead if they come as thick as those of the sample, its outer fifths left aside.
fn remaining(sample: &[DateTime<Utc>], ahead: TimeDelta) -> Option<u64> {
    let (first, last) = (sample.len() / 10, sample.len() - sample.len() / 10 - 1);
    let span = *sample.get(last)? - *sample.get(first)?;
    let events = (last - first) as u128 * u128::from(micros(ahead)) / u128::from(micros(span).max(1));
    Some(u64::try_from(events).unwrap_or(u64::MAX / 2))
}

fn micros(time: TimeDelta) -> u64 {
    u64::try_from(time.num_microseconds().unwrap_or(i64::MAX)).unwrap_or(0)
}

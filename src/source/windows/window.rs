//! A window of a time range, and its request.
//!
//! The request is a little wider on both sides, so that windows overlap and the service may treat its bounds
//! either way (P1). Does not know the events of a window.

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};

use super::window_sizing::WindowSizing;
use crate::api::endpoint::PageRequest;
use crate::source::range::{MARGIN, TimeRange};

/// A part of a time range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Where it begins.
    pub(super) from: DateTime<Utc>,
    /// Where it ends, for estimates.
    pub(super) to: DateTime<Utc>,
    /// Whether it ends where the range does: its request then has the end of the range, or none.
    pub(super) last: bool,
}

/// What is the same for all windows of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct WindowQuery {
    /// How many events a page may hold.
    pub(super) page_size: u16,
    /// The end of the request for the whole range.
    pub(super) asked_until: Option<DateTime<Utc>>,
    /// The window of the whole range.
    pub(super) whole: Window,
    /// When windows are cut, and how small.
    pub(super) sizing: WindowSizing,
}

impl WindowQuery {
    /// The query for `range` at the moment `now`.
    ///
    /// Windows depend on the range alone, so that the same question has the same answer a minute later; where the
    /// range does not end in the past, they depend on the hour, so that no window begins in the future.
    pub(super) fn about(range: &TimeRange, now: DateTime<Utc>, page_size: u16, sizing: WindowSizing) -> Self {
        let hour = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now);
        let end = range.end().map_or(hour, |end| end.min(hour));
        let whole = Window { from: range.since, to: end.max(range.since), last: true };
        WindowQuery { page_size, asked_until: range.asked_until(now), whole, sizing }
    }

    /// The first request of a window; for the whole range exactly that of the cursor loop.
    pub(super) fn first(&self, window: &Window) -> PageRequest {
        PageRequest::First {
            limit: self.page_size,
            since: Some(before(window.from)),
            until: if window.last { self.asked_until } else { Some(after(window.to)) },
        }
    }
}

impl Window {
    /// The estimate of its events, if `events` of them came before `time`.
    pub(super) fn extrapolate(&self, events: u64, time: DateTime<Utc>) -> u64 {
        let seconds = |time: TimeDelta| u64::try_from(time.num_seconds()).unwrap_or(0);
        let (whole, past) = (seconds(self.to - self.from), seconds(time.min(self.to) - self.from));
        events.saturating_mul(whole.max(1)) / past.max(1)
    }

    /// The time after which no event should come, if the cursor keeps the window's end.
    pub(super) fn end(&self) -> Option<DateTime<Utc>> {
        (!self.last).then(|| after(self.to))
    }

    /// The time from which on the next window may return an event again.
    pub(super) fn shared_from(&self) -> Option<DateTime<Utc>> {
        (!self.last).then(|| before(self.to))
    }
}

/// A margin before a moment.
pub(super) fn before(time: DateTime<Utc>) -> DateTime<Utc> {
    time.checked_sub_signed(MARGIN).unwrap_or(time)
}

/// A margin after a moment.
pub(super) fn after(time: DateTime<Utc>) -> DateTime<Utc> {
    time.checked_add_signed(MARGIN).unwrap_or(time)
}

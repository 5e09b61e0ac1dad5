//! A window of a question's time, and what the service is asked for it.
//!
//! Asked a little wider than it is, on both sides, so that neighbours overlap and the service may treat its
//! bounds either way (P1). Knows nothing of what a window holds.

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};

use super::window_sizing::WindowSizing;
use crate::api::endpoint::PageRequest;
use crate::source::range::{MARGIN, TimeRange};

/// The part of a question from one moment to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Where it begins.
    pub(super) from: DateTime<Utc>,
    /// Where it ends, for all that is reckoned.
    pub(super) to: DateTime<Utc>,
    /// Whether it ends where the question does: it is then asked with the question's own end, or none.
    pub(super) last: bool,
}

/// What is the same for all windows of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct WindowQuery {
    /// How many events a page may hold.
    pub(super) page_size: u16,
    /// The end that the question is asked with.
    pub(super) asked_until: Option<DateTime<Utc>>,
    /// The window that is all of it.
    pub(super) whole: Window,
    /// When windows are cut, and how small.
    pub(super) sizing: WindowSizing,
}

impl WindowQuery {
    /// The question about `range` at the moment `now`.
    ///
    /// Windows are reckoned by the range alone, so that the same question has the same answer a minute
    /// later; and by the hour where the range does not end in the past, so that none begins in the future.
    pub(super) fn about(range: &TimeRange, now: DateTime<Utc>, page_size: u16, sizing: WindowSizing) -> Self {
        let hour = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now);
        let end = range.end().map_or(hour, |end| end.min(hour));
        let whole = Window { from: range.since, to: end.max(range.since), last: true };
        WindowQuery { page_size, asked_until: range.asked_until(now), whole, sizing }
    }

    /// The first question about a window; for the whole question, that of the serial loop to the letter.
    pub(super) fn first(&self, window: &Window) -> PageRequest {
        PageRequest::First {
            limit: self.page_size,
            since: Some(before(window.from)),
            until: if window.last { self.asked_until } else { Some(after(window.to)) },
        }
    }
}

impl Window {
    /// How many events it should hold in all, if so many came before `time`.
    pub(super) fn extrapolate(&self, events: u64, time: DateTime<Utc>) -> u64 {
        let seconds = |time: TimeDelta| u64::try_from(time.num_seconds()).unwrap_or(0);
        let (whole, past) = (seconds(self.to - self.from), seconds(time.min(self.to) - self.from));
        events.saturating_mul(whole.max(1)) / past.max(1)
    }

    /// The time beyond which no event should come, if the service keeps to the window.
    pub(super) fn end(&self) -> Option<DateTime<Utc>> {
        (!self.last).then(|| after(self.to))
    }

    /// The time from which on an event may be given again by the next window.
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

//! Which events belong to a time range, by their own timestamps.
//!
//! The service may filter by event time or by arrival and may treat its bounds either way (neither is
//! documented), so the request is a little wider than the range, and every event is checked here.

use chrono::{DateTime, TimeDelta, Utc};

use crate::event::Event;

/// How much wider than the range the request is, on both sides.
///
/// The odd nanosecond keeps the requested bound different from any likely timestamp, so that it does not matter
/// whether the service's bounds are inclusive.
pub(crate) const MARGIN: TimeDelta = TimeDelta::new(1, 1).expect("a second and a nanosecond");

/// A time range: `since` inclusive, `until` exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// The first moment of the range.
    pub since: DateTime<Utc>,
    /// The first moment after the range; `None` when none was given: then there is no end.
    pub until: Option<DateTime<Utc>>,
    /// How long after `until` events of the range may still have reached the service.
    pub late: TimeDelta,
}

impl TimeRange {
    /// Whether this event belongs to the range. One without a readable timestamp is never dropped (P1).
    pub fn holds(&self, event: &Event<'_>) -> bool {
        event.time.is_none_or(|time| time >= self.since && self.until.is_none_or(|until| time < until))
    }

    /// The start of the request.
    pub fn asked_since(&self) -> DateTime<Utc> {
        self.since.checked_sub_signed(MARGIN).unwrap_or(self.since)
    }

    /// The end of the request, if it has one.
    ///
    /// A service that filters by arrival returns late events of the range only for a request beyond the range's
    /// end, hence [`TimeRange::late`]. An end that is not in the past is left out.
    pub fn asked_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let end = self.end()?.checked_add_signed(MARGIN)?;
        (end < now).then_some(end)
    }

    /// The moment after which no event of the range arrives at the service; `None` without `until`.
    pub(crate) fn end(&self) -> Option<DateTime<Utc>> {
        self.until?.checked_add_signed(self.late)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Stream;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn event(time: Option<DateTime<Utc>>) -> Event<'static> {
        Event { stream: Stream::ItemUsages, raw: b"{}", uuid: None, time }
    }

    #[test]
    fn since_is_inclusive_until_exclusive_and_no_timestamp_is_kept() {
        let range = TimeRange { since: at(100), until: Some(at(200)), late: TimeDelta::zero() };
        let held: Vec<bool> = [Some(99), Some(100), Some(199), Some(200), None]
            .map(|t| range.holds(&event(t.map(at))))
            .to_vec();
        assert_eq!(held, [false, true, true, false, true]);
    }

    #[test]
    fn an_until_that_was_not_typed_cuts_nothing() {
        let range = TimeRange { since: at(100), until: None, late: TimeDelta::hours(1) };
        assert!(range.holds(&event(Some(at(i64::from(u32::MAX))))));
        assert_eq!(range.asked_until(at(1000)), None);
    }

    #[test]
    fn the_service_is_asked_wider_and_not_beyond_now() {
        let range = TimeRange { since: at(100), until: Some(at(200)), late: TimeDelta::seconds(50) };
        assert!(range.asked_since() < at(99));
        assert!(range.asked_until(at(1000)).is_some_and(|end| end > at(251)));
        assert_eq!(range.asked_until(at(220)), None);
    }
}

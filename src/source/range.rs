//! Which events a question is about, by their own timestamps.
//!
//! The service may filter by event time or by arrival and may treat its bounds either way (neither is
//! documented), so it is asked for a little more than the question, and every event is held against the
//! question here.

use chrono::{DateTime, TimeDelta, Utc};

use crate::event::Event;

/// How much wider than the question the service is asked, on both sides.
///
/// The odd nanosecond keeps the asked bound off any timestamp that a person or a clock would produce, so
/// that a service's choice between inclusive and exclusive cannot matter.
pub(crate) const MARGIN: TimeDelta = TimeDelta::new(1, 1).expect("a second and a nanosecond");

/// A question's range: `since` inclusive, `until` exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// The first moment that belongs to the question.
    pub since: DateTime<Utc>,
    /// The first moment that no longer does; `None` when none was typed, and then nothing is cut.
    pub until: Option<DateTime<Utc>>,
    /// How long after `until` events of the range may still have reached the service.
    pub late: TimeDelta,
}

impl TimeRange {
    /// Whether the question asks for this event. One without a readable timestamp is never dropped (P1).
    pub fn holds(&self, event: &Event<'_>) -> bool {
        event.time.is_none_or(|time| time >= self.since && self.until.is_none_or(|until| time < until))
    }

    /// The start to ask the service with.
    pub fn asked_since(&self) -> DateTime<Utc> {
        self.since.checked_sub_signed(MARGIN).unwrap_or(self.since)
    }

    /// The end to ask the service with; `None` asks without an end.
    ///
    /// A service that filters by arrival gives an event of the range that reached it late only when asked
    /// beyond the range's end, hence [`TimeRange::late`]. An end that is not in the past need not be asked.
    pub fn asked_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let end = self.end()?.checked_add_signed(MARGIN)?;
        (end < now).then_some(end)
    }

    /// The moment after which nothing of the range reaches the service any more; `None` without `until`.
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

//! Whether the service still has the events after a position, and where to restart if not (P11).
//!
//! Pure functions: requests and restarts happen elsewhere. A restart never begins at the current time.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::checkpoint::record::StreamPosition;
use crate::error::{Error, ErrorKind};
use crate::event::Stream;

/// The service's retention.
pub const RETENTION: TimeDelta = TimeDelta::days(120);
/// How far before the last delivered event a restart begins, to include late arrivals. Repeats are dropped.
pub const OVERLAP: TimeDelta = TimeDelta::hours(24);

/// A range of time in which events may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The stream.
    pub stream: Stream,
    /// The cause.
    pub cause: GapCause,
    /// When it begins: up to here everything was delivered.
    pub from: DateTime<Utc>,
    /// When it ends at the latest: from here on the service can still be asked.
    pub until: DateTime<Utc>,
}

/// Why events may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapCause {
    /// The position is older than the service's retention.
    TooOld,
    /// The service refuses the saved cursor.
    CursorRefused,
}

impl StreamPosition {
    /// Up to when everything was delivered: the last caught-up answer, or the newest delivered event where that
    /// is later, because the last answer was not caught up or the clock was behind.
    pub fn reached(&self) -> Option<DateTime<Utc>> {
        self.reached_by(DateTime::<Utc>::MAX_UTC)
    }

    /// The same, but never later than now: the clock may have been ahead when it was saved.
    fn reached_by(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let believed = |time: Option<DateTime<Utc>>| time.filter(|time| *time <= now);
        let reached = believed(self.caught_up_at).max(believed(self.newest)).or(believed(self.started_at));
        // The newest event counts only up to when it was received. Far ahead of that, the clock was behind.
        let last = believed(self.last_event.as_ref().and_then(|event| event.time));
        match (reached, last) {
            (Some(reached), Some(last)) if last - reached < OVERLAP => Some(reached),
            (reached, last) => last.or(reached),
        }
    }

    /// The time to restart from when the cursor cannot be used: the last delivered event's, minus [`OVERLAP`];
    /// never later than that event, whatever the clock says (P11).
    pub fn restart_from(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let last = self.last_event.as_ref().and_then(|event| event.time);
        // A client's clock may run ahead: never later than what is known to be complete.
        let from = match (last, self.reached_by(now)) {
            (Some(last), Some(reached)) => last.min(reached),
            (last, reached) => last.or(reached).unwrap_or(now - RETENTION),
        };
        // The service has nothing older than its retention.
        (from - OVERLAP).max(now - RETENTION).min(from)
    }
}

/// The gap that continuing from a position would leave because of its age, if any.
pub fn by_age(stream: Stream, position: &StreamPosition, now: DateTime<Utc>) -> Option<Gap> {
    let (from, until) = (position.reached_by(now)?, now - RETENTION);
    (from < until).then_some(Gap { stream, cause: GapCause::TooOld, from, until })
}

/// The gap that a refused cursor may cause.
pub fn by_refusal(stream: Stream, position: &StreamPosition, now: DateTime<Utc>) -> Gap {
    let from = position.reached_by(now).unwrap_or(now - RETENTION);
    Gap { stream, cause: GapCause::CursorRefused, from, until: position.restart_from(now).max(from) }
}

impl Gap {
    /// The failure of the run, unless gaps are accepted.
    pub fn failure(&self) -> Error {
        let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
        let message = match self.cause {
            GapCause::TooOld => format!(
                "the saved position is older than the {} days the service keeps: events from {} to {} are \
                 missing",
                RETENTION.num_days(),
                time(self.from),
                time(self.until)
            ),
            GapCause::CursorRefused => format!(
                "the service refuses the saved cursor: events after {} may be missing until it is asked anew",
                time(self.from)
            ),
        };
        Error::new(ErrorKind::Gap, message).on_stream(self.stream).hint(
            "add --accept-gap to go on from the last delivered event, with an overlap whose repeats are dropped",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::checkpoint::record::LastEvent;
    use super::*;

    fn day(n: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(n)
    }

    #[test]
    fn a_quiet_stream_never_looks_old() {
        let position = StreamPosition {
            caught_up: true,
            caught_up_at: Some(day(399)),
            newest: Some(day(10)),
            ..StreamPosition::default()
        };
        assert_eq!(by_age(Stream::AuditEvents, &position, day(400)), None);
    }

    #[test]
    fn an_old_position_names_the_missing_range() {
        let position = StreamPosition { newest: Some(day(100)), ..StreamPosition::default() };
        assert_eq!(by_age(Stream::AuditEvents, &position, day(220)), None);
        let gap = by_age(Stream::AuditEvents, &position, day(230)).unwrap();
        assert_eq!((gap.from, gap.until), (day(100), day(110)));
        let failure = gap.failure();
        assert_eq!(failure.kind(), ErrorKind::Gap);
        let text = failure.to_string();
        assert!(text.contains("1970-04-11T00:00:00Z to 1970-04-21T00:00:00Z"), "{text}");
    }

    #[test]
    fn caught_up_long_ago_and_pages_since_counts_from_the_newer() {
        let position = StreamPosition {
            caught_up_at: Some(day(50)),
            newest: Some(day(90)),
            ..StreamPosition::default()
        };
        assert_eq!(position.reached(), Some(day(90)));
    }

    #[test]
    fn a_time_that_a_wrong_clock_saved_is_not_believed() {
        let event = |n| Some(LastEvent { uuid: None, time: Some(day(n)) });
        // A run in the future: caught up at a time that has not come yet.
        let ahead = StreamPosition {
            caught_up: true,
            caught_up_at: Some(day(9_000)),
            newest: Some(day(300)),
            last_event: event(300),
            ..StreamPosition::default()
        };
        assert_eq!(by_age(Stream::AuditEvents, &ahead, day(310)), None);
        assert_eq!(ahead.restart_from(day(310)), day(299));
        assert_eq!(by_age(Stream::AuditEvents, &ahead, day(430)).unwrap().from, day(300));
        // A run whose clock began in 1970: so were all answers received.
        let behind = StreamPosition {
            caught_up: true,
            caught_up_at: Some(day(0)),
            newest: Some(day(0)),
            last_event: event(20_000),
            started_at: Some(day(0)),
            ..StreamPosition::default()
        };
        assert_eq!(by_age(Stream::AuditEvents, &behind, day(20_001)), None);
        assert_eq!(behind.restart_from(day(20_001)), day(19_999));
        // Nothing delivered, and a first start in the future.
        let started = StreamPosition { started_at: Some(day(9_000)), ..StreamPosition::default() };
        assert_eq!(started.restart_from(day(310)), day(190));
        // Before 1970.
        assert_eq!(by_age(Stream::AuditEvents, &behind, day(-3)), None);
        assert_eq!(behind.restart_from(day(-3)), day(19_999));
    }

    #[test]
    fn a_restart_begins_before_the_last_event_and_never_now() {
        let event = |n| Some(LastEvent { uuid: None, time: Some(day(n)) });
        let usual =
            StreamPosition { last_event: event(300), newest: Some(day(300)), ..StreamPosition::default() };
        assert_eq!(usual.restart_from(day(310)), day(299));
        let ahead =
            StreamPosition { last_event: event(999), newest: Some(day(300)), ..StreamPosition::default() };
        assert_eq!(ahead.restart_from(day(310)), day(299));
        assert_eq!(usual.restart_from(day(500)), day(300), "never later than the last event");
        assert_eq!(StreamPosition::default().restart_from(day(310)), day(190));
    }
}

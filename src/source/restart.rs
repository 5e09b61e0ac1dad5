//! A refused cursor where no position is saved: the stream restarts from a time.
//!
//! Nothing is promised across such runs, so no gap must be accepted first. Repeats are dropped by the caller.
//! Sends no request; saved positions are handled elsewhere.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::error::{Error, Result};
use crate::page::Page;

/// How far before the last event to restart: other events of that time may still arrive.
const OVERLAP: TimeDelta = TimeDelta::hours(3);

/// Where a stream restarts when its cursor is refused.
#[derive(Debug, Default)]
pub(super) struct Restart {
    /// The time of the last event.
    last: Option<DateTime<Utc>>,
    /// Since when every cursor has been refused.
    refused_since: Option<Duration>,
    is_told: bool,
}

/// A decision after a refusal.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Again {
    /// The time to restart from; none for the stream's start.
    pub since: Option<DateTime<Utc>>,
    /// Whether to wait first: after repeated refusals.
    pub is_hasty: bool,
}

impl Restart {
    /// Records an answer.
    pub(super) fn answered(&mut self, page: &Page, by_cursor: bool) {
        if by_cursor {
            self.refused_since = None;
        }
        // A client's clock may run ahead: its stamp could skip what comes after.
        let times = page.events().filter_map(|event| event.time);
        self.last = times.map(|time| time.min(page.received_at)).max().max(self.last);
    }

    /// Decides how to continue after a refusal at `now` (monotonic), and logs it the first time.
    ///
    /// # Errors
    /// Fails with the refusal when every cursor has been refused for longer than `patience`.
    pub(super) fn refused(
        &mut self,
        refusal: Error,
        began: Option<DateTime<Utc>>,
        now: Duration,
        patience: Duration,
    ) -> Result<Again> {
        let is_hasty = self.refused_since.is_some();
        let since = *self.refused_since.get_or_insert(now);
        if is_hasty && now.saturating_sub(since) >= patience {
            return Err(refusal);
        }
        let from = self.last.map(|last| last - OVERLAP).max(began);
        let place = from.map_or("the start".into(), |time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string());
        let text = format!("{refusal}; nothing is saved, so going on from {place} without repeats");
        if std::mem::replace(&mut self.is_told, true) {
            log::info!("{text}")
        } else {
            log::warn!("{text}")
        }
        Ok(Again { since: from, is_hasty })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::event::Stream;
    use crate::page::{Next, Span};

    fn page(hours: &[i64]) -> Page {
        let time = |hour: &i64| DateTime::UNIX_EPOCH + TimeDelta::hours(*hour);
        let span = |hour: &i64| Span { raw: 0..0, uuid: None, time: Some(time(hour)) };
        Page {
            stream: Stream::AuditEvents,
            body: Vec::new(),
            spans: hours.iter().map(span).collect(),
            next: Next::CaughtUp(None),
            received_at: time(&50),
            has_lines: false,
            origins: Vec::new(),
        }
    }

    fn refuse(restart: &mut Restart, seconds: u64) -> Result<Again> {
        let refusal = Error::new(ErrorKind::BadRequest, "refused");
        let began = Some(DateTime::UNIX_EPOCH);
        restart.refused(refusal, began, Duration::from_secs(seconds), Duration::from_secs(100))
    }

    #[test]
    fn it_goes_on_from_before_the_last_event_and_never_from_the_future() {
        let hour = |hour| Some(DateTime::UNIX_EPOCH + TimeDelta::hours(hour));
        let mut restart = Restart::default();
        assert_eq!(refuse(&mut restart, 0).unwrap().since, hour(0));
        for (hours, from) in [(&[1, 2][..], 0), (&[20, 4], 17), (&[], 17), (&[80], 47)] {
            restart.answered(&page(hours), true);
            assert_eq!(refuse(&mut restart, 0).unwrap(), Again { since: hour(from), is_hasty: false });
        }
    }

    #[test]
    fn who_refuses_every_cursor_is_asked_slowly_and_not_for_ever() {
        let mut restart = Restart::default();
        assert!(!refuse(&mut restart, 5).unwrap().is_hasty);
        restart.answered(&page(&[1]), false);
        assert!(refuse(&mut restart, 104).unwrap().is_hasty);
        assert_eq!(refuse(&mut restart, 105).unwrap_err().kind(), ErrorKind::BadRequest);
        restart.answered(&page(&[]), true);
        assert!(!refuse(&mut restart, 300).unwrap().is_hasty);
    }
}

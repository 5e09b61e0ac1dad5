//! Whether this machine's clock agrees with the service's, by the `Date` of its answers.
//!
//! Ranges, positions and gaps are reckoned with this clock: one that is wrong by days would leave events out,
//! or tell of a gap that there is none of (P11). Only compares; sets nothing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::http::HttpResponse;
use super::retry::http_date;
use crate::error::{Error, ErrorKind, Result};
use crate::time::duration;

/// The difference that is warned of.
const NOTABLE: TimeDelta = TimeDelta::minutes(5);

/// The difference that ends the run.
const MUCH: TimeDelta = TimeDelta::days(1);

/// Compares an account's answers with the clock, and warns once.
#[derive(Debug)]
pub(super) struct ClockCheck {
    trusts: bool,
    is_told: AtomicBool,
}

impl ClockCheck {
    /// A check that only warns where the clock is to be trusted.
    pub(super) fn new(trusts: bool) -> Self {
        ClockCheck { trusts, is_told: AtomicBool::new(false) }
    }

    /// Compares an answer that was received at `now`.
    ///
    /// # Errors
    /// `Config` for a difference of more than a day, unless the clock is trusted.
    pub(super) fn check(&self, answer: &HttpResponse, now: DateTime<Utc>) -> Result<()> {
        // With an age, it comes from a cache, and so does its date.
        if answer.header("age").is_some() {
            return Ok(());
        }
        answer.header("date").and_then(http_date).map_or(Ok(()), |date| self.compare(date, now))
    }

    fn compare(&self, service: DateTime<Utc>, now: DateTime<Utc>) -> Result<()> {
        let difference = now - service;
        if difference.abs() <= NOTABLE {
            return Ok(());
        }
        let whole = Duration::from_secs(difference.num_seconds().unsigned_abs());
        let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
        let message = format!(
            "this machine's clock is {} {} the service's: {} here, {} there",
            duration::show(whole),
            if difference > TimeDelta::zero() { "ahead of" } else { "behind" },
            time(now),
            time(service)
        );
        if difference.abs() > MUCH && !self.trusts {
            return Err(Error::new(ErrorKind::Config, message)
                .hint("set the clock, or add --trust-clock if the service's is the wrong one"));
        }
        if !self.is_told.swap(true, Ordering::Relaxed) {
            log::warn!("{message}");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_warned_of_and_days_end_the_run_unless_the_clock_is_trusted() {
        let now = DateTime::from_timestamp(1_763_700_000, 0).unwrap();
        let compare = |seconds, trusts| {
            let check = ClockCheck::new(trusts);
            let outcome = check.compare(now - TimeDelta::seconds(seconds), now);
            (outcome.err().map(|failure| failure.to_string()), check.is_told.into_inner())
        };
        for sign in [1, -1] {
            assert_eq!(compare(300 * sign, false), (None, false));
            assert_eq!(compare(301 * sign, false), (None, true));
            assert_eq!(compare(86_400 * sign, false), (None, true));
            assert!(compare(86_401 * sign, false).0.is_some());
            assert_eq!(compare(8_640_000 * sign, true), (None, true));
        }
        let failure = compare(-2 * 86_400, false).0.unwrap();
        assert!(failure.contains("clock is 2d behind the service's: 2025-11-21T04:40:00Z here"), "{failure}");
    }
}

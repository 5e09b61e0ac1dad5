//! The current time, and sleeping that can be cancelled: a real clock and a manual one.
//!
//! The only module that reads the time or sleeps. Everything that waits takes a [`Clock`], so that tests can
//! simulate months without waiting.

#![expect(clippy::disallowed_methods, reason = "only this module may call them")]

use std::fmt;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use crate::cancel::Cancel;
use crate::error::Result;

/// A source of time.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The time of the wall clock; it may jump.
    fn now(&self) -> DateTime<Utc>;

    /// Monotonic time since a fixed moment.
    fn elapsed(&self) -> Duration;

    /// Sleeps for `duration`, or until cancelled.
    ///
    /// # Errors
    /// Fails with `Interrupted` when cancelled.
    fn sleep(&self, duration: Duration, cancel: &Cancel) -> Result<()>;
}

/// The machine's clock.
#[derive(Debug)]
pub struct RealClock {
    start: Instant,
}

impl RealClock {
    /// A clock whose [`Clock::elapsed`] counts from now.
    pub fn new() -> Self {
        RealClock { start: Instant::now() }
    }
}

impl Default for RealClock {
    fn default() -> Self {
        RealClock::new()
    }
}

impl Clock for RealClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, duration: Duration, cancel: &Cancel) -> Result<()> {
        cancel.wait(duration);
        cancel.check()
    }
}

/// A clock for tests: it stands still until it is moved. Sleeping moves it and returns at once.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<(Mutex<ManualTime>, Condvar)>);

#[derive(Debug)]
struct ManualTime {
    now: DateTime<Utc>,
    elapsed: Duration,
}

impl ManualClock {
    /// A clock standing at `now`.
    pub fn at(now: DateTime<Utc>) -> Self {
        ManualClock(Arc::new((Mutex::new(ManualTime { now, elapsed: Duration::ZERO }), Condvar::new())))
    }

    /// Moves both times forward.
    pub fn advance(&self, by: Duration) {
        self.with(|time| {
            time.now += TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX);
            time.elapsed += by;
        });
    }

    /// Sets the wall clock alone, as an administrator or NTP would.
    pub fn step_to(&self, now: DateTime<Utc>) {
        self.with(|time| time.now = now);
    }

    fn with<T>(&self, change: impl FnOnce(&mut ManualTime) -> T) -> T {
        let mut time = self.0.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let result = change(&mut time);
        self.0.1.notify_all();
        result
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        self.with(|time| time.now)
    }

    fn elapsed(&self) -> Duration {
        self.with(|time| time.elapsed)
    }

    fn sleep(&self, duration: Duration, cancel: &Cancel) -> Result<()> {
        cancel.check()?;
        self.advance(duration);
        cancel.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleeping_on_a_manual_clock_takes_no_time() {
        let clock = ManualClock::at(DateTime::UNIX_EPOCH);
        clock.sleep(Duration::from_secs(86_400), &Cancel::new()).unwrap();
        assert_eq!(clock.now(), DateTime::UNIX_EPOCH + TimeDelta::days(1));
        assert_eq!(clock.elapsed(), Duration::from_secs(86_400));
    }

    #[test]
    fn a_cancelled_sleep_fails() {
        let cancel = Cancel::new();
        cancel.trigger(15);
        assert!(RealClock::new().sleep(Duration::from_secs(60), &cancel).is_err());
    }
}

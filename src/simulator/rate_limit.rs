//! Sliding windows over requests: the highest count in any minute and hour, and the limit that is enforced.
//!
//! A window of length L holds the requests at t - L < s <= t. Times come from the clock's steady side.

use std::collections::VecDeque;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Requests allowed in any 60 s and any 3,600 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// In any minute.
    pub per_minute: usize,
    /// In any hour.
    pub per_hour: usize,
}

impl RateLimit {
    /// What 1Password documents.
    pub const DOCUMENTED: RateLimit = RateLimit { per_minute: 600, per_hour: 30_000 };
}

/// A record of when requests came, as far back as an hour.
#[derive(Debug, Default)]
pub(super) struct RequestHistory {
    times: VecDeque<Duration>,
}

impl RequestHistory {
    /// More than any limit: the record's memory is bounded, and beyond this it only says "at least".
    const MOST: usize = 100_000;

    /// Notes a request.
    pub(super) fn note(&mut self, at: Duration) {
        while self.times.front().is_some_and(|time| *time + HOUR <= at) || self.times.len() >= Self::MOST {
            self.times.pop_front();
        }
        self.times.push_back(at);
    }

    /// How many came in the minute and in the hour that end at `at`.
    pub(super) fn counts(&self, at: Duration) -> (usize, usize) {
        (self.within(MINUTE, at), self.within(HOUR, at))
    }

    fn within(&self, length: Duration, at: Duration) -> usize {
        self.times.len() - self.times.partition_point(|time| *time + length <= at)
    }

    /// When a window that holds `limit` requests has room again.
    fn room_at(&self, length: Duration, limit: usize) -> Option<Duration> {
        let oldest = self.times.len().checked_sub(limit)?;
        self.times.get(oldest).map(|time| *time + length)
    }
}

/// What is left of a limit, for the `RateLimit-*` headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SpentQuota {
    pub(super) limit: usize,
    pub(super) remaining: usize,
    /// Seconds until there is room, rounded up; 0 if there is some now.
    pub(super) reset: u64,
}

/// Enforces a rate limit.
#[derive(Debug)]
pub(super) struct RateEnforcer {
    limit: RateLimit,
    passed: RequestHistory,
}

impl RateEnforcer {
    pub(super) fn new(limit: RateLimit) -> Self {
        RateEnforcer { limit, passed: RequestHistory::default() }
    }

    /// Lets a request pass, or says when to come back. A refused request uses up nothing.
    pub(super) fn pass(&mut self, at: Duration) -> Result<(), SpentQuota> {
        let (minute, hour) = self.passed.counts(at);
        let full = [
            (minute >= self.limit.per_minute, MINUTE, self.limit.per_minute),
            (hour >= self.limit.per_hour, HOUR, self.limit.per_hour),
        ];
        let wait = full.iter().filter(|(full, ..)| *full).map(|(_, length, limit)| {
            let room = self.passed.room_at(*length, *limit).unwrap_or(at + *length);
            (room.saturating_sub(at), *limit)
        });
        match wait.max() {
            Some((wait, limit)) => {
                let reset = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                Err(SpentQuota { limit, remaining: 0, reset: reset.max(1) })
            }
            None => {
                self.passed.note(at);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn windows_slide() {
        let mut record = RequestHistory::default();
        for time in [0, 30_000, 59_999] {
            record.note(at(time));
        }
        assert_eq!(record.counts(at(59_999)), (3, 3));
        assert_eq!(record.counts(at(60_000)), (2, 3));
        assert_eq!(record.counts(at(3_600_000)), (0, 2));
    }

    #[test]
    fn the_gate_says_when_to_come_back() {
        let mut gate = RateEnforcer::new(RateLimit { per_minute: 2, per_hour: 3 });
        assert_eq!(gate.pass(at(0)), Ok(()));
        assert_eq!(gate.pass(at(10_500)), Ok(()));
        assert_eq!(gate.pass(at(20_000)), Err(SpentQuota { limit: 2, remaining: 0, reset: 40 }));
        assert_eq!(gate.pass(at(60_000)), Ok(()));
        assert_eq!(gate.pass(at(80_000)), Err(SpentQuota { limit: 3, remaining: 0, reset: 3520 }));
        assert_eq!(gate.pass(at(3_600_000)), Ok(()));
    }
}

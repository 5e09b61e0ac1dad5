//! The time range that is looked at, and the one before it that it is compared with.

use chrono::{DateTime, TimeDelta, Utc};

/// A time range: `since` inclusive, `until` exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first moment.
    pub since: DateTime<Utc>,
    /// The first moment after it; none where none was given: then it has no end.
    pub until: Option<DateTime<Utc>>,
    /// How much earlier the range begins and ends that it is compared with, and where that one ends when this one
    /// has no end; none where nothing is compared.
    pub before: Option<(TimeDelta, DateTime<Utc>)>,
}

impl Period {
    /// Whether a moment lies in the range, and whether it lies in the one before.
    pub(super) fn has(&self, time: Option<DateTime<Utc>>) -> (bool, bool) {
        // An event without a time belongs to the range, as everywhere.
        let Some(time) = time else { return (true, false) };
        let is_now = time >= self.since && self.until.is_none_or(|until| time < until);
        let is_before = self.before.is_some_and(|(shift, end)| {
            let begins = self.since.checked_sub_signed(shift).unwrap_or(DateTime::<Utc>::MIN_UTC);
            let ends = self.until.unwrap_or(end).checked_sub_signed(shift);
            time >= begins && ends.is_some_and(|ends| time < ends)
        });
        (is_now, is_before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_in_the_range_or_in_the_one_before_or_in_both() {
        let at = |hours: i64| DateTime::from_timestamp(hours * 3600, 0).unwrap();
        let before = Some((TimeDelta::hours(10), at(24)));
        let period = Period { since: at(10), until: Some(at(24)), before };
        let found = [-1, 0, 9, 10, 13, 14, 23, 24].map(|hours| period.has(Some(at(hours))));
        let (no, now, before, both) = ((false, false), (true, false), (false, true), (true, true));
        assert_eq!(found, [no, before, before, both, both, now, now, no]);
        assert_eq!(period.has(None), now);
        assert_eq!(Period { until: None, ..period }.has(Some(at(30))), now);
    }
}

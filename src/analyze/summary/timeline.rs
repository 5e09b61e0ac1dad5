//! How many events there were when.

use std::collections::BTreeMap;

use chrono::DateTime;

use crate::time::Zone;

/// An hour, in microseconds.
const HOUR: i64 = 3_600_000_000;

/// How many hours are told apart (P9): more than a hundred years.
const MOST_HOURS: usize = 1_000_000;

/// How long a range is told by the hour, in hours.
const BY_THE_HOUR: i64 = 72;

/// How many steps a timeline has at most.
const MOST_STEPS: i64 = 400;

/// Events by hour and lane.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    hours: BTreeMap<i64, [u64; 4]>,
    /// The hour of the last event, not yet in `hours`: events come mostly in order of time.
    last: Option<(i64, [u64; 4])>,
}

/// A timeline in steps of one length.
#[derive(Debug)]
pub(super) struct TimelineSteps {
    /// How many hours a step has.
    pub(super) hours: i64,
    /// The beginning of each, in microseconds since 1970, with its events by lane.
    pub(super) steps: Vec<(i64, [u64; 4])>,
}

impl Timeline {
    /// Adds an event at a time in microseconds since 1970.
    pub(super) fn add(&mut self, time: i64, lane: usize) {
        let hour = time.div_euclid(HOUR);
        match &mut self.last {
            Some((last, lanes)) if *last == hour => lanes[lane] += 1,
            last => {
                let mut lanes = [0; 4];
                lanes[lane] = 1;
                if let Some((hour, lanes)) = last.replace((hour, lanes)) {
                    self.put(hour, &lanes);
                }
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Timeline) {
        for (hour, lanes) in other.hours.iter().chain(other.last.as_ref().map(|(hour, lanes)| (hour, lanes)))
        {
            self.put(*hour, lanes);
        }
    }

    fn put(&mut self, hour: i64, lanes: &[u64; 4]) {
        if self.hours.len() >= MOST_HOURS && !self.hours.contains_key(&hour) {
            return;
        }
        let known = self.hours.entry(hour).or_default();
        for (known, more) in known.iter_mut().zip(lanes) {
            *known += more;
        }
    }

    /// The steps from the first event to the last: hours, or days of the zone, or several days.
    pub(super) fn steps(&self, zone: &Zone) -> TimelineSteps {
        let mut hours = Timeline::default();
        hours.merge(self);
        let hours = hours.hours;
        let (Some((first, _)), Some((last, _))) = (hours.first_key_value(), hours.last_key_value()) else {
            return TimelineSteps { hours: 1, steps: Vec::new() };
        };
        let span = last - first + 1;
        let length = if span <= BY_THE_HOUR { 1 } else { 24 * ((span / 24 + 2).div_euclid(MOST_STEPS) + 1) };
        // Days begin at midnight of the zone, as it was at the first event.
        let offset = if length == 1 { 0 } else { offset_hours(zone, *first) };
        let start = (first + offset).div_euclid(length) * length - offset;
        let count = (last - start) / length + 1;
        let mut steps: Vec<_> = (0..count).map(|step| ((start + step * length) * HOUR, [0; 4])).collect();
        for (hour, lanes) in &hours {
            let step = &mut steps[((hour - start) / length) as usize].1;
            for (known, more) in step.iter_mut().zip(lanes) {
                *known += more;
            }
        }
        TimelineSteps { hours: length, steps }
    }
}

/// By how many whole hours the zone's clock is ahead of UTC in an hour since 1970.
fn offset_hours(zone: &Zone, hour: i64) -> i64 {
    DateTime::from_timestamp(hour.saturating_mul(3600), 0)
        .map_or(0, |moment| (zone.wall_clock(moment) - moment.naive_utc()).num_minutes().div_euclid(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_hours_then_days_of_the_zone_and_never_too_many() {
        let mut timeline = Timeline::default();
        for hour in [0, 5, 5, 3] {
            timeline.add(hour * HOUR + 7, 1);
        }
        let steps = timeline.steps(&Zone::Utc);
        assert_eq!((steps.hours, steps.steps.len(), steps.steps[5].1[1]), (1, 6, 2));
        timeline.add(100 * HOUR, 0);
        let steps = timeline.steps(&Zone::Utc);
        assert_eq!((steps.hours, steps.steps.len()), (24, 5));
        let steps = timeline.steps(&"Asia/Tokyo".parse().unwrap());
        assert_eq!(steps.steps[0].0, -9 * HOUR);
        timeline.add(50_000 * 24 * HOUR, 0);
        let steps = timeline.steps(&Zone::Utc);
        assert!(steps.steps.len() <= 400, "{}", steps.steps.len());
        assert_eq!(steps.steps.iter().flat_map(|(_, lanes)| lanes).sum::<u64>(), 6);
    }
}

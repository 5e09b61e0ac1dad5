//! When events arrive: a week's rhythm, repeated for ever, in which every event has a number.
//!
//! The numbers run in arrival order from the first Monday of 1970, so that "event 1,234,567 of the stream"
//! means the same in every process at every time, and a cursor can be nothing but a number. Both
//! directions (number to time, time to number) cost a binary search; nothing is stored per event.

use super::random::SeededRandom;

/// Nanoseconds in a second.
pub(super) const SECOND: i64 = 1_000_000_000;
/// Nanoseconds in a minute.
pub(super) const MINUTE: i64 = 60 * SECOND;
/// Nanoseconds in an hour.
pub(super) const HOUR: i64 = 60 * MINUTE;
/// Nanoseconds in a day.
pub(super) const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;
/// 1970-01-05, a Monday, in nanoseconds since the epoch.
const FIRST_MONDAY: i64 = 4 * DAY;

/// How many events each hour has at least, whatever the hour, where there are enough: background apps and
/// service accounts do not sleep. Even a small company on a Saturday night so has something in the last hour.
const LEAST_AN_HOUR: u64 = 4;

/// How many incidents a week has. One begins every 21 hours and is over within three: any 24 hours hold
/// at least one whole, and it wanders around the clock.
const INCIDENTS_A_WEEK: i64 = 8;

/// A part of the incident that there is always to be found. [`super::incidents`] tells who does what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IncidentScene {
    /// One wrong password after another, for many users, from a few addresses.
    Spray,
    /// Sign-ins refused by a firewall rule on the country.
    Blocked,
    /// One person's password is guessed from abroad, and then is right.
    Takeover,
    /// The contractor signs in.
    ContractorSignIn,
    /// The account's single sign-on is reconfigured.
    SsoChange,
    /// The contractor becomes a member of a group, then its manager, and may use a vault.
    RoleGiven,
    /// An administrator gives themself access to a vault.
    SelfGrant,
    /// That administrator reveals items of it.
    SelfReveal,
    /// A contractor exports a vault, item by item.
    Export,
    /// The same export as an audit event.
    VaultExport,
    /// That contractor is suspended.
    Suspension,
}

impl IncidentScene {
    /// Begin and length within the incident, and how many events there are when the stream has room.
    fn plan(self) -> (i64, i64, u64) {
        match self {
            IncidentScene::Spray => (10 * MINUTE, 12 * MINUTE, 36),
            IncidentScene::Takeover => (24 * MINUTE, 5 * MINUTE, 7),
            IncidentScene::SsoChange => (30 * MINUTE, 90 * SECOND, 2),
            IncidentScene::Blocked => (45 * MINUTE, 20 * MINUTE, 4),
            IncidentScene::RoleGiven => (46 * MINUTE, 6 * MINUTE, 3),
            IncidentScene::ContractorSignIn => (68 * MINUTE, MINUTE, 1),
            IncidentScene::Export => (75 * MINUTE, 20 * SECOND, 30),
            IncidentScene::VaultExport => (76 * MINUTE, 20 * SECOND, 1),
            IncidentScene::SelfGrant => (82 * MINUTE, MINUTE, 1),
            IncidentScene::SelfReveal => (86 * MINUTE, 5 * MINUTE, 3),
            IncidentScene::Suspension => (95 * MINUTE, 4 * MINUTE, 4),
        }
    }
}

/// An event's place in an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IncidentPart {
    /// Which scene it belongs to.
    pub(super) scene: IncidentScene,
    /// The incident's number, counted from the first Monday of 1970.
    pub(super) incident: u64,
    /// The event's place within the scene, from 0.
    pub(super) index: u64,
    /// How many events the scene has.
    pub(super) of: u64,
}

/// When an event arrives, and what it takes part in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EventSlot {
    /// Arrival, in nanoseconds since the epoch.
    pub(super) arrival: i64,
    /// Its part in an incident; most events have none.
    pub(super) part: Option<IncidentPart>,
}

/// A stretch of the week in which events arrive evenly.
#[derive(Clone, Copy, Debug)]
struct Bin {
    start: i64,
    length: i64,
    /// Events of the week before this bin.
    first: u64,
    count: u64,
    /// How many of `count` belong to the scene.
    staged: u64,
    scene: Option<(IncidentScene, u64)>,
}

/// New events at a steady rate from some moment on, in place of the week's rhythm.
#[derive(Clone, Copy, Debug)]
struct Live {
    from: i64,
    first: u64,
    interval: u64,
}

/// The arrivals of one stream.
#[derive(Clone, Debug)]
pub(super) struct EventSchedule {
    seed: u64,
    bins: Vec<Bin>,
    per_week: u64,
    live: Option<Live>,
}

impl EventSchedule {
    /// A rhythm in which any `days` days hold at least `wanted` events, and hardly more.
    ///
    /// `activity` weighs each hour of a week that begins on Monday, UTC.
    pub(super) fn new(
        seed: u64,
        scenes: &[IncidentScene],
        activity: impl Fn(u64) -> u64,
        wanted: u64,
        days: u32,
    ) -> Self {
        let hours: Vec<u64> = (0..168).map(|hour| activity(hour).max(1)).collect();
        let days = u64::from(days.max(1));
        let mut per_week = (wanted * 7).div_ceil(days);
        loop {
            let rhythm = EventSchedule { seed, bins: bins(scenes, &hours, per_week), per_week, live: None };
            if wanted == 0 {
                return rhythm;
            }
            let least = rhythm.least_in(days as i64 * DAY);
            // Two to spare: the ends of a range cut a bin at any point, and each end may cost one.
            if least >= wanted + 2 {
                return rhythm;
            }
            per_week += ((wanted + 2 - least) * 7).div_ceil(days);
        }
    }

    /// The same rhythm until `from`, then `per_second` events a second.
    pub(super) fn with_live(mut self, from: i64, per_second: f64) -> Self {
        let interval = (SECOND as f64 / per_second).max(1.0) as u64;
        self.live = Some(Live { from, first: self.count_before(from), interval });
        self
    }

    /// How many events have arrived before `time`, counted from the first Monday of 1970.
    pub(super) fn count_before(&self, time: i64) -> u64 {
        if let Some(live) = self.live.filter(|live| time > live.from) {
            let within = (time - live.from) as u64;
            let even = live.first + within / live.interval;
            return even + u64::from(self.slot(even).arrival < time);
        }
        if time <= FIRST_MONDAY || self.per_week == 0 {
            return 0;
        }
        let week = (time - FIRST_MONDAY) / WEEK;
        let offset = (time - FIRST_MONDAY) % WEEK;
        let bin = &self.bins[self.bins.partition_point(|bin| bin.start <= offset) - 1];
        let even = (i128::from(offset - bin.start) * i128::from(bin.count) / i128::from(bin.length)) as u64;
        let number = week as u64 * self.per_week + bin.first + even;
        // All before `even` are in, all after it are out; its own jitter decides for itself.
        number + u64::from(even < bin.count && self.slot(number).arrival < time)
    }

    /// When the event with this number arrives. Numbers in order give times in order.
    pub(super) fn slot(&self, number: u64) -> EventSlot {
        if let Some(live) = self.live.filter(|live| number >= live.first) {
            let start = live.from + ((number - live.first) * live.interval) as i64;
            return EventSlot { arrival: start + self.jitter(number, live.interval), part: None };
        }
        if self.per_week == 0 {
            return EventSlot { arrival: i64::MAX, part: None };
        }
        let (week, rest) = (number / self.per_week, number % self.per_week);
        let bin = &self.bins[self.bins.partition_point(|bin| bin.first <= rest) - 1];
        let place = rest - bin.first;
        let jitter = self.jitter(number, bin.length as u64);
        let within =
            (i128::from(place) * i128::from(bin.length) + i128::from(jitter)) / i128::from(bin.count);
        let arrival = FIRST_MONDAY + week as i64 * WEEK + bin.start + within as i64;
        let part = bin.scene.and_then(|(scene, incident)| {
            // The scene's events lie evenly among the others of the bin.
            let index = place * bin.staged / bin.count;
            ((place + 1) * bin.staged / bin.count != index).then_some(IncidentPart {
                scene,
                incident: week * INCIDENTS_A_WEEK as u64 + incident,
                index,
                of: bin.staged,
            })
        });
        EventSlot { arrival, part }
    }

    fn jitter(&self, number: u64, below: u64) -> i64 {
        SeededRandom::new(&[self.seed, 0x6a, number]).below(below) as i64
    }

    /// The fewest events that any stretch of `length` holds. Between edges the count is linear, so the
    /// least stretch begins or ends on an edge.
    fn least_in(&self, length: i64) -> u64 {
        let whole = (length / WEEK) as u64 * self.per_week;
        let rest = length % WEEK;
        let before = |offset: i64| {
            let (week, offset) = (offset.div_euclid(WEEK), offset.rem_euclid(WEEK));
            let bin = &self.bins[self.bins.partition_point(|bin| bin.start <= offset) - 1];
            let part = i128::from(offset - bin.start) * i128::from(bin.count) / i128::from(bin.length);
            i128::from(week) * i128::from(self.per_week) + i128::from(bin.first) + part
        };
        let starts = self.bins.iter().flat_map(|bin| [bin.start, bin.start - rest]);
        let least = starts.map(|start| before(start + rest) - before(start)).min().unwrap_or(0);
        whole + least.max(0) as u64
    }
}

/// The week cut at every full hour and at the scenes' ends, with `per_week` events dealt out.
fn bins(scenes: &[IncidentScene], hours: &[u64], per_week: u64) -> Vec<Bin> {
    let mut staged: Vec<(i64, i64, IncidentScene, u64, u64)> = Vec::new();
    for incident in 0..INCIDENTS_A_WEEK {
        // A small company has small incidents: never more than half of all events.
        let mut left = per_week / (2 * INCIDENTS_A_WEEK as u64);
        for scene in scenes {
            let (begin, length, events) = scene.plan();
            let start = incident * (WEEK / INCIDENTS_A_WEEK) + HOUR + begin;
            let events = events.min(left);
            left -= events;
            staged.push((start, start + length, *scene, incident as u64, events));
        }
    }
    let mut edges: Vec<i64> = (0..=168).map(|hour| hour * HOUR).collect();
    edges.extend(staged.iter().flat_map(|(start, end, ..)| [*start, *end]));
    edges.sort_unstable();
    edges.dedup();

    let weight = |from: i64, to: i64| u128::from(hours[(from / HOUR) as usize]) * (to - from) as u128;
    let total: u128 = edges.windows(2).map(|edge| weight(edge[0], edge[1])).sum();
    let background = per_week - staged.iter().map(|(.., events)| events).sum::<u64>();
    let steady = (background / 250).min(LEAST_AN_HOUR) * 168;
    let (mut passed, mut dealt, mut first) = (0, 0, 0);
    let mut bins = Vec::with_capacity(edges.len());
    for edge in edges.windows(2) {
        let (start, end) = (edge[0], edge[1]);
        passed += weight(start, end);
        // Rounding the running sum, not the share, keeps the week's total exact.
        let by_activity = u128::from(background - steady) * passed / total;
        let by_time = u128::from(steady) * end as u128 / WEEK as u128;
        let due = (by_activity + by_time) as u64;
        let on_stage = staged.iter().find(|(from, to, ..)| *from <= start && end <= *to);
        // A scene that is cut by a full hour is played in its first bin.
        let scene = on_stage.filter(|(from, ..)| *from == start);
        let staged = scene.map_or(0, |(.., events)| *events);
        let count = due - dealt + staged;
        let scene = scene.map(|(_, _, scene, incident, _)| (*scene, *incident));
        bins.push(Bin { start, length: end - start, first, count, staged, scene });
        dealt = due;
        first += count;
    }
    bins
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_000_000 * SECOND;

    fn office(hour: u64) -> u64 {
        if hour / 24 < 5 && (8..18).contains(&(hour % 24)) { 100 } else { 12 }
    }

    fn rhythm(wanted: u64, days: u32) -> EventSchedule {
        EventSchedule::new(7, &[IncidentScene::Spray, IncidentScene::Blocked], office, wanted, days)
    }

    #[test]
    fn numbers_and_times_are_inverse_and_in_order() {
        let rhythm = rhythm(20_000, 30);
        let now = rhythm.count_before(NOW);
        let mut last = i64::MIN;
        for number in now - 5_000..now {
            let arrival = rhythm.slot(number).arrival;
            assert!(arrival >= last && arrival < NOW);
            assert!(rhythm.count_before(arrival) <= number);
            assert!(rhythm.count_before(arrival + 1) > number);
            last = arrival;
        }
        assert!(rhythm.slot(now).arrival >= NOW);
    }

    #[test]
    fn any_stretch_of_the_asked_length_holds_enough_and_hardly_more() {
        for (wanted, days) in [(1, 1), (50, 3), (12_000, 30), (700, 7), (3_000_000, 30)] {
            let rhythm = rhythm(wanted, days);
            for shift in 0..200 {
                let end = NOW + shift * 61 * MINUTE;
                let start = end - i64::from(days) * DAY;
                let held = rhythm.count_before(end) - rhythm.count_before(start);
                assert!(held >= wanted, "{wanted} in {days} d: {held}");
                if days % 7 == 0 {
                    assert!(held <= wanted + 40, "{wanted} in {days} d: {held}");
                }
            }
        }
    }

    #[test]
    fn every_24_hours_hold_a_whole_incident() {
        let rhythm = rhythm(12_000, 30);
        for shift in 0..400 {
            let end = NOW + shift * 37 * MINUTE;
            let parts: Vec<IncidentPart> = (rhythm.count_before(end - DAY)..rhythm.count_before(end))
                .filter_map(|number| rhythm.slot(number).part)
                .collect();
            let whole = |scene: IncidentScene| {
                parts.iter().any(|part| {
                    part.scene == scene
                        && part.index == 0
                        && parts.iter().filter(|p| p.scene == scene && p.incident == part.incident).count()
                            as u64
                            == part.of
                })
            };
            assert!(whole(IncidentScene::Spray) && whole(IncidentScene::Blocked));
        }
    }

    #[test]
    fn nothing_wanted_is_nothing_given() {
        let rhythm = rhythm(0, 30);
        assert_eq!(rhythm.count_before(NOW), 0);
    }

    #[test]
    fn live_events_arrive_at_their_rate_and_leave_the_past_alone() {
        let quiet = rhythm(1_000, 30);
        let live = quiet.clone().with_live(NOW, 50.0);
        assert_eq!(live.count_before(NOW), quiet.count_before(NOW));
        assert_eq!(live.count_before(NOW + 10 * SECOND) - live.count_before(NOW), 500);
        let number = live.count_before(NOW);
        assert_eq!(live.slot(number - 1), quiet.slot(number - 1));
        assert!(live.slot(number).arrival >= NOW);
        for shift in 0..2_000 {
            let time = NOW + shift * 7_777_777;
            let count = live.count_before(time);
            assert!(count == 0 || live.slot(count - 1).arrival < time);
            assert!(live.slot(count).arrival >= time);
        }
    }
}

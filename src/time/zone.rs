//! The zone in which times without one are read and shown: UTC, the machine's, or a named one.
//!
//! Pure but for the machine's zone, which chrono reads.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, SecondsFormat, TimeZone, Utc};

use super::named_zone::{NamedZone, is_posix};
use crate::suggest::suggest;

/// How often the wall clock of a zone shows a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WallTime {
    /// Once, as nearly always.
    Once(DateTime<Utc>),
    /// Twice, because the clock is put back: the earlier moment and the later one.
    Twice(DateTime<Utc>, DateTime<Utc>),
    /// Never, because the clock is put forward: the moment at which that happens.
    Never(DateTime<Utc>),
}

/// The zone in which times without one are read and shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Zone {
    /// Coordinated Universal Time.
    #[default]
    Utc,
    /// The machine's zone.
    Local,
    /// A zone of the IANA database, such as `Europe/Berlin`.
    Named(NamedZone),
}

impl Zone {
    /// Every name that a zone can be typed by.
    pub fn names() -> impl Iterator<Item = &'static str> {
        ["UTC", "local"].into_iter().chain(NamedZone::names().filter(|name| *name != "UTC"))
    }

    /// The zone that a value of `TZ` names: a name of the IANA database or a POSIX rule such as
    /// `CET-1CEST`, which the machine knows how to read. `None` where it is neither.
    pub fn of_variable(text: &str) -> Option<Zone> {
        let name = text.strip_prefix(':').unwrap_or(text);
        match NamedZone::find(name) {
            _ if name.is_empty() => Some(Zone::Utc),
            Some(zone) => Some(Zone::Named(zone)),
            None if is_posix(name) => Some(Zone::Local),
            None => None,
        }
    }

    /// What the wall clock of this zone shows at `moment`.
    pub fn wall_clock(&self, moment: DateTime<Utc>) -> NaiveDateTime {
        match self {
            Zone::Utc => moment.naive_utc(),
            Zone::Local => moment.with_timezone(&chrono::Local).naive_local(),
            Zone::Named(zone) => moment.with_timezone(&zone.offset(moment)).naive_local(),
        }
    }

    /// The moment in RFC 3339 with this zone's offset, to the second.
    pub fn show(&self, moment: DateTime<Utc>) -> String {
        match self {
            Zone::Utc => moment.to_rfc3339_opts(SecondsFormat::Secs, true),
            Zone::Local => moment.with_timezone(&chrono::Local).to_rfc3339_opts(SecondsFormat::Secs, true),
            Zone::Named(zone) => {
                moment.with_timezone(&zone.offset(moment)).to_rfc3339_opts(SecondsFormat::Secs, true)
            }
        }
    }

    /// The moments at which the wall clock of this zone shows `wall`.
    pub(super) fn moments(&self, wall: NaiveDateTime) -> Option<WallTime> {
        let found = match self {
            Zone::Utc => MappedLocalTime::Single(wall.and_utc()),
            Zone::Local => chrono::Local.from_local_datetime(&wall).map(|moment| moment.to_utc()),
            Zone::Named(zone) => zone.moments(wall),
        };
        match found {
            MappedLocalTime::Single(moment) => Some(WallTime::Once(moment)),
            MappedLocalTime::Ambiguous(earlier, later) => Some(WallTime::Twice(earlier, later)),
            MappedLocalTime::None => self.end_of_gap(wall).map(WallTime::Never),
        }
    }

    /// The moment of the clock change that skips `wall`.
    fn end_of_gap(&self, wall: NaiveDateTime) -> Option<DateTime<Utc>> {
        // No offset exceeds a day, so the change lies between; around it, the wall clock only goes on.
        let mut before = wall.and_utc().timestamp().checked_sub(90_000)?;
        let mut after = before.checked_add(180_000)?;
        while after - before > 1 {
            let middle = before.midpoint(after);
            if self.wall_clock(DateTime::from_timestamp(middle, 0)?) < wall {
                before = middle;
            } else {
                after = middle;
            }
        }
        DateTime::from_timestamp(after, 0)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Zone::Utc => f.write_str("UTC"),
            Zone::Local => f.write_str("local"),
            Zone::Named(zone) => zone.fmt(f),
        }
    }
}

impl FromStr for Zone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.eq_ignore_ascii_case("utc") || text.eq_ignore_ascii_case("z") {
            return Ok(Zone::Utc);
        }
        if text.eq_ignore_ascii_case("local") {
            return Ok(Zone::Local);
        }
        if let Some(zone) = NamedZone::find(text) {
            return Ok(Zone::Named(zone));
        }
        Err(match suggest(text, NamedZone::names()) {
            Some(name) => format!("no such time zone; did you mean {name}?"),
            None => "no such time zone; write UTC, local, or a name like Europe/Berlin".into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn zones_are_read_in_any_case_and_a_typo_gets_the_nearest() {
        assert_eq!("europe/berlin".parse::<Zone>().unwrap().to_string(), "Europe/Berlin");
        assert_eq!("Local".parse(), Ok(Zone::Local));
        assert_eq!(
            "Europe/Berln".parse::<Zone>().unwrap_err(),
            "no such time zone; did you mean Europe/Berlin?"
        );
        assert!("zz".parse::<Zone>().unwrap_err().contains("like Europe/Berlin"));
    }

    #[test]
    fn a_variable_names_a_zone_a_rule_or_nothing() {
        assert_eq!(Zone::of_variable(":Europe/Berlin").unwrap().to_string(), "Europe/Berlin");
        assert_eq!(Zone::of_variable(""), Some(Zone::Utc));
        assert_eq!(Zone::of_variable("CET-1CEST,M3.5.0,M10.5.0/3"), Some(Zone::Local));
        assert_eq!(Zone::of_variable("<+03>-3"), Some(Zone::Local));
        assert_eq!(Zone::of_variable("garbage"), None);
    }

    proptest! {
        #[test]
        fn a_typo_in_a_zone_gets_a_name_as_near_as_the_one_that_was_meant(which in 0..chrono_tz::TZ_VARIANTS.len(), at in 0usize..40, letter in "[a-zA-Z/_]?") {
            let meant = chrono_tz::TZ_VARIANTS[which].name();
            let mut typo = meant.to_owned();
            let at = at % typo.len();
            typo.replace_range(at..=at, &letter);
            if let Err(error) = typo.parse::<Zone>() && typo.len() > 3 {
                let found = error.strip_prefix("no such time zone; did you mean ").and_then(|rest| rest.strip_suffix('?'));
                prop_assert!(found.is_some(), "{}: {}", typo, error);
            }
        }
    }
}

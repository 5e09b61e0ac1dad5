//! Points in time as they are typed: absolute, relative to now, or a day's name.
//!
//! Reading is pure: a [`TimeExpr`] knows neither the time nor the zone until it is resolved, so `now` is
//! one moment for a whole run. A local time that a clock change skips means the first moment after the
//! gap; one that happens twice means the earlier: always the earliest moment at which the wall clock
//! shows the typed time or later.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{
    DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeDelta, TimeZone, Utc,
};

use super::duration;
use super::zone::NamedZone;
use crate::suggest::suggest;

/// What may be typed, for messages.
pub const FORMS: &str = "2026-11-20, \"2026-11-20 14:05\", 2026-11-20T14:05:06Z, @1763700000, \
                         2h (ago; also 90s 15m 7d 1w 1h30m), now, today or yesterday";

/// A point in time as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeExpr {
    /// A moment with its zone: RFC 3339 or `@` and Unix seconds.
    Moment(DateTime<Utc>),
    /// A date, or a date and time, of the wall clock of the zone in force.
    WallClock(NaiveDateTime),
    /// This long before now.
    Ago(Duration),
    /// The moment the run started.
    Now,
    /// The start of a day, counted from the current one: 0 today, -1 yesterday, 1 tomorrow.
    Day(i8),
}

impl TimeExpr {
    /// The moment it means, when it is `now` now and the wall clock is that of `zone`.
    ///
    /// # Errors
    /// Fails when the moment lies outside of the years 0 to 9999, which RFC 3339 cannot write.
    pub fn resolve(&self, now: DateTime<Utc>, zone: &Zone) -> Result<DateTime<Utc>, String> {
        let moment = match self {
            TimeExpr::Moment(moment) => Some(*moment),
            TimeExpr::WallClock(wall) => zone.earliest(*wall),
            TimeExpr::Ago(length) => {
                TimeDelta::from_std(*length).ok().and_then(|length| now.checked_sub_signed(length))
            }
            TimeExpr::Now => Some(now),
            TimeExpr::Day(offset) => {
                let today = zone.wall_clock(now).date();
                let days = Days::new(u64::from(offset.unsigned_abs()));
                let day =
                    if *offset < 0 { today.checked_sub_days(days) } else { today.checked_add_days(days) };
                day.and_then(|day| zone.earliest(day.and_time(NaiveTime::MIN)))
            }
        };
        moment.filter(is_four_digit_year).ok_or_else(|| format!("{self} is too far away to be counted"))
    }
}

impl FromStr for TimeExpr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "now" => return Ok(TimeExpr::Now),
            "today" => return Ok(TimeExpr::Day(0)),
            "yesterday" => return Ok(TimeExpr::Day(-1)),
            // Understood so that the message about a time in the future can name it.
            "tomorrow" => return Ok(TimeExpr::Day(1)),
            _ => {}
        }
        unix_seconds(text)
            .or_else(|| wall_clock(text))
            .or_else(|| moment(text))
            .or_else(|| duration::parse(text).ok().map(TimeExpr::Ago))
            .ok_or_else(|| format!("not a time; write {FORMS}"))
    }
}

impl fmt::Display for TimeExpr {
    /// Writes it so that it can be typed again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TimeExpr::Moment(moment) => f.write_str(&moment.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            TimeExpr::WallClock(wall) if wall.time() == NaiveTime::MIN => write!(f, "{}", wall.date()),
            TimeExpr::WallClock(wall) => write!(f, "{wall}"),
            TimeExpr::Ago(length) => f.write_str(&duration::show(*length)),
            TimeExpr::Now => f.write_str("now"),
            TimeExpr::Day(0) => f.write_str("today"),
            TimeExpr::Day(days) => f.write_str(if *days < 0 { "yesterday" } else { "tomorrow" }),
        }
    }
}

/// `@1763700000`
fn unix_seconds(text: &str) -> Option<TimeExpr> {
    let digits = text.strip_prefix('@')?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    DateTime::from_timestamp(digits.parse().ok()?, 0).filter(is_four_digit_year).map(TimeExpr::Moment)
}

/// `2026-11-20`, `2026-11-20 14:05`, `2026-11-20 14:05:06`, the last two also with `T` and fractions.
fn wall_clock(text: &str) -> Option<TimeExpr> {
    // chrono also reads years of other lengths and signs; a typo should not become the year 20266.
    let (date, rest) = text.split_at_checked(10)?;
    let date = NaiveDate::parse_from_str(date, "%Y-%m-%d").ok().filter(|_| is_shaped(date))?;
    let time = match rest.strip_prefix([' ', 'T', 't']) {
        None if rest.is_empty() => NaiveTime::MIN,
        None => return None,
        Some(time) if !time.starts_with(|c: char| c.is_ascii_digit()) => return None,
        Some(time) => NaiveTime::parse_from_str(time, "%H:%M:%S%.f")
            .or_else(|_| NaiveTime::parse_from_str(time, "%H:%M"))
            .ok()?,
    };
    Some(TimeExpr::WallClock(date.and_time(time)))
}

/// RFC 3339, with `Z` or an offset.
fn moment(text: &str) -> Option<TimeExpr> {
    is_shaped(text.get(..10)?)
        .then(|| DateTime::parse_from_rfc3339(text).ok())
        .flatten()
        .map(|moment| TimeExpr::Moment(moment.to_utc()))
}

/// Whether a moment can be written in RFC 3339.
fn is_four_digit_year(moment: &DateTime<Utc>) -> bool {
    (0..=9999).contains(&moment.year())
}

/// Whether a text has the outline of `2026-11-20`.
fn is_shaped(date: &str) -> bool {
    date.bytes().enumerate().all(|(i, b)| if matches!(i, 4 | 7) { b == b'-' } else { b.is_ascii_digit() })
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

    /// The earliest moment at which the wall clock shows `wall` or later.
    fn earliest(&self, wall: NaiveDateTime) -> Option<DateTime<Utc>> {
        let found = match self {
            Zone::Utc => Some(wall.and_utc()),
            Zone::Local => chrono::Local.from_local_datetime(&wall).earliest().map(|t| t.to_utc()),
            Zone::Named(zone) => zone.earliest(wall),
        };
        found.or_else(|| self.end_of_gap(wall))
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

    fn utc(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    /// 23:30 on a Friday in Berlin is still Friday in UTC, and already Saturday in Tokyo.
    fn resolve(text: &str, zone: &str) -> String {
        let now = utc("2026-11-20T22:30:00Z");
        let moment = text.parse::<TimeExpr>().unwrap().resolve(now, &zone.parse().unwrap()).unwrap();
        Zone::Utc.show(moment)
    }

    #[test]
    fn every_form_is_read() {
        for (text, meant) in [
            ("2026-11-20T14:05:06Z", "2026-11-20T14:05:06Z"),
            ("2026-11-20T14:05:06.123456789-03:00", "2026-11-20T17:05:06Z"),
            ("2026-11-20", "2026-11-20T00:00:00Z"),
            ("2026-11-20 14:05", "2026-11-20T14:05:00Z"),
            ("2026-11-20 14:05:06", "2026-11-20T14:05:06Z"),
            ("2026-11-20T14:05", "2026-11-20T14:05:00Z"),
            ("@1763700000", "2025-11-21T04:40:00Z"),
            ("90s", "2026-11-20T22:28:30Z"),
            ("15m", "2026-11-20T22:15:00Z"),
            ("2h", "2026-11-20T20:30:00Z"),
            ("7d", "2026-11-13T22:30:00Z"),
            ("1w", "2026-11-13T22:30:00Z"),
            ("1h30m", "2026-11-20T21:00:00Z"),
            ("now", "2026-11-20T22:30:00Z"),
            ("today", "2026-11-20T00:00:00Z"),
            ("yesterday", "2026-11-19T00:00:00Z"),
        ] {
            assert_eq!(resolve(text, "utc"), meant, "{text}");
        }
    }

    #[test]
    fn a_zone_moves_wall_clock_times_and_days_but_not_moments() {
        assert_eq!(resolve("2026-11-20 14:05", "Europe/Berlin"), "2026-11-20T13:05:00Z");
        assert_eq!(resolve("today", "Asia/Tokyo"), "2026-11-20T15:00:00Z");
        assert_eq!(resolve("yesterday", "Asia/Tokyo"), "2026-11-19T15:00:00Z");
        assert_eq!(resolve("2026-11-20T14:05:06Z", "Asia/Tokyo"), "2026-11-20T14:05:06Z");
    }

    #[test]
    fn a_skipped_time_is_the_end_of_the_gap_and_a_repeated_one_the_earlier() {
        // Berlin goes from 02:00 to 03:00 on 2026-03-29, and from 03:00 back to 02:00 on 2026-10-25.
        assert_eq!(resolve("2026-03-29 02:30:15", "Europe/Berlin"), "2026-03-29T01:00:00Z");
        assert_eq!(resolve("2026-03-29 03:00", "Europe/Berlin"), "2026-03-29T01:00:00Z");
        assert_eq!(resolve("2026-10-25 02:30", "Europe/Berlin"), "2026-10-25T00:30:00Z");
        // Samoa skipped the whole of 2011-12-30; midnight does not exist in Sao Paulo on 2018-11-04.
        assert_eq!(resolve("2011-12-30 12:00", "Pacific/Apia"), "2011-12-30T10:00:00Z");
        assert_eq!(resolve("2018-11-04", "America/Sao_Paulo"), "2018-11-04T03:00:00Z");
    }

    #[test]
    fn anything_else_is_refused_with_the_accepted_forms() {
        for text in [
            "",
            "2026",
            "2026-13-01",
            "2026-1-1",
            "20.11.2026",
            "14:05",
            "2h ago",
            "@",
            "@1.5",
            "@+5",
            "-2h",
            "2026-11-20 ",
            "2026-11-20 25:00",
            "+2026-11-20",
            "2026-11-20T14:05:06+99:00",
            "next week",
            "@99999999999999",
        ] {
            let error = text.parse::<TimeExpr>().unwrap_err();
            assert!(error.starts_with("not a time; write 2026-11-20"), "{text}: {error}");
        }
        let far = "9999999w".parse::<TimeExpr>().unwrap();
        assert!(far.resolve(utc("2026-11-20T00:00:00Z"), &Zone::Utc).unwrap_err().contains("too far away"));
    }

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

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*", now in -8_000_000_000_000i64..8_000_000_000_000) {
            if let Ok(expression) = text.parse::<TimeExpr>() {
                let now = DateTime::from_timestamp(now, 0).unwrap_or_default();
                let _ = expression.resolve(now, &"Pacific/Apia".parse().unwrap());
            }
        }

        #[test]
        fn nothing_that_looks_like_a_time_makes_it_panic(text in "[-+@0-9TZtz :.smhdw]{0,30}") {
            if let Ok(expression) = text.parse::<TimeExpr>() {
                let _ = expression.resolve(DateTime::UNIX_EPOCH, &"Europe/Berlin".parse().unwrap());
                let again = expression.to_string().parse::<TimeExpr>();
                prop_assert_eq!(again, Ok(expression));
            }
        }

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

        #[test]
        fn moments_and_wall_clocks_are_read_back(seconds in 0i64..253_402_300_799, nanos in 0u32..1_000_000_000) {
            let moment = DateTime::from_timestamp(seconds, nanos).unwrap();
            for expression in [TimeExpr::Moment(moment), TimeExpr::WallClock(moment.naive_utc())] {
                prop_assert_eq!(expression.to_string().parse::<TimeExpr>(), Ok(expression));
            }
        }

        #[test]
        fn the_wall_clock_shows_the_typed_time_or_the_end_of_a_gap(seconds in 0i64..4_000_000_000, zone in 0..chrono_tz::TZ_VARIANTS.len()) {
            let zone: Zone = chrono_tz::TZ_VARIANTS[zone].name().parse().unwrap();
            let wall = DateTime::from_timestamp(seconds, 0).unwrap().naive_utc();
            let moment = TimeExpr::WallClock(wall).resolve(DateTime::UNIX_EPOCH, &zone).unwrap();
            prop_assert!(zone.wall_clock(moment) >= wall);
            prop_assert!(zone.wall_clock(moment) == wall || zone.wall_clock(moment - TimeDelta::seconds(1)) < wall);
        }
    }
}

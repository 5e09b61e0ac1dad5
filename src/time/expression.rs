//! Points in time as they are typed: absolute, relative to now, or a day's name.
//!
//! Reading is pure: a [`TimeExpr`] knows neither the time nor the zone until it is resolved, so `now` is
//! one moment for a whole run. A local time that a clock change skips means the first moment after the gap;
//! one that happens twice means the earlier moment for a beginning and the later one for an end, so that a
//! range never leaves out what it may be about (P1). Both are said in a note.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{
    DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeDelta, Utc, Weekday,
};

use super::duration;
use super::zone::{WallTime, Zone};

/// What may be typed, for messages.
pub const FORMS: &str = "2026-11-20, \"2026-11-20 14:05\", 2026-11-20T14:05:06Z, 09:00, \"yesterday 09:00\", \
                         monday, @1763700000, 2h (ago; also 90s 15m 7d 1w 1mo 1h30m, \"2 hours ago\"), now, \
                         today or yesterday";

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
    /// A time of a day that is named by its distance from today.
    Day(NamedDay, NaiveTime),
}

/// A day that is named and not dated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedDay {
    /// The current day.
    Today,
    /// The day before.
    Yesterday,
    /// The day after; understood so that the message about a time in the future can name it.
    Tomorrow,
    /// The last day of this name; today where that is its name.
    Last(Weekday),
}

/// Which end of a range a time is for; decides between two moments of one wall clock time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeEnd {
    /// `--since`: the earlier moment.
    Since,
    /// `--until`: the later moment.
    Until,
}

/// The moment that a typed time means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedTime {
    /// The moment.
    pub moment: DateTime<Utc>,
    /// What a person should know where the wall clock shows the time twice or never.
    pub note: Option<String>,
}

impl TimeExpr {
    /// The moment it means, when it is `now` now and the wall clock is that of `zone`.
    ///
    /// # Errors
    /// Fails when the moment lies outside of the years 0 to 9999, which RFC 3339 cannot write.
    pub fn resolve(&self, now: DateTime<Utc>, zone: &Zone, end: RangeEnd) -> Result<ResolvedTime, String> {
        let resolved = match self {
            TimeExpr::Moment(moment) => Some(exactly(*moment)),
            TimeExpr::WallClock(wall) => on_wall_clock(*wall, zone, end),
            TimeExpr::Ago(length) => TimeDelta::from_std(*length)
                .ok()
                .and_then(|length| now.checked_sub_signed(length))
                .map(exactly),
            TimeExpr::Now => Some(exactly(now)),
            TimeExpr::Day(day, time) => day
                .date(zone.wall_clock(now).date())
                .and_then(|date| on_wall_clock(date.and_time(*time), zone, end)),
        };
        resolved
            .filter(|resolved| is_four_digit_year(&resolved.moment))
            .ok_or_else(|| format!("{self} is too far away to be counted"))
    }
}

fn exactly(moment: DateTime<Utc>) -> ResolvedTime {
    ResolvedTime { moment, note: None }
}

fn on_wall_clock(wall: NaiveDateTime, zone: &Zone, end: RangeEnd) -> Option<ResolvedTime> {
    let shown = wall.format("%Y-%m-%d %H:%M:%S%.f");
    let note =
        |why: &str, moment| format!("{shown} {why} in the zone {zone}; {} is meant", zone.show(moment));
    Some(match zone.moments(wall)? {
        WallTime::Once(moment) => exactly(moment),
        WallTime::Twice(earlier, later) => {
            let moment = if end == RangeEnd::Since { earlier } else { later };
            ResolvedTime { moment, note: Some(note("happens twice", moment)) }
        }
        WallTime::Never(moment) => ResolvedTime { moment, note: Some(note("does not exist", moment)) },
    })
}

impl NamedDay {
    fn date(self, today: NaiveDate) -> Option<NaiveDate> {
        match self {
            NamedDay::Today => Some(today),
            NamedDay::Yesterday => today.checked_sub_days(Days::new(1)),
            NamedDay::Tomorrow => today.checked_add_days(Days::new(1)),
            NamedDay::Last(weekday) => {
                today.checked_sub_days(Days::new(today.weekday().days_since(weekday).into()))
            }
        }
    }
}

impl FromStr for TimeExpr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "now" {
            return Ok(TimeExpr::Now);
        }
        if let Some(seconds) = bare_epoch(text) {
            return Err(format!("a bare number is not a time; did you mean @{seconds}?"));
        }
        unix_seconds(text)
            .or_else(|| wall_clock(text))
            .or_else(|| moment(text))
            .or_else(|| named_day(text))
            .or_else(|| ago(text))
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
            TimeExpr::Day(day, NaiveTime::MIN) => day.fmt(f),
            TimeExpr::Day(day, time) => write!(f, "{day} {time}"),
        }
    }
}

impl fmt::Display for NamedDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NamedDay::Today => "today",
            NamedDay::Yesterday => "yesterday",
            NamedDay::Tomorrow => "tomorrow",
            NamedDay::Last(Weekday::Mon) => "monday",
            NamedDay::Last(Weekday::Tue) => "tuesday",
            NamedDay::Last(Weekday::Wed) => "wednesday",
            NamedDay::Last(Weekday::Thu) => "thursday",
            NamedDay::Last(Weekday::Fri) => "friday",
            NamedDay::Last(Weekday::Sat) => "saturday",
            NamedDay::Last(Weekday::Sun) => "sunday",
        })
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

/// The seconds of a number that looks like Unix seconds or milliseconds and lacks its `@`.
fn bare_epoch(text: &str) -> Option<&str> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    match text.len() {
        9 | 10 if digits => Some(text),
        12 | 13 if digits => text.get(..text.len() - 3),
        _ => None,
    }
}

/// `2026-11-20`, `2026-11-20 14:05`, `2026-11-20 14:05:06`, the last two also with `T` and fractions.
fn wall_clock(text: &str) -> Option<TimeExpr> {
    // chrono also reads years of other lengths and signs; a typo should not become the year 20266.
    let (date, rest) = text.split_at_checked(10)?;
    let date = NaiveDate::parse_from_str(date, "%Y-%m-%d").ok().filter(|_| is_shaped(date))?;
    let time = match rest.strip_prefix([' ', 'T', 't']) {
        None if rest.is_empty() => NaiveTime::MIN,
        None => return None,
        Some(time) => time_of_day(time)?,
    };
    Some(TimeExpr::WallClock(date.and_time(time)))
}

/// `14:05`, `9:00`, `14:05:06`, `14:05:06.5`
fn time_of_day(text: &str) -> Option<NaiveTime> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    NaiveTime::parse_from_str(text, "%H:%M:%S%.f").or_else(|_| NaiveTime::parse_from_str(text, "%H:%M")).ok()
}

/// `09:00`, `yesterday`, `monday`, `yesterday 09:00`
fn named_day(text: &str) -> Option<TimeExpr> {
    if let Some(time) = time_of_day(text) {
        return Some(TimeExpr::Day(NamedDay::Today, time));
    }
    let (word, time) = match text.split_once(' ') {
        Some((word, time)) => (word, time_of_day(time)?),
        None => (text, NaiveTime::MIN),
    };
    let day = match word.to_ascii_lowercase().as_str() {
        "today" => NamedDay::Today,
        "yesterday" => NamedDay::Yesterday,
        "tomorrow" => NamedDay::Tomorrow,
        // chrono reads `mon` and `monday`, in any case.
        name => NamedDay::Last(name.parse().ok()?),
    };
    Some(TimeExpr::Day(day, time))
}

/// `2h`, `-2h`, `2h ago`, `2 hours ago`, `1 day 12 hours ago`
fn ago(text: &str) -> Option<TimeExpr> {
    if let Ok(length) = duration::parse(text.strip_prefix('-').unwrap_or(text)) {
        return Some(TimeExpr::Ago(length));
    }
    let spoken = text.strip_suffix(" ago")?;
    let mut length = Duration::ZERO;
    let mut words = spoken.split(' ');
    while let Some(word) = words.next() {
        let term = match duration::parse(word) {
            Ok(term) if word != "0" => term,
            // `2 hours` is two words.
            _ => duration::parse(&format!("{word}{}", duration::unit_of_word(words.next()?)?)).ok()?,
        };
        length = length.checked_add(term)?;
    }
    Some(TimeExpr::Ago(length))
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
        let time = text.parse::<TimeExpr>().unwrap();
        Zone::Utc.show(time.resolve(now, &zone.parse().unwrap(), RangeEnd::Since).unwrap().moment)
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
            ("09:00", "2026-11-20T09:00:00Z"),
            ("9:00:30", "2026-11-20T09:00:30Z"),
            ("yesterday 09:00", "2026-11-19T09:00:00Z"),
            ("today 23:59", "2026-11-20T23:59:00Z"),
            ("friday", "2026-11-20T00:00:00Z"),
            ("Monday", "2026-11-16T00:00:00Z"),
            ("sat 18:30", "2026-11-14T18:30:00Z"),
            ("-2h", "2026-11-20T20:30:00Z"),
            ("2h ago", "2026-11-20T20:30:00Z"),
            ("2 hours ago", "2026-11-20T20:30:00Z"),
            ("1 day 2 hours ago", "2026-11-19T20:30:00Z"),
            ("1mo", "2026-10-21T22:30:00Z"),
            ("1 month ago", "2026-10-21T22:30:00Z"),
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
    fn a_local_time_that_happens_twice_is_the_earlier_since_and_the_later_until_and_both_are_said() {
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        let resolve = |text: &str, end| {
            text.parse::<TimeExpr>().unwrap().resolve(utc("2026-11-20T22:30:00Z"), &berlin, end).unwrap()
        };
        let since = resolve("2026-10-25 02:59", RangeEnd::Since);
        assert_eq!(since.moment, utc("2026-10-25T00:59:00Z"));
        let until = resolve("2026-10-25 02:59", RangeEnd::Until);
        assert_eq!(until.moment, utc("2026-10-25T01:59:00Z"));
        assert_eq!(
            until.note.unwrap(),
            "2026-10-25 02:59:00 happens twice in the zone Europe/Berlin; 2026-10-25T02:59:00+01:00 is meant"
        );
        let skipped = resolve("2026-03-29 02:30", RangeEnd::Until);
        assert_eq!(skipped.moment, utc("2026-03-29T01:00:00Z"));
        assert!(skipped.note.unwrap().contains("02:30:00 does not exist in the zone Europe/Berlin"));
        assert_eq!(resolve("2026-10-25 04:00", RangeEnd::Until).note, None);
    }

    #[test]
    fn a_bare_epoch_is_asked_about() {
        for (text, meant) in [("1763700000", "@1763700000?"), ("1763700000123", "@1763700000?")] {
            let error = text.parse::<TimeExpr>().unwrap_err();
            assert!(error.ends_with(&format!("did you mean {meant}")), "{error}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_the_accepted_forms() {
        for text in [
            "",
            "2026",
            "2026-13-01",
            "2026-1-1",
            "20.11.2026",
            "@",
            "@1.5",
            "@+5",
            "--2h",
            "hours ago",
            "2 ago",
            "yesterday noon",
            "24:00",
            "17637000000",
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
        assert!(
            far.resolve(utc("2026-11-20T00:00:00Z"), &Zone::Utc, RangeEnd::Since)
                .unwrap_err()
                .contains("too far away")
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*", now in -8_000_000_000_000i64..8_000_000_000_000) {
            if let Ok(expression) = text.parse::<TimeExpr>() {
                let now = DateTime::from_timestamp(now, 0).unwrap_or_default();
                let _ = expression.resolve(now, &"Pacific/Apia".parse().unwrap(), RangeEnd::Until);
            }
        }

        #[test]
        fn nothing_that_looks_like_a_time_makes_it_panic(text in "[-+@0-9TZtz :.smhdw]{0,30}") {
            if let Ok(expression) = text.parse::<TimeExpr>() {
                let _ = expression.resolve(DateTime::UNIX_EPOCH, &"Europe/Berlin".parse().unwrap(), RangeEnd::Since);
                let again = expression.to_string().parse::<TimeExpr>();
                prop_assert_eq!(again, Ok(expression));
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
            let moment = TimeExpr::WallClock(wall).resolve(DateTime::UNIX_EPOCH, &zone, RangeEnd::Since).unwrap().moment;
            prop_assert!(zone.wall_clock(moment) >= wall);
            prop_assert!(zone.wall_clock(moment) == wall || zone.wall_clock(moment - TimeDelta::seconds(1)) < wall);
        }
    }
}

//! How tables show times: `2026-11-20 14:05:06` in a zone that the header names.
//!
//! Does not know the zone database: the caller supplies the wall clock.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Datelike as _, NaiveDateTime, Timelike as _, Utc};

/// A zone that times are shown in.
#[derive(Clone)]
pub struct TimeStyle {
    name: String,
    wall_clock: Arc<dyn Fn(DateTime<Utc>) -> NaiveDateTime + Send + Sync>,
}

impl TimeStyle {
    /// Times in UTC.
    pub fn utc() -> Self {
        TimeStyle { name: "UTC".into(), wall_clock: Arc::new(|time| time.naive_utc()) }
    }

    /// Times as a `wall_clock` shows them, whose zone headers call `name` (`local`, `Europe/Berlin`).
    pub fn zone(
        name: impl Into<String>,
        wall_clock: impl Fn(DateTime<Utc>) -> NaiveDateTime + Send + Sync + 'static,
    ) -> Self {
        TimeStyle { name: name.into(), wall_clock: Arc::new(wall_clock) }
    }

    /// The zone's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Appends the time to the second. Written by hand for speed: every row has one.
    pub(super) fn write(&self, time: DateTime<Utc>, out: &mut String) {
        let time = (self.wall_clock)(time);
        let mut two = |before: &str, number: u32| {
            out.push_str(before);
            out.push(char::from(b'0' + (number / 10 % 10) as u8));
            out.push(char::from(b'0' + (number % 10) as u8));
        };
        match u32::try_from(time.year()) {
            Ok(year @ 0..=9999) => {
                two("", year / 100);
                two("", year % 100);
            }
            _ => {
                out.push_str(&time.format("%Y-%m-%d %H:%M:%S").to_string());
                return;
            }
        }
        two("-", time.month());
        two("-", time.day());
        two(" ", time.hour());
        two(":", time.minute());
        two(":", time.second());
    }
}

impl fmt::Debug for TimeStyle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TimeStyle({})", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_the_zone() {
        let time = DateTime::from_timestamp(1_763_647_506, 999_000_000).unwrap();
        let show = |style: &TimeStyle, time| {
            let mut text = String::new();
            style.write(time, &mut text);
            text
        };
        assert_eq!(show(&TimeStyle::utc(), time), "2025-11-20 14:05:06");
        assert_eq!(show(&TimeStyle::utc(), DateTime::<Utc>::MIN_UTC).len(), "-262143-01-01 00:00:00".len());
        let berlin = TimeStyle::zone("Europe/Berlin", |time| {
            time.with_timezone(&chrono_tz::Europe::Berlin).naive_local()
        });
        assert_eq!((show(&berlin, time).as_str(), berlin.name()), ("2025-11-20 15:05:06", "Europe/Berlin"));
    }
}

//! How tables show times: `2026-11-20 14:05:06` in a zone that the header names when it is not UTC.
//!
//! Knows no zone database: the caller says what the wall clock shows.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, Utc};

/// A zone that times are shown in.
#[derive(Clone)]
pub struct TimeStyle {
    name: Option<String>,
    wall_clock: Arc<dyn Fn(DateTime<Utc>) -> NaiveDateTime + Send + Sync>,
}

impl TimeStyle {
    /// Times in UTC, which headers need not name.
    pub fn utc() -> Self {
        TimeStyle { name: None, wall_clock: Arc::new(|time| time.naive_utc()) }
    }

    /// Times as a `wall_clock` shows them, whose zone headers call `name` (`local`, `Europe/Berlin`).
    pub fn zone(
        name: impl Into<String>,
        wall_clock: impl Fn(DateTime<Utc>) -> NaiveDateTime + Send + Sync + 'static,
    ) -> Self {
        TimeStyle { name: Some(name.into()), wall_clock: Arc::new(wall_clock) }
    }

    /// The zone's name, unless it is UTC.
    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The time to the second, as people write it.
    pub(super) fn show(&self, time: DateTime<Utc>) -> String {
        (self.wall_clock)(time).format("%Y-%m-%d %H:%M:%S").to_string()
    }
}

impl fmt::Debug for TimeStyle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TimeStyle({})", self.name.as_deref().unwrap_or("UTC"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_the_zone() {
        let time = DateTime::from_timestamp(1_763_647_506, 999_000_000).unwrap();
        assert_eq!(TimeStyle::utc().show(time), "2025-11-20 14:05:06");
        let berlin = TimeStyle::zone("Europe/Berlin", |time| {
            time.with_timezone(&chrono_tz::Europe::Berlin).naive_local()
        });
        assert_eq!(
            (berlin.show(time).as_str(), berlin.name()),
            ("2025-11-20 15:05:06", Some("Europe/Berlin"))
        );
    }
}

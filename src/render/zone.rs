//! How tables show times: `2026-11-20 14:05:06` in a zone that the header names when it is not UTC.
//!
//! Knows no zone database: the caller brings any [`chrono::TimeZone`].

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, TimeZone, Utc};

/// A zone that times are shown in.
#[derive(Clone)]
pub struct TimeStyle {
    name: Option<String>,
    show: Arc<dyn Fn(DateTime<Utc>) -> String + Send + Sync>,
}

impl TimeStyle {
    /// Times in UTC, which headers need not name.
    pub fn utc() -> Self {
        TimeStyle { name: None, show: Arc::new(|time| format(&time)) }
    }

    /// Times in `zone`, which headers call `name` (`local`, `Europe/Berlin`).
    pub fn zone<Z>(zone: Z, name: impl Into<String>) -> Self
    where
        Z: TimeZone + Send + Sync + 'static,
        Z::Offset: fmt::Display,
    {
        TimeStyle { name: Some(name.into()), show: Arc::new(move |time| format(&time.with_timezone(&zone))) }
    }

    /// The zone's name, unless it is UTC.
    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The time to the second, as people write it.
    pub(super) fn show(&self, time: DateTime<Utc>) -> String {
        (self.show)(time)
    }
}

impl fmt::Debug for TimeStyle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TimeStyle({})", self.name.as_deref().unwrap_or("UTC"))
    }
}

fn format<Z: TimeZone>(time: &DateTime<Z>) -> String
where
    Z::Offset: fmt::Display,
{
    time.format("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_the_zone() {
        let time = DateTime::from_timestamp(1_763_647_506, 999_000_000).unwrap();
        assert_eq!(TimeStyle::utc().show(time), "2025-11-20 14:05:06");
        let berlin = TimeStyle::zone(chrono_tz::Europe::Berlin, "Europe/Berlin");
        assert_eq!(
            (berlin.show(time).as_str(), berlin.name()),
            ("2025-11-20 15:05:06", Some("Europe/Berlin"))
        );
    }
}

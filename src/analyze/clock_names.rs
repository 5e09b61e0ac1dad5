//! Days, hours and weekdays of a zone, as texts.

use chrono::{DateTime, Datelike as _, NaiveDateTime, Timelike as _, Utc};

use crate::time::Zone;

/// No zone's offset changes within a quarter of an hour, and none is finer.
const QUARTER: i64 = 15 * 60;

/// What a zone's wall clock shows, remembered for a quarter of an hour: events come mostly in order of time.
#[derive(Clone, Debug)]
pub(super) struct WallClock {
    zone: Zone,
    quarter: i64,
    shown: NaiveDateTime,
}

/// The days of the week, Monday first.
pub(super) const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

impl WallClock {
    pub(super) fn new(zone: &Zone) -> Self {
        WallClock { zone: zone.clone(), quarter: i64::MIN, shown: NaiveDateTime::default() }
    }

    /// What the clock shows at the beginning of a moment's quarter of an hour.
    pub(super) fn quarter(&mut self, time: DateTime<Utc>) -> NaiveDateTime {
        let quarter = time.timestamp().div_euclid(QUARTER);
        if quarter != self.quarter {
            let moment = DateTime::from_timestamp(quarter * QUARTER, 0).unwrap_or(time);
            (self.quarter, self.shown) = (quarter, self.zone.wall_clock(moment));
        }
        self.shown
    }

    /// The weekday, 0 for Monday, and the hour.
    pub(super) fn weekday_and_hour(&mut self, time: DateTime<Utc>) -> (u8, u8) {
        let shown = self.quarter(time);
        (shown.weekday().num_days_from_monday() as u8, shown.hour() as u8)
    }

    pub(super) fn day(&mut self, time: DateTime<Utc>) -> String {
        self.quarter(time).format("%Y-%m-%d").to_string()
    }

    pub(super) fn hour(&mut self, time: DateTime<Utc>) -> String {
        self.quarter(time).format("%Y-%m-%d %H:00").to_string()
    }
}

//! A report: sections, each a table with a name, columns, rows and totals. All formats are made from it.

use chrono::{DateTime, Utc};

use super::counter::MOST_KEYS;
use crate::size::grouped;

/// What is known after all events were folded.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What holds for the whole report, in order.
    pub(super) head: Vec<(&'static str, Value)>,
    pub(super) sections: Vec<ReportSection>,
    /// Whether it is the rows of its one section and nothing else.
    pub(super) is_rows: bool,
}

/// What a section is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SectionKind {
    /// Events by fields that were asked for.
    By,
    Streams,
    Timeline,
    /// By weekday and hour.
    Hours,
    /// Rows with a count.
    Counted {
        name: &'static str,
        title: &'static str,
    },
    FirstSeen,
    /// Hits of rules.
    Detections,
    /// Secrets and who saw them.
    Exposure,
    Places,
    Travel,
}

/// One table of a report.
#[derive(Clone, Debug)]
pub(super) struct ReportSection {
    pub(super) kind: SectionKind,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Value>>,
    /// How many rows there are, those included that are not shown.
    pub(super) distinct: u64,
    /// How many events all rows have together.
    pub(super) total: u64,
    /// The same in the range before, where there is one.
    pub(super) total_before: Option<u64>,
    /// By how much a count may be too low.
    pub(super) error: u64,
}

/// A column of a section.
#[derive(Clone, Debug)]
pub(super) struct Column {
    /// Its name in JSON and CSV.
    pub(super) key: &'static str,
    /// Its name for people and in CSV.
    pub(super) heading: &'static str,
    /// Whether it holds numbers.
    pub(super) is_number: bool,
    /// Whether it may be broken over lines where the terminal is narrow.
    pub(super) may_wrap: bool,
    /// Whether another column says it to people.
    pub(super) is_hidden: bool,
}

impl Column {
    pub(super) fn new(key: &'static str, may_wrap: bool) -> Self {
        Column { key, heading: key, is_number: false, may_wrap, is_hidden: false }
    }

    pub(super) fn number(key: &'static str) -> Self {
        Column { key, heading: key, is_number: true, may_wrap: false, is_hidden: false }
    }

    /// Its name for people.
    pub(super) fn label(&self) -> String {
        self.heading.trim_end_matches("_uuid").replace('_', " ")
    }
}

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Nothing is known.
    Nothing,
    Number(u64),
    Decimal(f64),
    /// How many more than before.
    Change(i64),
    Time(DateTime<Utc>),
    Text(String),
    /// What a user is called.
    Person(String),
    /// A uuid that may have a name.
    Uuid(String),
    /// The name of a uuid, where it has one; people see the uuid where it has none.
    NameOf(String),
    /// Actions by code and object type, each with its count.
    Deeds(Vec<(String, String, u64)>),
    List(Vec<String>),
    /// A code that may have words.
    Code(String),
    /// What was done, in codes that may have words.
    Deed {
        stream: String,
        action: String,
        object_type: String,
    },
}

impl Value {
    /// A text, or nothing.
    pub(super) fn text(text: &str) -> Value {
        if text.is_empty() { Value::Nothing } else { Value::Text(text.to_owned()) }
    }

    /// A whole number; 0 where it is none.
    pub(super) fn number(&self) -> u64 {
        if let Value::Number(number) = self { *number } else { 0 }
    }

    /// A number; 0 where it is none.
    pub(super) fn decimal(&self) -> f64 {
        if let Value::Decimal(number) = self { *number } else { 0.0 }
    }

    /// A time in microseconds since 1970; the ends of what a number can hold are none.
    pub(super) fn time(micros: i64) -> Value {
        let time =
            (micros != i64::MAX && micros != i64::MIN).then(|| DateTime::from_timestamp_micros(micros));
        time.flatten().map_or(Value::Nothing, Value::Time)
    }

    /// A bound of a range; nothing where it has none.
    pub(super) fn moment(time: Option<DateTime<Utc>>) -> Value {
        time.filter(|time| *time > DateTime::<Utc>::MIN_UTC).map_or(Value::Nothing, Value::Time)
    }
}

impl SectionKind {
    /// Its name in JSON and CSV.
    pub(super) fn name(self) -> &'static str {
        match self {
            SectionKind::By => "by",
            SectionKind::Streams => "streams",
            SectionKind::Timeline => "timeline",
            SectionKind::Hours => "hours",
            SectionKind::Counted { name, .. } => name,
            SectionKind::FirstSeen => "first_seen",
            SectionKind::Detections => "detections",
            SectionKind::Exposure => "exposure",
            SectionKind::Places => "places",
            SectionKind::Travel => "travel",
        }
    }

    /// Its title for people.
    pub(super) fn title(self) -> &'static str {
        match self {
            SectionKind::By => "Events",
            SectionKind::Streams => "Events per stream",
            SectionKind::Timeline => "Events over time",
            SectionKind::Hours => "Events by weekday and hour",
            SectionKind::Counted { title, .. } => title,
            SectionKind::FirstSeen => "Seen for the first time, later than the user's first event",
            SectionKind::Detections => "Hits of rules, the worst first",
            SectionKind::Exposure => "Secrets that were seen",
            SectionKind::Places => "Sign-ins by place",
            SectionKind::Travel => "Travel of more than 500 km faster than 900 km/h",
        }
    }
}

impl Report {
    /// A report that is the rows of one section.
    pub(super) fn of_rows(section: ReportSection) -> Self {
        Report { head: Vec::new(), sections: vec![section], is_rows: true }
    }

    /// Whether no section has a row.
    pub fn is_empty(&self) -> bool {
        self.sections.iter().all(|section| section.rows.is_empty())
    }

    /// What is to be said beside it: which counts are not exact.
    pub fn notes(&self) -> Vec<String> {
        let inexact = self.sections.iter().filter(|section| section.error > 0);
        let note = |section: &ReportSection| {
            let name = if self.is_rows { String::new() } else { format!("{}: ", section.kind.name()) };
            let (most, error) = (grouped(MOST_KEYS as u64), grouped(section.error));
            format!(
                "{name}more than {most} different rows: counts may be too low by up to {error} (Misra-Gries sketch)"
            )
        };
        inexact.map(note).collect()
    }
}

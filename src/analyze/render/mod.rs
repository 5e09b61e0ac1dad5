//! A report as bytes: JSON, NDJSON and CSV for programs, a table for people.

mod csv;
mod json;
mod table;

use std::fmt;
use std::sync::Arc;

use clap::ValueEnum;

use super::report::{Report, Value};
use crate::console::TextStyle;
use crate::facts::{Names, words};
use crate::time::Zone;

/// The form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// Columns for people
    Table,
    /// One JSON value
    Json,
    /// One JSON object a row
    Ndjson,
    /// Comma-separated values
    Csv,
}

impl fmt::Display for ReportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_possible_value().as_ref().map_or("", |value| value.get_name()))
    }
}

/// How values are shown to people.
#[derive(Clone, Debug)]
pub struct ReportStyle {
    /// The names of uuids.
    pub names: Arc<Names>,
    /// Whether codes are shown instead of words.
    pub codes: bool,
    /// The zone of times.
    pub zone: Zone,
    /// Width and colours.
    pub text: TextStyle,
}

impl ReportFormat {
    /// Appends a report.
    pub fn write(self, report: &Report, style: &ReportStyle, out: &mut Vec<u8>) {
        match self {
            ReportFormat::Table => table::write(report, style, out),
            ReportFormat::Json => json::write(report, out),
            ReportFormat::Ndjson => json::write_lines(report, out),
            ReportFormat::Csv => csv::write(report, style, out),
        }
    }
}

impl ReportStyle {
    /// A value as people read it; empty where nothing is known.
    fn text(&self, value: &Value) -> String {
        match value {
            Value::Nothing => String::new(),
            Value::Number(number) => number.to_string(),
            Value::Text(text) => text.clone(),
            Value::Person(text) => self.names.of_user(text).unwrap_or(text).to_owned(),
            Value::Uuid(uuid) => self.names.of(uuid).unwrap_or(uuid).to_owned(),
            Value::Code(code) => self.words(code).unwrap_or_else(|| code.clone()),
        }
    }

    /// The words of a code, where it means one thing wherever it stands.
    fn words(&self, code: &str) -> Option<String> {
        if self.codes {
            return None;
        }
        let mut rows = words::table().into_iter().filter(|row| row.code == code);
        let first = rows.next()?;
        rows.all(|row| row.words == first.words).then_some(first.words)
    }
}

//! A report as bytes: JSON, NDJSON and CSV for programs, tables and HTML for people.

mod csv;
mod exposure;
mod html;
mod json;
mod table;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use clap::ValueEnum;

use super::report::{Report, Value};
use crate::compression::Compression;
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
    /// One page with charts, for any browser
    Html,
}

impl fmt::Display for ReportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_possible_value().as_ref().map_or("", |value| value.get_name()))
    }
}

/// How values are shown to people.
#[derive(Debug)]
pub struct ReportStyle {
    names: Arc<Names>,
    /// The words of codes: by action and object type, and by code where it means one thing everywhere.
    deeds: HashMap<(&'static str, &'static str), String>,
    codes: HashMap<&'static str, Option<String>>,
    zone: Zone,
    text: TextStyle,
}

impl ReportFormat {
    /// The form that a file's name tells.
    pub fn of_path(path: &Path) -> Option<ReportFormat> {
        let (_, path) = Compression::of_path(path);
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "json" => Some(ReportFormat::Json),
            "ndjson" | "jsonl" => Some(ReportFormat::Ndjson),
            "csv" => Some(ReportFormat::Csv),
            "html" | "htm" => Some(ReportFormat::Html),
            "txt" => Some(ReportFormat::Table),
            _ => None,
        }
    }

    /// Appends a report.
    pub fn write(self, report: &Report, style: &ReportStyle, out: &mut Vec<u8>) {
        match self {
            ReportFormat::Table => table::write(report, style, out),
            ReportFormat::Json => json::write(report, style, out),
            ReportFormat::Ndjson => json::write_lines(report, style, out),
            ReportFormat::Csv => csv::write(report, style, out),
            ReportFormat::Html => html::write(report, style, out),
        }
    }
}

impl ReportStyle {
    /// Shows uuids by their names and times in a zone; `shows_codes` leaves codes as they are.
    pub fn new(names: Arc<Names>, shows_codes: bool, zone: Zone, text: TextStyle) -> Self {
        let (mut deeds, mut codes) = (HashMap::new(), HashMap::<_, Option<String>>::new());
        for row in if shows_codes { Vec::new() } else { words::table() } {
            let known = codes.entry(row.code).or_insert_with(|| Some(row.words.clone()));
            if known.as_ref().is_some_and(|known| *known != row.words) {
                *known = None;
            }
            deeds.insert((row.code, row.object_type), row.words);
        }
        ReportStyle { names, deeds, codes, zone, text }
    }

    /// A value as people read it; empty where nothing is known.
    fn text(&self, value: &Value) -> String {
        match value {
            Value::Nothing => String::new(),
            Value::Number(number) => number.to_string(),
            Value::Decimal(number) => number.to_string(),
            Value::Change(change) => format!("{change:+}"),
            Value::Time(time) => self.time(*time),
            Value::Text(text) => text.clone(),
            Value::Person(text) => self.names.of_user(text).unwrap_or(text).to_owned(),
            Value::Uuid(uuid) => self.names.of(uuid).unwrap_or(uuid).to_owned(),
            Value::Code(code) => {
                self.codes.get(code.as_str()).cloned().flatten().unwrap_or_else(|| code.clone())
            }
            Value::Deed { action, object_type, .. } => self.deed(action, object_type),
            Value::NameOf(uuid) => self.names.of(uuid).unwrap_or(uuid).to_owned(),
            Value::Deeds(deeds) => {
                let told = deeds.iter().map(|(action, object_type, count)| {
                    let deed = self.deed(action, object_type);
                    // The item and its vault have columns of their own.
                    format!("{} {count}", deed.split(" an item").next().unwrap_or(&deed))
                });
                told.collect::<Vec<_>>().join(", ")
            }
            Value::List(texts) => texts.join(", "),
        }
    }

    /// The name of a uuid, where it has one.
    fn name(&self, uuid: &str) -> Option<&str> {
        self.names.of(uuid)
    }

    fn deed(&self, action: &str, object_type: &str) -> String {
        match self.deeds.get(&(action, object_type)) {
            Some(words) => words.clone(),
            None if object_type.is_empty() => action.to_owned(),
            None => format!("{action} {object_type}"),
        }
    }

    /// A time of the zone, to the second.
    fn time(&self, time: DateTime<Utc>) -> String {
        self.zone.wall_clock(time).format("%Y-%m-%d %H:%M:%S").to_string()
    }
}

/// A time for programs.
fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

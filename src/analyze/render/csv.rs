//! A report as CSV, as tables of events are written: a record a row, in words, harmless to spreadsheets.

use super::ReportStyle;
use crate::analyze::report::{Report, Value};
use crate::encode::RecordWriter;

/// One header and the rows; those of several sections have a column `section` and all columns of all sections.
pub(super) fn write(report: &Report, style: &ReportStyle, out: &mut Vec<u8>) {
    let mut keys: Vec<&'static str> = Vec::new();
    for column in report.sections.iter().flat_map(|section| &section.columns) {
        if !keys.contains(&column.key) {
            keys.push(column.key);
        }
    }
    let mut header = RecordWriter::new(out);
    if !report.is_rows {
        header.text("section", true);
    }
    keys.iter().for_each(|key| header.text(key, true));
    header.end();
    for section in &report.sections {
        for row in &section.rows {
            let mut record = RecordWriter::new(out);
            if !report.is_rows {
                record.text(section.name, true);
            }
            for key in &keys {
                match section.columns.iter().position(|column| column.key == *key) {
                    None => record.empty(),
                    Some(at) => match &row[at] {
                        Value::Number(number) => record.text(&number.to_string(), false),
                        value => record.text(&style.text(value), true),
                    },
                }
            }
            record.end();
        }
    }
}

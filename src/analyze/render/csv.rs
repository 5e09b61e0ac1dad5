//! A report as CSV, as tables of events are written: a record a row, in words, harmless to spreadsheets.

use super::{ReportStyle, rfc3339};
use crate::analyze::report::{Report, Value};
use crate::encode::RecordWriter;

/// One header and the rows; those of several sections have a column `section` and all columns of all sections.
pub(super) fn write(report: &Report, style: &ReportStyle, out: &mut Vec<u8>) {
    let (mut keys, mut headings): (Vec<&'static str>, Vec<&'static str>) = Default::default();
    for column in report.sections.iter().flat_map(|section| &section.columns) {
        if !keys.contains(&column.key) {
            keys.push(column.key);
            headings.push(column.heading);
        }
    }
    let mut header = RecordWriter::new(out);
    if !report.is_rows {
        header.text("section", true);
    }
    headings.iter().for_each(|key| header.text(key, true));
    header.end();
    for section in &report.sections {
        for row in &section.rows {
            let mut record = RecordWriter::new(out);
            if !report.is_rows {
                record.text(section.kind.name(), true);
            }
            for key in &keys {
                match section.columns.iter().position(|column| column.key == *key) {
                    None => record.empty(),
                    Some(at) => match &row[at] {
                        value @ (Value::Number(_) | Value::Decimal(_)) => {
                            record.text(&style.text(value), false)
                        }
                        Value::Change(change) => record.text(&change.to_string(), false),
                        Value::Time(time) => record.text(&rfc3339(*time), true),
                        value => record.text(&style.text(value), true),
                    },
                }
            }
            record.end();
        }
    }
}

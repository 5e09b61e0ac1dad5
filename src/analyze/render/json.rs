//! A report as JSON: exact values, codes and uuids.

use serde_json::{Map, Value as Json, json};

use crate::analyze::report::{Report, ReportSection, Value};

/// One value: the rows, or an object of what holds for the whole and of sections.
pub(super) fn write(report: &Report, out: &mut Vec<u8>) {
    if report.is_rows {
        let rows: Vec<Json> = report.sections.iter().flat_map(rows).collect();
        out.push(b'[');
        for (number, row) in rows.iter().enumerate() {
            out.extend_from_slice(if number == 0 { b"\n" } else { b",\n" });
            push(row, out);
        }
        out.extend_from_slice(if rows.is_empty() { b"]\n" } else { b"\n]\n" });
        return;
    }
    let mut whole = head(report);
    whole.insert("sections".into(), report.sections.iter().map(section).collect());
    // Writing to a Vec cannot fail.
    let _ = serde_json::to_writer_pretty(&mut *out, &Json::Object(whole));
    out.push(b'\n');
}

/// An object a row; without `is_rows` with its section's name, and one of what holds for the whole first.
pub(super) fn write_lines(report: &Report, out: &mut Vec<u8>) {
    if !report.is_rows {
        let mut first = Map::new();
        first.insert("section".into(), json!("summary"));
        first.extend(head(report));
        push(&Json::Object(first), out);
        out.push(b'\n');
    }
    for section in &report.sections {
        for row in rows(section) {
            match row {
                Json::Object(fields) if !report.is_rows => {
                    let mut line = Map::new();
                    line.insert("section".into(), json!(section.name));
                    line.extend(fields);
                    push(&Json::Object(line), out);
                }
                row => push(&row, out),
            }
            out.push(b'\n');
        }
    }
}

fn push(value: &Json, out: &mut Vec<u8>) {
    // Writing to a Vec cannot fail.
    let _ = serde_json::to_writer(out, value);
}

fn head(report: &Report) -> Map<String, Json> {
    report.head.iter().map(|(key, value)| ((*key).to_owned(), of_value(value))).collect()
}

fn section(section: &ReportSection) -> Json {
    let mut whole = Map::new();
    whole.insert("name".into(), json!(section.name));
    whole.insert("rows".into(), rows(section).collect());
    whole.insert("distinct".into(), json!(section.distinct));
    whole.insert("total".into(), json!(section.total));
    if let Some(before) = section.total_before {
        whole.insert("total_before".into(), json!(before));
    }
    if section.error > 0 {
        whole.insert("counts_too_low_by_up_to".into(), json!(section.error));
    }
    Json::Object(whole)
}

fn rows(section: &ReportSection) -> impl Iterator<Item = Json> {
    section.rows.iter().map(|row| {
        let fields = section.columns.iter().zip(row);
        Json::Object(fields.map(|(column, value)| (column.key.to_owned(), of_value(value))).collect())
    })
}

fn of_value(value: &Value) -> Json {
    match value {
        Value::Nothing => Json::Null,
        Value::Number(number) => json!(number),
        Value::Text(text) | Value::Person(text) | Value::Uuid(text) | Value::Code(text) => json!(text),
    }
}

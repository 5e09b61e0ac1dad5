//! A report as JSON: exact values, codes and uuids.

use serde_json::{Map, Value as Json, json};

use super::{ReportStyle, rfc3339};
use crate::analyze::report::{Report, ReportSection, Value};

/// One value: the rows, or an object of what holds for the whole and of sections.
pub(super) fn write(report: &Report, style: &ReportStyle, out: &mut Vec<u8>) {
    if report.is_rows {
        let rows: Vec<Json> = report.sections.iter().flat_map(|section| rows(section, style)).collect();
        out.push(b'[');
        for (number, row) in rows.iter().enumerate() {
            out.extend_from_slice(if number == 0 { b"\n" } else { b",\n" });
            push(row, out);
        }
        out.extend_from_slice(if rows.is_empty() { b"]\n" } else { b"\n]\n" });
        return;
    }
    let mut whole = head(report, style);
    whole.insert("sections".into(), report.sections.iter().map(|one| section(one, style)).collect());
    // Writing to a Vec cannot fail.
    let _ = serde_json::to_writer_pretty(&mut *out, &Json::Object(whole));
    out.push(b'\n');
}

/// An object a row; without `is_rows` with its section's name, and one of what holds for the whole first.
pub(super) fn write_lines(report: &Report, style: &ReportStyle, out: &mut Vec<u8>) {
    if !report.is_rows {
        let mut first = Map::new();
        first.insert("section".into(), json!("summary"));
        first.extend(head(report, style));
        push(&Json::Object(first), out);
        out.push(b'\n');
    }
    for section in &report.sections {
        for row in rows(section, style) {
            match row {
                Json::Object(fields) if !report.is_rows => {
                    let mut line = Map::new();
                    line.insert("section".into(), json!(section.kind.name()));
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

fn head(report: &Report, style: &ReportStyle) -> Map<String, Json> {
    report.head.iter().map(|(key, value)| ((*key).to_owned(), of_value(value, style))).collect()
}

fn section(section: &ReportSection, style: &ReportStyle) -> Json {
    let mut whole = Map::new();
    whole.insert("name".into(), json!(section.kind.name()));
    whole.insert("rows".into(), rows(section, style).collect());
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

fn rows(section: &ReportSection, style: &ReportStyle) -> impl Iterator<Item = Json> {
    section.rows.iter().map(|row| {
        let fields = section.columns.iter().zip(row);
        // A name that is not known is left out: the uuid stands beside it.
        let fields = fields.filter(|(_, value)| match value {
            Value::NameOf(uuid) => style.name(uuid).is_some(),
            _ => true,
        });
        Json::Object(fields.map(|(column, value)| (column.key.to_owned(), of_value(value, style))).collect())
    })
}

fn of_value(value: &Value, style: &ReportStyle) -> Json {
    match value {
        Value::Nothing => Json::Null,
        Value::Number(number) => json!(number),
        Value::Decimal(number) => json!(number),
        Value::Change(change) => json!(change),
        Value::Time(time) => json!(rfc3339(*time)),
        Value::NameOf(uuid) => json!(style.name(uuid)),
        Value::Deeds(deeds) => {
            let mut counts = Map::new();
            for (action, _, count) in deeds {
                let known = counts.get(action).and_then(Json::as_u64).unwrap_or(0);
                counts.insert(action.clone(), json!(known + count));
            }
            Json::Object(counts)
        }
        Value::List(texts) => json!(texts),
        Value::Deed { action, .. } => json!(action),
        Value::Text(text) | Value::Person(text) | Value::Uuid(text) | Value::Code(text) => json!(text),
    }
}

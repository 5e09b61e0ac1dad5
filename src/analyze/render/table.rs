//! A report as tables for people.

use std::borrow::Cow;

use super::ReportStyle;
use crate::analyze::report::{Report, ReportSection, Value};
use crate::console::{CellTone, TextTable};
use crate::size::grouped;

/// Every section below the other, with its title where there are several.
pub(super) fn write(report: &Report, style: &ReportStyle, out: &mut Vec<u8>) {
    for section in &report.sections {
        out.extend_from_slice(section_table(section, style).as_bytes());
    }
}

fn section_table(section: &ReportSection, style: &ReportStyle) -> String {
    let mut table = TextTable::new(style.text, 0);
    let titles: Vec<String> = section.columns.iter().map(|column| column.title()).collect();
    table.header(titles.iter().map(String::as_str));
    for row in &section.rows {
        table.row(row.iter().map(|value| cell(value, style)));
    }
    let at = |wanted: fn(&crate::analyze::report::Column) -> bool| {
        let found = section.columns.iter().enumerate().filter(move |(_, column)| wanted(column));
        found.map(|(index, _)| index).collect::<Vec<_>>()
    };
    table.align_right(at(|column| column.is_number)).keep_whole(at(|column| !column.may_wrap)).render()
}

fn cell<'a>(value: &'a Value, style: &ReportStyle) -> (CellTone, Cow<'a, str>) {
    match value {
        Value::Nothing => (CellTone::Dim, "-".into()),
        Value::Number(number) => (CellTone::Plain, grouped(*number).into()),
        value => (CellTone::Plain, style.text(value).into()),
    }
}

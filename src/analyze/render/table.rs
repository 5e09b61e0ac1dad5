//! A report as tables for people, one below the other.

use std::borrow::Cow;

use super::{ReportStyle, exposure};
use crate::analyze::clock_names::WEEKDAYS;
use crate::analyze::report::{Column, Report, ReportSection, SectionKind, Value};
use crate::console::{CellTone, TextTable};
use crate::size::grouped;

/// How wide a line of bars is at most.
const WIDEST_BARS: usize = 48;

/// How many places are listed.
const PLACES: usize = 10;

/// How many texts of a list are shown.
const LISTED: usize = 3;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Appends every section, with its title where there are several.
pub(super) fn write(report: &Report, style: &ReportStyle, out: &mut Vec<u8>) {
    if report.is_rows {
        for section in &report.sections {
            match section.kind {
                SectionKind::Exposure if style.text.width.is_some() => exposure::write(section, style, out),
                _ => out.extend_from_slice(section_table(section, style, 0).as_bytes()),
            }
        }
        return;
    }
    let mut text = format!("{}\n", head(report, style));
    for section in &report.sections {
        let body = match section.kind {
            // Shown with the streams, as bars.
            SectionKind::Timeline => continue,
            SectionKind::Hours => hours(section),
            _ if section.rows.is_empty() => "  none\n".to_owned(),
            SectionKind::Streams => section_table(section, style, 2) + &timeline(report, style),
            _ => section_table(section, style, 2),
        };
        let title = style.text.paint(CellTone::Bold, section.kind.title());
        text += &format!("\n{title}{}\n{body}", hidden_rows(section));
    }
    out.extend_from_slice(text.as_bytes());
}

/// What holds for the whole, in a line or two.
fn head(report: &Report, style: &ReportStyle) -> String {
    let known = |key: &str| report.head.iter().find(|(known, _)| *known == key).map(|(_, value)| value);
    let number = |key: &str| match known(key) {
        Some(Value::Number(number)) => *number,
        _ => 0,
    };
    let times =
        [known("first"), known("last")].map(|time| time.map(|time| style.text(time)).unwrap_or_default());
    let [first, last] = times;
    let mut text = format!("{} events", grouped(number("events")));
    if known("events_before").is_some() {
        text += &format!(", {} in the time before", grouped(number("events_before")));
    }
    if !first.is_empty() {
        text += &format!("; from {first} to {last} ({})", style.zone);
    }
    let traffic = number("session_traffic");
    if traffic > 0 {
        text += &format!("\n{} events of session traffic are counted apart", grouped(traffic));
    }
    text
}

/// How many rows there are beside those that are shown.
fn hidden_rows(section: &ReportSection) -> String {
    let shown = shown_rows(section).len();
    match section.distinct > shown as u64 {
        true => format!(" ({shown} of {})", grouped(section.distinct)),
        false => String::new(),
    }
}

fn shown_rows(section: &ReportSection) -> &[Vec<Value>] {
    match section.kind {
        SectionKind::Places => &section.rows[..section.rows.len().min(PLACES)],
        _ => &section.rows,
    }
}

fn section_table(section: &ReportSection, style: &ReportStyle, indent: u16) -> String {
    let mut table = TextTable::new(style.text, indent);
    let columns: Vec<(usize, &Column)> =
        section.columns.iter().enumerate().filter(|(_, column)| !column.is_hidden).collect();
    let titles: Vec<String> = columns.iter().map(|(_, column)| column.label().to_uppercase()).collect();
    table.header(titles.iter().map(String::as_str));
    for row in shown_rows(section) {
        table.row(columns.iter().map(|(at, _)| cell(&row[*at], style)));
    }
    let at = |wanted: fn(&Column) -> bool| {
        let found = columns.iter().enumerate().filter(move |(_, (_, column))| wanted(column));
        found.map(|(index, _)| index).collect::<Vec<_>>()
    };
    table.align_right(at(|column| column.is_number)).keep_whole(at(|column| !column.may_wrap)).render()
}

fn cell<'a>(value: &'a Value, style: &ReportStyle) -> (CellTone, Cow<'a, str>) {
    match value {
        Value::Nothing => (CellTone::Dim, "-".into()),
        Value::Number(number) => (CellTone::Plain, grouped(*number).into()),
        Value::List(texts) if texts.len() > LISTED => {
            let more = texts.len() - LISTED;
            (CellTone::Plain, format!("{}, and {more} more", texts[..LISTED].join(", ")).into())
        }
        value => (CellTone::Plain, style.text(value).into()),
    }
}

/// The timeline as a line of bars a stream.
fn timeline(report: &Report, style: &ReportStyle) -> String {
    let Some(section) = report.sections.iter().find(|section| section.kind == SectionKind::Timeline) else {
        return String::new();
    };
    let hours = section.rows.first().map_or(1, |row| row[1].number());
    if section.rows.len() < 2 {
        return String::new();
    }
    let width = usize::from(style.text.width.unwrap_or(80)).saturating_sub(20).clamp(8, WIDEST_BARS);
    let together = section.rows.len().div_ceil(width);
    let step = match hours * together as u64 {
        1 => "an hour".to_owned(),
        24 => "a day".to_owned(),
        hours if hours % 24 == 0 => format!("{} days", hours / 24),
        hours => format!("{hours} hours"),
    };
    let mut text = format!("  each bar is {step}\n");
    for (at, column) in section.columns.iter().enumerate().skip(2) {
        let counts: Vec<u64> = section.rows.iter().map(|row| row[at].number()).collect();
        let sums: Vec<u64> = counts.chunks(together).map(|counts| counts.iter().sum()).collect();
        text +=
            &format!("  {:<15}  {}\n", column.label(), bars(&sums, sums.iter().copied().max().unwrap_or(0)));
    }
    text
}

/// The hours of each day of the week as bars.
fn hours(section: &ReportSection) -> String {
    let counts: Vec<u64> = section.rows.iter().map(|row| row[2].number()).collect();
    let most = counts.iter().copied().max().unwrap_or(0);
    let mut text = "       0     6     12    18\n".to_owned();
    for (day, hours) in WEEKDAYS.iter().zip(counts.chunks(24)) {
        text += &format!("  {day}  {}\n", bars(hours, most));
    }
    text
}

/// A bar a number; nothing is a space, and the least is a bar all the same.
fn bars(counts: &[u64], most: u64) -> String {
    let bar = |count: &u64| match count {
        0 => ' ',
        count => BARS[((count * BARS.len() as u64).div_ceil(most.max(1)) as usize - 1).min(BARS.len() - 1)],
    };
    counts.iter().map(bar).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_begin_with_the_least_and_end_with_the_most() {
        assert_eq!(bars(&[0, 1, 50, 100, 0], 100), " ▁▄█");
        assert_eq!(bars(&[], 0), "");
        assert_eq!(bars(&[1, 1], 1), "██");
    }
}

//! A report as one HTML file that opens anywhere: no script, nothing from elsewhere, readable by a screen reader and on
//! paper. Every chart has its table.

mod charts;
mod writer;

use self::charts::{Bar, PlaceDot, TimeStep};
use self::writer::HtmlWriter;
use super::ReportStyle;
use crate::analyze::clock_names::WEEKDAYS;
use crate::analyze::report::{Column, Report, ReportSection, SectionKind, Value};
use crate::size::grouped;

const STYLE: &str = include_str!("page.css");

/// Nothing may be loaded, run or sent.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// How many rows a table has at most; more are for CSV and JSON.
const MOST_ROWS: usize = 500;

/// How many bars a chart has at most.
const MOST_BARS: usize = 30;

/// From how many rows on a table is folded away below its chart.
const LONG: usize = 60;

/// Appends the page.
pub(super) fn write(report: &Report, style: &ReportStyle, out: &mut Vec<u8>) {
    let mut html = HtmlWriter::default();
    html.constant("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    html.open("meta", &[("http-equiv", "Content-Security-Policy"), ("content", POLICY)]);
    html.open("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
    let title =
        if report.is_rows { report.sections.first().map_or("", |s| s.kind.title()) } else { "What happened" };
    html.element("title", &[], &format!("{title} - opev"));
    html.constant("<style>").constant(STYLE).constant("</style></head><body>\n");
    html.open("header", &[]).element("h1", &[], title);
    head(report, style, &mut html);
    html.close("header").open("main", &[]);
    for section in &report.sections {
        section_html(section, style, &mut html);
    }
    html.close("main").constant("\n</body></html>\n");
    out.extend_from_slice(html.finish().as_bytes());
}

/// What holds for the whole report.
fn head(report: &Report, style: &ReportStyle, html: &mut HtmlWriter) {
    let known = report.head.iter().filter(|(_, value)| *value != Value::Nothing);
    let told = known.map(|(key, value)| {
        let text = match value {
            Value::Number(number) => grouped(*number),
            value => style.text(value),
        };
        format!("{} {text}", key.replace('_', " "))
    });
    let told: Vec<String> = told.chain([format!("times in {}", style.zone)]).collect();
    html.element("p", &[], &told.join("; "));
    for note in report.notes() {
        html.element("p", &[], &note);
    }
}

fn section_html(section: &ReportSection, style: &ReportStyle, html: &mut HtmlWriter) {
    let title = section.kind.title();
    html.open("section", &[]).element("h2", &[], title);
    if section.rows.is_empty() {
        html.element("p", &[], "None.").close("section");
        return;
    }
    if let Some(chart) = chart(section, style) {
        html.open("figure", &[]).append(&chart).close("figure");
    }
    let is_long = section.rows.len() > LONG || section.kind == SectionKind::Timeline;
    if is_long {
        html.open("details", &[]).element("summary", &[], "Table");
    }
    match section.kind {
        SectionKind::Hours => hours_table(section, html),
        _ => table(section, style, html),
    }
    if is_long {
        html.close("details");
    }
    let shown = section.rows.len().min(MOST_ROWS) as u64;
    if section.distinct > shown {
        html.element("p", &[], &format!("{} of {} rows.", grouped(shown), grouped(section.distinct)));
    }
    html.constant("</section>\n");
}

/// The picture of a section, where it has one.
fn chart(section: &ReportSection, style: &ReportStyle) -> Option<HtmlWriter> {
    let title = section.kind.title();
    match section.kind {
        SectionKind::Timeline => {
            let names: Vec<String> = section.columns.iter().skip(2).map(Column::label).collect();
            let steps = section.rows.iter().map(|row| TimeStep {
                label: style.text(&row[0]),
                lanes: row[2..].iter().map(Value::number).collect(),
            });
            Some(charts::timeline(title, &names, &steps.collect::<Vec<_>>()))
        }
        SectionKind::Hours => {
            let counts: Vec<u64> = section.rows.iter().map(|row| row[2].number()).collect();
            Some(charts::heat(title, &WEEKDAYS, &counts))
        }
        SectionKind::Places => {
            let dot = |row: &Vec<Value>| PlaceDot {
                label: format!("{}, {}", style.text(&row[0]), style.text(&row[1])),
                north: row[2].decimal(),
                east: row[3].decimal(),
                succeeded: row[4].number(),
                failed: row[5].number(),
            };
            Some(charts::map(title, &section.rows.iter().map(dot).collect::<Vec<_>>()))
        }
        SectionKind::By | SectionKind::Streams | SectionKind::Counted { .. } => {
            let at = |key: &str| section.columns.iter().position(|column| column.key == key);
            let count = at("count")?;
            let before = at("before");
            let bar = |row: &Vec<Value>| Bar {
                label: bar_label(section, row, count, style),
                count: row[count].number(),
                before: before.map(|before| row[before].number()),
            };
            Some(charts::bars(title, &section.rows.iter().take(MOST_BARS).map(bar).collect::<Vec<_>>()))
        }
        SectionKind::FirstSeen | SectionKind::Detections | SectionKind::Exposure | SectionKind::Travel => {
            None
        }
    }
}

/// What stands before the count in a row.
fn bar_label(section: &ReportSection, row: &[Value], count: usize, style: &ReportStyle) -> String {
    let shown = section.columns.iter().zip(row).take(count).filter(|(column, _)| !column.is_hidden);
    let texts =
        shown.map(|(_, value)| if *value == Value::Nothing { "-".to_owned() } else { style.text(value) });
    texts.collect::<Vec<_>>().join(", ")
}

fn table(section: &ReportSection, style: &ReportStyle, html: &mut HtmlWriter) {
    let columns: Vec<(usize, &Column)> =
        section.columns.iter().enumerate().filter(|(_, column)| !column.is_hidden).collect();
    html.open("div", &[("class", "scroll")]).open("table", &[]).open("thead", &[]).open("tr", &[]);
    for (_, column) in &columns {
        let class = if column.is_number { "n" } else { "" };
        html.element("th", &[("scope", "col"), ("class", class)], &column.label());
    }
    html.close("tr").close("thead").open("tbody", &[]);
    for row in section.rows.iter().take(MOST_ROWS) {
        html.open("tr", &[]);
        for (at, column) in &columns {
            let text = match &row[*at] {
                Value::Number(number) => grouped(*number),
                value => style.text(value),
            };
            let class = match (column.is_number, &row[*at]) {
                (true, _) => "n",
                (false, Value::Time(_)) => "t",
                _ => "",
            };
            html.element("td", &[("class", class)], &text);
        }
        html.close("tr");
    }
    html.close("tbody").close("table").close("div");
}

/// Weekdays down, hours across.
fn hours_table(section: &ReportSection, html: &mut HtmlWriter) {
    html.open("div", &[("class", "scroll")]).open("table", &[]).open("thead", &[]).open("tr", &[]);
    html.element("th", &[("scope", "col")], "weekday");
    for hour in 0..24 {
        html.element("th", &[("scope", "col"), ("class", "n")], &hour.to_string());
    }
    html.close("tr").close("thead").open("tbody", &[]);
    for (day, hours) in WEEKDAYS.iter().zip(section.rows.chunks(24)) {
        html.open("tr", &[]).element("th", &[("scope", "row")], day);
        for row in hours {
            html.element("td", &[("class", "n")], &grouped(row[2].number()));
        }
        html.close("tr");
    }
    html.close("tbody").close("table").close("div");
}

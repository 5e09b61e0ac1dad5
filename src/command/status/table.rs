//! The overview for people: a block a position, a row a stream, its trouble beneath. Fits 80 columns.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use unicode_width::UnicodeWidthStr as _;

use super::problems::{error_text, short};
use super::view::{ConsumerStatus, StatusReport, StreamStatus};
use crate::health::CollectorState;
use crate::sanitize;
use crate::time::{Zone, duration};

/// How it is to look.
#[derive(Clone, Debug)]
pub(super) struct StatusStyle {
    /// Columns; the greatest number where nothing is to be wrapped.
    pub width: usize,
    /// Whether it may be coloured.
    pub colour: bool,
    /// The zone of times.
    pub zone: Zone,
}

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";

const HEAD: [&str; 9] = ["STREAM", "STATE", "AGE", "NEWEST", "POLLED", "EVERY", "24H", "7D", "LEFT"];

impl StatusStyle {
    fn paint(&self, style: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// The whole text.
pub(super) fn table(overview: &StatusReport, look: &StatusStyle) -> String {
    let mut out = String::new();
    for standing in &overview.positions {
        if !out.is_empty() {
            out.push('\n');
        }
        block(&mut out, standing, overview.time, look);
    }
    for profile in &overview.without_position {
        let _ = writeln!(out, "\n{}  no saved position", look.paint(BOLD, profile));
    }
    out
}

fn block(out: &mut String, standing: &ConsumerStatus, now: DateTime<Utc>, look: &StatusStyle) {
    let (profile, consumer) = (sanitize::message(&standing.profile), sanitize::message(&standing.consumer));
    let _ = writeln!(out, "{}  {consumer}", look.paint(BOLD, &profile));
    paragraph(out, &heading(standing, look), 2, None, look);
    if let Some(damage) = &standing.damage {
        paragraph(out, damage, 2, Some(RED), look);
    } else if let Some(error) = &standing.blocked {
        let text = format!("the last run could not begin: {}", error_text(error, now));
        paragraph(out, &text, 2, Some(RED), look);
    }
    if standing.streams.is_empty() {
        return;
    }
    let rows: Vec<[String; 9]> = standing.streams.iter().map(|stream| cells(stream, now)).collect();
    let widths: [usize; 9] = std::array::from_fn(|at| {
        rows.iter().map(|row| row[at].width()).chain([HEAD[at].len()]).max().unwrap_or_default()
    });
    let _ = writeln!(out, "  {}", look.paint(DIM, &line(&HEAD.map(str::to_owned), &widths, |_, cell| cell)));
    for (row, stream) in rows.iter().zip(&standing.streams) {
        let paint = |at, cell: String| if at == 1 { look.paint(tone(stream), &cell) } else { cell };
        let _ = writeln!(out, "  {}", line(row, &widths, paint));
        if stream.died {
            paragraph(out, "ended without a word: killed, or the machine went down", 4, Some(RED), look);
        }
        match &stream.last_error {
            Some(error) if stream.is_failing() => {
                paragraph(out, &error_text(error, now), 4, Some(RED), look);
            }
            Some(error) => paragraph(out, &format!("over: {}", error_text(error, now)), 4, Some(DIM), look),
            None => {}
        }
    }
}

/// Who works here and since when.
fn heading(standing: &ConsumerStatus, look: &StatusStyle) -> String {
    let work = standing.work.map_or("run", |work| work.name());
    match (&standing.holder, standing.running, standing.saved_at) {
        (Some(holder), ..) => {
            format!("{work} by process {} since {}", holder.pid, look.zone.show(holder.since))
        }
        (None, true, _) => format!("{work} by a process that left no note in its lock"),
        (None, false, Some(saved_at)) => format!("{work}, not running; saved {}", look.zone.show(saved_at)),
        (None, false, None) => format!("{work}, not running; nothing saved"),
    }
}

fn cells(stream: &StreamStatus, now: DateTime<Utc>) -> [String; 9] {
    let dash = || "-".to_owned();
    let ago = |then: Option<DateTime<Utc>>| then.map_or_else(dash, |then| short(now - then));
    let number = |n: Option<u64>| n.map_or_else(dash, count);
    [
        stream.stream.clone(),
        word(stream).to_owned(),
        ago(stream.fresh_at()),
        ago(stream.newest_event),
        ago(stream.last_poll),
        stream.interval().map_or_else(dash, duration::show),
        number(stream.events_24h),
        number(stream.events_7d),
        stream.retention_days_left.map_or_else(dash, |days| format!("{}d", days.max(0))),
    ]
}

/// The state in a word; for people, what has stopped is not stopping.
fn word(stream: &StreamStatus) -> &'static str {
    match stream.state {
        _ if stream.died => "died",
        Some(CollectorState::Stopping) => "ended",
        Some(state) => state.word(),
        None => "-",
    }
}

fn tone(stream: &StreamStatus) -> &'static str {
    match stream.state {
        Some(CollectorState::Error) => RED,
        Some(CollectorState::Collecting) => GREEN,
        Some(CollectorState::Stopping) | None => DIM,
        Some(_) => YELLOW,
    }
}

/// A count in at most five columns.
fn count(n: u64) -> String {
    match n {
        0..100_000 => n.to_string(),
        100_000..10_000_000 => format!("{}k", n / 1000),
        _ => format!("{}M", n / 1_000_000),
    }
}

/// A row: names to the left, numbers to the right.
fn line(row: &[String; 9], widths: &[usize; 9], paint: impl Fn(usize, String) -> String) -> String {
    let cell = |(at, text): (usize, &String)| {
        let fitted =
            if at < 2 { format!("{text:<0$}", widths[at]) } else { format!("{text:>0$}", widths[at]) };
        paint(at, fitted)
    };
    row.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ").trim_end().to_owned()
}

/// Appends a foreign text, broken between words so that no line is wider than the terminal.
fn paragraph(out: &mut String, text: &str, indent: usize, style: Option<&str>, look: &StatusStyle) {
    let text = sanitize::escaped(text);
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if indent + line.width() + 1 + word.width() <= look.width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    for line in lines {
        let line = style.map_or_else(|| line.clone(), |style| look.paint(style, &line));
        let _ = writeln!(out, "{:indent$}{line}", "");
    }
}

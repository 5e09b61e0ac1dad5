//! The report for people: one block per position, one row per stream, errors below it. Fits 80 columns, and says the
//! same in other words on narrower terminals.

use std::borrow::Cow;
use std::fmt::Write as _;

use chrono::{DateTime, Utc};

use super::StatusReport;
use super::consumers::{ConsumerStatus, StreamStatus};
use super::problem::{error_text, short};
use super::problems::changed_output;
use crate::console::{CellTone, TextStyle, TextTable};
use crate::event::Stream;
use crate::health::CollectorState;
use crate::output::saved_state::Verified;
use crate::sanitize;
use crate::time::{Zone, duration};

const HEADER: [&str; 9] = ["STREAM", "STATE", "AGE", "NEWEST", "POLLED", "EVERY", "24H", "7D", "LEFT"];

/// Narrower terminals have no room for the columns: values then have their names beside them.
const TABULAR: u16 = 72;

/// The report as text, its times in this zone.
pub fn table(report: &StatusReport, style: TextStyle, zone: &Zone) -> String {
    let mut out = String::new();
    for consumer in &report.positions {
        if !out.is_empty() {
            out.push('\n');
        }
        block(&mut out, consumer, report.time, style, zone);
    }
    for profile in &report.without_position {
        let _ = writeln!(out, "\n{}  no saved position", style.paint(CellTone::Bold, profile));
    }
    out
}

fn block(out: &mut String, consumer: &ConsumerStatus, now: DateTime<Utc>, style: TextStyle, zone: &Zone) {
    let (profile, name) = (sanitize::message(&consumer.profile), sanitize::message(&consumer.consumer));
    let _ = writeln!(out, "{}  {name}", style.paint(CellTone::Bold, &profile));
    paragraph(out, &heading(consumer, zone), CellTone::Plain, style);
    if let Some(damage) = &consumer.damage {
        paragraph(out, damage, CellTone::Bad, style);
    } else if let Some(error) = &consumer.blocked {
        let text = format!("the last run could not begin: {}", error_text(error, now));
        paragraph(out, &text, CellTone::Bad, style);
    } else if consumer.output_missing {
        paragraph(out, "the file is missing: it was moved away or removed", CellTone::Warning, style);
    } else if let Some(text) = changed_output(consumer) {
        paragraph(out, &text, CellTone::Bad, style);
    } else if let Some(verified) = consumer.output_verified {
        paragraph(out, verification(verified), CellTone::Plain, style);
    }
    if consumer.streams.is_empty() {
        return;
    }
    let mut rows = TextTable::new(style, 2);
    if style.width.is_some_and(|width| width < TABULAR) {
        for stream in &consumer.streams {
            rows.row(listed(cells(stream, now)));
        }
        out.push_str(&rows.keep_whole([0, 1]).render());
    } else {
        rows.header(HEADER);
        for stream in &consumer.streams {
            rows.row(cells(stream, now));
        }
        out.push_str(&rows.keep_whole([0, 1]).align_right(2..HEADER.len()).render());
    }
    notes(out, &consumer.streams, now, style);
}

fn verification(verified: Verified) -> &'static str {
    match verified {
        Verified::AsDelivered => "the file holds what was delivered to it",
        Verified::Changed => "the file was changed",
        Verified::Missing => "the file is missing",
        Verified::Unknown => "the file cannot be verified yet: no digest of it was saved",
    }
}

/// What went wrong with the streams, a row each.
fn notes(out: &mut String, streams: &[StreamStatus], now: DateTime<Utc>, style: TextStyle) {
    let mut rows = TextTable::new(style, 2);
    let mut is_empty = true;
    for stream in streams {
        let died = stream
            .died
            .then(|| (CellTone::Bad, "ended without saying so: killed, or the machine went down".to_owned()));
        let error = stream.last_error.as_ref().map(|error| {
            let text = error_text(error, now);
            if stream.is_failing() { (CellTone::Bad, text) } else { (CellTone::Dim, format!("over: {text}")) }
        });
        for (tone, text) in died.into_iter().chain(error) {
            is_empty = false;
            rows.row([(CellTone::Plain, word(stream).into()), (tone, text.into())]);
        }
    }
    if !is_empty {
        out.push_str(&rows.keep_whole([0]).render());
    }
}

/// Who works here and since when.
fn heading(consumer: &ConsumerStatus, zone: &Zone) -> String {
    let mode = consumer.work.map_or("run", |mode| mode.name());
    match (&consumer.holder, consumer.running, consumer.saved_at) {
        (Some(holder), ..) => format!("{mode} by process {} since {}", holder.pid, zone.show(holder.since)),
        (None, true, _) => format!("{mode} by a process that left no note in its lock"),
        (None, false, Some(saved_at)) => format!("{mode}, not running; saved {}", zone.show(saved_at)),
        (None, false, None) => format!("{mode}, not running; nothing saved"),
    }
}

fn cells(stream: &StreamStatus, now: DateTime<Utc>) -> [(CellTone, Cow<'_, str>); 9] {
    let dash = || "-".to_owned();
    let ago = |then: Option<DateTime<Utc>>| then.map_or_else(dash, |then| short(now - then));
    let number = |n: Option<u64>| n.map_or_else(dash, count);
    let plain = |text: String| (CellTone::Plain, Cow::from(text));
    [
        (CellTone::Plain, word(stream).into()),
        // The word of the JSON form: one state has one name.
        (tone(stream), Cow::from(stream.state.map_or("-", CollectorState::word))),
        plain(ago(stream.fresh_at())),
        plain(ago(stream.newest_event)),
        plain(ago(stream.last_poll)),
        plain(stream.interval().map_or_else(dash, duration::show)),
        plain(number(stream.events_24h)),
        plain(number(stream.events_7d)),
        plain(stream.retention_days_left.map_or_else(dash, |days| format!("{}d", days.max(0)))),
    ]
}

/// The same with the values named, in one cell.
fn listed(cells: [(CellTone, Cow<'_, str>); 9]) -> [(CellTone, Cow<'_, str>); 3] {
    let [stream, state, values @ ..] = cells;
    let named = HEADER[2..].iter().zip(&values);
    let named = named.map(|(name, (_, value))| format!("{} {value}", name.to_lowercase()));
    [stream, state, (CellTone::Plain, named.collect::<Vec<_>>().join(", ").into())]
}

/// The stream's word for people.
fn word(stream: &StreamStatus) -> &str {
    stream.stream.parse().map_or(&stream.stream, |known: Stream| known.word())
}

fn tone(stream: &StreamStatus) -> CellTone {
    match stream.state {
        Some(CollectorState::Error) => CellTone::Bad,
        Some(CollectorState::Collecting) => CellTone::Good,
        Some(CollectorState::Stopping) | None => CellTone::Dim,
        Some(_) => CellTone::Warning,
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

/// Appends a text, wrapped to the width.
fn paragraph(out: &mut String, text: &str, tone: CellTone, style: TextStyle) {
    let mut rows = TextTable::new(style, 2);
    rows.row([(tone, Cow::from(text))]);
    out.push_str(&rows.render());
}

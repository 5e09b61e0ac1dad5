//! Events as a table for people: one header, one line an event, in constant memory.
//!
//! Rows come as a stream and must go out as they come, so widths are settled before the first one
//! ([`layout`]) and rows are laid out here by hand: comfy-table measures a whole table before it prints
//! any of it. Nothing wraps. Without a width (no terminal) nothing is cut: cells are padded to their budget
//! and longer ones push the rest of their row aside. A table is for people, wherever it goes: whatever could
//! harm a terminal is escaped, in pipes and files too. Exact values are what ndjson and json are for.

mod fit;
mod layout;

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use self::layout::{Budget, GAP};
use super::RenderOptions;
use super::columns::Columns;
use super::fields::Fields;
use super::shape::{EventContext, Shape};
use crate::event::{Event, Stream};
use crate::facts::Emphasis;

// Both can be read on white and on black; only what happened has them.
const RED: &str = "\x1b[31m";
const MAGENTA: &str = "\x1b[35m";
const BOLD: &str = "\x1b[1m";
const RESET: &str = "\x1b[0m";

/// Writes rows; holds the columns, their widths and one line.
#[derive(Debug)]
pub(super) struct Table {
    columns: Columns,
    budgets: Vec<Budget>,
    /// Index and width of each column shown, from left to right.
    shown: Vec<(usize, usize)>,
    look: RenderOptions,
    line: String,
    scratch: String,
}

impl Table {
    pub(super) fn new(
        fields: Option<&Fields>,
        streams: &[Stream],
        shape: Shape,
        look: RenderOptions,
    ) -> Self {
        let (fields, mut budgets) = match fields {
            Some(fields) => (fields.clone(), layout::asked_columns(fields)),
            None => layout::default_columns(streams, shape),
        };
        for budget in budgets.iter_mut().filter(|budget| budget.is_time) {
            budget.title = time_title(&budget.title, look.zone.name().unwrap_or("UTC"));
            budget.full = budget.full.max(budget.title.len());
        }
        let shown = match look.width {
            Some(width) => layout::fit(&budgets, usize::from(width)),
            None => budgets.iter().map(|budget| budget.full).enumerate().collect(),
        };
        let columns = Columns::new(&fields, shape, look.words, look.colour);
        Table { columns, budgets, shown, look, line: String::new(), scratch: String::new() }
    }

    pub(super) fn begin(&mut self, out: &mut Vec<u8>) {
        self.line.clear();
        for (position, (index, width)) in self.shown.iter().enumerate() {
            self.line.push_str(if position > 0 { GAP } else { "" });
            place(&self.budgets[*index].title, *width, self.look.width.is_some(), &mut self.line);
        }
        let line = self.line.trim_end_matches(' ');
        let (start, end) = if self.look.colour && !line.is_empty() { (BOLD, RESET) } else { ("", "") };
        [start, line, end, "\n"].iter().for_each(|text| out.extend_from_slice(text.as_bytes()));
    }

    pub(super) fn event(
        &mut self,
        event: &Event<'_>,
        context: &EventContext,
        received_at: DateTime<Utc>,
        out: &mut Vec<u8>,
    ) {
        let Table { columns, budgets, shown, look, line, scratch } = self;
        let cells = columns.cells(event, context, received_at);
        let colour = match look.colour.then(|| cells.emphasis()) {
            None | Some(Emphasis::Plain) => None,
            Some(Emphasis::Failed) => Some(RED),
            Some(Emphasis::Sensitive) => Some(MAGENTA),
        };
        line.clear();
        for (position, (index, width)) in shown.iter().enumerate() {
            line.push_str(if position > 0 { GAP } else { "" });
            let start = line.len();
            let Budget { is_time, is_stream, is_what, .. } = budgets[*index];
            let text = if is_stream {
                Cow::Borrowed(short_name(cells.stream()))
            } else {
                cells.cell(*index, scratch).text()
            };
            let is_cut = look.width.is_some();
            match if is_time { DateTime::parse_from_rfc3339(&text).ok() } else { None } {
                Some(time) => place(&look.zone.show(time.to_utc()), *width, is_cut, line),
                None => place(&text, *width, is_cut, line),
            }
            if let Some(colour) = colour.filter(|_| is_what) {
                let end = start + line[start..].trim_end_matches(' ').len();
                line.insert_str(end, RESET);
                line.insert_str(start, colour);
            }
        }
        out.extend_from_slice(line.trim_end_matches(' ').as_bytes());
        out.push(b'\n');
    }
}

/// Appends a cell's text, padded; cut where there is a width to keep.
fn place(text: &str, width: usize, is_cut: bool, line: &mut String) {
    if is_cut { fit::cut(text, width, line) } else { fit::pad(text, width, line) }
}

/// A stream's name in a narrow column: one that can also be typed.
fn short_name(stream: Stream) -> &'static str {
    match stream {
        Stream::SignInAttempts => "sign-in",
        Stream::ItemUsages => "usage",
        Stream::AuditEvents => "audit",
    }
}

/// The title of a column of times, with the zone; only the zone's last part where the whole name is too
/// long (`TIME (Buenos_Aires)`).
fn time_title(title: &str, zone: &str) -> String {
    let whole = format!("{title} ({zone})");
    if whole.len() <= layout::TIME {
        return whole;
    }
    format!("{title} ({})", zone.rsplit('/').next().unwrap_or(zone))
}

#[cfg(test)]
mod tests;

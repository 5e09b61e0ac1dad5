//! Events as a table for people: one header, one line per event (two on a narrow terminal), in constant
//! memory.
//!
//! Rows come as a stream and must go out as they come, so widths are settled before the first one
//! ([`layout`]) and rows are laid out here by hand: comfy-table measures a whole table before it prints
//! any of it. Nothing wraps, but what happened goes to lines of its own in the rows whose address takes its room,
//! and where a uuid in it would be cut: half a uuid is useless.
//! Without a width (no terminal) nothing is cut: cells are padded to their budget
//! and longer ones push the rest of their row aside. A table is for people, wherever it goes: whatever could
//! harm a terminal is escaped, in pipes and files too. Exact values are what ndjson and json are for.

mod fit;
mod layout;

use chrono::{DateTime, Utc};

use self::layout::{Budget, GAP, INDENT};
use super::RenderOptions;
use super::columns::{Columns, EventCells};
use super::fields::Fields;
use super::shape::{EventContext, Shape};
use crate::event::{Event, Stream};
use crate::facts::Emphasis;

// Both can be read on white and on black; only the column WHAT has them.
const RED: &str = "\x1b[31m";
const MAGENTA: &str = "\x1b[35m";
const BOLD: &str = "\x1b[1m";
const RESET: &str = "\x1b[0m";

/// With less room beside a long address, the last column of a row goes to a line of its own.
const LEAST_PROSE: usize = 16;

/// The indentation of the last column on a line of its own.
const ALONE: &str = "    ";

/// On a narrower terminal a line of its own would not hold a uuid and a word either.
const LEAST_ALONE: usize = 40;

/// How many lines of its own the last column takes at most: an event may say as much as it likes.
const MOST_LINES: usize = 3;

/// Writes rows; holds the columns, their widths and one line.
#[derive(Debug)]
pub(super) struct Table {
    /// What it was made for, to be made anew for another width.
    asked: Option<Fields>,
    streams: Vec<Stream>,
    shape: Shape,
    columns: Columns,
    budgets: Vec<Budget>,
    /// Index and width of each column shown, from left to right, by the lines of a row.
    shown: Vec<Vec<(usize, usize)>>,
    options: RenderOptions,
    line: String,
    scratch: String,
    /// What happened, while its row is written.
    what: String,
}

impl Table {
    pub(super) fn new(
        fields: Option<&Fields>,
        streams: &[Stream],
        shape: Shape,
        options: RenderOptions,
    ) -> Self {
        let asked = fields.cloned();
        let (fields, mut budgets) = match fields {
            Some(fields) => (fields.clone(), layout::asked_columns(fields)),
            None => layout::default_columns(streams, shape, options.width),
        };
        for budget in budgets.iter_mut().filter(|budget| budget.is_time) {
            budget.title = time_title(&budget.title, options.zone.name());
            budget.full = budget.full.max(budget.title.len());
        }
        let shown = match options.width {
            Some(width) => layout::lines(&budgets, usize::from(width)),
            None => vec![budgets.iter().map(|budget| budget.full).enumerate().collect()],
        };
        let columns = Columns::new(&fields, shape, options.words, options.colour || options.escape);
        Table {
            asked,
            streams: streams.to_vec(),
            shape,
            columns,
            budgets,
            shown,
            options,
            line: String::new(),
            scratch: String::new(),
            what: String::new(),
        }
    }

    /// Lays the rows that follow out for another width.
    pub(super) fn resize(&mut self, width: u16) {
        let options = RenderOptions { width: self.options.width.map(|_| width), ..self.options.clone() };
        *self = Table::new(self.asked.as_ref(), &self.streams, self.shape, options);
    }

    pub(super) fn begin(&mut self, out: &mut Vec<u8>) {
        for (number, columns) in self.shown.iter().enumerate() {
            self.line.clear();
            self.line.push_str(if number > 0 { INDENT } else { "" });
            for (position, (index, width)) in columns.iter().enumerate() {
                self.line.push_str(if position > 0 { GAP } else { "" });
                place(&self.budgets[*index].title, *width, self.options.width.is_some(), &mut self.line);
            }
            let line = self.line.trim_end_matches(' ');
            let (start, end) = if self.options.colour && !line.is_empty() { (BOLD, RESET) } else { ("", "") };
            [start, line, end, "\n"].iter().for_each(|text| out.extend_from_slice(text.as_bytes()));
        }
    }

    /// Appends a row; says how much it catches the eye where a person sees it.
    pub(super) fn event(
        &mut self,
        event: &Event<'_>,
        context: &EventContext,
        received_at: DateTime<Utc>,
        out: &mut Vec<u8>,
    ) -> Option<Emphasis> {
        let Table { asked, columns, budgets, shown, options, line, scratch, what, .. } = self;
        let cells = columns.cells(event, context, received_at);
        let emphasis = (options.colour || options.escape).then(|| cells.emphasis());
        let colour = match emphasis.filter(|_| options.colour) {
            None | Some(Emphasis::Plain) => None,
            Some(Emphasis::Failed) => Some(RED),
            Some(Emphasis::Sensitive) => Some(MAGENTA),
        };
        for (number, columns) in shown.iter().enumerate() {
            line.clear();
            line.push_str(if number > 0 { INDENT } else { "" });
            // What a long address takes from the last column.
            let mut grown = 0;
            let mut is_alone = false;
            let terminal = options.width.filter(|_| asked.is_none()).map(usize::from);
            if let (Some(terminal), Some((index, width))) = (terminal, columns.last())
                && budgets[*index].is_what
            {
                what.clear();
                what.push_str(&cells.cell(*index, scratch).text());
                is_alone = terminal >= LEAST_ALONE && fit::cuts_uuid(what, *width);
            }
            for (position, (index, width)) in columns.iter().enumerate() {
                let is_last = position + 1 == columns.len();
                let budget = &budgets[*index];
                let mut width = *width;
                match options.width {
                    Some(_) if budget.is_from && !is_last => {
                        let last = columns.last().map_or(0, |(_, last)| *last);
                        let wanted = cells.address_width().saturating_sub(width);
                        is_alone |= wanted > last.saturating_sub(LEAST_PROSE);
                        grown = if is_alone { last + GAP.len() } else { wanted };
                        width += grown;
                    }
                    Some(terminal) if is_last && budget.is_what && asked.is_none() => {
                        line.push_str(if position > 0 { GAP } else { "" });
                        let room = (!is_alone).then(|| width - grown);
                        write_what(what, room, terminal, colour, line);
                        continue;
                    }
                    Some(terminal) if is_last && is_alone => {
                        line.truncate(line.trim_end_matches(' ').len());
                        line.push('\n');
                        line.push_str(ALONE);
                        width = usize::from(terminal).saturating_sub(ALONE.len());
                    }
                    _ if is_last => width -= grown,
                    _ => {}
                }
                line.push_str(if position > 0 && !(is_last && is_alone) { GAP } else { "" });
                let start = line.len();
                write_cell(&cells, (*index, budget, width), options, scratch, line);
                if let Some(colour) = colour.filter(|_| budget.is_what) {
                    let end = start + line[start..].trim_end_matches(' ').len();
                    line.insert_str(end, RESET);
                    line.insert_str(start, colour);
                }
            }
            out.extend_from_slice(line.trim_end_matches(' ').as_bytes());
            out.push(b'\n');
        }
        emphasis.filter(|_| options.escape)
    }
}

/// Appends what happened: to the line, where there is room for it, else on lines of its own.
fn write_what(text: &str, room: Option<usize>, terminal: u16, colour: Option<&str>, line: &mut String) {
    let coloured = |line: &mut String, start: usize| {
        if let Some(colour) = colour {
            let end = start + line[start..].trim_end_matches(' ').len();
            line.insert_str(end, RESET);
            line.insert_str(start, colour);
        }
    };
    if let Some(width) =
        room.filter(|width| usize::from(terminal) < LEAST_ALONE || !fit::cuts_uuid(text, *width))
    {
        let start = line.len();
        fit::cut(text, width, line);
        return coloured(line, start);
    }
    line.truncate(line.trim_end_matches(' ').len());
    for piece in fit::wrap(text, usize::from(terminal).saturating_sub(ALONE.len()), MOST_LINES) {
        line.push('\n');
        line.push_str(ALONE);
        let start = line.len();
        line.push_str(piece.trim_end_matches(' '));
        coloured(line, start);
    }
}

/// Appends one cell of a row.
fn write_cell(
    cells: &EventCells<'_, '_>,
    (index, budget, width): (usize, &Budget, usize),
    options: &RenderOptions,
    scratch: &mut String,
    line: &mut String,
) {
    let is_cut = options.width.is_some();
    if budget.is_stream {
        return place(cells.stream().word(), width, is_cut, line);
    }
    let known = if budget.is_event_time { cells.event_time() } else { None };
    if let Some(time) = known {
        scratch.clear();
        options.zone.write(time, scratch);
        return place(scratch, width, is_cut, line);
    }
    let text = cells.cell(index, scratch).text();
    match if budget.is_time { DateTime::parse_from_rfc3339(&text).ok() } else { None } {
        Some(time) => {
            let mut shown = String::new();
            options.zone.write(time.to_utc(), &mut shown);
            place(&shown, width, is_cut, line);
        }
        None => place(&text, width, is_cut, line),
    }
}

/// Appends a cell's text, padded; cut where there is a width to keep.
fn place(text: &str, width: usize, is_cut: bool, line: &mut String) {
    if is_cut { fit::cut(text, width, line) } else { fit::pad(text, width, line) }
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

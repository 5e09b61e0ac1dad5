//! Events as a table for people: one header, one line an event, in constant memory.
//!
//! Rows come as a stream and must go out as they come, so widths are settled before the first one
//! ([`layout`]) and rows are laid out here by hand: comfy-table measures a whole table before it prints
//! any of it. Nothing wraps. Without a width (no terminal) nothing is cut: cells are padded to their budget
//! and longer ones push the rest of their row aside. Line breaks and tabs inside values are escaped always,
//! so that an event is one line; everything else that could harm only for a terminal.

mod fit;
mod layout;

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use self::layout::{Budget, GAP};
use super::RenderOptions;
use super::columns::{Columns, Row};
use super::fields::Fields;
use super::shape::{EventContext, Shape};
use super::story::Emphasis;
use crate::event::{Event, Stream};

const BOLD: &str = "\x1b[1m";
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
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
            budget.title = time_title(&budget.title, look.zone.name());
            budget.full = budget.full.max(budget.title.len());
        }
        let shown = match look.width {
            Some(width) => layout::fit(&budgets, usize::from(width)),
            None => budgets.iter().map(|budget| budget.full).enumerate().collect(),
        };
        Table { columns: Columns::new(&fields, shape), budgets, shown, look, line: String::new() }
    }

    pub(super) fn begin(&mut self, out: &mut Vec<u8>) {
        let titles: Vec<String> =
            self.shown.iter().map(|(index, _)| self.budgets[*index].title.clone()).collect();
        self.row(titles.iter().map(|title| Cow::Borrowed(title.as_str())), Some(BOLD), out);
    }

    pub(super) fn event(
        &mut self,
        event: &Event<'_>,
        context: &EventContext,
        received_at: DateTime<Utc>,
        out: &mut Vec<u8>,
    ) {
        let row = self.columns.row(event, context, received_at);
        let colour = match row.tone() {
            Emphasis::Plain => None,
            Emphasis::Failed => Some(RED),
            Emphasis::Sensitive => Some(YELLOW),
        };
        let cells: Vec<_> = self.shown.iter().map(|(index, _)| self.cell(*index, &row)).collect();
        self.row(cells.into_iter(), colour, out);
    }

    fn cell<'r>(&self, index: usize, row: &'r Row<'_, '_>) -> Cow<'r, str> {
        let Budget { is_time, is_stream, .. } = self.budgets[index];
        if is_stream {
            return Cow::Borrowed(row.stream().word());
        }
        let text = self.columns.cell(index, row).text;
        let time = if is_time { DateTime::parse_from_rfc3339(&text).ok() } else { None };
        time.map_or(text, |time| Cow::Owned(self.look.zone.show(time.to_utc())))
    }

    fn row<'c>(
        &mut self,
        cells: impl Iterator<Item = Cow<'c, str>>,
        colour: Option<&str>,
        out: &mut Vec<u8>,
    ) {
        self.line.clear();
        for (position, (text, (_, width))) in cells.zip(&self.shown).enumerate() {
            if position > 0 {
                self.line.extend([' '; GAP]);
            }
            match self.look.width {
                Some(_) => fit::cut(&text, *width, self.look.escape, &mut self.line),
                None => fit::pad(&text, *width, self.look.escape, &mut self.line),
            }
        }
        let line = self.line.trim_end_matches(' ');
        match colour.filter(|_| self.look.colour && !line.is_empty()) {
            Some(colour) => {
                [colour, line, RESET].iter().for_each(|text| out.extend_from_slice(text.as_bytes()))
            }
            None => out.extend_from_slice(line.as_bytes()),
        }
        out.push(b'\n');
    }
}

/// The title of a column of times, with the zone unless it is UTC; only its last part where the whole name
/// is too long (`TIME Buenos_Aires`).
fn time_title(title: &str, zone: Option<&str>) -> String {
    let Some(zone) = zone else { return title.to_owned() };
    let whole = format!("{title} {zone}");
    if whole.len() <= 19 {
        return whole;
    }
    format!("{title} {}", zone.rsplit('/').next().unwrap_or(zone))
}

#[cfg(test)]
mod tests;

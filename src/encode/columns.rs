//! From a choice of fields to the cells of a row, for tables and CSV alike.
//!
//! Nothing here knows widths, quoting or escapes: a cell is a text and whether it is a text by nature.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};

use super::fields::{Fields, Made, Source};
use super::item::{Found, Paths};
use super::shape::{EventContext, Shape};
use super::story::{Emphasis, EventSummary, add_facts};
use crate::event::{Event, Stream};

/// What stands in one column of one event.
pub(super) struct Cell<'a> {
    pub(super) text: Cow<'a, str>,
    /// Whether it is text, and not a number, a boolean or JSON: only text can pass for a formula.
    pub(super) is_text: bool,
}

impl<'a> Cell<'a> {
    fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Cell { text: text.into(), is_text: true }
    }
}

/// The columns of an output, ready to look their cells up.
#[derive(Debug)]
pub(super) struct Columns {
    paths: Paths,
    columns: Vec<Column>,
    /// Under the envelope, an event without `account_uuid` takes the account it was read from.
    account_known: bool,
}

#[derive(Debug)]
enum Column {
    Made(Made),
    Slots { slot: usize, or: Option<usize>, is_account: bool },
}

/// One event with everything its cells are made from.
pub(super) struct Row<'a, 'r> {
    event: &'r Event<'a>,
    found: Found<'a>,
    context: &'r EventContext,
    received_at: DateTime<Utc>,
}

impl Columns {
    pub(super) fn new(fields: &Fields, shape: Shape) -> Self {
        let mut paths = Paths::default();
        add_facts(&mut paths);
        let columns = fields.iter().map(|field| match &field.source {
            Source::Made(made) => Column::Made(*made),
            Source::Path { path, or } => Column::Slots {
                slot: paths.add(path),
                or: or.as_ref().map(|path| paths.add(path)),
                is_account: field.name == "account_uuid",
            },
        });
        let columns = columns.collect();
        Columns { paths, columns, account_known: shape == Shape::Envelope }
    }

    pub(super) fn row<'a, 'r>(
        &self,
        event: &'r Event<'a>,
        context: &'r EventContext,
        received_at: DateTime<Utc>,
    ) -> Row<'a, 'r> {
        Row { event, found: self.paths.find(event.raw), context, received_at }
    }

    /// The row's cell in the column at `index`.
    pub(super) fn cell<'r>(&self, index: usize, row: &'r Row<'_, '_>) -> Cell<'r> {
        match self.columns[index] {
            Column::Made(made) => row.made(made),
            Column::Slots { slot, or, is_account } => {
                let at = |slot: usize| row.found[slot].filter(|value| !value.is_null());
                match at(slot).or_else(|| or.and_then(at)) {
                    Some(value) => Cell { text: value.text(), is_text: value.is_string() },
                    None if is_account && self.account_known => {
                        Cell::text(row.context.account_uuid.as_deref().unwrap_or_default())
                    }
                    None => Cell::text(""),
                }
            }
        }
    }
}

impl<'a> Row<'a, '_> {
    /// The stream's name.
    pub(super) fn stream(&self) -> Stream {
        self.event.stream
    }

    /// How much the row should catch the eye.
    pub(super) fn tone(&self) -> Emphasis {
        self.story().tone()
    }

    fn story(&self) -> EventSummary<'a, '_> {
        EventSummary { stream: self.event.stream, found: &self.found }
    }

    fn made(&self, made: Made) -> Cell<'_> {
        match made {
            Made::Stream => Cell::text(self.event.stream.name()),
            Made::Profile => Cell::text(&*self.context.profile),
            Made::ReceivedAt => Cell::text(self.received_at.to_rfc3339_opts(SecondsFormat::Millis, true)),
            Made::Who => Cell::text(self.story().who()),
            Made::Email => Cell::text(self.story().email()),
            Made::What => Cell::text(self.story().what()),
            Made::From => Cell::text(self.story().from()),
            Made::With => Cell::text(self.story().with()),
            Made::Event => {
                let mut json = Vec::with_capacity(self.event.raw.len());
                Shape::Raw.write(self.event, self.context, self.received_at, &mut json);
                Cell { text: Cow::Owned(String::from_utf8_lossy(&json).into_owned()), is_text: false }
            }
        }
    }
}

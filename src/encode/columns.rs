//! From a choice of fields to the cells of a row, for tables and CSV alike.
//!
//! Nothing here knows widths, quoting or escapes: a cell is a JSON text where it lies, or a text made for
//! it. Values that are not shown are not decoded.

use std::borrow::Cow;
use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat, Utc};

use super::fields::{FieldSource, Fields, MadeColumn};
use super::shape::{EventContext, Shape};
use crate::event::{Event, Stream};
use crate::facts::{
    Emphasis, EventFacts, FoundFields, JsonText, Lookup, LookupBuffer, MemberBuffer, WordStyle,
};

/// The value of one column of one event.
#[derive(Clone, Copy, Debug)]
pub(super) enum CellContent<'c> {
    /// Nothing.
    Missing,
    /// A value in the event's text.
    Value(JsonText<'c>),
    /// A text that was made for it.
    Text(&'c str),
    /// JSON that was made for it.
    Json(&'c str),
}

impl<'c> CellContent<'c> {
    /// The text of the cell.
    pub(super) fn text(self) -> Cow<'c, str> {
        match self {
            CellContent::Missing => Cow::Borrowed(""),
            CellContent::Value(value) => value.text(),
            CellContent::Text(text) | CellContent::Json(text) => Cow::Borrowed(text),
        }
    }
}

/// The columns of an output, ready to look their cells up.
#[derive(Debug)]
pub(super) struct Columns {
    lookup: Lookup,
    /// One a stream: events of a stream look alike, which the look-up makes use of.
    buffers: [LookupBuffer; Stream::ALL.len()],
    columns: Vec<ColumnSource>,
    words: WordStyle,
    /// Under the envelope, an event without `account_uuid` takes the account it was read from.
    account_known: bool,
}

#[derive(Clone, Copy, Debug)]
enum ColumnSource {
    Made(MadeColumn),
    Slot { slot: usize, or: Option<usize>, is_account: bool },
}

/// One event with everything that its cells need.
#[derive(Clone, Copy)]
pub(super) struct EventCells<'a, 'r> {
    columns: &'r [ColumnSource],
    words: WordStyle,
    account_known: bool,
    event: &'r Event<'a>,
    pub(super) found: FoundFields<'a, 'r>,
    context: &'r EventContext,
    received_at: DateTime<Utc>,
}

impl Columns {
    /// Prepares the columns; `with_facts` where facts are needed beside the columns.
    pub(super) fn new(fields: &Fields, shape: Shape, words: WordStyle, with_facts: bool) -> Self {
        let needs_facts = with_facts || fields.iter().any(|field| field.source.needs_facts());
        let mut lookup = if needs_facts { Lookup::for_facts() } else { Lookup::default() };
        let columns = fields.iter().map(|field| match &field.source {
            FieldSource::Made(made) => {
                if *made == MadeColumn::Other {
                    lookup.keep_rest();
                }
                ColumnSource::Made(*made)
            }
            FieldSource::Path { path, or } => {
                let (slot, or) = match or {
                    Some(other) => {
                        let (slot, other) = lookup.add_with_alternative(path, other);
                        (slot, Some(other))
                    }
                    None => (lookup.add(path), None),
                };
                ColumnSource::Slot { slot, or, is_account: field.name == "account_uuid" }
            }
        });
        let columns = columns.collect();
        let account_known = shape == Shape::Envelope;
        Columns { lookup, buffers: Default::default(), columns, words, account_known }
    }

    /// Looks an event up.
    pub(super) fn cells<'a, 'r>(
        &'r mut self,
        event: &'r Event<'a>,
        context: &'r EventContext,
        received_at: DateTime<Utc>,
    ) -> EventCells<'a, 'r> {
        let found = self.lookup.find(event.raw, &mut self.buffers[event.stream as usize]);
        EventCells {
            columns: &self.columns,
            words: self.words,
            account_known: self.account_known,
            event,
            found,
            context,
            received_at,
        }
    }
}

impl<'a: 'r, 'r> EventCells<'a, 'r> {
    /// The cell in the column at `index`; what has to be made for it is made in `scratch`.
    // Most cells of a row are missing: a call for each would cost more than finding that out.
    #[inline]
    pub(super) fn cell<'c>(&self, index: usize, scratch: &'c mut String) -> CellContent<'c>
    where
        'r: 'c,
    {
        match self.columns[index] {
            ColumnSource::Made(made) => self.made(made, scratch),
            ColumnSource::Slot { slot, or, is_account } => {
                match self.found.value(slot).or_else(|| self.found.value(or?)) {
                    Some(value) => CellContent::Value(value),
                    None if is_account && self.account_known => {
                        CellContent::Text(self.context.account_uuid.as_deref().unwrap_or_default())
                    }
                    None => CellContent::Missing,
                }
            }
        }
    }

    /// The event's stream.
    pub(super) fn stream(&self) -> Stream {
        self.event.stream
    }

    /// The event's own time, where it is known.
    pub(super) fn event_time(&self) -> Option<DateTime<Utc>> {
        self.event.time
    }

    /// How many columns address and country take, and a sign that there is more.
    pub(super) fn address_width(&self) -> usize {
        let facts = self.facts();
        facts.address().chars().count() + 1 + facts.country().chars().count() + 2
    }

    /// How much the row should catch the eye.
    pub(super) fn emphasis(&self) -> Emphasis {
        self.facts().emphasis()
    }

    fn facts(&self) -> EventFacts<'a, 'r> {
        EventFacts::new(self.event.stream, self.found).with_names(&self.context.names)
    }

    fn made<'c>(&self, made: MadeColumn, scratch: &'c mut String) -> CellContent<'c>
    where
        'r: 'c,
    {
        scratch.clear();
        let facts = self.facts();
        match made {
            MadeColumn::Stream => return CellContent::Text(self.event.stream.name()),
            MadeColumn::Profile => return CellContent::Text(&self.context.profile),
            MadeColumn::ReceivedAt => {
                scratch.push_str(&self.received_at.to_rfc3339_opts(SecondsFormat::Millis, true));
            }
            MadeColumn::Who => scratch.push_str(&facts.actor().label()),
            MadeColumn::Email => scratch.push_str(&facts.actor().email()),
            MadeColumn::What => facts.write_what(self.words, scratch),
            MadeColumn::Deed => facts.write_deed(self.words, scratch),
            MadeColumn::Item => scratch.push_str(&facts.name_of(facts.item_uuid())),
            MadeColumn::Vault => scratch.push_str(&facts.name_of(facts.vault_uuid())),
            MadeColumn::From => write_from(&facts, scratch),
            MadeColumn::With => write_with(&facts, scratch),
            MadeColumn::Event | MadeColumn::Other => {
                let mut json = std::mem::take(scratch).into_bytes();
                if made == MadeColumn::Other {
                    self.found.write_rest(&mut json);
                } else {
                    let no_members = &mut MemberBuffer::default();
                    Shape::Raw.write(self.event, self.context, self.received_at, no_members, &mut json);
                }
                *scratch = String::from_utf8_lossy(&json).into_owned();
                return CellContent::Json(scratch);
            }
        }
        CellContent::Text(scratch)
    }
}

/// From where: address, country, city; the address identifies and comes first.
fn write_from(facts: &EventFacts<'_, '_>, out: &mut String) {
    for part in [facts.address(), facts.country(), facts.city()] {
        if !part.is_empty() {
            out.push_str(if out.is_empty() { "" } else { " " });
            out.push_str(&part);
        }
    }
}

/// With what: app and system, or the device of a session.
fn write_with(facts: &EventFacts<'_, '_>, out: &mut String) {
    let client = facts.client();
    out.push_str(&client.app);
    if !client.os.is_empty() || !client.os_version.is_empty() {
        let between = if client.os.is_empty() || client.os_version.is_empty() { "" } else { " " };
        let (start, end) = if out.is_empty() { ("", "") } else { (" (", ")") };
        // Writing to a String cannot fail.
        let _ = write!(out, "{start}{}{between}{}{end}", client.os, client.os_version);
    }
    if out.is_empty() {
        let device = facts.session_device_uuid();
        out.push_str(if device.is_empty() { "" } else { "device " });
        out.push_str(&device);
    }
}

//! Events as records for people: a block per event, a line per field, nothing cut off.
//!
//! The first line says what happened; then all fields follow in the event's order, objects as dotted names,
//! lists as JSON. Control characters are always escaped.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::RenderOptions;
use super::columns::Columns;
use super::fields::Fields;
use super::shape::{EventContext, Shape};
use crate::event::Event;
use crate::facts::{Emphasis, JsonText, unescape};
use crate::sanitize;

/// Objects nested deeper are shown as JSON.
const MAX_DEPTH: usize = 8;

/// Writes blocks; holds the columns and nothing of the events.
#[derive(Debug)]
pub(super) struct Record {
    names: Vec<String>,
    columns: Columns,
    /// Whether every field of the event follows the columns.
    has_all: bool,
    /// Whether a person sees it on a terminal.
    is_seen: bool,
    scratch: String,
}

impl Record {
    pub(super) fn new(fields: Option<Fields>, shape: Shape, options: &RenderOptions) -> Self {
        let has_all = fields.is_none();
        let fields = fields.unwrap_or_else(|| match shape {
            Shape::Envelope => Fields::known(["what", "stream", "profile", "account_uuid", "received_at"]),
            _ => Fields::known(["what", "stream"]),
        });
        let names = fields.iter().map(|field| field.name.clone()).collect();
        let is_seen = options.escape;
        let columns = Columns::new(&fields, shape, options.words, is_seen);
        Record { names, columns, has_all, is_seen, scratch: String::new() }
    }

    /// Appends a block; says how much it catches the eye where a person sees it.
    pub(super) fn event(
        &mut self,
        event: &Event<'_>,
        context: &EventContext,
        received_at: DateTime<Utc>,
        out: &mut Vec<u8>,
    ) -> Option<Emphasis> {
        let cells = self.columns.cells(event, context, received_at);
        let emphasis = self.is_seen.then(|| cells.emphasis());
        for (index, name) in self.names.iter().enumerate() {
            line(name, &cells.cell(index, &mut self.scratch).text(), out);
        }
        if self.has_all {
            let item = JsonText::new(event.raw);
            let mut open = vec![(String::new(), item.members())];
            let mut is_object = false;
            while let Some((prefix, members)) = open.last_mut() {
                let Some((key, value)) = members.next() else {
                    open.pop();
                    continue;
                };
                is_object = true;
                let name = format!("{prefix}{}", unescape(key));
                if value.members().next().is_some() && open.len() < MAX_DEPTH {
                    open.push((name + ".", value.members()));
                } else {
                    line(&name, &shown(value), out);
                }
            }
            if !is_object {
                line("event", &shown(item), out);
            }
        }
        out.push(b'\n');
        emphasis
    }
}

/// A value as text; `null` differs from an empty text.
fn shown(value: JsonText<'_>) -> Cow<'_, str> {
    if value.is_null() { Cow::Borrowed("null") } else { value.text() }
}

fn line(name: &str, text: &str, out: &mut Vec<u8>) {
    let between = if text.is_empty() { ":" } else { ": " };
    for part in [&*sanitize::escaped(name), between, &sanitize::escaped(text), "\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Stream;

    fn record(fields: Option<&str>, shape: Shape, raw: &str) -> String {
        let fields = fields.map(|text| Fields::parse(text).unwrap());
        let mut record = Record::new(fields, shape, &RenderOptions::plain());
        let event = Event { stream: Stream::ItemUsages, raw: raw.as_bytes(), uuid: None, time: None };
        let context = EventContext {
            profile: "prod".into(),
            account_uuid: Some("ACC".into()),
            ..EventContext::default()
        };
        let mut out = Vec::new();
        record.event(&event, &context, DateTime::UNIX_EPOCH, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn everything_in_an_event_is_a_line_and_nothing_is_cut_or_harmful() {
        let raw = r#"{"uuid":"U","action":"reveal","item_uuid":"i1","user":{"name":"Pat\u001b[2J","new":{"x":[1, 2]}},
            "client":null,"location":{},"note":"a\nb"}"#;
        assert_eq!(
            record(None, Shape::Raw, raw),
            "what: revealed item i1\nstream: itemusages\nuuid: U\naction: reveal\nitem_uuid: i1\n\
             user.name: Pat\\u{1b}[2J\nuser.new.x: [1,2]\nclient: null\nlocation: {}\nnote: a\\nb\n\n"
        );
        let envelope = record(None, Shape::Envelope, "{}");
        assert!(envelope.contains("profile: prod\naccount_uuid: ACC\nreceived_at: 1970-"), "{envelope}");
        assert_eq!(record(None, Shape::Raw, "[1]"), "what: use\nstream: itemusages\nevent: [1]\n\n");
    }

    #[test]
    fn chosen_fields_are_the_only_lines() {
        assert_eq!(
            record(Some("uuid,user.name"), Shape::Raw, r#"{"uuid":"U","a":1}"#),
            "uuid: U\nuser.name:\n\n"
        );
    }
}

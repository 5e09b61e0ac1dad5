//! Events as CSV: RFC 4180 quoting, LF line ends (as Unix tools have it), one header, one line an event.
//!
//! Columns without `--fields` are all documented fields of the streams, so a column's place depends on the
//! streams alone, never on the data; a last column `other` holds whatever else the event has, so that
//! nothing is lost. Null and absent are empty; objects and lists are compact JSON; numbers keep their
//! digits. CSV is for spreadsheets and people: control, escape and bidi characters are written as JSON
//! spells them (`\u001b`), text that a spreadsheet would run gets a quote in front, bytes that are not UTF-8
//! and lone surrogates become U+FFFD. For exact values there are ndjson and json.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::RenderOptions;
use super::columns::{CellContent, Columns};
use super::fields::{FieldSource, Fields, MadeColumn};
use super::shape::{EventContext, Shape};
use crate::event::{Event, Stream};
use crate::facts::{FoundFields, is_plain_ascii};
use crate::sanitize;

/// How many unknown fields are named before they are only counted: the names come from events (P9).
const MAX_NAMED: usize = 32;

/// Writes records; holds the columns and nothing of the events but the names of new fields.
#[derive(Debug)]
pub(super) struct Csv {
    header: Vec<String>,
    columns: Columns,
    has_bom: bool,
    has_other: bool,
    scratch: String,
    /// The names of fields without a column, in order, and how many of them were reported already.
    new_fields: Vec<String>,
    told: usize,
}

impl Csv {
    pub(super) fn new(
        fields: Option<Fields>,
        streams: &[Stream],
        shape: Shape,
        options: &RenderOptions,
    ) -> Self {
        let fields = fields.unwrap_or_else(|| Fields::all_of_shape(streams, shape).and_other());
        let header = fields.iter().map(|field| field.name.clone()).collect();
        let has_other = fields.iter().any(|field| field.source == FieldSource::Made(MadeColumn::Other));
        Csv {
            header,
            columns: Columns::new(&fields, shape, options.words, false),
            has_bom: options.csv_bom,
            has_other,
            scratch: String::new(),
            new_fields: Vec::new(),
            told: 0,
        }
    }

    /// The names in the header.
    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    pub(super) fn begin(&self, out: &mut Vec<u8>) {
        if self.has_bom {
            out.extend_from_slice("\u{feff}".as_bytes());
        }
        let mut record = RecordWriter::new(out);
        self.header.iter().for_each(|name| record.text(name, true));
        record.end();
    }

    pub(super) fn event(
        &mut self,
        event: &Event<'_>,
        context: &EventContext,
        received_at: DateTime<Utc>,
        out: &mut Vec<u8>,
    ) {
        let cells = self.columns.cells(event, context, received_at);
        let has_rest = self.has_other && cells.found.has_rest();
        let mut record = RecordWriter::new(out);
        for index in 0..self.header.len() {
            match cells.cell(index, &mut self.scratch) {
                CellContent::Missing => record.empty(),
                CellContent::Text(text) => record.text(text, true),
                CellContent::Json(json) => record.text(json, false),
                CellContent::Value(value) => match value.inside_quotes() {
                    Some(inside) if is_plain(inside) => record.plain(inside),
                    Some(_) => record.text(&value.text(), true),
                    None if !value.is_nested() && is_plain_ascii(value.bytes()) => {
                        record.plain(value.bytes())
                    }
                    None => record.text(&value.text(), false),
                },
            }
        }
        record.end();
        if has_rest {
            note_new_fields(&cells.found, &mut self.new_fields);
        }
    }

    /// The names of fields without a column that were met since the last call, as a message.
    pub(super) fn take_warning(&mut self) -> Option<String> {
        let new = self.new_fields.get(self.told..).filter(|new| !new.is_empty())?;
        let more = if self.new_fields.len() >= MAX_NAMED { " and more" } else { "" };
        let names: Vec<_> = new.iter().map(|name| sanitize::message(name)).collect();
        self.told = self.new_fields.len();
        Some(format!(
            "events have fields that opev has no column for: {}{more}; the column `other` holds them",
            names.join(", ")
        ))
    }
}

fn note_new_fields(found: &FoundFields<'_, '_>, known: &mut Vec<String>) {
    if known.len() >= MAX_NAMED {
        return;
    }
    for name in found.rest_names() {
        if known.len() < MAX_NAMED && !known.contains(&name) {
            known.push(name);
        }
    }
}

/// Puts cells into one record.
#[derive(Debug)]
pub struct RecordWriter<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
    is_first: bool,
}

impl<'o> RecordWriter<'o> {
    /// A record behind what was written.
    pub fn new(out: &'o mut Vec<u8>) -> Self {
        let start = out.len();
        RecordWriter { out, start, is_first: true }
    }

    /// A cell with nothing in it.
    pub fn empty(&mut self) {
        if !std::mem::take(&mut self.is_first) {
            self.out.push(b',');
        }
    }

    /// A cell that needs neither quotes nor escapes.
    pub fn plain(&mut self, text: &[u8]) {
        self.empty();
        self.out.extend_from_slice(text);
    }

    /// Any cell; `is_text` unless it is a number, a boolean or JSON, which cannot pass for a formula.
    pub fn text(&mut self, text: &str, is_text: bool) {
        self.empty();
        let text = if is_text { harmless_to_spreadsheets(text) } else { Cow::Borrowed(text) };
        let text = sanitize::escaped_as_json(&text);
        if !text.contains([',', '"', '\n', '\r']) {
            return self.out.extend_from_slice(text.as_bytes());
        }
        self.out.push(b'"');
        for (part, piece) in text.split('"').enumerate() {
            self.out.extend_from_slice(if part > 0 { b"\"\"" } else { b"" });
            self.out.extend_from_slice(piece.as_bytes());
        }
        self.out.push(b'"');
    }

    /// Ends the record.
    pub fn end(self) {
        // A record of one empty cell is not an empty line, which readers skip.
        if self.out.len() == self.start {
            self.out.extend_from_slice(b"\"\"");
        }
        self.out.push(b'\n');
    }
}

/// Whether a string's inside can be a cell as it is: letters and figures first, nothing odd behind.
fn is_plain(inside: &[u8]) -> bool {
    inside.first().is_none_or(|byte| byte.is_ascii_alphanumeric()) && is_plain_ascii(inside)
}

/// The text with a quote in front when a spreadsheet would run it as a formula (OWASP's "CSV injection"):
/// `=`, `+`, `-`, `@`, their full-width forms, a tab or a line break at its start, or behind the spaces,
/// quotes and invisible characters that some programs strip.
fn harmless_to_spreadsheets(text: &str) -> Cow<'_, str> {
    let inside = text.trim_start_matches(|c: char| is_ignorable(c) || matches!(c, '\'' | '"'));
    if text.starts_with(['\t', '\r', '\n'])
        || inside.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '﹢', '﹣', '﹦', '﹫', '−'])
    {
        return Cow::Owned(format!("'{text}"));
    }
    Cow::Borrowed(text)
}

/// Whether a character is space or takes none: Unicode's default ignorable ones, controls and marks of
/// direction included.
fn is_ignorable(c: char) -> bool {
    c.is_whitespace()
        || sanitize::is_harmful(c)
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv_with(csv: &mut Csv, raw: &str) -> String {
        let event = Event { stream: Stream::AuditEvents, raw: raw.as_bytes(), uuid: None, time: None };
        let mut out = Vec::new();
        csv.begin(&mut out);
        csv.event(&event, &EventContext::default(), DateTime::UNIX_EPOCH, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn csv(fields: &str, raw: &str) -> String {
        let fields = Some(Fields::parse(fields).unwrap());
        csv_with(&mut Csv::new(fields, &Stream::ALL, Shape::Raw, &RenderOptions::plain()), raw)
    }

    #[test]
    fn values_keep_their_text_and_are_quoted_where_needed() {
        let raw =
            r#"{"aux_id":-7.10,"aux_info":"a,\"b\"\nc","session":{"ip":null,"x":[ 1 ]},"location":true}"#;
        assert_eq!(
            csv("aux_id,aux_info,session,session.ip,nope,location,stream", raw),
            "aux_id,aux_info,session,session.ip,nope,location,stream\n\
             -7.10,\"a,\"\"b\"\"\\nc\",\"{\"\"ip\"\":null,\"\"x\"\":[1]}\",,,true,auditevents\n"
        );
    }

    #[test]
    fn a_record_of_one_empty_cell_is_not_an_empty_line() {
        assert_eq!(csv("nope", "{}"), "nope\n\"\"\n");
    }

    #[test]
    fn text_that_a_spreadsheet_would_run_is_quoted() {
        for text in [
            "=1+1",
            "+49",
            "-5",
            "@SUM(A1)",
            "\t=1",
            "\rx",
            " =1",
            "\"=1",
            "' +1",
            "＝1",
            "\u{200b}=1",
            "\0=1",
            "\u{feff}@x",
            "\u{ad}-1",
            "\u{180e} =1",
            "\u{2060}'\u{fe0f}=1",
            "\u{e0100}+1",
            "\u{b}=1",
        ] {
            assert_eq!(harmless_to_spreadsheets(text), format!("'{text}"));
            let raw = serde_json::json!({ "aux_info": text }).to_string();
            assert!(csv("aux_info", &raw).starts_with("aux_info\n"), "{raw}");
            assert!(
                csv("aux_info", &raw).split('\n').nth(1).unwrap().trim_start_matches('"').starts_with('\'')
            );
        }
        for text in ["", "x=1", "1-1", "ada@x.test", "'", " x"] {
            assert_eq!(harmless_to_spreadsheets(text), text);
        }
        assert_eq!(csv("aux_id,aux_info", r#"{"aux_id":-5,"aux_info":"-5"}"#), "aux_id,aux_info\n-5,'-5\n");
        assert_eq!(csv("aux_id", r#"{"aux_id":+5}"#), "aux_id\n+5\n");
    }

    #[test]
    fn escape_control_and_bidi_characters_are_spelled_as_json_spells_them() {
        let raw = r#"{"aux_info":"a\u001b[2K\u0007\u0000b\u202ec\ud83d\udd11\u009b","x":{"y":"\u202e"}}"#;
        let raw = raw.replace(r"\u202e", "\u{202e}");
        assert_eq!(
            csv("aux_info,x", &raw),
            "aux_info,x\na\\u001b[2K\\u0007\\u0000b\\u202ec🔑\\u009b,\"{\"\"y\"\":\"\"\\u202e\"\"}\"\n"
        );
    }

    #[test]
    fn other_spellings_fill_known_columns_but_not_exact_ones() {
        assert_eq!(
            csv("client.ip_address,event.client.ip_address", r#"{"client":{"ip":"192.0.2.1"}}"#),
            "client.ip_address,event.client.ip_address\n192.0.2.1,\n"
        );
    }

    #[test]
    fn fields_that_nobody_knows_and_objects_of_another_type_are_in_the_column_other() {
        let mut csv = Csv::new(None, &[Stream::ItemUsages], Shape::Raw, &RenderOptions::plain());
        assert_eq!(csv.header().last().unwrap(), "other");
        assert_eq!(csv.take_warning(), None);
        let raw = r#"{"uuid":"N1","user":{"uuid":"U","name":"Pat","risk":"high"},"client":"CLI",
            "reason":"break-glass","object_type":"x"}"#;
        let text = csv_with(&mut csv, raw);
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        let record = reader.records().next().unwrap().unwrap();
        let other = r#"{"user":{"risk":"high"},"client":"CLI","reason":"break-glass","object_type":"x"}"#;
        assert_eq!(&record[record.len() - 1], other);
        let warning = csv.take_warning().unwrap();
        assert!(warning.contains("user.risk, client, reason, object_type"), "{warning}");
        csv_with(&mut csv, raw);
        assert_eq!(csv.take_warning(), None);
        csv_with(&mut csv, r#"{"\u001b]0;x":1}"#);
        assert!(csv.take_warning().unwrap().contains("\\u{1b}"));
        (0..1000).for_each(|number| drop(csv_with(&mut csv, &format!("{{\"new{number}\":1}}"))));
        assert_eq!(csv.new_fields.len(), MAX_NAMED);
    }

    #[test]
    fn chosen_columns_have_no_column_other_and_nothing_to_warn_of() {
        let fields = Some(Fields::parse("uuid").unwrap());
        let mut csv = Csv::new(fields, &Stream::ALL, Shape::Raw, &RenderOptions::plain());
        assert_eq!(csv_with(&mut csv, r#"{"uuid":"U","reason":"x"}"#), "uuid\nU\n");
        assert_eq!(csv.take_warning(), None);
    }

    #[test]
    fn a_byte_order_mark_is_written_where_it_is_wanted() {
        let options = RenderOptions { csv_bom: true, ..RenderOptions::plain() };
        let fields = Some(Fields::parse("uuid").unwrap());
        let text = csv_with(&mut Csv::new(fields, &Stream::ALL, Shape::Raw, &options), "{}");
        assert_eq!(text, "\u{feff}uuid\n\"\"\n");
    }

    #[test]
    fn the_envelope_puts_how_it_was_read_first_and_knows_the_account() {
        let mut csv = Csv::new(None, &[Stream::ItemUsages], Shape::Envelope, &RenderOptions::plain());
        let event = Event { stream: Stream::ItemUsages, raw: b"{\"uuid\":\"U\"}", uuid: None, time: None };
        let context = EventContext {
            profile: "prod".into(),
            account_uuid: Some("ACC".into()),
            ..EventContext::default()
        };
        let mut out = Vec::new();
        csv.begin(&mut out);
        csv.event(&event, &context, DateTime::UNIX_EPOCH, &mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("stream,profile,account_uuid,received_at,uuid,timestamp,action,"), "{text}");
        assert!(text.contains("\nitemusages,prod,ACC,1970-01-01T00:00:00.000Z,U,,"), "{text}");
    }
}

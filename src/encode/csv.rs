//! Events as CSV: RFC 4180 quoting, LF line ends (as Unix tools and the `csv` crate have it), one header.
//!
//! Columns without `--fields` are all documented fields of the streams, so a column's place depends on the
//! streams alone, never on the data. Text is exact: a line break inside a value stays one, in quotes, and
//! the record is then longer than a line. Null and absent are empty; objects and lists are compact JSON;
//! numbers keep their digits. Bytes that are not UTF-8 and lone surrogates become U+FFFD.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::columns::{Cell, Columns};
use super::fields::Fields;
use super::shape::{EventContext, Shape};
use crate::event::{Event, Stream};
use crate::sanitize;

/// Writes records; holds the columns and nothing of the events.
#[derive(Debug)]
pub(super) struct Csv {
    header: Vec<String>,
    columns: Columns,
    escape: bool,
}

impl Csv {
    pub(super) fn new(fields: Option<Fields>, streams: &[Stream], shape: Shape, escape: bool) -> Self {
        let fields = fields.unwrap_or_else(|| match shape {
            Shape::Envelope => {
                Fields::all(streams).after(&["stream", "profile", "account_uuid", "received_at"])
            }
            _ => Fields::all(streams),
        });
        let header = fields.iter().map(|field| field.name.clone()).collect();
        Csv { header, columns: Columns::new(&fields, shape), escape }
    }

    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    pub(super) fn begin(&self, out: &mut Vec<u8>) {
        let names = self.header.iter().map(|name| Cell { text: Cow::Borrowed(name), is_text: true });
        self.record(names, out);
    }

    pub(super) fn event(
        &self,
        event: &Event<'_>,
        context: &EventContext,
        received_at: DateTime<Utc>,
        out: &mut Vec<u8>,
    ) {
        let row = self.columns.row(event, context, received_at);
        self.record((0..self.header.len()).map(|index| self.columns.cell(index, &row)), out);
    }

    fn record<'c>(&self, cells: impl Iterator<Item = Cell<'c>>, out: &mut Vec<u8>) {
        let mut writer = csv::WriterBuilder::new().buffer_capacity(4096).from_writer(out);
        // Neither can fail: the writer writes to memory, and each record is a writer's only one.
        for cell in cells {
            let text = if cell.is_text { harmless_to_spreadsheets(cell.text) } else { cell.text };
            let _ = writer.write_field(if self.escape { sanitize::escaped(&text) } else { text }.as_bytes());
        }
        let _ = writer.write_record(None::<&[u8]>);
        let _ = writer.flush();
    }
}

/// The text with a quote in front when a spreadsheet would run it as a formula (OWASP's "CSV injection"):
/// `=`, `+`, `-`, `@`, their full-width forms, a tab or a line break at its start, or behind the spaces and
/// quotes that some programs strip.
fn harmless_to_spreadsheets(text: Cow<'_, str>) -> Cow<'_, str> {
    let inside = text.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '\'' | '"'));
    if text.starts_with(['\t', '\r', '\n'])
        || inside.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
    {
        return Cow::Owned(format!("'{text}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(fields: &str, raw: &str) -> String {
        let csv = Csv::new(Some(Fields::parse(fields).unwrap()), &Stream::ALL, Shape::Raw, false);
        let event = Event { stream: Stream::AuditEvents, raw: raw.as_bytes(), uuid: None, time: None };
        let mut out = Vec::new();
        csv.begin(&mut out);
        csv.event(&event, &EventContext::default(), DateTime::UNIX_EPOCH, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_keep_their_text_and_are_quoted_where_needed() {
        let raw =
            r#"{"aux_id":-7.10,"aux_info":"a,\"b\"\nc","session":{"ip":null,"x":[ 1 ]},"location":true}"#;
        assert_eq!(
            csv("aux_id,aux_info,session,session.ip,nope,location,stream", raw),
            "aux_id,aux_info,session,session.ip,nope,location,stream\n\
             -7.10,\"a,\"\"b\"\"\nc\",\"{\"\"ip\"\":null,\"\"x\"\":[1]}\",,,true,auditevents\n"
        );
    }

    #[test]
    fn a_record_of_one_empty_cell_is_not_an_empty_line() {
        assert_eq!(csv("nope", "{}"), "nope\n\"\"\n");
    }

    #[test]
    fn text_that_a_spreadsheet_would_run_is_quoted() {
        for text in ["=1+1", "+49", "-5", "@SUM(A1)", "\t=1", "\rx", " =1", "\"=1", "' +1", "＝1"] {
            assert_eq!(harmless_to_spreadsheets(text.into()), format!("'{text}"));
        }
        for text in ["", "x=1", "1-1", "ada@x.test", "'", " x"] {
            assert_eq!(harmless_to_spreadsheets(text.into()), text);
        }
        assert_eq!(csv("aux_id,aux_info", r#"{"aux_id":-5,"aux_info":"-5"}"#), "aux_id,aux_info\n-5,'-5\n");
    }

    #[test]
    fn other_spellings_fill_known_columns_but_not_exact_ones() {
        assert_eq!(
            csv("client.ip_address,event.client.ip_address", r#"{"client":{"ip":"192.0.2.1"}}"#),
            "client.ip_address,event.client.ip_address\n192.0.2.1,\n"
        );
    }

    #[test]
    fn the_envelope_puts_how_it_was_read_first_and_knows_the_account() {
        let csv = Csv::new(None, &[Stream::ItemUsages], Shape::Envelope, false);
        let event = Event { stream: Stream::ItemUsages, raw: b"{\"uuid\":\"U\"}", uuid: None, time: None };
        let context = EventContext { profile: "prod".into(), account_uuid: Some("ACC".into()) };
        let mut out = Vec::new();
        csv.begin(&mut out);
        csv.event(&event, &context, DateTime::UNIX_EPOCH, &mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("stream,profile,account_uuid,received_at,uuid,timestamp,action,"), "{text}");
        assert!(text.contains("\nitemusages,prod,ACC,1970-01-01T00:00:00.000Z,U,,"), "{text}");
    }
}

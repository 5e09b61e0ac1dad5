//! Events to bytes: shapes, and the formats that frame them. Pure: no I/O, no clock, no environment.
//!
//! An [`EventEncoder`] is configured once and appends to the caller's buffer. It keeps no
//! event, so its memory does not depend on how many there are (P9), and its bytes depend on nothing but
//! the events, the choices and, for shapes that say so, the time of reading (P4).
//!
//! ```text
//! event ── shape (raw, ecs, cef ...) ──> JSON text, or a line ── json ──> ndjson, json
//!   └───── facts (lookups, words) ── columns ──> cells ── csv, table, parquet
//! ```
//!
//! The properties of a format or a shape are in its row of the registry.

mod catalogue;
mod columns;
mod csv;
mod fields;
mod file_name;
mod highlight;
mod json;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(not(feature = "parquet"))]
#[path = "without_parquet.rs"]
mod parquet;
mod record;
mod redaction;
mod registry;
mod shape;
mod shown;
mod table;
mod zone;

use chrono::{DateTime, Utc};

pub use self::csv::RecordWriter;
pub use self::fields::Fields;
pub use self::file_name::from_path;
pub use self::highlight::Highlight;
pub use self::parquet::ParquetFile;
pub use self::redaction::{Redaction, RedactionBuffer};
pub use self::registry::{Format, OutputUse, Shape, check, check_values, shapes};
pub use self::shape::{EventContext, InvalidUtf8, OcsfVersion, ShapeOptions, Tag};
pub use self::shown::ShownEvents;
pub use self::zone::TimeStyle;
use crate::error::Result;
use crate::event::{Event, Stream};
use crate::facts::MemberBuffer;
pub use crate::facts::WordStyle;
use crate::sanitize;

/// What the place where the output is read can show.
#[derive(Clone, Debug)]
pub struct RenderOptions {
    /// The terminal's columns; `None` where it is no terminal: nothing is cut then.
    pub width: Option<u16>,
    /// Whether colours are wanted (tables only).
    pub colour: bool,
    /// Whether it is a terminal, so that JSON must be escaped for it; tables and CSV always are.
    pub escape: bool,
    /// The zone that tables show times in.
    pub zone: TimeStyle,
    /// Whether columns use words or codes.
    pub words: WordStyle,
    /// Whether CSV begins with a byte order mark, which some spreadsheets need to read UTF-8.
    pub csv_bom: bool,
}

impl RenderOptions {
    /// A file or a pipe: exact bytes, no colour, times in UTC.
    pub fn plain() -> Self {
        RenderOptions {
            width: None,
            colour: false,
            escape: false,
            zone: TimeStyle::utc(),
            words: WordStyle::Words,
            csv_bom: false,
        }
    }
}

/// Looks for bytes that are not UTF-8, where they are replaced, or where that they are kept can still be told.
#[derive(Debug, Default)]
struct Utf8Check {
    is_told: bool,
}

impl Utf8Check {
    /// The text with such bytes replaced; none where it stays as it is.
    fn replaced(&mut self, raw: &[u8], choice: InvalidUtf8) -> Option<Vec<u8>> {
        let is_wanted = match choice {
            InvalidUtf8::Replace => true,
            InvalidUtf8::Keep => !self.is_told && log::log_enabled!(log::Level::Info),
        };
        if !is_wanted || std::str::from_utf8(raw).is_ok() {
            return None;
        }
        if choice == InvalidUtf8::Keep {
            self.is_told = true;
            log::info!("an event holds bytes that are not UTF-8; they are kept (--utf8 replace)");
            return None;
        }
        Some(String::from_utf8_lossy(raw).into_owned().into_bytes())
    }
}

/// Turns events into the bytes of one output.
#[derive(Debug)]
pub struct EventEncoder {
    format: Format,
    shape: Shape,
    context: EventContext,
    writer: FormatWriter,
    redaction_buffer: RedactionBuffer,
    member_buffer: MemberBuffer,
    /// What was shown to a person on a terminal.
    shown: ShownEvents,
    /// What the shape had to warn of, and whether that was told.
    shape_warning: Option<String>,
    shape_warned: bool,
}

#[derive(Debug)]
enum FormatWriter {
    Ndjson { terminal: bool, scratch: Vec<u8>, utf8: Utf8Check },
    Json { terminal: bool, scratch: Vec<u8>, any: bool },
    Csv(csv::Csv),
    Table(table::Table),
    Record(record::Record),
    Parquet(Box<parquet::ParquetRows>),
}

impl EventEncoder {
    /// An encoder for one output; `streams` are those that may come, `None` for `fields` means the defaults.
    ///
    /// # Errors
    /// As [`check`] for a question.
    pub fn new(
        format: Format,
        shape: Shape,
        fields: Option<Fields>,
        streams: &[Stream],
        options: RenderOptions,
        context: EventContext,
    ) -> Result<Self> {
        check(format, shape, fields.as_ref(), OutputUse::Question)?;
        let writer = match format {
            Format::Ndjson => FormatWriter::Ndjson {
                terminal: options.escape,
                scratch: Vec::new(),
                utf8: Utf8Check::default(),
            },
            Format::Json => FormatWriter::Json { terminal: options.escape, scratch: Vec::new(), any: false },
            Format::Record => FormatWriter::Record(record::Record::new(fields, shape, &options)),
            Format::Csv => FormatWriter::Csv(csv::Csv::new(fields, streams, shape, &options)),
            Format::Table => FormatWriter::Table(table::Table::new(fields.as_ref(), streams, shape, options)),
            Format::Parquet => {
                let rows = parquet::ParquetRows::new(fields, streams, shape, &options)?;
                FormatWriter::Parquet(Box::new(rows))
            }
        };
        Ok(EventEncoder {
            format,
            shape,
            context: redacted(context),
            writer,
            redaction_buffer: RedactionBuffer::default(),
            member_buffer: MemberBuffer::default(),
            shown: ShownEvents::default(),
            shape_warning: None,
            shape_warned: false,
        })
    }

    /// Goes on for another profile or account: the same columns, the same array.
    pub fn speak_for(&mut self, context: EventContext) {
        self.context = redacted(context);
    }

    /// Appends the beginning of the output: a header, or the start of the array.
    pub fn begin(&mut self, out: &mut Vec<u8>) {
        match &mut self.writer {
            FormatWriter::Ndjson { .. } | FormatWriter::Record(_) | FormatWriter::Parquet(_) => {}
            FormatWriter::Json { .. } => out.push(b'['),
            FormatWriter::Csv(csv) => csv.begin(out),
            FormatWriter::Table(table) => table.begin(out),
        }
    }

    /// Appends one event.
    pub fn event(&mut self, event: &Event<'_>, received_at: DateTime<Utc>, out: &mut Vec<u8>) {
        let EventEncoder { shape, context, writer, redaction_buffer, member_buffer: buffer, .. } = self;
        let event = &match context.redaction.is_empty() {
            true => *event,
            false => context.redaction.apply(*event, redaction_buffer),
        };
        if !self.shape_warned {
            self.shape_warning = shape.warning(event);
            self.shape_warned = self.shape_warning.is_some();
        }
        match writer {
            FormatWriter::Ndjson { terminal: false, utf8, .. } => {
                match utf8.replaced(event.raw, context.options.utf8) {
                    None => shape.write(event, context, received_at, buffer, out),
                    Some(raw) => {
                        shape.write(&Event { raw: &raw, ..*event }, context, received_at, buffer, out);
                    }
                }
                out.push(b'\n');
            }
            FormatWriter::Ndjson { terminal: true, scratch, .. } => {
                scratch.clear();
                shape.write(event, context, received_at, buffer, scratch);
                match shape.row().is_json {
                    true => json::for_terminal(scratch, out),
                    false => {
                        let text = String::from_utf8_lossy(scratch);
                        out.extend_from_slice(sanitize::escaped(&text).as_bytes());
                    }
                }
                out.push(b'\n');
            }
            FormatWriter::Json { terminal, scratch, any } => {
                out.extend_from_slice(if std::mem::replace(any, true) { b",\n" } else { b"\n" });
                scratch.clear();
                shape.write(event, context, received_at, buffer, scratch);
                if *terminal { json::for_terminal(scratch, out) } else { json::as_utf8(scratch, out) }
            }
            FormatWriter::Csv(csv) => csv.event(event, context, received_at, out),
            FormatWriter::Parquet(rows) => rows.event(event, context, received_at, out),
            FormatWriter::Table(table) => {
                let emphasis = table.event(event, context, received_at, out);
                self.shown.add(event.time, emphasis);
            }
            FormatWriter::Record(record) => {
                let emphasis = record.event(event, context, received_at, out);
                self.shown.add(event.time, emphasis);
            }
        }
    }

    /// Appends a JSON text on one line in the place of an event. For formats that [`check_values`] accepts.
    pub fn value(&mut self, json: &[u8], out: &mut Vec<u8>) {
        match &mut self.writer {
            FormatWriter::Ndjson { terminal, .. } => {
                if *terminal {
                    json::for_terminal(json, out)
                } else {
                    out.extend_from_slice(json)
                }
                out.push(b'\n');
            }
            FormatWriter::Json { terminal, any, .. } => {
                out.extend_from_slice(if std::mem::replace(any, true) { b",\n" } else { b"\n" });
                if *terminal { json::for_terminal(json, out) } else { json::as_utf8(json, out) }
            }
            FormatWriter::Csv(_)
            | FormatWriter::Table(_)
            | FormatWriter::Record(_)
            | FormatWriter::Parquet(_) => {}
        }
    }

    /// What was shown to a person on a terminal so far; none for other formats and places.
    pub fn shown(&self) -> Option<&ShownEvents> {
        Some(&self.shown).filter(|shown| shown.events > 0)
    }

    /// Lays the rows that follow out for another width of the terminal; tells whether there is a header to repeat.
    pub fn resize(&mut self, width: u16) -> bool {
        match &mut self.writer {
            FormatWriter::Table(table) => {
                table.resize(width);
                true
            }
            _ => false,
        }
    }

    /// The names in the header, for the contract of a managed file; `None` where the format has no header
    /// that programs read.
    pub fn columns(&self) -> Option<Vec<String>> {
        match &self.writer {
            FormatWriter::Csv(csv) => Some(csv.header().to_vec()),
            FormatWriter::Parquet(rows) => Some(rows.header()),
            _ => None,
        }
    }

    /// What makes a file of the events that were encoded; none where a file is these one after another.
    ///
    /// # Errors
    /// As the library that makes it.
    pub fn file(&self) -> Result<Option<ParquetFile>> {
        match &self.writer {
            FormatWriter::Parquet(rows) => rows.file().map(Some),
            _ => Ok(None),
        }
    }

    /// A version, raised when the same events would be encoded as other bytes, by format or by shape.
    pub fn version(&self) -> u32 {
        self.format.row().version + self.shape.row().version - 1
    }

    /// Notices about the events so far, each one once.
    pub fn take_warnings(&mut self) -> Vec<String> {
        let of_format = match &mut self.writer {
            FormatWriter::Csv(csv) => csv.take_warning(),
            _ => None,
        };
        of_format.into_iter().chain(self.shape_warning.take()).collect()
    }

    /// Whether an event that is a line of its page is written unchanged.
    pub fn is_verbatim(&self) -> bool {
        let is_whole = self.context.redaction.is_empty() && self.context.options.utf8 == InvalidUtf8::Keep;
        is_whole
            && self.shape == Shape::Raw
            && matches!(self.writer, FormatWriter::Ndjson { terminal: false, .. })
    }

    /// Appends the end of the output, even after few events.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        if let FormatWriter::Json { any, .. } = &self.writer {
            out.extend_from_slice(if *any { b"\n]\n" } else { b"]\n" });
        }
    }
}

/// The context without what is redacted in events.
fn redacted(context: EventContext) -> EventContext {
    let redaction = std::sync::Arc::clone(&context.redaction);
    redaction.apply_to_context(context)
}

#[cfg(test)]
mod tests;

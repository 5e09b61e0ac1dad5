//! Events to bytes: shapes, and the formats that frame them. Pure: no I/O, no clock, no environment.
//!
//! A [`EventEncoder`] is told once what is wanted and appends to the caller's buffer from then on. It keeps no
//! event, so its memory does not depend on how many there are (P9), and its bytes depend on nothing but
//! the events, the choices and, for shapes that say so, the time of reading (P4).
//!
//! ```text
//! event ── shape (raw, envelope ...) ──> JSON text ── json ──> ndjson, json
//!   └───── item (lookups) ── columns, story ──> cells ── csv, table
//! ```

mod catalogue;
mod columns;
mod csv;
mod fields;
mod highlight;
mod item;
mod json;
mod shape;
mod story;
mod table;
mod zone;

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use chrono::{DateTime, Utc};

pub use self::fields::Fields;
pub use self::highlight::Highlight;
pub use self::shape::{EventContext, Shape};
pub use self::zone::TimeStyle;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Stream};

/// How events are framed in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Columns for people.
    Table,
    /// One JSON object a line.
    Ndjson,
    /// One JSON array, an event a line.
    Json,
    /// Comma-separated values with a header.
    Csv,
}

impl Format {
    /// Every format, in the order of the help text.
    pub const ALL: [Format; 4] = [Format::Table, Format::Ndjson, Format::Json, Format::Csv];

    /// The format's name on the command line and in checkpoints.
    pub fn name(self) -> &'static str {
        match self {
            Format::Table => "table",
            Format::Ndjson => "ndjson",
            Format::Json => "json",
            Format::Csv => "csv",
        }
    }

    /// The format that a file's name asks for, when its extension is one of `ndjson`, `jsonl`, `json`, `csv`.
    pub fn from_extension(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "ndjson" | "jsonl" => Some(Format::Ndjson),
            "json" => Some(Format::Json),
            "csv" => Some(Format::Csv),
            _ => None,
        }
    }

    /// Whether its events have columns, so that `--fields` means something.
    pub fn has_columns(self) -> bool {
        matches!(self, Format::Table | Format::Csv)
    }

    /// Whether its output is whole only after an end, so that it cannot be followed or resumed.
    pub fn has_end(self) -> bool {
        self == Format::Json
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Format::ALL.into_iter().find(|format| format.name() == text).ok_or_else(|| {
            let names = Format::ALL.map(Format::name).join(", ");
            Error::new(ErrorKind::Usage, "no such format").hint(format!("there are {names}"))
        })
    }
}

/// What the place where the output is read can show.
#[derive(Clone, Debug)]
pub struct RenderOptions {
    /// The terminal's columns; `None` where it is no terminal: nothing is cut then.
    pub width: Option<u16>,
    /// Whether colours are wanted (tables only).
    pub colour: bool,
    /// Whether it is a terminal, so that foreign text must be made harmless.
    pub escape: bool,
    /// The zone that tables show times in.
    pub zone: TimeStyle,
}

impl RenderOptions {
    /// A file or a pipe: exact bytes, no colour, times in UTC.
    pub fn plain() -> Self {
        RenderOptions { width: None, colour: false, escape: false, zone: TimeStyle::utc() }
    }
}

/// Turns events into the bytes of one output.
#[derive(Debug)]
pub struct EventEncoder {
    shape: Shape,
    context: EventContext,
    writer: Writer,
}

#[derive(Debug)]
enum Writer {
    Ndjson { terminal: bool, scratch: Vec<u8> },
    Json { terminal: bool, scratch: Vec<u8>, any: bool },
    Csv(csv::Csv),
    Table(table::Table),
}

impl EventEncoder {
    /// A renderer for one output; `streams` are those that may come, `None` for `fields` means the defaults.
    ///
    /// # Errors
    /// Fails with [`ErrorKind::Usage`] when fields or columns are asked of something that has none.
    pub fn new(
        format: Format,
        shape: Shape,
        fields: Option<Fields>,
        streams: &[Stream],
        look: RenderOptions,
        context: EventContext,
    ) -> Result<Self> {
        if fields.is_some() && !format.has_columns() {
            let message = format!("--fields chooses columns, and {format} has none");
            return Err(Error::new(ErrorKind::Usage, message).hint("add --format table or --format csv"));
        }
        if format.has_columns() && !shape.has_columns() {
            let message = format!("the shape {shape} cannot be laid out as {format}");
            return Err(Error::new(ErrorKind::Usage, message).hint("add --format ndjson, or --shape raw"));
        }
        let writer = match format {
            Format::Ndjson => Writer::Ndjson { terminal: look.escape, scratch: Vec::new() },
            Format::Json => Writer::Json { terminal: look.escape, scratch: Vec::new(), any: false },
            Format::Csv => Writer::Csv(csv::Csv::new(fields, streams, shape, look.escape)),
            Format::Table => Writer::Table(table::Table::new(fields.as_ref(), streams, shape, look)),
        };
        Ok(EventEncoder { shape, context, writer })
    }

    /// Goes on for another profile or account: the same columns, the same array.
    pub fn speak_for(&mut self, context: EventContext) {
        self.context = context;
    }

    /// Appends what comes before the first event: a header, or the start of the array.
    pub fn begin(&mut self, out: &mut Vec<u8>) {
        match &mut self.writer {
            Writer::Ndjson { .. } => {}
            Writer::Json { .. } => out.push(b'['),
            Writer::Csv(csv) => csv.begin(out),
            Writer::Table(table) => table.begin(out),
        }
    }

    /// Appends one event.
    pub fn event(&mut self, event: &Event<'_>, received_at: DateTime<Utc>, out: &mut Vec<u8>) {
        let EventEncoder { shape, context, writer } = self;
        match writer {
            Writer::Ndjson { terminal: false, .. } => {
                shape.write(event, context, received_at, out);
                out.push(b'\n');
            }
            Writer::Ndjson { terminal: true, scratch } => {
                scratch.clear();
                shape.write(event, context, received_at, scratch);
                json::for_terminal(scratch, out);
                out.push(b'\n');
            }
            Writer::Json { terminal, scratch, any } => {
                out.extend_from_slice(if std::mem::replace(any, true) { b",\n" } else { b"\n" });
                scratch.clear();
                shape.write(event, context, received_at, scratch);
                if *terminal { json::for_terminal(scratch, out) } else { json::as_utf8(scratch, out) }
            }
            Writer::Csv(csv) => csv.event(event, context, received_at, out),
            Writer::Table(table) => table.event(event, context, received_at, out),
        }
    }

    /// Whether every event comes out as the line that it is in its answer, where it is one.
    pub fn is_verbatim(&self) -> bool {
        self.shape == Shape::Raw && matches!(self.writer, Writer::Ndjson { terminal: false, .. })
    }

    /// Appends what makes the output whole, however few of the events have come.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        if let Writer::Json { any, .. } = &self.writer {
            out.extend_from_slice(if *any { b"\n]\n" } else { b"]\n" });
        }
    }
}

#[cfg(test)]
mod tests;

//! An event as a row: its cells by the types of their columns, one behind the other. It lasts until a file is made
//! of it, and is no format.
//!
//! A row is the length of its cells and the cells; a cell is its length and one more, and its bytes; 0 is null. All
//! lengths are four bytes, the lowest first; numbers and times (microseconds since 1970) are eight.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::super::RenderOptions;
use super::super::columns::{CellContent, Columns};
use super::super::fields::Fields;
use super::super::shape::{EventContext, Shape};
use super::file::{ParquetFile, failure};
use super::schema::{ColumnKind, FieldType, ParquetSchema, RAW};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Stream};

/// How many bytes a length takes.
pub(super) const LENGTH: usize = 4;

/// Makes rows of events.
#[derive(Debug)]
pub(crate) struct ParquetRows {
    schema: Arc<ParquetSchema>,
    columns: Columns,
    scratch: String,
}

impl ParquetRows {
    /// Rows of these fields, or of all fields of these streams.
    ///
    /// # Errors
    /// `Usage` for a column that comes twice.
    pub(crate) fn new(
        fields: Option<Fields>,
        streams: &[Stream],
        shape: Shape,
        options: &RenderOptions,
    ) -> Result<Self> {
        let fields = fields.unwrap_or_else(|| Fields::all_of_shape(streams, shape));
        let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).chain([RAW]).collect();
        let twice = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name));
        if let Some((_, name)) = twice {
            let message = format!("--fields: parquet would have two columns {name}");
            return Err(Error::new(ErrorKind::Usage, message)
                .hint("name each column once; raw is always the last one, with the whole event"));
        }
        let schema = ParquetSchema::of(&fields).map_err(failure)?;
        let columns = Columns::new(&fields, shape, options.words, false);
        Ok(ParquetRows { schema, columns, scratch: String::new() })
    }

    /// The names of the columns.
    pub(crate) fn header(&self) -> Vec<String> {
        self.schema.columns.iter().map(|column| column.name.clone()).collect()
    }

    /// A file for rows.
    ///
    /// # Errors
    /// As the library that writes Parquet.
    pub(crate) fn file(&self) -> Result<ParquetFile> {
        ParquetFile::new(Arc::clone(&self.schema))
    }

    /// Appends an event as a row.
    pub(crate) fn event(
        &mut self,
        event: &Event<'_>,
        context: &EventContext,
        received_at: DateTime<Utc>,
        out: &mut Vec<u8>,
    ) {
        let cells = self.columns.cells(event, context, received_at);
        let start = begin(out);
        for (index, column) in self.schema.columns.iter().enumerate() {
            let kind = match column.kind {
                ColumnKind::Field(kind) => kind,
                ColumnKind::Raw => {
                    put(out, Some(String::from_utf8_lossy(event.raw).as_bytes()));
                    continue;
                }
            };
            let content = cells.cell(index, &mut self.scratch);
            let text = match content {
                CellContent::Missing => None,
                CellContent::Value(value) if value.is_null() => None,
                // What is made of nothing is nothing.
                CellContent::Text("") => None,
                content => Some(content.text()),
            };
            let Some(text) = text else {
                put(out, None);
                continue;
            };
            let number = match kind {
                FieldType::Text => {
                    put(out, Some(text.as_bytes()));
                    continue;
                }
                // Read already, and the date that its file may be named by.
                FieldType::Time if column.name == "timestamp" => event.time.map(micros),
                FieldType::Time => DateTime::parse_from_rfc3339(&text).ok().map(|time| micros(time.to_utc())),
                FieldType::Integer => text.parse().ok().map(i64::to_le_bytes),
                FieldType::Float => {
                    text.parse().ok().filter(|number: &f64| number.is_finite()).map(f64::to_le_bytes)
                }
            };
            put(out, number.as_ref().map(|number| &number[..]));
        }
        end(out, start);
    }
}

fn micros(time: DateTime<Utc>) -> [u8; 8] {
    time.timestamp_micros().to_le_bytes()
}

/// Leaves room for a length; gives where.
fn begin(out: &mut Vec<u8>) -> usize {
    out.extend_from_slice(&[0; LENGTH]);
    out.len()
}

/// Writes the length of what was appended since.
fn end(out: &mut [u8], start: usize) {
    let length = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    out[start - LENGTH..start].copy_from_slice(&length.to_le_bytes());
}

/// Appends a cell.
fn put(out: &mut Vec<u8>, cell: Option<&[u8]>) {
    let length = cell.map_or(0, |cell| u32::try_from(cell.len() + 1).unwrap_or(u32::MAX));
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(cell.unwrap_or_default());
}

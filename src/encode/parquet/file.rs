//! A Parquet file of rows, in groups of rows.
//!
//! Rows are held until there are enough for a group, which is then written column by column. A group is small enough
//! for memory and large enough for those who read it.

use std::mem;
use std::sync::Arc;

use parquet::column::writer::ColumnWriterImpl;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedFileWriter;

use super::rows::LENGTH;
use super::schema::{ColumnKind, FieldType, ParquetSchema};
use crate::error::{Error, ErrorKind, Result};

/// The most rows of a group.
const GROUP_ROWS: usize = 64 << 10;

/// The most bytes of a group before it is encoded, the last row aside.
const GROUP_BYTES: usize = 32 << 20;

/// Makes the bytes of one file.
#[derive(Debug)]
pub struct ParquetFile {
    schema: Arc<ParquetSchema>,
    writer: SerializedFileWriter<Vec<u8>>,
    /// The rows of the open group.
    rows: Vec<u8>,
    /// Where the cells of each begin.
    starts: Vec<usize>,
}

impl ParquetFile {
    pub(super) fn new(schema: Arc<ParquetSchema>) -> Result<Self> {
        let (root, properties) = (Arc::clone(&schema.root), Arc::clone(&schema.properties));
        let writer = SerializedFileWriter::new(Vec::new(), root, properties).map_err(failure)?;
        Ok(ParquetFile { schema, writer, rows: Vec::new(), starts: Vec::new() })
    }

    /// Another file of the same columns.
    ///
    /// # Errors
    /// As the library that writes Parquet.
    pub fn another(&self) -> Result<Self> {
        ParquetFile::new(Arc::clone(&self.schema))
    }

    /// Takes whole rows, and appends to `out` what of the file is known by then.
    ///
    /// # Errors
    /// As the library that writes Parquet.
    pub fn add(&mut self, rows: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let mut rest = rows;
        while let Some((length, cells)) = split_length(rest) {
            let (cells, behind) = cells.split_at_checked(length).ok_or_else(cut)?;
            self.starts.push(self.rows.len());
            self.rows.extend_from_slice(cells);
            rest = behind;
            if self.starts.len() >= GROUP_ROWS || self.rows.len() >= GROUP_BYTES {
                self.end_group(out)?;
            }
        }
        Ok(())
    }

    /// How many bytes of rows wait for the end of their group.
    pub fn held(&self) -> usize {
        self.rows.len()
    }

    /// Writes the rows that are held as a group of their own.
    ///
    /// # Errors
    /// As the library that writes Parquet.
    pub fn end_group(&mut self, out: &mut Vec<u8>) -> Result<()> {
        if self.starts.is_empty() {
            return Ok(());
        }
        let mut group =
            GroupRows { text: ByteArray::from(mem::take(&mut self.rows)), at: mem::take(&mut self.starts) };
        self.write_group(&mut group).map_err(failure)?;
        // The next group is as large, the next file mostly not.
        self.starts = mem::take(&mut group.at);
        self.starts.clear();
        self.take_written(out)
    }

    /// Writes what is held, and the end of the file. Nothing can be added then.
    ///
    /// # Errors
    /// As the library that writes Parquet.
    pub fn end(&mut self, out: &mut Vec<u8>) -> Result<()> {
        self.end_group(out)?;
        self.writer.finish().map_err(failure)?;
        self.take_written(out)
    }

    fn take_written(&mut self, out: &mut Vec<u8>) -> Result<()> {
        self.writer.flush().map_err(|e| failure(e.into()))?;
        out.append(self.writer.inner_mut());
        Ok(())
    }

    fn write_group(&mut self, rows: &mut GroupRows) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for column in &self.schema.columns {
            let mut writer = group.next_column()?.ok_or_else(|| ParquetError::General("no column".into()))?;
            match column.kind {
                ColumnKind::Raw => {
                    let cells = rows.cells(|cell| Some(cell.clone()))?.0;
                    writer.typed::<ByteArrayType>().write_batch(&cells, None, None)?;
                }
                ColumnKind::Field(FieldType::Text) => {
                    write(writer.typed::<ByteArrayType>(), rows, |cell| Some(cell.clone()))?;
                }
                ColumnKind::Field(FieldType::Time | FieldType::Integer) => {
                    write(writer.typed::<Int64Type>(), rows, |cell| eight(cell).map(i64::from_le_bytes))?;
                }
                ColumnKind::Field(FieldType::Float) => {
                    write(writer.typed::<DoubleType>(), rows, |cell| eight(cell).map(f64::from_le_bytes))?;
                }
            }
            writer.close()?;
        }
        group.close().map(drop)
    }
}

/// The rows of a group, read from column to column.
struct GroupRows {
    text: ByteArray,
    /// Where the next cell of each row is.
    at: Vec<usize>,
}

impl GroupRows {
    /// The next cell of every row that has one, and for each row whether it has: 1 or 0.
    fn cells<T>(
        &mut self,
        value: impl Fn(&ByteArray) -> Option<T>,
    ) -> Result<(Vec<T>, Vec<i16>), ParquetError> {
        let (mut values, mut levels) = (Vec::new(), Vec::with_capacity(self.at.len()));
        for at in &mut self.at {
            let (length, _) = self.text.data().get(*at..).and_then(split_length).ok_or_else(incomplete)?;
            *at += LENGTH;
            let found = match length.checked_sub(1) {
                None => None,
                Some(length) if *at + length <= self.text.len() => {
                    let cell = self.text.slice(*at, length);
                    *at += length;
                    value(&cell)
                }
                Some(_) => return Err(incomplete()),
            };
            levels.push(i16::from(found.is_some()));
            values.extend(found);
        }
        Ok((values, levels))
    }
}

/// Writes a column that may be null.
fn write<T: DataType>(
    writer: &mut ColumnWriterImpl<'_, T>,
    rows: &mut GroupRows,
    value: impl Fn(&ByteArray) -> Option<T::T>,
) -> Result<(), ParquetError> {
    let (values, levels) = rows.cells(value)?;
    writer.write_batch(&values, Some(&levels), None).map(drop)
}

/// A length, and what is behind it.
fn split_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<LENGTH>()?;
    Some((usize::try_from(u32::from_le_bytes(*length)).ok()?, rest))
}

fn eight(cell: &ByteArray) -> Option<[u8; 8]> {
    cell.data().try_into().ok()
}

fn incomplete() -> ParquetError {
    ParquetError::General("a row is cut off".into())
}

fn cut() -> Error {
    failure(incomplete())
}

/// A failure of the library that writes Parquet.
pub(super) fn failure(error: ParquetError) -> Error {
    Error::new(ErrorKind::Unexpected, "cannot make a Parquet file")
        .because(error)
        .hint("please report this; ndjson holds the same events")
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::super::super::{EventContext, Fields, RenderOptions, Shape};
    use super::super::ParquetRows;
    use super::*;
    use crate::event::{Event, Stream};

    fn rows() -> ParquetRows {
        let fields = Some(Fields::parse("uuid,used_version").unwrap());
        ParquetRows::new(fields, &[Stream::ItemUsages], Shape::Raw, &RenderOptions::plain()).unwrap()
    }

    /// A row of an event of about this length.
    fn row(rows: &mut ParquetRows, length: usize) -> Vec<u8> {
        let raw = format!("{{\"uuid\":\"E1\",\"used_version\":7,\"x\":\"{}\"}}", "x".repeat(length));
        let event = Event { stream: Stream::ItemUsages, raw: raw.as_bytes(), uuid: None, time: None };
        let mut out = Vec::new();
        rows.event(&event, &EventContext::default(), DateTime::UNIX_EPOCH, &mut out);
        out
    }

    #[test]
    fn a_group_ends_by_rows_and_by_bytes_and_nothing_waits_behind_its_end() {
        for (length, count, groups) in [(0, GROUP_ROWS + 2, 2), (1 << 20, 70, 3)] {
            let mut rows = rows();
            let row = row(&mut rows, length);
            let (mut file, mut out) = (rows.file().unwrap(), Vec::new());
            for _ in 0..count {
                file.add(&row, &mut out).unwrap();
                assert!(file.held() < GROUP_BYTES + row.len());
            }
            file.end_group(&mut out).unwrap();
            assert_eq!(file.held(), 0);
            assert_eq!(file.writer.flushed_row_groups().len(), groups);
            let counted: i64 = file.writer.flushed_row_groups().iter().map(|group| group.num_rows()).sum();
            assert_eq!(counted, count as i64);
            file.end(&mut out).unwrap();
            assert!(out.starts_with(b"PAR1") && out.ends_with(b"PAR1"));
        }
    }

    #[test]
    fn the_bytes_depend_on_the_rows_alone_and_not_on_how_they_come() {
        let mut rows = rows();
        let one = row(&mut rows, 9);
        let made = |parts: &[&[u8]]| {
            let (mut file, mut out) = (rows.file().unwrap(), Vec::new());
            parts.iter().for_each(|part| file.add(part, &mut out).unwrap());
            file.end(&mut out).unwrap();
            out
        };
        assert_eq!(made(&[&one, &one]), made(&[&[one.clone(), one.clone()].concat()]));
        assert_ne!(made(&[&one]), made(&[&one, &one]));
    }

    #[test]
    fn a_row_that_is_cut_off_is_refused() {
        let mut rows = rows();
        let one = row(&mut rows, 9);
        let mut file = rows.file().unwrap();
        assert!(file.add(&one[..one.len() - 1], &mut Vec::new()).is_err());
    }
}

//! Parquet files in the place of the files that an output writes.

use crate::encode::{EventEncoder, ParquetFile};
use crate::error::Result;
use crate::output::sink::form::FileForm;

/// What makes files of the events of an encoder; none where files are its events one after another.
///
/// # Errors
/// As the encoder.
pub(super) fn of(encoder: &EventEncoder) -> Result<Option<Box<dyn FileForm>>> {
    Ok(encoder.file()?.map(|file| Box::new(file) as Box<dyn FileForm>))
}

impl FileForm for ParquetFile {
    fn add(&mut self, events: &[u8], out: &mut Vec<u8>) -> Result<()> {
        ParquetFile::add(self, events, out)
    }

    fn held(&self) -> usize {
        ParquetFile::held(self)
    }

    fn release(&mut self, out: &mut Vec<u8>) -> Result<()> {
        self.end_group(out)
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<()> {
        ParquetFile::end(self, out)
    }

    fn another(&self) -> Result<Box<dyn FileForm>> {
        Ok(Box::new(ParquetFile::another(self)?))
    }
}

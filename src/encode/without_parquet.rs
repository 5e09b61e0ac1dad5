//! In the place of `parquet` where the program is built without it: there are no rows and no files of them.

use chrono::{DateTime, Utc};

use super::registry::not_built;
use super::shape::{EventContext, Shape};
use super::{Fields, Format, RenderOptions};
use crate::error::Result;
use crate::event::{Event, Stream};

/// Nothing.
#[derive(Debug)]
pub(crate) enum ParquetRows {}

/// Nothing.
#[derive(Debug)]
pub enum ParquetFile {}

impl ParquetRows {
    pub(crate) fn new(_: Option<Fields>, _: &[Stream], _: Shape, _: &RenderOptions) -> Result<Self> {
        Err(not_built(Format::Parquet))
    }

    pub(crate) fn header(&self) -> Vec<String> {
        match *self {}
    }

    pub(crate) fn file(&self) -> Result<ParquetFile> {
        match *self {}
    }

    pub(crate) fn event(&mut self, _: &Event<'_>, _: &EventContext, _: DateTime<Utc>, _: &mut Vec<u8>) {
        match *self {}
    }
}

impl ParquetFile {
    /// As the other.
    ///
    /// # Errors
    /// Never.
    pub fn another(&self) -> Result<Self> {
        match *self {}
    }

    /// As the other.
    ///
    /// # Errors
    /// Never.
    pub fn add(&mut self, _: &[u8], _: &mut Vec<u8>) -> Result<()> {
        match *self {}
    }

    /// As the other.
    pub fn held(&self) -> usize {
        match *self {}
    }

    /// As the other.
    ///
    /// # Errors
    /// Never.
    pub fn end_group(&mut self, _: &mut Vec<u8>) -> Result<()> {
        match *self {}
    }

    /// As the other.
    ///
    /// # Errors
    /// Never.
    pub fn end(&mut self, _: &mut Vec<u8>) -> Result<()> {
        match *self {}
    }
}

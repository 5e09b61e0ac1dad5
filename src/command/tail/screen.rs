//! Standard output, or the device that stands for it, as the profiles of a run share it.

use std::sync::{Mutex, PoisonError};

use crate::command::output::Destination;
use crate::disk::RealDisk;
use crate::encode::Highlight;
use crate::error::Result;
use crate::output::Sink as _;
use crate::output::sink::stream::StreamSink;

/// Where rows go. The first to write anything writes the header.
#[derive(Debug, Default)]
pub(super) struct Screen {
    highlight: Option<Highlight>,
    sink: Mutex<Option<StreamSink>>,
}

impl Screen {
    /// Not opened yet.
    pub(super) fn new(highlight: Option<Highlight>) -> Self {
        Screen { highlight, sink: Mutex::default() }
    }

    /// Writes rows in one piece, after what `begin` gives if they are the first; in colour, matches stand
    /// out.
    ///
    /// # Errors
    /// Fails with `ClosedPipe` when nobody reads any more, and with `Output`.
    pub(super) fn write(
        &self,
        rows: &[u8],
        begin: impl FnOnce(&mut Vec<u8>),
        colour: bool,
        place: &Destination,
    ) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        let mut out = Vec::new();
        if sink.is_none() {
            *sink = Some(match place {
                Destination::Device(path) => StreamSink::at(&RealDisk, path)?,
                Destination::Stdout | Destination::File(_) => StreamSink::stdout()?,
            });
            begin(&mut out);
        }
        match self.highlight.as_ref().filter(|_| colour) {
            Some(highlight) => highlight.mark(rows, &mut out),
            None => out.extend_from_slice(rows),
        }
        sink.as_mut().map_or(Ok(()), |sink| sink.write(&out))
    }
}

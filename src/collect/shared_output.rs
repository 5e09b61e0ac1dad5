//! An output without a saved position, as the profiles of a run share it: standard output, a device, or a
//! file that appears when it is whole.
//!
//! Whoever writes first writes what the output begins with. Rows of one write stay together.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use super::lines::Lines;
use super::plan::Destination;
use crate::disk::{Disk, RealDisk};
use crate::encode::{EventContext, EventEncoder, Highlight};
use crate::error::{ErrorKind, Result};
use crate::event::Event;
use crate::output::Sink;
use crate::output::sink::replaced::ReplacedFile;
use crate::output::sink::stream::StreamSink;
/// How a file that does not exist yet, or may be replaced, is made.
#[derive(Clone, Copy, Debug)]
pub struct NewFile<'a> {
    /// Its permissions.
    pub mode: u32,
    /// Whether it may replace another.
    pub overwrite: bool,
    /// Where positions are saved: a file that one of them manages is never replaced.
    pub state_dir: &'a Path,
}

/// An output that is begun once and ended once; clones share it.
#[derive(Clone, Debug)]
pub struct SharedOutput(Arc<Mutex<OpenOutput>>);

#[derive(Debug)]
struct OpenOutput {
    encoder: EventEncoder,
    destination: Destination,
    sink: Option<OpenSink>,
    /// Whose events the encoder was told to write.
    speaker: Option<usize>,
    has_begun: bool,
    /// Whether its reader went away.
    is_closed: bool,
    highlight: Option<Highlight>,
}

#[derive(Debug)]
enum OpenSink {
    Stream(StreamSink),
    File(ReplacedFile),
}

impl SharedOutput {
    /// An output at `destination`, opened with the first rows.
    pub fn new(encoder: EventEncoder, destination: Destination, highlight: Option<Highlight>) -> Self {
        let (sink, speaker, has_begun, is_closed) = (None, None, false, false);
        SharedOutput(Arc::new(Mutex::new(OpenOutput {
            encoder,
            destination,
            sink,
            speaker,
            has_begun,
            is_closed,
            highlight,
        })))
    }

    /// Opens it now, so that what stands in the way is told before anything is asked.
    ///
    /// # Errors
    /// `Usage` when there is a file that may not be replaced; `Output` when nothing can be written.
    pub fn open(&self, new: &NewFile<'_>) -> Result<()> {
        let mut open = self.lock();
        if open.sink.is_none() {
            open.sink = Some(match &open.destination {
                Destination::File(path) => {
                    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
                    let file = ReplacedFile::create(&disk, path, new.mode, new.overwrite, new.state_dir)?;
                    OpenSink::File(file)
                }
                stream => OpenSink::Stream(open_stream(stream)?),
            });
        }
        Ok(())
    }

    /// Whether every event comes out as the line that it is in its answer, where it is one.
    pub(super) fn is_verbatim(&self) -> bool {
        self.lock().encoder.is_verbatim()
    }

    /// Whether it is standard output.
    pub(super) fn is_stdout(&self) -> bool {
        self.lock().destination == Destination::Stdout
    }

    /// Whether its reader went away.
    pub fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Appends an event of the profile with this number and context, as it is to be written, to `out`.
    pub(super) fn encode(
        &self,
        (speaker, context): (usize, &EventContext),
        event: &Event<'_>,
        received_at: DateTime<Utc>,
        out: &mut Vec<u8>,
    ) {
        let mut open = self.lock();
        if open.speaker.replace(speaker) != Some(speaker) {
            open.encoder.speak_for(context.clone());
        }
        open.encoder.event(event, received_at, out);
    }

    /// Writes rows and lines, after what the output begins with if they are the first.
    ///
    /// # Errors
    /// `ClosedPipe` when the reader went away, else `Output`.
    pub(super) fn write(&self, rows: &[u8], lines: &mut Lines) -> Result<()> {
        if rows.is_empty() && lines.is_empty() {
            return Ok(());
        }
        self.lock().write(rows, lines)
    }

    /// Ends what was written so far, however few of the events have come: an array is closed.
    ///
    /// # Errors
    /// `ClosedPipe` when the reader went away, else `Output`.
    pub fn end(&self) -> Result<()> {
        let mut open = self.lock();
        let mut end = Vec::new();
        open.encoder.end(&mut end);
        let written = open.begin_and_write(&end);
        open.encoder.take_warnings().iter().for_each(|warning| log::warn!("{warning}"));
        written
    }

    /// Makes what was written durable; a file gets its name.
    ///
    /// # Errors
    /// `Output` when the disk fails, `Usage` when a file of that name has appeared meanwhile.
    pub fn publish(&self) -> Result<()> {
        let sink = self.lock().sink.take();
        match sink {
            None => Ok(()),
            Some(OpenSink::Stream(mut sink)) => sink.sync(),
            Some(OpenSink::File(file)) => file.finish(),
        }
    }

    /// Gives up a file that is not whole: nothing of it remains.
    pub fn discard(&self) {
        self.lock().sink = None;
    }

    fn lock(&self) -> MutexGuard<'_, OpenOutput> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenOutput {
    fn write(&mut self, rows: &[u8], lines: &mut Lines) -> Result<()> {
        let marked = self.highlight.as_ref().map(|highlight| highlight.marked(rows));
        self.begin_and_write(marked.as_deref().unwrap_or(rows))?;
        let written = lines.write_to(self.sink()?);
        self.encoder.take_warnings().iter().for_each(|warning| log::warn!("{warning}"));
        self.noted(written)
    }

    fn begin_and_write(&mut self, rows: &[u8]) -> Result<()> {
        let mut begin = Vec::new();
        if !std::mem::replace(&mut self.has_begun, true) {
            self.encoder.begin(&mut begin);
        }
        let sink = self.sink()?;
        let written = if begin.is_empty() {
            if rows.is_empty() { Ok(()) } else { sink.write(rows) }
        } else {
            begin.extend_from_slice(rows);
            sink.write(&begin)
        };
        self.noted(written)
    }

    fn sink(&mut self) -> Result<&mut dyn Sink> {
        let sink = match self.sink.take() {
            Some(sink) => sink,
            None => OpenSink::Stream(open_stream(&self.destination)?),
        };
        Ok(match self.sink.insert(sink) {
            OpenSink::Stream(sink) => sink,
            OpenSink::File(sink) => sink,
        })
    }

    fn noted(&mut self, written: Result<()>) -> Result<()> {
        if let Err(failure) = &written {
            self.is_closed |= failure.kind() == ErrorKind::ClosedPipe;
        }
        written
    }
}

fn open_stream(destination: &Destination) -> Result<StreamSink> {
    match destination {
        Destination::Device(path) => StreamSink::at(&RealDisk, path),
        Destination::Stdout | Destination::File(_) => StreamSink::stdout_for_data(),
    }
}

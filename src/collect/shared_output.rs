//! An output without a saved position, which the profiles of a run share: standard output, a device, or a
//! file that gets its name when it is complete.
//!
//! The first write also writes the header. Rows of one write stay together.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use super::file_form;
use super::lines::Lines;
use super::plan::Destination;
use super::speaker::SpeakerNumber;
use crate::config::terminal;
use crate::console::{Pager, PagerCommand};
use crate::disk::{Disk, RealDisk, real};
use crate::encode::{EventContext, EventEncoder, Highlight, ShownEvents};
use crate::error::{ErrorKind, Result};
use crate::event::Event;
use crate::output::Sink;
use crate::output::sink::replaced::ReplacedFile;
use crate::output::sink::stream::StreamSink;
use crate::select::JqValues;
/// How a new file is created.
#[derive(Clone, Copy, Debug)]
pub struct NewFile<'a> {
    /// Its permissions.
    pub mode: u32,
    /// Whether it may replace an existing one.
    pub overwrite: bool,
    /// Where positions are saved: a file that one of them manages is never replaced.
    pub state_dir: Option<&'a Path>,
}

/// An output with one beginning and one end; clones share it.
#[derive(Clone, Debug)]
pub struct SharedOutput(Arc<Mutex<OpenOutput>>);

#[derive(Debug)]
struct OpenOutput {
    encoder: EventEncoder,
    destination: Destination,
    sink: Option<SharedSink>,
    /// Whose context the encoder has.
    speaker: Option<SpeakerNumber>,
    has_begun: bool,
    /// Whether its reader closed it.
    is_closed: bool,
    highlight: Option<Highlight>,
    /// The terminal's width, as rows were laid out for it; none where nothing is cut.
    width: Option<u16>,
    /// What shows the rows on a terminal.
    pager: Option<PagerCommand>,
}

#[derive(Debug)]
enum SharedSink {
    Stream(StreamSink),
    /// The pager is waited for once the stream to it is closed.
    Paged(StreamSink, Pager),
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
            width: None,
            pager: None,
        })))
    }

    /// The same on a terminal of this width, which may change, or in a pager, which stands between.
    #[must_use]
    pub fn on_terminal(self, width: Option<u16>, pager: Option<PagerCommand>) -> Self {
        {
            let mut open = self.lock();
            open.width = width.filter(|_| pager.is_none());
            open.pager = pager;
        }
        self
    }

    /// What was shown on a terminal so far.
    pub(super) fn shown(&self) -> Option<ShownEvents> {
        self.lock().encoder.shown().cloned()
    }

    /// Opens it now, so that it fails before anything is requested.
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
                    SharedSink::File(file.in_form(file_form::of(&open.encoder)?))
                }
                stream => open_stream(stream, open.pager.as_ref())?,
            });
        }
        Ok(())
    }

    /// Whether an event that is a line of its page is written unchanged.
    pub(super) fn is_verbatim(&self) -> bool {
        self.lock().encoder.is_verbatim()
    }

    /// Whether it is standard output.
    pub(super) fn is_stdout(&self) -> bool {
        self.lock().destination == Destination::Stdout
    }

    /// Whether its reader closed it.
    pub fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Encodes an event of the speaker with this number and context into `out`.
    pub(super) fn encode(
        &self,
        (speaker, context): (SpeakerNumber, &EventContext),
        event: &Event<'_>,
        received_at: DateTime<Utc>,
        out: &mut Vec<u8>,
    ) {
        let mut open = self.lock();
        if open.speaker.replace(speaker) != Some(speaker) {
            open.encoder.speak_for(context.clone());
        }
        open.follow_the_terminal(out);
        open.encoder.event(event, received_at, out);
    }

    /// Encodes what is written instead of an event into `out`.
    pub(super) fn encode_values(&self, values: &JqValues, out: &mut Vec<u8>) {
        let mut open = self.lock();
        values.iter().for_each(|value| open.encoder.value(value, out));
    }

    /// Says what encoding has to warn of.
    pub(super) fn tell_warnings(&self) {
        self.lock().encoder.take_warnings().iter().for_each(|warning| log::warn!("{warning}"));
    }

    /// Writes rows and lines; the header comes before the first ones.
    ///
    /// # Errors
    /// `ClosedPipe` when the reader is gone, else `Output`.
    pub(super) fn write(&self, rows: &[u8], lines: &mut Lines) -> Result<()> {
        if rows.is_empty() && lines.is_empty() {
            return Ok(());
        }
        self.lock().write(rows, lines)
    }

    /// Writes the end of the format, as the bracket of an array, even after few events.
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

    /// Makes what was written durable; a file gets its name, a pager its end, which is waited for.
    ///
    /// # Errors
    /// `Output` when the disk fails, `Usage` when a file of that name has been created meanwhile.
    pub fn publish(&self) -> Result<()> {
        let sink = self.lock().sink.take();
        match sink {
            None => Ok(()),
            Some(SharedSink::Stream(mut sink)) => sink.sync(),
            Some(SharedSink::Paged(sink, mut pager)) => {
                drop(sink);
                pager.wait()
            }
            Some(SharedSink::File(file)) => file.finish(),
        }
    }

    /// Removes a file that is not complete.
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

    /// Lays rows out anew where the terminal has another width by now, with the header again.
    fn follow_the_terminal(&mut self, out: &mut Vec<u8>) {
        let Some(known) = self.width else { return };
        let now = u16::try_from(terminal::width(std::io::stdout())).unwrap_or(u16::MAX);
        if now != known {
            self.width = Some(now);
            if self.encoder.resize(now) && self.has_begun {
                self.encoder.begin(out);
            }
        }
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
            None => open_stream(&self.destination, self.pager.as_ref())?,
        };
        Ok(match self.sink.insert(sink) {
            SharedSink::Stream(sink) | SharedSink::Paged(sink, _) => sink,
            SharedSink::File(sink) => sink,
        })
    }

    fn noted(&mut self, written: Result<()>) -> Result<()> {
        if let Err(failure) = &written {
            self.is_closed |= failure.kind() == ErrorKind::ClosedPipe;
            if let Some(SharedSink::Paged(_, pager)) = self.sink.as_mut().filter(|_| self.is_closed) {
                // One that could not be started reads nothing either.
                pager.wait()?;
            }
        }
        written
    }
}

fn open_stream(destination: &Destination, pager: Option<&PagerCommand>) -> Result<SharedSink> {
    Ok(match (destination, pager) {
        (Destination::Device(path), _) => SharedSink::Stream(StreamSink::at(&RealDisk, path)?),
        (Destination::Stdout, Some(pager)) => {
            let (pager, input) = pager.start()?;
            SharedSink::Paged(StreamSink::of(real::of_descriptor(input), "the pager")?, pager)
        }
        // Batches have sinks of their own.
        (_, _) => SharedSink::Stream(StreamSink::stdout_for_data()?),
    })
}

//! The commit order, here and nowhere else: what makes P1, P2, P3 and P8 true of a resumed run.
//!
//! [`CheckpointedOutput::stage`] appends the new events of a page, [`CheckpointedOutput::commit`] makes all
//! that was staged durable, in this order: the data, the identities, the checkpoint. Several pages, of several
//! streams, can be one commit. At every moment either the old or the new checkpoint is whole and durable, and
//! what it says of the output and of the delivered identities was durable before it; what was staged and not
//! committed lies behind the committed length, where the next run cuts it off. One output has one checkpoint
//! and one writer, however many streams feed it. How a run begins is in `opening`.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::checkpoint::dir::CheckpointDir;
use super::checkpoint::lock::LockGuard;
use super::checkpoint::record::{Checkpoint, OutputMark, StreamPosition};
use super::checkpoint::store::CheckpointStore;
use super::seen::log::SeenLog;
use super::sink::Sink;
use super::sink::delivery::DeliverySink;
use super::sink::managed::ManagedFile;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Stream};
use crate::page::Page;

mod companion;
mod delivering;
mod opening;
mod rotation;

use self::companion::Companion;

pub use opening::{OutputSetup, OutputTarget};

/// How often a page without events is worth a commit.
const QUIET_COMMITS: Duration = Duration::from_secs(30);
/// How old the saved time of the last caught-up answer may become. P11 wants a day at most; and another run
/// that finds the lock taken looks here for whether its holder is alive ([`opening::STANDSTILL`]).
const QUIET_PROOF: TimeDelta = TimeDelta::minutes(5);

/// Turns events into the bytes of the output.
pub trait Encode {
    /// Whether an event belongs into the output. The position moves over one that does not, and it is not
    /// remembered.
    fn wants(&mut self, _event: &Event<'_>) -> bool {
        true
    }

    /// Appends what the output begins with: once in a file's life, once in a run on a stream.
    fn begin(&mut self, out: &mut Vec<u8>);

    /// Appends one event.
    fn event(&mut self, event: &Event<'_>, received_at: DateTime<Utc>, out: &mut Vec<u8>);
}

/// What staging came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Staged {
    /// Events that were appended.
    pub events: u64,
    /// Events that had gone out before, and were dropped.
    pub repeats: u64,
    /// Events that do not belong into the output.
    pub unwanted: u64,
    /// Bytes that were appended.
    pub bytes: u64,
    /// How many of the events were dealt with: fewer than given where a batch is full and must be committed first.
    pub taken: usize,
}

/// What became of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Events that went out.
    pub events: u64,
    /// Events that had gone out before, and were dropped.
    pub repeats: u64,
    /// Bytes that went out.
    pub bytes: u64,
    /// Whether the position behind the page is durable; a page without events may wait for the next.
    pub committed: bool,
}

/// Delivers pages and keeps the position behind them.
#[derive(Debug)]
pub struct CheckpointedOutput {
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    sink: OpenSink,
    store: CheckpointStore,
    record: Checkpoint,
    /// What was made durable last.
    committed: Checkpoint,
    seen: SeenLog,
    /// What rules have gathered, and their hits, where rules look at the events.
    companion: Option<Companion>,
    buffer: Vec<u8>,
    /// What the output begins with, once it is known.
    beginning: Option<Vec<u8>>,
    /// What is in `record` and not yet durable.
    unsaved: Unsaved,
    /// Whether bytes were handed to the sink since it was last synced.
    is_unsynced: bool,
    /// Whether the managed file has another name by now, or none, and the next page begins a new one.
    is_moved: bool,
    last_commit: Option<Duration>,
    is_broken: bool,
    /// Given back last.
    _lock: LockGuard,
}

/// Where the bytes go, opened.
#[derive(Debug)]
enum OpenSink {
    File { file: Box<ManagedFile>, path: PathBuf, mode: u32 },
    Stream { sink: Box<dyn Sink>, has_begun: bool },
    Batches(Box<DeliverySink>),
}

impl OpenSink {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            OpenSink::File { file, .. } => file.write(bytes),
            OpenSink::Stream { sink, has_begun } => {
                *has_begun = true;
                sink.write(bytes)
            }
            // Events are added one by one.
            OpenSink::Batches(_) => Ok(()),
        }
    }

    fn sync(&mut self) -> Result<()> {
        match self {
            OpenSink::File { file, .. } => file.sync(),
            OpenSink::Stream { sink, .. } => sink.sync(),
            OpenSink::Batches(_) => Ok(()),
        }
    }

    fn mark(&self) -> Option<OutputMark> {
        match self {
            OpenSink::File { file, .. } => Some(file.mark()),
            OpenSink::Stream { .. } | OpenSink::Batches(_) => None,
        }
    }

    /// Whether what the output begins with is still to be written.
    fn is_at_the_beginning(&self) -> bool {
        match self {
            OpenSink::File { file, .. } => file.is_empty(),
            OpenSink::Stream { has_begun, .. } => !has_begun,
            OpenSink::Batches(_) => false,
        }
    }
}

/// How much a commit would add; in rising order of worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unsaved {
    Nothing,
    CaughtUpAgain,
    Cursor,
    Events,
}

impl CheckpointedOutput {
    /// Where a stream stands; none when it was never asked.
    pub fn position(&self, stream: Stream) -> Option<&StreamPosition> {
        self.record.position(stream)
    }

    /// Where the position is kept.
    pub fn place(&self) -> &CheckpointDir {
        self.store.place()
    }

    /// For whom the position is kept: a path, or a name.
    pub fn consumer(&self) -> &str {
        &self.record.consumer
    }

    /// Delivers a page: stages all of it, and commits if that is due.
    ///
    /// # Errors
    /// As [`CheckpointedOutput::stage`] and [`CheckpointedOutput::commit`].
    pub fn deliver(&mut self, page: &Page, encode: &mut dyn Encode) -> Result<Delivered> {
        let mut delivered = Delivered::default();
        let mut from = 0;
        loop {
            let staged = self.stage(page, from..page.len(), encode)?;
            from += staged.taken;
            delivered.events += staged.events;
            delivered.repeats += staged.repeats;
            delivered.bytes += staged.bytes;
            delivered.committed = self.commit_if_due()?;
            if from >= page.len() {
                return Ok(delivered);
            }
        }
    }

    /// Appends those events of a page that were not delivered before, without committing them. The stream's
    /// position moves behind the page once the range reaches the page's end, so that a page that is staged
    /// in part is asked for again, and its delivered events are dropped as repeats.
    ///
    /// After a failure nothing more is staged: the next run goes on from the last commit.
    ///
    /// # Errors
    /// `ClosedPipe` when the reader went away, `Output` when the disk failed, `Disagreement` when another
    /// program wrote the output.
    pub fn stage(&mut self, page: &Page, events: Range<usize>, encode: &mut dyn Encode) -> Result<Staged> {
        self.guarded(|output| {
            if !events.is_empty() && output.has_to_begin_anew()? {
                output.begin_new_file()?;
            }
            if output.is_delivery() {
                return output.stage_into_batch(page, events, encode);
            }
            // (1) Drop what is not wanted and repeats, and encode the rest into one buffer.
            let staged = output.encode_new(page, events, encode);
            // (2) Append it.
            if staged.events > 0 {
                output.is_unsynced = true;
                output.sink.write(&output.buffer)?;
            }
            Ok(staged)
        })
    }

    /// Makes all that was staged durable; does nothing where there is nothing to save.
    ///
    /// # Errors
    /// `Output` when the disk failed; nothing that was staged since the last commit is then committed.
    pub fn commit(&mut self) -> Result<()> {
        self.guarded(|output| match output.unsaved {
            Unsaved::Nothing => Ok(()),
            _ => output.save(),
        })
    }

    /// Commits if what was staged is worth it: events always, the rest now and then. True if it did.
    ///
    /// # Errors
    /// As [`CheckpointedOutput::commit`].
    pub fn commit_if_due(&mut self) -> Result<bool> {
        let is_due = self.is_due();
        if is_due {
            self.commit()?;
        } else {
            self.guarded(Self::prove_alive)?;
        }
        Ok(is_due)
    }

    /// The order in which staged events become durable.
    fn save(&mut self) -> Result<()> {
        // (2) and (3) of a batch: its receiver has it, and what a receiver has is not ours to sync.
        self.deliver_batch()?;
        loop {
            // (3) Sync the data. A failure ends the run and is never retried: a second sync would succeed
            // without the pages that the first one lost (P8).
            if self.is_unsynced {
                self.sink.sync()?;
                self.is_unsynced = false;
            }
            // What is in a file without a name is in no file (P1): it is written again into a new one.
            if !self.move_if_unlinked()? {
                break;
            }
        }
        let state_before = self.record.companion.as_ref().map(|mark| mark.generation);
        self.save_companion()?;
        // (4) Save the checkpoint: now that the data is durable, and not before; the identities first.
        self.record.output = self.sink.mark();
        self.record.seen = self.seen.save()?;
        self.record.program = env!("CARGO_PKG_VERSION").to_owned();
        self.record.updated_at = self.clock.now();
        self.store.commit(&mut self.record)?;
        self.seen.committed();
        if let OpenSink::File { file, .. } = &mut self.sink {
            file.committed();
        }
        self.companion_committed(state_before);
        self.committed = self.record.clone();
        self.unsaved = Unsaved::Nothing;
        self.last_commit = Some(self.clock.elapsed());
        Ok(())
    }

    /// Fills the buffer with the events that were not delivered before, and moves the position in memory.
    fn encode_new(&mut self, page: &Page, range: Range<usize>, encode: &mut dyn Encode) -> Staged {
        self.buffer.clear();
        let beginning = self.beginning.get_or_insert_with(|| {
            let mut beginning = Vec::new();
            encode.begin(&mut beginning);
            beginning
        });
        if self.sink.is_at_the_beginning() {
            self.buffer.extend_from_slice(beginning);
        }
        let (mut events, mut unwanted, mut last) = (0, 0, None);
        for index in range.clone() {
            let event = page.event_at(index);
            if !encode.wants(&event) {
                unwanted += 1;
                last = Some(index);
            } else if self.seen.insert(&event) {
                encode.event(&event, page.received_at, &mut self.buffer);
                events += 1;
                last = Some(index);
            }
        }
        let repeats = range.len() as u64 - events - unwanted;
        if events == 0 {
            self.buffer.clear();
        }
        let (bytes, taken) = (self.buffer.len() as u64, range.len());
        let staged = Staged { events, repeats, unwanted, bytes, taken };
        self.note_position(page, range, &staged, last);
        staged
    }

    /// Moves the position in memory over these events of a page, `last` being the last that was new.
    fn note_position(&mut self, page: &Page, range: Range<usize>, staged: &Staged, last: Option<usize>) {
        let position = self.record.streams.entry(page.stream.name().to_owned()).or_default();
        let (cursor, caught_up_at) = (position.cursor.clone(), position.caught_up_at);
        position.count(page, range.clone(), (staged.events, staged.repeats), last);
        if range.end >= page.len() {
            position.pass(page);
        }
        let worth = match () {
            () if staged.events > 0 => Unsaved::Events,
            () if position.cursor != cursor => Unsaved::Cursor,
            () if position.caught_up_at != caught_up_at => Unsaved::CaughtUpAgain,
            () => Unsaved::Nothing,
        };
        self.unsaved = self.unsaved.max(worth);
    }

    /// Whether what is unsaved is worth a commit now.
    fn is_due(&self) -> bool {
        let waited =
            |least| self.last_commit.is_none_or(|last| self.clock.elapsed().saturating_sub(last) >= least);
        if let Some(is_due) = self.is_batch_due() {
            return is_due;
        }
        match self.unsaved {
            Unsaved::Events => true,
            Unsaved::Cursor => waited(QUIET_COMMITS),
            Unsaved::CaughtUpAgain => {
                waited(QUIET_COMMITS) && self.clock.now() - self.record.updated_at >= QUIET_PROOF
            }
            Unsaved::Nothing => false,
        }
    }

    /// Saves what is not saved yet; the run may then end with 0.
    ///
    /// # Errors
    /// Fails with `Output` when the disk does, or did before.
    pub fn finish(mut self) -> Result<()> {
        self.commit()
    }

    /// Does nothing once something has failed: what is in memory is ahead of what is durable.
    fn guarded<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.is_broken {
            return Err(Error::new(ErrorKind::Output, "nothing is written after a failed write")
                .hint("run again: what was not committed is delivered again"));
        }
        let outcome = work(self);
        self.is_broken = outcome.is_err();
        outcome
    }
}

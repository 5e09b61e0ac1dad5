//! The commit order, here and nowhere else: what makes P1, P2, P3 and P8 true of a resumed run.
//!
//! [`Pipeline::step`] is the protocol for one page. At every moment either the old or the new checkpoint is
//! whole and durable, and what it says of the output and of the delivered identities was durable before it.
//! One pipeline is one output, one checkpoint and one writer, however many streams feed it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::checkpoint::lock::{self, Held};
use super::checkpoint::place::{Consumer, Place};
use super::checkpoint::record::{Position, Record, Terms};
use super::checkpoint::recover;
use super::checkpoint::store::Store;
use super::digest;
use super::repeats::log::SeenLog;
use super::sink::Sink;
use super::{disk_failure, shown};
use crate::clock::Clock;
use crate::disk::Disk;
use crate::event::{Event, Stream};
use crate::failure::{Failure, Kind, Result};
use crate::page::Page;

/// How often a page without events is worth a commit.
const QUIET_COMMITS: Duration = Duration::from_secs(30);
/// How old the saved time of the last caught-up answer may become; P11 wants a day at most.
const QUIET_PROOF: TimeDelta = TimeDelta::hours(1);

/// Turns events into the bytes of the output.
pub trait Encode {
    /// Appends what the output begins with: once in a file's life, once in a run on a stream.
    fn begin(&mut self, out: &mut Vec<u8>);

    /// Appends one event.
    fn event(&mut self, event: &Event<'_>, received_at: DateTime<Utc>, out: &mut Vec<u8>);
}

/// What a resumed run says of itself.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where all state lies.
    pub state_dir: PathBuf,
    /// The profile's name.
    pub profile: String,
    /// What has to be the same in every run of this position.
    pub terms: Terms,
    /// How many delivered events a stream are remembered: [`super::repeats::REMEMBERED`].
    pub remembered: usize,
}

/// Where a resumed run delivers to.
#[derive(Debug)]
pub enum Target {
    /// A file that is managed: each event once, whatever happens.
    File {
        /// Its path, as typed.
        path: PathBuf,
        /// Its permissions, if it is made.
        mode: u32,
    },
    /// A stream: at least once.
    Stream {
        /// For whom the position is kept.
        consumer: String,
        /// Where the bytes go.
        sink: Box<dyn Sink>,
    },
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
pub struct Pipeline {
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    sink: Box<dyn Sink>,
    /// The managed file's path and mode.
    file: Option<(PathBuf, u32)>,
    store: Store,
    record: Record,
    seen: SeenLog,
    buffer: Vec<u8>,
    begun: bool,
    /// What is in `record` and not yet durable.
    unsaved: Unsaved,
    last_commit: Option<Duration>,
    is_broken: bool,
    /// Given back last.
    _lock: Held,
}

/// How much a commit would add; in rising order of worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unsaved {
    Nothing,
    CaughtUpAgain,
    Cursor,
    Events,
}

impl Pipeline {
    /// Locks, loads, checks and recovers; on return the run may deliver.
    ///
    /// # Errors
    /// `Locked` when another run writes the same position or output; `Disagreement` when position and
    /// output or terms do not fit, and nothing is changed; `Output` when the disk fails.
    pub fn open(disk: Arc<dyn Disk>, clock: Arc<dyn Clock>, setup: Setup, target: Target) -> Result<Self> {
        let (consumer, file, sink) = match target {
            Target::Stream { consumer, sink } => (Consumer::Named(consumer), None, Some(sink)),
            Target::File { path, mode } => {
                let path = managed_path(&*disk, &path)?;
                (Consumer::File(path.clone()), Some((path, mode)), None)
            }
        };
        let place = Place::of(&setup.state_dir, &setup.profile, &consumer);
        place.make(&*disk)?;
        let lock = lock::acquire(&*disk, &*clock, &place.file("lock"))?;
        warn_of_doubtful(&*disk, place.directory());

        let (store, saved) = Store::load(&disk, &place)?;
        let is_first = saved.is_none();
        let mut record = saved.unwrap_or_else(|| {
            Record::new(&setup.profile, &consumer.to_string(), setup.terms.clone(), clock.now())
        });
        recover::check_terms(&record, &setup.terms, file.is_some())?;
        // An account that was not known before is from now on; shape and columns of a stream may change.
        record.terms = Terms { account: setup.terms.account.or(record.terms.account), ..setup.terms };
        let seen = SeenLog::load(&disk, &place, &record.seen, setup.remembered)?;
        let sink = match (sink, &file) {
            (Some(sink), _) => sink,
            (None, Some((path, mode))) => {
                warn_of_doubtful(&*disk, path.parent().unwrap_or(path));
                Box::new(recover::open_output(&*disk, path, *mode, record.output.as_ref())?.0)
            }
            (None, None) => return Err(Failure::new(Kind::Unexpected, "a target without a sink")),
        };

        let mut pipeline = Pipeline {
            disk,
            clock,
            sink,
            file,
            store,
            record,
            seen,
            buffer: Vec::new(),
            begun: false,
            unsaved: Unsaved::Nothing,
            last_commit: None,
            is_broken: false,
            _lock: lock,
        };
        if is_first {
            place.sync(&*pipeline.disk)?;
        } else {
            pipeline.store.settle(&pipeline.record)?;
        }
        // A new file is on record before its first byte: else nobody could tell later whose that byte is.
        if pipeline.record.output != pipeline.sink.mark() {
            pipeline.commit()?;
        }
        Ok(pipeline)
    }

    /// Where a stream stands; none when it was never asked.
    pub fn position(&self, stream: Stream) -> Option<&Position> {
        self.record.position(stream)
    }

    /// Where the position is kept.
    pub fn place(&self) -> &Place {
        self.store.place()
    }

    /// For whom the position is kept: a path, or a name.
    pub fn consumer(&self) -> &str {
        &self.record.consumer
    }

    /// Delivers a page. After a failure nothing more is delivered: the next run goes on from the last
    /// commit.
    ///
    /// # Errors
    /// `ClosedPipe` when the reader went away, `Output` when the disk failed, `Disagreement` when another
    /// program wrote the output. The page is then not committed.
    pub fn deliver(&mut self, page: &Page, encode: &mut dyn Encode) -> Result<Delivered> {
        self.guarded(|pipeline| pipeline.step(page, encode))
    }

    /// The commit order for one page.
    fn step(&mut self, page: &Page, encode: &mut dyn Encode) -> Result<Delivered> {
        // (1) Drop repeats, and encode the whole page into one buffer.
        let mut delivered = self.encode_new(page, encode);
        if delivered.events > 0 {
            // (2) Append it.
            self.sink.write(&self.buffer)?;
            // (3) Sync the data. A failure ends the run and is never retried: a second sync would succeed
            // without the pages that the first one lost (P8).
            self.sink.sync()?;
        }
        // (4) Commit: now that the data is durable, and not before.
        if self.is_due(page) {
            self.commit()?;
            delivered.committed = true;
        }
        // (5) Tell progress.
        Ok(delivered)
    }

    /// Makes the record durable; what it says of the identities first.
    fn commit(&mut self) -> Result<()> {
        self.record.output = self.sink.mark();
        self.record.seen = self.seen.save()?;
        self.record.program = env!("CARGO_PKG_VERSION").to_owned();
        self.record.updated_at = self.clock.now();
        self.store.commit(&mut self.record)?;
        self.seen.committed();
        self.unsaved = Unsaved::Nothing;
        self.last_commit = Some(self.clock.elapsed());
        Ok(())
    }

    /// Fills the buffer with the events that were not delivered before, and moves the position in memory.
    fn encode_new(&mut self, page: &Page, encode: &mut dyn Encode) -> Delivered {
        self.buffer.clear();
        if self.sink.mark().map_or(!self.begun, |output| output.length == 0) {
            encode.begin(&mut self.buffer);
        }
        let (mut events, mut last) = (0, None);
        for (index, event) in page.events().enumerate() {
            if self.seen.insert(page.stream, digest::identity(&event)) {
                encode.event(&event, page.received_at, &mut self.buffer);
                events += 1;
                last = Some(index);
            }
        }
        let position = self.record.streams.entry(page.stream.name().to_owned()).or_default();
        let (cursor, caught_up_at) = (position.cursor.clone(), position.caught_up_at);
        position.advance(page, events, last);
        let worth = match () {
            () if events > 0 => Unsaved::Events,
            () if position.cursor != cursor => Unsaved::Cursor,
            () if position.caught_up_at != caught_up_at => Unsaved::CaughtUpAgain,
            () => Unsaved::Nothing,
        };
        self.unsaved = self.unsaved.max(worth);
        if events == 0 {
            self.buffer.clear();
        } else {
            self.begun = true;
        }
        Delivered {
            events,
            repeats: page.len() as u64 - events,
            bytes: self.buffer.len() as u64,
            committed: false,
        }
    }

    /// Whether what is unsaved is worth a commit now: events always, the rest now and then.
    fn is_due(&self, page: &Page) -> bool {
        let waited =
            |least| self.last_commit.is_none_or(|last| self.clock.elapsed().saturating_sub(last) >= least);
        match self.unsaved {
            Unsaved::Events => true,
            Unsaved::Cursor => waited(QUIET_COMMITS),
            Unsaved::CaughtUpAgain => {
                waited(QUIET_COMMITS) && page.received_at - self.record.updated_at >= QUIET_PROOF
            }
            Unsaved::Nothing => false,
        }
    }

    /// Opens the managed file anew at its path, as after a rotation; nothing on a stream.
    ///
    /// # Errors
    /// Fails as [`Pipeline::open`] does when what is there now cannot be written.
    pub fn reopen(&mut self) -> Result<()> {
        self.guarded(|pipeline| {
            let Some((path, mode)) = &pipeline.file else { return Ok(()) };
            let written = pipeline.sink.mark();
            let is_same = match (pipeline.disk.metadata(path), &written) {
                (Ok(found), Some(mark)) => (found.device, found.inode) == (mark.device, mark.inode),
                _ => false,
            };
            if is_same {
                return Ok(());
            }
            let (file, found) = recover::open_output(&*pipeline.disk, path, *mode, written.as_ref())?;
            log::info!("output reopened: {} ({found:?})", shown(path));
            pipeline.sink = Box::new(file);
            pipeline.commit()
        })
    }

    /// Saves what is not saved yet; the run may then end with 0.
    ///
    /// # Errors
    /// Fails with `Output` when the disk does, or did before.
    pub fn finish(mut self) -> Result<()> {
        self.guarded(|pipeline| match pipeline.unsaved {
            Unsaved::Nothing => Ok(()),
            _ => pipeline.commit(),
        })
    }

    /// Does nothing once something has failed: what is in memory is ahead of what is durable.
    fn guarded<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.is_broken {
            return Err(Failure::new(Kind::Output, "nothing is written after a failed write")
                .hint("run again: what was not committed is delivered again"));
        }
        let outcome = work(self);
        self.is_broken = outcome.is_err();
        outcome
    }
}

fn managed_path(disk: &dyn Disk, path: &Path) -> Result<PathBuf> {
    if path.to_str().is_none() {
        return Err(Failure::new(Kind::Usage, format!("the name of {} is not UTF-8", shown(path)))
            .hint("give the managed file a name that is"));
    }
    disk.absolute(path).map_err(|e| disk_failure("write", path, e))
}

/// Says where locks and syncs cannot be relied on (P7).
fn warn_of_doubtful(disk: &dyn Disk, path: &Path) {
    if let Some(kind) = disk.doubtful_kind(path) {
        log::warn!(
            "{} lies on {kind}, where locks and syncs may not hold what they promise; a local disk is safer",
            shown(path)
        );
    }
}

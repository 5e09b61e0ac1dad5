//! The start of a resumed run: lock, load, check, recover, and only then write.
//!
//! Before everything is checked only the lock is written; a refusal leaves all files unchanged (P6).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{SecondsFormat, TimeDelta};

use super::super::checkpoint::dir::{CheckpointDir, Consumer};
use super::super::checkpoint::lock;
use super::super::checkpoint::record::{Checkpoint, OutputContract};
use super::super::checkpoint::recover;
use super::super::checkpoint::store::{self, CheckpointStore};
use super::super::seen::log::SeenLog;
use super::super::sink::Sink;
use super::super::sink::delivery::DeliverySink;
use super::super::sink::managed::ManagedFile;
use super::super::{disk_failure, shown};
use super::{CheckpointedOutput, OpenSink, Unsaved};
use crate::clock::Clock;
use crate::disk::Disk;
use crate::error::{Error, ErrorKind, Result};

/// After how long without a commit the holder of a lock is reported as stuck.
pub(super) const STANDSTILL: TimeDelta = TimeDelta::minutes(10);

/// The settings of a resumed run.
#[derive(Clone, Debug)]
pub struct OutputSetup {
    /// The state directory.
    pub state_dir: PathBuf,
    /// The profile's name.
    pub profile: String,
    /// What must be the same in every run of this position.
    pub terms: OutputContract,
    /// How many delivered events a stream are remembered: [`REMEMBERED`](crate::output::seen::REMEMBERED).
    pub remembered: usize,
}

/// The output of a resumed run.
#[derive(Debug)]
pub enum OutputTarget {
    /// A managed file: each event exactly once.
    File {
        /// Its path, as typed.
        path: PathBuf,
        /// Its permissions, if it is created.
        mode: u32,
    },
    /// A stream: at least once.
    Stream {
        /// The consumer's name.
        consumer: String,
        /// Where the bytes go.
        sink: Box<dyn Sink>,
    },
    /// Batches of one stream for a receiver: at least once.
    Batches {
        /// The consumer's name.
        consumer: String,
        /// The batch and its receiver.
        sink: Box<DeliverySink>,
    },
}

impl CheckpointedOutput {
    /// Locks, loads, checks and recovers; on return the run may deliver.
    ///
    /// # Errors
    /// `Locked` when another run writes the same position or output; `Disagreement` when position and
    /// output or terms do not fit, and nothing is changed; `Output` when the disk fails.
    pub fn open(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        setup: OutputSetup,
        target: OutputTarget,
    ) -> Result<Self> {
        let consumer = match &target {
            OutputTarget::Stream { consumer, .. } | OutputTarget::Batches { consumer, .. } => {
                Consumer::Named(consumer.clone())
            }
            OutputTarget::File { path, .. } => Consumer::File(managed_path(&*disk, path)?),
        };
        let place = CheckpointDir::of(&setup.state_dir, &setup.profile, &consumer);
        place.make(&*disk)?;
        let lock = lock::acquire(&*disk, &*clock, &place.file("lock"))
            .map_err(|failure| held(&*disk, &*clock, &place, failure))?;
        warn_of_doubtful(&*disk, place.directory());

        let (mut store, saved) = CheckpointStore::load(&disk, &place)?;
        let is_first = saved.is_none();
        let mut record = saved.unwrap_or_else(|| {
            Checkpoint::new(&setup.profile, &consumer.to_string(), setup.terms.clone(), clock.now())
        });
        let is_file = matches!(consumer, Consumer::File(_));
        if is_file {
            recover::complete_columns(&*disk, &mut record)?;
        }
        recover::check_terms(&record, &setup.terms, is_file)?;
        record.terms = setup.terms.continuing(&record.terms);
        let seen = SeenLog::load(&disk, &place, &record.seen, setup.remembered)?;
        let sink = match (target, consumer) {
            (OutputTarget::File { mode, .. }, Consumer::File(path)) => {
                warn_of_doubtful(&*disk, path.parent().unwrap_or(&path));
                let file = open_file(&disk, &mut store, &mut record, &path, mode)?;
                OpenSink::File { file: Box::new(file), path, mode }
            }
            (OutputTarget::Stream { sink, .. }, _) => OpenSink::Stream { sink, has_begun: false },
            (OutputTarget::Batches { mut sink, .. }, _) => {
                sink.pending.clone_from(&record.pending);
                OpenSink::Batches(sink)
            }
            (OutputTarget::File { .. }, Consumer::Named(_)) => {
                return Err(Error::new(ErrorKind::Unexpected, "a managed file without a path"));
            }
        };

        let mut output = CheckpointedOutput {
            disk,
            clock,
            sink,
            store,
            committed: record.clone(),
            record,
            seen,
            companion: None,
            buffer: Vec::new(),
            beginning: None,
            unsaved: Unsaved::Nothing,
            is_unsynced: false,
            is_moved: false,
            last_commit: None,
            is_broken: false,
            _lock: lock,
        };
        if is_first {
            place.sync(&*output.disk)?;
        } else {
            output.store.make_durable()?;
        }
        // A new file is recorded before its first byte is written: later its bytes can be attributed to opev.
        if output.record.output != output.sink.mark() {
            output.save()?;
        }
        Ok(output)
    }
}

/// Distinguishes a holder of the lock that makes progress from one that is stuck.
fn held(disk: &dyn Disk, clock: &dyn Clock, place: &CheckpointDir, failure: Error) -> Error {
    if failure.kind() != ErrorKind::Locked {
        return failure;
    }
    let committed = store::read(disk, place).ok().flatten().map(|loaded| loaded.record.updated_at);
    let started = lock::holder(disk, &place.file("lock")).flatten().map(|holder| holder.since);
    match committed.max(started) {
        Some(at) if clock.now() - at < STANDSTILL => failure.routine(),
        Some(at) => {
            let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
            Error::new(ErrorKind::Locked, format!("{}; it has saved nothing since {at}", failure.message()))
                .hint("find out what it waits for, or stop it; its lock ends with it")
        }
        None => failure,
    }
}

/// Opens the managed file, recovered to its recorded length.
pub(super) fn open_file(
    disk: &Arc<dyn Disk>,
    store: &mut CheckpointStore,
    record: &mut Checkpoint,
    path: &Path,
    mode: u32,
) -> Result<ManagedFile> {
    if recover::forget_missing(&**disk, path, &mut record.output) {
        // Recorded before the new file exists: it may get the old one's inode, and after a kill in between it
        // would look like the old file truncated to nothing.
        store.make_durable()?;
        store.commit(record)?;
    }
    let note = store.place().file("intent");
    let (recorded, terms) = (record.output.as_ref(), &record.terms);
    recover::open_output(disk, recover::OpenManaged { path, mode, note: &note, recorded, terms })
}

pub(super) fn managed_path(disk: &dyn Disk, path: &Path) -> Result<PathBuf> {
    if path.to_str().is_none() {
        return Err(Error::new(ErrorKind::Usage, format!("the name of {} is not UTF-8", shown(path)))
            .hint("give the managed file a name that is"));
    }
    disk.absolute(path).map_err(|e| disk_failure("write", path, e))
}

/// Warns of file systems without reliable locks and syncs (P7).
fn warn_of_doubtful(disk: &dyn Disk, path: &Path) {
    if let Some(kind) = disk.doubtful_kind(path) {
        log::warn!(
            "{} lies on {kind}, where locks and syncs may not hold what they promise; a local disk is safer",
            shown(path)
        );
    }
}

//! The sink of batches: the one that is being filled, the receiver, and the file for rejected ones.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::super::batch::{Batch, BatchOptions, OpenBatch, PendingBatch, Receiver, Verdict};
use super::super::{disk_failure, shown};
use crate::disk::{self, Disk, Open};
use crate::error::Result;
use crate::event::Stream;

/// Permissions of the file of rejected batches.
const MODE: u32 = 0o600;

/// Where the batches of one stream go.
#[derive(Debug)]
pub struct DeliverySink {
    receiver: Box<dyn Receiver>,
    /// The stream of all events.
    pub(in super::super) stream: Stream,
    /// The batch that is being filled.
    pub(in super::super) batch: OpenBatch,
    /// What was offered before and is to be offered as it was, first of all.
    pub(in super::super) pending: Option<PendingBatch>,
    reject_to: Option<PathBuf>,
}

impl DeliverySink {
    /// A sink of batches of one stream. Rejected batches are appended to `reject_to`; without it they end the
    /// run.
    pub fn new(
        receiver: Box<dyn Receiver>,
        stream: Stream,
        options: BatchOptions,
        reject_to: Option<PathBuf>,
    ) -> Self {
        DeliverySink { receiver, stream, batch: OpenBatch::new(options), pending: None, reject_to }
    }

    /// Whether an event of this time fits into the open batch beside its other events.
    pub(in super::super) fn has_room(&self, time: Option<DateTime<Utc>>) -> bool {
        self.batch.is_empty() || self.receiver.has_room(time)
    }

    /// Has the receiver keep the line of an event of the open batch, if it does that.
    ///
    /// # Errors
    /// As [`Receiver::keep`].
    pub(in super::super) fn keep(&mut self, time: Option<DateTime<Utc>>, line: &[u8]) -> Result<bool> {
        self.receiver.keep(time, line)
    }

    /// Whether an event's line of this length is more than the receiver takes.
    pub(in super::super) fn is_too_large(&self, length: usize) -> bool {
        // Without its line break, which an array does not have either.
        length.saturating_sub(1) > self.batch.options.max_event_bytes
    }

    /// Whether the open batch holds as much as it will.
    pub(in super::super) fn is_full(&self) -> bool {
        let is_as_before = self.pending.as_ref().is_some_and(|pending| self.batch.events() >= pending.events);
        is_as_before || self.batch.is_full()
    }

    /// Hands a batch over. On return the receiver has it, or it is durable in the file of rejected ones.
    ///
    /// # Errors
    /// As the receiver; `Output` when the file cannot be written.
    pub(in super::super) fn deliver(&mut self, disk: &dyn Disk, batch: &Batch) -> Result<()> {
        let refusal = match self.receiver.deliver(batch)? {
            Verdict::Accepted => return Ok(()),
            Verdict::Rejected(refusal) => refusal,
        };
        let Some(path) = &self.reject_to else { return Err(refusal) };
        set_aside(disk, path, batch.lines()).map_err(|e| disk_failure("write", path, e))?;
        log::warn!(
            "{refusal}; its {} events were set aside in {}, and the position goes on",
            batch.events,
            shown(path)
        );
        Ok(())
    }

    /// Sets one event aside that the receiver is known not to take; false where there is no place for it.
    pub(in super::super) fn set_event_aside(&self, disk: &dyn Disk, line: &[u8]) -> Result<bool> {
        let Some(path) = &self.reject_to else { return Ok(false) };
        set_aside(disk, path, line).map_err(|e| disk_failure("write", path, e))?;
        Ok(true)
    }
}

/// Appends lines to a file, durably.
fn set_aside(disk: &dyn Disk, path: &Path, lines: &[u8]) -> std::io::Result<()> {
    let mut file = disk.open(path, Open::Append { mode: MODE })?;
    let is_new = file.metadata()?.length == 0;
    disk::append_all(&mut *file, lines)?;
    file.sync_data()?;
    if is_new {
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        disk.sync_dir(directory.unwrap_or(Path::new(".")))?;
    }
    Ok(())
}

//! The sink of batches: the one that is being filled, the receiver, and the file for rejected ones.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::super::batch::{Batch, BatchOptions, OpenBatch, PendingBatch, Receiver, Verdict};
use super::super::{disk_failure, shown};
use crate::disk::{self, Disk, Open};
use crate::error::Result;
use crate::event::{Event, Stream};
use crate::sanitize;
use crate::size;

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

    /// Whether an event of this time, whose line has this length, goes into the open batch. Where it does not, the
    /// batch takes nothing more.
    pub fn has_room_for(&mut self, time: Option<DateTime<Utc>>, length: usize) -> bool {
        let is_large = self.is_too_large(length);
        let fits = self.has_room(time) && self.batch.fits(length);
        if (is_large && !self.batch.is_empty()) || !fits {
            self.batch.close();
            return false;
        }
        true
    }

    /// Adds the line of an event that there is room for. One that is larger than its receiver takes is set aside, or
    /// goes alone. `place` and `begun` are as for [`OpenBatch::push`].
    ///
    /// # Errors
    /// `Output` where the file of rejected batches cannot be written, or the line cannot be kept.
    pub fn add(
        &mut self,
        disk: &dyn Disk,
        event: &Event<'_>,
        line: &[u8],
        place: impl FnOnce() -> Vec<String>,
        begun: (Duration, DateTime<Utc>),
    ) -> Result<()> {
        let is_large = self.is_too_large(line.len());
        if is_large && self.set_event_aside(disk, line)? {
            log::warn!("{}; it was set aside, and the run goes on", too_large(event, line.len()));
            return Ok(());
        }
        let is_kept = self.keep(event.time, line)?;
        self.batch.push(event, (line, is_kept), place, begun);
        if is_large {
            log::warn!("{}; it goes alone", too_large(event, line.len()));
            self.batch.close();
        }
        Ok(())
    }

    /// How long until the open batch is due though it is not full; none where that is not by time.
    pub fn due_in(&self, elapsed: Duration) -> Option<Duration> {
        self.batch.due_in(elapsed)
    }

    /// Has the open batch delivered, if it holds anything.
    ///
    /// # Errors
    /// As the receiver; `Output` when the file of rejected batches cannot be written.
    pub fn deliver_open(&mut self, disk: &dyn Disk) -> Result<()> {
        match self.batch.take(self.stream) {
            Some(batch) => self.deliver(disk, &batch),
            None => Ok(()),
        }
    }

    /// Whether an event of this time fits into the open batch beside its other events.
    fn has_room(&self, time: Option<DateTime<Utc>>) -> bool {
        self.batch.is_empty() || self.receiver.has_room(time)
    }

    /// Has the receiver keep the line of an event of the open batch, if it does that.
    ///
    /// # Errors
    /// As [`Receiver::keep`].
    fn keep(&mut self, time: Option<DateTime<Utc>>, line: &[u8]) -> Result<bool> {
        self.receiver.keep(time, line)
    }

    /// Whether an event's line of this length is more than the receiver takes.
    fn is_too_large(&self, length: usize) -> bool {
        // Without its line break, which an array does not have either.
        length.saturating_sub(1) > self.batch.options.max_event_bytes
    }

    /// Whether the open batch holds as much as it will.
    pub fn is_full(&self) -> bool {
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
            "{refusal}; its {} events were set aside in {}, and the run goes on",
            batch.events,
            shown(path)
        );
        Ok(())
    }

    /// Sets one event aside that the receiver is known not to take; false where there is no place for it.
    fn set_event_aside(&self, disk: &dyn Disk, line: &[u8]) -> Result<bool> {
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

/// Names an event that is larger than its receiver takes.
fn too_large(event: &Event<'_>, bytes: usize) -> String {
    let uuid = event.uuid.map(|uuid| format!(" {}", sanitize::message(&String::from_utf8_lossy(uuid))));
    let (stream, bytes) = (event.stream, size::show(bytes as u64));
    format!("{stream}: the event{} has {bytes}, more than its receiver takes", uuid.unwrap_or_default())
}

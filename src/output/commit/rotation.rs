//! A managed file that is moved or removed while it is written (P1).
//!
//! Its path is checked before every page and before every commit. A file that was moved keeps its contents, and the
//! next page starts a new one, so that rotation needs no signal and nothing is written behind a compressor that reads
//! the old one. Staged events of a removed file go into a new one.

use std::path::Path;

use super::super::checkpoint::record::{Checkpoint, OutputMark};
use super::super::shown;
use super::super::sink::managed::Whereabouts;
use super::opening::open_file;
use super::{CheckpointedOutput, OpenSink, Unsaved};
use crate::error::Result;

impl CheckpointedOutput {
    /// Reopens the managed file at its path if it is no longer there, as after a rotation; does nothing for a
    /// stream.
    ///
    /// # Errors
    /// Fails as [`CheckpointedOutput::open`] does when the file that is there now cannot be written.
    pub fn reopen(&mut self) -> Result<()> {
        self.guarded(|output| {
            let OpenSink::File { file, .. } = &output.sink else { return Ok(()) };
            if file.whereabouts(&*output.disk)? == Whereabouts::InPlace {
                return Ok(());
            }
            if output.unsaved == Unsaved::Events {
                // Staged events belong to the file that was moved.
                output.save()?;
            }
            output.begin_new_file()
        })
    }

    /// Whether the next page belongs into a new file: the old one is known to be away, or was moved since the last
    /// commit. The staged events of a removed file are [`CheckpointedOutput::move_if_unlinked`]'s.
    pub(super) fn has_to_begin_anew(&self) -> Result<bool> {
        let OpenSink::File { file, .. } = &self.sink else { return Ok(false) };
        if self.is_moved || self.unsaved == Unsaved::Events {
            return Ok(self.is_moved);
        }
        Ok(file.whereabouts(&*self.disk)? == Whereabouts::MovedAway)
    }

    /// Continues in a new file at the path, or in one that another program created there; all staged events are
    /// committed by now.
    pub(super) fn begin_new_file(&mut self) -> Result<()> {
        let written = self.sink.mark();
        let OpenSink::File { file, path, mode } = &mut self.sink else { return Ok(()) };
        self.is_moved = false;
        match file.whereabouts(&*self.disk)? {
            Whereabouts::InPlace => return Ok(()),
            Whereabouts::MovedAway => log::info!("{} was moved away: going on in a new file", shown(path)),
            Whereabouts::Unlinked => warn_of_removed(path, written.as_ref()),
        }
        self.record.output = written;
        **file = open_file(&self.disk, &mut self.store, &mut self.record, path, *mode)?;
        self.save()
    }

    /// Checks the path before a commit. True when the file was removed and the staged events are now in a new
    /// one, which must still be synced.
    pub(super) fn move_if_unlinked(&mut self) -> Result<bool> {
        let OpenSink::File { file, path, mode } = &mut self.sink else { return Ok(false) };
        match file.whereabouts(&*self.disk)? {
            Whereabouts::InPlace => return Ok(false),
            Whereabouts::Unlinked if self.unsaved == Unsaved::Events => {}
            Whereabouts::MovedAway | Whereabouts::Unlinked => {
                self.is_moved = true;
                return Ok(false);
            }
        }
        let delivered = self.committed.output.as_ref().map_or(0, |output| output.length);
        warn_of_removed(path, self.committed.output.as_ref());
        // The position in memory is ahead of any file: the last committed one is saved.
        let mut record = Checkpoint { sequence: self.record.sequence, ..self.committed.clone() };
        let mut bytes = Vec::new();
        if delivered > 0 {
            bytes.extend_from_slice(self.beginning.as_deref().unwrap_or_default());
        }
        bytes.extend_from_slice(&file.take_uncommitted());
        **file = open_file(&self.disk, &mut self.store, &mut record, path, *mode)?;
        // Recorded before its first byte is written: later its bytes can be attributed to opev.
        record.output = Some(file.mark());
        self.store.commit(&mut record)?;
        self.record.sequence = record.sequence;
        self.committed = record;
        file.write(&bytes)?;
        self.is_unsynced = true;
        Ok(true)
    }
}

/// Says how much of what was delivered went with a file.
fn warn_of_removed(path: &Path, delivered: Option<&OutputMark>) {
    let delivered = delivered.map_or(0, |output| output.length);
    log::warn!(
        "{} was removed while it was written: {delivered} bytes that were delivered to it went with it; going on in a \
         new file",
        shown(path)
    );
}

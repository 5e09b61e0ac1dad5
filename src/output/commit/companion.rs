//! What is saved beside the events of an output, in the same commit: what rules have gathered, and a file of their
//! hits.
//!
//! A state file is written under the next number, synced, and then named in the checkpoint, which makes it count
//! (`rule_state`); the one before stays until no slot refers to it. The file of hits is a managed file like the output: what was not
//! committed is cut off at the next start and comes again, so that each hit is in it once.

use std::path::PathBuf;

use super::super::checkpoint::record::{CompanionMark, OutputContract, OutputMark};
use super::super::checkpoint::recover;
use super::super::sink::managed::{ManagedFile, Whereabouts};
use super::super::{rule_state, shown};
use super::{CheckpointedOutput, Unsaved};
use crate::error::Result;

/// What is saved beside the events.
#[derive(Debug)]
pub(super) struct Companion {
    /// The file of hits, its path and its permissions.
    file: Option<(ManagedFile, PathBuf, u32)>,
    /// The state, where it is not saved yet.
    state: Option<Vec<u8>>,
    is_unsynced: bool,
}

impl CheckpointedOutput {
    /// Opens the file of hits, where there is to be one, and gives the state that was saved last.
    ///
    /// # Errors
    /// As [`CheckpointedOutput::open`] for the file; `Disagreement` where the state does not fit the checkpoint.
    pub fn accompany(&mut self, file: Option<(PathBuf, u32)>) -> Result<Option<Vec<u8>>> {
        let mark = self.record.companion.clone().unwrap_or_default();
        let state = rule_state::read(&*self.disk, self.store.place(), &mark)?;
        let mut hits = mark.hits.clone();
        let file = match file {
            Some((path, mode)) => {
                let path = super::opening::managed_path(&*self.disk, &path)?;
                let is_same = hits.as_ref().is_some_and(|known| known.path == path.to_string_lossy());
                hits = hits.filter(|_| is_same);
                Some((self.open_hits(&path, mode, &mut hits)?, path, mode))
            }
            None => None,
        };
        if let Some((file, ..)) = &file {
            // Recorded before its first byte is written: later its bytes can be attributed to opev.
            hits = Some(file.mark());
        }
        self.companion = Some(Companion { file, state: None, is_unsynced: false });
        if self.record.companion.as_ref().is_none_or(|mark| mark.hits != hits) {
            self.record.companion = Some(CompanionMark { hits, ..mark });
            self.guarded(CheckpointedOutput::save)?;
        }
        Ok(state)
    }

    /// Appends lines to the file of hits, and takes the state after them; both count with the next commit.
    ///
    /// # Errors
    /// As [`CheckpointedOutput::stage`].
    pub fn stage_companion(&mut self, lines: &[u8], state: Vec<u8>) -> Result<()> {
        self.guarded(|output| {
            output.unsaved = output.unsaved.max(Unsaved::Events);
            if !lines.is_empty() {
                output.begin_new_hits()?;
            }
            let Some(companion) = &mut output.companion else { return Ok(()) };
            companion.state = Some(state);
            if let Some((file, ..)) = companion.file.as_mut().filter(|_| !lines.is_empty()) {
                file.write(lines)?;
                companion.is_unsynced = true;
            }
            Ok(())
        })
    }

    /// Goes on in a new file where the one that hits were written to has another name by now.
    fn begin_new_hits(&mut self) -> Result<()> {
        let Some(Companion { file: Some((file, path, mode)), .. }) = &self.companion else { return Ok(()) };
        if file.whereabouts(&*self.disk)? == Whereabouts::InPlace {
            return Ok(());
        }
        let (path, mode, mut mark) = (path.clone(), *mode, Some(file.mark()));
        let opened = self.open_hits(&path, mode, &mut mark)?;
        log::info!("{} was moved away: going on in a new file", shown(&path));
        if let Some(companion) = &mut self.companion {
            companion.file = Some((opened, path, mode));
        }
        Ok(())
    }

    fn open_hits(
        &self,
        path: &std::path::Path,
        mode: u32,
        mark: &mut Option<OutputMark>,
    ) -> Result<ManagedFile> {
        recover::forget_missing(&*self.disk, path, mark);
        let note = self.store.place().file("hits.intent");
        let terms =
            OutputContract { shape: "raw".into(), format: "ndjson".into(), ..OutputContract::default() };
        let how = recover::OpenManaged { path, mode, note: &note, recorded: mark.as_ref(), terms: &terms };
        recover::open_output(&self.disk, how)
    }

    /// Makes the file of hits durable, and the state; gives their mark for the checkpoint.
    pub(super) fn save_companion(&mut self) -> Result<()> {
        let mark = self.record.companion.clone().unwrap_or_default();
        let Some(companion) = &mut self.companion else { return Ok(()) };
        let mut hits = mark.hits;
        if let Some((file, ..)) = &mut companion.file {
            if std::mem::take(&mut companion.is_unsynced) {
                file.sync()?;
            }
            hits = Some(file.mark());
        }
        let Some(state) = companion.state.take() else {
            self.record.companion = Some(CompanionMark { hits, ..mark });
            return Ok(());
        };
        let generation = mark.generation + 1;
        let written = rule_state::write(&*self.disk, self.store.place(), generation, &state)?;
        self.record.companion = Some(CompanionMark { hits, ..written });
        Ok(())
    }

    /// Called when the checkpoint is durable: removes the state that no slot refers to now.
    pub(super) fn companion_committed(&mut self, before: Option<u64>) {
        let Some(companion) = &mut self.companion else { return };
        if let Some((file, ..)) = &mut companion.file {
            file.committed();
        }
        let now = self.record.companion.as_ref().map_or(0, |mark| mark.generation);
        // The other slot refers to the one before.
        if before.is_some_and(|before| before < now)
            && let Some(old) = now.checked_sub(2)
            && let Err(failure) = rule_state::remove(&*self.disk, self.store.place(), old)
        {
            log::debug!("an old state of rules stays behind: {failure}");
        }
    }
}

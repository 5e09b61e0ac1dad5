//! Keeps the newest record in one of two slots, so that one complete record is durable at any moment.
//!
//! Slots are written alternately, in place, and synced: one sync per commit. A slot is created by writing a
//! temporary file, syncing and renaming it. So a slot that exists was complete once, and if no slot is valid,
//! they are damaged and not new. That distinguishes a first start from a lost record (P11).

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::super::{disk_failure, shown};
use super::dir::CheckpointDir;
use super::record::{Checkpoint, LIMIT, Unreadable, VERSION};
use crate::disk::{self, Disk, File, Open};
use crate::error::{Error, ErrorKind, Result};

/// The names of the two slots.
pub const SLOTS: [&str; 2] = ["checkpoint.a", "checkpoint.b"];
/// The name under which a slot is written for the first time.
pub const FRESH: &str = "checkpoint.new";

/// The two slots of one checkpoint, and which to write next.
#[derive(Debug)]
pub struct CheckpointStore {
    disk: Arc<dyn Disk>,
    place: CheckpointDir,
    slots: [Option<Box<dyn File>>; 2],
    /// The slot that holds the newest record; the other one is written next.
    newest: usize,
    /// The bytes of the loaded slot, until they are known to be durable.
    unsettled: Option<Vec<u8>>,
}

/// A record as a slot holds it.
#[derive(Debug)]
pub struct Loaded {
    /// What it says.
    pub record: Checkpoint,
    slot: usize,
    bytes: Vec<u8>,
}

/// What one slot holds.
enum Slot {
    Missing,
    Damaged(String),
    Valid(Box<Loaded>),
}

impl CheckpointStore {
    /// Takes the slots at `place` and their newest valid record; none when nothing was ever saved. Changes
    /// nothing.
    ///
    /// # Errors
    /// Fails as [`read`] does.
    pub fn load(
        disk: &Arc<dyn Disk>,
        place: &CheckpointDir,
    ) -> Result<(CheckpointStore, Option<Checkpoint>)> {
        let (disk, place, slots) = (disk.clone(), place.clone(), [None, None]);
        Ok(match read(&*disk, &place)? {
            // The first slot to be written is the first.
            None => (CheckpointStore { disk, place, slots, newest: 1, unsettled: None }, None),
            Some(Loaded { record, slot, bytes }) => {
                (CheckpointStore { disk, place, slots, newest: slot, unsettled: Some(bytes) }, Some(record))
            }
        })
    }

    /// The directory of the slots.
    pub fn place(&self) -> &CheckpointDir {
        &self.place
    }

    /// Makes the loaded record durable before anything depends on it.
    ///
    /// It may have been in the page cache only: the run that wrote it was killed before its sync, or its sync
    /// failed. Writing the next record over the other slot would then put both at risk. The bytes are written
    /// again, not only synced, because a failed sync marks pages as clean; they are the same bytes, so that a
    /// torn write does no harm. The slot's name may be as new, so the directory is synced too. Does nothing
    /// the second time.
    ///
    /// # Errors
    /// Fails with `Output` when the disk does.
    pub fn make_durable(&mut self) -> Result<()> {
        let Some(bytes) = self.unsettled.take() else { return Ok(()) };
        self.write(self.newest, &bytes)?;
        let directory = self.place.directory();
        self.disk.sync_dir(directory).map_err(|e| disk_failure("sync the directory", directory, e))
    }

    /// Saves a record, durably, as the next in sequence.
    ///
    /// # Errors
    /// Fails with `Output` when the disk does; the previous record is still valid. A failed sync is
    /// not retried (P8).
    pub fn commit(&mut self, record: &mut Checkpoint) -> Result<()> {
        record.sequence += 1;
        let other = 1 - self.newest;
        self.write(other, &record.to_bytes()?)?;
        self.newest = other;
        Ok(())
    }

    fn write(&mut self, slot: usize, bytes: &[u8]) -> Result<()> {
        let path = self.place.file(SLOTS[slot]);
        let file = match &mut self.slots[slot] {
            Some(file) => file,
            none => match self.disk.metadata(&path) {
                Ok(_) => {
                    let file = self.disk.open(&path, Open::InPlace { mode: 0o600 });
                    none.insert(file.map_err(|e| disk_failure("open", &path, e))?)
                }
                Err(e) if e.kind() == io::ErrorKind::NotFound => {
                    let file = make(&*self.disk, &self.place, &path, bytes)
                        .map_err(|e| disk_failure("make", &path, e))?;
                    *none = Some(file);
                    return Ok(());
                }
                Err(e) => return Err(disk_failure("look at", &path, e)),
            },
        };
        // Without its name the slot would never be read again: the state directory was removed or replaced.
        let is_same = file.metadata().and_then(|open| Ok(self.disk.metadata(&path)?.is_same_file(&open)));
        if !is_same.map_err(|e| disk_failure("find", &path, e))? {
            return Err(Error::new(
                ErrorKind::Output,
                format!("{} was replaced while it was in use", shown(&path)),
            )
            .hint("run again: what was not committed is delivered again"));
        }
        disk::write_all_at(&mut **file, bytes, 0).map_err(|e| disk_failure("write", &path, e))?;
        file.sync_data().map_err(|e| disk_failure("sync", &path, e))
    }
}

/// Creates a slot: writes a temporary file, syncs and renames it, syncs the directory.
fn make(disk: &dyn Disk, place: &CheckpointDir, path: &Path, bytes: &[u8]) -> io::Result<Box<dyn File>> {
    let fresh = place.file(FRESH);
    let mut file = disk.open(&fresh, Open::InPlace { mode: 0o600 })?;
    file.truncate(0)?;
    disk::write_all_at(&mut *file, bytes, 0)?;
    file.sync_data()?;
    disk.rename(&fresh, path)?;
    disk.sync_dir(place.directory())?;
    Ok(file)
}

/// Reads the newest valid record at `place`; none when nothing was ever saved.
///
/// # Errors
/// Fails with `Disagreement` when a slot was written by a newer program (P12), or when there are slots and
/// none is valid.
pub fn read(disk: &dyn Disk, place: &CheckpointDir) -> Result<Option<Loaded>> {
    let mut newest: Option<Loaded> = None;
    let mut damage = Vec::new();
    for (slot, name) in SLOTS.iter().enumerate() {
        let path = place.file(name);
        match read_slot(disk, &path, slot)? {
            Slot::Missing => {}
            Slot::Damaged(why) => damage.push(format!("{}: {why}", shown(&path))),
            Slot::Valid(loaded) => {
                if newest.as_ref().is_none_or(|other| other.record.sequence < loaded.record.sequence) {
                    newest = Some(*loaded);
                }
            }
        }
    }
    if newest.is_none() && !damage.is_empty() {
        return Err(lost(&damage));
    }
    if !damage.is_empty() {
        // A commit that a crash interrupted; the previous record is valid.
        log::info!("the last commit was cut short, the one before holds: {}", damage.join("; "));
    }
    Ok(newest)
}

fn read_slot(disk: &dyn Disk, path: &Path, slot: usize) -> Result<Slot> {
    let file = match disk.open(path, Open::Read) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Slot::Missing),
        opened => opened.map_err(|e| disk_failure("open", path, e))?,
    };
    let bytes = match disk::read_all(&*file, LIMIT) {
        Err(e) if e.kind() == io::ErrorKind::FileTooLarge => return Ok(Slot::Damaged(e.to_string())),
        read => read.map_err(|e| disk_failure("read", path, e))?,
    };
    match Checkpoint::from_bytes(&bytes) {
        Ok(record) => Ok(Slot::Valid(Box::new(Loaded { record, slot, bytes }))),
        Err(Unreadable::Damaged(why)) => Ok(Slot::Damaged(why)),
        Err(Unreadable::Newer(version)) => Err(Error::new(
            ErrorKind::Disagreement,
            format!(
                "{} was written by a newer opev (version {version}, this one knows {VERSION})",
                shown(path)
            ),
        )
        .hint("run the newer opev, or give this one another --state-dir")),
    }
}

fn lost(damage: &[String]) -> Error {
    Error::new(ErrorKind::Disagreement, format!("the saved position is damaged: {}", damage.join("; "))).hint(
        "nothing was changed; put the state directory back from a backup, or `opev state reset` and name \
         with --since from when to fetch again",
    )
}

//! The file of what rules have gathered, beside a checkpoint: written under the next number, and good once a
//! checkpoint names it with its length and digest.

use std::io;
use std::path::PathBuf;

use super::checkpoint::dir::CheckpointDir;
use super::checkpoint::record::CompanionMark;
use super::digest::Digest;
use super::{disk_failure, shown};
use crate::disk::{self, Disk, Open};
use crate::error::{Error, ErrorKind, Result};

/// The largest state that is read.
const LIMIT: u64 = 1 << 30;

fn path(place: &CheckpointDir, generation: u64) -> PathBuf {
    place.file(&format!("detect.{generation}"))
}

/// Writes a state under a number, durably; gives its mark without the file of hits.
pub(super) fn write(
    disk: &dyn Disk,
    place: &CheckpointDir,
    generation: u64,
    state: &[u8],
) -> Result<CompanionMark> {
    // A run that was killed before its commit may have left one.
    remove(disk, place, generation)?;
    let path = path(place, generation);
    let failed = |e| disk_failure("write", &path, e);
    let mut file = disk.open(&path, Open::New { mode: 0o600 }).map_err(failed)?;
    disk::write_all_at(&mut *file, state, 0).map_err(failed)?;
    file.sync_data().map_err(|e| disk_failure("sync", &path, e))?;
    let directory = place.directory();
    disk.sync_dir(directory).map_err(|e| disk_failure("sync the directory", directory, e))?;
    Ok(CompanionMark { generation, length: state.len() as u64, digest: Digest::of(state), hits: None })
}

/// Removes the state of this number, where there is one.
pub(super) fn remove(disk: &dyn Disk, place: &CheckpointDir, generation: u64) -> Result<()> {
    let path = path(place, generation);
    match disk.remove(&path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(disk_failure("remove", &path, e)),
        _ => Ok(()),
    }
}

/// Reads the state that a mark names; none where it names none.
pub(super) fn read(disk: &dyn Disk, place: &CheckpointDir, mark: &CompanionMark) -> Result<Option<Vec<u8>>> {
    if mark.generation == 0 {
        return Ok(None);
    }
    let path = path(place, mark.generation);
    let disagrees = |how: &str| {
        let text = format!("what rules have gathered, in {}, {how}", shown(&path));
        Error::new(ErrorKind::Disagreement, text)
            .hint("restore it, or give up the position with `opev state reset` and begin anew")
    };
    if mark.length > LIMIT {
        return Err(disagrees("is too large"));
    }
    let file = match disk.open(&path, Open::Read) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(disagrees("is missing")),
        opened => opened.map_err(|e| disk_failure("open", &path, e))?,
    };
    // At most the limit.
    let bytes =
        disk::read_range(&*file, 0, mark.length as usize).map_err(|e| disk_failure("read", &path, e))?;
    if bytes.len() as u64 != mark.length || Digest::of(&bytes) != mark.digest {
        return Err(disagrees("was changed"));
    }
    Ok(Some(bytes))
}

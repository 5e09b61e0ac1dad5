//! One writer (P7): the kernel's lock on a file, held as long as the handle lives.
//!
//! The kernel releases the lock with the process, so it cannot become stale. Between opening and locking a
//! file its path may have been replaced: that is checked after locking.

use std::io;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::super::{disk_failure, shown};
use crate::cancel::Cancel;
use crate::clock::Clock;
use crate::disk::{self, Disk, File, Lock, Metadata, Open};
use crate::error::{Error, ErrorKind, Result};

/// How often a lock is tried: a reader holds it only for a moment.
const ATTEMPTS: usize = 5;

/// The holder of a lock, by its own note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process ID.
    pub pid: u32,
    /// When it took the lock.
    pub since: DateTime<Utc>,
}

/// A held lock; dropping it releases it.
#[derive(Debug)]
pub struct LockGuard {
    _file: Box<dyn File>,
}

/// Opens a file and takes its lock without waiting, so that path, file and lock are of one inode.
///
/// # Errors
/// Fails with `Locked` when another process has it, and with `Output` when the file cannot be opened.
pub fn open_locked(disk: &dyn Disk, path: &Path, how: Open) -> Result<(Box<dyn File>, Metadata)> {
    for _ in 0..ATTEMPTS {
        let mut file = disk.open(path, how).map_err(|e| disk_failure("open", path, e))?;
        if !file.try_lock(Lock::Exclusive).map_err(|e| disk_failure("lock", path, e))? {
            return Err(Error::new(ErrorKind::Locked, format!("another run holds {}", shown(path)))
                .hint("wait for it to end, or stop it; its lock ends with it"));
        }
        let opened = file.metadata().map_err(|e| disk_failure("look at", path, e))?;
        match disk.metadata(path) {
            Ok(named) if named.is_same_file(&opened) => return Ok((file, opened)),
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(disk_failure("look at", path, e)),
            _ => {}
        }
    }
    Err(Error::new(ErrorKind::Locked, format!("{} is replaced repeatedly", shown(path)))
        .hint("see which program moves or removes it, and run again"))
}

/// Takes the lock of a checkpoint, and writes a note of the holder.
///
/// # Errors
/// Fails with `Locked` when another process has it.
pub fn acquire(disk: &dyn Disk, clock: &dyn Clock, path: &Path) -> Result<LockGuard> {
    let mut outcome = open_locked(disk, path, Open::InPlace { mode: 0o600 });
    for _ in 1..ATTEMPTS {
        match &outcome {
            Err(failure) if failure.kind() == ErrorKind::Locked => {}
            _ => break,
        }
        clock.sleep(Duration::from_millis(20), &Cancel::new())?;
        outcome = open_locked(disk, path, Open::InPlace { mode: 0o600 });
    }
    let (mut file, _) = outcome.map_err(|failure| match holder(disk, path) {
        Some(Some(Holder { pid, since })) if failure.kind() == ErrorKind::Locked => {
            let since = since.to_rfc3339_opts(SecondsFormat::Secs, true);
            Error::new(ErrorKind::Locked, format!("{}: process {pid}, since {since}", failure.message()))
                .hint("wait for it to end, or stop it; its lock ends with it")
        }
        _ => failure,
    })?;
    let holder = Holder { pid: std::process::id(), since: clock.now() };
    // The note is only for messages; the lock works without it.
    if let Ok(mut note) = serde_json::to_vec(&holder) {
        note.push(b'\n');
        let written = file.truncate(0).and_then(|()| disk::write_all_at(&mut *file, &note, 0));
        if let Err(e) = written {
            log::debug!("no note in the lock file {}: {e}", shown(path));
        }
    }
    Ok(LockGuard { _file: file })
}

/// The holder of the lock at `path`, if it is held; `Some(None)` when there is no note.
pub fn holder(disk: &dyn Disk, path: &Path) -> Option<Option<Holder>> {
    let mut file = disk.open(path, Open::Read).ok()?;
    if file.try_lock(Lock::Shared).ok()? {
        return None;
    }
    let note = disk::read_all(&*file, 4096).ok();
    Some(note.and_then(|note| serde_json::from_slice(&note).ok()))
}

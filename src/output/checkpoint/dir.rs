//! The paths of a checkpoint's files, and making their directories durable.
//!
//! `STATE_DIR/profiles/PROFILE/consumers/KEY/`: `lock`, `checkpoint.a`, `checkpoint.b`, `seen.N`. The key of
//! a name is the name; that of a path is a readable stem, `@`, and a hash of the whole path.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::super::digest::Digest;
use super::super::{disk_failure, shown};
use crate::disk::Disk;
use crate::error::{Error, ErrorKind, Result};

/// The consumer that a position belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Consumer {
    /// The reader of a stream, by the name that `--consumer` gave.
    Named(String),
    /// A managed file, by its absolute path.
    File(PathBuf),
}

impl Consumer {
    /// The name of its directory.
    pub fn key(&self) -> String {
        match self {
            Consumer::Named(name) if is_plain(name) => name.clone(),
            Consumer::Named(name) => hashed(OsStr::new(name), b"name"),
            Consumer::File(path) => hashed(path.as_os_str(), b"file"),
        }
    }
}

impl fmt::Display for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Consumer::Named(name) => f.write_str(name),
            Consumer::File(path) => f.write_str(&path.to_string_lossy()),
        }
    }
}

fn is_plain(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=64).contains(&name.len()) && name.chars().all(word) && !name.starts_with('.')
}

fn hashed(text: &OsStr, sort: &[u8]) -> String {
    let name = Path::new(text).file_name().unwrap_or(text).to_string_lossy();
    let stem: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' })
        .take(40)
        .collect();
    let whole = Digest::of(&[sort, b":", text.as_bytes()].concat()).to_string();
    format!("{}@{}", stem.trim_start_matches('.'), &whole[..16])
}

/// The directory of one checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointDir {
    state: PathBuf,
    directory: PathBuf,
}

impl CheckpointDir {
    /// The place of a (profile, consumer) under a state directory.
    pub fn of(state: &Path, profile: &str, consumer: &Consumer) -> Self {
        CheckpointDir::at(state, profile, &consumer.key())
    }

    /// The place of a (profile, key) under a state directory.
    pub fn at(state: &Path, profile: &str, key: &str) -> Self {
        // Fails only for the empty path, which then fails where it is used.
        let state = std::path::absolute(state).unwrap_or_else(|_| state.to_owned());
        let directory = consumers(&state, profile).join(key);
        CheckpointDir { state, directory }
    }

    /// The directory itself.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Creates the directory and missing ones above it, each for its owner alone.
    ///
    /// # Errors
    /// Fails when one cannot be created.
    pub fn make(&self, disk: &dyn Disk) -> Result<()> {
        let mut missing = Vec::new();
        for directory in self.directory.ancestors() {
            match disk.metadata(directory) {
                Ok(_) => break,
                Err(e) if e.kind() == io::ErrorKind::NotFound => missing.push(directory),
                Err(e) => return Err(disk_failure("look at", directory, e)),
            }
        }
        for directory in missing.into_iter().rev() {
            match disk.create_dir(directory, 0o700) {
                Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(disk_failure("make the directory", directory, e));
                }
                _ => {}
            }
        }
        self.refuse_foreign(disk)
    }

    /// Refuses state directories that another user could change, as ssh does: what is saved there decides what
    /// is cut off and overwritten.
    fn refuse_foreign(&self, disk: &dyn Disk) -> Result<()> {
        for directory in self.directory.ancestors().filter(|path| path.starts_with(&self.state)) {
            if let Some(why) = disk.foreign_access(directory) {
                let message = format!("the state directory {} is not safe: {why}", shown(directory));
                return Err(Error::new(ErrorKind::Config, message)
                    .hint("make it yours alone (chown, chmod go-w), or give another --state-dir"));
            }
        }
        Ok(())
    }

    /// Makes every directory entry on the path to the checkpoint durable; needed until its first record is.
    ///
    /// An earlier run may have been killed between creating a directory and syncing the one above it, so all are
    /// synced, not only new ones. A directory above the state directory that cannot be opened was not created
    /// by opev.
    ///
    /// # Errors
    /// Fails with `Output` when one cannot be synced (P8).
    pub fn sync(&self, disk: &dyn Disk) -> Result<()> {
        for directory in self.directory.ancestors().filter(|path| !path.as_os_str().is_empty()) {
            match disk.sync_dir(directory) {
                Ok(()) => {}
                Err(e) if is_not_ours(&e) && !directory.starts_with(&self.state) => {
                    log::debug!("a directory above the state was not synced: {}: {e}", shown(directory));
                }
                Err(e) => return Err(disk_failure("sync the directory", directory, e)),
            }
        }
        Ok(())
    }
}

/// Whether a directory cannot be synced because of its owner or its file system.
fn is_not_ours(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput)
}

/// The directory that holds the checkpoints of a profile.
pub fn consumers(state: &Path, profile: &str) -> PathBuf {
    state.join("profiles").join(profile).join("consumers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_name_is_its_own_key_and_anything_else_is_hashed() {
        assert_eq!(Consumer::Named("stdout".into()).key(), "stdout");
        let odd = Consumer::Named("../../etc/passwd".into()).key();
        assert!(odd.starts_with("passwd@") && !odd.contains('/'), "{odd}");
        let file = Consumer::File("/var/log/1password/audit.ndjson".into()).key();
        assert!(file.starts_with("audit.ndjson@"), "{file}");
        assert_ne!(file, Consumer::File("/srv/audit.ndjson".into()).key());
        assert_ne!(file, Consumer::Named("/var/log/1password/audit.ndjson".into()).key());
        assert!(Consumer::File("/x/.\u{1b}[31m".into()).key().starts_with("__31m@"));
    }
}

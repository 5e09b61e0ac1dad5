//! A file that opev manages under `--resume`: appended to, and recognised by length and digest.
//!
//! It is opened by `checkpoint::recover`, which decides whether it may be written. In a compressed file each
//! commit ends a member, so that the file is readable up to any commit and recovery cuts between members.

use std::io;
use std::path::{Path, PathBuf};

use super::super::checkpoint::record::OutputMark;
use super::super::digest::Digest;
use super::super::intent::IntentNote;
use super::super::whole::WholeDigest;
use super::super::{disk_failure, shown};
use super::member::member;
use crate::compression::Compression;
use crate::disk::{self, Disk, File, Metadata};
use crate::error::{Error, ErrorKind, Result};

/// How many bytes before the end are digested.
pub const TAIL: usize = 4096;

/// An open, locked, recovered file.
#[derive(Debug)]
pub struct ManagedFile {
    file: Box<dyn File>,
    path: PathBuf,
    device: u64,
    inode: u64,
    length: u64,
    /// The last [`TAIL`] bytes, or all there are.
    tail: Vec<u8>,
    /// The digest of all of it; none for a file too large to be read for it.
    whole: Option<WholeDigest>,
    compression: Compression,
    intent: IntentNote,
    /// The bytes written since the last commit, not compressed.
    uncommitted: Vec<u8>,
    /// Whether some of it is still to be compressed and appended.
    is_pending: bool,
}

/// The contents of a file when it is opened.
#[derive(Debug)]
pub struct Found {
    /// How many bytes of it are delivered.
    pub length: u64,
    /// The last of them.
    pub tail: Vec<u8>,
    /// The digest of all of them.
    pub whole: Option<WholeDigest>,
}

/// Where an open file is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// At its path.
    InPlace,
    /// Under another name.
    MovedAway,
    /// Nowhere: its last name was removed.
    Unlinked,
}

impl ManagedFile {
    /// Opens a sink on a file.
    pub fn new(
        file: Box<dyn File>,
        path: &Path,
        metadata: &Metadata,
        found: Found,
        compression: Compression,
        intent: IntentNote,
    ) -> Self {
        let Metadata { device, inode, .. } = *metadata;
        let Found { length, tail, whole } = found;
        ManagedFile {
            file,
            path: path.to_owned(),
            device,
            inode,
            length,
            tail,
            whole,
            compression,
            intent,
            uncommitted: Vec::new(),
            is_pending: false,
        }
    }

    /// Appends; compressed bytes are appended by [`ManagedFile::sync`].
    ///
    /// # Errors
    /// `Disagreement` when another program wrote or cut the file, else `Output`.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.uncommitted.extend_from_slice(bytes);
        match self.compression {
            Compression::None => self.append(bytes),
            Compression::Gzip | Compression::Zstd => {
                self.is_pending = true;
                Ok(())
            }
        }
    }

    /// Makes everything written durable. A failure is final (P8).
    ///
    /// # Errors
    /// As [`ManagedFile::write`].
    pub fn sync(&mut self) -> Result<()> {
        if std::mem::take(&mut self.is_pending) {
            let member = member(self.compression, &self.uncommitted)
                .map_err(|e| disk_failure("compress", &self.path, e))?;
            self.append(&member)?;
        }
        self.file.sync_data().map_err(|e| disk_failure("sync", &self.path, e))
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let found = self.file.metadata().map_err(|e| disk_failure("look at", &self.path, e))?;
        // Appending would hide what another program did meanwhile (P6).
        self.check_length(found.length)?;
        self.intent.announce(bytes)?;
        disk::append_all(&mut *self.file, bytes).map_err(|e| disk_failure("write", &self.path, e))?;
        self.length += bytes.len() as u64;
        self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL)..]);
        self.tail.drain(..self.tail.len().saturating_sub(TAIL));
        if let Some(whole) = &mut self.whole {
            whole.add(bytes);
        }
        Ok(())
    }

    /// Whether the file has the length that it was left with: another program may have truncated or written it.
    fn check_length(&self, found: u64) -> Result<()> {
        if found == self.length {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Disagreement,
            format!("{} has {found} bytes where opev left {}", shown(&self.path), self.length),
        )
        .hint("rotate by renaming: another program writes or truncates it (logrotate's copytruncate?)"))
    }

    /// Called when everything written is committed.
    pub fn committed(&mut self) {
        self.uncommitted.clear();
        self.intent.committed(self.length);
    }

    /// Takes the bytes written since the last commit, as they were given to [`ManagedFile::write`].
    pub fn take_uncommitted(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.uncommitted)
    }

    /// Whether nothing was ever written to it.
    pub fn is_empty(&self) -> bool {
        self.length == 0 && self.uncommitted.is_empty()
    }

    /// Where the file is now. One that is in place has all that was written to it: a page that was cut off between its
    /// write and its commit must not be committed (P1).
    ///
    /// # Errors
    /// Fails with `Output` when the file or the path cannot be read, with `Disagreement` when another program wrote or
    /// cut it.
    pub fn whereabouts(&self, disk: &dyn Disk) -> Result<Whereabouts> {
        match disk.metadata(&self.path) {
            Ok(found) if (found.device, found.inode) == (self.device, self.inode) => {
                return self.check_length(found.length).map(|()| Whereabouts::InPlace);
            }
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(disk_failure("look at", &self.path, e));
            }
            _ => {}
        }
        let found = self.file.metadata().map_err(|e| disk_failure("look at", &self.path, e))?;
        Ok(if found.links == 0 { Whereabouts::Unlinked } else { Whereabouts::MovedAway })
    }

    /// The mark by which a checkpoint recognises it.
    pub fn mark(&self) -> OutputMark {
        OutputMark {
            path: self.path.to_string_lossy().into_owned(),
            device: self.device,
            inode: self.inode,
            length: self.length,
            digest: Digest::of(&self.tail),
            whole: self.whole.as_ref().map(WholeDigest::mark),
        }
    }
}

//! A file that opev manages under `--resume`: appended to, and recognised again by length and digest.
//!
//! It is opened by `checkpoint::recover`, which decides whether it may be written at all.

use std::path::{Path, PathBuf};

use super::super::checkpoint::record::OutputMark;
use super::super::digest::Digest;
use super::super::{disk_failure, shown};
use super::Sink;
use crate::disk::{self, File, Metadata};
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
}

impl ManagedFile {
    /// Takes over a file that holds `length` bytes, `tail` being the last of them.
    pub fn new(file: Box<dyn File>, path: &Path, metadata: &Metadata, length: u64, tail: Vec<u8>) -> Self {
        let Metadata { device, inode, .. } = *metadata;
        ManagedFile { file, path: path.to_owned(), device, inode, length, tail }
    }
}

impl Sink for ManagedFile {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let found = self.file.metadata().map_err(|e| disk_failure("look at", &self.path, e))?;
        if found.length != self.length {
            // Somebody cut or wrote it while it was ours: appending would hide that (P6).
            return Err(Error::new(
                ErrorKind::Disagreement,
                format!("{} has {} bytes where opev left {}", shown(&self.path), found.length, self.length),
            )
            .hint("another program writes or cuts it (logrotate's copytruncate?): rotate by renaming"));
        }
        disk::append_all(&mut *self.file, bytes).map_err(|e| disk_failure("write", &self.path, e))?;
        self.length += bytes.len() as u64;
        self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL)..]);
        self.tail.drain(..self.tail.len().saturating_sub(TAIL));
        Ok(())
    }

    fn sync(&mut self) -> Result<()> {
        self.file.sync_data().map_err(|e| disk_failure("sync", &self.path, e))
    }

    fn mark(&self) -> Option<OutputMark> {
        Some(OutputMark {
            path: self.path.to_string_lossy().into_owned(),
            device: self.device,
            inode: self.inode,
            length: self.length,
            digest: Digest::of(&self.tail),
        })
    }
}

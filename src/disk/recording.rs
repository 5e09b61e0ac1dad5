//! A disk that writes down what is asked of it, for the tests that hold the protocol against its list.
//!
//! Reads are not written down: they change nothing. Everything is passed on to the disk underneath.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Disk, File, Lock, Metadata, Open};

/// A list of operations, shared by a disk and its files; each is a verb and the last part of a path.
pub(crate) type Operations = Arc<Mutex<Vec<String>>>;

/// A disk that keeps a list of the operations asked of it.
#[derive(Debug)]
pub(crate) struct RecordingDisk<D> {
    inner: D,
    operations: Operations,
}

impl<D: Disk> RecordingDisk<D> {
    /// Records what is asked of `inner`.
    pub(crate) fn new(inner: D) -> Self {
        RecordingDisk { inner, operations: Operations::default() }
    }

    /// The operations since the last call, in order.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.operations.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, verb: &str, path: &Path) {
        note(&self.operations, verb, path);
    }
}

fn note(operations: &Operations, verb: &str, path: &Path) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    operations.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{verb} {name}"));
}

impl<D: Disk> Disk for RecordingDisk<D> {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn File>> {
        if how != Open::Read {
            self.note("open", path);
        }
        let inner = self.inner.open(path, how)?;
        Ok(Box::new(RecordingFile { inner, path: path.to_owned(), operations: self.operations.clone() }))
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.inner.metadata(path)
    }

    fn absolute(&self, path: &Path) -> io::Result<PathBuf> {
        self.inner.absolute(path)
    }

    fn target(&self, path: &Path) -> io::Result<PathBuf> {
        self.inner.target(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        self.inner.list(directory)
    }

    fn create_dir(&self, path: &Path, mode: u32) -> io::Result<()> {
        self.note("create_dir", path);
        self.inner.create_dir(path, mode)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.note("rename to", to);
        self.inner.rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.note("rename_new to", to);
        self.inner.rename_new(from, to)
    }

    fn take_after(&self, path: &Path, like: &Path) -> io::Result<()> {
        self.inner.take_after(path, like)
    }

    fn foreign_access(&self, directory: &Path) -> Option<String> {
        self.inner.foreign_access(directory)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.note("remove", path);
        self.inner.remove(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.note("sync_dir", path);
        self.inner.sync_dir(path)
    }

    fn boot_id(&self) -> Option<String> {
        self.inner.boot_id()
    }

    fn doubtful_kind(&self, path: &Path) -> Option<&'static str> {
        self.inner.doubtful_kind(path)
    }
}

#[derive(Debug)]
struct RecordingFile {
    inner: Box<dyn File>,
    path: PathBuf,
    operations: Operations,
}

impl RecordingFile {
    fn note(&self, verb: &str) {
        note(&self.operations, verb, &self.path);
    }
}

impl File for RecordingFile {
    fn metadata(&self) -> io::Result<Metadata> {
        self.inner.metadata()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(buffer, offset)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.note("append");
        self.inner.append(bytes)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.note("write_at");
        self.inner.write_at(bytes, offset)
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.note("truncate");
        self.inner.truncate(length)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.note("sync_data");
        self.inner.sync_data()
    }

    fn try_lock(&mut self, lock: Lock) -> io::Result<bool> {
        self.note("lock");
        self.inner.try_lock(lock)
    }
}

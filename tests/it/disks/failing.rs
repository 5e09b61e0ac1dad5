//! A disk on which a test decides what becomes of each operation.
//!
//! One rule serves every kind of trouble: errors, short writes, a process that ends in the middle (the rule
//! kills it), and a disk that claims work it has not done, which stands for a program that left it out.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Disk, File, Lock, Metadata, Open};

/// What sort of operation is about to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Opening, and perhaps making, a file.
    Open,
    /// Looking at a path, an open file or a directory, or reading bytes.
    Read,
    /// Making a directory.
    CreateDir,
    /// Renaming; the path is the new name.
    Rename,
    /// Removing.
    Remove,
    /// Making a directory's names durable.
    SyncDir,
    /// Writing at a file's end.
    Append,
    /// Writing inside a file.
    WriteAt,
    /// Cutting a file.
    Truncate,
    /// Making a file's bytes durable.
    SyncData,
    /// Taking a lock.
    Lock,
}

impl Verb {
    /// Whether the operation changes something, or the durability of something.
    pub fn is_change(self) -> bool {
        !matches!(self, Verb::Read | Verb::Lock)
    }
}

/// An operation that is about to happen.
#[derive(Clone, Copy, Debug)]
pub struct Operation<'a> {
    /// Counted from 1 over all operations of the disk.
    pub number: u64,
    /// What it is.
    pub verb: Verb,
    /// On what.
    pub path: &'a Path,
    /// What a write would write; else nothing.
    pub bytes: &'a [u8],
}

/// What becomes of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It happens.
    Pass,
    /// It does not happen, and this operating system's error is returned.
    Fail(i32),
    /// A write takes half of the bytes (at least one); anything else happens.
    Short,
    /// It does not happen, but success is returned. Reads, opens and locks happen all the same.
    Pretend,
    /// It happens, and success is returned whatever the disk underneath says.
    Swallow,
}

type Rule = Box<dyn FnMut(Operation<'_>) -> Fate + Send>;

/// A disk whose operations meet the fate that a rule decides.
pub struct FailingDisk<D> {
    inner: D,
    judge: Judge,
}

#[derive(Clone)]
struct Judge(Arc<Mutex<(u64, Rule)>>);

impl Judge {
    fn fate(&self, verb: Verb, path: &Path, bytes: &[u8]) -> Fate {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.0 += 1;
        let number = held.0;
        held.1(Operation { number, verb, path, bytes })
    }

    /// Applies the fate to an operation that gives nothing back.
    fn done(&self, verb: Verb, path: &Path, run: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        match self.fate(verb, path, &[]) {
            Fate::Pass | Fate::Short => run(),
            Fate::Fail(errno) => Err(io::Error::from_raw_os_error(errno)),
            Fate::Pretend => Ok(()),
            Fate::Swallow => run().or(Ok(())),
        }
    }

    /// Applies the fate to a write.
    fn written(
        &self,
        verb: Verb,
        path: &Path,
        bytes: &[u8],
        run: impl FnOnce(&[u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        match self.fate(verb, path, bytes) {
            Fate::Pass => run(bytes),
            Fate::Fail(errno) => Err(io::Error::from_raw_os_error(errno)),
            Fate::Short => run(&bytes[..bytes.len().div_ceil(2)]),
            Fate::Pretend => Ok(bytes.len()),
            Fate::Swallow => run(bytes).or(Ok(bytes.len())),
        }
    }

    /// Applies the fate to an operation whose answer cannot be made up.
    fn answered<T>(&self, verb: Verb, path: &Path, run: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self.fate(verb, path, &[]) {
            Fate::Fail(errno) => Err(io::Error::from_raw_os_error(errno)),
            _ => run(),
        }
    }
}

impl<D: Disk> FailingDisk<D> {
    /// Lets `rule` decide what becomes of each operation on `inner`.
    pub fn new(inner: D, rule: impl FnMut(Operation<'_>) -> Fate + Send + 'static) -> Self {
        FailingDisk { inner, judge: Judge(Arc::new(Mutex::new((0, Box::new(rule))))) }
    }

    /// How many operations there have been.
    pub fn count(&self) -> u64 {
        self.judge.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }
}

impl<D: Disk> fmt::Debug for FailingDisk<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailingDisk").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<D: Disk> Disk for FailingDisk<D> {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn File>> {
        let inner = self.judge.answered(Verb::Open, path, || self.inner.open(path, how))?;
        Ok(Box::new(FailingFile { inner, path: path.to_owned(), judge: self.judge.clone() }))
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.judge.answered(Verb::Read, path, || self.inner.metadata(path))
    }

    fn absolute(&self, path: &Path) -> io::Result<PathBuf> {
        self.judge.answered(Verb::Read, path, || self.inner.absolute(path))
    }

    fn target(&self, path: &Path) -> io::Result<PathBuf> {
        self.judge.answered(Verb::Read, path, || self.inner.target(path))
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        self.judge.answered(Verb::Read, directory, || self.inner.list(directory))
    }

    fn create_dir(&self, path: &Path, mode: u32) -> io::Result<()> {
        self.judge.done(Verb::CreateDir, path, || self.inner.create_dir(path, mode))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.judge.done(Verb::Rename, to, || self.inner.rename(from, to))
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.judge.done(Verb::Rename, to, || self.inner.rename_new(from, to))
    }

    fn take_after(&self, path: &Path, like: &Path) -> io::Result<()> {
        self.inner.take_after(path, like)
    }

    fn foreign_access(&self, directory: &Path) -> Option<String> {
        self.inner.foreign_access(directory)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.judge.done(Verb::Remove, path, || self.inner.remove(path))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.judge.done(Verb::SyncDir, path, || self.inner.sync_dir(path))
    }

    fn boot_id(&self) -> Option<String> {
        self.inner.boot_id()
    }

    fn doubtful_kind(&self, path: &Path) -> Option<&'static str> {
        self.inner.doubtful_kind(path)
    }
}

struct FailingFile {
    inner: Box<dyn File>,
    path: PathBuf,
    judge: Judge,
}

impl fmt::Debug for FailingFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailingFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl File for FailingFile {
    fn metadata(&self) -> io::Result<Metadata> {
        self.judge.answered(Verb::Read, &self.path, || self.inner.metadata())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.judge.answered(Verb::Read, &self.path, || self.inner.read_at(buffer, offset))
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.judge.written(Verb::Append, &self.path, bytes, |bytes| self.inner.append(bytes))
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.judge.written(Verb::WriteAt, &self.path, bytes, |bytes| self.inner.write_at(bytes, offset))
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.judge.done(Verb::Truncate, &self.path, || self.inner.truncate(length))
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.judge.done(Verb::SyncData, &self.path, || self.inner.sync_data())
    }

    fn try_lock(&mut self, lock: Lock) -> io::Result<bool> {
        self.judge.answered(Verb::Lock, &self.path, || self.inner.try_lock(lock))
    }
}

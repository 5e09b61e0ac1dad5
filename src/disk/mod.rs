//! The few file operations there are, behind one seam. The tests have disks of their own behind it, which
//! record, fail and lose power.
//!
//! Everything that must survive a crash goes through [`Disk`], so that the tests can count, fail and lose
//! each operation. Nothing here knows what the bytes mean or in which order they must become durable:
//! that is `output`'s business. Only [`real`] touches the machine.

use std::ffi::OsString;
use std::fmt;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};

pub mod real;
#[cfg(test)]
pub(crate) mod recording;

pub use real::RealDisk;
#[cfg(test)]
pub(crate) use recording::RecordingDisk;

/// A file system, as far as this program needs one.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Opens a file, and makes it first where `how` says so.
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn File>>;

    /// What is at `path`, following symbolic links.
    fn metadata(&self, path: &Path) -> io::Result<Metadata>;

    /// The absolute form of `path` with its directory's symbolic links resolved, so that two spellings of
    /// one file compare equal. The file need not exist; its directory must.
    fn absolute(&self, path: &Path) -> io::Result<PathBuf>;

    /// Where `path` leads when it is a symbolic link, be it to nothing yet; else `path` itself.
    fn target(&self, path: &Path) -> io::Result<PathBuf>;

    /// The names in a directory, sorted.
    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>>;

    /// Makes one directory with these permission bits, less those that the umask takes.
    fn create_dir(&self, path: &Path, mode: u32) -> io::Result<()>;

    /// Gives a file another name in the same directory, replacing what had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file another name in the same directory, unless something has that name already
    /// (`AlreadyExists`).
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives the file at `path` the permissions of the one at `like`, and its owner where that is allowed.
    fn take_after(&self, path: &Path, like: &Path) -> io::Result<()>;

    /// Why somebody else could change what is in this directory; none when only this user and root can.
    fn foreign_access(&self, directory: &Path) -> Option<String>;

    /// Removes a file, or an empty directory.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes a directory's names durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// What tells this start of the machine from earlier ones; none where the system does not say. Between two
    /// equal answers no power failed, so what was written without a sync is still there.
    fn boot_id(&self) -> Option<String>;

    /// The kind of network or user-space file system `path` lies on, when it is one whose locks and syncs
    /// cannot be relied on.
    fn doubtful_kind(&self, path: &Path) -> Option<&'static str>;
}

/// An open file.
pub trait File: Send + fmt::Debug {
    /// What the open file is, whatever its name is by now.
    fn metadata(&self) -> io::Result<Metadata>;

    /// Reads from `offset`; fewer bytes than asked for only at the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes at the end; may write fewer bytes than given.
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Writes these at the end, one after another, without putting them together first; may write fewer
    /// bytes than given.
    fn append_pieces(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        pieces.iter().find(|piece| !piece.is_empty()).map_or(Ok(0), |piece| self.append(piece))
    }

    /// Writes at `offset` of a file opened with [`Open::InPlace`] or [`Open::New`]; may write fewer bytes
    /// than given.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Cuts the file to `length`.
    fn truncate(&mut self, length: u64) -> io::Result<()>;

    /// Makes the file's bytes and length durable.
    fn sync_data(&mut self) -> io::Result<()>;

    /// Takes the kernel's lock on the file without waiting; false when somebody else has it. It ends with
    /// the handle, and with the process however that ends.
    fn try_lock(&mut self, lock: Lock) -> io::Result<bool>;
}

/// How to open a file. `mode` is that of a file made by the call; an existing one keeps its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// To be read; must exist.
    Read,
    /// To be read, and written at its end only; made when missing. In a directory that everybody may write (with
    /// the sticky bit, as /tmp), like `AppendOwn`.
    Append {
        /// Permission bits.
        mode: u32,
    },
    /// Like `Append`, for a file of the program's own: no symbolic link is followed, and nobody else may own
    /// it or write it (`PermissionDenied`).
    AppendOwn {
        /// Permission bits.
        mode: u32,
    },
    /// To be read, and written at any offset; made when missing. A file of the program's own, as for
    /// `AppendOwn`.
    InPlace {
        /// Permission bits.
        mode: u32,
    },
    /// To be read, and written at any offset; must not exist yet.
    New {
        /// Permission bits.
        mode: u32,
    },
    /// A FIFO or device, to be written only; must exist. Waits for a FIFO's reader, as a shell does.
    Stream,
}

/// Who may hold a lock at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// Nobody else.
    Exclusive,
    /// Other shared holders; for a look at whether somebody holds it exclusively.
    Shared,
}

/// What a path or an open file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Length in bytes.
    pub length: u64,
    /// The number of its device.
    pub device: u64,
    /// The number of its inode.
    pub inode: u64,
    /// How many names it has.
    pub links: u64,
    /// File, directory, or neither.
    pub kind: FileKind,
}

impl Metadata {
    /// Whether both are the same file, whatever their names and lengths.
    pub fn is_same_file(&self, other: &Metadata) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}

/// What sort of thing has a name in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Bytes on a disk: has a length, can be cut and synced.
    Regular,
    /// A directory.
    Directory,
    /// A FIFO, socket or device: counts as a stream.
    Other,
}

/// Appends all of `bytes`, however few the disk takes at a time and however often it is interrupted.
pub fn append_all(file: &mut dyn File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = retried(|| file.append(bytes))?;
        bytes = &bytes[written..];
    }
    Ok(())
}

/// Appends all of these pieces, in order, as [`append_all`] does; they are used up by it.
pub fn append_all_pieces(file: &mut dyn File, mut pieces: &mut [IoSlice<'_>]) -> io::Result<()> {
    // Empty ones at the front would look like nothing left to write.
    IoSlice::advance_slices(&mut pieces, 0);
    while !pieces.is_empty() {
        let written = retried(|| file.append_pieces(pieces))?;
        IoSlice::advance_slices(&mut pieces, written);
    }
    Ok(())
}

/// Writes all of `bytes` from `offset`, however few the disk takes at a time.
pub fn write_all_at(file: &mut dyn File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = retried(|| file.write_at(bytes, offset))?;
        bytes = &bytes[written..];
        offset += written as u64;
    }
    Ok(())
}

/// Reads the bytes of `file` from `offset` to its end or for `length`, whichever comes first.
pub fn read_range(file: &dyn File, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        match file.read_at(&mut bytes[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Reads a whole file that is at most `limit` bytes long; a longer one is an error.
pub fn read_all(file: &dyn File, limit: usize) -> io::Result<Vec<u8>> {
    let length = usize::try_from(file.metadata()?.length).unwrap_or(usize::MAX);
    if length > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("longer than {limit} bytes")));
    }
    read_range(file, 0, length)
}

/// One write that made progress: interruptions are tried again, a disk that takes nothing is an error.
fn retried(mut write: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match write() {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

//! The output file of a question: written under a temporary name, synced, and renamed when it is complete.
//!
//! Until then an existing file is untouched; an unfinished new one is removed. Temporary files of killed runs are
//! removed by the next run. A file that a checkpoint manages is never replaced.

use std::ffi::{OsStr, OsString};
use std::io::{self, IoSlice};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::checkpoint::lock;
use super::super::{disk_failure, saved_state, shown};
use super::Sink;
use super::form::FileForm;
use super::member::member;
use crate::compression::Compression;
use crate::disk::{self, Disk, File, FileKind, Lock, Open};
use crate::error::{Error, ErrorKind, Result};

/// What stands between the name of a file and the number of the process that writes it.
const MARK: &str = ".opev-";

/// How much is compressed at a time: enough for good compression, little enough for memory (P9).
const MEMBER: usize = 4 << 20;

/// A file that gets its name only when it is complete.
#[derive(Debug)]
pub struct ReplacedFile {
    disk: Arc<dyn Disk>,
    file: Box<dyn File>,
    path: PathBuf,
    /// Where it is being written; none once it has its name.
    beside: Option<PathBuf>,
    overwrite: bool,
    compression: Compression,
    /// Whether nothing was ever written to it.
    is_empty: bool,
    /// Bytes to be compressed.
    waiting: Vec<u8>,
    /// What makes the file of what is written; none where that is written as it is.
    form: Option<Box<dyn FileForm>>,
    /// The file that is replaced, locked: no other run starts to write it meanwhile (P7).
    _replaced: Option<Box<dyn File>>,
}

impl ReplacedFile {
    /// Starts a file that will be called `path`, with `mode` as its permissions, or those of the file that it
    /// replaces. Its name says whether it is compressed. Without a `state_dir` nothing is managed.
    ///
    /// # Errors
    /// Fails with `Usage` when there is a file already and `overwrite` is false, or when a checkpoint under
    /// `state_dir` manages it; with `Locked` when another run writes it, whatever its state directory; with
    /// `Output` when nothing can be written beside it.
    pub fn create(
        disk: &Arc<dyn Disk>,
        path: &Path,
        mode: u32,
        overwrite: bool,
        state_dir: Option<&Path>,
    ) -> Result<Self> {
        // A symbolic link stays: its target is replaced, as a shell's redirection would write there.
        let path = disk
            .absolute(path)
            .and_then(|path| disk.absolute(&disk.target(&path)?))
            .map_err(|e| disk_failure("write", path, e))?;
        refuse_existing(&**disk, &path, overwrite)?;
        let manager = state_dir.map(|state_dir| saved_state::manager_of(&**disk, state_dir, &path));
        if let Some(manager) = manager.transpose()?.flatten() {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("{} is managed by --resume (profile {})", shown(&path), manager.profile),
            )
            .hint("give -o another name; a managed file is never replaced"));
        }
        let replaced = lock_replaced(&**disk, &path)?;
        sweep(&**disk, &path);
        let mut name = OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(MARK);
        name.push(std::process::id().to_string());
        let beside = path.with_file_name(name);
        // Locked, so that another run does not remove it as one of a killed run.
        let (file, _) = lock::open_locked(&**disk, &beside, Open::New { mode })?;
        if replaced.is_some() {
            disk.take_after(&beside, &path)
                .map_err(|e| disk_failure("set the permissions of", &beside, e))?;
        }
        Ok(ReplacedFile {
            disk: disk.clone(),
            file,
            compression: Compression::of_path(&path).0,
            path,
            beside: Some(beside),
            overwrite,
            is_empty: true,
            waiting: Vec::new(),
            form: None,
            _replaced: replaced,
        })
    }

    /// The same with a form that makes the file of what is written.
    #[must_use]
    pub fn in_form(mut self, form: Option<Box<dyn FileForm>>) -> Self {
        self.form = form;
        self
    }

    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        disk::append_all(&mut *self.file, bytes).map_err(|e| disk_failure("write", &self.path, e))
    }

    /// Compresses and appends the buffer.
    fn flush(&mut self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.waiting);
        let member = member(self.compression, &bytes).map_err(|e| disk_failure("compress", &self.path, e))?;
        self.append(&member)
    }

    /// Makes the file durable and gives it its name.
    ///
    /// # Errors
    /// Fails as [`ReplacedFile::create`] does; the new file is then removed and the old one untouched.
    pub fn finish(mut self) -> Result<()> {
        if let Some(form) = &mut self.form {
            let mut end = Vec::new();
            form.end(&mut end)?;
            self.append(&end)?;
        }
        if self.compression != Compression::None && self.is_empty {
            // An empty file is not a gzip file.
            let nothing =
                member(self.compression, &[]).map_err(|e| disk_failure("compress", &self.path, e))?;
            self.append(&nothing)?;
        }
        self.sync()?;
        refuse_existing(&*self.disk, &self.path, self.overwrite)?;
        if let Some(beside) = &self.beside {
            let named = match self.overwrite {
                true => self.disk.rename(beside, &self.path),
                // Another program may have created one since the check.
                false => self.disk.rename_new(beside, &self.path),
            };
            named.map_err(|e| match e.kind() {
                io::ErrorKind::AlreadyExists => exists_already(&self.path),
                _ => disk_failure("name", &self.path, e),
            })?;
        }
        self.beside = None;
        let directory = self.path.parent().unwrap_or(Path::new("/"));
        self.disk.sync_dir(directory).map_err(|e| disk_failure("sync the directory", directory, e))
    }
}

impl Sink for ReplacedFile {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if let Some(form) = &mut self.form {
            let mut known = Vec::new();
            form.add(bytes, &mut known)?;
            return if known.is_empty() { Ok(()) } else { self.append(&known) };
        }
        if self.compression == Compression::None {
            return self.append(bytes);
        }
        self.is_empty &= bytes.is_empty();
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= MEMBER { self.flush() } else { Ok(()) }
    }

    fn write_pieces(&mut self, pieces: &mut [IoSlice<'_>]) -> Result<()> {
        if self.compression != Compression::None || self.form.is_some() {
            return pieces.iter().try_for_each(|piece| self.write(piece));
        }
        disk::append_all_pieces(&mut *self.file, pieces).map_err(|e| disk_failure("write", &self.path, e))
    }

    fn sync(&mut self) -> Result<()> {
        self.flush()?;
        self.file.sync_data().map_err(|e| disk_failure("sync", &self.path, e))
    }
}

impl Drop for ReplacedFile {
    fn drop(&mut self) {
        if let Some(beside) = &self.beside
            && let Err(e) = self.disk.remove(beside)
        {
            log::warn!("cannot remove the unfinished {}: {e}", shown(beside));
        }
    }
}

fn refuse_existing(disk: &dyn Disk, path: &Path, overwrite: bool) -> Result<()> {
    match disk.metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(disk_failure("look at", path, e)),
        Ok(found) if found.kind != FileKind::Regular => {
            Err(Error::new(ErrorKind::Usage, format!("{} is not a file", shown(path)))
                .hint("give -o the name of a file"))
        }
        Ok(_) if !overwrite => Err(exists_already(path)),
        Ok(_) => Ok(()),
    }
}

fn exists_already(path: &Path) -> Error {
    Error::new(ErrorKind::Usage, format!("{} exists already", shown(path)))
        .hint("give -o another name, or add --overwrite to replace it")
}

/// Locks the file that is to be replaced, if there is one.
fn lock_replaced(disk: &dyn Disk, path: &Path) -> Result<Option<Box<dyn File>>> {
    match disk.open(path, Open::Read) {
        // It is replaced, not read: it need not be readable.
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => Ok(None),
        Err(e) => Err(disk_failure("open", path, e)),
        Ok(mut file) => match file.try_lock(Lock::Exclusive) {
            Ok(false) => Err(Error::new(ErrorKind::Locked, format!("another run writes {}", shown(path)))
                .hint("wait for it to end, or give -o another name; a managed file is never replaced")),
            // A file system without locks: there is no holder.
            Ok(true) | Err(_) => Ok(Some(file)),
        },
    }
}

/// Removes temporary files of killed runs from the directory, whatever file they were to become: their names say
/// what they are, and no process holds their locks.
fn sweep(disk: &dyn Disk, path: &Path) {
    let directory = path.parent().unwrap_or(Path::new("/"));
    for name in disk.list(directory).unwrap_or_default().into_iter().filter(|name| is_temporary(name)) {
        let left = path.with_file_name(&name);
        let is_held = |mut file: Box<dyn File>| !file.try_lock(Lock::Exclusive).unwrap_or(false);
        if disk.open(&left, Open::Read).is_ok_and(|file| !is_held(file)) {
            match disk.remove(&left) {
                Ok(()) => log::info!("removed {}, which a killed run left", shown(&left)),
                Err(e) => log::debug!("{} stays behind: {e}", shown(&left)),
            }
        }
    }
}

/// Whether this is the name of a file that is being written: `.NAME.opev-PROCESS`.
fn is_temporary(name: &OsStr) -> bool {
    let Some(name) = name.as_bytes().strip_prefix(b".") else { return false };
    let Some(at) = memchr::memmem::rfind(name, MARK.as_bytes()) else { return false };
    let process = &name[at + MARK.len()..];
    at > 0 && !process.is_empty() && process.iter().all(u8::is_ascii_digit)
}

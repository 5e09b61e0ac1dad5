//! The machine's file system: the only place that opens files for writing.
//!
//! Files and directories have their final permissions from the moment they are made. Must not retry or
//! reorder anything: one call is one operation.

#![expect(clippy::disallowed_methods, reason = "this is the module they are reserved for")]

use std::ffi::OsString;
use std::fs::{self, OpenOptions, Permissions, TryLockError};
use std::io::{self, IoSlice, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{
    DirBuilderExt as _, FileExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _,
    PermissionsExt as _,
};
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use super::{Disk, File, FileKind, Lock, Metadata, Open};

/// How many symbolic links may follow one another, as for the kernel.
const LINKS: usize = 40;

/// The machine's own disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

/// Writes a file that only its owner can read, whole or not at all; over an existing one only by `replace`.
///
/// # Errors
/// Fails with `AlreadyExists` where there is one and it may not be replaced, or as the disk does.
pub fn publish(path: &Path, bytes: &[u8], replace: bool) -> io::Result<()> {
    write_whole(path, bytes, replace, false)
}

/// Writes a file whole or not at all, as [`publish`] does; where there is one, those who could read it still can.
///
/// # Errors
/// Fails as the disk does.
pub fn rewrite(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_whole(path, bytes, true, true)
}

fn write_whole(path: &Path, bytes: &[u8], replace: bool, keep_access: bool) -> io::Result<()> {
    // A link that somebody made to a file elsewhere stays a link.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    if keep_access && path.exists() {
        RealDisk.take_after(file.path(), &path)?;
    }
    file.as_file().sync_all()?;
    if replace {
        file.persist(&path)?
    } else {
        file.persist_noclobber(&path)?
    };
    // The new name is durable once its directory is.
    fs::File::open(directory)?.sync_all()
}

/// A file without a name in the temporary directory (0600), gone when it is closed.
///
/// # Errors
/// Fails when the temporary directory cannot be written.
pub fn scratch() -> io::Result<fs::File> {
    tempfile::tempfile()
}

impl Disk for RealDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn File>> {
        let file = match how {
            Open::Read => OpenOptions::new().read(true).open(path)?,
            Open::Stream => OpenOptions::new().write(true).open(path)?,
            Open::New { mode } => make(OpenOptions::new().read(true).write(true), path, mode)?,
            Open::Append { mode } if !is_shared(path) => {
                open_or_make(OpenOptions::new().read(true).append(true), path, mode)?
            }
            Open::Append { mode } | Open::AppendOwn { mode } => {
                own(OpenOptions::new().read(true).append(true), path, mode)?
            }
            Open::InPlace { mode } => own(OpenOptions::new().read(true).write(true), path, mode)?,
        };
        Ok(Box::new(RealFile::from(file)))
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        fs::metadata(path).map(|found| understood(&found))
    }

    fn absolute(&self, path: &Path) -> io::Result<PathBuf> {
        let absolute = std::path::absolute(path)?;
        match (absolute.parent(), absolute.file_name()) {
            (Some(directory), Some(name)) => Ok(directory.canonicalize()?.join(name)),
            _ => Ok(absolute),
        }
    }

    fn target(&self, path: &Path) -> io::Result<PathBuf> {
        let mut path = path.to_owned();
        for _ in 0..LINKS {
            match fs::read_link(&path) {
                Ok(_) if is_shared(&path) && !is_trusted_link(&path)? => {
                    return Err(io::Error::new(
                        io::ErrorKind::PermissionDenied,
                        "it is another user's symbolic link in a directory that everybody may write",
                    ));
                }
                // An absolute target takes the place of the whole path.
                Ok(target) => path = path.parent().unwrap_or(Path::new("/")).join(target),
                // Not a link, or nothing at all.
                Err(_) => return Ok(path),
            }
        }
        Err(Errno::LOOP.into())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        let mut names =
            fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
        names.sort();
        Ok(names)
    }

    fn create_dir(&self, path: &Path, mode: u32) -> io::Result<()> {
        fs::DirBuilder::new().mode(mode).create(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        #[cfg(any(target_os = "linux", target_vendor = "apple"))]
        {
            use rustix::fs::{CWD, RenameFlags, renameat_with};
            match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
                // Neither every kernel nor every file system has it.
                Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
                outcome => return Ok(outcome?),
            }
        }
        fs::hard_link(from, to)?;
        fs::remove_file(from)
    }

    fn take_after(&self, path: &Path, like: &Path) -> io::Result<()> {
        let model = fs::metadata(like)?;
        let own = fs::metadata(path)?;
        // Only root gives files away; where it is not allowed, the file is this user's. Before the mode, whose
        // special bits a change of owner would clear.
        if (own.uid(), own.gid()) != (model.uid(), model.gid()) {
            let _ = std::os::unix::fs::chown(path, Some(model.uid()), Some(model.gid()));
        }
        fs::set_permissions(path, model.permissions())
    }

    fn foreign_access(&self, directory: &Path) -> Option<String> {
        foreign_access(&fs::metadata(directory).ok()?, true)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        if fs::symlink_metadata(path)?.is_dir() { fs::remove_dir(path) } else { fs::remove_file(path) }
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        fs::File::open(path)?.sync_all()
    }

    fn boot_id(&self) -> Option<String> {
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(id.trim().to_owned()).filter(|id| !id.is_empty())
    }

    fn doubtful_kind(&self, path: &Path) -> Option<&'static str> {
        #[cfg(target_os = "linux")]
        {
            // The numbers are those of statfs(2); the field's width differs between architectures.
            let magic = rustix::fs::statfs(path).ok()?.f_type as u64 & 0xffff_ffff;
            match magic {
                0x6969 => Some("NFS"),
                0x517b | 0xff53_4d42 | 0xfe53_4d42 => Some("SMB"),
                0x6573_5546 => Some("FUSE"),
                _ => None,
            }
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = path;
            None
        }
    }
}

/// Opens or makes a file of the program's own: no link is followed, and nobody else owns or may write it.
fn own(options: &mut OpenOptions, path: &Path, mode: u32) -> io::Result<fs::File> {
    let file = open_or_make(options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32), path, mode)
        .map_err(|e| match e.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::LOOP) => io::Error::new(
                io::ErrorKind::PermissionDenied,
                "it is a symbolic link, which this program did not make",
            ),
            _ => e,
        })?;
    match foreign_access(&file.metadata()?, false) {
        Some(why) => Err(io::Error::new(io::ErrorKind::PermissionDenied, why)),
        None => Ok(file),
    }
}

/// Whether everybody may put files and links into the directory of `path`, as into /tmp.
fn is_shared(path: &Path) -> bool {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::metadata(directory).is_ok_and(|found| found.mode() & 0o1002 == 0o1002)
}

/// Whether a link in such a directory belongs to this user, to root, or to the directory's owner: the kernel's own
/// rule (`fs.protected_symlinks`), for links that are resolved here.
fn is_trusted_link(path: &Path) -> io::Result<bool> {
    let owner = fs::symlink_metadata(path)?.uid();
    let directory = path.parent().map(fs::metadata).transpose()?.map(|found| found.uid());
    Ok(may_follow(owner, directory, rustix::process::geteuid().as_raw()))
}

fn may_follow(owner: u32, directory: Option<u32>, user: u32) -> bool {
    owner == user || owner == 0 || Some(owner) == directory
}

/// Who beside this user and root could change a file or what is in a directory.
fn foreign_access(found: &fs::Metadata, is_directory: bool) -> Option<String> {
    let user = rustix::process::geteuid().as_raw();
    if found.uid() != user && found.uid() != 0 {
        return Some(format!("it belongs to user {}, not to this one", found.uid()));
    }
    // In a directory with the sticky bit, everybody changes only what is his own.
    let is_sticky = is_directory && found.mode() & 0o1000 != 0;
    let writers = match found.mode() & 0o022 {
        0 => return None,
        0o020 => "its group",
        _ => "everybody",
    };
    (!is_sticky).then(|| format!("{writers} may write it (mode {:04o})", found.mode() & 0o7777))
}

/// Opens what is there, or makes it; whichever is possible at the moment of the call.
fn open_or_make(options: &mut OpenOptions, path: &Path, mode: u32) -> io::Result<fs::File> {
    loop {
        match options.open(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
        // What cannot be opened although it has a name is a link to nothing yet.
        match make(&mut options.clone(), &RealDisk.target(path)?, mode) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made,
        }
    }
}

fn make(options: &mut OpenOptions, path: &Path, mode: u32) -> io::Result<fs::File> {
    let file = options.create_new(true).mode(mode).open(path)?;
    // The umask may have taken bits away that were asked for by name; it never adds any.
    if mode != 0o600 {
        file.set_permissions(Permissions::from_mode(mode))?;
    }
    Ok(file)
}

fn understood(found: &fs::Metadata) -> Metadata {
    let kind = match found.file_type() {
        kind if kind.is_file() => FileKind::Regular,
        kind if kind.is_dir() => FileKind::Directory,
        kind => {
            debug_assert!(
                kind.is_fifo() || kind.is_char_device() || kind.is_block_device() || kind.is_socket()
            );
            FileKind::Other
        }
    };
    Metadata { length: found.len(), device: found.dev(), inode: found.ino(), links: found.nlink(), kind }
}

/// The process's stdout, past Rust's own buffer for it.
pub fn stdout() -> io::Result<Box<dyn File>> {
    Ok(of_descriptor(rustix::stdio::stdout().try_clone_to_owned()?))
}

/// Whether the process was started without a stdout. The runtime then puts /dev/null in its place, open for
/// reading too, which no shell's `> /dev/null` is.
pub fn stdout_is_missing() -> bool {
    let stdout = rustix::stdio::stdout();
    let Ok(found) = rustix::fs::fstat(stdout) else { return true };
    let is_device = rustix::fs::FileType::from_raw_mode(found.st_mode).is_char_device();
    let is_null = is_device && rustix::fs::stat("/dev/null").is_ok_and(|null| found.st_rdev == null.st_rdev);
    let reads_too = rustix::fs::fcntl_getfl(stdout)
        .is_ok_and(|flags| flags & rustix::fs::OFlags::RWMODE == rustix::fs::OFlags::RDWR);
    is_null && reads_too
}

/// A descriptor as a file.
pub fn of_descriptor(descriptor: OwnedFd) -> Box<dyn File> {
    Box::new(RealFile::from(fs::File::from(descriptor)))
}

#[derive(Debug)]
struct RealFile {
    file: fs::File,
    is_locked: bool,
}

/// The lock would last as long as any copy of the descriptor, and a child that was just forked has one until it becomes
/// the program that it is to run.
impl Drop for RealFile {
    fn drop(&mut self) {
        if self.is_locked {
            // The descriptor is closed next, which ends the lock where this did not.
            let _ = self.file.unlock();
        }
    }
}

impl From<fs::File> for RealFile {
    fn from(file: fs::File) -> Self {
        RealFile { file, is_locked: false }
    }
}

impl RealFile {
    /// What a write came to; where somebody else who holds this pipe or terminal made it non-blocking, waits
    /// in the kernel until it is worth another try.
    fn or_wait(&self, written: io::Result<usize>) -> io::Result<usize> {
        match written {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                let mut wanted = [PollFd::new(&self.file, PollFlags::OUT)];
                rustix::event::poll(&mut wanted, None)?;
                Err(io::ErrorKind::Interrupted.into())
            }
            outcome => outcome,
        }
    }
}

impl File for RealFile {
    fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata().map(|found| understood(&found))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes);
        self.or_wait(written)
    }

    fn append_pieces(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let written = self.file.write_vectored(pieces);
        self.or_wait(written)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.file.write_at(bytes, offset)
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn try_lock(&mut self, lock: Lock) -> io::Result<bool> {
        let outcome = match lock {
            Lock::Exclusive => self.file.try_lock(),
            Lock::Shared => self.file.try_lock_shared(),
        };
        match outcome {
            Ok(()) => {
                self.is_locked = true;
                Ok(true)
            }
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_made_is_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (inner, file, wide) = (dir.path().join("d"), dir.path().join("f"), dir.path().join("w"));
        RealDisk.create_dir(&inner, 0o700).unwrap();
        RealDisk.open(&file, Open::Append { mode: 0o600 }).unwrap();
        RealDisk.open(&wide, Open::New { mode: 0o666 }).unwrap();
        assert_eq!((mode(&inner), mode(&file), mode(&wide)), (0o700, 0o600, 0o666));
    }

    #[test]
    fn a_file_that_is_rewritten_stays_readable_for_whom_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        rewrite(&path, b"one").unwrap();
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        rewrite(&path, b"two").unwrap();
        assert_eq!((mode(&path), fs::read(&path).unwrap().as_slice()), (0o644, b"two".as_slice()));
        publish(&path, b"three", true).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_existing_file_keeps_its_mode_and_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        RealDisk.open(&path, Open::Append { mode: 0o640 }).unwrap().append(b"one").unwrap();
        let mut again = RealDisk.open(&path, Open::Append { mode: 0o600 }).unwrap();
        again.append(b"two").unwrap();
        assert_eq!(super::super::read_all(&*again, 100).unwrap(), b"onetwo");
        assert_eq!(mode(&path), 0o640);
        assert_eq!(
            RealDisk.open(&path, Open::New { mode: 0o600 }).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
    }

    #[test]
    fn a_lock_excludes_another_handle_until_it_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let open = || RealDisk.open(&path, Open::InPlace { mode: 0o600 }).unwrap();
        let (mut first, mut second) = (open(), open());
        assert!(first.try_lock(Lock::Exclusive).unwrap());
        assert!(!second.try_lock(Lock::Exclusive).unwrap());
        assert!(!second.try_lock(Lock::Shared).unwrap());
        drop(first);
        assert!(second.try_lock(Lock::Shared).unwrap());
    }

    #[test]
    fn a_lock_ends_with_its_handle_while_a_forked_child_has_a_copy() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let mut held = RealFile::from(fs::File::create(&path).unwrap());
        assert!(held.try_lock(Lock::Exclusive).unwrap());
        let copy_of_the_child = held.file.try_clone().unwrap();
        drop(held);
        let mut next = RealDisk.open(&path, Open::Read).unwrap();
        assert!(next.try_lock(Lock::Exclusive).unwrap());
        drop(copy_of_the_child);
    }

    #[test]
    fn a_pipe_that_does_not_block_is_waited_for() {
        let (mut reader, writer) = io::pipe().unwrap();
        rustix::io::ioctl_fionbio(&writer, true).unwrap();
        let bytes = vec![b'x'; 300_000];
        let reading = std::thread::spawn(move || {
            let mut read = Vec::new();
            io::Read::read_to_end(&mut reader, &mut read).unwrap();
            read.len()
        });
        let mut file = of_descriptor(writer.into());
        super::super::append_all(&mut *file, &bytes).unwrap();
        // In more pieces than one call takes, some of them empty.
        let mut pieces: Vec<_> =
            [IoSlice::new(b"")].into_iter().chain(bytes.chunks(97).map(IoSlice::new)).collect();
        super::super::append_all_pieces(&mut *file, &mut pieces).unwrap();
        drop(file);
        assert_eq!(reading.join().unwrap(), 2 * bytes.len());
    }

    #[test]
    fn where_everybody_may_write_no_link_is_followed_and_no_strange_file_appended_to() {
        let dir = tempfile::tempdir().unwrap();
        let victim = dir.path().join("victim");
        fs::write(&victim, "").unwrap();
        fs::set_permissions(dir.path(), Permissions::from_mode(0o1777)).unwrap();
        let [link, wide, own] = ["link", "wide", "own"].map(|name| dir.path().join(name));
        std::os::unix::fs::symlink(&victim, &link).unwrap();
        fs::write(&wide, "").unwrap();
        fs::set_permissions(&wide, Permissions::from_mode(0o666)).unwrap();
        for path in [&link, &wide] {
            let refused = RealDisk.open(path, Open::Append { mode: 0o600 }).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied, "{refused}");
        }
        for _ in 0..2 {
            RealDisk.open(&own, Open::Append { mode: 0o600 }).unwrap();
        }
        fs::set_permissions(dir.path(), Permissions::from_mode(0o700)).unwrap();
        RealDisk.open(&link, Open::Append { mode: 0o600 }).unwrap();
        let us = 1000;
        assert!(may_follow(us, Some(0), us) && may_follow(0, Some(7), us) && may_follow(7, Some(7), us));
        assert!(!may_follow(7, Some(0), us) && !may_follow(7, None, us));
    }

    #[test]
    fn two_spellings_of_a_path_are_one() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("a")).unwrap();
        let plain = RealDisk.absolute(&dir.path().join("f")).unwrap();
        assert_eq!(RealDisk.absolute(&dir.path().join("a/../f")).unwrap(), plain);
    }
}

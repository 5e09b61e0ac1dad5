//! A question's output file: written beside its name, synced, and renamed into place when it is whole.
//!
//! Until then the old file, if there is one, is untouched; dropped unfinished, the new one is removed.
//! A file managed by a checkpoint is never replaced.

use std::ffi::OsString;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::{disk_failure, saved_state, shown};
use super::Sink;
use crate::disk::{self, Disk, File, FileKind, Open};
use crate::error::{Error, ErrorKind, Result};

/// A file that appears under its name only when it is whole.
#[derive(Debug)]
pub struct ReplacedFile {
    disk: Arc<dyn Disk>,
    file: Box<dyn File>,
    path: PathBuf,
    /// Where it is being written; none once it has its name.
    beside: Option<PathBuf>,
    overwrite: bool,
}

impl ReplacedFile {
    /// Starts a file that will be called `path`, with `mode` as its permissions.
    ///
    /// # Errors
    /// Fails with `Usage` when there is a file already and `overwrite` is false, or when a checkpoint under
    /// `state_dir` manages it; with `Output` when nothing can be written beside it.
    pub fn create(
        disk: &Arc<dyn Disk>,
        path: &Path,
        mode: u32,
        overwrite: bool,
        state_dir: &Path,
    ) -> Result<Self> {
        // A link stays a link: what it leads to is replaced, as a shell's redirection would write there.
        let path = disk
            .absolute(path)
            .and_then(|path| disk.absolute(&disk.target(&path)?))
            .map_err(|e| disk_failure("write", path, e))?;
        refuse_existing(&**disk, &path, overwrite)?;
        if let Some(manager) = saved_state::manager_of(&**disk, state_dir, &path)? {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("{} is managed by --resume (profile {})", shown(&path), manager.profile),
            )
            .hint("give -o another name; a managed file is never replaced"));
        }
        let mut name = OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(format!(".opev-{}", std::process::id()));
        let beside = path.with_file_name(name);
        // One of the same name can only be left over from a dead process with the same number.
        let _ = disk.remove(&beside);
        let file =
            disk.open(&beside, Open::New { mode }).map_err(|e| disk_failure("write beside", &path, e))?;
        Ok(ReplacedFile { disk: disk.clone(), file, path, beside: Some(beside), overwrite })
    }

    /// Makes the file durable and gives it its name.
    ///
    /// # Errors
    /// Fails as [`ReplacedFile::create`] does; the new file is then gone and the old one untouched.
    pub fn finish(mut self) -> Result<()> {
        self.sync()?;
        refuse_existing(&*self.disk, &self.path, self.overwrite)?;
        if let Some(beside) = &self.beside {
            self.disk.rename(beside, &self.path).map_err(|e| disk_failure("name", &self.path, e))?;
        }
        self.beside = None;
        let directory = self.path.parent().unwrap_or(Path::new("/"));
        self.disk.sync_dir(directory).map_err(|e| disk_failure("sync the directory", directory, e))
    }
}

impl Sink for ReplacedFile {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        disk::append_all(&mut *self.file, bytes).map_err(|e| disk_failure("write", &self.path, e))
    }

    fn write_pieces(&mut self, pieces: &mut [IoSlice<'_>]) -> Result<()> {
        disk::append_all_pieces(&mut *self.file, pieces).map_err(|e| disk_failure("write", &self.path, e))
    }

    fn sync(&mut self) -> Result<()> {
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
        Ok(_) if !overwrite => Err(Error::new(ErrorKind::Usage, format!("{} exists already", shown(path)))
            .hint("give -o another name, or add --overwrite to replace it")),
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::ModelDisk;

    fn start(disk: &ModelDisk, overwrite: bool) -> Result<ReplacedFile> {
        let disk: Arc<dyn Disk> = Arc::new(disk.clone());
        ReplacedFile::create(&disk, Path::new("/out"), 0o600, overwrite, Path::new("/state"))
    }

    #[test]
    fn it_appears_whole_or_not_at_all() {
        let disk = ModelDisk::new();
        let mut file = start(&disk, false).unwrap();
        file.write(b"half").unwrap();
        assert_eq!(disk.contents(Path::new("/out")), None);
        drop(file);
        assert!(disk.list(Path::new("/")).unwrap().is_empty());

        let mut file = start(&disk, false).unwrap();
        file.write(b"whole").unwrap();
        file.finish().unwrap();
        assert_eq!(disk.contents(Path::new("/out")).unwrap(), b"whole");
        for state in disk.crash_states(1000, 1) {
            assert_eq!(state.contents(Path::new("/out")).unwrap(), b"whole");
        }
    }

    #[test]
    fn an_existing_file_needs_leave() {
        let disk = ModelDisk::new();
        start(&disk, false).unwrap().finish().unwrap();
        assert_eq!(start(&disk, false).unwrap_err().kind(), ErrorKind::Usage);
        let mut file = start(&disk, true).unwrap();
        file.write(b"new").unwrap();
        file.finish().unwrap();
        assert_eq!(disk.contents(Path::new("/out")).unwrap(), b"new");
    }
}

//! Rolled files: the receiver of batches that is a directory. Each batch becomes a file, or one for each date of
//! its events, which gets its name when it is whole and synced.
//!
//! Until then a file is written beside it, under a name that begins with a dot and is a function of the position.
//! The final name is a function of the batch's id, so that a batch that is delivered again after a kill replaces
//! its own files and nothing else. The lines of the open batch are in these files and in small buffers, not in
//! memory: a batch may be large.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};

use super::super::batch::{Batch, Receiver, Verdict};
use super::super::checkpoint::lock;
use super::super::digest::Digest;
use super::super::{disk_failure, shown};
use super::form::FileForm;
use super::member::member;
use crate::compression::Compression;
use crate::disk::{self, Disk, File, Open};
use crate::error::Result;

/// The mark of the name for a batch's id.
pub const BATCH_MARK: &str = "{batch}";

/// The mark of the name for the date of the events.
pub const DATE_MARK: &str = "{date}";

/// What stands for the date of events without one: what Hive, Spark and DuckDB read as no value.
const NO_DATE: &str = "__HIVE_DEFAULT_PARTITION__";

/// How many dates a batch may have: each has an open file and a buffer.
const MOST_DATES: usize = 64;

/// How much of a file is buffered, and compressed at a time.
const MEMBER: usize = 512 << 10;

/// How many bytes of events the forms of all open files may hold.
const MOST_HELD: usize = 32 << 20;

/// The names of rolled files, and how they are written.
#[derive(Clone, Debug)]
pub struct RolledNames {
    /// The path of a file, with `{batch}` in its name and `{date}` anywhere.
    pub pattern: PathBuf,
    /// Permissions of a file; directories have the right to search wherever these have the right to read.
    pub mode: u32,
    /// Whose they are: positions that write into one directory must differ in it.
    pub owner: String,
}

/// A directory of rolled files.
#[derive(Debug)]
pub struct RolledFiles {
    disk: Arc<dyn Disk>,
    names: RolledNames,
    compression: Compression,
    /// What makes files of events; none where a file is its events one after another.
    form: Option<Box<dyn FileForm>>,
    /// The files of the open batch, by the date of their events.
    open: BTreeMap<Option<NaiveDate>, UnnamedFile>,
}

/// A file that is being written.
#[derive(Debug)]
struct UnnamedFile {
    path: PathBuf,
    form: Option<Box<dyn FileForm>>,
    buffer: Vec<u8>,
    /// Opened, and locked, with the first full buffer.
    file: Option<Box<dyn File>>,
    /// How much was written.
    length: u64,
}

impl RolledFiles {
    /// Rolled files with these names; nothing is made before the first event.
    pub fn new(disk: Arc<dyn Disk>, names: RolledNames, form: Option<Box<dyn FileForm>>) -> Self {
        let compression = Compression::of_path(&names.pattern).0;
        RolledFiles { disk, names, compression, form, open: BTreeMap::new() }
    }

    /// Compresses and writes what is buffered for a date.
    fn flush(&mut self, date: Option<NaiveDate>) -> Result<()> {
        let Some(unnamed) = self.open.get_mut(&date) else { return Ok(()) };
        let fail = |what: &str, e| disk_failure(what, &unnamed.path, e);
        let member = member(self.compression, &unnamed.buffer).map_err(|e| fail("compress", e))?;
        let file = match &mut unnamed.file {
            Some(file) => file,
            none => {
                let how = Open::InPlace { mode: self.names.mode };
                let (mut file, _) = lock::open_locked(&*self.disk, &unnamed.path, how)?;
                // What a killed run left there is written again.
                file.truncate(0).map_err(|e| disk_failure("write", &unnamed.path, e))?;
                none.insert(file)
            }
        };
        disk::write_all_at(&mut **file, &member, unnamed.length)
            .map_err(|e| disk_failure("write", &unnamed.path, e))?;
        unnamed.length += member.len() as u64;
        unnamed.buffer.clear();
        Ok(())
    }

    /// Has the file that holds most written, where all together hold too much.
    fn bound_what_is_held(&mut self) -> Result<()> {
        if self.form.is_none() {
            return Ok(());
        }
        let held = |unnamed: &UnnamedFile| unnamed.form.as_ref().map_or(0, |form| form.held());
        if self.open.values().map(held).sum::<usize>() < MOST_HELD {
            return Ok(());
        }
        let Some((&date, most)) = self.open.iter_mut().max_by_key(|(_, unnamed)| held(unnamed)) else {
            return Ok(());
        };
        if let Some(form) = &mut most.form {
            form.release(&mut most.buffer)?;
        }
        self.flush(date)
    }

    /// Writes and syncs every file of the batch, and then gives each its name.
    fn publish(&mut self, batch: &Batch) -> Result<()> {
        for unnamed in self.open.values_mut() {
            if let Some(form) = &mut unnamed.form {
                form.end(&mut unnamed.buffer)?;
            }
        }
        for date in self.open.keys().copied().collect::<Vec<_>>() {
            self.flush(date)?;
        }
        for unnamed in self.open.values_mut() {
            if let Some(file) = &mut unnamed.file {
                file.sync_data().map_err(|e| disk_failure("sync", &unnamed.path, e))?;
            }
        }
        while let Some((date, unnamed)) = self.open.pop_first() {
            let path = self.names.path(date, &batch.id);
            self.disk.rename(&unnamed.path, &path).map_err(|e| disk_failure("name", &path, e))?;
            let directory = parent(&path);
            self.disk.sync_dir(directory).map_err(|e| disk_failure("sync the directory", directory, e))?;
            log::debug!("{} is whole", shown(&path));
        }
        Ok(())
    }
}

impl Receiver for RolledFiles {
    fn deliver(&mut self, batch: &Batch) -> Result<Verdict> {
        self.publish(batch).map(|()| Verdict::Accepted)
    }

    fn has_room(&self, time: Option<DateTime<Utc>>) -> bool {
        self.open.len() < MOST_DATES || self.open.contains_key(&self.names.date(time))
    }

    fn keep(&mut self, time: Option<DateTime<Utc>>, line: &[u8]) -> Result<bool> {
        let date = self.names.date(time);
        let unnamed = match self.open.get_mut(&date) {
            Some(unnamed) => unnamed,
            None => {
                let path = self.names.unnamed(date);
                make_directories(&*self.disk, parent(&path), self.names.mode)?;
                let form = self.form.as_ref().map(|form| form.another()).transpose()?;
                let new = UnnamedFile { path, form, buffer: Vec::new(), file: None, length: 0 };
                self.open.entry(date).or_insert(new)
            }
        };
        match &mut unnamed.form {
            None => unnamed.buffer.extend_from_slice(line),
            Some(form) => form.add(line, &mut unnamed.buffer)?,
        }
        if unnamed.buffer.len() >= MEMBER {
            self.flush(date)?;
        }
        self.bound_what_is_held()?;
        Ok(true)
    }
}

impl Drop for RolledFiles {
    fn drop(&mut self) {
        for unnamed in self.open.values().filter(|unnamed| unnamed.file.is_some()) {
            if let Err(e) = self.disk.remove(&unnamed.path) {
                log::warn!("cannot remove the unfinished {}: {e}", shown(&unnamed.path));
            }
        }
    }
}

impl RolledNames {
    /// The date that an event of this time is filed under; always none where names have no date.
    fn date(&self, time: Option<DateTime<Utc>>) -> Option<NaiveDate> {
        let has_date = self.pattern.to_string_lossy().contains(DATE_MARK);
        time.filter(|_| has_date).map(|time| time.date_naive())
    }

    /// The path of the file of a batch.
    fn path(&self, date: Option<NaiveDate>, id: &str) -> PathBuf {
        let date = date.map_or_else(|| NO_DATE.to_owned(), |date| date.to_string());
        let text = self.pattern.to_string_lossy();
        PathBuf::from(text.replace(DATE_MARK, &date).replace(BATCH_MARK, id))
    }

    /// The path of a file that is being written: in the same directory, and of no extension that readers look for.
    fn unnamed(&self, date: Option<NaiveDate>) -> PathBuf {
        let owner = Digest::of(self.owner.as_bytes()).to_string();
        let word = date.map_or_else(|| "undated".to_owned(), |date| date.to_string());
        self.path(date, "").with_file_name(format!(".{}-{word}.opev-unfinished", &owner[..16]))
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a directory and the missing ones above it, durably.
fn make_directories(disk: &dyn Disk, directory: &Path, file_mode: u32) -> Result<()> {
    let mode = 0o700 | file_mode | (file_mode & 0o444) >> 2;
    let mut missing = Vec::new();
    for directory in directory.ancestors().filter(|path| !path.as_os_str().is_empty()) {
        match disk.metadata(directory) {
            Ok(_) => break,
            Err(e) if e.kind() == io::ErrorKind::NotFound => missing.push(directory),
            Err(e) => return Err(disk_failure("look at", directory, e)),
        }
    }
    for directory in missing.into_iter().rev() {
        match disk.create_dir(directory, mode) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
                return Err(disk_failure("make the directory", directory, e));
            }
            _ => {}
        }
        let above = parent(directory);
        disk.sync_dir(above).map_err(|e| disk_failure("sync the directory", above, e))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{RealDisk, RecordingDisk};
    use crate::event::Stream;

    /// A form that holds everything until it is told to let go.
    #[derive(Debug, Default)]
    struct Holding(Vec<u8>);

    impl FileForm for Holding {
        fn add(&mut self, events: &[u8], _: &mut Vec<u8>) -> Result<()> {
            self.0.extend_from_slice(events);
            Ok(())
        }

        fn held(&self) -> usize {
            self.0.len()
        }

        fn release(&mut self, out: &mut Vec<u8>) -> Result<()> {
            out.append(&mut self.0);
            Ok(())
        }

        fn end(&mut self, out: &mut Vec<u8>) -> Result<()> {
            self.release(out)?;
            out.extend_from_slice(b"end");
            Ok(())
        }

        fn another(&self) -> Result<Box<dyn FileForm>> {
            Ok(Box::new(Holding::default()))
        }
    }

    #[test]
    fn what_all_forms_hold_together_is_bounded_and_each_file_has_its_end() {
        let home = tempfile::tempdir().unwrap();
        let names =
            RolledNames { pattern: home.path().join("{date}-{batch}.x"), mode: 0o600, owner: "one".into() };
        let mut rolled = RolledFiles::new(Arc::new(RealDisk), names, Some(Box::new(Holding::default())));
        let line = vec![b'x'; 1 << 20];
        let days = ["2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z", "2026-11-21T00:00:01Z"];
        for day in days.iter().cycle().take(99) {
            rolled.keep(at(day), &line).unwrap();
            let held: usize = rolled.open.values().filter_map(|file| Some(file.form.as_ref()?.held())).sum();
            assert!(held <= MOST_HELD, "{held}");
        }
        rolled.deliver(&batch("7f")).unwrap();
        for (day, lines) in [("2026-11-20", 33), ("2026-11-21", 66)] {
            let found = std::fs::read(home.path().join(format!("{day}-7f.x"))).unwrap();
            assert_eq!(found.len(), lines * line.len() + 3, "{day}");
            assert!(found.ends_with(b"xend"), "{day}");
        }
    }

    fn batch(id: &str) -> Batch {
        Batch::kept_elsewhere(id, Stream::ItemUsages, 2)
    }

    fn at(text: &str) -> Option<DateTime<Utc>> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn a_file_has_its_name_after_its_bytes_are_synced_and_the_directory_after_that() {
        let home = tempfile::tempdir().unwrap();
        let disk = Arc::new(RecordingDisk::new(RealDisk));
        let names = RolledNames {
            pattern: home.path().join("d={date}/{batch}.ndjson"),
            mode: 0o600,
            owner: "one".into(),
        };
        let mut rolled = RolledFiles::new(disk.clone(), names.clone(), None);
        for time in ["2026-11-20T23:59:59Z", "2026-11-21T00:00:00Z"] {
            assert!(rolled.keep(at(time), b"{}\n").unwrap());
        }
        disk.take();
        rolled.deliver(&batch("7f")).unwrap();
        let operations = disk.take();
        let at = |verb: &str, nth: usize| {
            operations.iter().enumerate().filter(|(_, op)| op.starts_with(verb)).nth(nth).unwrap().0
        };
        assert!(at("sync_data", 1) < at("rename to 7f.ndjson", 0), "{operations:?}");
        assert!(at("rename to 7f.ndjson", 0) < at("sync_dir d=2026-11-20", 0), "{operations:?}");
        assert_eq!(operations.last().unwrap(), "sync_dir d=2026-11-21");
        // Again, after a kill: the same files, with what is new in them.
        let mut again = RolledFiles::new(disk, names, None);
        again.keep(Some("2026-11-20T23:59:59Z".parse().unwrap()), b"{}\n").unwrap();
        again.deliver(&batch("7f")).unwrap();
        assert_eq!(std::fs::read(home.path().join("d=2026-11-20/7f.ndjson")).unwrap(), b"{}\n");
    }

    #[test]
    fn a_batch_has_a_bounded_number_of_dates_and_leaves_nothing_behind() {
        let home = tempfile::tempdir().unwrap();
        let names = RolledNames {
            pattern: home.path().join("{date}-{batch}.ndjson"),
            mode: 0o600,
            owner: "one".into(),
        };
        let mut rolled = RolledFiles::new(Arc::new(RealDisk), names, None);
        let day = |n: i64| Some(DateTime::UNIX_EPOCH + chrono::TimeDelta::days(n));
        let line = vec![b'x'; MEMBER];
        for n in 0..MOST_DATES as i64 {
            assert!(rolled.has_room(day(n)));
            rolled.keep(day(n), &line).unwrap();
        }
        assert!(!rolled.has_room(day(-1)) && rolled.has_room(day(3)));
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), MOST_DATES);
        drop(rolled);
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    }
}

//! The log of delivered events: an append-only file beside the checkpoint, read at the next start.
//!
//! Seventeen bytes an event: one for the stream and for how the identity was made, sixteen for the identity.
//! Entries of version 0.1 ([`identity::of_version_1`]) stay until newer ones replace them: they come first, and
//! their events are not delivered again (P12). Only the part whose length and digest a checkpoint holds counts;
//! bytes after it were never committed and are cut off. When the file has grown to twice the remembered size it
//! is rewritten under the next number; the old one stays until no slot refers to it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::super::checkpoint::dir::CheckpointDir;
use super::super::checkpoint::record::LogMark;
use super::super::digest::RunningDigest;
use super::super::{disk_failure, shown};
use crate::disk::{self, Disk, File, Open};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Stream};
use crate::identity::{self, RecentSet};

const ENTRY: usize = 17;
/// Set in the first byte of an entry whose identity is [`identity::of`].
const CURRENT: u8 = 0x10;
/// Bytes read at a time; whole entries.
const CHUNK: usize = ENTRY * 4096;

/// The events that were delivered last, in memory and on disk.
#[derive(Debug)]
pub struct SeenLog {
    disk: Arc<dyn Disk>,
    place: CheckpointDir,
    capacity: usize,
    recent: [RecentSet; 3],
    /// How many of the oldest identities of each stream are of version 0.1.
    old: [usize; 3],
    /// Entries that are remembered but not yet in the file.
    fresh: Vec<u8>,
    file: Option<Box<dyn File>>,
    mark: LogMark,
    running: RunningDigest,
    /// The number of a file that the older slot may still refer to.
    retiring: Option<u64>,
    compacted_from: Option<u64>,
}

impl SeenLog {
    /// Reads the committed part that `mark` describes; keeps `capacity` events per stream. Changes nothing.
    ///
    /// # Errors
    /// Fails with `Disagreement` when the file does not match the checkpoint.
    pub fn load(
        disk: &Arc<dyn Disk>,
        place: &CheckpointDir,
        mark: &LogMark,
        capacity: usize,
    ) -> Result<Self> {
        let mut log = SeenLog {
            disk: disk.clone(),
            place: place.clone(),
            capacity,
            recent: std::array::from_fn(|_| RecentSet::with_capacity(capacity)),
            old: [0; 3],
            fresh: Vec::new(),
            file: None,
            mark: mark.clone(),
            running: RunningDigest::default(),
            retiring: mark.generation.checked_sub(1),
            compacted_from: None,
        };
        if mark.length > 0 {
            log.read()?;
        }
        Ok(log)
    }

    /// Remembers an event that is about to be delivered; false when it was delivered before.
    pub fn insert(&mut self, event: &Event<'_>) -> bool {
        let stream = event.stream as usize;
        if self.old[stream] > 0 && self.recent[stream].contains(identity::of_version_1(event)) {
            return false;
        }
        self.remember(SeenEntry { stream: event.stream, identity: identity::of(event), is_old: false })
    }

    fn remember(&mut self, entry: SeenEntry) -> bool {
        let is_new = self.recall(entry);
        if is_new {
            self.fresh.extend_from_slice(&entry.to_bytes());
        }
        is_new
    }

    /// Adds an entry in memory; false when it was there already.
    fn recall(&mut self, entry: SeenEntry) -> bool {
        let (recent, old) = (&mut self.recent[entry.stream as usize], &mut self.old[entry.stream as usize]);
        let takes_the_oldest = recent.is_full();
        let is_new = recent.insert(entry.identity);
        if is_new {
            // Old entries come first, so the one that is dropped is old as long as there are any.
            *old -= usize::from(takes_the_oldest && *old > 0);
            *old += usize::from(entry.is_old);
        }
        is_new
    }

    /// Writes new entries durably, and returns their mark for the checkpoint.
    ///
    /// # Errors
    /// Fails with `Output` when the disk does.
    pub fn save(&mut self) -> Result<LogMark> {
        if !self.fresh.is_empty() {
            let remembered: usize = self.recent.iter().map(RecentSet::len).sum();
            let limit = ENTRY * (2 * remembered + self.capacity);
            if self.mark.length as usize + self.fresh.len() > limit {
                self.compact()?
            } else {
                self.append()?
            }
            self.fresh.clear();
        }
        Ok(self.mark.clone())
    }

    /// Called when a checkpoint with the last mark is durable; removes a file that no slot refers to now.
    pub fn committed(&mut self) {
        if let Some(generation) = self.retiring.take() {
            let path = self.path(generation);
            match self.disk.remove(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    log::debug!("an old log stays behind: {}: {e}", shown(&path));
                }
                _ => {}
            }
        }
        self.retiring = self.compacted_from.take();
    }

    /// All entries, the oldest of each stream first.
    pub fn entries(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(ENTRY * self.recent.iter().map(RecentSet::len).sum::<usize>());
        for (stream, (recent, old)) in Stream::ALL.into_iter().zip(self.recent.iter().zip(self.old)) {
            for (index, identity) in recent.iter().enumerate() {
                bytes.extend_from_slice(&SeenEntry { stream, identity, is_old: index < old }.to_bytes());
            }
        }
        bytes
    }

    /// Adds entries of another log; false when they are not valid.
    pub fn extend(&mut self, entries: &[u8]) -> bool {
        let (whole, rest) = entries.as_chunks::<ENTRY>();
        let all: Option<Vec<SeenEntry>> = whole.iter().map(SeenEntry::from_bytes).collect();
        let Some(all) = all.filter(|_| rest.is_empty()) else { return false };
        for entry in all {
            self.remember(entry);
        }
        true
    }

    fn path(&self, generation: u64) -> PathBuf {
        self.place.file(&format!("seen.{generation}"))
    }

    fn read(&mut self) -> Result<()> {
        let path = self.path(self.mark.generation);
        let file = match self.disk.open(&path, Open::Read) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(self.disagrees("is missing")),
            opened => opened.map_err(|e| disk_failure("open", &path, e))?,
        };
        let mut offset = 0;
        while offset < self.mark.length {
            let wanted = usize::try_from(self.mark.length - offset).map_or(CHUNK, |rest| rest.min(CHUNK));
            let bytes =
                disk::read_range(&*file, offset, wanted).map_err(|e| disk_failure("read", &path, e))?;
            if bytes.len() < wanted {
                return Err(self.disagrees("is cut short"));
            }
            self.running.add(&bytes);
            for entry in bytes.as_chunks::<ENTRY>().0.iter().filter_map(SeenEntry::from_bytes) {
                self.recall(entry);
            }
            offset += wanted as u64;
        }
        if self.running.digest() != self.mark.digest {
            return Err(self.disagrees("was changed"));
        }
        Ok(())
    }

    fn append(&mut self) -> Result<()> {
        let path = self.path(self.mark.generation);
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let opened = open_at(&*self.disk, &path, self.mark.length);
                let file = opened.map_err(|e| disk_failure("open", &path, e))?;
                if self.mark.length == 0 {
                    self.disk
                        .sync_dir(self.place.directory())
                        .map_err(|e| disk_failure("sync the directory of", &path, e))?;
                }
                none.insert(file)
            }
        };
        disk::append_all(&mut **file, &self.fresh).map_err(|e| disk_failure("write", &path, e))?;
        file.sync_data().map_err(|e| disk_failure("sync", &path, e))?;
        self.advance_by(self.fresh.len());
        Ok(())
    }

    /// Writes all entries into a new file.
    fn compact(&mut self) -> Result<()> {
        self.compacted_from = Some(self.mark.generation);
        self.file = None;
        self.running = RunningDigest::default();
        self.mark = LogMark { generation: self.mark.generation + 1, ..LogMark::default() };
        self.fresh = self.entries();
        self.append()
    }

    fn advance_by(&mut self, length: usize) {
        self.running.add(&self.fresh);
        self.mark.length += length as u64;
        self.mark.digest = self.running.digest();
    }

    fn disagrees(&self, how: &str) -> Error {
        let path = shown(&self.path(self.mark.generation));
        Error::new(ErrorKind::Disagreement, format!("the log of delivered events {how}: {path}")).hint(
            "nothing was changed; put the state directory back from a backup, or `opev state reset` and name \
             with --since from when to fetch again",
        )
    }
}

/// Opens a log for appending after its first `length` bytes; bytes after them are cut off.
fn open_at(disk: &dyn Disk, path: &std::path::Path, length: u64) -> io::Result<Box<dyn File>> {
    let mut file = disk.open(path, Open::AppendOwn { mode: 0o600 })?;
    if file.metadata()?.length > length {
        file.truncate(length)?;
    }
    Ok(file)
}

/// One entry of the log.
#[derive(Clone, Copy, Debug)]
struct SeenEntry {
    stream: Stream,
    identity: u128,
    /// Whether the identity is that of version 0.1.
    is_old: bool,
}

impl SeenEntry {
    fn to_bytes(self) -> [u8; ENTRY] {
        let mut bytes = [self.stream as u8 | if self.is_old { 0 } else { CURRENT }; ENTRY];
        bytes[1..].copy_from_slice(&self.identity.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8; ENTRY]) -> Option<Self> {
        let (first, identity) = bytes.split_first()?;
        let stream = *Stream::ALL.get(usize::from(first & !CURRENT))?;
        let identity = u128::from_le_bytes(identity.try_into().ok()?);
        Some(SeenEntry { stream, identity, is_old: first & CURRENT == 0 })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::disk::RealDisk;

    /// Event number `n` of a stream.
    fn numbered(stream: Stream, n: usize) -> Event<'static> {
        let uuid = [&b"event"[..], &n.to_string().into_bytes()].concat();
        Event { stream, raw: b"{}", uuid: Some(uuid.leak()), time: None }
    }

    fn place(state: &Path) -> (Arc<dyn Disk>, CheckpointDir) {
        let place = CheckpointDir::at(state, "p", "c");
        place.make(&RealDisk).unwrap();
        (Arc::new(RealDisk), place)
    }

    #[test]
    fn what_version_0_1_delivered_is_known_until_newer_events_take_its_place() {
        let directory = tempfile::tempdir().unwrap();
        let (disk, place) = place(directory.path());
        let audit = |n| numbered(Stream::AuditEvents, n);
        let mut log = SeenLog::load(&disk, &place, &LogMark::default(), 10).unwrap();
        let old: Vec<u8> = (0..10)
            .flat_map(|n| {
                let identity = identity::of_version_1(&audit(n));
                SeenEntry { stream: Stream::AuditEvents, identity, is_old: true }.to_bytes()
            })
            .collect();
        assert!(log.extend(&old));
        let mut mark = log.save().unwrap();
        for n in 0..15 {
            let mut again = SeenLog::load(&disk, &place, &mark, 10).unwrap();
            assert_eq!(again.entries(), log.entries(), "after {n}");
            for known in n..10 + n {
                assert!(!again.insert(&audit(known)), "{known} is known after {n} more");
            }
            assert!(again.insert(&audit(99)));
            assert!(log.insert(&audit(10 + n)));
            mark = log.save().unwrap();
            log.committed();
        }
        assert_eq!(log.old, [0; 3]);
    }

    #[test]
    fn it_is_compacted_reads_back_and_leaves_one_old_file() {
        let directory = tempfile::tempdir().unwrap();
        let (disk, place) = place(directory.path());
        let mut log = SeenLog::load(&disk, &place, &LogMark::default(), 10).unwrap();
        let mut mark = LogMark::default();
        for n in 0..200 {
            assert!(log.insert(&numbered(Stream::ALL[n % 2], n)));
            mark = log.save().unwrap();
            log.committed();
            assert!(disk.list(place.directory()).unwrap().len() <= 2);
            let again = SeenLog::load(&disk, &place, &mark, 10).unwrap();
            assert_eq!(again.entries(), log.entries(), "after {n}");
        }
        assert!(mark.generation > 3 && mark.length <= 17 * (2 * 20 + 10));
        assert!(!log.insert(&numbered(Stream::ALL[1], 199)) && log.insert(&numbered(Stream::ALL[0], 199)));
    }

    #[test]
    fn a_missing_short_or_changed_log_is_refused_and_a_longer_one_is_cut() {
        let directory = tempfile::tempdir().unwrap();
        let (disk, place) = place(directory.path());
        let mut log = SeenLog::load(&disk, &place, &LogMark::default(), 10).unwrap();
        log.insert(&numbered(Stream::AuditEvents, 1));
        let mark = log.save().unwrap();
        log.insert(&numbered(Stream::AuditEvents, 2));
        log.save().unwrap();
        let mut again = SeenLog::load(&disk, &place, &mark, 10).unwrap();
        assert!(again.insert(&numbered(Stream::AuditEvents, 3)));
        assert_eq!(again.save().unwrap().length, 34);
        assert_eq!(disk.metadata(&place.file("seen.0")).unwrap().length, 34);

        let refused = |mark: &LogMark| SeenLog::load(&disk, &place, mark, 10).unwrap_err().kind();
        assert_eq!(refused(&LogMark { length: 51, ..mark.clone() }), ErrorKind::Disagreement);
        assert_eq!(
            refused(&LogMark { digest: LogMark::default().digest, ..mark.clone() }),
            ErrorKind::Disagreement
        );
        assert_eq!(refused(&LogMark { generation: 7, ..mark }), ErrorKind::Disagreement);
    }
}

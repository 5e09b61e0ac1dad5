//! What a rule has gathered of events, by group. Where there is a scratch file, what does not fit into memory lies
//! in it and is read back group by group.

use std::hash::{BuildHasher as _, RandomState};
use std::io;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde::{Deserialize, Serialize as DeriveSerialize};

use super::event_id::EventId;
use crate::scratch::Scratch;

/// An event that fits a step.
#[derive(Clone, Debug, PartialEq, DeriveSerialize, Deserialize)]
pub(super) struct EventRecord {
    /// Its time in microseconds.
    #[serde(rename = "t")]
    pub(super) time: i64,
    #[serde(rename = "i")]
    pub(super) id: EventId,
    #[serde(rename = "s")]
    pub(super) step: u16,
    /// What is counted or compared: a hash, or a place.
    #[serde(rename = "v")]
    pub(super) value: u64,
}

impl EventRecord {
    /// The bytes of a record in a scratch file, before its uuid.
    const HEAD: usize = 8 + 8 + 2 + 4;

    fn write(&self, bytes: &mut Vec<u8>) {
        let id = self.id.bytes();
        bytes.extend_from_slice(&self.time.to_le_bytes());
        bytes.extend_from_slice(&self.value.to_le_bytes());
        bytes.extend_from_slice(&self.step.to_le_bytes());
        // An event has at most some MiB.
        bytes.extend_from_slice(&(id.len() as u32).to_le_bytes());
        bytes.extend_from_slice(id);
    }

    /// The record at the beginning of `bytes`, and what is behind it.
    fn read(bytes: &[u8]) -> Option<(EventRecord, &[u8])> {
        let (head, rest) = bytes.split_first_chunk::<{ EventRecord::HEAD }>()?;
        let (time, head) = head.split_first_chunk()?;
        let (value, head) = head.split_first_chunk()?;
        let (step, head) = head.split_first_chunk()?;
        let (length, _) = head.split_first_chunk()?;
        let (id, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        let record = EventRecord {
            time: i64::from_le_bytes(*time),
            id: EventId::new(id),
            step: u16::from_le_bytes(*step),
            value: u64::from_le_bytes(*value),
        };
        Some((record, rest))
    }
}

/// Records of one group in the scratch file.
#[derive(Clone, Debug)]
struct SpilledRecords {
    at: u64,
    bytes: usize,
    records: usize,
}

/// The records of one group.
#[derive(Clone, Debug, Default, DeriveSerialize, Deserialize)]
pub(super) struct RecordWindow {
    #[serde(rename = "r")]
    records: Vec<EventRecord>,
    /// Where something is spilled, nothing is saved or forgotten.
    #[serde(skip)]
    spilled: Vec<SpilledRecords>,
    /// Up to when everything belongs to a hit that was told.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(super) closed: Option<i64>,
    /// Whether records came since it was judged.
    #[serde(skip)]
    pub(super) is_new: bool,
}

impl RecordWindow {
    pub(super) fn add(&mut self, record: EventRecord) {
        self.records.push(record);
        self.is_new = true;
    }

    fn merge(&mut self, mut other: RecordWindow) {
        self.records.append(&mut other.records);
        self.spilled.append(&mut other.spilled);
        self.closed = self.closed.max(other.closed);
        self.is_new = true;
    }

    fn len(&self) -> usize {
        self.records.len() + self.spilled.iter().map(|spilled| spilled.records).sum::<usize>()
    }

    fn is_empty(&self) -> bool {
        self.records.is_empty() && self.spilled.is_empty() && self.closed.is_none()
    }

    /// Drops what is older.
    fn forget(&mut self, oldest: i64) {
        self.records.retain(|record| record.time >= oldest);
        self.closed = self.closed.filter(|closed| *closed >= oldest);
    }

    /// Moves the records in memory to the scratch file; says how many.
    fn spill(&mut self, scratch: &Scratch, bytes: &mut Vec<u8>) -> io::Result<usize> {
        bytes.clear();
        self.records.iter().for_each(|record| record.write(bytes));
        let at = scratch.append(bytes)?.start;
        let records = std::mem::take(&mut self.records).len();
        self.spilled.push(SpilledRecords { at, bytes: bytes.len(), records });
        Ok(records)
    }

    /// Gives all records, in no order, to `judge`: those in memory, or copies where some are spilled.
    pub(super) fn with_records<T>(
        &mut self,
        scratch: Option<&Scratch>,
        judge: impl FnOnce(&mut Vec<EventRecord>) -> T,
    ) -> io::Result<T> {
        if self.spilled.is_empty() {
            return Ok(judge(&mut self.records));
        }
        let scratch = scratch.ok_or(io::ErrorKind::NotFound)?;
        let mut all = Vec::with_capacity(self.len());
        let mut bytes = Vec::new();
        for spilled in &self.spilled {
            bytes.resize(spilled.bytes, 0);
            scratch.read(&mut bytes, spilled.at)?;
            let mut rest = &bytes[..];
            while let Some((record, behind)) = EventRecord::read(rest) {
                all.push(record);
                rest = behind;
            }
        }
        all.extend_from_slice(&self.records);
        Ok(judge(&mut all))
    }
}

/// How groups are found: keyed by chance, because events are hostile.
#[derive(Debug, Default)]
pub(super) struct GroupHasher(RandomState);

/// The name of a group, with its hash.
#[derive(Clone, Copy, Debug)]
pub(super) struct GroupKey<'a> {
    pub(super) name: &'a str,
    hash: u64,
}

impl GroupHasher {
    pub(super) fn hash(&self, name: &str) -> u64 {
        self.0.hash_one(name)
    }

    pub(super) fn key<'a>(&self, name: &'a str) -> GroupKey<'a> {
        GroupKey::new(name, self.hash(name))
    }
}

impl<'a> GroupKey<'a> {
    /// A name whose hash is known.
    pub(super) fn new(name: &'a str, hash: u64) -> Self {
        GroupKey { name, hash }
    }
}

/// The windows of a rule, by group.
#[derive(Clone, Debug, Default)]
pub(super) struct GroupWindows(HashTable<GroupWindow>);

#[derive(Clone, Debug)]
struct GroupWindow {
    name: Box<str>,
    hash: u64,
    window: RecordWindow,
}

impl GroupWindows {
    /// The window of a group, an empty one where it has none.
    pub(super) fn of(&mut self, group: GroupKey<'_>) -> &mut RecordWindow {
        let entry = self.0.entry(group.hash, |known| *known.name == *group.name, |known| known.hash);
        let found = match entry {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(place) => {
                let window = RecordWindow::default();
                place.insert(GroupWindow { name: group.name.into(), hash: group.hash, window }).into_mut()
            }
        };
        &mut found.window
    }

    /// Takes the windows of another fold of the same rules.
    pub(super) fn merge(&mut self, other: GroupWindows) {
        for GroupWindow { name, hash, window } in other.0 {
            self.of(GroupKey::new(&name, hash)).merge(window);
        }
    }

    /// How many records are in memory.
    pub(super) fn held(&self) -> usize {
        self.0.iter().map(|group| group.window.records.len()).sum()
    }

    /// How many records there are.
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|group| group.window.len()).sum()
    }

    /// Lets everything be judged again.
    pub(super) fn reopen(&mut self) {
        self.0.iter_mut().for_each(|group| group.window.is_new = true);
    }

    /// Drops what is older, and groups of which nothing is left.
    pub(super) fn forget(&mut self, oldest: i64) {
        self.0.retain(|group| {
            group.window.forget(oldest);
            !group.window.is_empty()
        });
    }

    /// Moves the records of groups that have at least so many in memory to the scratch file; says how many.
    pub(super) fn spill(
        &mut self,
        at_least: usize,
        scratch: &Scratch,
        bytes: &mut Vec<u8>,
    ) -> io::Result<usize> {
        let mut moved = 0;
        for group in self.0.iter_mut().filter(|group| group.window.records.len() >= at_least) {
            moved += group.window.spill(scratch, bytes)?;
        }
        Ok(moved)
    }

    /// The groups to which something came since they were judged.
    pub(super) fn not_judged(&mut self) -> impl Iterator<Item = (&str, &mut RecordWindow)> {
        let new = self.0.iter_mut().filter(|group| group.window.is_new);
        new.map(|group| (&*group.name, &mut group.window))
    }
}

impl Serialize for GroupWindows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for group in &self.0 {
            map.serialize_entry(&*group.name, &group.window)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(time: i64, id: &str) -> EventRecord {
        EventRecord { time, id: EventId::new(id.as_bytes()), step: 7, value: u64::MAX - 1 }
    }

    #[test]
    fn what_is_spilled_comes_back_with_what_is_in_memory() {
        let (scratch, hasher) = (Scratch::new(tempfile::tempfile), GroupHasher::default());
        let long = "x".repeat(70_000);
        let ids = ["", "A", "26LETTERSABCDEFGHIJKLMNOPQ", &long];
        let (mut windows, mut other) = (GroupWindows::default(), GroupWindows::default());
        let mut bytes = Vec::new();
        for (number, id) in ids.iter().enumerate() {
            windows.of(hasher.key("group")).add(record(-(number as i64), id));
            windows.of(hasher.key("small")).add(record(5, "S"));
            other.of(hasher.key("group")).add(record(100, id));
        }
        assert_eq!(windows.spill(4, &scratch, &mut bytes).unwrap(), 8);
        assert_eq!(windows.spill(1, &scratch, &mut bytes).unwrap(), 0);
        assert_eq!(other.spill(1, &scratch, &mut bytes).unwrap(), 4);
        windows.of(hasher.key("group")).add(record(9, "late"));
        windows.merge(other);
        assert_eq!(windows.len(), 4 + 4 + 4 + 1);
        let all = windows.of(hasher.key("group")).with_records(Some(&scratch), |all| all.clone()).unwrap();
        let wanted = (0..4).map(|number| record(-number, ids[number as usize]));
        let wanted: Vec<EventRecord> =
            wanted.chain(ids.iter().map(|id| record(100, id))).chain([record(9, "late")]).collect();
        assert_eq!(all, wanted);
    }

    #[test]
    fn records_stay_in_memory_where_the_scratch_file_cannot_be_written() {
        let scratch = Scratch::new(|| Err(io::ErrorKind::StorageFull.into()));
        let hasher = GroupHasher::default();
        let mut windows = GroupWindows::default();
        windows.of(hasher.key("group")).add(record(1, "A"));
        assert!(windows.spill(1, &scratch, &mut Vec::new()).is_err());
        let kept = windows.of(hasher.key("group")).with_records(None, |all| all.clone()).unwrap();
        assert_eq!(kept, [record(1, "A")]);
    }
}

//! The record of a checkpoint, and its format in bytes.
//!
//! In bytes: one line `opev checkpoint VERSION LENGTH CHECKSUM`, then the record as JSON (LENGTH bytes, over
//! which CHECKSUM is taken), then spaces up to a multiple of 4 KiB, so that a slot hardly ever changes its
//! length. The version comes first as plain text: a newer format is recognised whatever else it changes.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::super::batch::PendingBatch;
use super::super::digest::Digest;
use super::super::whole::WholeMark;
use crate::compression::Compression;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::page::{Cursor, Next, Page};

/// The version of the format, raised when an older program could misread it (P12).
///
/// 2: the log of delivered events holds other identities, which version 1 would not recognise.
pub const VERSION: u32 = 2;

/// The largest record that is read; three cursors and two paths are a few KiB.
pub const LIMIT: usize = 4 << 20;

const MAGIC: &str = "opev checkpoint";
const BLOCK: usize = 4096;

/// One saved state of one (profile, consumer).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The version of the program that wrote it.
    pub program: String,
    /// The number of the commit; of two valid records the higher one is newer.
    pub sequence: u64,
    /// The profile's name.
    pub profile: String,
    /// The consumer: a path or a name.
    pub consumer: String,
    /// What must be the same when the run is resumed.
    #[serde(flatten)]
    pub terms: OutputContract,
    /// The position of each stream, by its name.
    pub streams: BTreeMap<String, StreamPosition>,
    /// The managed file; none when the consumer is a stream.
    #[serde(default)]
    pub output: Option<OutputMark>,
    /// The log of delivered identities.
    #[serde(default)]
    pub seen: LogMark,
    /// The batch that was offered last, until it is known to be accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingBatch>,
    /// What is saved beside the events: what rules have gathered, and their hits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub companion: Option<CompanionMark>,
    /// When it was written.
    pub updated_at: DateTime<Utc>,
}

/// The terms of a position: which events are written, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputContract {
    /// The account's uuid, where it is known.
    #[serde(default)]
    pub account: Option<String>,
    /// The host that issued the cursors.
    pub host: String,
    /// The API's version, as it is typed.
    pub api: String,
    /// The schema of an event.
    pub shape: String,
    /// The file format.
    pub format: String,
    /// The chosen columns; empty for the default ones.
    #[serde(default)]
    pub fields: Vec<String>,
    /// The version of the encoder of this format and shape; 0 where it was not saved yet (P12).
    #[serde(default)]
    pub encoder: u32,
    /// The columns as they are written; empty for formats without columns, and where they were not saved yet.
    #[serde(default)]
    pub columns: Vec<String>,
    /// How the file is compressed.
    #[serde(default)]
    pub compression: Compression,
    /// The names of the streams that were ever written there.
    #[serde(default, rename = "written_streams")]
    pub streams: Vec<String>,
    /// The filters as text; empty where all events are written.
    #[serde(default)]
    pub filters: String,
    /// What is added to events, as text; none where it was not saved yet (P12).
    #[serde(default)]
    pub additions: Option<String>,
    /// What is redacted of events, as text; empty where nothing is.
    #[serde(default)]
    pub redaction: String,
}

impl OutputContract {
    /// The contract after a run with this one continues what was saved under `saved`: an account that was
    /// unknown is filled in, and the streams of both are in the output.
    pub fn continuing(mut self, saved: &OutputContract) -> Self {
        self.account = self.account.or_else(|| saved.account.clone());
        for stream in &saved.streams {
            if !self.streams.contains(stream) {
                self.streams.push(stream.clone());
            }
        }
        self.streams.sort();
        self
    }
}

/// The position of one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamPosition {
    /// The cursor, as the service gave it, if any.
    #[serde(default)]
    pub cursor: Option<String>,
    /// From when on the first request asked, for positions within its answer: the same answer is asked for again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_since: Option<DateTime<Utc>>,
    /// Whether the last answer was caught up.
    #[serde(default)]
    pub caught_up: bool,
    /// When an answer was last caught up.
    #[serde(default)]
    pub caught_up_at: Option<DateTime<Utc>>,
    /// The event that was delivered last, or moved over because it is not wanted.
    #[serde(default)]
    pub last_event: Option<LastEvent>,
    /// The newest time of any event, delivered or not wanted, never later than it was received: clients' clocks err.
    #[serde(default)]
    pub newest: Option<DateTime<Utc>>,
    /// When the first answer for this position came.
    #[serde(default)]
    pub started_at: Option<DateTime<Utc>>,
    /// How many events were delivered.
    #[serde(default)]
    pub delivered: u64,
    /// How many repeats were dropped.
    #[serde(default)]
    pub repeats: u64,
}

/// The event that a position stands behind: enough to say which, not the event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastEvent {
    /// Its uuid.
    #[serde(default)]
    pub uuid: Option<String>,
    /// Its own time.
    #[serde(default)]
    pub time: Option<DateTime<Utc>>,
}

/// The state of a managed file when the record was written (P6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputMark {
    /// Its path.
    pub path: String,
    /// Its device; mostly for messages.
    pub device: u64,
    /// Its inode; mostly for messages.
    pub inode: u64,
    /// How many bytes of it are delivered.
    pub length: u64,
    /// The digest of the last 4 KiB before `length`.
    pub digest: Digest,
    /// The digest of all `length` bytes; none where an older program did not take it.
    #[serde(default)]
    pub whole: Option<WholeMark>,
}

/// The state of the log of identities when the record was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogMark {
    /// The number of the file; a compacted log is a new one.
    pub generation: u64,
    /// How many bytes of it count.
    pub length: u64,
    /// Their digest.
    pub digest: Digest,
}

/// What was saved beside the events when the record was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanionMark {
    /// The number of the state file; 0 where there is none.
    pub generation: u64,
    /// Its length in bytes.
    pub length: u64,
    /// Its digest.
    pub digest: Digest,
    /// The file of hits.
    #[serde(default)]
    pub hits: Option<OutputMark>,
}

impl Default for CompanionMark {
    fn default() -> Self {
        CompanionMark { generation: 0, length: 0, digest: Digest::of(b""), hits: None }
    }
}

impl Default for LogMark {
    fn default() -> Self {
        LogMark { generation: 0, length: 0, digest: Digest::of(b"") }
    }
}

impl StreamPosition {
    /// The cursor of the next request.
    pub fn cursor(&self) -> Option<Cursor> {
        self.cursor.clone().map(Cursor::new)
    }

    /// Counts these events of a page, of which `delivered` went out and `repeats` had gone out before; `last`
    /// is the last one that was dealt with for the first time.
    pub fn count(
        &mut self,
        page: &Page,
        range: Range<usize>,
        (delivered, repeats): (u64, u64),
        last: Option<usize>,
    ) {
        if let Some(last) = last.map(|index| page.event_at(index)) {
            let uuid = last.uuid.map(|uuid| String::from_utf8_lossy(uuid).into_owned());
            self.last_event = Some(LastEvent { uuid, time: last.time });
        }
        let newest = range.filter_map(|index| page.event_at(index).time).max();
        self.newest = self.newest.max(newest.map(|time| time.min(page.received_at)));
        self.started_at.get_or_insert(page.received_at);
        self.delivered += delivered;
        self.repeats += repeats;
    }

    /// Moves past a whole page of which `delivered` events went out, `last` being the last of them.
    pub fn advance(&mut self, page: &Page, delivered: u64, last: Option<usize>) {
        self.count(page, 0..page.len(), (delivered, page.len() as u64 - delivered), last);
        self.pass(page);
    }

    /// Moves behind a page whose events are all counted.
    pub fn pass(&mut self, page: &Page) {
        // An answer without a cursor keeps the last one, which is still valid.
        if let Some(cursor) = page.next.cursor() {
            self.cursor = Some(cursor.as_str().to_owned());
        }
        self.caught_up = matches!(page.next, Next::CaughtUp(_));
        if self.caught_up {
            self.caught_up_at = Some(page.received_at);
        }
    }
}

impl Checkpoint {
    /// An empty record.
    pub fn new(profile: &str, consumer: &str, terms: OutputContract, now: DateTime<Utc>) -> Self {
        Checkpoint {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            sequence: 0,
            profile: profile.to_owned(),
            consumer: consumer.to_owned(),
            terms,
            streams: BTreeMap::new(),
            output: None,
            seen: LogMark::default(),
            pending: None,
            companion: None,
            updated_at: now,
        }
    }

    /// The position of a stream, if it was ever read.
    pub fn position(&self, stream: Stream) -> Option<&StreamPosition> {
        self.streams.get(stream.name())
    }

    /// The record as bytes.
    ///
    /// # Errors
    /// Fails when the record cannot be written as JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let json = serde_json::to_vec(self).map_err(|e| {
            Error::new(ErrorKind::Unexpected, "cannot write the checkpoint as JSON").because(e)
        })?;
        let mut bytes = format!("{MAGIC} {VERSION} {} {}\n", json.len(), Digest::of(&json)).into_bytes();
        bytes.extend_from_slice(&json);
        bytes.resize((bytes.len() + 1).next_multiple_of(BLOCK) - 1, b' ');
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads a record from bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Checkpoint, Unreadable> {
        let damaged = |why: &str| Unreadable::Damaged(why.to_owned());
        let end = bytes.iter().take(128).position(|b| *b == b'\n').ok_or_else(|| damaged("no first line"))?;
        let line = std::str::from_utf8(&bytes[..end]).map_err(|_| damaged("no text in the first line"))?;
        let line = line.strip_prefix(MAGIC).ok_or_else(|| damaged("not a checkpoint"))?;
        let mut words = line.split_ascii_whitespace();
        let version = words.next().and_then(|word| word.parse::<u32>().ok());
        match version {
            Some(version) if version > VERSION => return Err(Unreadable::Newer(version)),
            Some(_) => {}
            None => return Err(damaged("no version")),
        }
        let length = words.next().and_then(|word| word.parse::<usize>().ok());
        let checksum = words.next().and_then(|word| word.parse::<Digest>().ok());
        let (Some(length), Some(checksum)) = (length, checksum) else {
            return Err(damaged("no length or checksum"));
        };
        let json = bytes[end + 1..].get(..length).ok_or_else(|| damaged("cut short"))?;
        if Digest::of(json) != checksum {
            return Err(damaged("the checksum does not fit"));
        }
        serde_json::from_slice(json).map_err(|e| Unreadable::Damaged(e.to_string()))
    }
}

/// Why a record cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The bytes are damaged.
    Damaged(String),
    /// A newer program wrote it, in this version of the format.
    Newer(u32),
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Terms for tests that do not depend on them.
    pub(crate) fn terms() -> OutputContract {
        OutputContract {
            account: Some("ACCOUNT".into()),
            host: "events.1password.com".into(),
            api: "v2".into(),
            shape: "raw".into(),
            format: "ndjson".into(),
            fields: Vec::new(),
            ..OutputContract::default()
        }
    }

    #[test]
    fn a_record_reads_back_and_fills_whole_blocks() {
        let mut record = Checkpoint::new("default", "stdout", terms(), DateTime::UNIX_EPOCH);
        record.streams.insert(
            "auditevents".into(),
            StreamPosition { cursor: Some("ab".into()), ..StreamPosition::default() },
        );
        let bytes = record.to_bytes().unwrap();
        assert_eq!(bytes.len() % BLOCK, 0);
        assert_eq!(Checkpoint::from_bytes(&bytes), Ok(record));
    }

    #[test]
    fn every_cut_and_every_changed_byte_of_the_record_is_noticed() {
        let record = Checkpoint::new("default", "stdout", terms(), DateTime::UNIX_EPOCH);
        let bytes = record.to_bytes().unwrap();
        let text = bytes.iter().rposition(|b| *b == b'}').unwrap() + 1;
        for cut in 0..text {
            assert!(Checkpoint::from_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
            let mut changed = bytes.clone();
            changed[cut] ^= 0x04;
            assert_ne!(Checkpoint::from_bytes(&changed), Ok(record.clone()), "changed at {cut}");
        }
        assert!(Checkpoint::from_bytes(&[0; 8192]).is_err());
    }

    #[test]
    fn a_newer_version_is_recognised_before_anything_else() {
        assert_eq!(Checkpoint::from_bytes(b"opev checkpoint 3 what ever\n"), Err(Unreadable::Newer(3)));
    }
}

//! Sorts events by their own timestamps, in bounded memory.
//!
//! Order is by timestamp, stream, uuid, then arrival. Events beyond the budget are sorted and
//! written to unnamed temporary files, and merged when they are read back. Does not know the API or the output.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::mem;

use chrono::{DateTime, Utc};

use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Stream};

/// How many bytes of events are held in memory before they are written to a file.
pub const BUDGET: usize = 64 << 20;

/// The memory of an entry beside its text.
const ENTRY: usize = mem::size_of::<SortKey>();

/// Collects events and returns them in order of time.
pub struct EventSorter {
    budget: usize,
    newest: Option<usize>,
    scratch: Box<dyn FnMut() -> io::Result<File>>,
    text: Vec<u8>,
    entries: Vec<SortKey>,
    runs: Vec<BufReader<File>>,
    spilled: u64,
    arrivals: u64,
    /// The latest time seen in each stream, for events that have none of their own.
    latest: [DateTime<Utc>; Stream::ALL.len()],
}

/// An event's key and the range of its text.
#[derive(Clone, Debug)]
struct SortKey {
    time: DateTime<Utc>,
    stream: Stream,
    has_time: bool,
    arrival: u64,
    received_at: DateTime<Utc>,
    start: usize,
    len: u32,
    uuid: Option<(u32, u32)>,
}

impl fmt::Debug for EventSorter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSorter").field("events", &self.len()).finish_non_exhaustive()
    }
}

impl EventSorter {
    /// A sorter that holds about `budget` bytes at most, returns only the `newest` events if a number is given,
    /// and opens its scratch files with `scratch`.
    pub fn new(
        budget: usize,
        newest: Option<usize>,
        scratch: impl FnMut() -> io::Result<File> + 'static,
    ) -> Self {
        EventSorter {
            budget,
            newest,
            scratch: Box::new(scratch),
            text: Vec::new(),
            entries: Vec::new(),
            runs: Vec::new(),
            spilled: 0,
            arrivals: 0,
            latest: [DateTime::<Utc>::MIN_UTC; Stream::ALL.len()],
        }
    }

    /// Adds an event; one without a timestamp is placed after the latest one of its stream.
    ///
    /// # Errors
    /// `Output`, when a scratch file cannot be written.
    pub fn push(&mut self, event: &Event<'_>, received_at: DateTime<Utc>) -> Result<()> {
        let latest = &mut self.latest[event.stream as usize];
        let time = event.time.unwrap_or(*latest);
        *latest = time.max(*latest);
        let start = self.text.len();
        self.text.extend_from_slice(event.raw);
        let uuid = event.uuid.and_then(|uuid| {
            let offset = uuid.as_ptr().addr().checked_sub(event.raw.as_ptr().addr())?;
            (offset + uuid.len() <= event.raw.len()).then_some((offset as u32, uuid.len() as u32))
        });
        self.entries.push(SortKey {
            time,
            stream: event.stream,
            has_time: event.time.is_some(),
            arrival: self.arrivals,
            received_at,
            start,
            len: event.raw.len() as u32,
            uuid,
        });
        self.arrivals += 1;
        if self.held() > self.budget {
            self.make_room().map_err(scratch_failure)?;
        }
        Ok(())
    }

    /// How many events it will return.
    pub fn len(&self) -> u64 {
        let all = self.spilled + self.entries.len() as u64;
        self.newest.map_or(all, |newest| all.min(newest as u64))
    }

    /// Passes the events to `each` in order, until it returns false or fails.
    ///
    /// # Errors
    /// Fails when `each` does, or with `Output` when a scratch file cannot be read.
    pub fn drain(mut self, mut each: impl FnMut(&Event<'_>, DateTime<Utc>) -> Result<bool>) -> Result<()> {
        self.sort();
        let total = self.spilled + self.entries.len() as u64;
        let mut skip = self.newest.map_or(0, |newest| total.saturating_sub(newest as u64));
        let mut give = |record: &SortedEvent| -> Result<bool> {
            if skip > 0 {
                skip -= 1;
                return Ok(true);
            }
            each(&record.event(), record.entry.received_at)
        };
        let mut runs = mem::take(&mut self.runs);
        let mut heads = BinaryHeap::new();
        for (index, run) in runs.iter_mut().enumerate() {
            run.rewind().map_err(scratch_failure)?;
            heads.extend(
                SortedEvent::read(run)
                    .map_err(scratch_failure)?
                    .map(|record| Reverse(RunHead { record, run: index })),
            );
        }
        let mut held = self.entries.iter();
        let mut next_held = held.next().map(|entry| self.record(entry));
        loop {
            let from_run = match (heads.peek(), &next_held) {
                (None, None) => return Ok(()),
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (Some(Reverse(head)), Some(record)) => head.record.order(record).is_lt(),
            };
            if from_run {
                let Some(Reverse(head)) = heads.pop() else { return Ok(()) };
                if !give(&head.record)? {
                    return Ok(());
                }
                let next = SortedEvent::read(&mut runs[head.run]).map_err(scratch_failure)?;
                heads.extend(next.map(|record| Reverse(RunHead { record, run: head.run })));
            } else {
                let next = held.next().map(|entry| self.record(entry));
                if let Some(record) = mem::replace(&mut next_held, next)
                    && !give(&record)?
                {
                    return Ok(());
                }
            }
        }
    }

    fn held(&self) -> usize {
        self.text.len() + self.entries.len() * ENTRY
    }

    fn sort(&mut self) {
        let text = &self.text;
        self.entries.sort_unstable_by(|a, b| order((a, text), (b, text)));
    }

    /// Drops events that cannot be among the newest; writes the rest to a file if that is not enough.
    fn make_room(&mut self) -> io::Result<()> {
        self.sort();
        if let Some(newest) = self.newest
            && self.entries.len() > newest
        {
            self.entries.drain(..self.entries.len() - newest);
            let mut text = Vec::with_capacity(self.text.len() / 2);
            for entry in &mut self.entries {
                let start = text.len();
                text.extend_from_slice(&self.text[entry.start..entry.start + entry.len as usize]);
                entry.start = start;
            }
            self.text = text;
            if self.held() <= self.budget / 2 {
                return Ok(());
            }
        }
        let mut run = BufWriter::with_capacity(1 << 16, (self.scratch)()?);
        for entry in &self.entries {
            self.record(entry).write(&mut run)?;
        }
        self.runs.push(BufReader::with_capacity(
            1 << 16,
            run.into_inner().map_err(io::IntoInnerError::into_error)?,
        ));
        self.spilled += self.entries.len() as u64;
        self.entries.clear();
        self.text.clear();
        Ok(())
    }

    fn record(&self, entry: &SortKey) -> SortedEvent {
        let text = self.text[entry.start..entry.start + entry.len as usize].to_vec();
        SortedEvent { entry: SortKey { start: 0, ..entry.clone() }, text }
    }
}

fn scratch_failure(error: io::Error) -> Error {
    Error::new(ErrorKind::Output, "cannot use a scratch file for sorting")
        .because(error)
        .hint("make room in the temporary directory, or set TMPDIR to one that has it")
}

/// The order: timestamp, stream, uuid, arrival.
fn order((a, a_text): (&SortKey, &[u8]), (b, b_text): (&SortKey, &[u8])) -> Ordering {
    let uuid = |entry: &SortKey, text: &[u8]| -> (usize, usize) {
        let (offset, len) = entry.uuid.unwrap_or((0, 0));
        let start = entry.start + offset as usize;
        debug_assert!(start + len as usize <= text.len());
        (start, start + len as usize)
    };
    a.time.cmp(&b.time).then(a.stream.cmp(&b.stream)).then_with(|| {
        let ((a0, a1), (b0, b1)) = (uuid(a, a_text), uuid(b, b_text));
        a_text[a0..a1].cmp(&b_text[b0..b1]).then(a.arrival.cmp(&b.arrival))
    })
}

/// An entry with its text, as in a scratch file.
#[derive(Debug)]
struct SortedEvent {
    entry: SortKey,
    text: Vec<u8>,
}

impl SortedEvent {
    fn order(&self, other: &SortedEvent) -> Ordering {
        order((&self.entry, &self.text), (&other.entry, &other.text))
    }

    fn event(&self) -> Event<'_> {
        let uuid = self.entry.uuid.map(|(at, len)| &self.text[at as usize..(at + len) as usize]);
        Event {
            stream: self.entry.stream,
            raw: &self.text,
            uuid,
            time: self.entry.has_time.then_some(self.entry.time),
        }
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let entry = &self.entry;
        let (uuid_at, uuid_len) = entry.uuid.unwrap_or((u32::MAX, 0));
        for time in [entry.time, entry.received_at] {
            out.write_all(&time.timestamp().to_le_bytes())?;
            out.write_all(&time.timestamp_subsec_nanos().to_le_bytes())?;
        }
        out.write_all(&[entry.stream as u8, u8::from(entry.has_time)])?;
        out.write_all(&entry.arrival.to_le_bytes())?;
        for number in [uuid_at, uuid_len, entry.len] {
            out.write_all(&number.to_le_bytes())?;
        }
        out.write_all(&self.text)
    }

    /// The next record of a run, or `None` at its end.
    fn read(run: &mut impl Read) -> io::Result<Option<SortedEvent>> {
        let mut first = [0; 8];
        match run.read(&mut first[..1])? {
            0 => return Ok(None),
            _ => run.read_exact(&mut first[1..])?,
        }
        let mut time = |seconds: [u8; 8]| -> io::Result<DateTime<Utc>> {
            let nanos = u32::from_le_bytes(take(run)?);
            DateTime::from_timestamp(i64::from_le_bytes(seconds), nanos)
                .ok_or(io::ErrorKind::InvalidData.into())
        };
        let event_time = time(first)?;
        let seconds = take(run)?;
        let nanos = u32::from_le_bytes(take(run)?);
        let received_at =
            DateTime::from_timestamp(i64::from_le_bytes(seconds), nanos).ok_or(io::ErrorKind::InvalidData)?;
        let [stream, has_time] = take(run)?;
        let arrival = u64::from_le_bytes(take(run)?);
        let (uuid_at, uuid_len) = (u32::from_le_bytes(take(run)?), u32::from_le_bytes(take(run)?));
        let len = u32::from_le_bytes(take(run)?);
        let mut text = vec![0; len as usize];
        run.read_exact(&mut text)?;
        let stream = *Stream::ALL.get(usize::from(stream)).ok_or(io::ErrorKind::InvalidData)?;
        let uuid = (uuid_at != u32::MAX).then_some((uuid_at, uuid_len));
        let entry = SortKey {
            time: event_time,
            stream,
            has_time: has_time == 1,
            arrival,
            received_at,
            start: 0,
            len,
            uuid,
        };
        Ok(Some(SortedEvent { entry, text }))
    }
}

fn take<const N: usize>(run: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    run.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// The next record of a run.
#[derive(Debug)]
struct RunHead {
    record: SortedEvent,
    run: usize,
}

impl Ord for RunHead {
    fn cmp(&self, other: &Self) -> Ordering {
        self.record.order(&other.record)
    }
}

impl PartialOrd for RunHead {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for RunHead {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for RunHead {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 7).unwrap()
    }

    /// Runs events (time, stream, uuid) through a sorter and gives back "uuid@seconds" texts.
    fn sorted(events: &[(Option<i64>, usize, String)], budget: usize, newest: Option<usize>) -> Vec<String> {
        let mut sorter = EventSorter::new(budget, newest, tempfile::tempfile);
        for (time, stream, uuid) in events {
            let raw = format!("<{uuid}>{}", "x".repeat(50));
            let uuid = &raw.as_bytes()[1..=uuid.len()];
            let event = Event {
                stream: Stream::ALL[*stream],
                raw: raw.as_bytes(),
                uuid: Some(uuid),
                time: time.map(at),
            };
            sorter.push(&event, at(1)).unwrap();
        }
        let mut out = Vec::new();
        sorter
            .drain(|event, received_at| {
                assert_eq!(received_at, at(1));
                let uuid = String::from_utf8(event.uuid.unwrap().to_vec()).unwrap();
                assert!(event.raw.starts_with(format!("<{uuid}>").as_bytes()));
                out.push(format!("{uuid}@{:?}/{}", event.time.map(|t| t.timestamp()), event.stream));
                Ok(true)
            })
            .unwrap();
        out
    }

    #[test]
    fn order_is_time_stream_uuid_and_an_event_without_a_time_stays_by_its_neighbour() {
        let event = |time, stream, uuid: &str| (time, stream, uuid.to_owned());
        let events = [
            event(Some(30), 2, "late"),
            event(Some(10), 2, "b"),
            event(Some(10), 2, "a"),
            event(Some(10), 0, "z"),
            event(None, 0, "none"),
        ];
        let names: Vec<String> =
            sorted(&events, BUDGET, None).iter().map(|s| s.split('@').next().unwrap().to_owned()).collect();
        assert_eq!(names, ["none", "z", "a", "b", "late"]);
    }

    proptest! {
        #[test]
        fn spilling_changes_nothing_and_newest_is_the_end(
            events in prop::collection::vec((prop::option::of(0i64..50), 0usize..3, "[a-z]{1,4}"), 0..200),
            budget in 1usize..20_000,
            newest in 1usize..60,
        ) {
            let whole = sorted(&events, BUDGET, None);
            prop_assert_eq!(whole.len(), events.len());
            prop_assert_eq!(&sorted(&events, budget, None), &whole);
            let tail = &whole[whole.len().saturating_sub(newest)..];
            prop_assert_eq!(&sorted(&events, budget, Some(newest))[..], tail);
        }
    }
}

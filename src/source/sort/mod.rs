//! Sorts events by their own timestamps, in bounded memory.
//!
//! Order is by timestamp, stream, uuid, then arrival. Streams come nearly in order, so that most events are
//! added to the end of a run that is in order already; only those that fit no run are held and sorted. What is
//! beyond the budget goes to an unnamed temporary file, and is merged from there when it is read back. Does not
//! know the API or the output.
//!
//! ```text
//! record   an event with what it is sorted by
//! run      records in order, in a scratch file and in memory
//! ```

mod record;
mod run;

use std::cmp::Ordering;
use std::fmt;
use std::fs::File;
use std::io;
use std::mem;

use chrono::{DateTime, Utc};

use self::record::{SortKey, SortRecord};
use self::run::{RunReader, SortedRun};
use crate::error::{Error, Result};
use crate::event::{Event, Stream};
use crate::page::Reading;
use crate::scratch::Scratch;

/// How many bytes of events are held in memory before they are written to a file.
pub const BUDGET: usize = 8 << 20;

/// How many runs a stream has at most: as many as events may be late, each later than the one before it, so that
/// none is left to be sorted. More would be slow to choose from.
const RUNS: usize = 24;

/// The memory of a held event beside its text.
const ENTRY: usize = mem::size_of::<(SortKey, usize)>();

/// Which event comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The oldest.
    Forwards,
    /// The newest.
    Backwards,
}

/// Collects events and returns them in order of time.
pub struct EventSorter {
    budget: usize,
    newest: Option<usize>,
    scratch: Scratch,
    /// The runs of each stream; the one with the latest end first.
    ordered: [Vec<OrderedRun>; Stream::ALL.len()],
    /// The bytes of those runs in memory.
    ordered_held: usize,
    /// The events that fit none of them, with the places of their texts.
    strays: Vec<(SortKey, usize)>,
    text: Vec<u8>,
    /// Strays that were sorted and written to the file.
    sorted: Vec<SortedRun>,
    /// How many of those there are.
    spilled: u64,
    arrivals: u64,
    /// The latest time seen in each stream, for events that have none of their own.
    latest: [DateTime<Utc>; Stream::ALL.len()],
}

/// A run of one stream, and what its last event is sorted by.
#[derive(Debug, Default)]
struct OrderedRun {
    run: SortedRun,
    time: DateTime<Utc>,
    uuid: Vec<u8>,
}

impl fmt::Debug for EventSorter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSorter").field("events", &self.len()).finish_non_exhaustive()
    }
}

impl EventSorter {
    /// A sorter that holds about `budget` bytes at most, returns only the `newest` events if a number is given,
    /// and opens its scratch file with `scratch`.
    pub fn new(
        budget: usize,
        newest: Option<usize>,
        scratch: impl FnMut() -> io::Result<File> + Send + 'static,
    ) -> Self {
        EventSorter {
            budget,
            newest,
            scratch: Scratch::new(scratch),
            ordered: Default::default(),
            ordered_held: 0,
            strays: Vec::new(),
            text: Vec::new(),
            sorted: Vec::new(),
            spilled: 0,
            arrivals: 0,
            latest: [DateTime::<Utc>::MIN_UTC; Stream::ALL.len()],
        }
    }

    /// Adds an event; one without a timestamp is placed after the latest one of its stream.
    ///
    /// # Errors
    /// `Output`, when the scratch file cannot be written.
    pub fn push(&mut self, event: &Event<'_>, reading: Reading) -> Result<()> {
        let latest = &mut self.latest[event.stream as usize];
        let time = event.time.unwrap_or(*latest);
        *latest = time.max(*latest);
        let key = SortKey::of(event, time, self.arrivals, reading);
        let record = SortRecord { key, text: event.raw };
        self.arrivals += 1;
        // Where only the newest are wanted, the others are dropped as they come, so that they must be at hand.
        let added = if self.newest.is_none() { self.append(event.stream, &record) } else { Ok(false) };
        added.and_then(|is_added| if is_added { Ok(()) } else { self.hold(&record) }).map_err(scratch_failure)
    }

    /// How many events it will return.
    pub fn len(&self) -> u64 {
        self.newest.map_or(self.arrivals, |newest| self.arrivals.min(newest as u64))
    }

    /// Passes the events to `each` in order of time, or the last one first, until it returns false or fails.
    ///
    /// # Errors
    /// Fails when `each` does, or with `Output` when the scratch file cannot be read.
    pub fn drain(
        mut self,
        direction: Direction,
        mut each: impl FnMut(&Event<'_>, Reading) -> Result<bool>,
    ) -> Result<()> {
        let kept = self.spilled + self.strays.len() as u64;
        let older = self.newest.map_or(0, |newest| kept.saturating_sub(newest as u64));
        let (mut skip, mut left) = match direction {
            Direction::Forwards => (older, u64::MAX),
            Direction::Backwards => (0, self.len()),
        };
        self.sort();
        let mut runs = mem::take(&mut self.sorted);
        runs.push(self.take_strays());
        runs.extend(mem::take(&mut self.ordered).into_iter().flatten().map(|ordered| ordered.run));
        let mut merge = Merge::new(runs, direction, &self.scratch).map_err(scratch_failure)?;
        while let Some(record) = merge.first().filter(|_| left > 0) {
            if skip > 0 {
                skip -= 1;
            } else if each(&record.event(), record.reading())? {
                left -= 1;
            } else {
                return Ok(());
            }
            merge.advance().map_err(scratch_failure)?;
        }
        Ok(())
    }

    /// Adds an event to the run of its stream with the latest end before it; false if there is none.
    fn append(&mut self, stream: Stream, record: &SortRecord<'_>) -> io::Result<bool> {
        let runs = &mut self.ordered[stream as usize];
        let (time, uuid) = (record.key.time, record.uuid().unwrap_or_default());
        let place = runs.iter().position(|run| (run.time, &run.uuid[..]) <= (time, uuid));
        let place = match place {
            Some(place) => place,
            None if runs.len() == RUNS => return Ok(false),
            None => {
                runs.push(OrderedRun::default());
                runs.len() - 1
            }
        };
        let OrderedRun { run, time: last_time, uuid: last_uuid } = &mut runs[place];
        let before = run.held();
        if self.scratch.is_used() && !run.has_room(record) {
            run.spill(&self.scratch)?;
        }
        run.push(record);
        *last_time = time;
        last_uuid.clear();
        last_uuid.extend_from_slice(uuid);
        self.ordered_held = self.ordered_held + run.held() - before;
        if self.ordered_held > self.budget {
            for OrderedRun { run, .. } in self.ordered.iter_mut().flatten() {
                run.spill(&self.scratch)?;
                run.shrink();
            }
            self.ordered_held = 0;
        }
        Ok(true)
    }

    /// Holds an event that fits no run.
    fn hold(&mut self, record: &SortRecord<'_>) -> io::Result<()> {
        self.strays.push((record.key, self.text.len()));
        self.text.extend_from_slice(record.text);
        if self.held() > self.budget { self.make_room() } else { Ok(()) }
    }

    fn held(&self) -> usize {
        self.text.len() + self.strays.len() * ENTRY
    }

    fn sort(&mut self) {
        let text = &self.text;
        let record = |stray: &(SortKey, usize)| SortRecord {
            key: stray.0,
            text: &text[stray.1..stray.1 + stray.0.len()],
        };
        self.strays.sort_unstable_by(|a, b| record(a).order(&record(b)));
    }

    /// Drops events that cannot be among the newest; writes the rest to the file if that is not enough.
    fn make_room(&mut self) -> io::Result<()> {
        self.sort();
        if let Some(newest) = self.newest
            && self.strays.len() > newest
        {
            self.strays.drain(..self.strays.len() - newest);
            let mut text = Vec::with_capacity(self.text.len() / 2);
            for (key, start) in &mut self.strays {
                let from = mem::replace(start, text.len());
                text.extend_from_slice(&self.text[from..from + key.len()]);
            }
            self.text = text;
            if self.held() <= self.budget / 2 {
                return Ok(());
            }
        }
        self.spilled += self.strays.len() as u64;
        let mut run = self.take_strays();
        run.spill(&self.scratch)?;
        run.shrink();
        self.sorted.push(run);
        Ok(())
    }

    /// A run of the strays, which must be sorted; afterwards there are none.
    fn take_strays(&mut self) -> SortedRun {
        let mut run = SortedRun::default();
        for (key, start) in self.strays.drain(..) {
            run.push(&SortRecord { key, text: &self.text[start..start + key.len()] });
        }
        self.text.clear();
        run
    }
}

/// The records of several runs in one order.
struct Merge<'a> {
    scratch: &'a Scratch,
    direction: Direction,
    runs: Vec<RunReader>,
    /// The numbers of the runs that have records left; the one with the first record last.
    order: Vec<usize>,
}

impl<'a> Merge<'a> {
    fn new(runs: Vec<SortedRun>, direction: Direction, scratch: &'a Scratch) -> io::Result<Self> {
        let runs =
            runs.into_iter().map(|run| run.read(direction, scratch)).collect::<io::Result<Vec<_>>>()?;
        let mut merge = Merge { scratch, direction, runs, order: Vec::new() };
        for index in 0..merge.runs.len() {
            merge.insert(index);
        }
        Ok(merge)
    }

    /// The first record of those that are left.
    fn first(&self) -> Option<SortRecord<'_>> {
        self.runs[*self.order.last()?].record()
    }

    /// Moves behind the first record.
    fn advance(&mut self) -> io::Result<()> {
        if let Some(index) = self.order.pop() {
            self.runs[index].advance(self.scratch)?;
            self.insert(index);
        }
        Ok(())
    }

    /// Puts a run in its place, if it has records left.
    fn insert(&mut self, index: usize) {
        let Some(record) = self.runs[index].record() else { return };
        let later = match self.direction {
            Direction::Forwards => Ordering::Greater,
            Direction::Backwards => Ordering::Less,
        };
        let is_later = |other: &usize| self.runs[*other].record().is_some_and(|o| o.order(&record) == later);
        // Most often the same run has the next record too.
        let place = match self.order.last() {
            Some(last) if !is_later(last) => self.order.partition_point(is_later),
            _ => self.order.len(),
        };
        self.order.insert(place, index);
    }
}

fn scratch_failure(error: io::Error) -> Error {
    Scratch::failure("sorting", error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use proptest::prelude::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 7).unwrap()
    }

    /// Runs events (time, stream, uuid) through a sorter and gives back "uuid@seconds" texts.
    fn sorted(events: &[(Option<i64>, usize, String)], budget: usize, newest: Option<usize>) -> Vec<String> {
        drained(events, budget, newest, Direction::Forwards)
    }

    fn drained(
        events: &[(Option<i64>, usize, String)],
        budget: usize,
        newest: Option<usize>,
        direction: Direction,
    ) -> Vec<String> {
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
            sorter.push(&event, Reading { received_at: at(1), account: 7 }).unwrap();
        }
        let mut out = Vec::new();
        sorter
            .drain(direction, |event, reading| {
                assert_eq!(reading, Reading { received_at: at(1), account: 7 });
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

    #[test]
    fn events_larger_than_what_is_read_at_once_come_back_whole() {
        for direction in [Direction::Forwards, Direction::Backwards] {
            large_events_come_back(direction);
        }
    }

    fn large_events_come_back(direction: Direction) {
        let mut random = fastrand::Rng::with_seed(9);
        let mut sorter = EventSorter::new(300_000, None, tempfile::tempfile);
        let mut expected = Vec::new();
        for number in 0..400 {
            let seconds = if number == 0 { 9_000 } else { number + random.i64(-9..9) };
            let raw = format!("<{number:03}>{}", "x".repeat(random.usize(0..200_000)));
            expected.push((at(seconds), raw.len(), number));
            let (raw, time) = (raw.as_bytes(), Some(at(seconds)));
            let event = Event { stream: Stream::ItemUsages, raw, uuid: Some(&raw[1..4]), time };
            sorter.push(&event, Reading { received_at: at(1), account: 7 }).unwrap();
        }
        let held: usize =
            sorter.text.capacity() + sorter.ordered.iter().flatten().map(|o| o.run.held()).sum::<usize>();
        assert!(held < 1_000_000, "{held} bytes are held");
        expected.sort_by_key(|(time, _, number)| (*time, *number));
        if direction == Direction::Backwards {
            expected.reverse();
        }
        let mut found = Vec::new();
        sorter
            .drain(direction, |event, _| {
                let number = std::str::from_utf8(event.uuid.unwrap()).unwrap().parse().unwrap();
                assert!(event.raw[5..].iter().all(|byte| *byte == b'x'));
                found.push((event.time.unwrap(), event.raw.len(), number));
                Ok(true)
            })
            .unwrap();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_an_output_failure() {
        let mut sorter = EventSorter::new(1, None, || File::open("/dev/null"));
        let event = Event { stream: Stream::ItemUsages, raw: b"{}", uuid: None, time: None };
        let failure = sorter.push(&event, Reading { received_at: at(1), account: 7 }).unwrap_err();
        assert_eq!(failure.kind(), ErrorKind::Output);
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
            for (newest, expected) in [(None, &whole[..]), (Some(newest), tail)] {
                let found = drained(&events, budget, newest, Direction::Backwards);
                prop_assert!(found.iter().eq(expected.iter().rev()));
            }
        }
    }
}

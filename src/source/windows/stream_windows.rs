//! One stream's windows in output order, each waiting, being read or read, with its pages.

use std::collections::VecDeque;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::{DateTime, Utc};

use super::Fetch;
use super::cursor_probe::{CursorProbe, CursorScope};
use super::rate_estimate::WindowSplit;
use super::window::{Window, WindowQuery};
use super::window_reader::{PageBatch, ReadStep, SplitPolicy, WindowReader};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;

/// One stream's windows.
#[derive(Debug)]
pub(super) struct StreamWindows {
    stream: Stream,
    question: WindowQuery,
    entries: VecDeque<WindowSlot>,
    next_id: u64,
    /// Bytes of pages that are read ahead, and of requested ones, which are estimated by the largest so far.
    held: usize,
    largest: usize,
    /// Whether the reader waits.
    wanted: bool,
    bytes: usize,
    events: usize,
    /// The most events of one page.
    fullest: usize,
    /// The reader of the whole range as it was at the split, until the probe has a result.
    whole: Option<(Box<WindowReader>, Option<Box<PageBatch>>)>,
}

/// A window in the order. The probe is one too: no page after it is returned before its result.
#[derive(Debug)]
struct WindowSlot {
    id: u64,
    window: Window,
    state: SlotState,
    batches: VecDeque<PageBatch>,
    /// How many events were read, and the estimate of how many it holds.
    read: u64,
    expected: u64,
    /// Whether only an empty page should follow: the last page was not full, but not marked as the last.
    is_ending: bool,
}

#[derive(Debug)]
enum SlotState {
    Waiting(WindowTask),
    UnderWay,
    Ended,
    Failed(Error),
}

#[derive(Debug)]
enum WindowTask {
    Read(Box<WindowReader>),
    CursorProbe(CursorProbe),
}

/// A window of unknown size.
const UNKNOWN: u64 = u64::MAX;

/// The most remaining events that are used for the size estimate: density varies.
const FORESEEN: u64 = 5_000;

/// How soon a request should be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// At once: the stream's reader waits.
    Next,
    /// Soon: it should bring events.
    Ahead,
    /// Last: it should bring only an empty page.
    StreamEnd,
}

/// A request to make.
#[derive(Debug)]
pub(super) struct PageJob {
    stream: Stream,
    entry: u64,
    reserved: usize,
    task: WindowTask,
}

/// A request that was made.
#[derive(Debug)]
pub(super) struct FinishedJob {
    entry: u64,
    reserved: usize,
    result: Result<JobResult>,
}

#[derive(Debug)]
enum JobResult {
    Read {
        reader: Box<WindowReader>,
        batch: PageBatch,
        step: ReadStep,
        events: usize,
        time: Option<DateTime<Utc>>,
    },
    CursorProbe {
        probe: CursorProbe,
        verdict: Option<CursorScope>,
    },
}

/// What the reader gets.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one at a time, on the stack, and nearly always a page")]
pub(super) enum NextPage {
    /// The next page, and the window it is of.
    Page(Window, PageBatch),
    /// Nothing yet.
    Wait,
    /// The end.
    End,
}

impl PageJob {
    /// Makes the request.
    pub(super) fn run(self, fetch: &Fetch) -> FinishedJob {
        let PageJob { stream, entry, reserved, task } = self;
        let ask_and_take = || match task {
            WindowTask::Read(mut reader) => {
                let page = fetch(stream, reader.ask())?;
                let events = page.len();
                let time = page.spans.last().and_then(|span| span.time);
                let (batch, step) = reader.take(page)?;
                Ok(JobResult::Read { reader, batch, step, events, time })
            }
            WindowTask::CursorProbe(mut probe) => {
                let verdict = probe.take(&fetch(stream, probe.ask())?);
                Ok(JobResult::CursorProbe { probe, verdict })
            }
        };
        // Without this, a reader would wait forever for a thread that panicked.
        let result = catch_unwind(AssertUnwindSafe(ask_and_take)).unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::Unexpected, "a thread that fetches pages panicked"))
        });
        FinishedJob { entry, reserved, result: result.map_err(|failure| failure.on_stream(stream)) }
    }
}

impl StreamWindows {
    /// One window with the whole range.
    pub(super) fn new(stream: Stream, question: WindowQuery) -> Self {
        let mut windows = StreamWindows {
            stream,
            question,
            entries: VecDeque::new(),
            next_id: 0,
            held: 0,
            largest: 0,
            wanted: false,
            bytes: 0,
            events: 0,
            fullest: 0,
            whole: None,
        };
        windows.insert(0, question.whole, windows.read_task(question.whole, SplitPolicy::Whole), UNKNOWN);
        windows
    }

    /// The window to request next, within a budget of bytes: its place, and how urgent it is.
    ///
    /// First what the reader needs next, then what it needs soonest; where memory allows no more pages, requests
    /// that should bring empty ones.
    pub(super) fn nearest(&self, budget: usize) -> Option<(Urgency, usize)> {
        let mut is_head = true;
        let mut ending = None;
        let ahead = self.entries.iter().enumerate().skip_while(|(_, entry)| entry.is_given());
        for (place, entry) in ahead.take(self.reach(budget)) {
            match entry.state {
                SlotState::Waiting(_) if is_head && entry.batches.is_empty() => {
                    return Some((Urgency::Next, place));
                }
                SlotState::Waiting(_) if entry.is_ending => {
                    ending = ending.or(Some((Urgency::StreamEnd, place)))
                }
                SlotState::Waiting(_) if self.held + self.room_for(entry).max(1) <= budget => {
                    return Some((Urgency::Ahead, place));
                }
                // After a failure nothing is returned, so nothing is requested.
                SlotState::Failed(_) => break,
                _ => {}
            }
            is_head &= entry.is_given();
        }
        ending
    }

    /// The memory that the next page of a window should take: as much as the events that the window should
    /// still hold, but a quarter of the largest page so far at least, and all of it at most.
    fn room_for(&self, entry: &WindowSlot) -> usize {
        if entry.is_ending {
            return 0;
        }
        let left = usize::try_from(entry.expected.saturating_sub(entry.read)).unwrap_or(usize::MAX);
        left.saturating_mul(self.bytes / self.events.max(1)).clamp(self.largest / 4, self.largest)
    }

    /// How many windows may be read in parallel: those that would fill one and a half times the budget, because
    /// most are not fully read when their turn comes. With more, the budget would be full of pages that are not
    /// needed soon, and the first window would be read alone.
    fn reach(&self, budget: usize) -> usize {
        let budget = (budget + budget / 2) as u64;
        let event = (self.bytes / self.events.max(1)) as u64;
        let ahead = self.entries.iter().skip_while(|entry| entry.is_given()).skip(1);
        let mut sum = 0u64;
        let within = ahead.take_while(|entry| {
            sum = sum.saturating_add(entry.expected.saturating_mul(event));
            sum <= budget
        });
        1 + within.count()
    }

    /// Takes the request of a waiting window.
    pub(super) fn start(&mut self, place: usize) -> Option<PageJob> {
        let reserved = self.entries.get(place).map_or(0, |entry| self.room_for(entry));
        let entry = self.entries.get_mut(place)?;
        match mem::replace(&mut entry.state, SlotState::UnderWay) {
            SlotState::Waiting(task) => {
                self.held += reserved;
                Some(PageJob { stream: self.stream, entry: entry.id, reserved, task })
            }
            other => {
                entry.state = other;
                None
            }
        }
    }

    /// Takes the result of a request. True when there are several windows now.
    pub(super) fn complete(&mut self, done: FinishedJob) -> bool {
        self.held -= done.reserved;
        // The window may have been closed meanwhile.
        let Some(place) = self.entries.iter().position(|entry| entry.id == done.entry) else { return false };
        match done.result {
            Ok(JobResult::Read { reader, batch, step, events, time }) => {
                self.bytes += batch.bytes();
                self.events += events;
                self.fullest = self.fullest.max(events);
                self.entries[place].note(events, time, reader.is_read(), self.fullest);
                self.buffer(place, batch);
                self.go_on(place, reader, step);
            }
            Ok(JobResult::CursorProbe { probe, verdict }) => match verdict {
                None => self.entries[place].state = SlotState::Waiting(WindowTask::CursorProbe(probe)),
                Some(CursorScope::Carries) => {
                    self.whole = None;
                    self.entries[place].state = SlotState::Ended;
                }
                Some(CursorScope::Forgets) => self.read_on_serially(place),
            },
            Err(failure) => self.entries[place].state = SlotState::Failed(failure),
        }
        self.entries.len() > 1
    }

    fn go_on(&mut self, place: usize, reader: Box<WindowReader>, step: ReadStep) {
        let window = reader.window;
        self.entries[place].state = SlotState::Ended;
        match step {
            ReadStep::More => self.entries[place].state = SlotState::Waiting(WindowTask::Read(reader)),
            ReadStep::End => {}
            ReadStep::WindowSplit(cut, rest) => self.divide(place, reader, *cut, rest),
            ReadStep::Overrun => {
                // The following windows would overrun as well: one reader reads all of them, and repeats are dropped.
                self.give_up_after(place);
                let rest = Window { from: window.from, ..self.question.whole };
                self.insert(place + 1, rest, self.read_task(rest, SplitPolicy::Never), UNKNOWN);
            }
        }
    }

    fn divide(
        &mut self,
        place: usize,
        reader: Box<WindowReader>,
        cut: WindowSplit,
        rest: Option<Box<PageBatch>>,
    ) {
        let mut at = place + 1;
        if reader.cutting == SplitPolicy::Whole {
            if let Some(probe) = CursorProbe::amid(self.stream, &cut.sample) {
                self.insert(at, reader.window, WindowTask::CursorProbe(probe), 0);
                at += 1;
            }
            self.whole = Some((reader, rest));
        }
        for (index, window) in cut.windows.into_iter().enumerate() {
            self.insert(
                at + index,
                window,
                self.read_task(window, SplitPolicy::Part(cut.target)),
                cut.expected,
            );
        }
    }

    /// Continues with the reader that was split, instead of windows: as without a split.
    fn read_on_serially(&mut self, place: usize) {
        self.give_up_after(place);
        self.entries[place].state = SlotState::Ended;
        if let Some((mut reader, rest)) = self.whole.take() {
            reader.cutting = SplitPolicy::Never;
            if let Some(rest) = rest {
                self.buffer(place, *rest);
            }
            if !reader.is_read() {
                self.entries[place].state = SlotState::Waiting(WindowTask::Read(reader));
                self.entries[place].expected = UNKNOWN;
            }
        }
    }

    /// The next page for the reader.
    ///
    /// # Errors
    /// The failure of the next window in order, after all pages before it.
    pub(super) fn take(&mut self) -> Result<NextPage> {
        self.wanted = false;
        while let Some(head) = self.entries.front_mut() {
            if let Some(batch) = head.batches.pop_front() {
                self.held -= batch.bytes();
                return Ok(NextPage::Page(head.window, batch));
            }
            match mem::replace(&mut head.state, SlotState::Ended) {
                SlotState::Ended => drop(self.entries.pop_front()),
                SlotState::Failed(failure) => {
                    self.close();
                    return Err(failure);
                }
                state => {
                    head.state = state;
                    self.wanted = true;
                    return Ok(NextPage::Wait);
                }
            }
        }
        Ok(NextPage::End)
    }

    /// Whether the reader waits for a page.
    pub(super) fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// Drops all windows: their reader was dropped.
    pub(super) fn close(&mut self) {
        self.whole = None;
        self.entries.clear();
    }

    /// Bytes that are read ahead or reserved for running requests.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Whether there is nothing left to read.
    pub(super) fn is_over(&self) -> bool {
        self.entries.is_empty()
    }

    fn read_task(&self, window: Window, cutting: SplitPolicy) -> WindowTask {
        WindowTask::Read(Box::new(WindowReader::new(self.stream, &self.question, window, cutting)))
    }

    fn insert(&mut self, place: usize, window: Window, task: WindowTask, expected: u64) {
        let state = SlotState::Waiting(task);
        self.entries.insert(
            place,
            WindowSlot {
                id: self.next_id,
                window,
                state,
                batches: VecDeque::new(),
                read: 0,
                expected,
                is_ending: false,
            },
        );
        self.next_id += 1;
    }

    fn buffer(&mut self, place: usize, batch: PageBatch) {
        let bytes = batch.bytes();
        self.largest = self.largest.max(bytes);
        self.held += bytes;
        self.entries[place].batches.push_back(batch);
    }

    fn give_up_after(&mut self, place: usize) {
        for entry in self.entries.drain(place + 1..) {
            self.held -= entry.batches.iter().map(PageBatch::bytes).sum::<usize>();
        }
    }
}

impl WindowSlot {
    /// Records a page of `events` events, the last of which happened at `time`, in a stream whose fullest page so
    /// far is `fullest`.
    fn note(&mut self, events: usize, time: Option<DateTime<Utc>>, is_read: bool, fullest: usize) {
        self.read += events as u64;
        self.is_ending = events > 0 && events < fullest;
        self.expected = match time {
            Some(time) if !is_read && !self.is_ending => {
                self.window.extrapolate(self.read, time).min(self.read + FORESEEN)
            }
            _ => self.read,
        };
    }

    fn is_given(&self) -> bool {
        matches!(self.state, SlotState::Ended) && self.batches.is_empty()
    }
}

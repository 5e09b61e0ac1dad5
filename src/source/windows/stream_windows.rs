//! One stream's windows in the order of output, each waiting, under way or read, with its pages.

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
    /// Bytes of pages that lie ahead of the reader, and of those under way, taken to be as large as the
    /// largest so far.
    held: usize,
    largest: usize,
    /// Whether the reader waits.
    wanted: bool,
    bytes: usize,
    events: usize,
    /// The most events of one page.
    fullest: usize,
    /// The chain of the whole question as it was when it was cut, until the probe is back.
    whole: Option<(Box<WindowReader>, Option<Box<PageBatch>>)>,
}

/// A window's place in the order. The probe has one too: nothing behind it is given before its verdict.
#[derive(Debug)]
struct WindowSlot {
    id: u64,
    window: Window,
    state: SlotState,
    batches: VecDeque<PageBatch>,
    /// How many events were read, and how many it should hold in all.
    read: u64,
    expected: u64,
    /// Whether only an empty page should follow: the last one had room for more, though nothing said that
    /// it was the last.
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

/// A window of which nobody knows how much it holds.
const UNKNOWN: u64 = u64::MAX;

/// How many events to come are believed in when a window's size is reckoned: it is thicker here than there.
const FORESEEN: u64 = 5_000;

/// How soon a request should be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// Its reader has nothing else to read.
    Next,
    /// It should bring events.
    Ahead,
    /// It should bring nothing but the certainty that there is nothing more.
    StreamEnd,
}

/// A request to be made.
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
        chain: Box<WindowReader>,
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
pub(super) enum NextPage {
    /// The next page, and the window it is of.
    Page(Window, PageBatch),
    /// Nothing yet.
    Wait,
    /// There is no more.
    End,
}

impl PageJob {
    /// Makes the request.
    pub(super) fn run(self, fetch: &Fetch) -> FinishedJob {
        let PageJob { stream, entry, reserved, task } = self;
        let ask_and_take = || match task {
            WindowTask::Read(mut chain) => {
                let page = fetch(stream, chain.ask())?;
                let events = page.len();
                let time = page.spans.last().and_then(|span| span.time);
                let (batch, step) = chain.take(page)?;
                Ok(JobResult::Read { chain, batch, step, events, time })
            }
            WindowTask::CursorProbe(mut probe) => {
                let verdict = probe.take(&fetch(stream, probe.ask())?);
                Ok(JobResult::CursorProbe { probe, verdict })
            }
        };
        // A thread that panicked and said nothing would leave the reader waiting for ever.
        let result = catch_unwind(AssertUnwindSafe(ask_and_take)).unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::Unexpected, "a thread that fetches pages panicked"))
        });
        FinishedJob { entry, reserved, result: result.map_err(|failure| failure.on_stream(stream)) }
    }
}

impl StreamWindows {
    /// A lane that holds the whole question.
    pub(super) fn new(stream: Stream, question: WindowQuery) -> Self {
        let mut lane = StreamWindows {
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
        lane.insert(0, question.whole, lane.chain(question.whole, SplitPolicy::Whole), UNKNOWN);
        lane
    }

    /// The window to ask for, within a budget of bytes: its place, and how soon it should be.
    ///
    /// First comes what the reader needs next, then what it will need soonest; and where memory allows no
    /// more pages, requests that should bring none.
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
                // Behind a failure nothing will be given, so nothing is asked.
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

    /// How many windows may be under way side by side: those that would fill the budget half as much again,
    /// because most are not read to their end when their turn comes. With more of them it would be full of
    /// pages that are not wanted soon, and the first would go on alone.
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

    /// Hands out the request of a window that waits.
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

    /// Takes what came of a request. True when there are several windows now.
    pub(super) fn complete(&mut self, done: FinishedJob) -> bool {
        self.held -= done.reserved;
        // A window may have been given up while it was under way.
        let Some(place) = self.entries.iter().position(|entry| entry.id == done.entry) else { return false };
        match done.result {
            Ok(JobResult::Read { chain, batch, step, events, time }) => {
                self.bytes += batch.bytes();
                self.events += events;
                self.fullest = self.fullest.max(events);
                self.entries[place].note(events, time, chain.is_read(), self.fullest);
                self.buffer(place, batch);
                self.go_on(place, chain, step);
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

    fn go_on(&mut self, place: usize, chain: Box<WindowReader>, step: ReadStep) {
        let window = chain.window;
        self.entries[place].state = SlotState::Ended;
        match step {
            ReadStep::More => self.entries[place].state = SlotState::Waiting(WindowTask::Read(chain)),
            ReadStep::End => {}
            ReadStep::WindowSplit(cut, rest) => self.divide(place, chain, *cut, rest),
            ReadStep::Overrun => {
                // What follows would overrun as well: one chain reads it all, and repeats are dropped.
                self.give_up_after(place);
                let rest = Window { from: window.from, ..self.question.whole };
                self.insert(place + 1, rest, self.chain(rest, SplitPolicy::Never), UNKNOWN);
            }
        }
    }

    fn divide(
        &mut self,
        place: usize,
        chain: Box<WindowReader>,
        cut: WindowSplit,
        rest: Option<Box<PageBatch>>,
    ) {
        let mut at = place + 1;
        if chain.cutting == SplitPolicy::Whole {
            if let Some(probe) = CursorProbe::amid(self.stream, &cut.sample) {
                self.insert(at, chain.window, WindowTask::CursorProbe(probe), 0);
                at += 1;
            }
            self.whole = Some((chain, rest));
        }
        for (index, window) in cut.windows.into_iter().enumerate() {
            self.insert(at + index, window, self.chain(window, SplitPolicy::Part(cut.target)), cut.expected);
        }
    }

    /// Instead of windows, the chain that was cut goes on: the stream is read as if it never had been.
    fn read_on_serially(&mut self, place: usize) {
        self.give_up_after(place);
        self.entries[place].state = SlotState::Ended;
        if let Some((mut chain, rest)) = self.whole.take() {
            chain.cutting = SplitPolicy::Never;
            if let Some(rest) = rest {
                self.buffer(place, *rest);
            }
            if !chain.is_read() {
                self.entries[place].state = SlotState::Waiting(WindowTask::Read(chain));
                self.entries[place].expected = UNKNOWN;
            }
        }
    }

    /// What the reader gets now.
    ///
    /// # Errors
    /// The failure of the next window in order, once all before it was given.
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

    /// Forgets all windows: nobody will read them.
    pub(super) fn close(&mut self) {
        self.whole = None;
        self.entries.clear();
    }

    /// Bytes that lie ahead of the reader or are reserved for answers under way.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Whether there is nothing left to read.
    pub(super) fn is_over(&self) -> bool {
        self.entries.is_empty()
    }

    fn chain(&self, window: Window, cutting: SplitPolicy) -> WindowTask {
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
    /// Takes note of a page of so many events, the last of which happened at `time`, in a stream whose
    /// fullest page so far is `fullest`.
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

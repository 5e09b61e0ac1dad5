//! Events to an output without a saved position, or into batches: those of a question, or of tail.
//!
//! Where events are sorted, or only the newest are wanted, they are held until the end; otherwise they are
//! written in chunks. Lines that need no change are written straight from the page's buffer.

use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

use super::delivery::UnsavedBatches;
use super::detection::Detection;
use super::engine::{Flow, PageConsumer};
use super::lines::Lines;
use super::report::OutputReport;
use super::selector::Selector;
use super::shared_output::SharedOutput;
use super::speaker::Speaker;
use crate::console::DataOutput;
use crate::disk::real::scratch;
use crate::error::{Error, Result};
use crate::event::{Event, Stream};
use crate::page::{Page, Reading};
use crate::source::range::TimeRange;
use crate::source::sort::{self, Direction, EventSorter};

/// How many bytes are buffered before they are written.
const WRITE_AT: usize = 112 << 10;

/// The buffer's capacity: larger, so that the last event of a chunk does not double it.
const ROOM: usize = 128 << 10;

/// Takes back a page that is done with, so that the next one needs no new memory.
pub(super) type Reuse<'a> = Box<dyn Fn(Page) + 'a>;

/// Writes one profile's events to an output.
pub(super) struct UnsavedConsumer<'a> {
    output: &'a SharedOutput,
    report: &'a OutputReport<'a>,
    reuse: Reuse<'a>,
    selector: Selector<'a>,
    /// The contexts of the events.
    speaker: Speaker<'a>,
    is_verbatim: bool,
    /// Where rows go: on the progress line's terminal, or through a pager, they would get in its way.
    data_output: DataOutput,
    /// What is not written yet: encoded bytes, or lines of pages; never both.
    buffer: Vec<u8>,
    lines: Lines,
    limit: Option<u64>,
    written: u64,
    /// Holds events until they are sorted by time.
    sorter: Option<EventSorter>,
    /// In which order they then come.
    direction: Direction,
    /// The batches that events go into instead of the output, which then only encodes.
    batches: Option<UnsavedBatches>,
    /// Rules that look at the events.
    detection: Option<Detection<'a>>,
    /// Whether the run goes on, so that hits are told while events come.
    is_followed: bool,
    /// The streams that did not answer in time, and what is still wanted of them.
    late: Vec<LateStream>,
}

/// A stream that did not answer during the look-back.
#[derive(Debug)]
struct LateStream {
    stream: Stream,
    range: TimeRange,
    newest: Option<EventSorter>,
}

/// How events are chosen and ordered.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Selection {
    /// Stops after this many.
    pub limit: Option<u64>,
    /// Keeps only this many of the newest.
    pub newest: Option<u64>,
    /// Whether they are sorted by time; the newest ones always are.
    pub by_time: bool,
    /// Whether the newest of those that are sorted comes first.
    pub reverse: bool,
}

impl<'a> UnsavedConsumer<'a> {
    /// A consumer that has written nothing.
    pub(super) fn new(
        output: &'a SharedOutput,
        report: &'a OutputReport<'a>,
        reuse: Reuse<'a>,
        selector: Selector<'a>,
        speaker: Speaker<'a>,
        data_output: DataOutput,
    ) -> Self {
        UnsavedConsumer {
            output,
            report,
            reuse,
            selector,
            speaker,
            is_verbatim: output.is_verbatim(),
            data_output,
            buffer: Vec::with_capacity(ROOM),
            lines: Lines::default(),
            limit: None,
            written: 0,
            sorter: None,
            direction: Direction::Forwards,
            batches: None,
            detection: None,
            is_followed: false,
            late: Vec::new(),
        }
    }

    /// Lets rules look at the events; where the run goes on, hits are told while events come.
    #[must_use]
    pub(super) fn with_detection(mut self, detection: Option<Detection<'a>>, is_followed: bool) -> Self {
        (self.detection, self.is_followed) = (detection, is_followed);
        self
    }

    /// Sends events away in batches instead of writing them.
    #[must_use]
    pub(super) fn with_batches(mut self, batches: Option<UnsavedBatches>) -> Self {
        self.is_verbatim &= batches.is_none();
        self.batches = batches;
        self
    }

    /// Tells new hits, and at the end what else there is to say of the rules.
    ///
    /// # Errors
    /// As the command for hits.
    pub(super) fn tell_hits(&mut self, is_end: bool) -> Result<()> {
        let Some(detection) = &mut self.detection else { return Ok(()) };
        detection.tell(is_end)?;
        if is_end {
            detection.conclude();
        }
        Ok(())
    }

    /// Chooses from the events that follow; what was held back and counted before is forgotten.
    pub(super) fn select(&mut self, selection: Selection) {
        self.selector.take_count();
        self.limit = selection.limit;
        self.direction = if selection.reverse { Direction::Backwards } else { Direction::Forwards };
        // The first of the opposite order are the newest.
        let newest = selection.newest.or(selection.limit.filter(|_| selection.reverse));
        self.sorter = (selection.by_time || newest.is_some()).then(|| sorter(newest));
    }

    /// How many events went out.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// How many events are held.
    pub(super) fn held(&self) -> u64 {
        self.sorter.as_ref().map_or(0, EventSorter::len)
    }

    /// Takes the events of these streams in the range too, once they answer.
    pub(super) fn expect_late(&mut self, streams: &[Stream], range: TimeRange, newest: Option<u64>) {
        let late = |stream: &Stream| LateStream {
            stream: *stream,
            range,
            newest: newest.map(|newest| sorter(Some(newest))),
        };
        self.late = streams.iter().map(late).collect();
    }

    /// Writes the events that were held, and delivers batches that are not full.
    ///
    /// # Errors
    /// As the output.
    pub(super) fn release(&mut self) -> Result<()> {
        self.report.tally.selected(self.selector.take_count());
        if let Some(sorter) = self.sorter.take() {
            self.drain(sorter)?;
        }
        match &mut self.batches {
            Some(batches) => {
                self.output.tell_warnings();
                batches.deliver_rest()
            }
            None => self.flush(),
        }
    }

    fn drain(&mut self, sorter: EventSorter) -> Result<()> {
        sorter.drain(self.direction, |event, reading| self.emit_held(event, reading))
    }

    /// Encodes an event that was held back; tells whether more are wanted.
    fn emit_held(&mut self, event: &Event<'_>, reading: Reading) -> Result<bool> {
        self.selector.ask_again(event);
        Ok(self.emit(event, reading)? == Flow::Continue)
    }

    /// Encodes an event into the buffer.
    fn emit(&mut self, event: &Event<'_>, reading: Reading) -> Result<Flow> {
        if self.has_enough() {
            return Ok(Flow::Enough);
        }
        if !self.lines.is_empty() {
            self.flush()?;
        }
        match self.selector.values() {
            Some(values) => self.output.encode_values(values, &mut self.buffer),
            None => {
                let speaker = self.speaker.of(reading.account);
                self.output.encode(speaker, event, reading.received_at, &mut self.buffer);
            }
        }
        if let Some(batches) = &mut self.batches {
            let added = batches.add(event, &self.buffer, reading.received_at);
            self.buffer.clear();
            added?;
        }
        self.count(self.buffer.len())
    }

    /// Adds a line of a page as it is.
    fn emit_line(&mut self, page: &Rc<Page>, line: Range<usize>) -> Result<Flow> {
        if self.has_enough() {
            return Ok(Flow::Enough);
        }
        if !self.buffer.is_empty() {
            self.flush()?;
        }
        self.lines.push(page, line);
        self.count(self.lines.bytes())
    }

    /// Counts an event, and writes the buffer when it is full.
    fn count(&mut self, waiting: usize) -> Result<Flow> {
        self.written += 1;
        if waiting >= WRITE_AT {
            self.flush()?;
        }
        Ok(if self.has_enough() { Flow::Enough } else { Flow::Continue })
    }

    fn has_enough(&self) -> bool {
        self.limit.is_some_and(|limit| self.written >= limit)
    }

    fn flush(&mut self) -> Result<()> {
        if self.buffer.is_empty() && self.lines.is_empty() {
            return Ok(());
        }
        self.report.progress.borrow_mut().data_written(self.data_output);
        let written = self.output.write(&self.buffer, &mut self.lines);
        self.buffer.clear();
        written
    }

    /// Takes an event of a page.
    fn event(&mut self, page: &Rc<Page>, index: usize) -> Result<Flow> {
        if let Some(sorter) = &mut self.sorter {
            sorter.push(&page.event_at(index), page.reading(index))?;
            return Ok(Flow::Continue);
        }
        match page.line_at(index) {
            Some(line) if self.is_verbatim && self.selector.values().is_none() => self.emit_line(page, line),
            _ => self.emit(&page.event_at(index), page.reading(index)),
        }
    }

    /// Takes an event of a late stream; true when nothing else is to be done with it.
    fn late_event(&mut self, page: &Page, index: usize) -> Result<bool> {
        let event = page.event_at(index);
        let Some(late) = self.late.iter_mut().find(|late| late.stream == page.stream) else {
            return Ok(false);
        };
        match &mut late.newest {
            _ if !late.range.holds(&event) => Ok(true),
            Some(newest) => newest.push(&event, page.reading(index)).map(|()| true),
            None => Ok(false),
        }
    }
}

fn sorter(newest: Option<u64>) -> EventSorter {
    let newest = newest.map(|newest| usize::try_from(newest).unwrap_or(usize::MAX));
    EventSorter::new(sort::BUDGET, newest, scratch)
}

impl PageConsumer for UnsavedConsumer<'_> {
    fn page(&mut self, page: &Page) {
        self.report.page(page);
    }

    fn take(&mut self, page: &Rc<Page>, events: Range<usize>) -> Result<Flow> {
        let mut taken = 0;
        let mut flow = Flow::Continue;
        for index in events {
            if !self.selector.wants_of(page, index) {
                continue;
            }
            taken += 1;
            if let Some(detection) = &mut self.detection {
                detection.event(&page.event_at(index), page.reading(index));
            }
            if !self.late.is_empty() && self.late_event(page, index)? {
                continue;
            }
            flow = self.event(page, index)?;
            if flow == Flow::Enough {
                break;
            }
        }
        if let Some(detection) = &mut self.detection {
            detection.page(page);
        }
        self.report.delivered(page.stream, page.received_at, taken);
        Ok(flow)
    }

    fn done(&mut self, page: Rc<Page>) -> Result<()> {
        if !self.lines.is_empty() {
            self.flush()?;
        }
        // No other reference to the page is left.
        if let Some(page) = Rc::into_inner(page) {
            (self.reuse)(page);
        }
        Ok(())
    }

    fn waiting(&mut self) -> Result<()> {
        self.flush()?;
        if let Some(batches) = &mut self.batches {
            self.output.tell_warnings();
            batches.deliver_due()?;
        }
        // In the end the hits of a question are told whole.
        if self.is_followed { self.tell_hits(false) } else { Ok(()) }
    }

    fn wakes_in(&self) -> Option<Duration> {
        self.batches.as_ref().and_then(UnsavedBatches::due_in)
    }

    fn caught_up(&mut self, stream: Stream) -> Result<()> {
        let Some(at) = self.late.iter().position(|late| late.stream == stream) else { return Ok(()) };
        match self.late.swap_remove(at).newest {
            Some(newest) => self.drain(newest),
            None => Ok(()),
        }
    }

    fn failed(&mut self, failure: Error) {
        self.report.failed(failure);
    }

    fn reopen(&mut self) -> Result<()> {
        Ok(())
    }

    fn delivered(&self, _: Stream) -> u64 {
        0
    }

    fn alive(&self) {
        self.report.alive();
    }
}

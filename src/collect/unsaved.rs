//! Events to an output that keeps no position: a question's, or those that a person follows.
//!
//! What is sorted, or only the newest of, is held back until its end; the rest goes out in pieces. A page's
//! lines are written from where they lie, where that is how they are to be written.

use std::ops::Range;
use std::rc::Rc;

use chrono::{DateTime, Utc};

use super::engine::{Consumer, Flow};
use super::lines::Lines;
use super::report::OutputReport;
use super::selector::Selector;
use super::shared_output::SharedOutput;
use crate::api::client::Client;
use crate::console::DataOutput;
use crate::disk::real::scratch;
use crate::encode::EventContext;
use crate::error::{Error, Result};
use crate::event::{Event, Stream};
use crate::page::Page;
use crate::source::range::TimeRange;
use crate::source::sort::{self, EventSorter};

/// How many bytes are held before they are written in one piece.
const WRITE_AT: usize = 112 << 10;

/// The room for them: the last event of a piece does not fit exactly, and should not make it twice as large.
const ROOM: usize = 128 << 10;

/// Takes one profile's events to an output.
#[derive(Debug)]
pub(super) struct UnsavedConsumer<'a> {
    output: &'a SharedOutput,
    report: &'a OutputReport<'a>,
    client: Client,
    selector: Selector<'a>,
    /// Which profile of the run it is, and what is said of its events.
    speaker: (usize, EventContext),
    is_verbatim: bool,
    /// Where rows go: on the progress line's terminal, or through a pager, they would get in its way.
    data_output: DataOutput,
    /// What was encoded, or is a line already, and was not written yet; never both.
    buffer: Vec<u8>,
    lines: Lines,
    limit: Option<u64>,
    written: u64,
    /// Holds events back to put them in order of time.
    sorter: Option<EventSorter>,
    /// What streams that were late are still looked back for.
    late: Vec<LateStream>,
}

/// A stream that did not answer while the others were looked back for.
#[derive(Debug)]
struct LateStream {
    stream: Stream,
    range: TimeRange,
    newest: Option<EventSorter>,
}

/// How events are chosen and ordered.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Selection {
    /// Only the first so many.
    pub limit: Option<u64>,
    /// Only the newest so many.
    pub newest: Option<u64>,
    /// Whether they are put strictly in order of time; those that are the newest always are.
    pub by_time: bool,
}

impl<'a> UnsavedConsumer<'a> {
    /// A consumer that writes nothing yet.
    pub(super) fn new(
        output: &'a SharedOutput,
        report: &'a OutputReport<'a>,
        client: Client,
        selector: Selector<'a>,
        speaker: (usize, EventContext),
        data_output: DataOutput,
    ) -> Self {
        UnsavedConsumer {
            output,
            report,
            client,
            selector,
            speaker,
            is_verbatim: output.is_verbatim(),
            data_output,
            buffer: Vec::with_capacity(ROOM),
            lines: Lines::default(),
            limit: None,
            written: 0,
            sorter: None,
            late: Vec::new(),
        }
    }

    /// Chooses from the events that follow; what was held back and counted before is forgotten.
    pub(super) fn select(&mut self, selection: Selection) {
        self.selector.take_count();
        self.limit = selection.limit;
        self.sorter = (selection.by_time || selection.newest.is_some()).then(|| sorter(selection.newest));
    }

    /// How many events are held back.
    pub(super) fn held(&self) -> u64 {
        self.sorter.as_ref().map_or(0, EventSorter::len)
    }

    /// Looks back for what these streams have in the range once they answer, as for the others.
    pub(super) fn expect_late(&mut self, streams: &[Stream], range: TimeRange, newest: Option<u64>) {
        let late = |stream: &Stream| LateStream {
            stream: *stream,
            range,
            newest: newest.map(|newest| sorter(Some(newest))),
        };
        self.late = streams.iter().map(late).collect();
    }

    /// Gives out what was held back, and writes it.
    ///
    /// # Errors
    /// As the output.
    pub(super) fn release(&mut self) -> Result<()> {
        self.report.tally.selected(self.selector.take_count());
        if let Some(sorter) = self.sorter.take() {
            self.drain(sorter)?;
        }
        self.flush()
    }

    fn drain(&mut self, sorter: EventSorter) -> Result<()> {
        sorter.drain(|event, received_at| Ok(self.emit(event, received_at)? == Flow::Continue))
    }

    /// Encodes an event on its way out.
    fn emit(&mut self, event: &Event<'_>, received_at: DateTime<Utc>) -> Result<Flow> {
        if self.has_enough() {
            return Ok(Flow::Enough);
        }
        if !self.lines.is_empty() {
            self.flush()?;
        }
        self.output.encode((self.speaker.0, &self.speaker.1), event, received_at, &mut self.buffer);
        self.count(self.buffer.len())
    }

    /// Sends a line of a page on its way as it is.
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

    /// One more was taken, and so many bytes wait.
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
            sorter.push(&page.event_at(index), page.received_at)?;
            return Ok(Flow::Continue);
        }
        match page.line_at(index) {
            Some(line) if self.is_verbatim => self.emit_line(page, line),
            _ => self.emit(&page.event_at(index), page.received_at),
        }
    }

    /// Takes an event of a stream that was late; true when that was all there is to do.
    fn late_event(&mut self, page: &Page, index: usize) -> Result<bool> {
        let event = page.event_at(index);
        let Some(late) = self.late.iter_mut().find(|late| late.stream == page.stream) else {
            return Ok(false);
        };
        match &mut late.newest {
            _ if !late.range.holds(&event) => Ok(true),
            Some(newest) => newest.push(&event, page.received_at).map(|()| true),
            None => Ok(false),
        }
    }
}

fn sorter(newest: Option<u64>) -> EventSorter {
    let newest = newest.map(|newest| usize::try_from(newest).unwrap_or(usize::MAX));
    EventSorter::new(sort::BUDGET, newest, scratch)
}

impl Consumer for UnsavedConsumer<'_> {
    fn page(&mut self, page: &Page) {
        self.report.page(page);
    }

    fn take(&mut self, page: &Rc<Page>, events: Range<usize>) -> Result<Flow> {
        let mut taken = 0;
        let mut flow = Flow::Continue;
        for index in events {
            if !self.selector.wants(&page.event_at(index)) {
                continue;
            }
            taken += 1;
            if !self.late.is_empty() && self.late_event(page, index)? {
                continue;
            }
            flow = self.event(page, index)?;
            if flow == Flow::Enough {
                break;
            }
        }
        self.report.delivered(page.stream, page.received_at, taken);
        Ok(flow)
    }

    fn done(&mut self, page: Rc<Page>) -> Result<()> {
        if !self.lines.is_empty() {
            self.flush()?;
        }
        // Nobody else has it now.
        if let Some(page) = Rc::into_inner(page) {
            self.client.reuse(page);
        }
        Ok(())
    }

    fn waiting(&mut self) -> Result<()> {
        self.flush()
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

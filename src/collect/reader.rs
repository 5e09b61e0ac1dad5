//! Reads one stream for the engine: its pages, the current page, and how much of it was taken.
//!
//! Does not know the other streams or the output.

use std::fmt;
use std::ops::Range;
use std::rc::Rc;

use chrono::{DateTime, Utc};
use crossbeam_channel::Receiver;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::event::Stream;
use crate::page::{Next, Page};
use crate::source::PageSource;
use crate::source::prefetch::Prefetch;
use crate::source::range::TimeRange;

/// A stream being read; its thread ends when this is dropped.
pub(super) struct StreamReader {
    /// The stream.
    pub stream: Stream,
    /// Whether it did not answer in time, so that the others went on without it.
    pub is_late: bool,
    /// Whether the consumer was told that it was read to its end.
    pub is_told: bool,
    /// Whether its pages hold several streams, as files do; a failure is then not one of a stream.
    is_mixed: bool,
    pages: PageFeed,
    page: Option<Rc<Page>>,
    /// The index of the next event in the current page.
    at: usize,
    /// The greatest timestamp so far: the key by which the stream is merged with others.
    reached: DateTime<Utc>,
    /// Whether `reached` counts the event at `at`.
    is_seeked: bool,
    /// Whether the last page said that nothing more is available now.
    is_caught_up: bool,
    is_ended: bool,
    stop: Cancel,
}

/// The source of the pages.
enum PageFeed {
    /// Windows of a range, or files; their threads read ahead.
    ReadAhead(Box<dyn PageSource>),
    /// The stream's own thread, which reads one page ahead.
    Thread(Prefetch),
}

impl StreamReader {
    /// A reader of a source that has threads of its own: the windows of a range, or files.
    pub(super) fn of_read_ahead(stream: Stream, pages: impl PageSource + 'static) -> Self {
        StreamReader::new(stream, PageFeed::ReadAhead(Box::new(pages)), Cancel::new())
    }

    /// A reader of `source` with its own thread, which `stop` ends.
    ///
    /// # Errors
    /// Fails when the thread cannot be started.
    pub(super) fn on_thread(
        stream: Stream,
        stop: Cancel,
        source: impl PageSource + Send + 'static,
    ) -> Result<Self> {
        Ok(StreamReader::new(stream, PageFeed::Thread(Prefetch::start(stream, source)?), stop))
    }

    /// The same for pages that hold events of several streams; `first` is the first of these.
    pub(super) fn of_several(first: Stream, pages: impl PageSource + 'static) -> Self {
        let mut reader = StreamReader::of_read_ahead(first, pages);
        reader.is_mixed = true;
        reader
    }

    fn new(stream: Stream, pages: PageFeed, stop: Cancel) -> Self {
        StreamReader {
            stream,
            is_late: false,
            is_told: false,
            is_mixed: false,
            pages,
            page: None,
            at: 0,
            reached: DateTime::<Utc>::MIN_UTC,
            is_seeked: false,
            is_caught_up: false,
            is_ended: false,
            stop,
        }
    }

    /// The current page.
    pub(super) fn page(&self) -> Option<&Rc<Page>> {
        self.page.as_ref()
    }

    /// The events of the current page that were not taken yet; an empty range for an empty page.
    pub(super) fn rest(&self) -> Option<Range<usize>> {
        self.page.as_ref().map(|page| self.at..page.len())
    }

    /// Whether it was read to its end, and everything was taken.
    pub(super) fn is_read(&self) -> bool {
        self.page.is_none() && self.has_reached_its_end()
    }

    /// Whether the service has nothing more of it now.
    pub(super) fn has_reached_its_end(&self) -> bool {
        self.is_ended || self.is_caught_up
    }

    /// The merge key of its next event, once [`StreamReader::seek`] found one.
    pub(super) fn key(&self) -> Option<DateTime<Utc>> {
        (self.is_seeked && self.page.is_some()).then_some(self.reached)
    }

    /// Moves to the next event of the range in the current page; false when there is none.
    pub(super) fn seek(&mut self, range: &TimeRange) -> bool {
        let Some(page) = &self.page else { return false };
        while !self.is_seeked && self.at < page.len() {
            let event = page.event_at(self.at);
            if range.holds(&event) {
                self.reached = self.reached.max(event.time.unwrap_or(self.reached));
                self.is_seeked = true;
            } else {
                self.at += 1;
            }
        }
        self.is_seeked
    }

    /// The events from the next one on that come before another stream's next event, which has this key and,
    /// if true, comes after this stream's events of the same key.
    pub(super) fn run_before(&self, other: Option<(DateTime<Utc>, bool)>, range: &TimeRange) -> Range<usize> {
        let Some(page) = &self.page else { return 0..0 };
        let mut reached = self.reached;
        let mut end = self.at + 1;
        while end < page.len() {
            let event = page.event_at(end);
            let key = reached.max(event.time.unwrap_or(reached));
            let is_before = other.is_none_or(|(other, wins)| key < other || (wins && key == other));
            if !is_before || !range.holds(&event) {
                break;
            }
            reached = key;
            end += 1;
        }
        self.at..end
    }

    /// Marks the current page as taken up to `end`; returns it when all of it was.
    pub(super) fn pass(&mut self, end: usize) -> Option<Rc<Page>> {
        let page = self.page.as_ref()?;
        // Skipped events count for the merge key too.
        for index in self.at..end.min(page.len()) {
            if self.is_seeked {
                self.reached = self.reached.max(page.event_at(index).time.unwrap_or(self.reached));
            }
        }
        self.at = end.min(page.len());
        self.is_seeked = false;
        if self.at < page.len() {
            return None;
        }
        self.page.take()
    }

    /// Makes `page` the current one.
    pub(super) fn accept(&mut self, page: Page) {
        self.is_caught_up = self.is_caught_up || matches!(page.next, Next::CaughtUp(_));
        if matches!(self.pages, PageFeed::ReadAhead(_)) {
            // The cursor of a window's page says nothing about the stream.
            self.is_caught_up = false;
        }
        self.page = Some(Rc::new(page));
        self.at = 0;
        self.is_seeked = false;
    }

    /// A failure of it, with the name of the stream.
    pub(super) fn named(&self, failure: Error) -> Error {
        if self.is_mixed { failure } else { failure.on_stream(self.stream) }
    }

    /// Marks the stream as ended: no page follows.
    pub(super) fn end(&mut self) {
        self.is_ended = true;
    }

    /// The next page of a source that has no thread here; `None` for the others.
    pub(super) fn next_without_thread(&mut self) -> Option<Result<Option<Page>>> {
        match &mut self.pages {
            PageFeed::ReadAhead(pages) => Some(pages.next_page()),
            PageFeed::Thread(_) => None,
        }
    }

    /// The channel of the stream's thread.
    pub(super) fn channel(&self) -> Option<&Receiver<Result<Option<Page>>>> {
        match &self.pages {
            PageFeed::ReadAhead(_) => None,
            PageFeed::Thread(pages) => Some(pages.channel()),
        }
    }
}

impl fmt::Debug for StreamReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamReader").field("stream", &self.stream).finish_non_exhaustive()
    }
}

impl Drop for StreamReader {
    fn drop(&mut self) {
        self.stop.trigger(0);
    }
}

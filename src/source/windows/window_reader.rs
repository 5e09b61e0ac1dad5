//! Reads one window by cursor, page by page, until its end or until it is split.
//!
//! It decides by its events alone, so that the decision does not depend on page size, thread or time (P4). It
//! sends nothing: it returns the next request and is given the answer.

use super::rate_estimate::{Overlap, RateEstimate, WindowSplit};
use super::window::{Window, WindowQuery};
use crate::api::endpoint::PageRequest;
use crate::error::Result;
use crate::event::Stream;
use crate::identity::{self, Generations};
use crate::page::{Next, Page};
use crate::source::progress_guard::ProgressGuard;

/// A page for the reader, with the identity of each event.
#[derive(Debug)]
pub(super) struct PageBatch {
    pub(super) page: Page,
    pub(super) identities: Vec<u128>,
    /// With the last page of a split window: the events that later windows will return again.
    pub(super) overlap: Option<Overlap>,
}

/// Whether a window may be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SplitPolicy {
    /// No: it is read to its end.
    Never,
    /// Yes: it is the whole range.
    Whole,
    /// Yes: it is a part of a split window, and should hold this many events.
    Part(u64),
}

/// The state of a reader after its latest page.
#[derive(Debug)]
pub(super) enum ReadStep {
    /// There is another page.
    More,
    /// The window has been read.
    End,
    /// The window was split; with the part of the page after the split.
    WindowSplit(Box<WindowSplit>, Option<Box<PageBatch>>),
    /// Too many events came from beyond the window: the cursor does not keep its end.
    Overrun,
}

/// A window being read.
#[derive(Debug)]
pub(super) struct WindowReader {
    pub(super) window: Window,
    pub(super) cutting: SplitPolicy,
    ask: PageRequest,
    is_read: bool,
    progress: ProgressGuard,
    pace: RateEstimate,
    /// The latest identities, for services that repeat events on a page or on the next one.
    latest: Generations,
    beyond: usize,
    beyond_limit: usize,
}

impl WindowReader {
    /// A reader at the start of its window.
    pub(super) fn new(stream: Stream, question: &WindowQuery, window: Window, cutting: SplitPolicy) -> Self {
        let sizing = question.sizing;
        WindowReader {
            window,
            cutting,
            ask: question.first(&window),
            is_read: false,
            progress: ProgressGuard::new(stream),
            pace: RateEstimate::new(sizing),
            latest: Generations::of(sizing.first_mark),
            beyond: 0,
            beyond_limit: sizing.first_mark,
        }
    }

    /// The next request.
    pub(super) fn ask(&self) -> &PageRequest {
        &self.ask
    }

    /// Whether its end was reached.
    pub(super) fn is_read(&self) -> bool {
        self.is_read
    }

    /// Takes the answer; returns its new events, and how to continue.
    ///
    /// # Errors
    /// `Service`, when the stream makes no progress.
    pub(super) fn take(&mut self, page: Page) -> Result<(PageBatch, ReadStep)> {
        self.progress.check(&page)?;
        match &page.next {
            Next::More(cursor) => self.ask = PageRequest::Cursor(cursor.clone()),
            Next::CaughtUp(_) => self.is_read = true,
        }
        let mut batch = PageBatch::of(page);
        // Of equal events the first is kept, on one page or on two (P4).
        batch.retain(|id| self.latest.insert(id));
        let end = self.window.end();
        for index in 0..batch.identities.len() {
            let time = batch.page.spans[index].time;
            self.beyond += usize::from(time.is_some_and(|time| end.is_some_and(|end| time > end)));
            if self.beyond >= self.beyond_limit {
                batch.split_off(index + 1);
                return Ok((batch, ReadStep::Overrun));
            }
            if self.cutting != SplitPolicy::Never && self.pace.note(time, batch.identities[index]) {
                let more = index + 1 < batch.identities.len() || !self.is_read;
                if let Some((cut, overlap)) = self.cut().filter(|_| more) {
                    let rest = batch.split_off(index + 1);
                    batch.overlap = Some(overlap);
                    return Ok((batch, ReadStep::WindowSplit(Box::new(cut), rest.map(Box::new))));
                }
            }
        }
        let step = if self.is_read { ReadStep::End } else { ReadStep::More };
        Ok((batch, step))
    }

    fn cut(&self) -> Option<(WindowSplit, Overlap)> {
        match self.cutting {
            SplitPolicy::Never => None,
            SplitPolicy::Whole => self.pace.cut(&self.window, None),
            SplitPolicy::Part(target) => self.pace.cut(&self.window, Some(target)),
        }
    }
}

impl PageBatch {
    /// Its size in memory.
    pub(super) fn bytes(&self) -> usize {
        let spans = self.page.spans.capacity() * size_of::<crate::page::Span>();
        self.page.body.capacity() + spans + self.identities.capacity() * size_of::<u128>()
    }

    fn of(page: Page) -> Self {
        let identities = page.events().map(|event| identity::of(&event)).collect();
        PageBatch { page, identities, overlap: None }
    }

    fn retain(&mut self, mut keep: impl FnMut(u128) -> bool) {
        let kept: Vec<bool> = self.identities.iter().map(|id| keep(*id)).collect();
        if kept.iter().all(|kept| *kept) {
            return;
        }
        let mut which = kept.iter();
        self.identities.retain(|_| which.next() == Some(&true));
        let mut which = kept.iter();
        self.page.spans.retain(|_| which.next() == Some(&true));
    }

    /// Keeps the first `count` events and returns the others, if any.
    fn split_off(&mut self, count: usize) -> Option<PageBatch> {
        let identities = self.identities.split_off(count);
        let spans = self.page.spans.split_off(count);
        (!spans.is_empty()).then(|| PageBatch {
            page: Page {
                stream: self.page.stream,
                body: self.page.body.clone(),
                spans,
                next: self.page.next.clone(),
                received_at: self.page.received_at,
                has_lines: self.page.has_lines,
                origins: Vec::new(),
            },
            identities,
            overlap: None,
        })
    }
}

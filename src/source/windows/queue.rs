//! The shared state of the worker threads: which request is made next, and which pages the readers get.
//!
//! There are no threads, locks or time here: [`RequestQueue::pick`], [`RequestQueue::complete`] and [`RequestQueue::take`] may be
//! called in any order that is possible, and the pages come out the same. The tests do that.

use super::stream_windows::{FinishedJob, NextPage, PageJob, StreamWindows, Urgency};
use super::window::WindowQuery;
use super::{BUDGET, BUDGET_ALONE, EACH};
use crate::error::Result;
use crate::event::Stream;

/// The requests of all streams of a run.
#[derive(Debug)]
pub(super) struct RequestQueue {
    windows: Vec<StreamWindows>,
    /// Bytes of pages that may be read ahead, beside one page for each reader.
    budget: usize,
    /// The largest value of `budget`.
    whole: usize,
}

impl RequestQueue {
    /// A queue with the whole range of each stream.
    pub(super) fn new(streams: &[Stream], question: WindowQuery, jobs: usize) -> Self {
        let windows = streams.iter().map(|stream| StreamWindows::new(*stream, question)).collect();
        // One job reads only what the reader will need next.
        let most = if streams.len() == 1 { BUDGET_ALONE } else { BUDGET };
        let whole = if jobs > 1 { most.min(jobs * EACH) } else { 0 };
        // While answers are quick, reading far ahead would only cost memory.
        RequestQueue { windows, budget: whole.min(streams.len() * EACH), whole }
    }

    /// Answers are slow: from now on the whole budget is used.
    pub(super) fn expect_slow(&mut self) {
        self.budget = self.whole;
    }

    /// The request to make next, if one may be made, and the number of its stream: the window nearest to
    /// its reader first.
    pub(super) fn pick(&mut self) -> Option<(usize, PageJob)> {
        let (_, place, index) = self.nearest()?;
        Some((index, self.windows[index].start(place)?))
    }

    /// Whether there is a request to make.
    pub(super) fn has_work(&self) -> bool {
        self.nearest().is_some()
    }

    fn nearest(&self) -> Option<(Urgency, usize, usize)> {
        let open = self.windows.iter().filter(|windows| !windows.is_over()).count();
        // A share for each: otherwise pages for one stream's reader could take the whole budget.
        let share = self.budget / open.max(1);
        let nearest = |(index, windows): (usize, &StreamWindows)| {
            windows.nearest(share).map(|(rank, place)| (rank, place, index))
        };
        let windows = self.windows.iter().enumerate();
        if self.budget > 0 {
            return windows.filter_map(nearest).min();
        }
        // With one job only one page is read ahead, unless a reader waits for another one.
        let wanted = windows.clone().filter(|(_, windows)| windows.is_wanted()).filter_map(nearest).min();
        let is_free = self.windows.iter().all(|windows| windows.held() == 0);
        wanted.or_else(|| windows.filter_map(nearest).min().filter(|_| is_free))
    }

    /// Takes the result of a request of stream `index`. True when a stream has several windows.
    pub(super) fn complete(&mut self, index: usize, done: FinishedJob) -> bool {
        self.windows[index].complete(done)
    }

    /// The next page for the reader of stream `index`.
    ///
    /// # Errors
    /// The failure of the next window in order, after all pages before it.
    pub(super) fn take(&mut self, index: usize) -> Result<NextPage> {
        self.windows[index].take()
    }

    /// Closes a stream: its reader was dropped.
    pub(super) fn close(&mut self, index: usize) {
        self.windows[index].close();
    }

    /// Whether all streams are done.
    pub(super) fn is_over(&self) -> bool {
        self.windows.iter().all(StreamWindows::is_over)
    }

    /// Bytes that are read ahead or reserved for running requests.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.windows.iter().map(StreamWindows::held).sum()
    }
}

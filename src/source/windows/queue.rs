//! Which request is made next, what came of it, and what the readers get: the state that threads share.
//!
//! No threads, locks or time in here: [`RequestQueue::pick`], [`RequestQueue::complete`] and [`RequestQueue::take`] may be
//! called in any order that is possible, and the pages come out the same. The tests do that.

use super::stream_windows::{FinishedJob, NextPage, PageJob, StreamWindows, Urgency};
use super::window::WindowQuery;
use super::{BUDGET, EACH};
use crate::error::Result;
use crate::event::Stream;

/// The requests of a run, over all its streams.
#[derive(Debug)]
pub(super) struct RequestQueue {
    lanes: Vec<StreamWindows>,
    /// Bytes of pages that may lie ahead of the readers, beside one page for each of them.
    budget: usize,
    /// What it may grow to.
    whole: usize,
}

impl RequestQueue {
    /// A queue with the whole question of each stream.
    pub(super) fn new(streams: &[Stream], question: WindowQuery, jobs: usize) -> Self {
        let lanes = streams.iter().map(|stream| StreamWindows::new(*stream, question)).collect();
        // One job reads lazily: only what the reader will ask for next.
        let whole = if jobs > 1 { BUDGET.min(jobs * EACH) } else { 0 };
        // While answers are quick, reading far ahead would gain nothing and only hold memory.
        RequestQueue { lanes, budget: whole.min(streams.len() * EACH), whole }
    }

    /// Answers take their time: from now on the whole budget is read ahead.
    pub(super) fn expect_slow(&mut self) {
        self.budget = self.whole;
    }

    /// The request to make next, if one may be made, and the number of its stream: the window nearest to
    /// its reader first.
    pub(super) fn pick(&mut self) -> Option<(usize, PageJob)> {
        let (_, place, index) = self.nearest()?;
        Some((index, self.lanes[index].start(place)?))
    }

    /// Whether there is a request to make.
    pub(super) fn has_work(&self) -> bool {
        self.nearest().is_some()
    }

    fn nearest(&self) -> Option<(Urgency, usize, usize)> {
        let open = self.lanes.iter().filter(|lane| !lane.is_over()).count();
        // A share each: else pages that wait for another stream's reader could take it all.
        let share = self.budget / open.max(1);
        let nearest = |(index, lane): (usize, &StreamWindows)| {
            lane.nearest(share).map(|(rank, place)| (rank, place, index))
        };
        let lanes = self.lanes.iter().enumerate();
        if self.budget > 0 {
            return lanes.filter_map(nearest).min();
        }
        // One job has one page ahead in all, unless a reader waits for another.
        let wanted = lanes.clone().filter(|(_, lane)| lane.is_wanted()).filter_map(nearest).min();
        let is_free = self.lanes.iter().all(|lane| lane.held() == 0);
        wanted.or_else(|| lanes.filter_map(nearest).min().filter(|_| is_free))
    }

    /// Takes what came of a request of stream `index`. True when a stream has windows side by side.
    pub(super) fn complete(&mut self, index: usize, done: FinishedJob) -> bool {
        self.lanes[index].complete(done)
    }

    /// What the reader of stream `index` gets now.
    ///
    /// # Errors
    /// The failure of the window that is next in order, once all before it was given.
    pub(super) fn take(&mut self, index: usize) -> Result<NextPage> {
        self.lanes[index].take()
    }

    /// Gives up a stream: its reader has gone.
    pub(super) fn close(&mut self, index: usize) {
        self.lanes[index].close();
    }

    /// Whether nothing will ever be to do again.
    pub(super) fn is_over(&self) -> bool {
        self.lanes.iter().all(StreamWindows::is_over)
    }

    /// Bytes that lie ahead of the readers or are reserved for answers under way.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.lanes.iter().map(StreamWindows::held).sum()
    }
}

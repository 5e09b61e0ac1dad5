//! A filter at work on one output: what it was asked of, and what it wanted.

use crate::event::Event;
use crate::select::{Filter, LookupBuffer};

/// Asks a filter, and counts.
#[derive(Debug)]
pub(super) struct Selector<'a> {
    filter: &'a Filter,
    buffer: LookupBuffer,
    count: SelectionCount,
}

/// How many events were looked at, and how many of them were wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SelectionCount {
    pub(super) looked_at: u64,
    pub(super) wanted: u64,
}

impl<'a> Selector<'a> {
    /// Nothing asked so far.
    pub(super) fn new(filter: &'a Filter) -> Self {
        Selector { filter, buffer: LookupBuffer::default(), count: SelectionCount::default() }
    }

    /// Whether the event is wanted.
    pub(super) fn wants(&mut self, event: &Event<'_>) -> bool {
        if self.filter.is_empty() {
            return true;
        }
        let is_wanted = self.filter.wants(event, &mut self.buffer);
        self.count.looked_at += 1;
        self.count.wanted += u64::from(is_wanted);
        is_wanted
    }

    /// What was counted since the last time; nothing without a filter.
    pub(super) fn take_count(&mut self) -> SelectionCount {
        std::mem::take(&mut self.count)
    }
}

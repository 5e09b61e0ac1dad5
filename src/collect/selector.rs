//! A filter at work on one output: what it was asked of, and what it wanted.
//!
//! Of saved events it is asked where they are read, on several threads; only what that leaves open is asked again.

use std::sync::Arc;

use crate::encode::{Redaction, RedactionBuffer};
use crate::event::Event;
use crate::page::{Page, Selected};
use crate::sanitize;
use crate::select::{Filter, JqOutcome, JqValues, LookupBuffer};
use crate::source::files::{Judge, Judgement};
use crate::source::range::TimeRange;

/// Asks a filter, and counts.
#[derive(Debug)]
pub(super) struct Selector<'a> {
    filter: &'a Filter,
    redaction: &'a Redaction,
    buffers: AskBuffers,
    /// Whether the values there are what the event that was asked of last yields.
    has_values: bool,
    /// Whether any event yields something else than itself.
    is_changing: bool,
    is_told: bool,
    count: SelectionCount,
}

/// What asking a filter takes beside it.
#[derive(Debug, Default)]
struct AskBuffers {
    lookup: LookupBuffer,
    redacted: RedactionBuffer,
    values: JqValues,
}

/// The filter as it is asked by a thread that reads files.
#[derive(Debug)]
pub(super) struct FilterJudge {
    filter: Arc<Filter>,
    redaction: Arc<Redaction>,
    range: TimeRange,
    buffers: AskBuffers,
}

/// How many events were looked at, and how many of them were wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SelectionCount {
    pub(super) looked_at: u64,
    pub(super) wanted: u64,
    /// Events on which the filter in jq's language failed: they are left out.
    pub(super) failed: u64,
}

impl<'a> Selector<'a> {
    /// Nothing asked so far.
    pub(super) fn new(filter: &'a Filter, redaction: &'a Redaction) -> Self {
        Selector {
            filter,
            redaction,
            buffers: AskBuffers::default(),
            has_values: false,
            is_changing: false,
            is_told: false,
            count: SelectionCount::default(),
        }
    }

    /// Whether the event is wanted.
    pub(super) fn wants(&mut self, event: &Event<'_>) -> bool {
        if self.filter.is_empty() {
            return true;
        }
        let is_wanted = self.filter.wants(event, &mut self.buffers.lookup) && self.yields(event);
        self.count.looked_at += 1;
        self.count.wanted += u64::from(is_wanted);
        is_wanted
    }

    /// The same for an event of a page of files, of which that may have been asked where it was read.
    pub(super) fn wants_of(&mut self, page: &Page, index: usize) -> bool {
        self.has_values = match page.selected(index) {
            Selected::Open => return self.wants(&page.event_at(index)),
            Selected::AsItIs => false,
            Selected::Instead { start, end } => {
                self.buffers.values.read_lines(&page.body[start..end]);
                self.is_changing = true;
                true
            }
        };
        self.count.looked_at += 1;
        self.count.wanted += 1;
        true
    }

    /// What is written instead of the event that was asked of last; none where it is written itself.
    pub(super) fn values(&self) -> Option<&JqValues> {
        self.has_values.then_some(&self.buffers.values)
    }

    /// Asks again of a wanted event that was held back, for [`Selector::values`]. Counts nothing.
    pub(super) fn ask_again(&mut self, event: &Event<'_>) {
        self.has_values = self.is_changing && self.run(event) == Some(Ok(JqOutcome::Values));
    }

    fn run(&mut self, event: &Event<'_>) -> Option<Result<JqOutcome, String>> {
        self.buffers.run(self.filter, self.redaction, event)
    }

    /// Whether the filter in jq's language, where there is one, yields anything.
    fn yields(&mut self, event: &Event<'_>) -> bool {
        let Some(outcome) = self.run(event) else { return true };
        self.has_values = false;
        match outcome {
            Ok(JqOutcome::Dropped) => false,
            Ok(JqOutcome::Unchanged) => true,
            Ok(JqOutcome::Values) => {
                self.has_values = true;
                self.is_changing = true;
                true
            }
            Err(why) => {
                self.count.failed += 1;
                if !std::mem::replace(&mut self.is_told, true) {
                    let uuid = String::from_utf8_lossy(event.uuid.unwrap_or_default());
                    let uuid = sanitize::message(&uuid);
                    log::warn!("--jq fails on the event {uuid}, which is left out: {why}");
                }
                false
            }
        }
    }

    /// What was counted since the last time; nothing without a filter.
    pub(super) fn take_count(&mut self) -> SelectionCount {
        std::mem::take(&mut self.count)
    }
}

impl AskBuffers {
    /// Runs the filter in jq's language on what may go out of the event.
    fn run(
        &mut self,
        filter: &Filter,
        redaction: &Redaction,
        event: &Event<'_>,
    ) -> Option<Result<JqOutcome, String>> {
        let jq = filter.jq()?;
        let event = match redaction.is_empty() {
            true => *event,
            false => redaction.apply(*event, &mut self.redacted),
        };
        Some(jq.run(&event, &mut self.values))
    }
}

impl FilterJudge {
    /// Asks about the events of this range.
    pub(super) fn new(filter: &Arc<Filter>, redaction: &Arc<Redaction>, range: TimeRange) -> Self {
        let (filter, redaction) = (Arc::clone(filter), Arc::clone(redaction));
        FilterJudge { filter, redaction, range, buffers: AskBuffers::default() }
    }
}

impl Judge for FilterJudge {
    fn judge(&mut self, event: &Event<'_>, instead: &mut Vec<u8>) -> Judgement {
        // What is outside of the range is left out later, and not counted.
        if !self.range.holds(event) {
            return Judgement::Wanted;
        }
        if !self.filter.wants(event, &mut self.buffers.lookup) {
            return Judgement::Unwanted;
        }
        match self.buffers.run(&self.filter, &self.redaction, event) {
            None | Some(Ok(JqOutcome::Unchanged)) => Judgement::Wanted,
            Some(Ok(JqOutcome::Dropped)) => Judgement::Unwanted,
            Some(Ok(JqOutcome::Values)) => {
                self.buffers.values.write_lines(instead);
                Judgement::Replaced
            }
            // Why it fails is told in the order of the events.
            Some(Err(_)) => Judgement::Open,
        }
    }

    fn another(&self) -> Box<dyn Judge> {
        Box::new(FilterJudge::new(&self.filter, &self.redaction, self.range))
    }
}

//! A filter at work on one output: what it was asked of, and what it wanted.

use crate::encode::{Redaction, RedactionBuffer};
use crate::event::Event;
use crate::sanitize;
use crate::select::{Filter, JqOutcome, JqValues, LookupBuffer};

/// Asks a filter, and counts.
#[derive(Debug)]
pub(super) struct Selector<'a> {
    filter: &'a Filter,
    redaction: &'a Redaction,
    buffer: LookupBuffer,
    redacted: RedactionBuffer,
    values: JqValues,
    /// Whether `values` is what the event that was asked of last yields.
    has_values: bool,
    is_told: bool,
    count: SelectionCount,
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
            buffer: LookupBuffer::default(),
            redacted: RedactionBuffer::default(),
            values: JqValues::default(),
            has_values: false,
            is_told: false,
            count: SelectionCount::default(),
        }
    }

    /// Whether the event is wanted.
    pub(super) fn wants(&mut self, event: &Event<'_>) -> bool {
        if self.filter.is_empty() {
            return true;
        }
        let is_wanted = self.filter.wants(event, &mut self.buffer) && self.yields(event);
        self.count.looked_at += 1;
        self.count.wanted += u64::from(is_wanted);
        is_wanted
    }

    /// What is written instead of the event that was asked of last; none where it is written itself.
    pub(super) fn values(&self) -> Option<&JqValues> {
        self.has_values.then_some(&self.values)
    }

    /// Asks again of a wanted event that was held back, for [`Selector::values`]. Counts nothing.
    pub(super) fn ask_again(&mut self, event: &Event<'_>) {
        self.has_values = self.run(event) == Some(Ok(JqOutcome::Values));
    }

    /// Runs the filter in jq's language on what may go out of the event.
    fn run(&mut self, event: &Event<'_>) -> Option<Result<JqOutcome, String>> {
        let jq = self.filter.jq()?;
        let event = match self.redaction.is_empty() {
            true => *event,
            false => self.redaction.apply(*event, &mut self.redacted),
        };
        Some(jq.run(&event, &mut self.values))
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

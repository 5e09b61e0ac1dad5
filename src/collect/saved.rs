//! Events to an output that keeps a position: staged and committed, so that none is lost (P1) or repeated (P2).

use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::detection::Detection;
use super::engine::{Flow, PageConsumer};
use super::report::OutputReport;
use super::selector::Selector;
use crate::encode::EventEncoder;
use crate::error::{Error, Result};
use crate::event::{Event, Stream};
use crate::output::CheckpointedOutput;
use crate::output::commit::Encode;
use crate::page::{Page, Reading};

/// Writes one profile's events to an output and saves the position after them.
#[derive(Debug)]
pub(super) struct SavedConsumer<'a> {
    output: CheckpointedOutput,
    encoder: SelectingEncoder<'a>,
    report: &'a OutputReport<'a>,
    ends_when_caught_up: bool,
}

/// Encodes the events that are wanted.
#[derive(Debug)]
struct SelectingEncoder<'a> {
    selector: Selector<'a>,
    encoder: EventEncoder,
    detection: Option<Detection<'a>>,
}

impl Encode for SelectingEncoder<'_> {
    fn wants(&mut self, event: &Event<'_>) -> bool {
        self.selector.wants(event)
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        self.encoder.begin(out);
    }

    fn event(&mut self, event: &Event<'_>, received_at: DateTime<Utc>, out: &mut Vec<u8>) {
        if let Some(detection) = &mut self.detection {
            detection.event(event, Reading::at(received_at));
        }
        match self.selector.values() {
            Some(values) => values.iter().for_each(|value| self.encoder.value(value, out)),
            None => self.encoder.event(event, received_at, out),
        }
    }
}

impl<'a> SavedConsumer<'a> {
    /// A consumer that writes to an opened output.
    pub(super) fn new(
        output: CheckpointedOutput,
        selector: Selector<'a>,
        encoder: EventEncoder,
        detection: Option<Detection<'a>>,
        report: &'a OutputReport<'a>,
        ends_when_caught_up: bool,
    ) -> Self {
        let encoder = SelectingEncoder { selector, encoder, detection };
        SavedConsumer { output, encoder, report, ends_when_caught_up }
    }

    /// The newest time of any event that was delivered, in this run or before.
    pub(super) fn newest(&self) -> Option<DateTime<Utc>> {
        let newest = |stream| self.output.position(stream).and_then(|position| position.newest);
        Stream::ALL.into_iter().filter_map(newest).max()
    }

    /// Commits what is not committed yet.
    ///
    /// # Errors
    /// As [`CheckpointedOutput::finish`].
    pub(super) fn finish(mut self) -> Result<()> {
        self.report.tally.selected(self.encoder.selector.take_count());
        self.stage_hits()?;
        if let Some(detection) = &self.encoder.detection {
            detection.conclude();
        }
        self.output.finish()
    }
}

impl SavedConsumer<'_> {
    /// Stages new hits, and what rules have gathered, where rules look at the events.
    fn stage_hits(&mut self) -> Result<()> {
        match &mut self.encoder.detection {
            Some(detection) => detection.stage(&mut self.output),
            None => Ok(()),
        }
    }
}

impl PageConsumer for SavedConsumer<'_> {
    fn page(&mut self, page: &Page) {
        if let Some(detection) = self.encoder.detection.as_mut().filter(|_| page.is_empty()) {
            detection.page(page);
        }
        self.report.page(page);
    }

    fn take(&mut self, page: &Rc<Page>, events: Range<usize>) -> Result<Flow> {
        let mut rest = events;
        loop {
            let staged = self.output.stage(page, rest.clone(), &mut self.encoder).and_then(|staged| {
                if let Some(detection) = &mut self.encoder.detection {
                    detection.page(page);
                }
                self.stage_hits()?;
                self.output.commit_if_due()?;
                Ok(staged)
            });
            self.encoder.encoder.take_warnings().iter().for_each(|warning| log::warn!("{warning}"));
            let staged = staged.inspect_err(|failure| self.report.broken(page.stream, failure))?;
            self.report.delivered(page.stream, page.received_at, staged.events);
            rest.start += staged.taken;
            // A full batch was delivered; the events after it go into the next one.
            if rest.is_empty() {
                return Ok(Flow::Continue);
            }
        }
    }

    fn done(&mut self, _: Rc<Page>) -> Result<()> {
        Ok(())
    }

    fn waiting(&mut self) -> Result<()> {
        self.stage_hits()?;
        if self.output.is_delivery() || self.encoder.detection.is_some() {
            self.output.commit_if_due()?;
        }
        Ok(())
    }

    fn wakes_in(&self) -> Option<Duration> {
        self.output.due_in()
    }

    fn caught_up(&mut self, _: Stream) -> Result<()> {
        if self.ends_when_caught_up {
            self.report.tally.done();
        }
        Ok(())
    }

    fn failed(&mut self, failure: Error) {
        self.report.failed(failure);
    }

    fn reopen(&mut self) -> Result<()> {
        self.output.reopen()
    }

    fn delivered(&self, stream: Stream) -> u64 {
        self.output.position(stream).map_or(0, |position| position.delivered)
    }

    fn alive(&self) {
        self.report.alive();
    }
}

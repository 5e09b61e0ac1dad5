//! Reads from the saved position to the end, or follows, and saves the position as it delivers.

use super::detection::Detection;
use super::engine::{Engine, Interrupts, Order, PhaseEnd, Until};
use super::plan::{Destination, FILE_MODE, ResumeOptions};
use super::position::{self, ResumingFetcher};
use super::reader::StreamReader;
use super::saved::SavedConsumer;
use super::selector::Selector;
use super::{FollowOptions, OutputRun};
use crate::api::endpoint::PageRequest;
use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::event::Stream;
use crate::health::HealthFeed;
use crate::output::CheckpointedOutput;
use crate::source::cursor::{CursorLoop, FollowFrom, PollSchedule};

pub use super::position::StartAt;

/// How a saved position is continued.
#[derive(Debug)]
pub struct SavedRun<'a> {
    /// How the position is saved.
    pub resume: &'a ResumeOptions,
    /// Where to start when nothing is saved yet.
    pub start: StartAt,
    /// Whether to continue where events may be missing.
    pub accept_gap: bool,
    /// Where the changes of streams' states are written.
    pub feed: HealthFeed,
    /// How the streams are followed; none where they are read once to their end.
    pub follow: Option<&'a FollowOptions>,
}

/// Delivers new events to one output.
///
/// # Errors
/// Fails where the position or the output cannot be used. After a failed write the position is not saved, so
/// that the next run delivers the page again. Failures of single streams are in the run's tally.
pub fn deliver(run: &OutputRun<'_>, saved: &SavedRun<'_>) -> Result<()> {
    let (runtime, session) = (run.runtime, run.session);
    let mut output = position::open(run, saved.resume)?;
    let streams = &run.output.streams;
    let health =
        position::reporter(runtime, session, &output, streams, saved.resume.mode, saved.feed.clone());
    if let Some(follow) = saved.follow {
        follow.monitor.report_to(health.clone(), streams);
    }
    run.output.destination.report_to(&health);
    let report = run.report(Some(health), saved.follow);
    let mut readers = Vec::new();
    for &stream in streams {
        match reader(run, saved, &mut output, stream) {
            Ok(reader) => readers.push(reader),
            Err(failure) => report.failed(failure.on_stream(stream)),
        }
    }
    let ends_when_caught_up = saved.follow.is_none_or(|follow| follow.no_follow);
    let until = if ends_when_caught_up { Until::CaughtUp } else { Until::Forever };
    let order = if saved.follow.is_some() { Order::Arrival } else { Order::LeastDelivered };
    let interrupts = saved.follow.map_or_else(Interrupts::default, FollowOptions::interrupts);
    let encoder = run.plan.encoder(streams)?;
    let mode = saved.resume.file_mode.unwrap_or(FILE_MODE);
    let detection = run
        .plan
        .detect
        .as_ref()
        .map(|detect| Detection::resume(detect, (runtime, streams), &mut output, mode));
    let detection = detection.transpose()?;
    let mut consumer = SavedConsumer::new(
        output,
        Selector::new(&run.plan.filter, &run.plan.context.redaction),
        encoder,
        detection,
        &report,
        ends_when_caught_up,
    );
    let mut engine = Engine::new(runtime, &interrupts, readers);
    let end = engine.run(order, until, &mut consumer);
    report.progress.borrow_mut().clear();
    // Streams that were still being followed ended normally.
    let followed: Vec<Stream> = engine.readers.iter().map(|reader| reader.stream).collect();
    report.stopping(if saved.follow.is_some() { &followed } else { streams });
    let end = end?;
    let up_to = consumer.newest().map(|time| session.settings.zone.show(time));
    consumer.finish()?;
    if let (None, Destination::File(_) | Destination::Receivers(_)) = (saved.follow, &run.output.destination)
    {
        runtime.console.delivered(report.events.get(), &run.output.destination.shown(), up_to.as_deref());
    }
    if saved.follow.is_some() && !followed.is_empty() {
        run.tally.done();
    }
    if end == PhaseEnd::Stopped {
        run.tally.fail(runtime.cancel.failure());
    }
    Ok(())
}

/// Starts reading a stream at its saved position.
fn reader(
    run: &OutputRun<'_>,
    saved: &SavedRun<'_>,
    output: &mut CheckpointedOutput,
    stream: Stream,
) -> Result<StreamReader, Error> {
    let (runtime, session) = (run.runtime, run.session);
    let position = output.position(stream).cloned();
    let first =
        position::first_request(runtime, session, stream, position.as_ref(), saved.start, saved.accept_gap)?;
    if let PageRequest::First { since, .. } = &first {
        output.begin_at(stream, *since);
    }
    let since = match (&first, &position) {
        (PageRequest::First { since, .. }, _) => *since,
        (PageRequest::Cursor(_), position) => {
            position.as_ref().map(|position| position.restart_from(runtime.clock.now()))
        }
    };
    let mut fetcher = ResumingFetcher::new(runtime, session, stream, position, saved.accept_gap);
    let pages = CursorLoop::new(stream, first, move |request: &_| fetcher.fetch(request));
    let stop = Cancel::new();
    let pages = match saved.follow {
        None => pages,
        Some(follow) => {
            let from = FollowFrom { limit: session.settings.page_size, since };
            pages.following(from, follow.schedule(run, stream, stop.clone()))
        }
    };
    StreamReader::on_thread(stream, stop, pages)
}

impl FollowOptions {
    /// When a stream of this run is polled again.
    pub(super) fn schedule(&self, run: &OutputRun<'_>, stream: Stream, stop: Cancel) -> PollSchedule {
        PollSchedule {
            interval: self.intervals.of(stream).clone(),
            clock: run.runtime.clock.clone(),
            stop,
            patience: self.patience,
        }
    }
}

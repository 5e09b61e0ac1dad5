//! A question: a time range, read once, as one timeline. Reads and writes no saved position.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::OutputRun;
use super::engine::{Engine, Interrupts, Order, PhaseEnd, Until};
use super::plan::{Destination, FILE_MODE};
use super::reader::StreamReader;
use super::selector::Selector;
use super::shared_output::{NewFile, SharedOutput};
use super::unsaved::{Selection, UnsavedConsumer};
use crate::api::endpoint::{ApiVersion, PageRequest};
use crate::cancel::Cancel;
use crate::console::DataOutput;
use crate::error::{ErrorKind, Result};
use crate::source::cursor::CursorLoop;
use crate::source::dedup::Dedup;
use crate::source::range::TimeRange;
use crate::source::windows;

/// A question.
#[derive(Clone, Debug)]
pub struct Question {
    /// The time range.
    pub range: TimeRange,
    /// The end of the range, as messages show it.
    pub until: DateTime<Utc>,
    /// Stops after this many events.
    pub limit: Option<u64>,
    /// Keeps only this many of the newest events.
    pub newest: Option<u64>,
    /// Whether they are sorted by time.
    pub by_time: bool,
    /// Whether the newest event comes first; they are then sorted by time.
    pub reverse: bool,
    /// Permissions of a new file.
    pub file_mode: Option<u32>,
    /// Whether it may replace an existing file.
    pub overwrite: bool,
}

/// Writes the answer to `output`, and ends the output if `ends`; otherwise other profiles follow.
///
/// # Errors
/// Fails where the output cannot be written. Failures of single streams are in the run's tally.
pub fn answer(run: &OutputRun<'_>, question: &Question, output: &SharedOutput, ends: bool) -> Result<()> {
    let (runtime, settings) = (run.runtime, &run.session.settings);
    if let Destination::File(_) = run.output.destination {
        let (mode, state_dir) = (question.file_mode.unwrap_or(FILE_MODE), settings.state_dir()?);
        output.open(&NewFile { mode, overwrite: question.overwrite, state_dir })?;
    }
    let report = run.report(None, None);
    report.progress.borrow_mut().set_range(question.range.since, question.until);
    let data_output = if output.is_stdout() { DataOutput::of_stdout() } else { DataOutput::File };
    let speaker = (run.number, run.plan.context.clone());
    let (client, selector) = (run.session.client.clone(), Selector::new(run.plan));
    let mut consumer = UnsavedConsumer::new(output, &report, client, selector, speaker, data_output);
    let Question { limit, newest, by_time, reverse, .. } = *question;
    consumer.select(Selection { limit, newest, by_time, reverse });
    let interrupts = Interrupts::default();
    let mut engine = Engine::new(runtime, &interrupts, readers(run, &question.range)?);
    let read = engine.run(Order::Timeline(question.range), Until::CaughtUp, &mut consumer);
    drop(engine);
    // The events may go to the same terminal.
    report.progress.borrow_mut().clear();
    let written = read.and_then(|end| {
        // Even after a failure the output is completed: an array is closed, a last line ended.
        consumer.release()?;
        if ends {
            output.end()?;
        }
        Ok(end)
    });
    let end = match written {
        // The reader closed the pipe, as `| head` does: not a failure.
        Err(failure) if failure.kind() == ErrorKind::ClosedPipe => {
            run.tally.done();
            return Ok(());
        }
        written => written?,
    };
    let failed = report.failures.get();
    if end == PhaseEnd::Stopped {
        runtime.console.note("interrupted: the range was not read to its end");
        run.tally.fail(runtime.cancel.failure());
    }
    if matches!(run.output.destination, Destination::File(_)) && (failed > 0 || end == PhaseEnd::Stopped) {
        // A file under its final name counts as complete.
        output.discard();
        log::warn!(
            "{} was not written, because not every stream could be read",
            run.output.destination.shown()
        );
        return Ok(());
    }
    if ends {
        output.publish()?;
        if let Some(shown) = output.shown().filter(|shown| shown.events > 1) {
            runtime.console.note(&shown.sentence(|time| settings.zone.show(time)));
        }
        if let Destination::File(_) = run.output.destination {
            runtime.console.delivered(consumer.written(), &run.output.destination.shown(), None);
        }
    }
    if failed < run.output.streams.len() && end != PhaseEnd::Stopped {
        run.tally.done();
    }
    Ok(())
}

/// The source of the streams' pages: windows read in parallel, or one cursor where the bounds of windows
/// cannot be relied on (v3 filters by insertion and says nothing of its bounds).
fn readers(run: &OutputRun<'_>, range: &TimeRange) -> Result<Vec<StreamReader>> {
    let (runtime, session) = (run.runtime, run.session);
    let (now, limit) = (runtime.clock.now(), session.settings.page_size);
    let (client, streams) = (session.client.clone(), &run.output.streams);
    if session.settings.api != ApiVersion::V3 {
        let fetch: windows::Fetch = Arc::new(move |stream, request| client.page(stream, request));
        let (jobs, cancel) = (session.jobs(), &runtime.cancel);
        let pages = windows::start(fetch, streams, range, &runtime.clock, limit, jobs, cancel)?;
        return Ok(pages
            .into_iter()
            .map(|(stream, pages)| StreamReader::of_windows(stream, pages))
            .collect());
    }
    let first = PageRequest::First { limit, since: Some(range.asked_since()), until: range.asked_until(now) };
    let reader = |&stream| {
        let client = client.clone();
        let pages = CursorLoop::new(stream, first.clone(), move |request: &_| client.page(stream, request));
        StreamReader::on_thread(stream, Cancel::new(), Dedup::new(pages))
    };
    streams.iter().map(reader).collect()
}

//! A question: a time range, read once, as one timeline. Keeps no state and touches no saved position.

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

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// From when to when.
    pub range: TimeRange,
    /// The range's end as it is said to people.
    pub until: DateTime<Utc>,
    /// Only the first so many events.
    pub limit: Option<u64>,
    /// Only the newest so many.
    pub newest: Option<u64>,
    /// Whether they are put strictly in order of time.
    pub by_time: bool,
    /// Permissions of a new file.
    pub file_mode: Option<u32>,
    /// Whether it may replace another file.
    pub overwrite: bool,
}

/// Answers a question into `output`, which ends with it if `ends`; else other profiles follow.
///
/// # Errors
/// Fails where nothing can be written. Failures of single streams are in the run's tally.
pub fn answer(run: &OutputRun<'_>, question: &Question, output: &SharedOutput, ends: bool) -> Result<()> {
    let settings = &run.session.settings;
    if let Destination::File(_) = run.output.place {
        let (mode, state_dir) = (question.file_mode.unwrap_or(FILE_MODE), settings.state_dir()?);
        output.open(&NewFile { mode, overwrite: question.overwrite, state_dir })?;
    }
    let report = run.report(None, None);
    report.progress.borrow_mut().set_range(question.range.since, question.until);
    let data_output = if output.is_stdout() { DataOutput::of_stdout() } else { DataOutput::File };
    let speaker = (run.number, run.plan.context.clone());
    let (client, selector) = (run.session.client.clone(), Selector::new(&run.plan.filter));
    let mut consumer = UnsavedConsumer::new(output, &report, client, selector, speaker, data_output);
    let Question { limit, newest, by_time, .. } = *question;
    consumer.select(Selection { limit, newest, by_time });
    let interrupts = Interrupts::default();
    let mut engine = Engine::new(run.runtime, &interrupts, readers(run, &question.range)?);
    let read = engine.run(Order::Timeline(question.range), Until::CaughtUp, &mut consumer);
    drop(engine);
    // What is written now may be on the same terminal.
    report.progress.borrow_mut().clear();
    let written = read.and_then(|end| {
        // However it went, what is on its way is made whole: an array is closed, a last line ended.
        consumer.release()?;
        if ends {
            output.end()?;
        }
        Ok(end)
    });
    let end = match written {
        // The reader of a pipe had enough: that is how `| head` ends, and no failure.
        Err(failure) if failure.kind() == ErrorKind::ClosedPipe => {
            run.tally.done();
            return Ok(());
        }
        written => written?,
    };
    let failed = report.failures.get();
    if end == PhaseEnd::Stopped {
        run.runtime.console.note("interrupted: the range was not read to its end");
        run.tally.fail(run.runtime.cancel.failure());
    }
    if matches!(run.output.place, Destination::File(_)) && (failed > 0 || end == PhaseEnd::Stopped) {
        // A file under its final name is taken for whole.
        output.discard();
        log::warn!("{} was not written, because not every stream could be read", run.output.place.shown());
        return Ok(());
    }
    if ends {
        output.publish()?;
    }
    if failed < run.output.streams.len() && end != PhaseEnd::Stopped {
        run.tally.done();
    }
    Ok(())
}

/// Where the pages of the streams come from: windows read side by side, or one cursor after another where
/// the API has no windows that can be trusted (v3 filters by insertion and says nothing of its bounds).
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

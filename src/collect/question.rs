//! A question: a time range, read once, as one timeline. Reads and writes no saved position.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::OutputRun;
use super::detection::Detection;
use super::engine::{Engine, Interrupts, Order, PhaseEnd, Until};
use super::plan::{Destination, FILE_MODE, PlannedOutput};
use super::reader::StreamReader;
use super::report::OutputReport;
use super::selector::Selector;
use super::session::{IntakeConnections, Session};
use super::shared_output::{NewFile, SharedOutput};
use super::speaker::{AccountNames, Speaker};
use super::unsaved::{Reuse, Selection, UnsavedConsumer};
use crate::api::endpoint::{ApiVersion, PageRequest};
use crate::cancel::Cancel;
use crate::config::Settings;
use crate::console::DataOutput;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::runtime::Runtime;
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

/// Where the events of a question come from: the service, or files.
pub trait QuestionSource {
    /// The settings of the profile.
    fn settings(&self) -> &Settings;

    /// Where positions are saved: a file that one of them manages is not replaced. None where there can be none.
    ///
    /// # Errors
    /// Fails when nothing names the place and one is needed.
    fn state_dir(&self) -> Result<Option<&Path>> {
        self.settings().state_dir().map(Some)
    }

    /// The account's uuid, where it is known.
    fn account_uuid(&self) -> Option<String>;

    /// The service's host; empty where there is none.
    fn host_name(&self) -> String;

    /// Starts reading what goes to an output.
    ///
    /// # Errors
    /// Fails when nothing can be read.
    fn open(&self, runtime: &Runtime, range: &TimeRange, output: &PlannedOutput) -> Result<OpenSource<'_>>;

    /// What is being done until the first page is there, for the progress line.
    fn begun(&self) -> String {
        "asking the service".to_owned()
    }

    /// What requests to an intake of batches go through.
    ///
    /// # Errors
    /// Fails where they cannot be made.
    fn intake_connections(&self, runtime: &Runtime) -> Result<IntakeConnections>;

    /// On how many threads its events are worth being folded.
    fn fold_threads(&self) -> usize {
        1
    }

    /// What went wrong with parts of it, once what goes to an output was read.
    fn conclude(&self, output: &PlannedOutput) -> SourceEnd {
        SourceEnd { parts: output.streams.len(), ..SourceEnd::default() }
    }
}

/// A source that is being read.
pub struct OpenSource<'s> {
    pub(super) readers: Vec<StreamReader>,
    /// Takes pages back.
    pub(super) reuse: Reuse<'s>,
    /// The accounts that events name.
    pub(super) accounts: Option<AccountNames<'s>>,
}

/// What went wrong with parts of a source.
#[derive(Debug, Default)]
pub struct SourceEnd {
    /// Parts that were not read to their end: what was read is not the whole answer.
    pub broken: Vec<Error>,
    /// Parts of which something was left out, while the rest is the answer.
    pub left_out: Vec<Error>,
    /// Lines that were passed over, because they hold no wanted event.
    pub passed: u64,
    /// Events that were left out where they were read, because the filter does not want them.
    pub unwanted: u64,
    /// How many parts it has, such as streams: with fewer failures something is done.
    pub parts: usize,
}

/// Writes the answer to `output`, and ends the output if `ends`; otherwise other profiles follow.
///
/// # Errors
/// Fails where the output cannot be written. Failures of single streams are in the run's tally.
pub fn answer<S: QuestionSource>(
    run: &OutputRun<'_, S>,
    question: &Question,
    output: &SharedOutput,
    ends: bool,
) -> Result<()> {
    let runtime = run.runtime;
    if let Destination::File(_) = run.output.destination {
        let (mode, state_dir) = (question.file_mode.unwrap_or(FILE_MODE), run.session.state_dir()?);
        output.open(&NewFile { mode, overwrite: question.overwrite, state_dir })?;
    }
    let batches = run.unsaved_batches()?;
    let ends = ends && batches.is_none();
    let report = run.report(None, None);
    if question.range.since > DateTime::<Utc>::MIN_UTC {
        report.progress.borrow_mut().set_range(question.range.since, question.until);
    }
    let data_output = if output.is_stdout() { DataOutput::of_stdout() } else { DataOutput::File };
    let OpenSource { readers, reuse, accounts } = run.session.open(runtime, &question.range, run.output)?;
    let speaker = Speaker::new(run.number, run.plan.context.clone(), accounts);
    let selector = Selector::new(&run.plan.filter, &run.plan.context.redaction);
    let detection = run.plan.detect.as_ref().map(|detect| Detection::new(detect, runtime, &[]));
    let mut consumer = UnsavedConsumer::new(output, &report, reuse, selector, speaker, data_output)
        .with_detection(detection, false)
        .with_batches(batches);
    let Question { limit, newest, by_time, reverse, .. } = *question;
    consumer.select(Selection { limit, newest, by_time, reverse });
    let interrupts = Interrupts::default();
    let mut engine = Engine::new(runtime, &interrupts, readers);
    let read = engine.run(Order::Timeline(question.range), Until::CaughtUp, &mut consumer);
    drop(engine);
    // The events may go to the same terminal.
    report.progress.borrow_mut().clear();
    let written = read.and_then(|end| {
        // Even after a failure the output is completed: an array is closed, a last line ended.
        consumer.release()?;
        consumer.tell_hits(true)?;
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
    let is_done = conclude(run.session, run.output, &report, end);
    let failed = report.failures.get();
    if matches!(run.output.destination, Destination::File(_)) && (failed > 0 || end == PhaseEnd::Stopped) {
        // A file under its final name counts as complete.
        output.discard();
        log::warn!(
            "{} was not written, because not everything could be read",
            run.output.destination.shown()
        );
        return Ok(());
    }
    if ends {
        output.publish()?;
        if let Some(shown) = output.shown().filter(|shown| shown.events > 1) {
            runtime.console.note(&shown.sentence(|time| run.session.settings().zone.show(time)));
        }
    }
    if let Destination::File(_) | Destination::Receivers(_) = run.output.destination {
        runtime.console.delivered(consumer.written(), &run.output.destination.shown(), None);
    }
    if is_done {
        run.tally.done();
    }
    Ok(())
}

/// Notes in the tally what went wrong with parts of a source; tells whether any part was read to its end, and no
/// signal came.
pub(super) fn conclude<S: QuestionSource>(
    session: &S,
    output: &PlannedOutput,
    report: &OutputReport<'_>,
    end: PhaseEnd,
) -> bool {
    let SourceEnd { broken, left_out, passed, unwanted, parts } = session.conclude(output);
    report.tally.passed(passed, unwanted);
    broken.into_iter().for_each(|failure| report.failed(failure));
    left_out.into_iter().for_each(|failure| report.tally.fail(failure));
    if end == PhaseEnd::Stopped {
        report.runtime.console.note("interrupted: the range was not read to its end");
        report.tally.fail(report.runtime.cancel.failure());
    }
    report.failures.get() < parts && end != PhaseEnd::Stopped
}

impl QuestionSource for Session {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn account_uuid(&self) -> Option<String> {
        Session::account_uuid(self)
    }

    fn host_name(&self) -> String {
        self.account.server.host_name().into()
    }

    fn intake_connections(&self, _: &Runtime) -> Result<IntakeConnections> {
        Ok(self.intake_connections.clone())
    }

    fn open(&self, runtime: &Runtime, range: &TimeRange, plan: &PlannedOutput) -> Result<OpenSource<'_>> {
        Ok(OpenSource {
            readers: readers(self, runtime, range, &plan.streams)?,
            reuse: Box::new(|page| self.client.reuse(page)),
            accounts: None,
        })
    }
}

/// The source of the streams' pages: windows read in parallel, or one cursor where the bounds of windows
/// cannot be relied on (v3 filters by insertion and says nothing of its bounds).
fn readers(
    session: &Session,
    runtime: &Runtime,
    range: &TimeRange,
    streams: &[Stream],
) -> Result<Vec<StreamReader>> {
    let (now, limit) = (runtime.clock.now(), session.settings.page_size);
    let client = session.client.clone();
    if session.settings.api != ApiVersion::V3 {
        let fetch: windows::Fetch = Arc::new(move |stream, request| client.page(stream, request));
        let (jobs, cancel) = (session.jobs(), &runtime.cancel);
        let pages = windows::start(fetch, streams, range, &runtime.clock, limit, jobs, cancel)?;
        return Ok(pages
            .into_iter()
            .map(|(stream, pages)| StreamReader::of_read_ahead(stream, pages))
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

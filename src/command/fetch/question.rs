//! A question: a time range, read once, as one timeline. Keeps no state and touches no saved position.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Outcome;
use super::lines::Lines;
use super::plan::Plan;
use super::profiles::Document;
use crate::api::client::Client;
use crate::api::endpoint::{ApiVersion, PageRequest};
use crate::cli::FetchArgs;
use crate::command::Invocation;
use crate::command::output::{Destination, FILE_MODE, Output};
use crate::command::session::Session;
use crate::console::Progress;
use crate::disk::{Disk, RealDisk};
use crate::encode::EventEncoder;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Stream};
use crate::output::Sink;
use crate::output::sink::replaced::ReplacedFile;
use crate::output::sink::stream::StreamSink;
use crate::page::Page;
use crate::source::cursor::CursorLoop;
use crate::source::dedup::Dedup;
use crate::source::merge::{MergeReader, StreamMerge};
use crate::source::prefetch::Prefetch;
use crate::source::sort::{self, EventSorter};
use crate::source::{PageSource, windows};

/// How many bytes are held before they are written in one piece.
const WRITE_AT: usize = 112 << 10;

/// The room for them: the last event of a piece does not fit exactly, and should not make it twice as large.
const ROOM: usize = 128 << 10;

/// Answers the question, output by output.
pub(super) fn run(
    invocation: &Invocation,
    session: &Session,
    args: &FetchArgs,
    plan: &Plan,
    mut document: Option<&mut Document>,
) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for output in &plan.form.outputs {
        match answer(invocation, session, args, plan, output, document.as_deref_mut()) {
            Ok(one) => {
                outcome.events += one.events;
                outcome.anything_done |= one.anything_done;
                outcome.failures.extend(one.failures);
            }
            Err(failure) => outcome.failures.push(failure),
        }
        if invocation.runtime.cancel.is_triggered() {
            break;
        }
    }
    Ok(outcome)
}

/// Answers it for one output.
fn answer(
    invocation: &Invocation,
    session: &Session,
    args: &FetchArgs,
    plan: &Plan,
    output: &Output,
    mut document: Option<&mut Document>,
) -> Result<Outcome> {
    let target = Target::open(args, session, &output.place)?;
    let ends = document.is_none();
    let (renderer, begins) = match &mut document {
        Some(document) => document.renderer(session, args, plan)?,
        None => (plan.form.renderer(&output.streams)?, true),
    };
    let mut progress = invocation.runtime.console.progress(true);
    progress.set_range(plan.range.since, plan.until);
    let mut writer = Writer {
        client: session.client.clone(),
        renderer,
        begins,
        ends,
        target,
        buffer: Vec::with_capacity(ROOM),
        lines: Lines::default(),
        // Rows on the same terminal and the progress line would get in each other's way.
        shares_terminal: invocation.stdout_is_terminal && output.place == Destination::Stdout,
        progress,
        limit: args.limit,
        written: 0,
        // What --limit, the limiter and the merge read ahead of need is no event of the answer.
        sorter: plan.by_time.then(|| {
            let newest = args.last.map(|n| usize::try_from(n).unwrap_or(usize::MAX));
            EventSorter::new(sort::BUDGET, newest, crate::disk::real::scratch)
        }),
    };
    let outcome = writer.read(invocation, session, plan, output);
    let Writer { target, written, renderer, .. } = writer;
    if let Some(document) = document {
        let is_closed = outcome.as_ref().err().is_some_and(|failure| failure.kind() == ErrorKind::ClosedPipe);
        document.keep(renderer, is_closed);
    }
    match outcome {
        // The reader of a pipe had enough: that is how `| head` ends, and no failure.
        Err(failure) if failure.kind() == ErrorKind::ClosedPipe => {
            Ok(Outcome { events: written, anything_done: true, failures: Vec::new() })
        }
        Err(failure) => Err(failure),
        Ok(failures) => {
            let done = failures.len() < output.streams.len();
            if let Target::File(file) = target {
                if failures.is_empty() {
                    file.finish()?;
                } else {
                    // A file under its final name is taken for whole.
                    drop(file);
                    log::warn!(
                        "{} was not written, because not every stream could be read",
                        output.place.shown()
                    );
                    return Ok(Outcome { events: 0, anything_done: false, failures });
                }
            }
            Ok(Outcome { events: written, anything_done: done, failures })
        }
    }
}

/// Where the answer goes.
enum Target {
    Stream(StreamSink),
    File(ReplacedFile),
}

impl Target {
    fn open(args: &FetchArgs, session: &Session, place: &Destination) -> Result<Target> {
        match place {
            Destination::Stdout => StreamSink::stdout().map(Target::Stream),
            Destination::Device(path) => StreamSink::at(&RealDisk, path).map(Target::Stream),
            Destination::File(path) => {
                let disk: Arc<dyn Disk> = Arc::new(RealDisk);
                let mode = args.file_mode.unwrap_or(FILE_MODE);
                let state = session.settings.state_dir()?;
                ReplacedFile::create(&disk, path, mode, args.overwrite, state).map(Target::File)
            }
        }
    }

    fn sink(&mut self) -> &mut dyn Sink {
        match self {
            Target::Stream(sink) => sink,
            Target::File(sink) => sink,
        }
    }
}

/// Takes the timeline's events to the output.
struct Writer {
    client: Client,
    renderer: EventEncoder,
    /// Whether the output's frame begins and ends with these events.
    begins: bool,
    ends: bool,
    target: Target,
    /// What was rendered, or is a line already, and was not written yet; never both.
    buffer: Vec<u8>,
    lines: Lines,
    shares_terminal: bool,
    progress: Progress,
    limit: Option<u64>,
    written: u64,
    sorter: Option<EventSorter>,
}

impl Writer {
    /// Reads everything; gives the failures of single streams.
    fn read(
        &mut self,
        invocation: &Invocation,
        session: &Session,
        plan: &Plan,
        output: &Output,
    ) -> Result<Vec<Error>> {
        let mut timeline = StreamMerge::new(plan.range);
        for (stream, pages) in sources(invocation, session, plan, &output.streams)? {
            timeline.add(stream, pages);
        }
        let read = self.write_all(&mut timeline);
        // However it went, what is on its way is made whole: an array is closed, a last line ended.
        if read.as_ref().err().is_none_or(|f| matches!(f.kind(), ErrorKind::Interrupted(_))) {
            if self.ends {
                self.renderer.end(&mut self.buffer);
            }
            self.flush()?;
            if read.is_ok() {
                self.target.sink().sync()?;
            }
        }
        self.progress.clear();
        read?;
        Ok(timeline.endings().into_iter().filter_map(|ending| ending.failure).collect())
    }

    fn write_all<S: PageSource>(&mut self, timeline: &mut StreamMerge<S>) -> Result<()> {
        if self.begins {
            self.renderer.begin(&mut self.buffer);
        }
        timeline.run(self)?;
        if let Some(sorter) = self.sorter.take() {
            sorter.drain(|event, received_at| self.emit(event, received_at))?;
        }
        Ok(())
    }

    /// Writes an event; false when there are enough.
    fn emit(&mut self, event: &Event<'_>, received_at: DateTime<Utc>) -> Result<bool> {
        if self.has_enough() {
            return Ok(false);
        }
        if !self.lines.is_empty() {
            self.flush()?;
        }
        self.renderer.event(event, received_at, &mut self.buffer);
        self.count(self.buffer.len())
    }

    /// Writes a line of a page as it is; false when there are enough.
    fn emit_line(&mut self, page: &Rc<Page>, line: Range<usize>) -> Result<bool> {
        if self.has_enough() {
            return Ok(false);
        }
        if !self.buffer.is_empty() {
            self.flush()?;
        }
        self.lines.push(page, line);
        self.count(self.lines.bytes())
    }

    /// One more was taken, and so many bytes wait.
    fn count(&mut self, waiting: usize) -> Result<bool> {
        self.written += 1;
        if waiting >= WRITE_AT {
            self.flush()?;
        }
        Ok(!self.has_enough())
    }

    fn has_enough(&self) -> bool {
        self.limit.is_some_and(|limit| self.written >= limit)
    }

    fn flush(&mut self) -> Result<()> {
        if self.buffer.is_empty() && self.lines.is_empty() {
            return Ok(());
        }
        if self.shares_terminal {
            self.progress.clear();
        }
        self.lines.write_to(self.target.sink())?;
        self.target.sink().write(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }
}

/// Where the pages of the streams come from: windows read side by side, or one cursor after another where
/// the API has no windows that can be trusted (v3 filters by insertion and says nothing of its bounds).
fn sources(
    invocation: &Invocation,
    session: &Session,
    plan: &Plan,
    streams: &[Stream],
) -> Result<Vec<(Stream, Box<dyn PageSource>)>> {
    let (now, page_size) = (invocation.runtime.clock.now(), session.settings.page_size);
    let client = session.client.clone();
    if session.settings.api != ApiVersion::V3 {
        let fetch: windows::Fetch = Arc::new(move |stream, ask| client.page(stream, ask));
        let jobs = session.jobs();
        let (range, cancel) = (&plan.range, &invocation.runtime.cancel);
        let lanes =
            windows::start(fetch, streams, range, &invocation.runtime.clock, page_size, jobs, cancel)?;
        return Ok(lanes.into_iter().map(|(stream, lane)| (stream, Box::new(lane) as _)).collect());
    }
    let since = Some(plan.range.asked_since());
    let ask = PageRequest::First { limit: page_size, since, until: plan.range.asked_until(now) };
    let mut sources: Vec<(Stream, Box<dyn PageSource>)> = Vec::new();
    for &stream in streams {
        let client = client.clone();
        let pages = Dedup::new(CursorLoop::new(stream, ask.clone(), move |ask| client.page(stream, ask)));
        sources.push((stream, Box::new(Prefetch::start(stream, invocation.runtime.cancel.clone(), pages)?)));
    }
    Ok(sources)
}

impl MergeReader for Writer {
    fn waiting(&mut self) -> Result<()> {
        // The header of a table waits for its first row, so that progress can be shown until then.
        if self.written > 0 { self.flush() } else { Ok(()) }
    }

    fn page(&mut self, page: &Page) {
        self.progress.page(page.len(), page.events().filter_map(|event| event.time).max());
    }

    fn done(&mut self, page: Rc<Page>) -> Result<()> {
        if !self.lines.is_empty() {
            self.flush()?;
        }
        // Nobody else has it now.
        if let Some(page) = Rc::into_inner(page) {
            self.client.reuse(page);
        }
        Ok(())
    }

    fn event(&mut self, page: &Rc<Page>, index: usize) -> Result<bool> {
        if let Some(sorter) = &mut self.sorter {
            return sorter.push(&page.event_at(index), page.received_at).map(|()| true);
        }
        match page.line_at(index) {
            Some(line) if self.renderer.is_verbatim() => self.emit_line(page, line),
            _ => self.emit(&page.event_at(index), page.received_at),
        }
    }
}

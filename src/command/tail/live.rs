//! The stateless tail: the last events as one timeline, then new ones as they come.
//!
//! What is shown first and what follows is read with the same cursors, so that nothing lies between; what
//! a page repeats is dropped. A stream that does not answer soon comes in later, and holds nobody.

use std::rc::Rc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::Run;
use super::lanes::{Lane, Turn};
use super::newest::Newest;
use crate::api::endpoint::PageRequest;
use crate::command::output::{Destination, names};
use crate::config;
use crate::encode::EventEncoder;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::health::{About, CollectorState, Reporter, Work};
use crate::output::sink::stream::StreamSink;
use crate::page::Page;
use crate::source::PageSource;
use crate::source::dedup::Dedup;
use crate::source::follow::{Follow, FollowFrom};
use crate::source::merge::{MergeReader, StreamMerge};
use crate::source::range::TimeRange;

/// How many events are shown first, unless `-n` says otherwise.
const LINES: u64 = 10;

/// How far is looked back for them, one after the other.
const LOOK_BACK: [TimeDelta; 3] = [TimeDelta::hours(1), TimeDelta::hours(24), TimeDelta::days(7)];

/// How much further back the service is asked: its cursors may keep to the time that they began with, and
/// an event that comes in late is to be seen too.
const LATE: TimeDelta = TimeDelta::hours(3);

/// How long the others wait for a stream before they are shown without it.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many events of a stream are known again, should a refused cursor bring them once more.
const REMEMBERED: usize = 100_000;

/// How many bytes are held before they are written in one piece.
const WRITE_AT: usize = 64 << 10;

/// Follows a profile without keeping state.
pub(super) fn run(run: &Run<'_>) -> Result<()> {
    let mut view = View::new(run)?;
    if !run.form.to_terminal && run.index == 0 {
        let over = run.shared.over.clone();
        StreamSink::when_reader_leaves(move || over.trigger(0));
    }
    let outcome = view.begin().and_then(|lanes| view.follow(lanes));
    match outcome {
        // The reader had enough: that is how `| head` ends.
        Err(failure) if failure.kind() == ErrorKind::ClosedPipe => {
            run.done();
            run.shared.over.trigger(0);
            Ok(())
        }
        outcome => outcome,
    }
}

/// Takes one profile's events to the screen.
struct View<'r> {
    run: &'r Run<'r>,
    renderer: EventEncoder,
    buffer: Vec<u8>,
    /// How many events are shown first; none when all since a time are.
    lines: Option<u64>,
    /// The last events of the look back under way.
    newest: Option<Newest>,
    /// What is looked back for.
    range: TimeRange,
    /// The streams that have not been read to their end yet, with their own last events.
    late: Vec<(Stream, Option<Newest>)>,
}

impl<'r> View<'r> {
    fn new(run: &'r Run<'r>) -> Result<Self> {
        let args = run.shared.args;
        if run.form.outputs.iter().any(|output| matches!(output.place, Destination::File(_))) {
            return Err(Error::new(ErrorKind::Usage, "-o FILE needs --resume, which manages the file")
                .hint("add --resume, or write to the file with > FILE"));
        }
        // Columns that are the same for every profile, where nothing names the streams.
        let streams =
            if args.all_profiles && args.streams.is_empty() { &Stream::ALL[..] } else { &run.streams };
        let about = About { profile: &run.session.settings.profile, consumer: "stdout", work: Work::Tail };
        let clock = run.shared.invocation.runtime.clock.clone();
        let health = Reporter::new(about, &run.streams, clock, run.shared.feed.clone());
        health.state_all(CollectorState::Started);
        health.state_all(CollectorState::Initialized);
        run.watch.report_to(health, &run.streams);
        Ok(View {
            renderer: run.form.renderer(streams)?,
            run,
            buffer: Vec::new(),
            lines: args.lines.or(args.since.is_none().then_some(LINES)),
            newest: None,
            range: TimeRange { since: DateTime::<Utc>::MIN_UTC, until: None, late: TimeDelta::zero() },
            late: Vec::new(),
        })
    }

    /// Shows what comes first; gives the streams on their way.
    fn begin(&mut self) -> Result<Vec<Lane>> {
        let (invocation, typed) = (self.run.shared.invocation, &self.run.shared.args.since);
        let now = invocation.runtime.clock.now();
        let looks_back = match typed {
            Some(since) => {
                let zone = &self.run.session.settings.zone;
                let decided = config::ResolvedRange::decide(Some(since), None, now, zone)?;
                decided.warnings.iter().for_each(|warning| log::warn!("{warning}"));
                vec![decided.since]
            }
            None if self.lines == Some(0) => vec![now],
            None => LOOK_BACK.map(|back| now - back).to_vec(),
        };
        let mut lanes = Vec::new();
        for &since in &looks_back {
            // Those of the shorter look back end first: a stream is never asked twice at a time.
            drop(std::mem::take(&mut lanes));
            self.range.since = since;
            self.newest = self.lines.filter(|lines| *lines > 0).map(Newest::new);
            let is_whole;
            (lanes, is_whole) = self.gather()?;
            if !is_whole || lanes.is_empty() || self.newest.as_ref().is_none_or(Newest::is_full) {
                break;
            }
        }
        if let Some(newest) = self.newest.as_ref().filter(|newest| !newest.is_full() && typed.is_none()) {
            invocation.runtime.console.note(&format!("only {} events in the last 7 days", newest.len()));
        }
        self.show_newest()?;
        Ok(lanes)
    }

    /// Starts every stream at a time; one that cannot be started fails alone.
    fn start(&self, since: DateTime<Utc>) -> Vec<Lane> {
        let start = |&stream| {
            let client = self.run.session.client.clone();
            let origin = FollowFrom { limit: self.run.session.settings.page_size, since: Some(since) };
            let first = PageRequest::First { limit: origin.limit, since: origin.since, until: None };
            let lane = Lane::start(self.run, stream, 0, |schedule| {
                let ask = move |ask: &PageRequest| client.page(stream, ask);
                let follow = Follow::new(stream, first, origin, schedule, ask).restarting();
                Dedup::remembering(REMEMBERED, follow)
            });
            lane.map_err(|failure| self.run.fail(failure)).ok()
        };
        self.run.streams.iter().filter_map(start).collect()
    }

    /// Reads the range to the end of what there is, as one timeline; says whether no stream was late.
    fn gather(&mut self) -> Result<(Vec<Lane>, bool)> {
        let mut lanes = self.start(self.range.asked_since() - LATE);
        let run = self.run;
        let mut timeline = StreamMerge::new(self.range);
        for lane in &mut lanes {
            timeline.add(lane.stream, Patient { run, lane });
        }
        timeline.run(self)?;
        let failures: Vec<_> = timeline.endings().into_iter().filter_map(|ending| ending.failure).collect();
        drop(timeline);
        for failure in failures {
            lanes.retain(|lane| Some(lane.stream) != failure.stream());
            run.fail(failure);
        }
        let late = lanes.iter().filter(|lane| !lane.is_caught_up);
        self.late = late.map(|lane| (lane.stream, self.lines.map(Newest::new))).collect();
        let is_whole = lanes.iter().all(|lane| lane.is_caught_up);
        Ok((lanes, is_whole))
    }

    /// Shows events as they come, until the end.
    fn follow(&mut self, mut lanes: Vec<Lane>) -> Result<()> {
        let run = self.run;
        if !run.shared.args.no_follow && !lanes.is_empty() && !run.shared.names_profiles {
            let streams: Vec<_> = lanes.iter().map(|lane| lane.stream).collect();
            run.shared
                .invocation
                .runtime
                .console
                .note(&format!("following {}; Ctrl-C ends", names(&streams)));
        }
        loop {
            if run.shared.args.no_follow {
                let before = lanes.len();
                lanes.retain(|lane| !lane.is_caught_up);
                if lanes.len() < before {
                    run.done();
                }
            }
            if lanes.is_empty() {
                return Ok(());
            }
            match run.turn(&mut lanes) {
                Turn::Page(index, page) => {
                    self.show(&page, lanes[index].is_caught_up)?;
                    run.delivered(&page, page.len() as u64);
                }
                Turn::Failed(index, failure) => {
                    let stream = lanes.remove(index).stream;
                    run.fail(failure.on_stream(stream));
                }
                Turn::Reopen | Turn::Quiet => {}
                Turn::Over => break,
                Turn::Stopped => {
                    run.fail(run.shared.invocation.runtime.cancel.failure());
                    break;
                }
            }
        }
        run.done();
        for lane in &lanes {
            run.watch.report(lane.stream, |reporter| reporter.state(lane.stream, CollectorState::Stopping));
        }
        Ok(())
    }

    /// Shows a page; of a stream that was late, what the others' look back would have shown.
    fn show(&mut self, page: &Page, is_caught_up: bool) -> Result<()> {
        let late = self.late.iter().position(|(stream, _)| *stream == page.stream);
        for event in page.events() {
            match late.map(|at| &mut self.late[at].1) {
                Some(_) if !self.range.holds(&event) => {}
                Some(Some(newest)) => newest.push(&event, page.received_at),
                Some(None) | None => self.renderer.event(&event, page.received_at, &mut self.buffer),
            }
        }
        if let Some(at) = late.filter(|_| is_caught_up) {
            self.newest = self.late.swap_remove(at).1;
        }
        self.show_newest()
    }

    fn show_newest(&mut self) -> Result<()> {
        for (event, received_at) in self.newest.take().iter().flat_map(Newest::events) {
            self.renderer.event(&event, received_at, &mut self.buffer);
        }
        self.flush()
    }

    /// Writes what is held back. Rows go out as they come: nothing waits for a buffer to fill.
    fn flush(&mut self) -> Result<()> {
        let form = &self.run.form;
        let renderer = &mut self.renderer;
        let begin = |out: &mut Vec<u8>| renderer.begin(out);
        let written =
            self.run.shared.screen.write(&self.buffer, begin, form.look.colour, &form.outputs[0].place);
        self.buffer.clear();
        written
    }
}

impl MergeReader for View<'_> {
    fn waiting(&mut self) -> Result<()> {
        self.flush()
    }

    fn page(&mut self, page: &Page) {
        self.run.delivered(page, page.len() as u64);
    }

    fn event(&mut self, page: &Rc<Page>, index: usize) -> Result<bool> {
        let event = page.event_at(index);
        match &mut self.newest {
            Some(newest) => newest.push(&event, page.received_at),
            None => {
                self.renderer.event(&event, page.received_at, &mut self.buffer);
                if self.buffer.len() >= WRITE_AT {
                    self.flush()?;
                }
            }
        }
        Ok(true)
    }
}

/// A stream up to its first end, or for as long as patience lasts.
struct Patient<'l> {
    run: &'l Run<'l>,
    lane: &'l mut Lane,
}

impl PageSource for Patient<'_> {
    fn next_page(&mut self) -> Result<Option<Page>> {
        self.run.alive();
        if self.lane.is_caught_up {
            return Ok(None);
        }
        self.lane.page_within(PATIENCE, &self.run.shared.invocation.runtime.cancel)
    }
}

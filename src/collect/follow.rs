//! Tail without a saved position: the newest events as one timeline, then new ones as they arrive.
//!
//! Both parts are read with the same cursors, so that no event is missed between them; repeated events are
//! dropped. A stream that does not answer soon is shown later and does not delay the others.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::detection::Detection;
use super::engine::{Engine, Order, PhaseEnd, Until};
use super::plan::{Destination, names};
use super::reader::StreamReader;
use super::selector::Selector;
use super::shared_output::SharedOutput;
use super::speaker::Speaker;
use super::unsaved::{Selection, UnsavedConsumer};
use super::{FollowOptions, OutputRun};
use crate::api::endpoint::PageRequest;
use crate::cancel::Cancel;
use crate::console::DataOutput;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::health::{CollectorIdentity, CollectorState, HealthFeed, HealthReporter, RunMode};
use crate::output::sink::stream::StreamSink;
use crate::source::cursor::{CursorLoop, FollowFrom};
use crate::source::dedup::Dedup;
use crate::source::range::TimeRange;

/// How many events are shown first by default.
const LINES: u64 = 10;

/// How far to look back for them; the next one is tried where too few were found.
const LOOK_BACK: [TimeDelta; 3] = [TimeDelta::hours(1), TimeDelta::hours(24), TimeDelta::days(7)];

/// How much further back the service is asked: its cursors may keep their start time, and events that arrive
/// late must be found too.
const LATE: TimeDelta = TimeDelta::hours(3);

/// How long to wait for a slow stream before the others are shown without it.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many events of a stream are remembered, to drop repeats after a refused cursor.
const REMEMBERED: usize = 100_000;

/// What is shown first.
#[derive(Clone, Debug)]
pub struct ShowFirst {
    /// The start time; none looks back for the newest events.
    pub since: Option<DateTime<Utc>>,
    /// How many events, where that was typed.
    pub lines: Option<u64>,
    /// Where the changes of streams' states are written.
    pub feed: HealthFeed,
}

/// Follows a profile without a saved position.
///
/// # Errors
/// Fails where nothing can be written, and when the deadline passes. Failures of single streams are in the
/// run's tally.
pub fn show(
    run: &OutputRun<'_>,
    first: &ShowFirst,
    follow: &FollowOptions,
    output: &SharedOutput,
) -> Result<()> {
    if matches!(run.output.destination, Destination::File(_)) {
        return Err(Error::new(ErrorKind::Usage, "-o FILE needs --resume, which manages the file")
            .hint("add --resume, or write to the file with > FILE"));
    }
    let is_delivery = matches!(run.output.destination, Destination::Receivers(_));
    if !run.plan.to_terminal && !is_delivery && run.number == 0 {
        let over = follow.over.clone();
        StreamSink::when_reader_leaves(move || over.trigger(0));
    }
    match follow_profile(run, first, follow, output) {
        // The reader closed the pipe, as `| head` does: not a failure.
        Err(failure) if failure.kind() == ErrorKind::ClosedPipe => {
            run.tally.done();
            follow.over.trigger(0);
            Ok(())
        }
        outcome => outcome,
    }
}

fn follow_profile(
    run: &OutputRun<'_>,
    first: &ShowFirst,
    follow: &FollowOptions,
    output: &SharedOutput,
) -> Result<()> {
    let streams = &run.output.streams;
    let health = reporter(run, first);
    follow.monitor.report_to(health.clone(), streams);
    run.output.destination.report_to(&health);
    let report = run.report(Some(health), Some(follow));
    let interrupts = follow.interrupts();
    let speaker = Speaker::new(run.number, run.plan.context.clone(), None);
    let selector = Selector::new(&run.plan.filter, &run.plan.context.redaction);
    let reuse = Box::new(|page| run.session.client.reuse(page));
    let detection = run.plan.detect.as_ref().map(|detect| Detection::new(detect, run.runtime, streams));
    let mut consumer = UnsavedConsumer::new(output, &report, reuse, selector, speaker, DataOutput::File)
        .with_detection(detection, true)
        .with_batches(run.unsaved_batches()?);
    let lines = first.lines.or(first.since.is_none().then_some(LINES)).filter(|lines| *lines > 0);

    let now = run.runtime.clock.now();
    let starts = match (first.since, first.lines) {
        (Some(since), _) => vec![since],
        (None, Some(0)) => vec![now],
        (None, _) => LOOK_BACK.map(|back| now - back).to_vec(),
    };
    let mut engine = Engine::new(run.runtime, &interrupts, Vec::new());
    let mut range = TimeRange { since: now, until: None, late: TimeDelta::zero() };
    let mut end = PhaseEnd::Done;
    for since in starts {
        // The readers of the shorter look-back end first: a stream has one request at a time.
        engine.readers.clear();
        range.since = since;
        engine.readers = readers(run, follow, range.asked_since() - LATE, &|failure| report.failed(failure));
        consumer.select(Selection { newest: lines, ..Selection::default() });
        end = engine.run(Order::Timeline(range), Until::LookedBack(PATIENCE), &mut consumer)?;
        let is_whole = engine.readers.iter().all(StreamReader::has_reached_its_end);
        let is_full = lines.is_none_or(|lines| consumer.held() >= lines);
        if end != PhaseEnd::Done || !is_whole || engine.readers.is_empty() || is_full {
            break;
        }
    }
    if end == PhaseEnd::Done {
        tell_how_many(run, first, lines, consumer.held());
        consumer.release()?;
        let late = engine.readers.iter().filter(|reader| !reader.has_reached_its_end());
        consumer.expect_late(&late.map(|reader| reader.stream).collect::<Vec<_>>(), range, lines);
        if !follow.no_follow && !engine.readers.is_empty() && !run.names_profile {
            let streams: Vec<Stream> = engine.readers.iter().map(|reader| reader.stream).collect();
            run.runtime.console.note(&format!("following {}; Ctrl-C ends", names(&streams)));
        }
        let until = if follow.no_follow { Until::CaughtUp } else { Until::Forever };
        let began = engine.readers.len();
        end = engine.run(Order::Arrival, until, &mut consumer)?;
        consumer.release()?;
        consumer.tell_hits(true)?;
        let followed: Vec<Stream> = engine.readers.iter().map(|reader| reader.stream).collect();
        report.stopping(&followed);
        if !followed.is_empty() || (follow.no_follow && report.failures.get() < streams.len() && began > 0) {
            run.tally.done();
        }
    } else {
        // A signal or the end of the time came while it was still looking back.
        report.stopping(&engine.readers.iter().map(|reader| reader.stream).collect::<Vec<_>>());
    }
    if end == PhaseEnd::Stopped {
        run.tally.fail(run.runtime.cancel.failure());
    }
    Ok(())
}

fn tell_how_many(run: &OutputRun<'_>, first: &ShowFirst, lines: Option<u64>, held: u64) {
    if first.since.is_none() && lines.is_some_and(|lines| held < lines) {
        let which = if run.plan.filter.is_empty() { "events" } else { "events that are wanted" };
        run.runtime.console.note(&format!("only {held} {which} in the last 7 days"));
    }
}

/// Starts every stream; one that cannot be started does not stop the others.
fn readers(
    run: &OutputRun<'_>,
    follow: &FollowOptions,
    since: DateTime<Utc>,
    failed: &dyn Fn(Error),
) -> Vec<StreamReader> {
    let start = |&stream: &Stream| {
        let client = run.session.client.clone();
        let from = FollowFrom { limit: run.session.settings.page_size, since: Some(since) };
        let first = PageRequest::First { limit: from.limit, since: from.since, until: None };
        let stop = Cancel::new();
        let pages = CursorLoop::new(stream, first, move |request: &_| client.page(stream, request))
            .following(from, follow.schedule(run, stream, stop.clone()))
            .restarting();
        let reader = StreamReader::on_thread(stream, stop, Dedup::remembering(REMEMBERED, pages));
        reader.map_err(failed).ok()
    };
    run.output.streams.iter().filter_map(start).collect()
}

/// A reporter for the health feed; without a saved position there is no health file.
fn reporter(run: &OutputRun<'_>, first: &ShowFirst) -> HealthReporter {
    let who =
        CollectorIdentity { profile: &run.session.settings.profile, consumer: "stdout", work: RunMode::Tail };
    let clock = run.runtime.clock.clone();
    let health = HealthReporter::new(who, &run.output.streams, clock, first.feed.clone());
    health.state_all(CollectorState::Started);
    health.state_all(CollectorState::Initialized);
    health
}

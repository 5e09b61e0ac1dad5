//! A resumed run: from the saved position to the end of what there is, saving as it delivers.
//!
//! Streams are read side by side and delivered in an order that only depends on what was delivered
//! before, so that a run that was killed and started again writes the bytes of one that was not (P4).

use std::sync::Arc;

use super::Outcome;
use super::plan::{Output, Place, Plan};
use crate::cli::FetchArgs;
use crate::command::Process;
use crate::command::position::{self, Asker, Beginning};
use crate::command::session::Session;
use crate::console::Progress;
use crate::deliver::sink::stream::StreamSink;
use crate::deliver::{Pipeline, Target, Terms};
use crate::disk::RealDisk;
use crate::event::Stream;
use crate::failure::{Failure, Kind, Result};
use crate::health::{About, Feed, Reporter, State, Work};
use crate::page::Page;
use crate::render::Format;
use crate::stream::PageSource as _;
use crate::stream::cursor::CursorLoop;
use crate::stream::prefetch::Prefetch;

/// Delivers everything that is new, output by output.
pub(super) fn run(process: &Process, session: &Session, args: &FetchArgs, plan: &Plan) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for output in &plan.outputs {
        if let Err(failure) = deliver(process, session, args, plan, output, &mut outcome) {
            outcome.failures.push(failure);
        }
        if process.cancel.is_triggered() {
            break;
        }
    }
    Ok(outcome)
}

/// A stream on its way.
struct Lane {
    stream: Stream,
    pages: Prefetch,
}

/// Delivers what is new to one output; failures of single streams go into `outcome`.
fn deliver(
    process: &Process,
    session: &Session,
    args: &FetchArgs,
    plan: &Plan,
    output: &Output,
    outcome: &mut Outcome,
) -> Result<()> {
    if plan.format == Format::Table && matches!(output.place, Place::File(_)) {
        return Err(Failure::new(Kind::Usage, "tables cannot be written with --resume -o")
            .hint("use --format ndjson or csv"));
    }
    let mut pipeline = open(process, session, args, plan, output)?;
    let health = reporter(process, session, &pipeline, &output.streams);
    let mut renderer = plan.renderer(&output.streams)?;
    let mut progress = process.console.progress(!process.stdout_is_terminal);
    let mut lanes = Vec::new();
    for &stream in &output.streams {
        match lane(process, session, args, plan, &pipeline, stream) {
            Ok(lane) => lanes.push(lane),
            Err(failure) => {
                health.failed(stream, &failure);
                outcome.failures.push(failure.on_stream(stream));
            }
        }
    }
    let mut broken = None;
    while let Some(index) = next_lane(&lanes, &pipeline) {
        let lane = &mut lanes[index];
        match lane.pages.next_page() {
            Ok(Some(page)) => match pipeline.deliver(&page, &mut renderer) {
                Ok(delivered) => {
                    outcome.events += delivered.events;
                    health.polled(page.stream, page.received_at, delivered.events);
                    note_page(&mut progress, &page);
                }
                Err(failure) => {
                    health.failed(page.stream, &failure);
                    broken = Some(failure);
                    break;
                }
            },
            Ok(None) => {
                outcome.anything_done = true;
                lanes.remove(index);
            }
            Err(failure) => {
                let stopped = matches!(failure.kind(), Kind::Interrupted(_));
                health.failed(lane.stream, &failure);
                outcome.failures.push(failure);
                if stopped {
                    break;
                }
                lanes.remove(index);
            }
        }
    }
    progress.clear();
    health.state_all(State::Stopping);
    match broken {
        // Nothing is saved after a failed write: the next run delivers that page again.
        Some(failure) => Err(failure),
        None => pipeline.finish(),
    }
}

/// Tells `opev status` about this run, beside the position whose lock it holds.
fn reporter(process: &Process, session: &Session, pipeline: &Pipeline, streams: &[Stream]) -> Reporter {
    let about =
        About { profile: &session.settings.profile, consumer: pipeline.consumer(), work: Work::Fetch };
    let health = Reporter::new(about, streams, Arc::clone(&process.clock), Feed::nowhere());
    health.keep_at(Arc::new(RealDisk), pipeline.place());
    health.state_all(State::Initialized);
    health
}

/// Opens the position's pipeline into the output.
fn open(
    process: &Process,
    session: &Session,
    args: &FetchArgs,
    plan: &Plan,
    output: &Output,
) -> Result<Pipeline> {
    let terms = Terms {
        account: session.account_uuid(),
        host: session.account.server.host(),
        api: session.settings.api.name().into(),
        shape: plan.shape.name().into(),
        format: plan.format.name().into(),
        fields: plan.fields.iter().map(ToString::to_string).collect(),
    };
    position::open(process, session, terms, args.lock_wait, || {
        let consumer = args.consumer.clone().unwrap_or_else(|| "stdout".into());
        Ok(match &output.place {
            Place::Stdout => Target::Stream { consumer, sink: Box::new(StreamSink::stdout()?) },
            Place::Device(path) => {
                let consumer = args.consumer.clone().unwrap_or_else(|| path.to_string_lossy().into_owned());
                Target::Stream { consumer, sink: Box::new(StreamSink::at(&RealDisk, path)?) }
            }
            Place::File(path) => {
                Target::File { path: path.clone(), mode: args.file_mode.unwrap_or(super::FILE_MODE) }
            }
        })
    })
}

/// The stream to deliver next: the one of which least was delivered so far, over all runs.
fn next_lane(lanes: &[Lane], pipeline: &Pipeline) -> Option<usize> {
    let delivered = |stream| pipeline.position(stream).map_or(0, |position| position.delivered);
    (0..lanes.len()).min_by_key(|&index| (delivered(lanes[index].stream), lanes[index].stream))
}

/// Starts reading a stream where it was left.
fn lane(
    process: &Process,
    session: &Session,
    args: &FetchArgs,
    plan: &Plan,
    pipeline: &Pipeline,
    stream: Stream,
) -> Result<Lane> {
    let position = pipeline.position(stream);
    let beginning = Beginning { since: plan.range.since, is_typed: args.since.is_some() };
    let ask = position::first_ask(process, session, stream, position, beginning, args.accept_gap)?;
    let mut asker = Asker::new(process, session, stream, position.cloned(), args.accept_gap);
    let pages = CursorLoop::new(stream, ask, move |ask| asker.ask(ask));
    Ok(Lane { stream, pages: Prefetch::start(stream, process.cancel.clone(), pages)? })
}

fn note_page(progress: &mut Progress, page: &Page) {
    progress.page(page.len(), page.events().filter_map(|event| event.time).max());
}

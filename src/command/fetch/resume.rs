//! A resumed run: from the saved position to the end of what there is, saving as it delivers.
//!
//! Streams are read side by side and delivered in an order that only depends on what was delivered
//! before, so that a run that was killed and started again writes the bytes of one that was not (P4).

use super::Outcome;
use super::plan::{self, Plan};
use crate::cli::FetchArgs;
use crate::command::Invocation;
use crate::command::output::Output;
use crate::command::position::{self, ResumingFetcher, StartAt};
use crate::command::session::Session;
use crate::console::Progress;
use crate::error::{ErrorKind, Result};
use crate::event::Stream;
use crate::health::{CollectorState, HealthFeed, RunMode};
use crate::output::CheckpointedOutput;
use crate::page::Page;
use crate::source::PageSource as _;
use crate::source::cursor::CursorLoop;
use crate::source::prefetch::Prefetch;

/// Delivers everything that is new, output by output.
pub(super) fn run(
    invocation: &Invocation,
    session: &Session,
    args: &FetchArgs,
    plan: &Plan,
) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    for output in &plan.form.outputs {
        if let Err(failure) = deliver(invocation, session, args, plan, output, &mut outcome) {
            outcome.failures.push(failure);
        }
        if invocation.runtime.cancel.is_triggered() {
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
    invocation: &Invocation,
    session: &Session,
    args: &FetchArgs,
    plan: &Plan,
    output: &Output,
    outcome: &mut Outcome,
) -> Result<()> {
    let mut pipeline = plan.form.open_position(invocation, session, output, &plan::saving(args))?;
    let health = position::reporter(
        invocation,
        session,
        &pipeline,
        &output.streams,
        RunMode::Fetch,
        HealthFeed::nowhere(),
    );
    let mut renderer = plan.form.renderer(&output.streams)?;
    let mut progress = invocation.runtime.console.progress(!invocation.stdout_is_terminal);
    let mut lanes = Vec::new();
    for &stream in &output.streams {
        match lane(invocation, session, args, plan, &pipeline, stream) {
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
                let stopped = matches!(failure.kind(), ErrorKind::Interrupted(_));
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
    health.state_all(CollectorState::Stopping);
    match broken {
        // Nothing is saved after a failed write: the next run delivers that page again.
        Some(failure) => Err(failure),
        None => pipeline.finish(),
    }
}

/// The stream to deliver next: the one of which least was delivered so far, over all runs.
fn next_lane(lanes: &[Lane], pipeline: &CheckpointedOutput) -> Option<usize> {
    let delivered = |stream| pipeline.position(stream).map_or(0, |position| position.delivered);
    (0..lanes.len()).min_by_key(|&index| (delivered(lanes[index].stream), lanes[index].stream))
}

/// Starts reading a stream where it was left.
fn lane(
    invocation: &Invocation,
    session: &Session,
    args: &FetchArgs,
    plan: &Plan,
    pipeline: &CheckpointedOutput,
    stream: Stream,
) -> Result<Lane> {
    let position = pipeline.position(stream);
    let beginning = StartAt { since: plan.range.since, is_typed: args.since.is_some() };
    let ask = position::first_ask(invocation, session, stream, position, beginning, args.accept_gap)?;
    let mut asker = ResumingFetcher::new(invocation, session, stream, position.cloned(), args.accept_gap);
    let pages = CursorLoop::new(stream, ask, move |ask| asker.ask(ask));
    Ok(Lane { stream, pages: Prefetch::start(stream, invocation.runtime.cancel.clone(), pages)? })
}

fn note_page(progress: &mut Progress, page: &Page) {
    progress.page(page.len(), page.events().filter_map(|event| event.time).max());
}

//! The tail as a service: from the saved position, for ever, saving as it delivers.
//!
//! Every output is a [`CheckpointedOutput`] of its own, which alone knows the commit order. Pages are delivered as
//! they arrive from any stream; one that fails for good, or an output that cannot be written, ends alone.

use super::lanes::{Lane, Turn};
use super::{Run, saving};
use crate::api::endpoint::PageRequest;
use crate::command::position::{self, ResumingFetcher, StartAt};
use crate::config;
use crate::encode::EventEncoder;
use crate::error::{Error, Result};
use crate::event::Stream;
use crate::health::{CollectorState, Work};
use crate::output::CheckpointedOutput;
use crate::page::Page;
use crate::source::follow::{Follow, FollowFrom};

/// One output at work.
struct Post {
    pipeline: CheckpointedOutput,
    renderer: EventEncoder,
}

/// Follows a profile from its saved positions.
pub(super) fn run(run: &Run<'_>) -> Result<()> {
    let (invocation, args) = (run.shared.invocation, run.shared.args);
    let zone = &run.session.settings.zone;
    let decided =
        config::ResolvedRange::decide(args.since.as_ref(), None, invocation.runtime.clock.now(), zone)?;
    decided.warnings.iter().for_each(|warning| log::warn!("{warning}"));
    let beginning = StartAt { since: decided.since, is_typed: args.since.is_some() };

    let mut service = Service { run, posts: Vec::new(), lanes: Vec::new() };
    for index in 0..run.form.outputs.len() {
        service.open(index, beginning);
    }
    service.follow();
    service.finish();
    Ok(())
}

struct Service<'r> {
    run: &'r Run<'r>,
    /// By the index of their output; none once it has failed.
    posts: Vec<Option<Post>>,
    lanes: Vec<Lane>,
}

impl Service<'_> {
    /// Opens an output and starts its streams.
    fn open(&mut self, index: usize, beginning: StartAt) {
        let run = self.run;
        let (invocation, session, output) = (run.shared.invocation, &run.session, &run.form.outputs[index]);
        let opened = run.form.open_position(invocation, session, output, &saving(run.shared.args));
        let post =
            opened.and_then(|pipeline| Ok(Post { pipeline, renderer: run.form.renderer(&output.streams)? }));
        let post = match post {
            Ok(post) => post,
            Err(failure) => {
                run.fail(failure);
                return self.posts.push(None);
            }
        };
        let (streams, feed) = (&output.streams, run.shared.feed.clone());
        let health = position::reporter(invocation, session, &post.pipeline, streams, Work::Tail, feed);
        run.watch.report_to(health, streams);
        for &stream in streams {
            match lane(run, index, &post.pipeline, stream, beginning) {
                Ok(lane) => self.lanes.push(lane),
                Err(failure) => run.fail(failure.on_stream(stream)),
            }
        }
        self.posts.push(Some(post));
    }

    fn follow(&mut self) {
        let run = self.run;
        while !self.lanes.is_empty() {
            match run.turn(&mut self.lanes) {
                Turn::Page(index, page) => self.deliver(index, &page),
                Turn::Failed(index, failure) => {
                    let stream = self.lanes.remove(index).stream;
                    run.fail(failure.on_stream(stream));
                }
                Turn::Reopen => self.reopen(),
                Turn::Quiet => {}
                Turn::Over => return,
                Turn::Stopped => return run.fail(run.shared.invocation.runtime.cancel.failure()),
            }
        }
    }

    fn deliver(&mut self, index: usize, page: &Page) {
        let Lane { output, is_caught_up, .. } = self.lanes[index];
        let Some(post) = &mut self.posts[output] else { return };
        match post.pipeline.deliver(page, &mut post.renderer) {
            Ok(delivered) => {
                self.run.delivered(page, delivered.events);
                if is_caught_up && self.run.shared.args.no_follow {
                    self.lanes.remove(index);
                    self.run.done();
                }
            }
            Err(failure) => self.give_up(output, failure.on_stream(page.stream)),
        }
    }

    /// Opens the outputs anew, as after a rotation.
    fn reopen(&mut self) {
        for output in 0..self.posts.len() {
            let Some(post) = &mut self.posts[output] else { continue };
            if let Err(failure) = post.pipeline.reopen() {
                self.give_up(output, failure);
            }
        }
    }

    /// Ends an output and its streams. Nothing is saved after a failed write: the next run delivers that
    /// page again.
    fn give_up(&mut self, output: usize, failure: Error) {
        self.posts[output] = None;
        self.lanes.retain(|lane| lane.output != output);
        self.run.fail(failure);
    }

    /// Saves what is not saved yet. Streams that were still followed have done as they were asked.
    fn finish(&mut self) {
        let run = self.run;
        for (output, post) in self.posts.iter_mut().enumerate() {
            let Some(post) = post.take() else { continue };
            let finished = post.pipeline.finish();
            let lanes = self.lanes.iter().filter(|lane| lane.output == output);
            for lane in lanes {
                run.watch
                    .report(lane.stream, |reporter| reporter.state(lane.stream, CollectorState::Stopping));
                if finished.is_ok() {
                    run.done();
                }
            }
            if let Err(failure) = finished {
                run.fail(failure);
            }
        }
    }
}

/// Starts following a stream where it was left.
fn lane(
    run: &Run<'_>,
    output: usize,
    pipeline: &CheckpointedOutput,
    stream: Stream,
    beginning: StartAt,
) -> Result<Lane> {
    let (invocation, session) = (run.shared.invocation, &run.session);
    let accept_gap = run.shared.args.accept_gap;
    let position = pipeline.position(stream);
    let first = position::first_ask(invocation, session, stream, position, beginning, accept_gap)?;
    let since = match (&first, position) {
        (PageRequest::First { since, .. }, _) => *since,
        (PageRequest::Cursor(_), position) => {
            position.map(|position| position.restart_from(invocation.runtime.clock.now()))
        }
    };
    let origin = FollowFrom { limit: session.settings.page_size, since };
    let mut asker = ResumingFetcher::new(invocation, session, stream, position.cloned(), accept_gap);
    Lane::start(run, stream, output, |schedule| {
        Follow::new(stream, first, origin, schedule, move |ask| asker.ask(ask))
    })
}

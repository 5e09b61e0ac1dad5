//! The streams on their way, side by side, and the one place that waits for them.
//!
//! Each stream is read on a thread of its own, so that the wait, the retries or the silence of one never
//! hold another. Whoever delivers asks for [`Run::turn`] after [`Run::turn`].

use std::time::Duration;

use crossbeam_channel::Select;

use super::Run;
use crate::cancel::Cancel;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::page::{Next, Page};
use crate::source::PageSource;
use crate::source::follow::PollSchedule;
use crate::source::prefetch::Prefetch;

/// How long nothing may happen where nobody wants to be told that nothing does.
const A_DAY: Duration = Duration::from_secs(86_400);

/// A stream on its way; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Lane {
    /// The stream.
    pub stream: Stream,
    /// Whether it was read to its end, once at least.
    pub is_caught_up: bool,
    /// Which of the outputs it goes to.
    pub output: usize,
    pages: Prefetch,
    stop: Cancel,
}

/// What happens next.
#[derive(Debug)]
pub(super) enum Turn {
    /// A page of the lane at this index.
    Page(usize, Page),
    /// The lane at this index fails for good.
    Failed(usize, Error),
    /// The output is to be opened anew.
    Reopen,
    /// Nothing, for a while.
    Quiet,
    /// The time is over, or nobody reads any more.
    Over,
    /// A signal asks for the end.
    Stopped,
}

impl Lane {
    /// Starts reading what `source` makes of a schedule.
    ///
    /// # Errors
    /// Fails when the thread cannot be started.
    pub(super) fn start<S: PageSource + Send + 'static>(
        run: &Run<'_>,
        stream: Stream,
        output: usize,
        source: impl FnOnce(PollSchedule) -> S,
    ) -> Result<Lane> {
        let stop = Cancel::new();
        let schedule = PollSchedule {
            cadence: run.intervals.of(stream).clone(),
            clock: run.shared.invocation.runtime.clock.clone(),
            stop: stop.clone(),
            patience: run.session.settings.retry_for.unwrap_or(super::PATIENCE),
        };
        let pages = Prefetch::start(stream, run.shared.invocation.runtime.cancel.clone(), source(schedule))?;
        Ok(Lane { stream, is_caught_up: false, output, pages, stop })
    }

    /// The next page, if it comes within `patience`.
    ///
    /// # Errors
    /// As the stream's requests; it has ended then.
    pub(super) fn page_within(&mut self, patience: Duration, cancel: &Cancel) -> Result<Option<Page>> {
        crossbeam_channel::select! {
            recv(self.pages.channel()) -> answer => self.received(answer.ok()).map(Some),
            recv(cancel.channel()) -> _ => Err(cancel.failure()),
            default(patience) => Ok(None),
        }
    }

    fn received(&mut self, answer: Option<Result<Page>>) -> Result<Page> {
        let page = answer.unwrap_or_else(|| {
            Err(Error::new(ErrorKind::Unexpected, "the thread that reads the stream is gone")
                .hint("this is a bug: please report it with what was said before"))
        })?;
        self.is_caught_up |= matches!(page.next, Next::CaughtUp(_));
        Ok(page)
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.stop.trigger(0);
    }
}

impl Run<'_> {
    /// Waits until something happens to one of the lanes or to the run.
    pub(super) fn turn(&self, lanes: &mut [Lane]) -> Turn {
        let invocation = self.shared.invocation;
        let now = invocation.runtime.clock.elapsed();
        self.alive();
        let left = |end: Option<Duration>| end.map(|end| end.saturating_sub(now));
        let (time, deadline) = (left(self.shared.ends), left(self.deadline));
        match () {
            () if invocation.runtime.cancel.is_triggered() => return Turn::Stopped,
            () if time.is_some_and(|left| left.is_zero()) => return Turn::Over,
            () if deadline.is_some_and(|left| left.is_zero()) => return Turn::Failed(0, past_deadline()),
            () => {}
        }
        let wait = [time, deadline, self.shared.notify.period()].into_iter().flatten().min();

        let (_, hangup) = &self.shared.hangups[self.index];
        let mut select = Select::new();
        for lane in lanes.iter() {
            select.recv(lane.pages.channel());
        }
        let stopped = select.recv(invocation.runtime.cancel.channel());
        let over = select.recv(self.shared.over.channel());
        let reopen = select.recv(invocation.runtime.cancel.reopen_channel());
        select.recv(hangup);
        let Ok(ready) = select.select_timeout(wait.unwrap_or(A_DAY)) else { return Turn::Quiet };
        match ready.index() {
            index if index < lanes.len() => {
                let answer = ready.recv(lanes[index].pages.channel()).ok();
                match lanes[index].received(answer) {
                    Ok(page) => Turn::Page(index, page),
                    Err(failure) => Turn::Failed(index, failure.on_stream(lanes[index].stream)),
                }
            }
            index if index == stopped => {
                ready.recv(invocation.runtime.cancel.channel()).map_or(Turn::Stopped, |()| Turn::Quiet)
            }
            index if index == over => {
                ready.recv(self.shared.over.channel()).map_or(Turn::Over, |()| Turn::Quiet)
            }
            index if index == reopen => {
                if ready.recv(invocation.runtime.cancel.reopen_channel()).is_ok() {
                    // One wish is for the outputs of all profiles, this one's included.
                    for (sender, _) in &self.shared.hangups {
                        let _ = sender.try_send(());
                    }
                }
                Turn::Quiet
            }
            _ => ready.recv(hangup).map_or(Turn::Quiet, |()| Turn::Reopen),
        }
    }
}

fn past_deadline() -> Error {
    Error::new(ErrorKind::Deadline, "the deadline has passed")
        .hint("give more time with --deadline, or end with --for")
}

//! The loop: which stream's events come next, and waiting while there are none.
//!
//! A question, a resumed run and tail differ in their readers, their order and their end, which are arguments
//! of [`Engine::run`]; the loop is the same. How events are encoded and written is up to a [`PageConsumer`].

use std::ops::Range;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use crossbeam_channel::{Receiver, Select, Sender, bounded};

use super::reader::StreamReader;
use crate::cancel::Cancel;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::page::Page;
use crate::runtime::Runtime;
use crate::source::range::TimeRange;

/// The longest wait of the loop where nothing asks for a shorter one.
const A_DAY: Duration = Duration::from_secs(86_400);

/// How many events of one stream are taken before a stream with fewer gets its turn. Counted in events and not
/// in pages, so that the order does not depend on the page size (P4).
const TURN: u64 = 1_000;

/// The order in which the events of several streams are delivered.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    /// By time: a merge keyed on each stream's running maximum, so that it does not depend on where pages are
    /// cut (P4); ties by stream. Only events of the range are given.
    Timeline(TimeRange),
    /// A thousand events at a time of the stream with the fewest delivered events over all runs: a run that was
    /// killed and started again continues as an uninterrupted one would (P4).
    LeastDelivered,
    /// In order of arrival.
    Arrival,
}

/// When a phase of a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// When each stream was read to its end; it is then closed.
    CaughtUp,
    /// The same, but the streams stay open to be followed, and a stream that does not answer within this time
    /// is not waited for.
    LookedBack(Duration),
    /// It does not end by itself.
    Forever,
}

/// Why a phase ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PhaseEnd {
    /// The phase's end was reached.
    Done,
    /// The consumer wants no more.
    Enough,
    /// The time of the run is over, or the reader of its output is gone.
    Over,
    /// A signal came.
    Stopped,
}

/// Whether to continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// More events are wanted.
    Continue,
    /// No more events are wanted.
    Enough,
}

/// Receives the events of the engine.
pub(super) trait PageConsumer {
    /// A page was read. Its events follow in one or several calls of [`PageConsumer::take`].
    fn page(&mut self, page: &Page);

    /// Takes these events of a page, in order. With the page's last event, or with an empty range of an empty
    /// page, the whole page was taken.
    ///
    /// # Errors
    /// Fails where the output does; that ends the run.
    fn take(&mut self, page: &Rc<Page>, events: Range<usize>) -> Result<Flow>;

    /// A page's last event was taken; its memory can be reused.
    ///
    /// # Errors
    /// As [`PageConsumer::take`].
    fn done(&mut self, page: Rc<Page>) -> Result<()>;

    /// The loop has to wait for the next event: buffered output should be written now.
    ///
    /// # Errors
    /// As [`PageConsumer::take`].
    fn waiting(&mut self) -> Result<()>;

    /// How long the loop may wait until [`PageConsumer::waiting`] is called again, where that matters.
    fn wakes_in(&self) -> Option<Duration> {
        None
    }

    /// A stream was read to its end, and all its events were taken.
    ///
    /// # Errors
    /// As [`PageConsumer::take`].
    fn caught_up(&mut self, stream: Stream) -> Result<()>;

    /// A stream failed permanently. The others continue.
    fn failed(&mut self, failure: Error);

    /// The output must be reopened, as after a log rotation.
    ///
    /// # Errors
    /// As [`PageConsumer::take`].
    fn reopen(&mut self) -> Result<()>;

    /// How many events of a stream were delivered, over all runs.
    fn delivered(&self, stream: Stream) -> u64;

    /// Called once in each round of the loop.
    fn alive(&self);
}

/// What ends or interrupts a run from outside, beside the cancel token.
#[derive(Debug, Default)]
pub(super) struct Interrupts {
    /// When the run ends (`--for`), on the clock's monotonic time.
    pub ends: Option<Duration>,
    /// When it fails (`--deadline`).
    pub deadline: Option<Duration>,
    /// The longest time that a round of the loop may take.
    pub heartbeat: Option<Duration>,
    /// Triggered when the reader of the output is gone.
    pub over: Cancel,
    /// Requests to reopen the output.
    pub reopen: Option<ReopenRequest>,
}

/// Requests to reopen outputs; each one goes to every output of a run.
#[derive(Debug, Default)]
pub struct ReopenRequests(Mutex<Vec<Sender<()>>>);

/// One output's registration with [`ReopenRequests`].
#[derive(Debug)]
pub(super) struct ReopenRequest {
    all: Arc<ReopenRequests>,
    own: Receiver<()>,
}

impl ReopenRequest {
    /// Registers an output.
    pub(super) fn register(all: &Arc<ReopenRequests>) -> Self {
        let (sender, own) = bounded(1);
        all.0.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        ReopenRequest { all: Arc::clone(all), own }
    }

    /// Passes a request on to every output of the run, this one included.
    fn hand_on(&self) {
        for sender in self.all.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = sender.try_send(());
        }
    }
}

/// Reads the streams of one output.
#[derive(Debug)]
pub(super) struct Engine<'a> {
    /// The streams, in output order.
    pub readers: Vec<StreamReader>,
    runtime: &'a Runtime,
    interrupts: &'a Interrupts,
}

/// What the loop does next.
#[derive(Debug)]
enum NextStep {
    Take(usize, Range<usize>),
    WaitFor(usize),
    WaitForAny,
    Finished,
}

/// How a wait ended.
#[derive(Debug)]
enum Woken {
    /// Something may have changed: decide again.
    Look,
    /// The awaited stream did not answer in time.
    Late,
    End(PhaseEnd),
}

impl<'a> Engine<'a> {
    /// An engine that reads `readers`.
    pub(super) fn new(
        runtime: &'a Runtime,
        interrupts: &'a Interrupts,
        mut readers: Vec<StreamReader>,
    ) -> Self {
        readers.sort_by_key(|reader| reader.stream);
        Engine { readers, runtime, interrupts }
    }

    /// Gives events to `consumer`, in `order`, until the end of the phase.
    ///
    /// # Errors
    /// Fails when the consumer does, and when the deadline passes. A stream that fails does not end the others.
    pub(super) fn run(
        &mut self,
        order: Order,
        until: Until,
        consumer: &mut dyn PageConsumer,
    ) -> Result<PhaseEnd> {
        loop {
            for reader in self.readers.iter_mut().filter(|reader| reader.is_read()) {
                if !std::mem::replace(&mut reader.is_told, true) {
                    consumer.caught_up(reader.stream)?;
                }
            }
            if until == Until::CaughtUp {
                self.readers.retain(|reader| !reader.is_read());
            }
            let step = match order {
                Order::Timeline(range) => self.next_in_time(&range, until, consumer)?,
                Order::LeastDelivered => self.next_least_delivered(consumer),
                Order::Arrival => self.next_arrived(),
            };
            let (woken, waited_for) = match step {
                NextStep::Take(index, events) => {
                    if self.take(index, events, consumer)? == Flow::Enough {
                        return Ok(PhaseEnd::Enough);
                    }
                    continue;
                }
                NextStep::Finished => return Ok(PhaseEnd::Done),
                NextStep::WaitFor(index) => (self.wait(Some(index), until, consumer)?, Some(index)),
                NextStep::WaitForAny => (self.wait(None, until, consumer)?, None),
            };
            match woken {
                Woken::Look => {}
                Woken::Late => waited_for.into_iter().for_each(|index| self.readers[index].is_late = true),
                Woken::End(end) => return Ok(end),
            }
        }
    }

    fn take(&mut self, index: usize, events: Range<usize>, consumer: &mut dyn PageConsumer) -> Result<Flow> {
        let reader = &mut self.readers[index];
        let Some(page) = reader.page() else { return Ok(Flow::Continue) };
        let flow = consumer.take(page, events.clone())?;
        if let Some(page) = reader.pass(events.end) {
            consumer.done(page)?;
        }
        Ok(flow)
    }

    /// The next events by time, once every stream's next event is known.
    fn next_in_time(
        &mut self,
        range: &TimeRange,
        until: Until,
        consumer: &mut dyn PageConsumer,
    ) -> Result<NextStep> {
        let mut heads: [Option<(DateTime<Utc>, usize)>; 2] = [None, None];
        for (index, reader) in self.readers.iter_mut().enumerate() {
            while reader.page().is_some() && !reader.seek(range) {
                if let Some(page) = reader.pass(usize::MAX) {
                    consumer.done(page)?;
                }
            }
            match reader.key() {
                // Readers are in stream order, so that the first of equal keys is the right one.
                Some(key) if heads[0].is_none_or(|head| key < head.0) => {
                    heads = [Some((key, index)), heads[0]];
                }
                Some(key) if heads[1].is_none_or(|head| key < head.0) => heads[1] = Some((key, index)),
                Some(_) => {}
                None if reader.is_read() || (reader.is_late && matches!(until, Until::LookedBack(_))) => {}
                None => return Ok(NextStep::WaitFor(index)),
            }
        }
        let Some((_, index)) = heads[0] else { return Ok(NextStep::Finished) };
        Ok(NextStep::Take(
            index,
            self.readers[index].run_before(heads[1].map(|(key, other)| (key, index < other)), range),
        ))
    }

    fn next_least_delivered(&self, consumer: &dyn PageConsumer) -> NextStep {
        let turns = |reader: &StreamReader| consumer.delivered(reader.stream) / TURN;
        let next = self.readers.iter().enumerate().min_by_key(|(_, reader)| (turns(reader), reader.stream));
        let Some((index, reader)) = next else { return NextStep::Finished };
        match reader.rest() {
            None => NextStep::WaitFor(index),
            Some(rest) => {
                let left = TURN - consumer.delivered(reader.stream) % TURN;
                let end = rest.end.min(rest.start + usize::try_from(left).unwrap_or(usize::MAX));
                NextStep::Take(index, rest.start..end)
            }
        }
    }

    fn next_arrived(&self) -> NextStep {
        let ready = self.readers.iter().enumerate().find_map(|(index, reader)| Some((index, reader.rest()?)));
        match ready {
            Some((index, rest)) => NextStep::Take(index, rest),
            None if self.readers.is_empty() => NextStep::Finished,
            None => NextStep::WaitForAny,
        }
    }

    /// Waits for a page of one reader or of any, an interrupt or a timeout, whichever comes first.
    fn wait(&mut self, which: Option<usize>, until: Until, consumer: &mut dyn PageConsumer) -> Result<Woken> {
        consumer.waiting()?;
        consumer.alive();
        if let Some(index) = which
            && let Some(answer) = self.readers[index].next_without_thread()
        {
            return Ok(self.answered(index, answer, consumer));
        }
        let now = self.runtime.clock.elapsed();
        let left = |end: Option<Duration>| end.map(|end| end.saturating_sub(now));
        let (time, deadline) = (left(self.interrupts.ends), left(self.interrupts.deadline));
        match () {
            () if self.runtime.cancel.is_triggered() => return Ok(Woken::End(PhaseEnd::Stopped)),
            () if time.is_some_and(|left| left.is_zero()) => return Ok(Woken::End(PhaseEnd::Over)),
            () if deadline.is_some_and(|left| left.is_zero()) => return Err(past_deadline()),
            () => {}
        }
        let patience = match until {
            Until::LookedBack(patience) if which.is_some() => Some(patience),
            _ => None,
        };
        let rest =
            [time, deadline, self.interrupts.heartbeat, consumer.wakes_in()].into_iter().flatten().min();
        let woken = self.select(which, patience.into_iter().chain(rest).min().unwrap_or(A_DAY));
        match woken {
            FirstEvent::Page(index, answer) => Ok(self.answered(index, answer, consumer)),
            FirstEvent::Nothing
                if patience.is_some_and(|patience| rest.is_none_or(|rest| patience <= rest)) =>
            {
                Ok(Woken::Late)
            }
            FirstEvent::Nothing => Ok(Woken::Look),
            FirstEvent::Reopen => consumer.reopen().map(|()| Woken::Look),
            FirstEvent::Over => Ok(Woken::End(PhaseEnd::Over)),
            FirstEvent::Stopped => Ok(Woken::End(PhaseEnd::Stopped)),
        }
    }

    /// Waits for the channels of the readers and of the run.
    fn select(&self, which: Option<usize>, patience: Duration) -> FirstEvent {
        let readers: Vec<_> = self
            .readers
            .iter()
            .enumerate()
            .filter(|(index, _)| which.is_none_or(|which| which == *index))
            .filter_map(|(index, reader)| Some((index, reader.channel()?)))
            .collect();
        let cancel = &self.runtime.cancel;
        let mut select = Select::new();
        for (_, channel) in &readers {
            select.recv(channel);
        }
        let stopped = select.recv(cancel.channel());
        let over = select.recv(self.interrupts.over.channel());
        let cancel_reopen = select.recv(cancel.reopen_channel());
        let reopen = self.interrupts.reopen.as_ref();
        if let Some(reopen) = reopen {
            select.recv(&reopen.own);
        }
        let Ok(ready) = select.select_timeout(patience) else { return FirstEvent::Nothing };
        match ready.index() {
            at if at < readers.len() => {
                let (index, channel) = readers[at];
                FirstEvent::Page(index, ready.recv(channel).unwrap_or_else(|_| Err(reader_is_gone())))
            }
            at if at == stopped => {
                ready.recv(cancel.channel()).map_or(FirstEvent::Stopped, |()| FirstEvent::Nothing)
            }
            at if at == over => {
                ready.recv(self.interrupts.over.channel()).map_or(FirstEvent::Over, |()| FirstEvent::Nothing)
            }
            at if at == cancel_reopen => {
                let is_asked = ready.recv(cancel.reopen_channel()).is_ok();
                reopen.filter(|_| is_asked).into_iter().for_each(ReopenRequest::hand_on);
                FirstEvent::Nothing
            }
            _ => match reopen {
                Some(reopen) => ready.recv(&reopen.own).map_or(FirstEvent::Nothing, |()| FirstEvent::Reopen),
                None => FirstEvent::Nothing,
            },
        }
    }

    fn answered(
        &mut self,
        index: usize,
        answer: Result<Option<Page>>,
        consumer: &mut dyn PageConsumer,
    ) -> Woken {
        match answer {
            Ok(Some(page)) => {
                consumer.page(&page);
                self.readers[index].accept(page);
            }
            Ok(None) => self.readers[index].end(),
            Err(failure) if matches!(failure.kind(), ErrorKind::Interrupted(_)) => {
                return Woken::End(PhaseEnd::Stopped);
            }
            Err(failure) => {
                consumer.failed(self.readers.remove(index).named(failure));
            }
        }
        Woken::Look
    }
}

/// Which of them came first.
#[derive(Debug)]
enum FirstEvent {
    Page(usize, Result<Option<Page>>),
    Reopen,
    Over,
    Stopped,
    Nothing,
}

fn past_deadline() -> Error {
    Error::new(ErrorKind::Deadline, "the deadline has passed")
        .hint("give more time with --deadline, or end with --for")
}

fn reader_is_gone() -> Error {
    Error::new(ErrorKind::Unexpected, "the thread that reads the stream is gone")
        .hint("report this bug with what was said before")
}

//! A question whose events are counted or judged instead of written: for `summary`, `exposure` and `detect`.
//!
//! The same sources, filters and loop as for [`question`]. Whole pages, after repeats were dropped,
//! go to threads; each asks the filter and has a fold of its own, and the folds are merged at the end. Which
//! thread gets which page is chance, so that a [`Fold`] must not depend on it.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;
use std::thread;

use chrono::{DateTime, Utc};
use crossbeam_channel::{Receiver, Sender, bounded};

use super::engine::{Engine, Flow, Interrupts, Order, PageConsumer, Until};
use super::plan::{Destination, PlannedOutput};
use super::question::{self, OpenSource, QuestionSource};
use super::report::{OutputReport, Tally};
use super::selector::{SelectionCount, Selector};
use super::session::Session;
use super::unsaved::Reuse;
use crate::analyze::Fold;
use crate::encode::Redaction;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::facts::{EventFacts, LookupBuffer};
use crate::limits;
use crate::page::Page;
use crate::runtime::Runtime;
use crate::select::Filter;
use crate::source::range::TimeRange;

/// What is folded of one profile, or of files.
#[derive(Clone, Copy, Debug)]
pub struct FoldRun<'a, S = Session> {
    /// The clock, the cancel token and the console.
    pub runtime: &'a Runtime,
    /// The counts and failures of the whole run.
    pub tally: &'a Tally,
    /// The account, or the files.
    pub session: &'a S,
    /// The streams, in output order.
    pub streams: &'a [Stream],
    /// Which of their events are wanted.
    pub filter: &'a Filter,
    /// The time range.
    pub range: TimeRange,
    /// The end of the range, as messages show it.
    pub until: DateTime<Utc>,
    /// Whether failures name the profile, because several run.
    pub names_profile: bool,
}

/// Gives every wanted event of the range to folds that `make` makes, and merges them.
///
/// `None` where nothing could be read. Failures of single streams and files are in the run's tally.
///
/// # Errors
/// `Interrupted` when a signal came, and where no thread can be started.
pub fn fold<S: QuestionSource, F: Fold>(
    run: &FoldRun<'_, S>,
    make: &(impl Fn() -> F + Sync),
) -> Result<Option<F>> {
    let FoldRun { runtime, tally, session, range, .. } = *run;
    let output = PlannedOutput { destination: Destination::Stdout, streams: run.streams.to_vec() };
    let report = run.report();
    if range.since > DateTime::<Utc>::MIN_UTC {
        report.progress.borrow_mut().set_range(range.since, run.until);
    }
    let OpenSource { readers, reuse, .. } = session.open(runtime, &range, &output)?;
    let redaction = Redaction::default();
    let threads = session.fold_threads();
    let (to_workers, pages) = bounded(threads);
    // Room for every page that can be under way, so that no worker waits to give one back.
    let (give_back, used) = bounded(2 * threads + 1);
    let (end, folds) = thread::scope(|scope| -> Result<_> {
        let mut workers = Vec::new();
        for _ in 0..threads {
            let worker = FoldWorker {
                selector: Selector::new(run.filter, &redaction),
                range,
                pages: pages.clone(),
                give_back: give_back.clone(),
                fold: make(),
                events: 0,
            };
            let mut thread = thread::Builder::new().name("fold".into());
            if run.filter.jq().is_some() {
                thread = thread.stack_size(limits::FILTER_STACK);
            }
            let started = thread.spawn_scoped(scope, move || worker.work());
            workers.push(
                started.map_err(|e| Error::new(ErrorKind::Unexpected, "cannot start a thread").because(e))?,
            );
        }
        drop((pages, give_back));
        let mut consumer = FoldConsumer { report: &report, reuse, to_workers, used };
        let interrupts = Interrupts::default();
        let mut engine = Engine::new(runtime, &interrupts, readers);
        let end = engine.run(Order::Timeline(range), Until::CaughtUp, &mut consumer);
        // Without a sender the workers end.
        drop((engine, consumer));
        let folds: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
        Ok((end?, folds))
    })?;
    report.progress.borrow_mut().clear();
    let mut merged: Option<F> = None;
    for folded in folds {
        let (fold, events, count) = folded.map_err(|_| worker_is_gone())?;
        tally.add(events);
        tally.selected(count);
        match &mut merged {
            None => merged = Some(fold),
            Some(merged) => merged.merge(fold),
        }
    }
    let is_done = question::conclude(session, &output, &report, end);
    if is_done {
        tally.done();
    }
    runtime.cancel.check()?;
    Ok(merged.filter(|_| is_done))
}

impl<'a, S: QuestionSource> FoldRun<'a, S> {
    fn report(&self) -> OutputReport<'a> {
        OutputReport {
            runtime: self.runtime,
            tally: self.tally,
            profile: self.names_profile.then_some(self.session.settings().profile.as_str()),
            health: None,
            intervals: None,
            heartbeat: None,
            progress: RefCell::new(self.runtime.console.progress(true, self.session.begun())),
            events: Cell::new(0),
            failures: Cell::new(0),
        }
    }
}

/// Folds pages on a thread of its own.
struct FoldWorker<'a, F> {
    selector: Selector<'a>,
    range: TimeRange,
    pages: Receiver<Page>,
    give_back: Sender<Page>,
    fold: F,
    events: u64,
}

impl<F: Fold> FoldWorker<'_, F> {
    fn work(mut self) -> (F, u64, SelectionCount) {
        let lookup = self.fold.lookup();
        let mut buffer = LookupBuffer::default();
        while let Ok(page) = self.pages.recv() {
            for index in 0..page.len() {
                let event = page.event_at(index);
                if !self.range.holds(&event) || !self.selector.wants(&event) {
                    continue;
                }
                let facts = EventFacts::new(event.stream, lookup.find(event.raw, &mut buffer));
                self.fold.add(&event, &facts, page.reading(index));
                self.events += 1;
            }
            // Where nobody takes it, its memory is not used again.
            let _ = self.give_back.try_send(page);
        }
        (self.fold, self.events, self.selector.take_count())
    }
}

/// Passes whole pages on to the workers.
struct FoldConsumer<'a> {
    report: &'a OutputReport<'a>,
    reuse: Reuse<'a>,
    to_workers: Sender<Page>,
    used: Receiver<Page>,
}

impl PageConsumer for FoldConsumer<'_> {
    fn page(&mut self, page: &Page) {
        self.report.page(page);
    }

    fn take(&mut self, _: &Rc<Page>, _: Range<usize>) -> Result<Flow> {
        Ok(Flow::Continue)
    }

    fn done(&mut self, page: Rc<Page>) -> Result<()> {
        self.used.try_iter().for_each(|page| (self.reuse)(page));
        // No other reference to the page is left.
        let Some(page) = Rc::into_inner(page) else { return Ok(()) };
        self.to_workers.send(page).map_err(|_| worker_is_gone())
    }

    fn waiting(&mut self) -> Result<()> {
        Ok(())
    }

    fn caught_up(&mut self, _: Stream) -> Result<()> {
        Ok(())
    }

    fn failed(&mut self, failure: Error) {
        self.report.failed(failure);
    }

    fn reopen(&mut self) -> Result<()> {
        Ok(())
    }

    fn delivered(&self, _: Stream) -> u64 {
        0
    }

    fn alive(&self) {}
}

fn worker_is_gone() -> Error {
    Error::new(ErrorKind::Unexpected, "a thread that counts events is gone")
        .hint("report this bug with what was said before")
}

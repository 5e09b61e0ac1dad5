//! The result of a run: counts of events, failures, and where they are reported.
//!
//! One [`Tally`] for a whole run, one `OutputReport` for each output in it. A question and a resumed run
//! report failures at the end, equal ones in one message; tail reports them at once.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use super::intervals::Intervals;
use super::selector::SelectionCount;
use crate::console::{Console, Progress};
use crate::error::{self, Error, ErrorKind};
use crate::event::Stream;
use crate::health::{CollectorState, HealthReporter, PollPace as _, SystemdNotifier};
use crate::page::Page;
use crate::runtime::Runtime;
use crate::size::grouped;

/// When failures are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TellFailures {
    /// As they happen.
    AtOnce,
    /// When the run ends; equal failures of several streams in one message.
    AtTheEnd,
}

/// The counts and failures of a run so far.
#[derive(Debug)]
pub struct Tally {
    console: Console,
    tell: TellFailures,
    events: AtomicU64,
    /// Events that a filter was asked of, and those that it wanted.
    looked_at: AtomicU64,
    wanted: AtomicU64,
    /// Lines of files that were passed over, because no wanted event is in them.
    passed: AtomicU64,
    /// Events on which the filter in jq's language failed.
    not_judged: AtomicU64,
    anything_done: AtomicBool,
    failures: Mutex<Vec<Error>>,
}

impl Tally {
    /// An empty tally.
    pub fn new(console: Console, tell: TellFailures) -> Self {
        Tally {
            console,
            tell,
            events: AtomicU64::new(0),
            looked_at: AtomicU64::new(0),
            wanted: AtomicU64::new(0),
            passed: AtomicU64::new(0),
            not_judged: AtomicU64::new(0),
            anything_done: AtomicBool::new(false),
            failures: Mutex::default(),
        }
    }

    /// Counts delivered events.
    pub fn add(&self, events: u64) {
        self.events.fetch_add(events, Ordering::Relaxed);
    }

    /// How many events were delivered.
    pub fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    /// Counts events that a filter was asked of.
    pub(super) fn selected(&self, count: SelectionCount) {
        self.looked_at.fetch_add(count.looked_at, Ordering::Relaxed);
        self.wanted.fetch_add(count.wanted, Ordering::Relaxed);
        self.not_judged.fetch_add(count.failed, Ordering::Relaxed);
    }

    /// Counts lines that were passed over, and events that were left out where they were read.
    pub(super) fn passed(&self, lines: u64, unwanted: u64) {
        self.passed.fetch_add(lines, Ordering::Relaxed);
        self.looked_at.fetch_add(unwanted, Ordering::Relaxed);
    }

    /// Says how many events there were, and how many of them were wanted: for runs with a filter.
    pub fn note_selection(&self) {
        let [looked_at, wanted, passed] =
            [&self.looked_at, &self.wanted, &self.passed].map(|n| n.load(Ordering::Relaxed));
        let events = if looked_at == 1 { "event" } else { "events" };
        let (looked_at, wanted) = (grouped(looked_at), grouped(wanted));
        let passed = match passed {
            0 => String::new(),
            1 => "; 1 line without the text that is looked for was passed over".to_owned(),
            lines => {
                format!("; {} lines without the text that is looked for were passed over", grouped(lines))
            }
        };
        self.console.note(&format!("{looked_at} {events}, {wanted} of them wanted{passed}"));
    }

    /// Records that a part of the run succeeded.
    pub fn done(&self) {
        self.anything_done.store(true, Ordering::Relaxed);
    }

    /// Records a failure, and reports it if that is to be done at once. A deadline is reported once, however
    /// many streams it ends.
    pub fn fail(&self, failure: Error) {
        let mut failures = self.failures();
        let is_again = failure.kind() == ErrorKind::Deadline
            && failures.iter().any(|known| known.kind() == ErrorKind::Deadline);
        let is_signal = matches!(failure.kind(), ErrorKind::Interrupted(_));
        if self.tell == TellFailures::AtOnce && !is_signal && !is_again {
            self.console.failure(&failure);
        }
        failures.push(failure);
    }

    /// How many failures there were.
    pub fn failed(&self) -> usize {
        self.failures().len()
    }

    /// Reports what was not reported yet, and returns the kind of the whole run; `None` when nothing failed.
    pub fn conclude(&self) -> Option<ErrorKind> {
        let not_judged = self.not_judged.load(Ordering::Relaxed);
        if not_judged > 0 {
            let events = if not_judged == 1 {
                "1 event, which is".into()
            } else {
                format!("{} events, which are", grouped(not_judged))
            };
            let text = format!("--jq fails on {events} left out");
            self.fail(Error::new(ErrorKind::Partial, text).hint(
                "say what holds where a field is missing, as in '(.client.ip_address // \"\")' or '.a?'",
            ));
        }
        let failures = self.failures();
        let kinds: Vec<ErrorKind> = failures.iter().map(Error::kind).collect();
        let worth: Vec<&Error> =
            failures.iter().filter(|failure| !matches!(failure.kind(), ErrorKind::Interrupted(_))).collect();
        let told = match self.tell {
            TellFailures::AtOnce => worth.len(),
            TellFailures::AtTheEnd => self.console.failures(&worth),
        };
        let end = error::combine(&kinds, self.anything_done.load(Ordering::Relaxed));
        match end {
            Some(kind) if told > 1 => {
                self.console.summary(kind, &format!("{told} failures; exit code {}", kind.exit_code()));
            }
            Some(ErrorKind::Partial) if told > 0 => {
                self.console.summary(ErrorKind::Partial, "the rest is done");
            }
            _ => {}
        }
        end
    }

    fn failures(&self) -> MutexGuard<'_, Vec<Error>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reports the progress of one output: tally, health, systemd, progress line.
#[derive(Debug)]
pub(super) struct OutputReport<'a> {
    /// The clock, the cancel token and the console.
    pub runtime: &'a Runtime,
    /// The counts and failures of the run.
    pub tally: &'a Tally,
    /// The profile's name, where several run.
    pub profile: Option<&'a str>,
    /// The health file that `opev status` reads.
    pub health: Option<HealthReporter>,
    /// How often the streams of a followed profile are polled.
    pub intervals: Option<Arc<Intervals>>,
    /// The systemd notifier, and the number of this output's loop.
    pub heartbeat: Option<(Arc<SystemdNotifier>, usize)>,
    /// The progress line.
    pub progress: RefCell<Progress>,
    /// How many events were delivered to this output.
    pub events: Cell<u64>,
    /// How many streams failed.
    pub failures: Cell<usize>,
}

impl OutputReport<'_> {
    /// A page was read.
    pub(super) fn page(&self, page: &Page) {
        let latest = page.events().filter_map(|event| event.time).max();
        self.progress.borrow_mut().page(page.len(), latest);
    }

    /// Events of a page that was read at `received_at` were given out, so many of them new.
    pub(super) fn delivered(&self, stream: Stream, received_at: DateTime<Utc>, events: u64) {
        self.tally.add(events);
        self.events.set(self.events.get() + events);
        let Some(health) = &self.health else { return };
        health.polled(stream, received_at, events);
        if let Some(intervals) = &self.intervals {
            health.interval(stream, intervals.interval(stream));
        }
    }

    /// A stream, or the whole output, failed permanently.
    pub(super) fn failed(&self, failure: Error) {
        self.failures.set(self.failures.get() + 1);
        if let (Some(health), Some(stream)) = (&self.health, failure.stream()) {
            health.failed(stream, &failure);
        }
        self.tally.fail(match self.profile {
            Some(profile) => failure.on_profile(profile),
            None => failure,
        });
    }

    /// The output of a stream's page cannot be written.
    pub(super) fn broken(&self, stream: Stream, failure: &Error) {
        if let Some(health) = &self.health {
            health.failed(stream, failure);
        }
    }

    /// These streams ended normally.
    pub(super) fn stopping(&self, streams: &[Stream]) {
        if let Some(health) = &self.health {
            streams.iter().for_each(|stream| health.state(*stream, CollectorState::Stopping));
        }
    }

    /// Called once in each round of the loop.
    pub(super) fn alive(&self) {
        let Some((systemd, index)) = &self.heartbeat else { return };
        systemd.alive(*index, self.runtime.clock.elapsed(), || {
            let failed = match self.tally.failed() {
                0 => String::new(),
                failures => format!(", {failures} failed for good"),
            };
            format!("following; {} events since the start{failed}", self.tally.events())
        });
    }
}

//! The engine: reads the events of several streams and writes them to one output.
//!
//! ```text
//!  question   a range, read once         \                          /  unsaved   written as they come, or sorted
//!  saved_run  from the saved position     >  reader -> engine -> --<
//!  follow     the newest, then new ones  /                          \  saved     staged and committed
//! ```
//!
//! | file | what it is |
//! |---|---|
//! | `engine` | the loop: which stream's events come next, and waiting |
//! | `reader` | one stream: its pages, and how far the page in hand was taken |
//! | `question`, `saved_run`, `follow` | three ways to start it |
//! | `fetch_run`, `tail_run` | which of them, for each output of one profile or of many |
//! | `fold` | a question whose events are counted or judged on several threads |
//! | `files` | files as the source of a question |
//! | `unsaved`, `saved` | two consumers of pages: without a saved position, and with one |
//! | `selector` | which events are wanted |
//! | `plan` | output format and destinations |
//! | `delivery` | batches for a command or an intake |
//! | `file_form` | Parquet in the place of the files that an output writes |
//! | `detection` | rules beside the events of a run; hits to a command |
//! | `position` | opens a saved position and resumes from it |
//! | `session` | a client for an account |
//! | `report` | counts, failures and health of a run |
//! | `shared_output` | an output that several profiles write to |
//!
//! Does not know the command line: arguments are turned into settings and plans before.

pub mod delivery;
pub mod detection;
mod engine;
pub mod fetch_run;
mod file_form;
pub mod files;
pub mod fold;
pub mod follow;
pub mod intervals;
mod lines;
pub mod plan;
mod position;
pub mod question;
mod reader;
pub mod report;
mod saved;
pub mod saved_run;
mod selector;
pub mod session;
pub mod shared_output;
pub mod side_by_side;
mod speaker;
pub mod tail_run;
mod unsaved;

#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use self::delivery::UnsavedBatches;
use self::engine::{Interrupts, ReopenRequest};
use self::intervals::Intervals;
use self::plan::{Destination, OutputPlan, PlannedOutput};
use self::question::QuestionSource;
use self::report::{OutputReport, Tally};
use self::session::Session;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::health::{HealthReporter, ServiceMonitor, SystemdNotifier};
use crate::runtime::Runtime;

pub use engine::ReopenRequests;

/// One output of one profile in a run.
#[derive(Clone, Copy, Debug)]
pub struct OutputRun<'a, S = Session> {
    /// The clock, the cancel token and the console.
    pub runtime: &'a Runtime,
    /// The counts and failures of the whole run.
    pub tally: &'a Tally,
    /// The account, or the files.
    pub session: &'a S,
    /// The format and the destinations.
    pub plan: &'a OutputPlan,
    /// The output: its destination and its streams.
    pub output: &'a PlannedOutput,
    /// The number of the profile in the run.
    pub number: usize,
    /// Whether failures name the profile, because several run.
    pub names_profile: bool,
    /// Whether a progress line may be drawn: not where several outputs are written side by side.
    pub shows_progress: bool,
}

/// How a profile is followed.
#[derive(Clone, Debug)]
pub struct FollowOptions {
    /// Watches its requests.
    pub monitor: Arc<ServiceMonitor>,
    /// How often its streams are polled.
    pub intervals: Arc<Intervals>,
    /// The systemd notifier, and the number of this output's loop.
    pub systemd: (Arc<SystemdNotifier>, usize),
    /// Whether the run ends once each stream was read to its end.
    pub no_follow: bool,
    /// How long a service may lead nowhere before that is a failure.
    pub patience: Duration,
    /// When the run ends (`--for`), on the clock's monotonic time.
    pub ends: Option<Duration>,
    /// When it fails (`--deadline`).
    pub deadline: Option<Duration>,
    /// Triggered when the reader of standard output is gone.
    pub over: Cancel,
    /// Requests to reopen the outputs of the run.
    pub reopen: Arc<ReopenRequests>,
}

impl<'a, S: QuestionSource> OutputRun<'a, S> {
    /// The batches of a run that keeps no position; none where the output is not delivered.
    fn unsaved_batches(&self) -> Result<Option<UnsavedBatches>> {
        match &self.output.destination {
            Destination::Receivers(targets) => {
                UnsavedBatches::open(targets, self.runtime, self.session).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn report(&self, health: Option<HealthReporter>, follow: Option<&FollowOptions>) -> OutputReport<'a> {
        OutputReport {
            runtime: self.runtime,
            tally: self.tally,
            profile: self.names_profile.then_some(self.session.settings().profile.as_str()),
            health,
            intervals: follow.map(|follow| Arc::clone(&follow.intervals)),
            heartbeat: follow.map(|follow| follow.systemd.clone()),
            progress: RefCell::new(
                self.runtime.console.progress(self.shows_progress && follow.is_none(), self.session.begun()),
            ),
            events: Cell::new(0),
            failures: Cell::new(0),
        }
    }
}

impl FollowOptions {
    fn interrupts(&self) -> Interrupts {
        Interrupts {
            ends: self.ends,
            deadline: self.deadline,
            heartbeat: self.systemd.0.period(),
            over: self.over.clone(),
            reopen: Some(ReopenRequest::register(&self.reopen)),
        }
    }
}

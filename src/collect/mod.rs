//! The one engine: events of several streams, from where they come to one output.
//!
//! ```text
//!  question   a range, read once        \                          /  unsaved   written as they come, or sorted
//!  resume     from the saved position    >  reader -> engine -> --<
//!  follow     the newest, then for ever /                          \  saved     staged and committed
//! ```
//!
//! | file | what it is |
//! |---|---|
//! | `engine` | the loop: whose events come next, and waiting |
//! | `reader` | one stream on its way to it |
//! | `question`, `saved_run`, `follow` | three ways to start it |
//! | `unsaved`, `saved` | what is done with events |
//! | `selector` | which of them are wanted |
//! | `plan` | where events go and in which form |
//! | `position` | a saved position at work |
//! | `session` | an account, ready to be asked |
//! | `report` | what a run comes to, and who is told |
//! | `shared_output` | an output that several profiles write |
//!
//! Knows no command line: what was typed is decided before it comes here.

mod engine;
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
mod unsaved;

#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use self::engine::{Interrupts, ReopenRequest};
use self::intervals::Intervals;
use self::plan::{OutputPlan, PlannedOutput};
use self::report::{OutputReport, Tally};
use self::session::Session;
use crate::cancel::Cancel;
use crate::health::{HealthReporter, ServiceMonitor, SystemdNotifier};
use crate::runtime::Runtime;

pub use engine::ReopenRequests;

/// One output of one profile in a run.
#[derive(Clone, Copy, Debug)]
pub struct OutputRun<'a> {
    /// The time, the cancel token and the console.
    pub runtime: &'a Runtime,
    /// What the whole run comes to.
    pub tally: &'a Tally,
    /// The account.
    pub session: &'a Session,
    /// The form of the output.
    pub plan: &'a OutputPlan,
    /// Where it goes, and which streams go there.
    pub output: &'a PlannedOutput,
    /// Which profile of the run it is.
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
    /// How often its streams are asked.
    pub intervals: Arc<Intervals>,
    /// The service manager, and which of its loops this output is.
    pub systemd: (Arc<SystemdNotifier>, usize),
    /// Whether the run ends once each stream was read to its end.
    pub no_follow: bool,
    /// How long a service may lead nowhere before that is a failure.
    pub patience: Duration,
    /// When the run has lasted long enough, on the clock's monotonic time.
    pub ends: Option<Duration>,
    /// When it has lasted too long.
    pub deadline: Option<Duration>,
    /// Triggered when nobody reads standard output any more.
    pub over: Cancel,
    /// Requests to open the outputs of the run anew.
    pub reopen: Arc<ReopenRequests>,
}

impl<'a> OutputRun<'a> {
    fn report(&self, health: Option<HealthReporter>, follow: Option<&FollowOptions>) -> OutputReport<'a> {
        OutputReport {
            runtime: self.runtime,
            tally: self.tally,
            profile: self.names_profile.then_some(self.session.settings.profile.as_str()),
            health,
            intervals: follow.map(|follow| Arc::clone(&follow.intervals)),
            heartbeat: follow.map(|follow| follow.systemd.clone()),
            progress: RefCell::new(self.runtime.console.progress(self.shows_progress && follow.is_none())),
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

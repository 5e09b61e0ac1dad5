//! A tail of one profile or of many: each output on a thread of its own. A profile or a stream that fails for good
//! ends alone.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::follow::{self, ShowFirst};
use super::intervals::Intervals;
use super::plan::{OutputPlan, ResumeOptions};
use super::report::Tally;
use super::saved_run::{self, SavedRun, StartAt};
use super::session::Session;
use super::shared_output::SharedOutput;
use super::{FollowOptions, OutputRun, ReopenRequests};
use crate::cancel::Cancel;
use crate::encode::Highlight;
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::health::{HealthFeed, ServiceMonitor, SystemdNotifier};
use crate::runtime::Runtime;

/// The stack of an output's thread: there may be hundreds, and none needs the usual 2 MiB.
const STACK: usize = 1 << 20;

/// The most outputs that one profile has: one for each stream.
const OUTPUTS: usize = Stream::ALL.len();

/// What the profiles of a tail share.
pub struct TailRun<'a> {
    /// The clock, the cancel token and the console.
    pub runtime: &'a Runtime,
    /// The counts and failures of the whole run.
    pub tally: &'a Tally,
    /// Whether failures name the profile, because several run.
    pub names_profile: bool,
    /// How a saved position is continued, and whether events may be missing; none where nothing is saved.
    pub resume: Option<(ResumeOptions, bool)>,
    /// The start time that was typed.
    pub lines: Option<u64>,
    /// What stands out where there is colour.
    pub highlight: Option<Highlight>,
    /// The streams whose columns rows have; none for those of the first profile.
    pub columns_of: Option<Vec<Stream>>,
    /// Whether the run ends once each stream was read to its end.
    pub no_follow: bool,
    /// When `--for` ends, on the clock's monotonic time.
    pub ends: Option<Duration>,
    /// Where the changes of streams' states are written.
    pub feed: HealthFeed,
    /// Tells the service manager that the run is alive.
    pub systemd: Arc<SystemdNotifier>,
    /// What outputs of the run have in common while it goes on.
    pub state: TailState,
}

/// What outputs of a tail have in common while it goes on.
#[derive(Debug, Default)]
pub struct TailState {
    /// Standard output or a device, made by the first profile that comes so far.
    screen: Mutex<Option<SharedOutput>>,
    /// Triggered when the reader of standard output is gone.
    over: Cancel,
    reopen: Arc<ReopenRequests>,
}

/// One profile, ready to be followed.
pub struct FollowedProfile {
    /// The account.
    pub session: Session,
    /// Its streams.
    pub streams: Vec<Stream>,
    /// The format and the destinations.
    pub plan: OutputPlan,
    /// Watches its requests.
    pub monitor: Arc<ServiceMonitor>,
    /// How often its streams are polled.
    pub intervals: Arc<Intervals>,
    /// When `--deadline` passes.
    pub deadline: Option<Duration>,
    /// Where to start when nothing is saved yet.
    pub since: DateTime<Utc>,
    /// Whether that was typed.
    pub is_since_typed: bool,
    /// How long a failing request is retried.
    pub patience: Duration,
}

impl TailRun<'_> {
    /// How many outputs so many profiles have at most, each with a loop that systemd hears of.
    pub fn most_outputs(profiles: usize) -> usize {
        profiles * OUTPUTS
    }

    /// Follows every profile until the run ends; `open` makes one ready.
    pub fn follow_all<T: Send>(
        &self,
        profiles: Vec<(String, T)>,
        open: impl Fn(T) -> Result<FollowedProfile> + Sync,
    ) {
        let numbered = profiles.into_iter().enumerate().collect();
        self.on_threads(numbered, |(number, (profile, settings)): (usize, (String, T))| {
            let opened = open(settings).map_err(|failure| self.fail(&profile, failure));
            if let Ok(opened) = opened {
                let outputs: Vec<usize> = (0..opened.plan.outputs.len()).collect();
                (outputs.len()..OUTPUTS).for_each(|output| self.systemd.ended(number * OUTPUTS + output));
                self.on_threads(outputs, |output| {
                    if let Err(failure) = self.follow(&opened, number, output) {
                        self.fail(&profile, failure);
                    }
                    self.systemd.ended(number * OUTPUTS + output);
                });
            }
            (0..OUTPUTS).for_each(|output| self.systemd.ended(number * OUTPUTS + output));
        });
        self.systemd.stopping();
        self.feed.finish();
    }

    /// Does work for each item on a thread of its own; for one alone on this one.
    fn on_threads<T: Send>(&self, items: Vec<T>, work: impl Fn(T) + Sync) {
        let items = match <[T; 1]>::try_from(items) {
            Ok([item]) => return work(item),
            Err(items) => items,
        };
        thread::scope(|scope| {
            for item in items {
                let (work, builder) = (&work, thread::Builder::new().name("output".into()).stack_size(STACK));
                if let Err(e) = builder.spawn_scoped(scope, move || work(item)) {
                    self.tally.fail(Error::new(ErrorKind::Unexpected, "cannot start a thread").because(e));
                }
            }
        });
    }

    fn follow(&self, profile: &FollowedProfile, number: usize, output: usize) -> Result<()> {
        let run = OutputRun {
            runtime: self.runtime,
            tally: self.tally,
            session: &profile.session,
            plan: &profile.plan,
            output: &profile.plan.outputs[output],
            number,
            names_profile: self.names_profile,
            shows_progress: false,
        };
        let follow = FollowOptions {
            monitor: Arc::clone(&profile.monitor),
            intervals: Arc::clone(&profile.intervals),
            systemd: (Arc::clone(&self.systemd), number * OUTPUTS + output),
            no_follow: self.no_follow,
            patience: profile.patience,
            ends: self.ends,
            deadline: profile.deadline,
            over: self.state.over.clone(),
            reopen: Arc::clone(&self.state.reopen),
        };
        let feed = self.feed.clone();
        if let Some((resume, accept_gap)) = &self.resume {
            let start = StartAt { since: profile.since, is_typed: profile.is_since_typed };
            let (accept_gap, follow) = (*accept_gap, Some(&follow));
            return saved_run::deliver(&run, &SavedRun { resume, start, accept_gap, feed, follow });
        }
        let since = profile.is_since_typed.then_some(profile.since);
        let screen = self.screen(profile)?;
        follow::show(&run, &ShowFirst { since, lines: self.lines, feed }, &follow, &screen)
    }

    /// Where rows of all profiles go. The first to write anything writes the header.
    fn screen(&self, profile: &FollowedProfile) -> Result<SharedOutput> {
        let mut screen = self.state.screen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(screen) = &*screen {
            return Ok(screen.clone());
        }
        let plan = &profile.plan;
        let streams = self.columns_of.as_deref().unwrap_or(&profile.streams);
        let highlight = self.highlight.clone().filter(|_| plan.render.colour);
        let made = SharedOutput::new(plan.encoder(streams)?, plan.outputs[0].destination.clone(), highlight);
        Ok(screen.insert(made.on_terminal(plan.render.width, None)).clone())
    }

    fn fail(&self, profile: &str, failure: Error) {
        self.tally.fail(if self.names_profile { failure.on_profile(profile) } else { failure });
    }
}

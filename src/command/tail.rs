//! `opev tail`: follow new events, on a terminal or as a service.
//!
//! Decides what was typed and hands each output to `collect`, on a thread of its own. A profile or a stream
//! that fails for good ends alone.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::cancel::Cancel;
use crate::cli::TailArgs;
use crate::cli::collect::CollectArgs;
use crate::collect::delivery::DeliveryRequest;
use crate::collect::follow::{self, ShowFirst};
use crate::collect::intervals::Intervals;
use crate::collect::plan::{Destination, OutputPlan, OutputRequest};
use crate::collect::report::{Tally, TellFailures};
use crate::collect::saved_run::{self, SavedRun, StartAt};
use crate::collect::session::{Connections, Session};
use crate::collect::shared_output::SharedOutput;
use crate::collect::{FollowOptions, OutputRun, ReopenRequests};
use crate::command::{ChosenEvents, End, Invocation, delivery, detect, session};
use crate::config::{ResolvedRange, Settings};
use crate::disk::RealDisk;
use crate::encode::{Highlight, OutputUse, Redaction};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::health::{HealthFeed, RunMode, ServiceMonitor, SystemdNotifier};
use crate::limits;

/// How long a failing request is retried without `--retry-for`.
const PATIENCE: Duration = Duration::from_secs(90 * 60);

/// How long an event waits for others of its batch without `--batch-wait`.
const BATCH_WAIT: Duration = Duration::from_secs(5);

/// How many batches may be under way at once.
const DELIVERIES: u8 = 16;

/// How often a stream is polled without `--interval`.
const INTERVAL: Duration = Duration::from_secs(30);

/// The stack of an output's thread: there may be hundreds, and none needs the usual 2 MiB.
const STACK: usize = 1 << 20;

/// The most outputs that one profile has: one for each stream.
const OUTPUTS: usize = Stream::ALL.len();

/// What the profiles of one run share.
struct Tail<'a> {
    invocation: &'a Invocation,
    args: &'a TailArgs,
    tally: Tally,
    redaction: Arc<Redaction>,
    delivery: Option<DeliveryRequest>,
    connections: Connections,
    systemd: Arc<SystemdNotifier>,
    feed: HealthFeed,
    /// Standard output or a device, made by the first profile that comes so far.
    screen: std::sync::Mutex<Option<SharedOutput>>,
    /// When `--for` ends.
    ends: Option<Duration>,
    /// Triggered when the reader of standard output is gone.
    over: Cancel,
    reopen: Arc<ReopenRequests>,
}

/// Runs `opev tail`.
///
/// # Errors
/// Fails for what concerns the whole run; failures of single streams and profiles are told as they happen.
pub fn run(invocation: &Invocation, args: &TailArgs) -> Result<End> {
    let collect = &args.collect;
    let Some(profiles) = super::profiles(invocation, collect, None)? else { return Ok(End::Done) };
    // Wrong arguments are reported before anything is started.
    args.highlight.as_deref().map(Highlight::new).transpose()?;
    let console = &invocation.runtime.console;
    let feed = args.health_file.as_deref().map(|path| HealthFeed::open(Arc::new(RealDisk), path, console));
    let variable = |name: &str| invocation.environment.raw(name).map(ToOwned::to_owned);
    let tail = Tail {
        invocation,
        args,
        tally: Tally::new(console.clone(), TellFailures::AtOnce),
        redaction: super::redaction(invocation, collect)?,
        delivery: delivery::request(invocation, collect, DELIVERIES, (PATIENCE, Some(BATCH_WAIT)))?,
        connections: Connections::for_following(profiles.len(), longest_interval(args)),
        systemd: Arc::new(SystemdNotifier::new(variable, profiles.len() * OUTPUTS)),
        feed: feed.transpose()?.unwrap_or_else(HealthFeed::nowhere),
        screen: std::sync::Mutex::default(),
        ends: args.duration.map(|duration| invocation.runtime.clock.elapsed() + duration),
        over: Cancel::new(),
        reopen: Arc::default(),
    };
    if collect.all_profiles {
        allow_open_files(collect, profiles.len())?;
    }
    let profiles = profiles.into_iter().enumerate().collect();
    tail.on_threads(profiles, |(number, settings)| {
        let profile = settings.profile.clone();
        let opened = tail.open(settings).map_err(|failure| tail.fail(&profile, failure));
        if let Ok(opened) = opened {
            let outputs: Vec<usize> = (0..opened.plan.outputs.len()).collect();
            (outputs.len()..OUTPUTS).for_each(|output| tail.systemd.ended(number * OUTPUTS + output));
            tail.on_threads(outputs, |output| {
                if let Err(failure) = tail.follow(&opened, number, output) {
                    tail.fail(&profile, failure);
                }
                tail.systemd.ended(number * OUTPUTS + output);
            });
        }
        (0..OUTPUTS).for_each(|output| tail.systemd.ended(number * OUTPUTS + output));
    });
    tail.systemd.stopping();
    if !collect.filter.terms().is_empty() {
        tail.tally.note_selection();
    }
    Ok(End::of(tail.tally.conclude()))
}

/// One profile, ready to be followed.
struct FollowedProfile {
    session: Session,
    streams: Vec<Stream>,
    plan: OutputPlan,
    monitor: Arc<ServiceMonitor>,
    intervals: Arc<Intervals>,
    /// When `--deadline` passes.
    deadline: Option<Duration>,
}

impl Tail<'_> {
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

    fn open(&self, settings: Settings) -> Result<FollowedProfile> {
        let (invocation, args) = (self.invocation, self.args);
        let deadline = settings.deadline.map(|deadline| invocation.runtime.clock.elapsed() + deadline);
        let intervals = Arc::new(Intervals::new(|stream| interval(args, stream)));
        let monitor = Arc::new(ServiceMonitor::new(
            intervals.clone(),
            Arc::clone(&self.systemd),
            &invocation.runtime.console,
            Arc::clone(&invocation.runtime.clock),
            args.collect.all_profiles.then_some(settings.profile.as_str()),
        ));
        let observer = Some(monitor.clone() as _);
        let chosen = ChosenEvents::of(&args.collect.filter, &settings)?;
        let detect = detect::beside(invocation, &args.collect.detection, &settings, &chosen.names)?;
        let session = session::open(invocation, &self.connections, settings, PATIENCE, observer)?;
        let streams = session.streams(&args.collect.streams.named)?;
        let request = OutputRequest {
            resume: args.collect.resume.then(|| super::resume_options(&args.collect, RunMode::Tail)),
            redaction: Arc::clone(&self.redaction),
            delivery: delivery::of_profile(self.delivery.as_ref(), invocation, &session.settings),
            detect,
            ..super::output_request(invocation, &args.collect, chosen, OutputUse::Follow)
        };
        let plan = OutputPlan::decide(&session, &request, &streams)?;
        Ok(FollowedProfile { session, streams, plan, monitor, intervals, deadline })
    }

    fn follow(&self, profile: &FollowedProfile, number: usize, output: usize) -> Result<()> {
        let (session, args) = (&profile.session, self.args);
        let runtime = &self.invocation.runtime;
        let run = OutputRun {
            runtime,
            tally: &self.tally,
            session,
            plan: &profile.plan,
            output: &profile.plan.outputs[output],
            number,
            names_profile: args.collect.all_profiles,
            shows_progress: false,
        };
        let follow = FollowOptions {
            monitor: Arc::clone(&profile.monitor),
            intervals: Arc::clone(&profile.intervals),
            systemd: (Arc::clone(&self.systemd), number * OUTPUTS + output),
            no_follow: args.no_follow,
            patience: session.settings.retry_for.unwrap_or(PATIENCE),
            ends: self.ends,
            deadline: profile.deadline,
            over: self.over.clone(),
            reopen: Arc::clone(&self.reopen),
        };
        let now = runtime.clock.now();
        let decided = ResolvedRange::decide(args.since.as_ref(), None, now, &session.settings.zone)?;
        if output == 0 {
            decided.warnings.iter().for_each(|warning| log::warn!("{warning}"));
        }
        let feed = self.feed.clone();
        if args.collect.resume {
            let start = StartAt { since: decided.since, is_typed: args.since.is_some() };
            let resume = &super::resume_options(&args.collect, RunMode::Tail);
            let accept_gap = args.collect.accept_gap;
            return saved_run::deliver(
                &run,
                &SavedRun { resume, start, accept_gap, feed, follow: Some(&follow) },
            );
        }
        let since = args.since.as_ref().map(|_| decided.since);
        let screen = self.screen(profile)?;
        follow::show(&run, &ShowFirst { since, lines: args.lines, feed }, &follow, &screen)
    }

    /// Where rows of all profiles go. The first to write anything writes the header.
    fn screen(&self, profile: &FollowedProfile) -> Result<SharedOutput> {
        let mut screen = self.screen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(screen) = &*screen {
            return Ok(screen.clone());
        }
        // Columns that are the same for every profile, where nothing names the streams.
        let collect = &self.args.collect;
        let streams =
            if collect.all_profiles { super::or_all(&collect.streams.named) } else { &profile.streams };
        let plan = &profile.plan;
        let highlight = self.args.highlight.as_deref().filter(|_| plan.render.colour);
        let destination =
            plan.outputs.first().map_or(Destination::Stdout, |output| output.destination.clone());
        let made = SharedOutput::new(
            plan.encoder(streams)?,
            destination,
            highlight.map(Highlight::new).transpose()?,
        );
        let made = made.on_terminal(plan.render.width, None);
        Ok(screen.insert(made).clone())
    }

    fn fail(&self, profile: &str, failure: Error) {
        self.tally.fail(match self.args.collect.all_profiles {
            true => failure.on_profile(profile),
            false => failure,
        });
    }
}

/// Takes as many open files as the system grants, and refuses to start where they are too few.
fn allow_open_files(collect: &CollectArgs, profiles: usize) -> Result<()> {
    limits::allow_open_files();
    let streams = super::or_all(&collect.streams.named).len();
    let is_by_stream =
        collect.output.as_ref().is_some_and(|path| path.to_string_lossy().contains("{stream}"));
    let outputs = if !collect.resume {
        0
    } else if is_by_stream {
        streams
    } else {
        1
    };
    limits::check_open_files(profiles, profiles * outputs, profiles * streams)
}

/// The longest interval of any stream.
fn longest_interval(args: &TailArgs) -> Duration {
    Stream::ALL.into_iter().map(|stream| interval(args, stream)).max().unwrap_or(INTERVAL)
}

/// A stream's poll interval: the last one given for it, else the last one for all.
fn interval(args: &TailArgs, stream: Stream) -> Duration {
    let typed = |of: Option<Stream>| args.interval.iter().rev().find(|i| i.stream == of).map(|i| i.every);
    typed(Some(stream)).or_else(|| typed(None)).unwrap_or(INTERVAL)
}

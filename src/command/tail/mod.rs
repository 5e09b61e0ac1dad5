//! `opev tail`: follow new events.
//!
//! ```text
//! live      the last events, then new ones as they come; keeps no state
//! newest    the last events of a look back
//! screen    standard output, shared by the profiles
//! service   from the saved position, saving as it delivers
//! lanes     streams side by side, and the waiting for them
//! ```
//!
//! A profile is a loop on a thread of its own; a stream that fails for good ends alone.

mod lanes;
mod live;
mod newest;
mod screen;
mod service;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use rustix::process::{Resource, getrlimit, setrlimit};

use self::screen::Screen;
use crate::cancel::Cancel;
use crate::cli::TailArgs;
use crate::command::output::{OutputArgs, OutputPlan, ResumeOptions};
use crate::command::session::{Connections, Session};
use crate::command::{End, Invocation};
use crate::config::{Config, Settings, Typed};
use crate::disk::RealDisk;
use crate::encode::{Fields, Highlight};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::health::{HealthFeed, PollPace, RunMode, ServiceMonitor, SystemdNotifier};
use crate::page::Page;
use crate::source::poll_interval::PollInterval;

/// How long a failing request is asked again, unless `--retry-for` says otherwise.
const PATIENCE: Duration = Duration::from_secs(90 * 60);

/// How often a stream is asked, unless `--interval` says otherwise.
const INTERVAL: Duration = Duration::from_secs(30);

/// The stack of a profile's thread: there may be hundreds, and none needs the usual 2 MiB.
const STACK: usize = 1 << 20;

/// What the profiles of one run share.
struct Shared<'a> {
    invocation: &'a Invocation,
    args: &'a TailArgs,
    connections: Connections,
    notify: Arc<SystemdNotifier>,
    feed: HealthFeed,
    screen: Screen,
    /// When `--for` ends.
    ends: Option<Duration>,
    /// Triggered when nobody reads standard output any more.
    over: Cancel,
    /// The wish to reopen, one for each profile.
    hangups: Vec<(Sender<()>, Receiver<()>)>,
    names_profiles: bool,
    events: AtomicU64,
    tally: Mutex<Tally>,
}

/// What the run came to.
#[derive(Debug, Default)]
struct Tally {
    kinds: Vec<ErrorKind>,
    anything_done: bool,
}

/// One profile, followed.
struct Run<'a> {
    shared: &'a Shared<'a>,
    index: usize,
    session: Session,
    streams: Vec<Stream>,
    form: OutputPlan,
    watch: Arc<ServiceMonitor>,
    intervals: Arc<Intervals>,
    /// When `--deadline` passes.
    deadline: Option<Duration>,
}

/// Runs `opev tail`.
///
/// # Errors
/// Fails for what concerns the whole run; failures of single streams and profiles are told as they happen.
pub fn run(invocation: &Invocation, args: &TailArgs) -> Result<End> {
    if args.fields.as_deref() == Some("help") {
        let streams = if args.streams.is_empty() { &Stream::ALL[..] } else { &args.streams };
        return super::print(Fields::help(streams).as_bytes());
    }
    let config = Config::read(args.account.file.config.as_deref(), invocation.environment.clone())?;
    let typed = Typed {
        account: &args.account,
        tz: invocation.console_args.tz.as_ref(),
        page_size: args.page_size,
        jobs: None,
    };
    let profiles =
        if args.all_profiles { config.all_settings(&typed)? } else { vec![config.settings(&typed)?] };
    let feed = args
        .health_file
        .as_deref()
        .map(|path| HealthFeed::open(Arc::new(RealDisk), path, &invocation.runtime.console));
    let variable = |name: &str| invocation.environment.raw(name).map(ToOwned::to_owned);
    let shared = Shared {
        invocation,
        args,
        connections: Connections::for_following(profiles.len(), longest_interval(args)),
        notify: Arc::new(SystemdNotifier::new(variable, profiles.len())),
        feed: feed.transpose()?.unwrap_or_else(HealthFeed::nowhere),
        screen: Screen::new(args.highlight.as_deref().map(Highlight::new).transpose()?),
        ends: args.duration.map(|duration| invocation.runtime.clock.elapsed() + duration),
        over: Cancel::new(),
        hangups: profiles.iter().map(|_| bounded(1)).collect(),
        names_profiles: args.all_profiles,
        events: AtomicU64::new(0),
        tally: Mutex::default(),
    };
    if shared.names_profiles {
        allow_open_files();
    }
    match <[Settings; 1]>::try_from(profiles) {
        Ok([settings]) => shared.follow(0, settings),
        Err(profiles) => std::thread::scope(|scope| {
            for (index, settings) in profiles.into_iter().enumerate() {
                let (shared, profile) = (&shared, settings.profile.clone());
                let thread = thread::Builder::new().name("profile".into()).stack_size(STACK);
                let started = thread.spawn_scoped(scope, move || shared.follow(index, settings));
                if let Err(e) = started {
                    let failure = Error::new(ErrorKind::Unexpected, "cannot start a thread").because(e);
                    shared.fail(Some(&profile), failure);
                    shared.notify.ended(index);
                }
            }
        }),
    }
    shared.notify.stopping();
    let tally = shared.tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    let told = tally.kinds.iter().filter(|kind| !matches!(kind, ErrorKind::Interrupted(_))).count();
    Ok(End::of(super::conclude(invocation, &tally.kinds, told, tally.anything_done)))
}

impl Shared<'_> {
    /// Follows a profile to the end of the run, or to its own.
    fn follow(&self, index: usize, settings: Settings) {
        let profile = self.names_profiles.then(|| settings.profile.clone());
        let outcome = Run::start(self, index, settings).and_then(|run| match self.args.resume {
            true => service::run(&run),
            false => live::run(&run),
        });
        if let Err(failure) = outcome {
            self.fail(profile.as_deref(), failure);
        }
        self.notify.ended(index);
    }

    /// Tells a failure at once: the run may go on for months.
    fn fail(&self, profile: Option<&str>, failure: Error) {
        self.tally().kinds.push(failure.kind());
        if !matches!(failure.kind(), ErrorKind::Interrupted(_)) {
            let named = match profile {
                Some(profile) => failure.on_profile(profile),
                None => failure,
            };
            self.invocation.runtime.console.failure(&named);
        }
    }

    fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> Run<'a> {
    fn start(shared: &'a Shared<'a>, index: usize, settings: Settings) -> Result<Run<'a>> {
        let (invocation, args) = (shared.invocation, shared.args);
        let deadline = settings.deadline.map(|deadline| invocation.runtime.clock.elapsed() + deadline);
        let intervals = Arc::new(Intervals::new(|stream| interval(args, stream)));
        let watch = Arc::new(ServiceMonitor::new(
            intervals.clone(),
            Arc::clone(&shared.notify),
            &invocation.runtime.console,
            Arc::clone(&invocation.runtime.clock),
            shared.names_profiles.then_some(settings.profile.as_str()),
        ));
        let session =
            Session::open_observed(invocation, &shared.connections, settings, PATIENCE, Some(watch.clone()))?;
        let streams = session.streams(&args.streams)?;
        let wish = OutputArgs {
            output: args.output.as_deref(),
            format: args.format,
            shape: args.shape,
            fields: args.fields.as_deref(),
            saving: args.resume.then(|| saving(args)),
        };
        let form = OutputPlan::decide(invocation, &session, &wish, &streams)?;
        Ok(Run { shared, index, session, streams, form, watch, intervals, deadline })
    }

    /// A stream, or all that goes to an output, has failed for good.
    fn fail(&self, failure: Error) {
        if let Some(stream) = failure.stream() {
            self.watch.report(stream, |reporter| reporter.failed(stream, &failure));
        }
        let profile = self.shared.names_profiles.then_some(self.session.settings.profile.as_str());
        self.shared.fail(profile, failure);
    }

    /// Something of this run was done as asked.
    fn done(&self) {
        self.shared.tally().anything_done = true;
    }

    /// Notes that a page was delivered, with so many new events.
    fn delivered(&self, page: &Page, events: u64) {
        self.shared.events.fetch_add(events, Ordering::Relaxed);
        let (stream, interval) = (page.stream, self.intervals.interval(page.stream));
        self.watch.report(stream, |reporter| {
            reporter.polled(stream, page.received_at, events);
            reporter.interval(stream, interval);
        });
    }

    /// Tells systemd that this loop comes round.
    fn alive(&self) {
        self.shared.notify.alive(self.index, self.shared.invocation.runtime.clock.elapsed(), || {
            let failures = self.shared.tally().kinds.len();
            let events = self.shared.events.load(Ordering::Relaxed);
            let failed = if failures > 0 { format!(", {failures} failed for good") } else { String::new() };
            format!("following; {events} events since the start{failed}")
        });
    }
}

/// The intervals of one profile's streams.
#[derive(Debug)]
struct Intervals([PollInterval; 3]);

impl Intervals {
    fn new(usual: impl Fn(Stream) -> Duration) -> Self {
        Intervals(Stream::ALL.map(|stream| PollInterval::new(stream, usual(stream))))
    }

    fn of(&self, stream: Stream) -> &PollInterval {
        &self.0[stream as usize]
    }
}

impl PollPace for Intervals {
    fn interval(&self, stream: Stream) -> Duration {
        self.of(stream).interval()
    }

    fn refused(&self, stream: Stream) {
        self.of(stream).refused();
    }
}

/// Takes as many open files as the system grants: a profile needs five and a few connections, and the usual
/// 1,024 are not enough for hundreds.
fn allow_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(e) = setrlimit(Resource::Nofile, limit) {
        log::info!("the limit of open files stays as it is: {e}");
    }
}

/// What was typed about the saved position.
fn saving(args: &TailArgs) -> ResumeOptions<'_> {
    let consumer = args.consumer.as_deref();
    ResumeOptions { consumer, lock_wait: args.lock_wait, file_mode: args.file_mode, work: RunMode::Tail }
}

/// The longest interval of any stream.
fn longest_interval(args: &TailArgs) -> Duration {
    Stream::ALL.into_iter().map(|stream| interval(args, stream)).max().unwrap_or(INTERVAL)
}

/// How often a stream is asked: the last that was typed for it, else the last for all.
fn interval(args: &TailArgs, stream: Stream) -> Duration {
    let typed = |of: Option<Stream>| args.interval.iter().rev().find(|i| i.stream == of).map(|i| i.every);
    typed(Some(stream)).or_else(|| typed(None)).unwrap_or(INTERVAL)
}

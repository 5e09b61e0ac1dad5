//! `opev tail`: follow new events, on a terminal or as a service.
//!
//! Decides what was typed, and hands every profile to `collect`.

use std::sync::Arc;
use std::time::Duration;

use crate::cli::TailArgs;
use crate::cli::collect::CollectArgs;
use crate::collect::delivery::DeliveryRequest;
use crate::collect::intervals::Intervals;
use crate::collect::plan::{OutputPlan, OutputRequest};
use crate::collect::report::{Tally, TellFailures};
use crate::collect::session::Connections;
use crate::collect::tail_run::{FollowedProfile, TailRun, TailState};
use crate::command::{ChosenEvents, End, Invocation, delivery, detect, session};
use crate::config::{ResolvedRange, Settings};
use crate::disk::RealDisk;
use crate::encode::{Highlight, OutputUse, Redaction};
use crate::error::Result;
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

/// Runs `opev tail`.
///
/// # Errors
/// Fails for what concerns the whole run; failures of single streams and profiles are told as they happen.
pub fn run(invocation: &Invocation, args: &TailArgs) -> Result<End> {
    let (collect, runtime) = (&args.collect, &invocation.runtime);
    let Some(profiles) = super::profiles(invocation, collect, None)? else { return Ok(End::Done) };
    // Wrong arguments are reported before anything is started.
    let highlight = args.highlight.as_deref().map(Highlight::new).transpose()?;
    let feed =
        args.health_file.as_deref().map(|path| HealthFeed::open(Arc::new(RealDisk), path, &runtime.console));
    let variable = |name: &str| invocation.environment.raw(name).map(ToOwned::to_owned);
    let tally = Tally::new(runtime.console.clone(), TellFailures::AtOnce);
    let loops = TailRun::most_outputs(profiles.len());
    let tail = TailRun {
        runtime,
        tally: &tally,
        names_profile: collect.profiles.all,
        resume: collect.resume.then(|| (super::resume_options(collect, RunMode::Tail), collect.accept_gap)),
        // Nothing is remembered: a receiver gets no event again only because the run was started again.
        lines: args.lines.or(collect.delivery.has_receiver().then_some(0)),
        highlight,
        // The same for every profile, where nothing names the streams.
        columns_of: collect.profiles.all.then(|| super::or_all(&collect.streams.named).to_vec()),
        no_follow: args.no_follow,
        ends: args.duration.map(|duration| runtime.clock.elapsed() + duration),
        feed: feed.transpose()?.unwrap_or_else(HealthFeed::nowhere),
        systemd: Arc::new(SystemdNotifier::new(variable, loops)),
        state: TailState::default(),
    };
    let shared = SharedByProfiles {
        redaction: super::redaction(invocation, collect)?,
        delivery: delivery::request(invocation, collect, DELIVERIES, (PATIENCE, Some(BATCH_WAIT)))?,
        connections: Connections::for_following(profiles.len(), longest_interval(args)),
        systemd: Arc::clone(&tail.systemd),
    };
    if collect.profiles.all {
        allow_open_files(collect, profiles.len())?;
    }
    let profiles = profiles.into_iter().map(|settings| (settings.profile.clone(), settings)).collect();
    tail.follow_all(profiles, |settings| open(invocation, args, &shared, settings));
    if !collect.filter.terms().is_empty() {
        tally.note_selection();
    }
    Ok(End::of(tally.conclude()))
}

/// What the profiles of one run share.
struct SharedByProfiles {
    redaction: Arc<Redaction>,
    delivery: Option<DeliveryRequest>,
    connections: Connections,
    systemd: Arc<SystemdNotifier>,
}

/// Decides what is followed of a profile.
fn open(
    invocation: &Invocation,
    args: &TailArgs,
    shared: &SharedByProfiles,
    settings: Settings,
) -> Result<FollowedProfile> {
    let (runtime, collect) = (&invocation.runtime, &args.collect);
    let deadline = settings.deadline.map(|deadline| runtime.clock.elapsed() + deadline);
    let decided = ResolvedRange::decide(args.since.as_ref(), None, runtime.clock.now(), &settings.zone)?;
    decided.warnings.iter().for_each(|warning| log::warn!("{warning}"));
    let intervals = Arc::new(Intervals::new(|stream| interval(args, stream)));
    let monitor = Arc::new(ServiceMonitor::new(
        intervals.clone(),
        Arc::clone(&shared.systemd),
        &runtime.console,
        Arc::clone(&runtime.clock),
        collect.profiles.all.then_some(settings.profile.as_str()),
    ));
    let observer = Some(monitor.clone() as _);
    let chosen = ChosenEvents::of(&collect.filter, &settings)?;
    let detect = detect::beside(invocation, &collect.detection, &settings, &chosen.names)?;
    let session = session::open(invocation, &shared.connections, settings, PATIENCE, observer)?;
    let streams = session.streams(&collect.streams.named)?;
    let request = OutputRequest {
        resume: collect.resume.then(|| super::resume_options(collect, RunMode::Tail)),
        redaction: Arc::clone(&shared.redaction),
        delivery: delivery::of_profile(shared.delivery.as_ref(), invocation, &session.settings),
        detect,
        ..super::output_request(invocation, collect, chosen, OutputUse::Follow)
    };
    let plan = OutputPlan::decide(&session, &request, &streams)?;
    Ok(FollowedProfile {
        patience: session.settings.retry_for.unwrap_or(PATIENCE),
        session,
        streams,
        plan,
        monitor,
        intervals,
        deadline,
        since: decided.since,
        is_since_typed: args.since.is_some(),
    })
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

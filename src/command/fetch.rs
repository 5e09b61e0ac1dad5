//! `opev fetch`: get events once and exit.
//!
//! Turns the arguments into plans, for one profile or for all, and passes them to `collect`: a question for a range, or
//! a saved run with `--resume`.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::cli::{FetchArgs, Sort};
use crate::collect::delivery::DeliveryRequest;
use crate::collect::fetch_run::{FetchRun, ProfileFetch, ResumedFetch};
use crate::collect::plan::{OutputPlan, OutputRequest, names};
use crate::collect::question::Question;
use crate::collect::report::{Tally, TellFailures};
use crate::collect::saved_run::StartAt;
use crate::collect::session::{Connections, DEFAULT_JOBS};
use crate::command::{ChosenEvents, End, Invocation, PATIENCE, delivery, detect, saved_events, session};
use crate::config::{ResolvedRange, Settings};
use crate::encode::{Format, OutputUse, Redaction, Shape};
use crate::error::{ErrorKind, Result};
use crate::health::{RunMode, ServiceMonitor};
use crate::runtime::Runtime;

/// How many batches may be under way at once without `--jobs`.
const DELIVERIES: u8 = 16;

/// Runs `opev fetch`.
///
/// # Errors
/// Fails for what concerns the whole run; failures of single streams and profiles are reported here.
pub fn run(invocation: &Invocation, args: &FetchArgs) -> Result<End> {
    let collect = &args.collect;
    let Some(profiles) = super::profiles(invocation, collect, args.job.jobs)? else { return Ok(End::Done) };
    let tally = Tally::new(invocation.runtime.console.clone(), TellFailures::AtTheEnd);
    let is_filtered = !collect.filter.terms().is_empty();
    let fetch = FetchSetup {
        invocation,
        args,
        redaction: super::redaction(invocation, collect)?,
        delivery: delivery::request(
            invocation,
            collect,
            args.job.jobs.unwrap_or(DELIVERIES),
            (PATIENCE, None),
        )?,
        run: FetchRun {
            runtime: &invocation.runtime,
            tally: &tally,
            names_profile: collect.profiles.all,
            pager: invocation
                .stdout_is_terminal
                .then(|| super::pager(invocation, collect.account.file.config.as_deref(), collect.wide))
                .flatten(),
        },
        connections: Connections::default(),
    };
    if !args.saved.from.is_empty() {
        for settings in profiles {
            saved_events::answer(&fetch, settings)?;
        }
    } else if !collect.profiles.all || collect.names_a_file_per_profile() || fetch.delivery.is_some() {
        fetch.side_by_side(profiles);
    } else {
        fetch.one_after_another(&profiles)?;
    }
    let end = tally.conclude();
    if is_filtered && !args.dry_run {
        tally.note_selection();
    }
    if end.is_none() && tally.events() == 0 && !args.dry_run {
        if !(is_filtered || collect.resume && collect.names_a_file()) {
            invocation.runtime.console.note(if collect.resume { "no new events" } else { "no events" });
        }
        if args.fail_if_empty {
            return Ok(End::Failed(ErrorKind::CheckFailed));
        }
    }
    Ok(End::of(end))
}

/// What the profiles of one run share.
pub(super) struct FetchSetup<'a> {
    pub(super) invocation: &'a Invocation,
    pub(super) args: &'a FetchArgs,
    pub(super) redaction: Arc<Redaction>,
    pub(super) run: FetchRun<'a>,
    pub(super) delivery: Option<DeliveryRequest>,
    connections: Connections,
}

impl FetchSetup<'_> {
    /// Every profile into outputs of its own. Tokens are read one after another: their commands may have a
    /// question.
    fn side_by_side(&self, profiles: Vec<Settings>) {
        let mut fetches = Vec::new();
        for settings in profiles {
            let profile = settings.profile.clone();
            match self.plan_or_describe(settings) {
                Ok(fetch) => fetches.extend(fetch),
                Err(failure) => self.run.fail(&profile, failure),
            }
        }
        self.run.side_by_side(&fetches, self.args.job.jobs.unwrap_or(DEFAULT_JOBS));
    }

    /// Every profile into standard output.
    fn one_after_another(&self, profiles: &[Settings]) -> Result<()> {
        let names = profiles.iter().map(|settings| settings.profile.clone()).collect();
        let streams = super::or_all(&self.args.collect.streams.named);
        self.run.one_after_another(names, streams, |number| self.plan_or_describe(profiles[number].clone()))
    }

    /// What is fetched for a profile; nothing under `--dry-run`, which describes it.
    fn plan_or_describe(&self, settings: Settings) -> Result<Option<ProfileFetch>> {
        let fetch = self.plan(settings)?;
        if self.args.dry_run {
            self.describe(&fetch);
            return Ok(None);
        }
        Ok(Some(fetch))
    }

    /// Decides the settings, and reports defaults that were chosen.
    fn plan(&self, settings: Settings) -> Result<ProfileFetch> {
        let (args, invocation) = (self.args, self.invocation);
        let decided = super::range(invocation, &settings, &args.range)?;
        let chosen = ChosenEvents::of(&args.collect.filter, &settings)?;
        let Runtime { console, clock, .. } = &invocation.runtime;
        let profile = args.collect.profiles.all.then_some(settings.profile.as_str());
        let monitor = Arc::new(ServiceMonitor::of_one_run(console, Arc::clone(clock), profile));
        let detect = detect::beside(invocation, &args.collect.detection, &settings, &chosen.names)?;
        let session = session::open(invocation, &self.connections, settings, PATIENCE, Some(monitor as _))?;
        let streams = session.streams(&args.collect.streams.named)?;
        let options = args.collect.resume.then(|| super::resume_options(&args.collect, RunMode::Fetch));
        let mut request = OutputRequest {
            resume: options.clone(),
            redaction: Arc::clone(&self.redaction),
            delivery: delivery::of_profile(self.delivery.as_ref(), invocation, &session.settings),
            detect,
            ..super::output_request(invocation, &args.collect, chosen, OutputUse::Question)
        };
        if args.collect.profiles.all && !args.collect.names_a_file() {
            // In one output of many accounts every event needs its profile.
            request.shape.get_or_insert(Shape::Envelope);
        }
        let plan = OutputPlan::decide(&session, &request, &streams)?;
        let question = question(args, &plan, &decided);
        if !args.collect.resume {
            let zone = &session.settings.zone;
            let (since, until) = (zone.show(decided.since), zone.show(decided.until));
            invocation.runtime.console.note(&format!("{} from {since} to {until}", names(&streams)));
        }
        let start = StartAt { since: question.range.since, is_typed: args.range.since.is_some() };
        let accept_gap = args.collect.accept_gap;
        let resume = options.map(|options| ResumedFetch { options, start, accept_gap });
        Ok(ProfileFetch { session, plan, question, resume })
    }

    /// Describes the run, for `--dry-run`.
    fn describe(&self, fetch: &ProfileFetch) {
        let ProfileFetch { session, plan, question, .. } = fetch;
        let (settings, zone) = (&session.settings, &session.settings.zone);
        let mut text = format!("profile   {}\nserver    {}\n", settings.profile, session.account.server);
        let _ = writeln!(text, "token     read, not sent");
        let _ = writeln!(text, "api       {}", settings.api);
        let cuts = if question.range.until.is_none() { " (now: cuts nothing)" } else { "" };
        let (since, until) = (zone.show(question.range.since), zone.show(question.until));
        let _ = writeln!(text, "range     {since} to {until}{cuts}");
        describe_outputs(plan, &mut text);
        let _ = write!(text, "nothing was sent and nothing was written");
        self.invocation.runtime.console.say(&text);
        self.run.tally.done();
    }
}

/// The lines of `--dry-run` about what is chosen and where it goes.
pub(super) fn describe_outputs(plan: &OutputPlan, text: &mut String) {
    if !plan.filter.is_empty() {
        let _ = writeln!(text, "filters   {}", plan.filter.describe());
    }
    for output in &plan.outputs {
        let (names, place) = (names(&output.streams), output.destination.shown());
        let _ = writeln!(text, "output    {names} -> {place} as {} ({})", plan.format, plan.shape);
    }
}

/// What was asked, as the engine takes it.
pub(super) fn question(args: &FetchArgs, plan: &OutputPlan, decided: &ResolvedRange) -> Question {
    let by_time = match args.sort {
        Some(sort) => sort == Sort::Time,
        None => plan.format != Format::Ndjson,
    };
    let by_time = by_time || args.reverse;
    Question {
        range: super::time_range(decided, &args.range),
        until: decided.until,
        limit: args.limit,
        newest: args.last,
        by_time,
        reverse: args.reverse,
        file_mode: args.collect.file_mode,
        overwrite: args.overwrite,
    }
}

//! `opev fetch`: get events once and exit.
//!
//! Turns the arguments into plans, for one profile or for all, and passes them to `collect`: a question for a range, or
//! a saved run with `--resume`.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::cli::{FetchArgs, Sort};
use crate::collect::delivery::DeliveryRequest;
use crate::collect::plan::{OutputPlan, OutputRequest, ResumeOptions, names};
use crate::collect::question::{self, Question};
use crate::collect::report::{Tally, TellFailures};
use crate::collect::saved_run::{self, SavedRun, StartAt};
use crate::collect::session::{Connections, DEFAULT_JOBS, Session};
use crate::collect::shared_output::SharedOutput;
use crate::collect::{OutputRun, side_by_side};
use crate::command::{ChosenEvents, End, Invocation, PATIENCE, delivery, detect, saved_events, session};
use crate::config::{ResolvedRange, Settings};
use crate::encode::{Format, OutputUse, Redaction, Shape};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Stream;
use crate::health::{HealthFeed, RunMode, ServiceMonitor};
use crate::limits;
use crate::runtime::Runtime;

/// How many batches may be under way at once without `--jobs`.
const DELIVERIES: u8 = 16;

/// How many outputs are written side by side; `--jobs` bounds their requests.
const AT_ONCE: usize = 16;

/// Runs `opev fetch`.
///
/// # Errors
/// Fails for what concerns the whole run; failures of single streams and profiles are reported here.
pub fn run(invocation: &Invocation, args: &FetchArgs) -> Result<End> {
    let collect = &args.collect;
    let Some(profiles) = super::profiles(invocation, collect, args.job.jobs)? else { return Ok(End::Done) };
    let tally = Tally::new(invocation.runtime.console.clone(), TellFailures::AtTheEnd);
    let is_filtered = !collect.filter.terms().is_empty();
    let fetch = Fetch {
        invocation,
        args,
        redaction: super::redaction(invocation, collect)?,
        delivery: delivery::request(
            invocation,
            collect,
            args.job.jobs.unwrap_or(DELIVERIES),
            (PATIENCE, None),
        )?,
        tally: &tally,
        connections: Connections::default(),
    };
    if !args.saved.from.is_empty() {
        for settings in profiles {
            saved_events::answer(&fetch, settings)?;
        }
    } else if !collect.all_profiles || collect.names_a_file_per_profile() || fetch.delivery.is_some() {
        fetch.side_by_side(profiles);
    } else {
        fetch.one_after_another(profiles)?;
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

pub(super) struct Fetch<'a> {
    pub(super) invocation: &'a Invocation,
    pub(super) args: &'a FetchArgs,
    pub(super) redaction: Arc<Redaction>,
    delivery: Option<DeliveryRequest>,
    pub(super) tally: &'a Tally,
    connections: Connections,
}

/// The fetch of one profile, decided and not begun.
#[derive(Debug)]
struct ProfileFetch {
    session: Session,
    plan: OutputPlan,
    question: Question,
}

impl Fetch<'_> {
    /// Reads outputs that have nothing to do with each other, each on a thread, so that none waits for
    /// another's retries. Tokens are read one after another: their commands may have a question.
    fn side_by_side(&self, profiles: Vec<Settings>) {
        let mut fetches = Vec::new();
        for settings in profiles {
            let profile = settings.profile.clone();
            match self.plan(settings) {
                Ok(fetch) => fetches.push(fetch),
                Err(failure) => self.fail(&profile, failure),
            }
        }
        if self.args.dry_run {
            return fetches.iter().for_each(|fetch| self.describe(fetch));
        }
        let outputs: Vec<(usize, usize)> = (0..fetches.len())
            .flat_map(|fetch| (0..fetches[fetch].plan.outputs.len()).map(move |output| (fetch, output)))
            .collect();
        let is_alone = outputs.len() == 1;
        // Several progress lines would write over each other.
        let console = &self.invocation.runtime.console;
        let console = if is_alone { console.clone() } else { console.without_progress() };
        let runtime = Runtime { console, ..self.invocation.runtime.clone() };
        limits::allow_open_files();
        let connections = self.args.job.jobs.unwrap_or(DEFAULT_JOBS);
        let at_once = limits::outputs_at_once(usize::from(connections)).min(AT_ONCE);
        side_by_side::map(outputs, at_once, |(number, output)| {
            let fetch = &fetches[number];
            let may_start = if is_alone { Ok(()) } else { runtime.cancel.check() };
            let outcome = may_start.and_then(|()| {
                let shared = || self.shared_output(&fetch.plan, &fetch.plan.outputs[output].streams, output);
                let run = self.output_run(&runtime, fetch, number, output, is_alone);
                if self.args.collect.resume {
                    self.resume(&run, fetch)
                } else {
                    question::answer(&run, &fetch.question, &shared()?, true)
                }
            });
            if let Err(failure) = outcome {
                self.fail(&fetch.session.settings.profile, failure);
            }
        });
    }

    /// Every profile into standard output: one header, one array.
    fn one_after_another(&self, profiles: Vec<Settings>) -> Result<()> {
        let mut document: Option<SharedOutput> = None;
        for (number, settings) in profiles.into_iter().enumerate() {
            let profile = settings.profile.clone();
            let console = &self.invocation.runtime.console;
            console.note(&format!("profile {profile}"));
            let outcome = self.plan(settings).and_then(|fetch| {
                if self.args.dry_run {
                    self.describe(&fetch);
                    return Ok(());
                }
                let run = self.output_run(&self.invocation.runtime, &fetch, number, 0, true);
                if self.args.collect.resume {
                    return self.resume(&run, &fetch);
                }
                // Other profiles may be granted other streams: the columns have to suit all.
                let output = match &document {
                    Some(output) => output.clone(),
                    None => {
                        let made = self.shared_output(
                            &fetch.plan,
                            super::or_all(&self.args.collect.streams.named),
                            0,
                        )?;
                        document.insert(made).clone()
                    }
                };
                question::answer(&run, &fetch.question, &output, false)
            });
            let is_gone = matches!(&outcome, Err(failure) if failure.kind() == ErrorKind::ClosedPipe);
            if let Err(failure) = outcome {
                self.fail(&profile, failure);
            }
            let is_closed = document.as_ref().is_some_and(SharedOutput::is_closed);
            if self.invocation.runtime.cancel.is_triggered() || is_gone || is_closed {
                break;
            }
        }
        match document.filter(|output| !output.is_closed()) {
            Some(output) => match output.end().and_then(|()| output.publish()) {
                Err(failure) if failure.kind() != ErrorKind::ClosedPipe => Err(failure),
                _ => Ok(()),
            },
            None => Ok(()),
        }
    }

    fn resume(&self, run: &OutputRun<'_>, fetch: &ProfileFetch) -> Result<()> {
        let start = StartAt { since: fetch.question.range.since, is_typed: self.args.range.since.is_some() };
        let resume = &self.resume_options();
        let (accept_gap, feed) = (self.args.collect.accept_gap, HealthFeed::nowhere());
        saved_run::deliver(run, &SavedRun { resume, start, accept_gap, feed, follow: None })
    }

    fn resume_options(&self) -> ResumeOptions {
        super::resume_options(&self.args.collect, RunMode::Fetch)
    }

    pub(super) fn shared_output(
        &self,
        plan: &OutputPlan,
        streams: &[Stream],
        output: usize,
    ) -> Result<SharedOutput> {
        let made = SharedOutput::new(plan.encoder(streams)?, plan.outputs[output].destination.clone(), None);
        let config = self.args.collect.account.file.config.as_deref();
        let pager =
            plan.to_terminal.then(|| super::pager(self.invocation, config, self.args.collect.wide)).flatten();
        Ok(made.on_terminal(plan.render.width, pager))
    }

    fn output_run<'r>(
        &'r self,
        runtime: &'r Runtime,
        fetch: &'r ProfileFetch,
        number: usize,
        output: usize,
        shows_progress: bool,
    ) -> OutputRun<'r> {
        let (session, plan) = (&fetch.session, &fetch.plan);
        OutputRun {
            runtime,
            tally: self.tally,
            session,
            plan,
            output: &plan.outputs[output],
            number,
            names_profile: self.args.collect.all_profiles,
            shows_progress,
        }
    }

    fn fail(&self, profile: &str, failure: Error) {
        self.tally.fail(match self.args.collect.all_profiles {
            true => failure.on_profile(profile),
            false => failure,
        });
    }

    /// Decides the settings, and reports defaults that were chosen.
    fn plan(&self, settings: Settings) -> Result<ProfileFetch> {
        let (args, invocation) = (self.args, self.invocation);
        let decided = super::range(invocation, &settings, &args.range)?;
        let chosen = ChosenEvents::of(&args.collect.filter, &settings)?;
        let Runtime { console, clock, .. } = &invocation.runtime;
        let profile = args.collect.all_profiles.then_some(settings.profile.as_str());
        let monitor = Arc::new(ServiceMonitor::of_one_run(console, Arc::clone(clock), profile));
        let detect = detect::beside(invocation, &args.collect.detection, &settings, &chosen.names)?;
        let session = session::open(invocation, &self.connections, settings, PATIENCE, Some(monitor as _))?;
        let streams = session.streams(&args.collect.streams.named)?;
        let mut request = OutputRequest {
            resume: args.collect.resume.then(|| self.resume_options()),
            redaction: Arc::clone(&self.redaction),
            delivery: delivery::of_profile(self.delivery.as_ref(), invocation, &session.settings),
            detect,
            ..super::output_request(invocation, &args.collect, chosen, OutputUse::Question)
        };
        if args.collect.all_profiles && !args.collect.names_a_file() {
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
        Ok(ProfileFetch { session, plan, question })
    }

    /// Describes the run, for `--dry-run`.
    fn describe(&self, fetch: &ProfileFetch) {
        let ProfileFetch { session, plan, question } = fetch;
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
        self.tally.done();
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

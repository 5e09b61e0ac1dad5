//! From arguments to a fold over the events of an account, of every profile, or of files: for `summary`, `exposure`
//! and `detect`.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::{ChosenEvents, Invocation, PATIENCE, session};
use crate::analyze::{Fold, Period};
use crate::cli::analysis::AnalysisArgs;
use crate::collect::files::FileSource;
use crate::collect::fold::{self, FoldRun};
use crate::collect::plan::names;
use crate::collect::question::QuestionSource;
use crate::collect::report::{Tally, TellFailures};
use crate::collect::session::Connections;
use crate::config::{ResolvedRange, Settings};
use crate::encode::Redaction;
use crate::error::Result;
use crate::event::Stream;
use crate::health::ServiceMonitor;
use crate::runtime::Runtime;
use crate::select::{Filter, Names};
use crate::source::files::Input;
use crate::source::range::TimeRange;
use crate::time::Zone;

/// What was read and folded.
#[derive(Debug)]
pub(super) struct Analysis<F> {
    /// The merged fold; none where nothing could be read.
    pub(super) fold: Option<F>,
    /// The names that are known of what events concern.
    pub(super) names: Arc<Names>,
    /// The zone of times.
    pub(super) zone: Zone,
    /// How the run ends; failures are told when it does.
    pub(super) tally: Tally,
}

/// What a fold is made for.
#[derive(Debug)]
pub(super) struct FoldScope<'a> {
    /// The time range.
    pub(super) period: Period,
    /// The zone of times.
    pub(super) zone: &'a Zone,
    /// The filter that was typed; where all events are folded, the fold has to ask it.
    pub(super) filter: &'a Arc<Filter>,
}

/// What is looked at beside what the arguments say.
#[derive(Debug)]
pub(super) struct AnalysisPlan {
    /// The profiles.
    pub(super) profiles: Vec<Settings>,
    /// How much earlier another range lies that is read, too.
    pub(super) compare: Option<Duration>,
    /// Whether the fold gets also the events that the filter does not want.
    pub(super) folds_all: bool,
}

impl AnalysisPlan {
    /// The wanted events of these profiles, and nothing else.
    pub(super) fn of(profiles: Vec<Settings>) -> Self {
        AnalysisPlan { profiles, compare: None, folds_all: false }
    }
}

/// The same, as the folds of one profile need it.
#[derive(Clone, Copy, Debug)]
struct HowFolded {
    compare: Option<TimeDelta>,
    folds_all: bool,
}

/// The settings of every profile that is looked at.
///
/// # Errors
/// As the configuration.
pub(super) fn profiles(invocation: &Invocation, args: &AnalysisArgs) -> Result<Vec<Settings>> {
    super::settings_of(invocation, &args.account, &args.profiles, args.page.page_size, args.job.jobs)
}

/// Gives the wanted events to folds that `make` makes, and merges them over threads and profiles.
///
/// # Errors
/// Fails for what concerns the whole run; failures of single streams, files and profiles are in the tally.
pub(super) fn fold<F: Fold>(
    invocation: &Invocation,
    args: &AnalysisArgs,
    plan: AnalysisPlan,
    make: impl Fn(&FoldScope<'_>) -> F + Sync,
) -> Result<Analysis<F>> {
    let AnalysisPlan { profiles, compare, folds_all } = plan;
    let compare = compare.map(|compare| TimeDelta::from_std(compare).unwrap_or(TimeDelta::MAX));
    let how = HowFolded { compare, folds_all };
    let tally = Tally::new(invocation.runtime.console.clone(), TellFailures::AtTheEnd);
    let mut analysis = Analysis { fold: None, names: Arc::default(), zone: Zone::default(), tally };
    let connections = Connections::default();
    for settings in profiles {
        let profile = settings.profile.clone();
        let folded = match args.saved.is_given() {
            true => fold_files(invocation, args, settings, how, &mut analysis, &make),
            false => fold_account(invocation, args, settings, (how, &connections), &mut analysis, &make),
        };
        match (folded, &mut analysis.fold) {
            (Ok(Some(fold)), Some(merged)) => merged.merge(fold),
            (Ok(fold), merged) => *merged = merged.take().or(fold),
            (Err(failure), _) if args.profiles.all => {
                invocation.runtime.cancel.check()?;
                analysis.tally.fail(failure.on_profile(&profile));
            }
            (Err(failure), _) => return Err(failure),
        }
    }
    Ok(analysis)
}

impl<F> Analysis<F> {
    /// Takes the names and the zone of a profile.
    fn note_profile(&mut self, chosen: &ChosenEvents, settings: &Settings) {
        self.zone = settings.zone.clone();
        if self.names.is_empty() {
            self.names = Arc::clone(&chosen.names);
            return;
        }
        let names = Arc::make_mut(&mut self.names);
        for (uuid, known) in chosen.names.iter() {
            names.insert(uuid.to_owned(), known.kind, known.name.clone());
        }
    }
}

fn fold_account<F: Fold>(
    invocation: &Invocation,
    args: &AnalysisArgs,
    settings: Settings,
    (how, connections): (HowFolded, &Connections),
    analysis: &mut Analysis<F>,
    make: &(impl Fn(&FoldScope<'_>) -> F + Sync),
) -> Result<Option<F>> {
    let decided = super::range(invocation, &settings, &args.range)?;
    let chosen = ChosenEvents::of(&args.filter, &settings)?;
    analysis.note_profile(&chosen, &settings);
    let Runtime { console, clock, .. } = &invocation.runtime;
    let profile = args.profiles.all.then_some(settings.profile.as_str());
    let monitor = Arc::new(ServiceMonitor::of_one_run(console, Arc::clone(clock), profile));
    let session = session::open(invocation, connections, settings, PATIENCE, Some(monitor as _))?;
    let streams = session.streams(&args.streams.named)?;
    let zone = &session.settings.zone;
    let from = format!("{} to {}", zone.show(decided.since), zone.show(decided.until));
    let what =
        Folded { source: &session, from: &from, streams: &streams, chosen: &chosen, decided: &decided, how };
    what.fold(invocation, args, &analysis.tally, make)
}

fn fold_files<F: Fold>(
    invocation: &Invocation,
    args: &AnalysisArgs,
    settings: Settings,
    how: HowFolded,
    analysis: &mut Analysis<F>,
    make: &(impl Fn(&FoldScope<'_>) -> F + Sync),
) -> Result<Option<F>> {
    let decided = super::range_of_files(invocation, &settings, &args.range)?;
    let chosen = ChosenEvents::of(&args.filter, &settings)?;
    analysis.note_profile(&chosen, &settings);
    let mut streams = super::or_all(&args.streams.named).to_vec();
    streams.sort();
    let inputs = Input::find(&args.saved.from)?;
    let (fallback, is_strict) = (args.saved.stream, args.saved.strict);
    let filter = how.filter(&chosen);
    let wanted = (&*filter, &Redaction::default());
    let source = FileSource::new(settings, inputs, fallback, is_strict, args.job.jobs, wanted);
    let from = source.shown();
    let what =
        Folded { source: &source, from: &from, streams: &streams, chosen: &chosen, decided: &decided, how };
    what.fold(invocation, args, &analysis.tally, make)
}

/// A source of events, and what of it is folded.
struct Folded<'a, S> {
    source: &'a S,
    /// The source as messages show it.
    from: &'a str,
    streams: &'a [Stream],
    chosen: &'a ChosenEvents,
    decided: &'a ResolvedRange,
    how: HowFolded,
}

impl<S: QuestionSource> Folded<'_, S> {
    fn fold<F: Fold>(
        self,
        invocation: &Invocation,
        args: &AnalysisArgs,
        tally: &Tally,
        make: &(impl Fn(&FoldScope<'_>) -> F + Sync),
    ) -> Result<Option<F>> {
        let Folded { source, from, streams, chosen, decided, how } = self;
        invocation.runtime.console.note(&format!("{} from {from}", names(streams)));
        let (zone, period) = (&source.settings().zone, period(decided, how.compare));
        let scope = FoldScope { period, zone, filter: &chosen.filter };
        let run = FoldRun {
            runtime: &invocation.runtime,
            tally,
            session: source,
            streams,
            filter: &how.filter(chosen),
            range: with_time_before(super::time_range(decided, &args.range), how.compare),
            until: decided.until,
            names_profile: args.profiles.all,
        };
        fold::fold(&run, &|| make(&scope))
    }
}

impl HowFolded {
    /// Which events the fold gets.
    fn filter(self, chosen: &ChosenEvents) -> Arc<Filter> {
        if self.folds_all { Arc::default() } else { Arc::clone(&chosen.filter) }
    }
}

/// The range with the one that it is compared with, and what lies between.
fn with_time_before(range: TimeRange, compare: Option<TimeDelta>) -> TimeRange {
    let earlier = compare.and_then(|compare| range.since.checked_sub_signed(compare));
    TimeRange { since: earlier.unwrap_or(range.since), ..range }
}

fn period(decided: &ResolvedRange, compare: Option<TimeDelta>) -> Period {
    Period {
        since: decided.since,
        until: decided.until_is_typed.then_some(decided.until),
        before: compare.map(|compare| (compare, decided.until)),
    }
}

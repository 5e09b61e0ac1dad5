//! From arguments to a fold over the events of an account, of every profile, or of files: for `summary`, `exposure`
//! and `detect`.

use std::sync::Arc;

use super::{ChosenEvents, Invocation, PATIENCE, session};
use crate::analyze::{Fold, Period};
use crate::cli::analysis::AnalysisArgs;
use crate::collect::files::FileSource;
use crate::collect::fold::{self, FoldRun};
use crate::collect::plan::names;
use crate::collect::report::{Tally, TellFailures};
use crate::collect::session::Connections;
use crate::config::{ResolvedRange, Settings};
use crate::error::Result;
use crate::event::Stream;
use crate::health::ServiceMonitor;
use crate::runtime::Runtime;
use crate::select::Names;
use crate::source::files::Input;
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
}

/// Gives the wanted events to folds that `make` makes, and merges them over threads and profiles.
///
/// # Errors
/// Fails for what concerns the whole run; failures of single streams, files and profiles are in the tally.
pub(super) fn fold<F: Fold>(
    invocation: &Invocation,
    args: &AnalysisArgs,
    make: impl Fn(&FoldScope<'_>) -> F + Sync,
) -> Result<Analysis<F>> {
    let profiles = super::settings_of(
        invocation,
        &args.account,
        (args.all_profiles, args.shard.shard),
        &args.page,
        args.job.jobs,
    )?;
    let tally = Tally::new(invocation.runtime.console.clone(), TellFailures::AtTheEnd);
    let mut analysis = Analysis { fold: None, names: Arc::default(), zone: Zone::default(), tally };
    let connections = Connections::default();
    for settings in profiles {
        let profile = settings.profile.clone();
        let folded = match args.saved.is_given() {
            true => fold_files(invocation, args, settings, &mut analysis, &make),
            false => fold_account(invocation, args, settings, &connections, &mut analysis, &make),
        };
        match (folded, &mut analysis.fold) {
            (Ok(Some(fold)), Some(merged)) => merged.merge(fold),
            (Ok(fold), merged) => *merged = merged.take().or(fold),
            (Err(failure), _) if args.all_profiles => {
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
    connections: &Connections,
    analysis: &mut Analysis<F>,
    make: &(impl Fn(&FoldScope<'_>) -> F + Sync),
) -> Result<Option<F>> {
    let decided = super::range(invocation, &settings, &args.range)?;
    let chosen = ChosenEvents::of(&args.filter, &settings)?;
    analysis.note_profile(&chosen, &settings);
    let Runtime { console, clock, .. } = &invocation.runtime;
    let profile = args.all_profiles.then_some(settings.profile.as_str());
    let monitor = Arc::new(ServiceMonitor::of_one_run(console, Arc::clone(clock), profile));
    let session = session::open(invocation, connections, settings, PATIENCE, Some(monitor as _))?;
    let streams = session.streams(&args.streams.named)?;
    let zone = &session.settings.zone;
    note(invocation, &streams, &format!("{} to {}", zone.show(decided.since), zone.show(decided.until)));
    let scope = FoldScope { period: period(&decided), zone };
    let run = FoldRun {
        runtime: &invocation.runtime,
        tally: &analysis.tally,
        session: &session,
        streams: &streams,
        filter: &chosen.filter,
        range: super::time_range(&decided, &args.range),
        until: decided.until,
        names_profile: args.all_profiles,
    };
    fold::fold(&run, &|| make(&scope))
}

fn fold_files<F: Fold>(
    invocation: &Invocation,
    args: &AnalysisArgs,
    settings: Settings,
    analysis: &mut Analysis<F>,
    make: &(impl Fn(&FoldScope<'_>) -> F + Sync),
) -> Result<Option<F>> {
    let decided = super::range_of_files(invocation, &settings, &args.range)?;
    let chosen = ChosenEvents::of(&args.filter, &settings)?;
    analysis.note_profile(&chosen, &settings);
    let zone = settings.zone.clone();
    let mut streams = super::or_all(&args.streams.named).to_vec();
    streams.sort();
    let inputs = Input::find(&args.saved.from)?;
    let (fallback, is_strict) = (args.saved.stream, args.saved.strict);
    let source = FileSource::new(settings, inputs, fallback, is_strict, args.job.jobs, &chosen.filter);
    note(invocation, &streams, &source.shown());
    let scope = FoldScope { period: period(&decided), zone: &zone };
    let run = FoldRun {
        runtime: &invocation.runtime,
        tally: &analysis.tally,
        session: &source,
        streams: &streams,
        filter: &chosen.filter,
        range: super::time_range(&decided, &args.range),
        until: decided.until,
        names_profile: false,
    };
    fold::fold(&run, &|| make(&scope))
}

fn note(invocation: &Invocation, streams: &[Stream], from: &str) {
    invocation.runtime.console.note(&format!("{} from {from}", names(streams)));
}

fn period(decided: &ResolvedRange) -> Period {
    Period { since: decided.since, until: decided.until_is_typed.then_some(decided.until), before: None }
}

//! `opev detect`: arguments in, hits out.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::analysis::{self, Analysis, AnalysisPlan, FoldScope};
use super::{End, Invocation, print, print_json, print_paged, rules, text_style};
use crate::analyze::detect::{
    self, DetectFold, Hit, HitFormat, HitStyle, Level, RuleSet, TrialOutcome, builtin_rules, read_rule_files,
};
use crate::cli::detect::{DetectArgs, RuleArgs};
use crate::cli::detection::DetectionArgs;
use crate::collect::detection::{DetectRequest, HitCommand};
use crate::config::Settings;
use crate::disk::real;
use crate::error::{ErrorKind, Result};
use crate::scratch::Scratch;
use crate::select::Names;
use crate::size::grouped;

/// Runs `opev detect`.
///
/// # Errors
/// Fails for what concerns the whole run, rules that are refused among it; failures of single streams, files and
/// profiles are told at the end.
pub fn run(invocation: &Invocation, args: &DetectArgs) -> Result<End> {
    super::require_stdout()?;
    let profiles = analysis::profiles(invocation, &args.analysis)?;
    if let Some(files) = &args.test {
        return test(files, &args.rules, &profiles);
    }
    let all = rules::all(&args.rules, &profiles)?;
    let names = known_names(&profiles);
    if args.list.is_some() || args.explain.is_some() {
        let set = rules::ready(&args.rules, all, &profiles, &names)?;
        return show(invocation, args, &set);
    }
    let chosen = detect::of_level(all, args.rules.level.unwrap_or(Level::SHOWN));
    let set = rules::ready(&args.rules, chosen, &profiles, &names)?;
    look(invocation, args, &set, &profiles)
}

/// Runs the tests of the files, or of every rule.
fn test(files: &[PathBuf], args: &RuleArgs, profiles: &[Settings]) -> Result<End> {
    let TrialOutcome { rules, tests, untested } = if files.is_empty() {
        detect::run_trials(&rules::all(args, profiles)?, |_| true)?
    } else {
        let mut all = read_rule_files(files)?;
        let ids: Vec<String> = all.iter().map(|rule| rule.id.clone()).collect();
        // They may stand for rules that come along.
        all.extend(builtin_rules().into_iter().filter(|rule| !ids.contains(&rule.id)));
        detect::run_trials(&all, |rule| ids.contains(&rule.id))?
    };
    let untested = match untested {
        0 => String::new(),
        count => format!("; {count} of Sigma could be read and have no tests"),
    };
    print(format!("{rules} rules, {tests} tests: all passed{untested}\n").as_bytes())
}

/// Lists the rules that were asked for, or explains one.
fn show(invocation: &Invocation, args: &DetectArgs, set: &RuleSet) -> Result<End> {
    let found = match &args.explain {
        Some(id) => vec![set.named(id)?],
        None => set.find(args.list.as_deref().unwrap_or_default(), args.rules.level)?,
    };
    let lines: String = found.iter().map(|rule| set.json(rule)).collect();
    let style = text_style(invocation);
    let text = match (args.format, &args.explain) {
        (Some(HitFormat::Json), None) => format!("[{}]\n", lines.trim_end().replace('\n', ",\n")),
        (Some(HitFormat::Json | HitFormat::Ndjson), _) => lines,
        (_, Some(_)) => set.explain(found[0], style),
        (_, None) => set.table(&found, style),
    };
    match args.format {
        Some(HitFormat::Json | HitFormat::Ndjson) => print_json(invocation, text.as_bytes()),
        _ => print_paged(invocation, args.analysis.account.file.config.as_deref(), text.as_bytes()),
    }
}

fn look(
    invocation: &Invocation,
    args: &DetectArgs,
    set: &Arc<RuleSet>,
    profiles: &[Settings],
) -> Result<End> {
    let scratch = Arc::new(Scratch::new(real::scratch));
    let plan = AnalysisPlan::of(profiles.to_vec());
    let make = |_: &FoldScope<'_>| DetectFold::new(set).with_scratch(&scratch);
    let Analysis { fold, names, zone, tally } = analysis::fold(invocation, &args.analysis, plan, make)?;
    let Some(mut fold) = fold else { return Ok(End::of(tally.conclude())) };
    let until = silent_until(invocation, args);
    let least = args.rules.level.unwrap_or(Level::SHOWN);
    let mut hits = fold.take_hits(until, &names)?;
    hits.retain(|hit| hit.level >= least);
    let is_terminal = invocation.stdout_is_terminal;
    let format = args.format.unwrap_or(if is_terminal { HitFormat::Table } else { HitFormat::Ndjson });
    let style = HitStyle { zone, text: text_style(invocation) };
    print_hits(invocation, args, &hits, format, &style)?;
    if let Some(line) = &args.exec {
        hand_over(invocation, line, profiles, &hits, &tally)?;
    }
    fold.remarks().iter().for_each(|remark| log::warn!("{remark}"));
    for (is_own, text) in fold.unmet_fields() {
        // Of the rules that come along some name what not every account has.
        log::log!(if is_own { log::Level::Warn } else { log::Level::Info }, "{text}");
    }
    note(invocation, &fold, &hits, tally.events());
    let end = tally.conclude();
    if !args.analysis.filter.terms().is_empty() {
        tally.note_selection();
    }
    let fails = args.fail_on.is_some_and(|level| hits.iter().any(|hit| hit.level >= level));
    Ok(match end {
        None if fails => End::Failed(ErrorKind::CheckFailed),
        end => End::of(end),
    })
}

fn print_hits(
    invocation: &Invocation,
    args: &DetectArgs,
    hits: &[Hit],
    format: HitFormat,
    style: &HitStyle,
) -> Result<()> {
    let mut bytes = Vec::new();
    format.write(hits, style, &mut bytes);
    match format {
        HitFormat::Table => print_paged(invocation, args.analysis.account.file.config.as_deref(), &bytes)?,
        HitFormat::Ndjson | HitFormat::Json => print_json(invocation, &bytes)?,
    };
    Ok(())
}

/// Runs the command for each hit; one that fails does not stop the others.
fn hand_over(
    invocation: &Invocation,
    line: &str,
    profiles: &[Settings],
    hits: &[Hit],
    tally: &crate::collect::report::Tally,
) -> Result<()> {
    let command = hit_command(invocation, line, profiles);
    for hit in hits {
        invocation.runtime.cancel.check()?;
        if let Err(failure) = command.run(hit) {
            tally.fail(failure);
        }
    }
    Ok(())
}

/// A command for hits, whose environment has no variable that holds a token (P10).
pub(super) fn hit_command(invocation: &Invocation, line: &str, profiles: &[Settings]) -> HitCommand {
    let hidden: Vec<String> =
        profiles.iter().flat_map(|settings| settings.token_variables.iter().cloned()).collect();
    let environment = invocation.environment.without(&hidden);
    let environment: Vec<_> = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    HitCommand::new(line, &environment, &invocation.runtime)
}

/// The rules that look at the events of a run beside; none where `--detect` was not typed.
///
/// # Errors
/// As [`run`], for rules that are refused.
pub(super) fn beside(
    invocation: &Invocation,
    args: &DetectionArgs,
    settings: &Settings,
    names: &Arc<Names>,
) -> Result<Option<DetectRequest>> {
    if !args.detect {
        return Ok(None);
    }
    let profiles = std::slice::from_ref(settings);
    let all = rules::all(&args.rules, profiles)?;
    let level = args.rules.level.unwrap_or(Level::SHOWN);
    let command = args.hit_exec.as_ref().map(|line| Arc::new(hit_command(invocation, line, profiles)));
    Ok(Some(DetectRequest {
        rules: rules::ready(&args.rules, detect::of_level(all, level), profiles, names)?,
        names: Arc::clone(names),
        level,
        hits: args.hits.clone(),
        command,
        style: HitStyle { zone: settings.zone.clone(), text: super::message_style() },
        is_terminal: invocation.runtime.console.is_terminal(),
    }))
}

/// The names that are known of all profiles.
pub(super) fn known_names(profiles: &[Settings]) -> Names {
    let mut names = Names::default();
    for settings in profiles {
        for (uuid, known) in super::known_names(settings).iter() {
            names.insert(uuid.to_owned(), known.kind, known.name.clone());
        }
    }
    names
}

/// Up to when the service was asked: a stream that has nothing until then is silent. Files say nothing of the time
/// behind their last event.
fn silent_until(invocation: &Invocation, args: &DetectArgs) -> [Option<DateTime<Utc>>; 3] {
    let is_live = !args.analysis.saved.is_given() && args.analysis.range.until.is_none();
    [is_live.then(|| invocation.runtime.clock.now()); 3]
}

/// Says what was looked at and found, and whether the time was too short for some rules.
fn note(invocation: &Invocation, fold: &DetectFold, hits: &[Hit], events: u64) {
    let (console, rules) = (&invocation.runtime.console, fold.rules().rules().len());
    console.note(&format!("{} events, {rules} rules, {}", grouped(events), Hit::count(hits)));
    if let Some(days) = fold.days_missing_to_learn().filter(|_| events > 0) {
        console.note(&format!(
            "rules that learn what is usual need up to {days} days of events before: ask with --since {}d",
            days + 7
        ));
    }
}

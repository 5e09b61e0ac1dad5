//! `opev detect`: arguments in, hits out.

mod catalogue;

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::analysis::{self, Analysis, AnalysisPlan};
use super::{End, Invocation, rules};
use crate::analyze::detect::{DetectFold, Hit, HitFormat, HitStyle, Level, RuleSet};
use crate::cli::detect::DetectArgs;
use crate::cli::detection::DetectionArgs;
use crate::collect::detection::{DetectRequest, HitCommand};
use crate::config::Settings;
use crate::error::{ErrorKind, Result};
use crate::select::Names;
use crate::size::grouped;

/// The least level that is shown without `--level`.
pub(super) const LEVEL: Level = Level::Low;

/// Runs `opev detect`.
///
/// # Errors
/// Fails for what concerns the whole run, rules that are refused among it; failures of single streams, files and
/// profiles are told at the end.
pub fn run(invocation: &Invocation, args: &DetectArgs) -> Result<End> {
    super::require_stdout()?;
    let analysis = &args.analysis;
    let profiles = super::settings_of(
        invocation,
        &analysis.account,
        (analysis.all_profiles, analysis.shard.shard),
        &analysis.page,
        analysis.job.jobs,
    )?;
    if let Some(files) = &args.test {
        return catalogue::test(files, &args.rules, &profiles);
    }
    let all = rules::all(&args.rules, &profiles)?;
    let names = known_names(&profiles);
    if args.list.is_some() || args.explain.is_some() {
        let set = rules::ready(&args.rules, all, &profiles, &names)?;
        return catalogue::show(invocation, args, &set);
    }
    let chosen = rules::of_level(all, args.rules.level);
    let set = rules::ready(&args.rules, chosen, &profiles, &names)?;
    detect(invocation, args, &set, &profiles)
}

fn detect(
    invocation: &Invocation,
    args: &DetectArgs,
    set: &Arc<RuleSet>,
    profiles: &[Settings],
) -> Result<End> {
    let Analysis { fold, names, zone, tally } =
        analysis::fold(invocation, &args.analysis, AnalysisPlan::of(profiles.to_vec()), |_| {
            DetectFold::new(set)
        })?;
    let Some(mut fold) = fold else { return Ok(End::of(tally.conclude())) };
    let until = silent_until(invocation, args);
    let least = args.rules.level.unwrap_or(LEVEL);
    let mut hits = fold.take_hits(until, &names);
    hits.retain(|hit| hit.level >= least);
    let is_terminal = invocation.stdout_is_terminal;
    let format = args.format.unwrap_or(if is_terminal { HitFormat::Table } else { HitFormat::Ndjson });
    let style = HitStyle { zone, text: super::text_style(invocation) };
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
        HitFormat::Table => {
            super::print_paged(invocation, args.analysis.account.file.config.as_deref(), &bytes)?
        }
        HitFormat::Ndjson | HitFormat::Json => super::print_json(invocation, &bytes)?,
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
    let command = args.hit_exec.as_ref().map(|line| Arc::new(hit_command(invocation, line, profiles)));
    Ok(Some(DetectRequest {
        rules: rules::ready(&args.rules, rules::of_level(all, args.rules.level), profiles, names)?,
        names: Arc::clone(names),
        level: args.rules.level.unwrap_or(LEVEL),
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

fn note(invocation: &Invocation, fold: &DetectFold, hits: &[Hit], events: u64) {
    let set = fold.rules();
    let console = &invocation.runtime.console;
    let counted = Level::ALL.iter().rev().filter_map(|level| {
        let count = hits.iter().filter(|hit| hit.level == *level).count();
        (count > 0).then(|| format!("{count} {level}"))
    });
    let counted: Vec<String> = counted.collect();
    let hits = match counted.is_empty() {
        true => "no hits".to_owned(),
        false => format!("{}: {}", counted_hits(hits.len()), counted.join(", ")),
    };
    console.note(&format!("{} events, {} rules, {hits}", grouped(events), set.rules().len()));
    if let Some(longest) = set.longest_learning().filter(|longest| events > 0 && fold.span() < *longest) {
        let days = longest.num_days();
        console.note(&format!(
            "rules that learn what is usual need up to {days} days of events before: ask with --since {}d",
            days + 7
        ));
    }
}

fn counted_hits(hits: usize) -> String {
    if hits == 1 { "1 hit".to_owned() } else { format!("{} hits", grouped(hits as u64)) }
}

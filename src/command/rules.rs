//! From files and folders to rules, beside those that come along.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::analyze::detect::{self, Level, Lists, Rule, RuleSet, builtin_rules};
use crate::cli::detect::RuleArgs;
use crate::config::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::sanitize;
use crate::select::{Names, any_glob};

/// The greatest file of a rule, in bytes.
const MOST_BYTES: u64 = 1 << 20;

/// The most files of a folder.
const MOST_FILES: usize = 10_000;

/// Every rule: those that come along, those of the profiles, and those that were named. The tests of the last two
/// are run.
///
/// # Errors
/// Fails with `Usage` where a rule cannot be read or fails its tests; nothing was looked at by then.
pub(super) fn all(args: &RuleArgs, profiles: &[Settings]) -> Result<Vec<Rule>> {
    let mut paths: Vec<&PathBuf> = profiles.iter().flat_map(|settings| &settings.rules).collect();
    paths.extend(&args.rules);
    let mut rules = builtin_rules();
    let mut known: Vec<PathBuf> = Vec::new();
    for path in paths {
        for file in files(path)? {
            // Profiles may share their rules.
            let own = file.canonicalize().unwrap_or_else(|_| file.clone());
            if !known.contains(&own) {
                known.push(own);
                rules.push(read(&file)?);
            }
        }
    }
    detect::run_trials(&rules, |rule| rule.file.is_some())?;
    Ok(rules)
}

/// The rules of these files alone.
///
/// # Errors
/// As [`all`], but that no test is run.
pub(super) fn of_files(paths: &[PathBuf]) -> Result<Vec<Rule>> {
    let mut rules = Vec::new();
    for path in paths {
        for file in files(path)? {
            rules.push(read(&file)?);
        }
    }
    Ok(rules)
}

/// The rules that are looked at, made ready with the lists of the profiles.
///
/// # Errors
/// Fails with `Usage` where none is left, and for values that cannot be read.
pub(super) fn ready(
    args: &RuleArgs,
    rules: Vec<Rule>,
    profiles: &[Settings],
    names: &Names,
) -> Result<Arc<RuleSet>> {
    let rules = only(args, rules)?;
    let mut lists = Lists::default();
    profiles.iter().for_each(|settings| lists.add(&settings.lists));
    let set = RuleSet::new(rules, lists, names)?;
    set.warnings().iter().for_each(|warning| log::warn!("{warning}"));
    Ok(Arc::new(set))
}

/// The rules whose hits are told, of this level or above, and those that these stand for.
pub(super) fn of_level(rules: Vec<Rule>, level: Option<Level>) -> Vec<Rule> {
    let level = level.unwrap_or(super::detect::LEVEL);
    let is_told = |rule: &&Rule| rule.level >= level;
    let needed: Vec<String> = rules
        .iter()
        .filter(is_told)
        .flat_map(|rule| &rule.steps)
        .filter_map(|step| step.rule.clone())
        .collect();
    rules.into_iter().filter(|rule| is_told(&rule) || needed.contains(&rule.id)).collect()
}

/// The rules that `--only` names, and those that these stand for.
fn only(args: &RuleArgs, rules: Vec<Rule>) -> Result<Vec<Rule>> {
    let (unwanted, wanted): (Vec<&String>, Vec<&String>) =
        args.only.iter().partition(|id| id.starts_with('!'));
    if let Some(id) = args.only.iter().find(|id| {
        let pattern = id.trim_start_matches('!');
        !rules.iter().any(|rule| any_glob([pattern], &rule.id))
    }) {
        let failure = Error::new(ErrorKind::Usage, format!("--only {}: no such rule", sanitize::message(id)));
        let near =
            crate::suggest::suggest(id.trim_start_matches('!'), rules.iter().map(|rule| rule.id.as_str()));
        return Err(match near {
            Some(near) => failure.hint(format!("did you mean {near}?")),
            None => failure.hint("`opev detect --list` lists the rules"),
        });
    }
    let is_chosen = |rule: &Rule| {
        (wanted.is_empty() || any_glob(wanted.iter().map(|id| id.as_str()), &rule.id))
            && !any_glob(unwanted.iter().map(|id| id.trim_start_matches('!')), &rule.id)
    };
    let chosen: Vec<&Rule> = rules.iter().filter(|rule| is_chosen(rule)).collect();
    let needed: Vec<String> =
        chosen.iter().flat_map(|rule| &rule.steps).filter_map(|step| step.rule.clone()).collect();
    let ids: Vec<String> = chosen.iter().map(|rule| rule.id.clone()).chain(needed).collect();
    Ok(rules.into_iter().filter(|rule| ids.contains(&rule.id)).collect())
}

/// The files that a path stands for: itself, or those of a folder that are rules, by name.
fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let is_rule = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "toml");
    let entries = path.read_dir().map_err(|e| unreadable(path).because(e))?;
    let mut files: Vec<PathBuf> =
        entries.take(MOST_FILES).filter_map(|entry| Some(entry.ok()?.path())).filter(is_rule).collect();
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<Rule> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text))
        .map_err(|e| unreadable(path).because(e))?;
    if text.len() as u64 > MOST_BYTES {
        return Err(unreadable(path).because("it is greater than 1 MiB"));
    }
    detect::read_rule(&path.to_string_lossy(), &text)
}

fn unreadable(path: &Path) -> Error {
    let path = sanitize::message(&path.to_string_lossy()).into_owned();
    Error::new(ErrorKind::Usage, format!("cannot read the rule {path}"))
        .hint("name a file or a folder of rules; the key rules of the profile may name it too")
}

//! The rules of a run: those that come along, those of the profiles, and those that were named.

use std::sync::Arc;

use crate::analyze::detect::{self, Lists, Rule, RuleSet, builtin_rules, read_rule_files};
use crate::cli::detect::RuleArgs;
use crate::config::Settings;
use crate::error::Result;
use crate::select::Names;

/// Every rule. The tests of those that do not come along are run.
///
/// # Errors
/// Fails with `Usage` where a rule cannot be read or fails its tests; nothing was looked at by then.
pub(super) fn all(args: &RuleArgs, profiles: &[Settings]) -> Result<Vec<Rule>> {
    // Profiles may share their rules.
    let paths = profiles.iter().flat_map(|settings| &settings.rules).chain(&args.rules);
    let mut rules = builtin_rules();
    rules.extend(read_rule_files(paths)?);
    detect::run_trials(&rules, |rule| rule.file.is_some())?;
    Ok(rules)
}

/// The rules that `--only` leaves, made ready with the lists of the profiles.
///
/// # Errors
/// Fails with `Usage` where none is left, and for values that cannot be read.
pub(super) fn ready(
    args: &RuleArgs,
    rules: Vec<Rule>,
    profiles: &[Settings],
    names: &Names,
) -> Result<Arc<RuleSet>> {
    let rules = detect::only(rules, &args.only)?;
    let mut lists = Lists::default();
    profiles.iter().for_each(|settings| lists.add(&settings.lists));
    let set = RuleSet::new(rules, lists, names)?;
    set.warnings().iter().for_each(|warning| log::warn!("{warning}"));
    Ok(Arc::new(set))
}

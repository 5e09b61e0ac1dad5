//! Which rules look at events: those of a level, and those that were named.

use super::{Level, Rule};
use crate::error::{Error, ErrorKind, Result};
use crate::sanitize;
use crate::select::any_glob;
use crate::suggest::suggest;

/// The rules of this level or above, and those that these stand for.
pub fn of_level(rules: Vec<Rule>, level: Level) -> Vec<Rule> {
    let is_told = |rule: &&Rule| rule.level >= level;
    let needed: Vec<String> = rules.iter().filter(is_told).flat_map(stands_on).collect();
    rules.into_iter().filter(|rule| is_told(&rule) || needed.contains(&rule.id)).collect()
}

/// The rules that these globs name, and those that these stand for; a glob behind a `!` leaves rules out, and
/// without any all are taken.
///
/// # Errors
/// Fails with `Usage` for a glob that names none.
pub fn only(rules: Vec<Rule>, globs: &[String]) -> Result<Vec<Rule>> {
    let bare = |glob: &str| glob.trim_start_matches('!').to_owned();
    if let Some(glob) = globs.iter().find(|glob| !rules.iter().any(|rule| any_glob([&*bare(glob)], &rule.id)))
    {
        let text = format!("--only {}: no such rule", sanitize::message(glob));
        let failure = Error::new(ErrorKind::Usage, text);
        return Err(match suggest(&bare(glob), rules.iter().map(|rule| rule.id.as_str())) {
            Some(near) => failure.hint(format!("did you mean {near}?")),
            None => failure.hint("`opev detect --list` lists the rules"),
        });
    }
    let (unwanted, wanted): (Vec<&String>, Vec<&String>) =
        globs.iter().partition(|glob| glob.starts_with('!'));
    let is_chosen = |rule: &&Rule| {
        (wanted.is_empty() || any_glob(wanted.iter().map(|glob| glob.as_str()), &rule.id))
            && !any_glob(unwanted.iter().map(|glob| glob.trim_start_matches('!')), &rule.id)
    };
    let chosen = rules.iter().filter(is_chosen);
    let ids: Vec<String> =
        chosen.flat_map(|rule| std::iter::once(rule.id.clone()).chain(stands_on(rule))).collect();
    Ok(rules.into_iter().filter(|rule| ids.contains(&rule.id)).collect())
}

/// The rules whose hits are the steps of this one.
fn stands_on(rule: &Rule) -> impl Iterator<Item = String> {
    rule.steps.iter().filter_map(|step| step.rule.clone())
}

//! Rules of Sigma: the part of the language that says what rules of this program can say, read into these.
//!
//! ```text
//! yaml         files as trees of nodes with their places
//! selection    fields, modifiers and values; condition: how selections are joined
//! correlation  counts and sequences of other rules' events
//! document     one document: its metadata, and which of these it has
//! ```
//!
//! What is outside of that part is refused by name, with its place: a rule that means something else than it says
//! is worse than none.

mod condition;
mod correlation;
mod document;
mod selection;
mod yaml;

#[cfg(test)]
mod tests;

use self::correlation::Correlation;
use self::document::{SigmaDocument, SigmaKind};
use super::reader::entry::Problem;
use super::reader::failure;
use super::rule::{GroupField, Rule, RuleKind, Step};
use crate::error::{Error, Result};
use crate::facts::Field;
use crate::sanitize;

/// How long one hit covers a person.
const WITHIN: chrono::TimeDelta = chrono::TimeDelta::hours(1);

/// What to look at next.
const NEXT: &str = "opev fetch --since {from} --until {to}";

/// A file of rules.
#[derive(Clone, Debug)]
pub struct SigmaFile {
    /// Its name, for messages.
    pub name: String,
    /// What stands in it.
    pub text: String,
    /// Whether it was named itself: a rule for other events is then refused, and left out elsewhere.
    pub is_named: bool,
}

/// What was read of files of Sigma.
#[derive(Debug, Default)]
pub struct SigmaRules {
    /// The rules.
    pub rules: Vec<Rule>,
    /// Those for other events, each with its file and why it was left out.
    pub left_out: Vec<String>,
}

/// Reads the rules of all files: correlations may name rules of others.
///
/// # Errors
/// Fails with `Usage` where a text is no rule of Sigma or more than is read; the message begins with
/// `FILE:LINE:COLUMN: `.
pub fn read_sigma(files: &[SigmaFile]) -> Result<SigmaRules> {
    let mut documents = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let text = text_of(file);
        let read = || -> std::result::Result<Vec<SigmaDocument<'_>>, Problem> {
            let found = yaml::read(text)?;
            if found.is_empty() {
                return Err(Problem::new(0, "no rule of Sigma: the file is empty".to_owned()));
            }
            found.iter().map(|document| SigmaDocument::read(number, text, document)).collect()
        };
        documents.extend(read().map_err(|problem| refused(file, &problem))?);
    }
    let mut read = SigmaRules::default();
    let mut hidden = Vec::new();
    for document in &documents {
        let made = made_rule(document, &documents, &mut hidden)
            .map_err(|problem| refused(&files[document.file], &problem))?;
        match made {
            Ok(rule) => read.rules.push(Rule { file: Some(files[document.file].name.clone()), ..rule }),
            Err((why, offset)) => {
                let file = &files[document.file];
                if file.is_named {
                    let problem =
                        Problem::new(offset, format!("{}: {why}", sanitize::message(&document.title)));
                    return Err(refused(file, &problem));
                }
                read.left_out.push(format!("{}: {why}", sanitize::message(&file.name)));
            }
        }
    }
    read.rules.retain(|rule| !hidden.contains(&rule.id));
    Ok(read)
}

fn text_of(file: &SigmaFile) -> &str {
    file.text.strip_prefix('\u{feff}').unwrap_or(&file.text)
}

fn refused(file: &SigmaFile, problem: &Problem) -> Error {
    failure(&file.name, (text_of(file), 0), problem)
}

/// The rule of a document; why it is none for these events, and where that stands. The ids of rules that a
/// correlation takes the place of are added to `hidden`.
fn made_rule(
    document: &SigmaDocument<'_>,
    all: &[SigmaDocument<'_>],
    hidden: &mut Vec<String>,
) -> std::result::Result<std::result::Result<Rule, (String, usize)>, Problem> {
    let (attack, refs) = document.attack_and_refs();
    let mut rule = Rule {
        id: document.rule_id(),
        title: document.title.clone(),
        level: document.level,
        attack,
        refs,
        meaning: document.meaning.clone(),
        next: NEXT.to_owned(),
        false_alarms: document.false_alarms.clone(),
        kind: RuleKind::Match,
        by: vec![GroupField::Named(Field::User)],
        has_loose_groups: true,
        within: WITHIN,
        steps: Vec::new(),
        needs: Vec::new(),
        tests: Vec::new(),
        file: None,
        text: document.text.to_owned(),
        lines_before: document.lines_before,
        made_of: Vec::new(),
    };
    if rule.id.is_empty() {
        return Err(Problem::new(
            document.offset,
            "name, id or title must have letters or digits".to_owned(),
        ));
    }
    match &document.kind {
        SigmaKind::Foreign(why, offset) => return Ok(Err((why.clone(), *offset))),
        SigmaKind::Rule(own) => rule.steps.push(Step {
            streams: own.streams.clone(),
            raw: Some(own.condition.clone()),
            times: 1,
            ..Step::default()
        }),
        SigmaKind::Correlation(correlation) => {
            if let Some(foreign) = correlate(correlation, all, &mut rule, hidden)? {
                return Ok(Err(foreign));
            }
        }
    }
    Ok(Ok(rule))
}

/// Adds what a correlation says to its rule; gives what is wrong where it names a rule for other events.
fn correlate(
    correlation: &Correlation,
    all: &[SigmaDocument<'_>],
    rule: &mut Rule,
    hidden: &mut Vec<String>,
) -> std::result::Result<Option<(String, usize)>, Problem> {
    rule.kind = correlation.kind();
    rule.by = correlation.by();
    rule.has_loose_groups = false;
    rule.within = correlation.within;
    for (name, offset) in &correlation.rules {
        let shown = sanitize::message(name);
        let Some(named) = all.iter().find(|document| document.is_called(name)) else {
            return Err(Problem::new(*offset, format!("no rule has the name or id {shown}"))
                .hint("the rule must be in one of the files or folders of --rules"));
        };
        match &named.kind {
            SigmaKind::Foreign(why, _) => {
                return Ok(Some((format!("it names the rule {shown}: {why}"), *offset)));
            }
            SigmaKind::Correlation(_) => {
                return Err(Problem::new(*offset, "correlations of correlations are not read".to_owned()));
            }
            SigmaKind::Rule(own) => {
                let fitting = (&own.streams[..], &own.condition);
                rule.steps.push(correlation.step(|word| named.is_called(word), fitting));
                rule.made_of.push(named.text.to_owned());
                if !correlation.is_generating {
                    hidden.push(named.rule_id());
                }
            }
        }
    }
    Ok(None)
}

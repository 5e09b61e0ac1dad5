//! Rules are read from TOML. Whatever is wrong is told with file, line and column, and an unknown word with the
//! nearest known one.

pub(super) mod entry;
mod tests_of_rule;

use std::time::Duration;

use chrono::TimeDelta;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use self::entry::{Entry, Problem, in_order, unknown};
use super::lists::Lists;
use super::rule::{GroupField, Level, Rule, RuleKind, Step, list_name};
use crate::error::{Error, ErrorKind, Result};
use crate::facts::Field;
use crate::sanitize;
use crate::select::FilterField;
use crate::time::duration;

/// Keys of a whole rule, beside those of [`STEP_KEYS`].
const RULE_KEYS: [&str; 20] = [
    "id",
    "title",
    "level",
    "attack",
    "refs",
    "meaning",
    "next",
    "false_alarms",
    "kind",
    "by",
    "per",
    "within",
    "threshold",
    "field",
    "learn",
    "km",
    "kmh",
    "after",
    "needs",
    "step",
];

/// Keys that say which events fit, beside the names of fields.
const STEP_KEYS: [&str; 5] = ["stream", "failed", "succeeded", "about", "outside"];

/// Keys of a step of a sequence alone.
const SEQUENCE_KEYS: [&str; 3] = ["by", "times", "rule"];

/// How many events one step may take: each event is held against all of them.
const MOST_TIMES: u32 = 1_000;

/// How long one hit covers a group where a rule does not say.
const WITHIN: TimeDelta = TimeDelta::hours(1);

/// How long a group is learned where a rule does not say.
const LEARN: TimeDelta = TimeDelta::days(14);

/// Reads one rule from a text; `file` names it in messages.
///
/// # Errors
/// Fails with `Usage` where the text is no rule; the message begins with `FILE:LINE:COLUMN: `.
pub fn read_rule(file: &str, text: &str) -> Result<Rule> {
    parse(file, text).map_err(|problem| failure(file, (text, 0), &problem))
}

/// A failure at a place of a rule.
pub(super) fn failure_at(rule: &Rule, offset: usize, message: String, hint: &str) -> Error {
    let file = rule.file.as_deref().unwrap_or(&rule.id);
    let problem = Problem { offset, message, hint: hint.to_owned() };
    failure(file, (&rule.text, rule.lines_before), &problem)
}

/// A failure at a place of a text that so many lines of the file are before.
pub(super) fn failure(file: &str, (text, lines_before): (&str, usize), problem: &Problem) -> Error {
    // Offsets stand at characters; one that does not is told as the beginning.
    let before = text.get(..problem.offset).unwrap_or_default();
    let line = 1 + lines_before + memchr::memchr_iter(b'\n', before.as_bytes()).count();
    let column = 1 + before.rsplit('\n').next().unwrap_or_default().chars().count();
    let message = format!("{}:{line}:{column}: {}", sanitize::message(file), problem.message);
    let failure = Error::new(ErrorKind::Usage, message);
    if problem.hint.is_empty() { failure } else { failure.hint(problem.hint.clone()) }
}

/// What is read of a rule so far.
#[derive(Default)]
struct RuleParts {
    id: Option<String>,
    title: Option<String>,
    level: Option<Level>,
    attack: Vec<String>,
    refs: Vec<String>,
    meaning: String,
    next: (String, usize),
    false_alarms: Vec<String>,
    kind: Option<(String, usize)>,
    by: Option<Vec<GroupField>>,
    within: Option<TimeDelta>,
    threshold: Option<u32>,
    field: Option<GroupField>,
    learn: Option<TimeDelta>,
    km: Option<f64>,
    kmh: Option<f64>,
    after: Option<TimeDelta>,
    needs: Vec<String>,
    only: Step,
    steps: Vec<Step>,
    tests: Vec<super::rule::RuleTest>,
}

fn parse(file: &str, text: &str) -> Result<Rule, Problem> {
    let document = DeTable::parse(text).map_err(|e| {
        let offset = e.span().map_or(0, |span| span.start);
        Problem::new(offset, sanitize::message(&e.message().replace('\n', ", ")).into_owned())
    })?;
    let mut parts = RuleParts { only: Step { times: 1, ..Step::default() }, ..RuleParts::default() };
    let mut tests = Vec::new();
    for entry in in_order(document.get_ref()) {
        match entry.key {
            "test" => tests.push(entry),
            "step" => parts.steps = entry.tables()?.into_iter().map(read_step).collect::<Result<_, _>>()?,
            _ => parts.set(&entry)?,
        }
    }
    for entry in &tests {
        for table in entry.tables()? {
            parts.tests.push(tests_of_rule::read_test(table, &parts.only.streams)?);
        }
    }
    parts.finish(file, text)
}

impl RuleParts {
    fn set(&mut self, entry: &Entry<'_>) -> Result<(), Problem> {
        match entry.key {
            "id" => self.id = Some(id(entry)?),
            "title" => self.title = Some(entry.text()?.to_owned()),
            "level" => self.level = Some(entry.parsed(str::parse)?),
            "attack" => self.attack = entry.list()?,
            "refs" => self.refs = entry.list()?,
            "meaning" => self.meaning = entry.text()?.trim().to_owned(),
            "next" => self.next = (entry.text()?.trim().to_owned(), entry.offset),
            "false_alarms" => self.false_alarms = entry.list()?,
            "kind" => self.kind = Some((entry.text()?.to_owned(), entry.value_offset())),
            "by" | "per" => self.by = Some(named_fields(entry)?),
            "within" => self.within = Some(length(entry)?),
            "threshold" => self.threshold = Some(entry.whole(1)?),
            "field" => self.field = Some(named_field(entry, entry.text()?)?),
            "learn" => self.learn = Some(length(entry)?),
            "km" => self.km = Some(entry.number()?),
            "kmh" => self.kmh = Some(entry.number()?),
            "after" => self.after = Some(length(entry)?),
            "needs" => {
                self.needs = entry.list()?;
                self.needs.iter().try_for_each(|name| check_list(entry, name))?;
            }
            _ => {
                if !set_condition(&mut self.only, entry)? {
                    return Err(unknown(
                        entry,
                        RULE_KEYS.into_iter().chain(["test"]).chain(condition_keys()),
                    ));
                }
            }
        }
        Ok(())
    }

    fn finish(mut self, file: &str, text: &str) -> Result<Rule, Problem> {
        let missing = |key: &str| {
            Problem::new(0, format!("{key} is missing")).hint("every rule has id, title, level and kind")
        };
        let id = self.id.take().ok_or_else(|| missing("id"))?;
        let title = self.title.take().ok_or_else(|| missing("title"))?;
        let level = self.level.ok_or_else(|| missing("level"))?;
        let (kind, offset) = self.kind.take().ok_or_else(|| missing("kind"))?;
        let kind = self.kind_of(&kind, offset)?;
        let by = match (self.by.take(), &kind) {
            (Some(by), _) => by,
            (None, RuleKind::Silence { .. }) => vec![GroupField::Named(Field::Stream)],
            (None, _) => vec![GroupField::Named(Field::User)],
        };
        let steps = self.finish_steps(&kind, &by)?;
        check_placeholders(&self.next, &by)?;
        let hits = self.tests.iter().filter(|test| test.hits > 0).count();
        if hits == 0 || hits == self.tests.len() {
            let lacks = if hits == 0 { "that hits" } else { "that nearly hits" };
            return Err(Problem::new(0, format!("the rule {id} has no test {lacks}")).hint(
                "write two [[test]]: one with hits = 1, and one with hits = 0 whose events nearly fit",
            ));
        }
        Ok(Rule {
            id,
            title,
            level,
            attack: self.attack,
            refs: self.refs,
            meaning: self.meaning,
            next: self.next.0,
            false_alarms: self.false_alarms,
            within: self.within.unwrap_or(match kind {
                RuleKind::Travel { .. } | RuleKind::NewValue { .. } => TimeDelta::days(1),
                _ => WITHIN,
            }),
            kind,
            by,
            has_loose_groups: false,
            steps,
            needs: self.needs,
            tests: self.tests,
            file: Some(file.to_owned()),
            text: text.to_owned(),
            lines_before: 0,
            made_of: Vec::new(),
        })
    }

    fn kind_of(&self, name: &str, offset: usize) -> Result<RuleKind, Problem> {
        let needs = |key: &str| Problem::new(offset, format!("a rule of the kind {name} needs {key}"));
        Ok(match name {
            "match" => RuleKind::Match,
            "count" => RuleKind::Count { threshold: self.threshold.ok_or_else(|| needs("threshold"))? },
            "distinct" => RuleKind::Distinct {
                threshold: self.threshold.ok_or_else(|| needs("threshold"))?,
                field: self.field.clone().ok_or_else(|| needs("field"))?,
            },
            "sequence" => RuleKind::Sequence,
            "new_value" => RuleKind::NewValue {
                field: self.field.clone().ok_or_else(|| needs("field"))?,
                learn: self.learn.unwrap_or(LEARN),
            },
            "travel" => RuleKind::Travel { km: self.km.unwrap_or(500.0), kmh: self.kmh.unwrap_or(900.0) },
            "silence" => RuleKind::Silence { after: self.after.ok_or_else(|| needs("after"))? },
            _ => {
                let known = RuleKind::NAMES;
                let problem = Problem::new(offset, format!("kind: no such kind {}", sanitize::message(name)));
                return Err(match crate::suggest::suggest(name, known) {
                    Some(near) => problem.hint(format!("did you mean {near}?")),
                    None => problem.hint(format!("use one of {}", known.join(", "))),
                });
            }
        })
    }

    fn finish_steps(&mut self, kind: &RuleKind, by: &[GroupField]) -> Result<Vec<Step>, Problem> {
        if *kind != RuleKind::Sequence {
            return match self.steps.is_empty() {
                true => Ok(vec![std::mem::take(&mut self.only)]),
                false => Err(Problem::new(0, "only a sequence has steps".to_owned())
                    .hint("write the conditions beside the other keys, or kind = \"sequence\"")),
            };
        }
        if self.steps.len() < 2 {
            return Err(Problem::new(0, "a sequence needs two steps".to_owned()).hint("write [[step]] twice"));
        }
        for step in &mut self.steps {
            if step.streams.is_empty() {
                step.streams.clone_from(&self.only.streams);
            }
            if step.by.as_ref().is_some_and(|own| own.len() != by.len()) {
                return Err(Problem::new(
                    0,
                    "by of a step names as many fields as by of the rule".to_owned(),
                ));
            }
        }
        Ok(std::mem::take(&mut self.steps))
    }
}

fn read_step(table: &Spanned<DeValue<'_>>) -> Result<Step, Problem> {
    let mut step = Step { times: 1, ..Step::default() };
    let fields = table
        .get_ref()
        .as_table()
        .ok_or_else(|| Problem::new(table.span().start, "a step is a table".to_owned()))?;
    for entry in in_order(fields) {
        match entry.key {
            "by" => step.by = Some(named_fields(&entry)?),
            "times" => {
                step.times = entry.whole(1)?;
                if step.times > MOST_TIMES {
                    return Err(entry.problem(&format!("must be at most {MOST_TIMES}")));
                }
            }
            "rule" => step.rule = Some(id(&entry)?),
            _ => {
                if !set_condition(&mut step, &entry)? {
                    return Err(unknown(&entry, condition_keys().chain(SEQUENCE_KEYS)));
                }
            }
        }
    }
    Ok(step)
}

/// The keys that say which events fit.
fn condition_keys() -> impl Iterator<Item = &'static str> {
    STEP_KEYS.into_iter().chain(FilterField::ALL.map(FilterField::name))
}

/// Takes a condition; false when the key is none.
fn set_condition(step: &mut Step, entry: &Entry<'_>) -> Result<bool, Problem> {
    match entry.key {
        "stream" => {
            let streams = entry.list()?.iter().map(|name| name.parse()).collect::<Result<_, _>>();
            step.streams = streams.map_err(|e: crate::event::UnknownStream| entry.problem(&e.to_string()))?;
        }
        "failed" => step.failed = entry.flag()?,
        "succeeded" => step.succeeded = entry.flag()?,
        "outside" => step.is_outside = entry.flag()?,
        "about" => {
            step.is_own = Some(match entry.text()? {
                "self" => true,
                "another" => false,
                _ => {
                    return Err(
                        entry.problem("must be self or another: whom it was done to, beside the actor")
                    );
                }
            });
        }
        key => {
            let Some(field) = FilterField::ALL.into_iter().find(|field| field.name() == key) else {
                return Ok(false);
            };
            let values = entry.list()?;
            values
                .iter()
                .filter_map(|value| list_name(value))
                .try_for_each(|name| check_list(entry, name))?;
            step.values.push((field, values, entry.value_offset()));
        }
    }
    Ok(true)
}

/// Refuses a list that no profile can have.
fn check_list(entry: &Entry<'_>, name: &str) -> Result<(), Problem> {
    if Lists::is_known(name) {
        return Ok(());
    }
    let problem = entry.problem(&format!("no such list @{}", sanitize::message(name)));
    let known = super::lists::LISTS.map(|(name, _)| name);
    Err(match crate::suggest::suggest(name, known) {
        Some(near) => problem.hint(format!("did you mean @{near}?")),
        None => problem.hint(format!("use one of {}", known.join(", "))),
    })
}

fn id(entry: &Entry<'_>) -> Result<String, Problem> {
    let text = entry.text()?;
    let fits = (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b));
    if fits {
        Ok(text.to_owned())
    } else {
        Err(entry.problem("use 1 to 64 small letters, digits and dashes"))
    }
}

fn length(entry: &Entry<'_>) -> Result<TimeDelta, Problem> {
    let length: Duration = entry.parsed(duration::parse_positive)?;
    TimeDelta::from_std(length)
        .ok()
        .filter(|length| *length <= TimeDelta::days(366))
        .ok_or_else(|| entry.problem("must be at most a year"))
}

fn named_fields(entry: &Entry<'_>) -> Result<Vec<GroupField>, Problem> {
    entry.list()?.iter().map(|name| named_field(entry, name)).collect()
}

fn named_field(entry: &Entry<'_>, name: &str) -> Result<GroupField, Problem> {
    Field::of_name(name).map(GroupField::Named).ok_or_else(|| {
        let known: Vec<&str> = Field::ALL.iter().map(|field| field.name()).collect();
        let problem = entry.problem(&format!("no such field {}", sanitize::message(name)));
        match crate::suggest::suggest(name, known.iter().copied()) {
            Some(near) => problem.hint(format!("did you mean {near}?")),
            None => problem.hint(format!("use one of {}", known.join(", "))),
        }
    })
}

/// Placeholders of `next` beside the fields that the rule groups by.
const PLACEHOLDERS: [&str; 5] = ["from", "to", "event", "value", "rule"];

fn check_placeholders((next, offset): &(String, usize), by: &[GroupField]) -> Result<(), Problem> {
    for name in next.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name) {
        if !PLACEHOLDERS.contains(&name) && !by.iter().any(|field| field.name() == name) {
            let known = by.iter().map(|field| field.name()).chain(PLACEHOLDERS).collect::<Vec<_>>();
            return Err(Problem::new(
                *offset,
                format!("next: no such placeholder {{{}}}", sanitize::message(name)),
            )
            .hint(format!("use one of {}", known.join(", "))));
        }
    }
    Ok(())
}

//! The tests inside rules: their events go through the same fold as real ones.

use std::sync::Arc;

use super::fold::DetectFold;
use super::lists::Lists;
use super::reader::failure_at;
use super::rule::{Rule, RuleTest};
use super::rule_set::RuleSet;
use chrono::DateTime;

use crate::analyze::Fold as _;
use crate::error::Result;
use crate::event::{Event, Stream};
use crate::facts::{EventFacts, JsonText, Lookup, LookupBuffer, Names};
use crate::page::Reading;

/// What came of the tests of some rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrialOutcome {
    /// How many rules there were.
    pub rules: usize,
    /// How many tests passed.
    pub tests: usize,
    /// How many rules have none: those of Sigma, of which is only known that they can be read.
    pub untested: usize,
}

/// Runs the tests of those of the rules for which `is_tried` says so; the others are there to be referred to.
///
/// # Errors
/// Fails with `Usage` at the first test whose hits are not as many as it says; the message begins with the place
/// of the test.
pub fn run_trials(rules: &[Rule], is_tried: impl Fn(&Rule) -> bool) -> Result<TrialOutcome> {
    let mut outcome = TrialOutcome::default();
    for rule in rules.iter().filter(|rule| is_tried(rule)) {
        outcome.rules += 1;
        outcome.untested += usize::from(rule.tests.is_empty());
        for test in &rule.tests {
            let hits = hits_of(rule, test, rules)?;
            outcome.tests += 1;
            if hits != test.hits {
                let name = if test.name.is_empty() { String::new() } else { format!(" ({})", test.name) };
                let (id, wanted) = (&rule.id, test.hits);
                let message = format!("the test{name} of {id} has {hits} hits and should have {wanted}");
                let hint = "compare the events of the test with the conditions; both stand in the rule";
                return Err(failure_at(rule, test.offset, message, hint));
            }
        }
    }
    Ok(outcome)
}

fn hits_of(rule: &Rule, test: &RuleTest, rules: &[Rule]) -> Result<usize> {
    let is_named = |other: &&Rule| rule.steps.iter().any(|step| step.rule.as_ref() == Some(&other.id));
    let tried: Vec<Rule> = std::iter::once(rule).chain(rules.iter().filter(is_named)).cloned().collect();
    let mut lists = Lists::default();
    for (name, values) in &test.lists {
        lists.set(name, values.clone());
    }
    let set = Arc::new(RuleSet::new(tried, lists, &Names::default())?);
    let mut fold = DetectFold::new(&set);
    let (lookup, mut buffer) = (Lookup::for_facts(), LookupBuffer::default());
    for (stream, raw) in &test.events {
        let event = event_of(*stream, raw);
        let facts = EventFacts::new(*stream, lookup.find(raw.as_bytes(), &mut buffer));
        fold.add(&event, &facts, Reading::at(DateTime::UNIX_EPOCH));
    }
    let hits = fold.take_hits([None; 3], &Names::default())?;
    Ok(hits.iter().filter(|hit| hit.rule == rule.id).count())
}

/// An event of its JSON text.
pub fn event_of(stream: Stream, raw: &str) -> Event<'_> {
    let member = |name: &[u8]| {
        let mut members = JsonText::new(raw.as_bytes()).members();
        members.find(|(key, _)| *key == name).and_then(|(_, value)| value.inside_quotes())
    };
    let time = member(b"timestamp").and_then(|text| std::str::from_utf8(text).ok());
    let time = time.and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    Event { stream, raw: raw.as_bytes(), uuid: member(b"uuid"), time: time.map(|time| time.to_utc()) }
}

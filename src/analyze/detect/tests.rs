use std::io;
use std::sync::Arc;

use chrono::DateTime;

use super::builtin::FILES;
use super::trial::event_of;
use super::*;
use crate::analyze::Fold as _;
use crate::error::Result;
use crate::event::Stream;
use crate::facts::{EventFacts, Lookup, LookupBuffer};
use crate::page::Reading;
use crate::scratch::Scratch;
use crate::select::Names;

#[test]
fn every_rule_that_comes_along_can_be_read_and_passes_its_tests() {
    let read = FILES.iter().map(|(name, text)| read_rule(&format!("{name}.toml"), text));
    let rules: Vec<Rule> = read.collect::<Result<_, _>>().unwrap();
    let failed: Vec<String> = rules
        .iter()
        .filter_map(|rule| run_trials(&rules, |other| other.id == rule.id).err())
        .map(|failure| failure.to_string())
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert_eq!(builtin_rules().len(), FILES.len());
    for (rule, (name, _)) in rules.iter().zip(FILES) {
        assert_eq!(rule.id, *name);
        assert!(!rule.meaning.is_empty() && !rule.next.is_empty() && !rule.false_alarms.is_empty(), "{name}");
    }
}

/// The events of the tests of all rules, and the rules.
fn events_of_all_tests() -> (Arc<RuleSet>, Vec<(Stream, String)>) {
    let rules = builtin_rules();
    let events = rules.iter().flat_map(|rule| &rule.tests).flat_map(|test| test.events.clone()).collect();
    (Arc::new(RuleSet::new(rules, Lists::default(), &Names::default()).unwrap()), events)
}

/// What is found by so many folds, which take the events in turn; with the bounds that were met.
fn found(folds: Vec<DetectFold>, events: &[(Stream, String)]) -> (Vec<Hit>, Vec<String>) {
    let mut folds = folds;
    let (lookup, mut buffer) = (Lookup::for_facts(), LookupBuffer::default());
    let count = folds.len();
    for (number, (stream, raw)) in events.iter().enumerate() {
        let facts = EventFacts::new(*stream, lookup.find(raw.as_bytes(), &mut buffer));
        folds[number % count].add(&event_of(*stream, raw), &facts, Reading::at(DateTime::UNIX_EPOCH));
    }
    let mut merged = folds.pop().unwrap();
    folds.into_iter().for_each(|fold| merged.merge(fold));
    (merged.take_hits([None; 3], &Names::default()).unwrap(), merged.remarks())
}

#[test]
fn what_lies_in_the_scratch_file_is_judged_as_what_is_in_memory() {
    let (set, events) = events_of_all_tests();
    let (wanted, _) = found(vec![DetectFold::new(&set)], &events);
    assert!(wanted.len() > 50 && events.len() > 300, "{} hits of {} events", wanted.len(), events.len());
    for most_held in [1, 2, 40, 500] {
        let scratch = Arc::new(Scratch::new(tempfile::tempfile));
        let fold = || DetectFold::new(&set).with_scratch(&scratch).holding(most_held);
        let (hits, remarks) = found(vec![fold(), fold(), fold()], &events);
        assert_eq!(hits, wanted, "{most_held} in memory");
        assert!(scratch.is_used() && remarks.is_empty(), "{remarks:?}");
    }
}

#[test]
fn rules_go_on_in_memory_where_the_scratch_file_cannot_be_written() {
    let (set, events) = events_of_all_tests();
    let (wanted, _) = found(vec![DetectFold::new(&set)], &events);
    let scratch = Arc::new(Scratch::new(|| Err(io::ErrorKind::StorageFull.into())));
    let fold = DetectFold::new(&set).with_scratch(&scratch).holding(3);
    assert_eq!(found(vec![fold], &events), (wanted, Vec::new()));
}

//! Ways into the readers of private modules, for the fuzz targets and their proofs (T16); the program does not use
//! them. Everything here takes bytes that somebody else wrote.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::DateTime;

use crate::analyze::Fold as _;
use crate::analyze::detect::{
    DetectFold, Lists, Rule, RuleSet, SigmaFile, builtin_rules, event_of, read_rule, read_sigma, run_trials,
};
use crate::cancel::Cancel;
use crate::console::TextStyle;
use crate::disk::RealDisk;
use crate::error::Result;
use crate::event::Stream;
use crate::facts::{EventFacts, Lookup, LookupBuffer, NameKind, Names};
use crate::names::{ImportedName, NameStore, NewNames};
use crate::page::Reading;
use crate::select::Filter;
use crate::source::PageSource as _;
use crate::source::files::{self, Accounts, FileQuery, FileReport, Input, LineSearch, TextSearch};

/// What was read of a file of saved events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SavedEvents {
    /// The stream and the text of each event.
    pub events: Vec<(Stream, Vec<u8>)>,
    /// What is told of lines that were refused.
    pub refused: Vec<String>,
    /// What is told of a file that cannot be read to its end.
    pub broken: Vec<String>,
}

/// Reads a file as `--from` does, with this number of threads; of events whose stream nothing tells, `fallback` is
/// theirs. With a filter only those events that it wants, and only lines are parsed that may hold one.
///
/// # Errors
/// Fails where a thread cannot be started.
pub fn saved_events(
    path: &Path,
    threads: usize,
    fallback: Option<Stream>,
    filter: Option<(&Filter, bool)>,
) -> Result<SavedEvents> {
    let texts = filter.filter(|(_, is_searched)| *is_searched).and_then(|(filter, _)| filter.needed_texts());
    let query = FileQuery {
        inputs: vec![Input::File(path.to_owned())],
        streams: Stream::ALL.to_vec(),
        fallback,
        is_strict: false,
        search: texts.and_then(TextSearch::new).map(LineSearch::Texts),
        judge: None,
        workers: Some(threads),
        now: DateTime::UNIX_EPOCH,
    };
    let report = Arc::new(FileReport::default());
    let (mut pages, _spare) = files::start(&query, &Arc::new(Accounts::default()), &report, &Cancel::new())?;
    let (mut read, mut buffer) = (SavedEvents::default(), LookupBuffer::default());
    while let Some(page) = pages.next_page()? {
        let wanted =
            page.events().filter(|event| filter.is_none_or(|(filter, _)| filter.wants(event, &mut buffer)));
        read.events.extend(wanted.map(|event| (event.stream, event.raw.to_vec())));
    }
    read.refused = report.take_refused().iter().map(ToString::to_string).collect();
    read.broken = report.take_broken().iter().map(ToString::to_string).collect();
    Ok(read)
}

/// Reads a rule in TOML, with its tests, and uses it on events. Gives the number of its hits.
///
/// # Errors
/// Fails as `--rules` does.
pub fn toml_rule(text: &str, events: &[(Stream, &str)]) -> Result<usize> {
    let rule = read_rule("rule.toml", text)?;
    let is_named = |other: &Rule| rule.steps.iter().any(|step| step.rule.as_ref() == Some(&other.id));
    let mut rules = vec![rule.clone()];
    if rule.steps.iter().any(|step| step.rule.is_some()) {
        rules.extend(builtin_rules().into_iter().filter(|other| other.id != rule.id && is_named(other)));
    }
    run_trials(&rules, |tried| tried.id == rule.id)?;
    hits(rules, events)
}

/// Reads files of Sigma, and uses their rules on events. Gives the number of hits.
///
/// # Errors
/// Fails as `--rules` does.
pub fn sigma_rules(texts: &[&str], events: &[(Stream, &str)]) -> Result<usize> {
    let file = |(number, text): (usize, &&str)| SigmaFile {
        name: format!("{number}.yml"),
        text: (*text).to_owned(),
        is_named: number == 0,
    };
    let files: Vec<SigmaFile> = texts.iter().enumerate().map(file).collect();
    let read = read_sigma(&files)?;
    run_trials(&read.rules, |_| true)?;
    hits(read.rules, events)
}

fn hits(rules: Vec<Rule>, events: &[(Stream, &str)]) -> Result<usize> {
    let set = Arc::new(RuleSet::new(rules, Lists::default(), &Names::default())?);
    for rule in set.rules() {
        let _ = (set.explain(rule, TextStyle { width: None, colour: false }).len(), set.json(rule).len());
    }
    let mut fold = DetectFold::new(&set);
    take(&mut fold, events);
    let mut again = DetectFold::new(&set);
    let restored = again.restore(&fold.to_bytes());
    assert!(restored.is_ok_and(|anew| anew.is_empty()), "what was gathered is not read again");
    let found = fold.take_hits([None; 3], &Names::default())?.len();
    assert_eq!(again.take_hits([None; 3], &Names::default())?.len(), found);
    Ok(found)
}

fn take(fold: &mut DetectFold, events: &[(Stream, &str)]) {
    let (lookup, mut buffer) = (Lookup::for_facts(), LookupBuffer::default());
    for (stream, raw) in events {
        let facts = EventFacts::new(*stream, lookup.find(raw.as_bytes(), &mut buffer));
        fold.add(&event_of(*stream, raw), &facts, Reading::at(DateTime::UNIX_EPOCH));
    }
}

/// Reads what rules had gathered as another run left it, and goes on with it. Gives the number of hits.
///
/// # Errors
/// Fails with the reason where the bytes cannot be read.
pub fn gathered_by_rules(saved: &[u8], events: &[(Stream, &str)]) -> Result<usize, String> {
    let set =
        RuleSet::new(builtin_rules(), Lists::default(), &Names::default()).map_err(|e| e.to_string())?;
    let mut fold = DetectFold::new(&Arc::new(set));
    fold.restore(saved)?;
    take(&mut fold, events);
    let bytes = fold.to_bytes();
    let found = fold.take_hits([None; 3], &Names::default()).map_err(|e| e.to_string())?.len();
    fold.restore(&bytes)?;
    Ok(found)
}

/// Reads names as `opev names import` does, and keeps them in a state directory. Gives how many there are.
///
/// # Errors
/// Fails where the text is not what `op` prints, and where the names cannot be written.
pub fn imported_names(json: &[u8], kind: Option<NameKind>, state_dir: &Path) -> Result<usize> {
    let mut names = Names::default();
    let _ = NewNames::add(ImportedName::read_all(json, kind)?, &mut names).to_string();
    let store = NameStore::new(state_dir, "p");
    store.write(&RealDisk, &names)?;
    let read = store.read(&RealDisk)?;
    assert_eq!(read.len(), names.len(), "names are not read again as they were written");
    Ok(read.len())
}

/// The file of a profile's names in a state directory.
pub fn names_file(state_dir: &Path) -> PathBuf {
    state_dir.join("profiles").join("p").join("names.json")
}

/// Reads the names that are kept in a state directory. Gives how many there are.
///
/// # Errors
/// Fails where the file is not one that this program wrote.
pub fn kept_names(state_dir: &Path) -> Result<usize> {
    Ok(NameStore::new(state_dir, "p").read(&RealDisk)?.len())
}

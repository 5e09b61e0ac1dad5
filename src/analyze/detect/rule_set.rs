//! Rules made ready: their conditions as filters, and which of them an event concerns.
//!
//! An event is looked at by few rules: a step is filed under the actions that it names, so that stream and action
//! decide before anything else is compared. Steps that name none are asked for every event of their streams, but
//! not for session traffic.

use std::collections::HashMap;

use super::lists::Lists;
use super::rule::{GroupField, ReadyField, Rule, RuleKind, Step, list_name};
use super::window::GroupHasher;
use crate::error::{Error, Result};
use crate::event::{Event, Stream};
use crate::facts::{EventFacts, Field, FoundFields, Lookup, SignInOutcome};
use crate::select::{Filter, FilterField, FilterTerms, Names, RawCondition};

/// What a step that asks for an outcome is filed under; no action is called so.
const FAILED: &str = "\0failed";
const SUCCEEDED: &str = "\0succeeded";

/// Rules made ready. The default one has none.
#[derive(Debug, Default)]
pub struct RuleSet {
    pub(super) rules: Vec<Rule>,
    pub(super) steps: Vec<ReadyStep>,
    /// What steps group by, each once.
    pub(super) groupings: Vec<Grouping>,
    /// One for the folds of all threads, so that they can be merged.
    pub(super) group_hasher: GroupHasher,
    index: [StreamIndex; 3],
    lists: Lists,
    /// Rules that cannot hit, each with the list that it needs.
    idle: Vec<(usize, String)>,
    /// Rules of silence, with their streams.
    pub(super) silences: Vec<(usize, Vec<Stream>)>,
    /// The fields that rules name, by stream.
    pub(super) wanted: [u32; 3],
    /// The paths that rules name as the API does.
    pub(super) raw: Lookup,
    warnings: Vec<String>,
}

/// A step with its filter.
#[derive(Debug)]
pub(super) struct ReadyStep {
    pub(super) rule: usize,
    /// Its number within the rule.
    pub(super) number: usize,
    /// The number of its grouping.
    pub(super) grouping: usize,
    /// Whose values are counted or learned.
    pub(super) field: Option<ReadyField>,
    raw: Option<RawCondition>,
    /// The slots of its paths, those of its condition first.
    pub(super) slots: Vec<usize>,
    filter: Filter,
    is_own: Option<bool>,
    is_outside: bool,
    /// Whether it looks at fields as the API names them.
    pub(super) reads_raw: bool,
    /// The fields that it names.
    fields: u32,
    streams: Vec<Stream>,
}

/// What events are grouped by.
#[derive(Debug, PartialEq)]
pub(super) struct Grouping {
    pub(super) by: Vec<ReadyField>,
    /// Whether an event that lacks a field is of a group all the same.
    pub(super) is_loose: bool,
}

/// The steps that events of a stream concern.
#[derive(Debug, Default)]
struct StreamIndex {
    by_action: HashMap<String, Vec<u16>>,
    any: Vec<u16>,
}

impl RuleSet {
    /// Makes rules ready; items, vaults, groups and users can be called by their names.
    ///
    /// # Errors
    /// Fails with `Usage` for a value that cannot be read, two rules of one id, and a step that stands for a rule
    /// that is not there.
    pub fn new(rules: Vec<Rule>, lists: Lists, names: &Names) -> Result<RuleSet> {
        let mut set = RuleSet { rules, lists, ..RuleSet::default() };
        set.check_ids()?;
        let codes: Vec<&str> = crate::facts::words::table().into_iter().map(|row| row.code).collect();
        for number in 0..set.rules.len() {
            let rule = &set.rules[number];
            if let RuleKind::Silence { .. } = rule.kind {
                let streams = rule.steps.first().map(|step| step.streams.clone()).unwrap_or_default();
                let streams = if streams.is_empty() { Stream::ALL.to_vec() } else { streams };
                set.silences.push((number, streams));
                continue;
            }
            if let Some(list) = set.lacks_a_list(number) {
                set.idle.push((number, list));
                continue;
            }
            for step in 0..set.rules[number].steps.len() {
                if set.rules[number].steps[step].rule.is_none() {
                    set.make_ready(number, step, names, &codes)?;
                }
            }
        }
        Ok(set)
    }

    fn check_ids(&self) -> Result<()> {
        let mut known: HashMap<&str, &Rule> = HashMap::new();
        for rule in &self.rules {
            if let Some(other) = known.insert(&rule.id, rule) {
                let other = other.file.as_deref().unwrap_or("the rules that come with opev");
                return Err(fault(
                    rule,
                    0,
                    format!("the id {} is taken by {other}", rule.id),
                    "choose another id",
                ));
            }
        }
        for rule in &self.rules {
            for name in rule.steps.iter().filter_map(|step| step.rule.as_deref()) {
                let other = known.get(name).copied();
                let fits = other.is_some_and(|other| {
                    other.by.len() == rule.by.len() && other.steps.iter().all(|step| step.rule.is_none())
                });
                if !fits {
                    let why = match other {
                        Some(_) => "groups by other fields, or stands for rules itself",
                        None => "is not there",
                    };
                    return Err(fault(
                        rule,
                        0,
                        format!("a step stands for the rule {name}, which {why}"),
                        "",
                    ));
                }
            }
        }
        Ok(())
    }

    /// The list without which a rule cannot hit, where the profile has no such list.
    fn lacks_a_list(&self, rule: usize) -> Option<String> {
        let is_empty = |list: &&String| self.lists.values(list).is_empty();
        if let Some(list) = self.rules[rule].needs.iter().find(is_empty) {
            return Some(list.clone());
        }
        let fields = self.rules[rule].steps.iter().flat_map(|step| &step.values);
        let empty = |value: &String| list_name(value).is_some_and(|list| self.lists.values(list).is_empty());
        let lacking = |values: &[String]| {
            let mut wanted = values.iter().filter(|value| !value.starts_with('!')).peekable();
            wanted.peek().is_some() && wanted.all(empty)
        };
        let lacking = fields.map(|(_, values, _)| values).find(|values| lacking(values))?;
        lacking.iter().find_map(|value| list_name(value)).map(str::to_owned)
    }

    fn make_ready(&mut self, number: usize, step: usize, names: &Names, codes: &[&str]) -> Result<()> {
        let rule = &self.rules[number];
        let condition = &rule.steps[step];
        let mut terms = FilterTerms {
            failed: condition.failed,
            succeeded: condition.succeeded,
            ..FilterTerms::default()
        };
        let mut fields = 0;
        for (field, values, offset) in &condition.values {
            let values = self.expanded(values);
            if values.is_empty() {
                continue;
            }
            fields |= bit(*field);
            let one = FilterTerms { values: vec![(*field, values.clone())], ..FilterTerms::default() };
            let checked = Filter::compile_with_names(&one, names).map_err(|e| {
                let message = e.message().trim_start_matches("--").to_owned();
                fault(rule, *offset, message, e.advice().unwrap_or_default())
            })?;
            let place = rule.file.as_deref().unwrap_or("a rule of opev");
            let warning = |text: &String| format!("{place}, {}: {}", rule.id, text.trim_start_matches("--"));
            self.warnings.extend(checked.warnings().iter().map(warning));
            terms.values.push((*field, values));
        }
        let filter = Filter::compile_with_names(&terms, names)?;
        let streams = streams_of(condition);
        let mut raw = condition.raw.clone();
        let mut slots = Vec::new();
        if let Some(raw) = &mut raw {
            raw.bind(&mut self.raw);
            raw.paths(&mut |_, slot, _| slots.push(slot));
        }
        let lookup = &mut self.raw;
        let mut ready_field = |field: &GroupField| match field {
            GroupField::Named(field) => ReadyField::Named(*field),
            GroupField::Path(path) => {
                let slot = lookup.add(path);
                slots.push(slot);
                ReadyField::Slot(slot)
            }
        };
        let by = condition.by.as_ref().unwrap_or(&rule.by).iter().map(&mut ready_field).collect();
        let field = condition.field.as_ref().or(rule.kind.field()).map(ready_field);
        slots.sort_unstable();
        slots.dedup();
        let ready = ReadyStep {
            rule: number,
            number: step,
            grouping: number_of(Grouping { by, is_loose: rule.has_loose_groups }, &mut self.groupings),
            field,
            reads_raw: raw.is_some() || !slots.is_empty(),
            raw,
            slots,
            filter,
            is_own: condition.is_own,
            is_outside: condition.is_outside,
            fields,
            streams: streams.clone(),
        };
        // 65,535 steps are more than anybody writes; what is beyond would take part in nothing.
        let place = u16::try_from(self.steps.len()).unwrap_or(u16::MAX);
        let keys = keys_of(condition, &terms, codes);
        for stream in streams {
            self.wanted[stream as usize] |= fields;
            let index = &mut self.index[stream as usize];
            let raw_keys = condition.raw.as_ref().and_then(|raw| raw_keys(raw, stream));
            match keys.as_ref().or(raw_keys.as_ref()) {
                Some(keys) => {
                    for key in keys {
                        index.by_action.entry(key.clone()).or_default().push(place);
                    }
                }
                None => index.any.push(place),
            }
        }
        self.steps.push(ready);
        Ok(())
    }

    /// Values with those of the profile's lists in place of their names.
    fn expanded(&self, values: &[String]) -> Vec<String> {
        let mut all = Vec::new();
        for value in values {
            match list_name(value) {
                Some(list) => {
                    let not = if value.starts_with('!') { "!" } else { "" };
                    all.extend(self.lists.values(list).iter().map(|value| format!("{not}{value}")));
                }
                None => all.push(value.clone()),
            }
        }
        all
    }

    /// The rules.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule of this id.
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// Rules that cannot hit because the profile has no list of this name.
    pub fn idle(&self) -> impl Iterator<Item = (&Rule, &str)> {
        self.idle.iter().map(|(rule, list)| (&self.rules[*rule], &**list))
    }

    /// The longest time over which a rule learns what is usual.
    pub fn longest_learning(&self) -> Option<chrono::TimeDelta> {
        let learn = |rule: &Rule| match rule.kind {
            RuleKind::NewValue { learn, .. } => Some(learn),
            _ => None,
        };
        self.rules.iter().filter_map(learn).max()
    }

    /// What in the rules may be a slip, for people.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Appends the numbers of the steps that an event may fit, each once.
    pub(super) fn candidates(&self, facts: &EventFacts<'_, '_>, found: &mut Vec<u16>) {
        found.clear();
        let stream = facts.stream();
        let index = &self.index[stream as usize];
        let action = facts.action();
        let mut take = |key: &str| {
            if let Some(steps) = index.by_action.get(key) {
                found.extend_from_slice(steps);
            }
        };
        match action.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => take(&action.to_ascii_lowercase()),
            false => take(&action),
        }
        if stream == Stream::SignInAttempts {
            take(&facts.reason().to_ascii_lowercase());
            match facts.outcome() {
                Some(SignInOutcome::Failed) => take(FAILED),
                Some(SignInOutcome::Succeeded | SignInOutcome::Reported) => take(SUCCEEDED),
                None => {}
            }
        }
        if !facts.is_session_traffic() {
            found.extend_from_slice(&index.any);
        }
        if stream == Stream::SignInAttempts {
            found.sort_unstable();
            found.dedup();
        }
    }

    /// Whether an event fits a step.
    pub(super) fn fits(
        &self,
        step: &ReadyStep,
        event: &Event<'_>,
        facts: &EventFacts<'_, '_>,
        found: Option<&FoundFields<'_, '_>>,
    ) -> bool {
        if !step.filter.wants_facts(event, facts) {
            return false;
        }
        if let Some(raw) = &step.raw
            && !found.is_some_and(|found| raw.wants(event, found))
        {
            return false;
        }
        if let Some(is_own) = step.is_own {
            let target = Field::Target.text(facts);
            if target.is_empty() || (target == Field::User.text(facts)) != is_own {
                return false;
            }
        }
        !step.is_outside || self.is_outside(facts)
    }

    /// Whether whom it was done to has an address in another domain than the actor's and the profile's.
    fn is_outside(&self, facts: &EventFacts<'_, '_>) -> bool {
        let target = facts.target_user().map_or_else(|| facts.invited(), |user| user.email());
        let actor = facts.actor().email();
        let Some((_, domain)) = target.rsplit_once('@') else { return false };
        if self.lists.has_domain(&["own_domains", "partner_domains"], domain) {
            return false;
        }
        // Service accounts have a domain of their own; who is at home is then what the lists say.
        match actor.rsplit_once('@') {
            Some((_, own)) if !own.eq_ignore_ascii_case("1passwordserviceaccounts.com") => {
                !own.eq_ignore_ascii_case(domain)
            }
            _ => !self.lists.values("own_domains").is_empty(),
        }
    }

    /// The rules that name a field that no event of their streams had, each with the field.
    pub(super) fn unmet(&self, present: &[u32; 3], seen: &[u64; 3]) -> Vec<(&Rule, FilterField)> {
        let mut unmet = Vec::new();
        for step in &self.steps {
            let met = step.streams.iter().fold(0, |met, stream| met | present[*stream as usize]);
            if !step.streams.iter().any(|stream| seen[*stream as usize] > 0) {
                continue;
            }
            let lacking = FilterField::ALL.into_iter().filter(|field| step.fields & bit(*field) & !met != 0);
            unmet.extend(lacking.map(|field| (&self.rules[step.rule], field)));
        }
        unmet.dedup_by_key(|(rule, field)| (rule.id.as_str(), *field));
        unmet
    }

    /// A path at which a step wants a value, by its slot.
    pub(super) fn path_of(&self, step: usize, slot: usize) -> Option<&str> {
        let mut path = None;
        let ready = &self.steps[step];
        ready.raw.as_ref()?.paths(&mut |name, its, is_wanted| {
            if its == slot && is_wanted {
                path = Some(name);
            }
        });
        path
    }
}

/// The number of a grouping, which is added if it is new.
fn number_of(grouping: Grouping, known: &mut Vec<Grouping>) -> usize {
    known.iter().position(|one| *one == grouping).unwrap_or_else(|| {
        known.push(grouping);
        known.len() - 1
    })
}

/// The bit that stands for a field.
pub(super) fn bit(field: FilterField) -> u32 {
    1 << field as u32
}

/// Whether an event says anything in a field.
pub(super) fn has(filter: FilterField, facts: &EventFacts<'_, '_>) -> bool {
    match filter.field() {
        Some(field) => !field.text(facts).is_empty(),
        None => match filter {
            FilterField::TargetKind => facts.target_user().is_some_and(|user| !user.kind().is_empty()),
            FilterField::Info => !facts.info().is_empty(),
            _ => true,
        },
    }
}

fn streams_of(step: &Step) -> Vec<Stream> {
    match step.failed || step.succeeded {
        true => vec![Stream::SignInAttempts],
        false if step.streams.is_empty() => Stream::ALL.to_vec(),
        false => step.streams.clone(),
    }
}

/// What a step is filed under; none where any event of its streams may fit.
fn keys_of(step: &Step, terms: &FilterTerms, codes: &[&str]) -> Option<Vec<String>> {
    let actions = terms.values.iter().find(|(field, _)| *field == FilterField::Action);
    if let Some((_, actions)) = actions {
        let wanted = actions.iter().flat_map(|value| value.split(',')).map(str::trim);
        let wanted: Vec<String> =
            wanted.filter(|value| !value.starts_with('!')).map(str::to_lowercase).collect();
        let are_codes = wanted.iter().all(|value| !value.contains('*') && codes.contains(&&**value));
        if !wanted.is_empty() && are_codes {
            return Some(wanted);
        }
    }
    match (step.failed, step.succeeded) {
        (true, _) => Some(vec![FAILED.to_owned()]),
        (_, true) => Some(vec![SUCCEEDED.to_owned()]),
        _ => None,
    }
}

/// What a step of the API's own fields is filed under; none where any event of the stream may fit.
fn raw_keys(raw: &RawCondition, stream: Stream) -> Option<Vec<String>> {
    let paths: &[&str] = match stream {
        Stream::SignInAttempts => &["category", "type"],
        Stream::ItemUsages | Stream::AuditEvents => &["action"],
    };
    let keys = paths.iter().find_map(|path| raw.required_texts(path))?;
    // Actions are found by their small letters, of which there may be more than those of ASCII.
    keys.iter().all(|key| !key.is_empty() && key.is_ascii()).then_some(keys)
}

/// A failure at a place of a rule.
fn fault(rule: &Rule, offset: usize, message: String, hint: &str) -> Error {
    super::reader::failure_at(rule, offset, message, hint)
}

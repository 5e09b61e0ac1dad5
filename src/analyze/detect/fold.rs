//! Gathers what may be part of a hit.
//!
//! Of an event that fits a step only a small record is kept: its time, its uuid and what it is grouped by. Records
//! and learned values depend on the events alone, so that folds of several threads can be merged in any order.
//! Hits are judged of what was gathered, in order of the events' own times; where events go on coming, what was
//! told is remembered, so that it is told once, and what is too old to become part of a hit is forgotten.
//!
//! Memory: 56 bytes a record. With a scratch file at most [`MOST_HELD`] records a thread are in memory while events
//! are read, and those of one group while they are judged; without one there are at most [`MOST_RECORDS`] a thread,
//! and what is beyond is left out and told. Learned values are at most [`MOST_VALUES`], and [`MOST_OF_GROUP`] a
//! group; beyond, nothing more is new.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::baseline::Baseline;
use super::event_id::EventId;
use super::hit::Hit;
use super::judge::{self, FoundHit};
use super::rule::{ReadyField, Rule, RuleKind};
use super::rule_set::{self, Grouping, RuleSet};
use super::silence::Quiet;
use super::window::{EventRecord, GroupKey, GroupWindows};
use crate::analyze::Fold;
use crate::error::Result;
use crate::event::Event;
use crate::facts::{EventFacts, FoundFields, Lookup, LookupBuffer};
use crate::page::Reading;
use crate::sanitize;
use crate::scratch::Scratch;
use crate::select::{FilterField, Names};
use crate::suggest::suggest;

/// How late an event may arrive and still count where it belongs, while events go on coming.
pub(super) const LATE: i64 = 86_400_000_000;

/// How many records a thread holds where there is no scratch file.
pub(super) const MOST_RECORDS: usize = 2_000_000;

/// How many records a thread holds in memory where there is one.
const MOST_HELD: usize = 1 << 15;

/// How many learned values are held.
pub(super) const MOST_VALUES: usize = 1_000_000;

/// How many learned values of one group: beyond, it is so varied that a new value says nothing.
pub(super) const MOST_OF_GROUP: usize = 10_000;

/// What stands between the parts of a group's name.
pub(super) const SEPARATOR: char = '\u{1f}';

/// What a rule has gathered.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct RuleMemory {
    pub(super) windows: GroupWindows,
    pub(super) baseline: Baseline,
    pub(super) quiet: Quiet,
}

/// Events, added one by one, that become hits.
#[derive(Debug)]
pub struct DetectFold {
    set: Arc<RuleSet>,
    pub(super) memory: Vec<RuleMemory>,
    /// What people are called, by uuid.
    pub(super) labels: HashMap<String, String>,
    /// Which fields events of each stream had.
    present: [u32; 3],
    /// How many events of each stream were seen.
    seen: [u64; 3],
    pub(super) records: usize,
    /// How many of the records are in memory.
    held: usize,
    pub(super) values: usize,
    /// The time of the newest event.
    pub(super) newest: i64,
    /// The time of the oldest event.
    oldest: i64,
    /// Whether events were left out, because there were too many records.
    is_full: bool,
    /// Where records go that do not fit into memory.
    scratch: Option<Arc<Scratch>>,
    most_held: usize,
    /// Why none are written there any more.
    scratch_failure: Option<String>,
    found: Vec<u16>,
    /// The groups of the event that is looked at, by number of the grouping.
    groups: Vec<EventGroup>,
    /// The number of that event.
    events: u64,
    raw_buffer: LookupBuffer,
    /// Of each step the slots of paths that no event that it was offered had; none where it was offered none.
    unmet_slots: Vec<Option<Vec<usize>>>,
}

/// What an event is grouped by, found out when it is first asked for.
#[derive(Clone, Debug, Default)]
struct EventGroup {
    /// The event for which it was found out; the first one has the number 1.
    event: u64,
    is_named: bool,
    name: String,
    hash: u64,
}

/// An event that is looked at.
struct LookedAtEvent<'e> {
    event: &'e Event<'e>,
    time: i64,
    facts: &'e EventFacts<'e, 'e>,
    /// What was found by path, where a rule that may fit names fields so.
    raw: Option<FoundFields<'e, 'e>>,
}

impl LookedAtEvent<'_> {
    fn text(&self, field: ReadyField) -> Cow<'_, str> {
        field.text(self.facts, self.raw.as_ref())
    }
}

impl DetectFold {
    /// Nothing gathered yet.
    pub fn new(set: &Arc<RuleSet>) -> Self {
        DetectFold {
            set: Arc::clone(set),
            memory: set.rules.iter().map(|_| RuleMemory::default()).collect(),
            labels: HashMap::new(),
            present: [0; 3],
            seen: [0; 3],
            records: 0,
            held: 0,
            values: 0,
            newest: i64::MIN,
            oldest: i64::MAX,
            is_full: false,
            scratch: None,
            most_held: MOST_HELD,
            scratch_failure: None,
            found: Vec::new(),
            groups: vec![EventGroup::default(); set.groupings.len()],
            events: 0,
            raw_buffer: LookupBuffer::default(),
            unmet_slots: vec![None; set.steps.len()],
        }
    }

    /// The same, with a file for records that do not fit into memory. Such a fold is not saved.
    #[must_use]
    pub fn with_scratch(self, scratch: &Arc<Scratch>) -> Self {
        DetectFold { scratch: Some(Arc::clone(scratch)), ..self }
    }

    /// The same, with fewer records in memory.
    #[cfg(test)]
    pub(super) fn holding(self, most_held: usize) -> Self {
        DetectFold { most_held, ..self }
    }

    /// The rules.
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.set
    }

    fn take(&mut self, event: &Event<'_>, facts: &EventFacts<'_, '_>) {
        let Some(time) = event.time.map(|time| time.timestamp_micros()) else { return };
        self.newest = self.newest.max(time);
        self.oldest = self.oldest.min(time);
        self.events += 1;
        self.note_fields(facts);
        let set = Arc::clone(&self.set);
        for (rule, streams) in &set.silences {
            if streams.contains(&event.stream)
                && let RuleKind::Silence { after } = set.rules[*rule].kind
            {
                self.memory[*rule].quiet.add(event, time, after);
            }
        }
        let mut found = std::mem::take(&mut self.found);
        set.candidates(facts, &mut found);
        let mut buffer = std::mem::take(&mut self.raw_buffer);
        let reads_raw = found.iter().any(|step| set.steps[usize::from(*step)].reads_raw);
        let raw = reads_raw.then(|| set.raw.find(event.raw, &mut buffer));
        let hand = LookedAtEvent { event, time, facts, raw };
        for step in &found {
            self.offer(usize::from(*step), &hand, &set);
        }
        self.raw_buffer = buffer;
        self.found = found;
    }

    /// Adds an event to a step's rule, if it fits.
    fn offer(&mut self, step: usize, hand: &LookedAtEvent<'_>, set: &RuleSet) {
        let ready = &set.steps[step];
        if let Some(raw) = &hand.raw {
            self.note_paths(step, &ready.slots, raw);
        }
        if !set.fits(ready, hand.event, hand.facts, hand.raw.as_ref()) {
            return;
        }
        let rule = &set.rules[ready.rule];
        if !self.has_group(ready.grouping, hand, set) {
            return;
        }
        let EventGroup { name, hash, .. } = &self.groups[ready.grouping];
        let group = GroupKey::new(name, *hash);
        let id = EventId::new(hand.event.uuid.unwrap_or_default());
        let memory = &mut self.memory[ready.rule];
        let text = ready.field.map(|field| hand.text(field)).unwrap_or_default();
        let value = match &rule.kind {
            RuleKind::NewValue { .. } => {
                if !text.is_empty() && self.values < MOST_VALUES {
                    self.values += usize::from(memory.baseline.add(group.name, &text, hand.time, id));
                    if let Some(field) = ready.field.filter(|field| field.is_person()) {
                        note_label(&mut self.labels, &text, &field.label(hand.facts));
                    }
                }
                return;
            }
            RuleKind::Distinct { .. } if text.is_empty() => return,
            RuleKind::Distinct { .. } => judge::hash(&text),
            RuleKind::Travel { .. } => match hand.facts.location().coordinates {
                Some(place) => judge::packed(place),
                None => return,
            },
            _ => 0,
        };
        let spills = self.scratch.is_some() && self.scratch_failure.is_none();
        if !spills && self.held >= MOST_RECORDS {
            self.is_full = true;
            return;
        }
        // A rule has few steps. Where their order does not matter, an event that fits two of them counts once.
        let step = if rule.kind == RuleKind::Sequence { ready.number as u16 } else { 0 };
        memory.windows.of(group).add(EventRecord { time: hand.time, id, step, value });
        (self.records, self.held) = (self.records + 1, self.held + 1);
        if spills && self.held >= self.most_held {
            self.spill();
        }
    }

    /// Moves records to the scratch file: those of the largest groups, and of others where these are few.
    fn spill(&mut self) {
        let Some(scratch) = &self.scratch else { return };
        let mut bytes = Vec::new();
        for at_least in [32, 4, 1] {
            for memory in &mut self.memory {
                match memory.windows.spill(at_least, scratch, &mut bytes) {
                    Ok(moved) => self.held -= moved,
                    Err(failure) => {
                        self.scratch_failure = Some(failure.to_string());
                        self.recount();
                        return;
                    }
                }
            }
            if self.held <= self.most_held / 2 {
                return;
            }
        }
    }

    /// Finds out what an event is grouped by; false where it lacks a part of it, unless groups are loose.
    fn has_group(&mut self, grouping: usize, hand: &LookedAtEvent<'_>, set: &RuleSet) -> bool {
        let group = &mut self.groups[grouping];
        if group.event == self.events {
            return group.is_named;
        }
        group.event = self.events;
        group.is_named = false;
        group.name.clear();
        let Grouping { by, is_loose } = &set.groupings[grouping];
        for (number, field) in by.iter().enumerate() {
            let value = hand.text(*field);
            if value.is_empty() && !is_loose {
                return false;
            }
            if number > 0 {
                group.name.push(SEPARATOR);
            }
            group.name.push_str(&value);
            if field.is_person() {
                note_label(&mut self.labels, &value, &field.label(hand.facts));
            }
        }
        group.is_named = true;
        group.hash = set.group_hasher.hash(&group.name);
        true
    }

    /// Notes which of the paths of a step an event has.
    fn note_paths(&mut self, step: usize, slots: &[usize], raw: &FoundFields<'_, '_>) {
        if slots.is_empty() {
            return;
        }
        let unmet = self.unmet_slots[step].get_or_insert_with(|| slots.to_vec());
        if !unmet.is_empty() {
            unmet.retain(|slot| raw.value(*slot).is_none());
        }
    }

    fn note_fields(&mut self, facts: &EventFacts<'_, '_>) {
        let stream = facts.stream() as usize;
        self.seen[stream] += 1;
        let missing = self.set.wanted[stream] & !self.present[stream];
        if missing == 0 {
            return;
        }
        for field in FilterField::ALL {
            let bit = rule_set::bit(field);
            if missing & bit != 0 && rule_set::has(field, facts) {
                self.present[stream] |= bit;
            }
        }
    }

    fn take_all_of(&mut self, other: DetectFold) {
        self.values = 0;
        for (own, other) in self.memory.iter_mut().zip(other.memory) {
            own.windows.merge(other.windows);
            own.baseline.merge(other.baseline);
            own.quiet.merge(other.quiet);
            self.values += own.baseline.len();
        }
        for (uuid, label) in other.labels {
            note_label(&mut self.labels, &uuid, &label);
        }
        for stream in 0..3 {
            self.present[stream] |= other.present[stream];
            self.seen[stream] += other.seen[stream];
        }
        for (own, other) in self.unmet_slots.iter_mut().zip(other.unmet_slots) {
            match (own.as_mut(), other) {
                (Some(own), Some(other)) => own.retain(|slot| other.contains(slot)),
                (None, other) => *own = other,
                (Some(_), None) => {}
            }
        }
        self.records += other.records;
        self.held += other.held;
        self.scratch_failure = self.scratch_failure.take().or(other.scratch_failure);
        self.newest = self.newest.max(other.newest);
        self.oldest = self.oldest.min(other.oldest);
        self.is_full |= other.is_full;
    }

    /// The hits that were not told before, by time. `until` is up to when each stream is known to have nothing more.
    ///
    /// # Errors
    /// `Output`, when the scratch file cannot be read.
    pub fn take_hits(&mut self, until: [Option<DateTime<Utc>>; 3], names: &Names) -> Result<Vec<Hit>> {
        self.take_hits_up_to(None, until, names)
    }

    /// The same, of events that are not later than `up_to`: while streams are read side by side, up to where all of
    /// them have come.
    ///
    /// # Errors
    /// The same.
    pub fn take_hits_up_to(
        &mut self,
        up_to: Option<DateTime<Utc>>,
        until: [Option<DateTime<Utc>>; 3],
        names: &Names,
    ) -> Result<Vec<Hit>> {
        let up_to = up_to.map_or(i64::MAX, |time| time.timestamp_micros());
        let until = until.map(|until| until.map(|until| until.timestamp_micros()));
        let set = Arc::clone(&self.set);
        let mut found = Vec::new();
        let stands_for = |rule: &Rule| rule.steps.iter().any(|step| step.rule.is_some());
        // Those that stand for others come after them.
        let (last, first): (Vec<usize>, Vec<usize>) =
            (0..set.rules.len()).partition(|rule| stands_for(&set.rules[*rule]));
        for rule in first.into_iter().chain(last) {
            self.judge(rule, (up_to, until), &set, &mut found)?;
        }
        found.sort_by(|(a, one), (b, other)| (one.first, a, &one.group).cmp(&(other.first, b, &other.group)));
        let hit = |(rule, found): (usize, _)| Hit::new(&set.rules[rule], found, &self.labels, names);
        Ok(found.into_iter().map(hit).collect())
    }

    fn judge(
        &mut self,
        number: usize,
        (up_to, until): (i64, [Option<i64>; 3]),
        set: &RuleSet,
        hits: &mut Vec<(usize, FoundHit)>,
    ) -> Result<()> {
        let rule = &set.rules[number];
        for (step, condition) in rule.steps.iter().enumerate() {
            let Some(other) = condition.rule.as_deref() else { continue };
            for (found_by, found) in hits.iter().filter(|(found_by, _)| set.rules[*found_by].id == other) {
                debug_assert_ne!(*found_by, number);
                let id = found.events.first().cloned().unwrap_or_else(|| EventId::new(b""));
                let record = EventRecord { time: found.first, id, step: step as u16, value: 0 };
                self.memory[number].windows.of(set.group_hasher.key(&found.group)).add(record);
                (self.records, self.held) = (self.records + 1, self.held + 1);
            }
        }
        let memory = &mut self.memory[number];
        let found = match rule.kind {
            RuleKind::NewValue { learn, .. } => memory.baseline.judge(learn, rule.within, up_to),
            RuleKind::Silence { after } => memory.quiet.judge(after, until),
            _ => judge::judge(rule, &mut memory.windows, self.scratch.as_deref(), up_to)?,
        };
        hits.extend(found.into_iter().map(|found| (number, found)));
        Ok(())
    }

    /// Forgets what cannot become part of a hit any more: what is older than the window and a day, counted from
    /// the newest event, which is not later than `now`.
    pub fn forget(&mut self, now: DateTime<Utc>) {
        let newest = self.newest.min(now.timestamp_micros());
        let set = Arc::clone(&self.set);
        for (rule, memory) in set.rules.iter().zip(&mut self.memory) {
            let oldest = newest.saturating_sub(LATE).saturating_sub(micros(rule.within));
            memory.windows.forget(oldest);
            memory.baseline.forget(newest);
            memory.quiet.forget(oldest.saturating_sub(LATE));
        }
        self.recount();
    }

    /// Counts what is held.
    pub(super) fn recount(&mut self) {
        self.records = self.memory.iter().map(|memory| memory.windows.len()).sum();
        self.held = self.memory.iter().map(|memory| memory.windows.held()).sum();
        self.values = self.memory.iter().map(|memory| memory.baseline.len()).sum();
    }

    /// How many days of events rules need to learn what is usual, where the events were fewer.
    pub fn days_missing_to_learn(&self) -> Option<i64> {
        let span = TimeDelta::microseconds(self.newest.saturating_sub(self.oldest).max(0));
        self.set.longest_learning().filter(|longest| span < *longest).map(|longest| longest.num_days())
    }

    /// Fields that rules name and that no event had, for people; with whether the rule is a person's own.
    pub fn unmet_fields(&self) -> Vec<(bool, String)> {
        let text = |rule: &Rule, name: &str, what: &str| {
            let file = rule.file.as_deref().unwrap_or("opev");
            let (name, file) = (sanitize::message(name), sanitize::message(file));
            (rule.file.is_some(), format!("the rule {} of {file} names {name}, which {what}", rule.id))
        };
        let unmet = self.set.unmet(&self.present, &self.seen).into_iter();
        let mut told: Vec<_> = unmet.map(|(rule, field)| text(rule, field.name(), "no event had")).collect();
        for (step, unmet) in self.unmet_slots.iter().enumerate() {
            for slot in unmet.iter().flatten() {
                let Some(path) = self.set.path_of(step, *slot) else { continue };
                let near = suggest(path, Lookup::fact_paths().filter(|known| *known != path));
                let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
                let what = format!("no event that it looks at had{near}");
                told.push(text(&self.set.rules[self.set.steps[step].rule], path, &what));
            }
        }
        told
    }

    /// Bounds that were met, for people.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.is_full {
            remarks.push(format!(
                "over {MOST_RECORDS} events fit rules, and the others were left out: ask for a shorter time"
            ));
            if let Some(failure) = &self.scratch_failure {
                let why = format!("they could not be kept in a temporary file: {failure}");
                remarks.push(format!("{why}; make room there, or set TMPDIR"));
            }
        }
        if self.values >= MOST_VALUES {
            remarks.push(format!("over {MOST_VALUES} values were learned: no more of them can be new"));
        }
        remarks
    }
}

impl Fold for DetectFold {
    /// Adds an event. One without a time is part of nothing.
    fn add(&mut self, event: &Event<'_>, facts: &EventFacts<'_, '_>, _: Reading) {
        self.take(event, facts);
    }

    /// Takes in what another fold of the same rules has gathered.
    fn merge(&mut self, other: Self) {
        self.take_all_of(other);
    }
}

/// A length of time in microseconds.
pub(super) fn micros(length: TimeDelta) -> i64 {
    length.num_microseconds().unwrap_or(i64::MAX)
}

/// Notes what a person is called: of several names the first in the order of the alphabet, an address before a
/// name, so that the order of events does not matter.
fn note_label(labels: &mut HashMap<String, String>, uuid: &str, label: &str) {
    if label.is_empty() || label == uuid {
        return;
    }
    let is_before = |label: &str, known: &str| (!label.contains('@'), label) < (!known.contains('@'), known);
    match labels.get_mut(uuid) {
        Some(known) if known == label => {}
        Some(known) if is_before(label, known) => label.clone_into(known),
        Some(_) => {}
        None => {
            if labels.len() < MOST_VALUES {
                labels.insert(uuid.to_owned(), label.to_owned());
            }
        }
    }
}

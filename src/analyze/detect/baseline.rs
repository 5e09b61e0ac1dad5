//! Which values each group has had, since when, and which of them are new to it.

use std::collections::HashMap;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::event_id::EventId;
use super::fold::{MOST_OF_GROUP, micros};
use super::judge::{FoundHit, MOST_EVENTS};

/// How long a value is remembered after it was met last, while events go on coming.
const REMEMBERED: i64 = 120 * 86_400_000_000;

/// Values by group.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Baseline {
    groups: HashMap<String, LearnedGroup>,
    #[serde(skip)]
    has_new: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct LearnedGroup {
    /// When the group was met first.
    #[serde(rename = "f")]
    first: i64,
    #[serde(rename = "v")]
    values: HashMap<String, LearnedValue>,
    /// Up to when new values belong to a hit that was told.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    closed: Option<i64>,
    #[serde(skip)]
    is_new: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct LearnedValue {
    #[serde(rename = "f")]
    first: i64,
    #[serde(rename = "l")]
    last: i64,
    /// The first event that had it.
    #[serde(rename = "i")]
    id: EventId,
    /// Whether it was judged: later it is not new any more, whatever comes.
    #[serde(rename = "k", default, skip_serializing_if = "std::ops::Not::not")]
    is_known: bool,
}

impl Baseline {
    /// Adds a value; true when it takes memory.
    pub(super) fn add(&mut self, group: &str, value: &str, time: i64, id: EventId) -> bool {
        let known = match self.groups.get_mut(group) {
            Some(known) => known,
            None => self.groups.entry(group.to_owned()).or_insert_with(|| LearnedGroup {
                first: time,
                values: HashMap::new(),
                closed: None,
                is_new: false,
            }),
        };
        known.first = known.first.min(time);
        if let Some(met) = known.values.get_mut(value) {
            met.meet(time, time, id);
            return false;
        }
        if known.values.len() >= MOST_OF_GROUP {
            return false;
        }
        known.values.insert(value.to_owned(), LearnedValue { first: time, last: time, id, is_known: false });
        known.is_new = true;
        self.has_new = true;
        true
    }

    pub(super) fn merge(&mut self, other: Baseline) {
        for (group, other) in other.groups {
            let known = self.groups.entry(group).or_insert_with(|| LearnedGroup {
                first: other.first,
                values: HashMap::new(),
                closed: None,
                is_new: true,
            });
            known.first = known.first.min(other.first);
            known.closed = known.closed.max(other.closed);
            known.is_new = true;
            for (value, met) in other.values {
                match known.values.get_mut(&value) {
                    Some(known) => {
                        known.meet(met.first, met.last, met.id);
                        known.is_known |= met.is_known;
                    }
                    None => {
                        known.values.insert(value, met);
                    }
                }
            }
        }
        self.has_new = true;
    }

    /// How many values are held.
    pub(super) fn len(&self) -> usize {
        self.groups.values().map(|group| group.values.len()).sum()
    }

    /// Lets everything be judged again.
    pub(super) fn reopen(&mut self) {
        self.has_new = true;
        self.groups.values_mut().for_each(|group| group.is_new = true);
    }

    /// What is new and was not told before, of what is not later than `up_to`.
    pub(super) fn judge(&mut self, learn: TimeDelta, within: TimeDelta, up_to: i64) -> Vec<FoundHit> {
        let (learn, within) = (micros(learn), micros(within));
        let mut found: Vec<FoundHit> = Vec::new();
        if !std::mem::take(&mut self.has_new) {
            return found;
        }
        for (name, group) in self.groups.iter_mut().filter(|(_, group)| group.is_new) {
            group.is_new = false;
            let learned = group.first.saturating_add(learn);
            let is_varied = group.values.len() >= MOST_OF_GROUP;
            let mut new: Vec<(&String, &mut LearnedValue)> =
                group.values.iter_mut().filter(|(_, value)| !value.is_known).collect();
            new.sort_unstable_by(|(a, one), (b, other)| (one.first, a).cmp(&(other.first, b)));
            let mut open: Option<FoundHit> = None;
            for (text, value) in new {
                if value.first > up_to {
                    group.is_new = true;
                    self.has_new = true;
                    break;
                }
                value.is_known = true;
                if value.first < learned
                    || is_varied
                    || group.closed.is_some_and(|until| value.first <= until)
                {
                    continue;
                }
                match &mut open {
                    Some(hit) if value.first - hit.first <= within => hit.add_value(text, value),
                    _ => {
                        found.extend(open.take());
                        open = Some(FoundHit::of_value(name, text, value));
                    }
                }
            }
            if let Some(hit) = open {
                group.closed = Some(hit.first.saturating_add(within));
                found.push(hit);
            }
        }
        found
    }

    /// Drops what was not met for long.
    pub(super) fn forget(&mut self, newest: i64) {
        let oldest = newest.saturating_sub(REMEMBERED);
        self.groups.retain(|_, group| {
            group.values.retain(|_, value| value.last >= oldest);
            !group.values.is_empty()
        });
    }
}

impl LearnedValue {
    fn meet(&mut self, first: i64, last: i64, id: EventId) {
        if (first, &id) < (self.first, &self.id) {
            (self.first, self.id) = (first, id);
        }
        self.last = self.last.max(last);
    }
}

impl FoundHit {
    fn of_value(group: &str, text: &str, value: &LearnedValue) -> Self {
        FoundHit {
            group: group.to_owned(),
            count: 1,
            first: value.first,
            last: value.first,
            events: vec![value.id.clone()],
            values: vec![text.to_owned()],
        }
    }

    fn add_value(&mut self, text: &str, value: &LearnedValue) {
        self.count += 1;
        self.last = value.first;
        if self.events.len() < MOST_EVENTS {
            if !self.events.contains(&value.id) {
                self.events.push(value.id.clone());
            }
            self.values.push(text.to_owned());
        }
    }
}

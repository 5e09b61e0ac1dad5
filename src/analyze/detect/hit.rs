//! What is told of a hit.

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::fold::SEPARATOR;
use super::judge::FoundHit;
use super::rule::{GroupField, Level, Rule};
use crate::facts::Names;
use crate::size::grouped;

/// How much before the first and behind the last event `{from}` and `{to}` lie.
const AROUND: TimeDelta = TimeDelta::hours(1);

/// A rule, a group and a window in which the rule was met.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The rule's id.
    pub rule: String,
    /// Its title.
    pub title: String,
    /// How much it matters.
    pub level: Level,
    /// Techniques of MITRE ATT&CK.
    pub attack: Vec<String>,
    /// The published rules that the rule stands for.
    pub refs: Vec<String>,
    /// What it was grouped by: field and value, people by what they are called.
    pub group: Vec<(String, String)>,
    /// How many events.
    pub count: u64,
    /// The time of the first.
    pub first: DateTime<Utc>,
    /// The time of the last.
    pub last: DateTime<Utc>,
    /// The uuids of the events, the first 1,000 of them.
    pub events: Vec<String>,
    /// What is new, how far, how long: where the rule tells such a thing.
    pub values: Vec<String>,
    /// What to do or to look at next.
    pub next: String,
}

impl Hit {
    pub(super) fn new(rule: &Rule, found: FoundHit, labels: &HashMap<String, String>, names: &Names) -> Self {
        let parts = found.group.split(SEPARATOR);
        let shown = |field: &GroupField, value: &str| {
            let label = labels.get(value).filter(|_| field.is_person()).map(String::as_str);
            label.or_else(|| names.of(value)).unwrap_or(value).to_owned()
        };
        let typed = |field: &GroupField, value: &str| {
            let label = labels.get(value).filter(|label| field.is_person() && label.contains('@'));
            label.map_or(value, String::as_str).to_owned()
        };
        let group: Vec<(&GroupField, &str)> =
            rule.by.iter().zip(parts).filter(|(_, value)| !value.is_empty()).collect();
        let time = |micros: i64| DateTime::from_timestamp_micros(micros).unwrap_or_default();
        let (first, last) = (time(found.first), time(found.last));
        let stamp = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
        let events: Vec<String> = found.events.iter().map(|id| id.text().into_owned()).collect();
        let mut words: Vec<(&str, String)> =
            group.iter().map(|(field, value)| (field.name(), typed(field, value))).collect();
        words.push(("from", stamp(first.checked_sub_signed(AROUND).unwrap_or(first))));
        words.push(("to", stamp(last.checked_add_signed(AROUND).unwrap_or(last))));
        words.push(("event", events.last().cloned().unwrap_or_default()));
        words.push(("value", found.values.first().cloned().unwrap_or_default()));
        words.push(("rule", rule.id.clone()));
        Hit {
            rule: rule.id.clone(),
            title: rule.title.clone(),
            level: rule.level,
            attack: rule.attack.clone(),
            refs: rule.refs.clone(),
            group: group
                .iter()
                .map(|(field, value)| (field.name().to_owned(), shown(field, value)))
                .collect(),
            count: found.count,
            first,
            last,
            events,
            values: found.values.iter().map(|value| names.of(value).unwrap_or(value).to_owned()).collect(),
            next: filled(&rule.next, &words),
        }
    }

    /// How many hits there are, of which level, for people.
    pub fn count(hits: &[Hit]) -> String {
        let of_level = |level: &Level| hits.iter().filter(|hit| hit.level == *level).count();
        let counted = Level::ALL.iter().rev().map(|level| (of_level(level), level));
        let counted: Vec<String> = counted
            .filter(|(count, _)| *count > 0)
            .map(|(count, level)| format!("{count} {level}"))
            .collect();
        match hits.len() {
            0 => "no hits".to_owned(),
            1 => format!("1 hit: {}", counted[0]),
            all => format!("{} hits: {}", grouped(all as u64), counted.join(", ")),
        }
    }

    /// The hit as one JSON object.
    pub fn to_json(&self) -> Value {
        let stamp = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let group: Map<String, Value> =
            self.group.iter().map(|(field, value)| (field.clone(), Value::from(value.as_str()))).collect();
        json!({
            "rule": self.rule,
            "title": self.title,
            "level": self.level.name(),
            "attack": self.attack,
            "refs": self.refs,
            "group": group,
            "count": self.count,
            "first": stamp(self.first),
            "last": stamp(self.last),
            "events": self.events,
            "values": self.values,
            "next": self.next,
        })
    }
}

/// The text with its placeholders filled. What stands in events is foreign: it is quoted, because people paste
/// such lines into a shell.
fn filled(text: &str, words: &[(&str, String)]) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        match after.split_once('}') {
            Some((name, behind)) => {
                let word = words.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
                filled.push_str(&word.map_or_else(|| format!("{{{name}}}"), quoted));
                rest = behind;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled + rest
}

/// A word that a shell takes as it is.
fn quoted(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@._-:/+".contains(c);
    if !value.is_empty() && value.chars().all(is_plain) && !value.starts_with('-') {
        return value.to_owned();
    }
    let printable: String = value.chars().filter(|c| !c.is_control()).collect();
    format!("'{}'", printable.replace('\'', "'\\''"))
}

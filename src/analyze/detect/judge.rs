//! Records in order of time become hits: one a rule, group and window.
//!
//! A window begins with the first event that is part of the hit. What lies in it belongs to that hit and to no
//! other, also when it comes later.

use std::collections::{HashMap, HashSet};
use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::event_id::EventId;
use super::fold::micros;
use super::rule::{Rule, RuleKind};
use super::window::{EventRecord, GroupWindows};
use crate::analyze::places::distance_km;
use crate::error::Result;
use crate::scratch::Scratch;

/// How many uuids a hit names.
pub(super) const MOST_EVENTS: usize = 1_000;

/// A hit, without its words.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FoundHit {
    pub(super) group: String,
    pub(super) count: u64,
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) events: Vec<EventId>,
    /// What is new, or how far it is.
    pub(super) values: Vec<String>,
}

/// The hits of a rule's groups that were not told before, of what is not later than `up_to`.
///
/// # Errors
/// `Output`, when the scratch file cannot be read.
pub(super) fn judge(
    rule: &Rule,
    windows: &mut GroupWindows,
    scratch: Option<&Scratch>,
    up_to: i64,
) -> Result<Vec<FoundHit>> {
    let mut found = Vec::new();
    for (group, window) in windows.not_judged() {
        let mut closed = window.closed;
        let judged = window.with_records(scratch, |records| {
            judge_group(rule, (group, records), &mut closed, up_to, &mut found)
        });
        window.is_new = judged.map_err(|failure| Scratch::failure("what rules have gathered", failure))?;
        window.closed = closed;
    }
    Ok(found)
}

/// Judges one group; true where later records wait for streams that are behind.
fn judge_group(
    rule: &Rule,
    (group, records): (&str, &mut Vec<EventRecord>),
    closed: &mut Option<i64>,
    up_to: i64,
    found: &mut Vec<FoundHit>,
) -> bool {
    records.sort_unstable_by(|a, b| (a.time, a.step, &a.id).cmp(&(b.time, b.step, &b.id)));
    records.dedup_by(|a, b| (a.time, a.step, &a.id) == (b.time, b.step, &b.id) && !a.id.bytes().is_empty());
    let from = records.partition_point(|record| closed.is_some_and(|closed| record.time <= closed));
    let to = records.partition_point(|record| record.time <= up_to).max(from);
    let open = &records[from..to];
    let mut hit = |records: &[EventRecord], values: Vec<String>, until: i64| {
        found.push(FoundHit::of(group, records, values));
        *closed = Some(until);
    };
    match &rule.kind {
        RuleKind::Match => count(open, 1, micros(rule.within), &mut hit),
        RuleKind::Count { threshold } => count(open, *threshold as usize, micros(rule.within), &mut hit),
        RuleKind::Distinct { threshold, .. } => {
            distinct(open, *threshold as usize, micros(rule.within), &mut hit);
        }
        RuleKind::Sequence => sequence(open, rule, &mut hit),
        RuleKind::Travel { km, kmh } => travel(open, (*km, *kmh), micros(rule.within), &mut hit),
        RuleKind::NewValue { .. } | RuleKind::Silence { .. } => {}
    }
    to < records.len()
}

impl FoundHit {
    fn of(group: &str, records: &[EventRecord], values: Vec<String>) -> Self {
        let mut events: Vec<EventId> = Vec::new();
        let has_steps = records.iter().any(|record| record.step != records[0].step);
        let mut met = HashSet::new();
        let mut count = 0;
        for record in records {
            // One event may fit several steps.
            if has_steps && !met.insert((record.time, &record.id)) {
                continue;
            }
            count += 1;
            if events.len() < MOST_EVENTS {
                events.push(record.id.clone());
            }
        }
        FoundHit {
            group: group.to_owned(),
            count,
            first: records.first().map_or(0, |record| record.time),
            last: records.last().map_or(0, |record| record.time),
            events,
            values,
        }
    }
}

type TakeHit<'a> = dyn FnMut(&[EventRecord], Vec<String>, i64) + 'a;

/// The index behind the last record of the window that begins at `start`.
fn end_of_window(records: &[EventRecord], start: usize, within: i64) -> usize {
    let until = records[start].time.saturating_add(within);
    start + records[start..].partition_point(|record| record.time <= until)
}

fn count(records: &[EventRecord], threshold: usize, within: i64, hit: &mut TakeHit<'_>) {
    let mut start = 0;
    while start + threshold <= records.len() {
        let last = &records[start + threshold - 1];
        if last.time - records[start].time > within {
            start += 1;
            continue;
        }
        let end = end_of_window(records, start, within);
        hit(&records[start..end], Vec::new(), records[start].time.saturating_add(within));
        start = end;
    }
}

fn distinct(records: &[EventRecord], threshold: usize, within: i64, hit: &mut TakeHit<'_>) {
    let (mut start, mut at) = (0, 0);
    let mut values: HashMap<u64, u32> = HashMap::new();
    while at < records.len() {
        *values.entry(records[at].value).or_default() += 1;
        while records[at].time - records[start].time > within {
            if let Some(left) = values.get_mut(&records[start].value) {
                *left -= 1;
                if *left == 0 {
                    values.remove(&records[start].value);
                }
            }
            start += 1;
        }
        at += 1;
        if values.len() >= threshold {
            let end = end_of_window(records, start, within);
            hit(&records[start..end], Vec::new(), records[start].time.saturating_add(within));
            (start, at) = (end, end);
            values.clear();
        }
    }
}

/// Finds chains of the steps in order, each step as often as it says. Of the chains that end in an event the one
/// that begins last counts; the hit has everything that fits within the time before its end.
fn sequence(records: &[EventRecord], rule: &Rule, hit: &mut TakeHit<'_>) {
    let within = micros(rule.within);
    let chain: Vec<usize> = rule
        .steps
        .iter()
        .enumerate()
        .flat_map(|(number, step)| std::iter::repeat_n(number, step.times as usize))
        .collect();
    // For each place of the chain: when the latest chain up to here began, and its last event.
    let mut reached: Vec<Option<(i64, usize)>> = vec![None; chain.len()];
    let mut closed = i64::MIN;
    for (at, record) in records.iter().enumerate() {
        if record.time <= closed {
            continue;
        }
        for place in (0..chain.len()).rev().filter(|place| chain[*place] == usize::from(record.step)) {
            let began = match place {
                0 => Some(record.time),
                _ => reached[place - 1]
                    .filter(|(began, last)| record.time - began <= within && records[*last].id != record.id)
                    .map(|(began, _)| began),
            };
            let Some(began) = began else { continue };
            if reached[place].is_none_or(|(before, _)| before <= began) {
                reached[place] = Some((began, at));
            }
        }
        if reached.last().is_some_and(Option::is_some) {
            let oldest = record.time - within;
            let start = records.partition_point(|record| record.time < oldest || record.time <= closed);
            closed = records[start].time.saturating_add(within).max(record.time);
            hit(&records[start..=at], Vec::new(), closed);
            reached.fill(None);
        }
    }
}

fn travel(records: &[EventRecord], (km, kmh): (f64, f64), within: i64, hit: &mut TakeHit<'_>) {
    let mut closed = i64::MIN;
    for pair in records.windows(2) {
        let [from, to] = pair else { continue };
        if from.value == to.value || from.time <= closed {
            continue;
        }
        let distance = distance_km(unpacked(from.value), unpacked(to.value));
        let hours = (to.time - from.time) as f64 / 3.6e9;
        if distance >= km && distance > kmh * hours {
            closed = to.time.saturating_add(within);
            let minutes = (hours * 60.0).round();
            hit(pair, vec![format!("{distance:.0} km in {minutes:.0} min")], closed);
        }
    }
}

/// A place in one number: degrees as single floats.
pub(super) fn packed((latitude, longitude): (f64, f64)) -> u64 {
    (u64::from((latitude as f32).to_bits()) << 32) | u64::from((longitude as f32).to_bits())
}

fn unpacked(place: u64) -> (f64, f64) {
    let degrees = |bits: u64| f64::from(f32::from_bits(bits as u32));
    (degrees(place >> 32), degrees(place & u64::from(u32::MAX)))
}

/// A number that stands for a value; two values have the same one time in 2^64.
pub(super) fn hash(value: &str) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(0, 0);
    hasher.write(value.as_bytes());
    hasher.finish()
}

//! When streams had no event for long.
//!
//! Of each stretch of time only the first and the last event are kept: a silence is longer than a stretch, so that
//! nothing between them matters.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::event_id::EventId;
use super::fold::micros;
use super::judge::FoundHit;
use crate::event::{Event, Stream};

/// How many stretches one silence has at least.
const STRETCHES: i64 = 16;

/// The stretches of each stream in which there was an event.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Quiet {
    streams: [BTreeMap<i64, Stretch>; 3],
    /// Up to when silences were told, by stream.
    told: [Option<i64>; 3],
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Stretch {
    first: (i64, EventId),
    last: (i64, EventId),
}

impl Quiet {
    pub(super) fn add(&mut self, event: &Event<'_>, time: i64, after: TimeDelta) {
        let stretches = &mut self.streams[event.stream as usize];
        let number = time.div_euclid((micros(after) / STRETCHES).max(1));
        let uuid = event.uuid.unwrap_or_default();
        match stretches.get_mut(&number) {
            Some(stretch) if stretch.first.0 < time && time < stretch.last.0 => {}
            Some(stretch) => {
                let at = (time, EventId::new(uuid));
                if at < stretch.first {
                    stretch.first = at.clone();
                }
                if at > stretch.last {
                    stretch.last = at;
                }
            }
            None => {
                let at = (time, EventId::new(uuid));
                stretches.insert(number, Stretch { first: at.clone(), last: at });
            }
        }
    }

    pub(super) fn merge(&mut self, other: Quiet) {
        for ((own, told), (other, other_told)) in
            self.streams.iter_mut().zip(&mut self.told).zip(other.streams.into_iter().zip(other.told))
        {
            *told = (*told).max(other_told);
            for (number, stretch) in other {
                match own.get_mut(&number) {
                    Some(known) => {
                        known.first = stretch.first.min(known.first.clone());
                        known.last = stretch.last.max(known.last.clone());
                    }
                    None => {
                        own.insert(number, stretch);
                    }
                }
            }
        }
    }

    /// The silences that were not told before; `until` is up to when each stream is known to have nothing more.
    pub(super) fn judge(&mut self, after: TimeDelta, until: [Option<i64>; 3]) -> Vec<FoundHit> {
        let after = micros(after);
        let mut found = Vec::new();
        for (number, stretches) in self.streams.iter().enumerate() {
            let told = &mut self.told[number];
            let mut before: Option<&(i64, EventId)> = None;
            let mut silence = |from: &(i64, EventId), to: i64, event: Option<&EventId>| {
                if to - from.0 < after || told.is_some_and(|told| from.0 <= told) {
                    return;
                }
                *told = Some(from.0);
                let hours = (to - from.0) / 3_600_000_000;
                found.push(FoundHit {
                    group: Stream::ALL[number].name().to_owned(),
                    count: 1,
                    first: from.0,
                    last: to,
                    events: std::iter::once(&from.1).chain(event).cloned().collect(),
                    values: vec![format!("{hours} h")],
                });
            };
            for stretch in stretches.values() {
                if let Some(before) = before {
                    silence(before, stretch.first.0, Some(&stretch.first.1));
                }
                before = Some(&stretch.last);
            }
            if let (Some(before), Some(until)) = (before, until[number]) {
                silence(before, until, None);
            }
        }
        found
    }

    /// Drops what is older, but for the last event of each stream.
    pub(super) fn forget(&mut self, oldest: i64) {
        for stretches in &mut self.streams {
            while stretches.len() > 1
                && stretches.first_key_value().is_some_and(|(_, one)| one.last.0 < oldest)
            {
                stretches.pop_first();
            }
        }
    }
}

//! Where windows meet, nothing is given twice: what was given is known by its identity, in bounded memory.
//!
//! Kept of a stream are its last 70,000 identities, which hold all that a cut window gave, and the events
//! that a later window will give again however long ago they were given: those near their window's end or
//! beyond it (up to 8,000). That is at most 2 MiB a stream. An event can come out twice only where the
//! service repeats it from further back than both. Two equal events in one page are both given: the
//! service meant them so.

use std::collections::BTreeMap;
use std::hash::Hasher;

use chrono::{DateTime, Utc};
use siphasher::sip128::{Hasher128, SipHasher13};

use super::chain::Batch;
use super::recent::Recent;
use super::window::{Window, before};
use crate::event::Event;
use crate::page::Page;

/// How many of the last identities are kept; more than any window gives before it is cut.
const LAST: usize = 70_000;

/// How many identities are kept for windows to come.
const AHEAD: usize = 8_000;

/// What tells an event from another: its uuid and time, or its bytes where it has no uuid.
pub(super) fn identity(event: &Event<'_>) -> u128 {
    let mut hasher = SipHasher13::new();
    match (event.uuid, event.time) {
        (Some(uuid), time) => {
            if let Some(time) = time {
                hasher.write_i64(time.timestamp());
                hasher.write_u32(time.timestamp_subsec_nanos());
            }
            hasher.write(uuid);
        }
        (None, _) => hasher.write(event.raw),
    }
    hasher.finish128().as_u128()
}

/// The memory of one stream.
#[derive(Debug)]
pub(super) struct Seam {
    last: Recent,
    ahead: BTreeMap<u128, DateTime<Utc>>,
    window: Option<Window>,
}

impl Seam {
    /// A memory of nothing.
    pub(super) fn new() -> Self {
        Seam { last: Recent::with_capacity(LAST), ahead: BTreeMap::new(), window: None }
    }

    /// A window's next page without what was given before. Windows come in order, and with them their pages.
    pub(super) fn pass(&mut self, window: &Window, batch: Batch) -> Page {
        if self.window != Some(*window) {
            self.window = Some(*window);
            let start = before(window.from);
            self.ahead.retain(|_, time| *time >= start);
        }
        let Batch { mut page, identities, ahead } = batch;
        let known: Vec<bool> =
            identities.iter().map(|id| self.last.contains(*id) || self.ahead.contains_key(id)).collect();
        for ((id, known), span) in identities.iter().zip(&known).zip(&page.spans) {
            if !known {
                self.last.insert(*id);
            }
            // A repeat is noted as well: the edge it is near to may be newer than its first time.
            match span.time {
                Some(time) if !window.is_shared(time) => {}
                // Without a time nobody can say in which windows it will be.
                time => self.expect(time.unwrap_or(DateTime::<Utc>::MAX_UTC), *id),
            }
        }
        for (time, id) in ahead {
            self.expect(time, id);
        }
        let mut known = known.into_iter();
        page.spans.retain(|_| !known.next().unwrap_or(false));
        page
    }

    fn expect(&mut self, time: DateTime<Utc>, identity: u128) {
        if self.ahead.len() < AHEAD {
            self.ahead.insert(identity, time);
        }
    }
}

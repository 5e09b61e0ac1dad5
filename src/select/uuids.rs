//! Events by their own uuids, and which of them were met.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::event::Event;

/// Uuids of events that are looked for. Remembers, over all runs of a filter, which were met.
#[derive(Debug)]
pub struct WantedUuids(Vec<(String, AtomicBool)>);

impl WantedUuids {
    /// Looks for these; none was met yet.
    pub fn new(uuids: &[String]) -> Self {
        let mut wanted: Vec<&str> = uuids.iter().map(|uuid| uuid.trim()).collect();
        wanted.sort_by_key(|uuid| uuid.to_ascii_lowercase());
        wanted.dedup_by(|one, other| one.eq_ignore_ascii_case(other));
        WantedUuids(wanted.into_iter().map(|uuid| (uuid.to_owned(), AtomicBool::new(false))).collect())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that were not met.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, is_met)| !is_met.load(Ordering::Relaxed)).map(|(uuid, _)| &**uuid)
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(uuid, _)| &**uuid)
    }

    /// Whether the event is one of them, in any case; it is then met.
    pub(super) fn has(&self, event: &Event<'_>) -> bool {
        let Some(uuid) = event.uuid else { return false };
        let found = self.0.iter().find(|(wanted, _)| wanted.as_bytes().eq_ignore_ascii_case(uuid));
        found.inspect(|(_, is_met)| is_met.store(true, Ordering::Relaxed)).is_some()
    }
}

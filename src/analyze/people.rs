//! What people are called: by the address of their latest event, else by name, else by uuid.
//!
//! A person is counted under the uuid, because addresses change and older events have none; which address is shown
//! is decided when all events were read, so that it does not depend on their order.

use std::hash::BuildHasherDefault;

use hashbrown::HashMap;

use super::counter::{MOST_KEYS, NumberHasher};
use super::texts::{Renumbering, TextId, Texts};
use crate::facts::UserFacts;

/// Labels by uuid.
#[derive(Debug, Default)]
pub(super) struct People(HashMap<TextId, PersonLabel, BuildHasherDefault<NumberHasher>>);

/// What a person was called, and when.
#[derive(Clone, Copy, Debug)]
struct PersonLabel {
    /// An address goes before a name.
    is_address: bool,
    /// In microseconds since 1970.
    time: i64,
    label: TextId,
}

impl People {
    /// The number under which a person is counted.
    pub(super) fn add(&mut self, user: &UserFacts<'_, '_>, time: i64, texts: &mut Texts) -> TextId {
        let uuid = user.uuid();
        let address = user.email();
        let is_address = !address.is_empty();
        let label = if is_address { address } else { user.name() };
        if uuid.is_empty() {
            return texts.add(&label);
        }
        let person = texts.add(&uuid);
        if label.is_empty() {
            return person;
        }
        let is_full = self.0.len() >= MOST_KEYS;
        match self.0.get_mut(&person) {
            Some(known) if texts.get(known.label) == &*label => {
                known.time = known.time.max(time);
                known.is_address |= is_address;
            }
            Some(known) => {
                let label = PersonLabel { is_address, time, label: texts.add(&label) };
                known.replace_by(label, texts);
            }
            None if is_full => {}
            None => {
                let label = texts.add(&label);
                self.0.insert(person, PersonLabel { is_address, time, label });
            }
        }
        person
    }

    /// What a person is called.
    pub(super) fn label(&self, person: TextId) -> TextId {
        self.0.get(&person).map_or(person, |known| known.label)
    }

    /// Adds what another one knows, whose texts are those of `numbers`.
    pub(super) fn merge(&mut self, other: Self, numbers: &mut Renumbering<'_>, into: &mut Texts) {
        for (person, theirs) in other.0 {
            let person = numbers.of(person, into);
            let theirs = PersonLabel { label: numbers.of(theirs.label, into), ..theirs };
            let is_full = self.0.len() >= MOST_KEYS;
            match self.0.get_mut(&person) {
                Some(known) => known.replace_by(theirs, into),
                None if is_full => {}
                None => {
                    self.0.insert(person, theirs);
                }
            }
        }
    }
}

impl PersonLabel {
    /// Takes another label where that goes before this one.
    fn replace_by(&mut self, other: PersonLabel, texts: &Texts) {
        let rank = |label: &PersonLabel| (label.is_address, label.time);
        // Of two labels of one moment, the first by text.
        let is_first = || texts.get(other.label) < texts.get(self.label);
        if rank(&other) > rank(self) || (rank(&other) == rank(self) && is_first()) {
            *self = other;
        }
    }
}

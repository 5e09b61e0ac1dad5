//! Names of vaults, items, users and groups by their uuids: events carry most of them as uuids only.
//!
//! Titles are as secret as events: nothing here writes them into a log, and `Debug` tells only how many there
//! are.

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What a uuid stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NameKind {
    /// A vault.
    Vault,
    /// An item.
    Item,
    /// A user.
    User,
    /// A group.
    Group,
}

impl NameKind {
    /// Every kind.
    pub const ALL: [NameKind; 4] = [NameKind::Vault, NameKind::Item, NameKind::User, NameKind::Group];

    /// What one is called.
    pub fn noun(self) -> &'static str {
        match self {
            NameKind::Vault => "vault",
            NameKind::Item => "item",
            NameKind::User => "user",
            NameKind::Group => "group",
        }
    }
}

/// A name, and what has it.
#[derive(Clone, PartialEq, Eq)]
pub struct KnownName {
    /// What has it.
    pub kind: NameKind,
    /// The name or title.
    pub name: String,
}

/// Names by uuid.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Names(HashMap<String, KnownName>);

impl Names {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds a name, or replaces the one that the uuid had; tells whether anything changed.
    pub fn insert(&mut self, uuid: String, kind: NameKind, name: String) -> bool {
        let known = KnownName { kind, name };
        if self.0.get(&uuid) == Some(&known) {
            return false;
        }
        self.0.insert(uuid, known);
        true
    }

    /// The name of a uuid.
    pub fn of(&self, uuid: &str) -> Option<&str> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(uuid).map(|known| &*known.name)
    }

    /// The name of a uuid that stands for a user.
    pub fn of_user(&self, uuid: &str) -> Option<&str> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(uuid).filter(|known| known.kind == NameKind::User).map(|known| &*known.name)
    }

    /// Every uuid with its name, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &KnownName)> {
        self.0.iter().map(|(uuid, known)| (&**uuid, known))
    }

    /// Every uuid with its name, by kind, then by name.
    pub fn sorted(&self) -> Vec<(&str, &KnownName)> {
        let mut all: Vec<_> = self.iter().collect();
        all.sort_by(|(a, one), (b, other)| (one.kind, &one.name, a).cmp(&(other.kind, &other.name, b)));
        all
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Names({})", self.0.len())
    }
}

//! What a rule says, read and not made ready yet.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;

use crate::event::Stream;
use crate::facts::{EventFacts, Field, FoundFields};
use crate::select::{FilterField, RawCondition};

/// How much a hit matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Worth knowing beside other things.
    Info,
    /// Usually meant.
    Low,
    /// Worth a look today.
    Medium,
    /// Worth a look now.
    High,
    /// An incident until shown otherwise.
    Critical,
}

impl Level {
    /// The least level that is shown where none is chosen.
    pub const SHOWN: Level = Level::Low;

    /// Every level, in rising order.
    pub const ALL: [Level; 5] = [Level::Info, Level::Low, Level::Medium, Level::High, Level::Critical];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Level::Info => "info",
            Level::Low => "low",
            Level::Medium => "medium",
            Level::High => "high",
            Level::Critical => "critical",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Level {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Level::ALL.into_iter().find(|level| level.name() == text);
        found.ok_or("no such level; the levels are info, low, medium, high and critical")
    }
}

/// A field by which a rule groups, counts or learns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupField {
    /// One of the named fields.
    Named(Field),
    /// A path into the event's JSON.
    Path(String),
}

impl GroupField {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            GroupField::Named(field) => field.name(),
            GroupField::Path(path) => path,
        }
    }

    /// Whether it is a person, whom streams call by uuid or by address.
    pub(super) fn is_person(&self) -> bool {
        matches!(self, GroupField::Named(field) if field.is_person())
    }
}

/// The same, made ready: a path is its slot in a look-up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum ReadyField {
    Named(Field),
    Slot(usize),
}

impl ReadyField {
    /// What an event has there; `found` is what was looked up by path.
    pub(super) fn text<'a>(
        self,
        facts: &EventFacts<'a, '_>,
        found: Option<&FoundFields<'a, '_>>,
    ) -> Cow<'a, str> {
        match (self, found) {
            (ReadyField::Named(field), _) => field.text(facts),
            (ReadyField::Slot(slot), Some(found)) => found.text(slot),
            (ReadyField::Slot(_), None) => Cow::Borrowed(""),
        }
    }

    /// The address or name of the person, for people; empty for other fields.
    pub(super) fn label<'a>(self, facts: &EventFacts<'a, '_>) -> Cow<'a, str> {
        match self {
            ReadyField::Named(field) => field.label(facts),
            ReadyField::Slot(_) => Cow::Borrowed(""),
        }
    }

    pub(super) fn is_person(self) -> bool {
        matches!(self, ReadyField::Named(field) if field.is_person())
    }
}

/// What makes a hit of the events that fit.
#[derive(Clone, Debug, PartialEq)]
pub enum RuleKind {
    /// One event.
    Match,
    /// So many events within the window.
    Count {
        /// The least number.
        threshold: u32,
    },
    /// So many different values of a field within the window.
    Distinct {
        /// The least number.
        threshold: u32,
        /// Whose values are counted.
        field: GroupField,
    },
    /// Events that fit one step after another.
    Sequence,
    /// A value that the group did not have before.
    NewValue {
        /// Whose values are learned.
        field: GroupField,
        /// How long a group must have been known before a value can be new to it.
        learn: TimeDelta,
    },
    /// Two places one after the other that are too far apart.
    Travel {
        /// The least distance in kilometres.
        km: f64,
        /// The speed in kilometres an hour that is too fast.
        kmh: f64,
    },
    /// No event of a stream for so long.
    Silence {
        /// How long.
        after: TimeDelta,
    },
}

impl RuleKind {
    /// The names of all kinds.
    pub const NAMES: [&str; 7] = ["match", "count", "distinct", "sequence", "new_value", "travel", "silence"];

    /// Whose values are counted or learned.
    pub(super) fn field(&self) -> Option<&GroupField> {
        match self {
            RuleKind::Distinct { field, .. } | RuleKind::NewValue { field, .. } => Some(field),
            _ => None,
        }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            RuleKind::Match => "match",
            RuleKind::Count { .. } => "count",
            RuleKind::Distinct { .. } => "distinct",
            RuleKind::Sequence => "sequence",
            RuleKind::NewValue { .. } => "new_value",
            RuleKind::Travel { .. } => "travel",
            RuleKind::Silence { .. } => "silence",
        }
    }
}

/// Which events fit: streams, and values as filters have them.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// The streams; none for all.
    pub streams: Vec<Stream>,
    /// Fields with their values, and where in the file the field stands.
    pub values: Vec<(FilterField, Vec<String>, usize)>,
    /// Only sign-ins that failed.
    pub failed: bool,
    /// Only sign-ins that worked.
    pub succeeded: bool,
    /// Whether the actor must be, or must not be, whom it was done to.
    pub is_own: Option<bool>,
    /// Whether whom it was done to must have an address outside of the actor's domain and those of the profile.
    pub is_outside: bool,
    /// What fields must be as the API names them.
    pub raw: Option<RawCondition>,
    /// What its events are grouped by, where that differs from the rule.
    pub by: Option<Vec<GroupField>>,
    /// Whose values are counted, where that differs from the rule.
    pub field: Option<GroupField>,
    /// How many events it takes.
    pub times: u32,
    /// The rule whose hits it stands for.
    pub rule: Option<String>,
}

/// A test inside a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleTest {
    /// What it shows.
    pub name: String,
    /// How many hits there must be.
    pub hits: usize,
    /// The profile's lists during the test.
    pub lists: Vec<(String, Vec<String>)>,
    /// The events: stream and JSON text.
    pub events: Vec<(Stream, String)>,
    /// Where it stands in the file.
    pub offset: usize,
}

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name for machines, unique.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// How much a hit matters.
    pub level: Level,
    /// Techniques and tactics of MITRE ATT&CK.
    pub attack: Vec<String>,
    /// The published rules that it stands for.
    pub refs: Vec<String>,
    /// What a hit means.
    pub meaning: String,
    /// What to do or to look at next, with placeholders.
    pub next: String,
    /// When a hit means nothing.
    pub false_alarms: Vec<String>,
    /// What makes a hit.
    pub kind: RuleKind,
    /// What events are grouped by.
    pub by: Vec<GroupField>,
    /// Whether an event that lacks a field of `by` is of a group all the same.
    pub has_loose_groups: bool,
    /// The window.
    pub within: TimeDelta,
    /// Which events fit; one step, but for sequences.
    pub steps: Vec<Step>,
    /// Lists of the profile without which it is not looked at.
    pub needs: Vec<String>,
    /// Its tests.
    pub tests: Vec<RuleTest>,
    /// The name of its file; none for one that comes with the program.
    pub file: Option<String>,
    /// The text it was read from, for messages with places.
    pub text: String,
    /// How many lines of its file are before that text.
    pub lines_before: usize,
    /// The texts of other rules that it was made of.
    pub made_of: Vec<String>,
}

impl Rule {
    /// The lists of the profile that it names, sorted.
    pub fn lists(&self) -> Vec<&str> {
        let values = self.steps.iter().flat_map(|step| &step.values).flat_map(|(_, values, _)| values);
        let named = values.filter_map(|value| list_name(value));
        let mut lists: Vec<&str> = named.chain(self.needs.iter().map(String::as_str)).collect();
        lists.sort_unstable();
        lists.dedup();
        lists
    }
}

/// The list of the profile that a value stands for: `@NAME` or `!@NAME`.
pub(super) fn list_name(value: &str) -> Option<&str> {
    value.strip_prefix('!').unwrap_or(value).trim_start().strip_prefix('@')
}

//! Who has seen which secrets: what a person, a device or an address saw, or who saw an item or a vault.
//!
//! Every use of an item counts, and every audit event that takes an item or a whole vault out (exports, shares). The
//! filter says which of these were asked about; the others only say who else saw the same.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use super::Fold;
use super::counter::{Counter, KeyCount as _, Seen};
use super::people::People;
use super::report::{Column, Report, ReportSection, SectionKind, Value};
use super::texts::{Renumbering, TextId, Texts};
use crate::event::{Event, Stream};
use crate::facts::EventFacts;
use crate::page::Reading;
use crate::select::{Filter, LookupBuffer};

/// Audit actions that take something out.
const TAKEN_OUT: [&str; 2] = ["export", "share"];

/// How many others are named.
const MOST_OTHERS: usize = 100;

/// What the question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExposureOf {
    /// A person, a device or an address: which secrets.
    Viewer,
    /// An item or a vault: who saw it.
    Secret,
}

/// Item, vault, user, object type, action, device, address.
type UseKey = [TextId; 7];

/// Uses of secrets.
#[derive(Debug)]
pub struct Exposure {
    of: ExposureOf,
    filter: Arc<Filter>,
    buffer: LookupBuffer,
    texts: Texts,
    people: People,
    /// Those that were asked about.
    uses: Counter<UseKey, Seen>,
    /// Who saw what: item, vault, user.
    viewers: Counter<[TextId; 3], Seen>,
}

/// A row being put together.
#[derive(Debug, Default)]
struct ExposureRow {
    seen: Seen,
    /// By object type and action.
    actions: HashMap<[TextId; 2], u64>,
    devices: Vec<TextId>,
    addresses: Vec<TextId>,
}

impl Exposure {
    /// Nothing seen yet; `filter` says what is asked about.
    pub fn new(of: ExposureOf, filter: &Arc<Filter>) -> Self {
        Exposure {
            of,
            filter: Arc::clone(filter),
            buffer: LookupBuffer::default(),
            texts: Texts::default(),
            people: People::default(),
            uses: Counter::default(),
            viewers: Counter::default(),
        }
    }

    /// Item, vault and user under what they are called; a row of viewers is one of all users.
    fn rows(&self) -> HashMap<[TextId; 3], ExposureRow> {
        let mut rows: HashMap<[TextId; 3], ExposureRow> = HashMap::new();
        for (key, seen) in self.uses.iter() {
            let [item, vault, user, object_type, action, device, address] = *key;
            let user = match self.of {
                ExposureOf::Viewer => TextId::EMPTY,
                ExposureOf::Secret => self.people.label(user),
            };
            let row = rows.entry([item, vault, user]).or_default();
            row.seen.merge(seen);
            *row.actions.entry([object_type, action]).or_default() += seen.count.now;
            for (list, text) in [(&mut row.devices, device), (&mut row.addresses, address)] {
                if text != TextId::EMPTY && !list.contains(&text) {
                    list.push(text);
                }
            }
        }
        rows
    }

    /// Who saw each item, or each whole vault.
    fn viewers(&self) -> HashMap<[TextId; 2], Vec<TextId>> {
        let mut viewers: HashMap<[TextId; 2], Vec<TextId>> = HashMap::new();
        for ([item, vault, user], _) in self.viewers.iter() {
            let user = self.people.label(*user);
            let known = viewers.entry([*item, *vault]).or_default();
            if user != TextId::EMPTY && !known.contains(&user) {
                known.push(user);
            }
        }
        viewers
    }

    /// Who was asked about, as far as they saw this.
    fn asked(&self) -> HashMap<[TextId; 2], Vec<TextId>> {
        let mut asked: HashMap<[TextId; 2], Vec<TextId>> = HashMap::new();
        for ([item, vault, user, ..], _) in self.uses.iter() {
            asked.entry([*item, *vault]).or_default().push(self.people.label(*user));
        }
        asked
    }

    /// A row a secret, or a secret and a person; the last seen first.
    pub fn report(&self, top: Option<usize>) -> Report {
        let mut rows: Vec<([TextId; 3], ExposureRow)> = self.rows().into_iter().collect();
        let distinct = rows.len() as u64;
        let total = rows.iter().map(|(_, row)| row.seen.count.now).sum();
        let texts = |key: &[TextId; 3]| key.map(|id| self.texts.get(id));
        let order = |a: &([TextId; 3], ExposureRow), b: &([TextId; 3], ExposureRow)| -> Ordering {
            b.1.seen.last.cmp(&a.1.seen.last).then_with(|| texts(&a.0).cmp(&texts(&b.0)))
        };
        rows.sort_by(order);
        rows.truncate(top.unwrap_or(usize::MAX));
        let (viewers, asked) = (self.viewers(), self.asked());
        let cells = rows.iter().map(|(key, row)| self.cells(key, row, &viewers, &asked));
        let section = ReportSection {
            kind: SectionKind::Exposure,
            columns: columns(self.of),
            rows: cells.collect(),
            distinct,
            total,
            total_before: None,
            error: self.uses.error(),
        };
        Report::of_rows(section)
    }

    fn cells(
        &self,
        [item, vault, user]: &[TextId; 3],
        row: &ExposureRow,
        viewers: &HashMap<[TextId; 2], Vec<TextId>>,
        asked: &HashMap<[TextId; 2], Vec<TextId>>,
    ) -> Vec<Value> {
        let text = |id: &TextId| self.texts.get(*id).to_owned();
        let uuid = |id: &TextId| if *id == TextId::EMPTY { Value::Nothing } else { Value::Text(text(id)) };
        let mut cells = vec![Value::NameOf(text(vault)), Value::NameOf(text(item))];
        if self.of == ExposureOf::Secret {
            cells.push(Value::Person(text(user)));
        }
        let mut actions: Vec<(&[TextId; 2], u64)> =
            row.actions.iter().map(|(key, count)| (key, *count)).collect();
        actions.sort_by(|(a, one), (b, other)| {
            other.cmp(one).then_with(|| a.map(|id| self.texts.get(id)).cmp(&b.map(|id| self.texts.get(id))))
        });
        let deed =
            |([object_type, action], count): &(&[TextId; 2], u64)| (text(action), text(object_type), *count);
        cells.extend([
            Value::time(row.seen.last),
            Value::Deeds(actions.iter().map(deed).collect()),
            Value::Number(row.seen.count.now),
            Value::time(row.seen.first),
            self.list(row.devices.iter().copied()),
            self.list(row.addresses.iter().copied()),
        ]);
        if self.of == ExposureOf::Viewer {
            let own = asked.get(&[*item, *vault]);
            let others = viewers.get(&[*item, *vault]).into_iter().flatten().copied();
            cells.push(self.list(others.filter(|user| own.is_none_or(|own| !own.contains(user)))));
        }
        cells.extend([uuid(item), uuid(vault)]);
        cells
    }

    /// Texts in order, each once.
    fn list(&self, ids: impl Iterator<Item = TextId>) -> Value {
        let mut texts: Vec<String> = ids.map(|id| self.texts.get(id).to_owned()).collect();
        texts.sort_unstable();
        texts.truncate(MOST_OTHERS);
        Value::List(texts)
    }
}

fn columns(of: ExposureOf) -> Vec<Column> {
    let named = |key, heading, may_wrap| Column { heading, ..Column::new(key, may_wrap) };
    let mut columns = vec![Column::new("vault", true), Column::new("item", true)];
    if of == ExposureOf::Secret {
        columns.push(Column::new("user", true));
    }
    columns.extend([
        named("last", "last_seen", false),
        named("actions", "how", true),
        Column::number("count"),
        named("first", "first_seen", false),
        Column::new("devices", true),
        Column::new("addresses", true),
    ]);
    if of == ExposureOf::Viewer {
        columns.push(Column::new("others", true));
    }
    let hidden = |key| Column { is_hidden: true, ..Column::new(key, false) };
    columns.extend([hidden("item_uuid"), hidden("vault_uuid")]);
    columns
}

impl Fold for Exposure {
    fn add(&mut self, event: &Event<'_>, facts: &EventFacts<'_, '_>, _: Reading) {
        let action = facts.action();
        let counts = match event.stream {
            Stream::SignInAttempts => false,
            Stream::ItemUsages => true,
            Stream::AuditEvents => TAKEN_OUT.contains(&&*action),
        };
        let (item, vault) = (facts.item_uuid(), facts.vault_uuid());
        if !counts || (item.is_empty() && vault.is_empty()) {
            return;
        }
        let time = event.time.map(|time| time.timestamp_micros());
        let user = self.people.add(&facts.actor(), time.unwrap_or(i64::MIN), &mut self.texts);
        let (item, vault) = (self.texts.add(&item), self.texts.add(&vault));
        if self.of == ExposureOf::Viewer {
            self.viewers.of([item, vault, user]).add((true, false), time);
        }
        if !self.filter.wants(event, &mut self.buffer) {
            return;
        }
        let device = facts.platform_name();
        let device = if device.is_empty() { facts.session_device_uuid() } else { device };
        let object_type = if event.stream == Stream::AuditEvents { facts.object_type() } else { "".into() };
        let [object_type, action, device, address] =
            [object_type, action, device, facts.address()].map(|text| self.texts.add(&text));
        let key = [item, vault, user, object_type, action, device, address];
        self.uses.of(key).add((true, false), time);
    }

    fn merge(&mut self, other: Self) {
        let mut numbers = Renumbering::new(&other.texts);
        self.uses.merge(other.uses, &mut numbers, &mut self.texts);
        self.viewers.merge(other.viewers, &mut numbers, &mut self.texts);
        self.people.merge(other.people, &mut numbers, &mut self.texts);
    }
}

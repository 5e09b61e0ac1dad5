//! `summary --by`: how many events have the same values of some fields.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};

use super::Fold;
use super::by_field::{ByField, ByFields, MOST_FIELDS};
use super::clock_names::{WEEKDAYS, WallClock};
use super::counter::{Counter, EventCount};
use super::people::People;
use super::period::Period;
use super::report::{Column, Report, ReportSection, SectionKind, Value};
use super::texts::{Renumbering, TextId, Texts};
use crate::event::Event;
use crate::facts::{EventFacts, Field, Lookup};
use crate::page::Reading;
use crate::time::Zone;

/// How many rows are shown; none for all.
#[derive(Clone, Copy, Debug, Default)]
pub struct RowLimit {
    /// So many of the most frequent.
    pub top: Option<usize>,
    /// So many of the least frequent.
    pub bottom: Option<usize>,
}

/// The values of an event's fields; behind the last field empty.
type ByKey = [TextId; MOST_FIELDS];

/// Counts events by fields.
#[derive(Debug)]
pub struct CountBy {
    fields: Vec<ByField>,
    period: Period,
    texts: Texts,
    people: People,
    counter: Counter<ByKey, EventCount>,
    clock: WallClock,
    /// The last quarter of an hour, and its names.
    named: Option<(chrono::NaiveDateTime, [TextId; 3])>,
    total: EventCount,
}

impl CountBy {
    /// Counts nothing yet.
    pub fn new(fields: &ByFields, period: Period, zone: &Zone) -> Self {
        CountBy {
            fields: fields.0.clone(),
            period,
            texts: Texts::default(),
            people: People::default(),
            counter: Counter::default(),
            clock: WallClock::new(zone),
            named: None,
            total: EventCount::default(),
        }
    }

    /// The number of a field's text.
    fn value(&mut self, field: ByField, event: &Event<'_>, facts: &EventFacts<'_, '_>) -> TextId {
        let time = event.time.map_or(i64::MIN, |time| time.timestamp_micros());
        match (field, event.time) {
            (ByField::Said(field), _) => match field.user(facts) {
                Some(user) => self.people.add(&user, time, &mut self.texts),
                None => self.texts.add(&field.text(facts)),
            },
            (ByField::Day | ByField::Hour | ByField::Weekday, None) => TextId::EMPTY,
            (ByField::Day, Some(time)) => self.time_names(time)[0],
            (ByField::Hour, Some(time)) => self.time_names(time)[1],
            (ByField::Weekday, Some(time)) => self.time_names(time)[2],
        }
    }

    /// The names of an event's day, hour and weekday.
    fn time_names(&mut self, time: DateTime<Utc>) -> [TextId; 3] {
        let quarter = self.clock.quarter(time);
        match self.named {
            Some((known, names)) if known == quarter => names,
            _ => {
                let (weekday, _) = self.clock.weekday_and_hour(time);
                let names = [
                    self.texts.add(&self.clock.day(time)),
                    self.texts.add(&self.clock.hour(time)),
                    self.texts.add(WEEKDAYS[usize::from(weekday)]),
                ];
                self.named = Some((quarter, names));
                names
            }
        }
    }

    /// The counts, people under what they are called.
    fn labelled(&self) -> Counter<ByKey, EventCount> {
        let mut labelled = Counter::default();
        for (key, count) in self.counter.iter() {
            let mut key = *key;
            for (index, field) in self.fields.iter().enumerate() {
                if field.is_person() {
                    key[index] = self.people.label(key[index]);
                }
            }
            let known: &mut EventCount = labelled.of(key);
            known.now += count.now;
            known.before += count.before;
        }
        labelled
    }

    /// What was counted, in rows.
    pub fn report(&self, limit: RowLimit) -> Report {
        let has_person = self.fields.iter().any(|field| field.is_person());
        let labelled = has_person.then(|| self.labelled());
        let counter = labelled.as_ref().unwrap_or(&self.counter);
        let mut rows: Vec<(ByKey, EventCount)> = counter.iter().map(|(key, count)| (*key, *count)).collect();
        let distinct = rows.len();
        limited(&mut rows, limit, |a, b| self.by_count(a, b));
        if limit.top.is_none() && limit.bottom.is_none() && self.fields.first().is_some_and(|f| f.is_time()) {
            rows.sort_by(|a, b| self.by_key(&a.0, &b.0));
        }
        let mut columns: Vec<Column> =
            self.fields.iter().map(|field| Column::new(field.name(), !field.is_time())).collect();
        columns.push(Column::number("count"));
        if self.period.before.is_some() {
            columns.push(Column::number("before"));
        }
        let rows = rows.iter().map(|(key, count)| {
            let mut row: Vec<Value> = self
                .fields
                .iter()
                .zip(key)
                .map(|(field, id)| field_value(*field, self.texts.get(*id)))
                .collect();
            row.push(Value::Number(count.now));
            if self.period.before.is_some() {
                row.push(Value::Number(count.before));
            }
            row
        });
        let section = ReportSection {
            kind: SectionKind::By,
            columns,
            rows: rows.collect(),
            distinct: distinct as u64,
            total: self.total.now,
            total_before: self.period.before.map(|_| self.total.before),
            error: self.counter.error(),
        };
        Report::of_rows(section)
    }

    /// The most frequent first; of equal counts the first by text.
    fn by_count(&self, a: &(ByKey, EventCount), b: &(ByKey, EventCount)) -> Ordering {
        (b.1.now, b.1.before).cmp(&(a.1.now, a.1.before)).then_with(|| self.by_key(&a.0, &b.0))
    }

    fn by_key(&self, a: &ByKey, b: &ByKey) -> Ordering {
        let pairs = self.fields.iter().zip(a.iter().zip(b));
        pairs
            .map(|(field, (a, b))| {
                let (a, b) = (self.texts.get(*a), self.texts.get(*b));
                let place = |day: &str| WEEKDAYS.iter().position(|known| *known == day);
                if *field == ByField::Weekday { place(a).cmp(&place(b)) } else { a.cmp(b) }
            })
            .find(|order| *order != Ordering::Equal)
            .unwrap_or(Ordering::Equal)
    }
}

impl Fold for CountBy {
    fn lookup(&self) -> Lookup {
        Lookup::for_fields(self.fields.iter().filter_map(|field| match field {
            ByField::Said(field) => Some(*field),
            ByField::Day | ByField::Hour | ByField::Weekday => None,
        }))
    }

    fn add(&mut self, event: &Event<'_>, facts: &EventFacts<'_, '_>, _: Reading) {
        let (is_now, is_before) = self.period.has(event.time);
        let mut key = ByKey::default();
        for (index, id) in key.iter_mut().enumerate().take(self.fields.len()) {
            *id = self.value(self.fields[index], event, facts);
        }
        for count in [self.counter.of(key), &mut self.total] {
            count.now += u64::from(is_now);
            count.before += u64::from(is_before);
        }
    }

    fn merge(&mut self, other: Self) {
        let CountBy { texts, people, counter, total, .. } = other;
        let mut numbers = Renumbering::new(&texts);
        self.counter.merge(counter, &mut numbers, &mut self.texts);
        self.people.merge(people, &mut numbers, &mut self.texts);
        self.total.now += total.now;
        self.total.before += total.before;
    }
}

/// A field's text as a value of its kind.
fn field_value(field: ByField, text: &str) -> Value {
    if text.is_empty() {
        return Value::Nothing;
    }
    match field {
        ByField::Said(Field::Item | Field::Vault | Field::Group) => Value::Uuid(text.to_owned()),
        ByField::Said(Field::User | Field::Target) => Value::Person(text.to_owned()),
        ByField::Said(Field::Action | Field::Reason) => Value::Code(text.to_owned()),
        _ => Value::Text(text.to_owned()),
    }
}

/// Keeps so many rows of both ends, in order.
pub(super) fn limited<T>(rows: &mut Vec<T>, limit: RowLimit, order: impl Fn(&T, &T) -> Ordering) {
    match limit {
        RowLimit { top: Some(top), bottom: None } if top < rows.len() => {
            if top > 0 {
                rows.select_nth_unstable_by(top - 1, &order);
            }
            rows.truncate(top);
        }
        _ => {}
    }
    rows.sort_unstable_by(&order);
    if let Some(bottom) = limit.bottom {
        let top = limit.top.unwrap_or(0).min(rows.len());
        let from = rows.len().saturating_sub(bottom).max(top);
        rows.drain(top..from);
    }
}

//! The sections of the whole summary, from what was counted.

use std::borrow::Cow;
use std::cmp::Ordering;

use std::collections::HashMap;

use super::sections::{Counted, MOST_VALUES, ValueKind};
use super::{Key, Summary};
use crate::analyze::clock_names::WEEKDAYS;
use crate::analyze::count_by::{RowLimit, limited};
use crate::analyze::counter::{KeyCount as _, Seen};
use crate::analyze::places::{Place, journeys};
use crate::analyze::report::{Column, Report, ReportSection, SectionKind, Value};
use crate::analyze::texts::TextId;
use crate::error::Result;
use crate::event::Stream;
use crate::facts::Names;

/// How many rows a section has without `--top`.
const TOP: usize = 10;

/// How many of the rarest without `--bottom`.
const BOTTOM: usize = 5;

/// The name of session traffic among the streams.
const TRAFFIC: &str = "session_traffic";

impl Summary {
    /// Every section, with so many rows each; those of rules have people and things by their names.
    ///
    /// # Errors
    /// `Output`, when what rules have gathered cannot be read back.
    pub fn report(&mut self, limit: RowLimit, names: &Names) -> Result<Report> {
        let (top, bottom) = (limit.top.unwrap_or(TOP), limit.bottom.unwrap_or(BOTTOM));
        let mut sections = vec![self.streams_section(), self.timeline_section(), self.hours_section()];
        sections.extend(self.detection_sections(limit.top, names)?);
        for section in Counted::ALL {
            self.counted_sections(*section, top, bottom, &mut sections);
        }
        sections.extend([
            self.exposure_section(top),
            self.first_seen_section(top),
            self.places_section(),
            self.travel_section(top),
        ]);
        let events = self.streams.iter().take(3).map(|seen| seen.count.now).sum();
        let first = self.streams.iter().map(|seen| seen.first).min().unwrap_or(i64::MAX);
        let last = self.streams.iter().map(|seen| seen.last).max().unwrap_or(i64::MIN);
        let mut head = vec![
            ("since", Value::moment(Some(self.period.since))),
            ("until", Value::moment(self.period.until)),
            ("first", Value::time(first)),
            ("last", Value::time(last)),
            ("events", Value::Number(events)),
            (TRAFFIC, Value::Number(self.streams[3].count.now)),
        ];
        if self.compares() {
            let before = self.streams.iter().take(3).map(|seen| seen.count.before).sum();
            head.push(("events_before", Value::Number(before)));
        }
        Ok(Report { head, sections, is_rows: false })
    }

    fn compares(&self) -> bool {
        self.period.before.is_some()
    }

    fn streams_section(&self) -> ReportSection {
        let mut columns = vec![Column::new("stream", false), Column::number("count")];
        if self.compares() {
            columns.extend([Column::number("before"), Column::number("change")]);
        }
        columns.extend([Column::new("first", false), Column::new("last", false)]);
        let names = Stream::ALL.iter().map(|stream| stream.name()).chain([TRAFFIC]);
        let rows = names.zip(&self.streams).map(|(name, seen)| {
            let mut row = vec![Value::Text(name.to_owned()), Value::Number(seen.count.now)];
            if self.compares() {
                row.push(Value::Number(seen.count.before));
                row.push(Value::Change(seen.count.now as i64 - seen.count.before as i64));
            }
            row.extend([Value::time(seen.first), Value::time(seen.last)]);
            row
        });
        self.section(SectionKind::Streams, columns, rows.collect())
    }

    fn timeline_section(&self) -> ReportSection {
        let steps = self.timeline.steps(&self.zone);
        let names = Stream::ALL.iter().map(|stream| stream.name()).chain([TRAFFIC]);
        let columns = [Column::new("time", false), Column::number("hours")]
            .into_iter()
            .chain(names.map(Column::number));
        let rows = steps.steps.iter().map(|(time, lanes)| {
            let lanes = lanes.iter().map(|count| Value::Number(*count));
            [Value::time(*time), Value::Number(steps.hours as u64)].into_iter().chain(lanes).collect()
        });
        self.section(SectionKind::Timeline, columns.collect(), rows.collect())
    }

    fn hours_section(&self) -> ReportSection {
        let columns = vec![Column::new("weekday", false), Column::number("hour"), Column::number("count")];
        let days = WEEKDAYS.iter().zip(self.hours.iter());
        let rows = days.flat_map(|(day, hours)| {
            hours.iter().enumerate().map(|(hour, count)| {
                vec![Value::Text((*day).to_owned()), Value::Number(hour as u64), Value::Number(*count)]
            })
        });
        self.section(SectionKind::Hours, columns, rows.collect())
    }

    /// The rows of a counted section, people under what they are called.
    fn labelled(&self, section: Counted) -> Vec<(Key, Seen)> {
        let values = section.row().values;
        let Some(at) = values.iter().position(|(_, kind)| *kind == ValueKind::Person) else {
            return self.counted[section as usize].iter().map(|(key, seen)| (*key, *seen)).collect();
        };
        let mut rows: HashMap<Key, Seen> = HashMap::new();
        for (key, seen) in self.counted[section as usize].iter() {
            let mut key = *key;
            key[at] = self.people.label(key[at]);
            rows.entry(key).or_default().merge(seen);
        }
        rows.into_iter().collect()
    }

    /// The most frequent rows of a section and, where they are of interest, the least frequent.
    fn counted_sections(&self, section: Counted, top: usize, bottom: usize, out: &mut Vec<ReportSection>) {
        let row = section.row();
        let mut rows = self.labelled(section);
        // What only the time before had is a row where it is compared, and none otherwise.
        rows.retain(|(_, seen)| seen.count.now > 0 || self.compares());
        let total = rows.iter().map(|(_, seen)| seen.count.now).sum();
        let total_before = rows.iter().map(|(_, seen)| seen.count.before).sum();
        let distinct = rows.len() as u64;
        let order = |a: &(Key, Seen), b: &(Key, Seen)| self.by_count(a, b);
        let mut make = |kind, rows: &[(Key, Seen)]| {
            let cells = |(key, seen): &(Key, Seen)| {
                let texts: [Cow<'_, str>; MOST_VALUES] = key.map(|id| Cow::Borrowed(self.texts.get(id)));
                row.cells(&texts, seen, self.compares())
            };
            out.push(ReportSection {
                kind,
                columns: row.columns(self.compares()),
                rows: rows.iter().map(cells).collect(),
                distinct,
                total,
                total_before: self.compares().then_some(total_before),
                error: self.counted[section as usize].error(),
            });
        };
        let mut most = rows.clone();
        limited(&mut most, RowLimit { top: Some(top), bottom: None }, order);
        make(SectionKind::Counted { name: row.name, title: row.title }, &most);
        if let Some((name, title)) = row.rare.filter(|_| rows.len() > top) {
            limited(&mut rows, RowLimit { top: None, bottom: Some(bottom) }, order);
            rows.reverse();
            make(SectionKind::Counted { name, title }, &rows);
        }
    }

    fn by_count(&self, a: &(Key, Seen), b: &(Key, Seen)) -> Ordering {
        let counts = |seen: &Seen| (seen.count.now, seen.count.before);
        counts(&b.1).cmp(&counts(&a.1)).then_with(|| self.key_texts(&a.0).cmp(&self.key_texts(&b.0)))
    }

    fn key_texts(&self, key: &Key) -> [&str; MOST_VALUES] {
        key.map(|id| self.texts.get(id))
    }

    /// Who has used how many different items: whose secrets would have to be rotated.
    fn exposure_section(&self, top: usize) -> ReportSection {
        // By person: different items, uses, the last time. An item that was used under two uuids of one person counts
        // once.
        let mut items: HashMap<[TextId; 2], Seen> = HashMap::new();
        for ([user, item], seen) in self.seen_items.iter() {
            items.entry([self.people.label(*user), *item]).or_default().merge(seen);
        }
        let mut people: HashMap<TextId, (u64, Seen)> = HashMap::new();
        for ([user, _], seen) in &items {
            let known = people.entry(*user).or_default();
            known.0 += 1;
            known.1.merge(seen);
        }
        let (distinct, total) = (people.len() as u64, people.values().map(|(_, seen)| seen.count.now).sum());
        let mut rows: Vec<(TextId, (u64, Seen))> = people.into_iter().collect();
        rows.sort_by(|(a, (one, _)), (b, (other, _))| {
            other.cmp(one).then_with(|| self.texts.get(*a).cmp(self.texts.get(*b)))
        });
        rows.truncate(top);
        let columns = vec![
            Column::new("user", true),
            Column { heading: "items", ..Column::number("count") },
            Column::number("uses"),
            Column::new("last", false),
        ];
        let cells = |(user, (items, seen)): &(TextId, (u64, Seen))| {
            let user = Value::Person(self.texts.get(*user).to_owned());
            vec![user, Value::Number(*items), Value::Number(seen.count.now), Value::time(seen.last)]
        };
        let kind = SectionKind::Counted { name: "exposure", title: "Different items used, by user" };
        let section = self.section(kind, columns, rows.iter().map(cells).collect());
        ReportSection { distinct, total, error: self.seen_items.error(), ..section }
    }

    /// What users had for the first time, later than their first event.
    fn first_seen_section(&self, top: usize) -> ReportSection {
        let mut all: HashMap<Key, Seen> = HashMap::new();
        for (key, seen) in self.first_seen.iter() {
            let mut key = *key;
            key[0] = self.people.label(key[0]);
            all.entry(key).or_default().merge(seen);
        }
        let mut begun: HashMap<[TextId; 2], i64> = HashMap::new();
        for (key, seen) in &all {
            let begins = begun.entry([key[0], key[1]]).or_insert(i64::MAX);
            *begins = seen.first.min(*begins);
        }
        let since = self.period.since.timestamp_micros();
        let is_new = |key: &Key, seen: &Seen| {
            seen.first != i64::MAX && seen.first >= since && begun.get(&[key[0], key[1]]) < Some(&seen.first)
        };
        let mut rows: Vec<(Key, Seen)> =
            all.iter().filter(|(key, seen)| is_new(key, seen)).map(|(k, s)| (*k, *s)).collect();
        let distinct = rows.len() as u64;
        let order = |a: &(Key, Seen), b: &(Key, Seen)| {
            b.1.first.cmp(&a.1.first).then_with(|| self.key_texts(&a.0).cmp(&self.key_texts(&b.0)))
        };
        limited(&mut rows, RowLimit { top: Some(top), bottom: None }, order);
        let columns = vec![
            Column::new("user", true),
            Column::new("kind", false),
            Column::new("value", true),
            Column::new("first", false),
            Column::number("count"),
        ];
        let cells = |(key, seen): &(Key, Seen)| {
            let text = |at: usize| self.texts.get(key[at]).to_owned();
            vec![
                Value::Person(text(0)),
                Value::Text(text(1)),
                Value::Text(text(2)),
                Value::time(seen.first),
                Value::Number(seen.count.now),
            ]
        };
        let rows = rows.iter().map(cells).collect();
        let section = self.section(SectionKind::FirstSeen, columns, rows);
        ReportSection { distinct, total: distinct, error: self.first_seen.error(), ..section }
    }

    fn places_section(&self) -> ReportSection {
        let mut rows: Vec<(Place, u64, u64)> =
            self.places.iter().map(|(place, count)| (*place, count.succeeded, count.failed)).collect();
        let names = |place: &Place| (self.texts.get(place.country), self.texts.get(place.city));
        rows.sort_by(|a, b| {
            let (north_a, north_b) = (a.0.degrees(), b.0.degrees());
            let by_name = || names(&a.0).cmp(&names(&b.0));
            (b.1 + b.2)
                .cmp(&(a.1 + a.2))
                .then_with(by_name)
                .then_with(|| north_a.0.total_cmp(&north_b.0))
                .then_with(|| north_a.1.total_cmp(&north_b.1))
        });
        let (distinct, total) = (rows.len() as u64, rows.iter().map(|row| row.1 + row.2).sum());
        rows.truncate(MOST_PLACES);
        let columns = vec![
            Column::new("city", true),
            Column::new("country", true),
            Column::number("latitude"),
            Column::number("longitude"),
            Column::number("succeeded"),
            Column::number("failed"),
        ];
        let cells = |(place, succeeded, failed): &(Place, u64, u64)| {
            let (north, east) = place.degrees();
            let (country, city) = names(place);
            vec![
                Value::text(city),
                Value::text(country),
                Value::Decimal(north),
                Value::Decimal(east),
                Value::Number(*succeeded),
                Value::Number(*failed),
            ]
        };
        let rows = rows.iter().map(cells).collect();
        let section = self.section(SectionKind::Places, columns, rows);
        ReportSection { distinct, total, error: self.places.error(), ..section }
    }

    fn travel_section(&self, top: usize) -> ReportSection {
        let stays = self.stays.iter().map(|(key, seen)| (*key, (seen.first, seen.last)));
        let mut found = journeys(stays, |user| self.people.label(user), &self.texts);
        let distinct = found.len() as u64;
        found.truncate(top);
        let columns = vec![
            Column::new("user", true),
            Column::new("from", true),
            Column::new("to", true),
            Column::number("km"),
            Column::number("minutes"),
            Column::new("time", false),
        ];
        let place = |place: &Place| {
            let (country, city) = (self.texts.get(place.country), self.texts.get(place.city));
            let known: Vec<&str> = [city, country].into_iter().filter(|text| !text.is_empty()).collect();
            Value::text(&known.join(", "))
        };
        let rows = found.iter().map(|journey| {
            vec![
                Value::Person(self.texts.get(journey.user).to_owned()),
                place(&journey.from),
                place(&journey.to),
                Value::Number(journey.km.round() as u64),
                Value::Number(((journey.arrived - journey.left) / 60_000_000) as u64),
                Value::time(journey.arrived),
            ]
        });
        let section = self.section(SectionKind::Travel, columns, rows.collect());
        ReportSection { distinct, total: distinct, error: self.stays.error(), ..section }
    }

    fn section(&self, kind: SectionKind, columns: Vec<Column>, rows: Vec<Vec<Value>>) -> ReportSection {
        let (now, before) = self
            .streams
            .iter()
            .fold((0, 0), |(now, before), seen| (now + seen.count.now, before + seen.count.before));
        let (distinct, total_before) = (rows.len() as u64, self.compares().then_some(before));
        ReportSection { kind, columns, rows, distinct, total: now, total_before, error: 0 }
    }
}

/// How many places are shown: as many as a map can show.
const MOST_PLACES: usize = 500;

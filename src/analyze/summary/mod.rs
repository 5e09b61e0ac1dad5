//! The whole summary: one pass over the events, every section of it.
//!
//! Session traffic (`dlgsess`, `ssotknv`), which is most of a real audit stream, is counted apart and is in no other
//! section.

mod detections;
mod report;
mod sections;
mod timeline;

use std::hash::BuildHasherDefault;
use std::sync::Arc;

use hashbrown::HashMap;

use self::sections::{Counted, MOST_VALUES};
use self::timeline::Timeline;
use super::Fold;
use super::clock_names::WallClock;
use super::counter::{Counter, KeyCount as _, NumberHasher, Seen};
use super::detect::{DetectFold, RuleSet};
use super::people::People;
use super::period::Period;
use super::places::{Place, PlaceCount, StayKey};
use super::texts::{Renumbering, TextId, Texts};
use crate::event::{Event, Stream};
use crate::facts::{EventFacts, SignInOutcome};
use crate::page::Reading;
use crate::scratch::Scratch;
use crate::select::country_name;
use crate::time::Zone;

type Key = [TextId; MOST_VALUES];

/// How many names of countries are remembered (P9); there are some 250 countries.
const MOST_COUNTRIES: usize = 1_000;

/// What a user may have for the first time.
const NEW_KINDS: [&str; 4] = ["country", "device", "client", "address"];

/// Objects of audit events that are no administration: items, files, devices, sessions.
const OWN_OBJECTS: [&str; 7] = ["device", "dlgdsess", "file", "item", "itemhist", "items", "ssotkn"];

/// Actions that take something out of a vault, or give it to others.
const EXPORTS: [&str; 3] = ["export", "sendpkg", "share"];

/// What events come to.
#[derive(Debug)]
pub struct Summary {
    period: Period,
    zone: Zone,
    clock: WallClock,
    texts: Texts,
    people: People,
    /// By stream; session traffic last.
    streams: [Seen; 4],
    timeline: Timeline,
    /// By weekday and hour of the zone.
    hours: Box<[[u64; 24]; 7]>,
    /// By section.
    counted: Vec<Counter<Key, Seen>>,
    /// By user, kind and value.
    first_seen: Counter<Key, Seen>,
    /// Which items a user has used.
    seen_items: Counter<[TextId; 2], Seen>,
    places: Counter<Place, PlaceCount>,
    stays: Counter<StayKey, Seen>,
    /// Countries' usual names, by what events call them.
    countries: HashMap<TextId, TextId, BuildHasherDefault<NumberHasher>>,
    kinds: [TextId; 4],
    stream_names: [TextId; 3],
    /// What rules gather of the same events, where they look at them.
    detections: Option<DetectFold>,
}

/// What is known of the event at hand.
struct EventAtHand<'e> {
    stream: Stream,
    user: TextId,
    is_in: (bool, bool),
    time: Option<i64>,
    facts: &'e EventFacts<'e, 'e>,
}

impl Summary {
    /// Nothing counted yet.
    pub fn new(period: Period, zone: &Zone) -> Self {
        let mut texts = Texts::default();
        let kinds = NEW_KINDS.map(|kind| texts.add(kind));
        let stream_names = Stream::ALL.map(|stream| texts.add(stream.name()));
        Summary {
            period,
            zone: zone.clone(),
            clock: WallClock::new(zone),
            texts,
            people: People::default(),
            streams: [Seen::default(); 4],
            timeline: Timeline::default(),
            hours: Box::default(),
            counted: Counted::ALL.iter().map(|_| Counter::default()).collect(),
            first_seen: Counter::default(),
            seen_items: Counter::default(),
            places: Counter::default(),
            stays: Counter::default(),
            countries: HashMap::default(),
            kinds,
            stream_names,
            detections: None,
        }
    }

    /// The same, with rules that look at the events, too, and a file for what does not fit into memory.
    #[must_use]
    pub fn with_rules(self, rules: &Arc<RuleSet>, scratch: &Arc<Scratch>) -> Self {
        Summary { detections: Some(DetectFold::new(rules).with_scratch(scratch)), ..self }
    }

    /// Counts an event in a section.
    fn count<const N: usize>(&mut self, section: Counted, values: [TextId; N], event: &EventAtHand<'_>) {
        let mut key = Key::default();
        key[..N].copy_from_slice(&values);
        self.counted[section as usize].of(key).add(event.is_in, event.time);
    }

    /// The number of a country's usual name: older sign-ins have codes, and some countries have several names.
    fn country(&mut self, country: &str) -> TextId {
        let typed = self.texts.add(country);
        if let Some(known) = self.countries.get(&typed) {
            return *known;
        }
        let usual = country_name(country).map_or(typed, |name| self.texts.add(name));
        if self.countries.len() < MOST_COUNTRIES {
            self.countries.insert(typed, usual);
        }
        usual
    }

    fn sign_in(&mut self, event: &EventAtHand<'_>, country: TextId, address: TextId) {
        let facts = event.facts;
        let outcome = facts.outcome();
        let has_failed = outcome == Some(SignInOutcome::Failed);
        // A category that says neither is shown as it is.
        let outcome_text = match outcome {
            Some(outcome) => self.texts.add(outcome.name()),
            None => self.texts.add(&facts.action()),
        };
        let reason = self.texts.add(&facts.reason());
        self.count(Counted::SignIns, [outcome_text, reason], event);
        if has_failed {
            self.count(Counted::FailedSignIns, [event.user, address, country], event);
        }
        let Some(place) = Place::of(&facts.location(), country, &mut self.texts) else { return };
        if event.is_in.0 {
            let count = self.places.of(place);
            if has_failed { count.failed += 1 } else { count.succeeded += 1 }
        }
        let is_service = facts.actor().kind().contains("service");
        if let Some(time) = event.time
            && event.is_in.0
            && !has_failed
            && !is_service
            && event.user != TextId::EMPTY
        {
            self.stays.of(StayKey::new(event.user, place, time)).add((true, false), Some(time));
        }
    }

    fn usage(&mut self, event: &EventAtHand<'_>) {
        let (item, vault) = (event.facts.item_uuid(), event.facts.vault_uuid());
        let (item, vault) = (self.texts.add(&item), self.texts.add(&vault));
        self.count(Counted::Items, [item, vault], event);
        self.count(Counted::Vaults, [vault], event);
        if event.is_in.0 && event.user != TextId::EMPTY && item != TextId::EMPTY {
            self.seen_items.of([event.user, item]).add((true, false), event.time);
        }
    }

    /// Counts what was done, and what of it takes something out or changes the account.
    fn deed(&mut self, event: &EventAtHand<'_>) {
        let facts = event.facts;
        let (action, object_type) = (facts.action(), facts.object_type());
        let is_export = event.stream != Stream::SignInAttempts && EXPORTS.contains(&&*action);
        let is_change =
            event.stream == Stream::AuditEvents && !is_export && !OWN_OBJECTS.contains(&&*object_type);
        let stream = self.stream_names[event.stream as usize];
        let (action, object_type) = (self.texts.add(&action), self.texts.add(&object_type));
        self.count(Counted::Actions, [stream, action, object_type], event);
        if is_export {
            let item = facts.item_uuid();
            let object = if item.is_empty() { facts.object_uuid() } else { item };
            let object = self.texts.add(&object);
            self.count(Counted::Exports, [stream, action, object_type, event.user, object], event);
        }
        if is_change {
            self.count(Counted::Changes, [stream, action, object_type, event.user], event);
        }
    }
}

impl Fold for Summary {
    fn add(&mut self, event: &Event<'_>, facts: &EventFacts<'_, '_>, reading: Reading) {
        if let Some(detections) = &mut self.detections {
            detections.add(event, facts, reading);
        }
        let is_in = self.period.has(event.time);
        let time = event.time.map(|time| time.timestamp_micros());
        let is_traffic = facts.is_session_traffic();
        let lane = if is_traffic { 3 } else { event.stream as usize };
        self.streams[lane].add(is_in, time);
        if let Some(time) = time.filter(|_| is_in.0) {
            self.timeline.add(time, lane);
        }
        if is_traffic {
            return;
        }
        if let Some(time) = event.time.filter(|_| is_in.0) {
            let (weekday, hour) = self.clock.weekday_and_hour(time);
            self.hours[usize::from(weekday)][usize::from(hour)] += 1;
        }
        let user = self.people.add(&facts.actor(), time.unwrap_or(i64::MIN), &mut self.texts);
        let hand = EventAtHand { stream: event.stream, user, is_in, time, facts };
        let country = self.country(&facts.country());
        let address = self.texts.add(&facts.address());
        let client = self.texts.add(&facts.app_name());
        self.count(Counted::Users, [user], &hand);
        self.count(Counted::Countries, [country], &hand);
        self.count(Counted::Clients, [client], &hand);
        self.deed(&hand);
        match event.stream {
            Stream::SignInAttempts => self.sign_in(&hand, country, address),
            Stream::ItemUsages => self.usage(&hand),
            Stream::AuditEvents => {}
        }
        if user != TextId::EMPTY && facts.outcome() != Some(SignInOutcome::Failed) {
            let device = self.texts.add(&facts.platform_name());
            for (kind, value) in self.kinds.into_iter().zip([country, device, client, address]) {
                if value != TextId::EMPTY {
                    let key = [user, kind, value, TextId::EMPTY, TextId::EMPTY];
                    self.first_seen.of(key).add(is_in, time);
                }
            }
        }
    }

    fn merge(&mut self, other: Self) {
        if let (Some(own), Some(other)) = (&mut self.detections, other.detections) {
            own.merge(other);
        }
        let mut numbers = Renumbering::new(&other.texts);
        let texts = &mut self.texts;
        for (seen, other) in self.streams.iter_mut().zip(&other.streams) {
            seen.merge(other);
        }
        self.timeline.merge(&other.timeline);
        for (hours, other) in self.hours.as_flattened_mut().iter_mut().zip(other.hours.as_flattened()) {
            *hours += other;
        }
        for (counter, other) in self.counted.iter_mut().zip(other.counted) {
            counter.merge(other, &mut numbers, texts);
        }
        self.first_seen.merge(other.first_seen, &mut numbers, texts);
        self.seen_items.merge(other.seen_items, &mut numbers, texts);
        self.places.merge(other.places, &mut numbers, texts);
        self.stays.merge(other.stays, &mut numbers, texts);
        self.people.merge(other.people, &mut numbers, texts);
    }
}

//! The seeded events: three streams whose events are numbered in arrival order.
//!
//! An event is a pure function of seed and number, and its number one of seed, rate and time; so two
//! processes with the same options serve the same bytes, and a million events cost no memory.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::event_writer::{EventDraft, EventWriter, LONGEST_DELAY};
use super::options::{ApiForm, Rhythm, SeededData, ServiceBehavior};
use super::random::SeededRandom;
use super::schedule::{EventSchedule, EventSlot, IncidentScene};
use super::signins::{self, SignIn, SignInSummary};
use crate::event::Stream;

/// Of a hundred events, how many each stream has, in the order of [`Stream::ALL`].
const SHARES: [u64; 3] = [35, 50, 15];

/// How many sign-ins are remembered at most.
const REMEMBERED: usize = 20_000;

/// Everything that ever happened in the made-up company.
#[derive(Debug)]
pub(super) struct EventStore {
    schedules: [EventSchedule; 3],
    /// The first event of each stream that a question can reach.
    oldest: [u64; 3],
    pub(super) writer: EventWriter,
    seed: u64,
    repeats: bool,
    /// What [`EventStore::summary`] remembers.
    sign_ins: Mutex<HashMap<u64, SignInSummary>>,
}

impl EventStore {
    /// The events as they stand at `now`, in nanoseconds since the epoch.
    pub(super) fn new(options: &SeededData, behavior: &ServiceBehavior, now: i64) -> Self {
        let writer = EventWriter::new(options.seed, options.hostile, behavior.user_type_key);
        let live_from = options.live_from.and_then(|time| time.timestamp_nanos_opt()).unwrap_or(now);
        // Whole weeks are alike, shorter stretches are not: a weekend must not empty a short history.
        let weekend_rest = options.days >= 7;
        let mut oldest = [0; 3];
        let schedules = Stream::ALL.map(|stream| {
            let wanted = share(options.events, stream);
            let seed = options.seed ^ (stream as u64 + 1) << 56;
            let activity = |hour| match options.rhythm {
                Rhythm::Office => writer.company.activity(hour, weekend_rest),
                Rhythm::Even => 1,
            };
            let rhythm = EventSchedule::new(seed, scenes(stream), activity, wanted, options.days);
            oldest[stream as usize] = rhythm.count_before(live_from.min(now)) - wanted;
            match options.live.filter(|rate| *rate > 0.0) {
                Some(rate) => {
                    let rate = rate * SHARES[stream as usize] as f64 / 100.0;
                    rhythm.with_live(live_from, rate)
                }
                None => rhythm,
            }
        });
        EventStore {
            schedules,
            oldest,
            writer,
            seed: options.seed,
            repeats: options.repeats,
            sign_ins: Mutex::default(),
        }
    }

    /// The first event of a stream that a question can reach.
    pub(super) fn oldest(&self, stream: Stream) -> u64 {
        self.oldest[stream as usize]
    }

    /// The number of the first event that arrives at `time` or later.
    pub(super) fn arrived_before(&self, stream: Stream, time: i64) -> u64 {
        self.schedules[stream as usize].count_before(time)
    }

    /// The number from which on no event can have happened before `time`.
    pub(super) fn happened_before(&self, stream: Stream, time: i64) -> u64 {
        self.arrived_before(stream, time.saturating_add(LONGEST_DELAY + 1))
    }

    /// When an event happened and when it arrived.
    pub(super) fn times(&self, stream: Stream, number: u64) -> (i64, i64) {
        let original = self.original(stream, number);
        let happened = self.writer.stamp(stream, original, self.slot(stream, original)).time;
        (happened, self.slot(stream, number).arrival)
    }

    /// An event's identifier.
    pub(super) fn uuid(&self, stream: Stream, number: u64) -> String {
        let number = self.original(stream, number);
        self.writer.uuid(stream, number, self.slot(stream, number)).to_string()
    }

    /// An event before it is written. One that comes again is drafted as the event that it repeats.
    pub(super) fn event(&self, stream: Stream, number: u64, form: ApiForm) -> EventDraft<'_> {
        self.draft(stream, self.original(stream, number), form)
    }

    /// The latest successful sign-in before `time` that is wanted; the first `skipped` ones are passed over,
    /// and no more than `within` are looked at.
    pub(super) fn sign_in_before(
        &self,
        time: i64,
        skipped: u64,
        within: u64,
        wanted: impl Fn(&SignInSummary) -> bool,
    ) -> Option<SignIn<'_>> {
        let stream = Stream::SignInAttempts;
        let last = self.arrived_before(stream, time);
        let numbers = (last.saturating_sub(skipped + within)..last.saturating_sub(skipped)).rev();
        let found = numbers.into_iter().find(|number| {
            let sign_in = self.summary(*number);
            sign_in.succeeded && wanted(&sign_in)
        })?;
        let mut draft = self.draft(stream, self.original(stream, found), ApiForm::V2);
        let attempt = signins::attempt(&mut draft);
        Some(signins::complete(&mut draft, attempt))
    }

    /// Who made a sign-in attempt and whether it succeeded. Audit events one after another look at the same
    /// ones, so that some are remembered; what is remembered changes no answer.
    fn summary(&self, number: u64) -> SignInSummary {
        let lock = || self.sign_ins.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&number) {
            return *known;
        }
        let stream = Stream::SignInAttempts;
        let summary =
            signins::attempt(&mut self.draft(stream, self.original(stream, number), ApiForm::V2)).summary();
        let mut sign_ins = lock();
        if sign_ins.len() >= REMEMBERED {
            sign_ins.clear();
        }
        sign_ins.insert(number, summary);
        summary
    }

    /// The number of the event whose content this one has: its own, unless it is one that comes again.
    fn original(&self, stream: Stream, number: u64) -> u64 {
        let Some(earlier) = self.repeated(stream, number) else { return number };
        let (now, before) = (self.slot(stream, number), self.slot(stream, earlier));
        let late = now.arrival - self.writer.stamp(stream, earlier, before).time > LONGEST_DELAY;
        let in_incident = now.part.is_some() || before.part.is_some();
        if late || in_incident || self.repeated(stream, earlier).is_some() { number } else { earlier }
    }

    fn repeated(&self, stream: Stream, number: u64) -> Option<u64> {
        if !self.repeats {
            return None;
        }
        let mut random = SeededRandom::new(&[self.seed, 0xd0 + stream as u64, number]);
        if random.in_thousand(2) { number.checked_sub(1 + random.below(30)) } else { None }
    }

    fn draft(&self, stream: Stream, number: u64, form: ApiForm) -> EventDraft<'_> {
        self.writer.draft(stream, number, self.slot(stream, number), form)
    }

    fn slot(&self, stream: Stream, number: u64) -> EventSlot {
        self.schedules[stream as usize].slot(number)
    }
}

fn scenes(stream: Stream) -> &'static [IncidentScene] {
    match stream {
        Stream::SignInAttempts => &[
            IncidentScene::ContractorSignIn,
            IncidentScene::Takeover,
            IncidentScene::Spray,
            IncidentScene::Blocked,
        ],
        Stream::ItemUsages => &[IncidentScene::Export, IncidentScene::SelfReveal],
        Stream::AuditEvents => &[
            IncidentScene::Suspension,
            IncidentScene::VaultExport,
            IncidentScene::RoleGiven,
            IncidentScene::SelfGrant,
            IncidentScene::SsoChange,
        ],
    }
}

/// A stream's part of all events; the parts add up exactly.
fn share(events: u64, stream: Stream) -> u64 {
    let upto = |count: usize| events * SHARES[..count].iter().sum::<u64>() / 100;
    upto(stream as usize + 1) - upto(stream as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::event_json;
    use crate::simulator::schedule::{DAY, HOUR, SECOND};
    use serde_json::Value;

    const NOW: i64 = 1_795_000_000 * SECOND;

    fn store(options: SeededData) -> EventStore {
        EventStore::new(&options, &ServiceBehavior::default(), NOW)
    }

    fn items(store: &EventStore, stream: Stream, form: ApiForm) -> Vec<Value> {
        (store.oldest(stream)..store.arrived_before(stream, NOW))
            .map(|number| {
                let mut out = Vec::new();
                event_json::write(store, stream, number, form, &mut out);
                serde_json::from_slice(&out).unwrap()
            })
            .collect()
    }

    #[test]
    fn there_are_exactly_as_many_events_as_asked_for() {
        for (events, days) in [(0, 30), (1, 30), (17, 2), (12_000, 30), (60_001, 7), (3_000_000, 30)] {
            let store = store(SeededData { events, days, ..SeededData::default() });
            let mut count = 0;
            for stream in Stream::ALL {
                let (oldest, now) = (store.oldest(stream), store.arrived_before(stream, NOW));
                count += now - oldest;
                if now > oldest {
                    let (_, arrival) = store.times(stream, oldest);
                    assert!(arrival >= NOW - i64::from(days) * DAY);
                }
            }
            assert_eq!(count, events, "{events} events in {days} days");
        }
    }

    #[test]
    fn even_hours_are_alike_and_office_hours_are_not() {
        let busiest_and_quietest = |rhythm| {
            let store = store(SeededData { events: 100_000, rhythm, ..SeededData::default() });
            let within = |hour: i64| {
                let before = |hour| store.arrived_before(Stream::ItemUsages, NOW - hour * HOUR);
                before(hour) - before(hour + 1)
            };
            let counts: Vec<u64> = (0..168).map(within).collect();
            (*counts.iter().max().unwrap(), *counts.iter().min().unwrap())
        };
        let (most, least) = busiest_and_quietest(Rhythm::Office);
        assert!(most > 10 * least, "{most} and {least}");
        let (most, least) = busiest_and_quietest(Rhythm::Even);
        // The export of the incident lies on top.
        assert!(least >= 60 && most <= least + 40, "{most} and {least}");
    }

    #[test]
    fn every_item_is_json_whose_uuid_and_time_are_the_truth() {
        for form in [ApiForm::V1, ApiForm::V2] {
            let store = store(SeededData { events: 3_000, ..SeededData::default() });
            let mut uuids = std::collections::HashSet::new();
            for stream in Stream::ALL {
                for (place, item) in items(&store, stream, form).iter().enumerate() {
                    let number = store.oldest(stream) + place as u64;
                    assert_eq!(item["uuid"], store.uuid(stream, number));
                    assert!(uuids.insert(item["uuid"].to_string()));
                    let time = item["timestamp"].as_str().unwrap();
                    let time = chrono::DateTime::parse_from_rfc3339(time).unwrap();
                    let (happened, arrived) = store.times(stream, number);
                    assert_eq!(time.timestamp_nanos_opt(), Some(happened));
                    assert!(happened <= arrived && arrived - happened <= LONGEST_DELAY);
                    assert_eq!(item.get("account_uuid").is_some(), form == ApiForm::V2);
                }
            }
        }
    }

    #[test]
    fn some_events_are_late_and_some_stamps_are_equal() {
        let store = store(SeededData::default());
        let stream = Stream::ItemUsages;
        let times: Vec<(i64, i64)> = (store.oldest(stream)..store.arrived_before(stream, NOW))
            .map(|number| store.times(stream, number))
            .collect();
        assert!(times.iter().any(|(happened, arrived)| arrived - happened > 3600 * SECOND));
        assert!(times.windows(2).any(|pair| pair[0].0 > pair[1].0), "stamps are not in order");
        assert!(times.windows(2).any(|pair| pair[0].0 == pair[1].0), "stamps repeat");
    }

    #[test]
    fn the_bytes_depend_on_seed_and_number_alone() {
        let options = SeededData { events: 5_000, ..SeededData::default() };
        let (early, late) = (
            EventStore::new(&options, &ServiceBehavior::default(), NOW),
            EventStore::new(&options, &ServiceBehavior::default(), NOW + 3 * DAY),
        );
        let other = EventStore::new(&SeededData { seed: 2, ..options }, &ServiceBehavior::default(), NOW);
        for stream in Stream::ALL {
            let number = early.arrived_before(stream, NOW) - 1;
            let write = |store: &EventStore| {
                let mut out = Vec::new();
                event_json::write(store, stream, number, ApiForm::V2, &mut out);
                out
            };
            assert_eq!(write(&early), write(&late));
            assert_ne!(write(&early), write(&other));
        }
    }

    #[test]
    fn hostile_items_keep_their_uuid_and_are_often_odd() {
        use serde_json::value::RawValue;
        let store = store(SeededData { events: 4_000, hostile: true, ..SeededData::default() });
        let mut all = Vec::new();
        for stream in Stream::ALL {
            for number in store.oldest(stream)..store.arrived_before(stream, NOW) {
                let start = all.len();
                event_json::write(&store, stream, number, ApiForm::V2, &mut all);
                let text = std::str::from_utf8(&all[start..]).unwrap();
                serde_json::from_str::<&RawValue>(text).unwrap();
                assert!(text.starts_with(&format!("{{\"uuid\":\"{}\"", store.uuid(stream, number))));
            }
        }
        let all = String::from_utf8(all).unwrap();
        for odd in
            ["1e400", r"\ud800", r"\u001b[", "x_twice", "x-from-the-future", "\"location\":null", r"\/"]
        {
            assert!(all.contains(odd), "{odd}");
        }
    }
}

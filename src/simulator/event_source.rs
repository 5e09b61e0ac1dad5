//! Where events come from, seeded or files, and which of them a range holds.
//!
//! The rest of the simulator sees events by number, in arrival order, and never asks what is behind them.

use chrono::{DateTime, Utc};

use super::event_files::EventFiles;
use super::event_json;
use super::event_store::EventStore;
use super::options::{ApiForm, Bound, EventData, FilterBy, ServiceBehavior};
use crate::error::Result;
use crate::event::Stream;

/// A range of time, in nanoseconds since the epoch; an absent bound bounds nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NanosecondRange {
    pub(super) start: Option<i64>,
    pub(super) end: Option<i64>,
}

/// An event as the service knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedEvent {
    /// The stream it is of.
    pub stream: Stream,
    /// Its identifier; empty for one from a file that has none.
    pub uuid: String,
    /// When it happened, as its own timestamp says.
    pub timestamp: DateTime<Utc>,
    /// When it reached the service; for one from a file, when it happened.
    pub arrival: DateTime<Utc>,
    /// Its JSON text.
    pub raw: Vec<u8>,
}

/// All events there are.
#[derive(Debug)]
pub(super) enum EventSource {
    Seeded(Box<EventStore>),
    Files(EventFiles),
}

impl EventSource {
    /// The events that these options speak of, as they stand at `now`.
    ///
    /// # Errors
    /// Fails when a file cannot be read.
    pub(super) fn new(data: &EventData, behavior: &ServiceBehavior, now: i64) -> Result<Self> {
        Ok(match data {
            EventData::Seeded(seeded) => {
                EventSource::Seeded(Box::new(EventStore::new(seeded, behavior, now)))
            }
            EventData::Files(paths) => EventSource::Files(EventFiles::read(paths)?),
        })
    }

    /// The numbers among which the events of a range lie, as far as they have arrived by `now`.
    pub(super) fn numbers(
        &self,
        stream: Stream,
        span: NanosecondRange,
        filter: FilterBy,
        now: i64,
    ) -> (u64, u64) {
        match self {
            EventSource::Files(files) => (0, files.len(stream)),
            EventSource::Seeded(store) => {
                // Nothing arrives before it happens, so that arrival bounds the start either way.
                let first = span.start.map_or(0, |start| store.arrived_before(stream, start));
                let arrived = store.arrived_before(stream, now);
                let last = match (span.end, filter) {
                    (None, _) => arrived,
                    (Some(end), FilterBy::Arrival) => store.arrived_before(stream, end.saturating_add(1)),
                    (Some(end), FilterBy::EventTime) => store.happened_before(stream, end),
                };
                (first.max(store.oldest(stream)), last.min(arrived))
            }
        }
    }

    /// Whether an event is in a range.
    pub(super) fn is_in(
        &self,
        stream: Stream,
        number: u64,
        span: NanosecondRange,
        behavior: &ServiceBehavior,
    ) -> bool {
        let time = match self {
            EventSource::Files(files) => files.time(stream, number),
            EventSource::Seeded(store) => {
                let (happened, arrived) = store.times(stream, number);
                Some(if behavior.filter == FilterBy::Arrival { arrived } else { happened })
            }
        };
        let Some(time) = time else { return true };
        let after = |start| time > start || time == start && behavior.start == Bound::Inclusive;
        let before = |end| time < end || time == end && behavior.end == Bound::Inclusive;
        span.start.is_none_or(after) && span.end.is_none_or(before)
    }

    /// Appends an event's JSON text.
    pub(super) fn write(&self, stream: Stream, number: u64, form: ApiForm, out: &mut Vec<u8>) {
        match self {
            EventSource::Files(files) => out.extend_from_slice(files.raw(stream, number)),
            EventSource::Seeded(store) => event_json::write(store, stream, number, form, out),
        }
    }

    /// Everything that is known of an event.
    pub(super) fn fact(&self, stream: Stream, number: u64, form: ApiForm) -> SimulatedEvent {
        let (uuid, (happened, arrived)) = match self {
            EventSource::Files(files) => {
                let time = files.time(stream, number).unwrap_or_default();
                (files.uuid(stream, number).to_owned(), (time, time))
            }
            EventSource::Seeded(store) => (store.uuid(stream, number), store.times(stream, number)),
        };
        let mut raw = Vec::new();
        self.write(stream, number, form, &mut raw);
        let timestamp = DateTime::from_timestamp_nanos(happened);
        SimulatedEvent { stream, uuid, timestamp, arrival: DateTime::from_timestamp_nanos(arrived), raw }
    }
}

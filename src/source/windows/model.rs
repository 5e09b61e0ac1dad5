//! A model of the service, for tests: every way in which it may treat bounds, order, cursors and ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Utc};

use super::Fetch;
use crate::api::endpoint::PageRequest;
use crate::event::Stream;
use crate::page::{Cursor, Next, Page, Span};

/// An event of the model: its number is its text and its uuid.
#[derive(Clone, Copy, Debug)]
pub(super) struct ModelEvent {
    pub(super) time: i64,
    pub(super) arrival: i64,
}

/// How the service behaves.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Behaviour {
    pub(super) filters_by_arrival: bool,
    pub(super) orders_by_time: bool,
    pub(super) forgets_end: bool,
    pub(super) since_inclusive: bool,
    pub(super) until_inclusive: bool,
    pub(super) empty_last_page: bool,
    /// How many events of a page are given again on the next.
    pub(super) repeats: usize,
    /// The bytes of an event.
    pub(super) event_bytes: usize,
}

/// The service.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) events: Vec<ModelEvent>,
    pub(super) behaviour: Behaviour,
    /// The numbers of the events in the order of the service.
    order: Vec<usize>,
    /// Whether every event arrived when it happened.
    is_simple: bool,
    pub(super) requests: AtomicUsize,
    pub(super) full_pages: AtomicUsize,
}

/// Times of the model are in milliseconds.
pub(super) fn at(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap()
}

impl Model {
    pub(super) fn new(mut events: Vec<ModelEvent>, behaviour: Behaviour) -> Arc<Self> {
        events.sort_by_key(|event| event.arrival);
        let mut order: Vec<usize> = (0..events.len()).collect();
        if behaviour.orders_by_time {
            order.sort_by_key(|number| events[*number].time);
        }
        let is_simple = events.iter().all(|event| event.time == event.arrival);
        Arc::new(Model { events, behaviour, order, is_simple, requests: 0.into(), full_pages: 0.into() })
    }

    pub(super) fn fetch(self: &Arc<Self>) -> Fetch {
        let model = Arc::clone(self);
        Arc::new(move |stream, ask| Ok(model.answer(stream, ask)))
    }

    /// Answers like the service. A cursor's text is: place, limit, since, until, the events to repeat.
    pub(super) fn answer(&self, stream: Stream, ask: &PageRequest) -> Page {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let nanos = |time: &DateTime<Utc>| time.timestamp_nanos_opt().unwrap().to_string();
        let text = match ask {
            PageRequest::First { limit, since, until } => {
                let since = since.as_ref().map_or("-".into(), nanos);
                format!("0,{limit},{since},{},", until.as_ref().map_or("-".into(), nanos))
            }
            PageRequest::Cursor(cursor) => cursor.as_str().to_owned(),
        };
        let mut parts = text.split(',');
        let mut part = || parts.next().unwrap();
        let (place, limit): (usize, usize) = (part().parse().unwrap(), part().parse().unwrap());
        let (since, until) = (part(), part());
        let (after, before) = (since.parse().ok(), until.parse().ok());
        let mut numbers: Vec<usize> = part().split_whitespace().map(|n| n.parse().unwrap()).collect();

        // Where arrival is time and time the order, what came before the start need not be looked at.
        let place = match (after, self.is_simple) {
            (Some(after), true) => {
                place.max(self.events.partition_point(|event| 1_000_000 * event.time < after))
            }
            _ => place,
        };
        let mut matching = (place..self.order.len()).filter(|p| self.holds(self.order[*p], after, before));
        let places: Vec<usize> = matching.by_ref().take(limit).collect();
        let is_more = matching.next().is_some();
        let new: Vec<usize> = places.iter().map(|p| self.order[*p]).collect();
        self.full_pages.fetch_add(usize::from(new.len() == limit), Ordering::Relaxed);
        let again = new[new.len().saturating_sub(self.behaviour.repeats)..].iter();
        let again = again.map(usize::to_string).collect::<Vec<_>>().join(" ");
        numbers.extend(&new);

        let next = places.last().map_or(place, |last| last + 1);
        let until = if self.behaviour.forgets_end { "-" } else { until };
        let cursor = Cursor::new(format!("{next},{limit},{since},{until},{again}"));
        let is_more = is_more || (self.behaviour.empty_last_page && !new.is_empty());
        self.page(stream, &numbers, if is_more { Next::More(cursor) } else { Next::CaughtUp(Some(cursor)) })
    }

    fn holds(&self, number: usize, since: Option<i64>, until: Option<i64>) -> bool {
        let ModelEvent { time, arrival } = self.events[number];
        let by = 1_000_000 * if self.behaviour.filters_by_arrival { arrival } else { time };
        since.is_none_or(|since| by > since || (by == since && self.behaviour.since_inclusive))
            && until.is_none_or(|until| by < until || (by == until && self.behaviour.until_inclusive))
    }

    fn page(&self, stream: Stream, numbers: &[usize], next: Next) -> Page {
        let mut body = Vec::new();
        let mut spans = Vec::new();
        for number in numbers {
            let start = body.len();
            body.extend(number.to_string().bytes());
            let uuid = start..body.len();
            body.resize(body.len().max(start + self.behaviour.event_bytes), b' ');
            spans.push(Span {
                raw: start..body.len(),
                uuid: Some(uuid),
                time: Some(at(self.events[*number].time)),
            });
        }
        body.shrink_to_fit();
        Page { stream, body, spans, next, received_at: at(0), has_lines: false, origins: Vec::new() }
    }
}

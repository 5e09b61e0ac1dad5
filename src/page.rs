//! A page: the events of one answer, and the cursor for the next request.
//!
//! The unit that travels `source -> encode -> output`. It owns the answer's bytes; events are ranges of them,
//! so that a page needs one buffer however many events it holds. A block of a file is such a page, too.

use std::ops::Range;

use chrono::{DateTime, Utc};

use crate::event::{Event, Stream};

/// A position in a stream, as the service gave it: opaque, and never built by this program.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cursor(String);

impl Cursor {
    /// Wraps the decoded text of a cursor that came from the service or from a saved position.
    pub fn new(text: impl Into<String>) -> Self {
        Cursor(text.into())
    }

    /// The cursor's text, to be sent back as it is.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the service says comes after a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// More may be had at once (`has_more: true`); the next page can still be empty.
    More(Cursor),
    /// Nothing more now. v1 and v2 give a cursor to ask with later; v3 gives none.
    CaughtUp(Option<Cursor>),
}

impl Next {
    /// The cursor to ask with, when there is one.
    pub fn cursor(&self) -> Option<&Cursor> {
        match self {
            Next::More(cursor) => Some(cursor),
            Next::CaughtUp(cursor) => cursor.as_ref(),
        }
    }
}

/// The range of an event in the page's body, and what the scan found in it.
#[derive(Clone, Debug)]
pub struct Span {
    /// The item's JSON text.
    pub raw: Range<usize>,
    /// The text between the quotes of its top-level `uuid`; the last one where the key is repeated.
    pub uuid: Option<Range<usize>>,
    /// Its top-level `timestamp`.
    pub time: Option<DateTime<Utc>>,
}

/// When and for whom an event was read from the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// When its answer was complete.
    pub received_at: DateTime<Utc>,
    /// The number of the account that a file names; 0 for the run's own.
    pub account: u32,
}

impl Reading {
    /// A reading by the run itself.
    pub fn at(received_at: DateTime<Utc>) -> Self {
        Reading { received_at, account: 0 }
    }
}

/// What a file says of an event beside the event itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventOrigin {
    /// The event's stream.
    pub stream: Stream,
    /// When and for whom it was read.
    pub reading: Reading,
    /// What the filter makes of it, where it was asked on the thread that read the file.
    pub selected: Selected,
}

/// What a filter made of an event on the thread that read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selected {
    /// It was not asked.
    Open,
    /// It wants the event as it is.
    AsItIs,
    /// JSON texts come instead of the event: the lines in this range of the page's body.
    Instead {
        /// Where the first begins.
        start: usize,
        /// Behind the last one's line break.
        end: usize,
    },
}

/// The events of one answer, and what the service says comes next.
#[derive(Clone, Debug)]
pub struct Page {
    /// The stream whose endpoint answered; of a file's page, the stream of one of its events.
    pub stream: Stream,
    /// The decoded body of the answer; between events it may have been changed.
    pub body: Vec<u8>,
    /// The events in the order of the answer.
    pub spans: Vec<Span>,
    /// What comes after.
    pub next: Next,
    /// When the answer was complete.
    pub received_at: DateTime<Utc>,
    /// Whether each event is one line of the body, with its line break.
    pub has_lines: bool,
    /// What a file says of each event; empty for an answer of the service, whose events are all alike.
    pub origins: Vec<EventOrigin>,
}

impl Page {
    /// A page of events that are nothing but their uuids, each with a time or none, for tests of sources.
    #[cfg(test)]
    pub(crate) fn of_uuids(
        stream: Stream,
        events: impl Iterator<Item = (String, Option<DateTime<Utc>>)>,
        next: Next,
    ) -> Page {
        let (mut body, mut spans) = (Vec::new(), Vec::new());
        for (uuid, time) in events {
            let start = body.len();
            body.extend_from_slice(uuid.as_bytes());
            spans.push(Span { raw: start..body.len(), uuid: Some(start..body.len()), time });
        }
        let (received_at, origins) = (DateTime::UNIX_EPOCH, Vec::new());
        Page { stream, body, spans, next, received_at, has_lines: false, origins }
    }

    /// The events, in the order of the answer.
    pub fn events(&self) -> impl ExactSizeIterator<Item = Event<'_>> + Clone {
        (0..self.spans.len()).map(|index| self.event_at(index))
    }

    /// The event at `index`, counted from 0 in the order of the answer.
    ///
    /// # Panics
    /// Panics when the page has no such event.
    pub fn event_at(&self, index: usize) -> Event<'_> {
        let span = &self.spans[index];
        Event {
            stream: self.origins.get(index).map_or(self.stream, |origin| origin.stream),
            raw: &self.body[span.raw.clone()],
            uuid: span.uuid.clone().map(|range| &self.body[range]),
            time: span.time,
        }
    }

    /// When and for whom the event at `index` was read from the service.
    pub fn reading(&self, index: usize) -> Reading {
        self.origins.get(index).map_or(Reading::at(self.received_at), |origin| origin.reading)
    }

    /// What the filter made of the event at `index` where it was read.
    pub fn selected(&self, index: usize) -> Selected {
        self.origins.get(index).map_or(Selected::Open, |origin| origin.selected)
    }

    /// Puts a line break behind each event, in place of the comma or bracket there; none may have one within.
    pub fn with_lines(mut self) -> Self {
        for span in &self.spans {
            // After an item there is always a byte: a comma or the end of the list.
            if let Some(behind) = self.body.get_mut(span.raw.end) {
                *behind = b'\n';
            }
        }
        self.has_lines = self.spans.last().is_none_or(|span| span.raw.end < self.body.len());
        self
    }

    /// The range of the event at `index` with its line break; none if it does not lie on a line of its own.
    pub fn line_at(&self, index: usize) -> Option<Range<usize>> {
        let span = self.spans.get(index).filter(|_| self.has_lines)?;
        Some(span.raw.start..span.raw.end + 1)
    }

    /// Drops the events of which `keep`, asked with their indexes in order, says so.
    pub fn retain(&mut self, mut keep: impl FnMut(usize) -> bool) {
        let kept: Vec<bool> = (0..self.spans.len()).map(&mut keep).collect();
        let mut of_span = kept.iter();
        self.spans.retain(|_| of_span.next().is_none_or(|keep| *keep));
        let mut of_origin = kept.iter();
        self.origins.retain(|_| of_origin.next().is_none_or(|keep| *keep));
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }
}

//! The last events of a look back, and nothing of those before them.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};

use crate::event::{Event, Stream};

/// The last events that were put in, in order; bounded by their number.
#[derive(Debug)]
pub(super) struct Newest {
    most: usize,
    rows: VecDeque<Row>,
}

/// An event that outlives its page.
#[derive(Debug)]
struct Row {
    stream: Stream,
    raw: Vec<u8>,
    uuid: Option<Vec<u8>>,
    time: Option<DateTime<Utc>>,
    received_at: DateTime<Utc>,
}

impl Newest {
    /// Room for so many.
    pub(super) fn new(most: u64) -> Self {
        Newest { most: usize::try_from(most).unwrap_or(usize::MAX), rows: VecDeque::new() }
    }

    /// Puts an event in; the first goes out when there are too many.
    pub(super) fn push(&mut self, event: &Event<'_>, received_at: DateTime<Utc>) {
        if self.rows.len() == self.most {
            self.rows.pop_front();
        }
        if self.rows.len() < self.most {
            let (raw, uuid) = (event.raw.to_vec(), event.uuid.map(<[u8]>::to_vec));
            self.rows.push_back(Row { stream: event.stream, raw, uuid, time: event.time, received_at });
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are as many as there is room for.
    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= self.most
    }

    /// The events, in order, and when they were received.
    pub(super) fn events(&self) -> impl Iterator<Item = (Event<'_>, DateTime<Utc>)> {
        self.rows.iter().map(|row| {
            let Row { stream, raw, uuid, time, received_at } = row;
            (Event { stream: *stream, raw, uuid: uuid.as_deref(), time: *time }, *received_at)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_stay() {
        for (most, left) in [(0, ""), (2, "de"), (9, "abcde")] {
            let mut newest = Newest::new(most);
            for raw in ["a", "b", "c", "d", "e"] {
                let raw = raw.as_bytes();
                let event = Event { stream: Stream::AuditEvents, raw, uuid: None, time: None };
                newest.push(&event, DateTime::UNIX_EPOCH);
            }
            let found: Vec<u8> = newest.events().flat_map(|(event, _)| event.raw.to_vec()).collect();
            assert_eq!(String::from_utf8(found).unwrap(), left);
            assert_eq!((newest.len(), newest.is_full()), (left.len(), most < 9));
        }
    }
}

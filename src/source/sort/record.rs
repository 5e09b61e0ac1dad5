//! An event with what it is sorted by: in memory, and as bytes.

use std::cmp::Ordering;
use std::io;

use chrono::{DateTime, Utc};

use crate::event::{Event, Stream};
use crate::page::Reading;

/// The place of a uuid for events that have none.
const NO_UUID: u32 = u32::MAX;

/// What an event is sorted by, and how long its text is.
#[derive(Clone, Copy, Debug)]
pub(super) struct SortKey {
    /// Its own time, or the one it is sorted by in its place.
    pub(super) time: DateTime<Utc>,
    has_time: bool,
    stream: Stream,
    /// The number of the event in order of arrival.
    arrival: u64,
    reading: Reading,
    len: u32,
    /// Where its uuid lies in its text, and how long it is.
    uuid: (u32, u32),
}

/// An event with its key.
#[derive(Clone, Copy, Debug)]
pub(super) struct SortRecord<'a> {
    pub(super) key: SortKey,
    pub(super) text: &'a [u8],
}

impl SortKey {
    /// The bytes of a key: two times of 12, a number of 8, four of 4, and two bytes.
    pub(super) const BYTES: usize = 2 * 12 + 8 + 4 * 4 + 2;

    /// The key of an event that is sorted by `time`.
    pub(super) fn of(event: &Event<'_>, time: DateTime<Utc>, arrival: u64, reading: Reading) -> Self {
        let uuid = event.uuid.and_then(|uuid| {
            let offset = uuid.as_ptr().addr().checked_sub(event.raw.as_ptr().addr())?;
            (offset + uuid.len() <= event.raw.len()).then_some((offset as u32, uuid.len() as u32))
        });
        SortKey {
            time,
            has_time: event.time.is_some(),
            stream: event.stream,
            arrival,
            reading,
            len: event.raw.len() as u32,
            uuid: uuid.unwrap_or((NO_UUID, 0)),
        }
    }

    /// How long the event's text is.
    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    fn write(&self, out: &mut Vec<u8>) {
        for time in [self.time, self.reading.received_at] {
            out.extend_from_slice(&time.timestamp().to_le_bytes());
            out.extend_from_slice(&time.timestamp_subsec_nanos().to_le_bytes());
        }
        out.extend_from_slice(&self.arrival.to_le_bytes());
        for number in [self.len, self.uuid.0, self.uuid.1, self.reading.account] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&[self.stream as u8, u8::from(self.has_time)]);
    }

    /// Reads what [`SortKey::write`] wrote.
    ///
    /// # Errors
    /// Fails where the bytes are too few or are no key: the scratch file was changed by somebody else.
    pub(super) fn read(mut bytes: &[u8]) -> io::Result<Self> {
        let (time, received_at) = (take_time(&mut bytes)?, take_time(&mut bytes)?);
        let arrival = u64::from_le_bytes(take(&mut bytes)?);
        let mut number = || take(&mut bytes).map(u32::from_le_bytes);
        let (len, uuid) = (number()?, (number()?, number()?));
        let reading = Reading { received_at, account: number()? };
        let [stream, has_time] = take(&mut bytes)?;
        let stream = *Stream::ALL.get(usize::from(stream)).ok_or(io::ErrorKind::InvalidData)?;
        Ok(SortKey { time, has_time: has_time == 1, stream, arrival, reading, len, uuid })
    }
}

impl<'a> SortRecord<'a> {
    /// The event.
    pub(super) fn event(&self) -> Event<'a> {
        let (time, stream) = (self.key.has_time.then_some(self.key.time), self.key.stream);
        Event { stream, raw: self.text, uuid: self.uuid(), time }
    }

    /// When and for whom it was read.
    pub(super) fn reading(&self) -> Reading {
        self.key.reading
    }

    /// Its uuid, if it has one.
    pub(super) fn uuid(&self) -> Option<&'a [u8]> {
        let (at, len) = self.key.uuid;
        self.text.get(at as usize..at as usize + len as usize)
    }

    /// The order: timestamp, stream, uuid, arrival.
    pub(super) fn order(&self, other: &SortRecord<'_>) -> Ordering {
        let (a, b) = (&self.key, &other.key);
        let by_uuid = || self.uuid().unwrap_or_default().cmp(other.uuid().unwrap_or_default());
        (a.time, a.stream).cmp(&(b.time, b.stream)).then_with(by_uuid).then(a.arrival.cmp(&b.arrival))
    }

    /// How many bytes [`SortRecord::write`] appends.
    pub(super) fn bytes(&self) -> usize {
        SortKey::BYTES + self.text.len()
    }

    /// Appends its bytes: the key, then the text.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        self.key.write(out);
        out.extend_from_slice(self.text);
    }
}

fn take_time(bytes: &mut &[u8]) -> io::Result<DateTime<Utc>> {
    let seconds = i64::from_le_bytes(take(bytes)?);
    let nanos = u32::from_le_bytes(take(bytes)?);
    DateTime::from_timestamp(seconds, nanos).ok_or(io::ErrorKind::InvalidData.into())
}

fn take<const N: usize>(bytes: &mut &[u8]) -> io::Result<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk().ok_or(io::ErrorKind::UnexpectedEof)?;
    *bytes = rest;
    Ok(*first)
}

//! Batches: events of one stream on their way to a receiver, which says when it has them.
//!
//! A batch ends by count, bytes or age. Its id is a function of the stream, the position it begins at and the
//! events in it, so that one that is offered again has the same id. Sends nothing: a [`Receiver`] does.

use std::fmt;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use flate2::{Compression, GzBuilder};
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::event::{Event, Stream};
use crate::identity;

/// When a batch ends, and how it is written.
#[derive(Clone, Copy, Debug)]
pub struct BatchOptions {
    /// The most events.
    pub max_events: usize,
    /// The most bytes, before compression; one event alone may have more.
    pub max_bytes: usize,
    /// The most bytes of one event that the receiver is known to take.
    pub max_event_bytes: usize,
    /// How long the first event may wait for others; none for as long as more of them can be had.
    pub wait: Option<Duration>,
    /// How events follow each other.
    pub form: BatchForm,
    /// Whether it is compressed with gzip.
    pub is_gzip: bool,
}

/// How events follow each other in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchForm {
    /// A line each.
    Lines,
    /// The elements of one JSON array.
    Array,
}

/// A batch to be delivered.
#[derive(Clone, Debug)]
pub struct Batch {
    /// What tells it from every other batch: 32 hexadecimal digits.
    pub id: String,
    /// The stream of its events.
    pub stream: Stream,
    /// How many events it holds.
    pub events: usize,
    /// What is sent, compressed where that is wanted.
    pub body: Arc<[u8]>,
    /// Its events, a line each.
    lines: Arc<[u8]>,
}

/// What became of a batch.
#[derive(Debug)]
pub enum Verdict {
    /// The receiver has it.
    Accepted,
    /// The receiver will never take it; offering it again is of no use.
    Rejected(Error),
}

/// Whoever takes batches.
pub trait Receiver: Send + std::fmt::Debug {
    /// Offers a batch until the receiver has it, or has refused it for good.
    ///
    /// # Errors
    /// Fails where the batch could not be handed over in time, and when cancelled; it then counts as not
    /// delivered, whatever the receiver did with it.
    fn deliver(&mut self, batch: &Batch) -> Result<Verdict>;

    /// Whether an event of this time fits into the open batch beside its other events.
    fn has_room(&self, _time: Option<DateTime<Utc>>) -> bool {
        true
    }

    /// Keeps the line of an event of the open batch itself, because batches are too large for memory; false
    /// where it wants the batch's body instead.
    ///
    /// # Errors
    /// Fails with `Output` where the line cannot be kept.
    fn keep(&mut self, _time: Option<DateTime<Utc>>, _line: &[u8]) -> Result<bool> {
        Ok(false)
    }
}

/// The batch that was offered last and is not known to be accepted: what makes it the same again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingBatch {
    /// Its id.
    pub id: String,
    /// How many events it holds.
    pub events: usize,
    /// When its events were read, as its bytes say.
    pub received_at: DateTime<Utc>,
}

/// A batch that is being filled.
#[derive(Debug)]
pub(super) struct OpenBatch {
    pub(super) options: BatchOptions,
    lines: Vec<u8>,
    /// Where each line ends, its line break included.
    ends: Vec<usize>,
    /// How many events it holds.
    events: usize,
    /// The bytes of their lines, wherever these are kept.
    bytes: usize,
    /// Where it begins and which events it holds: what its id is made of.
    contents: Contents,
    /// The clock's time, and the events' time of reading, of the first event.
    begun: Option<(Duration, DateTime<Utc>)>,
    /// The next event did not fit.
    is_closed: bool,
}

impl OpenBatch {
    pub(super) fn new(options: BatchOptions) -> Self {
        OpenBatch {
            options,
            lines: Vec::new(),
            ends: Vec::new(),
            events: 0,
            bytes: 0,
            contents: Contents::default(),
            begun: None,
            is_closed: false,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events == 0
    }

    /// How many events it holds.
    pub(super) fn events(&self) -> usize {
        self.events
    }

    /// When its first event was read.
    pub(super) fn received_at(&self) -> Option<DateTime<Utc>> {
        self.begun.map(|(_, received_at)| received_at)
    }

    /// Whether nothing more fits.
    pub(super) fn is_full(&self) -> bool {
        self.is_closed
            || self.events >= self.options.max_events
            || self.body_bytes() >= self.options.max_bytes
    }

    /// How long until it is delivered though it is not full; none where that is not by time.
    pub(super) fn due_in(&self, elapsed: Duration) -> Option<Duration> {
        let (begun, _) = self.begun?;
        Some((begun + self.options.wait?).saturating_sub(elapsed))
    }

    /// Whether a line of this length, its break included, fits; one always fits into an empty batch.
    /// Where it does not, the batch is full.
    pub(super) fn fits(&mut self, length: usize) -> bool {
        let fits = self.is_empty()
            || self.body_bytes_with(self.bytes + length, self.events + 1) <= self.options.max_bytes;
        self.is_closed |= !fits;
        fits
    }

    /// Takes nothing more.
    pub(super) fn close(&mut self) {
        self.is_closed |= !self.is_empty();
    }

    /// Adds an event as a line, unless its receiver keeps the line. `place` tells where a batch begins: its
    /// account, consumer, stream and position.
    pub(super) fn push(
        &mut self,
        event: &Event<'_>,
        (line, is_kept): (&[u8], bool),
        place: impl FnOnce() -> Vec<String>,
        begun: (Duration, DateTime<Utc>),
    ) {
        if self.is_empty() {
            self.contents = Contents::default();
            self.contents.add(b"opev batch 1\0");
            for part in place() {
                self.contents.add(part.as_bytes());
                self.contents.add(&[0]);
            }
        }
        self.contents.add(&identity::of(event).to_le_bytes());
        self.begun.get_or_insert(begun);
        self.events += 1;
        self.bytes += line.len();
        if !is_kept {
            self.lines.extend_from_slice(line);
            self.ends.push(self.lines.len());
        }
    }

    /// Closes it; none where it holds nothing.
    pub(super) fn take(&mut self, stream: Stream) -> Option<Batch> {
        if self.is_empty() {
            return None;
        }
        let batch = std::mem::replace(self, OpenBatch::new(self.options));
        let id = batch.contents.0.clone().finish();
        let id = id.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        let plain = batch.plain_body();
        let body = if self.options.is_gzip { compressed(&plain) } else { plain };
        Some(Batch { id, stream, events: batch.events, body: body.into(), lines: batch.lines.into() })
    }

    /// The bytes of its body as it is now.
    fn body_bytes(&self) -> usize {
        self.body_bytes_with(self.bytes, self.events)
    }

    fn body_bytes_with(&self, lines: usize, events: usize) -> usize {
        match self.options.form {
            BatchForm::Lines => lines,
            // A comma in the place of each line break but the last, and two brackets.
            BatchForm::Array => lines + 2 - events.min(1),
        }
    }

    fn plain_body(&self) -> Vec<u8> {
        if self.options.form == BatchForm::Lines {
            return self.lines.clone();
        }
        let mut body = Vec::with_capacity(self.lines.len() + 2);
        let (mut start, mut before) = (0, b'[');
        for &end in &self.ends {
            body.push(before);
            let line = self.lines[start..end].trim_ascii_end();
            // An array is JSON, which is UTF-8.
            body.extend_from_slice(String::from_utf8_lossy(line).as_bytes());
            (start, before) = (end, b',');
        }
        body.push(b']');
        body
    }
}

impl Batch {
    /// A batch whose receiver keeps its lines.
    #[cfg(test)]
    pub(super) fn kept_elsewhere(id: &str, stream: Stream, events: usize) -> Self {
        Batch { id: id.to_owned(), stream, events, body: Arc::default(), lines: Arc::default() }
    }

    /// Its events, a line each, for a file of batches that were rejected.
    pub fn lines(&self) -> &[u8] {
        &self.lines
    }
}

/// The digest of what makes a batch's id.
struct Contents(Context);

impl Contents {
    fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

impl Default for Contents {
    fn default() -> Self {
        Contents(Context::new(&SHA256))
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Contents")
    }
}

/// The same bytes for the same input: no time, no name.
fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
    // Writing to a Vec cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    const OPTIONS: BatchOptions = BatchOptions {
        max_events: 3,
        max_bytes: 20,
        max_event_bytes: 20,
        wait: Some(Duration::from_secs(5)),
        form: BatchForm::Lines,
        is_gzip: false,
    };

    fn push(batch: &mut OpenBatch, line: &str, cursor: &str, at: u64) {
        let event = Event { stream: Stream::ItemUsages, raw: line.as_bytes(), uuid: None, time: None };
        let place = || vec!["account".to_owned(), cursor.to_owned()];
        batch.push(
            &event,
            (format!("{line}\n").as_bytes(), false),
            place,
            (Duration::from_secs(at), DateTime::UNIX_EPOCH),
        );
    }

    #[test]
    fn a_batch_ends_by_count_and_by_bytes_and_one_event_always_fits() {
        let mut batch = OpenBatch::new(OPTIONS);
        assert!(batch.fits(100) && !batch.is_full());
        push(&mut batch, "{\"a\":1}", "c", 1);
        assert!(batch.fits(12) && !batch.is_full());
        assert!(!batch.fits(13) && batch.is_full(), "8 and 13 are more than 20");
        assert_eq!(batch.take(Stream::ItemUsages).unwrap().events, 1);
        for _ in 0..3 {
            assert!(!batch.is_full());
            push(&mut batch, "7", "c", 1);
        }
        assert!(batch.is_full());
        assert_eq!(&*batch.take(Stream::ItemUsages).unwrap().body, b"7\n7\n7\n");
        assert!(batch.take(Stream::ItemUsages).is_none());
    }

    #[test]
    fn an_array_is_json_of_the_bytes_that_were_counted() {
        for events in 1..4 {
            let options = BatchOptions { form: BatchForm::Array, max_bytes: 1_000, max_events: 9, ..OPTIONS };
            let mut batch = OpenBatch::new(options);
            for _ in 0..events {
                push(&mut batch, "{\"a\":1}", "c", 1);
            }
            let counted = batch.body_bytes();
            let batch = batch.take(Stream::ItemUsages).unwrap();
            assert_eq!(batch.body.len(), counted);
            let read: Vec<serde_json::Value> = serde_json::from_slice(&batch.body).unwrap();
            assert_eq!((read.len(), batch.lines().len()), (events, 8 * events));
        }
    }

    #[test]
    fn the_id_is_of_place_and_events_and_not_of_time() {
        let id = |cursor, lines: &[&str], at| {
            let mut batch = OpenBatch::new(OPTIONS);
            lines.iter().for_each(|line| push(&mut batch, line, cursor, at));
            batch.take(Stream::ItemUsages).unwrap().id
        };
        assert_eq!(id("c", &["1", "2"], 1), id("c", &["1", "2"], 9));
        let all =
            [id("c", &["1", "2"], 1), id("d", &["1", "2"], 1), id("c", &["1"], 1), id("c", &["2", "1"], 1)];
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
    }

    #[test]
    fn it_is_due_after_its_wait() {
        let mut batch = OpenBatch::new(OPTIONS);
        assert_eq!(batch.due_in(Duration::from_secs(9)), None);
        push(&mut batch, "1", "c", 10);
        push(&mut batch, "2", "c", 13);
        assert_eq!(batch.due_in(Duration::from_secs(12)), Some(Duration::from_secs(3)));
        assert_eq!(batch.due_in(Duration::from_secs(20)), Some(Duration::ZERO));
    }

    #[test]
    fn compression_gives_the_same_bytes_again() {
        let mut text = String::new();
        let bytes = compressed(b"one\ntwo\n");
        flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), bytes), ("one\ntwo\n", compressed(b"one\ntwo\n")));
    }
}

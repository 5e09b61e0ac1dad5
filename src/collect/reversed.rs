//! Events in the opposite order: held in memory, and beyond a budget in an unnamed temporary file.
//!
//! Pieces of up to the budget are written one after another and read back from the last to the first.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};

use chrono::{DateTime, Utc};

use crate::disk::real::scratch;
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, Stream};
use crate::page::Reading;

/// How many bytes of events are held in memory.
const BUDGET: usize = 32 << 20;

/// Collects events and gives the last one first.
#[derive(Debug)]
pub(super) struct ReversedEvents {
    budget: usize,
    held: Piece,
    file: Option<File>,
    /// The lengths of the pieces in the file, with their events.
    written: Vec<Vec<Place>>,
}

#[derive(Debug, Default)]
struct Piece {
    text: Vec<u8>,
    places: Vec<Place>,
}

/// An event in a piece.
#[derive(Clone, Copy, Debug)]
struct Place {
    stream: Stream,
    time: Option<DateTime<Utc>>,
    reading: Reading,
    end: usize,
    /// Where its uuid lies in its text.
    uuid: Option<(u32, u32)>,
}

impl ReversedEvents {
    /// Holds nothing.
    pub(super) fn new() -> Self {
        ReversedEvents { budget: BUDGET, held: Piece::default(), file: None, written: Vec::new() }
    }

    /// Adds an event.
    ///
    /// # Errors
    /// `Output`, when the temporary file cannot be written.
    pub(super) fn push(&mut self, event: &Event<'_>, reading: Reading) -> Result<()> {
        self.held.text.extend_from_slice(event.raw);
        let uuid = event.uuid.and_then(|uuid| {
            let at = uuid.as_ptr().addr().checked_sub(event.raw.as_ptr().addr())?;
            (at + uuid.len() <= event.raw.len()).then_some((at as u32, uuid.len() as u32))
        });
        let (stream, time, end) = (event.stream, event.time, self.held.text.len());
        self.held.places.push(Place { stream, time, reading, end, uuid });
        if self.held.text.len() >= self.budget { self.write().map_err(failure) } else { Ok(()) }
    }

    fn write(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(scratch()?),
        };
        file.write_all(&self.held.text)?;
        self.written.push(std::mem::take(&mut self.held.places));
        self.held.text.clear();
        Ok(())
    }

    /// Gives the events to `each`, the last one first, until it returns false or fails.
    ///
    /// # Errors
    /// Fails when `each` does, or with `Output` when the temporary file cannot be read.
    pub(super) fn drain(mut self, mut each: impl FnMut(&Event<'_>, Reading) -> Result<bool>) -> Result<()> {
        let mut piece = std::mem::take(&mut self.held);
        loop {
            if !piece.drain(&mut each)? {
                return Ok(());
            }
            let (Some(places), Some(file)) = (self.written.pop(), &mut self.file) else { return Ok(()) };
            let length = places.last().map_or(0, |place| place.end);
            piece.text.resize(length, 0);
            let mut read = || -> io::Result<()> {
                let end = file.stream_position()?;
                let start = file.seek(SeekFrom::Start(end.saturating_sub(length as u64)))?;
                file.read_exact(&mut piece.text)?;
                file.seek(SeekFrom::Start(start)).map(drop)
            };
            read().map_err(failure)?;
            piece.places = places;
        }
    }
}

impl Piece {
    fn drain(&self, each: &mut impl FnMut(&Event<'_>, Reading) -> Result<bool>) -> Result<bool> {
        for (index, place) in self.places.iter().enumerate().rev() {
            let start = index.checked_sub(1).map_or(0, |before| self.places[before].end);
            let raw = &self.text[start..place.end];
            let uuid = place.uuid.map(|(at, length)| &raw[at as usize..(at + length) as usize]);
            let event = Event { stream: place.stream, raw, uuid, time: place.time };
            if !each(&event, place.reading)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn failure(error: io::Error) -> Error {
    Error::new(ErrorKind::Output, "cannot use a temporary file for the opposite order")
        .because(error)
        .hint("make room in the temporary directory, or set TMPDIR to one that has it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_comes_first_in_memory_and_from_a_file() {
        for budget in [1, 5, 8, 1000] {
            let mut events = ReversedEvents { budget, ..ReversedEvents::new() };
            let texts: Vec<String> = (0..20).map(|number| format!("\"u{number}\"")).collect();
            for text in &texts {
                let raw = text.as_bytes();
                let uuid = Some(&raw[1..raw.len() - 1]);
                let event = Event { stream: Stream::AuditEvents, raw, uuid, time: None };
                events.push(&event, Reading::at(DateTime::UNIX_EPOCH)).unwrap();
            }
            let mut found = Vec::new();
            let each = |event: &Event<'_>, _| {
                found.push(String::from_utf8_lossy(event.raw).into_owned());
                assert_eq!(event.uuid.unwrap(), &event.raw[1..event.raw.len() - 1]);
                Ok(found.len() < 19)
            };
            events.drain(each).unwrap();
            assert!(found.iter().eq(texts.iter().rev().take(19)), "{found:?}");
        }
    }
}

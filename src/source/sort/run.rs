//! Runs: records in order, the older ones in the scratch file that all runs share, the newest in memory.

use std::io;
use std::mem;
use std::ops::Range;

use super::Direction;
use super::record::{SortKey, SortRecord};
use crate::scratch::Scratch;

/// How many bytes of the scratch file are read or written at once.
const CHUNK: usize = 64 << 10;

/// Records in order.
#[derive(Debug, Default)]
pub(super) struct SortedRun {
    /// Where its records lie in the scratch file; whole records each.
    segments: Vec<Range<u64>>,
    /// The records after those; whole records each. In pieces, because a buffer that grows is in memory twice.
    tail: Vec<Vec<u8>>,
    held: usize,
}

/// Reads a run from one of its ends.
#[derive(Debug)]
pub(super) struct RunReader {
    direction: Direction,
    segments: std::vec::IntoIter<Range<u64>>,
    /// The rest of the segment that is being read.
    segment: Range<u64>,
    tail: std::vec::IntoIter<Vec<u8>>,
    buffer: Vec<u8>,
    /// The part of the buffer that was not passed yet; what is behind it is old.
    at: usize,
    filled: usize,
    /// Backwards: where the records before the current one begin in the buffer.
    starts: Vec<usize>,
    /// The key of the record at `at`; none at the end of the run.
    key: Option<SortKey>,
}

impl SortedRun {
    /// Adds a record that comes after all others of the run.
    pub(super) fn push(&mut self, record: &SortRecord<'_>) {
        let bytes = record.bytes();
        if !self.has_room(record) {
            self.tail.push(Vec::with_capacity(bytes.max(CHUNK)));
        }
        if let Some(piece) = self.tail.last_mut() {
            record.write(piece);
            self.held += bytes;
        }
    }

    /// Whether the newest piece in memory has room for a record.
    pub(super) fn has_room(&self, record: &SortRecord<'_>) -> bool {
        self.tail.last().is_some_and(|piece| piece.capacity() - piece.len() >= record.bytes())
    }

    /// How many bytes of it are in memory.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Moves what is in memory to the scratch file.
    pub(super) fn spill(&mut self, scratch: &Scratch) -> io::Result<()> {
        for piece in &self.tail {
            self.segments.push(scratch.append(piece)?);
        }
        // One piece is kept for what follows.
        self.tail.truncate(1);
        self.tail.iter_mut().for_each(Vec::clear);
        self.held = 0;
        Ok(())
    }

    /// Gives back the memory that it does not need.
    pub(super) fn shrink(&mut self) {
        self.tail.retain(|piece| !piece.is_empty());
    }

    /// A reader of the run, at its first record in this direction.
    pub(super) fn read(self, direction: Direction, scratch: &Scratch) -> io::Result<RunReader> {
        let mut reader = RunReader {
            direction,
            segments: self.segments.into_iter(),
            segment: 0..0,
            tail: self.tail.into_iter(),
            buffer: Vec::new(),
            at: 0,
            filled: 0,
            starts: Vec::new(),
            key: None,
        };
        reader.step(scratch)?;
        Ok(reader)
    }
}

impl RunReader {
    /// The current record; none at the end.
    pub(super) fn record(&self) -> Option<SortRecord<'_>> {
        let key = self.key?;
        let start = self.at + SortKey::BYTES;
        Some(SortRecord { key, text: self.buffer.get(start..start + key.len())? })
    }

    /// Moves to the next record.
    pub(super) fn advance(&mut self, scratch: &Scratch) -> io::Result<()> {
        if let Some(key) = self.key.take() {
            self.at += SortKey::BYTES + key.len();
        }
        self.step(scratch)
    }

    fn step(&mut self, scratch: &Scratch) -> io::Result<()> {
        match self.direction {
            Direction::Forwards => self.load(scratch),
            Direction::Backwards => self.load_before(scratch),
        }
    }

    /// Reads the record before the last one that was read; pieces are read whole, from the last to the first.
    fn load_before(&mut self, scratch: &Scratch) -> io::Result<()> {
        while self.starts.is_empty() {
            if let Some(piece) = self.tail.next_back() {
                (self.filled, self.buffer) = (piece.len(), piece);
            } else if let Some(segment) = self.segments.next_back() {
                self.filled = usize::try_from(segment.end - segment.start).unwrap_or(usize::MAX);
                if self.buffer.len() < self.filled {
                    self.buffer.resize(self.filled, 0);
                }
                scratch.read(&mut self.buffer[..self.filled], segment.start)?;
            } else {
                return Ok(());
            }
            let mut at = 0;
            while at < self.filled {
                self.starts.push(at);
                at += SortKey::BYTES + SortKey::read(&self.buffer[at..self.filled])?.len();
            }
        }
        if let Some(start) = self.starts.pop() {
            self.at = start;
            self.key = Some(SortKey::read(&self.buffer[start..])?);
        }
        Ok(())
    }

    /// Reads the record at `at`.
    fn load(&mut self, scratch: &Scratch) -> io::Result<()> {
        if !self.have(SortKey::BYTES, scratch)? {
            return Ok(());
        }
        let key = SortKey::read(&self.buffer[self.at..])?;
        if !self.have(SortKey::BYTES + key.len(), scratch)? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.key = Some(key);
        Ok(())
    }

    /// Makes `count` bytes from `at` on available; false at the end of the run.
    fn have(&mut self, count: usize, scratch: &Scratch) -> io::Result<bool> {
        while self.filled - self.at < count {
            if self.segment.is_empty() {
                // Segments and pieces hold whole records, so that nothing is left of the one before.
                match self.segments.next() {
                    Some(next) => self.segment = next,
                    None => match self.tail.next() {
                        Some(piece) => {
                            (self.at, self.filled) = (0, piece.len());
                            self.buffer = piece;
                            continue;
                        }
                        None => return Ok(false),
                    },
                }
            }
            self.buffer.copy_within(self.at..self.filled, 0);
            self.filled -= mem::take(&mut self.at);
            if self.buffer.len() < count.max(CHUNK) {
                self.buffer.resize(count.max(CHUNK), 0);
            }
            let left = usize::try_from(self.segment.end - self.segment.start).unwrap_or(usize::MAX);
            let more = left.min(self.buffer.len() - self.filled);
            scratch.read(&mut self.buffer[self.filled..self.filled + more], self.segment.start)?;
            self.segment.start += more as u64;
            self.filled += more;
        }
        Ok(true)
    }
}
